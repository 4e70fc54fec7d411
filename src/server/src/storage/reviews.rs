//! Applications that people look at, and what each of them said.

use sqlx::FromRow;

use super::Connection;

/// A review.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub application: String,
    /// The decision that is looked at again.
    pub decision: String,
    /// `referral` or `human_review`.
    pub kind: String,
    /// How many people must approve.
    pub persons: i64,
    /// `open`, `approved` or `declined`.
    pub status: String,
    pub due_by: String,
    pub opened: String,
    pub decided: Option<String>,
    /// The decision that came of it.
    pub outcome: Option<String>,
}

/// What one reviewer said.
#[derive(Debug, Clone, FromRow)]
pub struct Vote {
    /// The id of the reviewer's key.
    pub reviewer: String,
    pub verdict: String,
    /// Canonical JSON.
    pub conditions: String,
    /// Canonical JSON of codes.
    pub reasons: String,
    pub given: String,
}

/// Opens a review; `false` where the decision has one.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO reviews (id, application, decision, kind, persons, status, due_by, opened)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (decision) DO NOTHING",
    )
    .bind(&row.id)
    .bind(&row.application)
    .bind(&row.decision)
    .bind(&row.kind)
    .bind(row.persons)
    .bind(&row.status)
    .bind(&row.due_by)
    .bind(&row.opened)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The review of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM reviews WHERE id = $1").bind(id).fetch_optional(db).await
}

/// The review of a decision.
///
/// # Errors
/// When the database fails.
pub async fn of_decision(db: &mut Connection, decision: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM reviews WHERE decision = $1").bind(decision).fetch_optional(db).await
}

/// The newest review of an application that approved.
///
/// # Errors
/// When the database fails.
pub async fn approved(db: &mut Connection, application: &str) -> sqlx::Result<Option<Row>> {
    let sql = "SELECT * FROM reviews WHERE application = $1 AND status = 'approved' ORDER BY id DESC LIMIT 1";
    sqlx::query_as(sql).bind(application).fetch_optional(db).await
}

/// Open reviews in the order in which they were opened, after a cursor; those of erased people left out.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT r.* FROM reviews r JOIN applications a ON a.id = r.application JOIN persons p ON p.id = a.person
         WHERE r.status = 'open' AND p.erased IS NULL AND ($1 IS NULL OR r.id > $1) ORDER BY r.id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// What the reviewers said, in the order in which they did.
///
/// # Errors
/// When the database fails.
pub async fn votes(db: &mut Connection, review: &str) -> sqlx::Result<Vec<Vote>> {
    let sql = "SELECT reviewer, verdict, conditions, reasons, given FROM review_votes
        WHERE review = $1 ORDER BY given, reviewer";
    sqlx::query_as(sql).bind(review).fetch_all(db).await
}

/// Notes what a reviewer said; `false` where the same reviewer said something before.
///
/// # Errors
/// When the database fails.
pub async fn vote(db: &mut Connection, review: &str, vote: &Vote) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO review_votes (review, reviewer, verdict, conditions, reasons, given)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (review, reviewer) DO NOTHING",
    )
    .bind(review)
    .bind(&vote.reviewer)
    .bind(&vote.verdict)
    .bind(&vote.conditions)
    .bind(&vote.reasons)
    .bind(&vote.given)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes an open review; `false` where it was closed before.
///
/// # Errors
/// When the database fails.
pub async fn close(db: &mut Connection, id: &str, status: &str, outcome: &str, now: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE reviews SET status = $2, outcome = $3, decided = $4 WHERE id = $1 AND status = 'open'";
    let done = sqlx::query(sql).bind(id).bind(status).bind(outcome).bind(now).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
