//! Orders: what became of a checkout, and what its merchant captures or voids of it.
#![allow(unused_qualifications, reason = "the macro that describes a route repeats the names of its queries")]

use std::sync::Arc;

use axum::extract::State;
use prequal_core::{calendar::Instant, money::Amount};
use prequal_ledger::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, OnlyMerchant},
    confirm::CaptureProposal,
    etag::IfMatch,
    extract::{Id, IdempotencyKey, Json, Query},
    page::Page,
};
use crate::{
    app::App,
    orders::{self, Captured},
    problem::Problem,
    reply::Reply,
    secret,
    storage::{
        Connection, checkouts, group::Part, loans, merchant_events, orders as stored, outbox, payments, proposals,
    },
};

/// What became of a checkout. Fees and payouts are the merchant's and the lender's affair, the loans the shopper's and
/// the lender's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    /// The checkout.
    checkout_id: String,
    /// The merchant's number of the order.
    merchant_order: String,
    /// `open`, `expired` or `financed`.
    status: String,
    /// `automatic`, captured whole when it is signed, or `manual`, captured by its merchant.
    capture: String,
    /// `authorized`, `partly_captured`, `captured`, `voided` or `expired`, once it is signed; `failed` where it was captured
    /// when it was signed and could not be paid out.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// ISO 4217.
    currency: String,
    /// The price.
    amount: i64,
    /// The most that may be lent for it: the price less what is paid at once.
    authorized_amount: i64,
    /// What of it is captured, without what could not be paid out.
    captured_amount: i64,
    /// What may still be captured.
    left_amount: i64,
    /// The last business date on which it may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_until: Option<String>,
    /// What the merchant pays for what is captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    fee: Option<i64>,
    /// What was paid out so far: what was captured less the fee once it is settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_amount: Option<i64>,
    /// The first payout.
    #[serde(skip_serializing_if = "Option::is_none")]
    payout: Option<Payout>,
    /// Each capture in order.
    captures: Vec<Capture>,
    /// Captures dearer than what was signed that wait for the shopper to confirm them.
    confirmation_needed: Vec<CaptureProposal>,
    /// Those that are confirmed and may be captured.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    confirmed: Vec<CaptureProposal>,
}

/// One capture.
#[derive(Debug, Serialize, ToSchema)]
pub struct Capture {
    /// 1, 2, 3 …
    number: i64,
    /// In minor units.
    amount: i64,
    /// The business date.
    captured_on: String,
    /// `captured`, or `failed` where it could not be paid out: then nothing was lent by it.
    state: &'static str,
    /// Its loan.
    #[serde(skip_serializing_if = "Option::is_none")]
    loan_id: Option<String>,
    /// What is kept from its payout.
    #[serde(skip_serializing_if = "Option::is_none")]
    fee: Option<i64>,
    /// Its payout.
    #[serde(skip_serializing_if = "Option::is_none")]
    payout: Option<Payout>,
    /// What the shopper confirmed of it, where it is dearer than what was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation: Option<CaptureProposal>,
}

/// A payout to a merchant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Payout {
    /// Its id.
    id: String,
    /// What is paid out.
    amount: i64,
    /// `requested`, `given_up` where the provider could not be reached for a day and a person must act, `settled`
    /// or `failed`.
    status: String,
    /// The value date, once it is known.
    value_date: Option<String>,
}

async fn payout_of(db: &mut Connection, loan: &str) -> Result<Option<Payout>, Problem> {
    let Some(row) = payments::payout_of_loan(db, loan).await? else { return Ok(None) };
    let given_up = row.status == "requested" && outbox::given_up(db, &row.id).await?;
    let status = if given_up { "given_up".to_owned() } else { row.status };
    Ok(Some(Payout { id: row.id, amount: row.amount, status, value_date: row.value_date }))
}

/// Who sees what of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Merchant,
    Lender,
    Shopper,
}

async fn sight(db: &mut Connection, caller: &Caller, row: &checkouts::Row) -> Result<Sight, Problem> {
    match caller {
        Caller::Merchant(merchant) if merchant.id == row.merchant => Ok(Sight::Merchant),
        Caller::Lender(_) => Ok(Sight::Lender),
        Caller::Capability(hash) if stored::capabilities(db, &row.id).await?.contains(hash) => Ok(Sight::Shopper),
        _ => Err(Problem::not_found()),
    }
}

/// What became of a checkout, as its merchant, its shopper or the lender sees it.
#[utoipa::path(get, path = "/v1/orders/{checkout_id}", tag = "orders", security(("bearer" = [])),
    params(("checkout_id" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = Order), (status = "4XX", response = super::ProblemDocument)))]
pub async fn read(State(app): State<Arc<App>>, caller: Caller, Id(id): Id) -> Result<Reply, Problem> {
    let mut db = app.db.read().await?;
    let row = checkouts::find(&mut db, &id).await?.ok_or_else(Problem::not_found)?;
    let sight = sight(&mut db, &caller, &row).await?;
    Ok(Reply::ok(&view(&app, &mut db, row, sight).await?)?.tagged_by_content())
}

