//! The bill of a revolving line: what its loans ask for by a due day, the least of it that must be paid, and what becomes of
//! the rest.
//!
//! A purchase whose one payment falls due with the line's bill may be carried over: who pays at least the minimum by the
//! due day has until the next one for the rest, which bears interest at the line's rate from the day after the due day.
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
    /// The least that must be paid.
    pub minimum: Amount,
    /// All of it.
    pub total: Amount,
}

/// Whether conventions can be kept by loans that are carried over.
///
/// # Errors
/// [`LedgerError::Line`] where interest runs from another day than the one after the due day, or a period has a least
/// number of days; [`LedgerError::Credit`] where they contradict themselves.
pub fn check(conventions: &Conventions) -> Result<(), LedgerError> {
    if !conventions.billing.is_valid() {
        return Err(LedgerError::Line("billing day and due day are days of a month"));
    }
    conventions.minimum_payment(&StatementLines::default())?;
    if conventions.interest_from != InterestFrom::DayAfterDue {
        return Err(LedgerError::Line("interest on what is carried over runs from the day after the due day"));
    }
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
    was_late: bool,
}

impl Asked {
    fn of(loan: &Loan, as_of: Date, due: Date) -> Result<Self, LedgerError> {
        let mut asked = Self::default();
        if !matches!(loan.status(), Status::Disbursing | Status::Active) {
            return Ok(asked);
        }
        for row in loan.account(as_of)?.installments.iter().filter(|row| row.due <= due) {
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
        Ok(Amount::sum([self.principal, self.interest, self.fee])?)
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
    for (loan, revolves) in loans {
        let asked = Asked::of(loan, as_of, due)?;
        // What was late before is asked in full.
        let kind = if revolves && !asked.was_late { &mut lines.principal } else { &mut lines.installments };
        *kind = kind.checked_add(asked.principal)?;
        lines.interest = lines.interest.checked_add(asked.interest)?;
        lines.fee = lines.fee.checked_add(asked.fee)?;
    }
    let minimum = conventions.minimum_payment(&lines)?;
    let total = Amount::sum([lines.principal, lines.installments, lines.interest, lines.fee])?;
    Ok(Bill { lines, minimum, total })
}

/// What carries the rest of a purchase over from a due day to the next one; nothing where all of it is paid, or where it
/// was late before.
///
/// # Errors
/// As [`bill`].
pub fn carry_over(
    conventions: &Conventions,
    loan: &Loan,
    due: Date,
    next_due: Date,
) -> Result<Vec<Event>, LedgerError> {
    let asked = Asked::of(loan, due, due)?;
    if asked.total()?.is_zero() || asked.was_late {
        return Ok(Vec::new());
    }
    Ok(spread(conventions, due, next_due, 1))
}

/// What spreads a purchase over instalments at the line's rate from a day on.
#[must_use]
pub fn spread(conventions: &Conventions, from: Date, first_due: Date, count: u16) -> Vec<Event> {
    vec![
        Event::RateChanged { value_date: from, rate: conventions.rate, keep_installment: false },
        Event::Rescheduled { value_date: from, schedule: NewSchedule { first_due, count } },
    ]
}
