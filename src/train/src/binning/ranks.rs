//! A column of numbers sorted once, for every fit that looks at some of its rows.

use super::counts::Counts;

/// The rank of a missing value.
pub const MISSING: u32 = u32::MAX;

/// The distinct values of a column, and where each row stands among them. Made of all rows, and so only a way to find
/// things: what a fit takes from it are counts over its own rows.
#[derive(Clone, Debug)]
pub struct Ranks {
    values: Vec<f64>,
    ranks: Vec<u32>,
}

impl Ranks {
    /// Sorts a column; NaN is missing. `-0.0` and `0.0` are one value, as in the scorecard.
    #[must_use]
    pub fn new(numbers: &[f64]) -> Self {
        let mut order: Vec<(f64, u32)> =
            numbers.iter().copied().zip(0..).filter(|(number, _)| !number.is_nan()).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut values: Vec<f64> = Vec::new();
        let mut ranks = vec![MISSING; numbers.len()];
        for (number, row) in order {
            if values.last() != Some(&number) {
                values.push(number);
            }
            ranks[row as usize] = values.len() as u32 - 1;
        }
        Self { values, ranks }
    }

    /// The values that occur among the rows at the positions `rows`, ascending, with their goods and bads; and those of
    /// the rows without a value.
    #[must_use]
    pub fn counts(&self, bad: &[bool], rows: &[usize]) -> (Vec<(f64, Counts)>, Counts) {
        let mut missing = Counts::default();
        let mut counts = vec![Counts::default(); self.values.len()];
        for row in rows {
            match self.ranks[*row] {
                MISSING => missing.add_row(bad[*row]),
                rank => counts[rank as usize].add_row(bad[*row]),
            }
        }
        let occurring = self.values.iter().copied().zip(counts).filter(|(_, counts)| counts.rows() > 0);
        (occurring.collect(), missing)
    }

    /// For every row the number of `cuts` at or below its value; `missing` where it has none. `cuts` ascend.
    #[must_use]
    pub fn places(&self, cuts: &[f64], missing: u16) -> Vec<u16> {
        let mut place_of = Vec::with_capacity(self.values.len());
        let mut place = 0;
        for value in &self.values {
            while cuts.get(place).is_some_and(|cut| cut <= value) {
                place += 1;
            }
            place_of.push(place as u16);
        }
        self.ranks.iter().map(|rank| place_of.get(*rank as usize).copied().unwrap_or(missing)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_of_the_rows_asked_for_and_of_no_other() {
        let ranks = Ranks::new(&[3.0, f64::NAN, 0.0, -0.0, 3.0, 7.0]);
        let bad = [true, true, false, true, false, true];
        let one = |goods, bads| Counts { goods, bads };
        assert_eq!(
            ranks.counts(&bad, &[0, 1, 2, 3, 4, 5]),
            (vec![(0.0, one(1, 1)), (3.0, one(1, 1)), (7.0, one(0, 1))], one(0, 1))
        );
        assert_eq!(ranks.counts(&bad, &[5, 2]), (vec![(0.0, one(1, 0)), (7.0, one(0, 1))], one(0, 0)));
    }

    /// A value that is a cut lies above it.
    #[test]
    fn places_are_counted_in_cuts_at_or_below() {
        let ranks = Ranks::new(&[3.0, f64::NAN, 0.5, 3.1, -9.0]);
        assert_eq!(ranks.places(&[0.0, 3.0, 3.05], 3), [2, 3, 1, 3, 0]);
        assert_eq!(ranks.places(&[], 0), [0, 0, 0, 0, 0]);
    }
}
