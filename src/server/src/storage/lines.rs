//! Lines of credit, their events, and the loans drawn on them.

use sqlx::FromRow;

use super::Connection;

/// A line's row; what stands on it is the fold of its events.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub person: String,
    pub currency: String,
    pub capability_hash: String,
    pub created: String,
}

/// One event as it is stored: its business date, and JSON.
#[derive(Debug, Clone, FromRow)]
pub struct EventRow {
    pub number: i64,
    pub booked: String,
    pub event: String,
}

/// A loan drawn on a line.
#[derive(Debug, Clone, FromRow)]
pub struct Drawn {
    pub loan: String,
    pub line: String,
    /// How much of it has come back.
    pub restored: i64,
}

/// Writes a new line.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO lines (id, person, currency, capability_hash, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(&row.id)
        .bind(&row.person)
        .bind(&row.currency)
        .bind(&row.capability_hash)
        .bind(&row.created)
        .execute(db)
        .await?;
    Ok(())
}

/// The line of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM lines WHERE id = $1").bind(id).fetch_optional(db).await
}

/// How many lines a person has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_person(db: &mut Connection, person: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM lines WHERE person = $1").bind(person).fetch_one(db).await
}

/// The lines, in the order in which they were granted, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM lines WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Replaces the credential of a line's holder.
///
/// # Errors
/// When the database fails.
pub async fn replace_capability(db: &mut Connection, id: &str, hash: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE lines SET capability_hash = $2 WHERE id = $1").bind(id).bind(hash).execute(db).await?;
    Ok(())
}

/// Principal drawn on a line by its loans that has not come back.
///
/// # Errors
/// When the database fails.
pub async fn drawn_by_loans(db: &mut Connection, line: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(coalesce(sum(l.principal - d.restored), 0) AS BIGINT)
         FROM line_loans d JOIN loans l ON l.id = d.loan WHERE d.line = $1",
    )
    .bind(line)
    .fetch_one(db)
    .await
}

/// What the orders under a line that have not ended hold: order, amount and last day.
///
/// # Errors
/// When the database fails.
pub async fn held_by_orders(db: &mut Connection, line: &str) -> sqlx::Result<Vec<(String, i64, String)>> {
    sqlx::query_as(
        "SELECT checkout, authorized - captured, capture_until FROM orders WHERE line = $1 AND ended IS NULL",
    )
    .bind(line)
    .fetch_all(db)
    .await
}

/// A line's events in order.
///
/// # Errors
/// When the database fails.
pub async fn events(db: &mut Connection, line: &str) -> sqlx::Result<Vec<EventRow>> {
    sqlx::query_as("SELECT number, booked, event FROM line_events WHERE line = $1 ORDER BY number")
        .bind(line)
        .fetch_all(db)
        .await
}

/// Adds an event.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn add_event(db: &mut Connection, line: &str, row: &EventRow) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO line_events (line, number, booked, event) VALUES ($1, $2, $3, $4)")
        .bind(line)
        .bind(row.number)
        .bind(&row.booked)
        .bind(&row.event)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that a loan is drawn on a line.
///
/// # Errors
/// When it is drawn on one or the database fails.
pub async fn draw(db: &mut Connection, line: &str, loan: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO line_loans (loan, line, restored) VALUES ($1, $2, 0)")
        .bind(loan)
        .bind(line)
        .execute(db)
        .await?;
    Ok(())
}

/// On which line a loan is drawn.
///
/// # Errors
/// When the database fails.
pub async fn drawn(db: &mut Connection, loan: &str) -> sqlx::Result<Option<Drawn>> {
    sqlx::query_as("SELECT loan, line, restored FROM line_loans WHERE loan = $1").bind(loan).fetch_optional(db).await
}

/// Those of some loans that are drawn on lines.
///
/// # Errors
/// When the database fails.
pub async fn drawn_all(db: &mut Connection, loans: &[&str]) -> sqlx::Result<Vec<Drawn>> {
    super::many::select(db, "SELECT loan, line, restored FROM line_loans WHERE loan IN", "", loans).await
}

/// Rewrites how much of a loan has come back to its line.
///
/// # Errors
/// When the database fails.
pub async fn restored(db: &mut Connection, loan: &str, amount: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE line_loans SET restored = $2 WHERE loan = $1").bind(loan).bind(amount).execute(db).await?;
    Ok(())
}

/// The loans drawn on a line, in the order in which they were booked.
///
/// # Errors
/// When the database fails.
pub async fn loans(db: &mut Connection, line: &str) -> sqlx::Result<Vec<Drawn>> {
    sqlx::query_as("SELECT loan, line, restored FROM line_loans WHERE line = $1 ORDER BY loan")
        .bind(line)
        .fetch_all(db)
        .await
}
