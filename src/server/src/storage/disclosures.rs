//! Information before the contract, and that it was confirmed.

use sqlx::FromRow;

use super::Connection;

/// What was told before one contract.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub application: String,
    /// The decision whose quote it is made of.
    pub decision: String,
    pub jurisdiction: String,
    pub form: String,
    /// Canonical JSON.
    pub document: String,
    pub text: String,
    pub hash: String,
    /// 1 where nothing can be signed before it is confirmed.
    pub confirmation: i64,
    pub reading_seconds: i64,
    pub created: String,
    pub presented: Option<String>,
    pub confirmed: Option<String>,
}

/// Keeps it.
///
/// # Errors
/// When the decision has one or the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO disclosures (id, application, decision, jurisdiction, form, document, text, hash, confirmation,
            reading_seconds, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&row.id)
    .bind(&row.application)
    .bind(&row.decision)
    .bind(&row.jurisdiction)
    .bind(&row.form)
    .bind(&row.document)
    .bind(&row.text)
    .bind(&row.hash)
    .bind(row.confirmation)
    .bind(row.reading_seconds)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// That of a decision.
///
/// # Errors
/// When the database fails.
pub async fn of_decision(db: &mut Connection, decision: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM disclosures WHERE decision = $1").bind(decision).fetch_optional(db).await
}

/// Notes that the person saw it; the first time counts.
///
/// # Errors
/// When the database fails.
pub async fn present(db: &mut Connection, id: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE disclosures SET presented = $2 WHERE id = $1 AND presented IS NULL")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that the person confirmed it; the first time counts.
///
/// # Errors
/// When the database fails.
pub async fn confirm(db: &mut Connection, id: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE disclosures SET confirmed = $2 WHERE id = $1 AND confirmed IS NULL")
        .bind(id)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
