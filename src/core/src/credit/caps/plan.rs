//! Ceilings on the price of a plan, judged before it becomes a quote.

use core::fmt;

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use super::{DefaultCost, ratio::Ratio};
use crate::{
    calendar::{Date, days_between},
    credit::{
        Convention, CreditError, FeeLine, Installment, Rules, Schedule, TEXT_BYTES_MAX, Terms,
        accrual::checked_percent, apr_of_plan, schedule,
    },
    currency::Currency,
    decimal::Decimal,
    money::Amount,
};

/// Bands or reference rates of one cap, at most.
pub const CAP_ROWS_MAX: usize = 1_200;

/// What a cap limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The annual percentage rate by the cap's convention: 24 %, 36 %, the US Military Lending Act's MAPR.
    AnnualRate,
    /// All charges up to every due date, over principal outstanding times days: FCA CONC 5A.2.3 (0.8 % a day).
    DailyCost,
    /// All charges over what is lent, cost of default included: FCA CONC 5A.2.2 (100 %).
    TotalCost,
    /// The most that late fees can come to, over the price.
    LateFees,
    /// The rate of the penalty for being late, a year, beside contract interest where that goes on.
    DefaultRate,
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
    /// What it limits.
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
    /// The currency of every amount.
    pub currency: Currency,
    /// The day of the advance.
    pub start: Date,
    /// What the goods cost.
    pub price: Amount,
    /// What is lent.
    pub lent: Amount,
    /// Charges paid at once.
    pub upfront: Amount,
    /// The payments.
    pub installments: &'a [Installment],
    /// Fees by code, as far as they are part of the payments.
    pub fee_lines: &'a [FeeLine],
    /// What being late would cost; none where nothing is said of it.
    pub default_cost: Option<&'a DefaultCost>,
}

impl<'a> PlanFacts<'a> {
    /// The facts of a schedule, signed on its start, without charges at once.
    #[must_use]
    pub fn of(terms: &Terms, made: &'a Schedule, lender: &'a str) -> Self {
        Self {
            lender,
            signed: terms.start,
            currency: terms.currency,
            start: terms.start,
            price: terms.principal,
            lent: made.total_principal,
            upfront: Amount::ZERO,
            installments: &made.installments,
            fee_lines: &made.fee_lines,
            default_cost: None,
        }
    }
}

/// What a cap says of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// The highest price that would pass: per cent of rate or fee as the terms state it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest_price_percent: Option<String>,
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
    fn ceiling(&self, facts: &PlanFacts<'_>) -> Result<Option<Ratio>, CreditError> {
        if let Some(percent) = self.ceiling_percent {
            return Ok(Some(Ratio::of(percent)));
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
        match self.measure {
            Measure::AnnualRate => self.annual_rate(facts).map(Some),
            Measure::DailyCost => self.daily_cost(facts).map(Some),
            Measure::TotalCost => {
                let default = facts.default_cost.map_or(Ok(Amount::ZERO), |cost| cost.most())?;
                let charges = self.charges(facts)?.checked_add(default)?;
                Ratio::percent_of(charges, facts.lent).map(Some)
            }
            Measure::LateFees => {
                facts.default_cost.map(|cost| Ratio::percent_of(cost.late_fees_most, facts.price)).transpose()
            }
            Measure::DefaultRate => {
                facts.default_cost.map(|cost| cost.annual_percent(self.year_days)).transpose().map(Option::flatten)
            }
        }
    }

    /// Fees of an instalment that the law does not count.
    fn excluded(&self, facts: &PlanFacts<'_>, index: usize) -> Result<Amount, CreditError> {
        let lines = facts.fee_lines.iter().filter(|line| self.excludes.contains(&line.code));
        Ok(Amount::sum(lines.map(|line| line.amount(index, facts.installments.len())))?)
    }

    fn annual_rate(&self, facts: &PlanFacts<'_>) -> Result<Ratio, CreditError> {
        let convention = self.convention.ok_or(CreditError::MissingField("convention"))?;
        let rate = |installments: &[Installment]| {
            apr_of_plan(convention, facts.currency, facts.start, facts.lent, facts.upfront, installments)
        };
        let answer = if self.excludes.is_empty() {
            rate(facts.installments)?
        } else {
            let mut counted = facts.installments.to_vec();
            for (index, row) in counted.iter_mut().enumerate() {
                row.total = row.total.checked_sub(self.excluded(facts, index)?)?;
            }
            rate(&counted)?
        };
        // Six decimals of a percentage up to a million have 13 digits.
        let percent = Decimal::parse(&answer.apr_percent_exact).unwrap_or_default();
        Ok(if percent.is_negative() { Ratio::ZERO } else { Ratio::of(percent) })
    }

    /// Charges of an instalment that count.
    fn charge(&self, facts: &PlanFacts<'_>, index: usize) -> Result<Amount, CreditError> {
        let Some(row) = facts.installments.get(index) else { return Ok(Amount::ZERO) };
        Ok(row.total.checked_sub(row.principal)?.checked_sub(self.excluded(facts, index)?)?)
    }

    /// All charges that count.
    fn charges(&self, facts: &PlanFacts<'_>) -> Result<Amount, CreditError> {
        let mut charges = facts.upfront;
        for index in 0..facts.installments.len() {
            charges = charges.checked_add(self.charge(facts, index)?)?;
        }
        Ok(charges)
    }

    /// The highest cost a day up to any due date.
    fn daily_cost(&self, facts: &PlanFacts<'_>) -> Result<Ratio, CreditError> {
        let (mut highest, mut principal_days) = (Ratio::ZERO, 0_u128);
        let (mut from, mut balance, mut charges) = (facts.start, facts.lent, facts.upfront);
        for (index, row) in facts.installments.iter().enumerate() {
            let days = u128::try_from(days_between(from, row.due)).unwrap_or(0);
            principal_days += u128::from(balance.unsigned()) * days;
            (from, balance) = (row.due, balance.checked_sub(row.principal)?);
            charges = charges.checked_add(self.charge(facts, index)?)?;
            if principal_days > 0 {
                highest = highest.max(Ratio::new(u128::from(charges.unsigned()) * 100, principal_days));
            }
        }
        Ok(highest)
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
        let (Some(ceiling), Some(reached)) = (cap.ceiling(facts)?, cap.reached(facts)?) else { continue };
        // A cap on late fees may also name an amount.
        let above_amount = cap.measure == Measure::LateFees
            && cap.amount.is_some_and(|most| facts.default_cost.is_some_and(|cost| cost.late_fees_most > most));
        findings.push(Finding {
            cap: cap.id.clone(),
            measure: cap.measure,
            reached_percent: reached.text(if cap.measure == Measure::DailyCost { 4 } else { 2 }),
            ceiling_percent: ceiling.shortest(),
            passes: reached <= ceiling && !above_amount,
            highest_price_percent: None,
        });
    }
    Ok(findings)
}

