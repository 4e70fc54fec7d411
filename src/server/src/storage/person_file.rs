//! What is kept of a person beside what they applied with: decisions, information, notices, reviews, payments, mandates.
//! None of it names anybody; it is about the person all the same, who may see it.

use serde::Serialize;
use sqlx::{FromRow, any::AnyRow};
use utoipa::ToSchema;

use super::Connection;

/// A decision about an application.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub struct KeptDecision {
    /// Its id.
    pub decision_id: String,
    /// The application.
    pub application_id: String,
    /// `edge` or `server`.
    pub taken_by: String,
    /// `eligible`, `approved`, `referred`, `declined` or `needs`.
    pub outcome: String,
    /// Its reasons, a JSON text.
    pub reasons: String,
    /// When, RFC 3339.
    pub decided: String,
}

/// Information before the contract.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub struct KeptDisclosure {
    /// Its id.
    pub disclosure_id: String,
    /// The application.
    pub application_id: String,
    /// The legal form.
    pub form: String,
    /// As it was shown.
    pub text: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it was first shown.
    pub presented: Option<String>,
    /// When that was confirmed.
    pub confirmed: Option<String>,
}

/// A notice. What is personal in it stands in braces, and was filled in when it was sent.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub struct KeptNotice {
    /// Its id.
    pub notice_id: String,
    /// The application.
    pub application_id: String,
    /// What it is.
    pub kind: String,
    /// The version of its words.
    pub template: String,
    /// What it says.
    pub text: String,
    /// When it was made, RFC 3339.
    pub created: String,
    /// When it was sent.
    pub sent: Option<String>,
    /// By which channel.
    pub channel: Option<String>,
}

/// A review by people.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub struct KeptReview {
    /// Its id.
    pub review_id: String,
    /// The application.
    pub application_id: String,
    /// `referral` or `human_review`.
    pub kind: String,
    /// `open`, `approved` or `declined`.
    pub status: String,
    /// When it was opened, RFC 3339.
    pub opened: String,
    /// When it was decided.
    pub decided: Option<String>,
}

/// A payment.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub struct KeptPayment {
    /// Its id.
    pub payment_id: String,
    /// The loan.
    pub loan_id: String,
    /// In minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// As it stands.
    pub status: String,
    /// From which day it counts.
    pub value_date: Option<String>,
    /// When it was instructed or came, RFC 3339.
    pub created: String,
}

/// Leave to debit instalments on their due days.
#[derive(Debug, Serialize, FromRow, ToSchema)]
pub struct KeptMandate {
    /// The loan.
    pub loan_id: String,
    /// SHA-256 of the sentence agreed to.
    pub text_hash: String,
    /// When it was given, RFC 3339.
    pub given: String,
    /// When it was withdrawn.
    pub withdrawn: Option<String>,
}

async fn rows<T>(db: &mut Connection, sql: &'static str, person: &str) -> sqlx::Result<Vec<T>>
where
    T: for<'r> FromRow<'r, AnyRow> + Send + Unpin,
{
    sqlx::query_as(sql).bind(person).fetch_all(db).await
}

/// Decisions, in their order.
///
/// # Errors
/// When the database fails.
pub async fn decisions(db: &mut Connection, person: &str) -> sqlx::Result<Vec<KeptDecision>> {
    let sql = "SELECT d.id AS decision_id, d.application AS application_id, d.taken_by, d.outcome, d.reasons, d.decided
         FROM decisions d JOIN applications a ON a.id = d.application WHERE a.person = $1 ORDER BY d.id";
    rows(db, sql, person).await
}

/// Information before contracts, in its order.
///
/// # Errors
/// When the database fails.
pub async fn disclosures(db: &mut Connection, person: &str) -> sqlx::Result<Vec<KeptDisclosure>> {
    let sql =
        "SELECT d.id AS disclosure_id, d.application AS application_id, d.form, d.text, d.created, d.presented, d.confirmed
         FROM disclosures d JOIN applications a ON a.id = d.application WHERE a.person = $1 ORDER BY d.id";
    rows(db, sql, person).await
}

/// Notices, in their order.
///
/// # Errors
/// When the database fails.
pub async fn notices(db: &mut Connection, person: &str) -> sqlx::Result<Vec<KeptNotice>> {
    let sql =
        "SELECT n.id AS notice_id, n.application AS application_id, n.kind, n.template, n.body AS text, n.created, n.sent,
            n.channel
         FROM applications a JOIN notices n ON n.application = a.id WHERE a.person = $1 ORDER BY n.id";
    rows(db, sql, person).await
}

/// Reviews, in their order.
///
/// # Errors
/// When the database fails.
pub async fn reviews(db: &mut Connection, person: &str) -> sqlx::Result<Vec<KeptReview>> {
    let sql = "SELECT v.id AS review_id, v.application AS application_id, v.kind, v.status, v.opened, v.decided
         FROM reviews v JOIN applications a ON a.id = v.application WHERE a.person = $1 ORDER BY v.id";
    rows(db, sql, person).await
}

/// Payments, in their order.
///
/// # Errors
/// When the database fails.
pub async fn payments(db: &mut Connection, person: &str) -> sqlx::Result<Vec<KeptPayment>> {
    let sql = "SELECT p.id AS payment_id, p.loan AS loan_id, p.amount, p.currency, p.status, p.value_date, p.created
         FROM payments p JOIN loans l ON l.id = p.loan WHERE l.person = $1 ORDER BY p.id";
    rows(db, sql, person).await
}

/// Mandates, by their loans.
///
/// # Errors
/// When the database fails.
pub async fn mandates(db: &mut Connection, person: &str) -> sqlx::Result<Vec<KeptMandate>> {
    let sql = "SELECT m.loan AS loan_id, m.text_hash, m.given, m.withdrawn
         FROM mandates m JOIN loans l ON l.id = m.loan WHERE l.person = $1 ORDER BY m.loan";
    rows(db, sql, person).await
}
