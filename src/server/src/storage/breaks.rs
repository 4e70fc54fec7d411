//! Funders' files of days that are over, and what their own files differ in.

use sqlx::FromRow;

use super::Connection;

/// A file, by what proves it.
#[derive(Debug, Clone, FromRow)]
pub struct FileRow {
    pub funder: String,
    pub date: String,
    pub sha256: String,
    pub bytes: i64,
    pub loans: i64,
    pub created: String,
}

/// Keeps what proves a file; `false` where the funder has one of that day.
///
/// # Errors
/// When the database fails.
pub async fn keep(db: &mut Connection, row: &FileRow) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO funder_files (funder, date, sha256, bytes, loans, created) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (funder, date) DO NOTHING",
    )
    .bind(&row.funder)
    .bind(&row.date)
    .bind(&row.sha256)
    .bind(row.bytes)
    .bind(row.loans)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The file of a funder and a day.
///
/// # Errors
/// When the database fails.
pub async fn file(db: &mut Connection, funder: &str, date: &str) -> sqlx::Result<Option<FileRow>> {
    sqlx::query_as("SELECT * FROM funder_files WHERE funder = $1 AND date = $2")
        .bind(funder)
        .bind(date)
        .fetch_optional(db)
        .await
}

/// A funder's files in the order of their days, after one.
///
/// # Errors
/// When the database fails.
pub async fn files(db: &mut Connection, funder: &str, after: &str, limit: i64) -> sqlx::Result<Vec<FileRow>> {
    sqlx::query_as("SELECT * FROM funder_files WHERE funder = $1 AND date > $2 ORDER BY date LIMIT $3")
        .bind(funder)
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// A break.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub funder: String,
    pub date: String,
    /// The loan, or `TOTAL`.
    pub loan: String,
    /// The column of the file.
    pub field: String,
    pub ours: Option<i64>,
    pub theirs: Option<i64>,
    /// `open`, `explained` or `closed`.
    pub status: String,
    pub opened: String,
    pub note_sealed: Option<Vec<u8>>,
    pub changed: Option<String>,
    /// The scope of whoever changed it; `comparison` where a later file of the funder did.
    pub changed_by: Option<String>,
}

/// Breaks of a funder and a day.
///
/// # Errors
/// When the database fails.
pub async fn of_day(db: &mut Connection, funder: &str, date: &str) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as("SELECT * FROM funder_breaks WHERE funder = $1 AND date = $2 ORDER BY id")
        .bind(funder)
        .bind(date)
        .fetch_all(db)
        .await
}

/// Breaks of a funder in the order in which they were found, of a status or of every one, after one.
///
/// # Errors
/// When the database fails.
pub async fn page(
    db: &mut Connection,
    funder: &str,
    status: Option<&str>,
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    sqlx::query_as(
        "SELECT * FROM funder_breaks WHERE funder = $1 AND id > $2 AND ($3 IS NULL OR status = $3)
         ORDER BY id LIMIT $4",
    )
    .bind(funder)
    .bind(after)
    .bind(status)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The break of a funder and an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, funder: &str, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM funder_breaks WHERE funder = $1 AND id = $2")
        .bind(funder)
        .bind(id)
        .fetch_optional(db)
        .await
}

/// Writes a break that was found.
///
/// # Errors
/// When there is one of the same place or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO funder_breaks (id, funder, date, loan, field, ours, theirs, status, opened)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8)",
    )
    .bind(&row.id)
    .bind(&row.funder)
    .bind(&row.date)
    .bind(&row.loan)
    .bind(&row.field)
    .bind(row.ours)
    .bind(row.theirs)
    .bind(&row.opened)
    .execute(db)
    .await?;
    Ok(())
}

/// A break is found with other amounts, or again after it was closed.
///
/// # Errors
/// When the database fails.
pub async fn found_again(
    db: &mut Connection,
    id: &str,
    (ours, theirs): (Option<i64>, Option<i64>),
    (by, now): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE funder_breaks SET ours = $2, theirs = $3, status = 'open', changed = $4, changed_by = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(ours)
    .bind(theirs)
    .bind(now)
    .bind(by)
    .execute(db)
    .await?;
    Ok(())
}

/// A break is explained or closed; what was noted before stays where nothing is.
///
/// # Errors
/// When the database fails.
pub async fn set(
    db: &mut Connection,
    id: &str,
    status: &str,
    note_sealed: Option<&[u8]>,
    (by, now): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query("UPDATE funder_breaks SET status = $2, changed = $3, changed_by = $4 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(now)
        .bind(by)
        .execute(&mut *db)
        .await?;
    if let Some(note) = note_sealed {
        sqlx::query("UPDATE funder_breaks SET note_sealed = $2 WHERE id = $1").bind(id).bind(note).execute(db).await?;
    }
    Ok(())
}
