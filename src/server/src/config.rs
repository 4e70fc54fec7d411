//! The server's configuration: one TOML file, and the environment over it.
//!
//! Every setting of [`EXAMPLE`] that is one value can be given as `PREQUAL_` and its place in upper case with `_`
//! between: `checkout.seconds` is `PREQUAL_CHECKOUT_SECONDS`. Paths are relative to the file.

pub mod environment;
mod pace;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use prequal_core::calendar::Date;
use serde::Deserialize;

use crate::{
    conduct::Conduct,
    connections::HEADERS_TIME_MAX,
    delivery::Channel,
    funding::config::{FunderConfig, FundingConfig},
    http::gate::REQUEST_TIME_MAX,
    serving::Serving,
    settings::RefundFee,
    settlement::config::SettlementConfig,
};

use pace::milliseconds;
pub use pace::{Rate, RateLimits, Timeouts};

/// A complete example, printed by `prequal serve --print-config`.
pub const EXAMPLE: &str = include_str!("config.example.toml");

/// The most further attempts of one webhook.
const RETRIES_MAX: usize = 50;
/// The longest interval of webhooks, thirty days.
const WAIT_SECONDS_MAX: u32 = 30 * 24 * 3600;
/// The highest rate or burst.
const RATE_MAX: u32 = 1_000_000;
/// The longest interval a checkout or a clock difference may be configured to, one week.
const SECONDS_MAX: u32 = 7 * 24 * 3600;
/// The longest time for which requests are taken after the signal to stop.
pub const DRAIN_SECONDS_MAX: u32 = 300;
/// The longest retention that may be configured, ten years.
const RETENTION_DAYS_MAX: u32 = 3660;

/// The longest window in which an order may be captured, in days after its signature.
pub const CAPTURE_DAYS_MAX: u16 = 180;

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
    /// Keys of auditors, who read the ledger, decisions and notices and change nothing.
    #[serde(default)]
    pub auditor_keys: Vec<LenderKey>,
    /// The payment provider.
    pub provider: Provider,
    /// Ceilings over all loans of a person.
    #[serde(default)]
    pub limits: Limits,
    /// How often may be asked.
    #[serde(default)]
    pub rate_limits: RateLimits,
    /// How merchants' and the lender's systems are told of events.
    #[serde(default)]
    pub webhooks: Webhooks,
    /// How loans are served.
    #[serde(default)]
    pub servicing: Serving,
    /// How the ledger's days are signed; where it is left out, none is.
    pub ledger: Option<Ledger>,
    /// How notices reach people; where it is left out, they wait.
    pub notices: Option<Channel>,
    /// Where `/metrics` is offered without a key; nowhere where it is left out.
    pub metrics_listen: Option<String>,
    /// For how many seconds requests are still taken after the signal to stop, while `/readyz` says 503.
    #[serde(default)]
    pub drain_seconds: u32,
    /// How long clients may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// For how long what has done its work is kept.
    #[serde(default)]
    pub retention: Retention,
    /// Who finances loans beside, or for, the lender.
    #[serde(default)]
    pub funders: Vec<FunderConfig>,
    /// How they are found; where it is left out, the lender finances alone.
    pub funding: Option<FundingConfig>,
    /// How an application is led to a loan.
    #[serde(default)]
    pub conduct: Conduct,
    /// Every value as it was read, and from where: for `--check`.
    #[serde(skip)]
    pub values: Vec<environment::Setting>,
}

/// For how long what has done its work is kept, in days.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Replies to requests that must take effect once.
    pub idempotency_days: u32,
    /// Calls to the payment provider that were delivered.
    pub outbox_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { idempotency_days: 30, outbox_days: 90 }
    }
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
    /// For how many days after its signature an order may be captured by its merchant, where the checkout says nothing.
    #[serde(default = "default_capture_days")]
    pub capture_days: u16,
}

const fn default_capture_days() -> u16 {
    30
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
    /// What the key may do; all of the role where it is left out.
    pub scopes: Option<Vec<String>>,
    /// Until when the key holds, RFC 3339; for ever where it is left out.
    pub expires: Option<String>,
    /// Further keys, the new one beside the old while they rotate.
    #[serde(default)]
    pub further_keys: Vec<FurtherKey>,
    /// What the merchant pays, in percent of the price, a decimal string.
    pub fee_percent: String,
    /// When and how it is paid; where it is left out, at once for every loan.
    #[serde(default)]
    pub settlement: SettlementConfig,
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
    /// What the key may do; all of the role where it is left out.
    pub scopes: Option<Vec<String>>,
    /// Until when the key holds, RFC 3339; for ever where it is left out.
    pub expires: Option<String>,
    /// Further keys, the new one beside the old while they rotate.
    #[serde(default)]
    pub further_keys: Vec<FurtherKey>,
    /// Public keys of use `offer`, the new one beside the old while they rotate.
    pub offer_keys: Vec<PathBuf>,
}

impl Merchant {
    fn further(&self) -> impl Iterator<Item = &String> {
        self.further_keys.iter().map(|key| &key.key_sha256)
    }
}

