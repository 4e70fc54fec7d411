//! The JSON forms of terms.
//!
//! Fields that exclude each other are read side by side and then joined, so that the message can name both.

use prequal_derive::Read;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use super::{
    AfterMaturity, COUNT_MAX, Fee, FeeSize, FeeTiming, FeeWhen, Method, Rate, Remainder, Repayment, Terms,
    terms::{INTEREST_FREE_DAYS_MAX, MINIMUM_DAYS_MAX},
    whole::Whole,
};
use crate::{
    calendar::{Billing, BusinessDays, Date, DayCount, MonthEnd, Period},
    canonical::{Canonical, Text},
    currency::Currency,
    decimal::Decimal,
    json::Wrong,
    money::Amount,
    rounding::Rounding,
};

/// A whole number within its limit, zero where absent.
fn bounded(field: &str, given: Option<Whole>, max: u16, wrong: &mut Wrong) -> u16 {
    let number = given.map_or(0, |number| number.0);
    u16::try_from(number).ok().filter(|number| *number <= max).unwrap_or_else(|| {
        wrong.note(format_args!("`{field}` is {number}, it must be at most {max}"));
        0
    })
}

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a rate as an object")]
struct RateForm {
    annual_percent: Option<Decimal>,
    daily_percent: Option<Decimal>,
    day_count: Option<DayCount>,
    minimum_days: Option<Whole>,
}

impl Rate {
    fn from_form(form: RateForm, wrong: &mut Wrong) -> Self {
        let (percent, daily) = match (form.annual_percent, form.daily_percent) {
            (Some(_), Some(_)) => {
                wrong.note(format_args!("`annual_percent` and `daily_percent` exclude each other"));
                (Decimal::default(), false)
            }
            (Some(percent), None) => (percent, false),
            (None, Some(percent)) => (percent, true),
            (None, None) => {
                wrong.note(format_args!("missing field `annual_percent` or `daily_percent`"));
                (Decimal::default(), false)
            }
        };
        if !daily && form.day_count.is_none() {
            wrong.missing("day_count");
        }
        let minimum_days = bounded("minimum_days", form.minimum_days, MINIMUM_DAYS_MAX, wrong);
        Self { percent, daily, day_count: form.day_count, minimum_days }
    }
}

crate::json::json_form!(Rate, RateForm);

impl Canonical for Rate {
    fn write_to(&self, text: &mut Text) {
        text.open();
        text.key(if self.daily { "\"daily_percent\":" } else { "\"annual_percent\":" });
        self.percent.write_to(text);
        if let Some(day_count) = self.day_count {
            text.key("\"day_count\":");
            day_count.write_to(text);
        }
        if self.minimum_days > 0 {
            text.key("\"minimum_days\":");
            self.minimum_days.write_to(text);
        }
        text.close();
    }
}

impl Canonical for Fee {
    fn write_to(&self, text: &mut Text) {
        text.open();
        if let FeeSize::Amount(amount) = self.size {
            text.key("\"amount\":");
            amount.write_to(text);
        }
        text.key("\"code\":");
        text.string(&self.code);
        text.key("\"payee\":");
        text.string(&self.payee);
        if let FeeSize::Percent(percent) = self.size {
            text.key("\"percent\":");
            percent.write_to(text);
        }
        text.key("\"when\":");
        self.when.write_to(text);
        text.close();
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

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "an object with `amount` or `percent`")]
struct FeeSizeForm {
    amount: Option<Amount>,
    percent: Option<Decimal>,
}

impl FeeSize {
    fn from_form(form: FeeSizeForm, wrong: &mut Wrong) -> Self {
        match (form.amount, form.percent) {
            (Some(amount), None) => Self::Amount(amount),
            (None, Some(percent)) => Self::Percent(percent),
            (both, _) => {
                wrong.note(if both.is_some() {
                    format_args!("`amount` and `percent` exclude each other")
                } else {
                    format_args!("missing field `amount` or `percent`")
                });
                Self::Amount(Amount::ZERO)
            }
        }
    }
}

crate::json::json_form!(FeeSize, FeeSizeForm);

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a fee as an object")]
struct FeeForm {
    code: String,
    payee: String,
    amount: Option<Amount>,
    percent: Option<Decimal>,
    when: FeeWhen,
}

impl Fee {
    fn from_form(form: FeeForm, wrong: &mut Wrong) -> Self {
        let size = FeeSize::from_form(FeeSizeForm { amount: form.amount, percent: form.percent }, wrong);
        Self { code: form.code, payee: form.payee, size, when: form.when }
    }
}

crate::json::json_form!(Fee, FeeForm);

#[derive(Deserialize, Read)]
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
    balloon: Option<FeeSize>,
    principal_holiday: Option<Whole>,
    down_payment: Option<FeeSize>,
    interest_free_days: Option<Whole>,
    billing: Option<Billing>,
    business_days: Option<BusinessDays>,
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

impl RepaymentField {
    fn from_form(form: RepaymentForm, wrong: &mut Wrong) -> Self {
        let count = match (&form.count, &form.due_dates) {
            (Some(count), _) => count.0,
            (None, Some(dates)) => dates.len() as u64,
            (None, None) => {
                if form.method != Method::Single {
                    wrong.missing("count");
                }
                1
            }
        };
        let count = super::checked_count(count).unwrap_or_else(|error| {
            wrong.note(format_args!("{error}"));
            1
        });
        let repayment = Repayment {
            method: form.method,
            count,
            every: form.every,
            first_due: form.first_due,
            month_end: form.month_end,
            due_dates: form.due_dates,
            fee_percent: form.fee_percent,
            fee_percent_per_period: form.fee_percent_per_period,
            fee_timing: form.fee_timing,
            balloon: form.balloon,
            principal_holiday: bounded("principal_holiday", form.principal_holiday, COUNT_MAX, wrong),
            down_payment: form.down_payment,
            interest_free_days: bounded("interest_free_days", form.interest_free_days, INTEREST_FREE_DAYS_MAX, wrong),
            billing: form.billing,
            business_days: form.business_days,
        };
        Self { repayment, remainder: form.remainder, fees: form.fees }
    }
}

crate::json::json_form!(RepaymentField, RepaymentForm);

/// A repayment that stands alone, as in a bundle's plan: what belongs to the terms is refused.
impl Repayment {
    fn from_form(field: RepaymentField, wrong: &mut Wrong) -> Self {
        if field.remainder.is_some() || field.fees.is_some() {
            wrong.note(format_args!("`remainder` and `fees` stand beside the repayment, not in it"));
        }
        field.repayment
    }
}

crate::json::json_form!(Repayment, RepaymentField);

/// One of two places for the same field.
fn either<T>(field: &str, one: Option<T>, other: Option<T>, wrong: &mut Wrong) -> Option<T> {
    if one.is_some() && other.is_some() {
        wrong.note(format_args!("`{field}` is given twice"));
    }
    one.or(other)
}

#[derive(Deserialize, Read)]
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

impl Terms {
    fn from_form(form: TermsForm, wrong: &mut Wrong) -> Self {
        let remainder = either("remainder", form.remainder, form.repayment.remainder, wrong);
        let fees = either("fees", form.fees, form.repayment.fees, wrong);
        Self {
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
        }
    }
}

crate::json::json_form!(Terms, TermsForm);
