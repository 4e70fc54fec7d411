//! The secrets of one demo, random and its own, and the configuration files made with them.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::http;

/// What the demo shop pays for each sale on credit, in percent of the price.
pub const MERCHANT_FEE_PERCENT: i64 = 3;

/// Where the demo's messages to people lie, a file each, beside its databases.
pub const NOTICES: &str = "notices";

/// Where each service listens.
#[derive(Clone, Copy)]
pub struct Ports {
    pub provider: u16,
    pub server: u16,
    pub worker: u16,
    pub shop: u16,
}

impl Ports {
    /// The usual ports, or others where these are taken.
    pub fn choose(shop: u16) -> Result<Self> {
        Ok(Self {
            provider: http::free_port(8090)?,
            server: http::free_port(8080)?,
            worker: http::free_port(8787)?,
            shop: http::free_port(shop)?,
        })
    }
}

/// A service of this machine.
pub fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// What each party shows to be let in.
pub struct Secrets {
    pub merchant: String,
    pub edge: String,
    pub lender: String,
    pub provider: String,
    pub webhook: String,
}

impl Secrets {
    pub fn random() -> Result<Self> {
        let key = |prefix: &str| -> Result<String> { Ok(format!("{prefix}_{}", hex(&random_bytes()?))) };
        Ok(Self {
            merchant: key("mk")?,
            edge: key("ek")?,
            lender: key("lk")?,
            provider: key("pk")?,
            webhook: format!("whsec_{}", base64(&random_bytes()?)),
        })
    }
}

fn random_bytes() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom").and_then(|mut device| device.read_exact(&mut bytes)).context("no random bytes")?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Standard base64 with padding (RFC 4648, section 4), which webhook secrets are written in.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let group = three.iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The lending server's configuration file.
pub fn write_server_config(file: &Path, ports: Ports, secrets: &Secrets) -> Result<()> {
    let text = format!(
        r#"# Made by cargo xtask demo, with keys of this demo only.
listen = "127.0.0.1:{server}"
database = "sqlite://lender.db"
data_key_file = "data.key"
cors_origins = ["http://127.0.0.1:{shop}", "http://localhost:{shop}"]

[lender]
id = "demo-lender"

[bundle]
full = "bundle.full.json"
public = "bundle.public.json"
keys = ["keys/bundle.public.jwk"]

[checkout]
key = "keys/checkout.private.jwk"

[[merchants]]
id = "shop"
name = "The Demo Shop"
key_sha256 = "{merchant}"
fee_percent = "{fee}"

[[edges]]
id = "edge"
key_sha256 = "{edge}"
offer_keys = ["keys/offer.public.jwk"]

[[lender_keys]]
id = "operations"
key_sha256 = "{lender}"

[provider]
url = "{provider_url}"
key = "{provider}"
webhook_secret = "{webhook}"

# Nothing is signed before what it costs was read and confirmed, and then by a code: the demo shows its messages beside
# the checkout, as an inbox would.
[conduct]
confirm_disclosure = true
signing = "one_time_code"

[notices]
channel = "file"
folder = "{notices}"
from = "Demo Credit <credit@lender.example>"
"#,
        notices = NOTICES,
        server = ports.server,
        shop = ports.shop,
        merchant = sha256_hex(&secrets.merchant),
        fee = MERCHANT_FEE_PERCENT,
        edge = sha256_hex(&secrets.edge),
        lender = sha256_hex(&secrets.lender),
        provider_url = url(ports.provider),
        provider = secrets.provider,
        webhook = secrets.webhook,
    );
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// The configuration file of the sandbox provider and bureau.
pub fn write_sandbox_config(file: &Path, ports: Ports, secrets: &Secrets, data: &Path) -> Result<()> {
    let text = format!(
        r#"# Made by cargo xtask demo, with keys of this demo only.
listen = "127.0.0.1:{port}"
database = "sqlite://sandbox.db"

[provider]
key_sha256 = "{provider}"
webhook_url = "{server}/v1/webhooks/payments"
webhook_secret = "{webhook}"

[bureau]
key_sha256 = "{edge}"
data = {data:?}
"#,
        port = ports.provider,
        provider = sha256_hex(&secrets.provider),
        server = url(ports.server),
        webhook = secrets.webhook,
        edge = sha256_hex(&secrets.edge),
        data = data.display().to_string(),
    );
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::{base64, hex, sha256_hex};

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn hashes_are_lower_case_hex() {
        // FIPS 180-4, the example "abc".
        assert_eq!(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
