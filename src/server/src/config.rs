//! The server's configuration: one TOML file, secrets also from the environment.
//!
//! Paths in the file are relative to the file.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{delivery::Channel, serving::Serving, settings::RefundFee};

/// A complete example, printed by `prequal serve --print-config`.
pub const EXAMPLE: &str = include_str!("config.example.toml");

/// The longest interval a checkout or a clock difference may be configured to, one week.
const SECONDS_MAX: u32 = 7 * 24 * 3600;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen; `--listen` overrides it.
    #[serde(default = "default_listen")]
    pub listen: String,
    /// Which database; `--database` overrides it.
    #[serde(default = "default_database")]
    pub database: String,
    /// The file with the data key.
    pub data_key_file: PathBuf,
    /// Origins whose pages may call the routes of shoppers.
    #[serde(default)]
    pub cors_origins: Vec<String>,
    /// Who lends.
    pub lender: Lender,
    /// What is decided by.
    pub bundle: BundleFiles,
    /// How checkouts are made.
    pub checkout: CheckoutSettings,
    /// Shops that may make checkouts.
    #[serde(default)]
    pub merchants: Vec<Merchant>,
    /// Edge workers that may hand over applications and sign offers.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Keys of the lender's own people.
    #[serde(default)]
    pub lender_keys: Vec<LenderKey>,
    /// The payment provider.
    pub provider: Provider,
    /// Ceilings over all loans of a person.
    #[serde(default)]
    pub limits: Limits,
    /// How loans are served.
    #[serde(default)]
    pub servicing: Serving,
    /// How the ledger's days are signed; where it is left out, none is.
    pub ledger: Option<Ledger>,
    /// How notices reach people; where it is left out, they wait.
    pub notices: Option<Channel>,
}

fn default_listen() -> String {
    "127.0.0.1:8080".to_owned()
}

fn default_database() -> String {
    "sqlite://prequal.db".to_owned()
}

/// Who lends: `iss` of checkout tokens and `aud` of offers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lender {
    /// A short stable name.
    pub id: String,
}

/// The bundles and the keys that may have signed them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleFiles {
    /// The full bundle in force.
    pub full: PathBuf,
    /// Its public part, served to browsers.
    pub public: PathBuf,
    /// Public keys of bundle signers.
    pub keys: Vec<PathBuf>,
    /// Full bundles whose offers may still be submitted.
    #[serde(default)]
    pub previous: Vec<PathBuf>,
    /// Hashes of bundles whose offers are refused.
    #[serde(default)]
    pub revoked: BTreeSet<String>,
}

/// How checkout tokens are signed and how long they hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckoutSettings {
    /// The private key of use `checkout`.
    pub key: PathBuf,
    /// For how many seconds a checkout stays open.
    #[serde(default = "default_checkout_seconds")]
    pub seconds: u32,
    /// By how many seconds an edge's clock may differ.
    #[serde(default = "default_skew_seconds")]
    pub clock_skew_seconds: u32,
}

const fn default_checkout_seconds() -> u32 {
    24 * 3600
}

const fn default_skew_seconds() -> u32 {
    120
}

/// A shop.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merchant {
    /// A short stable name.
    pub id: String,
    /// The name a shopper knows.
    pub name: String,
    /// SHA-256 of its `mk_…` key, lower-case hex.
    pub key_sha256: String,
    /// What the merchant pays, in percent of the price, a decimal string.
    pub fee_percent: String,
    /// What of the fee is given back with a refund.
    #[serde(default)]
    pub refund_fee: RefundFee,
}

/// How the ledger's days are signed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The private key of use `ledger`.
    pub key: PathBuf,
}

/// An edge worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// A short stable name: `iss` of its offers.
    pub id: String,
    /// SHA-256 of its `ek_…` key, lower-case hex.
    pub key_sha256: String,
    /// Public keys of use `offer`, the new one beside the old while they rotate.
    pub offer_keys: Vec<PathBuf>,
}

/// A key of one of the lender's people or programs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LenderKey {
    /// Whose key it is.
    pub id: String,
    /// SHA-256 of its `lk_…` key, lower-case hex.
    pub key_sha256: String,
}

/// The payment provider.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its base address, `http://host:port`.
    pub url: String,
    /// The key by which this server calls it; or the environment variable `PREQUAL_PROVIDER_KEY`.
    #[serde(default)]
    pub key: String,
    /// The secret of its webhooks, `whsec_…`; or `PREQUAL_WEBHOOK_SECRET`.
    #[serde(default)]
    pub webhook_secret: String,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Provider {{ url: {:?} }}", self.url)
    }
}

