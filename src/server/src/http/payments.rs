//! Payments that a shopper instructs. The instruction moves nothing: the provider's notice does.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::money::Amount;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::OnlyCapability,
    extract::{Id, IdempotencyKey, Json},
    loans::of_capability,
};
use crate::{
    app::{App, new_id},
    booking::{self, Instruction},
    idempotency::Attempt,
    outbox,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{Connection, group::Part, payments},
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
