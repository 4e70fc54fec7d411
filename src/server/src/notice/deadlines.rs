//! Notices with a deadline: what the law wants told or decided by a day, and the job that sees to it.

use prequal_core::{
    calendar::{Date, Instant},
    wire::{Decision, Need},
};

use serde::Serialize;

use super::{About, Kind, add, adverse::due_by};
use crate::{
    app::App,
    jobs::{Done, Running},
    merchant_webhooks::{self, EventType},
    policy::Policy,
    problem::Problem,
    storage::{
        Connection, applications,
        duties::{self, DECISION, INCOMPLETE},
        group::Part,
    },
};

/// How many duties are looked at in one transaction.
pub const BATCH_MAX: i64 = 100;

/// Notes what must be told about an application that was referred or lacks something.
///
/// # Errors
/// 500 when the database fails.
pub async fn owe(
    app: &App,
    db: &mut Connection,
    policy: &Policy,
    application: &str,
    complete: bool,
    received: Instant,
) -> Result<(), Problem> {
    let kind = if complete { DECISION } else { INCOMPLETE };
    let due_by = due_by(app, policy, received)?.to_string();
    Ok(duties::insert(db, application, kind, &due_by, &received.to_string()).await?)
}

/// The job: tells what incomplete applications lack, once they had their time.
pub fn run(app: &App, date: Date) -> Running<'_> {
    Box::pin(async move {
        let mut done = Done::default();
        let mut after = String::new();
        loop {
            let mut db = app.db.read().await?;
            let open = duties::open(&mut db, INCOMPLETE, &after, BATCH_MAX).await?;
            drop(db);
            let Some(last) = open.last() else { break };
            after.clone_from(&last.application);
            for duty in &open {
                done.changed += u64::from(tell_incomplete(app, duty, date).await?);
            }
        }
        done.changed += escalate(app, date).await?;
        let mut db = app.db.read().await?;
        let late = duties::overdue(&mut db, &date.to_string()).await?;
        if late > 0 {
            tracing::error!(late, "duties to applicants that should be met by now");
        }
        Ok(done)
    })
}

/// What is said of a duty whose day is near or over; it names no person.
#[derive(Debug, Serialize)]
struct Called<'a> {
    application_id: &'a str,
    kind: &'a str,
    /// Of a review.
    #[serde(skip_serializing_if = "Option::is_none")]
    review_id: Option<&'a str>,
    due_by: &'a str,
}

/// Calls out to the lender's systems each duty whose day is near, and each whose day is over, once; gives how many.
async fn escalate(app: &App, date: Date) -> Result<u64, Problem> {
    // Days that are made up for are over: what counts is how things stand now.
    let today = date.max(app.today()?);
    let soon = today.add_days(app.settings.conduct.duty_warning_days.into()).map_err(Problem::internal)?;
    let yesterday = today.add_days(-1).map_err(Problem::internal)?.to_string();
    let mut count = 0;
    // Of those that are over nobody need be told that they are near.
    for (stage, days, event) in [
        ("overdue", (String::new(), yesterday), EventType::DutyOverdue),
        ("due_soon", (today.to_string(), soon.to_string()), EventType::DutyDueSoon),
    ] {
        let mut after = String::new();
        loop {
            let (place, days) = (after.as_str(), (days.0.as_str(), days.1.as_str()));
            let now = app.now()?.to_string();
            let now = now.as_str();
            let work = |mut tx: Part| async move {
                let found = duties::not_escalated(&mut tx, days, stage, place, BATCH_MAX).await?;
                let mut called = 0;
                for duty in &found {
                    if !duties::escalate(&mut tx, duty, stage, now).await? {
                        continue;
                    }
                    let review_id = (duty.subject != duty.application).then_some(duty.subject.as_str());
                    let said =
                        Called { application_id: &duty.application, kind: &duty.kind, review_id, due_by: &duty.due_by };
                    merchant_webhooks::emit(&mut tx, None, event, &said, now).await?;
                    called += 1;
                }
                Ok((called, found.last().map(|last| last.place.clone())))
            };
            let (called, last) = app.db.write(work).await?;
            count += called;
            let Some(last) = last else { break };
            after = last;
        }
    }
    Ok(count)
}

/// Tells what one application lacks, unless it is too early, told already, or cannot be told any more.
async fn tell_incomplete(app: &App, duty: &duties::Row, date: Date) -> Result<bool, Problem> {
    let conduct = &app.settings.conduct;
    let created = Instant::parse(&duty.created).map_err(Problem::internal)?;
    let from = app.date_of(created)?.add_days(conduct.incomplete_after_days.into()).map_err(Problem::internal)?;
    let due_by = Date::parse(&duty.due_by).map_err(Problem::internal)?;
    // Never later than the law's day, however long the lender would wait.
    if date < from.min(due_by) {
        return Ok(false);
    }
    let until = date.add_days(conduct.response_days.into()).map_err(Problem::internal)?;
    let now = app.now()?.to_string();
    let (application, now) = (duty.application.as_str(), now.as_str());
    app.db
        .write(|mut tx: Part| async move {
            let Some(row) = applications::find(&mut tx, application).await? else { return Ok(false) };
            if duties::completed_since(&mut tx, application).await? {
                duties::meet(&mut tx, application, INCOMPLETE, now).await?;
                return Ok(false);
            }
            let decision = applications::decision(&mut tx, row.decision.as_deref().unwrap_or_default()).await?;
            let policy = app.settings.policies.by_hash(&row.bundle_hash).unwrap_or(app.settings.policies.active());
            let Some(decision) = decision else { return Ok(false) };
            let output: Decision = serde_json::from_str(&decision.output).map_err(Problem::internal)?;
            let line = |need: &Need| format!("- {}: {}", policy.field_label(&need.id).unwrap_or(&need.id), need.text);
            let missing: Vec<String> = output.needs.iter().map(line).collect();
            let values = [("missing", missing.join("\n")), ("until", until.to_string())];
            let about = About { due_by: Some(due_by), decision: Some(&decision.id), ..About::application(application) };
            let once = format!("incomplete:{application}");
            let told = add(app, &mut tx, policy, Kind::Incomplete, &about, &once, &values).await?;
            duties::meet(&mut tx, application, INCOMPLETE, now).await?;
            Ok(told)
        })
        .await
}
