//! Loans and their events.

use sqlx::FromRow;

use super::{Connection, many};
use crate::booking::Signed;

/// A loan's row and, as projections of its events, `status`, `principal_outstanding` and `credit_balance`.
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
    /// How the loan is served, as it stood when it was booked: canonical JSON.
    pub serving: Option<String>,
    /// Owed back to the payer.
    pub credit_balance: i64,
    /// Principal that the person may still have to pay; none where it was not projected yet.
    pub exposed: Option<i64>,
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
    /// How the loan is served, as it was kept.
    pub serving: Option<String>,
    /// The events in order, a line each: when it was booked, a space, and canonical JSON, which has no line ends.
    pub events: Option<String>,
    /// The number of the last entry in the loan's chain.
    pub head_number: Option<i64>,
    /// And its hash.
    pub head_hash: Option<String>,
}

impl Books {
    /// What the loan is folded from, beside its events.
    #[must_use]
    pub fn signed(&self) -> Signed<'_> {
        Signed { offer: &self.offer, merchant_fee: self.merchant_fee, serving: self.serving.as_deref() }
    }
}

/// A loan's projections, as of its last event.
#[derive(Debug, Clone)]
pub struct Projection {
    pub id: String,
    pub status: String,
    pub principal_outstanding: i64,
    pub credit_balance: i64,
    pub exposed: i64,
}

/// Writes a new loan.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO loans (id, application, checkout, person, merchant, capability_hash, currency, principal,
            merchant_fee, offer, agreement_text, agreement_hash, signature_record, booked, serving)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
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
    .bind(&row.booked)
    .bind(&row.serving)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO loan_standings (loan, currency, status, principal_outstanding, credit_balance, exposed)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.id)
    .bind(&row.currency)
    .bind(&row.status)
    .bind(row.principal_outstanding)
    .bind(row.credit_balance)
    .bind(row.exposed)
    .execute(db)
    .await?;
    Ok(())
}

/// The loan of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM loans l JOIN loan_standings s ON s.loan = l.id WHERE l.id = $1")
        .bind(id)
        .fetch_optional(db)
        .await
}

/// The loans of a checkout, in the order in which they were booked: one where it was captured at signing, else one for
/// each capture.
///
/// # Errors
/// When the database fails.
pub async fn of_checkout(db: &mut Connection, checkout: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM loans l JOIN loan_standings s ON s.loan = l.id WHERE l.checkout = $1 ORDER BY l.id")
        .bind(checkout)
        .fetch_all(db)
        .await
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
pub async fn add_event(db: &mut Connection, event: &EventRow, projection: &Projection) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO loan_events (loan, number, booked, event) VALUES ($1, $2, $3, $4)")
        .bind(&projection.id)
        .bind(event.number)
        .bind(&event.booked)
        .bind(&event.event)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "UPDATE loan_standings SET status = $2, principal_outstanding = $3, credit_balance = $4, exposed = $5,
            service_due = '' WHERE loan = $1",
    )
    .bind(&projection.id)
    .bind(&projection.status)
    .bind(projection.principal_outstanding)
    .bind(projection.credit_balance)
    .bind(projection.exposed)
    .execute(db)
    .await?;
    Ok(())
}

/// What one loan or one order claims of a person, with the offer that says of which product.
#[derive(Debug, Clone, FromRow)]
pub struct ClaimRow {
    /// `signed`, `principal` or `hold`.
    pub kind: String,
    /// The loan, or the order's checkout.
    pub id: String,
    pub merchant: String,
    /// Canonical JSON of the offer that was signed.
    pub offer: String,
    /// None of a loan whose projection was not written yet: then it is the fold's.
    pub amount: Option<i64>,
}

