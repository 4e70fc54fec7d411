//! The queue of applications that people look at.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    applications::of_capability,
    auth::{OnlyCapability, OnlyLender},
    etag::{self, IfMatch},
    extract::{Id, Json, Query},
    page::Page,
};
use crate::{
    app::App,
    problem::Problem,
    reply::Reply,
    reviews::{self, Conditions, Said, Verdict},
    storage::{self, Connection, group::Part},
};

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewsQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of open reviews.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewsPage {
    /// In the order in which they were opened.
    reviews: Vec<ReviewView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A review.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewView {
    /// Its id.
    id: String,
    /// The application; what was applied with is at its `data`.
    application_id: String,
    /// The decision that is looked at again.
    decision_id: String,
    /// `referral` or `human_review`.
    kind: String,
    /// How many people must approve.
    persons: i64,
    /// `open`, `approved` or `declined`.
    status: String,
    /// By when the applicant must know.
    due_by: String,
    /// When it was opened, RFC 3339.
    opened: String,
    /// When it was over.
    decided: Option<String>,
    /// The decision that came of it.
    outcome_decision_id: Option<String>,
    /// What was said so far.
    votes: Vec<VoteView>,
    /// The tag of this state, for `If-Match`: whoever decides says what was read.
    etag: String,
}

/// What one reviewer said.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoteView {
    /// The id of the reviewer's key.
    reviewer: String,
    /// `approve` or `decline`.
    verdict: String,
    /// Under what conditions.
    conditions: Conditions,
    /// Codes of the bundle's catalogue.
    reasons: Vec<String>,
    /// When, RFC 3339.
    given: String,
}

async fn view(db: &mut Connection, row: storage::reviews::Row) -> Result<ReviewView, Problem> {
    let mut votes = Vec::new();
    for vote in storage::reviews::votes(db, &row.id).await? {
        votes.push(VoteView {
            reviewer: vote.reviewer,
            verdict: vote.verdict,
            conditions: serde_json::from_str(&vote.conditions).map_err(Problem::internal)?,
            reasons: serde_json::from_str(&vote.reasons).map_err(Problem::internal)?,
            given: vote.given,
        });
    }
    Ok(ReviewView {
        etag: etag::of(&[&row.id, &row.status, &votes.len().to_string()]),
        id: row.id,
        application_id: row.application,
        decision_id: row.decision,
        kind: row.kind,
        persons: row.persons,
        status: row.status,
        due_by: row.due_by,
        opened: row.opened,
        decided: row.decided,
        outcome_decision_id: row.outcome,
        votes,
    })
}

/// Open reviews, page by page.
#[utoipa::path(get, path = "/v1/reviews", tag = "reviews", security(("bearer" = [])), params(ReviewsQuery),
    responses((status = 200, body = ReviewsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: OnlyLender,
    Query(query): Query<ReviewsQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("reviews", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = storage::reviews::page(&mut db, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let mut reviews = Vec::with_capacity(rows.len());
    for row in rows {
        reviews.push(view(&mut db, row).await?);
    }
    Reply::ok(&ReviewsPage { reviews, next_cursor })
}

/// A reviewer's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewDecision {
    /// `approve` or `decline`.
    verdict: Verdict,
    /// Of an approval.
    #[serde(default)]
    conditions: Conditions,
    /// Codes of the bundle's catalogue: of a decline, and of an approval of fewer or dearer plans than there are for the
    /// applicant's grade.
    #[serde(default)]
    reasons: Vec<String>,
}

/// Says what comes of a review. The key is the reviewer: where two must approve, they are two keys.
#[utoipa::path(post, path = "/v1/reviews/{id}/decisions", tag = "reviews", security(("bearer" = [])),
    params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ReviewDecision,
    responses((status = 200, body = ReviewView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn decide(
    State(app): State<Arc<App>>,
    OnlyLender(reviewer): OnlyLender,
    Id(id): Id,
    if_match: IfMatch,
    Json { value: decision, .. }: Json<ReviewDecision>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let (server, id, reviewer, decision, if_match) = (&*app, id.as_str(), reviewer.as_str(), &decision, &if_match);
    let work = |mut tx: Part| async move {
        let said =
            Said { reviewer, verdict: decision.verdict, conditions: &decision.conditions, reasons: &decision.reasons };
        if if_match.is_asked() {
            let row = storage::reviews::find(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
            if_match.check(&view(&mut tx, row).await?.etag)?;
        }
        let row = reviews::say(server, &mut tx, id, &said, now).await?;
        let view = view(&mut tx, row).await?;
        let tag = view.etag.clone();
        Ok(Reply::ok(&view)?.tagged(tag))
    };
    app.db.write(work).await
}

/// A review that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewAsked {
    /// Its id.
    review_id: String,
    /// `open`, `approved` or `declined`.
    status: String,
    /// By when the answer comes.
    due_by: String,
}

/// Asks for a person to look at a decline. Asking twice is asking once.
#[utoipa::path(post, path = "/v1/applications/{id}/review-request", tag = "reviews", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 202, body = ReviewAsked), (status = "4XX", response = super::ProblemDocument)))]
pub async fn request(
    State(app): State<Arc<App>>,
    OnlyCapability(capability): OnlyCapability,
    Id(id): Id,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let (server, id, capability) = (&*app, id.as_str(), capability.as_str());
    let work = |mut tx: Part| async move {
        let row = of_capability(&mut tx, id, capability).await?;
        let review = reviews::request(server, &mut tx, &row, now).await?;
        Reply::accepted(&ReviewAsked { review_id: review.id, status: review.status, due_by: review.due_by })
    };
    app.db.write(work).await
}
