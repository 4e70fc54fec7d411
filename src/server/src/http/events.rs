//! A loan's events: what the lender's people decide of it, what a shopper may, and all that happened.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::calendar::{Date, Instant};
use prequal_ledger::{Entry, Event, Loan, Record};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{OnlyCapability, OnlyLender},
    extract::{Id, IdempotencyKey, Json, Query},
    ledger::PostingView,
    loans::{Balance, of_capability},
};
use crate::{
    app::App,
    booking,
    events::{self, Told},
    idempotency::Attempt,
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, group::Part, loans},
};

/// An event, and the state on which it was decided.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// How many events the loan had when this was decided.
    expected_events: u32,
    /// What happens.
    event: Told,
}

/// Whether to try only.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// `true` answers the state and the postings that would be, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What an event posts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Posted {
    /// The booking date.
    date: String,
    /// What is debited and credited, by the same amount.
    postings: Vec<PostingView>,
}

/// Where a loan stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Standing {
    /// `disbursing`, `active`, `settled`, `cancelled`, `charged_off`, `transferred` or `closed`.
    status: &'static str,
    /// What settles it today.
    balance: Balance,
    /// Owed back to the payer.
    credit_balance: i64,
    /// Collected for the owner it was sold to, and not remitted yet.
    held_for_owner: i64,
    /// Days since the oldest instalment unpaid fell due, by the loan's rules.
    days_past_due: u32,
}

/// What became of an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventOutcome {
    /// The loan.
    loan_id: String,
    /// The event's number, which is how many the loan has now.
    number: usize,
    /// The event as it is kept.
    #[schema(value_type = Object)]
    event: Event,
    /// What it posts; null where no account moves.
    entry: Option<Posted>,
    /// Where the loan stands with it.
    state: Standing,
    /// Whether it was only tried.
    dry_run: bool,
}

impl EventOutcome {
    fn of(id: &str, loan: &Loan, entry: Option<&Entry>, today: Date, dry_run: bool) -> Result<Self, Problem> {
        let last = loan.records().last().ok_or_else(|| Problem::internal("a loan without events"))?;
        Ok(Self {
            loan_id: id.to_owned(),
            number: loan.records().len(),
            event: last.event.clone(),
            entry: entry.map(|entry| Posted {
                date: entry.date().to_string(),
                postings: entry.transfers().iter().map(PostingView::of).collect(),
            }),
            state: Standing {
                status: loan.status().name(),
                balance: Balance::of(loan.owed(today).map_err(Problem::internal)?)?,
                credit_balance: loan.credit_balance().minor(),
                held_for_owner: loan.held_for_owner().minor(),
                days_past_due: loan.delinquency(today).map_err(Problem::internal)?.days_past_due,
            },
            dry_run,
        })
    }
}

/// Decides an event of a loan.
#[utoipa::path(post, path = "/v1/loans/{id}/events", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header), EventQuery), request_body = NewEvent,
    responses((status = 200, description = "What would be, of a dry run", body = EventOutcome),
        (status = 201, body = EventOutcome), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    OnlyLender(who): OnlyLender,
    Id(id): Id,
    Query(query): Query<EventQuery>,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewEvent>,
) -> Result<Reply, Problem> {
    if query.dry_run {
        let mut db = app.db.read().await?;
        let now = app.now()?;
        let today = app.date_of(now)?;
        let (_, mut loan, event) = decided(&app, &mut db, &id, &new, now).await?;
        let (_, entry) = booking::decide(&mut db, &mut loan, event, today).await?;
        return Reply::ok(&EventOutcome::of(&id, &loan, entry.as_ref(), today, true)?);
    }
    let attempt = app.in_flight.claim(&format!("lender:{who}"), &format!("loans/{id}/events"), &key, &fingerprint)?;
    let (server, id, new, attempt) = (&*app, id.as_str(), &new, &attempt);
    app.db.write(|mut tx: Part| async move { book(server, &mut tx, id, new, attempt).await }).await
}

