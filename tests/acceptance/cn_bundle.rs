//! The small Chinese fixture: another currency, calendar day, identity and rate convention, the same engine.

use std::sync::OnceLock;

use prequal_bundle::sources;
use prequal_core::{
    application::{form, validate},
    bundle::Bundle,
    decide::{decide, prequalify, quote},
    wire::{Decision, Input, Outcome, Standing, parse},
};
use serde_json::{Value, json};

use crate::demo_policy::root;

fn bundle() -> &'static Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| sources::build(&root().join("tests/bundles/cn"), None).unwrap().bundle)
}

fn input(grade: Value, amount: i64, resident_id: &str) -> Input {
    let text = json!({
        "application": {
            "fields": {"full_name": "张伟", "resident_id": resident_id, "phone": "+8613800138000", "income_monthly": 800_000},
            "order": {"amount": amount, "currency": "CNY"},
        },
        "as_of": "2026-11-23T16:30:00Z",
        "evidence": {"credit_grade": grade},
        "salt": "00".repeat(16),
        // Half past midnight in Shanghai: the business date is a day ahead of UTC's.
        "today": "2026-11-24",
    });
    parse(&text.to_string()).unwrap()
}

/// A published number; its owner was born on 1 January 1991.
const ADULT: &str = "360426199101010071";

fn graded(grade: &str, amount: i64) -> Decision {
    let grade = json!({"value": grade, "assurance": "third_party", "source": "征信"});
    decide(bundle(), &input(grade, amount, ADULT)).unwrap()
}

#[test]
fn offers_disclose_twelve_times_the_monthly_rate_and_the_effective_rate_beside_it() {
    let decision = graded("B", 300_000);
    assert_eq!(decision.outcome, Outcome::Eligible);
    assert_eq!(decision.offers.len(), 3);
    for offer in &decision.offers {
        assert_eq!(offer.rate_annual_percent, "12.775", "0.035 % a day × 365");
        let apr: f64 = offer.apr.apr_percent_exact.parse().unwrap();
        // Actual days over months of 28 to 31 days move the monthly rate a little around the contract rate.
        assert!((apr - 12.775).abs() < 0.2, "{apr}");
        let effective: f64 = offer.apr.effective_percent.as_ref().unwrap().parse().unwrap();
        assert!(effective > apr);
        let principal: i64 = offer.installments.iter().map(|one| one.principal.minor()).sum();
        assert_eq!(principal, 300_000);
        assert_eq!(offer.installments.last().unwrap().balance.minor(), 0);
        assert_eq!(offer.first_due.to_string(), "2026-12-24");
    }
}

#[test]
fn a_rate_above_the_ceiling_leaves_no_plan_and_says_so() {
    let decision = graded("D", 300_000);
    assert_eq!(decision.outcome, Outcome::Declined);
    assert_eq!(decision.reasons[0].code, "R31");
    let dropped: Vec<&String> = decision.trace.iter().filter(|line| line.contains("dropped cap=cn-24")).collect();
    assert_eq!(dropped.len(), 3, "{:?}", decision.trace);
    assert!(dropped[0].contains("apr_percent=25."), "{}", dropped[0]);
}

#[test]
fn plans_limits_and_missing_grades_follow_the_tables() {
    assert_eq!(graded("A", 99_999).offers.len(), 2, "twelve instalments are for 1,000 yuan and more");
    assert_eq!(graded("C", 2_000_100).reasons[0].code, "R30", "above the limit of 20,000 yuan");
    let timed_out = decide(bundle(), &input(json!({"missing": "timed_out"}), 300_000, ADULT)).unwrap();
    assert_eq!((timed_out.outcome, timed_out.reasons[0].code.as_str()), (Outcome::Referred, "R10"));
    let not_asked = decide(bundle(), &input(json!({"missing": "not_asked"}), 300_000, ADULT)).unwrap();
    assert_eq!(not_asked.needs[0].text, "尚未查询:信用等级");
}

#[test]
fn age_comes_from_the_resident_number() {
    // Region 110105, born 2010-01-01: 16 years old; the check character is that of ISO 7064 MOD 11-2.
    let body = "11010520100101001";
    let child = format!("{body}{}", prequal_core::application::resident_id::mod_11_2(body).unwrap());
    let input = input(json!({"value": "A", "assurance": "third_party"}), 300_000, &child);
    assert_eq!(decide(bundle(), &input).unwrap().reasons[0].code, "R01");
    let estimate = prequalify(bundle(), &input).unwrap();
    assert_eq!((estimate.outcome, estimate.reasons[0].code.as_str()), (Standing::Continue, "R01"));
}

#[test]
fn the_form_and_its_messages_speak_the_language_asked_for() {
    let title = |locale| form(bundle(), locale).steps[1].title.clone();
    assert_eq!(title(None), "个人信息");
    assert_eq!(title(Some("en-GB")), "About you");
    assert_eq!(title(Some("fr")), "个人信息", "a language without texts gets the bundle's own");
    let fields = json!({"fields": {"full_name": "张伟", "resident_id": "36042619910102009X"}, "today": "2026-11-24", "step": "about_you"});
    let answer = validate(bundle(), &parse(&fields.to_string()).unwrap()).unwrap();
    let codes: Vec<&str> = answer.errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!(codes, ["resident_id_check", "required"]);
    assert_eq!(answer.errors[0].message, "请核对身份证号码,末位校验码不符");
}

#[test]
fn a_quote_at_the_dearest_price_shows_only_what_the_law_allows() {
    let answer =
        quote(bundle(), &parse(r#"{"amount":300000,"currency":"CNY","today":"2026-11-24"}"#).unwrap()).unwrap();
    assert_eq!(answer.plans.len(), 0, "0.07 % a day is above 24 % a year");
    assert!(answer.notice.contains("理性借贷"));
}
