//! Captures that would be dearer than what was signed: what is proposed, confirmed and captured by it.

use sqlx::FromRow;

use super::Connection;

/// A proposal, when it was confirmed, and the capture that was made by it.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    /// SHA-256 of the order, the offer and the day, in canonical JSON.
    pub hash: String,
    pub checkout: String,
    pub amount: i64,
    /// Canonical JSON of the capture's offer on the day of the proposal.
    pub offer: String,
    pub signed_percent: String,
    pub reached_percent: String,
    /// Of all that was signed, with six decimals: up to where it is confirmed.
    pub reached_percent_exact: String,
    pub proposed_on: String,
    /// The last business date on which it may be confirmed and captured.
    pub expires_on: String,
    pub created: String,
    pub confirmed: Option<String>,
    /// The number of the capture that was made by it.
    pub number: Option<i64>,
}

impl Row {
    /// Whether the shopper confirmed it.
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.confirmed.is_some()
    }
}

/// Writes a proposal.
///
/// # Errors
/// When it is there or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO capture_proposals (hash, checkout, amount, offer, signed_percent, reached_percent,
            reached_percent_exact, proposed_on, expires_on, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&row.hash)
    .bind(&row.checkout)
    .bind(row.amount)
    .bind(&row.offer)
    .bind(&row.signed_percent)
    .bind(&row.reached_percent)
    .bind(&row.reached_percent_exact)
    .bind(&row.proposed_on)
    .bind(&row.expires_on)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The proposals of an order, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_order(db: &mut Connection, checkout: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT p.hash, p.checkout, p.amount, p.offer, p.signed_percent, p.reached_percent, p.reached_percent_exact,
            p.proposed_on, p.expires_on, p.created, c.confirmed, s.number
         FROM capture_proposals p LEFT JOIN capture_confirmations c ON c.hash = p.hash
         LEFT JOIN confirmed_captures s ON s.hash = p.hash
         WHERE p.checkout = $1 ORDER BY p.created DESC, p.hash",
    )
    .bind(checkout)
    .fetch_all(db)
    .await
}

/// Notes that the shopper confirmed a proposal.
///
/// # Errors
/// When it was confirmed before or the database fails.
pub async fn confirm(db: &mut Connection, hash: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO capture_confirmations (hash, confirmed) VALUES ($1, $2)")
        .bind(hash)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes the capture that was made by a confirmation, which no other is made by.
///
/// # Errors
/// When there is one or the database fails.
pub async fn spend(db: &mut Connection, hash: &str, (checkout, number): (&str, i64)) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO confirmed_captures (hash, checkout, number) VALUES ($1, $2, $3)")
        .bind(hash)
        .bind(checkout)
        .bind(number)
        .execute(db)
        .await?;
    Ok(())
}
