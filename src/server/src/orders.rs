//! Orders that their merchants capture: authorized at signing, lent in parts, voided, or over with their window.
//!
//! Nothing is lent or paid out when such an order is signed; what it holds counts towards what its person owes. Each
//! capture is a loan of its own by the rules that were signed. The window ends with its last business date whether or
//! not the day's job has marked it.

mod failed;
pub mod proposals;

use prequal_core::{
    calendar::{Date, Instant},
    canonical,
    money::Amount,
    wire::Offer,
};
use prequal_ledger::{CaptureRefusal, End, Law, Made, Order, OrderRefusal, Share};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    agreement,
    app::{App, new_id},
    booking::{self, Booking, Lending},
    funding::Chosen,
    http::submit::Approved,
    jobs::{Done, Running},
    lines,
    merchant_webhooks::{self, EventType},
    notice::{self, About},
    problem::{Kind, Problem},
    secret,
    settlement::{self, Fees},
    storage::{
        Connection, applications, checkouts, funding, group::Part, merchant_events, orders, proposals as stored,
    },
};

pub use failed::capture_failed;

/// The most credentials of one order.
pub const CAPABILITIES_OF_ORDER_MAX: usize = 100;
/// How many orders one transaction of the day's job marks.
const EXPIRY_BATCH: i64 = 64;

/// What a merchant is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announcement {
    /// The shopper signed.
    Authorized,
    /// A part or all of it was captured.
    Captured,
    /// A capture could not be paid out.
    CaptureFailed,
    /// What was left was released.
    Voided,
    /// The window ended before all was captured.
    Expired,
}

impl Announcement {
    /// What its merchant's systems are told of.
    const fn event(self) -> EventType {
        match self {
            Self::Authorized => EventType::OrderAuthorized,
            Self::Captured => EventType::OrderCaptured,
            Self::CaptureFailed => EventType::OrderCaptureFailed,
            Self::Voided => EventType::OrderVoided,
            Self::Expired => EventType::OrderExpired,
        }
    }

    /// The type of the event.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.event().name()
    }
}

/// Tells a merchant what happened to an order, in the transaction in which it happens.
///
/// # Errors
/// 500 when the database fails.
pub async fn announce(
    db: &mut Connection,
    merchant: &str,
    kind: Announcement,
    body: &Value,
    now: &str,
) -> Result<(), Problem> {
    merchant_webhooks::emit(db, merchant, kind.event(), body, now).await?;
    let body = canonical::to_string(body).map_err(Problem::internal)?;
    Ok(merchant_events::insert(db, &new_id(), (merchant, kind.name()), &body, now).await?)
}

/// An order as pure state.
///
/// # Errors
/// 500 where the row is none.
pub fn state(row: &orders::Row) -> Result<Order, Problem> {
    Ok(Order {
        authorized: Amount::new(row.authorized).map_err(Problem::internal)?,
        captured: Amount::new(row.captured).map_err(Problem::internal)?,
        released: Amount::new(row.released).map_err(Problem::internal)?,
        captures: u32::try_from(row.captures).map_err(Problem::internal)?,
        until: Date::parse(&row.capture_until).map_err(Problem::internal)?,
        end: match row.ended.as_deref() {
            Some("captured") => Some(End::Captured),
            Some("voided") => Some(End::Voided),
            // It is over with its window, which says so by itself.
            _ => None,
        },
    })
}

impl orders::Row {
    /// Takes over where an order stands. That its window is over it says by itself.
    fn follow(&mut self, order: &Order) {
        (self.captured, self.released) = (order.captured.minor(), order.released.minor());
        self.captures = i64::from(order.captures);
        self.ended = order.end.map(|end| match end {
            End::Captured => "captured".to_owned(),
            End::Voided => "voided".to_owned(),
        });
    }
}

