//! Estimates: what the public part can say.

use std::vec::Vec;

use super::{
    DecideError, admit, admit_currency, admit_day,
    engine::{Run, score_value},
    features, input_hash,
    offers::{Quoted, quote_plan},
    reasons, tables, validate,
};
use crate::{
    application::texts,
    bundle::{Bundle, SEMANTICS, tables::Verdict},
    decimal::Decimal,
    policy::Feature,
    score::Value,
    wire::{Input, Order, Prequalification, Quote, QuoteInput, Standing},
};

/// Estimates on either part of a bundle; with the full part it asks nothing that the public part could not.
///
/// `needs` where fields are missing or wrong; `continue` where a public knock-out was met, with its public reasons, or
/// where the coarse model cannot say; else `likely`, with estimates at the dearest price. It is never a decline.
/// Evidence is not looked at, so the same input may be given to both parts: the public one does not even know which
/// evidence the lender takes.
///
/// # Errors
/// [`DecideError`], as [`super::decide`].
pub fn prequalify(bundle: &Bundle, input: &Input) -> Result<Prequalification, DecideError> {
    make(bundle, input).map(|(answer, _)| answer)
}

/// An estimate, and the canonical text of each offer without its hash.
pub(super) fn make(bundle: &Bundle, input: &Input) -> Result<(Prequalification, Vec<Vec<u8>>), DecideError> {
    admit(bundle, input)?;
    let mut run = Run::new(bundle, input);
    let outcome = steps(&mut run)?;
    run.trace.push(format!("outcome {}", outcome.name()));
    let answer = Prequalification {
        bundle_hash: bundle.hash().to_owned(),
        input_hash: input_hash(input)?,
        needs: run.needs,
        offers: run.offers,
        outcome,
        reasons: reasons(bundle, &run.reasons),
        semantics: SEMANTICS,
        trace: run.trace,
    };
    Ok((answer, run.texts))
}

fn steps(run: &mut Run<'_>) -> Result<Standing, DecideError> {
    let (bundle, input) = (run.bundle, run.input);
    run.needs = validate(bundle, input, &mut run.trace);
    if !run.needs.is_empty() {
        return Ok(Standing::Needs);
    }
    let (features, _) = features::extract(bundle, &input.application, None, input.today);
    let eligible = tables::eligibility(bundle, true, &features, &mut run.trace)?;
    if eligible.verdict == Verdict::Decline {
        run.reasons = eligible.reasons;
        return Ok(Standing::Continue);
    }
    if !likely(bundle, &features, &mut run.trace)? {
        return Ok(Standing::Continue);
    }
    run.quote_at(bundle.payload().representative.rate_percent)?;
    Ok(if run.offers.is_empty() { Standing::Continue } else { Standing::Likely })
}

/// What the coarse model says; without one, an application that no knock-out meets is likely. Declared values count:
/// an estimate is the one thing they may help.
fn likely(bundle: &Bundle, features: &[Feature], trace: &mut Vec<String>) -> Result<bool, DecideError> {
    let payload = bundle.payload();
    let (Some(model), Some(definition)) = (&bundle.compiled.public_model, &payload.public_model) else {
        return Ok(true);
    };
    let value = |slot: &usize| features.get(*slot).copied().unwrap_or(Feature::NOT_ASKED).value;
    let values: Vec<Value<'_>> = model.slots.iter().map(|slot| score_value(bundle, *slot, value(slot))).collect();
    let points = model.model.score(&values, &[])?.points();
    trace.push(format!("estimate model={} points={points}", model.id));
    Ok(points >= definition.likely_from_points)
}

/// What a purchase would cost on each plan at the representative price.
///
/// # Errors
/// [`DecideError`]: a bundle outside its time, another currency.
pub fn quote(bundle: &Bundle, input: &QuoteInput) -> Result<Quote, DecideError> {
    let rate = bundle.payload().representative.rate_percent;
    quote_at(bundle, input, |_| Some(rate))
}

/// As [`quote`], each plan at a price of its own, a year or a day as the product says; a plan without one is left out.
///
/// # Errors
/// As [`quote`].
pub fn quote_at(
    bundle: &Bundle,
    input: &QuoteInput,
    rate_percent: impl Fn(&str) -> Option<Decimal>,
) -> Result<Quote, DecideError> {
    admit_day(bundle, input.today)?;
    admit_currency(bundle, Order { amount: input.amount, currency: input.currency })?;
    let mut plans = Vec::new();
    for plan in &bundle.payload().product.plans {
        let Some(rate) = rate_percent(&plan.id) else { continue };
        if let Quoted::Offer(offer, _) = quote_plan(bundle, plan, input.amount, input.today, rate)? {
            plans.push(*offer);
        }
    }
    Ok(Quote { notice: bundle.message(&texts::NOTICE, None).to_owned(), plans })
}
