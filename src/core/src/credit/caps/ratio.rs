//! Percentages as exact fractions.

use core::cmp::Ordering;

use crate::{
    credit::{CreditError, big::Big},
    decimal::Decimal,
    money::{Amount, MoneyError},
    rounding::{Rounding, mul_div},
};

/// Decimals that a percentage is shown with, at most.
const PLACES_MAX: u8 = 12;

/// A fraction that is not negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    numerator: u128,
    denominator: u128,
}

impl Ratio {
    pub(crate) const ZERO: Self = Self { numerator: 0, denominator: 1 };

    pub(crate) const fn new(numerator: u128, denominator: u128) -> Self {
        Self { numerator, denominator }
    }

    /// The size of a decimal.
    pub(crate) fn of(decimal: Decimal) -> Self {
        Self::new(u128::from(decimal.mantissa().unsigned_abs()), u128::from(decimal.denominator()))
    }

    /// One amount in per cent of another; nothing in per cent of nothing is zero.
    pub(crate) fn percent_of(part: Amount, whole: Amount) -> Result<Self, CreditError> {
        if whole.is_zero() && !part.is_zero() {
            return Err(CreditError::PrincipalZero);
        }
        Ok(Self::new(u128::from(part.unsigned()) * 100, u128::from(whole.unsigned()).max(1)))
    }

    pub(crate) fn times(self, other: Self) -> Result<Self, CreditError> {
        let product = self.numerator.checked_mul(other.numerator).zip(self.denominator.checked_mul(other.denominator));
        let (numerator, denominator) = product.ok_or(MoneyError::AmountOutOfRange)?;
        Ok(Self::new(numerator, denominator))
    }

    pub(crate) fn plus(self, other: Self) -> Result<Self, CreditError> {
        let sum = || {
            let left = self.numerator.checked_mul(other.denominator)?;
            let right = other.numerator.checked_mul(self.denominator)?;
            Some(Self::new(left.checked_add(right)?, self.denominator.checked_mul(other.denominator)?))
        };
        sum().ok_or_else(|| MoneyError::AmountOutOfRange.into())
    }

    /// The rest; nothing where the other is greater.
    pub(crate) fn less(self, other: Self) -> Result<Self, CreditError> {
        let rest = || {
            let left = self.numerator.checked_mul(other.denominator)?;
            let right = other.numerator.checked_mul(self.denominator)?;
            Some(Self::new(left.saturating_sub(right), self.denominator.checked_mul(other.denominator)?))
        };
        rest().ok_or_else(|| MoneyError::AmountOutOfRange.into())
    }

    /// The greater.
    pub(crate) fn max(self, other: Self) -> Self {
        if self < other { other } else { self }
    }

    /// The lesser.
    pub(crate) fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// So many per cent of an amount, rounded down.
    pub(crate) fn part_of(self, amount: Amount) -> Result<Amount, CreditError> {
        let hundred = self.denominator.checked_mul(100).ok_or(MoneyError::AmountOutOfRange)?;
        let (part, _) =
            mul_div(u128::from(amount.unsigned()), self.numerator, hundred).ok_or(MoneyError::AmountOutOfRange)?;
        Ok(Amount::try_from(part)?)
    }

    /// So many per cent of a number for `part` of `whole`, rounded up.
    pub(crate) fn share_up(self, of: u128, part: u128, whole: u128) -> Result<u128, CreditError> {
        let share = || {
            let (down, rest) =
                mul_div(of.checked_mul(part)?, self.numerator, self.denominator.checked_mul(whole * 100)?)?;
            down.checked_add(u128::from(rest > 0))
        };
        share().ok_or_else(|| MoneyError::AmountOutOfRange.into())
    }

    /// Whole steps of 10^-places, rounded down.
    pub(crate) fn steps(self, places: u8) -> Option<i64> {
        let (whole, _) = mul_div(self.numerator, 10_u128.pow(u32::from(places)), self.denominator)?;
        i64::try_from(whole).ok()
    }

    /// In whole steps of 10^-places, rounded half up, and how many steps are one.
    fn scaled(self, places: u8) -> Option<(u128, u128)> {
        let scale = 10_u128.pow(u32::from(places));
        let (whole, rest) = mul_div(self.numerator, scale, self.denominator)?;
        Some((Rounding::HalfUp.finish(whole, rest, self.denominator)?, scale))
    }

    /// As many decimals, from `places` on, as make the rounded number greater than a lesser one.
    pub(crate) fn places_above(self, lesser: Self, places: u8) -> u8 {
        let above = |places: &u8| self.scaled(*places).is_none_or(|(scaled, one)| Self::new(scaled, one) > lesser);
        (places..PLACES_MAX).find(above).unwrap_or(PLACES_MAX)
    }

    /// With so many decimals, rounded half up.
    pub(crate) fn text(self, places: u8) -> String {
        let scaled = self.scaled(places);
        // Sixty-four bits are written with a tenth of the code.
        match scaled.and_then(|(scaled, scale)| Some((u64::try_from(scaled).ok()?, u64::try_from(scale).ok()?))) {
            Some((scaled, scale)) => {
                format!("{}.{:0width$}", scaled / scale, scaled % scale, width = usize::from(places))
            }
            None => "out of range".to_owned(),
        }
    }

    /// As a decimal without trailing zeros, to six places.
    pub(crate) fn shortest(self) -> String {
        let text = self.text(6);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        Big::from(self.numerator).mul(other.denominator).cmp(&Big::from(other.numerator).mul(self.denominator))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}
