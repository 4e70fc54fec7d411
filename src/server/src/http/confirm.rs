//! What a shopper confirms of an order: a capture that is dearer than what they signed.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    auth::OnlyCapability,
    extract::{Id, IdempotencyKey, Json},
};
use crate::{
    app::App,
    orders,
    problem::Problem,
    reply::Reply,
    storage::{group::Part, orders as stored, proposals},
};

/// A capture that is dearer than what was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptureProposal {
    /// What is confirmed: SHA-256 of the canonical JSON of `{"offer", "order", "proposed_on"}`.
    hash: String,
    /// In minor units.
    amount: i64,
    /// The annual rate that was signed, in per cent.
    signed_percent: String,
    /// The annual rate of all that was signed on the day of the proposal.
    reached_percent: String,
    /// The final payments and what they cost: the shopper's and the lender's affair.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    offer: Option<Value>,
    /// The business date for which it was made.
    proposed_on: String,
    /// The last business date on which it may be confirmed and captured.
    expires_on: String,
    /// When it was confirmed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<String>,
}

impl CaptureProposal {
    /// A proposal, with its figures or without.
    ///
    /// # Errors
    /// 500 where the row is none.
    pub fn of(row: proposals::Row, with_offer: bool) -> Result<Self, Problem> {
        let offer = with_offer.then(|| serde_json::from_str(&row.offer)).transpose().map_err(Problem::internal)?;
        Ok(Self {
            hash: row.hash,
            amount: row.amount,
            signed_percent: row.signed_percent,
            reached_percent: row.reached_percent,
            offer,
            proposed_on: row.proposed_on,
            expires_on: row.expires_on,
            confirmed_at: row.confirmed,
        })
    }
}

/// What is confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCaptureConfirmation {
    /// The proposal's hash, as the order shows it.
    hash: String,
}

/// Confirms a capture that is dearer than what was signed: until the proposal expires its merchant may capture the amount
/// once, at no more than the rate confirmed.
#[utoipa::path(post, path = "/v1/orders/{checkout_id}/confirm", tag = "orders", security(("bearer" = [])),
    params(("checkout_id" = String, Path), ("Idempotency-Key" = String, Header)), request_body = NewCaptureConfirmation,
    responses((status = 200, body = CaptureProposal), (status = "4XX", response = super::ProblemDocument)))]
pub async fn confirm(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewCaptureConfirmation>,
) -> Result<Reply, Problem> {
    let caller = format!("capability:{capability}");
    let attempt = app.in_flight.claim(&caller, &format!("orders/{id}/confirm"), &key, &fingerprint)?;
    let (server, id, hash, capability, attempt) = (&*app, id.as_str(), new.hash.as_str(), &capability, &attempt);
    let work = |mut tx: Part| async move {
        if !stored::capabilities(&mut tx, id).await?.contains(capability) {
            return Err(Problem::not_found());
        }
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let order = stored::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
        let now = server.now()?;
        let (today, now) = (server.date_of(now)?, now.to_string());
        let row = orders::proposals::confirm(&mut tx, &order, hash, (today, &now)).await?;
        let reply = Reply::ok(&CaptureProposal::of(row, true)?)?;
        attempt.finish(&mut tx, &server.vault, &reply, &now).await?;
        Ok(reply)
    };
    app.db.write(work).await
}
