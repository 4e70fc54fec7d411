//! What the provider's notices do, beside those of arrived money: debits collected, refused and taken back, payouts
//! and pay-backs settled, failed and returned, money of unknown payers.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use prequal_ledger::{Account, Entry, Event, Loan, Transfer};

use crate::{
    app::App,
    booking,
    merchant_webhooks::{self, EventType},
    orders, pay_backs,
    problem::{Kind, Problem},
    refunds, repayments,
    storage::{Connection, journal, loans, pay_backs as stored_pay_backs, payments, suspense},
};

/// How much is kept of what an unknown payer wrote, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 512;

/// A transfer of the provider's, as a notice tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The provider's id.
    pub id: &'a str,
    /// Our id of what it is about.
    pub reference: &'a str,
    /// How much.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// From which day it counts, as the provider says.
    pub value_date: Date,
}

/// When a notice is taken: the business date, and the moment.
type When<'a> = (Date, &'a str);

fn wrong(told: &Told<'_>, pointer: &str, detail: &str) -> Problem {
    tracing::warn!(transfer = ?told.id, detail, "a notice of the provider is refused");
    Problem::new(Kind::InvalidValue, detail).with("pointer", pointer)
}

/// A debit was refused before anything moved. `true` where that is news, as everywhere here.
///
/// # Errors
/// 422 for a payment that is not known or ended otherwise.
pub async fn debit_failed(db: &mut Connection, told: &Told<'_>, (today, _): When<'_>) -> Result<bool, Problem> {
    let Some(payment) = payments::find(db, told.reference).await? else {
        return Err(wrong(told, "/data/reference", "no such payment"));
    };
    let end = payments::End { status: "failed", value_date: None, transfer: Some(told.id) };
    if payments::end(db, &payment.id, end).await? {
        payments::set_booked(db, &payment.id, &today.to_string()).await?;
        return Ok(true);
    }
    if payment.status == "failed" { Ok(false) } else { Err(wrong(told, "/type", "the payment has ended otherwise")) }
}

/// A debit was collected; the payer's bank may still take it back.
///
/// # Errors
/// 422 for a payment that is not known, has another amount or was collected before.
pub async fn debit_collected(db: &mut Connection, told: &Told<'_>, (today, now): When<'_>) -> Result<bool, Problem> {
    let Some(payment) = payments::find(db, told.reference).await? else {
        return Err(wrong(told, "/data/reference", "no such payment"));
    };
    check_amount(told, payment.amount, &payment.currency)?;
    if payment.status != payments::INITIATED {
        let known = payment.status == payments::RECEIVED && payment.transfer.as_deref() == Some(told.id);
        return if known { Ok(false) } else { Err(wrong(told, "/type", "the payment has ended otherwise")) };
    }
    let row = loan_of(db, &payment.loan).await?;
    let mut loan = booking::load(db, &row).await?;
    let value_date = repayments::counted_from(told.id, told.value_date, &loan, today)?;
    let event = Event::Collected { amount: told.amount, payment: payment.id.clone(), value_date };
    booking::record(db, &row.id, &mut loan, event, today, now).await?;
    let end = payments::End {
        status: payments::RECEIVED,
        value_date: Some(&value_date.to_string()),
        transfer: Some(told.id),
    };
    payments::end(db, &payment.id, end).await?;
    payments::set_booked(db, &payment.id, &today.to_string()).await?;
    Ok(true)
}

fn check_amount(told: &Told<'_>, amount: i64, currency: &str) -> Result<(), Problem> {
    if amount != told.amount.minor() || currency != told.currency.code() {
        return Err(wrong(told, "/data/amount", "not the amount of what it is about"));
    }
    Ok(())
}

async fn loan_of(db: &mut Connection, id: &str) -> Result<loans::Row, Problem> {
    loans::find(db, id).await?.ok_or_else(|| Problem::internal("a transfer without a loan"))
}

