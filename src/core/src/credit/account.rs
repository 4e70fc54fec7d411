//! A loan after disbursement: the fold of its dated events.
//!
//! [`account`] takes terms, events and a date and gives balances, what is overdue, the schedule as it
//! now stands and how each repayment was applied. It keeps nothing: the same events give the same state,
//! and an event that is reversed leaves no trace.
//!
//! The rules where [`Rules`] say nothing else:
//! - Interest accrues day by day on the principal really outstanding. A period split by an event is
//!   rounded segment by segment, then added. An unfinished period of a 30-day count earns its full interest
//!   times actual days elapsed over actual days in the period.
//! - On its due date an instalment closes: its interest is what has accrued, its principal is what the
//!   level leaves, the last takes all that is left.
//! - A repayment goes to what is past due, then to what falls due that day, then in advance; within
//!   each to penalty, fee, interest, principal.
//! - In advance, instalments are paid one after another: interest accrued so far, then principal up to
//!   the level. One that is paid in full closes early; interest from then on belongs to the next.
//! - Fees are those of the signed schedule and are owed in full, also when the loan is settled early.
//! - What exceeds the whole debt is unapplied: a credit balance.
//!
//! Beyond repayments:
//! - A draw, a prepayment that lowers the instalment, a proportional refund and a change of the rate spread
//!   the principal left anew over the instalments left: a level by what is left of the period as its first,
//!   with interest accrued before on top of the first instalment; equal shares as in the schedule.
//! - A prepayment that shortens the term leaves the instalments as high; the last ones come to nothing.
//! - A refund reduces principal, last instalments first, first instalments first or in proportion.
//! - A penalty counts actual days and is rounded for each instalment and segment between due dates and events.

use serde::Serialize;

use crate::{
    calendar::Date,
    credit::{CreditError, EVENTS_MAX, Event, EventKind, Rules, Terms, caps::ChargeKind, loan::Loan, plan::Plan},
    money::{Amount, MoneyError},
};

/// A debt or a payment in its parts, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Principal.
    pub principal: Amount,
    /// Contract interest.
    pub interest: Amount,
    /// Fees.
    pub fee: Amount,
    /// Penalties for being late.
    pub penalty: Amount,
}

impl Parts {
    /// The sum of the parts.
    ///
    /// # Errors
    /// `amount_out_of_range`.
    pub fn total(&self) -> Result<Amount, MoneyError> {
        Amount::sum([self.principal, self.interest, self.fee, self.penalty])
    }

    pub(super) fn plus(&self, other: &Self) -> Result<Self, MoneyError> {
        Ok(Self {
            principal: self.principal.checked_add(other.principal)?,
            interest: self.interest.checked_add(other.interest)?,
            fee: self.fee.checked_add(other.fee)?,
            penalty: self.penalty.checked_add(other.penalty)?,
        })
    }
}

/// How money was applied: parts and excess add up to what came in and what was credited with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Allocation {
    /// The event's place in the list of events, counted from 0.
    pub event: usize,
    /// What it paid.
    #[serde(flatten)]
    pub parts: Parts,
    /// What exceeded the whole debt, or is kept until the next due date.
    pub excess: Amount,
    /// Interest or fees paid before and given back with the event: applied as money is.
    #[serde(skip_serializing_if = "Amount::is_zero_ref")]
    pub credited: Amount,
}

/// A charge that was not posted, or not in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotCharged {
    /// The day on which it would have been posted.
    pub date: Date,
    /// What would have been charged.
    pub charge: ChargeKind,
    /// How much was not.
    pub amount: Amount,
    /// The cap in the way: its id, `contract` for the contract's own ceiling, or
    /// [`LATE_FEE_PYRAMIDING`].
    pub cap: String,
}

/// The name of the refusal to charge a late fee on a payment that is short only through an earlier late
/// fee (16 CFR 444.4).
pub const LATE_FEE_PYRAMIDING: &str = "late_fee_pyramiding";

/// Where an instalment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallmentStatus {
    /// Nothing of it is owed any more.
    Paid,
    /// Paid in part, not yet due.
    PartlyPaid,
    /// Due on the day asked.
    Due,
    /// Due before the day asked and not paid in full.
    Overdue,
    /// Not yet due.
    Upcoming,
}

