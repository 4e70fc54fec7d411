//! Who finances loans, as the lender sees it and as each funder sees its own part.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use prequal_core::calendar::Date;
use prequal_ledger::Account;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    extract::{Id, Json, Name, Query},
};
use crate::{
    app::App,
    booking,
    funding::{
        books, breaks,
        reconciliation::{self, Comparison},
    },
    problem::{Kind, Problem},
    reply::Reply,
    storage::{funding, group::Part, loans, remittances},
};

/// Remittances that are listed, at most.
const REMITTANCES_MAX: i64 = 100;

/// Who finances a loan.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoanFunding {
    /// The loan.
    loan_id: String,
    /// ISO 4217.
    currency: String,
    /// Who has a part; a funder sees its own only.
    funders: Vec<FunderOfLoan>,
    /// What was asked of whom before, for the lender only.
    #[serde(skip_serializing_if = "Option::is_none")]
    routes: Option<Vec<Route>>,
}

/// A funder of a loan.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunderOfLoan {
    /// Its id.
    funder: String,
    /// Its name.
    name: String,
    /// `partner`, `own` or `guarantor`.
    kind: String,
    /// The programme it was found by.
    programme: String,
    /// Its share in per cent, a decimal string; `0` of a guarantor.
    share_percent: String,
    /// What the servicer keeps of its interest, in per cent.
    servicing_fee_percent: String,
    /// Principal of its part that is owed; of a guarantor, of the whole.
    principal_outstanding: i64,
    /// What the servicer owes it, in minor units; less than nothing where it has to pay in. Of a guarantor, what of its
    /// fee was collected.
    to_remit: i64,
    /// Its books of the loan by account: debits less credits.
    balances: BTreeMap<String, i64>,
}

/// A search for funders.
#[derive(Debug, Serialize, ToSchema)]
pub struct Route {
    /// The programme that stood; none where nobody financed it.
    programme: Option<String>,
    /// How long it took.
    elapsed_ms: i64,
    /// When the decision that rests on it was taken.
    decided: String,
    /// Every attempt in order.
    tried: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// The programme.
    programme: String,
    /// The funder.
    funder: Option<String>,
    /// `excluded`, `accepted`, `refused`, `failed`, `timed_out` or `dropped`.
    ended: String,
    /// A code.
    reason: String,
    /// How long it took.
    elapsed_ms: i64,
}

/// Who finances a loan, for the lender and for whoever has a part of it.
#[utoipa::path(get, path = "/v1/loans/{id}/funding", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = LoanFunding), (status = "4XX", response = super::ProblemDocument)))]
pub async fn of_loan(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = loans::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    let books = books::of_loan(&mut db, &id).await?;
    let rows = books.as_ref().map(books::Books::rows).unwrap_or_default();
    let sees = |funder: &str| match &caller {
        Caller::Lender(_) => true,
        Caller::Funder(own) => own.config.id == funder,
        _ => false,
    };
    let is_lender = matches!(caller, Caller::Lender(_));
    if !is_lender && !rows.iter().any(|row| sees(&row.funder)) {
        return Err(Problem::not_found());
    }
    let positions = match &books {
        Some(books) => {
            let loan = booking::load(&mut db, &row).await?;
            books.positions(&loan, loan.position())?
        }
        None => Vec::new(),
    };
    let mut positions = positions.iter();
    let mut funders = Vec::new();
    for one in rows {
        let position = if books::in_books(one) { positions.next() } else { None };
        let nets =
            Account::CHART.iter().filter_map(|account| Some((account.code().to_owned(), position?.net(*account))));
        if sees(&one.funder) {
            funders.push(FunderOfLoan {
                funder: one.funder.clone(),
                name: one.name.clone(),
                kind: one.kind.clone(),
                programme: one.programme.clone(),
                share_percent: one.share_percent.clone(),
                servicing_fee_percent: one.servicing_fee_percent.clone(),
                principal_outstanding: one.principal_outstanding,
                to_remit: one.to_remit,
                balances: nets.filter(|(_, net)| *net != 0).collect(),
            });
        }
    }
    let routes = if is_lender { Some(routes(&mut db, &row.application).await?) } else { None };
    Reply::ok(&LoanFunding { loan_id: id, currency: row.currency, funders, routes })
}

async fn routes(db: &mut crate::storage::Connection, application: &str) -> Result<Vec<Route>, Problem> {
    let mut routes = Vec::new();
    for row in funding::routes(db, application).await? {
        let tried = funding::tries(db, &row.id).await?;
        routes.push(Route {
            programme: row.programme,
            elapsed_ms: row.elapsed_ms,
            decided: row.decided,
            tried: tried
                .into_iter()
                .map(|one| Attempt {
                    programme: one.programme,
                    funder: one.funder,
                    ended: one.ended,
                    reason: one.reason,
                    elapsed_ms: one.elapsed_ms,
                })
                .collect(),
        });
    }
    Ok(routes)
}

