//! The sandbox payment provider: it moves no money, but tells of it as a real one does.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Sandbox, authorize, store};
use crate::{
    app::new_id,
    clock::{Clock, SystemClock},
    http::extract::{IdempotencyKey, Json},
    outbox::{ATTEMPTS_MAX, backoff_ms, now_ms},
    problem::{Kind, Problem},
    secret, webhook,
};

/// The longest reference, in bytes.
const REFERENCE_BYTES_MAX: usize = 128;
/// The most transfers listed.
const LISTED_MAX: i64 = 10_000;
/// How often waiting notices are looked for without being woken.
const POLL: Duration = Duration::from_millis(100);

/// What to do otherwise than well, for tests. Each count goes down by one with each transfer it touches.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    /// So many transfers fail.
    #[serde(default)]
    fail_next: u32,
    /// Of so many transfers the notice comes twice, under two ids.
    #[serde(default)]
    repeat_next: u32,
    /// Of so many debits the notice is that they were collected; they clear, or come back, when told to.
    #[serde(default)]
    collect_next: u32,
    /// Notices wait so long.
    #[serde(default)]
    delay_ms: u32,
}

/// What the lending server instructs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruction {
    reference: String,
    amount: Amount,
    currency: Currency,
    value_date: Date,
}

#[derive(Debug, Serialize)]
struct TransferView {
    id: String,
    kind: String,
    reference: String,
    amount: i64,
    currency: String,
    value_date: String,
    status: String,
}

impl From<store::Transfer> for TransferView {
    fn from(row: store::Transfer) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            reference: row.reference,
            amount: row.amount,
            currency: row.currency,
            value_date: row.value_date,
            status: row.status,
        }
    }
}

/// `POST /v1/debits`: takes money from a borrower.
///
/// # Errors
/// A problem.
pub async fn debit(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: Json<Instruction>,
) -> Result<Response, Problem> {
    make(&sandbox, &headers, "debit", &key.0, body).await
}

/// `POST /v1/payouts`: pays a merchant.
///
/// # Errors
/// A problem.
pub async fn payout(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: Json<Instruction>,
) -> Result<Response, Problem> {
    make(&sandbox, &headers, "payout", &key.0, body).await
}

/// `POST /v1/pay-backs`: pays a payer back.
///
/// # Errors
/// A problem.
pub async fn pay_back(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    key: IdempotencyKey,
    body: Json<Instruction>,
) -> Result<Response, Problem> {
    make(&sandbox, &headers, "payout", &key.0, body).await
}

/// What may happen to a transfer after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Later {
    /// A debit that was collected is final.
    Clear,
    /// A debit that was collected, or a payout, comes back.
    Return,
    /// Final money is taken back.
    ChargeBack,
}

/// `POST /v1/transfers/{id}/{later}`: lets a transfer clear, come back or be charged back.
///
/// # Errors
/// A problem.
pub async fn later(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Path((id, later)): Path<(String, Later)>,
) -> Result<Response, Problem> {
    authorize(&headers, &sandbox.config.provider.key_sha256)?;
    let mut tx = sandbox.db.begin().await?;
    let transfer = store::find(&mut tx, &id).await?.ok_or_else(Problem::not_found)?;
    let name = match (transfer.kind.as_str(), later) {
        ("payout", Later::Return) => "payout.returned",
        ("payout", _) => return Err(Problem::new(Kind::WrongState, "a payout can only be returned")),
        (_, Later::Clear) => "payment.cleared",
        (_, Later::Return) => "payment.returned",
        (_, Later::ChargeBack) => "payment.charged_back",
    };
    let body = notice(&transfer, name).to_string();
    let (_, _, _, delay_ms) = sandbox.take_switches("");
    let due = now_ms().saturating_add(i64::from(delay_ms));
    store::insert_webhook(&mut tx, &format!("msg_{}", new_id()), &transfer.id, &body, due).await?;
    tx.commit().await?;
    sandbox.wake.notify_one();
    Ok((StatusCode::ACCEPTED, axum::Json(TransferView::from(transfer))).into_response())
}

/// `POST /v1/incoming`: test money that a payer sends without being asked. Each call is a new transfer,
/// unless it brings an idempotency key.
///
/// # Errors
/// A problem.
pub async fn incoming(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    body: Json<Instruction>,
) -> Result<Response, Problem> {
    let given = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
    make(&sandbox, &headers, "incoming", &given.unwrap_or_else(new_id), body).await
}

