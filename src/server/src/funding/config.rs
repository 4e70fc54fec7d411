//! What a configuration says of funders and programmes, and the same loaded and checked.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper::Uri;
use prequal_core::{
    credit::{Fee, FeeSize, FeeWhen},
    decimal::Decimal,
    money::Amount,
    wire::{Offer, Outcome},
};
use prequal_ledger::{Funder as Share, Funding, Ratios, funding::FUNDERS_MAX, router::PROGRAMMES_MAX};
use serde::{Deserialize, Serialize};

use crate::{config::Config, policy::Policy};

/// The longest time one funder may take, in milliseconds.
pub const FUNDER_TIME_MAX_MS: u64 = 10_000;
/// The longest a search for funders may take in all, in milliseconds.
pub const ROUTE_TIME_MAX_MS: u64 = 20_000;
/// Decimals of a share, a price or a fee, at most.
const PLACES_MAX: u8 = 6;
/// The longest text of a reason or a name, in bytes.
const TEXT_BYTES_MAX: usize = 200;

/// What a funder is to a loan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Another lender with a share of its own.
    Partner,
    /// The lender itself.
    Own,
    /// It has no share and answers for the whole.
    Guarantor,
}

impl Kind {
    /// The name under which it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Own => "own",
            Self::Guarantor => "guarantor",
        }
    }
}

/// `[[funders]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunderConfig {
    /// A short stable name.
    pub id: String,
    /// The name a borrower reads.
    pub name: String,
    /// What it is to a loan.
    pub kind: Kind,
    /// SHA-256 of its `fk_…` key, lower-case hex; without it, it reads nothing here.
    #[serde(default)]
    pub key_sha256: Option<String>,
    /// The most it finances, or answers for, at a time, in minor units; absent, no limit.
    #[serde(default)]
    pub capacity: Option<Amount>,
    /// What its money costs the lender a year, in per cent: programmes are ordered by it.
    #[serde(default)]
    pub price_percent: Decimal,
    /// What the lender keeps of the interest it collects for it, in per cent.
    #[serde(default)]
    pub servicing_fee_percent: Decimal,
    /// Which loans it takes at all.
    #[serde(default)]
    pub eligible: Eligible,
    /// Its own bundle, signed by one of `bundle.keys`, by which this server decides for it.
    #[serde(default)]
    pub bundle: Option<PathBuf>,
    /// Or where it decides itself, `http://host:port/path`.
    #[serde(default)]
    pub decide_url: Option<String>,
    /// The key by which it is asked there.
    #[serde(default)]
    pub decide_key: String,
    /// The purpose of the consent without which nothing of an applicant is sent there.
    #[serde(default)]
    pub consent: Option<String>,
    /// How long it may take, in milliseconds.
    #[serde(default = "default_time_limit_ms")]
    pub time_limit_ms: u64,
    /// A guarantor's fee, borne by the borrower.
    #[serde(default)]
    pub fee: Option<FeeConfig>,
}

const fn default_time_limit_ms() -> u64 {
    1_000
}

impl std::fmt::Debug for FunderConfig {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "FunderConfig {{ id: {:?}, kind: {:?} }}", self.id, self.kind)
    }
}

/// Which loans a funder takes; what is absent or empty asks nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Eligible {
    /// The least principal of the loan, in minor units.
    #[serde(default)]
    pub principal_min: Option<Amount>,
    /// The most.
    #[serde(default)]
    pub principal_max: Option<Amount>,
    /// The most instalments.
    #[serde(default)]
    pub count_max: Option<u16>,
    /// Of these merchants only.
    #[serde(default)]
    pub merchants: Vec<String>,
}

/// A charge of a guarantor's, as the terms of a loan must have it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeConfig {
    /// What it is called.
    pub code: String,
    /// In per cent of the principal.
    pub percent: Decimal,
    /// When it falls due.
    pub when: FeeWhen,
}

