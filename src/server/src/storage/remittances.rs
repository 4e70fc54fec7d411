//! What passes between the servicer and funders, day by day, loan by loan.

use sqlx::FromRow;

use super::{Connection, many};

/// A remittance.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub funder: String,
    pub currency: String,
    pub date: String,
    /// More than nothing: to the funder; less: from it; none while it is collecting.
    pub amount: Option<i64>,
    pub status: String,
    pub value_date: Option<String>,
    pub transfer: Option<String>,
    pub created: String,
}

/// How it ends.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    pub status: &'a str,
    pub value_date: Option<&'a str>,
    pub transfer: Option<&'a str>,
}

/// Funders to whom something is owed, or who owe, that is not under way; each with the currency.
///
/// # Errors
/// When the database fails.
pub async fn owed(db: &mut Connection) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT DISTINCT funder, currency FROM loan_funders WHERE to_remit <> 0 AND pending IS NULL
         ORDER BY funder, currency",
    )
    .fetch_all(db)
    .await
}

/// Begins a funder's remittance of a day, unless there is one.
///
/// # Errors
/// When the database fails.
pub async fn open(
    db: &mut Connection,
    id: &str,
    funder: &str,
    currency: &str,
    date: &str,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO funder_remittances (id, funder, currency, date, status, created)
         VALUES ($1, $2, $3, $4, 'collecting', $5) ON CONFLICT (funder, currency, date) DO NOTHING",
    )
    .bind(id)
    .bind(funder)
    .bind(currency)
    .bind(date)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Remittances of a day, or of a day before it, that are still collecting.
///
/// # Errors
/// When the database fails.
pub async fn collecting(db: &mut Connection, date: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM funder_remittances WHERE status = 'collecting' AND date <= $1 ORDER BY id")
        .bind(date)
        .fetch_all(db)
        .await
}

/// Takes so many loans into a remittance that is collecting; gives how many.
///
/// # Errors
/// When the database fails.
pub async fn collect(db: &mut Connection, row: &Row, limit: i64) -> sqlx::Result<usize> {
    if find(db, &row.id).await?.is_none_or(|row| row.status != "collecting") {
        return Ok(0);
    }
    let owed: Vec<(String, i64)> = sqlx::query_as(
        "SELECT loan, to_remit FROM loan_funders
         WHERE funder = $1 AND currency = $2 AND to_remit <> 0 AND pending IS NULL ORDER BY loan LIMIT $3",
    )
    .bind(&row.funder)
    .bind(&row.currency)
    .bind(limit)
    .fetch_all(&mut *db)
    .await?;
    let before = "INSERT INTO funder_remittance_lines (remittance, loan, amount) VALUES";
    many::execute(db, (before, ""), 3, &owed, |query, (loan, amount)| {
        query.bind(row.id.clone()).bind(loan.clone()).bind(*amount)
    })
    .await?;
    let before = "WITH v (loan, funder, pending) AS (VALUES";
    let after = ") UPDATE loan_funders SET pending = v.pending FROM v
        WHERE loan_funders.loan = v.loan AND loan_funders.funder = v.funder";
    many::execute(db, (before, after), 3, &owed, |query, (loan, _)| {
        query.bind(loan.clone()).bind(row.funder.clone()).bind(row.id.clone())
    })
    .await?;
    Ok(owed.len())
}

/// What a remittance that is collecting comes to; none where it is not collecting any more.
///
/// # Errors
/// When the database fails.
pub async fn sum_while_collecting(db: &mut Connection, id: &str) -> sqlx::Result<Option<i64>> {
    if find(db, id).await?.is_none_or(|row| row.status != "collecting") {
        return Ok(None);
    }
    sqlx::query_scalar(
        "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) FROM funder_remittance_lines WHERE remittance = $1",
    )
    .bind(id)
    .fetch_one(db)
    .await
    .map(Some)
}

/// All is collected.
///
/// # Errors
/// When the database fails.
pub async fn request(db: &mut Connection, id: &str, amount: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE funder_remittances SET status = 'requested', amount = $2 WHERE id = $1")
        .bind(id)
        .bind(amount)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends a requested remittance; `false` where it had ended.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &mut Connection, id: &str, end: End<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE funder_remittances SET status = $2, value_date = $3, transfer = $4
         WHERE id = $1 AND status = 'requested'",
    )
    .bind(id)
    .bind(end.status)
    .bind(end.value_date)
    .bind(end.transfer)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The remittance of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM funder_remittances WHERE id = $1").bind(id).fetch_optional(db).await
}

/// Those that the provider was asked for and has not ended.
///
/// # Errors
/// When the database fails.
pub async fn requested(db: &mut Connection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM funder_remittances WHERE status = 'requested' ORDER BY id").fetch_all(db).await
}

/// Those that have ended with lines left to be done.
///
/// # Errors
/// When the database fails.
pub async fn with_open_lines(db: &mut Connection) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT * FROM funder_remittances r WHERE status IN ('settled', 'failed')
            AND EXISTS (SELECT 1 FROM funder_remittance_lines l WHERE l.remittance = r.id AND l.done = 0) ORDER BY id",
    )
    .fetch_all(db)
    .await
}

/// Lines of a remittance that are left to be done: loan and amount.
///
/// # Errors
/// When the database fails.
pub async fn open_lines(db: &mut Connection, id: &str, limit: i64) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as(
        "SELECT loan, amount FROM funder_remittance_lines WHERE remittance = $1 AND done = 0 ORDER BY loan LIMIT $2",
    )
    .bind(id)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A line is done, and the loan's money is no longer under way.
///
/// # Errors
/// When the database fails.
pub async fn line_done(db: &mut Connection, id: &str, loan: &str, funder: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE funder_remittance_lines SET done = 1 WHERE remittance = $1 AND loan = $2")
        .bind(id)
        .bind(loan)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE loan_funders SET pending = NULL WHERE loan = $1 AND funder = $2")
        .bind(loan)
        .bind(funder)
        .execute(db)
        .await?;
    Ok(())
}

/// A funder's remittances, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn of_funder(db: &mut Connection, funder: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM funder_remittances WHERE funder = $1 ORDER BY date DESC, id DESC LIMIT $2")
        .bind(funder)
        .bind(limit)
        .fetch_all(db)
        .await
}
