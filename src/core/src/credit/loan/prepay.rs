//! Paying before time: the fee and its ceiling, and what it does to costs not yet due.

use super::{Loan, allocate::Money};
use crate::{
    calendar::{Date, MonthEnd, days_between},
    credit::{
        CreditError,
        accrual::{percent_of, round_product},
        caps::{ChargeKind, judge_charge},
        rules::{CostReduction, Effect, PrepaymentCeiling},
    },
    money::Amount,
    rounding::Rounding,
};

/// What settling a loan early changes of its costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::credit) struct EarlySettlement {
    /// The fee for paying before time.
    pub fee: Amount,
    /// What it would be without the caps on charges.
    pub fee_uncapped: Amount,
    /// Unpaid fees that are not owed.
    pub dropped: Amount,
    /// Paid fees that are given back.
    pub credit: Amount,
}

impl Loan<'_> {
    /// Money that repays principal before its time.
    pub(in crate::credit) fn prepay(
        &mut self,
        event: usize,
        date: Date,
        amount: Amount,
        effect: Option<Effect>,
    ) -> Result<(), CreditError> {
        let early = self.early_settlement(date)?;
        // What is given back of fees helps to settle, never to prepay a part.
        let asked = self.owed(date)?.0.total()?.checked_add(early.fee)?;
        let settles = Amount::sum([amount, early.dropped, early.credit])? >= asked;
        let credited = if settles { early.credit } else { Amount::ZERO };
        if settles {
            self.drop_costs(early)?;
        }
        let before = self.paid_so_far()?;
        let mut money = Money::new(amount.checked_add(credited)?);
        self.spend(date, &mut money)?;
        self.pay_accrued(date, &mut money)?;
        let (principal, uncapped) =
            if settles { (self.unclaimed(), early.fee_uncapped) } else { self.split(date, money.left)? };
        let fee = self.admit(date, ChargeKind::PrepaymentFee, uncapped)?;
        self.extinguish(date, principal, &mut money)?;
        self.prepaid.push((date, principal));
        self.charge_prepayment_fee(fee, &mut money)?;
        if self.outstanding.is_zero() {
            self.close_if_repaid();
            self.pay_all(&mut money)?;
        } else if effect.unwrap_or(self.rules.prepayment.effect) == Effect::LowerInstallment {
            self.replan(date)?;
        }
        self.note_diverted(date, &before)?;
        self.book(event, money, credited)
    }

    fn charge_prepayment_fee(&mut self, fee: Amount, money: &mut Money) -> Result<(), CreditError> {
        let place = self.open().unwrap_or(self.rows.len().saturating_sub(1));
        money.left = money.left.checked_sub(fee)?;
        money.paid.fee = money.paid.fee.checked_add(fee)?;
        if let Some(row) = self.rows.get_mut(place) {
            row.owed.fee = row.owed.fee.checked_add(fee)?;
            row.paid.fee = row.paid.fee.checked_add(fee)?;
        }
        Ok(())
    }

    /// The most principal that money repays together with the fee for it, and that fee without the caps on charges.
    fn split(&self, date: Date, money: Amount) -> Result<(Amount, Amount), CreditError> {
        let interest = self.interest_ahead()?;
        let (mut low, mut high) = (0, money.min(self.unclaimed()).minor());
        // Principal and its fee rise together, so halving finds the most that fits.
        while low < high {
            let middle = low + (high - low + 1) / 2;
            let principal = Amount::new(middle)?;
            let fee = self.prepayment_fee(date, principal, interest)?;
            if principal.checked_add(fee).is_ok_and(|sum| sum <= money) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        let principal = Amount::new(low)?;
        Ok((principal, self.uncapped_fee(date, principal, interest)?))
    }

    /// The fee for prepaying principal, under the law's ceiling on it and the caps on charges.
    fn prepayment_fee(&self, date: Date, principal: Amount, interest: Option<Amount>) -> Result<Amount, CreditError> {
        let fee = self.uncapped_fee(date, principal, interest)?;
        let judged = judge_charge(&self.rules.caps, date, ChargeKind::PrepaymentFee, fee, &self.charged_so_far()?)?;
        Ok(judged.allowed)
    }

    /// The fee for prepaying principal, under the law's ceiling on it alone.
    fn uncapped_fee(&self, date: Date, principal: Amount, interest: Option<Amount>) -> Result<Amount, CreditError> {
        let Some(percent) = self.rules.prepayment.fee_percent.filter(|_| self.withdrawn.is_none()) else {
            return Ok(Amount::ZERO);
        };
        let mut fee = percent_of(principal, percent, 1, self.plan.terms.rounding)?;
        if let Some(ceiling) = &self.rules.prepayment.ceiling {
            fee = fee.min(self.legal_fee(date, principal, ceiling, interest)?);
        }
        Ok(fee)
    }

    fn legal_fee(
        &self,
        date: Date,
        principal: Amount,
        ceiling: &PrepaymentCeiling,
        interest: Option<Amount>,
    ) -> Result<Amount, CreditError> {
        let year_ago = date.add_months(-12, MonthEnd::Clamp)?;
        let lately = self.prepaid.iter().filter(|(day, _)| *day > year_ago).map(|(_, amount)| *amount);
        if Amount::sum(lately.chain([principal]))? <= ceiling.free_in_12_months {
            return Ok(Amount::ZERO);
        }
        let last = self.rows.last().map_or(date, |row| row.due);
        let within_year = last <= date.add_months(12, MonthEnd::Clamp)?;
        let percent = if within_year { ceiling.percent_within_year } else { ceiling.percent };
        let most = percent_of(principal, percent, 1, Rounding::Down)?;
        let Some(interest) = interest.filter(|_| ceiling.not_above_interest && !self.outstanding.is_zero()) else {
            return Ok(most);
        };
        let (part, whole) = (u128::from(principal.unsigned()), u128::from(self.outstanding.unsigned()));
        Ok(most.min(round_product(interest, part, whole, Rounding::Down)?))
    }

    /// Interest that is still to come if nothing is prepaid; none where no ceiling asks for it.
    fn interest_ahead(&self) -> Result<Option<Amount>, CreditError> {
        if !self.rules.prepayment.ceiling.is_some_and(|ceiling| ceiling.not_above_interest) {
            return Ok(None);
        }
        let all = |loan: &Self| Amount::sum(loan.rows.iter().map(|row| row.owed.interest));
        let mut ahead = self.clone();
        ahead.run_to_the_end(self.accrued_to)?;
        Ok(Some(all(&ahead)?.saturating_sub(all(self)?)))
    }

    /// What settling on this day changes of fees. Interest has been accrued to the day.
    pub(in crate::credit) fn early_settlement(&self, date: Date) -> Result<EarlySettlement, CreditError> {
        let last = self.rows.last().map_or(date, |row| row.due);
        if date >= last || self.outstanding.is_zero() {
            return Ok(EarlySettlement::default());
        }
        // The fee is for principal not yet due, when all that has fallen due is paid.
        let mut paid_up = self.clone();
        let mut money = Money::new(Amount::MAX);
        paid_up.spend(date, &mut money)?;
        paid_up.pay_accrued(date, &mut money)?;
        let (principal, interest) = (paid_up.unclaimed(), paid_up.interest_ahead()?);
        let fee = paid_up.prepayment_fee(date, principal, interest)?;
        let fee_uncapped = paid_up.uncapped_fee(date, principal, interest)?;
        let later_only = self.rules.prepayment.cost_reduction == CostReduction::NotYetDue;
        let rows = self.rows.iter().filter(|row| row.due > date || !later_only);
        let unpaid = Amount::sum(rows.map(|row| row.unpaid().fee))?;
        let reduction = match self.rules.prepayment.cost_reduction {
            CostReduction::None => Amount::ZERO,
            CostReduction::NotYetDue => unpaid,
            CostReduction::Linear => {
                let days = |from, to| u128::try_from(days_between(from, to)).unwrap_or(0);
                let (left, term) = (days(date, last), days(self.plan.terms.start, last).max(1));
                round_product(self.charged.fee, left, term, self.plan.terms.rounding)?
            }
        };
        let dropped = reduction.min(unpaid);
        let paid = Amount::sum(self.rows.iter().map(|row| row.paid.fee))?;
        let credit = reduction.saturating_sub(dropped).min(paid.saturating_sub(self.charged.prepayment_fee));
        Ok(EarlySettlement { fee, fee_uncapped, dropped, credit })
    }

    /// Takes off fees that are not owed and fees that are given back, the last first.
    fn drop_costs(&mut self, early: EarlySettlement) -> Result<(), CreditError> {
        let (mut dropped, mut credit) = (early.dropped, early.credit);
        for row in self.rows.iter_mut().rev() {
            let cut = row.unpaid().fee.min(dropped);
            row.owed.fee = row.owed.fee.checked_sub(cut)?;
            dropped = dropped.checked_sub(cut)?;
            let back = row.paid.fee.min(credit);
            row.paid.fee = row.paid.fee.checked_sub(back)?;
            row.owed.fee = row.owed.fee.checked_sub(back)?;
            credit = credit.checked_sub(back)?;
        }
        Ok(())
    }
}
