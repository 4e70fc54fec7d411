//! The configuration with everything it names loaded and checked: keys, bundles, callers.

use std::{collections::BTreeMap, sync::Arc};

use prequal_bundle::jwk::{self, PrivateKey, PublicKey, Use};
use prequal_core::{currency::Currency, decimal::Decimal, money::Amount};
use serde::Deserialize;

use crate::{
    config::Config,
    delivery::Channel,
    http_client::BaseUrl,
    policy::{Policies, PublicBundle},
    secret,
    serving::Serving,
    vault::{self, Vault},
    webhook,
};

/// The dearest merchant fee that is not surely a slip of the pen, in percent.
const FEE_PERCENT_MAX: i64 = 50;

/// What of a merchant's fee is given back when a purchase is refunded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundFee {
    /// Nothing: the lender keeps it.
    #[default]
    Kept,
    /// In the proportion of what was refunded to what was lent.
    Returned,
}

/// A shop.
#[derive(Debug)]
pub struct Merchant {
    /// A short stable name.
    pub id: String,
    /// The name a shopper knows.
    pub name: String,
    /// What it pays, in percent of the price.
    pub fee_percent: Decimal,
    /// What of it is given back with a refund.
    pub refund_fee: RefundFee,
    key_sha256: String,
}

/// An edge worker.
#[derive(Debug)]
pub struct Edge {
    /// `iss` of its offers.
    pub id: String,
    /// The keys of its offers.
    pub offer_keys: Vec<PublicKey>,
    key_sha256: String,
}

/// The payment provider.
#[derive(Debug)]
pub struct Provider {
    /// Its base address.
    pub url: BaseUrl,
    /// The key by which it is called.
    pub key: String,
    /// The secret of its webhooks.
    pub webhook_secret: webhook::Secret,
}

/// Everything a running server needs to know and that does not change while it runs.
#[derive(Debug)]
pub struct Settings {
    /// `iss` of checkout tokens and `aud` of offers.
    pub lender_id: String,
    /// For how many seconds a checkout stays open.
    pub checkout_seconds: u32,
    /// By how many seconds an edge's clock may differ.
    pub clock_skew_seconds: u32,
    /// The most principal one person may owe.
    pub exposure_max: Amount,
    /// Origins whose pages may call the routes of shoppers.
    pub cors_origins: Vec<String>,
    /// The key of checkout tokens.
    pub checkout_key: PrivateKey,
    /// The bundle in force and those before it.
    pub policies: Policies,
    /// The public part, as browsers get it.
    pub public_bundle: PublicBundle,
    /// The payment provider.
    pub provider: Provider,
    /// How notices reach people.
    pub notices: Option<Channel>,
    /// How loans are served that are booked from now on.
    pub serving: Serving,
    /// The key of the ledger's days.
    pub ledger_key: Option<PrivateKey>,
    merchants: Vec<Arc<Merchant>>,
    edges: Vec<Arc<Edge>>,
    lender_keys: Vec<(String, String)>,
}

impl Settings {
    /// Loads what a configuration names. The data key is made where it is absent and `sandbox` is set.
    ///
    /// # Errors
    /// One readable line for the first thing that is missing or wrong.
    pub fn load(config: &Config, sandbox: bool) -> Result<(Self, Vault), String> {
        if sandbox {
            vault::create_data_key(&config.data_key_file)?;
        }
        let vault = Vault::new(&vault::read_data_key(&config.data_key_file)?);
        let policies = Policies::load(&config.bundle)?;
        let public_bundle = PublicBundle::load(&config.bundle, &policies)?;
        let settings = Self {
            lender_id: config.lender.id.clone(),
            checkout_seconds: config.checkout.seconds,
            clock_skew_seconds: config.checkout.clock_skew_seconds,
            exposure_max: Amount::new(config.limits.exposure_max).map_err(|error| error.to_string())?,
            cors_origins: config.cors_origins.clone(),
            checkout_key: jwk::read_private(&config.checkout.key, Use::Checkout)?,
            policies,
            public_bundle,
            provider: Provider {
                url: BaseUrl::parse(&config.provider.url)?,
                key: config.provider.key.clone(),
                webhook_secret: webhook::Secret::parse(&config.provider.webhook_secret)
                    .ok_or("provider.webhook_secret cannot be read")?,
            },
            notices: config.notices.clone(),
            serving: config.servicing.clone(),
            ledger_key: config.ledger.as_ref().map(|ledger| jwk::read_private(&ledger.key, Use::Ledger)).transpose()?,
            merchants: merchants(config)?,
            edges: edges(config)?,
            lender_keys: config.lender_keys.iter().map(|key| (key.id.clone(), key.key_sha256.clone())).collect(),
        };
        Ok((settings, vault))
    }