/// `[funding]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FundingConfig {
    /// How long the search may take in all, in milliseconds.
    #[serde(default = "default_deadline_ms")]
    pub deadline_ms: u64,
    /// In which order programmes are tried.
    #[serde(default)]
    pub order: Order,
    /// What becomes of an application that nobody finances.
    pub nobody: Nobody,
    /// Ratios of the portfolio.
    #[serde(default)]
    pub ratios: Ratios,
    /// The programmes, in the order of preference.
    pub programmes: Vec<ProgrammeConfig>,
}

const fn default_deadline_ms() -> u64 {
    3_000
}

/// In which order programmes are tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they are listed.
    #[default]
    Listed,
    /// The cheapest money first; as they are listed where it costs the same.
    Price,
}

/// What becomes of an application that nobody finances, and the reason that is given.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nobody {
    /// `referred` or `declined`.
    pub outcome: Outcome,
    /// The reason's code.
    pub code: String,
    /// The reason in words.
    pub text: String,
}

/// `[[funding.programmes]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgrammeConfig {
    /// A short stable name.
    pub id: String,
    /// For these products; empty for all.
    #[serde(default)]
    pub products: Vec<String>,
    /// For these plans; empty for all.
    #[serde(default)]
    pub plans: Vec<String>,
    /// Who finances how much.
    pub shares: Vec<ShareConfig>,
    /// Who takes what rounding leaves over.
    pub stray_cent_to: String,
    /// Who answers for it.
    #[serde(default)]
    pub guarantor: Option<String>,
}

/// A share.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareConfig {
    /// The funder.
    pub funder: String,
    /// In per cent of the loan.
    pub percent: Decimal,
}

/// How a funder decides.
#[derive(Debug)]
pub enum Decides {
    /// It takes every loan it is eligible for.
    Always,
    /// By its bundle, in this process.
    Bundle(Box<Policy>),
    /// At an address of its own.
    Endpoint {
        /// The address.
        url: String,
        /// The key by which it is asked.
        key: String,
        /// The consent that sending needs.
        consent: String,
    },
}

/// A funder, loaded.
#[derive(Debug)]
pub struct Funder {
    /// What was configured.
    pub config: FunderConfig,
    /// How it decides.
    pub decides: Decides,
}

/// A programme, loaded.
#[derive(Debug)]
pub struct Programme {
    /// Its name.
    pub id: String,
    products: Vec<String>,
    plans: Vec<String>,
    /// Shares and the stray cent.
    pub funding: Funding,
    /// Who has the shares, in their order.
    pub funders: Vec<Arc<Funder>>,
    /// Who answers for it.
    pub guarantor: Option<Arc<Funder>>,
    /// Whether a partner has a share of it.
    pub joint: bool,
}

impl Programme {
    /// Whether it is for this offer's product and plan.
    #[must_use]
    pub fn takes(&self, offer: &Offer) -> bool {
        let among = |list: &[String], one: &String| list.is_empty() || list.contains(one);
        among(&self.products, &offer.product) && among(&self.plans, &offer.plan)
    }

    /// Everybody in it, the guarantor last.
    pub fn parties(&self) -> impl Iterator<Item = &Arc<Funder>> {
        self.funders.iter().chain(&self.guarantor)
    }

    /// What its money costs, a sum of shares times prices in a unit of its own.
    fn price(&self) -> u128 {
        let scaled = |decimal: Decimal| {
            let scale = 10_u128.pow(u32::from(PLACES_MAX.saturating_sub(decimal.places())));
            u128::from(decimal.mantissa().unsigned_abs()) * scale
        };
        let shares = self.funding.funders().iter().zip(&self.funders);
        let money: u128 = shares.map(|(share, of)| scaled(share.share_percent) * scaled(of.config.price_percent)).sum();
        let whole = scaled(Decimal::from(100));
        money + self.guarantor.as_ref().map_or(0, |guarantor| whole * scaled(guarantor.config.price_percent))
    }
}

impl Funder {
    /// The fee as terms must have it.
    #[must_use]
    pub fn fee(&self) -> Option<Fee> {
        self.config.fee.as_ref().map(|fee| Fee {
            code: fee.code.clone(),
            payee: self.config.name.clone(),
            size: FeeSize::Percent(fee.percent),
            when: fee.when,
        })
    }
}

