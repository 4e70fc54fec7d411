//! Replies to requests that must take effect once.

use super::Connection;

/// A reply as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Whose key it is, and for what.
    pub scope: String,
    /// Of the key; within a scope, there is one.
    pub key_hash: String,
    /// Of the request's body.
    pub fingerprint: String,
    /// The HTTP status.
    pub status: u16,
    /// The body, sealed.
    pub sealed: Vec<u8>,
}

/// The reply under a key. Of scope and key there are two forms each: today's, and that of an earlier program.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, scopes: [&str; 2], keys: [&str; 2]) -> sqlx::Result<Option<Stored>> {
    let row: Option<(String, String, String, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT scope, key_hash, fingerprint, reply_status, reply_sealed FROM idempotency
         WHERE scope IN ($1, $2) AND key_hash IN ($3, $4)",
    )
    .bind(scopes[0])
    .bind(scopes[1])
    .bind(keys[0])
    .bind(keys[1])
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(scope, key_hash, fingerprint, status, sealed)| Stored {
        scope,
        key_hash,
        fingerprint,
        status: u16::try_from(status).unwrap_or(0),
        sealed,
    }))
}

/// Keeps a reply.
///
/// # Errors
/// When the key is taken or the database fails.
pub async fn insert(db: &mut Connection, stored: &Stored, now: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO idempotency (scope, key_hash, fingerprint, reply_status, reply_sealed, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&stored.scope)
    .bind(&stored.key_hash)
    .bind(&stored.fingerprint)
    .bind(i64::from(stored.status))
    .bind(&stored.sealed)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets replies from before a moment, the oldest first; how many there were.
///
/// # Errors
/// When the database fails.
pub async fn delete_before(db: &mut Connection, before: &str, limit: i64) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM idempotency WHERE (scope, key_hash) IN (
            SELECT scope, key_hash FROM idempotency WHERE created < $1 ORDER BY created LIMIT $2)",
    )
    .bind(before)
    .bind(limit)
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
