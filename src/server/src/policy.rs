//! The bundles this server decides by: verified when loaded, one of them in force.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::{Timestamp, tz::TimeZone};
use prequal_bundle::{
    envelope,
    jwk::{self, PublicKey, Use},
};
use prequal_core::{
    bundle::{
        Bundle, FieldDefinition, FieldKind, Part,
        payload::{AGREEMENT_TEXT, NOTICE_TEXT_PREFIX},
    },
    calendar::{Date, Instant},
    credit::{
        Convention, Rules, Terms,
        caps::{Finding, PlanCap, judge_terms},
    },
    currency::Currency,
    decide::{
        self,
        counterfactual::{Counterfactual, Goal, counterfactual},
    },
    decimal::Decimal,
    money::Amount,
    wire::{Decision, Input, Offer, QuoteInput, Reason},
};

use crate::{
    agreement,
    config::BundleFiles,
    notice,
    problem::{Kind, Problem},
    secret,
};

/// One full bundle, ready to decide.
#[derive(Debug)]
pub struct Policy {
    bundle: Bundle,
    time_zone: TimeZone,
}

impl Policy {
    /// Loads a full bundle and verifies it.
    ///
    /// # Errors
    /// One readable line.
    pub fn load(path: &Path, keys: &[PublicKey]) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("bundle `{}`: {error}", path.display());
        let (_, payload) = read_envelope(path, keys)?;
        let bundle = Bundle::from_payload(&payload).map_err(|error| named(&error))?;
        if bundle.part() != Part::Full {
            return Err(named(&"this is the public part, which cannot decide"));
        }
        let time_zone = TimeZone::get(bundle.time_zone())
            .map_err(|_| named(&format!("time zone `{}` is not known", bundle.time_zone())))?;
        let policy = Self { bundle, time_zone };
        if let Some(template) = policy.agreement_template() {
            agreement::check_template(template).map_err(|error| named(&format!("the agreement's text: {error}")))?;
        }
        policy.check_notices().map_err(|error| named(&error))?;
        Ok(policy)
    }

    fn check_notices(&self) -> Result<(), String> {
        for (code, text) in self.bundle.payload().texts.values().flat_map(|texts| texts.iter()) {
            if let Some(kind) = code.strip_prefix(NOTICE_TEXT_PREFIX) {
                notice::check_template(kind, text).map_err(|error| format!("the text of a notice: {error}"))?;
            }
        }
        Ok(())
    }

    /// SHA-256 of the signed payload.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.bundle.hash()
    }

    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> &str {
        self.bundle.id()
    }

    /// The bundle's version.
    #[must_use]
    pub fn version(&self) -> &str {
        self.bundle.version()
    }

    /// What stands beside every offer.
    #[must_use]
    pub fn label(&self) -> &str {
        self.bundle.label()
    }

    /// The lender's name.
    #[must_use]
    pub fn lender_name(&self) -> &str {
        self.bundle.lender_name()
    }

    /// The currency that is lent.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.bundle.currency()
    }

    /// The law's ceilings on what a plan costs.
    #[must_use]
    pub fn caps(&self) -> &[PlanCap] {
        &self.bundle.payload().caps
    }

    /// The type of the lender, as the ceilings name it.
    #[must_use]
    pub fn lender_kind(&self) -> &str {
        &self.bundle.payload().lender.kind
    }

    /// The first business date on which it decides.
    #[must_use]
    pub fn valid_from(&self) -> Date {
        self.bundle.valid().0
    }

    /// The last.
    #[must_use]
    pub fn valid_until(&self) -> Date {
        self.bundle.valid().1
    }

    /// The time zone of its business dates.
    #[must_use]
    pub fn time_zone_name(&self) -> &str {
        self.bundle.time_zone()
    }

    /// Every field of the form.
    pub fn fields(&self) -> impl Iterator<Item = &FieldDefinition> {
        self.bundle.payload().form.steps.iter().flat_map(|step| &step.fields)
    }

    /// The purposes that must be consented to, each with the hashes of the sentence in each language.
    #[must_use]
    pub fn required_consents(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.consents().filter(|field| field.required).map(consent_hashes).collect()
    }

    /// Every purpose that may be consented to.
    #[must_use]
    pub fn possible_consents(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.consents().map(consent_hashes).collect()
    }

    fn consents(&self) -> impl Iterator<Item = &FieldDefinition> {
        self.fields().filter(|field| field.kind == FieldKind::Consent)
    }

    /// The bundle's own template of the agreement.
    #[must_use]
    pub fn agreement_template(&self) -> Option<&str> {
        let payload = self.bundle.payload();
        payload.texts.get(&payload.locale)?.get(AGREEMENT_TEXT).map(String::as_str)
    }

    /// What the law allows a plan to cost, judged for terms: the first cap that they break.
    ///
    /// # Errors
    /// 500 where the terms give no schedule.
    pub fn broken_cap(&self, terms: &Terms, rules: &Rules) -> Result<Option<Finding>, Problem> {
        let payload = self.bundle.payload();
        let findings =
            judge_terms(&payload.caps, terms, Some(rules), &payload.lender.kind).map_err(Problem::internal)?;
        Ok(findings.into_iter().find(|finding| !finding.passes))
    }

    /// The convention of the disclosed annual percentage rate.
    #[must_use]
    pub fn convention(&self) -> Convention {
        self.bundle.payload().product.convention
    }

    /// The bundle's own text of a notice of a kind.
    #[must_use]
    pub fn notice_template(&self, kind: &str) -> Option<&str> {
        let payload = self.bundle.payload();
        payload.texts.get(&payload.locale)?.get(&format!("{NOTICE_TEXT_PREFIX}{kind}")).map(String::as_str)
    }

    /// The words of a reason of the catalogue, in the bundle's own language.
    #[must_use]
    pub fn reason(&self, code: &str) -> Option<Reason> {
        let payload = self.bundle.payload();
        let found = payload.reasons.iter().find(|reason| reason.code == code)?;
        Some(Reason { code: found.code.clone(), text: found.text.get(&payload.locale)?.clone() })
    }

    /// What a field of the form is called, in the bundle's own language.
    #[must_use]
    pub fn field_label(&self, id: &str) -> Option<&str> {
        let field = self.fields().find(|field| field.id == id)?;
        field.label.get(&self.bundle.payload().locale).map(String::as_str)
    }

    /// The sentence of a consent by its SHA-256.
    #[must_use]
    pub fn sentence(&self, hash: &str) -> Option<&str> {
        let labels = self.consents().flat_map(|field| field.label.values());
        labels.map(String::as_str).find(|sentence| secret::sha256_hex(sentence) == hash)
    }

    /// What a purchase costs on each plan at the bundle's dearest price: what a person who approves may offer.
    ///
    /// # Errors
    /// 409 where the bundle does not decide on that day.
    pub fn quote(&self, amount: Amount, today: Date) -> Result<Vec<Offer>, Problem> {
        let input = QuoteInput { amount, currency: self.currency(), today };
        let quote = decide::quote(&self.bundle, &input);
        Ok(quote.map_err(|error| Problem::new(Kind::BundleUnknown, error.to_string()))?.plans)
    }

    /// What a purchase costs on plans at prices that were decided, on a day.
    ///
    /// # Errors
    /// 409 where the bundle does not decide on that day.
    pub fn quote_at(
        &self,
        amount: Amount,
        today: Date,
        rates: &BTreeMap<String, Decimal>,
    ) -> Result<Vec<Offer>, Problem> {
        let input = QuoteInput { amount, currency: self.currency(), today };
        let quote = decide::quote_at(&self.bundle, &input, |plan| rates.get(plan).copied());
        Ok(quote.map_err(|error| Problem::new(Kind::BundleUnknown, error.to_string()))?.plans)
    }

    /// The price of each plan, in per cent, for whoever was decided about: by the price table for the grade of that
    /// decision; the dearest where the bundle has no answer, as for a grade that it never lends to.
    #[must_use]
    pub fn rates(&self, input: &Input) -> BTreeMap<String, Decimal> {
        let dearest = self.bundle.payload().representative.rate_percent;
        let decided = decide::rates(&self.bundle, input).unwrap_or_default();
        let plans = self.bundle.payload().product.plans.iter();
        plans
            .enumerate()
            .map(|(place, plan)| (plan.id.clone(), decided.get(place).copied().unwrap_or(dearest)))
            .collect()
    }

    /// The cheapest and the dearest price that the price table has for anybody, in per cent.
    #[must_use]
    pub fn price_span(&self) -> (Decimal, Decimal) {
        let payload = self.bundle.payload();
        let prices = payload.price.iter().flat_map(|table| &table.rows).filter_map(|row| row.then.rate_percent);
        let dearest = payload.representative.rate_percent;
        (prices.min().unwrap_or(dearest), dearest)
    }

    /// How long an offer stands, in seconds.
    #[must_use]
    pub fn validity_seconds(&self) -> u32 {
        self.bundle.payload().validity_seconds
    }

    /// The second of the day of a moment, by the clock of the bundle's time zone.
    ///
    /// # Errors
    /// One readable line, where the moment is beyond the calendar.
    pub fn second_of_day(&self, moment: Instant) -> Result<u32, String> {
        let zoned = Timestamp::from_second(moment.seconds()).map_err(|error| error.to_string())?;
        let time = zoned.to_zoned(self.time_zone.clone()).time();
        let part = |value: i8| u32::try_from(value).map_err(|error| error.to_string());
        Ok(part(time.hour())? * 3600 + part(time.minute())? * 60 + part(time.second())?)
    }

    /// The business date of a moment.
    ///
    /// # Errors
    /// One readable line, where the moment is beyond the calendar.
    pub fn date_of(&self, moment: Instant) -> Result<Date, String> {
        let zoned = Timestamp::from_second(moment.seconds()).map_err(|error| error.to_string())?;
        let date = zoned.to_zoned(self.time_zone.clone()).date();
        let part = |value: i8| u8::try_from(value).map_err(|error| error.to_string());
        Date::from_ymd(i32::from(date.year()), part(date.month())?, part(date.day())?)
            .map_err(|error| error.to_string())
    }

    /// The minute of the business day of a moment, 0 to 1439.
    ///
    /// # Errors
    /// As [`Policy::date_of`].
    pub fn minute_of(&self, moment: Instant) -> Result<u16, String> {
        let zoned = Timestamp::from_second(moment.seconds()).map_err(|error| error.to_string())?;
        let time = zoned.to_zoned(self.time_zone.clone()).time();
        let part = |value: i8| u16::try_from(value).map_err(|error| error.to_string());
        Ok(part(time.hour())? * 60 + part(time.minute())?)
    }

    /// Decides.
    ///
    /// # Errors
    /// 422 where the input cannot be decided upon.
    pub fn decide(&self, input: &Input) -> Result<Decision, Problem> {
        decide::decide(&self.bundle, input)
            .map_err(|error| Problem::new(Kind::InvalidValue, error.to_string()).with("pointer", "/input"))
    }

    /// The smallest change that would make the decision better.
    ///
    /// # Errors
    /// 422 where the input cannot be decided.
    pub fn counterfactual(&self, input: &Input) -> Result<Counterfactual, Problem> {
        counterfactual(&self.bundle, input, Goal::Better)
            .map_err(|error| Problem::new(Kind::InvalidValue, error.to_string()).with("pointer", "/input"))
    }
}

