//! Time passing: contract interest segment by segment, and instalments that fall due.

use super::{Counted, Loan};
use crate::{
    calendar::{Date, days_between},
    credit::{AfterMaturity, CreditError, Method, accrual::Accrual},
    money::Amount,
};

fn days(from: Date, to: Date) -> u32 {
    u32::try_from(days_between(from, to)).unwrap_or(0)
}

impl Loan<'_> {
    /// The first day of this period that bears interest, and the day before it.
    pub(super) fn period_start(&self) -> Date {
        let start = match self.period.checked_sub(1).and_then(|last| self.rows.get(last)) {
            Some(row) => row.due,
            None => self.plan.terms.start,
        };
        start.max(self.plan.interest_from)
    }

    /// Adds what accrues up to `date` and closes the instalments that fall due on the way.
    pub(in crate::credit) fn accrue(&mut self, date: Date) -> Result<(), CreditError> {
        loop {
            let due = self.rows.get(self.period).map(|row| row.due).filter(|due| *due <= date);
            let until = due.unwrap_or(date);
            let (grace, fee) = (self.end_of_grace(until)?, self.late_fee_day(until)?);
            if let Some(day) = grace.into_iter().chain(fee).min() {
                self.post_penalties(day)?;
                self.add_interest(day)?;
                if fee == Some(day) {
                    self.post_late_fees(day)?;
                }
                continue;
            }
            // First the penalty: after maturity the segment's interest would join an overdue amount at once.
            self.post_penalties(until)?;
            self.add_interest(until)?;
            self.post_late_fees(until)?;
            let Some(due) = due else { return Ok(()) };
            self.capitalise_penalties();
            self.close_due(self.period)?;
            self.period += 1;
            self.counted = Counted::default();
            self.spend_held(due)?;
        }
    }

    /// Adds the interest of one segment, rounded, to the instalment it belongs to.
    fn add_interest(&mut self, to: Date) -> Result<(), CreditError> {
        let interest = self.segment(to)?;
        self.accrued_to = self.accrued_to.max(to);
        let last = self.rows.len().saturating_sub(1);
        let index = self.open().unwrap_or(last);
        if let Some(row) = self.rows.get_mut(index) {
            row.owed.interest = row.owed.interest.checked_add(interest)?;
        }
        Ok(())
    }

    /// The interest from `accrued_to` to `to`, which lie in one period, and what of the period it counts.
    fn segment(&mut self, to: Date) -> Result<Amount, CreditError> {
        let Some(accrual) = self.accrual else { return Ok(Amount::ZERO) };
        if self.outstanding.is_zero() {
            return Ok(Amount::ZERO);
        }
        let bearing = self.outstanding.saturating_sub(self.replaced()?);
        let rounding = self.plan.terms.rounding;
        let start = self.period_start();
        let Some(due) = self.rows.get(self.period).map(|row| row.due) else {
            let accrues = self.plan.terms.after_maturity.unwrap_or_default() == AfterMaturity::Accrue;
            let from = self.accrued_to.max(start);
            let units = if accrues { accrual.units_elapsed(from, to) } else { 0 };
            return accrual.interest(bearing, units, rounding);
        };
        let before = self.counted;
        self.counted = self.reached(&accrual, to);
        if accrual.is_thirty() {
            let whole = days(start, due).max(1);
            let part = self.counted.days.saturating_sub(before.days);
            let units = self.units.get(self.period).copied().unwrap_or(0);
            return accrual.interest_pro_rata(bearing, units, (part, whole), rounding);
        }
        accrual.interest(bearing, self.counted.units.saturating_sub(before.units), rounding)
    }

    /// What of this period counts up to a day, never less than before.
    pub(super) fn reached(&self, accrual: &Accrual, to: Date) -> Counted {
        let start = self.period_start();
        // A period begins with its first day; the first one with the advance itself.
        let begun = to > start || (self.period == 0 && start == self.plan.terms.start);
        if !accrual.is_thirty() {
            let least = if begun { accrual.minimum_units() } else { 0 };
            let units = accrual.units_elapsed(start, to).max(least);
            return Counted { units: self.counted.units.max(units), ..self.counted };
        }
        let due = self.rows.get(self.period).map_or(start, |row| row.due);
        // Due on the day of the advance: as if it were a day, so that it earns what it counts at least.
        let (least, whole) = if due == start { (1, 1) } else { (u32::from(accrual.minimum_days()), days(start, due)) };
        let least = if begun { least } else { 0 };
        let reached = days(start, to).max(least).min(whole);
        Counted { days: self.counted.days.max(reached), ..self.counted }
    }

    /// What principal instalment `index` asks for: what the method says of what is left. Beside it, what a
    /// refund on the first instalments takes off.
    pub(super) fn principal_of(&self, index: usize) -> Result<(Amount, Amount), CreditError> {
        let Some(row) = self.rows.get(index) else { return Ok((Amount::ZERO, Amount::ZERO)) };
        let available = self.unclaimed().checked_add(row.paid.principal)?;
        if index + 1 == self.rows.len() {
            return Ok((available, self.pool));
        }
        let method = self.plan.terms.repayment.method;
        let asked = match method {
            _ if index < usize::from(self.plan.holiday()) => Amount::ZERO,
            Method::EqualInstallment => {
                let (place, more) = self.carried;
                let level = if place == index { self.level.checked_add(more)? } else { self.level };
                level.saturating_sub(row.owed.interest)
            }
            Method::EqualPrincipal | Method::FeeInstallment | Method::Free => row.target,
            Method::InterestOnly | Method::Single => Amount::ZERO,
        };
        let whole = asked.max(row.paid.principal).min(available.checked_add(self.pool)?);
        let taken = self.pool.min(whole.saturating_sub(row.paid.principal));
        Ok((whole.saturating_sub(taken), taken))
    }

    /// An instalment's due date has come.
    fn close_due(&mut self, index: usize) -> Result<(), CreditError> {
        let (principal, taken) = self.principal_of(index)?;
        if let Some(row) = self.rows.get_mut(index).filter(|row| !row.closed) {
            row.owed.principal = principal;
            row.closed = true;
            self.pool = self.pool.saturating_sub(taken);
        }
        Ok(())
    }
}
