//! What must be done about applications by a day, as the lender and its auditors see it.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::calendar::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{auth::OnlyReader, extract::Query, page::Page};
use crate::{
    app::App,
    problem::{Kind, Problem},
    reply::Reply,
    storage::duties,
};

/// The last day of the calendar: every duty ends by it.
const FOR_EVER: &str = "9999-12-31";

/// From where, and which.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DutiesQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
    /// Only those that end on this day or before, `YYYY-MM-DD`: yesterday's give those that are overdue.
    due_before: Option<String>,
}

/// A page of duties.
#[derive(Debug, Serialize, ToSchema)]
pub struct DutiesPage {
    /// Those that are open, the nearest day first.
    duties: Vec<OpenDuty>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
    /// How many of all are overdue.
    overdue_count: i64,
}

/// A duty to an applicant.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenDuty {
    /// The application.
    application_id: String,
    /// `decision`: what was decided must be told; `incomplete`: what it lacks must be; `referral` and `human_review`: a
    /// review must come to its end.
    kind: String,
    /// Of a review, its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    review_id: Option<String>,
    /// The last day.
    due_by: String,
    /// Whether that day is over.
    overdue: bool,
    /// Since when it is there, RFC 3339.
    created: String,
}

/// Duties that are open, page by page.
#[utoipa::path(get, path = "/v1/duties", tag = "notices", security(("bearer" = [])), params(DutiesQuery),
    responses((status = 200, body = DutiesPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<DutiesQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("duties", query.cursor.as_deref(), query.limit)?;
    let wrong = |error| Problem::new(Kind::BadRequest, format!("`due_before`: {error}"));
    let until = query.due_before.as_deref().map(|text| Date::parse(text).map_err(wrong)).transpose()?;
    let until = until.map_or(FOR_EVER.to_owned(), |day| day.to_string());
    let today = app.today()?.to_string();
    let mut db = app.db.read().await?;
    let rows = duties::page(&mut db, &until, page.after().unwrap_or_default(), page.rows()).await?;
    let overdue_count = duties::overdue(&mut db, &today).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.place);
    let view = |row: duties::Open| OpenDuty {
        overdue: row.due_by < today,
        review_id: (row.subject != row.application).then_some(row.subject),
        application_id: row.application,
        kind: row.kind,
        due_by: row.due_by,
        created: row.created,
    };
    Reply::ok(&DutiesPage { duties: rows.into_iter().map(view).collect(), next_cursor, overdue_count })
}