fn refused(refusal: OrderRefusal) -> Problem {
    let detail = refusal.to_string();
    match refusal {
        OrderRefusal::Nothing => Problem::new(Kind::InvalidValue, detail).with("pointer", "/amount"),
        OrderRefusal::AboveAuthorized { left } => Problem::new(Kind::CaptureAboveAuthorized, detail)
            .with("pointer", "/amount")
            .with("left_amount", left.minor()),
        OrderRefusal::WindowOver { until } => {
            Problem::new(Kind::CaptureWindowOver, detail).with("capture_until", until.to_string())
        }
        OrderRefusal::Ended(state) => Problem::new(Kind::OrderEnded, detail).with("state", state.name()),
        OrderRefusal::TooManyCaptures => Problem::new(Kind::TooMany, detail),
    }
}

fn dearer(refusal: &CaptureRefusal) -> Problem {
    let problem = Problem::new(Kind::CaptureDearer, refusal.to_string());
    match refusal {
        CaptureRefusal::DearerThanSigned { signed_percent, reached_percent, .. } => {
            problem.with("signed_percent", signed_percent.clone()).with("reached_percent", reached_percent.clone())
        }
        CaptureRefusal::AboveCap { cap } => problem.with("cap", cap.clone()),
        CaptureRefusal::Credit(_) | CaptureRefusal::NotAPart => problem,
    }
}

/// Authorizes what was signed: the offer is consumed and held, and nothing is lent.
///
/// # Errors
/// 409 where the offer or the checkout went elsewhere, or the line does not allow it.
pub async fn authorize(db: &mut Connection, booking: &Booking<'_>) -> Result<(), Problem> {
    let Booking { application, checkout, offer, today, .. } = *booking;
    let days = checkout.capture_days.and_then(|days| i32::try_from(days).ok());
    let days = days.ok_or_else(|| Problem::internal("a checkout without its capture window"))?;
    let until = today.add_days(days).map_err(Problem::internal)?;
    if !checkouts::finance(db, &checkout.id).await? {
        return Err(Problem::new(Kind::CheckoutFinanced, "another loan financed it"));
    }
    let now = booking.now.to_string();
    let agreement = |text: &Option<String>| text.clone().ok_or_else(|| Problem::internal("no agreement"));
    let fees = Fees::of(offer, booking.merchant)?;
    let row = orders::Row {
        checkout: checkout.id.clone(),
        application: application.id.clone(),
        offer: booking.offer_id.to_owned(),
        person: application.person.clone(),
        merchant: checkout.merchant.clone(),
        currency: checkout.currency.clone(),
        line: booking.line.map(str::to_owned),
        terms: canonical::to_string(booking.offer_json).map_err(Problem::internal)?,
        merchant_fee: fees.total()?.minor(),
        installment_fee: fees.installment.minor(),
        agreement_text: agreement(&application.agreement_text)?,
        agreement_hash: agreement(&application.agreement_hash)?,
        signature_record: booking.signature_record.to_owned(),
        authorized: offer.principal.minor(),
        captured: 0,
        released: 0,
        captures: 0,
        capture_until: until.to_string(),
        ended: None,
        signed: now.clone(),
    };
    if !orders::insert(db, &row).await? {
        return Err(Problem::new(Kind::OfferUsed, "the order it was used for stands"));
    }
    if let Some(line) = booking.line {
        let order = (row.checkout.as_str(), offer.principal);
        lines::hold(db, (line, &row.person, &row.currency), order, booking.line_terms, (today, until)).await?;
    }
    orders::add_capability(db, &row.checkout, booking.capability_hash, &now).await?;
    applications::sign(db, &application.id, None).await?;
    announce(db, &row.merchant, Announcement::Authorized, &told(&row, until)?, &now).await
}

/// What a merchant is told of its order.
fn told(row: &orders::Row, today: Date) -> Result<Value, Problem> {
    let order = state(row)?;
    Ok(json!({
        "checkout_id": row.checkout,
        "state": order.state(today).name(),
        "authorized_amount": row.authorized,
        "captured_amount": row.captured,
        "currency": row.currency,
        "capture_until": row.capture_until,
    }))
}

/// Where an order stands today, by name.
///
/// # Errors
/// 500 where there is no such order.
pub async fn status_of(app: &App, db: &mut Connection, id: &str) -> Result<String, Problem> {
    let row = orders::find(db, id).await?.ok_or_else(|| Problem::internal("a signed application without an order"))?;
    Ok(state(&row)?.state(app.today()?).name().to_owned())
}

