//! Checked terms: what the schedule and the account both start from.

use crate::{
    calendar::Date,
    credit::{
        CreditError, FEES_MAX, Fee, FeeSize, FeeTiming, FeeWhen, Method, Remainder, TEXT_BYTES_MAX, Terms,
        accrual::{Accrual, checked_percent, percent_of},
        dates::{Due, DueDates},
        level::level,
    },
    money::{Amount, MoneyError},
    rounding::Rounding,
};

/// Terms whose fields have been checked against each other, with dates and periods worked out.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub terms: &'a Terms,
    /// What is lent: the principal less the down payment.
    pub lent: Amount,
    /// Principal kept for the last instalment.
    pub balloon: Amount,
    /// The day from which interest runs: the start, or the end of days without interest.
    pub interest_from: Date,
    /// None where nothing accrues.
    pub accrual: Option<Accrual>,
    /// Due dates, one for each instalment.
    pub dues: Vec<Date>,
    /// Parts of a year of each period; empty where nothing accrues.
    pub units: Vec<u32>,
    /// The fee that belongs to the method.
    pub own_fee: Shares,
}

/// A sum over the instalments: the same for each, with something more on the first or the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub each: Amount,
    pub more_first: Amount,
    pub more_last: Amount,
}

impl Shares {
    /// Equal shares of `total`, what is left over to the first or last.
    pub(crate) fn spread(total: Amount, count: u16, remainder: Remainder) -> Self {
        let (each, left) = total.split(count).unwrap_or((Amount::ZERO, total));
        match remainder {
            Remainder::First => Self { each, more_first: left, more_last: Amount::ZERO },
            Remainder::Last => Self { each, more_first: Amount::ZERO, more_last: left },
        }
    }

    /// All of `total` with the first.
    pub(crate) const fn first(total: Amount) -> Self {
        Self { each: Amount::ZERO, more_first: total, more_last: Amount::ZERO }
    }

    /// The share of instalment `index` (0-based) of `count`.
    pub(crate) fn at(&self, index: usize, count: usize) -> Result<Amount, MoneyError> {
        let mut share = self.each;
        if index == 0 {
            share = share.checked_add(self.more_first)?;
        }
        if index + 1 == count {
            share = share.checked_add(self.more_last)?;
        }
        Ok(share)
    }
}

impl<'a> Plan<'a> {
    /// Checks the terms.
    pub(crate) fn new(terms: &'a Terms) -> Result<Self, CreditError> {
        let repayment = &terms.repayment;
        let count = super::checked_count(u64::from(repayment.count))?;
        if terms.principal.is_zero() {
            return Err(CreditError::PrincipalZero);
        }
        let accrual = checked_accrual(terms)?;
        if repayment.method == Method::Single && count != 1 {
            return Err(CreditError::NotApplicable { field: "count", why: "`single` is one payment" });
        }
        if terms.remainder.is_some() && !repayment.method.has_shares() {
            let why = "only `equal_principal`, `fee_installment` and `free` leave a remainder over";
            return Err(CreditError::NotApplicable { field: "remainder", why });
        }
        let of_a_level =
            [("adjust_installment", terms.adjust_installment), ("level_rounding", terms.level_rounding.is_some())];
        if let Some((field, _)) = of_a_level.into_iter().find(|(_, given)| *given)
            && repayment.method != Method::EqualInstallment
        {
            return Err(CreditError::NotApplicable { field, why: "only `equal_installment` has a level instalment" });
        }
        if repayment.principal_holiday >= count {
            let why = "it must be shorter than `count`";
            if repayment.principal_holiday > 0 {
                return Err(CreditError::NotApplicable { field: "principal_holiday", why });
            }
        }
        let lent = terms.principal.checked_sub(down_payment(terms)?)?;
        let own_fee = own_fee(terms, lent)?;
        let mut plan = Self {
            terms,
            lent,
            balloon: balloon(terms, lent)?,
            interest_from: terms.start.add_days(i32::from(repayment.interest_free_days))?,
            accrual,
            dues: Vec::with_capacity(usize::from(count)),
            units: Vec::with_capacity(if accrual.is_some() { usize::from(count) } else { 0 }),
            own_fee,
        };
        let mut dates = DueDates::new(terms.start, repayment)?;
        for _ in 0..count {
            let due = dates.next_due()?.ok_or(CreditError::MissingField("due_dates"))?;
            if let Some(accrual) = &plan.accrual {
                plan.units.push(plan.period_units(accrual, due));
            }
            plan.dues.push(due.date);
        }
        Ok(plan)
    }

