//! Money of unknown payers, with what it can be matched or returned by.

use sqlx::FromRow;

use super::Connection;

/// A receipt's row, beside its journal entry.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub entry: String,
    pub transfer: String,
    pub reference_sealed: Vec<u8>,
    pub amount: i64,
    pub currency: String,
    pub value_date: String,
    pub received: String,
}

/// Writes a receipt.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO suspense_receipts (entry, transfer, reference_sealed, amount, currency, value_date, received)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&row.entry)
    .bind(&row.transfer)
    .bind(&row.reference_sealed)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.value_date)
    .bind(&row.received)
    .execute(db)
    .await?;
    Ok(())
}

/// Receipts in the order in which they came, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM suspense_receipts WHERE ($1 IS NULL OR entry > $1) ORDER BY entry LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}
