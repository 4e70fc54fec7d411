//! What being late costs: penalty interest and late fees, each judged before it is posted.

use super::Loan;
use crate::{
    calendar::{Date, DayCount, days_between},
    credit::{
        AfterMaturity, CreditError, Parts,
        accrual::{Accrual, percent_of, round_product},
        big::Big,
        caps::ChargeKind,
        rules::{Grace, LateFeePer, Penalty, PenaltyBase, PenaltyMode},
    },
    money::{Amount, MoneyError},
    rounding::Rounding,
};

/// A penalty's rate: base · units · `numerator` / `denominator`, units of actual days.
struct PenaltyRate {
    numerator: u128,
    denominator: u128,
    count: DayCount,
}

impl PenaltyRate {
    /// None where nothing is charged: a multiple of no rate.
    fn new(penalty: &Penalty, contract: Option<&Accrual>) -> Result<Option<Self>, CreditError> {
        let rate = match (&penalty.rate, penalty.multiple) {
            (Some(rate), _) => {
                let Some(own) = Accrual::new(rate)? else { return Ok(None) };
                Self { numerator: u128::from(own.numerator), denominator: own.denominator, count: own.actual_count() }
            }
            (None, Some(multiple)) => {
                let Some(contract) = contract else { return Ok(None) };
                // 2^60 · 2^20 and 2^74 · 2^20.
                Self {
                    numerator: u128::from(contract.numerator) * u128::from(multiple.mantissa().unsigned_abs()),
                    denominator: contract.denominator * u128::from(multiple.denominator()),
                    count: contract.actual_count(),
                }
            }
            (None, None) => return Ok(None),
        };
        let Some(ceiling) = penalty.ceiling_annual_percent else { return Ok(Some(rate)) };
        let most = u128::from(ceiling.mantissa().unsigned_abs());
        let of = 100 * u128::from(ceiling.denominator()) * u128::from(rate.count.units_per_year());
        let above = Big::from(rate.numerator).mul(of) > Big::from(most).mul(rate.denominator);
        Ok(Some(if above { Self { numerator: most, denominator: of, ..rate } } else { rate }))
    }

    fn charge(&self, base: Amount, from: Date, to: Date, rounding: Rounding) -> Result<Amount, CreditError> {
        // 2^80 · 2^27 fits.
        let units = u128::from(self.count.units(from, to));
        round_product(base, self.numerator * units, self.denominator, rounding)
    }
}

/// What has been paid of each instalment but penalties, and to late fees.
#[derive(Default)]
pub(super) struct PaidSoFar {
    contract: Vec<Amount>,
    late_fees: Amount,
}

/// The day after which a penalty runs.
fn starts(penalty: &Penalty, due: Date) -> Result<Date, CreditError> {
    match penalty.grace {
        Grace::Free => Ok(due.add_days(i32::from(penalty.grace_days))?),
        Grace::Retroactive => Ok(due),
    }
}

fn base_of(penalty: &Penalty, unpaid: &Parts) -> Result<Amount, MoneyError> {
    match penalty.base {
        PenaltyBase::OverduePrincipal => Ok(unpaid.principal),
        PenaltyBase::OverdueAmount | PenaltyBase::AllPrincipal => Parts { penalty: Amount::ZERO, ..*unpaid }.total(),
    }
}

