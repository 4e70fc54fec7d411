//! When which instalment falls due, so that a day finds its loans.

use prequal_core::calendar::Date;
use sqlx::FromRow;

use super::{Connection, many};

/// An instalment of an active loan that may still be owed.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub loan: String,
    pub number: i64,
    pub due: String,
    pub application: String,
    /// The bundle by which it was lent.
    pub bundle_hash: String,
}

/// Writes the due days of a loan that has another schedule in the place of those before.
///
/// # Errors
/// When the database fails.
pub async fn replace(db: &mut Connection, loan: &str, dues: impl Iterator<Item = (u16, Date)>) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM installment_dues WHERE loan = $1").bind(loan).execute(&mut *db).await?;
    insert(db, loan, dues).await
}

/// Writes the due days of a new loan. Nothing is read, so that bookings at the same time do not meet here.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, loan: &str, dues: impl Iterator<Item = (u16, Date)>) -> sqlx::Result<()> {
    let rows: Vec<(i64, String)> = dues.map(|(number, due)| (i64::from(number), due.to_string())).collect();
    let before = "INSERT INTO installment_dues (loan, number, due) VALUES";
    many::execute(db, (before, ""), 3, &rows, |query, (number, due)| {
        query.bind(loan.to_owned()).bind(*number).bind(due.clone())
    })
    .await
}

/// What a reminder is made once for.
#[must_use]
pub fn once(row: &Row, rule: &str) -> String {
    format!("reminder:{}:{}:{rule}", row.loan, row.number)
}

/// Instalments of active loans that fall due on a day, of people who are not erased, after a place, without those that
/// were reminded of by a rule.
///
/// # Errors
/// When the database fails.
pub async fn unreminded(
    db: &mut Connection,
    due: &str,
    rule: &str,
    after: (&str, i64),
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT d.loan, d.number, d.due, l.application, a.bundle_hash
         FROM installment_dues d JOIN loans l ON l.id = d.loan JOIN loan_standings s ON s.loan = l.id
            JOIN persons p ON p.id = l.person JOIN applications a ON a.id = l.application
         WHERE d.due = $1 AND (d.loan > $2 OR (d.loan = $2 AND d.number > $3))
            AND s.status = 'active' AND p.erased IS NULL
            AND NOT EXISTS (SELECT 1 FROM notices n
                WHERE n.once = 'reminder:' || d.loan || ':' || CAST(d.number AS TEXT) || ':' || $4)
         ORDER BY d.loan, d.number LIMIT $5",
    )
    .bind(due)
    .bind(after.0)
    .bind(after.1)
    .bind(rule)
    .bind(limit)
    .fetch_all(db)
    .await
}