/// Lets a change of an order through where it is as its merchant read it.
async fn unchanged(
    app: &App,
    db: &mut Connection,
    if_match: &IfMatch,
    (id, merchant): (&str, &str),
) -> Result<(), Problem> {
    if !if_match.is_asked() {
        return Ok(());
    }
    let row = checkouts::find(db, id).await?.filter(|row| row.merchant == merchant).ok_or_else(Problem::not_found)?;
    let read = Reply::ok(&view(app, db, row, Sight::Merchant).await?)?.tagged_by_content();
    if_match.check(read.tag().unwrap_or_default())
}

async fn view(app: &App, db: &mut Connection, row: checkouts::Row, sight: Sight) -> Result<Order, Problem> {
    let today = app.today()?;
    let mut captures = Vec::new();
    let with_offer = sight != Sight::Merchant;
    let mut proposals = proposals::of_order(db, &row.id).await?;
    for (place, loan) in loans::of_checkout(db, &row.id).await?.into_iter().enumerate() {
        let booked = Instant::parse(&loan.booked).map_err(Problem::internal)?;
        let for_merchant = sight != Sight::Shopper;
        let number = i64::try_from(place + 1).map_err(Problem::internal)?;
        let spent = proposals.iter().position(|proposal| proposal.number == Some(number));
        let spent = spent.map(|place| CaptureProposal::of(proposals.swap_remove(place), with_offer)).transpose()?;
        captures.push(Capture {
            number,
            confirmation: spent,
            amount: loan.principal,
            captured_on: app.date_of(booked)?.to_string(),
            state: if loan.status == Status::Cancelled.name() { "failed" } else { "captured" },
            fee: for_merchant.then_some(loan.merchant_fee),
            payout: if for_merchant { payout_of(db, &loan.id).await? } else { None },
            loan_id: (sight != Sight::Merchant).then_some(loan.id),
        });
    }
    let order = stored::find(db, &row.id).await?;
    let stands = |capture: &&Capture| capture.state == "captured";
    let whole: i64 = captures.iter().filter(stands).map(|capture| capture.amount).sum();
    let (state, authorized, left, until) = match &order {
        Some(order) => {
            let state = orders::state(order)?;
            let until = Some(order.capture_until.clone());
            (Some(state.state(today).name()), order.authorized, state.held(today).minor(), until)
        }
        // Captured whole when it was signed.
        None => (captures.first().map(|capture| capture.state), captures.iter().map(|one| one.amount).sum(), 0, None),
    };
    let settled = |capture: &Capture| {
        let payout = capture.payout.as_ref().filter(|payout| payout.status == "settled");
        payout.map_or(0, |payout| payout.amount)
    };
    let day = today.to_string();
    let open = proposals.into_iter().filter(|row| row.number.is_none() && row.expires_on >= day && left > 0);
    let (confirmed, needed): (Vec<_>, Vec<_>) = open.partition(proposals::Row::is_confirmed);
    let views = |rows: Vec<proposals::Row>| -> Result<Vec<CaptureProposal>, Problem> {
        rows.into_iter().map(|row| CaptureProposal::of(row, with_offer)).collect()
    };
    let for_merchant = sight != Sight::Shopper;
    let expires = Instant::parse(&row.expires).map_err(Problem::internal)?;
    let is_over = row.status == "open" && expires <= app.now()?;
    Ok(Order {
        checkout_id: row.id,
        merchant_order: row.merchant_order,
        status: if is_over { "expired".to_owned() } else { row.status },
        capture: row.capture,
        state,
        currency: row.currency,
        amount: row.amount,
        authorized_amount: authorized,
        captured_amount: order.as_ref().map_or(whole, |order| order.captured),
        left_amount: left,
        capture_until: until,
        fee: for_merchant.then(|| captures.iter().filter(stands).filter_map(|capture| capture.fee).sum()),
        paid_amount: for_merchant.then(|| captures.iter().map(settled).sum()),
        payout: captures.first().and_then(|capture| capture.payout.clone()),
        captures,
        confirmation_needed: views(needed)?,
        confirmed: views(confirmed)?,
    })
}

/// A capture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCapture {
    /// What is charged now, in minor units, of what was authorized.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
    /// Whether it is the last capture, which releases the rest.
    #[serde(default)]
    r#final: bool,
}

/// Captures an authorized order, whole or in part: the part is lent by the rules that were signed, from today on.
#[utoipa::path(post, path = "/v1/orders/{checkout_id}/captures", tag = "orders", security(("bearer" = [])),
    params(("checkout_id" = String, Path), ("Idempotency-Key" = String, Header),
        ("If-Match" = Option<String>, Header)), request_body = NewCapture,
    responses((status = 201, body = Captured), (status = "4XX", response = super::ProblemDocument)))]
