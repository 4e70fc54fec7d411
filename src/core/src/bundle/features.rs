//! The feature schema: what a decision may be made from.

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use super::payload::Texts;
use crate::evidence::Assurance;

/// One feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct FeatureDefinition {
    /// The weakest assurance that counts in full. Below it, and always below `third_party`, a value is *weak*: it may
    /// lower, never raise. Meaningful for evidence; a form field is always declared.
    #[serde(default = "trusted", skip_serializing_if = "is_trusted")]
    pub assurance: Assurance,
    /// What a counterfactual may change about it, in the words of [`super::change::Change`]; empty: nothing. Text, so that
    /// it costs no browser a byte that never asks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub change: String,
    /// The categories of a feature of type `category`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Where the value comes from.
    pub from: Source,
    /// Its name, unique in the schema; a model's feature of this name takes its value.
    pub id: String,
    /// What the applicant reads where it is asked for.
    #[serde(default, skip_serializing_if = "Texts::is_empty")]
    pub label: Texts,
    /// The largest number that makes sense; above it a value is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// The smallest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// Whether a decision waits for it while nobody has asked.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub needed: bool,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: FeatureKind,
    /// The unit, for readers: `years`, `months`, `minor units`, `permille`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What it may lawfully be used for; a table or model of another use is refused. Empty: for nothing.
    pub uses: Vec<Use>,
}

fn trusted() -> Assurance {
    Assurance::TRUSTED
}

fn is_trusted(assurance: &Assurance) -> bool {
    *assurance == Assurance::TRUSTED
}

/// What a feature's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// A whole number.
    Integer,
    /// An amount in minor units.
    Money,
    /// One of a list of names.
    Category,
    /// `no` or `yes`, in this order.
    Boolean,
}

/// What a feature may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Eligibility tables.
    Eligibility,
    /// The scorecard and the outcome table.
    Score,
    /// The limit table.
    Limit,
    /// The price table.
    Price,
}

impl Use {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Score => "score",
            Self::Limit => "limit",
            Self::Price => "price",
        }
    }
}

/// Where a feature's value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// `{"evidence":"credit_history"}`: an item of evidence.
    Evidence(String),
    /// `{"field":"housing"}`: a form field of type `choice`, `money` or `consent`; always declared.
    Field(String),
    /// `{"age_years":"date_of_birth"}`: completed years at the business date, from a form field of type `date` or
    /// `resident_id`; a
    /// person born on 29 February completes a year on 1 March of a common year. Declared.
    AgeYears(String),
    /// `{"instalment_to_income_permille":"monthly_income"}`: ⌊1000 × price ÷ (months × income)⌋, where months are
    /// those of the longest plan for the price and income is the named `money` feature a month. Without income it is above
    /// every bound. As weak as the income.
    InstalmentToIncomePermille(String),
    /// One of the values the engine itself knows.
    Engine(Engine),
}

/// What the engine itself knows. Never weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// The price in minor units.
    OrderAmount,
    /// The price in whole currency units, rounded down.
    OrderAmountUnits,
    /// The number of months of the longest plan whose span of amounts holds the price; 0 where none does.
    LongestPlanMonths,
    /// Evidence that is present, in permille of the evidence features of the schema.
    CoveragePermille,
    /// The scorecard's points; known after scoring.
    ScorePoints,
    /// The band of the outcome table; known after it. Its categories are that table's bands.
    ScoreBand,
    /// The plan that is priced; known in the price table. Its categories are the product's plans.
    Plan,
}
