//! Links that resume an application, by the hash of their token.

use super::Connection;

/// Notes a link.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut Connection,
    id: &str,
    token_hash: &str,
    application: &str,
    expires: &str,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO resume_links (id, token_hash, application, expires, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(token_hash)
        .bind(application)
        .bind(expires)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// A link's id, application, expiry and use.
type Found = (String, String, String, Option<String>);

/// The link of a token's hash.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, token_hash: &str) -> sqlx::Result<Option<Found>> {
    sqlx::query_as("SELECT id, application, expires, used FROM resume_links WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(db)
        .await
}

/// How many links an application had.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut Connection, application: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM resume_links WHERE application = $1").bind(application).fetch_one(db).await
}

/// Uses a link; `false` where it was used before. The row decides, whoever is faster.
///
/// # Errors
/// When the database fails.
pub async fn spend(db: &mut Connection, id: &str, now: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE resume_links SET used = $2 WHERE id = $1 AND used IS NULL")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives an application another credential in the place of the one before.
///
/// # Errors
/// When the database fails.
pub async fn set_capability(db: &mut Connection, application: &str, hash: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE applications SET capability_hash = $2 WHERE id = $1")
        .bind(application)
        .bind(hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps a checkout open until a time, where it would end before.
///
/// # Errors
/// When the database fails.
pub async fn keep_checkout(db: &mut Connection, checkout: &str, until: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE checkouts SET expires = $2 WHERE id = $1 AND status = 'open' AND expires < $2")
        .bind(checkout)
        .bind(until)
        .execute(db)
        .await?;
    Ok(())
}
