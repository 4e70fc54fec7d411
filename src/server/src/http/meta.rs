//! What is public of the server itself: health, keys, the public bundle, the description; and the sandbox's clock.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use prequal_core::calendar::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Caller, OnlyLender},
    extract::Json,
};
use crate::{
    app::App,
    clock::SandboxClock,
    problem::{Kind, Problem},
    reply::Reply,
    storage,
};

/// The server lives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// What time it is for the business; an edge beside a sandbox decides by it.
    now: String,
    /// The bundle in force.
    bundle_hash: String,
    /// Whether the clock may be set.
    sandbox: bool,
}

/// Whether the server can read its database.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, body = Health)))]
pub async fn health(State(app): State<Arc<App>>) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    storage::clock::offset(&mut db).await?;
    Reply::ok(&Health {
        status: "ok",
        now: app.now()?.to_string(),
        bundle_hash: app.settings.policies.active().hash().to_owned(),
        sandbox: app.sandbox_clock.is_some(),
    })
}

/// The keys of checkout tokens and offers, as a JWK set.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "server", responses((status = 200, body = Object)))]
pub async fn jwks(State(app): State<Arc<App>>) -> Result<Reply, Problem> {
    let keys: Vec<_> = app.settings.public_keys().map(|key| &key.jwk).collect();
    Reply::ok(&serde_json::json!({ "keys": keys }))
}

/// The public part of the bundle in force, in its signed envelope.
#[utoipa::path(get, path = "/v1/bundle/public", tag = "server", responses((status = 200, body = Object)))]
pub async fn public_bundle(State(app): State<Arc<App>>) -> Response {
    let mut response = app.settings.public_bundle.envelope.clone().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = format!("\"{}\"", app.settings.public_bundle.hash).parse() {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// The description of the interface.
pub async fn openapi(document: Arc<str>) -> Response {
    let mut response = document.to_string().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The first and the last year to which the sandbox's clock is set: the longest loan, and whatever else is counted
/// on from now, must end within the calendar.
pub const CLOCK_YEARS: std::ops::RangeInclusive<i32> = 2000..=2199;

/// What time it is in the sandbox.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Now {
    /// RFC 3339 in UTC, whole seconds.
    #[schema(value_type = String)]
    now: Instant,
}

/// Reads the sandbox's clock. The edge reads it too, so that both decide at the same time.
#[utoipa::path(get, path = "/v1/sandbox/clock", tag = "sandbox", security(("bearer" = [])),
    responses((status = 200, body = Now), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read_clock(State(app): State<Arc<App>>, caller: Caller) -> Result<Reply, Problem> {
    if app.sandbox_clock.is_none() || !matches!(caller, Caller::Lender(_) | Caller::Edge(_)) {
        return Err(Problem::not_found());
    }
    Reply::ok(&Now { now: app.now()? })
}

/// Sets the sandbox's clock, which runs on from there.
#[utoipa::path(put, path = "/v1/sandbox/clock", tag = "sandbox", security(("bearer" = [])), request_body = Now,
    responses((status = 200, body = Now), (status = "4XX", response = super::ProblemDocument)))]
pub async fn set_clock(
    State(app): State<Arc<App>>,
    _: OnlyLender,
    Json { value: wanted, .. }: Json<Now>,
) -> Result<Reply, Problem> {
    let Some(clock) = &app.sandbox_clock else { return Err(Problem::not_found()) };
    if !CLOCK_YEARS.contains(&wanted.now.utc_date().year()) {
        let detail = format!("the clock is set to the years {} to {}", CLOCK_YEARS.start(), CLOCK_YEARS.end());
        return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/now"));
    }
    let offset = SandboxClock::offset_for(wanted.now.seconds());
    app.db.write(|mut tx| async move { Ok(storage::clock::set_offset(&mut tx, offset).await?) }).await?;
    clock.set_offset(offset);
    app.jobs.notify_one();
    tracing::info!(now = %wanted.now, "the sandbox's clock was set");
    Reply::ok(&Now { now: app.now()? })
}
