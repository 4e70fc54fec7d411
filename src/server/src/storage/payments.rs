//! Payouts to merchants and payments of borrowers, as the payment provider tells of them.

use sqlx::FromRow;

use super::{Connection, many};

/// A payment's row.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub loan: String,
    pub amount: i64,
    pub currency: String,
    pub status: String,
    pub value_date: Option<String>,
    /// The payment provider's id of the transfer, once it is known.
    pub transfer: Option<String>,
    pub created: String,
    /// On which business day its last state was booked.
    pub booked: Option<String>,
}

/// Instructed; no money has moved.
pub const INITIATED: &str = "initiated";
/// Collected; the payer's bank may still take it back.
pub const RECEIVED: &str = "received";
/// Final.
pub const CLEARED: &str = "cleared";
/// Came to nothing, or was taken back before it was final.
pub const RETURNED: &str = "returned";
/// Taken back although it was final.
pub const CHARGED_BACK: &str = "charged_back";
/// Undone by one of the lender's people.
pub const REVERSED: &str = "reversed";

/// All states of a payment.
pub const STATUSES: [&str; 7] = [INITIATED, RECEIVED, CLEARED, "failed", RETURNED, CHARGED_BACK, REVERSED];

/// A payout's row.
#[derive(Debug, Clone, FromRow)]
pub struct PayoutRow {
    pub id: String,
    pub loan: String,
    pub amount: i64,
    pub currency: String,
    pub status: String,
    pub value_date: Option<String>,
    /// The payment provider's id of the transfer, once it is known.
    pub transfer: Option<String>,
    pub created: String,
}

/// Writes a new payment.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO payments (id, loan, amount, currency, status, value_date, transfer, created, booked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(&row.loan)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.status)
    .bind(&row.value_date)
    .bind(&row.transfer)
    .bind(&row.created)
    .bind(&row.booked)
    .execute(db)
    .await?;
    Ok(())
}

/// The payment of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM payments WHERE id = $1").bind(id).fetch_optional(db).await
}

/// A loan's payments in order.
///
/// # Errors
/// When the database fails.
pub async fn of_loan(db: &mut Connection, loan: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM payments WHERE loan = $1 ORDER BY id").bind(loan).fetch_all(db).await
}

/// Payments after an id, of one state or of all.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &mut Connection,
    status: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT * FROM payments WHERE ($1 IS NULL OR status = $1) AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3",
    )
    .bind(status)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// How many payments a loan has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_loan(db: &mut Connection, loan: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM payments WHERE loan = $1").bind(loan).fetch_one(db).await
}

/// What is instructed for a loan and neither cleared nor failed yet.
///
/// # Errors
/// When the database fails.
pub async fn under_way(db: &mut Connection, loan: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM payments WHERE loan = $1 AND status = 'initiated'",
    )
    .bind(loan)
    .fetch_one(db)
    .await
}

/// What is instructed for each of these loans and neither cleared nor failed yet; a loan without such is left out.
///
/// # Errors
/// When the database fails.
pub async fn under_way_of(db: &mut Connection, loans: &[&str]) -> sqlx::Result<Vec<(String, i64)>> {
    let before = "SELECT loan, CAST(coalesce(sum(amount), 0) AS BIGINT) FROM payments
        WHERE status = 'initiated' AND loan IN";
    many::select(db, before, " GROUP BY loan", loans).await
}

/// How the provider says that a transfer ended.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    pub status: &'a str,
    pub value_date: Option<&'a str>,
    pub transfer: Option<&'a str>,
}

/// Ends an initiated payment; `false` where it had ended.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &mut Connection, id: &str, end: End<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE payments SET status = $2, value_date = $3, transfer = $4 WHERE id = $1 AND status = 'initiated'",
    )
    .bind(id)
    .bind(end.status)
    .bind(end.value_date)
    .bind(end.transfer)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Brings a payment into a state in which the events of its loan are.
///
/// # Errors
/// When the database fails.
pub async fn set_state(db: &mut Connection, id: &str, status: &str, booked: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE payments SET status = $2, booked = $3 WHERE id = $1 AND status <> $2")
        .bind(id)
        .bind(status)
        .bind(booked)
        .execute(db)
        .await?;
    Ok(())
}

/// The payment that a transfer of the provider's made.
///
/// # Errors
/// When the database fails.
pub async fn of_transfer(db: &mut Connection, transfer: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM payments WHERE transfer = $1 ORDER BY id DESC LIMIT 1")
        .bind(transfer)
        .fetch_optional(db)
        .await
}

/// Writes a new payout.
///
/// # Errors
/// When the loan has one or the database fails.
pub async fn insert_payout(db: &mut Connection, row: &PayoutRow) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO payouts (id, loan, amount, currency, status, value_date, transfer, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&row.id)
    .bind(&row.loan)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.status)
    .bind(&row.value_date)
    .bind(&row.transfer)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The payout of an id.
