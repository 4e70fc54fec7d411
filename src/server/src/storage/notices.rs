//! Notices that wait to be sent, and the proof of those that were.

use sqlx::FromRow;

use super::Connection;

/// A notice that waits.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub application: String,
    pub kind: String,
    /// What it says; it names nobody.
    pub body: String,
    pub attempts: i64,
}

impl Row {
    /// What stands above it.
    #[must_use]
    pub fn subject(&self) -> &'static str {
        match self.kind.as_str() {
            "adverse_action" => "Our decision about your application for credit",
            "capture" => "Your purchase was charged: the final payment plan",
            _ => "About your application for credit",
        }
    }
}

/// How an attempt to send ended.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// It went out.
    Sent { channel: &'a str, proof: &'a str, at: &'a str },
    /// It will be tried again.
    Again { why: &'a str, next_attempt_ms: i64 },
    /// It is left to a person.
    GivenUp { why: &'a str, at: &'a str },
}

/// Notices that are due, the longest waiting first.
///
/// # Errors
/// When the database fails.
pub async fn due(db: &mut Connection, now_ms: i64, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT id, application, kind, body, attempts FROM notices
         WHERE status = 'queued' AND given_up IS NULL AND next_attempt_ms <= $1
         ORDER BY next_attempt_ms, id LIMIT $2",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Notes how an attempt ended. What was sent stays sent, whoever else tried.
///
/// # Errors
/// When the database fails.
pub async fn note(db: &mut Connection, id: &str, outcome: Outcome<'_>) -> sqlx::Result<()> {
    let query = match outcome {
        Outcome::Sent { channel, proof, at } => sqlx::query(
            "UPDATE notices SET status = 'sent', attempts = attempts + 1, proof = $2, channel = $3, sent = $4
             WHERE id = $1 AND status = 'queued'",
        )
        .bind(id)
        .bind(proof)
        .bind(channel)
        .bind(at),
        Outcome::Again { why, next_attempt_ms } => sqlx::query(
            "UPDATE notices SET attempts = attempts + 1, proof = $2, next_attempt_ms = $3
             WHERE id = $1 AND status = 'queued'",
        )
        .bind(id)
        .bind(why)
        .bind(next_attempt_ms),
        Outcome::GivenUp { why, at } => sqlx::query(
            "UPDATE notices SET attempts = attempts + 1, proof = $2, given_up = $3
             WHERE id = $1 AND status = 'queued'",
        )
        .bind(id)
        .bind(why)
        .bind(at),
    };
    query.execute(db).await?;
    Ok(())
}

/// What became of a notice, as the lender's people see it.
#[derive(Debug, Clone, FromRow)]
pub struct Sent {
    pub id: String,
    pub application: String,
    pub kind: String,
    pub template: String,
    pub status: String,
    pub attempts: i64,
    pub channel: Option<String>,
    pub sent: Option<String>,
    pub proof: Option<String>,
    pub given_up: Option<String>,
    pub created: String,
}

/// Notices in the order in which they were made, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Sent>> {
    sqlx::query_as(
        "SELECT id, application, kind, template, status, attempts, channel, sent, proof, given_up, created
         FROM notices WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Queues a notice to the borrower of a loan.
///
/// # Errors
/// When the database fails.
pub async fn insert_about_loan(
    db: &mut Connection,
    id: &str,
    (application, loan): (&str, &str),
    (kind, template): (&str, &str),
    body: &str,
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notices (id, application, loan, kind, template, body, status, created)
         VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7)",
    )
    .bind(id)
    .bind(application)
    .bind(loan)
    .bind(kind)
    .bind(template)
    .bind(body)
    .bind(now)
    .execute(db)
    .await?;
    Ok(())
}
