//! The ledger as finance works with it: accounts by period, closes, signed days, the export.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use prequal_core::{calendar::Date, currency::Currency};
use prequal_ledger::Account;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{OnlyLender, OnlyReader},
    extract::{IdempotencyKey, Json, Query},
    page::{PAGE_MAX, Page},
};
use crate::{
    app::{App, new_id},
    export,
    problem::{Kind, Problem},
    reply::Reply,
    storage::{closes, days, group::Part, journal},
};

/// Which lines of an account.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// ISO 4217; the lender's own currency where it is left out.
    currency: Option<String>,
    /// The first day, `YYYY-MM-DD`; from the beginning where it is left out.
    from: Option<String>,
    /// The last day.
    to: Option<String>,
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An account over a period. Balances are debits less credits.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountPage {
    /// Its code.
    account: &'static str,
    /// Its name.
    name: &'static str,
    /// ISO 4217.
    currency: String,
    /// Before the period.
    opening: i64,
    /// At the period's end.
    closing: i64,
    /// In the order in which they were posted.
    lines: Vec<AccountLineView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// One line of an account.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountLineView {
    /// Its entry in the journal.
    entry_id: String,
    /// The loan, or whatever else the chain is.
    chain: String,
    /// The booking date.
    date: String,
    /// What happened.
    event: String,
    /// The account on the other side.
    other: String,
    /// Debited, in minor units; negative where credited.
    amount: i64,
    /// Debits less credits so far.
    balance: i64,
}

fn day(name: &str, text: Option<&String>) -> Result<Option<Date>, Problem> {
    let bad = |error| Problem::new(Kind::BadRequest, format!("`{name}`: {error}"));
    text.map(|text| Date::parse(text).map_err(bad)).transpose()
}

