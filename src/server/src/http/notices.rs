//! Notices, with the proof that they were sent.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{auth::OnlyReader, extract::Query, page::Page};
use crate::{app::App, problem::Problem, reply::Reply, storage::notices};

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticesQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of notices.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticesPage {
    /// In the order in which they were made.
    notices: Vec<NoticeView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeView {
    /// Its id, which is also the first part of its `Message-ID`.
    id: String,
    /// The application it is about.
    application_id: String,
    /// `adverse_action`.
    kind: String,
    /// Its text's name and version.
    template: String,
    /// `queued`, `sent` or `given_up`.
    status: String,
    /// How often it was tried.
    attempts: i64,
    /// `file` or `smtp`, once it was sent.
    channel: Option<String>,
    /// When it was sent, RFC 3339.
    sent: Option<String>,
    /// What proves it, or why it could not be sent.
    proof: Option<String>,
    /// When it was made, RFC 3339.
    created: String,
}

/// Notices, page by page.
#[utoipa::path(get, path = "/v1/notices", tag = "notices", security(("bearer" = [])), params(NoticesQuery),
    responses((status = 200, body = NoticesPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<NoticesQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("notices", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = notices::page(&mut db, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let view = |row: notices::Sent| NoticeView {
        status: if row.given_up.is_some() { "given_up".to_owned() } else { row.status },
        id: row.id,
        application_id: row.application,
        kind: row.kind,
        template: row.template,
        attempts: row.attempts,
        channel: row.channel,
        sent: row.sent,
        proof: row.proof,
        created: row.created,
    };
    Reply::ok(&NoticesPage { notices: rows.into_iter().map(view).collect(), next_cursor })
}
