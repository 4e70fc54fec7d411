//! Money of unknown payers, with what it can be matched or returned by.

use sqlx::FromRow;

use super::Connection;

/// A receipt's row, beside its journal entry.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub entry: String,
    pub transfer: String,
    /// What the payer wrote, under the server's key; empty once it was erased or moved.
    pub reference_sealed: Vec<u8>,
    /// The record under a person's key that it was moved to.
    pub reference_record: Option<String>,
    pub amount: i64,
    pub currency: String,
    pub value_date: String,
    pub received: String,
    /// `matched`, `returned` or `taken_back`; none while it waits.
    pub outcome: Option<String>,
    /// The loan it was matched to.
    pub loan: Option<String>,
    /// The payment of the loan, or the pay-back.
    pub payment: Option<String>,
}

const SELECT: &str = "SELECT s.entry, s.transfer, r.sealed AS reference_sealed, r.record AS reference_record,
    s.amount, s.currency, s.value_date, s.received, m.outcome, m.loan, m.payment
    FROM suspense_receipts s JOIN payer_references r ON r.entry = s.entry LEFT JOIN suspense_matches m ON m.entry = s.entry";

/// The receipt of an entry.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, entry: &str) -> sqlx::Result<Option<Row>> {
    let sql = format!("{SELECT} WHERE s.entry = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(entry).fetch_optional(db).await
}

/// The receipt of a transfer of the provider's.
///
/// # Errors
/// When the database fails.
pub async fn of_transfer(db: &mut Connection, transfer: &str) -> sqlx::Result<Option<Row>> {
    let sql = format!("{SELECT} WHERE s.transfer = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(transfer).fetch_optional(db).await
}

/// What became of a receipt.
#[derive(Debug, Clone, Copy)]
pub struct Match<'a> {
    pub entry: &'a str,
    pub outcome: &'a str,
    pub loan: Option<&'a str>,
    /// The payment of the loan, or the pay-back.
    pub payment: Option<&'a str>,
    pub decided_by: &'a str,
    pub decided: &'a str,
}

/// Writes what became of a receipt.
///
/// # Errors
/// When that is known already or the database fails.
pub async fn insert_match(db: &mut Connection, new: &Match<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO suspense_matches (entry, outcome, loan, payment, decided_by, decided) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.entry)
    .bind(new.outcome)
    .bind(new.loan)
    .bind(new.payment)
    .bind(new.decided_by)
    .bind(new.decided)
    .execute(db)
    .await?;
    Ok(())
}

/// The receipt waits again: it could not be returned, or its payment was reversed. What was tried stands among the
/// pay-backs and the payments.
///
/// # Errors
/// When the database fails.
pub async fn unmatch(db: &mut Connection, entry: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM suspense_matches WHERE entry = $1").bind(entry).execute(db).await?;
    Ok(())
}

/// Writes a receipt.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO suspense_receipts (entry, transfer, amount, currency, value_date, received)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.entry)
    .bind(&row.transfer)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.value_date)
    .bind(&row.received)
    .execute(&mut *db)
    .await?;
    sqlx::query("INSERT INTO payer_references (entry, sealed, received) VALUES ($1, $2, $3)")
        .bind(&row.entry)
        .bind(&row.reference_sealed)
        .bind(&row.received)
        .execute(db)
        .await?;
    Ok(())
}

/// Empties what the payer of a receipt wrote; `record` is where it is kept from now on, under a person's key. `false`
/// where nothing was left of it.
///
/// # Errors
/// When the database fails.
pub async fn empty_reference(db: &mut Connection, entry: &str, record: Option<&str>) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE payer_references SET sealed = $3, record = $2 WHERE entry = $1 AND length(sealed) > 0")
            .bind(entry)
            .bind(record)
            .bind(Vec::<u8>::new())
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Receipts that came before a day and of which it is still kept what the payer wrote.
///
/// # Errors
/// When the database fails.
pub async fn references_before(db: &mut Connection, before: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT entry FROM payer_references WHERE length(sealed) > 0 AND received < $1 ORDER BY received LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Receipts in the order in which they came, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    let sql = format!("{SELECT} WHERE ($1 IS NULL OR s.entry > $1) ORDER BY s.entry LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(after).bind(limit).fetch_all(db).await
}

/// What waits to be matched, by currency.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &mut Connection) -> sqlx::Result<Vec<super::loans::SumRow>> {
    sqlx::query_as(
        "SELECT s.currency, CAST(sum(s.amount) AS BIGINT) AS amount, count(*) AS count
         FROM suspense_receipts s LEFT JOIN suspense_matches m ON m.entry = s.entry
         WHERE m.entry IS NULL GROUP BY s.currency ORDER BY s.currency",
    )
    .fetch_all(db)
    .await
}
