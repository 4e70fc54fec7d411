//! The 1,000 German credit rows through the demonstration policy, natively.

use std::collections::BTreeMap;

use prequal_core::{
    application::{self, validate},
    canonical,
    credit::{Terms, schedule},
    decide::{decide, decide_json, prequalify, prequalify_json, quote},
    evidence::{Assurance, Item},
    score::MissingKind,
    wire::{Decision, Input, NeedKind, Outcome, QuoteInput, Standing, ValidateInput, parse},
};

use crate::{demo_policy::parts, german};

const OCCURRENCES_MIN: usize = 20;

fn rows() -> Vec<Input> {
    german::inputs().iter().map(|text| parse(text).unwrap()).collect()
}

#[test]
fn every_outcome_is_common_enough_to_mean_something() {
    let parts = parts();
    let (mut decided, mut estimated) = (BTreeMap::new(), BTreeMap::new());
    for input in rows() {
        *decided.entry(decide(&parts.full, &input).unwrap().outcome.name()).or_insert(0) += 1;
        *estimated.entry(prequalify(&parts.public, &input).unwrap().outcome.name()).or_insert(0) += 1;
    }
    println!("full {decided:?}, public {estimated:?}");
    for outcome in ["eligible", "referred", "declined", "needs"] {
        assert!(decided.get(outcome).copied().unwrap_or(0) >= OCCURRENCES_MIN, "{outcome}: {decided:?}");
    }
    for outcome in ["likely", "needs", "continue"] {
        assert!(estimated.get(outcome).copied().unwrap_or(0) >= OCCURRENCES_MIN, "{outcome}: {estimated:?}");
    }
}

/// Two writers, derived from the same attributes: the serializer, which sorts, and the one that browsers download.
#[test]
fn both_writers_give_the_same_text() {
    let parts = parts();
    for input in rows().iter().step_by(7) {
        assert_eq!(canonical::text_of(input).unwrap(), canonical::to_string(input).unwrap());
        let decision = decide(&parts.full, input).unwrap();
        assert_eq!(canonical::text_of(&decision).unwrap(), canonical::to_string(&decision).unwrap());
        let order = input.application.order;
        let today = input.today;
        let asked = QuoteInput { amount: order.amount, currency: order.currency, today };
        let quote = quote(&parts.public, &asked).unwrap();
        assert_eq!(canonical::text_of(&quote).unwrap(), canonical::to_string(&quote).unwrap());
        let fields = input.application.fields.clone();
        let asked = ValidateInput { fields, locale: None, order: Some(order), step: None, today };
        let valid = validate(&parts.public, &asked).unwrap();
        assert_eq!(canonical::text_of(&valid).unwrap(), canonical::to_string(&valid).unwrap());
    }
    let form = application::form(&parts.public, None);
    assert_eq!(canonical::text_of(&form).unwrap(), canonical::to_string(&form).unwrap());
}

/// Terms with everything that terms can hold, and their schedule with its fees.
#[test]
fn both_writers_give_the_same_text_of_terms() {
    let common = r#""currency":"USD","principal":120000,"start":"2026-11-23","rounding":"up""#;
    for rest in [
        r#""rate":{"annual_percent":"9.5","day_count":"actual/360","minimum_days":3},"repayment":{"method":
            "equal_installment","count":6,"every":"P1M","first_due":"2027-01-31","month_end":"stick","balloon":
            {"percent":"10"},"principal_holiday":1,"interest_free_days":2,"business_days":{"adjust":"following",
            "holidays":["2027-03-01"]}},"level_rounding":"down","adjust_installment":true,
            "after_maturity":"accrue""#,
        r#""repayment":{"method":"fee_installment","count":3,"due_dates":["2027-01-01","2027-02-01","2027-03-01"],
            "fee_percent":"3","fee_timing":"first","down_payment":{"amount":2000}},"remainder":"first","fees":
            [{"code":"insurance","payee":"insurer \"A\"","percent":"1.5","when":"each"},
            {"code":"service","payee":"lender","amount":300,"when":"spread"}]"#,
        r#""rate":{"daily_percent":"0.03"},"repayment":{"method":"interest_only","count":2,"billing":{"billing_day":5,
            "due_day":25}}"#,
    ] {
        let terms: Terms = parse(&format!("{{{common},{rest}}}")).unwrap();
        assert_eq!(canonical::text_of(&terms).unwrap(), canonical::to_string(&terms).unwrap());
        let schedule = schedule(&terms).unwrap();
        assert_eq!(canonical::text_of(&schedule).unwrap(), canonical::to_string(&schedule).unwrap());
        let again: Terms = parse(&canonical::text_of(&terms).unwrap()).unwrap();
        assert_eq!(again, terms);
    }
}