/// Ceilings over all loans of a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most principal one person may owe, in minor units of the bundle's currency.
    #[serde(default = "default_exposure")]
    pub exposure_max: i64,
}

const fn default_exposure() -> i64 {
    2_500_000
}

impl Default for Limits {
    fn default() -> Self {
        Self { exposure_max: default_exposure() }
    }
}

impl Config {
    /// Reads a file, takes secrets from the environment where it names none, and checks what can be
    /// checked without opening anything else.
    ///
    /// # Errors
    /// One readable line naming the file and the field.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let named = |error: String| format!("`{}`: {error}", path.display());
        let mut config: Self =
            toml::from_str(&text).map_err(|error| named(error.to_string().trim().replace('\n', " ")))?;
        config.take_environment();
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        config.check().map_err(named)?;
        Ok(config)
    }

    fn take_environment(&mut self) {
        for (field, variable) in [
            (&mut self.provider.key, "PREQUAL_PROVIDER_KEY"),
            (&mut self.provider.webhook_secret, "PREQUAL_WEBHOOK_SECRET"),
        ] {
            if field.is_empty()
                && let Ok(value) = std::env::var(variable)
            {
                *field = value;
            }
        }
    }

    fn resolve_paths(&mut self, folder: &Path) {
        let paths = [&mut self.data_key_file, &mut self.bundle.full, &mut self.bundle.public, &mut self.checkout.key];
        for path in paths
            .into_iter()
            .chain(&mut self.bundle.keys)
            .chain(&mut self.bundle.previous)
            .chain(self.edges.iter_mut().flat_map(|edge| &mut edge.offer_keys))
        {
            *path = folder.join(&path);
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.key = folder.join(&ledger.key);
        }
        if let Some(Channel::File { folder: notices, .. }) = &mut self.notices {
            *notices = folder.join(&notices);
        }
    }

    fn check(&self) -> Result<(), String> {
        let ids = [("lender.id", self.lender.id.as_str())]
            .into_iter()
            .chain(self.merchants.iter().map(|merchant| ("merchants.id", merchant.id.as_str())))
            .chain(self.edges.iter().map(|edge| ("edges.id", edge.id.as_str())))
            .chain(self.lender_keys.iter().map(|key| ("lender_keys.id", key.id.as_str())));
        for (field, id) in ids {
            let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if id.is_empty() || id.len() > 64 || !plain {
                return Err(format!("{field} `{id}` is not 1 to 64 letters, digits, `-`, `_` or `.`"));
            }
        }
        let mut hashes = BTreeSet::new();
        let keys = self.merchants.iter().map(|merchant| &merchant.key_sha256);
        let keys = keys.chain(self.edges.iter().map(|edge| &edge.key_sha256));
        for hash in keys.chain(self.lender_keys.iter().map(|key| &key.key_sha256)) {
            if hash.len() != 64 || !hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(format!("key_sha256 `{hash}` is not 64 lower-case hex digits"));
            }
            if !hashes.insert(hash) {
                return Err(format!("key_sha256 `{hash}` stands twice"));
            }
        }
        for (field, seconds) in [
            ("checkout.seconds", self.checkout.seconds),
            ("checkout.clock_skew_seconds", self.checkout.clock_skew_seconds),
        ] {
            if seconds == 0 || seconds > SECONDS_MAX {
                return Err(format!("{field} must be 1 to {SECONDS_MAX}"));
            }
        }
        for origin in &self.cors_origins {
            let uri: Option<hyper::Uri> = origin.parse().ok();
            let whole = uri.is_some_and(|uri| uri.scheme().is_some() && uri.authority().is_some() && uri.path() == "/");
            if !whole || origin.ends_with('/') {
                return Err(format!(
                    "cors_origins: `{origin}` is not of the form `https://host` or `http://host:port`"
                ));
            }
        }
        if self.limits.exposure_max < 0 {
            return Err("limits.exposure_max must not be negative".to_owned());
        }
        self.servicing.check()?;
        if let Some(channel) = &self.notices {
            channel.check()?;
        }
        self.check_provider()
    }

    fn check_provider(&self) -> Result<(), String> {
        if !self.provider.url.starts_with("http://") {
            return Err("provider.url must be an `http://` address; put a TLS proxy before a remote one".to_owned());
        }
        if self.provider.key.is_empty() {
            return Err("provider.key is missing; set it or PREQUAL_PROVIDER_KEY".to_owned());
        }
        if crate::webhook::Secret::parse(&self.provider.webhook_secret).is_none() {
            return Err("provider.webhook_secret must be `whsec_` and base64 of 24 to 64 bytes".to_owned());
        }
        Ok(())
    }
}
