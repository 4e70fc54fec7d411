//! One-time codes that sign. The codes themselves stand nowhere.

use sqlx::FromRow;

use super::Connection;

/// A code, without its digits.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    /// The agreement that it signs.
    pub agreement_hash: String,
    pub expires: String,
    /// How often a wrong one was typed in its place.
    pub attempts: i64,
    pub used: Option<String>,
    pub created: String,
}

/// Notes a new code.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut Connection,
    id: &str,
    application: &str,
    agreement_hash: &str,
    expires: &str,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO signing_codes (id, application, agreement_hash, expires, created) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(application)
    .bind(agreement_hash)
    .bind(expires)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// How many codes an application had.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Connection, application: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM signing_codes WHERE application = $1")
        .bind(application)
        .fetch_one(db)
        .await
}

/// The newest code of an application: the only one that signs.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &mut Connection, application: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as(
        "SELECT id, agreement_hash, expires, attempts, used, created FROM signing_codes
         WHERE application = $1 ORDER BY id DESC LIMIT 1",
    )
    .bind(application)
    .fetch_optional(db)
    .await
}

/// Counts a wrong attempt.
///
/// # Errors
/// When the database fails.
pub async fn count_attempt(db: &mut Connection, id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE signing_codes SET attempts = attempts + 1 WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Uses a code; `false` where it was used before.
///
/// # Errors
/// When the database fails.
pub async fn spend(db: &mut Connection, id: &str, now: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE signing_codes SET used = $2 WHERE id = $1 AND used IS NULL")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}
