//! Information before the contract, as the applicant reads and confirms it.

use std::sync::Arc;

use axum::extract::State;
use prequal_core::calendar::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    applications::of_capability,
    auth::{Caller, OnlyCapability},
    extract::{Id, Json},
};
use crate::{
    app::App,
    problem::{Kind, Problem},
    reply::Reply,
    secret,
    storage::{Connection, applications, disclosures, group::Part},
};

/// Information before the contract.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisclosureView {
    /// The decision whose quote it is made of.
    decision_id: String,
    /// `us`, `eu` or `cn`.
    jurisdiction: String,
    /// The form and its version.
    form: String,
    /// The figures.
    #[schema(value_type = Object)]
    document: Value,
    /// The same in words.
    text: String,
    /// SHA-256 of the canonical `{"document":…,"text":…}`.
    hash: String,
    /// Whether nothing can be signed before it is confirmed.
    confirmation_required: bool,
    /// For how many seconds it must be shown before that.
    reading_seconds: i64,
    /// How many of them are left.
    seconds_left: i64,
    /// When the applicant first saw it, RFC 3339.
    presented: Option<String>,
    /// When it was confirmed.
    confirmed: Option<String>,
}

fn view(row: disclosures::Row, now: Instant) -> Result<DisclosureView, Problem> {
    let seconds_left = seconds_left(&row, now)?;
    Ok(DisclosureView {
        seconds_left,
        decision_id: row.decision,
        jurisdiction: row.jurisdiction,
        form: row.form,
        document: serde_json::from_str(&row.document).map_err(Problem::internal)?,
        text: row.text,
        hash: row.hash,
        confirmation_required: row.confirmation == 1,
        reading_seconds: row.reading_seconds,
        presented: row.presented,
        confirmed: row.confirmed,
    })
}

/// That of the decision in force.
async fn in_force(db: &mut Connection, row: &applications::Row) -> Result<disclosures::Row, Problem> {
    disclosures::of_decision(db, row.decision.as_deref().unwrap_or("")).await?.ok_or_else(Problem::not_found)
}

/// The information before the contract, from the approval on. The reading time runs from the applicant's first sight.
#[utoipa::path(get, path = "/v1/applications/{id}/disclosure", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = DisclosureView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = super::persons::visible(&mut db, &id, &caller).await?;
    let disclosure = in_force(&mut db, &row).await?;
    drop(db);
    let now = app.now()?;
    if disclosure.presented.is_some() || !matches!(caller, Caller::Capability(_)) {
        return Reply::ok(&view(disclosure, now)?);
    }
    let disclosure = &disclosure;
    let work = |mut tx: Part| async move {
        disclosures::present(&mut tx, &disclosure.id, &now.to_string()).await?;
        let shown = disclosures::of_decision(&mut tx, &disclosure.decision).await?;
        Reply::ok(&view(shown.ok_or_else(Problem::not_found)?, now)?)
    };
    app.db.write(work).await
}

/// What is confirmed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmation {
    /// The hash of what was read.
    hash: String,
}

/// Confirms the information before the contract. Confirming twice is confirming once.
#[utoipa::path(post, path = "/v1/applications/{id}/disclosure/confirm", tag = "applications", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = Confirmation,
    responses((status = 200, body = DisclosureView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn confirm(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
    Json { value: confirmation, .. }: Json<Confirmation>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let (id, capability, confirmation) = (id.as_str(), capability.as_str(), &confirmation);
    let work = |mut tx: Part| async move {
        let row = of_capability(&mut tx, id, capability).await?;
        let disclosure = in_force(&mut tx, &row).await?;
        if !secret::same(&disclosure.hash, &confirmation.hash) {
            let detail = "not the hash of the information in force";
            return Err(Problem::new(Kind::AgreementDiffers, detail).with("pointer", "/hash"));
        }
        require_read(&disclosure, now)?;
        disclosures::confirm(&mut tx, &disclosure.id, &now.to_string()).await?;
        let confirmed = disclosures::of_decision(&mut tx, &disclosure.decision).await?;
        Reply::ok(&view(confirmed.ok_or_else(Problem::not_found)?, now)?)
    };
    app.db.write(work).await
}

/// For how many seconds it must still be shown; all of them before its first sight.
fn seconds_left(disclosure: &disclosures::Row, now: Instant) -> Result<i64, Problem> {
    let Some(presented) = &disclosure.presented else { return Ok(disclosure.reading_seconds) };
    let presented = Instant::parse(presented).map_err(Problem::internal)?.seconds();
    Ok(presented.saturating_add(disclosure.reading_seconds).saturating_sub(now.seconds()).max(0))
}

/// It must have been shown, and for as long as the law of the person wants.
fn require_read(disclosure: &disclosures::Row, now: Instant) -> Result<(), Problem> {
    if disclosure.presented.is_none() {
        return Err(Problem::new(Kind::ReadingTime, "it was not read yet"));
    }
    let left = seconds_left(disclosure, now)?;
    if left > 0 {
        let detail = format!("it is to be shown for {} seconds", disclosure.reading_seconds);
        return Err(Problem::new(Kind::ReadingTime, detail).with("seconds_left", left));
    }
    Ok(())
}
