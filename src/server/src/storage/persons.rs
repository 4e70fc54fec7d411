//! Persons, what is stored of them under their own key, and the digests by which they are found again.

use super::Connection;

/// A person's wrapped key; `None` after erasure.
///
/// # Errors
/// When the database fails.
pub async fn wrapped_key(db: &mut Connection, person: &str) -> sqlx::Result<Option<Vec<u8>>> {
    let row: Option<(Option<Vec<u8>>,)> =
        sqlx::query_as("SELECT wrapped_key FROM persons WHERE id = $1").bind(person).fetch_optional(db).await?;
    Ok(row.and_then(|(key,)| key))
}

/// Writes a new person.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, person: &str, wrapped_key: &[u8], now: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO persons (id, wrapped_key, created) VALUES ($1, $2, $3)")
        .bind(person)
        .bind(wrapped_key)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Persons with one of the digests.
///
/// # Errors
/// When the database fails.
pub async fn by_digest(db: &mut Connection, kind: &str, digest: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT person FROM person_lookups WHERE kind = $1 AND digest = $2 ORDER BY person")
        .bind(kind)
        .bind(digest)
        .fetch_all(db)
        .await
}

/// Persons who had one of the digests before a correction.
///
/// # Errors
/// When the database fails.
pub async fn by_former_digest(db: &mut Connection, kind: &str, digest: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT person FROM person_former_lookups WHERE kind = $1 AND digest = $2 ORDER BY person")
        .bind(kind)
        .bind(digest)
        .fetch_all(db)
        .await
}

/// Adds a digest, unless it is there.
///
/// # Errors
/// When the database fails.
pub async fn add_digest(db: &mut Connection, kind: &str, digest: &str, person: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO person_lookups (kind, digest, person) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(kind)
        .bind(digest)
        .bind(person)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps a sealed record.
///
/// # Errors
/// When the database fails.
pub async fn insert_record(
    db: &mut Connection,
    id: &str,
    person: &str,
    kind: &str,
    sealed: &[u8],
    now: &str,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO personal_records (id, person, kind, sealed, created) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(person)
        .bind(kind)
        .bind(sealed)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// A sealed record and whose it is.
///
/// # Errors
/// When the database fails.
pub async fn record(db: &mut Connection, id: &str) -> sqlx::Result<Option<(String, Vec<u8>)>> {
    sqlx::query_as("SELECT person, sealed FROM personal_records WHERE id = $1").bind(id).fetch_optional(db).await
}

/// Everyone who was erased, with when.
///
/// # Errors
/// When the database fails.
pub async fn erased(db: &mut Connection) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT id, erased FROM persons WHERE erased IS NOT NULL ORDER BY id").fetch_all(db).await
}

/// Destroys a person's key, digests and records.
///
/// # Errors
/// When the database fails.
pub async fn erase(db: &mut Connection, person: &str, now: &str) -> sqlx::Result<bool> {
    let erased = sqlx::query("UPDATE persons SET wrapped_key = NULL, erased = $2 WHERE id = $1 AND erased IS NULL")
        .bind(person)
        .bind(now)
        .execute(&mut *db)
        .await?;
    sqlx::query("DELETE FROM person_lookups WHERE person = $1").bind(person).execute(&mut *db).await?;
    sqlx::query("DELETE FROM person_former_lookups WHERE person = $1").bind(person).execute(&mut *db).await?;
    // The records stay where others refer to them, but nothing is left in them: without the key they could
    // not be read, and after this not even kept for a key that might turn up in a backup.
    sqlx::query("UPDATE personal_records SET sealed = $2 WHERE person = $1")
        .bind(person)
        .bind(Vec::<u8>::new())
        .execute(db)
        .await?;
    Ok(erased.rows_affected() == 1)
}

/// Whether a person is known, and when they were erased.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, person: &str) -> sqlx::Result<Option<(String, Option<String>)>> {
    sqlx::query_as("SELECT created, erased FROM persons WHERE id = $1").bind(person).fetch_optional(db).await
}

/// Replaces a person's digest of a kind; those before are kept as former ones.
///
/// # Errors
/// When the database fails.
pub async fn replace_digest(db: &mut Connection, kind: &str, digest: &str, person: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO person_former_lookups (kind, digest, person)
         SELECT kind, digest, person FROM person_lookups WHERE kind = $1 AND person = $2 ON CONFLICT DO NOTHING",
    )
    .bind(kind)
    .bind(person)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM person_lookups WHERE kind = $1 AND person = $2")
        .bind(kind)
        .bind(person)
        .execute(&mut *db)
        .await?;
    add_digest(db, kind, digest, person).await
}

/// A person's records in the order in which they were kept: id, kind, sealed, when.
///
/// # Errors
/// When the database fails.
pub async fn records(db: &mut Connection, person: &str) -> sqlx::Result<Vec<(String, String, Vec<u8>, String)>> {
    sqlx::query_as("SELECT id, kind, sealed, created FROM personal_records WHERE person = $1 ORDER BY id")
        .bind(person)
        .fetch_all(db)
        .await
}

/// A person's applications, with what became of each.
///
/// # Errors
/// When the database fails.
pub async fn applications(db: &mut Connection, person: &str) -> sqlx::Result<Vec<(String, String, String)>> {
    sqlx::query_as("SELECT id, status, created FROM applications WHERE person = $1 ORDER BY id")
        .bind(person)
        .fetch_all(db)
        .await
}

/// A person's loans, with their status.
///
/// # Errors
/// When the database fails.
pub async fn loans(db: &mut Connection, person: &str) -> sqlx::Result<Vec<(String, String, String)>> {
    sqlx::query_as(
        "SELECT l.id, s.status, l.booked FROM loans l JOIN loan_standings s ON s.loan = l.id
         WHERE l.person = $1 ORDER BY l.id",
    )
    .bind(person)
    .fetch_all(db)
    .await
}

/// On which business day the last event of a loan was booked.
///
/// # Errors
/// When the database fails.
pub async fn last_booked(db: &mut Connection, loan: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT max(booked) FROM loan_events WHERE loan = $1").bind(loan).fetch_one(db).await
}

/// A person's orders that are captured by their merchants: what is authorized, what is captured, when it was signed.
///
/// # Errors
/// When the database fails.
pub async fn orders(db: &mut Connection, person: &str) -> sqlx::Result<Vec<(String, i64, i64, String)>> {
    sqlx::query_as("SELECT checkout, authorized, captured, signed FROM orders WHERE person = $1 ORDER BY checkout")
        .bind(person)
        .fetch_all(db)
        .await
}

/// A person's lines of credit, with when each was granted.
///
/// # Errors
/// When the database fails.
pub async fn lines(db: &mut Connection, person: &str) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT id, created FROM lines WHERE person = $1 ORDER BY id").bind(person).fetch_all(db).await
}
