//! Notices that wait to be sent, and the proof of those that were.

use sqlx::{AssertSqlSafe, FromRow};

use super::Connection;
use crate::notice;

/// A notice that waits.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub application: String,
    pub once: String,
    pub kind: String,
    /// What it says; it names nobody.
    pub body: String,
    /// What stands above it; its kind's where there is none.
    pub subject: Option<String>,
    pub attempts: i64,
    pub next_attempt_ms: i64,
}

impl Row {
    /// What stands above it.
    #[must_use]
    pub fn subject(&self) -> &str {
        let of_kind =
            || notice::Kind::of(&self.kind).map_or("About your application for credit", notice::Kind::subject);
        self.subject.as_deref().unwrap_or_else(of_kind)
    }
}

/// A notice as a sandbox shows it.
#[derive(Debug, Clone, FromRow)]
pub struct Message {
    #[sqlx(flatten)]
    pub notice: Row,
    pub sent: Option<String>,
    pub created: String,
}

/// The newest notices, about one application or all; the newest first.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &mut Connection, application: Option<&str>, limit: i64) -> sqlx::Result<Vec<Message>> {
    sqlx::query_as(
        "SELECT id, application, once, kind, body, subject, attempts, next_attempt_ms, sent, created FROM notices
         WHERE ($1 IS NULL OR application = $1) ORDER BY id DESC LIMIT $2",
    )
    .bind(application)
    .bind(limit)
    .fetch_all(db)
    .await
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
        "SELECT id, application, once, kind, body, subject, attempts, next_attempt_ms FROM notices
         WHERE status = 'queued' AND given_up IS NULL AND next_attempt_ms <= $1
         ORDER BY next_attempt_ms, id LIMIT $2",
    )
    .bind(now_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Takes a notice for an attempt, until which nobody else tries; `false` where somebody else took it.
///
/// # Errors
/// When the database fails.
pub async fn claim(db: &mut Connection, row: &Row, until_ms: i64) -> sqlx::Result<bool> {
    let sql = "UPDATE notices SET next_attempt_ms = $3 WHERE id = $1 AND status = 'queued' AND next_attempt_ms = $2";
    let done = sqlx::query(sql).bind(&row.id).bind(row.next_attempt_ms).bind(until_ms).execute(db).await?;
    Ok(done.rows_affected() == 1)
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

/// A notice to be queued.
#[derive(Debug)]
pub struct New<'a> {
    pub id: &'a str,
    pub application: &'a str,
    pub loan: Option<&'a str>,
    pub decision: Option<&'a str>,
    /// What it is made for, at most once.
    pub once: &'a str,
    pub kind: &'a str,
    pub template: &'a str,
    /// SHA-256 of the text it is made of.
    pub template_hash: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
    pub due_by: Option<String>,
    pub next_attempt_ms: i64,
    pub created: &'a str,
}

/// Queues a notice; `false` where there is one for the same.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, new: &New<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO notices (id, application, loan, decision, once, kind, template, body, due_by, next_attempt_ms,
            status, created, template_hash, subject)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'queued', $11, $12, $13) ON CONFLICT (once) DO NOTHING",
    )
    .bind(new.id)
    .bind(new.application)
    .bind(new.loan)
    .bind(new.decision)
    .bind(new.once)
    .bind(new.kind)
    .bind(new.template)
    .bind(new.body)
    .bind(&new.due_by)
    .bind(new.next_attempt_ms)
    .bind(new.created)
    .bind(new.template_hash)
    .bind(new.subject)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What became of a notice, as the lender's people see it.
#[derive(Debug, Clone, FromRow)]
pub struct Sent {
    pub id: String,
    pub application: String,
    pub loan: Option<String>,
    pub kind: String,
    pub template: String,
    pub template_hash: Option<String>,
    pub subject: Option<String>,
    pub due_by: Option<String>,
    pub status: String,
    pub attempts: i64,
    pub channel: Option<String>,
    pub sent: Option<String>,
    pub proof: Option<String>,
    pub given_up: Option<String>,
    pub created: String,
}

const SENT: &str =
    "SELECT id, application, loan, kind, template, template_hash, subject, due_by, status, attempts, channel,
    sent, proof, given_up, created FROM notices";

/// The id, channel, time and proof of the notice that was made for something.
type Proof = (String, Option<String>, Option<String>, Option<String>);

/// What became of the notice that was made for something.
///
/// # Errors
/// When the database fails.
pub async fn of_once(db: &mut Connection, once: &str) -> sqlx::Result<Option<Proof>> {
    sqlx::query_as("SELECT id, channel, sent, proof FROM notices WHERE once = $1").bind(once).fetch_optional(db).await
}

/// Notices that did not go out yet and must on a day or before, those of the nearest day first.
///
/// # Errors
/// When the database fails.
pub async fn due_before(db: &mut Connection, date: &str, limit: i64) -> sqlx::Result<Vec<Sent>> {
    let sql = format!("{SENT} WHERE status = 'queued' AND due_by <= $1 ORDER BY due_by, id LIMIT $2");
    sqlx::query_as(AssertSqlSafe(sql)).bind(date).bind(limit).fetch_all(db).await
}

/// Notices in the order in which they were made, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<Sent>> {
    let sql = format!("{SENT} WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2");
    sqlx::query_as(AssertSqlSafe(sql)).bind(after).bind(limit).fetch_all(db).await
}
