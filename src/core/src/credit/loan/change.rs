//! Draws, changes of the rate, withdrawal, and what they make of the instalments left.

use super::{Loan, allocate::Money};
use crate::{
    calendar::{Date, days_between},
    credit::{CreditError, Rate, accrual::Accrual, level::level, plan::Shares},
    money::{Amount, MoneyError},
};

impl Loan<'_> {
    /// More is lent.
    pub(in crate::credit) fn draw(&mut self, date: Date, amount: Amount) -> Result<(), CreditError> {
        if self.open().is_none() || self.period >= self.rows.len() || self.withdrawn.is_some() {
            let why = "no instalment is left in which it could be repaid";
            return Err(CreditError::NotApplicable { field: "draw", why });
        }
        self.charged.lent = self.charged.lent.checked_add(amount)?;
        self.moves(date, amount, true)?;
        self.replan(date)
    }

    /// Interest runs at another rate from the next day on.
    pub(in crate::credit) fn change_rate(
        &mut self,
        date: Date,
        rate: &Rate,
        keep_installment: bool,
    ) -> Result<(), CreditError> {
        if self.plan.terms.rate.is_none() {
            let why = "the contract bears no interest";
            return Err(CreditError::NotApplicable { field: "rate_change", why });
        }
        let new = Accrual::new(rate)?;
        if let (Some(old), Some(new)) = (&self.counting, &new)
            && !old.counts_like(new)
        {
            let why = "the new rate must count days as the old one does";
            return Err(CreditError::NotApplicable { field: "day_count", why });
        }
        if let (None, Some(new)) = (&self.accrual, &new) {
            if self.units.is_empty() {
                self.units = self.plan.units_by(new)?;
            }
            // What of this period lies behind bore nothing; it is not made up for.
            self.counted = self.reached(new, date);
        }
        self.accrual = new;
        self.counting = new.or(self.counting);
        if keep_installment || self.period >= self.rows.len() { Ok(()) } else { self.replan(date) }
    }

    /// The borrower withdraws: fees and penalties are not owed, what was paid of them is credited.
    pub(in crate::credit) fn withdraw(&mut self, event: usize, date: Date) -> Result<(), CreditError> {
        let Some(days) = self.rules.withdrawal_days else {
            let why = "the rules know no right of withdrawal";
            return Err(CreditError::NotApplicable { field: "withdrawal", why });
        };
        if days_between(self.plan.terms.start, date) > i32::from(days) {
            return Err(CreditError::WithdrawalTooLate { date, days });
        }
        self.withdrawn = Some(self.withdrawn.unwrap_or(date));
        let mut credit = Amount::ZERO;
        for row in &mut self.rows {
            credit = Amount::sum([credit, row.paid.fee, row.paid.penalty])?;
            (row.owed.fee, row.paid.fee) = (Amount::ZERO, Amount::ZERO);
            (row.owed.penalty, row.paid.penalty) = (Amount::ZERO, Amount::ZERO);
        }
        let mut money = Money::new(credit);
        self.spend(date, &mut money)?;
        self.pay_accrued(date, &mut money)?;
        let principal = money.left.min(self.unclaimed());
        self.extinguish(date, principal, &mut money)?;
        self.close_if_repaid();
        self.book(event, money, credit)
    }

    /// Spreads the principal left over the instalments left, from this day on. Interest accrued so far comes
    /// on top of the first of them.
    pub(super) fn replan(&mut self, date: Date) -> Result<(), CreditError> {
        // Instalments of a principal holiday stay without principal.
        let open: Vec<usize> = (usize::from(self.plan.holiday())..self.rows.len())
            .filter(|index| self.rows.get(*index).is_some_and(|row| !row.closed))
            .collect();
        let Some(first) = open.first().copied() else { return Ok(()) };
        let left = self.unclaimed();
        self.pool = Amount::ZERO;
        if self.is_level() {
            self.relevel(date, left, &open)?;
            if let Some(row) = self.rows.get(first) {
                self.carried = (first, row.owed.interest.checked_add(row.paid.principal)?);
            }
            return Ok(());
        }
        if !self.plan.terms.repayment.method.has_shares() {
            // All principal stays with the last.
            return Ok(());
        }
        let count = open.len();
        let balloon = self.plan.balloon.min(left);
        let shares =
            Shares::spread(left.checked_sub(balloon)?, u16::try_from(count).unwrap_or(u16::MAX), self.plan.remainder());
        for (place, index) in open.into_iter().enumerate() {
            let mut share = shares.at(place, count)?;
            if place + 1 == count {
                share = share.checked_add(balloon)?;
            }
            if let Some(row) = self.rows.get_mut(index) {
                row.target = row.paid.principal.checked_add(share)?;
            }
        }
        Ok(())
    }

    /// The level of what is left: what is left of this period is its first, shorter period.
    fn relevel(&mut self, date: Date, left: Amount, open: &[usize]) -> Result<(), CreditError> {
        let terms = self.plan.terms;
        let rounding = terms.level_rounding.unwrap_or(terms.rounding);
        let count = u16::try_from(open.len()).unwrap_or(u16::MAX);
        let balloon = self.plan.balloon.min(left);
        let Some(accrual) = self.accrual else {
            self.level = level(left, balloon, None, core::iter::empty(), count, rounding)?;
            return Ok(());
        };
        // In a 30-day count part of a period is so many of its actual days: all parts by that many.
        let due = self.rows.get(self.period).map_or(date, |row| row.due);
        let whole = u32::try_from(days_between(self.period_start(), due)).unwrap_or(0);
        let scale = if accrual.is_thirty() { whole.max(1) } else { 1 };
        let mut units = Vec::with_capacity(open.len());
        let mut pending = 0_u32;
        for (index, period_units) in self.units.iter().enumerate().skip(self.period) {
            let part = if index > self.period {
                period_units.checked_mul(scale)
            } else if accrual.is_thirty() {
                period_units.checked_mul(whole.saturating_sub(self.counted.days))
            } else {
                Some(period_units.saturating_sub(self.counted.units))
            };
            // An instalment paid before its time leaves its period's interest to the next.
            pending = part.and_then(|part| pending.checked_add(part)).ok_or(MoneyError::AmountOutOfRange)?;
            if open.contains(&index) {
                units.push(core::mem::take(&mut pending));
            } else if index < usize::from(self.plan.holiday()) {
                // Interest of a holiday is paid as it falls due.
                pending = 0;
            }
        }
        let scaled = accrual.scaled(scale);
        self.level = level(left, balloon, Some(&scaled), units.into_iter(), count, rounding)?;
        Ok(())
    }
}
