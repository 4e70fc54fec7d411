//! Standard Webhooks 1.0.0: signing and verifying, symmetric (`v1`) and asymmetric (`v1a`).

use base64::{Engine, engine::general_purpose::STANDARD};

use ed25519_dalek::{Signer, SigningKey};

use crate::secret;

/// How far a notice's time may be from now, in seconds; the specification's recommendation.
pub const TOLERANCE_SECONDS: i64 = 300;

/// The secret that both ends share.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret")
    }
}

impl Secret {
    /// Reads `whsec_` and base64 of 24 to 64 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok()?;
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// A new secret in its text form.
    #[must_use]
    pub fn generate() -> String {
        format!("whsec_{}", STANDARD.encode(secret::random::<32>()))
    }

    /// The `webhook-signature` of a message.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut message = format!("{id}.{timestamp}.").into_bytes();
        message.extend_from_slice(body);
        format!("v1,{}", STANDARD.encode(secret::hmac_sha256(&self.0, &message)))
    }

    /// Whether one of the space-separated signatures is right and the time near `now`.
    ///
    /// # Errors
    /// One readable clause.
    pub fn verify(&self, id: &str, timestamp: &str, signatures: &str, body: &[u8], now: i64) -> Result<(), String> {
        let time: i64 = timestamp.parse().map_err(|_| "`webhook-timestamp` is not a number of seconds")?;
        let expected = self.sign(id, time, body);
        // The signature first: a forger learns nothing of the clock.
        if !signatures.split(' ').any(|signature| secret::same(signature, &expected)) {
            return Err("no signature matches".to_owned());
        }
        if now.saturating_sub(time).saturating_abs() > TOLERANCE_SECONDS {
            return Err(format!("`webhook-timestamp` is more than {TOLERANCE_SECONDS} seconds off"));
        }
        Ok(())
    }
}

/// What one endpoint's messages are signed with: a shared secret and an Ed25519 key of its own.
#[derive(Clone)]
pub struct Keys {
    secret: Secret,
    key: SigningKey,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Keys")
    }
}

impl Keys {
    /// How many bytes they are made of.
    pub const BYTES: usize = 64;

    /// Keys of 64 random bytes: the secret, then the private key.
    #[must_use]
    pub fn of(bytes: &[u8; Self::BYTES]) -> Self {
        let (secret, seed) = bytes.split_at(32);
        let mut private = [0; 32];
        private.copy_from_slice(seed);
        Self { secret: Secret(secret.to_vec()), key: SigningKey::from_bytes(&private) }
    }

    /// The shared secret as its holder keeps it, `whsec_…`.
    #[must_use]
    pub fn secret_text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.secret.0))
    }

    /// The public key, `whpk_…`. The private one, `whsk_…`, never leaves the server.
    #[must_use]
    pub fn public_text(&self) -> String {
        format!("whpk_{}", STANDARD.encode(self.key.verifying_key().as_bytes()))
    }

    /// Both signatures of a message, as they stand in `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut message = format!("{id}.{timestamp}.").into_bytes();
        message.extend_from_slice(body);
        let asymmetric = STANDARD.encode(self.key.sign(&message).to_bytes());
        format!("{} v1a,{asymmetric}", self.secret.sign(id, timestamp, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks reference libraries' test suites.
    #[test]
    fn the_reference_example() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn forged_old_and_changed_notices_are_refused() {
        let secret = Secret::parse(&Secret::generate()).unwrap();
        let signature = secret.sign("id", 1000, b"body");
        let two = format!("v1,AAAA {signature}");
        assert_eq!(secret.verify("id", "1000", &two, b"body", 1300), Ok(()));
        assert!(secret.verify("id", "1000", &signature, b"body", 1301).unwrap_err().contains("seconds off"));
        assert!(secret.verify("id", "1000", &signature, b"bodY", 1000).is_err());
        assert!(secret.verify("id2", "1000", &signature, b"body", 1000).is_err());
        assert!(secret.verify("id", "1001", &signature, b"body", 1000).is_err());
        assert!(secret.verify("id", "x", &signature, b"body", 1000).is_err());
    }
}