impl Edge {
    fn further(&self) -> impl Iterator<Item = &String> {
        self.further_keys.iter().map(|key| &key.key_sha256)
    }
}

/// A key of one of the lender's people or programs, or of an auditor. An id may stand with several keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LenderKey {
    /// Whose key it is.
    pub id: String,
    /// SHA-256 of its `lk_…` or `ak_…` key, lower-case hex.
    pub key_sha256: String,
    /// What the key may do; all of the role where it is left out.
    pub scopes: Option<Vec<String>>,
    /// Until when the key holds, RFC 3339; for ever where it is left out.
    pub expires: Option<String>,
}

/// One more key of a merchant or an edge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherKey {
    /// SHA-256 of the key, lower-case hex.
    pub key_sha256: String,
    /// What the key may do; all of the role where it is left out.
    pub scopes: Option<Vec<String>>,
    /// Until when the key holds, RFC 3339; for ever where it is left out.
    pub expires: Option<String>,
}

/// How merchants' and the lender's systems are told of events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Whether endpoints may be at private, loopback and link-local addresses, and at `http://`.
    pub private_addresses: bool,
    /// For how many seconds the old secret signs beside a new one.
    pub rotation_seconds: u32,
    /// How many seconds to wait before each further attempt; after the last the delivery is dead.
    pub retry_seconds: Vec<u32>,
    /// After how many seconds without one success an endpoint is disabled.
    pub disable_after_seconds: u32,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            private_addresses: false,
            rotation_seconds: 24 * 3600,
            // The specification's own example of a schedule.
            retry_seconds: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
            disable_after_seconds: 5 * 24 * 3600,
        }
    }
}

/// The payment provider.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its base address, `https://host:port`; `http://` on this machine.
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
    /// Further ceilings, one's own or the law's.
    #[serde(default)]
    pub ceilings: Vec<CeilingConfig>,
    /// Products that are lent under a line of credit only.
    #[serde(default)]
    pub line_products: Vec<String>,
}

/// The most ceilings that may be configured.
pub const CEILINGS_MAX: usize = 64;

/// A ceiling on what one person may owe, hold and have signed: in all, of one product, or with one merchant.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CeilingConfig {
    /// Its name, as a refusal says it.
    pub name: String,
    /// At most this, in minor units of the bundle's currency.
    pub amount: i64,
    /// Only what is owed by this product.
    pub product: Option<String>,
    /// Only what is owed for purchases from this merchant.
    pub merchant: Option<String>,
    /// Only what this funder finances; the lender's id where no other does.
    pub funder: Option<String>,
    /// The first business date on which it holds; always before `until` where it is left out.
    pub from: Option<Date>,
    /// The last business date on which it holds; for ever where it is left out.
    pub until: Option<Date>,
}

const fn default_exposure() -> i64 {
    2_500_000
}

impl Default for Limits {
    fn default() -> Self {
        Self { exposure_max: default_exposure(), ceilings: Vec::new(), line_products: Vec::new() }
    }
}

impl Config {
    /// Reads a file and the environment over it, and checks what can be checked without opening anything else.
    ///
    /// # Errors
    /// One readable line naming the file, or the variable, and the field.
    pub fn read(path: &Path) -> Result<Self, String> {
        Self::read_with(path, |name| std::env::var(name).ok())
    }

