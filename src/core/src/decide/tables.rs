//! Asking tables so that no weak value can work in the applicant's favour.
//!
//! Where a column holds a weak value, a table is asked twice: with it, and as if nobody had asked for it. The worse
//! answer counts. So a declared value may lower, refer or decline, and never does better than silence.

use crate::order::sort_short;
use std::vec::Vec;

use super::DecideError;
use crate::{
    bundle::{Bundle, CompiledTable, CompiledThen, tables::Verdict},
    policy::Feature,
};

/// What the eligibility tables, or some of them, said.
#[derive(Debug)]
pub(super) struct Eligibility {
    pub verdict: Verdict,
    /// Reasons of the rows that said it, as indexes into the catalogue, in descending precedence, each once.
    pub reasons: Vec<u16>,
}

/// Asks the eligibility tables in order, all or the public ones, and adds a trace line for each.
pub(super) fn eligibility(
    bundle: &Bundle,
    public_only: bool,
    features: &[Feature],
    trace: &mut Vec<String>,
) -> Result<Eligibility, DecideError> {
    let mut found: Vec<(Verdict, u16)> = Vec::new();
    for table in &bundle.compiled.eligibility {
        if public_only && !table.public {
            continue;
        }
        let mut rows: Vec<usize> = Vec::new();
        ask(table, features, false, &mut rows)?;
        if table.table.touches_weak(features) {
            ask(table, features, true, &mut rows)?;
        }
        sort_short(&mut rows, |a, b| a < b);
        rows.dedup();
        trace.push(line(table, &rows));
        for then in rows.iter().filter_map(|row| table.then.get(*row)) {
            found.extend(then.reason.map(|reason| (then.verdict, reason)));
        }
    }
    let verdict = found.iter().map(|(verdict, _)| *verdict).max().unwrap_or(Verdict::Pass);
    let mut reasons: Vec<u16> =
        found.into_iter().filter(|(said, _)| *said == verdict).map(|(_, reason)| reason).collect();
    // The catalogue's order is the precedence.
    sort_short(&mut reasons, |a, b| a < b);
    reasons.dedup();
    Ok(Eligibility { verdict, reasons })
}

fn line(table: &CompiledTable, rows: &[usize]) -> String {
    use core::fmt::Write;
    let mut line = format!("eligibility table={}", table.id);
    if rows.is_empty() {
        line.push_str(" rows=none");
    }
    for row in rows {
        let verdict = table.then.get(*row).map_or(Verdict::Pass, |then| then.verdict);
        // Writing to a string cannot fail.
        let _ = write!(line, " row={} {}", row + 1, verdict.name());
    }
    line
}

/// One answer of a table that must have one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// The row, from 1.
    pub row: usize,
    pub then: CompiledThen,
}

/// Asks with every value and without the weak ones.
///
/// Gives both answers; they are the same where no column is weak.
pub(super) fn both(table: &CompiledTable, features: &[Feature]) -> Result<(Answer, Answer), DecideError> {
    let with = one(table, features, false)?;
    let without = if table.table.touches_weak(features) { one(table, features, true)? } else { with };
    Ok((with, without))
}

fn one(table: &CompiledTable, features: &[Feature], trusted_only: bool) -> Result<Answer, DecideError> {
    let mut found = Vec::new();
    ask(table, features, trusted_only, &mut found)?;
    let answer = found.last().and_then(|row| Some(Answer { row: row + 1, then: *table.then.get(*row)? }));
    answer.ok_or_else(|| DecideError::TableNoRow(table.id.clone()))
}

#[inline(never)]
fn ask(
    table: &CompiledTable,
    features: &[Feature],
    trusted_only: bool,
    rows: &mut Vec<usize>,
) -> Result<(), DecideError> {
    table.table.ask(features, trusted_only, |row| rows.push(row)).map_err(|twice| DecideError::TableNotUnique {
        table: table.id.clone(),
        first: twice.first,
        second: twice.second,
    })
}
