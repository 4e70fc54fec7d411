//! The configuration with everything it names loaded and checked: keys, bundles, callers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use prequal_bundle::jwk::{self, PrivateKey, PublicKey, Use};
use prequal_core::{calendar::Date, currency::Currency, decimal::Decimal, money::Amount};
use prequal_ledger::Ceiling;
use serde::Deserialize;

use crate::{
    conduct::{Conduct, Signing},
    config::{Config, RateLimits, Retention, Webhooks},
    delivery::Channel,
    exposure,
    funding::config::Funders,
    http_client::BaseUrl,
    keys::{Holder, Key, Keys},
    policy::{Policies, PublicBundle},
    serving::Serving,
    settlement::config::{Cycle, Settling},
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
    /// When and how it is paid.
    pub settlement: Settling,
    /// What of the fee is given back with a refund.
    pub refund_fee: RefundFee,
}

impl Merchant {
    /// The business day of its account, where it has one; none where it is paid at once.
    #[must_use]
    pub fn settled_on(&self, date: Date) -> Option<Date> {
        (self.settlement.cycle != Cycle::Immediate).then_some(date)
    }
}

/// An edge worker.
#[derive(Debug)]
pub struct Edge {
    /// `iss` of its offers.
    pub id: String,
    /// The keys of its offers.
    pub offer_keys: Vec<PublicKey>,
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

/// A ceiling, and the business dates on which it holds.
#[derive(Debug, Clone)]
pub struct DatedCeiling {
    /// The ceiling.
    pub ceiling: Ceiling,
    /// The first of them.
    pub from: Option<Date>,
    /// The last.
    pub until: Option<Date>,
}

/// Everything a running server needs to know and that does not change while it runs.
#[derive(Debug)]
pub struct Settings {
    /// `iss` of checkout tokens and `aud` of offers.
    pub lender_id: String,
    /// How long a request may take in all.
    pub request_time_max: Duration,
    /// For how many seconds a checkout stays open.
    pub checkout_seconds: u32,
    /// By how many seconds an edge's clock may differ.
    pub clock_skew_seconds: u32,
    /// For how many days an order may be captured by its merchant, where the checkout says nothing.
    pub capture_days: u16,
    /// The most one person may owe, hold and have signed in all.
    pub exposure_max: Amount,
    /// Every ceiling on that, the one in all first.
    pub ceilings: Vec<DatedCeiling>,
    /// Products that are lent under a line of credit only.
    pub line_products: Vec<String>,
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
    /// For how long what has done its work is kept.
    pub retention: Retention,
    /// How often may be asked.
    pub rate_limits: RateLimits,
    /// How merchants' and the lender's systems are told of events.
    pub webhooks: Webhooks,
    /// Who has which key.
    pub keys: Keys,
    /// Who finances loans.
    pub funders: Funders,
    /// How an application is led to a loan.
    pub conduct: Conduct,
    /// How loans are served that are booked from now on.
    pub serving: Serving,
    /// The key of the ledger's days.
    pub ledger_key: Option<PrivateKey>,
    merchants: Vec<Arc<Merchant>>,
    edges: Vec<Arc<Edge>>,
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
        let (merchants, edges) = (merchants(config)?, edges(config)?);
        let funders = Funders::load(config, policies.active())?;
        for ceiling in &config.limits.ceilings {
            if let Some(unknown) = ceiling.product.as_ref().filter(|id| !policies.has_product(id)) {
                return Err(format!("limits.ceilings: `{unknown}` is no product of a bundle"));
            }
        }
        if let Some(unknown) = config.limits.line_products.iter().find(|id| !policies.has_product(id)) {
            return Err(format!("limits.line_products: `{unknown}` is no product of a bundle"));
        }
        let mut conduct = config.conduct.clone();
        let mut serving = config.servicing.clone();
        conduct.withdrawal_days = conduct.withdrawal_days.or(serving.withdrawal_days);
        let conduct = conduct.resolved(policies.active().convention())?.signed(sandbox)?;
        serving.withdrawal_days = withdrawal_days(&conduct, &serving)?;
        let settings = Self {
            lender_id: config.lender.id.clone(),
            checkout_seconds: config.checkout.seconds,
            clock_skew_seconds: config.checkout.clock_skew_seconds,
            capture_days: config.checkout.capture_days,
            exposure_max: Amount::new(config.limits.exposure_max).map_err(|error| error.to_string())?,
            ceilings: ceilings(config)?,
            line_products: config.limits.line_products.clone(),
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
            retention: config.retention,
            rate_limits: config.rate_limits.clone(),
            webhooks: config.webhooks.clone(),
            request_time_max: Duration::from_millis(config.timeouts.request_ms.into()),
            keys: keys(config, &merchants, &edges, &funders)?,
            funders,
            merchants,
            edges,
            conduct,
            serving,
            ledger_key: config.ledger.as_ref().map(|ledger| jwk::read_private(&ledger.key, Use::Ledger)).transpose()?,
        };
        Ok((settings, vault))
    }

