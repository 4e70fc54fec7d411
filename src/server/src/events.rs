//! What the lender's people tell of a loan: the events that they may decide, and what each needs beside the ledger.

use prequal_core::{
    calendar::{Date, DayCount, Instant},
    credit::{Effect, Rate, Terms},
    decimal::Decimal,
    money::Amount,
};
use prequal_ledger::{
    Confirmation, ConfirmationMethod, Event, LedgerError, Loan, NewSchedule, Record, Status, WaivedPart,
    loan::EVENTS_MAX,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::{App, new_id},
    booking,
    problem::{Kind, Problem},
    storage::{Connection, applications, loans, payments, suspense},
    transfers,
};

/// The longest name of a new owner of a loan, in bytes.
pub const OWNER_BYTES_MAX: usize = 64;

/// An event that one of the lender's people decides, by the ledger's names. Dates are `YYYY-MM-DD`, not after the
/// business date; amounts are minor units.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// Good money arrived that no notice of the provider told of; after a charge-off it is a recovery.
    Received {
        /// How much.
        #[schema(value_type = i64)]
        amount: Amount,
        /// From which day it counts.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// Good money arrived, to repay principal before its time.
    Prepaid {
        /// How much.
        #[schema(value_type = i64)]
        amount: Amount,
        /// From which day it counts.
        #[schema(value_type = String)]
        value_date: Date,
        /// `shorten_term` or `lower_installment`; the contract's rule where it is left out.
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        effect: Option<Effect>,
    },
    /// The lender pays for the borrower.
    GoodwillCredited {
        /// How much.
        #[schema(value_type = i64)]
        amount: Amount,
        /// From which day it counts.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// The lender gives up a part of what is owed.
    Waived {
        /// `penalty`, `fee`, `interest` or `principal`.
        #[schema(value_type = String)]
        part: WaivedPart,
        /// How much.
        #[schema(value_type = i64)]
        amount: Amount,
        /// From which day.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// A part of the debt is disputed: it costs no penalty and is not collected. The answer's event names the dispute.
    Disputed {
        /// How much.
        #[schema(value_type = i64)]
        amount: Amount,
        /// From which day.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// A dispute is over.
    DisputeResolved {
        /// The dispute.
        dispute: String,
        /// From which day.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// A loan of which nothing is past due has another schedule: a new due day, a longer term, a payment holiday.
    Rescheduled {
        /// From which day.
        #[schema(value_type = String)]
        value_date: Date,
        /// The first due date.
        #[schema(value_type = String)]
        first_due: Date,
        /// How many instalments.
        count: u16,
    },
    /// A loan in arrears has another schedule; its original age is kept.
    ReAged {
        /// From which day.
        #[schema(value_type = String)]
        value_date: Date,
        /// The first due date.
        #[schema(value_type = String)]
        first_due: Date,
        /// How many instalments.
        count: u16,
    },
    /// Interest runs at another rate from the next day on.
    RateChanged {
        /// The day.
        #[schema(value_type = String)]
        value_date: Date,
        /// Per cent a year, by the contract's count of days.
        #[schema(value_type = String)]
        annual_percent: Decimal,
        /// Whether the level instalment stays.
        #[serde(default)]
        keep_installment: bool,
        /// The shopper's, without which no rate above the signed one is taken. No rate is taken above what the law allows.
        #[serde(default)]
        confirmation: Option<Confirmed>,
    },
    /// The shopper withdrew within the legal period, by a letter for one: what counts is the day of the declaration.
    Withdrawn {
        /// The day on which the shopper declared it.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// The loan is given up: what is owed is a loss.
    ChargedOff {
        /// The day.
        #[schema(value_type = String)]
        value_date: Date,
    },
    /// The loan was sold.
    Transferred {
        /// The day.
        #[schema(value_type = String)]
        value_date: Date,
        /// The new owner's id: letters, digits, `-`, `_` and `.`; no person's name.
        owner: String,
        /// What the new owner paid.
        #[schema(value_type = i64)]
        price: Amount,
    },
    /// Money collected for the new owner was sent there.
    Remitted {
        /// How much.
        #[schema(value_type = i64)]
        amount: Amount,
    },
    /// The loan is paid and cleared, and its file is closed.
    Closed,
    /// An earlier event is undone as if it had never been. Money that the provider told of is still here: it waits in
    /// suspense, to be matched to its loan or sent back.
    Reversed {
        /// Its number among the loan's events.
        number: u32,
    },
}

/// The evidence of a confirmation.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirmed {
    /// `signed_document`, `electronic_signature`, `one_time_code` or `recorded_call`.
    #[schema(value_type = String)]
    method: ConfirmationMethod,
    /// When, RFC 3339; not in the future.
    #[schema(value_type = String)]
    at: Instant,
    /// Under which id the evidence is kept: 1 to 64 letters, digits, `-`, `_` and `.`; no person's name.
    reference: String,
}

impl Told {
    /// The ledger's event.
    ///
    /// # Errors
    /// 422 with a pointer to what cannot be.
    pub fn event(&self, loan: &Loan, today: Date) -> Result<Event, Problem> {
        let event = self.as_event(loan)?;
        if event.value_date().is_some_and(|value_date| value_date > today) {
            return Err(wrong("/event/value_date", format!("a value date is not after the business date, `{today}`")));
        }
        if self.amount().is_some_and(Amount::is_zero) {
            return Err(wrong("/event/amount", "it is more than nothing".to_owned()));
        }
        if let Event::Reversed { number } = event {
            may_be_reversed(loan, number)?;
        }
        Ok(event)
    }

    const fn amount(&self) -> Option<Amount> {
        match self {
            Self::Received { amount, .. }
            | Self::Prepaid { amount, .. }
            | Self::GoodwillCredited { amount, .. }
            | Self::Waived { amount, .. }
            | Self::Disputed { amount, .. }
            | Self::Remitted { amount } => Some(*amount),
            _ => None,
        }
    }

    fn as_event(&self, loan: &Loan) -> Result<Event, Problem> {
        Ok(match self.clone() {
            Self::Received { amount, value_date } => Event::Received { amount, payment: new_id(), value_date },
            Self::Prepaid { amount, value_date, effect } => {
                Event::Prepaid { amount, payment: new_id(), value_date, effect }
            }
            Self::GoodwillCredited { amount, value_date } => Event::GoodwillCredited { amount, value_date },
            Self::Waived { part, amount, value_date } => Event::Waived { part, amount, value_date },
            Self::Disputed { amount, value_date } => Event::Disputed { dispute: new_id(), amount, value_date },
            Self::DisputeResolved { dispute, value_date } => Event::DisputeResolved { dispute, value_date },
            Self::Rescheduled { value_date, first_due, count } => {
                Event::Rescheduled { value_date, schedule: NewSchedule::new(first_due, count) }
            }
            Self::ReAged { value_date, first_due, count } => {
                Event::ReAged { value_date, schedule: NewSchedule::new(first_due, count) }
            }
            Self::RateChanged { value_date, annual_percent, keep_installment, confirmation } => {
                let Some(before) = loan.contract().terms().rate else {
                    return Err(wrong("/event/annual_percent", "this contract bears no interest".to_owned()));
                };
                let day_count = before.day_count.or(Some(DayCount::Actual365));
                let rate = Rate { percent: annual_percent, daily: false, day_count, ..before };
                let confirmation = confirmation.map(Confirmed::checked).transpose()?;
                Event::RateChanged { value_date, rate, keep_installment, confirmation }
            }
            Self::Withdrawn { value_date } => Event::Withdrawn { value_date },
            Self::ChargedOff { value_date } => Event::ChargedOff { value_date },
            Self::Transferred { value_date, owner, price } => {
                if !is_plain(&owner) {
                    let detail = format!("an owner's id is 1 to {OWNER_BYTES_MAX} letters, digits, `-`, `_` or `.`");
                    return Err(wrong("/event/owner", detail));
                }
                Event::Transferred { value_date, owner, price }
            }
            Self::Remitted { amount } => Event::Remitted { amount },
            Self::Closed => Event::Closed,
            Self::Reversed { number } => Event::Reversed { number },
        })
    }
}

impl Confirmed {
    fn checked(self) -> Result<Confirmation, Problem> {
        let Self { method, at, reference } = self;
        if !is_plain(&reference) {
            let detail = format!("a reference is 1 to {OWNER_BYTES_MAX} letters, digits, `-`, `_` or `.`");
            return Err(wrong("/event/confirmation/reference", detail));
        }
        Ok(Confirmation { method, at, reference })
    }
}

/// Whether a text is an id that can hold no person's name.
fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !id.is_empty() && id.len() <= OWNER_BYTES_MAX && id.bytes().all(plain)
}

fn wrong(pointer: &str, detail: String) -> Problem {
    Problem::new(Kind::InvalidValue, detail).with("pointer", pointer)
}

/// What happened to money outside is undone by who holds it, never by a decision here.
fn may_be_reversed(loan: &Loan, number: u32) -> Result<(), Problem> {
    let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let record = place.and_then(|place| loan.records().get(place));
    match record.map(|record| &record.event) {
        Some(
            Event::Booked
            | Event::PayoutSettled { .. }
            | Event::PayoutFailed { .. }
            | Event::PayoutReturned { .. }
            | Event::Initiated { .. }
            | Event::Collected { .. }
            | Event::Cleared { .. }
            | Event::Returned { .. }
            | Event::ChargedBack { .. }
            | Event::PartlyTakenBack { .. }
            | Event::PaidBack { .. },
        ) => Err(not_by_reversal(
            "a booking, a payout, a pay-back, and what the provider told of a debit or a chargeback are undone by the \
             provider's notice of them, not by a reversal",
        )),
        Some(Event::Reversed { number: target }) => may_be_reversed(loan, *target),
        _ => Ok(()),
    }
}

fn not_by_reversal(detail: &str) -> Problem {
    Problem::new(Kind::EventRefused, detail).with("pointer", "/event/number")
}

/// Refuses to bring money back by a reversal that is not here any more: since it counted for nothing it waits in
/// suspense, went elsewhere from there, or was taken back by the payer's bank.
///
/// # Errors
/// 422 saying what to do instead; 500 when the database fails.
pub async fn check_reversal(db: &mut Connection, loan: &Loan, event: &Event, today: Date) -> Result<(), Problem> {
    let mut reversed = loan.clone();
    // What the ledger itself refuses is told by it.
    if !matches!(event, Event::Reversed { .. }) || reversed.record(event.clone(), today).is_err() {
        return Ok(());
    }
    let before = states(loan);
    for change in states(&reversed) {
        if change.1 == payments::REVERSED || before.contains(&change) {
            continue;
        }
        let Some(payment) = payments::find(db, change.0).await? else { continue };
        let Some(transfer) = &payment.transfer else { continue };
        if payment.status == payments::CHARGED_BACK {
            return Err(not_by_reversal("this money was taken back by the payer's bank and cannot count again"));
        }
        let receipt = suspense::of_transfer(db, transfer).await?;
        // Until it was moved to suspense by every reversal, it may stand there as matched to this very payment.
        if receipt.is_some_and(|receipt| receipt.payment.as_ref() != Some(&payment.id)) {
            return Err(not_by_reversal("this money is in suspense since it was reversed: match it from there"));
        }
    }
    Ok(())
}

/// What an event needs beside the loan's books: money that came is a payment, and a payment stands as its events say.
///
/// # Errors
/// 500 when the database fails.
pub async fn follow(
    app: &App,
    db: &mut Connection,
    row: &loans::Row,
    loan: &Loan,
    event: &Event,
    (today, now): (Date, &str),
) -> Result<(), Problem> {
    match event {
        Event::Received { amount, payment, value_date } | Event::Prepaid { amount, payment, value_date, .. } => {
            let payment = payments::Row {
                id: payment.clone(),
                loan: row.id.clone(),
                amount: amount.minor(),
                currency: row.currency.clone(),
                status: payments::CLEARED.to_owned(),
                value_date: Some(value_date.to_string()),
                transfer: None,
                created: now.to_owned(),
                booked: Some(today.to_string()),
            };
            Ok(payments::insert(db, &payment).await?)
        }
        Event::Reversed { .. } => {
            for (payment, status) in states(loan) {
                if status == payments::REVERSED
                    && let Some(stored) = payments::find(db, payment).await?
                    && stored.status == payments::CLEARED
                    && let Some(transfer) = &stored.transfer
                {
                    transfers::back_to_suspense(app, db, &stored, transfer, (today, now)).await?;
                }
                payments::set_state(db, payment, status, &today.to_string()).await?;
            }
            crate::refunds::settle_claims(db, loan, (today, now)).await
        }
        _ => Ok(()),
    }
}

/// How each payment of a loan stands by the events that are in force, in their order.
fn states(loan: &Loan) -> Vec<(&str, &'static str)> {
    let mut states: Vec<(&str, &'static str)> = Vec::new();
    for (record, in_force) in loan.records().iter().zip(loan.in_force()) {
        let (payment, status) = match &record.event {
            Event::Received { payment, .. } | Event::Prepaid { payment, .. } | Event::Cleared { payment } => {
                (payment, payments::CLEARED)
            }
            Event::Collected { payment, .. } => (payment, payments::RECEIVED),
            Event::Returned { payment } => (payment, payments::RETURNED),
            Event::ChargedBack { payment } => (payment, payments::CHARGED_BACK),
            _ => continue,
        };
        let known = states.iter().position(|(id, _)| id == payment);
        match (known.and_then(|place| states.get_mut(place)), in_force) {
            (Some(state), true) => state.1 = status,
            (Some(_), false) => {}
            (None, true) => states.push((payment, status)),
            (None, false) => states.push((payment, payments::REVERSED)),
        }
    }
    states
}

/// What a loan must be for an event to have its meaning, beyond what the ledger itself refuses.
///
/// # Errors
/// 409.
pub fn check_state(loan: &Loan, event: &Event, today: Date) -> Result<(), Problem> {
    // The ledger keeps room for money beyond this, and a decision must not use it up.
    if loan.records().len() >= EVENTS_MAX {
        return Err(booking::refused(LedgerError::TooManyEvents));
    }
    if loan.status() == Status::Cancelled && !matches!(event, Event::Reversed { .. } | Event::Received { .. }) {
        return Err(Problem::new(Kind::WrongState, "this loan was never paid out"));
    }
    if let Event::Withdrawn { value_date } = event {
        let is_withdrawal =
            |(record, in_force): (&Record, bool)| in_force && matches!(record.event, Event::Withdrawn { .. });
        if loan.records().iter().zip(loan.in_force()).any(is_withdrawal) {
            return Err(Problem::new(Kind::WrongState, "this contract was withdrawn from before"));
        }
        if *value_date < loan.contract().terms().start {
            return Err(wrong("/event/value_date", "nobody withdraws from a contract before it begins".to_owned()));
        }
    }
    if matches!(event, Event::ChargedOff { .. } | Event::Transferred { .. }) {
        // Until the merchant has the money the payout may still fail, and then nothing was lent that could be lost or sold.
        if loan.position().paid_out.is_zero() && !loan.contract().payout().is_zero() {
            return Err(Problem::new(Kind::WrongState, "only a loan that is paid out can be charged off or sold"));
        }
        let owed = loan.owed(today).and_then(|owed| Ok(owed.total()?)).map_err(Problem::internal)?;
        if owed.is_zero() {
            return Err(Problem::new(Kind::WrongState, "nothing is owed that could be charged off or sold"));
        }
    }
    Ok(())
}

/// A rate above the one that was signed: only as the shopper confirmed it, and as the law by which the offer was made
/// allows it for the whole contract.
///
/// # Errors
/// 422 with what is missing or with the ceiling.
pub async fn check_rate(
    app: &App,
    db: &mut Connection,
    row: &loans::Row,
    (loan, event): (&Loan, &Event),
    now: Instant,
) -> Result<(), Problem> {
    let Event::RateChanged { rate, confirmation, .. } = event else { return Ok(()) };
    if confirmation.as_ref().is_some_and(|confirmation| confirmation.at > now) {
        return Err(wrong("/event/confirmation/at", "nothing was confirmed in the future".to_owned()));
    }
    let signed = loan.contract().terms();
    if signed.rate.is_some_and(|signed| !is_above(rate, &signed)) {
        return Ok(());
    }
    let application = applications::find(db, &row.application).await?;
    let policies = &app.settings.policies;
    let policy = application.and_then(|application| policies.known(&application.bundle_hash));
    let policy = policy.unwrap_or(policies.active());
    let terms = Terms { rate: Some(*rate), ..signed.clone() };
    // Terms that are past all arithmetic have no annual rate, and no law allows them.
    let Ok(broken) = policy.broken_cap(&terms, loan.contract().rules()) else {
        let detail = "at this rate the contract has no annual rate that could be compared with the law's ceilings";
        return Err(Problem::new(Kind::RateAboveCap, detail).with("pointer", "/event/annual_percent"));
    };
    if let Some(finding) = broken {
        let detail = format!("at this rate the contract would cost more than `{}` allows", finding.cap);
        return Err(Problem::new(Kind::RateAboveCap, detail)
            .with("pointer", "/event/annual_percent")
            .with("cap", finding.cap));
    }
    if confirmation.is_none() {
        let detail = "it is above the rate that was signed, and no confirmation of the shopper's is told";
        return Err(Problem::new(Kind::RateUnconfirmed, detail).with("pointer", "/event/confirmation"));
    }
    Ok(())
}

/// Whether a rate is above another; one by the day is taken for as many days as its year has.
fn is_above(rate: &Rate, signed: &Rate) -> bool {
    let a_year = |rate: &Rate| {
        let days = match rate.day_count {
            _ if !rate.daily => 1,
            Some(DayCount::Thirty360 | DayCount::Thirty360European | DayCount::Actual360) => 360,
            Some(DayCount::Actual364) => 364,
            _ => 365,
        };
        (i128::from(rate.percent.mantissa()) * days, i128::from(rate.percent.denominator()))
    };
    let ((new, of_new), (old, of_old)) = (a_year(rate), a_year(signed));
    new.saturating_mul(of_old) > old.saturating_mul(of_new)
}