/// A consent's purpose (its field's id where it names none) and the hashes of its sentence.
fn consent_hashes(field: &FieldDefinition) -> (String, BTreeSet<String>) {
    let purpose = field.purpose.clone().unwrap_or_else(|| field.id.clone());
    (purpose, field.label.values().map(secret::sha256_hex).collect())
}

/// The bundle in force, and those whose offers may still be submitted.
#[derive(Debug)]
pub struct Policies {
    active: Policy,
    previous: Vec<Policy>,
    revoked: BTreeSet<String>,
}

impl Policies {
    /// Loads and verifies the bundles of a configuration.
    ///
    /// # Errors
    /// One readable line.
    pub fn load(files: &BundleFiles) -> Result<Self, String> {
        let keys = read_keys(files)?;
        let active = Policy::load(&files.full, &keys)?;
        if files.revoked.contains(active.hash()) {
            return Err(format!("bundle `{}` is revoked by the configuration itself", files.full.display()));
        }
        let previous: Result<Vec<Policy>, String> =
            files.previous.iter().map(|path| Policy::load(path, &keys)).collect();
        let previous = previous?;
        if let Some(other) = previous.iter().find(|policy| policy.currency() != active.currency()) {
            return Err(format!("earlier bundle `{}` lends another currency", other.hash()));
        }
        Ok(Self { active, previous, revoked: files.revoked.clone() })
    }

