//! Floats with their width: how they are written, read and compared.

use std::fmt::{self, Write as _};
use std::string::{String, ToString};

use super::document::Width;
use crate::{credit::big::Big, nearest::nearest_of};

/// A float of the model's own width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Float {
    /// Single precision.
    F32(f32),
    /// Double precision.
    F64(f64),
}

impl Float {
    /// Big-endian bits in lower-case hexadecimal: 8 digits for `f32`, 16 for `f64`.
    #[must_use]
    pub fn bits_hex(self) -> String {
        let mut text = String::with_capacity(16);
        leaf_hex(&mut text, self);
        text
    }

    /// The same number as `f64`, exactly.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::F32(value) => f64::from(value),
            Self::F64(value) => value,
        }
    }
}

/// The shortest decimal that gives the same bits when read at the same width: plain from 0.000001 up to below 10²¹ as
/// JavaScript writes it, scientific beyond.
impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.to_f64().abs();
        let plain = magnitude == 0.0 || (1e-6..1e21).contains(&magnitude);
        match self {
            Self::F32(value) if plain => write!(f, "{value}"),
            Self::F32(value) => write!(f, "{value:e}"),
            Self::F64(value) if plain => write!(f, "{value}"),
            Self::F64(value) => write!(f, "{value:e}"),
        }
    }
}

/// How a threshold is written: the shortest decimal at its width.
#[must_use]
pub fn decimal(value: f64, width: Width) -> String {
    match width {
        // A threshold of this width is an f32 that was widened, so narrowing it is exact.
        Width::F32 => Float::F32(value as f32).to_string(),
        Width::F64 => Float::F64(value).to_string(),
    }
}

/// Reads a decimal as the nearest float of a width; `None` where it is no decimal or not finite.
///
/// The standard library's reader does the same and carries ten kilobytes of powers of five, which every browser would
/// download.
pub(super) fn parse_decimal(text: &str, width: Width) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() || (fraction.is_empty() && unsigned.len() > whole.len()) {
        return None;
    }
    let digit = |digits: u128, byte: u8| match byte {
        b'0'..=b'9' => digits.checked_mul(10)?.checked_add(u128::from(byte - b'0')),
        _ => None,
    };
    let digits = whole.bytes().chain(fraction.bytes()).try_fold(0_u128, digit)?;
    let size = round_decimal(digits, exponent - i32::try_from(fraction.len()).ok()?, width);
    let value = match width {
        Width::F32 => f64::from(size as f32),
        Width::F64 => size,
    };
    value.is_finite().then_some(if negative { -value } else { value })
}

/// Beyond ± this power of ten every number is infinite or zero, however many digits it has.
const EXPONENT_MAX: i32 = 400;

fn parse_exponent(text: &str) -> Option<i32> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let value = digits.bytes().fold(0, |value: i32, byte| (value * 10 + i32::from(byte & 15)).min(EXPONENT_MAX));
    all.then_some(sign * value)
}

/// `digits` × 10^`exponent`, rounded once to the nearest float of a width, half to even.
fn round_decimal(digits: u128, exponent: i32, width: Width) -> f64 {
    let (bits, exponent_min) = match width {
        Width::F32 => (f32::MANTISSA_DIGITS, -126),
        Width::F64 => (f64::MANTISSA_DIGITS, -1022),
    };
    // Where nothing is below the smallest normal number.
    const PLACES_PLAIN: u32 = 30;
    let places = exponent.unsigned_abs();
    if digits == 0 {
        return 0.0;
    }
    if exponent <= 0 && places <= PLACES_PLAIN {
        return nearest_of(digits, places, bits);
    }
    let (mut over, mut under) = match exponent {
        0.. => (times_ten(Big::from(digits), places), Big::from(1)),
        _ => (Big::from(digits), times_ten(Big::from(1), places)),
    };
    // The value is `over` ÷ `under` × 2^`scale`, with the quotient from 1 up to below 2.
    let mut scale = over.bits() as i32 - under.bits() as i32;
    if scale >= 0 {
        under = under.double(scale.unsigned_abs());
    } else {
        over = over.double(scale.unsigned_abs());
    }
    if over < under {
        over = over.double(1);
        scale -= 1;
    }
    // A number below the smallest normal one has fewer bits.
    let kept = bits as i32 - (exponent_min - scale).max(0);
    let mut significand = 0_u64;
    let next_bit = |over: &mut Big| {
        let rest = over.sub(&under);
        let bit = rest.is_some();
        *over = rest.as_ref().unwrap_or(over).double(1);
        bit
    };
    for _ in 0..kept {
        significand = significand << 1 | u64::from(next_bit(&mut over));
    }
    if kept < 0 {
        return 0.0;
    }
    let half = next_bit(&mut over);
    if half && (over.bits() > 0 || significand & 1 == 1) {
        significand += 1;
    }
    libm::ldexp(significand as f64, scale - kept + 1)
}

