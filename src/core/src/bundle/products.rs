//! What is lent, how it is repaid, and what the law allows it to cost.

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use super::payload::Texts;
use crate::{
    calendar::DayCount,
    credit::{Convention, Fee, LateFee, LateRules, Penalty, Repayment},
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

/// The product: its conventions, and one plan for each way of repaying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Whether the level instalment is moved once so that the last differs less.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub adjust_installment: bool,
    /// The most that is lent, in minor units.
    pub amount_max: Amount,
    /// The least.
    pub amount_min: Amount,
    /// The convention of the disclosed annual percentage rate: `us_reg_z`, `cn_irr`, ….
    pub convention: Convention,
    /// Its name.
    pub id: String,
    /// What the applicant reads.
    pub label: Texts,
    /// Rounding of the level instalment; `rounding` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_rounding: Option<Rounding>,
    /// Ways of repaying, in the order in which they are offered.
    pub plans: Vec<Plan>,
    /// What a rate in the price table means.
    pub rate: RateBasis,
    /// Rounding of interest and fees.
    pub rounding: Rounding,
    /// Interest on what is late; none is charged where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Penalty>,
    /// Fixed charges for being late; none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_fee: Option<LateFee>,
}

impl Product {
    /// What being late costs.
    #[must_use]
    pub const fn late(&self) -> LateRules<'_> {
        LateRules { penalty: self.penalty.as_ref(), late_fee: self.late_fee.as_ref() }
    }
}

/// What a rate in the price table means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct RateBasis {
    /// How days are counted; a daily rate without it counts actual days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_count: Option<DayCount>,
    /// Whether the rate is per day; else per year.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub daily: bool,
    /// A period that has begun counts at least so many days.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub minimum_days: u16,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(days: &u16) -> bool {
    *days == 0
}

/// One way of repaying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Up to this price; the product's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_max: Option<Amount>,
    /// From this price on; the product's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_min: Option<Amount>,
    /// Charges beside interest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// Its name.
    pub id: String,
    /// What the applicant reads.
    pub label: Texts,
    /// Method, count and step; no dates, they follow from the day of the loan.
    pub repayment: Repayment,
}

/// The price at which quotes and estimates are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Representative {
    /// The dearest rate of the price table, in percent, a year or a day as the product says.
    pub rate_percent: Decimal,
}
