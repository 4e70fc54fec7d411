//! What all caps together say of a contract, and the highest price at which it would pass.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{CostOfDefault, DefaultCost, Finding, PlanCap, PlanFacts, judge_plan, ratio::Ratio};
use crate::{
    credit::{CreditError, LateFee, LateRules, Penalty, Rules, TEXT_BYTES_MAX, Terms, schedule},
    decimal::Decimal,
    money::Amount,
};

/// Caps on plans in one list, at most.
pub const CAPS_MAX: usize = 64;

/// A contract and the caps to judge it by; the input of `prequal caps`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Read)]
#[serde(deny_unknown_fields, expecting = "a question of caps as an object")]
pub struct CapsInput {
    /// The terms as they would be signed; their start is the day of signature.
    pub terms: Terms,
    /// The law's ceilings.
    pub caps: Vec<PlanCap>,
    /// Interest on what is late, as `prequal payoff` takes it.
    #[serde(default)]
    pub penalty: Option<Penalty>,
    /// Fixed charges for being late.
    #[serde(default)]
    pub late_fee: Option<LateFee>,
    /// The type of the lender, as caps name it.
    #[serde(default)]
    pub lender: String,
    /// Charges paid at once, in minor units.
    #[serde(default)]
    pub upfront: Amount,
}

/// What the caps say; the output of `prequal caps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Canonical)]
pub struct CapsVerdict {
    /// Whether every cap that binds is kept.
    pub passes: bool,
    /// What each cap says that binds this lender on this day.
    pub findings: Vec<Finding>,
    /// What being late would cost.
    pub cost_of_default: CostOfDefault,
}

/// Judges a contract by caps before it is signed.
///
/// # Errors
/// More caps than [`CAPS_MAX`]; what [`schedule`], [`judge_plan`] and the rules refuse.
pub fn judge_caps(input: &CapsInput) -> Result<CapsVerdict, CreditError> {
    if input.caps.len() > CAPS_MAX {
        return Err(CreditError::TooMany { what: "caps", max: CAPS_MAX });
    }
    if input.lender.len() > TEXT_BYTES_MAX {
        return Err(CreditError::BadText("lender"));
    }
    input.caps.iter().try_for_each(PlanCap::check)?;
    let late = LateRules { penalty: input.penalty.as_ref(), late_fee: input.late_fee.as_ref() };
    let question = Question { upfront: input.upfront, ..Question::new(&input.caps, late, &input.lender) };
    let findings = question.findings(&input.terms)?;
    let made = schedule(&input.terms)?;
    Ok(CapsVerdict {
        passes: findings.iter().all(|finding| finding.passes),
        findings,
        cost_of_default: DefaultCost::of(&input.terms, &made, late)?.quoted,
    })
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
    Question::new(caps, rules.map(Rules::late).unwrap_or_default(), lender).findings(terms)
}

/// The highest price at which terms keep every cap, as [`judge_terms`] names it; none where the price is not what
/// breaks them, or the terms have no price. `goods` is what is bought, where terms without a down payment do not say.
#[must_use]
pub fn highest_price(
    caps: &[PlanCap],
    terms: &Terms,
    late: LateRules<'_>,
    lender: &str,
    goods: Amount,
) -> Option<Decimal> {
    Question { goods: Some(goods), ..Question::new(caps, late, lender) }.highest_price(terms)
}

/// All but the terms.
struct Question<'a> {
    caps: &'a [PlanCap],
    late: LateRules<'a>,
    lender: &'a str,
    upfront: Amount,
    /// The price of what is bought, where it is not the principal of the terms.
    goods: Option<Amount>,
}

impl<'a> Question<'a> {
    const fn new(caps: &'a [PlanCap], late: LateRules<'a>, lender: &'a str) -> Self {
        Self { caps, late, lender, upfront: Amount::ZERO, goods: None }
    }

    fn judge(&self, terms: &Terms) -> Result<Vec<Finding>, CreditError> {
        let made = schedule(terms)?;
        let cost = (!self.late.is_free()).then(|| DefaultCost::of(terms, &made, self.late)).transpose()?;
        let facts = PlanFacts { default_cost: cost.as_ref(), ..PlanFacts::of(terms, &made, self.lender) };
        let price = self.goods.unwrap_or(facts.price);
        judge_plan(self.caps, &PlanFacts { price, upfront: self.upfront, ..facts })
    }

    fn findings(&self, terms: &Terms) -> Result<Vec<Finding>, CreditError> {
        let mut findings = self.judge(terms)?;
        if findings.iter().all(|finding| finding.passes) {
            return Ok(findings);
        }
        // No price mends a penalty without a ceiling.
        let no_price = findings.iter().any(|finding| finding.reason.is_some());
        let highest = self.highest_price(terms).filter(|_| !no_price).map(|price| price.to_string());
        for finding in &mut findings {
            finding.highest_price_percent.clone_from(&highest);
        }
        Ok(findings)
    }

    fn passes(&self, terms: &Terms) -> bool {
        self.judge(terms).is_ok_and(|findings| findings.iter().all(|finding| finding.passes))
    }

    fn highest_price(&self, terms: &Terms) -> Option<Decimal> {
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
        if !self.passes(&at(Decimal::ZERO)) {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.passes(&at(step(middle)?)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        step(low)
    }
}