/// What persons owe, have signed, or may come to owe by what their orders hold on a business date, in a currency.
///
/// # Errors
/// When the database fails.
pub async fn claims_of(
    db: &mut Connection,
    persons: &[&str],
    currency: &str,
    today: &str,
) -> sqlx::Result<Vec<ClaimRow>> {
    let mut claims = Vec::new();
    for person in persons {
        let found: Vec<ClaimRow> = sqlx::query_as(
            "SELECT CASE WHEN s.status = 'disbursing' THEN 'signed' ELSE 'principal' END AS kind, l.id, l.merchant,
                l.offer, s.exposed AS amount
             FROM loans l JOIN loan_standings s ON s.loan = l.id
             WHERE l.person = $1 AND l.currency = $2 AND (s.exposed > 0 OR s.exposed IS NULL)
             UNION ALL
             SELECT 'hold' AS kind, checkout AS id, merchant, terms AS offer, authorized - captured - released AS amount
             FROM orders WHERE person = $1 AND currency = $2 AND ended IS NULL AND capture_until >= $3",
        )
        .bind(*person)
        .bind(currency)
        .bind(today)
        .fetch_all(&mut *db)
        .await?;
        claims.extend(found);
    }
    Ok(claims)
}

/// Loans of persons of which an instalment fell due before a day and that are not over, and those that were charged off
/// or sold.
///
/// # Errors
/// When the database fails.
pub async fn that_may_be_late(db: &mut Connection, persons: &[&str], today: &str) -> sqlx::Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    for person in persons {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT l.id FROM loans l JOIN loan_standings s ON s.loan = l.id WHERE l.person = $1
                AND (s.status IN ('charged_off', 'transferred') OR (s.status = 'active'
                    AND EXISTS (SELECT 1 FROM installment_dues d WHERE d.loan = l.id AND d.due < $2)))",
        )
        .bind(*person)
        .bind(today)
        .fetch_all(&mut *db)
        .await?;
        ids.extend(found);
    }
    Ok(ids)
}

/// The books of those loans that there are. Each loan's events and the end of its chain are looked up by key: a join
/// is at the mercy of PostgreSQL's statistics, and without them it reads the whole journal.
///
/// # Errors
/// When the database fails.
pub async fn books_of(db: &mut Connection, ids: &[&str]) -> sqlx::Result<Vec<Books>> {
    let before = "SELECT l.id, l.currency, l.merchant, l.merchant_fee, l.offer, l.serving,
        (SELECT string_agg(booked || ' ' || event, '\n' ORDER BY number) FROM loan_events WHERE loan = l.id) AS events,
        (SELECT number FROM journal_entries WHERE chain = l.id ORDER BY number DESC LIMIT 1) AS head_number,
        (SELECT hash FROM journal_entries WHERE chain = l.id ORDER BY number DESC LIMIT 1) AS head_hash
        FROM loans l WHERE l.id IN";
    many::select(db, before, "", ids).await
}

/// Where a loan's events and its chain end.
#[derive(Debug, Clone, FromRow)]
pub struct End {
    pub id: String,
    pub currency: String,
    pub merchant: String,
    /// How many finance the loan by shares.
    pub funders: i64,
    /// On how many lines of credit it is drawn: one or none.
    pub lines: i64,
    /// How many events there are.
    pub events: Option<i64>,
    /// The number of the last entry in the loan's chain.
    pub head_number: Option<i64>,
    /// And its hash.
    pub head_hash: Option<String>,
}

/// The ends of those loans that there are.
///
/// # Errors
/// When the database fails.
pub async fn ends_of(db: &mut Connection, ids: &[&str]) -> sqlx::Result<Vec<End>> {
    let before = "SELECT l.id, l.currency, l.merchant,
        (SELECT count(*) FROM loan_funders WHERE loan = l.id) AS funders,
        (SELECT count(*) FROM line_loans WHERE loan = l.id) AS lines,
        (SELECT number FROM loan_events WHERE loan = l.id ORDER BY number DESC LIMIT 1) AS events,
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
    let before = "WITH v (id, status, outstanding, credit, exposed) AS (VALUES";
    let after = ") UPDATE loan_standings SET status = v.status, principal_outstanding = v.outstanding,
        credit_balance = v.credit, exposed = v.exposed, service_due = '' FROM v WHERE loan_standings.loan = v.id";
    many::execute(db, (before, after), 5, projections, |query, row| {
        let query = query.bind(row.id.clone()).bind(row.status.clone()).bind(row.principal_outstanding);
        query.bind(row.credit_balance).bind(row.exposed)
    })
    .await
}

