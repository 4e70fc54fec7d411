//! The rules of a loan's life: how money is applied, what being late costs, what paying early costs, what
//! a refund gives back. All of it is data; where a rule is left out nothing is charged.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use crate::{
    credit::{Rate, caps::ChargeCap},
    decimal::Decimal,
    money::Amount,
};

/// Orders of allocation that depend on days past due, at most.
pub const ALLOCATION_STAGES_MAX: usize = 8;
/// Tiers of a late fee, at most.
pub const LATE_FEE_TIERS_MAX: usize = 16;
/// Caps on charges, at most.
pub const CHARGE_CAPS_MAX: usize = 16;
/// Days of grace, at most.
pub const GRACE_DAYS_MAX: u16 = 366;
/// The largest multiple of the contract's rate that a penalty may be.
pub(crate) const MULTIPLE_MAX: u32 = 1_000;

/// When an instalment falls due, seen from the day of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timing {
    /// Before that day.
    PastDue,
    /// On that day.
    Due,
    /// After that day.
    InAdvance,
}

/// A part of a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Penalties and late fees.
    Penalty,
    /// Fees.
    Fee,
    /// Contract interest.
    Interest,
    /// Principal.
    Principal,
}

/// A place in the order of allocation; in JSON `past_due.interest` and the like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// When it falls due.
    pub timing: Timing,
    /// Which part it is.
    pub part: Part,
}

pub(crate) const TIMINGS: [Timing; 3] = [Timing::PastDue, Timing::Due, Timing::InAdvance];
pub(crate) const PARTS: [Part; 4] = [Part::Penalty, Part::Fee, Part::Interest, Part::Principal];

/// Whether money fills bucket after bucket or instalment after instalment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Bucket by bucket: all past-due interest before any past-due principal.
    #[default]
    Vertical,
    /// Instalment by instalment, the oldest first.
    Horizontal,
}

/// Where money goes that is left after what is past due and due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// To the next instalments, one after another.
    #[default]
    NextInstallment,
    /// To interest accrued, then to principal from the end of the term.
    LastInstallment,
    /// To interest accrued, then to principal; the instalments left become lower.
    Reamortise,
    /// Kept until the next due date and applied then.
    Unapplied,
}

/// How a payment is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "an allocation as an object")]
pub struct AllocationRule {
    /// The twelve buckets, each once, those in advance at the end.
    #[serde(default = "default_order")]
    pub order: Vec<Bucket>,
    /// Bucket by bucket or instalment by instalment.
    #[serde(default)]
    pub direction: Direction,
    /// Where the rest goes.
    #[serde(default)]
    pub rest: Rest,
    /// Other orders from so many days past due on, by rising days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

/// An order of allocation for loans that are late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a stage as an object")]
pub struct Stage {
    /// From so many days past due of the oldest unpaid instalment.
    pub days: u16,
    /// The twelve buckets.
    pub order: Vec<Bucket>,
}

/// Past due, due, in advance; within each penalty, fee, interest, principal.
pub(crate) fn default_order() -> Vec<Bucket> {
    TIMINGS.into_iter().flat_map(|timing| PARTS.into_iter().map(move |part| Bucket { timing, part })).collect()
}

impl Default for AllocationRule {
    fn default() -> Self {
        Self { order: default_order(), direction: Direction::default(), rest: Rest::default(), stages: Vec::new() }
    }
}

impl AllocationRule {
    /// The order for a loan so many days past due.
    pub(crate) fn order_at(&self, days_past_due: u32) -> &[Bucket] {
        let reached = self.stages.iter().rev().find(|stage| u32::from(stage.days) <= days_past_due);
        reached.map_or(&self.order, |stage| &stage.order)
    }
}

/// What a penalty is charged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyBase {
    /// Principal past due.
    OverduePrincipal,
    /// Principal, interest and fees past due.
    OverdueAmount,
    /// All principal outstanding, as long as anything is past due.
    AllPrincipal,
}

/// Whether a penalty comes beside contract interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyMode {
    /// Beside it.
    InAddition,
    /// In its place: the principal on which the penalty runs bears no contract interest.
    InPlace,
}

/// What happens to the days of grace of someone who is later still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Grace {
    /// They stay free.
    #[default]
    Free,
    /// They are charged after all.
    Retroactive,
}

/// Interest on what is late, for actual days (a 30-day count is taken as actual/360).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields, expecting = "a penalty as an object")]
pub struct Penalty {
    /// Its own rate; exclusive of `multiple`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// A multiple of the contract's rate, to six digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiple: Option<Decimal>,
    /// Beside interest or in its place.
    pub mode: PenaltyMode,
    /// What it is charged on.
    pub base: PenaltyBase,
    /// Whether unpaid penalty joins the base on every due date.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub compounding: bool,
    /// Whether the law allows that; without it `compounding` is refused.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub law_allows_compounding: bool,
    /// Days after the due date in which being late costs nothing.
    #[serde(default)]
    pub grace_days: u16,
    /// Whether they stay free.
    #[serde(default)]
    pub grace: Grace,
    /// The rate is at most so many per cent a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling_annual_percent: Option<Decimal>,
    /// All penalties of the loan are at most so many per cent of what was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling_percent_of_principal: Option<Decimal>,
}