/// Who finances, loaded.
#[derive(Debug, Default)]
pub struct Funders {
    funders: Vec<Arc<Funder>>,
    rules: Option<Rules>,
}

/// How funders are found.
#[derive(Debug)]
pub struct Rules {
    /// How long it may take in all, in milliseconds.
    pub deadline_ms: u64,
    /// What becomes of an application that nobody finances.
    pub nobody: Nobody,
    /// Ratios of the portfolio.
    pub ratios: Ratios,
    /// The programmes in the order in which they are tried.
    pub programmes: Vec<Arc<Programme>>,
}

impl Funders {
    /// How funders are found; none where the lender finances alone.
    #[must_use]
    pub const fn rules(&self) -> Option<&Rules> {
        self.rules.as_ref()
    }

    /// Every funder.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Funder>> {
        self.funders.iter()
    }

    /// The funder of an id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Funder>> {
        self.funders.iter().find(|funder| funder.config.id == id)
    }

    /// Loads what a configuration names.
    ///
    /// # Errors
    /// One readable line.
    pub fn load(config: &Config, active: &Policy) -> Result<Self, String> {
        let keys = crate::policy::read_keys(&config.bundle)?;
        let mut funders = Vec::new();
        for funder in &config.funders {
            let decides = decides(funder, |path| Policy::load(path, &keys), active)?;
            funders.push(Arc::new(Funder { config: funder.clone(), decides }));
        }
        let mut loaded = Self { funders, rules: None };
        if let Some(funding) = &config.funding {
            loaded.rules = Some(rules(funding, &loaded)?);
        }
        Ok(loaded)
    }
}

fn decides(
    funder: &FunderConfig,
    load: impl Fn(&Path) -> Result<Policy, String>,
    active: &Policy,
) -> Result<Decides, String> {
    let named = |error: &str| format!("funder `{}`: {error}", funder.id);
    match (&funder.bundle, &funder.decide_url) {
        (Some(_), Some(_)) => Err(named("`bundle` and `decide_url` exclude each other")),
        (None, None) => Ok(Decides::Always),
        (Some(path), None) => {
            let policy = load(path).map_err(|error| named(&error))?;
            if policy.currency() != active.currency() {
                return Err(named("its bundle is of another currency"));
            }
            Ok(Decides::Bundle(Box::new(policy)))
        }
        (None, Some(url)) => {
            let uri: Option<Uri> = url.parse().ok();
            if !uri.is_some_and(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some()) {
                return Err(named("`decide_url` is not of the form `http://host:port/path`"));
            }
            let consent = funder.consent.clone().ok_or_else(|| named("`decide_url` needs `consent`, a purpose"))?;
            Ok(Decides::Endpoint { url: url.clone(), key: funder.decide_key.clone(), consent })
        }
    }
}

/// Checks what can be checked of `[[funders]]` and `[funding]` without opening anything.
///
/// # Errors
/// One readable line.
pub fn check(funders: &[FunderConfig], funding: Option<&FundingConfig>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for funder in funders {
        let wrong = |why: &str| Err(format!("funder `{}`: {why}", funder.id));
        if !seen.insert(&funder.id) {
            return wrong("it stands twice");
        }
        if funder.name.trim().is_empty() || funder.name.len() > TEXT_BYTES_MAX {
            return wrong("`name` is 1 to 200 bytes");
        }
        if funder.time_limit_ms == 0 || funder.time_limit_ms > FUNDER_TIME_MAX_MS {
            return wrong("`time_limit_ms` is 1 to 10000");
        }
        let percents = [Some(funder.price_percent), Some(funder.servicing_fee_percent)];
        for percent in percents.into_iter().flatten().chain(funder.fee.as_ref().map(|fee| fee.percent)) {
            if percent.is_negative() || percent > Decimal::from(100) || percent.places() > PLACES_MAX {
                return wrong("a percentage is 0 to 100 with at most six decimals");
            }
        }
        if funder.fee.is_some() && funder.kind != Kind::Guarantor {
            return wrong("only a guarantor has a fee");
        }
    }
    match funding {
        Some(funding) if funding.deadline_ms == 0 || funding.deadline_ms > ROUTE_TIME_MAX_MS => {
            Err("funding.deadline_ms is 1 to 20000".to_owned())
        }
        _ => Ok(()),
    }
}

