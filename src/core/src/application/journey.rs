//! The first half of the lifecycle: from an empty form to a signed agreement, as one pure transition function.
//!
//! ```text
//! draft → consented → identified → described → prequalified → offer_selected → submitted
//!                                                     → approved | referred | declined → signed
//! ```
//!
//! The shell keeps the [`Snapshot`] and carries out the [`Action`]s; [`advance`] only says what follows from an
//! [`Event`]. Steps of the form may come in any order: the state is the last one of the lifecycle for which everything
//! before it is there.
//!
//! A snapshot from storage is not believed. `restore` checks every answer again, and whatever state it claims, only
//! the server's word (`server_status`) makes `approved`, `referred`, `declined` or `signed`.

mod restore;

use crate::{
    application::validate::{Asked, errors},
    bundle::{
        Bundle,
        form::{FieldKind, Reaches, StepDefinition},
    },
    calendar::{Date, Instant},
    canonical,
    decide::DecideError,
    wire::{
        Action, Advance, Consent, Event, FieldError, Map, OfferReference, Order, SNAPSHOT_VERSION, Scalar, Snapshot,
        Standing, State,
    },
};

/// The most offers that a snapshot keeps.
pub const OFFERS_MAX: usize = 32;

/// Reads a snapshot of any version up to [`SNAPSHOT_VERSION`] and brings it to that version.
///
/// # Errors
/// [`DecideError::SnapshotVersion`] for a later version, [`DecideError::Wire`] for anything that is no snapshot.
pub fn read_snapshot(text: &str) -> Result<Snapshot, DecideError> {
    restore::read(text)
}

/// What follows from `event`. Without a snapshot only `start` is possible.
///
/// What is wrong with an event that came in a proper shape (an invalid answer, an offer that is not there, an event
/// that does not fit the state) is in the answer's `errors`, and the snapshot is then as before.
///
/// # Errors
/// [`DecideError`] where the snapshot is of an unknown version or the event names an unknown step.
pub fn advance(bundle: &Bundle, snapshot: Option<&Snapshot>, event: &Event) -> Result<Advance, DecideError> {
    if let Some(snapshot) = snapshot
        && snapshot.version != SNAPSHOT_VERSION
    {
        return Err(DecideError::SnapshotVersion(snapshot.version));
    }
    let mut at = match (snapshot, event) {
        (Some(snapshot), _) => snapshot.clone(),
        (None, Event::Start { order } | Event::OrderChanged { order }) => blank(bundle, *order),
        (None, _) => {
            return Err(DecideError::Wire(crate::wire::WireError::Shape(
                "without a snapshot only the event `start` is possible".to_owned(),
            )));
        }
    };
    // A step that finds something wrong has changed nothing yet.
    Ok(match transition(bundle, &mut at, event)? {
        Ok(actions) => Advance { actions, errors: Vec::new(), snapshot: at },
        Err(errors) => Advance { actions: Vec::new(), errors, snapshot: at },
    })
}

/// The actions that follow, or what is wrong with the event; the snapshot is then as before.
type Step = Result<Vec<Action>, Vec<FieldError>>;

fn transition(bundle: &Bundle, at: &mut Snapshot, event: &Event) -> Result<Step, DecideError> {
    let open = at.state <= State::OfferSelected || at.state == State::Expired;
    Ok(match event {
        Event::Start { order } => start(bundle, at, *order),
        Event::Fill { fields, locale, now, step, today } if open => {
            return fill(bundle, at, &Filled { fields, locale: locale.as_deref(), now: *now, step, today: *today });
        }
        Event::Prequalified { outcome } if matches!(at.state, State::Described | State::Prequalified) => {
            at.standing = Some(*outcome);
            if *outcome == Standing::Needs {
                at.state = State::Described;
                let step = first_step(bundle).map(|step| Action::ShowStep { step: step.id.clone() });
                Ok(step.into_iter().chain([Action::Save]).collect())
            } else {
                at.state = State::Prequalified;
                Ok(vec![Action::RequestOffers, Action::Save])
            }
        }
        Event::OffersReceived { application_id, expires, offers }
            if matches!(at.state, State::Described | State::Prequalified | State::OfferSelected | State::Expired) =>
        {
            offers_received(at, application_id, *expires, offers)
        }
        Event::SelectOffer { offer_id, now } if matches!(at.state, State::Prequalified | State::OfferSelected) => {
            select(at, offer_id, *now)
        }
        Event::Submit { now } if at.state == State::OfferSelected => submit(at, *now),
        Event::ServerStatus { application_id, decision_id, state } if at.state >= State::Described => {
            server_status(at, application_id, decision_id.as_deref(), *state)
        }
        Event::Sign if at.state == State::Approved => match at.decision_id.clone() {
            Some(decision_id) => Ok(vec![Action::Sign { decision_id }]),
            None => Err(wrong("decision_id", "no_decision", "there is no decision to sign")),
        },
        Event::OrderChanged { order } if open => order_changed(bundle, at, *order),
        Event::Tick { now } => Ok(tick(at, *now)),
        Event::Withdraw if at.state < State::Signed => Ok(withdraw(at)),
        Event::Restore { now, today } => return restore::restore(bundle, at, *now, *today).map(Ok),
        _ => Err(wrong("event", "not_now", "this cannot be done now; look at where the application stands")),
    })
}

