//! Money that goes back to whoever paid.

use sqlx::FromRow;

use super::Connection;

/// A pay-back's row: of a loan's credit balance, or of what an unknown payer sent.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub loan: Option<String>,
    /// The entry of the receipt.
    pub receipt: Option<String>,
    pub amount: i64,
    pub currency: String,
    /// Of a loan, the number of the event that booked it.
    pub event: Option<i64>,
    /// `requested`, `settled` or `failed`.
    pub status: String,
    pub transfer: Option<String>,
    pub created: String,
}

/// Writes a new pay-back.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO pay_backs (id, loan, receipt, amount, currency, event, status, transfer, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(&row.loan)
    .bind(&row.receipt)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(row.event)
    .bind(&row.status)
    .bind(&row.transfer)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The pay-back of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM pay_backs WHERE id = $1").bind(id).fetch_optional(db).await
}

/// How many pay-backs of a loan failed.
///
/// # Errors
/// When the database fails.
pub async fn failed_of_loan(db: &mut Connection, loan: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM pay_backs WHERE loan = $1 AND status = 'failed'")
        .bind(loan)
        .fetch_one(db)
        .await
}

/// Notes how a pay-back ended.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &mut Connection, id: &str, status: &str, transfer: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE pay_backs SET status = $2, transfer = $3 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(transfer)
        .execute(db)
        .await?;
    Ok(())
}

/// Loans with a credit balance, by id after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn loans_with_credit(db: &mut Connection, after: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT loan FROM loan_standings WHERE credit_balance > 0 AND loan > $1 ORDER BY loan LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}
