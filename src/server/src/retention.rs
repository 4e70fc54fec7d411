//! Retention: what is past what it was kept for is erased, record by record; who has nothing left is erased whole.
//!
//! A record of a loan is never past its purpose while the loan is open: the contract is to be performed.

use prequal_core::calendar::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    jobs::{Done, Running},
    people,
    problem::Problem,
    rights,
    storage::{
        Connection,
        group::Part,
        persons,
        retention::{self, Purpose},
        suspense,
    },
};

/// How many records are erased in one transaction.
pub const BATCH_MAX: i64 = 100;

/// What is kept for a purpose, and for how long.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionPurpose)]
pub struct Kept {
    /// `application`, `contract` or `suspense`.
    purpose: &'static str,
    /// What that is.
    about: &'static str,
    /// For how many days it is kept; null for ever.
    days: Option<u32>,
    /// How many records are past it today and will be erased.
    due: i64,
}

/// Every purpose, with what is past it on a date.
///
/// # Errors
/// 500 when the database fails.
pub async fn overview(app: &App, db: &mut Connection, date: Date) -> Result<Vec<Kept>, Problem> {
    let kept = app.settings.conduct.retention;
    let (application, contract, suspense) = (kept.application_days, kept.contract_days, kept.suspense_days);
    let mut all = Vec::new();
    for (purpose, name, about, days) in [
        (
            Purpose::Application,
            "application",
            "applications that came to no loan, from when they were made",
            application,
        ),
        (Purpose::Contract, "contract", "applications and signatures of loans, from when the loan was over", contract),
    ] {
        let due = match before(date, days) {
            Some(before) => retention::count_past(db, purpose, &before).await?,
            None => 0,
        };
        all.push(Kept { purpose: name, about, days, due });
    }
    let due = match before(date, suspense) {
        Some(before) => retention::count_references(db, &before).await?,
        None => 0,
    };
    let about = "what payers wrote whose money belongs to no loan that is known, from when it came";
    all.push(Kept { purpose: "suspense", about, days: suspense, due });
    Ok(all)
}

/// The first day on which a loan may have been over for its records still to be kept; nothing where they always are.
#[must_use]
pub fn contracts_before(app: &App, date: Date) -> Option<String> {
    before(date, app.settings.conduct.retention.contract_days)
}

/// The first day of what is still kept; nothing where all is, for ever or because nothing is older than the calendar.
fn before(date: Date, days: Option<u32>) -> Option<String> {
    let days = i32::try_from(days?).ok()?;
    date.add_days(-days).ok().map(|before| before.to_string())
}

/// The job.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let kept = app.settings.conduct.retention;
        let mut done = Done::default();
        for (purpose, days) in [(Purpose::Application, kept.application_days), (Purpose::Contract, kept.contract_days)]
        {
            if let Some(before) = before(date, days) {
                done.changed += erase_all(app, purpose, (&before, date)).await?;
            }
        }
        if let Some(before) = before(date, kept.suspense_days) {
            done.changed += empty_references(app, &before).await?;
        }
        if done.changed > 0 {
            people::forget_log(app, "everyone past retention").await?;
        }
        Ok(done)
    })
}

async fn erase_all(app: &App, purpose: Purpose, (before, date): (&str, Date)) -> Result<u64, Problem> {
    let now = app.now()?.to_string();
    let now = now.as_str();
    let over = contracts_before(app, date);
    let over = over.as_deref();
    let mut erased = 0;
    loop {
        let work = |mut tx: Part| async move {
            let mut count = 0;
            for (person, record) in retention::past(&mut tx, purpose, before, BATCH_MAX).await? {
                count += u64::from(retention::empty(&mut tx, &record).await?);
                forget_person(&mut tx, &person, over, now).await?;
            }
            Ok(count)
        };
        match app.db.write(work).await? {
            0 => return Ok(erased),
            count => erased += count,
        }
    }
}

/// Empties what payers wrote whom nobody came to know.
async fn empty_references(app: &App, before: &str) -> Result<u64, Problem> {
    let mut emptied = 0;
    loop {
        let work = |mut tx: Part| async move {
            let mut count = 0;
            for entry in suspense::references_before(&mut tx, before, BATCH_MAX).await? {
                count += u64::from(suspense::empty_reference(&mut tx, &entry, None).await?);
            }
            Ok(count)
        };
        match app.db.write(work).await? {
            0 => return Ok(emptied),
            count => emptied += count,
        }
    }
}

/// Destroys the key of whoever has nothing left and owes nothing.
async fn forget_person(db: &mut Connection, person: &str, over: Option<&str>, now: &str) -> Result<(), Problem> {
    if retention::nothing_left(db, person).await? && rights::open_loans(db, person, over).await?.is_empty() {
        persons::erase(db, person, now).await?;
    }
    Ok(())
}