    /// The ceilings that hold on a business date.
    #[must_use]
    pub fn ceilings_on(&self, date: Date) -> Vec<Ceiling> {
        let holds = |one: &&DatedCeiling| {
            one.from.is_none_or(|from| from <= date) && one.until.is_none_or(|until| date <= until)
        };
        self.ceilings.iter().filter(holds).map(|one| one.ceiling.clone()).collect()
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

    /// The edge of an id.
    #[must_use]
    pub fn edge(&self, id: &str) -> Option<Arc<Edge>> {
        self.edges.iter().find(|edge| edge.id == id).cloned()
    }

    /// The public keys of `/.well-known/jwks.json`: checkout tokens', the ledger's and every edge's offers'.
    pub fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        let ledger = self.ledger_key.iter().map(|key| &key.public);
        std::iter::once(&self.checkout_key.public)
            .chain(ledger)
            .chain(self.edges.iter().flat_map(|edge| &edge.offer_keys))
    }

    /// How agreements are signed, and whether anybody can.
    #[must_use]
    pub fn signing(&self) -> String {
        match (self.conduct.signing(), &self.notices) {
            (Signing::OneTimeCode, Some(_)) => "by a one-time code".to_owned(),
            (Signing::OneTimeCode, None) => "by a one-time code, and [notices] is missing to send it".to_owned(),
            (Signing::Any, _) => format!("by the typed name alone as well: {}", self.conduct.typed_name_reason),
        }
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
            ("lender keys", names(self.keys.lenders())),
            ("auditor keys", names(self.keys.auditors())),
            ("provider", self.provider.url.to_string()),
            ("funders", names(self.funders.iter().map(|funder| &funder.config.id))),
            (
                "ceilings",
                self.ceilings
                    .iter()
                    .map(|one| format!("{} {}", one.ceiling.id, one.ceiling.amount))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            ("jurisdiction", self.conduct.law().name().to_owned()),
            ("signing", self.signing()),
            (
                "ledger key",
                self.ledger_key.as_ref().map_or("none: days are not signed", |key| &key.public.kid).to_owned(),
            ),
            ("notices", self.notices.as_ref().map_or("wait: no channel", Channel::name).to_owned()),
        ]
    }
}

fn keys(config: &Config, merchants: &[Arc<Merchant>], edges: &[Arc<Edge>], funders: &Funders) -> Result<Keys, String> {
    let mut keys = Vec::new();
    for (given, merchant) in config.merchants.iter().zip(merchants) {
        let holder = Holder::Merchant(merchant.clone());
        keys.push(Key::new(holder.clone(), &given.key_sha256, given.scopes.as_deref(), given.expires.as_deref())?);
        for key in &given.further_keys {
            keys.push(Key::new(holder.clone(), &key.key_sha256, key.scopes.as_deref(), key.expires.as_deref())?);
        }
    }
    for (given, edge) in config.edges.iter().zip(edges) {
        let holder = Holder::Edge(edge.clone());
        keys.push(Key::new(holder.clone(), &given.key_sha256, given.scopes.as_deref(), given.expires.as_deref())?);
        for key in &given.further_keys {
            keys.push(Key::new(holder.clone(), &key.key_sha256, key.scopes.as_deref(), key.expires.as_deref())?);
        }
    }
    for funder in funders.iter() {
        if let Some(hash) = &funder.config.key_sha256 {
            keys.push(Key::new(Holder::Funder(funder.clone()), hash, None, None)?);
        }
    }
    for key in &config.lender_keys {
        let holder = Holder::Lender(key.id.clone());
        keys.push(Key::new(holder, &key.key_sha256, key.scopes.as_deref(), key.expires.as_deref())?);
    }
    for key in &config.auditor_keys {
        let holder = Holder::Auditor(key.id.clone());
        keys.push(Key::new(holder, &key.key_sha256, key.scopes.as_deref(), key.expires.as_deref())?);
    }
    Ok(Keys::new(keys))
}

/// What is promised before the contract is what the loan is served by.
fn withdrawal_days(conduct: &Conduct, serving: &Serving) -> Result<Option<u16>, String> {
    match (conduct.withdrawal_days, serving.withdrawal_days) {
        (Some(promised), Some(served)) if promised != served => Err(format!(
            "conduct.withdrawal_days is {promised} and servicing.withdrawal_days is {served}: loans are served as their \
             agreements say, leave one of them out"
        )),
        (promised, _) => conduct.check().map(|()| promised),
    }
}

fn names<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    let ids: Vec<&str> = ids.map(String::as_str).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

fn ceilings(config: &Config) -> Result<Vec<DatedCeiling>, String> {
    let amount = |minor| Amount::new(minor).map_err(|error| format!("limits: {error}"));
    let over_all = Ceiling {
        id: exposure::OVER_ALL.to_owned(),
        amount: amount(config.limits.exposure_max)?,
        product: None,
        merchant: None,
        funder: None,
    };
    let over_all = DatedCeiling { ceiling: over_all, from: None, until: None };
    let further = config.limits.ceilings.iter().map(|ceiling| {
        let of = Ceiling {
            id: ceiling.name.clone(),
            amount: amount(ceiling.amount)?,
            product: ceiling.product.clone(),
            merchant: ceiling.merchant.clone(),
            funder: ceiling.funder.clone(),
        };
        Ok(DatedCeiling { ceiling: of, from: ceiling.from, until: ceiling.until })
    });
    std::iter::once(Ok(over_all)).chain(further).collect()
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
                settlement: Settling::of(&merchant.settlement)
                    .map_err(|error| format!("merchant `{}`: {error}", merchant.id))?,
                refund_fee: merchant.refund_fee,
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
            Ok(Arc::new(Edge { id: edge.id.clone(), offer_keys: offer_keys? }))
        })
        .collect()
}
