//! For how long personal data is kept, and what is past it.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::{OnlyLender, OnlyReader},
    extract::IdempotencyKey,
};
use crate::{
    app::App,
    problem::Problem,
    reply::Reply,
    retention::{self, Kept},
    secret,
    storage::group::Part,
};

/// Every purpose.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionView {
    /// The business date.
    today: String,
    /// What is kept for what, and for how long.
    purposes: Vec<Kept>,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retained {
    /// The business date as of which it was past its purpose.
    today: String,
    /// How many records.
    erased: u64,
}

/// For how long personal data is kept, by purpose, and how much is past it.
#[utoipa::path(get, path = "/v1/retention", tag = "persons", security(("bearer" = [])),
    responses((status = 200, body = RetentionView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, _: OnlyReader) -> Result<Reply, Problem> {
    let today = app.today()?;
    let mut db = app.db.read().await?;
    let purposes = retention::overview(&app, &mut db, today).await?;
    Reply::ok(&RetentionView { today: today.to_string(), purposes })
}

/// Erases what is past its purpose, as the day's job does.
#[utoipa::path(post, path = "/v1/retention", tag = "persons", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)),
    responses((status = 200, body = Retained), (status = "4XX", response = super::ProblemDocument)))]
pub async fn run(
    State(app): State<Arc<App>>,
    OnlyLender(who): OnlyLender,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Reply, Problem> {
    let attempt = app.in_flight.claim(&format!("lender:{who}"), "retention", &key, &secret::sha256_hex(""))?;
    let (server, attempt) = (&*app, &attempt);
    let mut db = app.db.read().await?;
    let earlier = attempt.earlier(&mut db, &app.vault).await?;
    drop(db);
    if let Some(reply) = earlier {
        return Ok(reply);
    }
    let today = app.today()?;
    // In transactions of its own, each record once: stopped in between, the same request does the rest.
    let erased = retention::run(&app, today).await?.changed;
    let reply = Reply::ok(&Retained { today: today.to_string(), erased })?;
    let (reply, now) = (&reply, &*app.now()?.to_string());
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        attempt.finish(&mut tx, &server.vault, reply, now).await?;
        Ok(reply.clone())
    };
    app.db.write(work).await
}
