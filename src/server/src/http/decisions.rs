//! Decisions, as the lender's people and an auditor read them: what was decided, by what, and why; never of whom.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::wire::Reason;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{auth::OnlyReader, extract::Query, page::Page};
use crate::{app::App, problem::Problem, reply::Reply, storage::applications};

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DecisionsQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of decisions.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionsPage {
    /// In the order in which they were made.
    decisions: Vec<DecisionView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// Its id.
    id: String,
    /// The application it is about.
    application_id: String,
    /// `edge` or `server`.
    taken_by: String,
    /// `eligible`, `approved`, `referred`, `declined` or `needs`.
    outcome: String,
    /// Why.
    #[schema(value_type = Vec<Object>)]
    reasons: Vec<Reason>,
    /// SHA-256 of the bundle that decided.
    bundle_hash: String,
    /// SHA-256 of the salted input; the input itself is personal and is kept elsewhere.
    input_hash: String,
    /// When, RFC 3339.
    decided: String,
}

/// Every decision ever taken, page by page.
#[utoipa::path(get, path = "/v1/decisions", tag = "decisions", security(("bearer" = [])), params(DecisionsQuery),
    responses((status = 200, body = DecisionsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<DecisionsQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("decisions", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = applications::decisions(&mut db, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let decisions: Result<Vec<_>, Problem> = rows.into_iter().map(view).collect();
    Reply::ok(&DecisionsPage { decisions: decisions?, next_cursor })
}

fn view(row: applications::DecisionRow) -> Result<DecisionView, Problem> {
    Ok(DecisionView {
        id: row.id,
        application_id: row.application,
        taken_by: row.taken_by,
        outcome: row.outcome,
        reasons: serde_json::from_str(&row.reasons).map_err(Problem::internal)?,
        bundle_hash: row.bundle_hash,
        input_hash: row.input_hash,
        decided: row.decided,
    })
}
