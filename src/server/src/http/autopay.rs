//! Whether instalments are debited by themselves on their due day.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Caller, OnlyCapability},
    extract::{Id, Json},
    loans::{of_capability, visible},
};
use crate::{
    app::App,
    booking,
    jobs::due_debits,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{
        group::Part,
        mandates::{self, Row},
    },
};

/// The shopper agrees.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Agree {
    /// SHA-256 of the sentence that was shown, 64 lower-case hex digits.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    text_hash: String,
}

/// Where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Autopay {
    /// Whether instalments are debited by themselves.
    on: bool,
    /// SHA-256 of the sentence that was agreed to last.
    text_hash: Option<String>,
    /// When that was, RFC 3339.
    given: Option<String>,
    /// When it was withdrawn.
    withdrawn: Option<String>,
    /// The next day on which something is debited.
    next_due: Option<String>,
}

impl From<Option<Row>> for Autopay {
    fn from(row: Option<Row>) -> Self {
        let Some(row) = row else {
            return Self { on: false, text_hash: None, given: None, withdrawn: None, next_due: None };
        };
        let on = row.withdrawn.is_none();
        Self {
            on,
            text_hash: Some(row.text_hash),
            given: Some(row.given),
            withdrawn: row.withdrawn,
            next_due: row.next_due.filter(|_| on),
        }
    }
}

/// Whether instalments are debited by themselves.
#[utoipa::path(get, path = "/v1/loans/{id}/autopay", tag = "payments", security(("bearer" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Autopay), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = visible(&mut db, &id, &caller).await?;
    Reply::ok(&Autopay::from(mandates::find(&mut db, &row.id).await?))
}

/// The shopper agrees that what is due is debited on its due day. Agreeing again changes the sentence only.
#[utoipa::path(put, path = "/v1/loans/{id}/autopay", tag = "payments", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = Agree,
    responses((status = 200, body = Autopay), (status = "4XX", response = super::ProblemDocument)))]
pub async fn agree(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    Json { value: wanted, .. }: Json<Agree>,
) -> Result<Reply, Problem> {
    let hash = &wanted.text_hash;
    if hash.len() != 64 || !hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Problem::new(Kind::InvalidValue, "not 64 lower-case hex digits").with("pointer", "/text_hash"));
    }
    let (server, id, capability) = (&*app, id.as_str(), capability.as_str());
    let work = |mut tx: Part| async move {
        let loan = of_capability(&mut tx, id, capability).await?;
        let now = server.now()?;
        let today = server.date_of(now)?;
        let next = due_debits::next_from(&booking::load(&mut tx, &loan).await?, today)?;
        let row = Row {
            loan: loan.id,
            text_hash: hash.clone(),
            given: now.to_string(),
            withdrawn: None,
            next_due: next.map(|day| day.to_string()),
        };
        mandates::give(&mut tx, &row).await?;
        Reply::ok(&Autopay::from(Some(row)))
    };
    app.db.write(work).await
}

/// The shopper takes it back: nothing is debited any more that was not instructed yet.
#[utoipa::path(delete, path = "/v1/loans/{id}/autopay", tag = "payments", security(("bearer" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = Autopay), (status = "4XX", response = super::ProblemDocument)))]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
) -> Result<Reply, Problem> {
    let (server, id, capability) = (&*app, id.as_str(), capability.as_str());
    let work = |mut tx: Part| async move {
        let loan = of_capability(&mut tx, id, capability).await?;
        mandates::withdraw(&mut tx, &loan.id, &server.now()?.to_string()).await?;
        Reply::ok(&Autopay::from(mandates::find(&mut tx, &loan.id).await?))
    };
    app.db.write(work).await
}
