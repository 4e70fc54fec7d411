//! From a plan and a rate to an offer to the cent, or to the cap that it breaks.

use super::DecideError;
use crate::{
    bundle::{
        Bundle, Compiled,
        products::{Cap, Plan, Product},
    },
    calendar::Date,
    canonical,
    credit::{Method, Rate, Terms, apr_of_plan, schedule},
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
    Offer(Box<Offer>, String),
    /// The price is outside the plan's span of amounts.
    OtherAmount,
    /// The plan would cost more than the law allows.
    AboveCap {
        /// The cap.
        cap: String,
        /// The rate it reached, in percent.
        reached: String,
    },
}

impl Quoted {
    /// The trace line.
    pub(super) fn line(&self, plan: &str) -> String {
        match self {
            Self::Offer(..) => format!("plan {plan} offered"),
            Self::OtherAmount => format!("plan {plan} not for this amount"),
            Self::AboveCap { cap, reached } => format!("plan {plan} dropped cap={cap} apr_percent={reached}"),
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
    let terms = terms(bundle, plan, price, today, rate_percent);
    let schedule = schedule(&terms)?;
    let apr = apr_of_plan(product.convention, payload.currency, today, price, Amount::ZERO, &schedule.installments)?;
    let reached = Decimal::parse(&apr.apr_percent_exact).unwrap_or(Decimal::ZERO);
    let broken = Compiled::caps_on(payload, today).find(|cap: &&Cap| reached > cap.ceiling_percent);
    if let Some(cap) = broken {
        return Ok(Quoted::AboveCap { cap: cap.id.clone(), reached: apr.apr_percent_exact });
    }
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
        down_payment: Amount::ZERO,
        first_due,
        installments: schedule.installments,
        last_due,
        plan: plan.id.clone(),
        price,
        principal: price,
        product: product.id.clone(),
        rate_annual_percent: annual(product, rate).to_string(),
        terms,
        terms_hash: String::new(),
        total: schedule.total,
        total_fee: schedule.total_fee,
        total_interest: schedule.total_interest,
    };
    let text = canonical::text_of(&offer)?;
    offer.terms_hash = canonical::sha256_hex(text.as_bytes());
    Ok(Quoted::Offer(Box::new(offer), text))
}

fn terms(bundle: &Bundle, plan: &Plan, principal: Amount, start: Date, percent: Decimal) -> Terms {
    let product = &bundle.payload().product;
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
        level_rounding: product.level_rounding,
        remainder: None,
        adjust_installment: product.adjust_installment,
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
