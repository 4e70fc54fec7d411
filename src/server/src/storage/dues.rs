//! When which instalment falls due, so that a day finds its loans.

use prequal_core::calendar::Date;
use sqlx::FromRow;

use super::{Connection, many};

/// An instalment of a loan that may still be owed.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub loan: String,
    pub number: i64,
    pub due: String,
}

/// Writes a loan's due days in the place of those before: at booking, and whenever its schedule changes.
///
/// # Errors
/// When the database fails.
pub async fn write(db: &mut Connection, loan: &str, dues: impl Iterator<Item = (u16, Date)>) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM installment_dues WHERE loan = $1").bind(loan).execute(&mut *db).await?;
    let rows: Vec<(i64, String)> = dues.map(|(number, due)| (i64::from(number), due.to_string())).collect();
    let before = "INSERT INTO installment_dues (loan, number, due) VALUES";
    many::execute(db, (before, ""), 3, &rows, |query, (number, due)| {
        query.bind(loan.to_owned()).bind(*number).bind(due.clone())
    })
    .await
}

/// Instalments of active loans that fall due on a day, after a place.
///
/// # Errors
/// When the database fails.
pub async fn on(db: &mut Connection, due: &str, after: (&str, i64), limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT d.loan, d.number, d.due FROM installment_dues d JOIN loans l ON l.id = d.loan
         WHERE d.due = $1 AND l.status = 'active' AND (d.loan > $2 OR (d.loan = $2 AND d.number > $3))
         ORDER BY d.loan, d.number LIMIT $4",
    )
    .bind(due)
    .bind(after.0)
    .bind(after.1)
    .bind(limit)
    .fetch_all(db)
    .await
}
