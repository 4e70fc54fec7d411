//! Telephone numbers in the international format of ITU-T E.164.

/// The most digits after the plus sign (E.164, 6.1).
const DIGITS_MAX: usize = 15;
/// Fewer digits than this are no subscriber's number in any country.
const DIGITS_MIN: usize = 7;

/// Whether `text` is `+`, then 7 to 15 digits of which the first is not zero. Spaces, brackets and hyphens are not
/// part of the number; a page takes them out before it asks.
#[must_use]
pub fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_international_and_bare() {
        for text in ["+12125550123", "+8613800138000", "+442079460958", "+2904567", "+123456789012345"] {
            assert!(is_e164(text), "{text}");
        }
        for text in [
            "",
            "+",
            "12125550123",
            "+1 212 555 0123",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+1212555o123",
            "+１２３４５６７",
        ] {
            assert!(!is_e164(text), "{text}");
        }
    }
}
