//! Going on with an application by the link that was sent.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    auth::{Caller, OnlyLender},
    extract::{Id, IdempotencyKey, Json},
};
use crate::{
    app::App,
    problem::Problem,
    reply::Reply,
    resume, reviews, secret,
    storage::{applications, group::Part},
};

/// The token of a link. In a body, because an address is logged by everything that an URL passes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resumption {
    /// As it stands in the link.
    token: String,
}

impl std::fmt::Debug for Resumption {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Resumption")
    }
}

/// An application that can be gone on with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Resumed {
    /// The application.
    application_id: String,
    /// The shopper's credential for it; the one before opens nothing any more.
    capability: String,
    /// The checkout.
    checkout_id: String,
    /// The cart as it was kept.
    #[schema(value_type = Vec<Object>)]
    cart: Value,
    /// Its amount in minor units.
    amount: i64,
    /// ISO 4217.
    currency: String,
    /// Until when the cart is kept, RFC 3339.
    expires: String,
}

/// A link that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkSent {
    /// The application.
    application_id: String,
    /// Until when the link holds, RFC 3339.
    expires: String,
}

/// Sends another link to an application that people approved.
#[utoipa::path(post, path = "/v1/applications/{id}/resume-link", tag = "reviews", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = LinkSent), (status = "4XX", response = super::ProblemDocument)))]
pub async fn send_link(
    State(app): State<Arc<App>>,
    OnlyLender(lender): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let place = format!("applications/{id}/resume-link");
    let attempt = app.in_flight.claim(&Caller::Lender(lender).scope(), &place, &key, &secret::sha256_hex(""))?;
    let (server, attempt, id) = (&*app, &attempt, id.as_str());
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let row = applications::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
        let link = reviews::send_link(server, &mut tx, &row, now).await?;
        let reply = Reply::accepted(&LinkSent { application_id: row.id, expires: link.expires.to_string() })?;
        attempt.finish(&mut tx, &server.vault, &reply, &now.to_string()).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

/// Opens a link: once, whoever comes first.
#[utoipa::path(post, path = "/v1/applications/resume", tag = "applications", request_body = Resumption,
    responses((status = 200, body = Resumed), (status = 404, response = super::ProblemDocument),
        (status = "4XX", response = super::ProblemDocument)))]
pub async fn resume(
    State(app): State<Arc<App>>,
    Json { value: resumption, .. }: Json<Resumption>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let (server, token) = (&*app, resumption.token.as_str());
    let work = |mut tx: Part| async move {
        let (row, checkout, capability) = resume::open(server, &mut tx, token, now).await?;
        Reply::ok(&Resumed {
            application_id: row.id,
            capability,
            checkout_id: checkout.id,
            cart: serde_json::from_str(&checkout.cart).map_err(Problem::internal)?,
            amount: checkout.amount,
            currency: checkout.currency,
            expires: checkout.expires,
        })
    };
    app.db.write(work).await
}