async fn make(
    sandbox: &Sandbox,
    headers: &HeaderMap,
    kind: &str,
    key: &str,
    Json { value: instruction, fingerprint }: Json<Instruction>,
) -> Result<Response, Problem> {
    authorize(headers, &sandbox.config.provider.key_sha256)?;
    let reference = &instruction.reference;
    if reference.is_empty() || reference.len() > REFERENCE_BYTES_MAX || instruction.amount.is_zero() {
        return Err(Problem::new(Kind::InvalidValue, "a reference and an amount above zero are required"));
    }
    let key_hash = secret::sha256_hex(format!("{kind} {key}"));
    let mut tx = sandbox.db.begin().await?;
    if let Some(earlier) = store::by_key(&mut tx, &key_hash).await? {
        if earlier.fingerprint != fingerprint {
            return Err(Problem::new(Kind::IdempotencyConflict, "this key came with another body before"));
        }
        return Ok((StatusCode::ACCEPTED, axum::Json(TransferView::from(earlier))).into_response());
    }
    let (failed, repeated, collected, delay_ms) = sandbox.take_switches(kind);
    let transfer = store::Transfer {
        id: new_id(),
        kind: kind.to_owned(),
        reference: instruction.reference,
        amount: instruction.amount.minor(),
        currency: instruction.currency.code().to_owned(),
        value_date: instruction.value_date.to_string(),
        status: if failed { "failed" } else { "succeeded" }.to_owned(),
        key_hash,
        fingerprint,
    };
    store::insert(&mut tx, &transfer).await?;
    let name = match (kind, failed) {
        ("payout", false) => "payout.settled",
        ("payout", true) => "payout.failed",
        (_, true) => "payment.failed",
        _ if collected => "payment.collected",
        _ => "payment.cleared",
    };
    let body = notice(&transfer, name).to_string();
    for _ in 0..if repeated { 2 } else { 1 } {
        let due = now_ms().saturating_add(i64::from(delay_ms));
        store::insert_webhook(&mut tx, &format!("msg_{}", new_id()), &transfer.id, &body, due).await?;
    }
    tx.commit().await?;
    sandbox.wake.notify_one();
    Ok((StatusCode::ACCEPTED, axum::Json(TransferView::from(transfer))).into_response())
}

fn notice(transfer: &store::Transfer, name: &str) -> serde_json::Value {
    json!({
        "type": name,
        "data": {
            "id": transfer.id,
            "reference": transfer.reference,
            "amount": transfer.amount,
            "currency": transfer.currency,
            "value_date": transfer.value_date,
        },
    })
}

/// `GET /v1/transfers`.
///
/// # Errors
/// A problem.
pub async fn transfers(State(sandbox): State<Arc<Sandbox>>, headers: HeaderMap) -> Result<Response, Problem> {
    authorize(&headers, &sandbox.config.provider.key_sha256)?;
    let mut db = sandbox.db.read().await?;
    let transfers: Vec<TransferView> =
        store::all(&mut db, LISTED_MAX).await?.into_iter().map(TransferView::from).collect();
    Ok(axum::Json(json!({ "transfers": transfers })).into_response())
}

/// `POST /v1/switches`: sets what goes wrong next.
///
/// # Errors
/// A problem.
pub async fn switch(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Json { value, .. }: Json<Switches>,
) -> Result<Response, Problem> {
    authorize(&headers, &sandbox.config.provider.key_sha256)?;
    *sandbox.switches.lock().unwrap_or_else(PoisonError::into_inner) = value.clone();
    Ok(axum::Json(value).into_response())
}

impl Sandbox {
    /// What a new transfer of a kind meets: failed, told twice, collected only; and how long its notice waits.
    fn take_switches(&self, kind: &str) -> (bool, bool, bool, u32) {
        let mut switches = self.switches.lock().unwrap_or_else(PoisonError::into_inner);
        let delay_ms = switches.delay_ms;
        if kind.is_empty() {
            return (false, false, false, delay_ms);
        }
        let taken = |count: &mut u32| std::mem::replace(count, count.saturating_sub(1)) > 0;
        let (failed, repeated) = (taken(&mut switches.fail_next), taken(&mut switches.repeat_next));
        let collected = kind == "debit" && !failed && taken(&mut switches.collect_next);
        (failed, repeated, collected, delay_ms)
    }
}

/// Delivers notices for as long as it is let, each until it is acknowledged or given up.
pub async fn deliver(sandbox: Arc<Sandbox>) {
    loop {
        if let Err(problem) = deliver_due(&sandbox).await {
            tracing::error!(?problem, "notices could not be read");
        }
        let _ = tokio::time::timeout(POLL, sandbox.wake.notified()).await;
    }
}

async fn deliver_due(sandbox: &Sandbox) -> Result<(), Problem> {
    let Some(secret) = webhook::Secret::parse(&sandbox.config.provider.webhook_secret) else {
        return Err(Problem::internal("the webhook secret cannot be read"));
    };
    let mut db = sandbox.db.read().await?;
    let due = store::due(&mut db, now_ms()).await?;
    drop(db);
    for waiting in due {
        let timestamp = SystemClock.now_seconds();
        let signature = secret.sign(&waiting.id, timestamp, waiting.body.as_bytes());
        let timestamp = timestamp.to_string();
        let headers = [
            ("webhook-id", waiting.id.as_str()),
            ("webhook-timestamp", timestamp.as_str()),
            ("webhook-signature", signature.as_str()),
        ];
        let answer = sandbox.client.post(&sandbox.config.provider.webhook_url, &headers, &waiting.body).await;
        let answer = answer.map(|(status, _)| status);
        let (status, next) = match answer {
            Ok(200..=299) => ("delivered", 0),
            _ if waiting.attempts + 1 >= ATTEMPTS_MAX => ("dead", 0),
            _ => ("waiting", now_ms().saturating_add(backoff_ms(waiting.attempts))),
        };
        if status != "delivered" {
            tracing::warn!(webhook = waiting.id, attempts = waiting.attempts + 1, ?answer, "a notice was not taken");
        }
        let mut tx = sandbox.db.begin().await?;
        store::note(&mut tx, &waiting.id, status, next).await?;
        tx.commit().await?;
    }
    Ok(())
}