/// The loan, and the event in the ledger's form, unless the loan has other events by now.
async fn decided(
    app: &App,
    db: &mut Connection,
    id: &str,
    new: &NewEvent,
    now: Instant,
) -> Result<(loans::Row, Loan, Event), Problem> {
    let row = loans::find(db, id).await?.ok_or_else(Problem::not_found)?;
    let loan = booking::load(db, &row).await?;
    let count = loan.records().len();
    if usize::try_from(new.expected_events) != Ok(count) {
        let detail = format!("the loan has {count} events, not {}", new.expected_events);
        return Err(Problem::new(Kind::EventsChanged, detail).with("events", count));
    }
    let today = app.date_of(now)?;
    let event = new.event.event(&loan, today)?;
    events::check_state(&loan, &event, today)?;
    events::check_rate(app, db, &row, (&loan, &event), now).await?;
    events::check_reversal(db, &loan, &event, today).await?;
    Ok((row, loan, event))
}

async fn book(app: &App, db: &mut Connection, id: &str, new: &NewEvent, attempt: &Attempt) -> Result<Reply, Problem> {
    if let Some(reply) = attempt.earlier(db, &app.vault).await? {
        return Ok(reply);
    }
    let moment = app.now()?;
    let (today, now) = (app.date_of(moment)?, moment.to_string());
    let (row, mut loan, event) = decided(app, db, id, new, moment).await?;
    let entry = booking::record_decided(db, id, &mut loan, event.clone(), today, &now).await?;
    events::follow(app, db, &row, &loan, &event, (today, &now)).await?;
    let reply = Reply::created(&EventOutcome::of(id, &loan, entry.as_ref(), today, false)?)?;
    attempt.finish(db, &app.vault, &reply, &now).await?;
    Ok(reply)
}

/// The shopper withdraws from the contract: principal and the interest of the days used are owed, and nothing else.
#[utoipa::path(post, path = "/v1/loans/{id}/withdrawal", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, body = EventOutcome), (status = "4XX", response = super::ProblemDocument)))]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Reply, Problem> {
    let resource = format!("loans/{id}/withdrawal");
    let attempt = app.in_flight.claim_of_shopper(&capability, &resource, &key, &secret::sha256_hex(""))?;
    let (server, id, capability, attempt) = (&*app, id.as_str(), capability.as_str(), &attempt);
    let work = |mut tx: Part| async move {
        let row = of_capability(&mut tx, id, capability).await?;
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let now = server.now()?;
        let (today, now) = (server.date_of(now)?, now.to_string());
        let mut loan = booking::load(&mut tx, &row).await?;
        let event = Event::Withdrawn { value_date: today };
        events::check_state(&loan, &event, today)?;
        let entry = booking::record_decided(&mut tx, id, &mut loan, event, today, &now).await?;
        let reply = Reply::created(&EventOutcome::of(id, &loan, entry.as_ref(), today, false)?)?;
        attempt.finish(&mut tx, &server.vault, &reply, &now).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

/// Everything that happened to a loan, as it was booked.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventsView {
    /// The loan.
    loan_id: String,
    /// How many there are: `expected_events` of whoever decides the next.
    count: usize,
    /// In the order in which they were booked.
    events: Vec<EventView>,
}

/// One event.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// 1, 2, 3 …
    number: usize,
    /// The booking date.
    booked: String,
    /// What happened.
    #[schema(value_type = Object)]
    event: Value,
    /// Whether it is in force: `false` where it was reversed.
    in_force: bool,
}

/// A loan's events. A loan has at most 4,096 beside what becomes of money, so they come on one page.
#[utoipa::path(get, path = "/v1/loans/{id}/events", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = EventsView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(State(app): State<Arc<App>>, _: OnlyLender, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = loans::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    let loan = booking::load(&mut db, &row).await?;
    let of = |(place, (record, in_force)): (usize, (&Record, bool))| {
        Ok(EventView {
            number: place + 1,
            booked: record.booked.to_string(),
            event: serde_json::to_value(&record.event).map_err(Problem::internal)?,
            in_force,
        })
    };
    let events: Result<Vec<_>, Problem> = loan.records().iter().zip(loan.in_force()).enumerate().map(of).collect();
    Reply::ok(&EventsView { loan_id: row.id, count: loan.records().len(), events: events? })
}
