//! A loan after disbursement: the fold of its dated events.
//!
//! [`account`] takes terms, events and a date and gives balances, what is overdue, the schedule as it
//! now stands and how each repayment was applied. It keeps nothing: the same events give the same state,
//! and an event that is reversed leaves no trace.
//!
//! The rules (all of them the contract's, none configurable yet):
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

use serde::Serialize;

use crate::{
    calendar::Date,
    credit::{CreditError, EVENTS_MAX, Terms, loan::Loan, plan::Plan},
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

/// Something that happened to the loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A name by which a reversal can refer to it.
    pub id: Option<String>,
    /// Its value date.
    pub date: Date,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to the loan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Money was received.
    Repayment(Amount),
    /// The event of that id is undone as if it had never been.
    Reversal {
        /// The id of the event undone.
        of: String,
    },
}

/// How a repayment was applied; the parts and the excess add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Allocation {
    /// The repayment's place in the list of events, counted from 0.
    pub event: usize,
    /// What it paid.
    #[serde(flatten)]
    pub parts: Parts,
    /// What exceeded the whole debt.
    pub excess: Amount,
}

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
}

impl AccountState {
    /// Whether nothing is owed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.balance == Parts::default()
    }
}

/// The state of a loan on a day.
///
/// Events apply by date, then in list order.
///
/// # Errors
/// What [`schedule`] refuses; events before the start or after `date`; reversals of nothing.
pub fn account(terms: &Terms, events: &[Event], date: Date) -> Result<AccountState, CreditError> {
    if date < terms.start {
        return Err(CreditError::DateBeforeStart(date));
    }
    let plan = Plan::new(terms)?;
    let mut loan = Loan::new(&plan)?;
    for (index, event) in in_force(events, terms.start, date)? {
        if let EventKind::Repayment(amount) = event.kind {
            loan.accrue(event.date)?;
            loan.repay(index, event.date, amount)?;
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
            EventKind::Repayment(_) => kept.push((index, event)),
            EventKind::Reversal { of } => {
                let place = kept.iter().position(|(_, earlier)| earlier.id.as_ref() == Some(of));
                kept.remove(place.ok_or_else(|| CreditError::UnknownReversal(of.clone()))?);
            }
        }
    }
    Ok(kept)
}
