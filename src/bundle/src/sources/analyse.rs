//! What a table says in every case: rows that are never reached, cases that no row takes, cases that two rows take
//! where one may.
//!
//! The values of each column fall into classes that no cell tells apart; a table is walked over all combinations of
//! classes, so the answer is exact and not a sample.

use prequal_core::{
    bundle::features::{FeatureKind, Source},
    policy::{Cell, FeatureValue, HitPolicy, Test},
    score::MissingKind,
};

use super::{
    Problem,
    files::TableRole,
    table::{Column, SourceTable},
};

/// Beyond so many combinations a table is too wide to be walked.
const COMBINATIONS_MAX: usize = 2_000_000;
/// Gaps and overlaps that are named in one table; more say the same thing.
const NAMED_MAX: usize = 3;

/// Rows as bits.
type Rows = Vec<u64>;

/// Values that no cell of the column tells apart.
struct Class {
    rows: Rows,
    /// One of the values, for messages.
    example: String,
}

/// Adds what is wrong with a table.
pub(super) fn check(table: &SourceTable, problems: &mut Vec<Problem>) {
    let columns: Vec<Vec<Class>> = (0..).zip(&table.columns).map(|(at, column)| classes(table, at, column)).collect();
    let combinations = columns.iter().map(Vec::len).try_fold(1_usize, usize::checked_mul);
    if combinations.is_none_or(|count| count > COMBINATIONS_MAX) {
        problems.push(Problem::of(
            &table.file,
            format!("has more than {COMBINATIONS_MAX} combinations of cases; split it into tables with fewer columns"),
        ));
        return;
    }
    let mut walk = Walk {
        table,
        columns: &columns,
        path: Vec::new(),
        reached: vec![false; table.lines.len()],
        gaps: 0,
        overlaps: Vec::new(),
        problems,
    };
    walk.from(0, &all(table.lines.len()));
    walk.unreached();
}

fn all(rows: usize) -> Rows {
    let mut bits = vec![0; rows.div_ceil(64)];
    for row in 0..rows {
        set(&mut bits, row);
    }
    bits
}

fn set(bits: &mut Rows, row: usize) {
    if let Some(word) = bits.get_mut(row / 64) {
        *word |= 1 << (row % 64);
    }
}

fn members(bits: &Rows) -> impl Iterator<Item = usize> {
    bits.iter()
        .enumerate()
        .flat_map(|(at, word)| (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit))
}

fn classes(table: &SourceTable, at: usize, column: &Column) -> Vec<Class> {
    let cells: Vec<&Cell> = table.cells.iter().filter_map(|row| row.get(at)).collect();
    let mut classes: Vec<Class> = Vec::new();
    for (value, example) in values(column, &cells) {
        let mut rows = vec![0; cells.len().div_ceil(64)];
        for (row, _) in cells.iter().enumerate().filter(|(_, cell)| cell.matches(value)) {
            set(&mut rows, row);
        }
        if !classes.iter().any(|class| class.rows == rows) {
            classes.push(Class { rows, example });
        }
    }
    classes
}

/// One value of each kind that the column can hold, with words for it.
fn values(column: &Column, cells: &[&Cell]) -> Vec<(FeatureValue, String)> {
    let id = &column.feature.id;
    let mut values = Vec::new();
    if column.is_number() {
        let lowest = if column.feature.kind == FeatureKind::Money { 0 } else { i64::MIN };
        let low = column.feature.min.unwrap_or(lowest);
        let high = column.feature.max.unwrap_or(i64::MAX);
        let mut starts = vec![low];
        for (from, to) in cells.iter().filter_map(|cell| ranges(cell)).flatten() {
            starts.push(*from);
            starts.extend(to.checked_add(1));
        }
        starts.retain(|start| (low..=high).contains(start));
        starts.sort_unstable();
        starts.dedup();
        values.extend(starts.into_iter().map(|start| (FeatureValue::Integer(start), number(column, start))));
    } else {
        let names = (0_u16..).zip(&column.categories);
        values.extend(names.map(|(index, name)| (FeatureValue::Category(index), format!("{id} = {name}"))));
    }
    for kind in missing_kinds(&column.feature.from) {
        values.push((FeatureValue::Missing(*kind), format!("{id} = {}", kind.name())));
    }
    values
}

