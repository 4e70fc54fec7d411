//! The bill of a revolving line: what its loans ask for by a due day, the least of it that must be paid, and what becomes of
//! the rest.
//!
//! A purchase whose one payment falls due with the line's bill may be carried over: who pays at least the minimum by the
//! due day has until the next one for the rest, which bears interest at the line's rate: from the day after the due day, or,
//! where the line's conventions take the grace back with it, on all that stood from the statement or the purchase on.
//! Whoever pays all of it pays no interest: that is the grace. Instalments of other loans are asked in full.

use prequal_core::{
    calendar::{Billing, Cutoff, Date},
    credit::{InterestFrom, Line as Conventions, StatementLines, Terms},
    money::Amount,
};

use crate::{Event, LedgerError, Loan, NewSchedule, Status};

/// What a statement asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bill {
    /// By kind: what may be carried over, and all else.
    pub lines: StatementLines,
    /// Penalties for what is late, beside these lines.
    pub penalty: Amount,
    /// The least that must be paid.
    pub minimum: Amount,
    /// All of it.
    pub total: Amount,
}

/// Whether conventions can be kept by loans that are carried over.
///
/// # Errors
/// [`LedgerError::Line`] where a period has a least number of days; [`LedgerError::Credit`] where they contradict
/// themselves.
pub fn check(conventions: &Conventions) -> Result<(), LedgerError> {
    if !conventions.billing.is_valid() {
        return Err(LedgerError::Line("billing day and due day are days of a month"));
    }
    conventions.minimum_payment(&StatementLines::default())?;
    if conventions.rate.minimum_days > 0 || conventions.rate.percent.is_negative() {
        return Err(LedgerError::Line("interest is of the days that passed, at a rate that is not negative"));
    }
    Ok(())
}

/// Whether a purchase of these terms may be carried over: one payment, due with the line's bill.
#[must_use]
pub fn revolves(conventions: &Conventions, terms: &Terms) -> bool {
    terms.repayment.count == 1 && terms.repayment.billing == Some(conventions.billing)
}

/// The first billing day after a day.
///
/// # Errors
/// [`LedgerError::Credit`] beyond the calendar.
pub fn statement_after(billing: &Billing, day: Date) -> Result<Date, LedgerError> {
    let from = match billing.cutoff {
        Cutoff::Included => day.add_days(1).map_err(prequal_core::credit::CreditError::from)?,
        Cutoff::Next => day,
    };
    Ok(billing.statement(from).map_err(prequal_core::credit::CreditError::from)?)
}

/// When the statement of a billing day falls due.
///
/// # Errors
/// [`LedgerError::Credit`] beyond the calendar.
pub fn due_of(billing: &Billing, statement: Date) -> Result<Date, LedgerError> {
    let last_purchase = match billing.cutoff {
        Cutoff::Included => statement,
        Cutoff::Next => statement.add_days(-1).map_err(prequal_core::credit::CreditError::from)?,
    };
    Ok(billing.due(last_purchase, 0).map_err(prequal_core::credit::CreditError::from)?)
}

/// What a loan asks for by a due day and has not got, and whether any of it was due before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Asked {
    principal: Amount,
    interest: Amount,
    fee: Amount,
    penalty: Amount,
    was_late: bool,
}

impl Asked {
    fn of(loan: &Loan, as_of: Date, due: Date) -> Result<Self, LedgerError> {
        let mut asked = Self::default();
        if !matches!(loan.status(), Status::Disbursing | Status::Active) {
            return Ok(asked);
        }
        let state = loan.account(as_of)?;
        // Whatever bears a penalty was due before.
        asked.penalty = state.balance.penalty;
        for row in state.installments.iter().filter(|row| row.due <= due) {
            let principal = row.owed.principal.saturating_sub(row.paid.principal);
            let interest = row.owed.interest.saturating_sub(row.paid.interest);
            let fee = row.owed.fee.saturating_sub(row.paid.fee);
            asked.was_late |= row.due < due && !Amount::sum([principal, interest, fee])?.is_zero();
            asked.principal = asked.principal.checked_add(principal)?;
            asked.interest = asked.interest.checked_add(interest)?;
            asked.fee = asked.fee.checked_add(fee)?;
        }
        Ok(asked)
    }

    fn total(&self) -> Result<Amount, LedgerError> {
        Ok(Amount::sum([self.principal, self.interest, self.fee, self.penalty])?)
    }
}

