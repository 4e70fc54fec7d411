//! Personal data, as the lender's people and the shopper may ask for it.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    applications::of_capability,
    auth::{Caller, OnlyLender},
    etag::IfMatch,
    extract::{Id, IdempotencyKey, Json},
};
use crate::{
    app::App,
    people,
    problem::Problem,
    reply::Reply,
    rights::{self, ConsentView, Correction},
    storage::{Connection, applications, group::Part},
};

/// Whom to find.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// `email`, `phone` or `resident_id`.
    kind: String,
    /// What was given.
    value: String,
}

/// Who was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// Their ids.
    persons: Vec<String>,
}

/// Finds people by what they gave. In a body, because an address is logged by everything that an URL passes.
#[utoipa::path(post, path = "/v1/persons/search", tag = "persons", security(("bearer" = [])), request_body = Search,
    responses((status = 200, body = Found), (status = "4XX", response = super::ProblemDocument)))]
pub async fn search(
    State(app): State<Arc<App>>,
    _: OnlyLender,
    Json { value: search, .. }: Json<Search>,
) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    Reply::ok(&Found { persons: rights::find(&app.vault, &mut db, &search.kind, &search.value).await? })
}

/// Everything that is kept of a person.
#[utoipa::path(get, path = "/v1/persons/{id}", tag = "persons", security(("bearer" = [])),
    params(("id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = rights::Export), (status = "4XX", response = super::ProblemDocument)))]
pub async fn export(State(app): State<Arc<App>>, _: OnlyLender, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let export = rights::export(&app, &mut db, &id).await?;
    Ok(Reply::ok(&export)?.tagged(rights::tag(&export)?))
}

/// What became of a request about a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Corrected {
    /// The person.
    person_id: String,
    /// The record of the correction.
    record_id: String,
}

/// Puts right what was applied with, from now on.
#[utoipa::path(post, path = "/v1/persons/{id}/corrections", tag = "persons", security(("bearer" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header), ("If-Match" = Option<String>, Header)),
    request_body = Correction,
    responses((status = 201, body = Corrected), (status = "4XX", response = super::ProblemDocument)))]
pub async fn correct(
    State(app): State<Arc<App>>,
    OnlyLender(lender): OnlyLender,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    if_match: IfMatch,
    Json { value: correction, fingerprint }: Json<Correction>,
) -> Result<Reply, Problem> {
    let caller = Caller::Lender(lender).scope();
    // The fingerprint is kept, and what a body corrects is easily guessed: so it is keyed.
    let fingerprint = app.vault.lookup_digest("correction", &fingerprint);
    let attempt = app.in_flight.claim(&caller, &format!("persons/{id}/corrections"), &key, &fingerprint)?;
    rights::check_correction(&correction)?;
    let now = app.now()?.to_string();
    let (server, id, attempt, correction, now) = (&*app, id.as_str(), &attempt, &correction, now.as_str());
    let if_match = &if_match;
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        if_match.check(&rights::tag(&rights::export(server, &mut tx, id).await?)?)?;
        let record_id = rights::correct(&server.vault, &mut tx, id, correction, now).await?;
        let reply = Reply::created(&Corrected { person_id: id.to_owned(), record_id })?;
        attempt.finish(&mut tx, &server.vault, &reply, now).await?;
        Ok(reply.tagged(rights::tag(&rights::export(server, &mut tx, id).await?)?))
    };
    app.db.write(work).await
}

/// An erased person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Erased {
    /// The random id, which names nobody any more.
    person_id: String,
    /// When, RFC 3339.
    erased: String,
}

/// Erases a person, unless a debt is open. The ledger, which holds random ids only, still verifies.
#[utoipa::path(delete, path = "/v1/persons/{id}", tag = "persons", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Erased), (status = "4XX", response = super::ProblemDocument)))]
pub async fn erase(State(app): State<Arc<App>>, _: OnlyLender, Id(id): Id) -> Result<Reply, Problem> {
    let erased = rights::erase(&app, &id).await?;
    Reply::ok(&Erased { person_id: id, erased })
}

/// What is kept of one application.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kept {
    /// The application.
    application_id: String,
    /// What was applied with and what the bureau said; null after erasure.
    #[schema(value_type = Object)]
    input: Option<Value>,
    /// What was agreed to.
    consents: Vec<ConsentView>,
}

/// The application of a capability, or of any lender's key.
///
/// # Errors
/// 404 where there is none for this caller.
pub async fn visible(db: &mut Connection, id: &str, caller: &Caller) -> Result<applications::Row, Problem> {
    match caller {
        Caller::Capability(hash) => of_capability(db, id, hash).await,
        Caller::Lender(_) => applications::find(db, id).await?.ok_or_else(Problem::not_found),
        _ => Err(Problem::not_found()),
    }
}

/// What is kept of one application. Of this one only: another of the same name, address and number may be
/// somebody else's.
#[utoipa::path(get, path = "/v1/applications/{id}/data", tag = "persons", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Kept), (status = "4XX", response = super::ProblemDocument)))]
pub async fn of_application(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let input = people::open(&mut db, &app.vault, &row.input_record).await?;
    let input = input.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(Problem::internal)?;
    Reply::ok(&Kept {
        consents: rights::consents(&app.settings, &mut db, &row.id).await?,
        application_id: row.id,
        input,
    })
}

/// Receipts of consents.
#[derive(Debug, Serialize, ToSchema)]
pub struct Consents {
    /// The application.
    application_id: String,
    /// Each purpose apart, withdrawn ones among them.
    consents: Vec<ConsentView>,
}

/// What was agreed to with an application: sentence, version, purpose, recipient, when.
#[utoipa::path(get, path = "/v1/applications/{id}/consents", tag = "persons", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Consents), (status = "4XX", response = super::ProblemDocument)))]
pub async fn consents(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    let consents = rights::consents(&app.settings, &mut db, &row.id).await?;
    Reply::ok(&Consents { application_id: row.id, consents })
}

/// Which consent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// What it was given for.
    purpose: String,
}

/// Withdraws a consent. What the bundle requires must be given again before an offer can be accepted.
#[utoipa::path(post, path = "/v1/applications/{id}/withdrawals", tag = "persons", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = Withdrawal,
    responses((status = 200, body = ConsentView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Json { value: withdrawal, .. }: Json<Withdrawal>,
) -> Result<Reply, Problem> {
    let now = app.now()?.to_string();
    let (server, id, caller, purpose, now) = (&*app, id.as_str(), &caller, withdrawal.purpose.as_str(), now.as_str());
    let work = |mut tx: Part| async move {
        let row = visible(&mut tx, id, caller).await?;
        rights::withdraw(&server.settings, &mut tx, &row.id, purpose, now).await
    };
    Reply::ok(&app.db.write(work).await?)
}
