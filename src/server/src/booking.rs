//! Booking: loans and their events, each with its journal entry, in the transaction of whoever calls.

use std::sync::Arc;

use prequal_core::{
    calendar::{Date, Instant},
    canonical,
    money::Amount,
    wire::Offer,
};
use prequal_ledger::{Entry, Event, LedgerError, Loan, Position, Record, Status, chain};
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::new_id,
    funding,
    jobs::due_debits,
    lines,
    merchant_webhooks::{self, EventType},
    outbox,
    problem::{Kind, Problem},
    serving::Serving,
    settings::Merchant,
    settlement::{self, Fees},
    storage::{Connection, applications, capabilities, checkouts, closes, dues, journal, loans, payments},
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
    /// Who finances it, where that is not the lender alone.
    pub funding: Option<&'a funding::Chosen>,
    /// The line of credit that it is drawn on.
    pub line: Option<&'a str>,
    /// The hash of that line's terms, where it revolves.
    pub line_terms: Option<&'a str>,
    pub signature_record: &'a str,
    /// How the loan will be served.
    pub serving: &'a Serving,
    /// SHA-256 of the shopper's credential for the loan.
    pub capability_hash: &'a str,
    pub now: Instant,
    pub today: Date,
    /// To which business day it belongs in the merchant's account.
    pub settled_on: Date,
}

/// What the provider is asked to do.
#[derive(Debug, Serialize)]
pub struct Instruction<'a> {
    pub reference: &'a str,
    pub amount: i64,
    pub currency: &'a str,
    pub value_date: String,
}

/// Consumes the offer, books the loan and requests the payout; gives the loan's id.
///
/// # Errors
/// 409 where the offer or the checkout went to another loan, or the line does not allow it.
pub async fn book(db: &mut Connection, booking: &Booking<'_>) -> Result<String, Problem> {
    let Booking { application, checkout, offer, .. } = *booking;
    let now = booking.now.to_string();
    if !checkouts::finance(db, &checkout.id).await? {
        return Err(Problem::new(Kind::CheckoutFinanced, "another loan financed it"));
    }
    let agreement = |text: &Option<String>| text.clone().ok_or_else(|| Problem::internal("no agreement"));
    let lending = Lending {
        application: &application.id,
        checkout: &checkout.id,
        person: &application.person,
        merchant: &checkout.merchant,
        merchant_order: &checkout.merchant_order,
        offer,
        fees: Fees::of(offer, booking.merchant)?,
        settled_on: booking.merchant.settled_on(booking.settled_on),
        funding: booking.funding,
        offer_text: canonical::to_string(booking.offer_json).map_err(Problem::internal)?,
        agreement_text: agreement(&application.agreement_text)?,
        agreement_hash: agreement(&application.agreement_hash)?,
        signature_record: booking.signature_record,
        serving: booking.serving,
        capability_hashes: &[booking.capability_hash.to_owned()],
        now: &now,
        today: booking.today,
    };
    if let Some(line) = booking.line {
        let (person, currency) = (application.person.as_str(), checkout.currency.as_str());
        let order = (checkout.id.as_str(), offer.principal);
        lines::hold(db, (line, person, currency), order, booking.line_terms, (booking.today, booking.today)).await?;
    }
    let id = lend(db, &lending).await?;
    if let Some(line) = booking.line {
        lines::draw(db, line, (&checkout.id, &id), &offer.terms, true, booking.today).await?;
    }
    if !applications::use_offer(db, booking.offer_id, &id, &now).await? {
        return Err(Problem::new(Kind::OfferUsed, "the loan it was used for stands"));
    }
    applications::sign(db, &application.id, Some(&id)).await?;
    Ok(id)
}

/// One loan to be booked: at signing, or at a capture.
#[derive(Debug)]
pub struct Lending<'a> {
    pub application: &'a str,
    pub checkout: &'a str,
    pub person: &'a str,
    pub merchant: &'a str,
    pub merchant_order: &'a str,
    pub offer: &'a Offer,
    /// Kept from the payout.
    pub fees: Fees,
    /// To which business day of the merchant's account it belongs, where the merchant is not paid at once.
    pub settled_on: Option<Date>,
    /// Who finances it, where that is not the lender alone.
    pub funding: Option<&'a funding::Chosen>,
    /// Canonical JSON of the offer.
    pub offer_text: String,
    pub agreement_text: String,
    pub agreement_hash: String,
    pub signature_record: &'a str,
    /// How the loan will be served.
    pub serving: &'a Serving,
    /// SHA-256 of each credential that opens it, the first of them its own.
    pub capability_hashes: &'a [String],
    pub now: &'a str,
    pub today: Date,
}

