//! How the agreement of an approved application can be signed, and the codes that sign it.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::calendar::Instant;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    applications::of_capability,
    auth::OnlyCapability,
    extract::{Id, IdempotencyKey},
};
use crate::{
    app::App,
    codes::{self, ATTEMPTS_MAX, CODES_OF_APPLICATION_MAX},
    conduct::Signing,
    delivery,
    problem::Problem,
    reply::Reply,
    secret,
    storage::{self, group::Part, notices},
};

/// How an agreement can be signed, and where its newest code stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningView {
    /// The decision that approved.
    decision_id: String,
    /// The hash of the agreement to be signed.
    agreement_hash: String,
    /// What signs here, `one_time_code` and `typed_name`; the one to propose first.
    methods: Vec<&'static str>,
    /// Where codes go, masked: `a•••@example.com`. Null where no address is known.
    sent_to: Option<String>,
    /// The newest code, where it was made for this agreement and not used.
    code: Option<CodeView>,
    /// How many more codes can be asked for.
    codes_left: i64,
    /// In how many seconds the next can be asked for.
    wait_seconds: i64,
}

/// A code, without its digits.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeView {
    /// Its id.
    code_id: String,
    /// Until when it holds, RFC 3339.
    expires: String,
    /// For how many seconds it still holds; 0 where its time is over.
    seconds_left: i64,
    /// How often it may still be mistyped.
    attempts_left: i64,
    /// When its message went out, RFC 3339; null until then.
    sent: Option<String>,
}

/// What signs here. Without a channel a code is not proposed where something else signs.
fn methods(app: &App) -> Vec<&'static str> {
    match app.settings.conduct.signing() {
        Signing::OneTimeCode => vec!["one_time_code"],
        Signing::Any if codes::reachable(app) => vec!["one_time_code", "typed_name"],
        Signing::Any => vec!["typed_name"],
    }
}

async fn code_view(db: &mut storage::Connection, code: storage::codes::Row, now: Instant) -> Result<CodeView, Problem> {
    let until = Instant::parse(&code.expires).map_err(Problem::internal)?.seconds();
    let sent = notices::of_once(db, &codes::once(&code.id)).await?.and_then(|(_, _, sent, _)| sent);
    Ok(CodeView {
        seconds_left: until.saturating_sub(now.seconds()).max(0),
        attempts_left: (ATTEMPTS_MAX - code.attempts).max(0),
        code_id: code.id,
        expires: code.expires,
        sent,
    })
}

/// How the agreement can be signed: by what, where codes go, and where the newest one stands.
#[utoipa::path(get, path = "/v1/applications/{id}/sign", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = SigningView), (status = 409, response = super::ProblemDocument), (status = "4XX", response = super::ProblemDocument)))]
pub async fn signing(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let mut db = app.db.read().await?;
    let row = of_capability(&mut db, &id, &capability).await?;
    let agreement_hash = codes::require_approved(&row)?;
    let made = storage::codes::count(&mut db, &id).await?;
    let newest = storage::codes::newest(&mut db, &id).await?;
    let wait_seconds = newest.as_ref().map_or(Ok(0), |code| codes::wait_seconds(code, now))?;
    let code = match newest.filter(|code| code.used.is_none() && code.agreement_hash == agreement_hash) {
        Some(code) => Some(code_view(&mut db, code, now).await?),
        None => None,
    };
    Reply::ok(&SigningView {
        decision_id: row.decision.unwrap_or_default(),
        agreement_hash,
        methods: methods(&app),
        sent_to: delivery::address(&app, &mut db, &id).await?.as_deref().and_then(delivery::masked),
        code,
        codes_left: (CODES_OF_APPLICATION_MAX - made).max(0),
        wait_seconds,
    })
}

/// A code that was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeSent {
    /// Its id, not its digits.
    code_id: String,
    /// Until when it holds, RFC 3339.
    expires: String,
    /// How often it may be mistyped.
    attempts_max: i64,
}

/// Sends a one-time code to the applicant, by which the agreement can be signed. Only the newest code signs.
#[utoipa::path(post, path = "/v1/applications/{id}/sign/code", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 202, body = CodeSent), (status = "4XX", response = super::ProblemDocument)))]
pub async fn send_code(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let caller = format!("capability:{capability}");
    let place = format!("applications/{id}/sign/code");
    let attempt = app.in_flight.claim(&caller, &place, &key, &secret::sha256_hex(""))?;
    let (server, attempt, id, capability) = (&*app, &attempt, id.as_str(), capability.as_str());
    let work = |mut tx: Part| async move {
        let row = of_capability(&mut tx, id, capability).await?;
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let (code_id, expires) = codes::make(server, &mut tx, &row, now).await?;
        let reply = Reply::accepted(&CodeSent { code_id, expires, attempts_max: ATTEMPTS_MAX })?;
        attempt.finish(&mut tx, &server.vault, &reply, &now.to_string()).await?;
        Ok(reply)
    };
    app.db.write(work).await
}
