//! A merchant gives back the price or a part of it.

use super::{Loan, allocate::Money};
use crate::{
    calendar::Date,
    credit::{
        CreditError, Parts,
        accrual::round_product,
        rules::{Part, RefundOrder},
    },
    money::{Amount, Leftover, allot},
};

impl Loan<'_> {
    /// Applies a refund to the debt; what exceeds it is owed back.
    pub(in crate::credit) fn refund(
        &mut self,
        event: usize,
        date: Date,
        amount: Amount,
        order: Option<RefundOrder>,
    ) -> Result<(), CreditError> {
        let left = self.charged.lent.saturating_sub(self.refunded);
        if amount > left {
            return Err(CreditError::RefundTooLarge { left });
        }
        let order = order.unwrap_or(self.rules.refund.order);
        let mut credited = Amount::ZERO;
        for (part, back) in
            [(Part::Interest, self.rules.refund.interest_refunded), (Part::Fee, self.rules.refund.fees_refunded)]
        {
            if back && !left.is_zero() {
                credited = credited.checked_add(self.give_back(part, amount, left, order)?)?;
            }
        }
        self.refunded = self.refunded.checked_add(amount)?;
        let mut money = Money::new(amount.checked_add(credited)?);
        self.reduce(date, order, &mut money)?;
        self.close_if_repaid();
        if self.outstanding.is_zero() {
            self.pay_all(&mut money)?;
        }
        self.drop_suspended()?;
        self.book(event, money, credited)
    }

    /// Takes back interest or fees in the proportion of the refund to what was not refunded before: so the
    /// last refund of a whole price takes back all of them. The answer is what of them had been paid.
    fn give_back(
        &mut self,
        part: Part,
        amount: Amount,
        left: Amount,
        order: RefundOrder,
    ) -> Result<Amount, CreditError> {
        let of = |parts: &Parts| if part == Part::Fee { parts.fee } else { parts.interest };
        let charged = Amount::sum(self.rows.iter().map(|row| of(&row.owed)))?;
        let share = (u128::from(amount.unsigned()), u128::from(left.unsigned()));
        let mut back = round_product(charged, share.0, share.1, self.plan.terms.rounding)?;
        let count = self.rows.len();
        let places = |step: usize| if order == RefundOrder::FirstFirst { step } else { count - 1 - step };
        for step in 0..count {
            let Some(row) = self.rows.get_mut(places(step)) else { continue };
            let cut = of(&row.unpaid()).min(back);
            *row.owed.part_mut(part) = of(&row.owed).checked_sub(cut)?;
            back = back.checked_sub(cut)?;
        }
        let mut paid = Amount::ZERO;
        for step in 0..count {
            let Some(row) = self.rows.get_mut(places(step)) else { continue };
            let cut = of(&row.paid).min(back);
            *row.owed.part_mut(part) = of(&row.owed).checked_sub(cut)?;
            *row.paid.part_mut(part) = of(&row.paid).checked_sub(cut)?;
            back = back.checked_sub(cut)?;
            paid = paid.checked_add(cut)?;
        }
        Ok(paid)
    }

    /// Reduces principal: what fallen-due instalments still claim, and what open ones will ask.
    fn reduce(&mut self, date: Date, order: RefundOrder, money: &mut Money) -> Result<(), CreditError> {
        let reduction = money.left.min(self.outstanding);
        if reduction.is_zero() {
            return Ok(());
        }
        let asks = self.asks()?;
        let cuts = match order {
            RefundOrder::ProRata => {
                let weights: Vec<u64> = asks.iter().map(|ask| ask.amount.unsigned()).collect();
                allot(reduction, &weights, Leftover::LargestRemainder)?
            }
            RefundOrder::FirstFirst => waterfall(reduction, asks.iter().map(|ask| ask.amount)),
            RefundOrder::LastFirst => {
                let mut cuts = waterfall(reduction, asks.iter().rev().map(|ask| ask.amount));
                cuts.reverse();
                cuts
            }
        };
        self.extinguish(date, reduction, money)?;
        for (ask, cut) in asks.iter().zip(cuts) {
            self.cut(ask, cut, order)?;
        }
        if self.is_level() && order == RefundOrder::ProRata {
            self.replan(date)?;
        }
        Ok(())
    }

    /// What of the outstanding principal each instalment asks for. For level instalments all that is not
    /// due yet is one, because their parts follow from the interest.
    fn asks(&self) -> Result<Vec<Ask>, CreditError> {
        let mut left = self.unclaimed();
        let last = self.rows.len().saturating_sub(1);
        let mut asks = Vec::with_capacity(self.rows.len());
        for (index, row) in self.rows.iter().enumerate() {
            let amount = if row.closed {
                row.claim()
            } else if self.is_level() || index == last {
                left
            } else {
                row.target.saturating_sub(row.paid.principal).min(left)
            };
            if !row.closed {
                left = left.checked_sub(amount)?;
            }
            asks.push(Ask { index, amount, closed: row.closed });
        }
        Ok(asks)
    }

    fn cut(&mut self, ask: &Ask, cut: Amount, order: RefundOrder) -> Result<(), CreditError> {
        let level = self.is_level();
        let Some(row) = self.rows.get_mut(ask.index) else { return Ok(()) };
        if ask.closed {
            row.owed.principal = row.owed.principal.checked_sub(cut)?;
        } else if !level {
            let rest = ask.amount.checked_sub(cut)?;
            row.target = row.paid.principal.checked_add(rest)?;
        } else if order == RefundOrder::FirstFirst {
            self.pool = self.pool.checked_add(cut)?;
        }
        Ok(())
    }
}

/// Principal that an instalment asks for.
struct Ask {
    index: usize,
    amount: Amount,
    closed: bool,
}

/// Takes from one after another until nothing is left to take.
fn waterfall(amount: Amount, asks: impl Iterator<Item = Amount>) -> Vec<Amount> {
    let mut left = amount;
    asks.map(|ask| {
        let cut = ask.min(left);
        left = left.saturating_sub(cut);
        cut
    })
    .collect()
}
