//! Calls to others that wait to be made.

use sqlx::FromRow;

use super::Connection;

/// A waiting call. Its id is its idempotency key at the other end.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub path: String,
    /// The payment or payout that it is about.
    pub subject: String,
    pub body: String,
    pub attempts: i64,
}

/// Adds a call, in the transaction of the effect that needs it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut Connection,
    id: &str,
    path: &str,
    subject: &str,
    body: &str,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO outbox (id, path, subject, body, attempts, next_attempt_ms, status, created)
         VALUES ($1, $2, $3, $4, 0, 0, 'waiting', $5)",
    )
    .bind(id)
    .bind(path)
    .bind(subject)
    .bind(body)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Calls that are due, the longest waiting first.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &mut Connection, now_ms: i64, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT id, path, subject, body, attempts FROM outbox WHERE status = 'waiting' AND next_attempt_ms <= $1
         ORDER BY next_attempt_ms, id LIMIT $2",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Notes how an attempt ended: `delivered`, `waiting` for another, or `dead`.
///
/// # Errors
/// When the database fails.
pub async fn note(
    db: &mut Connection,
    id: &str,
    status: &str,
    next_attempt_ms: i64,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE outbox SET status = $2, attempts = attempts + 1, next_attempt_ms = $3, last_error = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(status)
    .bind(next_attempt_ms)
    .bind(error)
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the call about a payment or payout was given up.
///
/// # Errors
/// When the database fails.
pub async fn given_up(db: &mut Connection, subject: &str) -> sqlx::Result<bool> {
    let dead: i64 = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE subject = $1 AND status = 'dead'")
        .bind(subject)
        .fetch_one(db)
        .await?;
    Ok(dead > 0)
}

/// How many calls wait, and how many were given up.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &mut Connection) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT count(CASE WHEN status = 'waiting' THEN 1 END), count(CASE WHEN status = 'dead' THEN 1 END) FROM outbox",
    )
    .fetch_one(db)
    .await
}
