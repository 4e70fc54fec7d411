//! The keys that keep personal data: one data key outside the database, and under it one key per person.
//!
//! Destroying a person's key makes everything sealed under it unreadable for ever; the ledger, which
//! holds only random ids, still verifies.

use std::path::Path;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use crate::secret;

const NONCE_BYTES: usize = 24;

/// The data key, and the keys derived from it, each for one purpose.
#[derive(Clone)]
pub struct Vault {
    wrap: [u8; 32],
    reply: [u8; 32],
    reference: [u8; 32],
    webhook: [u8; 32],
    lookup: [u8; 32],
    code: [u8; 32],
    link: [u8; 32],
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Vault")
    }
}

/// The key of one person.
#[derive(Clone)]
pub struct PersonKey([u8; 32]);

impl std::fmt::Debug for PersonKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PersonKey")
    }
}

/// Why something sealed cannot be opened: another key, another place, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed data cannot be opened")]
pub struct SealBroken;

impl Vault {
    /// A vault of the 32 bytes of a data key.
    #[must_use]
    pub fn new(data_key: &[u8; 32]) -> Self {
        let derive = |purpose: &str| secret::hmac_sha256(data_key, purpose.as_bytes());
        Self {
            wrap: derive("prequal person key wrapping"),
            reply: derive("prequal idempotent replies"),
            reference: derive("prequal payer references"),
            webhook: derive("prequal webhook secrets"),
            lookup: derive("prequal person lookup"),
            code: derive("prequal one-time codes"),
            link: derive("prequal resume links"),
        }
    }

    /// A new key for a person, and its wrapped form for the database.
    #[must_use]
    pub fn new_person_key(&self, person: &str) -> (PersonKey, Vec<u8>) {
        let key = secret::random::<32>();
        (PersonKey(key), seal(&self.wrap, person, &key))
    }

    /// The key of a person from its wrapped form.
    ///
    /// # Errors
    /// When it was wrapped under another data key or for another person.
    pub fn open_person_key(&self, person: &str, wrapped: &[u8]) -> Result<PersonKey, SealBroken> {
        open(&self.wrap, person, wrapped)?.try_into().map(PersonKey).map_err(|_| SealBroken)
    }

    /// Seals an idempotent reply, which may carry a capability.
    #[must_use]
    pub fn seal_reply(&self, place: &str, reply: &[u8]) -> Vec<u8> {
        seal(&self.reply, place, reply)
    }

    /// Opens an idempotent reply.
    ///
    /// # Errors
    /// When it was sealed for another place or changed.
    pub fn open_reply(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        open(&self.reply, place, sealed)
    }

    /// Seals what an unknown payer wrote; `entry` is the journal entry beside which it is stored.
    #[must_use]
    pub fn seal_reference(&self, entry: &str, reference: &[u8]) -> Vec<u8> {
        seal(&self.reference, entry, reference)
    }

    /// Opens what an unknown payer wrote.
    ///
    /// # Errors
    /// When it was sealed beside another entry or changed.
    pub fn open_reference(&self, entry: &str, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        open(&self.reference, entry, sealed)
    }

    /// The six digits of a one-time code, from its random id.
    #[must_use]
    pub fn signing_code(&self, id: &str) -> String {
        let digest = secret::hmac_sha256(&self.code, id.as_bytes());
        let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        format!("{:06}", number % 1_000_000)
    }

    /// The token of a link that resumes an application, from its random id.
    #[must_use]
    pub fn resume_token(&self, id: &str) -> String {
        secret::token_of("res_", &secret::hmac_sha256(&self.link, id.as_bytes()))
    }

    /// Seals what an endpoint's messages are signed with; `id` is the id under which it is stored.
    #[must_use]
    pub fn seal_webhook(&self, id: &str, keys: &[u8]) -> Vec<u8> {
        seal(&self.webhook, id, keys)
    }

    /// Opens what an endpoint's messages are signed with.
    ///
    /// # Errors
    /// When it was sealed under another id or changed.
    pub fn open_webhook(&self, id: &str, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        open(&self.webhook, id, sealed)
    }

