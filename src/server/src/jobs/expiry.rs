//! What is kept for a time only: replies to requests that must take effect once, and calls that were delivered.

use prequal_core::calendar::{Date, Instant};

use super::{Done, Job, Running};
use crate::{
    app::App,
    problem::Problem,
    storage::{group::Part, outbox, replies},
};

/// How many rows one transaction removes.
pub const PAGE_MAX: i64 = 500;

/// Forgets replies that nobody asks for any more.
pub const IDEMPOTENCY_EXPIRY: Job = Job {
    name: "idempotency-expiry",
    about: "forget replies to requests older than retention.idempotency_days",
    run: |app, date| -> Running<'_> { Box::pin(forget_replies(app, date)) },
};

/// Removes calls to others that were delivered; those given up stay for a person to look at.
pub const OUTBOX_CLEANUP: Job = Job {
    name: "outbox-cleanup",
    about: "remove delivered calls older than retention.outbox_days",
    run: |app, date| -> Running<'_> { Box::pin(remove_delivered(app, date)) },
};

/// The first moment that is still kept: so many days before a date, as UTC counts days.
fn kept_from(date: Date, days: u32) -> Result<String, Problem> {
    let days = i32::try_from(days).map_err(Problem::internal)?;
    let first = date.add_days(-days).map_err(Problem::internal)?;
    let seconds = i64::from(first.days()).saturating_mul(24 * 3600);
    Ok(Instant::from_seconds(seconds).map_err(Problem::internal)?.to_string())
}

async fn forget_replies(app: &App, date: Date) -> Result<Done, Problem> {
    let before = &*kept_from(date, app.settings.retention.idempotency_days)?;
    let mut done = Done::default();
    loop {
        let removed = app
            .db
            .write(|mut tx: Part| async move { Ok(replies::delete_before(&mut tx, before, PAGE_MAX).await?) })
            .await?;
        done.changed += removed;
        if removed == 0 {
            return Ok(done);
        }
    }
}

async fn remove_delivered(app: &App, date: Date) -> Result<Done, Problem> {
    let before = &*kept_from(date, app.settings.retention.outbox_days)?;
    let mut done = Done::default();
    loop {
        let removed = app
            .db
            .write(|mut tx: Part| async move { Ok(outbox::delete_delivered(&mut tx, before, PAGE_MAX).await?) })
            .await?;
        done.changed += removed;
        if removed == 0 {
            return Ok(done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-03-01 less 1 day is the leap day.
    #[test]
    fn what_is_kept_begins_with_a_day() {
        let date = Date::parse("2024-03-01").unwrap();
        assert_eq!(kept_from(date, 1).unwrap(), "2024-02-29T00:00:00Z");
        assert_eq!(kept_from(date, 30).unwrap(), "2024-01-31T00:00:00Z");
    }
}
