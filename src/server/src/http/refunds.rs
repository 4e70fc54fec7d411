//! Refunds, which only a merchant's key posts.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{calendar::Date, credit::RefundOrder, money::Amount};
use prequal_ledger::Event;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, OnlyMerchant},
    extract::{Id, IdempotencyKey, Json, Query},
    page::Page,
};
use crate::{
    app::App,
    booking,
    idempotency::Attempt,
    problem::{Kind, Problem},
    refunds::{self, Asked},
    reply::Reply,
    settings::Merchant,
    storage::{Connection, group::Part, loans, orders, refunds as stored},
};

/// The longest name that a merchant gives a refund, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 64;
/// What a name may hold beside ASCII letters and digits.
const REFERENCE_SIGNS: &[u8] = b"-_.:/#";

/// A refund to be booked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// The order, by the id of its checkout; this or `loan`.
    #[serde(default)]
    order: Option<String>,
    /// The loan; this or `order`.
    #[serde(default)]
    loan: Option<String>,
    /// With an order that was captured in parts: which capture, 1 for the first.
    #[serde(default)]
    capture: Option<u16>,
    /// In minor units of the order's currency; all refunds of an order are together at most what was bought on credit.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
    /// Your own name of the refund. The same twice has one effect.
    reference: String,
    /// Which instalments it reduces: `last_first`, `first_first` or `pro_rata`; the contract's rule where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    rule: Option<RefundOrder>,
    /// From which day it counts, `YYYY-MM-DD`: from the purchase to the business date, which it is where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    value_date: Option<Date>,
}

