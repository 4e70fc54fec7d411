//! What the lender's people decide of money that is on no loan's books yet, or not any more: money of unknown payers,
//! and payouts that came back.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::OnlyLender,
    extract::{Id, IdempotencyKey, Json},
};
use crate::{
    app::App,
    pay_backs::{self, Decided},
    problem::{Kind, Problem},
    reply::Reply,
    storage::{group::Part, loans},
    transfers::{self, Payout},
};

/// Where money of an unknown payer goes: to a loan, or back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMatch {
    /// The loan it is a payment of; this or `return`.
    #[serde(default)]
    loan: Option<String>,
    /// `true` to send it back to whoever paid.
    #[serde(default)]
    r#return: bool,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Matched {
    /// The receipt's entry in the journal.
    entry_id: String,
    /// `matched`, or `returned`.
    outcome: &'static str,
    /// The loan's payment, or the pay-back.
    payment_id: String,
}

/// Matches money of an unknown payer to a loan, or sends it back. Once.
#[utoipa::path(post, path = "/v1/ledger/suspense/{id}/match", tag = "ledger", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = NewMatch,
    responses((status = 201, body = Matched), (status = "4XX", response = super::ProblemDocument)))]
pub async fn match_suspense(
    State(app): State<Arc<App>>,
    OnlyLender(who): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewMatch>,
) -> Result<Reply, Problem> {
    if new.loan.is_some() == new.r#return {
        let detail = "name either `loan` or `return`";
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/loan"));
    }
    let resource = format!("ledger/suspense/{id}/match");
    let attempt = app.in_flight.claim(&format!("lender:{who}"), &resource, &key, &fingerprint)?;
    let (server, id, who, new, attempt) = (&*app, id.as_str(), who.as_str(), &new, &attempt);
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let decided = new.loan.as_deref().map_or(Decided::Return, Decided::Loan);
        let payment_id = pay_backs::resolve(server, &mut tx, id, decided, who).await?;
        let outcome = if new.loan.is_some() { "matched" } else { "returned" };
        let reply = Reply::created(&Matched { entry_id: id.to_owned(), outcome, payment_id })?;
        attempt.finish(&mut tx, &server.vault, &reply, &server.now()?.to_string()).await?;
        Ok(reply)
    };
    let reply = app.db.write(work).await?;
    app.outbox.notify_one();
    Ok(reply)
}

/// What is to become of a payout that came back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayout {
    /// `resend`, or `give_up`: then nothing was lent, and nothing is owed.
    decision: Payout,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutDecided {
    /// The loan.
    loan_id: String,
    /// `requested`, or `failed`.
    status: &'static str,
}

/// Sends a payout again that was returned, or gives it up.
#[utoipa::path(post, path = "/v1/loans/{id}/payout", tag = "loans", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = NewPayout,
    responses((status = 201, body = PayoutDecided), (status = "4XX", response = super::ProblemDocument)))]
pub async fn decide_payout(
    State(app): State<Arc<App>>,
    OnlyLender(who): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewPayout>,
) -> Result<Reply, Problem> {
    let resource = format!("loans/{id}/payout");
    let attempt = app.in_flight.claim(&format!("lender:{who}"), &resource, &key, &fingerprint)?;
    let (server, id, new, attempt) = (&*app, id.as_str(), &new, &attempt);
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let row = loans::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
        let now = server.now()?;
        let (today, now) = (server.date_of(now)?, now.to_string());
        let status = transfers::decide_payout(server, &mut tx, &row, new.decision, (today, &now)).await?;
        let reply = Reply::created(&PayoutDecided { loan_id: id.to_owned(), status })?;
        attempt.finish(&mut tx, &server.vault, &reply, &now).await?;
        Ok(reply)
    };
    let reply = app.db.write(work).await?;
    app.outbox.notify_one();
    Ok(reply)
}