/// Money was taken back, before or after it was final: the loan is as if it had never come, and the days in which it
/// seemed to have come cost nothing.
///
/// # Errors
/// 422 for money that is not known or went back to its payer.
pub async fn taken_back(db: &mut Connection, told: &Told<'_>, (today, now): When<'_>) -> Result<bool, Problem> {
    let known = match payments::find(db, told.reference).await? {
        Some(payment) => Some(payment),
        // A bank that takes back parts gives each a name of its own, and then names the transfer as what it is about.
        None => match payments::of_transfer(db, told.id).await? {
            Some(payment) => Some(payment),
            None => payments::of_transfer(db, told.reference).await?,
        },
    };
    let Some(mut payment) = known else { return suspense_taken_back(db, told, (today, now)).await };
    if matches!(payment.status.as_str(), payments::RECEIVED | payments::CLEARED) {
        return counted_taken_back(db, told, &payment, (today, now)).await;
    }
    check_amount(told, payment.amount, &payment.currency)?;
    if payment.status == payments::REVERSED
        && let Some(receipt) = suspense::of_transfer(db, told.id).await?
    {
        // Since it was reversed its money waits in suspense, or went to another loan from there.
        match receipt.payment.filter(|_| receipt.outcome.as_deref() == Some("matched")) {
            Some(other) if other != payment.id => {
                let other = payments::find(db, &other).await?;
                payment = other.ok_or_else(|| Problem::internal("money matched to no payment"))?;
            }
            Some(_) => {}
            None => {
                let news = suspense_taken_back(db, told, (today, now)).await?;
                payments::set_state(db, &payment.id, payments::CHARGED_BACK, &today.to_string()).await?;
                return Ok(news);
            }
        }
    }
    let status = match payment.status.as_str() {
        payments::RECEIVED | payments::CLEARED => return counted_taken_back(db, told, &payment, (today, now)).await,
        // Its reversal took the money out of the books, before such money went to suspense.
        payments::REVERSED => payments::CHARGED_BACK,
        payments::INITIATED => payments::RETURNED,
        payments::RETURNED | payments::CHARGED_BACK => return Ok(false),
        _ => return Err(wrong(told, "/type", "the payment has ended otherwise")),
    };
    payments::set_state(db, &payment.id, status, &today.to_string()).await?;
    Ok(true)
}

/// What of a loan's payment the payer's bank took back in parts, in minor units.
#[must_use]
pub fn taken_in_parts(loan: &Loan, payment: &str) -> i64 {
    let parts = loan.records().iter().filter_map(|record| match &record.event {
        Event::PartlyTakenBack { amount, payment: of } if of == payment => Some(amount.minor()),
        _ => None,
    });
    parts.sum()
}

/// A payment that counts was taken back, or a part of what is left of it.
async fn counted_taken_back(
    db: &mut Connection,
    told: &Told<'_>,
    payment: &payments::Row,
    (today, now): When<'_>,
) -> Result<bool, Problem> {
    let row = loan_of(db, &payment.loan).await?;
    let mut loan = booking::load(db, &row).await?;
    let left = payment.amount.saturating_sub(taken_in_parts(&loan, &payment.id));
    let (amount, id) = (told.amount, payment.id.clone());
    if amount.is_zero() || amount.minor() > left || payment.currency != told.currency.code() {
        return Err(wrong(
            told,
            "/data/amount",
            "not the amount of what it is about, nor a part of what is left of it",
        ));
    }
    if amount.minor() < left {
        let event = Event::PartlyTakenBack { amount, payment: id };
        booking::record(db, &row.id, &mut loan, event, today, now).await?;
        return Ok(true);
    }
    let (event, status) = match payment.status.as_str() {
        payments::RECEIVED => (Event::Returned { payment: id }, payments::RETURNED),
        _ => (Event::ChargedBack { payment: id }, payments::CHARGED_BACK),
    };
    booking::record(db, &row.id, &mut loan, event, today, now).await?;
    payments::set_state(db, &payment.id, status, &today.to_string()).await?;
    Ok(true)
}

