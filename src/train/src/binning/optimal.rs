//! The best way to merge neighbouring cells into bins, by dynamic programming.
//!
//! Given cells in order (values or categories), find the partition into runs of neighbours that has
//! the most information value less a price for each bin, where every bin is large enough and the bad
//! rate follows a trend. Exact: over all such partitions, no solver and no search heuristics.

use std::cmp::Ordering;

use super::counts::Counts;

/// How the bad rate runs from the first bin to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Rises.
    Ascending,
    /// Falls.
    Descending,
    /// Rises, then falls.
    Peak,
    /// Falls, then rises.
    Valley,
    /// Anything.
    Free,
}

impl Trend {
    /// The name used in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
            Self::Peak => "peak",
            Self::Valley => "valley",
            Self::Free => "free",
        }
    }

    /// Phases that a partition can be in: before the turn and after it.
    fn phases(self) -> usize {
        if matches!(self, Self::Peak | Self::Valley) { 2 } else { 1 }
    }

    /// Whether a bin in phase `next` may follow one in phase `last` when its bad rate compares so.
    fn allows(self, last: usize, next: usize, rate: Ordering) -> bool {
        let (before, after) = match self {
            Self::Ascending => (Ordering::Greater, Ordering::Greater),
            Self::Descending => (Ordering::Less, Ordering::Less),
            Self::Peak => (Ordering::Greater, Ordering::Less),
            Self::Valley => (Ordering::Less, Ordering::Greater),
            Self::Free => return true,
        };
        last <= next && rate == if next == 0 { before } else { after }
    }
}

/// What every bin must keep to.
#[derive(Clone, Copy, Debug)]
pub struct Constraints {
    /// The fewest rows. What a bin really holds of either outcome is not asked: a bin of goods alone says more than
    /// any other, so a size that would hold enough of both at the average risk is what makes it trustworthy.
    pub rows_min: u32,
    /// The most bins.
    pub bins_max: usize,
    /// Information value that a bin must bring.
    pub price: f64,
}

/// A partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// For each bin the position after its last cell, ascending; the last is the number of cells.
    pub ends: Vec<usize>,
    /// Information value less the price of the bins.
    pub worth: f64,
}

/// The best partition of `cells` under `trend`, or `None` where none keeps to the constraints.
///
/// `totals` counts all rows, also those that are not in `cells` (missing ones). Among partitions of
/// equal worth the first found wins, in a fixed order.
#[must_use]
pub fn partition(cells: &[Counts], totals: Counts, trend: Trend, constraints: &Constraints) -> Option<Partition> {
    // Counting bins costs a dimension and is seldom needed: first without.
    let free = Program::new(cells, totals, trend, constraints, None).solve()?;
    if free.ends.len() <= constraints.bins_max {
        return Some(free);
    }
    Program::new(cells, totals, trend, constraints, Some(constraints.bins_max)).solve()
}

struct Program<'a> {
    trend: Trend,
    constraints: &'a Constraints,
    totals: Counts,
    /// Sums of the cells before each position.
    sums: Vec<Counts>,
    /// How many bins a partition may have where bins are counted; 1 where they are not.
    levels: usize,
    counted: bool,
    /// For each state the best worth; a state is a last bin (from, to), the phase, and how many bins there are, which
    /// stand side by side because they are looked at together.
    worths: Vec<f64>,
    /// For each state where the bin before the last one starts, twice, plus its phase; [`FIRST`] where there is none.
    before: Vec<u32>,
}

/// The last bin is also the first.
const FIRST: u32 = u32::MAX;

impl<'a> Program<'a> {
    fn new(
        cells: &[Counts],
        totals: Counts,
        trend: Trend,
        constraints: &'a Constraints,
        bins_max: Option<usize>,
    ) -> Self {
        let mut sum = Counts::default();
        let mut sums = vec![sum];
        for cell in cells {
            sum = sum + *cell;
            sums.push(sum);
        }
        let levels = bins_max.unwrap_or(1);
        let states = sums.len() * sums.len() * levels * trend.phases();
        let (worths, before) = (vec![f64::NEG_INFINITY; states], vec![FIRST; states]);
        Self { trend, constraints, totals, sums, levels, counted: bins_max.is_some(), worths, before }
    }

    /// The first of the states of a last bin in a phase: the one with the fewest bins.
    fn at(&self, from: usize, to: usize, phase: usize) -> usize {
        ((from * self.sums.len() + to) * self.trend.phases() + phase) * self.levels
    }

    fn bin(&self, from: usize, to: usize) -> Counts {
        self.sums[to] - self.sums[from]
    }

    fn large(&self, bin: Counts) -> bool {
        bin.rows() >= self.constraints.rows_min.max(1)
    }

    fn solve(mut self) -> Option<Partition> {
        let cells = self.sums.len() - 1;
        for to in 1..=cells {
            for from in 0..to {
                let bin = self.bin(from, to);
                // The later a bin starts the smaller it is.
                if !self.large(bin) {
                    break;
                }
                self.reach(from, to, bin);
            }
        }
        self.best(cells)
    }

    /// Fills the states whose last bin is (from, to), from those whose last bin ends at `from`.
    fn reach(&mut self, from: usize, to: usize, bin: Counts) {
        let gain = bin.information(self.totals) - self.constraints.price;
        if from == 0 {
            let at = self.at(from, to, 0);
            self.worths[at] = gain;
            return;
        }
        for start in 0..from {
            let other = self.bin(start, from);
            if !self.large(other) {
                break;
            }
            let rate = bin.compare_rate(other);
            for last in 0..self.trend.phases() {
                for next in 0..self.trend.phases() {
                    if self.trend.allows(last, next, rate) {
                        self.extend(
                            self.at(start, from, last),
                            self.at(from, to, next),
                            (start << 1 | last) as u32,
                            gain,
                        );
                    }
                }
            }
        }
    }

    /// Puts one more bin after the states from `source` on; a bin starts before its successor, so `source` stands before
    /// `target`.
    fn extend(&mut self, source: usize, target: usize, link: u32, gain: f64) {
        let more = usize::from(self.counted);
        let (sources, targets) = self.worths.split_at_mut(target);
        let sources = &sources[source..source + self.levels - more];
        let targets = &mut targets[more..self.levels];
        let links = &mut self.before[target + more..target + self.levels];
        for ((worth, target), before) in sources.iter().zip(targets).zip(links) {
            if worth + gain > *target {
                *target = worth + gain;
                *before = link;
            }
        }
    }

    fn best(&self, cells: usize) -> Option<Partition> {
        let mut best: Option<(f64, usize, usize, usize)> = None;
        for from in 0..cells {
            for phase in 0..self.trend.phases() {
                for level in 0..self.levels {
                    let worth = self.worths[self.at(from, cells, phase) + level];
                    if worth > best.map_or(f64::NEG_INFINITY, |(best, ..)| best) {
                        best = Some((worth, from, phase, level));
                    }
                }
            }
        }
        let (worth, mut from, mut phase, mut level) = best?;
        let mut to = cells;
        let mut ends = vec![to];
        loop {
            let link = self.before[self.at(from, to, phase) + level];
            if link == FIRST {
                break;
            }
            ends.push(from);
            (to, from, phase, level) = (from, (link >> 1) as usize, (link & 1) as usize, level.saturating_sub(1));
        }
        ends.reverse();
        Some(Partition { ends, worth })
    }
}
