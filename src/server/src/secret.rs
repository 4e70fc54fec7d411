//! Random tokens, their hashes at rest, and comparison in constant time.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use prequal_core::canonical;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Random bytes of the operating system.
///
/// # Panics
/// When the operating system gives no randomness: nothing safe can be done then.
#[must_use]
#[expect(clippy::expect_used, reason = "without randomness no key is safe, so the process must end")]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    crate::machine::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// Lower-case hex.
pub use prequal_core::canonical::hex;

/// Bytes of hex text of exactly `N` bytes.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0_u8; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

/// SHA-256 as lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    canonical::sha256_hex(bytes.as_ref())
}

/// HMAC-SHA256.
///
/// # Panics
/// Never: HMAC takes a key of any length.
#[must_use]
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length of key");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Whether two texts are the same, in a time that does not tell where they differ.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

/// A bearer token: `prefix` and 256 random bits. Only its [`sha256_hex`] is stored.
#[must_use]
pub fn new_token(prefix: &str) -> String {
    token_of(prefix, &random::<32>())
}

/// A bearer token of given bits.
#[must_use]
pub fn token_of(prefix: &str, bits: &[u8; 32]) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of the empty string, FIPS 180-4 example values.
    #[test]
    fn sha256_of_nothing() {
        assert_eq!(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    /// RFC 4231 test case 2.
    #[test]
    fn hmac_of_rfc_4231() {
        assert_eq!(
            hex(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn hex_is_read_back_and_refused_when_wrong() {
        assert_eq!(unhex::<2>("00ff"), Some([0, 255]));
        assert_eq!(unhex::<2>("00f"), None);
        assert_eq!(unhex::<2>("00fg"), None);
        assert!(same("abc", "abc") && !same("abc", "abd") && !same("abc", "ab"));
        assert_ne!(new_token("cap_"), new_token("cap_"));
    }
}