/// How often a late fee is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum LateFeePer {
    /// Each tier once for every instalment that is late.
    #[default]
    Installment,
    /// Each tier once in the life of the loan.
    Loan,
}

/// A fee once an instalment is more than so many days late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields, expecting = "a tier as an object")]
pub struct LateFeeTier {
    /// Charged when days past due are more than this.
    #[serde(default)]
    pub after_days: u16,
    /// In minor units; exclusive of `percent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// In per cent of the instalment's unpaid principal, interest and fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Decimal>,
}

/// Fixed charges for being late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields, expecting = "a late fee as an object")]
pub struct LateFee {
    /// What is charged, by rising days.
    pub tiers: Vec<LateFeeTier>,
    /// How often.
    #[serde(default)]
    pub per: LateFeePer,
    /// All late fees are at most so many per cent of what was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_percent: Option<Decimal>,
    /// All late fees are at most this, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_amount: Option<Amount>,
}

/// What becomes of the instalments after principal was paid before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// They stay as high and end earlier.
    #[default]
    ShortenTerm,
    /// They stay as many and become lower.
    LowerInstallment,
}

/// What becomes of fees not yet due when a loan is settled early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum CostReduction {
    /// They are owed in full.
    #[default]
    None,
    /// Those of instalments not yet due are not owed.
    NotYetDue,
    /// All fees are reduced by days left over days of the term (Directive (EU) 2023/2225, article 29, as a
    /// straight line); what was paid beyond is credited.
    Linear,
}

/// What the law lets a prepayment cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a ceiling as an object")]
pub struct PrepaymentCeiling {
    /// Per cent of the principal prepaid, with more than a year to the end.
    pub percent: Decimal,
    /// Per cent of the principal prepaid, with a year or less to the end.
    pub percent_within_year: Decimal,
    /// Never more than the interest that it saves.
    #[serde(default)]
    pub not_above_interest: bool,
    /// No fee as long as the prepayments of twelve months do not exceed this.
    #[serde(default)]
    pub free_in_12_months: Amount,
}

/// What paying before time costs and does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a prepayment rule as an object")]
pub struct PrepaymentRule {
    /// Per cent of the principal prepaid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_percent: Option<Decimal>,
    /// The law's ceiling; it overrides the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<PrepaymentCeiling>,
    /// What becomes of the instalments.
    #[serde(default)]
    pub effect: Effect,
    /// What becomes of fees when nothing is left to repay.
    #[serde(default)]
    pub cost_reduction: CostReduction,
}

/// Which instalments a merchant's refund reduces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum RefundOrder {
    /// The last first.
    #[default]
    LastFirst,
    /// The first first.
    FirstFirst,
    /// All in proportion to what they still ask.
    ProRata,
}

/// What a merchant's refund gives back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a refund rule as an object")]
pub struct RefundRule {
    /// Which instalments it reduces.
    #[serde(default)]
    pub order: RefundOrder,
    /// Whether the interest that the refunded principal has borne since the start is given back.
    #[serde(default)]
    pub interest_refunded: bool,
    /// Whether fees are given back in the proportion of the refund to what was lent.
    #[serde(default)]
    pub fees_refunded: bool,
}

/// All rules of a loan's life. The default charges nothing and applies money by the default order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "the rules of a loan as an object")]
pub struct Rules {
    /// How a payment is applied.
    #[serde(default)]
    pub allocation: AllocationRule,
    /// Interest on what is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub penalty: Option<Penalty>,
    /// Fixed charges for being late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_fee: Option<LateFee>,
    /// What paying before time costs and does.
    #[serde(default)]
    pub prepayment: PrepaymentRule,
    /// What a merchant's refund gives back.
    #[serde(default)]
    pub refund: RefundRule,
    /// Days from the start within which the contract can be withdrawn from; none where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal_days: Option<u16>,
    /// Legal ceilings under which every charge is judged when it would be posted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<ChargeCap>,
}

/// The rules that say what being late costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LateRules<'a> {
    /// Interest on what is late.
    pub penalty: Option<&'a Penalty>,
    /// Fixed charges for being late.
    pub late_fee: Option<&'a LateFee>,
}

impl LateRules<'_> {
    /// Whether being late costs nothing.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        self.penalty.is_none() && self.late_fee.is_none()
    }
}

impl Rules {
    /// What being late costs.
    #[must_use]
    pub const fn late(&self) -> LateRules<'_> {
        LateRules { penalty: self.penalty.as_ref(), late_fee: self.late_fee.as_ref() }
    }
}
