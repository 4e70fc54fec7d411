//! The first half of the lifecycle on the demonstration bundle, as a page walks it.

use prequal_core::{
    application::journey::{advance, read_snapshot},
    canonical,
    decide::DecideError,
    wire::{Action, Advance, Event, Snapshot, State, parse},
};
use serde_json::{Value, json};

use crate::demo_policy::parts;

const NOW: &str = "2026-11-23T08:00:00Z";
const TODAY: &str = "2026-11-23";

fn step(snapshot: Option<&Snapshot>, event: Value) -> Advance {
    let event: Event = parse(&event.to_string()).unwrap();
    let advanced = advance(&parts().public, snapshot, &event).unwrap();
    // Two writers, derived from the same attributes.
    assert_eq!(canonical::text_of(&advanced).unwrap(), canonical::to_string(&advanced).unwrap());
    advanced
}

fn done(snapshot: Option<&Snapshot>, event: Value) -> Snapshot {
    let said = step(snapshot, event);
    assert_eq!(said.errors, []);
    said.snapshot
}

fn fill(step: &str, fields: Value) -> Value {
    json!({"type": "fill", "step": step, "fields": fields, "now": NOW, "today": TODAY})
}

fn about_you() -> Value {
    json!({"full_name": "Ada Byron", "date_of_birth": "1990-02-28", "email": "ada@example.com", "phone": "+12125550123"})
}

fn money() -> Value {
    json!({"income_monthly": 420_000, "housing": "own", "employment": "1_to_4_years"})
}

fn consents() -> Value {
    json!({"consent_processing": true, "consent_credit_report": true})
}

fn order(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

fn described() -> Snapshot {
    let draft = done(None, json!({"type": "start", "order": order(129_900)}));
    let consented = done(Some(&draft), fill("consent", consents()));
    let identified = done(Some(&consented), fill("about_you", about_you()));
    done(Some(&identified), fill("money", money()))
}

fn offers() -> Value {
    json!({
        "type": "offers_received", "application_id": "app-1", "expires": "2026-11-23T08:30:00Z",
        "offers": [{"offer_id": "offer-1", "plan": "monthly-6", "terms_hash": "ab"}],
    })
}

fn selected() -> Snapshot {
    let estimated = done(Some(&described()), json!({"type": "prequalified", "outcome": "likely"}));
    let offered = done(Some(&estimated), offers());
    done(Some(&offered), json!({"type": "select_offer", "offer_id": "offer-1", "now": NOW}))
}

#[test]
fn the_whole_way_from_draft_to_signed() {
    let draft = step(None, json!({"type": "start", "order": order(129_900)}));
    assert_eq!(draft.snapshot.state, State::Draft);
    assert_eq!(draft.actions, [Action::ShowStep { step: "consent".to_owned() }, Action::Save]);
    let consented = step(Some(&draft.snapshot), fill("consent", consents()));
    assert_eq!(consented.snapshot.state, State::Consented);
    assert_eq!(consented.snapshot.consents.len(), 2);
    let identified = done(Some(&consented.snapshot), fill("about_you", about_you()));
    assert_eq!(identified.state, State::Identified);
    let described = step(Some(&identified), fill("money", money()));
    assert_eq!(described.snapshot.state, State::Described);
    assert_eq!(described.actions, [Action::Prequalify, Action::Save]);
    let estimated = step(Some(&described.snapshot), json!({"type": "prequalified", "outcome": "likely"}));
    assert_eq!((estimated.snapshot.state, &estimated.actions[0]), (State::Prequalified, &Action::RequestOffers));
    let offered = step(Some(&estimated.snapshot), offers());
    assert_eq!(offered.actions[0], Action::ShowOffers);
    let selected = done(Some(&offered.snapshot), json!({"type": "select_offer", "offer_id": "offer-1", "now": NOW}));
    assert_eq!(selected.state, State::OfferSelected);
    let submitted = step(Some(&selected), json!({"type": "submit", "now": NOW}));
    assert_eq!(submitted.snapshot.state, State::Submitted);
    assert_eq!(submitted.actions[0], Action::Submit { offer_id: "offer-1".to_owned() });
    let status = |state: &str| json!({"type": "server_status", "application_id": "app-1", "decision_id": "dec-1", "state": state});
    let approved = step(Some(&submitted.snapshot), status("approved"));
    assert_eq!((approved.snapshot.state, &approved.actions[0]), (State::Approved, &Action::ShowAgreement));
    let signing = step(Some(&approved.snapshot), json!({"type": "sign"}));
    assert_eq!(signing.actions, [Action::Sign { decision_id: "dec-1".to_owned() }]);
    assert_eq!(signing.snapshot.state, State::Approved, "asking to sign is not yet having signed");
    assert_eq!(done(Some(&signing.snapshot), status("signed")).state, State::Signed);
}

#[test]
fn an_event_that_does_not_fit_changes_nothing_and_says_so() {
    let draft = done(None, json!({"type": "start", "order": order(129_900)}));
    for event in [
        json!({"type": "submit", "now": NOW}),
        json!({"type": "sign"}),
        json!({"type": "prequalified", "outcome": "likely"}),
        offers(),
        json!({"type": "server_status", "application_id": "app-1", "state": "approved"}),
    ] {
        let said = step(Some(&draft), event.clone());
        assert_eq!(said.errors[0].code, "not_now", "{event}");
        assert_eq!((said.snapshot, said.actions), (draft.clone(), vec![]), "{event}");
    }
    let estimated = done(Some(&described()), json!({"type": "prequalified", "outcome": "likely"}));
    let offered = done(Some(&estimated), offers());
    let said = step(Some(&offered), json!({"type": "select_offer", "offer_id": "offer-9", "now": NOW}));
    assert_eq!(said.errors[0].code, "unknown_offer");
    let another = json!({"type": "server_status", "application_id": "app-2", "state": "declined"});
    assert_eq!(step(Some(&offered), another).errors[0].code, "another_application");
}

#[test]
fn wrong_answers_are_all_named_and_kept_out() {
    let draft = done(None, json!({"type": "start", "order": order(129_900)}));
    let said = step(Some(&draft), fill("about_you", json!({"full_name": "1", "email": "x", "income_monthly": 5})));
    let mut codes: Vec<(&str, &str)> = said.errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("date_of_birth", "required"),
            ("email", "invalid_email"),
            ("full_name", "invalid_name"),
            ("income_monthly", "unknown_field"),
            ("phone", "required"),
        ]
    );
    assert!(said.snapshot.fields.is_empty());
}