fn wrong(field: &str, code: &str, message: &str) -> Vec<FieldError> {
    vec![error(field, code, message)]
}

#[inline(never)]
fn error(field: &str, code: &str, message: &str) -> FieldError {
    FieldError { code: code.to_owned(), field: field.to_owned(), message: message.to_owned() }
}

fn blank(bundle: &Bundle, order: Order) -> Snapshot {
    Snapshot {
        application_id: None,
        bundle_hash: bundle.hash().to_owned(),
        consents: Vec::new(),
        decision_id: None,
        expires: None,
        fields: Map::default(),
        offer_id: None,
        offers: Vec::new(),
        order,
        standing: None,
        state: State::Draft,
        steps_done: Vec::new(),
        version: SNAPSHOT_VERSION,
    }
}

fn first_step(bundle: &Bundle) -> Option<&StepDefinition> {
    bundle.payload().form.steps.first()
}

fn currency_fits(bundle: &Bundle, order: Order) -> Result<(), Vec<FieldError>> {
    if order.currency == bundle.currency() {
        return Ok(());
    }
    Err(wrong("order", "currency_mismatch", "the order is in another currency than the lender's"))
}

fn start(bundle: &Bundle, at: &mut Snapshot, order: Order) -> Step {
    currency_fits(bundle, order)?;
    *at = blank(bundle, order);
    Ok(next_in_form(bundle, at))
}

/// The last state of the form's part of the lifecycle for which all steps are complete.
fn form_state(bundle: &Bundle, steps_done: &[String]) -> State {
    if steps_done.is_empty() {
        return State::Draft;
    }
    let complete = |reaches: Reaches| {
        let mut steps = bundle.payload().form.steps.iter().filter(|step| step.reaches == reaches);
        steps.all(|step| steps_done.contains(&step.id))
    };
    let mut state = State::Draft;
    for (reaches, reached) in [
        (Reaches::Consented, State::Consented),
        (Reaches::Identified, State::Identified),
        (Reaches::Described, State::Described),
    ] {
        if !complete(reaches) {
            break;
        }
        state = reached;
    }
    state
}

/// The next step of the form, or the estimate when all are complete; and the snapshot is kept.
#[inline(never)]
fn next_in_form(bundle: &Bundle, at: &Snapshot) -> Vec<Action> {
    let open = bundle.payload().form.steps.iter().find(|step| !at.steps_done.contains(&step.id));
    vec![open.map_or(Action::Prequalify, |step| Action::ShowStep { step: step.id.clone() }), Action::Save]
}

/// Forgets what depends on the answers or the order.
#[inline(never)]
fn forget_offers(at: &mut Snapshot) {
    at.standing = None;
    at.offers.clear();
    at.offer_id = None;
    at.expires = None;
}

struct Filled<'a> {
    fields: &'a Map<Scalar>,
    locale: Option<&'a str>,
    now: Instant,
    step: &'a str,
    today: Date,
}