    /// As [`Config::read`], with an environment of one's own.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_with(path: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let named = |error: String| format!("`{}`: {error}", path.display());
        // Read as it stands first, so that an error is told with its line.
        let plain = |error: toml::de::Error| named(error.to_string().trim().replace('\n', " "));
        let mut table: toml::Table = toml::from_str(&text).map_err(plain)?;
        let taken = environment::take(&mut table, variable)?;
        let read = if taken.is_empty() {
            toml::from_str(&text).map_err(plain)
        } else {
            table.clone().try_into().map_err(plain)
        };
        let mut config: Self = read?;
        config.values = environment::settings(&table, &taken);
        config.resolve_paths(path.parent().unwrap_or(Path::new("")));
        config.check().map_err(named)?;
        Ok(config)
    }

    fn resolve_paths(&mut self, folder: &Path) {
        let paths = [&mut self.data_key_file, &mut self.bundle.full, &mut self.bundle.public, &mut self.checkout.key];
        for path in paths
            .into_iter()
            .chain(&mut self.bundle.keys)
            .chain(&mut self.bundle.previous)
            .chain(self.edges.iter_mut().flat_map(|edge| &mut edge.offer_keys))
            .chain(self.funders.iter_mut().filter_map(|funder| funder.bundle.as_mut()))
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
            .chain(self.lender_keys.iter().map(|key| ("lender_keys.id", key.id.as_str())))
            .chain(self.auditor_keys.iter().map(|key| ("auditor_keys.id", key.id.as_str())))
            .chain(self.funders.iter().map(|funder| ("funders.id", funder.id.as_str())));
        for (field, id) in ids {
            let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if id.is_empty() || id.len() > 64 || !plain {
                return Err(format!("{field} `{id}` is not 1 to 64 letters, digits, `-`, `_` or `.`"));
            }
        }
        let mut hashes = BTreeSet::new();
        for hash in self.key_hashes() {
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
        if self.drain_seconds > DRAIN_SECONDS_MAX {
            return Err(format!("drain_seconds must be 0 to {DRAIN_SECONDS_MAX}"));
        }
        for (field, set, most) in [
            ("timeouts.headers_ms", self.timeouts.headers_ms, milliseconds(HEADERS_TIME_MAX)),
            ("timeouts.request_ms", self.timeouts.request_ms, milliseconds(REQUEST_TIME_MAX)),
        ] {
            if set == 0 || set > most {
                return Err(format!("{field} must be 1 to {most}"));
            }
        }
        for (field, days) in [
            ("retention.idempotency_days", self.retention.idempotency_days),
            ("retention.outbox_days", self.retention.outbox_days),
        ] {
            if days == 0 || days > RETENTION_DAYS_MAX {
                return Err(format!("{field} must be 1 to {RETENTION_DAYS_MAX}"));
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
        self.check_orders()?;
        self.servicing.check()?;
        if let Some(channel) = &self.notices {
            channel.check()?;
        }
        self.check_webhooks()?;
        crate::funding::config::check(&self.funders, self.funding.as_ref())?;
        self.conduct.check()?;
        self.check_provider()
    }

    fn key_hashes(&self) -> impl Iterator<Item = &String> {
        let merchants = self.merchants.iter().flat_map(|one| std::iter::once(&one.key_sha256).chain(one.further()));
        let edges = self.edges.iter().flat_map(|one| std::iter::once(&one.key_sha256).chain(one.further()));
        let funders = self.funders.iter().filter_map(|funder| funder.key_sha256.as_ref());
        merchants
            .chain(edges)
            .chain(funders)
            .chain(self.lender_keys.iter().chain(&self.auditor_keys).map(|key| &key.key_sha256))
    }

    fn check_webhooks(&self) -> Result<(), String> {
        let webhooks = &self.webhooks;
        if webhooks.retry_seconds.len() > RETRIES_MAX {
            return Err(format!("webhooks.retry_seconds has at most {RETRIES_MAX} waits"));
        }
        let waits = webhooks.retry_seconds.iter().chain([&webhooks.rotation_seconds]);
        if waits.chain([&webhooks.disable_after_seconds]).any(|seconds| *seconds == 0 || *seconds > WAIT_SECONDS_MAX) {
            return Err(format!("every interval of webhooks is 1 to {WAIT_SECONDS_MAX} seconds"));
        }
        for (name, rate) in [
            ("key", self.rate_limits.key),
            ("capability", self.rate_limits.capability),
            ("address", self.rate_limits.address),
        ] {
            if rate.per_second > 0 && (rate.burst == 0 || rate.per_second.max(rate.burst) > RATE_MAX) {
                return Err(format!("rate_limits.{name}: per_second and burst are 1 to {RATE_MAX}"));
            }
        }
        Ok(())
    }

    fn check_orders(&self) -> Result<(), String> {
        if self.checkout.capture_days == 0 || self.checkout.capture_days > CAPTURE_DAYS_MAX {
            return Err(format!("checkout.capture_days must be 1 to {CAPTURE_DAYS_MAX}"));
        }
        if self.limits.ceilings.len() > CEILINGS_MAX {
            return Err(format!("limits.ceilings are at most {CEILINGS_MAX}"));
        }
        let mut names = BTreeSet::from([crate::exposure::OVER_ALL]);
        for ceiling in &self.limits.ceilings {
            if !names.insert(ceiling.name.as_str()) {
                return Err(format!("limits.ceilings: `{}` stands twice", ceiling.name));
            }
            if ceiling.name.is_empty() || ceiling.name.len() > 64 || ceiling.amount < 0 {
                return Err(format!(
                    "limits.ceilings: `{}` has no name of 1 to 64 bytes or a negative amount",
                    ceiling.name
                ));
            }
            let known = |id: &String| self.merchants.iter().any(|merchant| merchant.id == *id);
            if let Some(unknown) = ceiling.merchant.as_ref().filter(|id| !known(id)) {
                return Err(format!("limits.ceilings: `{unknown}` is no merchant"));
            }
            let known = |id: &String| *id == self.lender.id || self.funders.iter().any(|funder| funder.id == *id);
            if let Some(unknown) = ceiling.funder.as_ref().filter(|id| !known(id)) {
                return Err(format!("limits.ceilings: `{unknown}` is no funder"));
            }
            if ceiling.from.zip(ceiling.until).is_some_and(|(from, until)| from > until) {
                return Err(format!("limits.ceilings: `{}` ends before it begins", ceiling.name));
            }
        }
        Ok(())
    }

    fn check_provider(&self) -> Result<(), String> {
        if !self.provider.url.starts_with("http://") && !self.provider.url.starts_with("https://") {
            return Err("provider.url must be an `https://` or `http://` address".to_owned());
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
