//! Numbers into fine cells: the candidates for cuts.

use super::{counts::Counts, ranks::Ranks};

/// The most cells that a column of numbers is first cut into.
const CELLS_MAX: usize = 64;

/// The most leaves of the tree whose cuts are taken too.
const LEAVES_MAX: usize = 20;

/// Fine cells of a column, ascending, each holding whole runs of equal values.
#[derive(Debug)]
pub struct Cells {
    /// Goods and bads of each cell.
    pub counts: Vec<Counts>,
    /// Rows without a value.
    pub missing: Counts,
    /// The distinct values, ascending.
    values: Vec<f64>,
    /// For each cell how many distinct values lie in it and before it.
    ends: Vec<usize>,
}

impl Cells {
    /// Cuts the rows at the positions `rows` into at most [`CELLS_MAX`] cells of about equal frequency, and also where a
    /// classification tree would cut them: the first is fair to all shapes, the second finds the places where the bad
    /// rate jumps.
    pub fn new(ranks: &Ranks, bad: &[bool], rows: &[usize], rows_min: u32) -> Self {
        let (distinct, missing) = ranks.counts(bad, rows);
        let mut sums = Vec::with_capacity(distinct.len() + 1);
        sums.push(Counts::default());
        for (_, counts) in &distinct {
            sums.push(sums[sums.len() - 1] + *counts);
        }
        let mut ends = by_frequency(&sums);
        if ends.len() < distinct.len() {
            ends.extend(by_tree(&sums, rows_min.max(1)));
            ends.sort_unstable();
            ends.dedup();
        }
        let starts = [0].into_iter().chain(ends.iter().copied());
        let counts = starts.zip(&ends).map(|(from, to)| sums[*to] - sums[from]).collect();
        Self { counts, missing, values: distinct.into_iter().map(|(value, _)| value).collect(), ends }
    }

    /// The bins of a partition of the cells: for each the number below which its values lie (`None` for the last) and
    /// its counts.
    pub fn bins(&self, ends: &[usize]) -> Vec<(Option<f64>, Counts)> {
        let starts = [0].into_iter().chain(ends.iter().copied());
        let bin = |(from, to): (usize, usize)| {
            let counts = self.counts[from..to].iter().fold(Counts::default(), |sum, cell| sum + *cell);
            (self.cut(self.ends[to - 1]), counts)
        };
        starts.zip(ends.iter().copied()).map(bin).collect()
    }

    /// The cut between the values before position `to` and those from it on; `None` after the last.
    fn cut(&self, to: usize) -> Option<f64> {
        Some(readable_cut(*self.values.get(to.checked_sub(1)?)?, *self.values.get(to)?))
    }
}

/// Ends of cells with about equal numbers of rows, or of one value each where there are few. `sums` are the counts before
/// each distinct value, and of all of them.
fn by_frequency(sums: &[Counts]) -> Vec<usize> {
    let distinct = sums.len() - 1;
    if distinct <= CELLS_MAX {
        return (1..=distinct).collect();
    }
    let target = sums[distinct].rows().div_ceil(CELLS_MAX as u32);
    let mut ends = Vec::with_capacity(CELLS_MAX);
    let mut from = 0;
    for to in 1..=distinct {
        if (sums[to] - sums[from]).rows() >= target || to == distinct {
            ends.push(to);
            from = to;
        }
    }
    ends
}

/// Ends of the leaves of a classification tree over the values (CART: Breiman and others 1984): the leaf whose best cut
/// lowers the Gini impurity most is cut next, until there are [`LEAVES_MAX`] or no cut leaves `rows_min` rows on both
/// sides.
fn by_tree(sums: &[Counts], rows_min: u32) -> Vec<usize> {
    struct Leaf {
        from: usize,
        to: usize,
        cut: Option<(f64, usize)>,
    }
    let leaf = |from, to| Leaf { from, to, cut: best_cut(sums, from, to, rows_min) };
    let mut leaves = vec![leaf(0, sums.len() - 1)];
    while leaves.len() < LEAVES_MAX {
        let gain = |leaf: &Leaf| leaf.cut.map_or(f64::NEG_INFINITY, |(gain, _)| gain);
        let Some(best) = (0..leaves.len()).max_by(|a, b| gain(&leaves[*a]).total_cmp(&gain(&leaves[*b]))) else {
            break;
        };
        let Some((_, at)) = leaves[best].cut else { break };
        let Leaf { from, to, .. } = leaves.swap_remove(best);
        leaves.push(leaf(from, at));
        leaves.push(leaf(at, to));
    }
    leaves.iter().map(|leaf| leaf.to).collect()
}

