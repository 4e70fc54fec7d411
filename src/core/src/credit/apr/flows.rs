//! Cash flows as they are given, and put in the order of time.

use crate::order::sort_short;
use prequal_derive::Read;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

use super::{Annual, Convention, Timed, regz, solve::Growth, solve::TimedFlow, timing};
use crate::{
    calendar::{CalendarError, Date, MonthEnd, Period, period::Series},
    credit::{CASH_FLOWS_MAX, CreditError, Installment, whole::Whole},
    currency::Currency,
    json::Wrong,
    money::Amount,
};

/// The input of `prequal apr`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "cash flows as an object")]
pub struct AprInput {
    /// How time is counted and the rate expressed.
    pub convention: Convention,
    /// Regulation Z's unit-period; found by Appendix J's rules where absent. For no other convention.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_period: Option<UnitPeriod>,
    /// Forces the length of the year, for `eu_aprc` and `uk`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub year_basis: Option<YearBasis>,
    /// The currency of every amount.
    pub currency: Currency,
    /// What the borrower receives.
    pub advances: Vec<Flow>,
    /// What the borrower pays.
    pub payments: Vec<Flow>,
}

/// A flow, or a series of equal flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// When the first takes place.
    pub when: When,
    /// Each in minor units.
    pub amount: Amount,
    /// How many, at least 1.
    pub count: u16,
    /// The step between them, counted from the first with `clamp`.
    pub every: Option<Period>,
}

/// When a flow takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On a day.
    Date(Date),
    /// So many years (a fraction) after the first advance.
    Years {
        /// Of the fraction.
        numerator: u32,
        /// Of the fraction, at least 1.
        denominator: u32,
    },
}

/// Regulation Z's unit-period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitPeriod {
    /// A standard interval of time, up to a year.
    Period(Period),
    /// The term itself, for one advance and one payment.
    Term,
}

/// A forced length of the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
pub enum YearBasis {
    /// Whole months over 12, days left over 365.
    #[serde(rename = "months/12")]
    Months,
    /// Days over 7 and 52.
    #[serde(rename = "weeks/52")]
    Weeks,
    /// Days over 365.
    #[serde(rename = "actual/365")]
    Actual365,
    /// Days over 365.25.
    #[serde(rename = "actual/365.25")]
    Actual36525,
}

/// The largest numerator and denominator of `years`.
const YEARS_PART_MAX: u32 = 1_000_000;

impl When {
    fn parse_years(text: &str) -> Option<Self> {
        let number = |digits: &str| -> Option<u32> {
            let plain = !digits.is_empty() && digits.len() <= 7 && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten().filter(|number| *number <= YEARS_PART_MAX)
        };
        if let Some((numerator, denominator)) = text.split_once('/') {
            let (numerator, denominator) = (number(numerator)?, number(denominator)?);
            return (denominator > 0).then_some(Self::Years { numerator, denominator });
        }
        let decimal = crate::decimal::Decimal::parse(text).ok()?;
        let denominator = u32::try_from(decimal.denominator()).ok().filter(|number| *number <= YEARS_PART_MAX)?;
        let numerator = u32::try_from(decimal.mantissa()).ok()?;
        // A whole number of years keeps its limit, a decimal has its six places.
        (numerator / denominator <= YEARS_PART_MAX).then_some(Self::Years { numerator, denominator })
    }
}

#[derive(Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a cash flow as an object")]
struct FlowForm {
    date: Option<Date>,
    years: Option<String>,
    amount: Amount,
    count: Option<Whole>,
    every: Option<Period>,
}

impl Flow {
    fn from_form(form: FlowForm, wrong: &mut Wrong) -> Self {
        let mut when = When::Years { numerator: 0, denominator: 1 };
        match (form.date, form.years) {
            (Some(date), None) => when = When::Date(date),
            (None, Some(years)) => match When::parse_years(&years) {
                Some(years) => when = years,
                None => {
                    let shown: String = years.chars().take(24).collect();
                    wrong.note(format_args!(
                        "`years` is `{shown}`, it must be a number such as \"1\", \"0.5\" or \"546/365\" of parts \
                         up to {YEARS_PART_MAX}"
                    ));
                }
            },
            (Some(_), Some(_)) => wrong.note(format_args!("`date` and `years` exclude each other")),
            (None, None) => wrong.note(format_args!("missing field `date` or `years`")),
        }
        let given = form.count.map_or(1, |count| count.0);
        let count = u16::try_from(given).unwrap_or(0);
        if count == 0 || usize::from(count) > CASH_FLOWS_MAX {
            wrong.note(format_args!("`count` is {given}, it must be 1 to {CASH_FLOWS_MAX}"));
        }
        if count > 1 && form.every.is_none() {
            wrong.missing("every");
        }
        if form.every.is_some() && matches!(when, When::Years { .. }) {
            wrong.note(format_args!("`years` and `every` exclude each other"));
        }
        Self { when, amount: form.amount, count, every: form.every }
    }
}

crate::json::json_form!(Flow, FlowForm);

impl Serialize for Flow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = 2 + usize::from(self.count != 1) + usize::from(self.every.is_some());
        let mut form = serializer.serialize_struct("flow", length)?;
        match self.when {
            When::Date(date) => form.serialize_field("date", &date)?,
            When::Years { numerator, denominator } => {
                form.serialize_field("years", &format_args!("{numerator}/{denominator}"))?;
            }
        }
        form.serialize_field("amount", &self.amount)?;
        if self.count != 1 {
            form.serialize_field("count", &self.count)?;
        }
        if let Some(every) = &self.every {
            form.serialize_field("every", every)?;
        }
        form.end()
    }
}

impl UnitPeriod {
    fn parse(text: &str) -> Result<Self, CalendarError> {
        if text == "term" { Ok(Self::Term) } else { Period::parse(text).map(Self::Period) }
    }
}

