//! The small Chinese fixture: another currency, calendar day, identity and rate convention, the same engine.

use std::sync::OnceLock;

use prequal_bundle::sources;
use prequal_core::{
    application::{form, validate},
    bundle::Bundle,
    credit::account_by,
    decide::{decide, prequalify, quote},
    wire::{Decision, Input, Offer, Outcome, Standing, parse},
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
    // 0.07 % a day; the name of the cap, what was reached, its height, and the rate a day at which every cap is kept:
    // with the penalty it is 24 % ÷ 365 ÷ 1.5, rounded down to four decimals.
    let line = dropped[0];
    assert!(line.contains("apr_percent=25."), "{line}");
    assert!(line.ends_with("ceiling_percent=24 highest_price_percent=0.0438"), "{line}");
}

/// 1.5 × 0.05 % a day is 27.4 % a year: the plan itself is within 24 %, and being late with it would not be.
#[test]
fn a_plan_whose_cost_of_default_breaks_a_cap_is_not_quoted() {
    let decision = graded("C", 300_000);
    assert_eq!(decision.outcome, Outcome::Declined, "{:?}", decision.trace);
    let dropped: Vec<&String> = decision.trace.iter().filter(|line| line.contains("dropped cap=cn-default")).collect();
    assert_eq!(dropped.len(), 3, "{:?}", decision.trace);
    assert!(dropped[0].contains("default_rate_percent=27.38 ceiling_percent=24 "), "{}", dropped[0]);
    assert!(dropped[0].ends_with("highest_price_percent=0.0438"), "{}", dropped[0]);
}

/// What would be charged in default is part of the offer, and of its hash, before anything is signed.
#[test]
fn an_offer_says_what_being_late_would_cost() {
    for offer in graded("B", 300_000).offers {
        let penalty = offer.cost_of_default.as_ref().unwrap().penalty.as_ref().unwrap();
        assert_eq!((penalty.percent.as_str(), penalty.daily, penalty.grace_days), ("0.0525", true, 3));
        assert_eq!(offer.penalty.as_ref().unwrap().multiple, Some("1.5".parse().unwrap()));
        // The law goes on with the loan: the penalty stays under the cap that judged the plan.
        assert_eq!(offer.rules().penalty.unwrap().ceiling_annual_percent, Some("24".parse().unwrap()));
        let bare = Offer { terms_hash: String::new(), ..offer.clone() };
        let text = prequal_core::canonical::to_string(&bare).unwrap();
        assert_eq!(offer.terms_hash, prequal_core::canonical::sha256_hex(text.as_bytes()));
        assert!(text.contains("\"cost_of_default\":") && text.contains("\"ceiling_annual_percent\":\"24\""));
    }
}

/// Late fees of 30.00 a week on each of five instalments under a ceiling of 50.00 in all: what the law cuts later goes
/// with what was signed, and is named when it is cut.
#[test]
fn the_ceilings_on_late_fees_go_with_the_offer_and_cut_them_over_its_life() {
    let mut payload = bundle().payload().clone();
    payload.product.late_fee =
        Some(serde_json::from_value(json!({"tiers": [{"after_days": 7, "amount": 3_000}]})).unwrap());
    let cap =
        json!({"id": "late", "from": "2020-01-01", "measure": "late_fees", "ceiling_percent": "25", "amount": 15_000});
    payload.caps.push(serde_json::from_value(cap.clone()).unwrap());
    let decided = |payload: &prequal_core::bundle::Payload| {
        let text = prequal_core::canonical::to_string(payload).unwrap();
        let grade = json!({"value": "A", "assurance": "third_party", "source": "征信"});
        decide(&Bundle::from_payload(text.as_bytes()).unwrap(), &input(grade, 300_000, ADULT)).unwrap()
    };
    let decision = decided(&payload);
    let offer = decision.offers.iter().find(|offer| offer.plan == "equal-principal-5").unwrap();
    assert_eq!(offer.cost_of_default.as_ref().unwrap().late_fees_most.minor(), 15_000);
    assert_eq!(offer.charge_caps[0].amount.unwrap().minor(), 15_000);
    // Twelve instalments would be late for 360.00: above the ceiling before anything is signed.
    assert!(
        decision.trace.iter().any(|line| line.contains("equal-instalment-12 dropped cap=late late_fees_percent=12.00")),
        "{:?}",
        decision.trace
    );
    let mut rules = offer.rules();
    rules.late_fee.as_mut().unwrap().tiers = vec![serde_json::from_value(json!({"amount": 4_000})).unwrap()];
    let state = account_by(&offer.terms, &rules, &[], "2027-12-01".parse().unwrap()).unwrap();
    let cut: Vec<_> = state.not_charged.iter().map(|one| (one.cap.as_str(), one.amount.minor())).collect();
    assert_eq!(cut, [("late", 1_000), ("late", 4_000)]);
}

/// The law for private lenders, four times the prime rate, does not bind a micro-lender; it does where the bundle says
/// that it is one: 12 % is below the 12.775 % of grade B.
#[test]
fn a_cap_binds_the_type_of_lender_that_the_bundle_names() {
    let mut payload = bundle().payload().clone();
    payload.lender.kind = "private".to_owned();
    let text = prequal_core::canonical::to_string(&payload).unwrap();
    let private = Bundle::from_payload(text.as_bytes()).unwrap();
    let grade = json!({"value": "B", "assurance": "third_party", "source": "征信"});
    let decision = decide(&private, &input(grade, 300_000, ADULT)).unwrap();
    assert!(decision.trace.iter().any(|line| line.contains("dropped cap=cn-lpr")), "{:?}", decision.trace);
    assert!(!graded("B", 300_000).trace.iter().any(|line| line.contains("cn-lpr")));
    payload.lender.kind.clear();
    let text = prequal_core::canonical::to_string(&payload).unwrap();
    let error = Bundle::from_payload(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("cap `cn-24` names types of lender"), "{error}");
}

/// Thirty per cent of 6,000.00 are paid to the shop; 4,200.00 are lent, and only they are scheduled, priced and capped.
#[test]
fn a_down_payment_is_no_part_of_the_loan() {
    let decision = graded("A", 600_000);
    let offer = decision.offers.iter().find(|offer| offer.plan == "down-payment-3").unwrap();
    assert_eq!((offer.price.minor(), offer.down_payment.minor(), offer.principal.minor()), (600_000, 180_000, 420_000));
    let made = prequal_core::credit::schedule(&offer.terms).unwrap();
    assert_eq!((made.total_principal, made.down_payment.minor()), (offer.principal, 0));
    assert_eq!(made.installments, offer.installments);
    assert_eq!(offer.installments[0].principal.minor(), 140_000);
    assert_eq!(made.total, offer.total);
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
