//! Applications with their offers, consents, decisions and notices.

use sqlx::FromRow;

use super::Connection;

/// An application's row.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub id: String,
    pub checkout: String,
    pub person: String,
    pub edge: String,
    pub capability_hash: String,
    pub input_record: String,
    pub input_hash: String,
    pub bundle_hash: String,
    pub as_of: String,
    pub status: String,
    pub decision: Option<String>,
    pub approved_offer: Option<String>,
    pub agreement_text: Option<String>,
    pub agreement_hash: Option<String>,
    pub approval_expires: Option<String>,
    pub loan: Option<String>,
    pub created: String,
}

/// What a decision leaves behind. `output` is canonical JSON that names no person.
#[derive(Debug, Clone, FromRow)]
pub struct DecisionRow {
    pub id: String,
    pub application: String,
    pub taken_by: String,
    pub outcome: String,
    pub reasons: String,
    pub bundle_hash: String,
    pub input_hash: String,
    pub output: String,
    pub decided: String,
}

/// What approves an application: the offer, and the agreement to be signed.
#[derive(Debug)]
pub struct Approval<'a> {
    pub decision: &'a str,
    pub offer: &'a str,
    pub agreement_text: &'a str,
    pub agreement_hash: &'a str,
    pub expires: &'a str,
}

/// Writes a new application.
///
/// # Errors
/// When the database fails.
pub async fn insert(db: &mut Connection, row: &Row) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO applications (id, checkout, person, edge, capability_hash, input_record, input_hash,
            bundle_hash, as_of, status, decision, created)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&row.id)
    .bind(&row.checkout)
    .bind(&row.person)
    .bind(&row.edge)
    .bind(&row.capability_hash)
    .bind(&row.input_record)
    .bind(&row.input_hash)
    .bind(&row.bundle_hash)
    .bind(&row.as_of)
    .bind(&row.status)
    .bind(&row.decision)
    .bind(&row.created)
    .execute(db)
    .await?;
    Ok(())
}

/// The application of an id.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut Connection, id: &str) -> sqlx::Result<Option<Row>> {
    sqlx::query_as("SELECT * FROM applications WHERE id = $1").bind(id).fetch_optional(db).await
}

/// How many applications a checkout has.
///
/// # Errors
/// When the database fails.
pub async fn count_of_checkout(db: &mut Connection, checkout: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM applications WHERE checkout = $1").bind(checkout).fetch_one(db).await
}

/// Approves: the agreement waits for its signature.
///
/// # Errors
/// When the database fails.
pub async fn approve(db: &mut Connection, id: &str, approval: &Approval<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE applications SET status = 'approved', decision = $2, approved_offer = $3, agreement_text = $4,
            agreement_hash = $5, approval_expires = $6
         WHERE id = $1",
    )
    .bind(id)
    .bind(approval.decision)
    .bind(approval.offer)
    .bind(approval.agreement_text)
    .bind(approval.agreement_hash)
    .bind(approval.expires)
    .execute(db)
    .await?;
    Ok(())
}

/// Sets another outcome than approval.
///
/// # Errors
/// When the database fails.
pub async fn conclude(db: &mut Connection, id: &str, status: &str, decision: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE applications SET status = $2, decision = $3, approved_offer = NULL WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(decision)
        .execute(db)
        .await?;
    Ok(())
}

/// Marks an application as signed, with its loan where there is one already.
///
/// # Errors
/// When the database fails.
pub async fn sign(db: &mut Connection, id: &str, loan: Option<&str>) -> sqlx::Result<()> {
    sqlx::query("UPDATE applications SET status = 'signed', loan = $2 WHERE id = $1")
        .bind(id)
        .bind(loan)
        .execute(db)
        .await?;
    Ok(())
}

/// Records a decision.
///
/// # Errors
/// When the database fails.
pub async fn insert_decision(db: &mut Connection, row: &DecisionRow) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO decisions (id, application, taken_by, outcome, reasons, bundle_hash, input_hash, output, decided)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(&row.application)
    .bind(&row.taken_by)
    .bind(&row.outcome)
    .bind(&row.reasons)
    .bind(&row.bundle_hash)
    .bind(&row.input_hash)
    .bind(&row.output)
    .bind(&row.decided)
    .execute(db)
    .await?;
    Ok(())
}