    /// The digest by which a returning person is found. Keyed: without the data key nothing can be
    /// guessed from it.
    #[must_use]
    pub fn lookup_digest(&self, kind: &str, normalized: &str) -> String {
        self.digest(kind, normalized.as_bytes())
    }

    /// The digest by which something is known again that may hold what a person wrote. Keyed, as
    /// [`Vault::lookup_digest`]: a plain hash of few possible texts tells which of them it was.
    #[must_use]
    pub fn digest(&self, kind: &str, bytes: &[u8]) -> String {
        secret::hex(&secret::hmac_sha256(&self.lookup, &[kind.as_bytes(), b"\0", bytes].concat()))
    }
}

impl PersonKey {
    /// Seals a record of the person's; `record` is the id under which it is stored.
    #[must_use]
    pub fn seal(&self, record: &str, plain: &[u8]) -> Vec<u8> {
        seal(&self.0, record, plain)
    }

    /// Opens a record of the person's.
    ///
    /// # Errors
    /// When it belongs to another person or record, or was changed.
    pub fn open(&self, record: &str, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        open(&self.0, record, sealed)
    }
}

#[expect(clippy::expect_used, reason = "sealing fails only for messages beyond 256 GiB, far above the body limit")]
fn seal(key: &[u8; 32], place: &str, plain: &[u8]) -> Vec<u8> {
    let nonce = secret::random::<NONCE_BYTES>();
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: place.as_bytes() })
        .expect("a message within the cipher's limit");
    [nonce.as_slice(), &sealed].concat()
}

fn open(key: &[u8; 32], place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealBroken)?;
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), Payload { msg: body, aad: place.as_bytes() })
        .map_err(|_| SealBroken)
}

/// Reads the data key: 64 hex digits in a file that only its owner may read.
///
/// # Errors
/// One readable line.
pub fn read_data_key(path: &Path) -> Result<[u8; 32], String> {
    let named = |error: &dyn std::fmt::Display| format!("data key `{}`: {error}", path.display());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(|error| named(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(named(&"others than its owner may read it; set its mode to 0600"));
        }
    }
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    secret::unhex(text.trim()).ok_or_else(|| named(&"not 64 hex digits"))
}

/// Makes a new data key in a file that only its owner may read, unless the file is there.
///
/// # Errors
/// One readable line.
pub fn create_data_key(path: &Path) -> Result<(), String> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(mut file) => writeln!(file, "{}", secret::hex(&secret::random::<32>()))
            .map_err(|error| format!("cannot write `{}`: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(format!("cannot create `{}`: {error}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_in_its_place_and_under_its_key() {
        let vault = Vault::new(&[7; 32]);
        let (key, wrapped) = vault.new_person_key("p1");
        let sealed = key.seal("r1", b"Ada Byron");
        let again = vault.open_person_key("p1", &wrapped).unwrap();
        assert_eq!(again.open("r1", &sealed).unwrap(), b"Ada Byron");
        assert_eq!(again.open("r2", &sealed), Err(SealBroken));
        assert!(vault.open_person_key("p2", &wrapped).is_err());
        assert!(Vault::new(&[8; 32]).open_person_key("p1", &wrapped).is_err());
        let mut changed = sealed.clone();
        changed[NONCE_BYTES] ^= 1;
        assert_eq!(again.open("r1", &changed), Err(SealBroken));
        assert!(!sealed.windows(3).any(|bytes| bytes == b"Ada"));
    }

    #[test]
    fn codes_and_links_follow_from_their_id_and_the_data_key_only() {
        let vault = Vault::new(&[7; 32]);
        let code = vault.signing_code("c1");
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        assert_eq!(code, Vault::new(&[7; 32]).signing_code("c1"));
        assert_ne!(vault.resume_token("l1"), vault.resume_token("l2"));
        assert_ne!(vault.resume_token("l1"), Vault::new(&[8; 32]).resume_token("l1"));
    }

    #[test]
    fn a_data_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.key");
        create_data_key(&path).unwrap();
        let first = read_data_key(&path).unwrap();
        create_data_key(&path).unwrap();
        assert_eq!(read_data_key(&path).unwrap(), first, "an existing key is kept");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(read_data_key(&path).unwrap_err().contains("0600"));
        }
    }
}