/// The searches for funders of an application, also where nobody financed it.
#[utoipa::path(get, path = "/v1/applications/{id}/funding", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Vec<Route>), (status = "4XX", response = super::ProblemDocument)))]
pub async fn of_application(
    State(app): State<Arc<App>>,
    _: super::auth::OnlyLender,
    Id(id): Id,
) -> Result<Reply, Problem> {
    Reply::ok(&routes(&mut *app.db.read().await?, &id).await?)
}

/// What a funder has in all.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position {
    /// The funder.
    funder: String,
    /// Loans it has or had a part of.
    loans: i64,
    /// Of these, those of which principal is owed.
    loans_owed: i64,
    /// Its books by currency and account: debits less credits.
    balances: BTreeMap<String, BTreeMap<String, i64>>,
    /// Its latest remittances.
    remittances: Vec<Remittance>,
}

/// A remittance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Remittance {
    /// Its id.
    id: String,
    /// The business day.
    date: String,
    /// ISO 4217.
    currency: String,
    /// More than nothing: to the funder; less: from it; none while it is collecting.
    amount: Option<i64>,
    /// `collecting`, `requested`, `settled` or `failed`.
    status: String,
    /// From which day it counts.
    value_date: Option<String>,
}

/// The lender, or the funder itself.
pub(super) fn may_see(app: &App, caller: &Caller, funder: &str) -> Result<(), Problem> {
    let own = match caller {
        Caller::Lender(_) => app.settings.funders.find(funder).is_some(),
        Caller::Funder(own) => own.config.id == funder,
        _ => false,
    };
    if own { Ok(()) } else { Err(Problem::not_found()) }
}

/// What a funder has in all, for the lender and for itself.
#[utoipa::path(get, path = "/v1/funders/{id}/position", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path)), responses((status = 200, body = Position), (status = "4XX", response = super::ProblemDocument)))]
pub async fn position(State(app): State<Arc<App>>, caller: Caller, Name(id): Name) -> Result<Reply, Problem> {
    may_see(&app, &caller, &id)?;
    let mut db = app.db.read().await?;
    let (loans, loans_owed) = funding::counts(&mut db, &id).await?;
    let mut balances: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    for row in funding::balances(&mut db, &id).await? {
        balances.entry(row.currency).or_default().insert(row.account, row.debit - row.credit);
    }
    let remittances = remittances::of_funder(&mut db, &id, REMITTANCES_MAX).await?;
    Reply::ok(&Position {
        funder: id,
        loans,
        loans_owed,
        balances,
        remittances: remittances
            .into_iter()
            .map(|row| Remittance {
                id: row.id,
                date: row.date,
                currency: row.currency,
                amount: row.amount,
                status: row.status,
                value_date: row.value_date,
            })
            .collect(),
    })
}

/// As of which day.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// `YYYY-MM-DD`; today where it is left out.
    date: Option<String>,
}

fn as_of(app: &App, date: Option<&str>) -> Result<Date, Problem> {
    let wrong = |error: String| Problem::new(Kind::BadRequest, format!("`date`: {error}"));
    let today = app.today()?;
    let date = date.map_or(Ok(today), |text| Date::parse(text).map_err(|error| wrong(error.to_string())))?;
    if date > today { Err(wrong(format!("the books go to `{today}`"))) } else { Ok(date) }
}

/// A funder's reconciliation file as of the end of a day: CSV, a line a loan and the totals.
#[utoipa::path(get, path = "/v1/funders/{id}/reconciliation", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path), AsOf),
    responses((status = 200, content_type = "text/csv", body = String), (status = "4XX", response = super::ProblemDocument)))]
pub async fn reconciliation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    Query(query): Query<AsOf>,
) -> Result<Response, Problem> {
    may_see(&app, &caller, &id)?;
    let date = as_of(&app, query.date.as_deref())?;
    let file = reconciliation::file(&mut *app.db.read().await?, &id, date).await?;
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, file).into_response())
}

/// A funder's own file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TheirFile {
    /// As of which day, `YYYY-MM-DD`.
    date: String,
    /// CSV of the same columns.
    file: String,
}

/// Checks a funder's own file against the servicer's, and keeps what they differ in; larger files are compared by
/// `prequal reconcile`.
#[utoipa::path(post, path = "/v1/funders/{id}/reconciliation", tag = "funding", security(("bearer" = [])),
    params(("id" = String, Path)), request_body = TheirFile,
    responses((status = 200, body = Comparison), (status = "4XX", response = super::ProblemDocument)))]
pub async fn reconcile(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    Json { value: theirs, .. }: Json<TheirFile>,
) -> Result<Reply, Problem> {
    may_see(&app, &caller, &id)?;
    let date = as_of(&app, Some(&theirs.date))?;
    let ours = reconciliation::file(&mut *app.db.read().await?, &id, date).await?;
    let found = reconciliation::compare(&ours, &theirs.file)
        .map_err(|error| Problem::new(Kind::InvalidValue, error).with("pointer", "/file"))?;
    let (date, now) = (date.to_string(), app.now()?.to_string());
    let (funder, date, now, found) = (id.as_str(), date.as_str(), now.as_str(), &found);
    app.db.write(|mut tx: Part| async move { breaks::note(&mut tx, (funder, date), found, now).await }).await?;
    Reply::ok(found)
}
