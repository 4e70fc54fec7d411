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
    /// Bins are counted up to this many; `None` does not count.
    levels: Option<usize>,
    /// For each state the best worth and the state before it; a state is a last bin (from, to), how
    /// many bins there are and the phase.
    states: Vec<State>,
}

#[derive(Clone, Copy)]
struct State {
    worth: f64,
    /// Where the bin before the last one starts, and its phase.
    before: Option<(usize, usize)>,
}

const UNREACHED: State = State { worth: f64::NEG_INFINITY, before: None };

impl<'a> Program<'a> {
    fn new(
        cells: &[Counts],
        totals: Counts,
        trend: Trend,
        constraints: &'a Constraints,
        levels: Option<usize>,
    ) -> Self {
        let mut sum = Counts::default();
        let mut sums = vec![sum];
        for cell in cells {
            sum = sum + *cell;
            sums.push(sum);
        }
        let states = vec![UNREACHED; sums.len() * sums.len() * levels.unwrap_or(1) * trend.phases()];
        Self { trend, constraints, totals, sums, levels, states }
    }

    fn at(&self, from: usize, to: usize, level: usize, phase: usize) -> usize {
        ((from * self.sums.len() + to) * self.levels.unwrap_or(1) + level) * self.trend.phases() + phase
    }

    fn bin(&self, from: usize, to: usize) -> Counts {
        self.sums[to] - self.sums[from]
    }

    fn solve(mut self) -> Option<Partition> {
        let cells = self.sums.len() - 1;
        for to in 1..=cells {
            for from in 0..to {
                let bin = self.bin(from, to);
                if bin.rows() >= self.constraints.rows_min.max(1) {
                    self.reach(from, to, bin);
                }
            }
        }
        self.best(cells)
    }

    /// Fills the states whose last bin is (from, to), from those whose last bin ends at `from`.
    fn reach(&mut self, from: usize, to: usize, bin: Counts) {
        let gain = bin.information(self.totals) - self.constraints.price;
        if from == 0 {
            let at = self.at(from, to, 0, 0);
            self.states[at] = State { worth: gain, before: None };
            return;
        }
        for start in 0..from {
            let rate = bin.compare_rate(self.bin(start, from));
            for last in 0..self.trend.phases() {
                for next in 0..self.trend.phases() {
                    if self.trend.allows(last, next, rate) {
                        self.extend(start, from, to, (last, next), gain);
                    }
                }
            }
        }
    }

    fn extend(&mut self, start: usize, from: usize, to: usize, (last, next): (usize, usize), gain: f64) {
        for level in 0..self.levels.unwrap_or(1) {
            let before_level = match (self.levels, level) {
                (None, _) => 0,
                (Some(_), 0) => continue,
                (Some(_), level) => level - 1,
            };
            let worth = self.states[self.at(start, from, before_level, last)].worth + gain;
            let at = self.at(from, to, level, next);
            if worth > self.states[at].worth {
                self.states[at] = State { worth, before: Some((start, last)) };
            }
        }
    }

    fn best(&self, cells: usize) -> Option<Partition> {
        let mut best: Option<(f64, usize, usize, usize)> = None;
        for from in 0..cells {
            for level in 0..self.levels.unwrap_or(1) {
                for phase in 0..self.trend.phases() {
                    let worth = self.states[self.at(from, cells, level, phase)].worth;
                    if worth > best.map_or(f64::NEG_INFINITY, |(best, ..)| best) {
                        best = Some((worth, from, level, phase));
                    }
                }
            }
        }
        let (worth, mut from, mut level, mut phase) = best?;
        let mut to = cells;
        let mut ends = vec![to];
        while let Some((start, last)) = self.states[self.at(from, to, level, phase)].before {
            ends.push(from);
            (to, from, phase, level) = (from, start, last, level.saturating_sub(1));
        }
        ends.reverse();
        Some(Partition { ends, worth })
    }
}