/// Money of an unknown payer was taken back while it waited.
async fn suspense_taken_back(db: &mut Connection, told: &Told<'_>, (today, now): When<'_>) -> Result<bool, Problem> {
    let Some(receipt) = suspense::of_transfer(db, told.id).await? else {
        return Err(wrong(told, "/data/reference", "no such payment"));
    };
    check_amount(told, receipt.amount, &receipt.currency)?;
    match receipt.outcome.as_deref() {
        Some("taken_back") => return Ok(false),
        Some(_) => return Err(wrong(told, "/type", "this money is not here any more")),
        None => {}
    }
    let out = pay_backs::Direction::Out;
    pay_backs::move_suspense(db, receipt.amount, &receipt.currency, out, "taken_back", (today, now)).await?;
    let matched = suspense::Match {
        entry: &receipt.entry,
        outcome: "taken_back",
        loan: None,
        payment: None,
        decided_by: "provider",
        decided: now,
    };
    suspense::insert_match(db, &matched).await?;
    // The money is gone, and with it what the payer's words were kept for.
    suspense::empty_reference(db, &receipt.entry, None).await?;
    Ok(true)
}

/// How the provider says that a payout, or a pay-back, went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Went {
    /// Whoever was to be paid has the money.
    Settled,
    /// It never arrived.
    Failed,
    /// It arrived and was given back.
    Returned,
}

/// A payout or a pay-back ended.
///
/// # Errors
/// 422 for one that is not known, has another amount or ended otherwise.
pub async fn payout_ended(
    app: &App,
    db: &mut Connection,
    told: &Told<'_>,
    went: Went,
    (today, now): When<'_>,
) -> Result<bool, Problem> {
    let Some(payout) = payments::find_payout(db, told.reference).await? else {
        let Some(pay_back) = stored_pay_backs::find(db, told.reference).await? else {
            return Err(wrong(told, "/data/reference", "no such payout"));
        };
        check_amount(told, pay_back.amount, &pay_back.currency)?;
        return pay_backs::ended(db, &pay_back, told.id, went == Went::Settled, (today, now)).await;
    };
    check_amount(told, payout.amount, &payout.currency)?;
    let status = match went {
        Went::Settled => "settled",
        Went::Failed => "failed",
        Went::Returned => "returned",
    };
    let under_way = matches!(payout.status.as_str(), "requested" | "sent");
    let fits = match went {
        // One that came back and is to be sent again may fail then; one that came back and waits cannot.
        Went::Settled | Went::Failed => under_way,
        Went::Returned => payout.status == "settled",
    };
    if !fits {
        let known = payout.status == status;
        return if known { Ok(false) } else { Err(wrong(told, "/type", "the payout has ended otherwise")) };
    }
    let row = loan_of(db, &payout.loan).await?;
    let mut loan = booking::load(db, &row).await?;
    let value_date = repayments::paid_out_from(told.id, told.value_date, &loan, today)?;
    let event = match went {
        Went::Settled => Event::PayoutSettled { value_date },
        Went::Failed => Event::PayoutFailed { value_date },
        Went::Returned => Event::PayoutReturned { value_date },
    };
    booking::record(db, &row.id, &mut loan, event, today, now).await?;
    let counted = value_date.to_string();
    payments::set_payout(db, &payout.id, status, Some(&counted), Some(told.id)).await?;
    let happened = if went == Went::Settled { EventType::PayoutSettled } else { EventType::PayoutFailed };
    tell_merchant(db, &row, &payout, happened, (&counted, now)).await?;
    if went == Went::Failed {
        never_lent(app, db, &row, &mut loan, (today, now)).await?;
    }
    Ok(true)
}

async fn tell_merchant(
    db: &mut Connection,
    row: &loans::Row,
    payout: &payments::PayoutRow,
    happened: EventType,
    (value_date, now): (&str, &str),
) -> Result<(), Problem> {
    let news = serde_json::json!({ "payout_id": payout.id, "loan_id": row.id, "checkout_id": row.checkout,
        "amount": payout.amount, "currency": payout.currency, "value_date": value_date });
    merchant_webhooks::emit(db, &*row.merchant, happened, &news, now).await
}

/// What follows where a loan's payout failed for good: its refunds are undone, and where it is a capture, its order has
/// not captured it.
async fn never_lent(
    app: &App,
    db: &mut Connection,
    row: &loans::Row,
    loan: &mut Loan,
    when: When<'_>,
) -> Result<(), Problem> {
    refunds::undo_all(db, &row.id, loan, when).await?;
    orders::capture_failed(app, db, row, when).await
}

