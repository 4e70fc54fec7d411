//! The terms of a loan: everything a schedule needs, as the lender's data say it.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::{Billing, BusinessDays, Date, DayCount, MonthEnd, Period},
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

/// The terms of a loan; the input of `prequal schedule`.
///
/// Every convention is a field: nothing is guessed from currency or country. [`crate::credit::schedule`]
/// checks what the types cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Canonical)]
pub struct Terms {
    /// The currency of every amount.
    pub currency: Currency,
    /// What is lent, in minor units, at least 1.
    pub principal: Amount,
    /// The day from which interest runs.
    pub start: Date,
    /// The rate of interest; absent for `free` and `fee_installment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Method and dates of repayment.
    pub repayment: Repayment,
    /// Rounding of interest and fees.
    pub rounding: Rounding,
    /// Rounding of the level instalment; `rounding` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level_rounding: Option<Rounding>,
    /// Which instalment takes what equal shares leave over; `last` where absent. Only for methods
    /// of equal shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remainder: Option<Remainder>,
    /// Whether the level is moved once so that the last instalment differs less.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub adjust_installment: bool,
    /// Further charges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
    /// Whether interest goes on after the last due date; `stop` where absent. Used by `payoff`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_maturity: Option<AfterMaturity>,
}

/// Days that a rate's `minimum_days` may be, at most.
pub const MINIMUM_DAYS_MAX: u16 = 366;

/// A rate of interest. In JSON `annual_percent` or `daily_percent` holds the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Per cent a year or a day.
    pub percent: Decimal,
    /// Whether `percent` is per day.
    pub daily: bool,
    /// How days are counted. A daily rate without it counts actual days.
    pub day_count: Option<DayCount>,
    /// A period that has begun counts at least so many days.
    pub minimum_days: u16,
}

impl Rate {
    /// A rate per year.
    #[must_use]
    pub const fn annual(percent: Decimal, day_count: DayCount) -> Self {
        Self { percent, daily: false, day_count: Some(day_count), minimum_days: 0 }
    }

    /// A rate per day, for actual days.
    #[must_use]
    pub const fn daily(percent: Decimal) -> Self {
        Self { percent, daily: true, day_count: None, minimum_days: 0 }
    }
}

/// Method and dates of repayment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Canonical)]
pub struct Repayment {
    /// How principal is paid back.
    pub method: Method,
    /// Instalments, 1 … 600.
    pub count: u16,
    /// The step between due dates; absent where `due_dates` are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// The first due date, from which the others are counted; where absent they are counted from the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_due: Option<Date>,
    /// What happens where a month lacks the day; `clamp` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month_end: Option<MonthEnd>,
    /// The due dates themselves, in place of `every`, `first_due` and `month_end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_dates: Option<Vec<Date>>,
    /// Total fee of a `fee_installment` in per cent of the principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_percent: Option<Decimal>,
    /// Fee of a `fee_installment` in per cent of the principal for each instalment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_percent_per_period: Option<Decimal>,
    /// When the fee of a `fee_installment` falls due; `spread` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee_timing: Option<FeeTiming>,
    /// Principal kept for the last instalment; the others repay the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balloon: Option<FeeSize>,
    /// First instalments of interest and fees alone, fewer than `count`.
    #[serde(skip_serializing_if = "is_zero")]
    pub principal_holiday: u16,
    /// Paid at once: `principal` is then the price, and what is lent is the rest of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub down_payment: Option<FeeSize>,
    /// Days from the start that bear no interest.
    #[serde(skip_serializing_if = "is_zero")]
    pub interest_free_days: u16,
    /// A billing day and a due day, in place of `every`, `first_due` and `month_end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
    /// Which days are business days, and where due dates on others go. Interest runs to the day on which it
    /// is due; a regular period of a 30-day count stays regular.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_days: Option<BusinessDays>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// Days without interest, at most.
pub const INTEREST_FREE_DAYS_MAX: u16 = 3_660;

impl Repayment {
    /// `count` instalments, one every `every`, the first one step after the start.
    #[must_use]
    pub const fn regular(method: Method, count: u16, every: Period) -> Self {
        Self {
            method,
            count,
            every: Some(every),
            first_due: None,
            month_end: None,
            due_dates: None,
            fee_percent: None,
            fee_percent_per_period: None,
            fee_timing: None,
            balloon: None,
            principal_holiday: 0,
            down_payment: None,
            interest_free_days: 0,
            billing: None,
            business_days: None,
        }
    }
}

/// How principal is paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Level instalments of principal and interest (等额本息).
    EqualInstallment,
    /// Equal shares of principal, interest on what is left (等额本金).
    EqualPrincipal,
    /// Interest at each due date, the principal with the last (先息后本).
    InterestOnly,
    /// Principal and interest in one payment.
    Single,
    /// Equal shares of principal and a fee on the original principal.
    FeeInstallment,
    /// Equal shares of principal at no cost.
    Free,
}

impl Method {
    /// Whether principal is paid in equal shares, so that a remainder is left over.
    #[must_use]
    pub const fn has_shares(self) -> bool {
        matches!(self, Self::EqualPrincipal | Self::FeeInstallment | Self::Free)
    }
}

/// Which instalment takes what equal shares leave over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
}

/// When the fee of a `fee_installment` falls due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum FeeTiming {
    /// In equal shares with every instalment.
    #[default]
    Spread,
    /// Whole with the first instalment.
    First,
}

/// Whether contract interest goes on after the last due date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum AfterMaturity {
    /// It stops.
    #[default]
    Stop,
    /// It goes on at the contract's rate.
    Accrue,
}

/// A further charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fee {
    /// What the charge is called.
    pub code: String,
    /// Who receives it.
    pub payee: String,
    /// How much: exactly one of `amount` and `percent` of the principal.
    #[serde(flatten)]
    pub size: FeeSize,
    /// When it falls due.
    pub when: FeeWhen,
}

/// An amount, or a share of the principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum FeeSize {
    /// In minor units.
    Amount(Amount),
    /// In per cent of the principal, rounded once.
    Percent(Decimal),
}

/// When a further charge falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum FeeWhen {
    /// Whole with the first instalment.
    First,
    /// Whole with every instalment.
    Each,
    /// In equal shares over the instalments.
    Spread,
}
