//! The reconciliation of each business day that is over: its file is proved, and what a funder's own file differs in is
//! kept until it is explained and gone.

use std::collections::BTreeMap;

use prequal_core::calendar::Date;

use super::reconciliation::{self, BREAKS_MAX, Comparison};
use crate::{
    app::{App, new_id},
    jobs::{Done, Running},
    problem::{Kind, Problem},
    secret,
    storage::{
        Connection,
        breaks::{self as stored, FileRow, Row},
        group::Part,
    },
};

/// The longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 1_000;
/// Who closes what a later file of the funder does not differ in any more.
const COMPARISON: &str = "comparison";

/// The job: for every funder, the file of the day before the date, which nothing is booked on any more.
#[must_use]
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let day = date.min(app.today()?).add_days(-1).map_err(Problem::internal)?;
        let mut done = Done::default();
        for funder in app.settings.funders.iter() {
            done.changed += u64::from(keep(app, &funder.config.id, day).await?);
        }
        Ok(done)
    })
}

/// Keeps what proves the file of a funder and a day, once.
async fn keep(app: &App, funder: &str, day: Date) -> Result<bool, Problem> {
    let mut db = app.db.read().await?;
    if stored::file(&mut db, funder, &day.to_string()).await?.is_some() {
        return Ok(false);
    }
    let text = reconciliation::file(&mut db, funder, day).await?;
    drop(db);
    let row = FileRow {
        funder: funder.to_owned(),
        date: day.to_string(),
        sha256: secret::sha256_hex(&text),
        bytes: i64::try_from(text.len()).map_err(Problem::internal)?,
        loans: i64::try_from(reconciliation::count_loans(&text)).map_err(Problem::internal)?,
        created: app.now()?.to_string(),
    };
    let row = &row;
    app.db.write(|mut tx: Part| async move { Ok(stored::keep(&mut tx, row).await?) }).await
}

/// Keeps what a comparison found: what is new is open, what is found otherwise than before is open again, and what is
/// found no more is closed. Found again as it stood, nothing changes, so that a file may be sent twice.
///
/// # Errors
/// 500 when the database fails.
pub async fn note(
    db: &mut Connection,
    (funder, date): (&str, &str),
    found: &Comparison,
    now: &str,
) -> Result<(), Problem> {
    let before = stored::of_day(db, funder, date).await?;
    let mut before: BTreeMap<(String, String), Row> =
        before.into_iter().map(|row| ((row.loan.clone(), row.field.clone()), row)).collect();
    for one in &found.breaks {
        match before.remove(&(one.loan.clone(), one.column.clone())) {
            None => {
                let row = Row {
                    id: new_id(),
                    funder: funder.to_owned(),
                    date: date.to_owned(),
                    loan: one.loan.clone(),
                    field: one.column.clone(),
                    ours: one.ours,
                    theirs: one.theirs,
                    status: "open".to_owned(),
                    opened: now.to_owned(),
                    note_sealed: None,
                    changed: None,
                    changed_by: None,
                };
                stored::insert(db, &row).await?;
            }
            Some(row) if (row.ours, row.theirs) != (one.ours, one.theirs) || row.status == "closed" => {
                stored::found_again(db, &row.id, (one.ours, one.theirs), (COMPARISON, now)).await?;
            }
            Some(_) => {}
        }
    }
    // Of more than are told nobody knows whether one is gone.
    if found.breaks_count <= BREAKS_MAX {
        for row in before.into_values().filter(|row| row.status != "closed") {
            stored::set(db, &row.id, "closed", None, (COMPARISON, now)).await?;
        }
    }
    Ok(())
}

/// Explains a break, or closes it, with a note. Saying the same twice is saying it once.
///
/// # Errors
/// 404 where the funder has no such break; 409 where it is closed.
pub async fn explain(
    app: &App,
    db: &mut Connection,
    (funder, id): (&str, &str),
    (note, close): (&str, bool),
    (by, now): (&str, &str),
) -> Result<Row, Problem> {
    let row = stored::find(db, funder, id).await?.ok_or_else(Problem::not_found)?;
    let status = if close { "closed" } else { "explained" };
    let same = row.status == status && note_of(app, &row)?.as_deref() == Some(note);
    if same {
        return Ok(row);
    }
    if row.status == "closed" {
        return Err(Problem::new(Kind::WrongState, "the break is closed"));
    }
    let sealed = app.vault.seal_reference(id, note.as_bytes());
    stored::set(db, id, status, Some(&sealed), (by, now)).await?;
    stored::find(db, funder, id).await?.ok_or_else(Problem::not_found)
}

/// What was noted of a break.
///
/// # Errors
/// 500 where it cannot be read.
pub fn note_of(app: &App, row: &Row) -> Result<Option<String>, Problem> {
    let Some(sealed) = &row.note_sealed else { return Ok(None) };
    let note = app.vault.open_reference(&row.id, sealed).map_err(Problem::internal)?;
    String::from_utf8(note).map(Some).map_err(Problem::internal)
}