impl Loan<'_> {
    fn late_rules(&self) -> Option<&Penalty> {
        self.rules.penalty.as_ref().filter(|_| self.withdrawn.is_none())
    }

    /// Principal on which a penalty now runs in place of interest.
    pub(super) fn replaced(&self) -> Result<Amount, CreditError> {
        let Some(penalty) = self.late_rules().filter(|penalty| penalty.mode == PenaltyMode::InPlace) else {
            return Ok(Amount::ZERO);
        };
        let mut replaced = Amount::ZERO;
        for row in self.rows.iter().filter(|row| row.due <= self.accrued_to && row.closed && !row.foreseen) {
            if starts(penalty, row.due)? > self.accrued_to || row.unpaid_contract()?.is_zero() {
                continue;
            }
            if penalty.base == PenaltyBase::AllPrincipal {
                return Ok(self.outstanding);
            }
            replaced = replaced.checked_add(row.claim())?;
        }
        Ok(replaced)
    }

    /// A day before `until` on which a penalty begins to run in place of interest.
    pub(super) fn end_of_grace(&self, until: Date) -> Result<Option<Date>, CreditError> {
        let in_place = |penalty: &&Penalty| penalty.mode == PenaltyMode::InPlace && penalty.grace_days > 0;
        let Some(penalty) = self.late_rules().filter(in_place) else { return Ok(None) };
        let mut first = None;
        for row in self.rows.iter().filter(|row| row.due < until && !row.foreseen) {
            let end = starts(penalty, row.due)?;
            if end > self.accrued_to && end < until && !row.unpaid_contract()?.is_zero() {
                first = Some(first.map_or(end, |earlier: Date| earlier.min(end)));
            }
        }
        Ok(first)
    }

    /// Adds penalties up to a day, rounded segment by segment for each instalment.
    pub(super) fn post_penalties(&mut self, to: Date) -> Result<(), CreditError> {
        let from = self.penalty_to;
        self.penalty_to = from.max(to);
        if self.quiet || to <= from {
            return Ok(());
        }
        let Some(penalty) = self.late_rules().cloned() else { return Ok(()) };
        let Some(rate) = PenaltyRate::new(&penalty, self.accrual.as_ref())? else { return Ok(()) };
        let rounding = self.plan.terms.rounding;
        for index in 0..self.rows.len() {
            let Some(row) = self.rows.get(index).filter(|row| row.due < to) else { break };
            let mut base = base_of(&penalty, &row.unpaid())?;
            // A refund may have taken away all principal of one that is late with its interest still.
            if base.is_zero() && row.suspended.is_zero() {
                continue;
            }
            if penalty.base == PenaltyBase::AllPrincipal {
                base = self.outstanding;
            }
            base = base.checked_add(row.capitalised)?;
            let due = row.due;
            let begin = from.max(starts(&penalty, due)?);
            if begin < to {
                let charge = rate.charge(base, begin, to, rounding)?;
                self.post_penalty(index, to, charge, &penalty)?;
            }
            if penalty.base == PenaltyBase::AllPrincipal {
                break;
            }
        }
        Ok(())
    }

    /// Posts a penalty, or keeps it until the days of grace are over.
    fn post_penalty(&mut self, index: usize, to: Date, charge: Amount, penalty: &Penalty) -> Result<(), CreditError> {
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        let mut charge = charge;
        if penalty.grace == Grace::Retroactive {
            let kept = row.suspended.checked_add(charge)?;
            if days_between(row.due, to) <= i32::from(penalty.grace_days) {
                row.suspended = kept;
                return Ok(());
            }
            row.suspended = Amount::ZERO;
            charge = kept;
        }
        let allowed = self.admit(to, ChargeKind::Penalty, charge)?;
        if let Some(row) = self.rows.get_mut(index) {
            row.owed.penalty = row.owed.penalty.checked_add(allowed)?;
        }
        Ok(())
    }

    /// On a due date unpaid penalty joins the base, where it compounds.
    pub(super) fn capitalise_penalties(&mut self) {
        if self.rules.penalty.as_ref().is_some_and(|penalty| penalty.compounding) {
            for row in &mut self.rows {
                row.capitalised = row.unpaid().penalty;
            }
        }
    }

    /// Whoever pays within the days of grace owes no penalty for them.
    pub(super) fn drop_suspended(&mut self) -> Result<(), CreditError> {
        for row in &mut self.rows {
            row.capitalised = row.capitalised.min(row.unpaid().penalty);
            if !row.suspended.is_zero() && row.unpaid_contract()?.is_zero() {
                row.suspended = Amount::ZERO;
            }
        }
        Ok(())
    }

    /// What the contract itself still lets a kind of charge come to.
    pub(super) fn contract_room(&self, kind: ChargeKind) -> Result<Option<Amount>, CreditError> {
        let lent = self.charged.lent;
        let share = |percent| percent_of(lent, percent, 1, Rounding::Down);
        let most = match kind {
            ChargeKind::Penalty => {
                self.rules.penalty.as_ref().and_then(|penalty| penalty.ceiling_percent_of_principal).map(share)
            }
            ChargeKind::LateFee => {
                let Some(late_fee) = &self.rules.late_fee else { return Ok(None) };
                match (late_fee.cap_percent, late_fee.cap_amount) {
                    (Some(percent), amount) => {
                        Some(share(percent).map(|most| amount.map_or(most, |cap| most.min(cap))))
                    }
                    (None, amount) => amount.map(Ok),
                }
            }
            _ => None,
        };
        Ok(most.transpose()?.map(|most| most.saturating_sub(self.charged.of(kind))))
    }

    /// Posts the late fees whose days have been passed.
    pub(super) fn post_late_fees(&mut self, date: Date) -> Result<(), CreditError> {
        let rules = self.rules;
        let Some(late_fee) = rules.late_fee.as_ref().filter(|_| !self.quiet && self.withdrawn.is_none()) else {
            return Ok(());
        };
        for index in 0..self.rows.len() {
            let Some(row) = self.rows.get(index).filter(|row| row.due < date) else { break };
            let unpaid = row.unpaid_contract()?;
            if unpaid.is_zero() {
                continue;
            }
            let days = days_between(row.due, date);
            let passed = late_fee.tiers.iter().take_while(|tier| days > i32::from(tier.after_days)).count();
            let judged = if late_fee.per == LateFeePer::Loan { self.loan_tiers } else { row.tiers };
            for tier in late_fee.tiers.iter().take(passed).skip(judged) {
                let fee = match (tier.amount, tier.percent) {
                    (Some(amount), _) => amount,
                    (None, Some(percent)) => percent_of(unpaid, percent, 1, self.plan.terms.rounding)?,
                    (None, None) => Amount::ZERO,
                };
                self.post_late_fee(index, date, fee)?;
            }
            self.loan_tiers = self.loan_tiers.max(passed);
            if let Some(row) = self.rows.get_mut(index) {
                row.tiers = row.tiers.max(passed);
            }
        }
        Ok(())
    }

    /// A day before `until`, after the last due date, on which a late fee in per cent is earned: interest that goes on
    /// would raise it from day to day.
    pub(super) fn late_fee_day(&self, until: Date) -> Result<Option<Date>, CreditError> {
        let grows = self.period >= self.rows.len()
            && self.accrual.is_some()
            && self.plan.terms.after_maturity == Some(AfterMaturity::Accrue);
        let rule = self.rules.late_fee.as_ref().filter(|_| grows && !self.quiet && self.withdrawn.is_none());
        let (Some(late_fee), Some(row)) = (rule, self.rows.last()) else { return Ok(None) };
        for tier in late_fee.tiers.iter().filter(|tier| tier.percent.is_some()) {
            let day = row.due.add_days(i32::from(tier.after_days) + 1)?;
            if day > self.accrued_to && day < until {
                return Ok(Some(day));
            }
        }
        Ok(None)
    }

    fn post_late_fee(&mut self, index: usize, date: Date, fee: Amount) -> Result<(), CreditError> {
        if self.is_short_only_by_late_fees(index)? {
            self.note_not_charged(date, ChargeKind::LateFee, fee, super::super::LATE_FEE_PYRAMIDING.to_owned());
            return Ok(());
        }
        let allowed = self.admit(date, ChargeKind::LateFee, fee)?;
        if let Some(row) = self.rows.get_mut(index) {
            row.owed.penalty = row.owed.penalty.checked_add(allowed)?;
        }
        Ok(())
    }

    /// Whether what was paid for this instalment would be all of it, had no money gone to earlier late fees (16 CFR
    /// 444.4, 12 CFR 1026.36(c)(2)). One for which nothing was paid is owed its late fee.
    fn is_short_only_by_late_fees(&self, index: usize) -> Result<bool, CreditError> {
        let Some(row) = self.rows.get(index) else { return Ok(false) };
        Ok(!row.diverted.is_zero() && row.unpaid_contract()? <= row.diverted)
    }

    /// What has been paid so far; nothing where no late fee asks for it.
    pub(super) fn paid_so_far(&self) -> Result<PaidSoFar, CreditError> {
        if self.rules.late_fee.is_none() {
            return Ok(PaidSoFar::default());
        }
        let contract = self.rows.iter().map(|row| Parts { penalty: Amount::ZERO, ..row.paid }.total());
        Ok(PaidSoFar { contract: contract.collect::<Result<_, _>>()?, late_fees: self.paid_to_late_fees()? })
    }

    fn paid_to_late_fees(&self) -> Result<Amount, CreditError> {
        let paid = Amount::sum(self.rows.iter().map(|row| row.paid.penalty))?;
        Ok(paid.min(self.charged.late_fee))
    }

    /// Notes which instalment a payment leaves short by what of it went to late fees: the first that has fallen due and
    /// is not paid, else the last that it paid in advance, else the next where the late fees took all. What cures a
    /// shortage of that kind leaves another.
    pub(super) fn note_diverted(&mut self, date: Date, before: &PaidSoFar) -> Result<(), CreditError> {
        if self.rules.late_fee.is_none() {
            return Ok(());
        }
        let mut moved = self.paid_to_late_fees()?.saturating_sub(before.late_fees);
        let (mut short, mut ahead, mut next, mut owing) = (None, None, None, false);
        for (index, (row, before)) in self.rows.iter_mut().zip(&before.contract).enumerate() {
            let more = Parts { penalty: Amount::ZERO, ..row.paid }.total()?.saturating_sub(*before);
            let cured = row.diverted.min(more);
            row.diverted = row.diverted.saturating_sub(cured);
            moved = moved.checked_add(cured)?;
            owing |= row.owed.penalty > row.paid.penalty;
            if row.due > date {
                ahead = if more.is_zero() { ahead } else { Some(index) };
                next = next.or(Some(index).filter(|_| !row.closed));
            } else if !row.unpaid_contract()?.is_zero() {
                short = short.or(Some(index));
            }
        }
        let target = short.or(ahead).or(next.filter(|_| owing));
        if let Some(row) = target.and_then(|index| self.rows.get_mut(index)) {
            row.diverted = row.diverted.checked_add(moved)?;
        }
        Ok(())
    }
}
