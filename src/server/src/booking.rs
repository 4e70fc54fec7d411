//! Booking: loans and their events, each with its journal entry, in the transaction of whoever calls.

use std::sync::Arc;

use prequal_core::{
    calendar::{Date, Instant},
    canonical,
    money::Amount,
    rounding::Rounding,
    wire::Offer,
};
use prequal_ledger::{Contract, Entry, Event, Loan, Record, Status, chain};
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::new_id,
    merchant_webhooks::{self, EventType},
    outbox,
    problem::{Kind, Problem},
    settings::Merchant,
    storage::{Connection, applications, capabilities, checkouts, journal, loans, payments},
};

/// What a booking needs.
#[derive(Debug)]
pub struct Booking<'a> {
    pub application: &'a applications::Row,
    pub checkout: &'a checkouts::Row,
    pub merchant: &'a Arc<Merchant>,
    pub offer: &'a Offer,
    pub offer_json: &'a Value,
    pub offer_id: &'a str,
    pub signature_record: &'a str,
    /// SHA-256 of the shopper's credential for the loan.
    pub capability_hash: &'a str,
    pub now: Instant,
    pub today: Date,
}

/// What the provider is asked to do.
#[derive(Debug, Serialize)]
pub struct Instruction<'a> {
    pub reference: &'a str,
    pub amount: i64,
    pub currency: &'a str,
    pub value_date: String,
}

/// The merchant's fee: a percentage of the price, rounded half to even, never more than what is lent.
///
/// # Errors
/// 500 where it leaves the range of amounts.
pub fn merchant_fee(offer: &Offer, merchant: &Merchant) -> Result<Amount, Problem> {
    let percent = merchant.fee_percent;
    let numerator = u128::from(offer.price.unsigned()) * u128::from(percent.mantissa().unsigned_abs());
    let divisor = 100 * u128::from(percent.denominator());
    let fee = Rounding::HalfEven.divide(numerator, divisor).ok_or_else(|| Problem::internal("merchant fee"))?;
    let fee = Amount::try_from(fee).map_err(Problem::internal)?;
    Ok(fee.min(offer.principal))
}

/// Consumes the offer, books the loan and requests the payout; gives the loan's id.
///
/// # Errors
/// 409 where the offer or the checkout went to another loan.
pub async fn book(db: &mut Connection, booking: &Booking<'_>) -> Result<String, Problem> {
    let Booking { application, checkout, offer, .. } = *booking;
    let id = new_id();
    let now = booking.now.to_string();
    let fee = merchant_fee(offer, booking.merchant)?;
    let contract = contract(offer, fee)?;
    let payout = contract.payout();
    if !checkouts::finance(db, &checkout.id).await? {
        return Err(Problem::new(Kind::CheckoutFinanced, "another loan financed it"));
    }
    let agreement = |text: &Option<String>| text.clone().ok_or_else(|| Problem::internal("no agreement"));
    let row = loans::Row {
        id: id.clone(),
        application: application.id.clone(),
        checkout: checkout.id.clone(),
        person: application.person.clone(),
        merchant: checkout.merchant.clone(),
        capability_hash: booking.capability_hash.to_owned(),
        currency: offer.currency.code().to_owned(),
        principal: offer.principal.minor(),
        merchant_fee: fee.minor(),
        offer: canonical::to_string(booking.offer_json).map_err(Problem::internal)?,
        agreement_text: agreement(&application.agreement_text)?,
        agreement_hash: agreement(&application.agreement_hash)?,
        signature_record: booking.signature_record.to_owned(),
        status: Status::Disbursing.name().to_owned(),
        principal_outstanding: 0,
        booked: now.clone(),
    };
    loans::insert(db, &row).await?;
    let told = serde_json::json!({ "loan_id": id, "checkout_id": row.checkout,
        "merchant_order": checkout.merchant_order, "amount": checkout.amount, "currency": row.currency });
    merchant_webhooks::emit(db, &*row.merchant, EventType::LoanBooked, &told, &now).await?;
    capabilities::insert(db, &id, booking.capability_hash, &now).await?;
    if !applications::use_offer(db, booking.offer_id, &id, &now).await? {
        return Err(Problem::new(Kind::OfferUsed, "the loan it was used for stands"));
    }
    let mut loan = Loan::new(contract);
    record(db, &id, &mut loan, Event::Booked, booking.today, &now).await?;
    applications::sign(db, &application.id, &id).await?;
    if payout.is_zero() {
        record(db, &id, &mut loan, Event::PayoutSettled { value_date: booking.today }, booking.today, &now).await?;
        return Ok(id);
    }
    request_payout(db, &row, payout, booking, &now).await?;
    Ok(id)
}