fn number(column: &Column, value: i64) -> String {
    let id = &column.feature.id;
    let unit = if column.feature.kind == FeatureKind::Money { " minor units" } else { "" };
    if value == i64::MIN { format!("{id} very small") } else { format!("{id} = {value}{unit}") }
}

fn ranges<'c>(cell: &&'c Cell) -> Option<&'c Vec<(i64, i64)>> {
    match &cell.test {
        Test::Ranges(ranges) => Some(ranges),
        _ => None,
    }
}

/// How a value can be missing. A declared one also counts as not asked where it may not help.
fn missing_kinds(source: &Source) -> &'static [MissingKind] {
    match source {
        Source::Evidence(_) | Source::InstalmentToIncomePermille(_) => &MissingKind::ALL,
        Source::Field(_) | Source::AgeYears(_) => &[MissingKind::NotAsked, MissingKind::Invalid],
        Source::Engine(_) => &[],
    }
}

struct Walk<'a> {
    table: &'a SourceTable,
    columns: &'a [Vec<Class>],
    path: Vec<&'a str>,
    reached: Vec<bool>,
    gaps: usize,
    overlaps: Vec<(usize, usize)>,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Walk<'a> {
    fn from(&mut self, column: usize, rows: &Rows) {
        if rows.iter().all(|word| *word == 0) {
            self.gap();
            return;
        }
        let Some(classes) = self.columns.get(column) else {
            self.leaf(rows);
            return;
        };
        for class in classes {
            let both: Rows = rows.iter().zip(&class.rows).map(|(a, b)| a & b).collect();
            self.path.push(&class.example);
            self.from(column + 1, &both);
            self.path.pop();
        }
    }

    fn leaf(&mut self, rows: &Rows) {
        let mut hits = members(rows);
        let Some(first) = hits.next() else { return };
        let rest: Vec<usize> = hits.collect();
        self.reach(first);
        match self.table.definition.hit {
            HitPolicy::First => {}
            HitPolicy::Collect => rest.iter().for_each(|row| self.reach(*row)),
            HitPolicy::Unique => {
                for row in rest {
                    self.reach(row);
                    self.overlap(first, row);
                }
            }
        }
    }

    fn reach(&mut self, row: usize) {
        if let Some(reached) = self.reached.get_mut(row) {
            *reached = true;
        }
    }

    fn case(&self) -> String {
        if self.path.is_empty() { "any case".to_owned() } else { self.path.join(", ") }
    }

    fn gap(&mut self) {
        // No match in an eligibility table means that nothing stands against the applicant.
        if self.table.role == TableRole::Eligibility {
            return;
        }
        self.gaps += 1;
        if self.gaps <= NAMED_MAX {
            let message = format!("no row takes the case {}", self.case());
            self.problems.push(Problem::of(&self.table.file, message));
        }
    }

    fn overlap(&mut self, first: usize, second: usize) {
        if self.overlaps.contains(&(first, second)) || self.overlaps.len() >= NAMED_MAX {
            return;
        }
        self.overlaps.push((first, second));
        let line = |row: usize| self.table.lines.get(row).copied();
        let message = format!(
            "overlaps with line {} in the case {}, and the hit policy is `unique`",
            line(first).unwrap_or(0),
            self.case()
        );
        self.problems.push(Problem::at(&self.table.file, line(second), message));
    }

    fn unreached(&mut self) {
        let lines = self.table.lines.iter().zip(&self.reached).filter(|(_, reached)| !**reached);
        for (line, _) in lines {
            let message = "this row is never reached: other rows take all its cases, or no value meets its cells";
            self.problems.push(Problem::at(&self.table.file, Some(*line), message));
        }
    }
}
