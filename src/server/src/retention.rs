//! Retention: what is past what it was kept for is erased, record by record; who has nothing left is erased whole.
//!
//! A record of a loan is never past its purpose while the loan is open: the contract is to be performed.

use prequal_core::calendar::Date;

use crate::{
    app::App,
    jobs::{Done, Running},
    people,
    problem::Problem,
    rights,
    storage::{Connection, group::Part, persons, retention, suspense},
};

/// How many records are erased in one transaction.
pub const BATCH_MAX: i64 = 100;

/// What a record is kept for.
#[derive(Clone, Copy)]
enum Purpose {
    Application,
    Contract,
}

/// The job.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let kept = app.settings.conduct.retention;
        let mut done = Done::default();
        for (purpose, days) in [(Purpose::Application, kept.application_days), (Purpose::Contract, kept.contract_days)]
        {
            let Some(days) = days.and_then(|days| i32::try_from(days).ok()) else { continue };
            // Before the calendar begins nothing was kept.
            let Ok(before) = date.add_days(-days) else { continue };
            done.changed += erase_all(app, purpose, &before.to_string()).await?;
        }
        if let Some(days) = kept.suspense_days.and_then(|days| i32::try_from(days).ok())
            && let Ok(before) = date.add_days(-days)
        {
            done.changed += empty_references(app, &before.to_string()).await?;
        }
        if done.changed > 0 {
            people::forget_log(app, "everyone past retention").await?;
        }
        Ok(done)
    })
}

async fn past(db: &mut Connection, purpose: Purpose, before: &str) -> sqlx::Result<Vec<retention::Found>> {
    match purpose {
        Purpose::Application => retention::of_applications(db, before, BATCH_MAX).await,
        Purpose::Contract => retention::of_contracts(db, before, BATCH_MAX).await,
    }
}

async fn erase_all(app: &App, purpose: Purpose, before: &str) -> Result<u64, Problem> {
    let now = app.now()?.to_string();
    let now = now.as_str();
    let mut erased = 0;
    loop {
        let work = |mut tx: Part| async move {
            let mut count = 0;
            for (person, record) in past(&mut tx, purpose, before).await? {
                count += u64::from(retention::empty(&mut tx, &record).await?);
                forget_person(&mut tx, &person, now).await?;
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
async fn forget_person(db: &mut Connection, person: &str, now: &str) -> Result<(), Problem> {
    if retention::nothing_left(db, person).await? && rights::open_loans(db, person).await?.is_empty() {
        persons::erase(db, person, now).await?;
    }
    Ok(())
}
