//! A compiled decision table: rows of cells over feature indexes, and how many rows may hit.

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use super::{
    cell::Cell,
    value::{Feature, FeatureValue},
};

/// The most cells (rows × columns) in one table.
pub const CELLS_PER_TABLE_MAX: usize = 100_000;

/// Which of the matching rows count (OMG DMN 1.5, section 8.2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum HitPolicy {
    /// The first matching row in the table's order.
    First,
    /// At most one row may match; two are an error.
    Unique,
    /// All matching rows, in the table's order.
    Collect,
}

/// Two rows matched in a table whose hit policy is `unique`; row numbers count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUnique {
    /// The first matching row.
    pub first: usize,
    /// The second.
    pub second: usize,
}

/// A compiled table. Rows are numbered from 0 here and from 1 in messages.
#[derive(Clone, Debug)]
pub struct Table {
    hit: HitPolicy,
    columns: Vec<u16>,
    rows: usize,
    /// Row by row, one cell a column.
    cells: Vec<Cell>,
}

impl Table {
    /// Puts a table together; every row must have one cell a column.
    #[must_use]
    pub fn new(hit: HitPolicy, columns: Vec<u16>, rows: Vec<Vec<Cell>>) -> Option<Self> {
        let width = columns.len();
        if rows.iter().any(|row| row.len() != width) {
            return None;
        }
        Some(Self { hit, columns, rows: rows.len(), cells: rows.into_iter().flatten().collect() })
    }

    /// The features of the columns, by index into the schema.
    #[must_use]
    pub fn columns(&self) -> &[u16] {
        &self.columns
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The hit policy.
    #[must_use]
    pub fn hit(&self) -> HitPolicy {
        self.hit
    }

    /// One row's cells.
    #[must_use]
    pub fn row(&self, row: usize) -> &[Cell] {
        let width = self.columns.len();
        self.cells.get(row * width..(row + 1) * width).unwrap_or_default()
    }

    /// Whether any column holds a weak value, so that asking without it can differ.
    #[must_use]
    pub fn touches_weak(&self, features: &[Feature]) -> bool {
        self.columns.iter().any(|column| features.get(usize::from(*column)).is_some_and(|feature| feature.weak))
    }

    /// Calls `hit` with each row that counts. With `trusted_only`, weak values count as not asked.
    ///
    /// # Errors
    /// [`NotUnique`] where the hit policy is `unique` and two rows match.
    pub fn ask(&self, features: &[Feature], trusted_only: bool, mut hit: impl FnMut(usize)) -> Result<(), NotUnique> {
        let value = |column: u16| {
            let feature = features.get(usize::from(column)).copied().unwrap_or(Feature::NOT_ASKED);
            if trusted_only { feature.trusted() } else { feature.value }
        };
        let mut first = None;
        for row in 0..self.rows {
            if !self.row_matches(row, value) {
                continue;
            }
            match (self.hit, first) {
                (HitPolicy::First, _) => {
                    hit(row);
                    return Ok(());
                }
                (HitPolicy::Unique, Some(first)) => return Err(NotUnique { first: first + 1, second: row + 1 }),
                (HitPolicy::Unique, None) => first = Some(row),
                (HitPolicy::Collect, _) => hit(row),
            }
        }
        if let Some(row) = first {
            hit(row);
        }
        Ok(())
    }

    fn row_matches(&self, row: usize, value: impl Fn(u16) -> FeatureValue) -> bool {
        self.columns.iter().zip(self.row(row)).all(|(column, cell)| cell.matches(value(*column)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Domain, score::MissingKind};

    fn table(hit: HitPolicy, rows: &[&str]) -> Table {
        let rows = rows.iter().map(|text| vec![Cell::parse(text, Domain::Integer).unwrap()]).collect();
        Table::new(hit, vec![0], rows).unwrap()
    }

    fn hits(table: &Table, value: i64, weak: bool, trusted_only: bool) -> Result<Vec<usize>, NotUnique> {
        let mut hits = Vec::new();
        let features = [Feature { value: FeatureValue::Integer(value), weak }];
        table.ask(&features, trusted_only, |row| hits.push(row)).map(|()| hits)
    }

    #[test]
    fn the_hit_policy_says_which_matching_rows_count() {
        let rows = ["<10", "<20", ">=15"];
        assert_eq!(hits(&table(HitPolicy::First, &rows), 5, false, false), Ok(vec![0]));
        assert_eq!(hits(&table(HitPolicy::Collect, &rows), 17, false, false), Ok(vec![1, 2]));
        assert_eq!(hits(&table(HitPolicy::Unique, &rows), 12, false, false), Ok(vec![1]));
        assert_eq!(hits(&table(HitPolicy::Unique, &rows), 17, false, false), Err(NotUnique { first: 2, second: 3 }));
        assert_eq!(hits(&table(HitPolicy::First, &["<3"]), 5, false, false), Ok(vec![]));
    }

    #[test]
    fn without_weak_values_a_table_sees_them_as_not_asked() {
        let table = table(HitPolicy::First, &["<10", "not_asked", "-"]);
        assert_eq!(hits(&table, 5, true, false), Ok(vec![0]));
        assert_eq!(hits(&table, 5, true, true), Ok(vec![1]));
        assert_eq!(hits(&table, 5, false, true), Ok(vec![0]));
        assert_eq!(Feature::NOT_ASKED.value, FeatureValue::Missing(MissingKind::NotAsked));
    }
}