fn rules(config: &FundingConfig, funders: &Funders) -> Result<Rules, String> {
    let named = |error: String| format!("funding: {error}");
    config.ratios.check().map_err(|error| named(error.to_string()))?;
    if !matches!(config.nobody.outcome, Outcome::Referred | Outcome::Declined) {
        return Err(named("nobody.outcome is `referred` or `declined`".to_owned()));
    }
    let nobody = [&config.nobody.code, &config.nobody.text];
    if nobody.iter().any(|text| text.trim().is_empty() || text.len() > TEXT_BYTES_MAX) {
        return Err(named("nobody.code and nobody.text are 1 to 200 bytes".to_owned()));
    }
    if config.programmes.is_empty() || config.programmes.len() > PROGRAMMES_MAX {
        return Err(named(format!("there are 1 to {PROGRAMMES_MAX} programmes")));
    }
    let mut programmes: Vec<Arc<Programme>> = Vec::new();
    for one in &config.programmes {
        if programmes.iter().any(|programme| programme.id == one.id) {
            return Err(named(format!("programme `{}` stands twice", one.id)));
        }
        let programme =
            programme(one, funders, &config.ratios).map_err(|error| format!("programme `{}`: {error}", one.id))?;
        programmes.push(Arc::new(programme));
    }
    if config.order == Order::Price {
        programmes.sort_by_key(|programme| programme.price());
    }
    let (deadline_ms, nobody, ratios) = (config.deadline_ms, config.nobody.clone(), config.ratios.clone());
    Ok(Rules { deadline_ms, nobody, ratios, programmes })
}

fn programme(config: &ProgrammeConfig, funders: &Funders, ratios: &Ratios) -> Result<Programme, String> {
    let known = |id: &String| funders.find(id).cloned().ok_or_else(|| format!("no funder `{id}`"));
    if config.shares.len() > FUNDERS_MAX {
        return Err(format!("there are 1 to {FUNDERS_MAX} shares"));
    }
    let members: Vec<Arc<Funder>> = config.shares.iter().map(|share| known(&share.funder)).collect::<Result<_, _>>()?;
    if let Some(one) = members.iter().find(|one| one.config.kind == Kind::Guarantor) {
        return Err(format!("`{}` is a guarantor and has no share", one.config.id));
    }
    if members.iter().filter(|one| one.config.kind == Kind::Own).count() > 1 {
        return Err("two of its funders are the lender itself".to_owned());
    }
    if config.shares.iter().any(|share| share.percent.places() > PLACES_MAX) {
        return Err("a share has at most six decimals".to_owned());
    }
    let guarantor = config.guarantor.as_ref().map(known).transpose()?;
    if guarantor.as_ref().is_some_and(|one| one.config.kind != Kind::Guarantor) {
        return Err("its guarantor is of another kind".to_owned());
    }
    let share = |(share, of): (&ShareConfig, &Arc<Funder>)| Share {
        id: share.funder.clone(),
        share_percent: share.percent,
        servicing_fee_percent: of.config.servicing_fee_percent,
    };
    let shares = config.shares.iter().zip(&members).map(share).collect();
    let funding = Funding::new(shares, config.stray_cent_to.clone()).map_err(|error| error.to_string())?;
    let is_partner = |id: &str| funders.find(id).is_some_and(|one| one.config.kind == Kind::Partner);
    let least = ratios.partner_share_min_percent.unwrap_or_default();
    ratios
        .judge_shares(&funding, is_partner)
        .map_err(|_| format!("a partner finances less than the {least} per cent that every loan must have"))?;
    Ok(Programme {
        id: config.id.clone(),
        products: config.products.clone(),
        plans: config.plans.clone(),
        joint: members.iter().any(|one| one.config.kind == Kind::Partner),
        funding,
        funders: members,
        guarantor,
    })
}
