//! Where the money of a repayment goes.

use super::{Loan, Row};
use crate::{
    calendar::{Date, days_between},
    credit::{
        Allocation, CreditError, Effect, Parts,
        rules::{Bucket, Direction, Part, Rest, Timing},
    },
    money::{Amount, MoneyError},
};

/// A repayment being spent.
pub(super) struct Money {
    pub left: Amount,
    pub paid: Parts,
}

impl Money {
    pub(super) fn new(left: Amount) -> Self {
        Self { left, paid: Parts::default() }
    }

    pub(super) fn pay(&mut self, row: &mut Row, part: Part) -> Result<(), MoneyError> {
        let amount = (*row.unpaid().part_mut(part)).min(self.left);
        self.left = self.left.checked_sub(amount)?;
        for paid in [row.paid.part_mut(part), self.paid.part_mut(part)] {
            *paid = paid.checked_add(amount)?;
        }
        Ok(())
    }
}

fn timing(due: Date, date: Date) -> Timing {
    match due.cmp(&date) {
        core::cmp::Ordering::Less => Timing::PastDue,
        core::cmp::Ordering::Equal => Timing::Due,
        core::cmp::Ordering::Greater => Timing::InAdvance,
    }
}

impl Loan<'_> {
    /// Days past due of the oldest unpaid instalment.
    fn days_past_due(&self, date: Date) -> Result<u32, CreditError> {
        for row in self.rows.iter().filter(|row| row.due < date) {
            if !row.unpaid_contract()?.is_zero() {
                return Ok(u32::try_from(days_between(row.due, date)).unwrap_or(0));
            }
        }
        Ok(0)
    }

    /// Pays what is past due and due, in the order of the contract; that order's end for what is in advance.
    pub(super) fn spend(&mut self, date: Date, money: &mut Money) -> Result<Vec<Part>, CreditError> {
        let order = self.rules.allocation.order_at(self.days_past_due(date)?);
        let before = money.paid.principal;
        let owed = |bucket: &&Bucket| bucket.timing != Timing::InAdvance;
        match self.rules.allocation.direction {
            Direction::Vertical => {
                for bucket in order.iter().filter(owed) {
                    for row in self.rows.iter_mut().filter(|row| timing(row.due, date) == bucket.timing) {
                        money.pay(row, bucket.part)?;
                    }
                }
            }
            Direction::Horizontal => {
                for row in self.rows.iter_mut().filter(|row| row.due <= date) {
                    let when = timing(row.due, date);
                    for bucket in order.iter().filter(|bucket| bucket.timing == when) {
                        money.pay(row, bucket.part)?;
                    }
                }
            }
        }
        let paid = money.paid.principal.checked_sub(before)?;
        self.outstanding = self.outstanding.checked_sub(paid)?;
        self.drop_suspended()?;
        Ok(order.iter().filter(|bucket| bucket.timing == Timing::InAdvance).map(|bucket| bucket.part).collect())
    }

    /// Applies money: past due, due, then the rest by its rule; what exceeds the debt is unapplied.
    pub(in crate::credit) fn repay(&mut self, event: usize, date: Date, amount: Amount) -> Result<(), CreditError> {
        let before = self.paid_so_far()?;
        let mut money = Money::new(amount);
        let parts = self.spend(date, &mut money)?;
        let mut held = Amount::ZERO;
        match self.rules.allocation.rest {
            Rest::NextInstallment => self.pay_next(date, &parts, &mut money)?,
            Rest::LastInstallment => self.pay_principal(date, &mut money, Effect::ShortenTerm)?,
            Rest::Reamortise => self.pay_principal(date, &mut money, Effect::LowerInstallment)?,
            // After the last due date nothing falls due any more that it could wait for.
            Rest::Unapplied if self.period < self.rows.len() => held = money.left,
            Rest::Unapplied => {}
        }
        self.close_if_repaid();
        self.note_diverted(date, &before)?;
        if !held.is_zero() {
            self.held.push((self.allocations.len(), held));
        }
        self.book(event, money, Amount::ZERO)
    }

    /// Writes down how the money of an event was applied.
    pub(super) fn book(&mut self, event: usize, money: Money, credited: Amount) -> Result<(), CreditError> {
        self.unapplied = self.unapplied.checked_add(money.left)?;
        self.allocations.push(Allocation { event, parts: money.paid, excess: money.left, credited });
        Ok(())
    }

    /// Money that was kept pays what has fallen due.
    pub(super) fn spend_held(&mut self, due: Date) -> Result<(), CreditError> {
        for (place, left) in core::mem::take(&mut self.held) {
            let before = self.paid_so_far()?;
            let mut money = Money::new(left);
            self.spend(due, &mut money)?;
            self.note_diverted(due, &before)?;
            let spent = left.checked_sub(money.left)?;
            self.unapplied = self.unapplied.checked_sub(spent)?;
            if let Some(allocation) = self.allocations.get_mut(place) {
                allocation.parts = allocation.parts.plus(&money.paid)?;
                allocation.excess = allocation.excess.checked_sub(spent)?;
            }
            if !money.left.is_zero() {
                self.held.push((place, money.left));
            }
        }
        self.close_if_repaid();
        Ok(())
    }

    /// Pays instalments before they are due, one after another.
    fn pay_next(&mut self, date: Date, parts: &[Part], money: &mut Money) -> Result<(), CreditError> {
        for index in 0..self.rows.len() {
            if money.left.is_zero() {
                break;
            }
            if self.rows.get(index).is_some_and(|row| row.due > date && !(row.closed && row.owed == row.paid)) {
                self.pay_in_advance(index, parts, money)?;
            }
        }
        Ok(())
    }

    /// Pays an instalment before it is due, and closes it when nothing of it is left.
    fn pay_in_advance(&mut self, index: usize, parts: &[Part], money: &mut Money) -> Result<(), CreditError> {
        let before = money.paid.principal;
        let (target, taken) = self.principal_of(index)?;
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        let was_open = !row.closed;
        if was_open {
            row.owed.principal = target;
        }
        for part in parts {
            money.pay(row, *part)?;
        }
        // One without principal stays open, so that its interest goes on being billed when it is due.
        row.closed |= !target.is_zero() && row.owed == row.paid;
        if was_open && row.closed {
            self.pool = self.pool.saturating_sub(taken);
        }
        let paid = money.paid.principal.checked_sub(before)?;
        self.outstanding = self.outstanding.checked_sub(paid)?;
        Ok(())
    }

    /// Pays interest accrued and not yet due.
    pub(super) fn pay_accrued(&mut self, date: Date, money: &mut Money) -> Result<(), CreditError> {
        for row in self.rows.iter_mut().filter(|row| row.due > date) {
            money.pay(row, Part::Interest)?;
        }
        Ok(())
    }

    /// Pays interest accrued, then principal not yet due; when nothing is left of it, the fees.
    fn pay_principal(&mut self, date: Date, money: &mut Money, effect: Effect) -> Result<(), CreditError> {
        self.pay_accrued(date, money)?;
        let principal = money.left.min(self.unclaimed());
        self.extinguish(date, principal, money)?;
        if self.outstanding.is_zero() {
            self.close_if_repaid();
            return self.pay_all(money);
        }
        if effect == Effect::LowerInstallment && !principal.is_zero() {
            self.replan(date)?;
        }
        Ok(())
    }

    /// Takes principal off the debt without asking which instalment it belongs to.
    pub(super) fn extinguish(&mut self, date: Date, principal: Amount, money: &mut Money) -> Result<(), CreditError> {
        if principal.is_zero() {
            return Ok(());
        }
        money.left = money.left.checked_sub(principal)?;
        money.paid.principal = money.paid.principal.checked_add(principal)?;
        self.moves(date, principal, false)
    }

    /// Pays whatever is unpaid of any instalment but open principal.
    pub(super) fn pay_all(&mut self, money: &mut Money) -> Result<(), CreditError> {
        let before = money.paid.principal;
        for row in &mut self.rows {
            for part in [Part::Penalty, Part::Fee, Part::Interest, Part::Principal] {
                money.pay(row, part)?;
            }
        }
        let paid = money.paid.principal.checked_sub(before)?;
        self.outstanding = self.outstanding.checked_sub(paid)?;
        Ok(())
    }
}
