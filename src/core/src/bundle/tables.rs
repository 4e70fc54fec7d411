//! Decision tables as they stand in a bundle.

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use crate::{decimal::Decimal, money::Amount, policy::HitPolicy};

/// A decision table: conditions on features, one row a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct TableDefinition {
    /// Features of the columns, by id.
    pub columns: Vec<String>,
    /// Which matching rows count.
    pub hit: HitPolicy,
    /// Its name in traces.
    pub id: String,
    /// Whether the public part carries it; only for eligibility tables over the form and the order.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub public: bool,
    /// Rules in order.
    pub rows: Vec<RowDefinition>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct RowDefinition {
    /// What follows.
    pub then: Then,
    /// One cell a column, in the notation of [`crate::policy::Cell`]; amounts in minor units.
    pub when: Vec<String>,
}

/// What follows from a row. Which entries a table needs depends on what it is for:
/// eligibility `outcome` and, unless it passes, `reason`; outcome table `band`, `outcome`, and perhaps `reason`;
/// limit table `limit`; price table `rate_percent`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// The name of a score band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// The most that may be lent, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amount>,
    /// Pass (eligible), refer or decline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Verdict>,
    /// The contract rate in percent, a year or a day as the product says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_percent: Option<Decimal>,
    /// A code of the reason catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a rule says of an application, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing stands against it.
    Pass,
    /// A person must look at it.
    Refer,
    /// No.
    Decline,
}

impl Verdict {
    /// The name used in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Refer => "refer",
            Self::Decline => "decline",
        }
    }
}
