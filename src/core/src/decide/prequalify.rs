//! Estimates: what the public part can say.

use std::vec::Vec;

use super::{
    DecideError, admit, admit_currency, admit_day, engine::score_value, features, input_hash, offers, reasons, tables,
    validate,
};
use crate::{
    application::texts,
    bundle::{Bundle, SEMANTICS, tables::Verdict},
    policy::Feature,
    score::Value,
    wire::{Input, Map, Need, Offer, Order, Prequalification, Quote, QuoteInput, Standing},
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
pub(super) fn make(bundle: &Bundle, input: &Input) -> Result<(Prequalification, Vec<String>), DecideError> {
    admit(bundle, input)?;
    let mut trace = Vec::with_capacity(12);
    let found = steps(bundle, input, &mut trace)?;
    trace.push(format!("outcome {}", found.outcome.name()));
    let (offers, texts) = found.offers.into_iter().unzip();
    let answer = Prequalification {
        bundle_hash: bundle.hash().to_owned(),
        input_hash: input_hash(input)?,
        needs: found.needs,
        offers,
        outcome: found.outcome,
        reasons: reasons(bundle, found.reasons),
        semantics: SEMANTICS,
        trace,
    };
    Ok((answer, texts))
}

struct Found {
    outcome: Standing,
    needs: Vec<Need>,
    reasons: Vec<u16>,
    offers: Vec<(Offer, String)>,
}

fn steps(bundle: &Bundle, input: &Input, trace: &mut Vec<String>) -> Result<Found, DecideError> {
    let ended = |outcome, reasons| Found { outcome, needs: Vec::new(), reasons, offers: Vec::new() };
    let needs = validate(bundle, input, trace);
    if !needs.is_empty() {
        return Ok(Found { needs, ..ended(Standing::Needs, Vec::new()) });
    }
    let (features, _) = features::extract(bundle, &input.application, &Map::default(), input.today);
    let public = bundle.compiled.eligibility.iter().filter(|table| table.public);
    let eligible = tables::eligibility(public, &features, trace)?;
    if eligible.verdict == Verdict::Decline {
        return Ok(ended(Standing::Continue, eligible.reasons));
    }
    if !likely(bundle, &features, trace)? {
        return Ok(ended(Standing::Continue, Vec::new()));
    }
    let order = input.application.order;
    let rate = bundle.payload().representative.rate_percent;
    let offers = offers::at_one_rate(bundle, order.amount, input.today, rate, trace)?;
    let outcome = if offers.is_empty() { Standing::Continue } else { Standing::Likely };
    Ok(Found { offers, ..ended(outcome, Vec::new()) })
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
    let points = model.card.score(&values)?.points;
    trace.push(format!("estimate model={} points={points}", model.id));
    Ok(points >= definition.likely_from_points)
}

/// What a purchase would cost on each plan at the representative price.
///
/// # Errors
/// [`DecideError`]: a bundle outside its time, another currency.
pub fn quote(bundle: &Bundle, input: &QuoteInput) -> Result<Quote, DecideError> {
    admit_day(bundle, input.today)?;
    admit_currency(bundle, Order { amount: input.amount, currency: input.currency })?;
    let rate = bundle.payload().representative.rate_percent;
    let offers = offers::at_one_rate(bundle, input.amount, input.today, rate, &mut Vec::new())?;
    Ok(Quote {
        notice: bundle.message(&texts::NOTICE, None).to_owned(),
        plans: offers.into_iter().map(|(offer, _)| offer).collect(),
    })
}
