//! The file around a payload: Ed25519 over `prequal-bundle/1`, a line end, and the payload.
//!
//! `{"format":"prequal-bundle/1","kid":"…","payload":"<base64url>","signature":"<base64url>"}`, one line; an unsigned
//! one has neither `kid` nor `signature`. The key is found by `kid` among the keys that the caller trusts; a key named
//! inside the file would prove nothing and has no place there.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use prequal_core::bundle::PAYLOAD_BYTES_MAX;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::jwk::PrivateKey;

/// The `format` of an envelope.
pub const FORMAT: &str = "prequal-bundle/1";

/// The longest envelope that is read: base64 takes four bytes for three.
pub const ENVELOPE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX / 3 * 4 + 1024;

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// More bytes than are read.
    #[error("the bundle file has {0} bytes; at most {ENVELOPE_BYTES_MAX} are read")]
    TooLong(usize),
    /// Not the JSON of an envelope.
    #[error("the file is no bundle: {0}")]
    Shape(String),
    /// Another format.
    #[error("the bundle file has the format `{0}`; this version reads `{FORMAT}`")]
    Format(String),
    /// The payload or the signature is not base64url.
    #[error("the bundle's {0} is not base64url without padding")]
    Encoding(&'static str),
    /// There is no signature.
    #[error("the bundle is not signed")]
    Unsigned,
    /// A key that is not among the trusted ones.
    #[error("the bundle is signed by the key `{0}`, which is not among the trusted ones")]
    UnknownKey(String),
    /// The signature does not fit the payload.
    #[error("the bundle's signature does not fit its content: it was changed after signing, or signed by another key")]
    Signature,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    payload: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

/// An envelope that was read and not verified.
#[derive(Debug, Clone)]
pub struct Unverified {
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// The key that claims to have signed; none where unsigned.
    pub kid: Option<String>,
    signature: Option<Vec<u8>>,
}

/// The text of an unsigned envelope.
#[must_use]
pub fn unsigned(payload: &[u8]) -> String {
    write(&File { format: FORMAT.to_owned(), kid: None, payload: URL_SAFE_NO_PAD.encode(payload), signature: None })
}

/// The text of a signed envelope.
#[must_use]
pub fn sign(payload: &[u8], key: &PrivateKey) -> String {
    let signature = key.key.sign(&message(payload));
    write(&File {
        format: FORMAT.to_owned(),
        kid: Some(key.public.kid.clone()),
        payload: URL_SAFE_NO_PAD.encode(payload),
        signature: Some(URL_SAFE_NO_PAD.encode(signature.to_bytes())),
    })
}

fn write(file: &File) -> String {
    let mut text = serde_json::to_string(file).unwrap_or_default();
    text.push('\n');
    text
}

/// What is signed: the format, a line end, the payload.
fn message(payload: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(FORMAT.len() + 1 + payload.len());
    message.extend_from_slice(FORMAT.as_bytes());
    message.push(b'\n');
    message.extend_from_slice(payload);
    message
}

/// Reads an envelope without judging its signature.
///
/// # Errors
/// [`EnvelopeError`], all but the ones about keys and signatures.
pub fn read(text: &str) -> Result<Unverified, EnvelopeError> {
    if text.len() > ENVELOPE_BYTES_MAX {
        return Err(EnvelopeError::TooLong(text.len()));
    }
    let file: File = serde_json::from_str(text).map_err(|error| EnvelopeError::Shape(error.to_string()))?;
    if file.format != FORMAT {
        return Err(EnvelopeError::Format(file.format));
    }
    let decode = |text: &str, what| URL_SAFE_NO_PAD.decode(text).map_err(|_| EnvelopeError::Encoding(what));
    if file.kid.is_some() != file.signature.is_some() {
        return Err(EnvelopeError::Shape("`kid` and `signature` belong together".to_owned()));
    }
    Ok(Unverified {
        payload: decode(&file.payload, "payload")?,
        kid: file.kid,
        signature: file.signature.map(|signature| decode(&signature, "signature")).transpose()?,
    })
}

/// Verifies an envelope by the trusted keys, each with its `kid`, and gives the payload's bytes.
///
/// # Errors
/// [`EnvelopeError`]; nothing of the payload is given out unverified.
pub fn verify(text: &str, keys: &[(&str, VerifyingKey)]) -> Result<Vec<u8>, EnvelopeError> {
    let file = read(text)?;
    let (Some(kid), Some(signature)) = (file.kid, file.signature) else { return Err(EnvelopeError::Unsigned) };
    let Some((_, key)) = keys.iter().find(|(known, _)| *known == kid) else {
        return Err(EnvelopeError::UnknownKey(kid));
    };
    let signature = Signature::from_slice(&signature).map_err(|_| EnvelopeError::Signature)?;
    key.verify_strict(&message(&file.payload), &signature).map_err(|_| EnvelopeError::Signature)?;
    Ok(file.payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::{Use, generate};

    fn key() -> PrivateKey {
        generate(Use::Bundle).unwrap().0
    }

    #[test]
    fn a_signed_payload_comes_back_by_the_trusted_key_alone() {
        let (ours, other) = (key(), key());
        let text = sign(b"{\"a\":1}", &ours);
        let trust = |key: &PrivateKey| vec![(key.public.kid.clone(), key.public.key)];
        let verified = |text: &str, keys: Vec<(String, VerifyingKey)>| {
            let keys: Vec<_> = keys.iter().map(|(kid, key)| (kid.as_str(), *key)).collect();
            verify(text, &keys)
        };
        assert_eq!(verified(&text, trust(&ours)).unwrap(), b"{\"a\":1}");
        assert_eq!(verified(&text, trust(&other)), Err(EnvelopeError::UnknownKey(ours.public.kid.clone())));
        assert_eq!(verified(&text, Vec::new()), Err(EnvelopeError::UnknownKey(ours.public.kid.clone())));
        // The name of a trusted key in front of another key's signature proves nothing.
        let renamed = vec![(ours.public.kid.clone(), other.public.key)];
        assert_eq!(verified(&text, renamed), Err(EnvelopeError::Signature));
        assert_eq!(verified(&unsigned(b"{}"), trust(&ours)), Err(EnvelopeError::Unsigned));
    }

    #[test]
    fn one_changed_bit_anywhere_is_found() {
        let key = key();
        let keys = [(key.public.kid.as_str(), key.public.key)];
        let text = sign(b"{\"format\":\"prequal-policy/1\",\"semantics\":1}", &key);
        let bytes = text.trim_end().as_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.to_vec();
                changed[at] ^= 1 << bit;
                // A file that is no text is refused when it is read.
                let Ok(changed) = String::from_utf8(changed) else { continue };
                assert!(verify(&changed, &keys).is_err(), "bit {bit} of byte {at}: {changed}");
            }
        }
        assert!(verify(&text, &keys).is_ok());
    }

    #[test]
    fn what_is_no_envelope_is_refused_by_name() {
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert!(refused("").starts_with("the file is no bundle"));
        assert!(refused(r#"{"format":"prequal-bundle/2","payload":""}"#).contains("`prequal-bundle/2`"));
        assert!(refused(r#"{"format":"prequal-bundle/1","payload":"","jwk":{}}"#).contains("unknown field `jwk`"));
        assert!(refused(r#"{"format":"prequal-bundle/1","payload":"a b"}"#).contains("payload is not base64url"));
        assert!(refused(r#"{"format":"prequal-bundle/1","payload":"","kid":"x"}"#).contains("belong together"));
        assert!(refused(&" ".repeat(ENVELOPE_BYTES_MAX + 1)).contains("at most"));
    }
}
