//! Canonical JSON (RFC 8785, the JSON Canonicalization Scheme) and the hash over it.
//!
//! Restricted to what hashed documents hold: objects, arrays, strings, booleans, null and integers within
//! ±(2⁵³ − 1). A number with a fraction is an error, because two runtimes may print it differently; amounts are
//! integers in minor units and every other number is a decimal string. Object keys are sorted by UTF-16 code units.

mod serializer;
mod text;
mod writer;

pub use text::{Canonical, Text};

use core::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The largest integer that every JSON reader holds exactly: 2⁵³ − 1.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// Why a value has no canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CanonicalError {
    /// A floating-point number stands in the document.
    Fraction,
    /// An integer lies beyond ±(2⁵³ − 1).
    IntegerOutOfRange,
    /// An object key is not a string.
    KeyNotString,
    /// An object has the same key twice.
    DuplicateKey(String),
    /// The value cannot be written as JSON.
    Unsupported(String),
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fraction => f.write_str("a hashed document cannot hold a number with a fraction"),
            Self::IntegerOutOfRange => write!(f, "a hashed document cannot hold an integer beyond {INTEGER_MAX}"),
            Self::KeyNotString => f.write_str("an object key must be a string"),
            Self::DuplicateKey(key) => write!(f, "the key `{key}` stands twice in one object"),
            Self::Unsupported(why) => f.write_str(why),
        }
    }
}

impl core::error::Error for CanonicalError {}

/// The canonical JSON text of `value`.
///
/// # Errors
/// [`CanonicalError`] where the value holds a fraction, an integer beyond 2⁵³ − 1, or a key that is no string.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let mut writer = writer::Writer::with_capacity(1024);
    value.serialize(&mut writer).map_err(writer::Fault::into_inner)?;
    text(writer.finish())
}

/// The canonical JSON text of `value`, as [`to_string`] gives it, with less code and sooner.
///
/// # Errors
/// [`CanonicalError::IntegerOutOfRange`].
pub fn text_of<T: Canonical + ?Sized>(value: &T) -> Result<String, CanonicalError> {
    let mut text = Text::default();
    value.write_to(&mut text);
    text.into_text()
}

/// The same in bytes, for what is hashed or written into a larger document.
pub(crate) fn bytes_of<T: Canonical + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut text = Text::default();
    value.write_to(&mut text);
    text.finish()
}

/// What was written, as text.
#[inline(never)]
pub(crate) fn text(written: Vec<u8>) -> Result<String, CanonicalError> {
    // Only whole texts and ASCII were written.
    String::from_utf8(written).map_err(|_| CanonicalError::Unsupported("it is no text".to_owned()))
}

/// The SHA-256 (FIPS 180-4) of `bytes` as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn canonical(text: &str) -> Result<String, CanonicalError> {
        to_string(&serde_json::from_str::<serde_json::Value>(text).unwrap())
    }

    /// RFC 8785 section 3.2.3: the sorting example, whose keys need UTF-16 order (the emoji sorts before U+FB33).
    #[test]
    fn keys_are_sorted_by_utf16_code_units() {
        let text = canonical(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        )
        .unwrap();
        let order: Vec<usize> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .iter()
            .map(|word| text.find(word).unwrap())
            .collect();
        assert!(order.is_sorted(), "{text}");
    }

    /// RFC 8785 section 3.2.2.2: the string example.
    #[test]
    fn strings_are_escaped_as_the_scheme_says() {
        assert_eq!(
            canonical(r#"{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}"#).unwrap(),
            "{\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    #[test]
    fn nested_objects_are_sorted_each_for_itself() {
        assert_eq!(
            canonical(r#"{"b":[{"y":1,"x":{"b":null,"a":true}}],"a":-0,"":[]}"#.replace("-0", "0").as_str()).unwrap(),
            r#"{"":[],"a":0,"b":[{"x":{"a":true,"b":null},"y":1}]}"#
        );
    }

    #[test]
    fn fractions_and_integers_beyond_two_to_the_53_are_refused() {
        assert_eq!(canonical("[0.5]"), Err(CanonicalError::Fraction));
        assert_eq!(canonical("[1e2]"), Err(CanonicalError::Fraction));
        assert_eq!(canonical("[9007199254740991]").unwrap(), "[9007199254740991]");
        assert_eq!(canonical("[9007199254740992]"), Err(CanonicalError::IntegerOutOfRange));
        assert_eq!(canonical("[-9007199254740992]"), Err(CanonicalError::IntegerOutOfRange));
        assert_eq!(canonical("[18446744073709551615]"), Err(CanonicalError::IntegerOutOfRange));
    }

    #[test]
    fn canonical_text_is_a_fixed_point() {
        let once = to_string(&json!({"z": {"b": "é\u{1F600}", "a": [1, "2", false]}, "a": "\u{7f}"})).unwrap();
        assert_eq!(canonical(&once).unwrap(), once);
    }

    /// FIPS 180-4 example: the digest of `abc`.
    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