/// The decision of an id.
///
/// # Errors
/// When the database fails.
pub async fn decision(db: &mut Connection, id: &str) -> sqlx::Result<Option<DecisionRow>> {
    sqlx::query_as("SELECT * FROM decisions WHERE id = $1").bind(id).fetch_optional(db).await
}

/// Decisions in the order in which they were made, after a cursor.
///
/// # Errors
/// When the database fails.
pub async fn decisions(db: &mut Connection, after: Option<&str>, limit: i64) -> sqlx::Result<Vec<DecisionRow>> {
    sqlx::query_as("SELECT * FROM decisions WHERE ($1 IS NULL OR id > $1) ORDER BY id LIMIT $2")
        .bind(after)
        .bind(limit)
        .fetch_all(db)
        .await
}

/// Records an offer that the edge will sign; `false` where its id was used by another application.
///
/// # Errors
/// When the database fails.
pub async fn insert_offer(
    db: &mut Connection,
    id: &str,
    application: &str,
    plan: &str,
    terms_hash: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO offers (id, application, plan, terms_hash) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(application)
    .bind(plan)
    .bind(terms_hash)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An offer's application, plan and terms hash.
///
/// # Errors
/// When the database fails.
pub async fn offer(db: &mut Connection, id: &str) -> sqlx::Result<Option<(String, String, String)>> {
    sqlx::query_as("SELECT application, plan, terms_hash FROM offers WHERE id = $1").bind(id).fetch_optional(db).await
}

/// Whether an offer was consumed.
///
/// # Errors
/// When the database fails.
pub async fn offer_is_used(db: &mut Connection, id: &str) -> sqlx::Result<bool> {
    let count: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM offer_uses WHERE offer = $1) + (SELECT count(*) FROM orders WHERE offer = $1)",
    )
    .bind(id)
    .fetch_one(db)
    .await?;
    Ok(count > 0)
}

/// Consumes an offer; `false` where another loan did. The unique constraint decides, whoever is faster.
///
/// # Errors
/// When the database fails.
pub async fn use_offer(db: &mut Connection, id: &str, loan: &str, now: &str) -> sqlx::Result<bool> {
    let done =
        sqlx::query("INSERT INTO offer_uses (offer, loan, used) VALUES ($1, $2, $3) ON CONFLICT (offer) DO NOTHING")
            .bind(id)
            .bind(loan)
            .bind(now)
            .execute(db)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// One consent.
#[derive(Debug, Clone, FromRow)]
pub struct ConsentRow {
    pub purpose: String,
    /// SHA-256 of the sentence.
    pub text_hash: String,
    pub given: String,
    pub withdrawn: Option<String>,
    /// Who gets what is consented to; none where it was recorded before that was asked.
    pub recipient: Option<String>,
    /// The bundle in which the sentence stood.
    pub bundle_hash: Option<String>,
}

/// Records a consent.
///
/// # Errors
/// When the purpose was recorded before or the database fails.
pub async fn insert_consent(db: &mut Connection, application: &str, row: &ConsentRow) -> sqlx::Result<()> {
    let sql = "INSERT INTO consents (application, purpose, text_hash, given, recipient, bundle_hash)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(application)
        .bind(&row.purpose)
        .bind(&row.text_hash)
        .bind(&row.given)
        .bind(&row.recipient)
        .bind(&row.bundle_hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Purposes and hashes consented to and not withdrawn since.
///
/// # Errors
/// When the database fails.
pub async fn consents(db: &mut Connection, application: &str) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT purpose, text_hash FROM consents WHERE application = $1 AND withdrawn IS NULL ORDER BY purpose",
    )
    .bind(application)
    .fetch_all(db)
    .await
}

/// Every consent, withdrawn ones among them.
///
/// # Errors
/// When the database fails.
pub async fn consent_history(db: &mut Connection, application: &str) -> sqlx::Result<Vec<ConsentRow>> {
    let sql = "SELECT purpose, text_hash, given, withdrawn, recipient, bundle_hash FROM consents
        WHERE application = $1 ORDER BY purpose";
    sqlx::query_as(sql).bind(application).fetch_all(db).await
}

/// Withdraws a consent that was not withdrawn before.
///
/// # Errors
/// When the database fails.
pub async fn withdraw_consent(db: &mut Connection, application: &str, purpose: &str, now: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE consents SET withdrawn = $3 WHERE application = $1 AND purpose = $2 AND withdrawn IS NULL")
        .bind(application)
        .bind(purpose)
        .bind(now)
        .execute(db)
        .await?;
    Ok(())
}
