//! The decision: one bundle, one input, one answer, the same in every runtime.
//!
//! [`decide`] on the full part, at the edge and on the server: validate → eligibility tables → features from evidence →
//! score → outcome table → limit and price → quotes within the law → outcome. [`prequalify`] on either part, in the
//! browser too: validate → public eligibility tables → coarse model → estimates at the dearest price. Each step leaves a
//! line in the trace, with identifiers, row numbers, counts and points and nothing personal.
//!
//! INVARIANT: what the public part turns away, the full part declines: both ask the same public tables over the same
//! features, and a decline in any of them ends the decision.
//!
//! What a decision does not do: fetch evidence, know the time, remember anything.

pub mod counterfactual;
mod engine;
mod error;
mod features;
mod offers;
mod prequalify;
mod tables;
mod text;

use core::fmt::Write as _;

pub use engine::{decide, rates};
pub use error::DecideError;
pub use prequalify::{prequalify, quote, quote_at};

use crate::{
    application::{
        texts,
        validate::{Demand, check, unknown_field},
    },
    bundle::{Bundle, CompiledSource},
    calendar::Date,
    canonical,
    wire::{FIELDS_MAX, Input, Need, NeedKind, Order, Reason},
};

/// As [`decide`], from JSON text to canonical JSON text.
///
/// # Errors
/// [`DecideError`].
pub fn decide_json(bundle: &Bundle, text: &str) -> Result<String, DecideError> {
    let input: Input = crate::wire::parse(text)?;
    let (decision, offers) = engine::make(bundle, &input)?;
    text::with_offers(decision, &offers)
}

/// As [`prequalify`], from JSON text to canonical JSON text.
///
/// # Errors
/// [`DecideError`].
pub fn prequalify_json(bundle: &Bundle, text: &str) -> Result<String, DecideError> {
    let input: Input = crate::wire::parse(text)?;
    let (answer, offers) = prequalify::make(bundle, &input)?;
    text::with_offers(answer, &offers)
}

/// The most reasons that are given (Regulation B, commentary 9(b)(2)-1: more than four are not likely to be helpful).
pub const REASONS_GIVEN_MAX: usize = 4;

/// Refuses what cannot be decided: a bundle past its time, another currency, unknown fields.
fn admit(bundle: &Bundle, input: &Input) -> Result<(), DecideError> {
    admit_day(bundle, input.today)?;
    let utc = input.as_of.utc_date();
    if (input.today.days() - utc.days()).abs() > 1 {
        return Err(DecideError::TodayInconsistent { today: input.today, utc });
    }
    admit_currency(bundle, input.application.order)?;
    let fields = &input.application.fields;
    if fields.len() > FIELDS_MAX {
        return Err(DecideError::TooManyFields(fields.len()));
    }
    if let Some(name) = unknown_field(bundle, fields) {
        return Err(DecideError::UnknownField(name.to_owned()));
    }
    Ok(())
}

/// Refuses evidence that the schema does not have or has no lawful use for.
fn admit_evidence(bundle: &Bundle, input: &Input) -> Result<(), DecideError> {
    let unknown = |key: &&str| !bundle.evidence_keys().any(|known| known == *key);
    match input.evidence.iter().map(|(key, _)| key).find(unknown) {
        Some(key) => Err(DecideError::UnknownEvidence(key.to_owned())),
        None => Ok(()),
    }
}

fn admit_day(bundle: &Bundle, today: Date) -> Result<(), DecideError> {
    let (from, until) = bundle.valid();
    let id = || bundle.id().to_owned();
    if today < from {
        return Err(DecideError::BundleNotYetValid { id: id(), from, today });
    }
    if today > until {
        return Err(DecideError::BundleExpired { id: id(), until, today });
    }
    Ok(())
}

fn admit_currency(bundle: &Bundle, order: Order) -> Result<(), DecideError> {
    if order.currency == bundle.currency() {
        return Ok(());
    }
    Err(DecideError::CurrencyMismatch {
        order: order.currency.code().to_owned(),
        bundle: bundle.currency().code().to_owned(),
    })
}

fn input_hash(input: &Input) -> Result<String, DecideError> {
    Ok(canonical::sha256_hex(&canonical::bytes_of(input)?))
}

/// Checks every field; one need for each that is missing or wrong, and the trace line.
fn validate(bundle: &Bundle, input: &Input, trace: &mut Vec<String>) -> Vec<Need> {
    let fields = &input.application.fields;
    let mut needs = Vec::new();
    let mut codes = String::new();
    for field in bundle.payload().form.steps.iter().flat_map(|step| &step.fields) {
        let value = fields.get(&field.id);
        if let Err(problem) = check(field, value, input.today, bundle.currency(), Demand::Decision) {
            // Writing to a string cannot fail.
            let _ = write!(codes, " {}={}", field.id, problem.message.code);
            needs.push(Need {
                code: problem.message.code.to_owned(),
                id: field.id.clone(),
                kind: NeedKind::Field,
                text: problem.text(bundle, None, bundle.text(&field.label, None)),
            });
        }
    }
    trace.push(format!("validate fields={} errors={}{codes}", fields.len(), needs.len()));
    needs
}

/// Reasons in words, each once, at most [`REASONS_GIVEN_MAX`].
fn reasons(bundle: &Bundle, indexes: &[u16]) -> Vec<Reason> {
    let mut seen: Vec<u16> = Vec::new();
    for index in indexes {
        if !seen.contains(index) && seen.len() < REASONS_GIVEN_MAX {
            seen.push(*index);
        }
    }
    let catalogue = &bundle.payload().reasons;
    let found = seen.into_iter().filter_map(|index| catalogue.get(usize::from(index)));
    found.map(|reason| Reason { code: reason.code.clone(), text: bundle.text(&reason.text, None).to_owned() }).collect()
}

/// The text of a need for evidence.
fn evidence_need(bundle: &Bundle, feature: usize, message: &'static texts::Message) -> Option<Need> {
    let definition = bundle.payload().features.get(feature)?;
    let CompiledSource::Evidence(key) = &bundle.compiled.features.get(feature)?.source else { return None };
    let label = bundle.text(&definition.label, None);
    let problem = crate::application::validate::Problem::new(message);
    Some(Need {
        code: message.code.to_owned(),
        id: key.clone(),
        kind: NeedKind::Evidence,
        text: problem.text(bundle, None, if label.is_empty() { key } else { label }),
    })
}