/// One more credential for an order and for each of its loans.
///
/// # Errors
/// 429 where it had too many.
pub async fn add_capability(db: &mut Connection, order: &str, hash: &str, now: &str) -> Result<(), Problem> {
    if orders::capabilities(db, order).await?.len() >= CAPABILITIES_OF_ORDER_MAX {
        let detail = format!("an order has had at most {CAPABILITIES_OF_ORDER_MAX} credentials");
        return Err(Problem::new(Kind::TooMany, detail));
    }
    orders::add_capability(db, order, hash, now).await?;
    for capture in orders::captures(db, order).await? {
        crate::http::loans::add_capability(db, &capture.loan, hash, now).await?;
    }
    Ok(())
}

/// A capture's share of each fee of its order, together never more than what is captured.
fn fees_of(row: &orders::Row, share: &Share, captured: Amount) -> Result<Fees, Problem> {
    let installment = Amount::new(row.installment_fee).map_err(Problem::internal)?;
    let all = Amount::new(row.merchant_fee).map_err(Problem::internal)?;
    let merchant = all.checked_sub(installment).map_err(Problem::internal)?;
    let of = |fee: Amount| share.of(fee).map_err(Problem::internal);
    let merchant = of(merchant)?.min(captured);
    Ok(Fees { merchant, installment: of(installment)?.min(captured.saturating_sub(merchant)) })
}

/// What a capture did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Captured {
    /// The order: its checkout's id.
    pub order_id: String,
    /// 1 for the first capture of the order, and so on.
    pub number: i64,
    /// What was captured, in minor units.
    pub amount: i64,
    /// What of it is kept from the payout.
    pub fee: i64,
    /// The business date, from which its schedule runs.
    pub captured_on: String,
    /// `partly_captured` or `captured`.
    pub state: &'static str,
    /// All that is captured.
    pub captured_amount: i64,
    /// What may still be captured.
    pub left_amount: i64,
    /// The last business date on which it may be.
    pub capture_until: String,
}

/// Captures a part of an order: makes its final schedule, books its loan, requests its payout, tells the shopper. What is
/// dearer than what was signed is captured as the shopper confirmed it; else it is proposed to them, and the problem says
/// so.
///
/// # Errors
/// 404 where it is no order of this merchant; 409, 410 and 422 with the name of what is worse than signed.
pub async fn capture(
    app: &App,
    db: &mut Connection,
    (id, merchant): (&str, &str),
    (amount, last): (Amount, bool),
    now: Instant,
) -> Result<Result<Captured, Problem>, Problem> {
    let today = app.date_of(now)?;
    let (moment, now) = (now, now.to_string());
    let mut row = own(db, id, merchant).await?;
    let mut order = state(&row)?;
    let before = made(&orders::captures(db, id).await?)?;
    order.capture(amount, last, today).map_err(refused)?;
    let signed: Offer = serde_json::from_str(&row.terms).map_err(Problem::internal)?;
    let share = Share::new(&before, amount, order.authorized).map_err(|refusal| dearer(&refusal))?;
    let application = applications::find(db, &row.application).await?.ok_or_else(Problem::not_found)?;
    let asked = proposals::Asked { order: &row, signed: &signed, share: &share, today, now: &now };
    let (offer, confirmed) = match proposals::terms(db, &asked, law(app, &application.bundle_hash)).await? {
        Ok(found) => found,
        Err(proposed) => return Ok(Err(proposed)),
    };
    let fees = fees_of(&row, &share, amount)?;
    let fee = fees.total()?;
    let merchant = app.settings.merchant(&row.merchant);
    let merchant = merchant.ok_or_else(|| Problem::internal("the order's merchant is not configured any more"))?;
    let chosen = funding_of(db, &application).await?;
    let checkout = checkouts::find(db, id).await?.ok_or_else(Problem::not_found)?;
    // The loan's own credential is nobody's: the order's open it.
    let mut hashes = vec![secret::sha256_hex(secret::new_token("cap_"))];
    hashes.extend(orders::capabilities(db, id).await?);
    let lending = Lending {
        application: &row.application,
        checkout: id,
        person: &row.person,
        merchant: &row.merchant,
        merchant_order: &checkout.merchant_order,
        offer: &offer,
        fees,
        settled_on: merchant.settled_on(settlement::date_of(app, &merchant, moment)?),
        funding: chosen.as_ref(),
        offer_text: canonical::to_string(&offer).map_err(Problem::internal)?,
        agreement_text: row.agreement_text.clone(),
        agreement_hash: row.agreement_hash.clone(),
        signature_record: &row.signature_record,
        serving: &app.settings.serving,
        capability_hashes: &hashes,
        now: &now,
        today,
    };
    let loan = booking::lend(db, &lending).await?;
    let is_last = order.end.is_some();
    if let Some(line) = &row.line {
        lines::draw(db, line, (id, &loan), &offer.terms, is_last, today).await?;
    }
    if is_last {
        funding::release(db, &row.application).await?;
    }
    let number = i64::from(order.captures);
    let (amount, captured_on) = (amount.minor(), today.to_string());
    let captured = orders::CaptureRow { number, loan: loan.clone(), amount, captured_on, failed_after: None };
    orders::add_capture(db, id, &captured, &now).await?;
    if let Some(hash) = &confirmed {
        stored::spend(db, hash, (id, number)).await?;
    }
    row.follow(&order);
    orders::project(db, &row).await?;
    let left = order.held(today);
    tell_shopper(app, db, (&row, &application), (&loan, &offer), left).await?;
    announce(db, &row.merchant, Announcement::Captured, &told(&row, today)?, &now).await?;
    Ok(Ok(Captured {
        order_id: id.to_owned(),
        number,
        amount,
        fee: fee.minor(),
        captured_on: captured.captured_on,
        state: order.state(today).name(),
        captured_amount: row.captured,
        left_amount: left.minor(),
        capture_until: row.capture_until,
    }))
}

