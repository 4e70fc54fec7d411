//! From a plan and a rate to an offer to the cent, or to the cap that it breaks.

use super::DecideError;
use crate::{
    bundle::{
        Bundle,
        products::{Plan, Product},
    },
    calendar::Date,
    canonical,
    credit::{
        Method, Rate, Terms, apr_of_plan,
        caps::{DefaultCost, Finding, PlanFacts, bind_late_charges, broken_cap, highest_price},
        schedule,
    },
    decimal::Decimal,
    money::Amount,
    wire::{AprDisclosure, Offer},
};

/// The days of the year by which a daily rate is shown as an annual one.
const DAYS_PER_YEAR: i64 = 365;

/// What came of quoting one plan.
#[derive(Debug)]
pub(super) enum Quoted {
    /// An offer, and its canonical text without the hash.
    Offer(Box<Offer>, Vec<u8>),
    /// The price is outside the plan's span of amounts.
    OtherAmount,
    /// The plan would cost more than the law allows: the cap, what was reached, and the highest price that would pass.
    AboveCap(Finding),
}

impl Quoted {
    /// The trace line.
    pub(super) fn line(&self, plan: &str) -> String {
        match self {
            Self::Offer(..) => format!("plan {plan} offered"),
            Self::OtherAmount => format!("plan {plan} not for this amount"),
            Self::AboveCap(finding) => {
                let Finding { cap, measure, reached_percent, ceiling_percent, highest_price_percent, .. } = finding;
                let highest = highest_price_percent.as_deref().unwrap_or("none");
                let reached = if finding.reason.is_some() { "unbounded" } else { reached_percent };
                format!(
                    "plan {plan} dropped cap={cap} {}={reached} ceiling_percent={ceiling_percent} \
                     highest_price_percent={highest}",
                    measure.reached_name()
                )
            }
        }
    }
}

impl Plan {
    /// Whether the plan is for a price.
    pub(crate) fn takes(&self, product: &Product, price: Amount) -> bool {
        let min = self.amount_min.map_or(product.amount_min, |min| min.max(product.amount_min));
        let max = self.amount_max.map_or(product.amount_max, |max| max.min(product.amount_max));
        (min..=max).contains(&price)
    }
}

/// Quotes one plan at a rate: schedule, annual percentage rate, caps.
pub(super) fn quote_plan(
    bundle: &Bundle,
    plan: &Plan,
    price: Amount,
    today: Date,
    rate_percent: Decimal,
) -> Result<Quoted, DecideError> {
    let payload = bundle.payload();
    let product = &payload.product;
    if !plan.takes(product, price) {
        return Ok(Quoted::OtherAmount);
    }
    let (terms, down_payment) = terms(bundle, plan, price, today, rate_percent).without_down_payment()?;
    let schedule = schedule(&terms)?;
    let lent = schedule.total_principal;
    let apr =
        apr_of_plan(product.convention, terms.repayment.every, today, lent, Amount::ZERO, &schedule.installments)?;
    let rules = product.late();
    let late = (!rules.is_free()).then(|| DefaultCost::of(&terms, &schedule, rules)).transpose()?;
    let lender = &payload.lender.kind;
    let facts = PlanFacts {
        price,
        default_cost: late.as_ref(),
        disclosed: Some((product.convention, &apr)),
        ..PlanFacts::of(&terms, &schedule, lender)
    };
    if let Some(mut finding) = broken_cap(&payload.caps, &facts)? {
        // No price mends a penalty without a ceiling.
        let highest = match finding.reason {
            None => highest_price(&payload.caps, &terms, rules, lender, price),
            Some(_) => None,
        };
        finding.highest_price_percent = highest.map(|percent| percent.to_string());
        return Ok(Quoted::AboveCap(finding));
    }
    // The law that judged the plan goes with the contract, where there may be charges that it has yet to judge.
    let mut penalty = product.penalty.clone();
    let charge_caps =
        if rules.is_free() { Vec::new() } else { bind_late_charges(&mut penalty, &payload.caps, &terms, &facts)? };
    let rate = if terms.rate.is_none() { Decimal::ZERO } else { rate_percent };
    let first_due = schedule.installments.first().map_or(today, |first| first.due);
    let last_due = schedule.installments.last().map_or(today, |last| last.due);
    let mut offer = Offer {
        apr: AprDisclosure {
            apr_percent: apr.apr_percent,
            apr_percent_exact: apr.apr_percent_exact,
            convention: product.convention,
            effective_percent: apr.effective_percent,
        },
        count: terms.repayment.count,
        currency: payload.currency,
        charge_caps,
        cost_of_default: late.map(|late| late.quoted),
        down_payment,
        first_due,
        installments: schedule.installments,
        last_due,
        late_fee: product.late_fee.clone(),
        penalty,
        plan: plan.id.clone(),
        price,
        principal: lent,
        product: product.id.clone(),
        rate_annual_percent: annual(product, rate).to_string(),
        terms,
        terms_hash: String::new(),
        total: schedule.total,
        total_fee: schedule.total_fee,
        total_interest: schedule.total_interest,
    };
    let text = canonical::bytes_of(&offer)?;
    offer.terms_hash = canonical::sha256_hex(&text);
    Ok(Quoted::Offer(Box::new(offer), text))
}

fn terms(bundle: &Bundle, plan: &Plan, principal: Amount, start: Date, percent: Decimal) -> Terms {
    let product = &bundle.payload().product;
    let has_level = plan.repayment.method == Method::EqualInstallment;
    let bears_interest = !matches!(plan.repayment.method, Method::Free | Method::FeeInstallment);
    Terms {
        currency: bundle.currency(),
        principal,
        start,
        rate: bears_interest.then_some(Rate {
            percent,
            daily: product.rate.daily,
            day_count: product.rate.day_count,
            minimum_days: product.rate.minimum_days,
        }),
        repayment: plan.repayment.clone(),
        rounding: product.rounding,
        // A product has plans of several methods; only some have a level.
        level_rounding: product.level_rounding.filter(|_| has_level),
        remainder: None,
        adjust_installment: product.adjust_installment && has_level,
        fees: plan.fees.clone(),
        after_maturity: None,
    }
}

/// The rate a year: a daily rate times 365.
fn annual(product: &Product, rate: Decimal) -> Decimal {
    if !product.rate.daily {
        return rate;
    }
    let mantissa = rate.mantissa().checked_mul(DAYS_PER_YEAR);
    mantissa.and_then(|mantissa| Decimal::new(mantissa, rate.places()).ok()).unwrap_or(rate)
}
