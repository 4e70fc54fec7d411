//! Shoppers' credentials for their loans, by hash.

use super::Connection;

/// Adds a credential.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, loan: &str, hash: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO loan_capabilities (hash, loan, created) VALUES ($1, $2, $3)")
        .bind(hash)
        .bind(loan)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Whether a credential opens a loan.
///
/// # Errors
/// When the database fails.
pub async fn opens(db: &mut Connection, loan: &str, hash: &str) -> sqlx::Result<bool> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM loan_capabilities WHERE hash = $1 AND loan = $2 AND revoked IS NULL")
            .bind(hash)
            .bind(loan)
            .fetch_one(db)
            .await?;
    Ok(count > 0)
}

/// How many credentials were ever made for a loan.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Connection, loan: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM loan_capabilities WHERE loan = $1").bind(loan).fetch_one(db).await
}

/// Revokes every credential of a loan.
///
/// # Errors
/// When the database fails.
pub async fn revoke_all(db: &mut Connection, loan: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE loan_capabilities SET revoked = $2 WHERE loan = $1 AND revoked IS NULL")
        .bind(loan)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