/// Money that belongs to no loan is booked all the same.
///
/// # Errors
/// 500 when the database fails.
pub async fn suspend(app: &App, db: &mut Connection, told: &Told<'_>, when: When<'_>) -> Result<(), Problem> {
    suspend_as(app, db, told, "received_unknown", when).await
}

/// Money that a reversal took out of a loan is still here: it waits in suspense, from its own value date.
///
/// # Errors
/// 500 when the database fails.
pub async fn back_to_suspense(
    app: &App,
    db: &mut Connection,
    payment: &payments::Row,
    transfer: &str,
    when: When<'_>,
) -> Result<(), Problem> {
    const EVENT: &str = "reversed_to_suspense";
    if let Some(receipt) = suspense::of_transfer(db, transfer).await? {
        let back = pay_backs::Direction::In;
        pay_backs::move_suspense(db, payment.amount, &payment.currency, back, EVENT, when).await?;
        return Ok(suspense::unmatch(db, &receipt.entry).await?);
    }
    let value_date = payment.value_date.as_deref().unwrap_or_default();
    let told = Told {
        id: transfer,
        reference: &payment.id,
        amount: Amount::new(payment.amount).map_err(Problem::internal)?,
        currency: Currency::parse(&payment.currency).map_err(Problem::internal)?,
        value_date: Date::parse(value_date).map_err(Problem::internal)?,
    };
    suspend_as(app, db, &told, EVENT, when).await
}

async fn suspend_as(
    app: &App,
    db: &mut Connection,
    told: &Told<'_>,
    event: &'static str,
    (today, now): When<'_>,
) -> Result<(), Problem> {
    let transfer = Transfer::new(Account::Cash, Account::Suspense, told.amount).map_err(Problem::internal)?;
    let entry = Entry::new(today, told.currency, event, vec![transfer]).map_err(Problem::internal)?;
    let entry = booking::post(db, journal::SUSPENSE_CHAIN, entry, now).await?;
    let kept = told.reference.floor_char_boundary(REFERENCE_BYTES_MAX);
    let reference = told.reference.get(..kept).unwrap_or_default();
    let receipt = suspense::Row {
        reference_sealed: app.vault.seal_reference(&entry, reference.as_bytes()),
        reference_record: None,
        entry,
        transfer: told.id.to_owned(),
        amount: told.amount.minor(),
        currency: told.currency.code().to_owned(),
        value_date: told.value_date.to_string(),
        received: now.to_owned(),
        outcome: None,
        loan: None,
        payment: None,
    };
    Ok(suspense::insert(db, &receipt).await?)
}

/// What one of the lender's people decides of a payout that was returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PayoutDecision)]
pub enum Payout {
    /// It is sent again.
    Resend,
    /// It is given up: nothing was lent.
    GiveUp,
}

/// Sends a payout again that was returned, or gives it up; gives its state.
///
/// # Errors
/// 409 for a payout that was not returned.
pub async fn decide_payout(
    app: &App,
    db: &mut Connection,
    row: &loans::Row,
    decided: Payout,
    (today, now): When<'_>,
) -> Result<&'static str, Problem> {
    let payout = payments::payout_of_loan(db, &row.id).await?.filter(|payout| payout.status == "returned");
    let payout =
        payout.ok_or_else(|| Problem::new(Kind::WrongState, "only a payout that was returned can be decided"))?;
    if decided == Payout::Resend {
        payments::set_payout(db, &payout.id, "requested", None, None).await?;
        let instruction = booking::Instruction {
            reference: &payout.id,
            amount: payout.amount,
            currency: &payout.currency,
            value_date: today.to_string(),
        };
        crate::outbox::add(db, crate::outbox::PAYOUTS, &payout.id, &instruction, now).await?;
        return Ok("requested");
    }
    let mut loan = booking::load(db, row).await?;
    let event = Event::PayoutFailed { value_date: today };
    booking::record_decided(db, &row.id, &mut loan, event, today, now).await?;
    payments::set_payout(db, &payout.id, "failed", Some(&today.to_string()), None).await?;
    tell_merchant(db, row, &payout, EventType::PayoutFailed, (&today.to_string(), now)).await?;
    never_lent(app, db, row, &mut loan, (today, now)).await?;
    Ok("failed")
}