/// Books a loan and requests its payout; gives its id.
///
/// # Errors
/// 500 where the offer gives no contract or the database fails.
pub async fn lend(db: &mut Connection, lending: &Lending<'_>) -> Result<String, Problem> {
    let Lending { offer, now, today, .. } = *lending;
    let fee = lending.fees.total()?;
    let contract = lending.serving.contract(offer, fee).map_err(Problem::internal)?;
    let payout = contract.payout();
    let own = lending.capability_hashes.first().ok_or_else(|| Problem::internal("a loan without a credential"))?;
    let row = loans::Row {
        id: new_id(),
        application: lending.application.to_owned(),
        checkout: lending.checkout.to_owned(),
        person: lending.person.to_owned(),
        merchant: lending.merchant.to_owned(),
        capability_hash: own.clone(),
        currency: offer.currency.code().to_owned(),
        principal: offer.principal.minor(),
        merchant_fee: fee.minor(),
        offer: lending.offer_text.clone(),
        agreement_text: lending.agreement_text.clone(),
        agreement_hash: lending.agreement_hash.clone(),
        signature_record: lending.signature_record.to_owned(),
        status: Status::Disbursing.name().to_owned(),
        principal_outstanding: 0,
        booked: now.to_owned(),
        serving: lending.serving.text()?,
        credit_balance: 0,
        exposed: Some(0),
    };
    loans::insert(db, &row).await?;
    for hash in lending.capability_hashes {
        capabilities::insert(db, &row.id, hash, now).await?;
    }
    dues::insert(db, &row.id, offer.installments.iter().map(|row| (row.number, row.due))).await?;
    if let Some(chosen) = lending.funding {
        funding::books::book(db, (&row.id, lending.application), chosen, offer.principal, offer.currency).await?;
    }
    let mut loan = Loan::new(contract);
    record(db, &row.id, &mut loan, Event::Booked, today, now).await?;
    let told = serde_json::json!({ "loan_id": row.id, "checkout_id": row.checkout,
        "merchant_order": lending.merchant_order, "amount": offer.price.minor(), "currency": row.currency });
    merchant_webhooks::emit(db, lending.merchant, EventType::LoanBooked, &told, now).await?;
    if payout.is_zero() {
        record(db, &row.id, &mut loan, Event::PayoutSettled { value_date: today }, today, now).await?;
    } else if let Some(date) = lending.settled_on {
        let about = (row.merchant.as_str(), row.id.as_str(), row.currency.as_str());
        settlement::capture(db, about, (offer.principal, lending.fees), date, now).await?;
    } else {
        request_payout(db, &row, payout, today, now).await?;
    }
    Ok(row.id)
}

async fn request_payout(
    db: &mut Connection,
    loan: &loans::Row,
    amount: Amount,
    today: Date,
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
        value_date: today.to_string(),
    };
    outbox::add(db, outbox::PAYOUTS, &payout.id, &instruction, now).await
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
    let signed = Signed { offer: &row.offer, merchant_fee: row.merchant_fee, serving: row.serving.as_deref() };
    restore(&signed, events.iter().map(|stored| (&*stored.booked, &*stored.event)))
}

/// What a loan is folded from, beside its events.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Canonical JSON of the offer.
    pub offer: &'a str,
    /// In minor units.
    pub merchant_fee: i64,
    /// How it is served, as it was kept.
    pub serving: Option<&'a str>,
}

/// A loan, folded from the offer that was signed and its events: when each was booked, and its JSON.
///
/// # Errors
/// 500 where these are not such a fold.
pub fn restore<'a>(signed: &Signed<'_>, events: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Loan, Problem> {
    let offer: Offer = serde_json::from_str(signed.offer).map_err(Problem::internal)?;
    let fee = Amount::new(signed.merchant_fee).map_err(Problem::internal)?;
    let contract = Serving::read(signed.serving)?.contract(&offer, fee).map_err(Problem::internal)?;
    let records: Result<Vec<Record>, Problem> = events
        .map(|(booked, event)| {
            let event: Event = serde_json::from_str(event).map_err(Problem::internal)?;
            Ok(Record { booked: Date::parse(booked).map_err(Problem::internal)?, event })
        })
        .collect();
    Loan::restore(contract, records?).map_err(Problem::internal)
}

/// Adds an event to a loan in memory; gives the event as it is stored, and the entry that it posts.
///
/// # Errors
/// 500 where the ledger refuses it.
pub fn advance(loan: &mut Loan, event: Event, booked: Date) -> Result<(loans::EventRow, Option<Entry>), Problem> {
    advance_or(loan, event, booked, Problem::internal)
}