/// What a refund did to the debt, in minor units.
#[derive(Debug, Serialize, ToSchema)]
pub struct Applied {
    /// Taken off principal.
    principal: i64,
    /// Off interest.
    interest: i64,
    /// Off fees.
    fee: i64,
    /// Off penalties.
    penalty: i64,
    /// Above the debt: owed to the payer.
    excess: i64,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundView {
    /// Its id.
    id: String,
    /// The loan.
    loan_id: String,
    /// The merchant's own name of it.
    reference: String,
    /// In minor units.
    amount: i64,
    /// ISO 4217.
    currency: String,
    /// Which instalments it reduces, where the merchant said so.
    rule: Option<String>,
    /// From which day it counts.
    value_date: String,
    /// What of the merchant's fee is given back with it.
    fee_returned: i64,
    /// `booked`, or `reversed` where it was undone.
    status: &'static str,
    /// What it did to the debt; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    applied: Option<Applied>,
    /// When it was booked, RFC 3339.
    created: String,
}

fn view(row: stored::Row, applied: Option<Applied>) -> RefundView {
    RefundView {
        id: row.id,
        loan_id: row.loan,
        reference: row.reference,
        amount: row.amount,
        currency: row.currency,
        rule: row.instalments,
        value_date: row.value_date,
        fee_returned: row.fee_returned,
        status: if row.undone.is_some() { "reversed" } else { "booked" },
        applied,
        created: row.created,
    }
}

async fn whole(app: &App, db: &mut Connection, row: stored::Row) -> Result<RefundView, Problem> {
    let loan_row = loans::find(db, &row.loan).await?.ok_or_else(|| Problem::internal("a refund without a loan"))?;
    let loan = booking::load(db, &loan_row).await?;
    let is_it = |event: &Event| matches!(event, Event::Refunded { refund, .. } if *refund == row.id);
    let place = loan.records().iter().position(|record| is_it(&record.event));
    let lines = prequal_ledger::statement(&loan, app.today()?).map_err(Problem::internal)?;
    let line = lines.iter().find(|line| Some(line.number) == place.map(|place| place + 1) && !line.undone);
    let applied = line.map(|line| Applied {
        principal: line.parts.principal.minor(),
        interest: line.parts.interest.minor(),
        fee: line.parts.fee.minor(),
        penalty: line.parts.penalty.minor(),
        excess: line.excess.minor(),
    });
    Ok(view(row, applied))
}

/// Books a refund of an order.
#[utoipa::path(post, path = "/v1/refunds", tag = "refunds", security(("bearer" = [])),
    params(("Idempotency-Key" = String, Header)), request_body = NewRefund,
    responses((status = 201, body = RefundView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn create(
    State(app): State<Arc<App>>,
    OnlyMerchant(merchant): OnlyMerchant,
    IdempotencyKey(key): IdempotencyKey,
    Json { value: new, fingerprint }: Json<NewRefund>,
) -> Result<Reply, Problem> {
    check(&new)?;
    // The body is bound to the key by its fingerprint, the order in it with the rest.
    let attempt = app.in_flight.claim(&format!("merchant:{}", merchant.id), "refunds", &key, &fingerprint)?;
    let (server, merchant, new, attempt) = (&*app, &*merchant, &new, &attempt);
    app.db.write(|mut tx: Part| async move { book(server, &mut tx, merchant, new, attempt).await }).await
}

fn check(new: &NewRefund) -> Result<(), Problem> {
    let wrong = |pointer: &str, detail: String| Err(Problem::new(Kind::InvalidValue, detail).with("pointer", pointer));
    if new.amount.is_zero() {
        return wrong("/amount", "a refund is more than nothing".to_owned());
    }
    let reference = new.reference.as_bytes();
    let plain = reference.iter().all(|byte| byte.is_ascii_alphanumeric() || REFERENCE_SIGNS.contains(byte));
    if reference.is_empty() || reference.len() > REFERENCE_BYTES_MAX || !plain {
        let signs = REFERENCE_SIGNS.escape_ascii();
        return wrong(
            "/reference",
            format!("a reference has 1 to {REFERENCE_BYTES_MAX} ASCII letters, digits and `{signs}`"),
        );
    }
    if new.capture.is_some() && new.order.is_none() {
        return wrong("/capture", "a capture is one of an `order`".to_owned());
    }
    if new.order.is_some() == new.loan.is_some() {
        return wrong("/order", "name either `order` or `loan`".to_owned());
    }
    Ok(())
}

async fn book(
    app: &App,
    db: &mut Connection,
    merchant: &Merchant,
    new: &NewRefund,
    attempt: &Attempt,
) -> Result<Reply, Problem> {
    if let Some(reply) = attempt.earlier(db, &app.vault).await? {
        return Ok(reply);
    }
    let row = match (&new.order, &new.loan) {
        (Some(order), _) => of_order(db, order, new.capture, merchant).await?,
        (None, Some(loan)) => loans::find(db, loan).await?,
        (None, None) => None,
    };
    let row = row.filter(|row| row.merchant == merchant.id).ok_or_else(Problem::not_found)?;
    let now = app.now()?;
    let (today, now) = (app.date_of(now)?, now.to_string());
    let asked = Asked { reference: &new.reference, amount: new.amount, order: new.rule, value_date: new.value_date };
    let id = refunds::book(db, merchant, &row, &asked, (today, &now)).await?;
    let refund = stored::find(db, &id).await?.ok_or_else(|| Problem::internal("a refund that was not written"))?;
    let reply = Reply::created(&whole(app, db, refund).await?)?;
    attempt.finish(db, &app.vault, &reply, &now).await?;
    Ok(reply)
}

/// The loan of an order; of one that was captured in parts, the loan of the capture.
async fn of_order(
    db: &mut Connection,
    order: &str,
    capture: Option<u16>,
    merchant: &Merchant,
) -> Result<Option<loans::Row>, Problem> {
    let mut rows = loans::of_checkout(db, order).await?;
    rows.retain(|row| row.merchant == merchant.id);
    let Some(capture) = capture else {
        return match rows.len() {
            0 | 1 => Ok(rows.pop()),
            count => {
                let detail = format!("the order has {count} captures; say of which with `capture`");
                Err(Problem::new(Kind::InvalidValue, detail).with("pointer", "/capture"))
            }
        };
    };
    let captures = orders::captures(db, order).await?;
    let loan = captures.into_iter().find(|row| row.number == i64::from(capture)).map(|row| row.loan);
    // An order that was lent whole when it was signed has one capture, which no list names.
    let whole = rows.len() == 1 && loan.is_none() && capture == 1;
    Ok(rows.into_iter().find(|row| whole || loan.as_ref() == Some(&row.id)))
}

/// A refund as it stands.
#[utoipa::path(get, path = "/v1/refunds/{id}", tag = "refunds", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, body = RefundView), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = stored::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    match &caller {
        Caller::Merchant(merchant) if merchant.id == row.merchant => {}
        Caller::Lender(_) => {}
        _ => return Err(Problem::not_found()),
    }
    Reply::ok(&whole(&app, &mut db, row).await?)
}

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RefundsQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of refunds.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundsPage {
    /// In the order in which they were booked.
    refunds: Vec<RefundView>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// A merchant's refunds, or everybody's for the lender, page by page.
#[utoipa::path(get, path = "/v1/refunds", tag = "refunds", security(("bearer" = [])), params(RefundsQuery),
    responses((status = 200, body = RefundsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(query): Query<RefundsQuery>,
) -> Result<Reply, Problem> {
    let merchant = match &caller {
        Caller::Merchant(merchant) => Some(merchant.id.as_str()),
        Caller::Lender(_) => None,
        _ => return Err(Problem::new(Kind::Forbidden, "this route is for a merchant's or a lender's key")),
    };
    let page = Page::asked("refunds", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = stored::page(&mut db, merchant, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    Reply::ok(&RefundsPage { refunds: rows.into_iter().map(|row| view(row, None)).collect(), next_cursor })
}