/// The cut of the values from `from` to `to` that lowers the Gini impurity most, where one does, and by how much.
fn best_cut(sums: &[Counts], from: usize, to: usize, rows_min: u32) -> Option<(f64, usize)> {
    // Twice the sum of the leaves' impurities, each times its rows, is Σ goods × bads / rows.
    let impurity = |counts: Counts| f64::from(counts.goods) * f64::from(counts.bads) / f64::from(counts.rows());
    let whole = impurity(sums[to] - sums[from]);
    let mut best: Option<(f64, usize)> = None;
    for at in from + 1..to {
        let (first, second) = (sums[at] - sums[from], sums[to] - sums[at]);
        if first.rows() < rows_min {
            continue;
        }
        if second.rows() < rows_min {
            break;
        }
        let gain = whole - impurity(first) - impurity(second);
        if gain > best.map_or(0.0, |(gain, _)| gain) {
            best = Some((gain, at));
        }
    }
    best
}

/// The most digits after the point that a cut is given to be readable.
const CUT_DIGITS_MAX: i32 = 12;

/// A number with few digits in `(below, above]`, so that `value < cut` parts the two: of the shortest
/// ones the nearest to the middle.
fn readable_cut(below: f64, above: f64) -> f64 {
    let middle = below + (above - below) / 2.0;
    for digits in -9..=CUT_DIGITS_MAX {
        let step = power_of_ten(digits.unsigned_abs());
        let rounded = if digits < 0 { (middle / step).round() * step } else { (middle * step).round() / step };
        if rounded > below && rounded <= above {
            return rounded;
        }
    }
    above
}

fn power_of_ten(exponent: u32) -> f64 {
    (0..exponent).fold(1.0, |power, _| power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cut must send `below` to the left and `above` to the right; worked by hand.
    #[test]
    fn cuts_are_readable_and_part_their_neighbours() {
        assert_eq!(readable_cut(11.0, 12.0), 12.0);
        assert_eq!(readable_cut(1371.0, 1382.0), 1380.0);
        assert_eq!(readable_cut(-0.25, 0.5), 0.0);
        assert_eq!(readable_cut(0.121, 0.124), 0.123);
        for (below, above) in [(1.0, 1.0 + f64::EPSILON), (-5.0, -4.999), (1e300, 2e300), (3e-13, 4e-13)] {
            let cut = readable_cut(below, above);
            assert!(below < cut && cut <= above, "{below} {cut} {above}");
        }
    }

    #[test]
    fn equal_values_never_lie_in_two_cells() {
        let numbers: Vec<f64> = (0..1000).map(|i| f64::from(i / 7 % 90)).collect();
        let bad: Vec<bool> = (0..1000).map(|i| i % 3 == 0).collect();
        let rows: Vec<usize> = (0..1000).collect();
        let cells = Cells::new(&Ranks::new(&numbers), &bad, &rows, 50);
        assert!(cells.counts.len() <= CELLS_MAX + LEAVES_MAX);
        assert!(cells.values.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(cells.ends.last(), Some(&cells.values.len()));
        assert_eq!(cells.counts.iter().map(|counts| counts.rows()).sum::<u32>(), 1000);
    }

    /// 2,000 values of which the lowest 150 are mostly bad: cells of equal frequency hold 32 values, so that none ends
    /// there, and the tree's first cut does: to one side of it nine in ten are bad, to the other one in ten.
    #[test]
    fn a_cell_ends_where_the_bad_rate_jumps() {
        let numbers: Vec<f64> = (0..2000).map(f64::from).collect();
        let bad: Vec<bool> = (0..2000).map(|i| if i < 150 { i % 10 != 0 } else { i % 10 == 0 }).collect();
        let rows: Vec<usize> = (0..2000).collect();
        let cells = Cells::new(&Ranks::new(&numbers), &bad, &rows, 100);
        // Value 150 is bad (a multiple of ten), so the purest cut lies after it.
        let at = cells.ends.iter().position(|end| *end == 151).expect("a cell ends at the jump") + 1;
        let bins = cells.bins(&[at, cells.counts.len()]);
        assert_eq!(bins[0], (Some(151.0), Counts { goods: 15, bads: 136 }));
        assert_eq!(bins[1].0, None);
        let large = Cells::new(&Ranks::new(&numbers), &bad, &rows, 155);
        assert!(!large.ends.contains(&151), "no leaf may be smaller than a bin");
    }
}
