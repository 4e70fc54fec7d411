//! Payments that a shopper instructs, and what became of them. The instruction moves nothing: the provider's notice does.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::money::Amount;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, OnlyCapability, OnlyReader},
    extract::{Id, IdempotencyKey, Json, Query},
    loans::of_capability,
    page::Page,
};
use crate::{
    app::{App, new_id},
    booking::{self, Instruction},
    idempotency::Attempt,
    outbox,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{Connection, capabilities, group::Part, payments},
};

/// The most payments under way or ended that one loan may have.
pub const PAYMENTS_OF_LOAN_MAX: i64 = 1_000;

/// An instruction to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// In minor units, at most what is owed.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
}

/// An instruction that was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Instructed {
    /// The payment.
    payment_id: String,
    /// `initiated`.
    status: &'static str,
}

/// Asks the payment provider to debit the shopper.
#[utoipa::path(post, path = "/v1/loans/{id}/payments", tag = "payments", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = NewPayment,
    responses((status = 202, body = Instructed), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewPayment>,
) -> Result<Reply, Problem> {
    let resource = format!("loans/{id}/payments");
    let attempt = app.in_flight.claim_of_shopper(&capability, &resource, &key, &fingerprint)?;
    let (server, attempt, loan) = (&*app, &attempt, (id.as_str(), capability.as_str()));
    let work = |mut tx: Part| async move { instruct(server, &mut tx, attempt, loan, new.amount).await };
    let reply = app.db.write(work).await?;
    app.outbox.notify_one();
    Ok(reply)
}

/// The instruction and the call to the provider that it needs, once for each key.
async fn instruct(
    app: &App,
    tx: &mut Connection,
    attempt: &Attempt,
    (id, capability): (&str, &str),
    amount: Amount,
) -> Result<Reply, Problem> {
    let row = of_capability(tx, id, capability).await?;
    if let Some(reply) = attempt.earlier(tx, &app.vault).await? {
        return Ok(reply);
    }
    let now = app.now()?;
    let today = app.date_of(now)?;
    let now = now.to_string();
    let refused = |kind, detail: String| Err(Problem::new(kind, detail).with("pointer", "/amount"));
    if amount.is_zero() {
        return refused(Kind::InvalidValue, "a payment is more than nothing".to_owned());
    }
    if payments::count_of_loan(tx, id).await? >= PAYMENTS_OF_LOAN_MAX {
        return refused(Kind::TooMany, format!("a loan has at most {PAYMENTS_OF_LOAN_MAX} payments"));
    }
    let loan = booking::load(tx, &row).await?;
    let owed = loan.owed(today).and_then(|owed| Ok(owed.total()?)).map_err(Problem::internal)?.minor();
    let under_way = payments::under_way(tx, id).await?;
    let open = owed.saturating_sub(under_way).max(0);
    if amount.minor() > open {
        let detail = format!("`{amount}` is more than the `{open}` that can be paid today");
        return refused(Kind::PaymentAbovePayoff, detail)
            .map_err(|problem: Problem| problem.with("payoff", owed).with("under_way", under_way));
    }
    let payment = payments::Row {
        id: new_id(),
        loan: id.to_owned(),
        amount: amount.minor(),
        currency: row.currency,
        status: "initiated".to_owned(),
        value_date: None,
        transfer: None,
        created: now.clone(),
        booked: None,
    };
    payments::insert(tx, &payment).await?;
    let instruction = Instruction {
        reference: &payment.id,
        amount: payment.amount,
        currency: &payment.currency,
        value_date: today.to_string(),
    };
    outbox::add(tx, outbox::DEBITS, &payment.id, &instruction, &now).await?;
    let reply = Reply::accepted(&Instructed { payment_id: payment.id, status: "initiated" })?;
    attempt.finish(tx, &app.vault, &reply, &now).await?;
    Ok(reply)
}

/// A payment of any loan.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentRecord {
    /// Its id.
    id: String,
    /// Of which loan.
    loan_id: String,
    /// In minor units.
    amount: i64,
    /// ISO 4217.
    currency: String,
    /// `initiated`, `received` while the payer's bank may take it back, `cleared`, `failed`, `returned`, `charged_back`,
    /// or `reversed` where the lender undid it.
    status: String,
    /// From which day it counts, once it is known.
    value_date: Option<String>,
    /// On which business day its last state was booked.
    booking_date: Option<String>,
    /// When it was instructed, or came unasked; RFC 3339.
    created: String,
}

fn record(row: payments::Row) -> PaymentRecord {
    PaymentRecord {
        id: row.id,
        loan_id: row.loan,
        amount: row.amount,
        currency: row.currency,
        status: row.status,
        value_date: row.value_date,
        booking_date: row.booked,
        created: row.created,
    }
}

/// A payment as it stands; its shopper may ask as well.
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "payments", security(("bearer" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = PaymentRecord), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = payments::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    let may = match &caller {
        Caller::Lender(_) | Caller::Auditor(_) => true,
        Caller::Capability(hash) => capabilities::opens(&mut db, &row.loan, hash).await?,
        _ => false,
    };
    if may { Reply::ok(&record(row)) } else { Err(Problem::not_found()) }
}

/// Which payments, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PaymentsQuery {
    /// In this state only.
    status: Option<String>,
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of payments.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentsPage {
    /// In the order in which they were instructed or came.
    payments: Vec<PaymentRecord>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// Payments of all loans, page by page.
#[utoipa::path(get, path = "/v1/payments", tag = "payments", security(("bearer" = [])), params(PaymentsQuery),
    responses((status = 200, body = PaymentsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<PaymentsQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("payments", query.cursor.as_deref(), query.limit)?;
    let status = query.status.as_deref();
    if status.is_some_and(|status| !payments::STATUSES.contains(&status)) {
        let detail = format!("`status` is one of {}", payments::STATUSES.join(", "));
        return Err(Problem::new(Kind::BadRequest, detail));
    }
    let mut db = app.db.read().await?;
    let rows = payments::page(&mut db, status, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    Reply::ok(&PaymentsPage { payments: rows.into_iter().map(record).collect(), next_cursor })
}
