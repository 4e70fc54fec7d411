//! Numbers into fine cells: the candidates for cuts.

use super::counts::Counts;

/// The most cells that a column of numbers is first cut into.
const CELLS_MAX: usize = 64;

/// Fine cells of a column, ascending, each holding whole runs of equal values.
#[derive(Debug)]
pub struct Cells {
    /// Goods and bads of each cell.
    pub counts: Vec<Counts>,
    /// Rows without a value.
    pub missing: Counts,
    /// The smallest and largest value of each cell.
    ranges: Vec<(f64, f64)>,
}

impl Cells {
    /// Cuts the rows at the positions `rows` into at most [`CELLS_MAX`] cells of about equal frequency.
    pub fn new(numbers: &[f64], bad: &[bool], rows: &[usize]) -> Self {
        let mut cells = Self { counts: Vec::new(), missing: Counts::default(), ranges: Vec::new() };
        let mut present: Vec<(f64, bool)> = Vec::with_capacity(rows.len());
        for row in rows {
            match numbers[*row] {
                number if number.is_nan() => cells.missing.add_row(bad[*row]),
                number => present.push((number, bad[*row])),
            }
        }
        present.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let distinct = distinct_values(&present);
        let target = if distinct.len() <= CELLS_MAX { 1 } else { present.len().div_ceil(CELLS_MAX) as u32 };
        let mut open = false;
        for (value, counts) in distinct {
            match (cells.counts.last_mut(), cells.ranges.last_mut()) {
                (Some(last), Some(range)) if open => {
                    *last = *last + counts;
                    range.1 = value;
                }
                _ => {
                    cells.counts.push(counts);
                    cells.ranges.push((value, value));
                }
            }
            open = cells.counts.last().is_some_and(|last| last.rows() < target);
        }
        cells
    }

    /// The cut between the cells before position `to` and those from it on; `None` after the last.
    pub fn cut(&self, to: usize) -> Option<f64> {
        let above = self.ranges.get(to)?.0;
        let below = self.ranges.get(to.checked_sub(1)?)?.1;
        Some(readable_cut(below, above))
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
        assert!(cells.ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        assert_eq!(cells.counts.iter().map(|counts| counts.rows()).sum::<u32>(), 1000);
    }
}