/// The bill of a line's loans (each with whether it revolves) that falls due on a day, as it stands on another.
///
/// # Errors
/// [`LedgerError::Credit`], [`LedgerError::Money`].
pub fn bill<'a>(
    conventions: &Conventions,
    loans: impl IntoIterator<Item = (&'a Loan, bool)>,
    as_of: Date,
    due: Date,
) -> Result<Bill, LedgerError> {
    let mut lines = StatementLines::default();
    let mut penalty = Amount::ZERO;
    for (loan, revolves) in loans {
        let asked = Asked::of(loan, as_of, due)?;
        // What was late before is asked in full.
        let kind = if revolves && !asked.was_late { &mut lines.principal } else { &mut lines.installments };
        *kind = kind.checked_add(asked.principal)?;
        lines.interest = lines.interest.checked_add(asked.interest)?;
        lines.fee = lines.fee.checked_add(asked.fee)?;
        penalty = penalty.checked_add(asked.penalty)?;
    }
    let minimum = conventions.minimum_payment(&lines)?.checked_add(penalty)?;
    let total = Amount::sum([lines.principal, lines.installments, lines.interest, lines.fee, penalty])?;
    Ok(Bill { lines, penalty, minimum, total })
}

/// A statement's day, and when it falls due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The billing day.
    pub date: Date,
    /// The last day on which it may be paid without consequence.
    pub due: Date,
}

/// What carries the rest of a purchase over from a due day to the next one; nothing where all of it is paid, or where it
/// was late before. Where the grace is lost with it, the rest begins with the interest on what stood until the due day.
///
/// # Errors
/// As [`bill`].
pub fn carry_over(
    conventions: &Conventions,
    loan: &Loan,
    statement: Statement,
    next_due: Date,
) -> Result<Vec<Event>, LedgerError> {
    let asked = Asked::of(loan, statement.due, statement.due)?;
    if asked.total()?.is_zero() || asked.was_late {
        return Ok(Vec::new());
    }
    let interest = lost_grace(conventions, loan, statement)?;
    Ok(spread_with(conventions, statement.due, NewSchedule { first_due: next_due, count: 1, interest }))
}

/// What takes the grace back from a purchase of which not even the least was paid by the due day, where interest runs from
/// before it; nothing otherwise. What it costs to be late is the purchase's own affair. The event is dated back, so that
/// money that came in between pays interest first, by the contract's order.
///
/// # Errors
/// As [`bill`].
pub fn lose_grace(conventions: &Conventions, loan: &Loan, statement: Statement) -> Result<Option<Event>, LedgerError> {
    let asked = Asked::of(loan, statement.due, statement.due)?;
    if asked.total()?.is_zero() || asked.was_late || lost_grace(conventions, loan, statement)?.is_zero() {
        return Ok(None);
    }
    let value_date = match conventions.interest_from {
        InterestFrom::Purchase => loan.contract().terms().start,
        InterestFrom::Statement => statement.date,
        InterestFrom::DayAfterDue => return Ok(None),
    };
    let rate = conventions.rate;
    Ok(Some(Event::RateChanged { value_date, rate, keep_installment: false, confirmation: None }))
}

/// Interest up to the due day on what stood of a purchase of that bill from the day on from which the conventions count it,
/// rounded once. What was carried over before bears interest anyway, and what was paid out after its statement has none
/// of it: nobody pays for the lender's delay.
fn lost_grace(conventions: &Conventions, loan: &Loan, statement: Statement) -> Result<Amount, LedgerError> {
    let terms = loan.contract().terms();
    let paid_out = loan.records().iter().zip(loan.in_force()).rev().find_map(|(record, in_force)| match record.event {
        Event::PayoutSettled { value_date } if in_force => Some(value_date),
        _ => None,
    });
    let Some(from) = paid_out.map(|day| day.max(terms.start)) else { return Ok(Amount::ZERO) };
    if conventions.interest_from == InterestFrom::DayAfterDue || due_of_purchase(conventions, from)? != statement.due {
        return Ok(Amount::ZERO);
    }
    let mut days: Vec<Date> = loan.records().iter().filter_map(|record| record.event.value_date()).collect();
    days.retain(|day| *day > from && *day <= statement.due);
    days.sort_unstable();
    days.dedup();
    // What was paid on the day itself was never owed over night.
    let bought = loan.stood_on(from)?;
    let (mut left, mut paid) = (bought, Vec::with_capacity(days.len()));
    for day in days {
        let now = loan.stood_on(day)?.min(left);
        paid.push((day, left.saturating_sub(now)));
        left = now;
    }
    paid.retain(|(_, amount)| !amount.is_zero());
    Ok(conventions.interest(&[(from, bought)], &paid, statement.due)?)
}

/// When a purchase of a day falls due.
fn due_of_purchase(conventions: &Conventions, day: Date) -> Result<Date, LedgerError> {
    Ok(conventions.billing.due(day, 0).map_err(prequal_core::credit::CreditError::from)?)
}

/// What spreads a purchase over instalments at the line's rate from a day on.
#[must_use]
pub fn spread(conventions: &Conventions, from: Date, first_due: Date, count: u16) -> Vec<Event> {
    spread_with(conventions, from, NewSchedule::new(first_due, count))
}

fn spread_with(conventions: &Conventions, from: Date, schedule: NewSchedule) -> Vec<Event> {
    vec![
        Event::RateChanged { value_date: from, rate: conventions.rate, keep_installment: false, confirmation: None },
        Event::Rescheduled { value_date: from, schedule },
    ]
}
