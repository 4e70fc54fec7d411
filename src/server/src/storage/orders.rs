//! Orders that their merchants capture, and the captures.

use sqlx::FromRow;

use super::Connection;

/// An order's row. `captured`, `released`, `captures` and `ended` are projections.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub checkout: String,
    pub application: String,
    pub offer: String,
    pub person: String,
    pub merchant: String,
    pub currency: String,
    pub line: Option<String>,
    /// Canonical JSON of the offer that was signed.
    pub terms: String,
    /// All that the merchant pays.
    pub merchant_fee: i64,
    /// Of it, the fee of the instalments.
    pub installment_fee: i64,
    pub agreement_text: String,
    pub agreement_hash: String,
    pub signature_record: String,
    pub authorized: i64,
    pub captured: i64,
    /// What its merchant gave up.
    pub released: i64,
    pub captures: i64,
    /// The last business date on which it may be captured.
    pub capture_until: String,
    /// `captured`, `voided` or `expired`.
    pub ended: Option<String>,
    pub signed: String,
}

/// One capture.
#[derive(Debug, Clone, FromRow)]
pub struct CaptureRow {
    pub number: i64,
    pub loan: String,
    pub amount: i64,
    pub captured_on: String,
    /// Where its payout failed: how many captures the order had by then.
    pub failed_after: Option<i64>,
}

/// Writes a new order; `false` where its offer, checkout or application has one.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO orders (checkout, application, offer, person, merchant, currency, line, terms, merchant_fee,
            agreement_text, agreement_hash, signature_record, authorized, captured, captures, capture_until, signed,
            installment_fee)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING",
    )
    .bind(&row.checkout)
    .bind(&row.application)
    .bind(&row.offer)
    .bind(&row.person)
    .bind(&row.merchant)
    .bind(&row.currency)
    .bind(&row.line)
    .bind(&row.terms)
    .bind(row.merchant_fee)
    .bind(&row.agreement_text)
    .bind(&row.agreement_hash)
    .bind(&row.signature_record)
    .bind(row.authorized)
    .bind(row.captured)
    .bind(row.captures)
    .bind(&row.capture_until)
    .bind(&row.signed)
    .bind(row.installment_fee)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The order of a checkout.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, checkout: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM orders WHERE checkout = $1").bind(checkout).fetch_optional(db).await
}

/// Rewrites what an order's captures and its end come to.
///
/// # Errors
/// When the database fails.
pub async fn project(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query("UPDATE orders SET captured = $2, released = $3, captures = $4, ended = $5 WHERE checkout = $1")
        .bind(&row.checkout)
        .bind(row.captured)
        .bind(row.released)
        .bind(row.captures)
        .bind(&row.ended)
        .execute(db)
        .await?;
    Ok(())
}

/// Marks an order as over with its window; `false` where it had ended.
///
/// # Errors
/// When the database fails.
pub async fn expire(db: &mut Connection, checkout: &str, today: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query("UPDATE orders SET ended = 'expired' WHERE checkout = $1 AND ended IS NULL AND capture_until < $2")
            .bind(checkout)
            .bind(today)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Orders whose window is over on a business date and that are not marked yet.
///
/// # Errors
/// When the database fails.
pub async fn past_window(db: &mut Connection, today: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT checkout FROM orders WHERE ended IS NULL AND capture_until < $1 ORDER BY capture_until, checkout LIMIT $2",
    )
    .bind(today)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Adds a capture.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn add_capture(db: &mut Connection, checkout: &str, row: &CaptureRow, now: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO order_captures (checkout, number, loan, amount, captured_on, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(checkout)
    .bind(row.number)
    .bind(&row.loan)
    .bind(row.amount)
    .bind(&row.captured_on)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// An order's captures in order.
///
/// # Errors
/// When the database fails.
pub async fn captures(db: &mut Connection, checkout: &str) -> sqlx::Result<Vec<CaptureRow>> {
    sqlx::query_as(
        "SELECT c.number, c.loan, c.amount, c.captured_on, f.after AS failed_after FROM order_captures c
         LEFT JOIN order_capture_failures f ON f.checkout = c.checkout AND f.number = c.number
         WHERE c.checkout = $1 ORDER BY c.number",
    )
    .bind(checkout)
    .fetch_all(db)
    .await
}

/// The capture that a loan is, by its order and number.
///
/// # Errors
/// When the database fails.
pub async fn capture_of_loan(db: &mut Connection, loan: &str) -> sqlx::Result<Option<(String, i64)>> {
    sqlx::query_as("SELECT checkout, number FROM order_captures WHERE loan = $1").bind(loan).fetch_optional(db).await
}

/// Notes that the payout of a capture failed when the order had so many captures; `false` where that is known.
///
/// # Errors
/// When the database fails.
pub async fn add_failure(
    db: &mut Connection,
    (checkout, number): (&str, i64),
    after: i64,
    (failed_on, now): (&str, &str),
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO order_capture_failures (checkout, number, after, failed_on, created) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (checkout, number) DO NOTHING",
    )
    .bind(checkout)
    .bind(number)
    .bind(after)
    .bind(failed_on)
    .bind(now)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds a shopper's credential.
///
/// # Errors
/// When the database fails.
pub async fn add_capability(db: &mut Connection, checkout: &str, hash: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO order_capabilities (hash, checkout, created) VALUES ($1, $2, $3)")
        .bind(hash)
        .bind(checkout)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// The hashes of an order's credentials.
///
/// # Errors
/// When the database fails.
pub async fn capabilities(db: &mut Connection, checkout: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT hash FROM order_capabilities WHERE checkout = $1 ORDER BY created, hash")
        .bind(checkout)
        .fetch_all(db)
        .await
}

/// The orders of a person that have not ended and may be captured on a business date.
///
/// # Errors
/// When the database fails.
pub async fn open_of_person(db: &mut Connection, person: &str, today: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT checkout FROM orders WHERE person = $1 AND ended IS NULL AND capture_until >= $2 ORDER BY checkout",
    )
    .bind(person)
    .bind(today)
    .fetch_all(db)
    .await
}

/// Orders that are not the sum of their captures that did not fail, and those with a failed one whose loan is lent.
///
/// # Errors
/// When the database fails.
pub async fn out_of_sum(db: &mut Connection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT o.checkout FROM orders o LEFT JOIN order_captures c ON c.checkout = o.checkout
            LEFT JOIN order_capture_failures f ON f.checkout = c.checkout AND f.number = c.number
            LEFT JOIN loans l ON l.id = c.loan LEFT JOIN loan_standings s ON s.loan = c.loan
         GROUP BY o.checkout, o.captured, o.captures, o.authorized, o.released, o.ended
         HAVING o.captured <> coalesce(sum(CASE WHEN f.number IS NULL THEN c.amount ELSE 0 END), 0)
            OR o.captured <> coalesce(sum(CASE WHEN f.number IS NULL THEN l.principal ELSE 0 END), 0)
            OR sum(CASE WHEN f.number IS NOT NULL AND s.status <> 'cancelled' THEN 1 ELSE 0 END) > 0
            OR o.captures <> count(c.loan) OR (o.captured + o.released = o.authorized) <> (o.ended IS NOT NULL AND o.ended <> 'expired')",
    )
    .fetch_all(db)
    .await
}