pub async fn capture(
    State(app): State<Arc<App>>,
    OnlyMerchant(merchant): OnlyMerchant,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    if_match: IfMatch,
    Json { value: new, fingerprint }: Json<NewCapture>,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let caller = format!("merchant:{}", merchant.id);
    let attempt = app.in_flight.claim(&caller, &format!("orders/{id}/captures"), &key, &fingerprint)?;
    let (server, attempt, if_match) = (&*app, &attempt, &if_match);
    let order = (id.as_str(), merchant.id.as_str());
    let (amount, last) = (new.amount, new.r#final);
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(Ok(reply));
        }
        unchanged(server, &mut tx, if_match, order).await?;
        // A proposal to the shopper is kept, though the capture is refused: the same key may capture once it is confirmed.
        let captured = match orders::capture(server, &mut tx, order, (amount, last), now).await? {
            Ok(captured) => captured,
            Err(proposed) => return Ok(Err(proposed)),
        };
        let reply = Reply::created(&captured)?;
        attempt.finish(&mut tx, &server.vault, &reply, &now.to_string()).await?;
        Ok(Ok(reply))
    };
    let reply = app.db.write(work).await??;
    app.outbox.notify_one();
    Ok(reply)
}

/// What was released.
#[derive(Debug, Serialize, ToSchema)]
pub struct Voided {
    /// The order: its checkout's id.
    order_id: String,
    /// `voided`.
    state: &'static str,
    /// What was captured before, and stays so.
    captured_amount: i64,
    /// What is released.
    released_amount: i64,
}

/// Releases what is not captured of an authorized order. What was captured stays lent.
#[utoipa::path(post, path = "/v1/orders/{checkout_id}/void", tag = "orders", security(("bearer" = [])),
    params(("checkout_id" = String, Path), ("Idempotency-Key" = String, Header),
        ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Voided), (status = "4XX", response = super::ProblemDocument)))]
pub async fn void(
    State(app): State<Arc<App>>,
    OnlyMerchant(merchant): OnlyMerchant,
    Id(id): Id,
    IdempotencyKey(key): IdempotencyKey,
    if_match: IfMatch,
) -> Result<Reply, Problem> {
    let now = app.now()?;
    let caller = format!("merchant:{}", merchant.id);
    let attempt = app.in_flight.claim(&caller, &format!("orders/{id}/void"), &key, &secret::sha256_hex(""))?;
    let (server, attempt, if_match) = (&*app, &attempt, &if_match);
    let order = (id.as_str(), merchant.id.as_str());
    let work = |mut tx: Part| async move {
        if let Some(reply) = attempt.earlier(&mut tx, &server.vault).await? {
            return Ok(reply);
        }
        unchanged(server, &mut tx, if_match, order).await?;
        let row = orders::void(server, &mut tx, order, now).await?;
        let reply = Reply::ok(&Voided {
            order_id: row.checkout,
            state: "voided",
            captured_amount: row.captured,
            released_amount: row.released,
        })?;
        attempt.finish(&mut tx, &server.vault, &reply, &now.to_string()).await?;
        Ok(reply)
    };
    app.db.write(work).await
}

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderEventsQuery {
    /// After this place: `next_cursor` of the page before.
    cursor: Option<String>,
    /// How many at most, 1 to 100.
    limit: Option<u32>,
}

/// A page of what happened to a merchant's orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderEventsPage {
    /// In the order in which it happened.
    events: Vec<OrderEvent>,
    /// Where to go on; null at the end.
    next_cursor: Option<String>,
}

/// What happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderEvent {
    /// Its id.
    id: String,
    /// `order.authorized`, `order.captured`, `order.capture_failed`, `order.voided` or `order.expired`.
    r#type: String,
    /// The order as it then was.
    #[schema(value_type = Object)]
    data: Value,
    /// When, RFC 3339.
    created: String,
}

/// What happened to a merchant's orders, page by page.
#[utoipa::path(get, path = "/v1/order-events", tag = "orders", security(("bearer" = [])), params(OrderEventsQuery),
    responses((status = 200, body = OrderEventsPage), (status = "4XX", response = super::ProblemDocument)))]
pub async fn events(
    State(app): State<Arc<App>>,
    OnlyMerchant(merchant): OnlyMerchant,
    Query(query): Query<OrderEventsQuery>,
) -> Result<Reply, Problem> {
    let page = Page::asked("order-events", query.cursor.as_deref(), query.limit)?;
    let mut db = app.db.read().await?;
    let rows = merchant_events::page(&mut db, &merchant.id, page.after(), page.rows()).await?;
    let (rows, next_cursor) = page.cut(rows, |row| &row.id);
    let view = |row: merchant_events::Row| {
        let data = serde_json::from_str(&row.body).map_err(Problem::internal)?;
        Ok(OrderEvent { id: row.id, r#type: row.r#type, data, created: row.created })
    };
    let events: Result<Vec<_>, Problem> = rows.into_iter().map(view).collect();
    Reply::ok(&OrderEventsPage { events: events?, next_cursor })
}
