//! Calls to others that wait to be made.

use sqlx::FromRow;

use super::{Connection, many};

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

/// A call to be added.
#[derive(Debug, Clone)]
pub struct New {
    pub id: String,
    pub path: &'static str,
    pub subject: String,
    pub body: String,
}

/// Adds calls, in the transaction of the effect that needs them.
///
/// # Errors
/// When the database fails.
pub async fn insert_all(db: &mut Connection, calls: &[New], now: &str) -> sqlx::Result<()> {
    let before = "INSERT INTO outbox (id, path, subject, body, attempts, next_attempt_ms, status, created) VALUES";
    many::execute(db, (before, ""), 8, calls, |query, call| {
        query
            .bind(call.id.clone())
            .bind(call.path)
            .bind(call.subject.clone())
            .bind(call.body.clone())
            .bind(0_i64)
            .bind(0_i64)
            .bind("waiting")
            .bind(now.to_owned())
    })
    .await
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

/// How many calls wait, and how many were given up; each by an index of its own.
///
/// # Errors
/// When the database fails.
pub async fn counts(db: &mut Connection) -> sqlx::Result<(i64, i64)> {
    let waiting =
        sqlx::query_scalar("SELECT count(*) FROM outbox WHERE status = 'waiting'").fetch_one(&mut *db).await?;
    let dead = sqlx::query_scalar("SELECT count(*) FROM outbox WHERE status = 'dead'").fetch_one(db).await?;
    Ok((waiting, dead))
}

/// Removes calls that were delivered and made before a moment, the oldest first; how many there were. Ids are
/// time-ordered, so only the front of the table is looked at.
///
/// # Errors
/// When the database fails.
pub async fn delete_delivered(db: &mut Connection, before: &str, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox WHERE status = 'delivered' AND created < $1 ORDER BY id LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
