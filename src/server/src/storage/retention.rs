//! Personal records past what they were kept for.

use super::Connection;

/// A person and one of their records.
pub type Found = (String, String);

/// An application `a` of which nothing came that is still to be performed: no order whose window ends on or after `$1`,
/// and no line of credit of its person whose newest limit is more than nothing.
const NOTHING_OPEN: &str = r#"NOT EXISTS (SELECT 1 FROM orders w WHERE w.application = a.id AND w.capture_until >= $1)
    AND NOT EXISTS (SELECT 1 FROM lines n WHERE n.person = a.person AND coalesce((SELECT e.event FROM line_events e
        WHERE e.line = n.id AND e.event LIKE '%"limit_set"%' ORDER BY e.number DESC LIMIT 1), '') NOT LIKE '%"limit":0%')"#;

/// Records of applications that came to no loan and were made before a day `$1`, unless people still look at them,
/// something may still be captured, or a line of credit was granted: what was applied with, and what an order was signed
/// with of which nothing was captured.
fn of_applications() -> String {
    let unused = format!(
        "a.created < $1 AND length(r.sealed) > 0 AND {NOTHING_OPEN}
            AND NOT EXISTS (SELECT 1 FROM loans l WHERE l.application = a.id)
            AND NOT EXISTS (SELECT 1 FROM reviews v WHERE v.application = a.id AND v.status = 'open')"
    );
    format!(
        "SELECT a.person, r.id FROM applications a JOIN personal_records r ON r.id = a.input_record WHERE {unused}
         UNION
         SELECT a.person, r.id FROM orders o JOIN applications a ON a.id = o.application
            JOIN personal_records r ON r.id = o.signature_record WHERE {unused}"
    )
}

/// Records of loans that were over, by the booking of their last event, before a day `$1`: applications, signatures, and
/// what was written with payments. A loan that was given up or sold is over as well, once nothing more comes of it for as
/// long. The loans of one order share the first two, so that the last of them counts.
fn of_contracts() -> String {
    let over = format!(
        "length(r.sealed) > 0 AND {NOTHING_OPEN}
            AND NOT EXISTS (SELECT 1 FROM loans k JOIN loan_standings s ON s.loan = k.id
                WHERE k.application = l.application AND (s.status NOT IN ('settled', 'cancelled', 'closed', 'charged_off',
                    'transferred')
                    OR EXISTS (SELECT 1 FROM loan_events e WHERE e.loan = k.id AND e.booked >= $1)))"
    );
    format!(
        "SELECT l.person, r.id FROM loans l JOIN applications a ON a.id = l.application
            JOIN personal_records r ON r.id IN (a.input_record, l.signature_record) WHERE {over}
         UNION
         SELECT l.person, r.id FROM suspense_matches m JOIN payer_references p ON p.entry = m.entry
            JOIN loans l ON l.id = m.loan JOIN applications a ON a.id = l.application
            JOIN personal_records r ON r.id = p.record WHERE {over}"
    )
}

/// What records of a person are kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An application that came to no loan.
    Application,
    /// A loan.
    Contract,
}

impl Purpose {
    fn past(self) -> String {
        match self {
            Self::Application => of_applications(),
            Self::Contract => of_contracts(),
        }
    }
}

/// Records that are past a purpose on account of what was over before a day.
///
/// # Errors
/// When the database fails.
pub async fn past(db: &mut Connection, purpose: Purpose, before: &str, limit: i64) -> sqlx::Result<Vec<Found>> {
    let sql = format!("SELECT person, id FROM ({}) AS found ORDER BY id LIMIT $2", purpose.past());
    sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(before).bind(limit).fetch_all(db).await
}

/// How many such records there are.
///
/// # Errors
/// When the database fails.
pub async fn count_past(db: &mut Connection, purpose: Purpose, before: &str) -> sqlx::Result<i64> {
    let sql = format!("SELECT count(*) FROM ({}) AS found", purpose.past());
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(before).fetch_one(db).await
}

/// How many payers' words are kept that came before a day.
///
/// # Errors
/// When the database fails.
pub async fn count_references(db: &mut Connection, before: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM payer_references WHERE length(sealed) > 0 AND received < $1")
        .bind(before)
        .fetch_one(db)
        .await
}

/// Empties a record; `false` where it was empty.
///
/// # Errors
/// When the database fails.
pub async fn empty(db: &mut Connection, record: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE personal_records SET sealed = $2 WHERE id = $1 AND length(sealed) > 0")
        .bind(record)
        .bind(Vec::<u8>::new())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether nothing but corrections is left of a person.
///
/// # Errors
/// When the database fails.
pub async fn nothing_left(db: &mut Connection, person: &str) -> sqlx::Result<bool> {
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM personal_records WHERE person = $1 AND kind <> 'correction' AND length(sealed) > 0",
    )
    .bind(person)
    .fetch_one(db)
    .await?;
    Ok(left == 0)
}