#[test]
fn consents_may_be_given_last() {
    let draft = done(None, json!({"type": "start", "order": order(129_900)}));
    let about = done(Some(&draft), fill("about_you", about_you()));
    let money = done(Some(&about), fill("money", money()));
    assert_eq!(money.state, State::Draft, "nothing counts before consent is given");
    assert_eq!(done(Some(&money), fill("consent", consents())).state, State::Described);
}

#[test]
fn a_changed_cart_voids_the_offers_and_keeps_the_answers() {
    let said = step(Some(&selected()), json!({"type": "order_changed", "order": order(200_000)}));
    assert_eq!(said.snapshot.state, State::Described);
    assert!(said.snapshot.offers.is_empty() && said.snapshot.application_id.is_none());
    assert_eq!(said.snapshot.fields, described().fields);
    assert_eq!(said.actions[0], Action::Prequalify);
}

#[test]
fn offers_past_their_time_expire() {
    let late = "2026-11-23T08:30:00Z";
    for event in [json!({"type": "tick", "now": late}), json!({"type": "submit", "now": late})] {
        let said = step(Some(&selected()), event);
        assert_eq!((said.snapshot.state, &said.actions[0]), (State::Expired, &Action::RequestOffers));
    }
    assert_eq!(step(Some(&selected()), json!({"type": "tick", "now": NOW})).snapshot, selected());
}

#[test]
fn leaving_forgets_every_answer() {
    let said = step(Some(&selected()), json!({"type": "withdraw"}));
    assert_eq!((said.snapshot.state, said.actions), (State::Withdrawn, vec![Action::Discard]));
    assert!(said.snapshot.fields.is_empty() && said.snapshot.consents.is_empty());
}

fn restored(snapshot: &Snapshot) -> Advance {
    step(Some(snapshot), json!({"type": "restore", "now": NOW, "today": TODAY}))
}

#[test]
fn an_honest_snapshot_comes_back_as_it_was() {
    let said = restored(&selected());
    assert_eq!(said.snapshot, selected());
    let text = canonical::to_string(&selected()).unwrap();
    assert_eq!(read_snapshot(&text).unwrap(), selected());
}

#[test]
fn a_snapshot_from_storage_never_makes_a_state_of_the_servers() {
    for claimed in [State::Approved, State::Signed, State::Declined, State::Referred, State::Submitted] {
        let mut forged = selected();
        forged.state = claimed;
        forged.decision_id = Some("dec-9".to_owned());
        let said = restored(&forged);
        assert_eq!(said.snapshot.state, State::Submitted, "{claimed:?}");
        assert_eq!(said.actions, [Action::FetchStatus { application_id: "app-1".to_owned() }]);
        forged.application_id = None;
        assert!(restored(&forged).snapshot.state <= State::OfferSelected, "{claimed:?} without an application");
    }
}

#[test]
fn a_forged_answer_is_checked_again_and_its_step_undone() {
    let mut forged = selected();
    forged.fields.0.insert("email".to_owned(), prequal_core::wire::Scalar::Text("nobody".to_owned()));
    forged.fields.0.insert("shoe_size".to_owned(), prequal_core::wire::Scalar::Integer(42));
    let said = restored(&forged);
    assert_eq!(said.snapshot.state, State::Consented);
    assert_eq!(said.actions[0], Action::ShowStep { step: "about_you".to_owned() });
    assert!(said.snapshot.fields.get("shoe_size").is_none());
    assert!(said.snapshot.offers.is_empty());
    let mut forged = selected();
    forged.consents[0].text_hash = canonical::sha256_hex(b"something else");
    assert_eq!(restored(&forged).snapshot.state, State::Draft, "a consent to another sentence is none");
}

#[test]
fn a_snapshot_of_another_bundle_keeps_the_answers_and_loses_the_offers() {
    let mut other = selected();
    other.bundle_hash = "00".repeat(32);
    let said = restored(&other);
    assert_eq!(said.snapshot.state, State::Described);
    assert!(said.snapshot.offers.is_empty());
    assert_eq!(said.snapshot.bundle_hash, parts().public.hash());
}

#[test]
fn a_snapshot_of_a_later_version_is_refused_by_name() {
    let text = canonical::to_string(&selected()).unwrap().replace("\"version\":1", "\"version\":2");
    assert_eq!(read_snapshot(&text), Err(DecideError::SnapshotVersion(2)));
    let text = text.replace("\"version\":2", "\"version\":0");
    assert_eq!(read_snapshot(&text), Err(DecideError::SnapshotVersion(0)));
    let text = canonical::to_string(&selected()).unwrap().replacen('{', "{\"role\":\"admin\",", 1);
    assert!(matches!(read_snapshot(&text), Err(DecideError::Wire(_))));
    let mut later = selected();
    later.version = 2;
    let event: Event = parse(r#"{"type":"withdraw"}"#).unwrap();
    assert_eq!(advance(&parts().public, Some(&later), &event), Err(DecideError::SnapshotVersion(2)));
}