impl<'de> Deserialize<'de> for UnitPeriod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = UnitPeriod;
            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a period such as \"P1M\", or \"term\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<UnitPeriod, E> {
                UnitPeriod::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl Serialize for UnitPeriod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Term => serializer.serialize_str("term"),
            Self::Period(period) => period.serialize(serializer),
        }
    }
}

/// A dated flow; payments are positive, advances negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dated {
    pub date: Date,
    pub value: i64,
}

/// What the rules of time want to know beyond the flows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub unit_period: Option<UnitPeriod>,
    pub year_basis: Option<YearBasis>,
    /// The step between payments where it is said: dates alone can be read in more than one way.
    pub every: Option<Period>,
}

/// Times of the flows of an input.
pub(super) fn timed(input: &AprInput) -> Result<Timed, CreditError> {
    check_fields(input)?;
    let by_years = |flow: &Flow| matches!(flow.when, When::Years { .. });
    let mut all = input.advances.iter().chain(&input.payments);
    if all.any(by_years) {
        return timing::by_years(input);
    }
    let mut flows = Vec::new();
    expand(&input.advances, -1, &mut flows)?;
    let start = flows.iter().map(|flow| flow.date).min().ok_or(CreditError::MissingField("advances"))?;
    expand(&input.payments, 1, &mut flows)?;
    if let Some(early) = flows.iter().find(|flow| flow.date < start) {
        return Err(CreditError::PaymentBeforeAdvance(early.date));
    }
    sort_short(&mut flows, |a, b| a.date < b.date);
    let request = Request {
        unit_period: input.unit_period,
        year_basis: input.year_basis,
        // Of several series the longest speaks for the transaction.
        every: input
            .payments
            .iter()
            .filter(|flow| flow.count > 1)
            .max_by_key(|flow| flow.count)
            .and_then(|flow| flow.every),
    };
    by_dates(input.convention, start, &flows, request)
}

/// Times of the flows of a plan.
pub(super) fn timed_plan(
    convention: Convention,
    every: Option<Period>,
    start: Date,
    advance: Amount,
    upfront_paid: Amount,
    installments: &[Installment],
) -> Result<Timed, CreditError> {
    if installments.is_empty() {
        return Err(CreditError::MissingField("installments"));
    }
    if installments.len() > CASH_FLOWS_MAX {
        return Err(CreditError::TooMany { what: "cash flows", max: CASH_FLOWS_MAX });
    }
    let mut flows = Vec::with_capacity(installments.len() + 2);
    flows.push(Dated { date: start, value: -advance.minor() });
    if !upfront_paid.is_zero() {
        flows.push(Dated { date: start, value: upfront_paid.minor() });
    }
    let mut last = start;
    for installment in installments {
        if installment.due < last {
            return Err(CreditError::DueDatesOutOfOrder(installment.due));
        }
        last = installment.due;
        flows.push(Dated { date: installment.due, value: installment.total.minor() });
    }
    // Months that the terms name are months, also where the dates could be weeks. One payment has the term for its unit.
    let every = every.filter(|every| matches!(every, Period::Months(_)) && installments.len() > 1);
    let unit_period = every.filter(|_| convention == Convention::UsRegZ).map(UnitPeriod::Period);
    by_dates(convention, start, &flows, Request { unit_period, year_basis: None, every })
}

fn check_fields(input: &AprInput) -> Result<(), CreditError> {
    if input.advances.is_empty() {
        return Err(CreditError::MissingField("advances"));
    }
    if input.payments.is_empty() {
        return Err(CreditError::MissingField("payments"));
    }
    if input.unit_period.is_some() && input.convention != Convention::UsRegZ {
        return Err(CreditError::NotApplicable { field: "unit_period", why: "only `us_reg_z` has it" });
    }
    if input.year_basis.is_some() && !matches!(input.convention, Convention::EuAprc | Convention::Uk) {
        return Err(CreditError::NotApplicable { field: "year_basis", why: "only `eu_aprc` and `uk` have it" });
    }
    let count: usize = input.advances.iter().chain(&input.payments).map(|flow| usize::from(flow.count)).sum();
    if count > CASH_FLOWS_MAX {
        return Err(CreditError::TooMany { what: "cash flows", max: CASH_FLOWS_MAX });
    }
    Ok(())
}

fn expand(given: &[Flow], sign: i64, flows: &mut Vec<Dated>) -> Result<(), CreditError> {
    for flow in given {
        let When::Date(first) = flow.when else { continue };
        let step = flow.every.unwrap_or(Period::Days(1));
        let mut series = Series::new(first, step, MonthEnd::Clamp);
        for _ in 0..flow.count {
            flows.push(Dated { date: series.next_date()?, value: sign * flow.amount.minor() });
        }
    }
    Ok(())
}

fn by_dates(convention: Convention, start: Date, flows: &[Dated], request: Request) -> Result<Timed, CreditError> {
    match convention {
        Convention::UsRegZ => regz::timed(start, flows, request),
        _ => timing::by_dates(convention, start, flows, request),
    }
}

/// Adds a flow, or adds to the last one where that is at the same time.
pub(super) fn push(flows: &mut Vec<TimedFlow>, flow: TimedFlow) {
    match flows.last_mut() {
        Some(last) if last.whole == flow.whole && last.fraction == flow.fraction => last.value += flow.value,
        _ => flows.push(flow),
    }
}

/// Puts flows together with how they grow.
pub(super) const fn timed_of(flows: Vec<TimedFlow>, growth: Growth, annual: Annual) -> Timed {
    Timed { flows, growth, annual }
}

crate::json::read_text!(UnitPeriod, "a period such as \"P1M\", or \"term\"", Self::parse, Self::Term);
