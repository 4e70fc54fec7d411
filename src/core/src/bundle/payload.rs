//! The payload of a bundle: what is signed, hashed and loaded.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{
    features::FeatureDefinition,
    form::FormDefinition,
    products::{Product, Representative},
    tables::TableDefinition,
};
use crate::{
    calendar::Date,
    credit::caps::PlanCap,
    currency::Currency,
    score::{Scorecard, trees::TreeModel},
    sorted::Sorted,
};

/// The `format` this version reads and writes.
pub const FORMAT: &str = "prequal-policy/1";

/// The version of the rules of deciding. It moves when the same bundle and input could give another decision.
pub const SEMANTICS: u32 = 1;

/// The code under which `texts` may hold the lender's own template of the agreement; the server fills it in.
pub const AGREEMENT_TEXT: &str = "agreement";

/// Under a code of this and the kind of a notice `texts` may hold the lender's own text of it; the server fills it in.
pub const NOTICE_TEXT_PREFIX: &str = "notice_";

/// A text in each language, by BCP 47 tag: `{"en":"…","zh":"…"}`.
pub type Texts = Sorted<String>;

/// Which part of a bundle this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Everything: decides. Stays at the edge and on the server.
    Full,
    /// What a browser may hold: form, public knock-outs, quotes at the dearest price. Cannot decide.
    Public,
}

/// A bundle's payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Legal ceilings on what a plan may cost, each for a span of dates and types of lender.
    pub caps: Vec<PlanCap>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Eligibility tables, asked in this order.
    pub eligibility: Vec<TableDefinition>,
    /// The feature schema. The public part holds only what its own tables use.
    pub features: Vec<FeatureDefinition>,
    /// The application form.
    pub form: FormDefinition,
    /// Always [`FORMAT`].
    pub format: String,
    /// The bundle's name, the same from version to version.
    pub id: String,
    /// What every page must say beside an offer, for example "demonstration data of 1994, not for lending".
    pub label: String,
    /// Who lends.
    pub lender: Lender,
    /// Limit by band and other features; full part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<TableDefinition>,
    /// The language used where none is asked for or the asked one has no text.
    pub locale: String,
    /// The scorecard or the trees; full part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Points and other features to band and outcome; full part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<TableDefinition>,
    /// Full or public.
    pub part: Part,
    /// Band and plan to rate; full part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<TableDefinition>,
    /// What is lent and how it is repaid.
    pub product: Product,
    /// A coarse model over form fields in broad bands, for estimates; may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_model: Option<PublicModel>,
    /// Reasons in descending precedence.
    pub reasons: Vec<ReasonDefinition>,
    /// The price at which quotes and estimates are made: the dearest in the price table.
    pub representative: Representative,
    /// Reason codes for what the engine itself finds.
    pub rules: Rules,
    /// [`SEMANTICS`]; another number is refused.
    pub semantics: u32,
    /// Messages that override the built-in ones, by locale and then by code, such as `invalid_email`;
    /// under [`AGREEMENT_TEXT`] the template of the agreement, under [`NOTICE_TEXT_PREFIX`] and a kind that of a notice.
    #[serde(default, skip_serializing_if = "Sorted::is_empty")]
    pub texts: Sorted<Texts>,
    /// The IANA time zone by which a shell turns a moment into the business date.
    pub time_zone: String,
    /// The first business date on which the bundle decides.
    pub valid_from: Date,
    /// The last.
    pub valid_until: Date,
    /// How long an offer stands, in seconds.
    pub validity_seconds: u32,
    /// The version of this policy, for people: `2026.11`.
    pub version: String,
}

/// Who lends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Lender {
    /// The type of the lender, as caps name it; empty where no cap asks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The lender's name as the applicant reads it.
    pub name: String,
}

/// The model of the full part: one of a scorecard and trees, whose feature names are ids of the schema and whose reasons
/// are codes of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name in traces.
    pub id: String,
    /// Features that the model may read as zero where they are missing: it was fitted without missing values in them.
    /// One that is not named here and may be missing is an error.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_is_zero: Vec<String>,
    /// A points scorecard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<Scorecard>,
    /// Boosted trees with their scale in points and the baseline of their reasons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trees: Option<TreeModel>,
}

impl Model {
    /// Names and reasons of its features.
    pub fn features(&self) -> impl Iterator<Item = (&str, &str)> {
        let card = self.scorecard.iter().flat_map(|card| &card.features);
        let trees = self.trees.iter().flat_map(|trees| &trees.features);
        card.map(|feature| (feature.name.as_str(), feature.reason.as_str()))
            .chain(trees.map(|feature| (feature.name.as_str(), feature.reason.as_str())))
    }

    /// What a person is told the model is.
    #[must_use]
    pub fn label(&self) -> &str {
        let trees = self.trees.as_ref().map_or("", |trees| &trees.label);
        self.scorecard.as_ref().map_or(trees, |card| &card.label)
    }
}

/// A coarse model of the public part: a scorecard over form fields and one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct PublicModel {
    /// Its name in traces.
    pub id: String,
    /// A scorecard over features from the form.
    pub scorecard: Scorecard,
    /// From this many points on an application is likely to succeed. It is not a cut-off: nobody is declined by it.
    pub likely_from_points: i32,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct ReasonDefinition {
    /// Its code: `R01`.
    pub code: String,
    /// Whether the public part may carry it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub public: bool,
    /// What the applicant reads, specific and respectful.
    pub text: Texts,
}

/// Reason codes for what the engine itself finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The order is above the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<String>,
    /// No plan is left within the law at this price.
    pub no_plan: String,
}