/// An instalment as it now stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountInstallment {
    /// 1, 2, 3 …
    pub number: u16,
    /// The day on which it falls due.
    pub due: Date,
    /// What it comes to: accrued where its due date has passed, else expected.
    pub owed: Parts,
    /// What has been paid of it.
    pub paid: Parts,
    /// Principal left after it.
    pub balance: Amount,
    /// Where it stands.
    pub status: InstallmentStatus,
}

/// A loan on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// The day.
    pub date: Date,
    /// What settles the loan on that day, interest counted to the day.
    pub balance: Parts,
    /// What is past due.
    pub overdue: Parts,
    /// Money received beyond the debt, to be paid back.
    pub unapplied: Amount,
    /// The schedule as it now stands: what is overdue is taken to stay so, what falls due later to be
    /// paid when due.
    pub installments: Vec<AccountInstallment>,
    /// How each repayment in force was applied.
    pub allocations: Vec<Allocation>,
    /// The next due date on which something is owed, and how much.
    pub next_due: Option<(Date, Amount)>,
    /// Interest counted to the next due date rather than to the day.
    pub interest_to_next_due: Amount,
    /// Charges that were not posted, or not in full.
    pub not_charged: Vec<NotCharged>,
    /// The fee that settling on this day would cost.
    pub prepayment_fee: Amount,
    /// Unpaid fees of the balance that settling on this day would drop.
    pub fee_dropped: Amount,
    /// Paid fees that settling on this day would give back.
    pub fee_credit: Amount,
}

impl AccountState {
    /// Whether nothing is owed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.balance == Parts::default()
    }
}

/// The state of a loan on a day, by the default rules.
///
/// Events apply by date, then in list order.
///
/// # Errors
/// What [`super::schedule`] refuses; events before the start or after `date`; reversals of nothing; refunds
/// above what was lent; draws after the last due date.
pub fn account(terms: &Terms, events: &[Event], date: Date) -> Result<AccountState, CreditError> {
    account_by(terms, &Rules::default(), events, date)
}

/// The state of a loan on a day, by its rules.
///
/// # Errors
/// As [`account`], and rules that contradict each other.
pub fn account_by(terms: &Terms, rules: &Rules, events: &[Event], date: Date) -> Result<AccountState, CreditError> {
    if date < terms.start {
        return Err(CreditError::DateBeforeStart(date));
    }
    let plan = Plan::new(terms)?;
    let mut loan = Loan::new(&plan, rules)?;
    for (index, event) in in_force(events, terms.start, date)? {
        loan.accrue(event.date)?;
        match &event.kind {
            EventKind::Repayment(amount) => loan.repay(index, event.date, *amount)?,
            EventKind::Draw(amount) => loan.draw(event.date, *amount)?,
            EventKind::Prepayment { amount, effect } => loan.prepay(index, event.date, *amount, *effect)?,
            EventKind::Refund { amount, order } => loan.refund(index, event.date, *amount, *order)?,
            EventKind::RateChange { rate, keep_installment } => {
                loan.change_rate(event.date, rate, *keep_installment)?;
            }
            EventKind::Withdrawal => loan.withdraw(index, event.date)?,
            // What it undoes has been left out already.
            EventKind::Reversal { .. } => {}
        }
    }
    loan.state(date)
}

/// The events that count, in the order in which they apply.
fn in_force(events: &[Event], start: Date, date: Date) -> Result<Vec<(usize, &Event)>, CreditError> {
    if events.len() > EVENTS_MAX {
        return Err(CreditError::TooMany { what: "events", max: EVENTS_MAX });
    }
    if let Some(event) = events.iter().find(|event| event.date < start || event.date > date) {
        return Err(CreditError::EventOutOfRange(event.date));
    }
    let mut ids: Vec<&String> = events.iter().filter_map(|event| event.id.as_ref()).collect();
    ids.sort_unstable();
    if let Some([twice, _]) = ids.array_windows().find(|[one, other]| one == other) {
        return Err(CreditError::DuplicateEvent((*twice).clone()));
    }
    let mut order: Vec<(usize, &Event)> = events.iter().enumerate().collect();
    order.sort_by_key(|(_, event)| event.date);
    let mut kept: Vec<(usize, &Event)> = Vec::with_capacity(order.len());
    for (index, event) in order {
        match &event.kind {
            EventKind::Reversal { of } => {
                let place = kept.iter().position(|(_, earlier)| earlier.id.as_ref() == Some(of));
                kept.remove(place.ok_or_else(|| CreditError::UnknownReversal(of.clone()))?);
            }
            _ => kept.push((index, event)),
        }
    }
    Ok(kept)
}
