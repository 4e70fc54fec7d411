//! Loans and their events.

use sqlx::FromRow;

use super::{Connection, many};

/// A loan's row. `status` and `principal_outstanding` are projections of its events.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub application: String,
    pub checkout: String,
    pub person: String,
    pub merchant: String,
    pub capability_hash: String,
    pub currency: String,
    pub principal: i64,
    pub merchant_fee: i64,
    /// Canonical JSON of the offer that was signed.
    pub offer: String,
    pub agreement_text: String,
    pub agreement_hash: String,
    pub signature_record: String,
    pub status: String,
    pub principal_outstanding: i64,
    pub booked: String,
}

/// One event as it is stored: its booking date, and JSON.
#[derive(Debug, Clone, FromRow)]
pub struct EventRow {
    pub number: i64,
    pub booked: String,
    pub event: String,
}

/// What another event needs of a loan; the agreement's text, which is most of a row, is left out.
#[derive(Debug, Clone, FromRow)]
pub struct Books {
    pub id: String,
    pub currency: String,
    pub merchant: String,
    pub merchant_fee: i64,
    /// Canonical JSON of the offer that was signed.
    pub offer: String,
    /// The events in order, a line each: when it was booked, a space, and canonical JSON, which has no line ends.
    pub events: Option<String>,
    /// The number of the last entry in the loan's chain.
    pub head_number: Option<i64>,
    /// And its hash.
    pub head_hash: Option<String>,
}

/// A loan's projections, as of its last event.
#[derive(Debug, Clone)]
pub struct Projection {
    pub id: String,
    pub status: String,
    pub principal_outstanding: i64,
}

/// Writes a new loan.
///
/// # Errors
/// When the application or the checkout has one, or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO loans (id, application, checkout, person, merchant, capability_hash, currency, principal,
            merchant_fee, offer, agreement_text, agreement_hash, signature_record, status, principal_outstanding,
            booked)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&row.id)
    .bind(&row.application)
    .bind(&row.checkout)
    .bind(&row.person)
    .bind(&row.merchant)
    .bind(&row.capability_hash)
    .bind(&row.currency)
    .bind(row.principal)
    .bind(row.merchant_fee)
    .bind(&row.offer)
    .bind(&row.agreement_text)
    .bind(&row.agreement_hash)
    .bind(&row.signature_record)
    .bind(&row.status)
    .bind(row.principal_outstanding)
    .bind(&row.booked)
    .execute(db)
    .await?;
    Ok(())
}

/// The loan of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM loans WHERE id = $1").bind(id).fetch_optional(db).await
}

/// The loan of a checkout.
///
/// # Errors
/// When the database fails.
pub async fn of_checkout(db: &mut Connection, checkout: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM loans WHERE checkout = $1").bind(checkout).fetch_optional(db).await
}

/// A loan's events in order.
///
/// # Errors
/// When the database fails.
pub async fn events(db: &mut Connection, loan: &str) -> sqlx::Result<Vec<EventRow>> {
    sqlx::query_as("SELECT number, booked, event FROM loan_events WHERE loan = $1 ORDER BY number")
        .bind(loan)
        .fetch_all(db)
        .await
}

/// Adds an event and rewrites the projections.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn add_event(
    db: &mut Connection,
    loan: &str,
    event: &EventRow,
    status: &str,
    principal_outstanding: i64,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO loan_events (loan, number, booked, event) VALUES ($1, $2, $3, $4)")
        .bind(loan)
        .bind(event.number)
        .bind(&event.booked)
        .bind(&event.event)
        .execute(&mut *db)
        .await?;
    sqlx::query("UPDATE loans SET status = $2, principal_outstanding = $3 WHERE id = $1")
        .bind(loan)
        .bind(status)
        .bind(principal_outstanding)
        .execute(db)
        .await?;
    Ok(())
}

/// Principal owed by a person over all loans of a currency.
///
/// # Errors
/// When the database fails.
pub async fn principal_owed_by(db: &mut Connection, person: &str, currency: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(coalesce(sum(principal_outstanding), 0) AS BIGINT) FROM loans WHERE person = $1 AND currency = $2",
    )
    .bind(person)
    .bind(currency)
    .fetch_one(db)
    .await
}

/// The books of those loans that there are. Each loan's events and the end of its chain are looked up by key: a join
/// is at the mercy of PostgreSQL's statistics, and without them it reads the whole journal.
///
/// # Errors
/// When the database fails.
pub async fn books_of(db: &mut Connection, ids: &[&str]) -> sqlx::Result<Vec<Books>> {
    let before = "SELECT l.id, l.currency, l.merchant, l.merchant_fee, l.offer,
        (SELECT string_agg(booked || ' ' || event, '\n' ORDER BY number) FROM loan_events WHERE loan = l.id) AS events,
        (SELECT number FROM journal_entries WHERE chain = l.id ORDER BY number DESC LIMIT 1) AS head_number,
        (SELECT hash FROM journal_entries WHERE chain = l.id ORDER BY number DESC LIMIT 1) AS head_hash
        FROM loans l WHERE l.id IN";
    many::select(db, before, "", ids).await
}

/// Adds events, each to its loan.
///
/// # Errors
/// When a number is taken or the database fails.
pub async fn add_events(db: &mut Connection, events: &[(String, EventRow)]) -> sqlx::Result<()> {
    let before = "INSERT INTO loan_events (loan, number, booked, event) VALUES";
    many::execute(db, (before, ""), 4, events, |query, (loan, event)| {
        query.bind(loan.clone()).bind(event.number).bind(event.booked.clone()).bind(event.event.clone())
    })
    .await
}

/// Rewrites projections.
///
/// # Errors
/// When the database fails.
pub async fn project(db: &mut Connection, projections: &[Projection]) -> sqlx::Result<()> {
    let before = "WITH v (id, status, outstanding) AS (VALUES";
    let after = ") UPDATE loans SET status = v.status, principal_outstanding = v.outstanding FROM v
        WHERE loans.id = v.id";
    many::execute(db, (before, after), 3, projections, |query, row| {
        query.bind(row.id.clone()).bind(row.status.clone()).bind(row.principal_outstanding)
    })
    .await
}