/// Judges the plan of terms, and where it breaks a cap finds the highest price that would pass: the rate of
/// interest, or the fee of a `fee_installment`, in the steps of the fourth decimal.
///
/// # Errors
/// What [`schedule`] and [`judge_plan`] refuse.
pub fn judge_terms(
    caps: &[PlanCap],
    terms: &Terms,
    rules: Option<&Rules>,
    lender: &str,
) -> Result<Vec<Finding>, CreditError> {
    let judge = |terms: &Terms| -> Result<Vec<Finding>, CreditError> {
        let made = schedule(terms)?;
        let cost = rules.map(|rules| DefaultCost::of(terms, &made, rules)).transpose()?;
        judge_plan(caps, &PlanFacts { default_cost: cost.as_ref(), ..PlanFacts::of(terms, &made, lender) })
    };
    let mut findings = judge(terms)?;
    if findings.iter().all(|finding| finding.passes) {
        return Ok(findings);
    }
    let passes = |terms: &Terms| judge(terms).is_ok_and(|findings| findings.iter().all(|finding| finding.passes));
    let highest = highest_price(terms, passes).map(|price| price.to_string());
    for finding in &mut findings {
        finding.highest_price_percent.clone_from(&highest);
    }
    Ok(findings)
}

/// The highest price at which terms pass; none where even nothing does not, or the terms have no price.
fn highest_price(terms: &Terms, passes: impl Fn(&Terms) -> bool) -> Option<Decimal> {
    const PLACES: u8 = 4;
    let price = match (&terms.rate, terms.repayment.fee_percent, terms.repayment.fee_percent_per_period) {
        (_, Some(percent), _) | (_, None, Some(percent)) => percent,
        (Some(rate), None, None) => rate.percent,
        (None, None, None) => return None,
    };
    let at = |price: Decimal| {
        let mut changed = terms.clone();
        match (&mut changed.repayment.fee_percent, &mut changed.repayment.fee_percent_per_period) {
            (Some(percent), _) | (None, Some(percent)) => *percent = price,
            (None, None) => changed.rate.iter_mut().for_each(|rate| rate.percent = price),
        }
        changed
    };
    let step = |steps: i64| Decimal::new(steps, PLACES).ok();
    // INVARIANT: what lies below `low` passes, what lies from `high` on does not. A dearer plan reaches more.
    let (mut low, mut high) = (0, Ratio::of(price).steps(PLACES)?.checked_add(1)?);
    if !passes(&at(Decimal::ZERO)) {
        return None;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if passes(&at(step(middle)?)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    step(low)
}
