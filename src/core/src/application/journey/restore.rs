//! A snapshot that comes back from storage: brought to the present version, checked again, believed in nothing.

use prequal_derive::Read;
use serde::Deserialize;

use super::{expire, forget_offers, form_state, is_over, next_in_form, withdraw};
use crate::{
    application::validate::{Asked, errors},
    bundle::{
        Bundle,
        form::{FieldKind, StepDefinition},
    },
    calendar::{Date, Instant},
    canonical,
    decide::DecideError,
    wire::{Action, Map, SNAPSHOT_VERSION, Snapshot, State, parse},
};

/// Reads a snapshot by its version. Each later version adds an arm that turns its predecessor into itself.
pub(super) fn read(text: &str) -> Result<Snapshot, DecideError> {
    /// Only what tells one version from another.
    #[derive(Deserialize, Read)]
    struct Head {
        version: u32,
    }
    let head: Head = parse(text)?;
    match head.version {
        SNAPSHOT_VERSION => Ok(parse(text)?),
        other => Err(DecideError::SnapshotVersion(other)),
    }
}

/// The state that a restored snapshot really proves.
pub(super) fn restore(
    bundle: &Bundle,
    at: &mut Snapshot,
    now: Instant,
    today: Date,
) -> Result<Vec<Action>, DecideError> {
    if at.state == State::Withdrawn {
        return Ok(withdraw(at));
    }
    if at.order.currency != bundle.currency() {
        return Ok(vec![Action::Discard]);
    }
    let other_bundle = at.bundle_hash != bundle.hash();
    at.bundle_hash = bundle.hash().to_owned();
    keep_what_holds(bundle, at, today)?;
    let formed = form_state(bundle, &at.steps_done);
    let claimed = at.state;
    // The server alone knows how an application went that it has; whatever is claimed, it is asked.
    if let Some(application_id) = at.application_id.clone()
        && (claimed == State::Submitted || claimed.is_servers())
    {
        at.state = State::Submitted;
        return Ok(vec![Action::FetchStatus { application_id }]);
    }
    at.decision_id = None;
    if formed < State::Described || other_bundle {
        forget_offers(at);
        at.state = formed;
        return Ok(next_in_form(bundle, at));
    }
    if at.offers.is_empty() {
        forget_offers(at);
        at.state = formed;
        return Ok(vec![Action::Prequalify, Action::Save]);
    }
    if is_over(at, now) || at.expires.is_none() {
        return Ok(expire(at));
    }
    let chosen = at.offer_id.as_ref().is_some_and(|id| at.offers.iter().any(|offer| offer.offer_id == *id));
    at.state = if chosen { State::OfferSelected } else { State::Prequalified };
    if !chosen {
        at.offer_id = None;
    }
    Ok(vec![Action::ShowOffers, Action::Save])
}

/// Keeps the answers of the steps that still pass, and the consents to sentences that still stand.
fn keep_what_holds(bundle: &Bundle, at: &mut Snapshot, today: Date) -> Result<(), DecideError> {
    let mut fields = Map::default();
    let mut done = Vec::new();
    for step in &bundle.payload().form.steps {
        let own = step.fields.iter().filter_map(|field| Some((field.id.clone(), at.fields.get(&field.id)?.clone())));
        let own: Map<_> = own.collect();
        let asked = Asked { locale: None, order: None, step: Some(&step.id), today };
        let holds = errors(bundle, &own, &asked)?.is_empty() && consents_hold(step, at);
        if holds && at.steps_done.contains(&step.id) {
            done.push(step.id.clone());
        } else if step.fields.iter().any(|field| field.kind == FieldKind::Consent) {
            // A consent is given again or not at all.
            continue;
        }
        fields.0.extend(own.0);
    }
    let given: Vec<&str> = bundle
        .payload()
        .form
        .steps
        .iter()
        .filter(|step| done.contains(&step.id))
        .flat_map(|step| &step.fields)
        .filter_map(|field| field.purpose.as_deref())
        .collect();
    at.consents.retain(|consent| given.contains(&consent.purpose.as_str()));
    at.fields = fields;
    at.steps_done = done;
    Ok(())
}

/// Whether each consent that the step's answers claim is recorded, to one of the sentences the form has now.
fn consents_hold(step: &StepDefinition, at: &Snapshot) -> bool {
    let consents = step.fields.iter().filter(|field| field.kind == FieldKind::Consent && field.required);
    consents.into_iter().all(|field| {
        let sentences: Vec<String> = field.label.values().map(|text| canonical::sha256_hex(text.as_bytes())).collect();
        at.consents
            .iter()
            .any(|consent| field.purpose.as_ref() == Some(&consent.purpose) && sentences.contains(&consent.text_hash))
    })
}
