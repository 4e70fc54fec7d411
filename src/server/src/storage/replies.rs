//! Replies to requests that must take effect once.

use super::Connection;

/// A reply as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Of the key; within a scope, there is one.
    pub key_hash: String,
    /// Of the request's body.
    pub fingerprint: String,
    /// The HTTP status.
    pub status: u16,
    /// The body, sealed.
    pub sealed: Vec<u8>,
}

/// The reply under a key, of which there are two forms.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, scope: &str, keys: [&str; 2]) -> sqlx::Result<Option<Stored>> {
    let row: Option<(String, String, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT key_hash, fingerprint, reply_status, reply_sealed FROM idempotency
         WHERE scope = $1 AND key_hash IN ($2, $3)",
    )
    .bind(scope)
    .bind(keys[0])
    .bind(keys[1])
    .fetch_optional(db)
    .await?;
    Ok(row.map(|(key_hash, fingerprint, status, sealed)| Stored {
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
pub async fn insert(db: &mut Connection, scope: &str, stored: &Stored, now: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO idempotency (scope, key_hash, fingerprint, reply_status, reply_sealed, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope)
    .bind(&stored.key_hash)
    .bind(&stored.fingerprint)
    .bind(i64::from(stored.status))
    .bind(&stored.sealed)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Under which key a reply is, and since when.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Key {
    pub scope: String,
    pub key_hash: String,
    pub created: String,
}

/// Keys in order, after one: a walk through all replies, whatever is added or removed meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: &(String, String), limit: i64) -> sqlx::Result<Vec<Key>> {
    sqlx::query_as(
        "SELECT scope, key_hash, created FROM idempotency WHERE (scope, key_hash) > ($1, $2)
         ORDER BY scope, key_hash LIMIT $3",
    )
    .bind(&after.0)
    .bind(&after.1)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Forgets replies; how many there were.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut Connection, keys: &[&Key]) -> sqlx::Result<u64> {
    let mut removed = 0;
    for key in keys {
        let done = sqlx::query("DELETE FROM idempotency WHERE scope = $1 AND key_hash = $2 AND created = $3")
            .bind(&key.scope)
            .bind(&key.key_hash)
            .bind(&key.created)
            .execute(&mut *db)
            .await?;
        removed += done.rows_affected();
    }
    Ok(removed)
}