    /// The currency that is lent.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.policies.active().currency()
    }

    /// The merchant of an id.
    #[must_use]
    pub fn merchant(&self, id: &str) -> Option<Arc<Merchant>> {
        self.merchants.iter().find(|merchant| merchant.id == id).cloned()
    }

    /// The merchant of a key's hash.
    #[must_use]
    pub fn merchant_by_key(&self, hash: &str) -> Option<Arc<Merchant>> {
        keyed(&self.merchants, |merchant| &merchant.key_sha256, hash).cloned()
    }

    /// The edge of a key's hash.
    #[must_use]
    pub fn edge_by_key(&self, hash: &str) -> Option<Arc<Edge>> {
        keyed(&self.edges, |edge| &edge.key_sha256, hash).cloned()
    }

    /// The edge of an id.
    #[must_use]
    pub fn edge(&self, id: &str) -> Option<Arc<Edge>> {
        self.edges.iter().find(|edge| edge.id == id).cloned()
    }

    /// The lender's own caller of a key's hash.
    #[must_use]
    pub fn lender_by_key(&self, hash: &str) -> Option<String> {
        keyed(&self.lender_keys, |(_, known)| known, hash).map(|(id, _)| id.clone())
    }

    /// The public keys of `/.well-known/jwks.json`: checkout tokens', the ledger's and every edge's offers'.
    pub fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let ledger = self.ledger_key.iter().map(|key| &key.public);
        std::iter::once(&self.checkout_key.public)
            .chain(ledger)
            .chain(self.edges.iter().flat_map(|edge| &edge.offer_keys))
    }

    /// What `--check` prints: one fact a line, no secret among them.
    #[must_use]
    pub fn summary(&self) -> Vec<(&'static str, String)> {
        let active = self.policies.active();
        vec![
            ("lender", self.lender_id.clone()),
            ("bundle", format!("{} {} {}", active.id(), active.version(), active.hash())),
            ("bundle valid", format!("{} to {}", active.valid_from(), active.valid_until())),
            ("bundle label", active.label().to_owned()),
            ("currency", self.currency().code().to_owned()),
            ("business days in", active.time_zone_name().to_owned()),
            ("earlier bundles", self.policies.previous_count().to_string()),
            ("checkout key", self.checkout_key.public.kid.clone()),
            ("merchants", names(self.merchants.iter().map(|merchant| &merchant.id))),
            ("edges", names(self.edges.iter().map(|edge| &edge.id))),
            ("lender keys", names(self.lender_keys.iter().map(|(id, _)| id))),
            ("provider", self.provider.url.to_string()),
            (
                "ledger key",
                self.ledger_key.as_ref().map_or("none: days are not signed", |key| &key.public.kid).to_owned(),
            ),
            ("notices", self.notices.as_ref().map_or("wait: no channel", Channel::name).to_owned()),
        ]
    }
}

/// Who has the key of a hash. Every known hash is compared, each in constant time, so that the time tells nothing.
fn keyed<'a, T>(holders: &'a [T], known: impl Fn(&T) -> &str, hash: &str) -> Option<&'a T> {
    holders.iter().fold(None, |found, holder| if secret::same(known(holder), hash) { Some(holder) } else { found })
}

fn names<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

fn merchants(config: &Config) -> Result<Vec<Arc<Merchant>>, String> {
    let mut seen = BTreeMap::new();
    config
        .merchants
        .iter()
        .map(|merchant| {
            if seen.insert(&merchant.id, ()).is_some() {
                return Err(format!("merchant `{}` stands twice", merchant.id));
            }
            let fee = &merchant.fee_percent;
            let fee_percent = Decimal::parse(fee).map_err(|error| format!("fee_percent `{fee}`: {error}"))?;
            if fee_percent.is_negative() || fee_percent.to_f64() > FEE_PERCENT_MAX as f64 {
                return Err(format!("fee_percent `{fee}` is not from 0 to {FEE_PERCENT_MAX}"));
            }
            Ok(Arc::new(Merchant {
                id: merchant.id.clone(),
                name: merchant.name.clone(),
                fee_percent,
                refund_fee: merchant.refund_fee,
                key_sha256: merchant.key_sha256.clone(),
            }))
        })
        .collect()
}

fn edges(config: &Config) -> Result<Vec<Arc<Edge>>, String> {
    let mut seen = BTreeMap::new();
    config
        .edges
        .iter()
        .map(|edge| {
            if seen.insert(&edge.id, ()).is_some() {
                return Err(format!("edge `{}` stands twice", edge.id));
            }
            let offer_keys: Result<Vec<_>, _> =
                edge.offer_keys.iter().map(|path| jwk::read_public(path, Use::Offer)).collect();
            Ok(Arc::new(Edge { id: edge.id.clone(), offer_keys: offer_keys?, key_sha256: edge.key_sha256.clone() }))
        })
        .collect()
}