fn times_ten(mut number: Big, mut times: u32) -> Big {
    // The largest power of ten in 64 bits is the nineteenth.
    while times > 0 {
        let step = times.min(19);
        number = number.mul_limb(10_u64.pow(step));
        times -= step;
    }
    number
}

/// Appends the bits of a value as [`Float::bits_hex`] writes them.
pub fn leaf_hex(text: &mut String, value: Float) {
    let written = match value {
        Float::F32(value) => write!(text, "{:08x}", value.to_bits()),
        Float::F64(value) => write!(text, "{:016x}", value.to_bits()),
    };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

/// Hexadecimal digits of one float.
pub(super) fn digits(width: Width) -> usize {
    match width {
        Width::F32 => 8,
        Width::F64 => 16,
    }
}

/// Reads the bits of one float: exactly 8 or 16 lower-case hexadecimal digits.
#[must_use]
pub fn parse_bits(text: &str, width: Width) -> Option<Float> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != digits(width) || !text.bytes().all(lower) {
        return None;
    }
    let bits = u64::from_str_radix(text, 16).ok()?;
    Some(match width {
        Width::F32 => Float::F32(f32::from_bits(u32::try_from(bits).ok()?)),
        Width::F64 => Float::F64(f64::from_bits(bits)),
    })
}

/// Reads floats that stand one after the other without a separator; `None` where one is not finite.
pub(super) fn parse_run(text: &str, width: Width) -> Option<Vec<f64>> {
    if !text.is_ascii() || !text.len().is_multiple_of(digits(width)) {
        return None;
    }
    let chunk = |bytes: &[u8]| {
        let value = parse_bits(std::str::from_utf8(bytes).ok()?, width)?.to_f64();
        value.is_finite().then_some(value)
    };
    text.as_bytes().chunks_exact(digits(width)).map(chunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn same(text: &str) {
        let double = text.parse::<f64>().ok().filter(|value| value.is_finite());
        assert_eq!(parse_decimal(text, Width::F64).map(f64::to_bits), double.map(f64::to_bits), "{text}");
        let single = text.parse::<f32>().ok().filter(|value| value.is_finite());
        assert_eq!(parse_decimal(text, Width::F32).map(f64::to_bits), single.map(|v| f64::from(v).to_bits()), "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// The standard library's reader is the second implementation, over every float that there is.
        #[test]
        fn what_is_written_is_read_again(double in any::<u64>(), single in any::<u32>()) {
            let (double, single) = (f64::from_bits(double), f32::from_bits(single));
            if double.is_finite() {
                same(&Float::F64(double).to_string());
            }
            if single.is_finite() {
                same(&Float::F32(single).to_string());
                // Halfway between two singles, and the digits beside it: what rounding twice would get wrong.
                let half = (f64::from(single) + f64::from(single.next_up())) / 2.0;
                same(&format!("{half:e}"));
                same(&format!("{:e}", half.next_up()));
            }
        }

        #[test]
        fn any_decimal_is_the_nearest_float(digits in 0..10_u128.pow(38), scale in 0..38_u32, exponent in -400..400_i32) {
            same(&format!("{}e{exponent}", digits / 10_u128.pow(scale)));
        }
    }

    #[test]
    fn the_ends_are_read_as_well() {
        let ends = ["0", "-0", "0e9", "5e-324", "2e-324", "2.4703282292062328e-324", "1.7976931348623157e308", "1e309"];
        ends.into_iter().for_each(same);
        for text in
            ["1e-45", "7.0064923216240853546186479164495e-46", "7e-46", "1.1754943508222875e-38", "3.4028235e38"]
        {
            same(text);
        }
        same("3.4028235677973366e38");
        for text in ["", "-", ".5", "5.", "1e", "1e-", "e5", "1e5e5", "+1", "1E5", "inf", "NaN", "1 ", "1e+5", "0x1"] {
            assert_eq!(parse_decimal(text, Width::F64), None, "{text}");
        }
    }
}
