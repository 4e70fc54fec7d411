//! The bundle: everything a lender decides, as data.
//!
//! A payload is one canonical JSON object ([`payload::Payload`] documents every entry); its SHA-256 names the bundle.
//! [`Bundle::from_payload`] reads it once, checks that it does not contradict itself and compiles it, so that a
//! decision looks up nothing by name. Signatures and source files are the matter of `prequal-bundle`.
//!
//! ```text
//! full part    form, features, eligibility tables, model, outcome, limit and price tables, product, caps, reasons
//! public part  form, features of the public tables, public knock-outs, product at the dearest price, caps, public reasons
//! ```

pub mod change;
mod compile;
mod compiled;
mod error;
pub mod features;
pub mod form;
pub mod payload;
pub mod products;
mod split;
pub mod tables;

pub(crate) use compiled::{Compiled, CompiledFeature, CompiledModel, CompiledSource, CompiledTable, CompiledThen};
pub use compiled::{PAYLOAD_BYTES_MAX, PLANS_MAX, REASONS_MAX, SCHEMA_FEATURES_MAX, TABLES_MAX};
pub use error::BundleError;
pub use features::{FeatureDefinition, FeatureKind};
pub use form::{FieldDefinition, FieldKind, StepDefinition};
pub use payload::{Part, Payload, SEMANTICS};
pub use split::split;

use crate::{
    application::texts::Message,
    calendar::Date,
    canonical,
    currency::Currency,
    depth::{Checked, Depth, Signed},
};

/// A checked and compiled bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    payload: Payload,
    hash: String,
    pub(crate) compiled: Compiled,
}

impl Bundle {
    /// Reads, checks and compiles a payload. `bytes` are the signed bytes; their hash names the bundle.
    ///
    /// # Errors
    /// [`BundleError`]: too long, not of the shape, of another format or semantics, or contradicting itself.
    pub fn from_payload(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read::<Checked>(bytes)
    }

    /// Reads and compiles a payload that somebody signed after [`Self::from_payload`] took it, and whose signature was
    /// checked: what is downloaded leaves out the checks that only the maker of a policy can act on.
    ///
    /// # Errors
    /// As [`Self::from_payload`]; of what contradicts itself only that which would not compile.
    pub fn from_signed_payload(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read::<Signed>(bytes)
    }

    fn read<C: Depth>(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(BundleError::TooLong { bytes: bytes.len(), max: PAYLOAD_BYTES_MAX });
        }
        let payload: Payload = crate::json::from_slice(bytes).map_err(|error| BundleError::Shape(error.to_string()))?;
        let compiled = compile::compile::<C>(&payload)?;
        Ok(Self { payload, hash: canonical::sha256_hex(bytes), compiled })
    }

    /// SHA-256 of the payload in lower-case hexadecimal digits.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Full or public.
    #[must_use]
    pub fn part(&self) -> Part {
        self.payload.part
    }

    /// The bundle's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.payload.id
    }

    /// The version of the policy.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.payload.version
    }

    /// What must stand beside every offer.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.payload.label
    }

    /// The lender's name.
    #[must_use]
    pub fn lender_name(&self) -> &str {
        &self.payload.lender.name
    }

    /// The currency of every amount.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.payload.currency
    }

    /// The IANA time zone by which a shell turns a moment into the business date.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        &self.payload.time_zone
    }

    /// The first and the last business date on which the bundle decides.
    #[must_use]
    pub fn valid(&self) -> (Date, Date) {
        (self.payload.valid_from, self.payload.valid_until)
    }

    /// The payload as it was read.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The model of the full part, or the coarse scorecard of a public part that has one.
    #[must_use]
    pub fn model(&self) -> Option<&crate::score::PointsModel> {
        self.compiled.model.as_ref().or(self.compiled.public_model.as_ref()).map(|model| &model.model)
    }

    /// A text in the language asked for; failing that, in the language without its region, then in the bundle's own.
    pub(crate) fn text<'t>(&self, texts: &'t payload::Texts, locale: Option<&str>) -> &'t str {
        let wanted = locale.unwrap_or(&self.payload.locale);
        let language = wanted.split('-').next().unwrap_or(wanted);
        let found = [wanted, language, &self.payload.locale].into_iter().find_map(|tag| texts.get(tag));
        found.map_or("", String::as_str)
    }

    /// A message in the language asked for: the bundle's own words, or the built-in English ones.
    pub(crate) fn message(&self, message: &Message, locale: Option<&str>) -> &str {
        let wanted = locale.unwrap_or(&self.payload.locale);
        let language = wanted.split('-').next().unwrap_or(wanted);
        let own = [wanted, language, &self.payload.locale]
            .into_iter()
            .find_map(|tag| self.payload.texts.get(tag)?.get(message.code));
        own.map_or(message.text, String::as_str)
    }

    /// The keys of evidence that the bundle takes, in the schema's order. A feature without a lawful use is not
    /// among them: what must not be used is not to be asked for.
    pub fn evidence_keys(&self) -> impl Iterator<Item = &str> {
        self.compiled.features.iter().filter(|feature| feature.lawful).filter_map(|feature| match &feature.source {
            CompiledSource::Evidence(key) => Some(key.as_str()),
            _ => None,
        })
    }
}
