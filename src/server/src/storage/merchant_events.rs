//! What merchants are told of their orders.

use sqlx::FromRow;

use super::Connection;

/// One event as its merchant reads it.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub r#type: String,
    /// Canonical JSON.
    pub body: String,
    pub created: String,
}

/// Adds an event of a type for a merchant.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut Connection,
    id: &str,
    (merchant, kind): (&str, &str),
    body: &str,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO merchant_events (id, merchant, type, body, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(merchant)
        .bind(kind)
        .bind(body)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// A merchant's events in the order in which they happened, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, merchant: &str, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT id, type, body, created FROM merchant_events
         WHERE merchant = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
    )
    .bind(merchant)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}
