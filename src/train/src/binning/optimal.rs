//! The best way to merge neighbouring cells into bins, by dynamic programming.
//!
//! Given cells in order (values or categories), find the partition into runs of neighbours that has
//! the most information value less a price for each bin, where every bin is large enough and the bad
//! rate follows a trend. Exact: over all such partitions, no solver and no search heuristics.

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

    /// For each phase the best state that a bin of bad rate `rate` may follow, and the link to it. `rates` are of the
    /// bins before it, `worths` of the states by their phase.
    fn successors(self, rates: &[f64], worths: [&[f64]; 2], rate: f64) -> [(f64, u32); 2] {
        let (rises, falls) = (|other: f64| other < rate, |other: f64| other > rate);
        let one = |found| [link(found, 0), (f64::NEG_INFINITY, FIRST)];
        match self {
            Self::Ascending => one(best_before(worths[0], rates, rises)),
            Self::Descending => one(best_before(worths[0], rates, falls)),
            Self::Free => one(best_before(worths[0], rates, |_| true)),
            Self::Peak => [link(best_before(worths[0], rates, rises), 0), after_turn(rates, worths, falls)],
            Self::Valley => [link(best_before(worths[0], rates, falls), 0), after_turn(rates, worths, rises)],
        }
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

impl Partition {
    /// The information value of the bins.
    #[must_use]
    pub fn information(&self, cells: &[Counts], totals: Counts) -> f64 {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        let bin = |(from, to): (usize, usize)| cells[from..to].iter().fold(Counts::default(), |sum, cell| sum + *cell);
        starts.zip(self.ends.iter().copied()).map(|ends| bin(ends).information(totals)).sum()
    }
}

/// The best partition of `cells` under `trend`, or `None` where none keeps to the constraints.
///
/// `totals` counts all rows, also those that are not in `cells` (missing ones). Among partitions of
/// equal worth the first found wins, in a fixed order.
#[must_use]
pub fn partition(cells: &[Counts], totals: Counts, trend: Trend, constraints: &Constraints) -> Option<Partition> {
    Program::new(cells, totals, constraints).solve(trend, constraints.bins_max)
}

/// All bins that neighbouring cells can make, and what each is worth: shared by the searches under different trends.
#[derive(Debug)]
pub struct Program {
    cells: usize,
    /// For each bin (from, to), at `to × (cells + 1) + from`, what it adds.
    gains: Vec<f64>,
    /// The same for its bad rate. A quotient of whole numbers below 2^26 is rounded to its nearest double, and two such
    /// quotients that differ do so by more than a double's step: comparing them is comparing the fractions.
    rates: Vec<f64>,
    /// For each end `to` how many starts, from 0 on, leave the bin large enough.
    starts: Vec<usize>,
}

/// The last bin is also the first.
const FIRST: u32 = u32::MAX;

/// The states of partitions of one number of bins, or of any number: a state is the last bin and the phase.
struct Layer {
    /// For each phase and bin the best worth.
    worths: [Vec<f64>; 2],
    /// For each where the bin before the last one starts, twice, plus its phase; [`FIRST`] where there is none.
    before: [Vec<u32>; 2],
}

impl Program {
    /// Values every bin.
    #[must_use]
    pub fn new(cells: &[Counts], totals: Counts, constraints: &Constraints) -> Self {
        let width = cells.len() + 1;
        let mut sums = vec![Counts::default()];
        for cell in cells {
            sums.push(sums[sums.len() - 1] + *cell);
        }
        let (mut gains, mut rates) = (vec![0.0; width * width], vec![0.0; width * width]);
        let mut starts = vec![0; width];
        for to in 1..width {
            for from in 0..to {
                let bin = sums[to] - sums[from];
                // The later a bin starts the smaller it is.
                if bin.rows() < constraints.rows_min.max(1) {
                    break;
                }
                gains[to * width + from] = bin.information(totals) - constraints.price;
                rates[to * width + from] = bin.rate();
                starts[to] = from + 1;
            }
        }
        Self { cells: cells.len(), gains, rates, starts }
    }

    /// The best partition into at most `bins_max` bins under a trend.
    #[must_use]
    pub fn solve(&self, trend: Trend, bins_max: usize) -> Option<Partition> {
        // Counting bins costs a search for each number of them and is seldom needed: first without.
        let free = self.search(trend, None)?;
        if free.ends.len() <= bins_max {
            return Some(free);
        }
        self.search(trend, Some(bins_max))
    }

    fn width(&self) -> usize {
        self.cells + 1
    }

    fn search(&self, trend: Trend, bins: Option<usize>) -> Option<Partition> {
        let mut layers = vec![self.layer(true)];
        match bins {
            None => self.grow(trend, &mut layers, 0),
            Some(bins) => {
                for last in 1..bins {
                    layers.push(self.layer(false));
                    self.grow(trend, &mut layers, last);
                }
            }
        }
        self.best(trend, &layers)
    }

    /// A layer in which nothing is reached but, where `first`, the partitions of one bin.
    fn layer(&self, first: bool) -> Layer {
        let size = self.width() * self.width();
        let mut layer = Layer {
            worths: [vec![f64::NEG_INFINITY; size], vec![f64::NEG_INFINITY; size]],
            before: [vec![FIRST; size], vec![FIRST; size]],
        };
        if first {
            for to in 1..self.width() {
                if self.starts[to] > 0 {
                    layer.worths[0][to * self.width()] = self.gains[to * self.width()];
                }
            }
        }
        layer
    }

    /// Puts one more bin after the states of the layer before `last`, or of the only layer.
    fn grow(&self, trend: Trend, layers: &mut [Layer], last: usize) {
        let width = self.width();
        for middle in 1..self.cells {
            let starts = self.starts[middle];
            if starts == 0 {
                continue;
            }
            let row = middle * width;
            let rates = &self.rates[row..row + starts];
            for to in middle + 1..width {
                if self.starts[to] <= middle {
                    continue;
                }
                let at = to * width + middle;
                let source = &layers[last.saturating_sub(1)];
                let worths = |phase: usize| &source.worths[phase][row..row + starts];
                let (rate, gain) = (self.rates[at], self.gains[at]);
                let found = trend.successors(rates, [worths(0), worths(1)], rate);
                for (phase, (worth, link)) in found.into_iter().enumerate() {
                    if worth > f64::NEG_INFINITY {
                        layers[last].worths[phase][at] = worth + gain;
                        layers[last].before[phase][at] = link;
                    }
                }
            }
        }
    }

    fn best(&self, trend: Trend, layers: &[Layer]) -> Option<Partition> {
        let width = self.width();
        let mut best: Option<(f64, usize, usize, usize)> = None;
        for from in 0..self.cells {
            for phase in 0..trend.phases() {
                for (level, layer) in layers.iter().enumerate() {
                    let worth = layer.worths[phase][self.cells * width + from];
                    if worth > best.map_or(f64::NEG_INFINITY, |(best, ..)| best) {
                        best = Some((worth, from, phase, level));
                    }
                }
            }
        }
        let (worth, mut from, mut phase, mut level) = best?;
        let mut to = self.cells;
        let mut ends = vec![to];
        loop {
            let link = layers[level].before[phase][to * width + from];
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

/// A best state as what comes after it keeps it.
fn link((worth, at): (f64, u32), phase: u32) -> (f64, u32) {
    (worth, if at == FIRST { FIRST } else { at << 1 | phase })
}

/// The best state that a bin after the turn may follow: the turn comes right before it, or came earlier.
fn after_turn(rates: &[f64], worths: [&[f64]; 2], allowed: impl Fn(f64) -> bool + Copy) -> (f64, u32) {
    let (before, after) = (best_before(worths[0], rates, allowed), best_before(worths[1], rates, allowed));
    if after.0 > before.0 { link(after, 1) } else { link(before, 0) }
}

/// The best of the states that `allowed` takes by the rate of their last bin, with its position.
fn best_before(worths: &[f64], rates: &[f64], allowed: impl Fn(f64) -> bool) -> (f64, u32) {
    let mut best = (f64::NEG_INFINITY, FIRST);
    for (at, (worth, rate)) in (0_u32..).zip(worths.iter().zip(rates)) {
        if *worth > best.0 && allowed(*rate) {
            best = (*worth, at);
        }
    }
    best
}