fn advance_or(
    loan: &mut Loan,
    event: Event,
    booked: Date,
    refuse: impl Fn(LedgerError) -> Problem,
) -> Result<(loans::EventRow, Option<Entry>), Problem> {
    advance_if(loan, event, booked)?.map_err(refuse)
}

/// As [`advance`], where the ledger may refuse: it says why, and the loan is as it was.
///
/// # Errors
/// 500 where the event cannot be written.
pub fn advance_if(
    loan: &mut Loan,
    event: Event,
    booked: Date,
) -> Result<Result<(loans::EventRow, Option<Entry>), LedgerError>, Problem> {
    let text = canonical::to_string(&event).map_err(Problem::internal)?;
    let entry = match loan.record(event, booked) {
        Ok(entry) => entry,
        Err(error) => return Ok(Err(error)),
    };
    let number = i64::try_from(loan.records().len()).map_err(Problem::internal)?;
    Ok(Ok((loans::EventRow { number, booked: booked.to_string(), event: text }, entry)))
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
    let (before, name) = (*loan.position(), event.name());
    let (row, entry) = advance(loan, event, booked)?;
    write(db, id, loan, (&before, name), (row, entry), (booked, now)).await
}

/// Writes an event that was folded in: itself, the projections, its entry, and what follows a loan: its debits on due
/// days, its funders' books, its line of credit.
async fn write(
    db: &mut Connection,
    id: &str,
    loan: &Loan,
    (before, name): (&Position, &'static str),
    (row, entry): (loans::EventRow, Option<Entry>),
    (booked, now): (Date, &str),
) -> Result<(), Problem> {
    loans::add_event(db, &row, &projection(id, loan)).await?;
    let event = loan.records().last().map(|record| &record.event);
    if matches!(event, Some(Event::Rescheduled { .. } | Event::ReAged { .. } | Event::Reversed { .. })) {
        let state = loan.account(booked).map_err(Problem::internal)?;
        dues::replace(db, id, state.installments.iter().map(|line| (line.number, line.due))).await?;
    }
    due_debits::follow(db, id, loan, booked).await?;
    if let Some(entry) = entry {
        post(db, id, entry, now).await?;
    }
    funding::books::follow(db, id, before, loan, name, now).await?;
    lines::follow(db, id, loan, booked).await
}

/// What the database keeps of a loan's fold.
#[must_use]
pub fn projection(id: &str, loan: &Loan) -> loans::Projection {
    loans::Projection {
        id: id.to_owned(),
        status: loan.status().name().to_owned(),
        principal_outstanding: loan.principal_outstanding().minor(),
        credit_balance: loan.credit_balance().minor(),
        exposed: loan.exposure().minor(),
    }
}

/// An event that a person, a merchant or a shopper decided, tried on a loan in memory. It may be refused, and it
/// cannot reach back into a period that is closed.
///
/// # Errors
/// 409 for a closed period, 422 where the ledger refuses it.
pub async fn decide(
    db: &mut Connection,
    loan: &mut Loan,
    event: Event,
    booked: Date,
) -> Result<(loans::EventRow, Option<Entry>), Problem> {
    if let Some(close) = closes::in_force(db).await? {
        loan.allowed_by(&close, &event, booked).map_err(refused)?;
    }
    advance_or(loan, event, booked, refused)
}

/// [`decide`], and the event with its entry and the projections written.
///
/// # Errors
/// As [`decide`], and 500 where the database fails.
pub async fn record_decided(
    db: &mut Connection,
    id: &str,
    loan: &mut Loan,
    event: Event,
    booked: Date,
    now: &str,
) -> Result<Option<Entry>, Problem> {
    let (before, name) = (*loan.position(), event.name());
    let (row, entry) = decide(db, loan, event, booked).await?;
    write(db, id, loan, (&before, name), (row, entry.clone()), (booked, now)).await?;
    Ok(entry)
}

/// Why the ledger refuses what somebody decided.
#[must_use]
pub fn refused(error: LedgerError) -> Problem {
    let kind = match error {
        LedgerError::PeriodClosed(_) => Kind::PeriodClosed,
        LedgerError::RefundAboveBought => Kind::RefundAboveBought,
        LedgerError::PartsDoNotAddUp | LedgerError::NotCanonical | LedgerError::ChainBroken(_) => {
            return Problem::internal(error);
        }
        _ => Kind::EventRefused,
    };
    Problem::new(kind, error.to_string())
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
