//! Checkouts.

use sqlx::FromRow;

use super::Connection;

/// A checkout's row.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub merchant: String,
    pub merchant_order: String,
    pub amount: i64,
    pub currency: String,
    /// Canonical JSON of the lines.
    pub cart: String,
    pub cart_hash: String,
    pub cart_version: i64,
    pub status: String,
    pub created: String,
    pub expires: String,
    /// `automatic` or `manual`.
    pub capture: String,
    /// For how many days after its signature it may be captured, where it is captured by its merchant.
    pub capture_days: Option<i64>,
}

impl Row {
    /// Whether its merchant captures it.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.capture == "manual"
    }
}

/// When the first checkout was made, RFC 3339: nothing else comes before it.
///
/// # Errors
/// When the database fails.
pub async fn first_created(db: &mut Connection) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT created FROM checkouts ORDER BY id LIMIT 1").fetch_optional(db).await
}

/// Writes a new checkout.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO checkouts (id, merchant, merchant_order, amount, currency, cart, cart_hash, cart_version,
            status, created, expires, capture, capture_days)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&row.id)
    .bind(&row.merchant)
    .bind(&row.merchant_order)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.cart)
    .bind(&row.cart_hash)
    .bind(row.cart_version)
    .bind(&row.status)
    .bind(&row.created)
    .bind(&row.expires)
    .bind(&row.capture)
    .bind(row.capture_days)
    .execute(db)
    .await?;
    Ok(())
}

/// The checkout of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM checkouts WHERE id = $1").bind(id).fetch_optional(db).await
}

/// Replaces the cart, and with it the amount, the hash and the expiry.
///
/// # Errors
/// When the database fails.
pub async fn update_cart(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE checkouts SET amount = $2, cart = $3, cart_hash = $4, cart_version = cart_version + 1, expires = $5
         WHERE id = $1 AND status = 'open'",
    )
    .bind(&row.id)
    .bind(row.amount)
    .bind(&row.cart)
    .bind(&row.cart_hash)
    .bind(&row.expires)
    .execute(db)
    .await?;
    Ok(())
}

/// Marks a checkout as financed; `false` where it was before.
///
/// # Errors
/// When the database fails.
pub async fn finance(db: &mut Connection, id: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE checkouts SET status = 'financed' WHERE id = $1 AND status = 'open'")
        .bind(id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether another checkout of the same merchant and order number has a loan that was not cancelled, or holds an order
/// on a business date.
///
/// # Errors
/// When the database fails.
pub async fn order_is_financed_elsewhere(db: &mut Connection, row: &Row, today: &str) -> sqlx::Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM checkouts c WHERE c.merchant = $1 AND c.merchant_order = $2 AND c.id <> $3
            AND (EXISTS (SELECT 1 FROM loans l JOIN loan_standings s ON s.loan = l.id
                    WHERE l.checkout = c.id AND s.status <> 'cancelled')
                OR EXISTS (SELECT 1 FROM orders o
                    WHERE o.checkout = c.id AND o.ended IS NULL AND o.capture_until >= $4))",
    )
    .bind(&row.merchant)
    .bind(&row.merchant_order)
    .bind(&row.id)
    .bind(today)
    .fetch_one(db)
    .await?;
    Ok(count > 0)
}
