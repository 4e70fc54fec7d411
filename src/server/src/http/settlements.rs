//! Settlements as the merchant and the lender see them.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    extract::{Id, Name, Query},
};
use crate::{
    app::App,
    problem::{Kind, Problem},
    reply::Reply,
    storage::settlements::{self as store, Row},
};

/// Settlements, or lines of one, on a page at most.
pub const PAGE_MAX: i64 = 100;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    fn cursor(&self) -> Result<Option<&str>, Problem> {
        match self.cursor.as_deref() {
            Some(text) if uuid::Uuid::try_parse(text).is_err() => {
                Err(Problem::new(Kind::BadRequest, "`cursor` is not an id"))
            }
            other => Ok(other),
        }
    }
}

/// A merchant's settlements, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settlements {
    /// The merchant.
    merchant: String,
    /// What is owed to it (more than nothing) or by it (less), and not settled yet, by currency.
    unsettled: BTreeMap<String, i64>,
    /// A page of them.
    settlements: Vec<SettlementView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A settlement. Amounts are minor units; `payout` is captures less fees, refunds, what was carried in, what is held in
/// reserve and what is recovered of a claim, and with what is paid back from the reserve.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettlementView {
    /// Its id.
    id: String,
    /// The merchant.
    merchant: String,
    /// 1, 2, 3 … for the merchant.
    number: i64,
    /// ISO 4217.
    currency: String,
    /// The last business day in it.
    until: String,
    /// The business day on which it was made.
    date: String,
    /// What was captured.
    captures: i64,
    /// The merchant's fees.
    fees: i64,
    /// What the merchant gave back.
    refunds: i64,
    /// What it owed from the settlement before.
    carried_in: i64,
    /// Held back in reserve.
    reserve_held: i64,
    /// Paid back from the reserve.
    reserve_released: i64,
    /// Of the reserve, used for what it owed.
    reserve_used: i64,
    /// Set off against an earlier claim.
    claim_recovered: i64,
    /// Claimed from it, because it went on owing.
    claimed: i64,
    /// Paid to it.
    payout: i64,
    /// What it owes, set off against the next settlement.
    carried_out: i64,
    /// The reserve afterwards.
    reserve: i64,
    /// Claims on it afterwards.
    claim: i64,
    /// `requested`, `settled` or `failed`.
    status: String,
    /// From which day the payout counts, and with it the interest of the loans.
    value_date: Option<String>,
}

impl From<Row> for SettlementView {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            merchant: row.merchant,
            number: row.number,
            currency: row.currency,
            until: row.until,
            date: row.date,
            captures: row.captures,
            fees: row.fees,
            refunds: row.refunds,
            carried_in: row.carried_in,
            reserve_held: row.reserve_held,
            reserve_released: row.reserve_released,
            reserve_used: row.reserve_used,
            claim_recovered: row.claim_recovered,
            claimed: row.claimed,
            payout: row.payout,
            carried_out: row.carried_out,
            reserve: row.reserve,
            claim: row.claim,
            status: row.status,
            value_date: row.value_date,
        }
    }
}

/// A settlement with its lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettlementStatement)]
pub struct Statement {
    /// The settlement.
    #[serde(flatten)]
    settlement: SettlementView,
    /// Every attempt to pay it.
    payouts: Vec<PayoutView>,
    /// A page of its lines.
    lines: Vec<LineView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// An attempt to pay.
#[derive(Debug, Serialize, ToSchema)]
pub struct PayoutView {
    /// Its id.
    id: String,
    /// On which business day.
    date: String,
    /// In minor units.
    amount: i64,
    /// `requested`, `settled` or `failed`.
    status: String,
}

/// A line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettlementLine)]
pub struct LineView {
    /// Its id.
    id: String,
    /// `capture`, `merchant_fee`, `installment_fee` or `refund`.
    kind: String,
    /// The loan.
    loan_id: String,
    /// More than nothing: owed to the merchant; less: owed by it.
    amount: i64,
    /// The business day it belongs to, by the merchant's cut-off.
    date: String,
}

/// The merchant itself, or the lender.
fn sees(caller: &Caller, merchant: &str) -> bool {
    match caller {
        Caller::Lender(_) => true,
        Caller::Merchant(own) => own.id == merchant,
        _ => false,
    }
}

/// A merchant's settlements, for itself and for the lender.
#[utoipa::path(get, path = "/v1/merchants/{id}/settlements", tag = "settlements", security(("bearer" = [])),
    params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Settlements), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Name(id): Name,
    Query(query): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let mut rows = store::page(&mut db, &id, query.cursor()?, PAGE_MAX + 1).await?;
    // A merchant that is not configured any more still has its statements.
    let known = app.settings.merchant(&id).is_some() || !rows.is_empty();
    if !sees(&caller, &id) || !known {
        return Err(Problem::not_found());
    }
    let more = rows.len() > PAGE_MAX as usize;
    rows.truncate(PAGE_MAX as usize);
    Reply::ok(&Settlements {
        unsettled: store::unsettled(&mut db, &id).await?.into_iter().collect(),
        next_cursor: rows.last().filter(|_| more).map(|row| row.id.clone()),
        settlements: rows.into_iter().map(SettlementView::from).collect(),
        merchant: id,
    })
}

/// A settlement with its lines, for its merchant and for the lender.
#[utoipa::path(get, path = "/v1/settlements/{id}", tag = "settlements", security(("bearer" = [])),
    params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Statement), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Query(query): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = store::find(&mut db, &id).await?.filter(|row| sees(&caller, &row.merchant));
    let row = row.ok_or_else(Problem::not_found)?;
    let payouts = store::payouts(&mut db, &id).await?.into_iter().map(|one| PayoutView {
        id: one.id,
        date: one.date,
        amount: one.amount,
        status: one.status,
    });
    let mut lines = store::entries(&mut db, &id, query.cursor()?, PAGE_MAX + 1).await?;
    let more = lines.len() > PAGE_MAX as usize;
    lines.truncate(PAGE_MAX as usize);
    Reply::ok(&Statement {
        settlement: row.into(),
        payouts: payouts.collect(),
        next_cursor: lines.last().filter(|_| more).map(|line| line.id.clone()),
        lines: lines
            .into_iter()
            .map(|line| LineView {
                id: line.id,
                kind: line.kind,
                loan_id: line.loan,
                amount: line.amount,
                date: line.date,
            })
            .collect(),
    })
}
