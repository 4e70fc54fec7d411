//! What must be told about applications, and by when; and with it the reviews that must end by a day.

use sqlx::{AssertSqlSafe, FromRow};

use super::Connection;

/// The decision about a complete application.
pub const DECISION: &str = "decision";
/// What an incomplete application lacks.
pub const INCOMPLETE: &str = "incomplete";

/// A duty that is not met.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub application: String,
    pub kind: String,
    /// The last day on which it can be met.
    pub due_by: String,
    pub created: String,
}

/// Notes a duty, unless it is there.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut Connection,
    application: &str,
    kind: &str,
    due_by: &str,
    created: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO notice_duties (application, kind, due_by, created) VALUES ($1, $2, $3, $4)
         ON CONFLICT (application, kind) DO NOTHING",
    )
    .bind(application)
    .bind(kind)
    .bind(due_by)
    .bind(created)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a duty is met, where there is one.
///
/// # Errors
/// When the database fails.
pub async fn meet(db: &mut Connection, application: &str, kind: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE notice_duties SET met = $3 WHERE application = $1 AND kind = $2 AND met IS NULL")
        .bind(application)
        .bind(kind)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Of duties that are open: an erased person can be told nothing any more.
const OPEN: &str = "SELECT d.application, d.kind, d.due_by, d.created FROM notice_duties d
    JOIN applications a ON a.id = d.application JOIN persons p ON p.id = a.person
    WHERE d.met IS NULL AND p.erased IS NULL";

/// Whether a later application of the same checkout lacked nothing: whoever completes an application makes another.
///
/// # Errors
/// When the database fails.
pub async fn completed_since(db: &mut Connection, application: &str) -> sqlx::Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM applications a JOIN applications b ON b.checkout = a.checkout AND b.id > a.id
            JOIN decisions d ON d.application = b.id
         WHERE a.id = $1 AND d.outcome <> 'needs'",
    )
    .bind(application)
    .fetch_one(db)
    .await?;
    Ok(count > 0)
}

/// Open duties of a kind after an application.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &mut Connection, kind: &str, after: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    let sql = format!("{OPEN} AND d.kind = $1 AND d.application > $2 ORDER BY d.application LIMIT $3");
    sqlx::query_as(AssertSqlSafe(sql)).bind(kind).bind(after).bind(limit).fetch_all(db).await
}

/// Open duties that end on a day or before, those of the nearest day first.
///
/// # Errors
/// When the database fails.
pub async fn due_before(db: &mut Connection, date: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    let sql = format!("{OPEN} AND d.due_by <= $1 ORDER BY d.due_by, d.application LIMIT $2");
    sqlx::query_as(AssertSqlSafe(sql)).bind(date).bind(limit).fetch_all(db).await
}

/// How many open duties should have been met before a day.
///
/// # Errors
/// When the database fails.
pub async fn overdue(db: &mut Connection, date: &str) -> sqlx::Result<i64> {
    let sql = format!("SELECT count(*) FROM ({EVERY}) late WHERE late.due_by < $1");
    sqlx::query_scalar(AssertSqlSafe(sql)).bind(date).fetch_one(db).await
}

/// A duty of any kind that is open: what must be told, or a review that must come to its end.
#[derive(Debug, Clone, FromRow)]
pub struct Open {
    /// The day, the subject and the kind: its place among all.
    pub place: String,
    /// The application, or the review.
    pub subject: String,
    pub application: String,
    /// `decision`, `incomplete`, `referral` or `human_review`.
    pub kind: String,
    pub due_by: String,
    pub created: String,
}

/// Of every duty that is open: an erased person can be told nothing any more.
const EVERY: &str = "SELECT d.due_by || ' ' || d.application || ' ' || d.kind AS place, d.application AS subject,
        d.application, d.kind, d.due_by, d.created
    FROM notice_duties d JOIN applications a ON a.id = d.application JOIN persons p ON p.id = a.person
    WHERE d.met IS NULL AND p.erased IS NULL
    UNION ALL
    SELECT r.due_by || ' ' || r.id || ' ' || r.kind, r.id, r.application, r.kind, r.due_by, r.opened
    FROM reviews r JOIN applications a ON a.id = r.application JOIN persons p ON p.id = a.person
    WHERE r.status = 'open' AND p.erased IS NULL";

/// Open duties that end on a day or before, after a place, those of the nearest day first.
///
/// # Errors
/// When the database fails.
pub async fn page(db: &mut Connection, until: &str, after: &str, limit: i64) -> sqlx::Result<Vec<Open>> {
    let sql = format!(
        "SELECT * FROM ({EVERY}) every WHERE every.due_by <= $1 AND every.place > $2 ORDER BY every.place LIMIT $3"
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(until).bind(after).bind(limit).fetch_all(db).await
}

/// Open duties that end within days and were not called out at a stage yet, after a place.
///
/// # Errors
/// When the database fails.
pub async fn not_escalated(
    db: &mut Connection,
    (from, until): (&str, &str),
    stage: &str,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<Open>> {
    let sql = format!(
        "SELECT * FROM ({EVERY}) every
         WHERE every.due_by >= $1 AND every.due_by <= $2 AND every.place > $3 AND NOT EXISTS (
            SELECT 1 FROM duty_escalations e
            WHERE e.subject = every.subject AND e.kind = every.kind AND e.stage = $4)
         ORDER BY every.place LIMIT $5"
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(from).bind(until).bind(after).bind(stage).bind(limit).fetch_all(db).await
}

/// Notes that a duty is called out at a stage; `false` where it was before.
///
/// # Errors
/// When the database fails.
pub async fn escalate(db: &mut Connection, duty: &Open, stage: &str, now: &str) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO duty_escalations (subject, kind, stage, due_by, escalated) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (subject, kind, stage) DO NOTHING",
    )
    .bind(&duty.subject)
    .bind(&duty.kind)
    .bind(stage)
    .bind(&duty.due_by)
    .bind(now)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