/// One account of the general ledger over a period.
#[utoipa::path(get, path = "/v1/ledger/accounts/{code}", tag = "ledger", security(("bearer" = [])),
    params(("code" = String, Path), AccountQuery),
    responses((status = 200, body = AccountPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn account(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Path(code): Path<String>,
    Query(query): Query<AccountQuery>,
) -> Result<Reply, Problem> {
    let account = Account::from_code(&code).ok_or_else(Problem::not_found)?;
    let currency = match &query.currency {
        Some(text) => Currency::parse(text).map_err(|error| Problem::new(Kind::BadRequest, error.to_string()))?,
        None => app.settings.currency(),
    };
    let (from, to) = (day("from", query.from.as_ref())?, day("to", query.to.as_ref())?);
    if query.cursor.as_ref().is_some_and(|text| uuid::Uuid::try_parse(text).is_err()) {
        return Err(Problem::new(Kind::BadRequest, "`cursor` is not an id"));
    }
    let before = from.map(|from| from.add_days(-1)).transpose();
    let before = before.map_err(|error| Problem::new(Kind::BadRequest, format!("`from`: {error}")))?;
    let [from, to, before] = [from, to, before].map(|day| day.map(|day| day.to_string()));
    let all = journal::Lines { account: account.code(), currency: currency.code(), from: None, to: None };
    let period = journal::Lines { from: from.as_deref(), to: to.as_deref(), ..all };
    let mut db = app.db.read().await?;
    let opening = match &before {
        Some(before) => journal::account_sum(&mut db, &journal::Lines { to: Some(before), ..all }, None).await?,
        None => 0,
    };
    let closing = opening + journal::account_sum(&mut db, &period, None).await?;
    let cursor = query.cursor.as_deref();
    let mut balance = opening;
    if cursor.is_some() {
        balance += journal::account_sum(&mut db, &period, cursor).await?;
    }
    let rows = journal::account_lines(&mut db, &period, cursor, PAGE_MAX.into()).await?;
    let last = rows.last().map(|row| row.entry.clone());
    let lines = rows.into_iter().map(|row| {
        balance += row.amount;
        AccountLineView {
            entry_id: row.entry,
            chain: row.chain,
            date: row.date,
            event: row.event,
            other: row.other,
            amount: row.amount,
            balance,
        }
    });
    let lines: Vec<AccountLineView> = lines.collect();
    let more = match &last {
        Some(last) => !journal::account_lines(&mut db, &period, Some(last), 1).await?.is_empty(),
        None => false,
    };
    Reply::ok(&AccountPage {
        account: account.code(),
        name: account.name(),
        currency: currency.code().to_owned(),
        opening,
        closing,
        lines,
        next_cursor: last.filter(|_| more),
    })
}

/// A period to be closed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClose {
    /// The last day of the period, before the business date.
    #[schema(value_type = String)]
    through: Date,
}

/// A period that is closed: nothing is posted on its days any more, and nobody's decision reaches back into it. Money
/// that came before is booked all the same, and its difference posted in the open period.
#[derive(Debug, Serialize, ToSchema)]
pub struct CloseView {
    /// Its id.
    id: String,
    /// The last day that is closed.
    through: String,
    /// Whose key closed it.
    closed_by: String,
    /// When, RFC 3339.
    closed: String,
}

impl CloseView {
    fn of(row: closes::Row) -> Self {
        Self { id: row.id, through: row.through, closed_by: row.closed_by, closed: row.closed }
    }
}

/// Closes a period. A close is final.
#[utoipa::path(post, path = "/v1/ledger/closes", tag = "ledger", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = NewClose,
    responses((status = 201, body = CloseView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn close(
    State(app): State<Arc<App>>,
    OnlyLender(who): OnlyLender,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewClose>,
) -> Result<Reply, Problem> {
    let attempt = app.in_flight.claim(&format!("lender:{who}"), "ledger/closes", &key, &fingerprint)?;
    let (server, who, attempt, through) = (&*app, who.as_str(), &attempt, new.through);
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        let now = server.now()?;
        let (today, now) = (server.date_of(now)?, now.to_string());
        if through >= today {
            let detail = format!("a period is closed when it is over; today is `{today}`");
            return Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/through"));
        }
        let last = closes::last(&mut tx, closes::PERIOD).await?;
        if let Some(last) = last.filter(|last| *last >= through) {
            return Err(Problem::new(Kind::PeriodClosed, format!("it is closed up to and with `{last}`")));
        }
        let row = closes::Row {
            id: new_id(),
            kind: closes::PERIOD.to_owned(),
            through: through.to_string(),
            closed_by: who.to_owned(),
            closed: now.clone(),
        };
        closes::insert(&mut tx, &row).await?;
        let reply = Reply::created(&CloseView::of(row))?;
        attempt.finish(&mut tx, &server.vault, &reply, &now).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FinanceQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of closes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosesPage {
    /// In the order in which they were made.
    closes: Vec<CloseView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// The periods that are closed.
#[utoipa::path(get, path = "/v1/ledger/closes", tag = "ledger", security(("bearer" = [])), params(FinanceQuery),
    responses((status = 200, body = ClosesPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list_closes(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<FinanceQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("closes", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = closes::page(&mut db, closes::PERIOD, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    Reply::ok(&ClosesPage { closes: rows.into_iter().map(CloseView::of).collect(), next_cursor })
}

/// The signed head of a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayView {
    /// The day.
    date: String,
    /// How many chains have entries.
    chains: i64,
    /// The hash of the day head before, zeros for the first.
    previous: String,
    /// The Merkle root over the chains' heads (RFC 9162).
    root: String,
    /// SHA-256 of what is signed: the next day's `previous`.
    hash: String,
    /// The key, at `/.well-known/jwks.json`.
    kid: String,
    /// Ed25519, base64url without padding.
    signature: String,
    /// When it was signed, RFC 3339.
    signed: String,
}

/// A page of days.
#[derive(Debug, Serialize, ToSchema)]
pub struct DaysPage {
    /// In order.
    days: Vec<DayView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// The ledger's signed days.
#[utoipa::path(get, path = "/v1/ledger/days", tag = "ledger", security(("bearer" = [])), params(FinanceQuery),
    responses((status = 200, body = DaysPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list_days(
    State(app): State<Arc<App>>,
    _: OnlyReader,
    Query(query): Query<FinanceQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("days", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = days::page(&mut db, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.date);
    let view = |row: days::Row| {
        let hash = row.head()?.hash().map_err(Problem::internal)?;
        Ok(DayView {
            date: row.date,
            chains: row.chains,
            previous: row.previous,
            root: row.root,
            hash,
            kid: row.kid,
            signature: row.signature,
            signed: row.signed,
        })
    };
    let days: Result<Vec<_>, Problem> = rows.into_iter().map(view).collect();
    Reply::ok(&DaysPage { days: days?, next_cursor })
}

/// How many pieces wait for a slow reader.
const PIECES_MAX: usize = 8;

/// The receiving end, as a body.
struct Pieces(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

struct Pipe(mpsc::Sender<Result<Bytes, std::io::Error>>);

impl export::Sink for Pipe {
    async fn take(&mut self, lines: String) -> Result<(), Problem> {
        let gone = |_| Problem::internal("whoever asked for the export went away");
        self.0.send(Ok(lines.into())).await.map_err(gone)
    }
}

/// The whole ledger as lines of JSON, for `prequal replay`. An export that ends without its line `end` was cut off.
#[utoipa::path(get, path = "/v1/ledger/export", tag = "ledger", security(("bearer" = [])),
    responses((status = 200, description = "Lines of JSON", body = String, content_type = "application/jsonl"),
        (status = "4XX", response = super::ProblemDocument)))]
pub async fn export(State(app): State<Arc<App>>, _: OnlyReader) -> Result<Response, Problem> {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let name = export::file_name(app.today()?);
    let mut db = app.db.read().await?;
    tokio::spawn(async move {
        let mut pipe = Pipe(sender);
        if let Err(problem) = export::write(&mut db, &mut pipe).await {
            tracing::error!(?problem, "an export was broken off");
            // The reader sees a broken transfer rather than a short file.
            let _ = pipe.0.send(Err(std::io::Error::other("the export was broken off"))).await;
        }
    });
    let mut response = Body::new(Pieces(receiver)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
