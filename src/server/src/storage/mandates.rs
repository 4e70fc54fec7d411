//! Loans whose instalments are debited by themselves, and which due day was.

use sqlx::FromRow;

use super::{Connection, many};

/// A mandate: the shopper's word that instalments are debited on their due day.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub loan: String,
    /// SHA-256 of the sentence that was agreed to.
    pub text_hash: String,
    pub given: String,
    pub withdrawn: Option<String>,
    /// No debit is due before it; nothing where none will be.
    pub next_due: Option<String>,
}

/// A due day and the payment that was instructed for it.
#[derive(Debug, Clone)]
pub struct Debit {
    pub loan: String,
    pub due: String,
    pub payment: String,
}

/// The mandate of a loan, withdrawn or not.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, loan: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM mandates WHERE loan = $1").bind(loan).fetch_optional(db).await
}

/// Writes a mandate, in place of an earlier one.
///
/// # Errors
/// When the database fails.
pub async fn give(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO mandates (loan, text_hash, given, withdrawn, next_due) VALUES ($1, $2, $3, NULL, $4)
         ON CONFLICT (loan) DO UPDATE SET text_hash = excluded.text_hash, given = excluded.given, withdrawn = NULL,
            next_due = excluded.next_due",
    )
    .bind(&row.loan)
    .bind(&row.text_hash)
    .bind(&row.given)
    .bind(&row.next_due)
    .execute(db)
    .await?;
    Ok(())
}

/// Withdraws the mandate of a loan; `false` where there is none in force.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(db: &mut Connection, loan: &str, now: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE mandates SET withdrawn = $2 WHERE loan = $1 AND withdrawn IS NULL")
        .bind(loan)
        .bind(now)
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a mandate is in force.
///
/// # Errors
/// When the database fails.
pub async fn in_force(db: &mut Connection, loan: &str) -> sqlx::Result<bool> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM mandates WHERE loan = $1 AND withdrawn IS NULL")
        .bind(loan)
        .fetch_one(db)
        .await?;
    Ok(count > 0)
}

/// Loans whose next due day is a date or before it, by that day and their id.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &mut Connection, date: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT loan FROM mandates WHERE withdrawn IS NULL AND next_due IS NOT NULL AND next_due <= $1
         ORDER BY next_due, loan LIMIT $2",
    )
    .bind(date)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Of these loans, those whose mandate is in force: loan and next due day.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &mut Connection, loans: &[&str]) -> sqlx::Result<Vec<(String, String)>> {
    let before = "SELECT loan, next_due FROM mandates WHERE withdrawn IS NULL AND next_due IS NOT NULL AND loan IN";
    many::select(db, before, "", loans).await
}

/// Notes the next due days of loans: loan and day.
///
/// # Errors
/// When the database fails.
pub async fn set_next_due(db: &mut Connection, days: &[(String, Option<String>)]) -> sqlx::Result<()> {
    let before = "WITH v (loan, next_due) AS (VALUES";
    let after = ") UPDATE mandates SET next_due = v.next_due FROM v WHERE mandates.loan = v.loan";
    many::execute(db, (before, after), 2, days, |query, (loan, day)| query.bind(loan.clone()).bind(day.clone())).await
}

/// Of these loans, the due days that were debited.
///
/// # Errors
/// When the database fails.
pub async fn debited(db: &mut Connection, loans: &[&str]) -> sqlx::Result<Vec<(String, String)>> {
    many::select(db, "SELECT loan, due FROM due_debits WHERE loan IN", "", loans).await
}

/// Notes debits.
///
/// # Errors
/// When a day was debited before or the database fails.
pub async fn add_debits(db: &mut Connection, debits: &[Debit]) -> sqlx::Result<()> {
    let before = "INSERT INTO due_debits (loan, due, payment) VALUES";
    many::execute(db, (before, ""), 3, debits, |query, debit| {
        query.bind(debit.loan.clone()).bind(debit.due.clone()).bind(debit.payment.clone())
    })
    .await
}
