//! Ceilings on the price of a plan, judged before it becomes a quote.

use core::fmt;

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{DefaultCost, default::Year, ratio::Ratio};
use crate::{
    calendar::{Date, Period, days_between},
    credit::{
        AprAnswer, Convention, CreditError, FeeLine, Installment, Schedule, TEXT_BYTES_MAX, Terms,
        accrual::checked_percent, apr_of_plan,
    },
    decimal::Decimal,
    money::Amount,
};

/// Bands or reference rates of one cap, at most.
pub const CAP_ROWS_MAX: usize = 1_200;

/// What a cap limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The annual percentage rate by the cap's convention: 24 %, 36 %, the US Military Lending Act's MAPR.
    #[default]
    AnnualRate,
    /// All charges up to every due date, over principal outstanding times days: FCA CONC 5A.2.3 (0.8 % a day). What a
    /// day of being late costs must keep it too; fees for being late have a cap of their own (5A.2.4).
    DailyCost,
    /// All charges over what is lent, cost of default included: FCA CONC 5A.2.2 (100 %). A penalty that only time
    /// limits keeps no such cap.
    TotalCost,
    /// The most that late fees can come to, over the price.
    LateFees,
    /// The rate of the penalty for being late, a year, beside contract interest where that goes on; one that compounds
    /// counts with what it adds to itself.
    DefaultRate,
}

impl Measure {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnnualRate => "annual_rate",
            Self::DailyCost => "daily_cost",
            Self::TotalCost => "total_cost",
            Self::LateFees => "late_fees",
            Self::DefaultRate => "default_rate",
        }
    }

    /// What the rate that was reached is called in traces.
    #[must_use]
    pub const fn reached_name(self) -> &'static str {
        match self {
            Self::AnnualRate => "apr_percent",
            Self::DailyCost => "daily_cost_percent",
            Self::TotalCost => "total_cost_percent",
            Self::LateFees => "late_fees_percent",
            Self::DefaultRate => "default_rate_percent",
        }
    }
}

/// A published rate from a day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a reference rate as an object")]
pub struct ReferenceRate {
    /// The first day on which it holds.
    pub from: Date,
    /// Per cent a year.
    pub percent: Decimal,
}

/// A ceiling for loans up to an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a band as an object")]
pub struct Band {
    /// Up to this much lent; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_max: Option<Amount>,
    /// The ceiling, in per cent.
    pub ceiling_percent: Decimal,
}