/// Ids of loans in order, after one.
///
/// # Errors
/// When the database fails.
pub async fn ids(db: &mut Connection, after: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT id FROM loans WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Loans that servicing has to look at by a day.
///
/// # Errors
/// When the database fails.
pub async fn due_for_service(db: &mut Connection, date: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT loan FROM loan_standings WHERE status IN ('disbursing', 'active') AND service_due <= $1
         ORDER BY service_due, loan LIMIT $2",
    )
    .bind(date)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Notes when servicing has to look at loans again: ids and days.
///
/// # Errors
/// When the database fails.
pub async fn set_service_due(db: &mut Connection, dues: &[(String, String)]) -> sqlx::Result<()> {
    let before = "WITH v (id, due) AS (VALUES";
    let after = ") UPDATE loan_standings SET service_due = v.due FROM v WHERE loan_standings.loan = v.id";
    many::execute(db, (before, after), 2, dues, |query, (id, due)| query.bind(id.clone()).bind(due.clone())).await
}

/// So much of something in a currency, and how many make it up.
#[derive(Debug, Clone, FromRow)]
pub struct SumRow {
    pub currency: String,
    /// In minor units.
    pub amount: i64,
    pub count: i64,
}

/// Principal owed, by currency.
///
/// # Errors
/// When the database fails.
pub async fn outstanding(db: &mut Connection) -> sqlx::Result<Vec<SumRow>> {
    sqlx::query_as(
        "SELECT currency, CAST(sum(principal_outstanding) AS BIGINT) AS amount, count(*) AS count
         FROM loan_standings WHERE principal_outstanding > 0 GROUP BY currency ORDER BY currency",
    )
    .fetch_all(db)
    .await
}

/// Balances owed to borrowers, by currency.
///
/// # Errors
/// When the database fails.
pub async fn credit_balances(db: &mut Connection) -> sqlx::Result<Vec<SumRow>> {
    sqlx::query_as(
        "SELECT currency, CAST(sum(credit_balance) AS BIGINT) AS amount, count(*) AS count
         FROM loan_standings WHERE credit_balance > 0 GROUP BY currency ORDER BY currency",
    )
    .fetch_all(db)
    .await
}

/// What was agreed to of a loan after its agreement.
#[derive(Debug, Clone, FromRow)]
pub struct AmendmentRow {
    pub id: String,
    pub loan: String,
    pub text: String,
    /// SHA-256 of the text.
    pub hash: String,
    pub accepted: String,
}

/// Keeps an amendment.
///
/// # Errors
/// When the database fails.
pub async fn amend(db: &mut Connection, row: &AmendmentRow) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO loan_amendments (id, loan, text, hash, accepted) VALUES ($1, $2, $3, $4, $5)")
        .bind(&row.id)
        .bind(&row.loan)
        .bind(&row.text)
        .bind(&row.hash)
        .bind(&row.accepted)
        .execute(db)
        .await?;
    Ok(())
}

/// The amendments of a loan, in the order in which they were agreed to.
///
/// # Errors
/// When the database fails.
pub async fn amendments(db: &mut Connection, loan: &str) -> sqlx::Result<Vec<AmendmentRow>> {
    sqlx::query_as("SELECT id, loan, text, hash, accepted FROM loan_amendments WHERE loan = $1 ORDER BY id")
        .bind(loan)
        .fetch_all(db)
        .await
}
