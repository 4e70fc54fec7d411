//! The terms of a loan: everything a schedule needs, as the lender's data say it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use crate::{
    calendar::{Date, DayCount, MonthEnd, Period},
    credit::whole::Whole,
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

/// The terms of a loan; the input of `prequal schedule`.
///
/// Every convention is a field: nothing is guessed from currency or country. [`crate::credit::schedule`]
/// checks what the types cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
}

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
        }
    }
}

/// How principal is paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// The first.
    First,
    /// The last.
    #[default]
    Last,
}

/// When the fee of a `fee_installment` falls due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeTiming {
    /// In equal shares with every instalment.
    #[default]
    Spread,
    /// Whole with the first instalment.
    First,
}

/// Whether contract interest goes on after the last due date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// How much a further charge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeSize {
    /// In minor units.
    Amount(Amount),
    /// In per cent of the principal, rounded once.
    Percent(Decimal),
}

/// When a further charge falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeWhen {
    /// Whole with the first instalment.
    First,
    /// Whole with every instalment.
    Each,
    /// In equal shares over the instalments.
    Spread,
}

// What follows reads the JSON forms. Fields that exclude each other are read side by side and
// joined, so that the message can name them both.

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a rate as an object")]
struct RateForm {
    annual_percent: Option<Decimal>,
    daily_percent: Option<Decimal>,
    day_count: Option<DayCount>,
    minimum_days: Option<Whole>,
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = RateForm::deserialize(deserializer)?;
        let (percent, daily) = match (form.annual_percent, form.daily_percent) {
            (Some(percent), None) => (percent, false),
            (None, Some(percent)) => (percent, true),
            (Some(_), Some(_)) => {
                return Err(de::Error::custom("`annual_percent` and `daily_percent` exclude each other"));
            }
            (None, None) => return Err(de::Error::custom("missing field `annual_percent` or `daily_percent`")),
        };
        if !daily && form.day_count.is_none() {
            return Err(de::Error::missing_field("day_count"));
        }
        let minimum_days = form.minimum_days.map_or(0, |days| days.0);
        let minimum_days =
            u16::try_from(minimum_days).ok().filter(|days| *days <= MINIMUM_DAYS_MAX).ok_or_else(|| {
                de::Error::custom(format_args!(
                    "`minimum_days` is {minimum_days}, it must be at most {MINIMUM_DAYS_MAX}"
                ))
            })?;
        Ok(Self { percent, daily, day_count: form.day_count, minimum_days })
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = 1 + usize::from(self.day_count.is_some()) + usize::from(self.minimum_days > 0);
        let mut form = serializer.serialize_struct("rate", length)?;
        form.serialize_field(if self.daily { "daily_percent" } else { "annual_percent" }, &self.percent)?;
        if let Some(day_count) = &self.day_count {
            form.serialize_field("day_count", day_count)?;
        }
        if self.minimum_days > 0 {
            form.serialize_field("minimum_days", &self.minimum_days)?;
        }
        form.end()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a fee as an object")]
struct FeeForm {
    code: String,
    payee: String,
    amount: Option<Amount>,
    percent: Option<Decimal>,
    when: FeeWhen,
}

impl<'de> Deserialize<'de> for Fee {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = FeeForm::deserialize(deserializer)?;
        let size = match (form.amount, form.percent) {
            (Some(amount), None) => FeeSize::Amount(amount),
            (None, Some(percent)) => FeeSize::Percent(percent),
            (Some(_), Some(_)) => return Err(de::Error::custom("`amount` and `percent` exclude each other")),
            (None, None) => return Err(de::Error::custom("missing field `amount` or `percent`")),
        };
        Ok(Self { code: form.code, payee: form.payee, size, when: form.when })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a repayment as an object")]
struct RepaymentForm {
    method: Method,
    count: Option<Whole>,
    every: Option<Period>,
    first_due: Option<Date>,
    month_end: Option<MonthEnd>,
    due_dates: Option<Vec<Date>>,
    fee_percent: Option<Decimal>,
    fee_percent_per_period: Option<Decimal>,
    fee_timing: Option<FeeTiming>,
    // These two belong to the terms; they are also understood here, next to what they divide.
    remainder: Option<Remainder>,
    fees: Option<Vec<Fee>>,
}

/// A repayment, and what of the terms stood in it.
struct RepaymentField {
    repayment: Repayment,
    remainder: Option<Remainder>,
    fees: Option<Vec<Fee>>,
}

impl<'de> Deserialize<'de> for RepaymentField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = RepaymentForm::deserialize(deserializer)?;
        let count = match (&form.count, &form.due_dates) {
            (Some(count), _) => count.0,
            (None, Some(dates)) => dates.len() as u64,
            (None, None) if form.method == Method::Single => 1,
            (None, None) => return Err(de::Error::missing_field("count")),
        };
        let repayment = Repayment {
            method: form.method,
            count: super::checked_count(count).map_err(de::Error::custom)?,
            every: form.every,
            first_due: form.first_due,
            month_end: form.month_end,
            due_dates: form.due_dates,
            fee_percent: form.fee_percent,
            fee_percent_per_period: form.fee_percent_per_period,
            fee_timing: form.fee_timing,
        };
        Ok(Self { repayment, remainder: form.remainder, fees: form.fees })
    }
}

/// One of two places for the same field.
fn either<T, E: de::Error>(field: &str, one: Option<T>, other: Option<T>) -> Result<Option<T>, E> {
    match (one, other) {
        (Some(_), Some(_)) => Err(E::custom(format_args!("`{field}` is given twice"))),
        (one, other) => Ok(one.or(other)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "the terms of a loan as an object")]
struct TermsForm {
    currency: Currency,
    principal: Amount,
    start: Date,
    rate: Option<Rate>,
    repayment: RepaymentField,
    #[serde(default)]
    rounding: Rounding,
    level_rounding: Option<Rounding>,
    remainder: Option<Remainder>,
    #[serde(default)]
    adjust_installment: bool,
    fees: Option<Vec<Fee>>,
    after_maturity: Option<AfterMaturity>,
}

impl<'de> Deserialize<'de> for Terms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = TermsForm::deserialize(deserializer)?;
        let remainder = either("remainder", form.remainder, form.repayment.remainder)?;
        let fees = either("fees", form.fees, form.repayment.fees)?;
        Ok(Self {
            currency: form.currency,
            principal: form.principal,
            start: form.start,
            rate: form.rate,
            repayment: form.repayment.repayment,
            rounding: form.rounding,
            level_rounding: form.level_rounding,
            remainder,
            adjust_installment: form.adjust_installment,
            fees: fees.unwrap_or_default(),
            after_maturity: form.after_maturity,
        })
    }
}
