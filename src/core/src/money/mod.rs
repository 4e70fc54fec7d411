//! Amounts of money: whole minor units of a currency, never negative, never a fraction.

mod allot;

use core::fmt;

pub use allot::{ALLOT_SHARES_MAX, Leftover, allot};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    canonical::{Canonical, Text},
    json::{Node, Read},
};

/// The largest amount, in minor units: 2^53 − 1, the largest whole number JavaScript holds exactly.
pub const AMOUNT_MAX: i64 = 9_007_199_254_740_991;

/// What is wrong with an amount or a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// An amount, given or computed, is outside 0 … [`AMOUNT_MAX`].
    AmountOutOfRange,
    /// A currency code that ISO 4217 does not list.
    UnknownCurrency(String),
    /// A code that ISO 4217 lists without a minor unit: metals, funds, testing.
    CurrencyWithoutMinorUnit(String),
    /// No shares, too many of them, or shares that are all zero.
    SharesEmpty,
}

impl MoneyError {
    /// The stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AmountOutOfRange => "amount_out_of_range",
            Self::UnknownCurrency(_) => "unknown_currency",
            Self::CurrencyWithoutMinorUnit(_) => "currency_without_minor_unit",
            Self::SharesEmpty => "shares_empty",
        }
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AmountOutOfRange => {
                write!(f, "amount_out_of_range: an amount is a whole number from 0 to {AMOUNT_MAX}")
            }
            Self::UnknownCurrency(code) => write!(f, "unknown_currency: `{code}` is not a currency of ISO 4217"),
            Self::CurrencyWithoutMinorUnit(code) => {
                write!(f, "currency_without_minor_unit: `{code}` has no minor unit to count a debt in")
            }
            Self::SharesEmpty => {
                write!(
                    f,
                    "shares_empty: an amount is divided over 1 to {ALLOT_SHARES_MAX} shares, not all of them zero"
                )
            }
        }
    }
}

impl core::error::Error for MoneyError {}

/// An amount in minor units of a currency that stands beside it: 0 … [`AMOUNT_MAX`].
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(AMOUNT_MAX);

    /// An amount of `minor` minor units.
    ///
    /// # Errors
    /// `amount_out_of_range`.
    pub const fn new(minor: i64) -> Result<Self, MoneyError> {
        if minor >= 0 && minor <= AMOUNT_MAX { Ok(Self(minor)) } else { Err(MoneyError::AmountOutOfRange) }
    }

    /// The number of minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// The number of minor units, unsigned.
    #[must_use]
    pub const fn unsigned(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// As [`Self::is_zero`], for serializers.
    pub(crate) const fn is_zero_ref(&self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// `amount_out_of_range`.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        // Both are below 2^53, so the sum cannot overflow.
        Self::new(self.0 + other.0)
    }

    /// The difference.
    ///
    /// # Errors
    /// `amount_out_of_range` when `other` is larger.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        Self::new(self.0 - other.0)
    }

    /// The difference, or nothing when `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }

    /// The sum of many.
    ///
    /// # Errors
    /// `amount_out_of_range`.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// Splits into `shares` equal parts: the part of each, and what is left over.
    ///
    /// `None` when `shares` is zero.
    #[must_use]
    pub fn split(self, shares: u16) -> Option<(Self, Self)> {
        let part = self.0.checked_div(i64::from(shares))?;
        Some((Self(part), Self(self.0 - part * i64::from(shares))))
    }
}

impl TryFrom<u128> for Amount {
    type Error = MoneyError;
    fn try_from(minor: u128) -> Result<Self, MoneyError> {
        i64::try_from(minor).map_err(|_| MoneyError::AmountOutOfRange).and_then(Self::new)
    }
}

impl TryFrom<i64> for Amount {
    type Error = MoneyError;
    fn try_from(minor: i64) -> Result<Self, MoneyError> {
        Self::new(minor)
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> Self {
        amount.0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of minor units")
            }
            fn visit_i64<E: de::Error>(self, minor: i64) -> Result<Amount, E> {
                Amount::new(minor).map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, minor: u64) -> Result<Amount, E> {
                Amount::try_from(u128::from(minor)).map_err(E::custom)
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
                // Integers beyond 64 bits arrive here as well: they are out of range, not fractions.
                if number < 0.0 || number > AMOUNT_MAX as f64 {
                    return Err(E::custom(MoneyError::AmountOutOfRange));
                }
                Err(E::custom("an amount is a whole number of minor units, not a fraction"))
            }
        }
        // Not `deserialize_i64`: JavaScript's numbers beyond 2^53 must reach `visit_f64` and its named error.
        deserializer.deserialize_any(Visitor)
    }
}

impl Canonical for Amount {
    fn write_to(&self, text: &mut Text) {
        text.integer(self.0);
    }
}

impl Read for Amount {
    fn read(node: Node<'_>) -> Self {
        let minor = match (node.as_integer(), node.is_number_beyond()) {
            (Some(minor), _) => Self::new(minor),
            (None, Some(_)) => Err(MoneyError::AmountOutOfRange),
            (None, None) => {
                if node.is_fraction() {
                    node.fail(format_args!("an amount is a whole number of minor units, not a fraction"));
                } else {
                    node.unexpected("a whole number of minor units");
                }
                Ok(Self::ZERO)
            }
        };
        minor.unwrap_or_else(|error| {
            node.fail(format_args!("{error}"));
            Self::ZERO
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_limits_is_one_named_error_given_or_computed() {
        let error = Err(MoneyError::AmountOutOfRange);
        assert_eq!(Amount::new(-1), error);
        assert_eq!(Amount::new(AMOUNT_MAX + 1), error);
        assert_eq!(Amount::MAX.checked_add(Amount(1)), error);
        assert_eq!(Amount::ZERO.checked_sub(Amount(1)), error);
        for text in ["-1", "9007199254740992", "9223372036854775808", "18446744073709551616", "-9223372036854775809"] {
            let message = serde_json::from_str::<Amount>(text).unwrap_err().to_string();
            assert!(message.starts_with("amount_out_of_range: "), "{text}: {message}");
        }
        assert_eq!(serde_json::from_str::<Amount>("9007199254740991").unwrap(), Amount::MAX);
    }

    #[test]
    fn fractions_and_texts_are_not_amounts() {
        for text in ["1.5", "1.0", "1e3", "\"1\"", "null", "true"] {
            let message = serde_json::from_str::<Amount>(text).unwrap_err().to_string();
            assert!(message.contains("a whole number of minor units"), "{text}: {message}");
        }
    }

    #[test]
    fn a_split_loses_nothing() {
        for (amount, shares, part, rest) in [(100, 3, 33, 1), (0, 5, 0, 0), (AMOUNT_MAX, 600, 15_011_998_757_901, 391)]
        {
            let (got_part, got_rest) = Amount(amount).split(shares).unwrap();
            assert_eq!((got_part.minor(), got_rest.minor()), (part, rest));
            assert_eq!(got_part.minor() * i64::from(shares) + got_rest.minor(), amount);
        }
        assert_eq!(Amount(1).split(0), None);
    }
}
