//! Exact decimal numbers: rates, percentages, thresholds. Written as strings, never as floats.

use core::{cmp::Ordering, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::nearest::nearest;

/// Significant digits of a decimal, at most.
pub const DECIMAL_DIGITS_MAX: usize = 18;
/// Digits after the point, at most.
pub const DECIMAL_PLACES_MAX: u8 = 15;

/// An exact decimal `mantissa / 10^places`, without trailing zeros after the point.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i64,
    places: u8,
}

/// What is wrong with the text of a decimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// Not `[-]digits[.digits]`.
    NotADecimal(String),
    /// More than [`DECIMAL_DIGITS_MAX`] significant digits or [`DECIMAL_PLACES_MAX`] after the point.
    TooManyDigits,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal(text) => write!(f, "`{text}` is not a decimal such as \"12.5\""),
            Self::TooManyDigits => write!(
                f,
                "a decimal has at most {DECIMAL_DIGITS_MAX} digits, {DECIMAL_PLACES_MAX} of them after the point"
            ),
        }
    }
}

impl core::error::Error for DecimalError {}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { mantissa: 0, places: 0 };

    /// `mantissa / 10^places`, brought to its shortest form.
    ///
    /// # Errors
    /// [`DecimalError::TooManyDigits`].
    pub fn new(mantissa: i64, places: u8) -> Result<Self, DecimalError> {
        let (mut mantissa, mut places) = (mantissa, places);
        while places > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            places -= 1;
        }
        if places > DECIMAL_PLACES_MAX || mantissa.unsigned_abs() >= 10_u64.pow(18) {
            return Err(DecimalError::TooManyDigits);
        }
        Ok(Self { mantissa, places })
    }

    /// Reads `[-]digits[.digits]`: no sign `+`, no exponent, no blank, digits on both sides of a point.
    ///
    /// # Errors
    /// When the text has another form or too many digits. Trailing zeros after the point do not count.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let wrong = || DecimalError::NotADecimal(text.chars().take(40).collect());
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(wrong());
        }
        let fraction = fraction.trim_end_matches('0');
        let places = u8::try_from(fraction.len()).map_err(|_| DecimalError::TooManyDigits)?;
        let mut mantissa = 0_i64;
        for byte in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|value| value.checked_add(i64::from(byte - b'0')))
                .ok_or(DecimalError::TooManyDigits)?;
        }
        Self::new(if negative { -mantissa } else { mantissa }, places)
    }

    /// The digits as one integer: 125 for 12.5.
    #[must_use]
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// The number of digits after the point: 1 for 12.5.
    #[must_use]
    pub const fn places(self) -> u8 {
        self.places
    }

    /// 10 to the power of [`Self::places`].
    #[must_use]
    pub fn denominator(self) -> u64 {
        // At most 10^15.
        10_u64.pow(u32::from(self.places))
    }

    /// Whether the value is below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Whether the value is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// The nearest double, for display and for scores; never for money.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        let size = nearest(self.mantissa.unsigned_abs().into(), self.places.into());
        if self.mantissa < 0 { -size } else { size }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        // 10^18 · 10^15 is below 2^127.
        let left = i128::from(self.mantissa) * i128::from(other.denominator());
        let right = i128::from(other.mantissa) * i128::from(self.denominator());
        left.cmp(&right)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<u32> for Decimal {
    fn from(whole: u32) -> Self {
        Self { mantissa: i64::from(whole), places: 0 }
    }
}

impl core::str::FromStr for Decimal {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::parse(text)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let (digits, unit) = (self.mantissa.unsigned_abs(), self.denominator());
        write!(f, "{sign}{}", digits / unit)?;
        if self.places > 0 {
            write!(f, ".{:0width$}", digits % unit, width = usize::from(self.places))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal as a string such as \"12.5\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                Decimal::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl crate::canonical::Canonical for Decimal {
    fn write_to(&self, text: &mut crate::canonical::Text) {
        text.shown(format_args!("{self}"));
    }
}

crate::json::read_text!(Decimal, "a decimal as a string such as \"12.5\"", Self::parse, Self::default());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_read_exactly_and_shown_in_its_shortest_form() {
        for (text, shown) in [
            ("12.5", "12.5"),
            ("12.50", "12.5"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("007", "7"),
            ("0.000000000000001", "0.000000000000001"),
            ("-3.14", "-3.14"),
            ("100.00000000000000000000000", "100"),
            ("999999999999999999", "999999999999999999"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn other_forms_and_longer_ones_are_refused() {
        for text in ["", "-", ".5", "5.", "+1", "1e3", " 1", "1,5", "0x1", "NaN", "1.2.3", "--1", "١"] {
            assert!(matches!(Decimal::parse(text), Err(DecimalError::NotADecimal(_))), "{text}");
        }
        for text in ["1000000000000000000", "0.0000000000000001", "1234567890123456789.5", "99999999999999999999"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::TooManyDigits), "{text}");
        }
    }

    #[test]
    fn order_is_by_value() {
        let mut values: Vec<Decimal> =
            ["10", "9.99", "-1", "0.1", "0.09", "-1.5"].iter().map(|text| Decimal::parse(text).unwrap()).collect();
        values.sort();
        let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["-1.5", "-1", "0.09", "0.1", "9.99", "10"]);
    }

    #[test]
    fn the_nearest_double_is_that_of_the_text() {
        for text in ["0.1", "35.999999999999", "123456789.123456789", "-0.000000000000001", "999999999999999999"] {
            assert_eq!(Decimal::parse(text).unwrap().to_f64(), text.parse::<f64>().unwrap());
        }
    }
}