async fn request_payout(
    db: &mut Connection,
    loan: &loans::Row,
    amount: Amount,
    booking: &Booking<'_>,
    now: &str,
) -> Result<(), Problem> {
    let payout = payments::PayoutRow {
        id: new_id(),
        loan: loan.id.clone(),
        amount: amount.minor(),
        currency: loan.currency.clone(),
        status: "requested".to_owned(),
        value_date: None,
        transfer: None,
        created: now.to_owned(),
    };
    payments::insert_payout(db, &payout).await?;
    let instruction = Instruction {
        reference: &payout.id,
        amount: payout.amount,
        currency: &payout.currency,
        value_date: booking.today.to_string(),
    };
    outbox::add(db, "/v1/payouts", &payout.id, &instruction, now).await
}

fn contract(offer: &Offer, merchant_fee: Amount) -> Result<Contract, Problem> {
    Contract::new(offer.terms.clone(), offer.rules(), merchant_fee).map_err(Problem::internal)
}

/// The offer that was signed.
///
/// # Errors
/// 500 where it cannot be read.
pub fn offer(row: &loans::Row) -> Result<Offer, Problem> {
    serde_json::from_str(&row.offer).map_err(Problem::internal)
}

/// A loan, folded from its events.
///
/// # Errors
/// 500 where the stored events are not such a fold.
pub async fn load(db: &mut Connection, row: &loans::Row) -> Result<Loan, Problem> {
    let events = loans::events(db, &row.id).await?;
    restore(&row.offer, row.merchant_fee, events.iter().map(|stored| (&*stored.booked, &*stored.event)))
}

/// A loan, folded from the offer that was signed and its events: when each was booked, and its JSON.
///
/// # Errors
/// 500 where these are not such a fold.
pub fn restore<'a>(
    offer: &str,
    merchant_fee: i64,
    events: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Loan, Problem> {
    let offer: Offer = serde_json::from_str(offer).map_err(Problem::internal)?;
    let fee = Amount::new(merchant_fee).map_err(Problem::internal)?;
    let records: Result<Vec<Record>, Problem> = events
        .map(|(booked, event)| {
            let event: Event = serde_json::from_str(event).map_err(Problem::internal)?;
            Ok(Record { booked: Date::parse(booked).map_err(Problem::internal)?, event })
        })
        .collect();
    Loan::restore(contract(&offer, fee)?, records?).map_err(Problem::internal)
}

/// Adds an event to a loan in memory; gives the event as it is stored, and the entry that it posts.
///
/// # Errors
/// 500 where the ledger refuses it.
pub fn advance(loan: &mut Loan, event: Event, booked: Date) -> Result<(loans::EventRow, Option<Entry>), Problem> {
    let text = canonical::to_string(&event).map_err(Problem::internal)?;
    let entry = loan.record(event, booked).map_err(Problem::internal)?;
    let number = i64::try_from(loan.records().len()).map_err(Problem::internal)?;
    Ok((loans::EventRow { number, booked: booked.to_string(), event: text }, entry))
}

/// Adds an event to a loan: the event, its entry in the loan's chain, and the projections.
///
/// # Errors
/// 500 where the ledger refuses it or the database fails.
pub async fn record(
    db: &mut Connection,
    id: &str,
    loan: &mut Loan,
    event: Event,
    booked: Date,
    now: &str,
) -> Result<(), Problem> {
    let (row, entry) = advance(loan, event, booked)?;
    let outstanding = loan.principal_outstanding().minor();
    loans::add_event(db, id, &row, loan.status().name(), outstanding).await?;
    match entry {
        Some(entry) => post(db, id, entry, now).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Appends an entry to a chain; gives its id.
///
/// # Errors
/// 500 when the database fails.
pub async fn post(db: &mut Connection, chain: &str, entry: Entry, now: &str) -> Result<String, Problem> {
    let head = journal::head(db, chain).await?;
    let sealed = chain::seal(chain, &head, entry).map_err(Problem::internal)?;
    let id = new_id();
    journal::append(db, &id, chain, &sealed, now).await?;
    Ok(id)
}

/// A loan's status as it is stored.
///
/// # Errors
/// 500 where there is no such loan.
pub async fn status_of(db: &mut Connection, loan: &str) -> Result<String, Problem> {
    let row = loans::find(db, loan).await?.ok_or_else(|| Problem::internal("a signed application without a loan"))?;
    Ok(row.status)
}
