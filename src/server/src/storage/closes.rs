//! Closes: up to and with which day nothing is posted any more.

use prequal_core::calendar::Date;
use prequal_ledger::{BackDating, Close};
use sqlx::FromRow;

use super::Connection;
use crate::problem::Problem;

/// A close's row.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub kind: String,
    pub through: String,
    pub closed_by: String,
    pub closed: String,
}

/// A period that finance closed: what is decided afterwards cannot reach back into it.
pub const PERIOD: &str = "period";
/// A day that was sealed: nothing is posted on it any more, but what counts from it may still be told.
pub const DAY: &str = "day";

/// The last day of a kind that is closed.
///
/// # Errors
/// 500 when the database fails.
pub async fn last(db: &mut Connection, kind: &str) -> Result<Option<Date>, Problem> {
    let through: Option<String> =
        sqlx::query_scalar("SELECT max(through) FROM ledger_closes WHERE kind = $1").bind(kind).fetch_one(db).await?;
    through.map(|text| Date::parse(&text).map_err(Problem::internal)).transpose()
}

/// The period's close that is in force.
///
/// # Errors
/// 500 when the database fails.
pub async fn in_force(db: &mut Connection) -> Result<Option<Close>, Problem> {
    let last = last(db, PERIOD).await?;
    Ok(last.map(|through| Close { through, back_dating: BackDating::Refused }))
}

/// Whether a day was closed in this kind.
///
/// # Errors
/// When the database fails.
pub async fn is_closed(db: &mut Connection, kind: &str, through: &str) -> sqlx::Result<bool> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger_closes WHERE kind = $1 AND through = $2")
        .bind(kind)
        .bind(through)
        .fetch_one(db)
        .await?;
    Ok(count > 0)
}

/// Writes a close.
///
/// # Errors
/// When the day is closed already or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO ledger_closes (id, kind, through, closed_by, closed) VALUES ($1, $2, $3, $4, $5)")
        .bind(&row.id)
        .bind(&row.kind)
        .bind(&row.through)
        .bind(&row.closed_by)
        .bind(&row.closed)
        .execute(db)
        .await?;
    Ok(())
}

/// Closes of a kind in order, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, kind: &str, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM ledger_closes WHERE kind = $1 AND ($2 IS NULL OR id > $2) ORDER BY id LIMIT $3")
        .bind(kind)
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}
