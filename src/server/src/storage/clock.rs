//! The sandbox clock's distance from the machine's, so that a restart keeps it.

use super::Connection;

/// The stored distance in seconds, 0 where none was set.
///
/// # Errors
/// When the database fails.
pub async fn offset(db: &mut Connection) -> sqlx::Result<i64> {
    let row: Option<i64> =
        sqlx::query_scalar("SELECT offset_seconds FROM sandbox_clock WHERE only_row = 1").fetch_optional(db).await?;
    Ok(row.unwrap_or(0))
}

/// Stores the distance.
///
/// # Errors
/// When the database fails.
pub async fn set_offset(db: &mut Connection, seconds: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sandbox_clock (only_row, offset_seconds) VALUES (1, $1)
         ON CONFLICT (only_row) DO UPDATE SET offset_seconds = excluded.offset_seconds",
    )
    .bind(seconds)
    .execute(db)
    .await?;
    Ok(())
}