    /// Parts of a year of each period by another rate.
    pub(crate) fn units_by(&self, accrual: &Accrual) -> Result<Vec<u32>, CreditError> {
        let mut dates = DueDates::new(self.terms.start, &self.terms.repayment)?;
        let mut units = Vec::with_capacity(self.dues.len());
        while units.len() < self.dues.len() {
            let due = dates.next_due()?.ok_or(CreditError::MissingField("due_dates"))?;
            units.push(self.period_units(accrual, due));
        }
        Ok(units)
    }

    /// Parts of a year of a period, without the days that bear no interest.
    fn period_units(&self, accrual: &Accrual, due: Due) -> u32 {
        if due.from >= self.interest_from {
            accrual.units(due.from, due.date, due.regular_months)
        } else if due.date > self.interest_from {
            accrual.units(self.interest_from, due.date, 0)
        } else {
            0
        }
    }

    /// First instalments that repay no principal.
    pub(crate) fn holiday(&self) -> u16 {
        self.terms.repayment.principal_holiday
    }

    /// Equal shares of principal, the balloon with the last.
    pub(crate) fn shares(&self) -> Result<Vec<Amount>, CreditError> {
        let (count, holiday) = (usize::from(self.count()), usize::from(self.holiday()));
        let sharing = count - holiday;
        let repaid = self.lent.checked_sub(self.balloon)?;
        let shares = Shares::spread(repaid, self.count() - self.holiday(), self.remainder());
        let mut principal = Vec::with_capacity(count);
        for index in 0..count {
            let share = match index.checked_sub(holiday) {
                Some(place) => shares.at(place, sharing)?,
                None => Amount::ZERO,
            };
            principal.push(if index + 1 == count { share.checked_add(self.balloon)? } else { share });
        }
        Ok(principal)
    }

    pub(crate) fn count(&self) -> u16 {
        self.terms.repayment.count
    }

    pub(crate) fn remainder(&self) -> Remainder {
        self.terms.remainder.unwrap_or_default()
    }

    /// Interest on `balance` over the whole of period `index`, rounded.
    #[inline]
    pub(crate) fn interest(&self, index: usize, balance: Amount) -> Result<Amount, CreditError> {
        match (&self.accrual, self.units.get(index)) {
            (Some(accrual), Some(units)) => accrual.interest(balance, *units, self.terms.rounding),
            _ => Ok(Amount::ZERO),
        }
    }

    /// The level instalment, after the adjustment if one is asked for.
    pub(crate) fn level(&self) -> Result<Amount, CreditError> {
        let count = self.count() - self.holiday();
        let rounding = self.terms.level_rounding.unwrap_or(self.terms.rounding);
        let units = self.units.iter().copied().skip(usize::from(self.holiday()));
        let level = level(self.lent, self.balloon, self.accrual.as_ref(), units, count, rounding)?;
        if !self.terms.adjust_installment {
            return Ok(level);
        }
        let difference = self.last_total(level)? - level.minor();
        if difference.unsigned_abs() * 2 <= u64::from(count) {
            return Ok(level);
        }
        let moved = move_level(level, difference, count, self.terms.rounding)?;
        let moved_difference = self.last_total(moved)? - moved.minor();
        Ok(if moved_difference.abs() < difference.abs() { moved } else { level })
    }

    /// What the last instalment comes to when the others are `level`.
    fn last_total(&self, level: Amount) -> Result<i64, CreditError> {
        let mut balance = self.lent;
        let last = self.dues.len().saturating_sub(1);
        for index in usize::from(self.holiday())..last {
            let interest = self.interest(index, balance)?;
            balance = balance.saturating_sub(level.saturating_sub(interest));
        }
        Ok(balance.checked_add(self.interest(last, balance)?)?.minor() - self.balloon.minor())
    }
}

/// L + d/n, rounded.
fn move_level(level: Amount, difference: i64, count: u16, rounding: Rounding) -> Result<Amount, CreditError> {
    // 2^53 · 600 is far below 2^127; a last instalment is never so small that the sum is negative.
    let numerator = i128::from(level.minor()) * i128::from(count) + i128::from(difference);
    let numerator = u128::try_from(numerator).map_err(|_| MoneyError::AmountOutOfRange)?;
    let moved = rounding.divide(numerator, u128::from(count)).ok_or(MoneyError::AmountOutOfRange)?;
    Ok(Amount::try_from(moved)?)
}

