//! What a funder's files came to: their proofs, day by day, and the breaks between them and the funder's own.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    extract::{Json, Name, Query},
    funding::may_see,
    page::Page,
};
use crate::{
    app::App,
    funding::breaks::{self, NOTE_BYTES_MAX},
    problem::{Kind, Problem},
    reply::Reply,
    storage::{breaks as stored, group::Part},
};

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FilesQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of reconciliation files.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilesPage {
    /// In the order of their days.
    files: Vec<KeptFile>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// What proves the reconciliation file of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptFile {
    /// The business day.
    date: String,
    /// SHA-256 of the file, as the route of the file gives it for that day.
    sha256: String,
    /// How long it is.
    bytes: i64,
    /// How many loans stand in it.
    loans: i64,
    /// When it was made, RFC 3339.
    created: String,
}

/// The reconciliation files of a funder's days that are over, for the lender and for the funder itself.
#[utoipa::path(get, path = "/v1/funders/{id}/files", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path), FilesQuery),
    responses((status = 200, body = FilesPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn files(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    Query(query): Query<FilesQuery>,
) -> Result<Reply, Problem> {
    may_see(&app, &caller, &id)?;
    let page = Page::asked("funder-files", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = stored::files(&mut db, &id, page.after().unwrap_or_default(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.date);
    let view = |row: stored::FileRow| KeptFile {
        date: row.date,
        sha256: row.sha256,
        bytes: row.bytes,
        loans: row.loans,
        created: row.created,
    };
    Reply::ok(&FilesPage { files: rows.into_iter().map(view).collect(), next_cursor })
}

/// Where a break stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakStatus {
    /// Nobody said why.
    Open,
    /// Somebody did.
    Explained,
    /// It is gone, or given up.
    Closed,
}

impl BreakStatus {
    const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Explained => "explained",
            Self::Closed => "closed",
        }
    }
}

/// From where, and which.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BreaksQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
    /// Only those that stand so.
    #[param(inline)]
    status: Option<BreakStatus>,
}

/// A page of breaks.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreaksPage {
    /// In the order in which they were found.
    breaks: Vec<KeptBreak>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A difference between the servicer's file of a day and the funder's own.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptBreak {
    /// Its id.
    id: String,
    /// The business day of the files.
    date: String,
    /// The loan; `TOTAL` where the file's own totals are not its sums.
    loan: String,
    /// The column; `loan` where one file does not have it at all.
    column: String,
    /// What the servicer's file says.
    ours: Option<i64>,
    /// What the funder's file says.
    theirs: Option<i64>,
    /// `open`, `explained` or `closed`.
    status: String,
    /// Why it is so, as far as anybody said.
    note: Option<String>,
    /// When it was found, RFC 3339.
    opened: String,
    /// When it last changed, RFC 3339.
    changed: Option<String>,
    /// Who changed it: `lender:` or `funder:` and an id, or `comparison` where a later file of the funder did.
    changed_by: Option<String>,
}

fn view(app: &App, row: stored::Row) -> Result<KeptBreak, Problem> {
    Ok(KeptBreak {
        note: breaks::note_of(app, &row)?,
        id: row.id,
        date: row.date,
        loan: row.loan,
        column: row.field,
        ours: row.ours,
        theirs: row.theirs,
        status: row.status,
        opened: row.opened,
        changed: row.changed,
        changed_by: row.changed_by,
    })
}

/// Breaks between a funder's files and the servicer's, for the lender and for the funder itself.
#[utoipa::path(get, path = "/v1/funders/{id}/breaks", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path), BreaksQuery),
    responses((status = 200, body = BreaksPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    Query(query): Query<BreaksQuery>,
) -> Result<Reply, Problem> {
    may_see(&app, &caller, &id)?;
    let page = Page::asked("funder-breaks", query.cursor.as_deref(), query.limit)?;
    let status = query.status.map(BreakStatus::name);
    let mut db = app.db.read().await?;
    let rows = stored::page(&mut db, &id, status, page.after().unwrap_or_default(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let breaks = rows.into_iter().map(|row| view(&app, row)).collect::<Result<_, _>>()?;
    Reply::ok(&BreaksPage { breaks, next_cursor })
}

/// Why a break is there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// The break.
    break_id: String,
    /// Why it is there, or why it is given up; no person's name.
    #[schema(min_length = 1, max_length = 1000)]
    note: String,
    /// Whether it is closed with that, which is the lender's to do.
    #[serde(default)]
    close: bool,
}

/// Explains a break, or closes it. Saying the same twice is saying it once.
#[utoipa::path(post, path = "/v1/funders/{id}/breaks", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = Explanation,
    responses((status = 200, body = KeptBreak), (status = "4XX", response = super::ProblemDocument)))]
pub async fn explain(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    Json { value: said, .. }: Json<Explanation>,
) -> Result<Reply, Problem> {
    may_see(&app, &caller, &id)?;
    let wrong = |pointer: &str, detail: &str| Problem::new(Kind::InvalidValue, detail).with("pointer", pointer);
    if said.note.trim().is_empty() || said.note.len() > NOTE_BYTES_MAX {
        return Err(wrong("/note", &format!("a note is 1 to {NOTE_BYTES_MAX} bytes")));
    }
    let break_id = uuid::Uuid::try_parse(&said.break_id).map_err(|_| wrong("/break_id", "not an id"))?.to_string();
    if said.close && !matches!(caller, Caller::Lender(_)) {
        return Err(Problem::new(Kind::Forbidden, "a break is closed by the lender, or by a file without it"));
    }
    let (by, now) = (caller.scope(), app.now()?.to_string());
    let (server, place, who, said) = (&*app, (id.as_str(), break_id.as_str()), (by.as_str(), now.as_str()), &said);
    let work = |mut tx: Part| async move {
        breaks::explain(server, &mut tx, place, (said.note.as_str(), said.close), who).await
    };
    let row = app.db.write(work).await?;
    Reply::ok(&view(&app, row)?)
}