    /// The bundle in force.
    #[must_use]
    pub const fn active(&self) -> &Policy {
        &self.active
    }

    /// How many earlier bundles are known.
    #[must_use]
    pub fn previous_count(&self) -> usize {
        self.previous.len()
    }

    /// Whether a product is one of any bundle's.
    #[must_use]
    pub fn has_product(&self, id: &str) -> bool {
        let mut policies = std::iter::once(&self.active).chain(&self.previous);
        policies.any(|policy| policy.bundle.payload().product.id == id)
    }

    /// The bundle of a hash, revoked or not.
    #[must_use]
    pub fn known(&self, hash: &str) -> Option<&Policy> {
        std::iter::once(&self.active).chain(&self.previous).find(|policy| policy.hash() == hash)
    }

    /// The bundle of a hash, if offers made by it are still taken.
    ///
    /// # Errors
    /// 409 where it was revoked or is not known.
    pub fn by_hash(&self, hash: &str) -> Result<&Policy, Problem> {
        if self.revoked.contains(hash) {
            return Err(Problem::new(Kind::BundleRevoked, "apply again under the bundle in force"));
        }
        std::iter::once(&self.active)
            .chain(&self.previous)
            .find(|policy| policy.hash() == hash)
            .ok_or_else(|| Problem::new(Kind::BundleUnknown, "apply again under the bundle in force"))
    }
}

