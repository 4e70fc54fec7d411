//! Exact interest: a rate as a fraction of integers, days as whole parts of a year.

use crate::{
    calendar::{Date, DayCount},
    credit::{CreditError, Rate},
    decimal::Decimal,
    money::{Amount, MoneyError},
    rounding::{Rounding, div_rem, mul_div},
};

/// A rate for counting: interest = balance · units · `numerator` / `denominator`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accrual {
    /// Below 10^18.
    pub numerator: u64,
    /// Below 2^74: 100 · 10^15 · 133,590.
    pub denominator: u128,
    count: DayCount,
    minimum_days: u16,
}

/// Checks that a percentage is neither negative nor absurd.
pub(crate) fn checked_percent(field: &'static str, percent: Decimal) -> Result<Decimal, CreditError> {
    if percent.is_negative() {
        return Err(CreditError::NegativePercent(field));
    }
    if percent > Decimal::from(super::PERCENT_MAX) {
        return Err(CreditError::PercentTooLarge(field));
    }
    Ok(percent)
}

const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Accrual {
    /// The accrual of a rate; none for a rate of zero.
    pub(crate) fn new(rate: &Rate) -> Result<Option<Self>, CreditError> {
        let field = if rate.daily { "daily_percent" } else { "annual_percent" };
        let percent = checked_percent(field, rate.percent)?;
        let count = match (rate.daily, rate.day_count) {
            (false, Some(count)) => count,
            (false, None) => return Err(CreditError::MissingField("day_count")),
            (true, Some(count)) if count.is_thirty() => count,
            // Any other count of a daily rate is of actual days.
            (true, _) => DayCount::Actual365,
        };
        if percent.is_zero() {
            return Ok(None);
        }
        let units_per_rate = if rate.daily { 1 } else { u128::from(count.units_per_year()) };
        let numerator = percent.mantissa().unsigned_abs();
        let denominator = 100 * u128::from(percent.denominator()) * units_per_rate;
        let common = gcd(u128::from(numerator), denominator);
        Ok(Some(Self {
            // The common divisor divides a 64-bit number, so it is one.
            numerator: numerator / u64::try_from(common).unwrap_or(1),
            denominator: denominator / common,
            count,
            minimum_days: rate.minimum_days,
        }))
    }

    /// Whether an unfinished period earns its full interest pro rata of actual days.
    pub(crate) const fn is_thirty(&self) -> bool {
        self.count.is_thirty()
    }

    /// The count of actual days that goes with this one: for a 30-day count, actual days over 360.
    pub(crate) const fn actual_count(&self) -> DayCount {
        if self.count.is_thirty() { DayCount::Actual360 } else { self.count }
    }

    /// Whether another rate counts days as this one does, so that it can take over within a period.
    pub(crate) fn counts_like(&self, other: &Self) -> bool {
        self.count == other.count && self.minimum_days == other.minimum_days
    }

    /// The same rate for parts of a year `scale` times as small.
    pub(crate) fn scaled(&self, scale: u32) -> Self {
        // 2^74 · 2^19: a period has at most 400,000 days.
        Self { denominator: self.denominator * u128::from(scale), ..*self }
    }

    /// Parts of a year of a period: 30 days a month for a regular one in the 30-day counts.
    ///
    /// `regular_months` is 0 for an irregular period.
    pub(crate) fn units(&self, from: Date, to: Date, regular_months: u16) -> u32 {
        let units = if self.count.is_thirty() && regular_months > 0 {
            u32::from(regular_months) * 30
        } else {
            self.count.units(from, to)
        };
        units.max(self.minimum_units())
    }

    /// Parts of a year of some days within a period, whatever they count at least.
    pub(crate) fn units_elapsed(&self, from: Date, to: Date) -> u32 {
        self.count.units(from, to)
    }

    /// Days that a period which has begun counts at least.
    pub(crate) const fn minimum_days(&self) -> u16 {
        self.minimum_days
    }

    /// Parts of a year that a period which has begun counts at least.
    pub(crate) fn minimum_units(&self) -> u32 {
        // A day of actual/actual is 366 parts in a common year.
        let per_day = if self.count == DayCount::ActualActual { 366 } else { 1 };
        u32::from(self.minimum_days) * per_day
    }

    /// Interest on `balance` for `units`, rounded once.
    #[inline]
    pub(crate) fn interest(&self, balance: Amount, units: u32, rounding: Rounding) -> Result<Amount, CreditError> {
        let numerator = u128::from(self.numerator) * u128::from(units);
        round_product(balance, numerator, self.denominator, rounding)
    }

    /// Interest on `balance` for `part` of `whole` actual days of a period of `units`, rounded once.
    pub(crate) fn interest_pro_rata(
        &self,
        balance: Amount,
        units: u32,
        (part, whole): (u32, u32),
        rounding: Rounding,
    ) -> Result<Amount, CreditError> {
        if whole == 0 {
            return Ok(Amount::ZERO);
        }
        // 2^60 · 2^32 · 2^19 and 2^74 · 2^19: both fit.
        let numerator = u128::from(self.numerator) * u128::from(units) * u128::from(part);
        round_product(balance, numerator, self.denominator * u128::from(whole), rounding)
    }
}

/// `amount · numerator / denominator`, exact before it is rounded.
#[inline]
pub(crate) fn round_product(
    amount: Amount,
    numerator: u128,
    denominator: u128,
    rounding: Rounding,
) -> Result<Amount, CreditError> {
    let amount = u128::from(amount.unsigned());
    let divided = match amount.checked_mul(numerator) {
        Some(product) => div_rem(product, denominator),
        None => mul_div(amount, numerator, denominator),
    };
    let rounded = divided.and_then(|(quotient, remainder)| rounding.finish(quotient, remainder, denominator));
    Ok(Amount::try_from(rounded.ok_or(MoneyError::AmountOutOfRange)?)?)
}

/// `percent` of `amount` times `count`, rounded once.
pub(crate) fn percent_of(
    amount: Amount,
    percent: Decimal,
    count: u16,
    rounding: Rounding,
) -> Result<Amount, CreditError> {
    let numerator = u128::from(percent.mantissa().unsigned_abs()) * u128::from(count);
    round_product(amount, numerator, 100 * u128::from(percent.denominator()), rounding)
}
