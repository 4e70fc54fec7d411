//! The signed heads of the ledger's days, and what they are computed from.

use prequal_core::calendar::Date;
use prequal_ledger::{DayHead, Head};
use sqlx::FromRow;

use super::Connection;
use crate::problem::Problem;

/// A day's row.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub date: String,
    pub chains: i64,
    pub previous: String,
    pub root: String,
    pub kid: String,
    pub signature: String,
    pub signed: String,
}

impl Row {
    /// The head that was signed.
    ///
    /// # Errors
    /// 500 where the row cannot be read.
    pub fn head(&self) -> Result<DayHead, Problem> {
        Ok(DayHead {
            chains: self.chains.unsigned_abs(),
            date: Date::parse(&self.date).map_err(Problem::internal)?,
            previous: self.previous.clone(),
            root: self.root.clone(),
        })
    }
}

/// The last day that was signed.
///
/// # Errors
/// 500 when the database fails.
pub async fn last(db: &mut Connection) -> Result<Option<DayHead>, Problem> {
    let row: Option<Row> =
        sqlx::query_as("SELECT * FROM ledger_days ORDER BY date DESC LIMIT 1").fetch_optional(db).await?;
    row.map(|row| row.head()).transpose()
}

/// Writes a signed day.
///
/// # Errors
/// When the day is there or the database fails.
pub async fn insert(db: &mut Connection, head: &DayHead, kid: &str, signature: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO ledger_days (date, chains, previous, root, kid, signature, signed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(head.date.to_string())
    .bind(i64::try_from(head.chains).unwrap_or(i64::MAX))
    .bind(&head.previous)
    .bind(&head.root)
    .bind(kid)
    .bind(signature)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}

/// Days in order, after a date.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM ledger_days WHERE ($1 IS NULL OR date > $1) ORDER BY date LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// The first day after one, up to another, on which something was posted.
///
/// # Errors
/// When the database fails.
pub async fn next_with_entries(db: &mut Connection, after: Option<&str>, to: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT min(date) FROM journal_entries WHERE ($1 IS NULL OR date > $1) AND date <= $2")
        .bind(after)
        .bind(to)
        .fetch_one(db)
        .await
}

/// How many entries are dated after a day, up to another.
///
/// # Errors
/// When the database fails.
pub async fn entries_between(db: &mut Connection, after: Option<&str>, to: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM journal_entries WHERE ($1 IS NULL OR date > $1) AND date <= $2")
        .bind(after)
        .bind(to)
        .fetch_one(db)
        .await
}

/// The last entry up to a day of chains after a name, in the database's own order of names.
///
/// # Errors
/// When the database fails.
pub async fn heads(db: &mut Connection, day: &str, after: &str, limit: i64) -> sqlx::Result<Vec<(String, Head)>> {
    let rows: Vec<(String, i64, String)> = sqlx::query_as(
        "SELECT e.chain, e.number, e.hash FROM (
            SELECT chain, max(number) AS number FROM journal_entries WHERE date <= $1 AND chain > $2
            GROUP BY chain ORDER BY chain LIMIT $3
         ) h JOIN journal_entries e ON e.chain = h.chain AND e.number = h.number ORDER BY e.chain",
    )
    .bind(day)
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await?;
    let head = |(chain, number, hash): (String, i64, String)| (chain, Head { number: number.unsigned_abs(), hash });
    Ok(rows.into_iter().map(head).collect())
}