///
/// # Errors
/// When the database fails.
pub async fn find_payout(db: &mut Connection, id: &str) -> sqlx::Result<Option<PayoutRow>> {
    sqlx::query_as("SELECT * FROM payouts WHERE id = $1").bind(id).fetch_optional(db).await
}

/// The payout of a loan.
///
/// # Errors
/// When the database fails.
pub async fn payout_of_loan(db: &mut Connection, loan: &str) -> sqlx::Result<Option<PayoutRow>> {
    sqlx::query_as("SELECT * FROM payouts WHERE loan = $1").bind(loan).fetch_optional(db).await
}

/// Notes on which business day a payment's last state was booked.
///
/// # Errors
/// When the database fails.
pub async fn set_booked(db: &mut Connection, id: &str, booked: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE payments SET booked = $2 WHERE id = $1").bind(id).bind(booked).execute(db).await?;
    Ok(())
}

/// A payout was handed to the provider, unless more is known of it already.
///
/// # Errors
/// When the database fails.
pub async fn payout_sent(db: &mut Connection, id: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE payouts SET status = 'sent' WHERE id = $1 AND status = 'requested'")
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Brings a payout into a state.
///
/// # Errors
/// When the database fails.
pub async fn set_payout(
    db: &mut Connection,
    id: &str,
    status: &str,
    value_date: Option<&str>,
    transfer: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE payouts SET status = $2, value_date = $3, transfer = $4 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(value_date)
        .bind(transfer)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes a notice of the provider; the fingerprint of the earlier one where its id came before.
///
/// # Errors
/// When the database fails.
pub async fn note_webhook(db: &mut Connection, id: &str, fingerprint: &str, now: &str) -> sqlx::Result<Option<String>> {
    let earlier: Option<String> = sqlx::query_scalar("SELECT fingerprint FROM webhooks_received WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *db)
        .await?;
    if earlier.is_none() {
        sqlx::query("INSERT INTO webhooks_received (id, fingerprint, received) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(fingerprint)
            .bind(now)
            .execute(db)
            .await?;
    }
    Ok(earlier)
}

/// Those payments that there are.
///
/// # Errors
/// When the database fails.
pub async fn find_all(db: &mut Connection, ids: &[&str]) -> sqlx::Result<Vec<Row>> {
    many::select(db, "SELECT * FROM payments WHERE id IN", "", ids).await
}

/// Writes new payments.
///
/// # Errors
/// When the database fails.
pub async fn insert_all(db: &mut Connection, rows: &[Row]) -> sqlx::Result<()> {
    let before =
        "INSERT INTO payments (id, loan, amount, currency, status, value_date, transfer, created, booked) VALUES";
    many::execute(db, (before, ""), 9, rows, |query, row| {
        query
            .bind(row.id.clone())
            .bind(row.loan.clone())
            .bind(row.amount)
            .bind(row.currency.clone())
            .bind(row.status.clone())
            .bind(row.value_date.clone())
            .bind(row.transfer.clone())
            .bind(row.created.clone())
            .bind(row.booked.clone())
    })
    .await
}

/// Ends payments that were initiated, as each row says.
///
/// # Errors
/// When the database fails.
pub async fn end_all(db: &mut Connection, rows: &[Row]) -> sqlx::Result<()> {
    let before = "WITH v (id, status, value_date, transfer, booked) AS (VALUES";
    let after = ") UPDATE payments SET status = v.status, value_date = v.value_date, transfer = v.transfer,
        booked = v.booked FROM v WHERE payments.id = v.id AND payments.status IN ('initiated', 'received')";
    many::execute(db, (before, after), 5, rows, |query, row| {
        query
            .bind(row.id.clone())
            .bind(row.status.clone())
            .bind(row.value_date.clone())
            .bind(row.transfer.clone())
            .bind(row.booked.clone())
    })
    .await
}

/// The fingerprints of those notices that came before, by id.
///
/// # Errors
/// When the database fails.
pub async fn webhooks_of(db: &mut Connection, ids: &[&str]) -> sqlx::Result<Vec<(String, String)>> {
    many::select(db, "SELECT id, fingerprint FROM webhooks_received WHERE id IN", "", ids).await
}

/// Notes notices: ids and fingerprints.
///
/// # Errors
/// When one came before or the database fails.
pub async fn note_webhooks(db: &mut Connection, notes: &[(String, String)], now: &str) -> sqlx::Result<()> {
    let before = "INSERT INTO webhooks_received (id, fingerprint, received) VALUES";
    many::execute(db, (before, ""), 3, notes, |query, (id, fingerprint)| {
        query.bind(id.clone()).bind(fingerprint.clone()).bind(now.to_owned())
    })
    .await
}