#[test]
fn what_the_public_part_turns_away_the_full_part_declines() {
    let parts = parts();
    let mut turned_away = 0;
    for (index, input) in rows().iter().enumerate() {
        let estimate = prequalify(&parts.public, input).unwrap();
        let decision = decide(&parts.full, input).unwrap();
        match estimate.outcome {
            Standing::Continue if !estimate.reasons.is_empty() => {
                turned_away += 1;
                assert_eq!(decision.outcome, Outcome::Declined, "row {index}");
                let codes: Vec<&str> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
                let told = estimate.reasons.iter().all(|reason| codes.contains(&reason.code.as_str()));
                assert!(told, "row {index}: {codes:?} leave out {:?}", estimate.reasons);
            }
            Standing::Needs => {
                assert_eq!(decision.outcome, Outcome::Needs, "row {index}");
                assert_eq!(decision.needs, estimate.needs, "row {index}");
            }
            _ => {}
        }
    }
    assert!(turned_away >= OCCURRENCES_MIN, "{turned_away}");
}

/// Around every border of the public knock-outs, on an application that is otherwise the best there is.
#[test]
fn on_both_sides_of_every_public_border_the_parts_agree() {
    use prequal_core::{money::Amount, wire::Scalar};
    let parts = parts();
    let best = rows().into_iter().find(|input| decide(&parts.full, input).unwrap().offers.len() == 4).unwrap();
    let (mut away, mut on) = (0, 0);
    for birth in ["2008-11-22", "2008-11-23", "2008-11-24", "2010-01-01", "1990-02-28"] {
        for amount in [4_999, 5_000, 49_999, 50_000, 100_000, 2_000_000, 2_000_001] {
            for income in [0, 1, 8_333, 8_334, 300_000] {
                let mut input = best.clone();
                input.application.fields.0.insert("date_of_birth".to_owned(), Scalar::Text(birth.to_owned()));
                input.application.fields.0.insert("income_monthly".to_owned(), Scalar::Integer(income));
                input.application.order.amount = Amount::new(amount).unwrap();
                let estimate = prequalify(&parts.public, &input).unwrap();
                let decision = decide(&parts.full, &input).unwrap();
                let at = format!("{birth}, {amount}, {income}");
                if estimate.outcome == Standing::Continue && !estimate.reasons.is_empty() {
                    away += 1;
                    assert_eq!(decision.outcome, Outcome::Declined, "{at}");
                    assert!(decision.reasons.starts_with(&estimate.reasons), "{at}: {:?}", decision.reasons);
                } else {
                    on += 1;
                    assert!(
                        !decision.reasons.iter().any(|r| ["R01", "R02", "R03", "R04"].contains(&r.code.as_str())),
                        "{at}"
                    );
                }
            }
        }
    }
    assert!(away > 50 && on > 20, "{away} turned away, {on} not");
}

#[test]
fn the_full_part_estimates_as_the_public_part_does() {
    let parts = parts();
    for (index, input) in rows().iter().enumerate() {
        let mut full = prequalify(&parts.full, input).unwrap();
        let public = prequalify(&parts.public, input).unwrap();
        full.bundle_hash.clone_from(&public.bundle_hash);
        assert_eq!(full, public, "row {index}");
    }
}

#[test]
fn the_text_of_a_decision_is_its_canonical_json() {
    let parts = parts();
    for text in german::inputs() {
        let input: Input = parse(&text).unwrap();
        let decision = decide(&parts.full, &input).unwrap();
        assert_eq!(decide_json(&parts.full, &text).unwrap(), canonical::to_string(&decision).unwrap());
        let estimate = prequalify(&parts.public, &input).unwrap();
        assert_eq!(prequalify_json(&parts.public, &text).unwrap(), canonical::to_string(&estimate).unwrap());
        assert_eq!(decision.input_hash, canonical::sha256_hex(text.as_bytes()), "the input's own canonical text");
        for offer in decision.offers.iter().chain(&estimate.offers) {
            let mut bare = offer.clone();
            bare.terms_hash.clear();
            let text = canonical::to_string(&bare).unwrap();
            assert!(!text.contains("terms_hash"));
            assert_eq!(offer.terms_hash, canonical::sha256_hex(text.as_bytes()));
        }
    }
}

#[test]
fn an_offer_is_the_schedule_of_its_own_terms_and_stays_under_the_cap() {
    let parts = parts();
    let mut dropped = 0;
    for (index, input) in rows().iter().enumerate() {
        let decision = decide(&parts.full, input).unwrap();
        dropped += decision.trace.iter().filter(|line| line.contains("dropped cap=us-36")).count();
        for offer in &decision.offers {
            let schedule = schedule(&offer.terms).unwrap();
            assert_eq!(schedule.installments, offer.installments, "row {index}");
            assert_eq!(schedule.total_principal, offer.principal);
            assert_eq!(schedule.total, offer.total);
            let apr: f64 = offer.apr.apr_percent_exact.parse().unwrap();
            let rate: f64 = offer.rate_annual_percent.parse().unwrap();
            assert!((rate..=36.0).contains(&(apr + 0.01)), "row {index}: {apr} for a rate of {rate}");
        }
    }
    // The short plan's fee takes it above the cap at the dearest rate alone.
    assert!(dropped > 0, "no plan was dropped");
}