/// The public part as browsers fetch it.
#[derive(Debug)]
pub struct PublicBundle {
    /// The signed envelope, byte for byte.
    pub envelope: String,
    /// SHA-256 of its payload.
    pub hash: String,
}

impl PublicBundle {
    /// Loads and verifies the public part, which must be of the same policy as the full one.
    ///
    /// # Errors
    /// One readable line.
    pub fn load(files: &BundleFiles, policies: &Policies) -> Result<Self, String> {
        let named = |error: &dyn std::fmt::Display| format!("bundle `{}`: {error}", files.public.display());
        let (envelope, payload) = read_envelope(&files.public, &read_keys(files)?)?;
        let bundle = Bundle::from_payload(&payload).map_err(|error| named(&error))?;
        let active = policies.active();
        if bundle.part() != Part::Public {
            return Err(named(&"this is the full part, which must not be given to browsers"));
        }
        if (bundle.id(), bundle.version()) != (active.id(), active.version()) {
            return Err(named(&"this is the public part of another bundle"));
        }
        Ok(Self { envelope, hash: bundle.hash().to_owned() })
    }
}

/// The keys of those who may sign bundles.
///
/// # Errors
/// One readable line.
pub fn read_keys(files: &BundleFiles) -> Result<Vec<PublicKey>, String> {
    if files.keys.is_empty() {
        return Err("bundle.keys is empty: nobody could have signed the bundle".to_owned());
    }
    files.keys.iter().map(|path| jwk::read_public(path, Use::Bundle)).collect()
}

/// Reads an envelope and verifies it; gives its text and the payload's bytes.
fn read_envelope(path: &Path, keys: &[PublicKey]) -> Result<(String, Vec<u8>), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    let keys: Vec<_> = keys.iter().map(|key| (key.kid.as_str(), key.key)).collect();
    let payload = envelope::verify(&text, &keys).map_err(|error| format!("bundle `{}`: {error}", path.display()))?;
    Ok((text, payload))
}
