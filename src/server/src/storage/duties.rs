//! What must be told about applications, and by when.

use sqlx::{AssertSqlSafe, FromRow};

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

/// Of duties that are open: an erased person can be told nothing any more.
const OPEN: &str = "SELECT d.application, d.kind, d.due_by, d.created FROM notice_duties d
    JOIN applications a ON a.id = d.application JOIN persons p ON p.id = a.person
    WHERE d.met IS NULL AND p.erased IS NULL";

/// Whether a later application of the same checkout lacked nothing: whoever completes an application makes another.
///
/// # Errors
/// When the database fails.
pub async fn completed_since(db: &mut Connection, application: &str) -> sqlx::Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM applications a JOIN applications b ON b.checkout = a.checkout AND b.id > a.id
            JOIN decisions d ON d.application = b.id
         WHERE a.id = $1 AND d.outcome <> 'needs'",
    )
    .bind(application)
    .fetch_one(db)
    .await?;
    Ok(count > 0)
}

/// Open duties of a kind after an application.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &mut Connection, kind: &str, after: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    let sql = format!("{OPEN} AND d.kind = $1 AND d.application > $2 ORDER BY d.application LIMIT $3");
    sqlx::query_as(AssertSqlSafe(sql)).bind(kind).bind(after).bind(limit).fetch_all(db).await
}

/// Open duties that end on a day or before, those of the nearest day first.
///
/// # Errors
/// When the database fails.
pub async fn due_before(db: &mut Connection, date: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    let sql = format!("{OPEN} AND d.due_by <= $1 ORDER BY d.due_by, d.application LIMIT $2");
    sqlx::query_as(AssertSqlSafe(sql)).bind(date).bind(limit).fetch_all(db).await
}

/// How many open duties should have been met before a day.
///
/// # Errors
/// When the database fails.
pub async fn overdue(db: &mut Connection, date: &str) -> sqlx::Result<i64> {
    let sql = format!("SELECT count(*) FROM ({OPEN} AND d.due_by < $1) late");
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(date).fetch_one(db).await
}