fn checked_accrual(terms: &Terms) -> Result<Option<Accrual>, CreditError> {
    let method = terms.repayment.method;
    match &terms.rate {
        None if matches!(method, Method::Free | Method::FeeInstallment) => Ok(None),
        None => Err(CreditError::MissingField("rate")),
        Some(rate) => {
            let accrual = Accrual::new(rate)?;
            if method == Method::Free && accrual.is_some() {
                let why = "`free` instalments bear no interest";
                return Err(CreditError::NotApplicable { field: "rate", why });
            }
            Ok(accrual)
        }
    }
}

/// An amount, or a share of the principal, below the principal.
fn part_of(field: &'static str, size: FeeSize, of: Amount, rounding: Rounding) -> Result<Amount, CreditError> {
    let part = match size {
        FeeSize::Amount(amount) => amount,
        FeeSize::Percent(percent) => percent_of(of, checked_percent(field, percent)?, 1, rounding)?,
    };
    if part >= of {
        return Err(CreditError::NotApplicable { field, why: "it must be less than the principal" });
    }
    Ok(part)
}

/// What is paid at once.
pub(crate) fn down_payment(terms: &Terms) -> Result<Amount, CreditError> {
    let Some(size) = terms.repayment.down_payment else { return Ok(Amount::ZERO) };
    part_of("down_payment", size, terms.principal, terms.rounding)
}

impl Terms {
    /// What is paid at once, and the terms of the rest: a loan of what is lent, without a down payment. Its schedule is
    /// the same, because every share, fee and rate is of what is lent.
    ///
    /// # Errors
    /// A down payment that is not below the principal.
    pub fn without_down_payment(mut self) -> Result<(Self, Amount), CreditError> {
        let paid = down_payment(&self)?;
        self.principal = self.principal.checked_sub(paid)?;
        self.repayment.down_payment = None;
        Ok((self, paid))
    }
}

fn balloon(terms: &Terms, lent: Amount) -> Result<Amount, CreditError> {
    let Some(size) = terms.repayment.balloon else { return Ok(Amount::ZERO) };
    if matches!(terms.repayment.method, Method::InterestOnly | Method::Single) {
        let why = "with this method all principal falls due at the end";
        return Err(CreditError::NotApplicable { field: "balloon", why });
    }
    part_of("balloon", size, lent, terms.rounding)
}

/// The fee of a `fee_installment`: rounded once, then split.
fn own_fee(terms: &Terms, lent: Amount) -> Result<Shares, CreditError> {
    let repayment = &terms.repayment;
    if repayment.method != Method::FeeInstallment {
        let given = [
            ("fee_percent", repayment.fee_percent.is_some()),
            ("fee_percent_per_period", repayment.fee_percent_per_period.is_some()),
            ("fee_timing", repayment.fee_timing.is_some()),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((field, _)) => Err(CreditError::NotApplicable { field, why: "only `fee_installment` has it" }),
            None => Ok(Shares::default()),
        };
    }
    let (percent, periods) = match (repayment.fee_percent, repayment.fee_percent_per_period) {
        (Some(percent), None) => (checked_percent("fee_percent", percent)?, 1),
        (None, Some(percent)) => (checked_percent("fee_percent_per_period", percent)?, repayment.count),
        (Some(_), Some(_)) => return Err(CreditError::Conflict("fee_percent", "fee_percent_per_period")),
        (None, None) => return Err(CreditError::MissingField("fee_percent")),
    };
    let total = percent_of(lent, percent, periods, terms.rounding)?;
    Ok(match repayment.fee_timing.unwrap_or_default() {
        FeeTiming::First => Shares::first(total),
        FeeTiming::Spread => Shares::spread(total, repayment.count, terms.remainder.unwrap_or_default()),
    })
}

/// A further charge as it falls on the instalments.
pub(crate) fn fee_shares(terms: &Terms, lent: Amount, fee: &Fee) -> Result<Shares, CreditError> {
    for (field, text) in [("code", &fee.code), ("payee", &fee.payee)] {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return Err(CreditError::BadText(field));
        }
    }
    let amount = match fee.size {
        FeeSize::Amount(amount) => amount,
        FeeSize::Percent(percent) => percent_of(lent, checked_percent("percent", percent)?, 1, terms.rounding)?,
    };
    Ok(match fee.when {
        FeeWhen::First => Shares::first(amount),
        FeeWhen::Each => Shares { each: amount, ..Shares::default() },
        FeeWhen::Spread => Shares::spread(amount, terms.repayment.count, terms.remainder.unwrap_or_default()),
    })
}

/// The list of further charges, no longer than its limit.
pub(crate) fn checked_fees(terms: &Terms) -> Result<&[Fee], CreditError> {
    if terms.fees.len() > FEES_MAX {
        return Err(CreditError::TooMany { what: "fees", max: FEES_MAX });
    }
    Ok(&terms.fees)
}
