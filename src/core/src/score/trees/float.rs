//! Floats with their width: how they are written, read and compared.

use std::fmt::{self, Write as _};
use std::string::{String, ToString};

use super::document::Width;

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
pub(super) fn parse_decimal(text: &str, width: Width) -> Option<f64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"-.e".contains(&byte)) {
        return None;
    }
    let value = match width {
        Width::F32 => f64::from(text.parse::<f32>().ok()?),
        Width::F64 => text.parse::<f64>().ok()?,
    };
    value.is_finite().then_some(value)
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
