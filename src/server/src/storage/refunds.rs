//! Merchants' refunds, and what each merchant owes for them.

use sqlx::FromRow;

use super::Connection;

/// A refund's row, with the claim that it made.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub merchant: String,
    pub loan: String,
    /// The merchant's own name of the refund.
    pub reference: String,
    pub amount: i64,
    pub currency: String,
    /// Which instalments it reduces.
    pub instalments: Option<String>,
    pub value_date: String,
    pub created: String,
    /// What of the merchant's fee was given back with it.
    pub fee_returned: i64,
    /// On which day it was undone.
    pub undone: Option<String>,
}

const SELECT: &str = "SELECT r.id, r.merchant, r.loan, r.reference, r.amount, r.currency, r.instalments, r.value_date,
    r.created, coalesce(c.fee_returned, 0) AS fee_returned, c.undone
    FROM refunds r LEFT JOIN merchant_claims c ON c.refund = r.id";

/// Writes a new refund.
///
/// # Errors
/// When the loan has one of this reference or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO refunds (id, merchant, loan, reference, amount, currency, instalments, value_date, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(&row.merchant)
    .bind(&row.loan)
    .bind(&row.reference)
    .bind(row.amount)
    .bind(&row.currency)
    .bind(&row.instalments)
    .bind(&row.value_date)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The refund of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    let sql = format!("{SELECT} WHERE r.id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await
}

/// A loan's refund of a merchant's reference.
///
/// # Errors
/// When the database fails.
pub async fn of_reference(db: &mut Connection, loan: &str, reference: &str) -> sqlx::Result<Option<Row>> {
    let sql = format!("{SELECT} WHERE r.loan = $1 AND r.reference = $2");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(loan).bind(reference).fetch_optional(db).await
}

/// Refunds in order, of a merchant or of all, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &mut Connection,
    merchant: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    let sql =
        format!("{SELECT} WHERE ($1 IS NULL OR r.merchant = $1) AND ($2 IS NULL OR r.id > $2) ORDER BY r.id LIMIT $3");
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(merchant).bind(after).bind(limit).fetch_all(db).await
}

/// A claim on a merchant.
#[derive(Debug, Clone, FromRow)]
pub struct Claim {
    pub refund: String,
    pub merchant: String,
    pub loan: String,
    pub amount: i64,
    pub fee_returned: i64,
    pub currency: String,
    pub booked: String,
    pub undone: Option<String>,
}

/// Writes a claim.
///
/// # Errors
/// When the refund made one before or the database fails.
pub async fn insert_claim(db: &mut Connection, claim: &Claim) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO merchant_claims (refund, merchant, loan, amount, fee_returned, currency, booked)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&claim.refund)
    .bind(&claim.merchant)
    .bind(&claim.loan)
    .bind(claim.amount)
    .bind(claim.fee_returned)
    .bind(&claim.currency)
    .bind(&claim.booked)
    .execute(db)
    .await?;
    Ok(())
}

/// The claim of a refund.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &mut Connection, refund: &str) -> sqlx::Result<Option<Claim>> {
    sqlx::query_as("SELECT * FROM merchant_claims WHERE refund = $1").bind(refund).fetch_optional(db).await
}

/// What was refunded of a loan, and what of the fee was given back: amounts of claims that stand.
///
/// # Errors
/// When the database fails.
pub async fn claimed(db: &mut Connection, loan: &str) -> sqlx::Result<(i64, i64)> {
    sqlx::query_as(
        "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT), CAST(coalesce(sum(fee_returned), 0) AS BIGINT)
         FROM merchant_claims WHERE loan = $1 AND undone IS NULL",
    )
    .bind(loan)
    .fetch_one(db)
    .await
}

/// Notes on which day a claim was undone, or that it stands again.
///
/// # Errors
/// When the database fails.
pub async fn set_undone(db: &mut Connection, refund: &str, undone: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE merchant_claims SET undone = $2 WHERE refund = $1")
        .bind(refund)
        .bind(undone)
        .execute(db)
        .await?;
    Ok(())
}
