//! Personal records past what they were kept for.

use super::Connection;

/// A person and one of their records.
pub type Found = (String, String);

/// Records of applications that came to no loan and were made before a day, unless people still look at them.
///
/// # Errors
/// When the database fails.
pub async fn of_applications(db: &mut Connection, before: &str, limit: i64) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as(
        "SELECT a.person, r.id FROM applications a JOIN personal_records r ON r.id = a.input_record
         WHERE a.loan IS NULL AND a.created < $1 AND length(r.sealed) > 0
            AND NOT EXISTS (SELECT 1 FROM reviews v WHERE v.application = a.id AND v.status = 'open')
         ORDER BY r.id LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Records of loans that were over, by the booking of their last event, before a day: applications and signatures.
///
/// # Errors
/// When the database fails.
pub async fn of_contracts(db: &mut Connection, before: &str, limit: i64) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as(
        "SELECT l.person, r.id FROM loans l JOIN loan_standings s ON s.loan = l.id JOIN applications a ON a.id = l.application
            JOIN personal_records r ON r.id IN (a.input_record, l.signature_record)
         WHERE s.status IN ('settled', 'cancelled', 'closed') AND length(r.sealed) > 0
            AND (SELECT max(e.booked) FROM loan_events e WHERE e.loan = l.id) < $1
         ORDER BY r.id LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db)
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
