//! What must be told about applications, and by when.

use sqlx::FromRow;

use super::Connection;

/// The decision about a complete application.
pub const DECISION: &str = "decision";
/// What an incomplete application lacks.
pub const INCOMPLETE: &str = "incomplete";

/// A duty that is not met.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub application: String,
    pub kind: String,
    /// The last day on which it can be met.
    pub due_by: String,
    pub created: String,
}

/// Notes a duty, unless it is there.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut Connection,
    application: &str,
    kind: &str,
    due_by: &str,
    created: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notice_duties (application, kind, due_by, created) VALUES ($1, $2, $3, $4)
         ON CONFLICT (application, kind) DO NOTHING",
    )
    .bind(application)
    .bind(kind)
    .bind(due_by)
    .bind(created)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a duty is met, where there is one.
///
/// # Errors
/// When the database fails.
pub async fn meet(db: &mut Connection, application: &str, kind: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE notice_duties SET met = $3 WHERE application = $1 AND kind = $2 AND met IS NULL")
        .bind(application)
        .bind(kind)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Open duties of a kind after an application.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &mut Connection, kind: &str, after: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT application, kind, due_by, created FROM notice_duties
         WHERE kind = $1 AND met IS NULL AND application > $2 ORDER BY application LIMIT $3",
    )
    .bind(kind)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Open duties that end on a day or before, those of the nearest day first.
///
/// # Errors
/// When the database fails.
pub async fn due_before(db: &mut Connection, date: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT application, kind, due_by, created FROM notice_duties
         WHERE met IS NULL AND due_by <= $1 ORDER BY due_by, application LIMIT $2",
    )
    .bind(date)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// How many open duties should have been met before a day.
///
/// # Errors
/// When the database fails.
pub async fn overdue(db: &mut Connection, date: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM notice_duties WHERE met IS NULL AND due_by < $1")
        .bind(date)
        .fetch_one(db)
        .await
}