/// A legal ceiling as data. Exactly one of `ceiling_percent`, `multiple` with `reference`, and `bands`
/// says how high it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a cap as an object")]
pub struct PlanCap {
    /// Its name in answers.
    pub id: String,
    /// The statute or rule, for readers.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub basis: String,
    /// The first day on which it holds.
    pub from: Date,
    /// The last day; open where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// Types of lender that it binds; every one where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lenders: Vec<String>,
    /// What it limits; the annual rate where absent.
    #[serde(default, skip_serializing_if = "is_annual_rate")]
    pub measure: Measure,
    /// How an annual rate is found; for `annual_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub convention: Option<Convention>,
    /// Codes of fees that the law does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
    /// Days of the year by which a daily penalty becomes an annual one; 365 where absent.
    #[serde(default = "days_of_year", skip_serializing_if = "is_365")]
    pub year_days: u16,
    /// The ceiling, in per cent; equal to it is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling_percent: Option<Decimal>,
    /// So many times the reference rate of the day of signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multiple: Option<Decimal>,
    /// Published rates by rising dates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<ReferenceRate>,
    /// Ceilings by what is lent, the smallest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<Band>,
    /// Late fees are also at most this, in minor units; for `late_fees`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

const fn days_of_year() -> u16 {
    365
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_annual_rate(measure: &Measure) -> bool {
    matches!(measure, Measure::AnnualRate)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_365(days: &u16) -> bool {
    *days == 365
}

/// A plan as it would be signed.
#[derive(Clone, Copy, Debug)]
pub struct PlanFacts<'a> {
    /// The type of the lender, as caps name it.
    pub lender: &'a str,
    /// The day of signature.
    pub signed: Date,
    /// The day of the advance.
    pub start: Date,
    /// What the goods cost.
    pub price: Amount,
    /// What is lent.
    pub lent: Amount,
    /// Charges paid at once.
    pub upfront: Amount,
    /// The step between the payments, where the terms name one.
    pub every: Option<Period>,
    /// The payments.
    pub installments: &'a [Installment],
    /// Fees by code, as far as they are part of the payments.
    pub fee_lines: &'a [FeeLine],
    /// What being late would cost; none where nothing is said of it.
    pub default_cost: Option<&'a DefaultCost>,
    /// The annual rate with all charges, where one has been found already: it is not solved for again.
    pub disclosed: Option<(Convention, &'a AprAnswer)>,
}

impl<'a> PlanFacts<'a> {
    /// The facts of a schedule, signed on its start, without charges at once.
    #[must_use]
    pub fn of(terms: &Terms, made: &'a Schedule, lender: &'a str) -> Self {
        Self {
            lender,
            signed: terms.start,
            start: terms.start,
            price: terms.principal,
            lent: made.total_principal,
            upfront: Amount::ZERO,
            every: terms.repayment.every,
            installments: &made.installments,
            fee_lines: &made.fee_lines,
            default_cost: None,
            disclosed: None,
        }
    }
}

/// What a cap says of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Canonical)]
pub struct Finding {
    /// The cap.
    pub cap: String,
    /// What it limits.
    pub measure: Measure,
    /// What the plan reached, in per cent.
    pub reached_percent: String,
    /// The ceiling, in per cent.
    pub ceiling_percent: String,
    /// Whether the plan keeps it.
    pub passes: bool,
    /// Why it is broken, where what was reached does not say so: [`NO_CEILING`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The highest price that would pass: per cent of rate or fee as the terms state it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest_price_percent: Option<String>,
}

/// Why a penalty that only time limits breaks a cap on the total cost. What was reached is then without that penalty.
pub const NO_CEILING: &str = "the cost of default has no ceiling; sign a `ceiling_percent_of_principal` of the penalty";

/// What a plan reached, and the ceiling.
#[derive(Clone, Copy)]
struct Compared {
    reached: Ratio,
    ceiling: Ratio,
    /// Whether only time limits what it counts.
    unbounded: bool,
}

impl Compared {
    fn passes(&self) -> bool {
        !self.unbounded && self.reached <= self.ceiling
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.measure {
            Measure::AnnualRate => "annual rate",
            Measure::DailyCost => "cost a day",
            Measure::TotalCost => "total cost",
            Measure::LateFees => "late fees",
            Measure::DefaultRate => "annual rate in default",
        };
        let verb = if self.passes { "is within" } else { "exceeds" };
        let Self { cap, reached_percent, ceiling_percent, .. } = self;
        if let Some(reason) = &self.reason {
            return write!(f, "{what} breaks the ceiling of {ceiling_percent} % of `{cap}`: {reason}");
        }
        write!(f, "{what} of {reached_percent} % {verb} the ceiling of {ceiling_percent} % of `{cap}`")?;
        match &self.highest_price_percent {
            Some(highest) if !self.passes => write!(f, "; at most a price of {highest} % would pass"),
            _ => Ok(()),
        }
    }
}

impl PlanCap {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Fields that are missing, exclude each other or are out of range.
    pub fn check(&self) -> Result<(), CreditError> {
        if self.id.is_empty() || self.id.len() > TEXT_BYTES_MAX {
            return Err(CreditError::BadText("id"));
        }
        if self.reference.len() > CAP_ROWS_MAX || self.bands.len() > CAP_ROWS_MAX {
            return Err(CreditError::TooMany { what: "rows of a cap", max: CAP_ROWS_MAX });
        }
        match (self.ceiling_percent, self.multiple, self.bands.is_empty()) {
            (Some(percent), None, true) => drop(checked_percent("ceiling_percent", percent)?),
            (None, Some(multiple), true) => {
                checked_percent("multiple", multiple)?;
                if self.reference.is_empty() {
                    return Err(CreditError::MissingField("reference"));
                }
            }
            (None, None, false) => {}
            (None, None, true) => return Err(CreditError::MissingField("ceiling_percent")),
            _ => return Err(CreditError::Conflict("ceiling_percent", "multiple")),
        }
        if !self.reference.is_sorted_by(|one, next| one.from < next.from) {
            return Err(CreditError::NotApplicable { field: "reference", why: "its dates must rise" });
        }
        if (self.measure == Measure::AnnualRate) != self.convention.is_some() {
            return Err(CreditError::MissingField("convention"));
        }
        if self.amount.is_some() && (self.measure != Measure::LateFees || self.ceiling_percent.is_none()) {
            return Err(CreditError::NotApplicable {
                field: "amount",
                why: "it goes with `ceiling_percent` of a cap on `late_fees`",
            });
        }
        if self.until.is_some_and(|until| until < self.from) {
            return Err(CreditError::NotApplicable { field: "until", why: "it lies before `from`" });
        }
        if !(360..=366).contains(&self.year_days) {
            return Err(CreditError::NotApplicable { field: "year_days", why: "a year has 360 to 366 days" });
        }
        Ok(())
    }

    /// Whether the cap binds a lender on a day.
    #[must_use]
    pub fn binds(&self, lender: &str, date: Date) -> bool {
        self.from <= date
            && self.until.is_none_or(|until| date <= until)
            && (self.lenders.is_empty() || self.lenders.iter().any(|one| one == lender))
    }

    /// The ceiling for a plan; none where no band takes it or no reference rate holds yet.
    pub(crate) fn ceiling(&self, facts: &PlanFacts<'_>) -> Result<Option<Ratio>, CreditError> {
        if let Some(percent) = self.ceiling_percent {
            let ceiling = Ratio::of(percent);
            // A cap on late fees may also name an amount: the lesser of both binds.
            return match self.amount {
                Some(most) => Ratio::percent_of(most, facts.price).map(|share| Some(share.min(ceiling))),
                None => Ok(Some(ceiling)),
            };
        }
        if let Some(multiple) = self.multiple {
            let rate = self.reference.iter().rev().find(|rate| rate.from <= facts.signed);
            return rate.map(|rate| Ratio::of(rate.percent).times(Ratio::of(multiple))).transpose();
        }
        let band = self.bands.iter().find(|band| band.amount_max.is_none_or(|max| facts.lent <= max));
        Ok(band.map(|band| Ratio::of(band.ceiling_percent)))
    }

    /// What the plan reaches; none where the cap has nothing to judge.
    fn reached(&self, facts: &PlanFacts<'_>) -> Result<Option<Ratio>, CreditError> {
        let late = facts.default_cost;
        let in_default = |year| late.map_or(Ok(None), |late| late.a_year(year, facts.installments));
        Ok(match self.measure {
            Measure::AnnualRate => Some(self.annual_rate(facts)?),
            Measure::DailyCost => {
                let year = Year::Lived;
                let late = in_default(year)?.unwrap_or(Ratio::ZERO);
                Some(self.daily_cost(facts).max(late.times(Ratio::new(1, u128::from(year.days())))?))
            }
            Measure::TotalCost => {
                let default = late.map_or(Ok(None), DefaultCost::most)?.unwrap_or_default();
                let charges = (0..facts.installments.len()).map(|index| self.charge(facts, index)).sum::<u128>()
                    + u128::from(facts.upfront.unsigned())
                    + u128::from(default.unsigned());
                Some(Ratio::new(charges * 100, u128::from(facts.lent.unsigned()).max(1)))
            }
            Measure::LateFees => match late {
                Some(late) => Some(Ratio::percent_of(late.quoted.late_fees_most, facts.price)?),
                None => None,
            },
            Measure::DefaultRate => in_default(Year::Stated(self.year_days))?,
        })
    }

    /// What the plan reaches and the ceiling; none where the cap has nothing to judge.
    fn compare(&self, facts: &PlanFacts<'_>) -> Result<Option<Compared>, CreditError> {
        let Some(ceiling) = self.ceiling(facts)? else { return Ok(None) };
        let without_end = || facts.default_cost.is_some_and(|late| late.quoted.penalty_most.is_none());
        let unbounded = self.measure == Measure::TotalCost && without_end();
        Ok(self.reached(facts)?.map(|reached| Compared { reached, ceiling, unbounded }))
    }

    fn finding(&self, compared: Compared) -> Finding {
        let Compared { reached, ceiling, unbounded } = compared;
        let places = if self.measure == Measure::DailyCost { 4 } else { 2 };
        Finding {
            cap: self.id.clone(),
            measure: self.measure,
            // What exceeds a ceiling is shown with as many decimals as say so.
            reached_percent: reached.text(if reached > ceiling {
                reached.places_above(ceiling, places)
            } else {
                places
            }),
            ceiling_percent: ceiling.shortest(),
            passes: compared.passes(),
            reason: unbounded.then(|| NO_CEILING.to_owned()),
            highest_price_percent: None,
        }
    }

    /// Fees of an instalment that the law does not count.
    fn excluded(&self, facts: &PlanFacts<'_>, index: usize) -> u128 {
        let lines = facts.fee_lines.iter().filter(|line| self.excludes.contains(&line.code));
        lines.map(|line| u128::from(line.amount(index, facts.installments.len()).unsigned())).sum()
    }

    /// All fees that the law does not count.
    pub(crate) fn excluded_in_all(&self, facts: &PlanFacts<'_>) -> Result<Amount, CreditError> {
        let excluded = (0..facts.installments.len()).map(|index| self.excluded(facts, index)).sum::<u128>();
        Ok(Amount::try_from(excluded)?)
    }

    fn annual_rate(&self, facts: &PlanFacts<'_>) -> Result<Ratio, CreditError> {
        let convention = self.convention.ok_or(CreditError::MissingField("convention"))?;
        let disclosed = facts.disclosed.filter(|(disclosed, _)| *disclosed == convention && self.excludes.is_empty());
        let found;
        let exact = if let Some((_, answer)) = disclosed {
            &answer.apr_percent_exact
        } else {
            let mut counted = facts.installments.to_vec();
            for (index, row) in counted.iter_mut().enumerate().filter(|_| !self.excludes.is_empty()) {
                let total = u128::from(row.total.unsigned()).saturating_sub(self.excluded(facts, index));
                row.total = Amount::try_from(total)?;
            }
            found = apr_of_plan(convention, facts.every, facts.start, facts.lent, facts.upfront, &counted)?;
            &found.apr_percent_exact
        };
        // Six decimals of a percentage up to a million have 13 digits.
        let percent = Decimal::parse(exact).unwrap_or_default();
        Ok(if percent.is_negative() { Ratio::ZERO } else { Ratio::of(percent) })
    }

    /// Charges of an instalment that count.
    fn charge(&self, facts: &PlanFacts<'_>, index: usize) -> u128 {
        let charges = facts.installments.get(index).map_or(0, |row| row.total.saturating_sub(row.principal).unsigned());
        u128::from(charges).saturating_sub(self.excluded(facts, index))
    }

    /// The highest cost a day up to any due date.
    fn daily_cost(&self, facts: &PlanFacts<'_>) -> Ratio {
        let (mut highest, mut principal_days) = (Ratio::ZERO, 0_u128);
        let (mut from, mut balance) = (facts.start, facts.lent);
        let mut charges = u128::from(facts.upfront.unsigned());
        for (index, row) in facts.installments.iter().enumerate() {
            let days = u128::try_from(days_between(from, row.due)).unwrap_or(0);
            principal_days += u128::from(balance.unsigned()) * days;
            (from, balance) = (row.due, balance.saturating_sub(row.principal));
            charges += self.charge(facts, index);
            if principal_days > 0 {
                highest = highest.max(Ratio::new(charges * 100, principal_days));
            }
        }
        highest
    }
}

/// What every cap that binds the lender on the day of signature says of a plan.
///
/// # Errors
/// Caps that are wrong; what the rate solver refuses.
pub fn judge_plan(caps: &[PlanCap], facts: &PlanFacts<'_>) -> Result<Vec<Finding>, CreditError> {
    let mut findings = Vec::new();
    for cap in caps.iter().filter(|cap| cap.binds(facts.lender, facts.signed)) {
        cap.check()?;
        findings.extend(cap.compare(facts)?.map(|compared| cap.finding(compared)));
    }
    Ok(findings)
}

/// The first cap that binds the lender on the day of signature and that a plan breaks. The caps have been checked.
///
/// # Errors
/// What the rate solver refuses.
pub fn broken_cap(caps: &[PlanCap], facts: &PlanFacts<'_>) -> Result<Option<Finding>, CreditError> {
    for cap in caps.iter().filter(|cap| cap.binds(facts.lender, facts.signed)) {
        if let Some(compared) = cap.compare(facts)?.filter(|compared| !compared.passes()) {
            return Ok(Some(cap.finding(compared)));
        }
    }
    Ok(None)
}