#[test]
fn each_outcome_carries_what_it_must_and_nothing_else() {
    for (index, input) in rows().iter().enumerate() {
        let decision = decide(&parts().full, input).unwrap();
        let (offers, reasons, needs) = (decision.offers.len(), decision.reasons.len(), decision.needs.len());
        let sound = match decision.outcome {
            Outcome::Eligible => offers > 0 && reasons == 0 && needs == 0,
            Outcome::Referred | Outcome::Declined => offers == 0 && (1..=4).contains(&reasons) && needs == 0,
            Outcome::Needs => offers == 0 && reasons == 0 && needs > 0,
        };
        assert!(sound, "row {index}: {:?} with {offers} offers, {reasons} reasons, {needs} needs", decision.outcome);
        assert_eq!(decision.expires.to_string(), "2026-11-23T08:30:00Z", "as_of plus half an hour");
    }
}

#[test]
fn nothing_personal_stands_in_a_decision() {
    for input in rows() {
        let text = canonical::to_string(&decide(&parts().full, &input).unwrap()).unwrap();
        for id in ["full_name", "date_of_birth", "email", "phone"] {
            let Some(prequal_core::wire::Scalar::Text(value)) = input.application.fields.get(id) else { continue };
            assert!(!text.contains(value.as_str()), "`{id}` stands in {text}");
        }
    }
}

fn rate_of(decision: &Decision, plan: &str) -> Option<f64> {
    decision.offers.iter().find(|offer| offer.plan == plan).map(|offer| offer.rate_annual_percent.parse().unwrap())
}

/// For every fifth row and every item of evidence: the same value, only declared, approves nothing and lowers no price
/// that silence would not have; it may lower, refer, or take an offer away.
#[test]
fn a_declared_value_never_approves_nor_lowers_a_price() {
    let full = &parts().full;
    let mut lowered = 0;
    for (index, input) in rows().iter().enumerate().step_by(5) {
        for (key, item) in input.evidence.iter() {
            let Item::Present { value, source, .. } = item else { continue };
            let with = |item: Item| {
                let mut input = input.clone();
                input.evidence.0.insert(key.to_owned(), item);
                decide(full, &input).unwrap()
            };
            let present = |assurance| Item::Present { value: value.clone(), assurance, source: source.clone() };
            let declared = with(present(Assurance::Declared));
            let browser = with(present(Assurance::Browser));
            let silent = with(Item::Missing { missing: MissingKind::NotAsked, source: None });
            let at = format!("row {index}, `{key}`");
            assert_eq!(declared.outcome, browser.outcome, "{at}");
            if declared.outcome == Outcome::Eligible {
                assert_eq!(silent.outcome, Outcome::Eligible, "{at}: an approval that silence would not have got");
            }
            for offer in &declared.offers {
                let unasked = rate_of(&silent, &offer.plan).expect("silence offers the plan too");
                assert!(offer.rate_annual_percent.parse::<f64>().unwrap() >= unasked, "{at}");
            }
            let pricier = |offer: &prequal_core::wire::Offer| {
                rate_of(&declared, &offer.plan).is_none_or(|rate| rate > offer.rate_annual_percent.parse().unwrap())
            };
            lowered += usize::from(silent.offers.iter().any(pricier));
        }
    }
    assert!(lowered > 0, "no declared value ever lowered anything, so the test shows nothing");
}

#[test]
fn needed_evidence_is_asked_for_until_somebody_else_vouches_for_it() {
    let full = &parts().full;
    let mut input = rows().into_iter().find(|input| decide(full, input).unwrap().outcome == Outcome::Eligible).unwrap();
    input.evidence.0.remove("credit_history");
    let decision = decide(full, &input).unwrap();
    let need = &decision.needs[0];
    assert_eq!((need.kind, need.id.as_str(), need.code.as_str()), (NeedKind::Evidence, "credit_history", "not_asked"));
    let declared: Item = parse(r#"{"value":"delay in paying off in the past","assurance":"declared"}"#).unwrap();
    input.evidence.0.insert("credit_history".to_owned(), declared);
    assert_eq!(decide(full, &input).unwrap().needs[0].code, "assurance_too_low");
    let silent: Item = parse(r#"{"missing":"timed_out","source":"sandbox-bureau"}"#).unwrap();
    input.evidence.0.insert("credit_history".to_owned(), silent);
    let decision = decide(full, &input).unwrap();
    assert_eq!(decision.outcome, Outcome::Referred);
    assert_eq!(decision.reasons[0].code, "R10");
}
