//! Values that go into a scorecard, and decimals that stand in its file.

use prequal_derive::{Canonical, Read};
use std::fmt;
use std::string::{String, ToString};

use serde::{Deserialize, Serialize};

use crate::nearest::{DIGITS_MAX, nearest};

/// Why a value is not there. The kinds are kept apart because they mean different things: a question
/// that nobody asked says nothing about a person, an empty answer of a register says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// Nobody asked for it.
    NotAsked,
    /// The source was asked and did not answer in time.
    TimedOut,
    /// The source answered that it knows nothing about this person.
    NoRecord,
    /// Something came that is not a value of this feature.
    Invalid,
}

impl MissingKind {
    /// All kinds, in the order of their slots in a compiled feature.
    pub const ALL: [Self; 4] = [Self::NotAsked, Self::TimedOut, Self::NoRecord, Self::Invalid];

    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::TimedOut => "timed_out",
            Self::NoRecord => "no_record",
            Self::Invalid => "invalid",
        }
    }

    pub(super) fn slot(self) -> usize {
        match self {
            Self::NotAsked => 0,
            Self::TimedOut => 1,
            Self::NoRecord => 2,
            Self::Invalid => 3,
        }
    }
}

/// One feature's value in one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A number. NaN is [`Value::Empty`], an infinity is missing as [`MissingKind::Invalid`].
    Number(f64),
    /// A category by its name.
    Category(&'a str),
    /// Missing, and it is known why.
    Missing(MissingKind),
    /// Missing, and it is not known why (an empty cell).
    Empty,
}

/// The longest decimal string of a [`Real`] in bytes.
const REAL_BYTES_MAX: usize = 40;

/// Beyond it the digits before the point pass what is read exactly; no score is anywhere near.
const VALUE_END: f64 = 1e38;

/// A finite number that stands in a file as a plain decimal string: `"12.5"`, never `"12.50"`, `"1.25e1"`,
/// `".5"` or `"-0"`. Written, it is the shortest decimal that gives the same `f64` again.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize, Read)]
#[serde(try_from = "String", into = "String")]
pub struct Real(f64);

impl Real {
    /// Takes a number; `None` where it is not finite or its decimal string would be too long.
    /// Negative zero becomes zero.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        let real = Self(if value == 0.0 { 0.0 } else { value });
        (value.is_finite() && real.to_string().len() <= REAL_BYTES_MAX && value.abs() < VALUE_END).then_some(real)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl TryFrom<String> for Real {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > REAL_BYTES_MAX {
            return Err(format!("a decimal string is longer than {REAL_BYTES_MAX} bytes"));
        }
        // Formatting a float to compare the spelling would put the float printer into every wasm module.
        match plain_decimal(&text) {
            Some(value) => Ok(Self(value)),
            None => Err(format!("`{text}` is not a decimal number in its shortest form")),
        }
    }
}

/// An optional minus, a whole part without leading zeros, and an optional fraction without trailing ones.
fn plain_decimal(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    let (mut digits, mut point) = (0_u128, None);
    for (at, byte) in unsigned.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits.checked_mul(10)?.checked_add(u128::from(byte - b'0'))?,
            b'.' if point.is_none() && at > 0 => point = Some(at),
            _ => return None,
        }
    }
    let whole = point.unwrap_or(unsigned.len());
    let places = u32::try_from(unsigned.len().checked_sub(point.map_or(whole, |point| point + 1))?).ok()?;
    let ends_well = point.is_none() || places > 0 && unsigned.last() != Some(&b'0');
    let begins_well = whole == 1 || whole > 1 && unsigned.first() != Some(&b'0');
    if !begins_well || !ends_well || places > DIGITS_MAX || negative && digits == 0 {
        return None;
    }
    let size = nearest(digits, places);
    Some(if negative { -size } else { size })
}

impl From<Real> for String {
    fn from(real: Real) -> Self {
        real.to_string()
    }
}
