//! Which job was done for which business date, and by whom it is being done.

use sqlx::FromRow;

use super::Connection;

/// A job's run for a date.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub job: String,
    pub date: String,
    /// `running`, `done` or `failed`.
    pub status: String,
    pub attempts: i64,
    /// What was changed, over all attempts.
    pub changed: i64,
    pub started: String,
    pub finished: Option<String>,
    pub error: Option<String>,
    /// Before which moment of the machine's clock it is not tried again.
    pub next_attempt_ms: i64,
    /// The server that works on it.
    pub holder: Option<String>,
    /// Until when nobody else begins it.
    pub lease_until_ms: i64,
}

/// Whoever works, and from when to when by the machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct Lease<'a> {
    pub holder: &'a str,
    pub now_ms: i64,
    pub until_ms: i64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    pub status: &'a str,
    pub changed: i64,
    pub finished: &'a str,
    pub error: Option<&'a str>,
    pub next_attempt_ms: i64,
}

/// The run of a job for a date.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, job: &str, date: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM job_runs WHERE job = $1 AND date = $2").bind(job).bind(date).fetch_optional(db).await
}

/// The newest date for which a job was begun.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &mut Connection, job: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT max(date) FROM job_runs WHERE job = $1").bind(job).fetch_one(db).await
}

/// The first date for which a server began a job by itself.
///
/// # Errors
/// When the database fails.
pub async fn first(db: &mut Connection, job: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT min(date) FROM job_runs WHERE job = $1 AND by_hand = 0").bind(job).fetch_one(db).await
}

/// Dates from one on and before another, oldest first, for which a job was begun and is not done.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(
    db: &mut Connection,
    job: &str,
    (from, before): (&str, &str),
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT date FROM job_runs WHERE job = $1 AND status <> 'done' AND date >= $2 AND date < $3
         ORDER BY date LIMIT $4",
    )
    .bind(job)
    .bind(from)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// Dates from one on for which a job is done.
///
/// # Errors
/// When the database fails.
pub async fn done_from(db: &mut Connection, job: &str, from: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT date FROM job_runs WHERE job = $1 AND status = 'done' AND date >= $2")
        .bind(job)
        .bind(from)
        .fetch_all(db)
        .await
}

/// The newest runs of a job.
///
/// # Errors
/// When the database fails.
pub async fn latest(db: &mut Connection, job: &str, limit: i64) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM job_runs WHERE job = $1 ORDER BY date DESC LIMIT $2")
        .bind(job)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// How many runs that a server began wait for another attempt after a failure.
///
/// # Errors
/// When the database fails.
pub async fn failed(db: &mut Connection) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM job_runs WHERE status = 'failed' AND by_hand = 0").fetch_one(db).await
}

/// Begins an attempt, unless the job is done for the date, waits after a failure, or somebody else works on it;
/// whether it was begun. By hand only the last keeps it from being begun.
///
/// # Errors
/// When the database fails.
pub async fn begin(
    db: &mut Connection,
    (job, date): (&str, &str),
    lease: Lease<'_>,
    started: &str,
    by_hand: bool,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO job_runs (job, date, status, attempts, changed, started, next_attempt_ms, holder, lease_until_ms,
            by_hand)
         VALUES ($1, $2, 'running', 1, 0, $3, 0, $4, $5, $7)
         ON CONFLICT (job, date) DO UPDATE SET status = 'running', attempts = job_runs.attempts + 1,
            started = excluded.started, finished = NULL, holder = excluded.holder,
            lease_until_ms = excluded.lease_until_ms,
            by_hand = CASE WHEN $7 = 1 THEN job_runs.by_hand ELSE 0 END
         WHERE ($7 = 1 OR (job_runs.status <> 'done' AND job_runs.next_attempt_ms <= $6))
            AND job_runs.lease_until_ms <= $6",
    )
    .bind(job)
    .bind(date)
    .bind(started)
    .bind(lease.holder)
    .bind(lease.until_ms)
    .bind(lease.now_ms)
    .bind(i64::from(by_hand))
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps others from beginning what is still being worked on; `false` where somebody else has taken it over.
///
/// # Errors
/// When the database fails.
pub async fn renew(db: &mut Connection, (job, date): (&str, &str), lease: Lease<'_>) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE job_runs SET lease_until_ms = $4 WHERE job = $1 AND date = $2 AND holder = $3 AND status = 'running'",
    )
    .bind(job)
    .bind(date)
    .bind(lease.holder)
    .bind(lease.until_ms)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes how an attempt ended. Where somebody else has taken it over, or has done it, only what was changed is added.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &mut Connection, (job, date): (&str, &str), holder: &str, end: End<'_>) -> sqlx::Result<()> {
    let mine = sqlx::query(
        "UPDATE job_runs SET status = $4, changed = changed + $5, finished = $6, error = $7, next_attempt_ms = $8,
            holder = NULL, lease_until_ms = 0
         WHERE job = $1 AND date = $2 AND holder = $3 AND status = 'running'",
    )
    .bind(job)
    .bind(date)
    .bind(holder)
    .bind(end.status)
    .bind(end.changed)
    .bind(end.finished)
    .bind(end.error)
    .bind(end.next_attempt_ms)
    .execute(&mut *db)
    .await?;
    if mine.rows_affected() == 0 {
        sqlx::query("UPDATE job_runs SET changed = changed + $3 WHERE job = $1 AND date = $2")
            .bind(job)
            .bind(date)
            .bind(end.changed)
            .execute(db)
            .await?;
    }
    Ok(())
}

/// Lets go of everything that a server works on, so that another may begin it at once.
///
/// # Errors
/// When the database fails.
pub async fn release(db: &mut Connection, holder: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE job_runs SET holder = NULL, lease_until_ms = 0 WHERE holder = $1 AND status = 'running'")
        .bind(holder)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets that a job was done for a date, so that it is done again; whether it had been begun.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut Connection, job: &str, date: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query("DELETE FROM job_runs WHERE job = $1 AND date = $2").bind(job).bind(date).execute(db).await?;
    Ok(done.rows_affected() == 1)
}
