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
    /// Of a revolving line, canonical JSON of its conventions.
    pub conventions: Option<String>,
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
    /// 1 where what a statement asks of it may be carried over.
    pub revolves: i64,
}

/// Writes a new line.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO lines (id, person, currency, capability_hash, conventions, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.id)
    .bind(&row.person)
    .bind(&row.currency)
    .bind(&row.capability_hash)
    .bind(&row.conventions)
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

/// A person's lines in a currency.
///
/// # Errors
/// When the database fails.
pub async fn of_person(db: &mut Connection, person: &str, currency: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT id FROM lines WHERE person = $1 AND currency = $2 ORDER BY id")
        .bind(person)
        .bind(currency)
        .fetch_all(db)
        .await
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
        "SELECT checkout, authorized - captured - released, capture_until FROM orders
         WHERE line = $1 AND ended IS NULL",
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
pub async fn draw(db: &mut Connection, line: &str, loan: &str, revolves: bool) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO line_loans (loan, line, restored, revolves) VALUES ($1, $2, 0, $3)")
        .bind(loan)
        .bind(line)
        .bind(i64::from(revolves))
        .execute(db)
        .await?;
    Ok(())
}

/// On which line a loan is drawn.
///
/// # Errors
/// When the database fails.
pub async fn drawn(db: &mut Connection, loan: &str) -> sqlx::Result<Option<Drawn>> {
    sqlx::query_as("SELECT loan, line, restored, revolves FROM line_loans WHERE loan = $1")
        .bind(loan)
        .fetch_optional(db)
        .await
}

/// Those of some loans that are drawn on lines.
///
/// # Errors
/// When the database fails.
pub async fn drawn_all(db: &mut Connection, loans: &[&str]) -> sqlx::Result<Vec<Drawn>> {
    super::many::select(db, "SELECT loan, line, restored, revolves FROM line_loans WHERE loan IN", "", loans).await
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
    sqlx::query_as("SELECT loan, line, restored, revolves FROM line_loans WHERE line = $1 ORDER BY loan")
        .bind(line)
        .fetch_all(db)
        .await
}

/// Notes that a loan is paid in instalments from now on.
///
/// # Errors
/// When the database fails.
pub async fn spread(db: &mut Connection, loan: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE line_loans SET revolves = 0 WHERE loan = $1").bind(loan).execute(db).await?;
    Ok(())
}

/// Revolving lines, in the order in which they were granted, after one of them.
///
/// # Errors
/// When the database fails.
pub async fn revolving(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT id FROM lines WHERE conventions IS NOT NULL AND ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// A statement of a revolving line. `paid` and `outcome` are known after its due day.
#[derive(Debug, Clone, FromRow)]
pub struct StatementRow {
    pub line: String,
    pub date: String,
    pub due: String,
    pub principal: i64,
    pub installments: i64,
    pub interest: i64,
    pub fee: i64,
    pub penalty: i64,
    pub minimum: i64,
    pub paid: Option<i64>,
    /// `paid`, `carried` or `late`.
    pub outcome: Option<String>,
}

/// Writes a statement; `false` where the line has one of that day.
///
/// # Errors
/// When the database fails.
pub async fn insert_statement(db: &mut Connection, row: &StatementRow, now: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO line_statements (line, date, due, principal, installments, interest, fee, minimum, created,
            penalty)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (line, date) DO NOTHING",
    )
    .bind(&row.line)
    .bind(&row.date)
    .bind(&row.due)
    .bind(row.principal)
    .bind(row.installments)
    .bind(row.interest)
    .bind(row.fee)
    .bind(row.minimum)
    .bind(now)
    .bind(row.penalty)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Rewrites what an open statement asks for, after a part of it was spread over instalments.
///
/// # Errors
/// When the database fails.
pub async fn ask_anew(db: &mut Connection, row: &StatementRow) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE line_statements SET principal = $3, installments = $4, interest = $5, fee = $6, minimum = $7,
            penalty = $8
         WHERE line = $1 AND date = $2 AND outcome IS NULL",
    )
    .bind(&row.line)
    .bind(&row.date)
    .bind(row.principal)
    .bind(row.installments)
    .bind(row.interest)
    .bind(row.fee)
    .bind(row.minimum)
    .bind(row.penalty)
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what came of a statement.
///
/// # Errors
/// When the database fails.
pub async fn conclude_statement(
    db: &mut Connection,
    (line, date): (&str, &str),
    paid: i64,
    outcome: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE line_statements SET paid = $3, outcome = $4 WHERE line = $1 AND date = $2 AND outcome IS NULL")
        .bind(line)
        .bind(date)
        .bind(paid)
        .bind(outcome)
        .execute(db)
        .await?;
    Ok(())
}

/// A line's statements, the latest first, before a day.
///
/// # Errors
/// When the database fails.
pub async fn statements(
    db: &mut Connection,
    line: &str,
    before: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<StatementRow>> {
    sqlx::query_as(
        "SELECT line, date, due, principal, installments, interest, fee, penalty, minimum, paid, outcome
         FROM line_statements
         WHERE line = $1 AND ($2 IS NULL OR date < $2) ORDER BY date DESC LIMIT $3",
    )
    .bind(line)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The statements that were made for a day, by line, after one.
///
/// # Errors
/// When the database fails.
pub async fn statements_of_day(
    db: &mut Connection,
    date: &str,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<StatementRow>> {
    sqlx::query_as(
        "SELECT line, date, due, principal, installments, interest, fee, penalty, minimum, paid, outcome FROM line_statements
         WHERE date = $1 AND ($2 IS NULL OR line > $2) ORDER BY line LIMIT $3",
    )
    .bind(date)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Who is written to about a line: by the newest purchase that is not an erased person's.
#[derive(Debug, Clone, FromRow)]
pub struct Reader {
    pub application: String,
    /// The bundle by which that was lent.
    pub bundle_hash: String,
    pub currency: String,
}

/// Who is written to about a line; nobody where nothing was bought or the person is erased.
///
/// # Errors
/// When the database fails.
pub async fn reader(db: &mut Connection, line: &str) -> sqlx::Result<Option<Reader>> {
    sqlx::query_as(
        "SELECT l.application, a.bundle_hash, l.currency FROM line_loans d JOIN loans l ON l.id = d.loan
            JOIN applications a ON a.id = l.application JOIN persons p ON p.id = l.person
         WHERE d.line = $1 AND p.erased IS NULL ORDER BY d.loan DESC LIMIT 1",
    )
    .bind(line)
    .fetch_optional(db)
    .await
}

/// What a reminder of a bill is made once for.
#[must_use]
pub fn reminded_once(row: &StatementRow, rule: &str) -> String {
    format!("bill:{}:{}:{rule}", row.line, row.date)
}

/// Statements that fall due on a day, by line after one, which were neither paid nor carried over, without those that
/// were reminded of by a rule.
///
/// # Errors
/// When the database fails.
pub async fn unreminded(
    db: &mut Connection,
    due: &str,
    rule: &str,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<StatementRow>> {
    sqlx::query_as(
        "SELECT s.line, s.date, s.due, s.principal, s.installments, s.interest, s.fee, s.penalty, s.minimum, s.paid, s.outcome
         FROM line_statements s
         WHERE s.due = $1 AND s.line > $2 AND (s.outcome IS NULL OR s.outcome = 'late')
            AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.once = 'bill:' || s.line || ':' || s.date || ':' || $3)
         ORDER BY s.line LIMIT $4",
    )
    .bind(due)
    .bind(after)
    .bind(rule)
    .bind(limit)
    .fetch_all(db)
    .await
}
