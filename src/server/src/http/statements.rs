//! Statements of all revolving lines, by the day on which they were made.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::calendar::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{auth::OnlyReader, extract::Query, lines::LineStatement, page::Page};
use crate::{
    app::App,
    problem::{Kind, Problem},
    reply::Reply,
    storage::lines as stored,
};

/// Of which day, and from where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatementsQuery {
    /// The billing day; the business date where it is left out.
    date: Option<String>,
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// The statement of one line.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementOfLine {
    /// The line.
    line_id: String,
    /// Its statement.
    statement: LineStatement,
}

/// A page of statements.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementsPage {
    /// By line.
    statements: Vec<StatementOfLine>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// The statements that were made for a day, page by page.
#[utoipa::path(get, path = "/v1/statements", tag = "statements", security(("bearer" = [])), params(StatementsQuery),
    responses((status = 200, body = StatementsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<StatementsQuery>,
) -> Result<Reply, Problem> {
    let date = match &query.date {
        None => app.today()?,
        Some(date) => Date::parse(date).map_err(|error| Problem::new(Kind::BadRequest, format!("`date`: {error}")))?,
    };
    let page = Page::asked("statements", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = stored::statements_of_day(&mut db, &date.to_string(), page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.line);
    let view = |row: stored::StatementRow| StatementOfLine { line_id: row.line.clone(), statement: row.into() };
    Reply::ok(&StatementsPage { statements: rows.into_iter().map(view).collect(), next_cursor })
}
