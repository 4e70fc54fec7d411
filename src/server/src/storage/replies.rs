//! Replies to requests that must take effect once.

use super::Connection;

/// A reply as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// SHA-256 of the request's body.
    pub fingerprint: String,
    /// The HTTP status.
    pub status: u16,
    /// The body, sealed.
    pub sealed: Vec<u8>,
}

/// The reply under a key.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, scope: &str, key_hash: &str) -> sqlx::Result<Option<Stored>> {
    let row: Option<(String, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT fingerprint, reply_status, reply_sealed FROM idempotency WHERE scope = $1 AND key_hash = $2",
    )
    .bind(scope)
    .bind(key_hash)
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(fingerprint, status, sealed)| Stored {
        fingerprint,
        status: u16::try_from(status).unwrap_or(0),
        sealed,
    }))
}

/// Keeps a reply.
///
/// # Errors
/// When the key is taken or the database fails.
pub async fn insert(db: &mut Connection, scope: &str, key_hash: &str, stored: &Stored, now: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO idempotency (scope, key_hash, fingerprint, reply_status, reply_sealed, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope)
    .bind(key_hash)
    .bind(&stored.fingerprint)
    .bind(i64::from(stored.status))
    .bind(&stored.sealed)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