fn fill(bundle: &Bundle, at: &mut Snapshot, filled: &Filled<'_>) -> Result<Step, DecideError> {
    let asked = Asked { locale: filled.locale, order: Some(at.order), step: Some(filled.step), today: filled.today };
    let mut errors = errors(bundle, filled.fields, &asked)?;
    let Some(step) = bundle.payload().form.steps.iter().find(|step| step.id == filled.step) else {
        return Err(DecideError::UnknownStep(filled.step.to_owned()));
    };
    for (name, _) in filled.fields.iter() {
        let elsewhere = !step.fields.iter().any(|field| field.id == name);
        if elsewhere && !errors.iter().any(|error| error.field == name) {
            errors.push(error(name, "unknown_field", "this step has no such field"));
        }
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    for field in &step.fields {
        at.fields.0.remove(&field.id);
        let Some(value) = filled.fields.get(&field.id) else { continue };
        at.fields.0.insert(field.id.clone(), value.clone());
        if let (FieldKind::Consent, Some(purpose)) = (field.kind, &field.purpose) {
            at.consents.retain(|consent| consent.purpose != *purpose);
            if *value == Scalar::Flag(true) {
                let text = bundle.text(&field.label, filled.locale);
                let text_hash = canonical::sha256_hex(text.as_bytes());
                at.consents.push(Consent { given_at: filled.now, purpose: purpose.clone(), text_hash });
            }
        }
    }
    if !at.steps_done.iter().any(|done| done == filled.step) {
        at.steps_done.push(filled.step.to_owned());
    }
    forget_offers(at);
    at.state = form_state(bundle, &at.steps_done);
    Ok(Ok(next_in_form(bundle, at)))
}

fn offers_received(at: &mut Snapshot, application_id: &str, expires: Instant, offers: &[OfferReference]) -> Step {
    if offers.is_empty() || offers.len() > OFFERS_MAX {
        return Err(wrong("offers", "offers_count", "there must be one offer at least, and not more than 32"));
    }
    at.application_id = Some(application_id.to_owned());
    at.offers = offers.to_vec();
    at.expires = Some(expires);
    at.offer_id = None;
    at.state = State::Prequalified;
    Ok(vec![Action::ShowOffers, Action::Save])
}

fn is_over(at: &Snapshot, now: Instant) -> bool {
    at.expires.is_some_and(|expires| now >= expires)
}

#[inline(never)]
fn expire(at: &mut Snapshot) -> Vec<Action> {
    forget_offers(at);
    at.state = State::Expired;
    vec![Action::RequestOffers, Action::Save]
}

fn select(at: &mut Snapshot, offer_id: &str, now: Instant) -> Step {
    if is_over(at, now) {
        return Ok(expire(at));
    }
    if !at.offers.iter().any(|offer| offer.offer_id == offer_id) {
        return Err(wrong("offer_id", "unknown_offer", "this offer is not among those made"));
    }
    at.offer_id = Some(offer_id.to_owned());
    at.state = State::OfferSelected;
    Ok(vec![Action::Save])
}

fn submit(at: &mut Snapshot, now: Instant) -> Step {
    if is_over(at, now) {
        return Ok(expire(at));
    }
    let Some(offer_id) = at.offer_id.clone() else {
        return Err(wrong("offer_id", "no_offer", "choose an offer first"));
    };
    at.state = State::Submitted;
    Ok(vec![Action::Submit { offer_id }, Action::Save])
}

fn server_status(at: &mut Snapshot, application_id: &str, decision_id: Option<&str>, state: State) -> Step {
    if at.application_id.as_deref().is_some_and(|known| known != application_id) {
        return Err(wrong("application_id", "another_application", "this answer belongs to another application"));
    }
    let actions = match state {
        State::Submitted => vec![Action::Save],
        State::Approved => vec![Action::ShowAgreement, Action::Save],
        State::Referred | State::Declined | State::Signed => vec![Action::ShowResult, Action::Save],
        State::Expired => return Ok(expire(at)),
        State::Withdrawn => return Ok(withdraw(at)),
        _ => return Err(wrong("state", "not_a_servers_state", "the server does not make this state")),
    };
    at.application_id = Some(application_id.to_owned());
    if let Some(id) = decision_id {
        at.decision_id = Some(id.to_owned());
    }
    at.state = state;
    Ok(actions)
}

fn order_changed(bundle: &Bundle, at: &mut Snapshot, order: Order) -> Step {
    currency_fits(bundle, order)?;
    if order != at.order {
        // An application is for one order: what the edge made for the old one is void.
        forget_offers(at);
        at.application_id = None;
        at.decision_id = None;
        at.order = order;
        at.state = form_state(bundle, &at.steps_done);
    }
    Ok(next_in_form(bundle, at))
}

fn tick(at: &mut Snapshot, now: Instant) -> Vec<Action> {
    if matches!(at.state, State::Prequalified | State::OfferSelected) && is_over(at, now) {
        return expire(at);
    }
    Vec::new()
}

#[inline(never)]
fn withdraw(at: &mut Snapshot) -> Vec<Action> {
    forget_offers(at);
    at.fields = Map::default();
    at.consents.clear();
    at.steps_done.clear();
    at.state = State::Withdrawn;
    vec![Action::Discard]
}
