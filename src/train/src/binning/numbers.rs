//! Numbers into fine cells: the candidates for cuts.

use std::ops::Range;

use super::counts::Counts;

/// The most cells that a column of numbers is first cut into.
const CELLS_MAX: usize = 64;

/// How often all cuts are looked at again after one of them moved.
const PASSES_MAX: usize = 8;

/// Fine cells of a column, ascending, each holding whole runs of equal values.
#[derive(Debug)]
pub struct Cells {
    /// Goods and bads of each cell.
    pub counts: Vec<Counts>,
    /// Rows without a value.
    pub missing: Counts,
    /// The distinct values, ascending.
    values: Vec<f64>,
    /// Goods and bads before each distinct value, and of all of them.
    sums: Vec<Counts>,
    /// For each cell how many distinct values lie in it and before it.
    ends: Vec<usize>,
}

impl Cells {
    /// Cuts the rows at the positions `rows` into at most [`CELLS_MAX`] cells of about equal frequency.
    pub fn new(numbers: &[f64], bad: &[bool], rows: &[usize]) -> Self {
        let mut missing = Counts::default();
        let mut present: Vec<(f64, bool)> = Vec::with_capacity(rows.len());
        for row in rows {
            match numbers[*row] {
                number if number.is_nan() => missing.add_row(bad[*row]),
                number => present.push((number, bad[*row])),
            }
        }
        present.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let distinct = distinct_values(&present);
        let target = if distinct.len() <= CELLS_MAX { 1 } else { present.len().div_ceil(CELLS_MAX) as u32 };
        let mut cells = Self { counts: Vec::new(), missing, values: Vec::new(), sums: Vec::new(), ends: Vec::new() };
        let (mut sum, mut cell) = (Counts::default(), Counts::default());
        cells.sums.push(sum);
        for (value, counts) in distinct {
            (sum, cell) = (sum + counts, cell + counts);
            cells.values.push(value);
            cells.sums.push(sum);
            if cell.rows() >= target {
                cells.counts.push(cell);
                cells.ends.push(cells.values.len());
                cell = Counts::default();
            }
        }
        if cell.rows() > 0 {
            cells.counts.push(cell);
            cells.ends.push(cells.values.len());
        }
        cells
    }

    /// The bins of a partition of the cells, with their cuts moved to the best place between the neighbouring cells:
    /// for each bin the number below which its values lie (`None` for the last) and its counts.
    ///
    /// A cut is moved only where that adds more than `hurdle` (the best of many places is always a little better by
    /// chance), leaves both its bins large enough and keeps how their bad rates compare with each other and with their
    /// neighbours', so the trend stays what it was.
    pub fn bins(&self, ends: &[usize], totals: Counts, rows_min: u32, hurdle: f64) -> Vec<(Option<f64>, Counts)> {
        let mut cuts: Vec<usize> = [0].into_iter().chain(ends.iter().map(|end| self.ends[end - 1])).collect();
        for _ in 0..PASSES_MAX {
            let before = cuts.clone();
            for (at, end) in ends.iter().enumerate().take(ends.len() - 1) {
                // From the cell before the cut to the one after it.
                let low = if *end >= 2 { self.ends[end - 2] } else { 0 };
                let places = low + 1..self.ends[*end];
                if let Some(place) = self.better_place(&cuts, at + 1, places, (totals, rows_min, hurdle)) {
                    cuts[at + 1] = place;
                }
            }
            if cuts == before {
                break;
            }
        }
        cuts.windows(2).map(|pair| (self.cut(pair[1]), self.bin(pair[0], pair[1]))).collect()
    }

    fn bin(&self, from: usize, to: usize) -> Counts {
        self.sums[to] - self.sums[from]
    }

    fn better_place(
        &self,
        cuts: &[usize],
        at: usize,
        places: Range<usize>,
        (totals, rows_min, hurdle): (Counts, u32, f64),
    ) -> Option<usize> {
        let (start, end) = (cuts[at - 1], cuts[at + 1]);
        let left = at.checked_sub(2).and_then(|left| cuts.get(left)).map(|from| self.bin(*from, start));
        let right = cuts.get(at + 2).map(|to| self.bin(end, *to));
        // How the bad rates of the bins around the cut compare.
        let order = |first: Counts, second: Counts| {
            let left = left.map(|left| first.compare_rate(left));
            (left, second.compare_rate(first), right.map(|right| right.compare_rate(second)))
        };
        let worth = |first: Counts, second: Counts| first.information(totals) + second.information(totals);
        let parts = |place: usize| (self.bin(start, place), self.bin(place, end));
        let (first, second) = parts(cuts[at]);
        let (kept, mut best) = (order(first, second), worth(first, second) + hurdle);
        let mut found = None;
        for place in places.start.max(start + 1)..places.end.min(end) {
            let (first, second) = parts(place);
            let large = first.rows() >= rows_min && second.rows() >= rows_min;
            if large && worth(first, second) > best && order(first, second) == kept {
                best = worth(first, second);
                found = Some(place);
            }
        }
        found
    }

    /// The cut between the values before position `to` and those from it on; `None` after the last.
    fn cut(&self, to: usize) -> Option<f64> {
        Some(readable_cut(*self.values.get(to.checked_sub(1)?)?, *self.values.get(to)?))
    }
}

fn distinct_values(present: &[(f64, bool)]) -> Vec<(f64, Counts)> {
    let mut distinct: Vec<(f64, Counts)> = Vec::new();
    for (value, bad) in present {
        match distinct.last_mut() {
            // `==` takes -0.0 and 0.0 as one, as the scorecard does.
            Some((last, counts)) if last == value => counts.add_row(*bad),
            _ => {
                let mut counts = Counts::default();
                counts.add_row(*bad);
                distinct.push((*value, counts));
            }
        }
    }
    distinct
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
        let cells = Cells::new(&numbers, &bad, &rows);
        assert!(cells.counts.len() <= CELLS_MAX);
        assert!(cells.values.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(cells.ends.last(), Some(&cells.values.len()));
        assert_eq!(cells.counts.iter().map(|counts| counts.rows()).sum::<u32>(), 1000);
    }

    /// 2,000 values of which the lowest 151 are mostly bad: the best cut lies within a cell (each holds 32 values or
    /// so) and is found to the value. Moving it further either way mixes goods and bads.
    #[test]
    fn a_cut_is_moved_to_the_very_value() {
        let numbers: Vec<f64> = (0..2000).map(f64::from).collect();
        let bad: Vec<bool> = (0..2000).map(|i| if i < 150 { i % 10 != 0 } else { i % 10 == 0 }).collect();
        let rows: Vec<usize> = (0..2000).collect();
        let cells = Cells::new(&numbers, &bad, &rows);
        let totals = cells.counts.iter().fold(Counts::default(), |sum, cell| sum + *cell);
        let coarse = cells.ends.iter().position(|end| *end >= 151).unwrap() + 1;
        assert!(cells.ends[coarse - 1] > 151, "the edge of a cell would need no moving");
        let bins = cells.bins(&[coarse, cells.counts.len()], totals, 100, 0.0);
        assert_eq!(bins[0], (Some(151.0), Counts { goods: 15, bads: 136 }));
        let too_large = cells.bins(&[coarse, cells.counts.len()], totals, 155, 0.0);
        assert!(too_large[0].1.rows() >= 155);
        let unmoved = cells.bins(&[coarse, cells.counts.len()], totals, 100, 10.0);
        assert_eq!(unmoved[0].1.rows() as usize, cells.ends[coarse - 1]);
    }
}
