//! Notices, with the proof that they were sent.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::calendar::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::OnlyReader,
    extract::Query,
    page::{PAGE_MAX, Page},
};
use crate::{
    app::App,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{Connection, duties, notices},
};

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticesQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
    /// Only what must go out on this day or before and did not: `YYYY-MM-DD`. Not with `cursor`.
    due_before: Option<String>,
}

/// A page of notices.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticesPage {
    /// In the order in which they were made.
    notices: Vec<NoticeView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
    /// With `due_before`: what must be told by then and has no notice yet, the nearest day first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    duties: Vec<DutyView>,
}

/// What must be told about an application.
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyView {
    /// The application.
    application_id: String,
    /// `decision`: what was decided; `incomplete`: what it lacks.
    kind: String,
    /// The last day.
    due_by: String,
}

/// A notice.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeView {
    /// Its id, which is also the first part of its `Message-ID`.
    id: String,
    /// The application it is about.
    application_id: String,
    /// The loan it is about, where it is about one.
    loan_id: Option<String>,
    /// `adverse_action`, `counter_offer`, `approved`, `incomplete`, `signing_code`, `agreement`, `capture`,
    /// `capture_failed`, `consent_receipt`, `reminder`, `statement`, `bill_reminder` or `withdrawal`.
    kind: String,
    /// The last day on which it may go out, where the law names one.
    due_by: Option<String>,
    /// Its text's name and version.
    template: String,
    /// SHA-256 of that text, places unfilled.
    template_hash: Option<String>,
    /// What stands above it.
    subject: Option<String>,
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
    if let Some(text) = &query.due_before {
        return due_before(&mut db, &query, text).await;
    }
    let rows = notices::page(&mut db, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    Reply::ok(&NoticesPage { notices: rows.into_iter().map(view).collect(), next_cursor, duties: Vec::new() })
}

/// What is near its deadline or over it: at most a page of each.
async fn due_before(db: &mut Connection, query: &NoticesQuery, text: &str) -> Result<Reply, Problem> {
    let date = Date::parse(text).map_err(|error| Problem::new(Kind::BadRequest, format!("`due_before`: {error}")))?;
    if query.cursor.is_some() {
        return Err(Problem::new(Kind::BadRequest, "`due_before` has no pages; name an earlier day"));
    }
    let date = date.to_string();
    let due = notices::due_before(db, &date, PAGE_MAX.into()).await?;
    let open = duties::due_before(db, &date, PAGE_MAX.into()).await?;
    let duty = |row: duties::Row| DutyView { application_id: row.application, kind: row.kind, due_by: row.due_by };
    Reply::ok(&NoticesPage {
        notices: due.into_iter().map(view).collect(),
        next_cursor: None,
        duties: open.into_iter().map(duty).collect(),
    })
}

fn view(row: notices::Sent) -> NoticeView {
    NoticeView {
        status: if row.given_up.is_some() { "given_up".to_owned() } else { row.status },
        id: row.id,
        application_id: row.application,
        loan_id: row.loan,
        kind: row.kind,
        due_by: row.due_by,
        template: row.template,
        template_hash: row.template_hash,
        subject: row.subject,
        attempts: row.attempts,
        channel: row.channel,
        sent: row.sent,
        proof: row.proof,
        created: row.created,
    }
}