/// The captures of an order as the ledger asks for them.
fn made(captures: &[orders::CaptureRow]) -> Result<Vec<Made>, Problem> {
    let of = |row: &orders::CaptureRow| {
        let failed_after = row.failed_after.map(u32::try_from).transpose().map_err(Problem::internal)?;
        Ok(Made { amount: Amount::new(row.amount).map_err(Problem::internal)?, failed_after })
    };
    captures.iter().map(of).collect()
}

/// Who was found to finance what was approved.
async fn funding_of(db: &mut Connection, application: &applications::Row) -> Result<Option<Chosen>, Problem> {
    let decision = applications::decision(db, application.decision.as_deref().unwrap_or("")).await?;
    let decision = decision.ok_or_else(|| Problem::internal("an order without its decision"))?;
    let approved: Approved = serde_json::from_str(&decision.output).map_err(Problem::internal)?;
    Ok(approved.funding)
}

/// The law by which the offer was made: of its own bundle, or of the one in force where that is not known any more.
fn law<'a>(app: &'a App, bundle: &str) -> Law<'a> {
    let policies = &app.settings.policies;
    let policy = policies.known(bundle).unwrap_or(policies.active());
    Law { caps: policy.caps(), lender: policy.lender_kind() }
}

async fn own(db: &mut Connection, id: &str, merchant: &str) -> Result<orders::Row, Problem> {
    let row = orders::find(db, id).await?.filter(|row| row.merchant == merchant);
    if let Some(row) = row {
        return Ok(row);
    }
    let checkout = checkouts::find(db, id).await?.filter(|row| row.merchant == merchant);
    match checkout.ok_or_else(Problem::not_found)? {
        checkout if checkout.status == "open" => Err(Problem::new(Kind::WrongState, "nobody has signed for it yet")),
        _ => Err(Problem::new(Kind::OrderEnded, "it was captured when it was signed").with("state", "captured")),
    }
}

