//! The provider's transfers and the notices of them.

use sqlx::FromRow;

use crate::storage::Connection;

/// A transfer.
#[derive(Debug, Clone, FromRow)]
pub struct Transfer {
    pub id: String,
    pub kind: String,
    pub reference: String,
    pub amount: i64,
    pub currency: String,
    pub value_date: String,
    pub status: String,
    pub key_hash: String,
    pub fingerprint: String,
}

/// The transfer made under an idempotency key.
///
/// # Errors
/// When the database fails.
pub async fn by_key(db: &mut Connection, key_hash: &str) -> sqlx::Result<Option<Transfer>> {
    sqlx::query_as("SELECT * FROM transfers WHERE key_hash = $1").bind(key_hash).fetch_optional(db).await
}

/// The transfer of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Transfer>> {
    sqlx::query_as("SELECT * FROM transfers WHERE id = $1").bind(id).fetch_optional(db).await
}

/// All transfers in order.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &mut Connection, limit: i64) -> sqlx::Result<Vec<Transfer>> {
    sqlx::query_as("SELECT * FROM transfers ORDER BY id LIMIT $1").bind(limit).fetch_all(db).await
}

/// Writes a transfer.
///
/// # Errors
/// When the key is taken or the database fails.
pub async fn insert(db: &mut Connection, transfer: &Transfer) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO transfers (id, kind, reference, amount, currency, value_date, status, key_hash, fingerprint)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&transfer.id)
    .bind(&transfer.kind)
    .bind(&transfer.reference)
    .bind(transfer.amount)
    .bind(&transfer.currency)
    .bind(&transfer.value_date)
    .bind(&transfer.status)
    .bind(&transfer.key_hash)
    .bind(&transfer.fingerprint)
    .execute(db)
    .await?;
    Ok(())
}

/// A notice that waits.
#[derive(Debug, Clone, FromRow)]
pub struct Waiting {
    pub id: String,
    pub body: String,
    pub attempts: i64,
}

/// Adds a notice, in the transaction of its transfer.
///
/// # Errors
/// When the database fails.
pub async fn insert_webhook(
    db: &mut Connection,
    id: &str,
    transfer: &str,
    body: &str,
    next_attempt_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webhooks (id, transfer, body, attempts, next_attempt_ms, status) VALUES ($1, $2, $3, 0, $4, 'waiting')",
    )
    .bind(id)
    .bind(transfer)
    .bind(body)
    .bind(next_attempt_ms)
    .execute(db)
    .await?;
    Ok(())
}

/// Notices that are due.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &mut Connection, now_ms: i64) -> sqlx::Result<Vec<Waiting>> {
    sqlx::query_as(
        "SELECT id, body, attempts FROM webhooks WHERE status = 'waiting' AND next_attempt_ms <= $1
         ORDER BY next_attempt_ms, id LIMIT 32",
    )
    .bind(now_ms)
    .fetch_all(db)
    .await
}

/// Notes how an attempt ended.
///
/// # Errors
/// When the database fails.
pub async fn note(db: &mut Connection, id: &str, status: &str, next_attempt_ms: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE webhooks SET status = $2, attempts = attempts + 1, next_attempt_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(next_attempt_ms)
        .execute(db)
        .await?;
    Ok(())
}
