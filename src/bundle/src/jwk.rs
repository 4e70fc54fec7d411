//! Ed25519 keys as JWK files (RFC 8037), each with the one use it was made for.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The largest key file that is read, in bytes.
const KEY_BYTES_MAX: u64 = 4096;

/// What a key may sign. A key of one use never vouches for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// Bundles of policy.
    Bundle,
    /// Offers of an edge.
    Offer,
    /// Checkout tokens of a server.
    Checkout,
    /// The head of the ledger.
    Ledger,
}

impl Use {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Offer => "offer",
            Self::Checkout => "checkout",
            Self::Ledger => "ledger",
        }
    }
}

/// The JSON form of a key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwk {
    kty: String,
    crv: String,
    x: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    kid: String,
    alg: String,
    r#use: String,
    prequal_use: Use,
}

impl std::fmt::Debug for Jwk {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Jwk {{ kid: {:?}, use: {:?} }}", self.kid, self.prequal_use)
    }
}

impl Jwk {
    /// The key as JSON text with a line end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// A key that verifies.
#[derive(Debug, Clone)]
pub struct PublicKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// The key itself.
    pub key: VerifyingKey,
    /// Its JSON form.
    pub jwk: Jwk,
}

/// A key that signs.
#[derive(Clone)]
pub struct PrivateKey {
    /// The half that may be shown.
    pub public: PublicKey,
    /// The half that may not.
    pub key: SigningKey,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "PrivateKey {{ kid: {:?} }}", self.public.kid)
    }
}

impl PrivateKey {
    /// The signature of bytes that say themselves what they are, base64url without padding.
    #[must_use]
    pub fn sign_bytes(&self, bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.key.sign(bytes).to_bytes())
    }
}

impl PublicKey {
    /// Whether a signature of [`PrivateKey::sign_bytes`] is this key's over these bytes.
    #[must_use]
    pub fn verifies_bytes(&self, bytes: &[u8], signature: &str) -> bool {
        let signature = URL_SAFE_NO_PAD.decode(signature).ok().and_then(|raw| Signature::from_slice(&raw).ok());
        signature.is_some_and(|signature| self.key.verify_strict(bytes, &signature).is_ok())
    }
}

/// Reads a public key made for `wanted`.
///
/// # Errors
/// One readable line: the file cannot be read, is no such JWK, was made for another use, or its `kid`
/// is not its thumbprint.
pub fn read_public(path: &Path, wanted: Use) -> Result<PublicKey, String> {
    let jwk = read(path)?;
    if jwk.d.is_some() {
        return Err(format!("`{}` holds a private key where a public one belongs", path.display()));
    }
    public(jwk, wanted).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// Reads a private key made for `wanted`.
///
/// # Errors
/// As [`read_public`], and when the two halves do not belong together.
pub fn read_private(path: &Path, wanted: Use) -> Result<PrivateKey, String> {
    let jwk = read(path)?;
    let named = |error: &str| format!("`{}`: {error}", path.display());
    let secret = jwk.d.as_deref().ok_or_else(|| named("no private key in it"))?;
    let key = SigningKey::from_bytes(&bytes(secret).ok_or_else(|| named("`d` is not 32 bytes of base64url"))?);
    let public = public(Jwk { d: None, ..jwk }, wanted).map_err(|error| named(&error))?;
    if key.verifying_key() != public.key {
        return Err(named("`d` and `x` do not belong together"));
    }
    Ok(PrivateKey { public, key })
}

fn read(path: &Path) -> Result<Jwk, String> {
    let unreadable = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > KEY_BYTES_MAX {
        return Err(format!("`{}` is larger than {KEY_BYTES_MAX} bytes", path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    serde_json::from_str(&text).map_err(|error| format!("`{}` is not a JWK: {error}", path.display()))
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn public(jwk: Jwk, wanted: Use) -> Result<PublicKey, String> {
    if jwk.kty != "OKP" || jwk.crv != "Ed25519" || jwk.alg != "EdDSA" || jwk.r#use != "sig" {
        return Err("not an Ed25519 signing key".to_owned());
    }
    if jwk.prequal_use != wanted {
        return Err(format!("made for `{}`, and `{}` is asked for", jwk.prequal_use.name(), wanted.name()));
    }
    let x = bytes(&jwk.x).ok_or("`x` is not 32 bytes of base64url")?;
    let key = VerifyingKey::from_bytes(&x).map_err(|_| "`x` is not a point of the curve")?;
    if jwk.kid != thumbprint(&jwk.x) {
        return Err("`kid` is not the key's thumbprint".to_owned());
    }
    Ok(PublicKey { kid: jwk.kid.clone(), key, jwk })
}

/// RFC 7638: SHA-256 over the required members in lexicographic order.
fn thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// Makes a new key pair from the operating system's randomness; beside it the private half for a file.
///
/// # Errors
/// One readable line where the system has no randomness.
pub fn generate(r#use: Use) -> Result<(PrivateKey, Jwk), String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("the system gives no random bytes: {error}"))?;
    Ok(from_seed(&seed, r#use))
}

fn from_seed(seed: &[u8; 32], r#use: Use) -> (PrivateKey, Jwk) {
    let key = SigningKey::from_bytes(seed);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let jwk = Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        kid: thumbprint(&x),
        x,
        d: None,
        alg: "EdDSA".to_owned(),
        r#use: "sig".to_owned(),
        prequal_use: r#use,
    };
    let private = Jwk { d: Some(URL_SAFE_NO_PAD.encode(key.as_bytes())), ..jwk.clone() };
    let public = PublicKey { kid: jwk.kid.clone(), key: key.verifying_key(), jwk };
    (PrivateKey { public, key }, private)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendices A.1 and A.3: the example key and its thumbprint.
    #[test]
    fn the_key_of_rfc_8037_has_the_thumbprint_of_rfc_8037() {
        let seed = bytes("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let (key, _) = from_seed(&seed, Use::Bundle);
        assert_eq!(key.public.jwk.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.public.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_file_is_read_only_for_what_it_was_made() {
        let (_, jwk) = generate(Use::Offer).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.jwk");
        std::fs::write(&path, jwk.text()).unwrap();
        assert!(read_private(&path, Use::Offer).is_ok());
        assert!(read_private(&path, Use::Checkout).unwrap_err().contains("made for `offer`"));
        assert!(read_public(&path, Use::Offer).unwrap_err().contains("private key"));
        let other = generate(Use::Offer).unwrap().0.public.jwk;
        let mixed = Jwk { d: jwk.d, ..other };
        std::fs::write(&path, mixed.text()).unwrap();
        assert!(read_private(&path, Use::Offer).unwrap_err().contains("do not belong together"));
        std::fs::write(&path, Jwk { kid: "other".to_owned(), d: None, ..mixed }.text()).unwrap();
        assert!(read_public(&path, Use::Offer).unwrap_err().contains("thumbprint"));
    }
}