/// Tells the shopper of a capture: its final payments, and what may still be charged.
async fn tell_shopper(
    app: &App,
    db: &mut Connection,
    (row, application): (&orders::Row, &applications::Row),
    (loan, offer): (&str, &Offer),
    left: Amount,
) -> Result<(), Problem> {
    let checkout = checkouts::find(db, &row.checkout).await?.ok_or_else(Problem::not_found)?;
    let merchant = app.settings.merchant(&row.merchant);
    let merchant = merchant.as_ref().map_or(row.merchant.as_str(), |merchant| merchant.name.as_str());
    let money = |amount| agreement::format_money(amount, offer.currency);
    let rest = match left.is_zero() {
        true => "Nothing more will be charged for this order.".to_owned(),
        false => format!("Up to {} may still be charged until {}.", money(left), row.capture_until),
    };
    let values = [
        ("merchant", merchant.to_owned()),
        ("amount", money(offer.principal)),
        ("order", checkout.merchant_order),
        ("captured", offer.terms.start.to_string()),
        ("apr", offer.apr.apr_percent.clone()),
        ("total", money(offer.total)),
        ("schedule", agreement::schedule(offer)),
        ("rest", rest),
    ];
    let policies = &app.settings.policies;
    let policy = policies.known(&application.bundle_hash).unwrap_or(policies.active());
    let about = About { loan: Some(loan), ..About::application(&row.application) };
    notice::add(app, db, policy, notice::Kind::Capture, &about, &format!("capture:{loan}"), &values).await?;
    Ok(())
}

/// Releases what is left of an order.
///
/// # Errors
/// 404 where it is no order of this merchant; 409 and 410 where nothing can be released any more.
pub async fn void(
    app: &App,
    db: &mut Connection,
    (id, merchant): (&str, &str),
    now: Instant,
) -> Result<orders::Row, Problem> {
    let today = app.date_of(now)?;
    let now = now.to_string();
    let mut row = own(db, id, merchant).await?;
    let mut order = state(&row)?;
    order.void(today).map_err(refused)?;
    row.follow(&order);
    orders::project(db, &row).await?;
    if let Some(line) = &row.line {
        lines::release(db, line, id, today).await?;
    }
    funding::release(db, &row.application).await?;
    announce(db, &row.merchant, Announcement::Voided, &told(&row, today)?, &now).await?;
    Ok(row)
}

/// The day's job: marks the orders whose window is over, releases what they held on lines, tells their merchants.
#[must_use]
pub fn expire(app: &App, date: Date) -> Running<'_> {
    Box::pin(expire_all(app, date))
}

async fn expire_all(app: &App, date: Date) -> Result<Done, Problem> {
    // No window ends before its day, for whichever day the job is run.
    let date = date.min(app.today()?);
    let (day, now) = (date.to_string(), app.now()?.to_string());
    let (day, now) = (day.as_str(), now.as_str());
    let mut done = Done::default();
    loop {
        let mut read = app.db.read().await?;
        let due = orders::past_window(&mut read, day, EXPIRY_BATCH).await?;
        drop(read);
        if due.is_empty() {
            return Ok(done);
        }
        let due = due.as_slice();
        let work = |mut tx: Part| async move {
            let mut changed = 0;
            for id in due {
                changed += u64::from(expire_one(&mut tx, id, date, now).await?);
            }
            Ok(changed)
        };
        done.changed += app.db.write(work).await?;
    }
}

async fn expire_one(db: &mut Connection, id: &str, date: Date, now: &str) -> Result<bool, Problem> {
    if !orders::expire(db, id, &date.to_string()).await? {
        return Ok(false);
    }
    let row = orders::find(db, id).await?.ok_or_else(Problem::not_found)?;
    if let Some(line) = &row.line {
        lines::release(db, line, id, date).await?;
    }
    funding::release(db, &row.application).await?;
    announce(db, &row.merchant, Announcement::Expired, &told(&row, date)?, now).await?;
    Ok(true)
}

/// Checks that every order is the sum of its captures and of their loans.
///
/// # Errors
/// 500 with the first that is not.
pub async fn verify(db: &mut Connection) -> Result<(), Problem> {
    match orders::out_of_sum(db).await?.first() {
        Some(order) => Err(Problem::internal(format!("order {order}: it is not the sum of its captures"))),
        None => Ok(()),
    }
}
