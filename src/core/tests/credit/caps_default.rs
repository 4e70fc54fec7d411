//! What being late costs at most, and what caps on default say of it before anything is signed.

use prequal_core::credit::{
    Effect, Event, EventKind, LateRules, RefundOrder, Rules, Terms, account_by,
    caps::{CapsInput, CapsVerdict, DefaultCost, Finding, judge_caps},
    schedule,
};
use serde_json::{Value, json};

use super::{
    amount,
    draw::{Draw, METHODS},
    draw_life::{Drawn, life},
};

fn verdict(terms: &Value, penalty: Value, cap: Value) -> CapsVerdict {
    let mut input = json!({"terms": terms, "caps": [cap]});
    input["penalty"] = penalty;
    judge_caps(&serde_json::from_value::<CapsInput>(input).unwrap()).unwrap()
}

fn finding(terms: &Value, penalty: Value, cap: Value) -> Finding {
    verdict(terms, penalty, cap).findings.remove(0)
}

fn cap(measure: &str, ceiling: &str) -> Value {
    json!({"id": measure, "from": "2015-01-02", "measure": measure, "ceiling_percent": ceiling})
}

fn monthly(annual_percent: &str, day_count: &str) -> Value {
    json!({"currency": "GBP", "principal": 100_000, "start": "2026-01-10",
        "rate": {"annual_percent": annual_percent, "day_count": day_count},
        "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}})
}

/// FCA CONC 5A.2.2: charges must not be *capable of* exceeding the credit. A penalty that only time limits is.
#[test]
fn a_penalty_without_a_ceiling_keeps_no_cap_on_the_total_cost() {
    let terms = monthly("12", "30/360");
    let penalty = json!({"rate": {"daily_percent": "0.1"}, "mode": "in_place", "base": "overdue_principal"});
    let open = verdict(&terms, penalty.clone(), cap("total_cost", "100"));
    assert!(!open.passes && !open.findings[0].passes);
    assert_eq!(
        open.findings[0].to_string(),
        "total cost breaks the ceiling of 100 % of `total_cost`: the cost of default has no ceiling; sign a \
         `ceiling_percent_of_principal` of the penalty"
    );
    assert_eq!(open.findings[0].highest_price_percent, None);
    assert_eq!(open.cost_of_default.penalty_most, None);
    // With a ceiling it counts in full: 6.62 % of interest and 93.38 % make 100 %.
    let signed = |percent: &str| {
        let mut signed = penalty.clone();
        signed["ceiling_percent_of_principal"] = json!(percent);
        finding(&terms, signed, cap("total_cost", "100"))
    };
    assert_eq!((signed("93.3").passes, signed("93.3").reason), (true, None));
    assert!(!signed("93.5").passes && signed("93.5").reason.is_none());
    // A penalty of nothing needs none.
    let free = json!({"rate": {"daily_percent": "0"}, "mode": "in_place", "base": "overdue_principal"});
    assert!(finding(&terms, free, cap("total_cost", "100")).passes);
    // Other caps do not ask for one.
    assert!(finding(&terms, penalty, cap("default_rate", "36.5")).passes);
}

/// 0.8 % a day binds what a day of being late costs, too: "firms can continue to charge interest after default but not
/// above the initial rate" (FCA, price cap on high-cost short-term credit).
#[test]
fn a_cap_on_the_cost_of_a_day_counts_the_days_of_default() {
    let terms = monthly("12", "actual/365");
    let late = |percent: &str, mode: &str| {
        let penalty = json!({"rate": {"daily_percent": percent}, "mode": mode, "base": "overdue_principal"});
        finding(&terms, penalty, cap("daily_cost", "0.8"))
    };
    assert!(late("0.8", "in_place").passes);
    assert!(!late("0.8001", "in_place").passes);
    // Beside 12 % a year there are 0.7671 % left.
    assert!(late("0.767", "in_addition").passes && !late("0.768", "in_addition").passes);
    let a_year = |percent: &str, day_count: &str| {
        let rate = json!({"annual_percent": percent, "day_count": day_count});
        let penalty = json!({"rate": rate, "mode": "in_place", "base": "overdue_principal"});
        finding(&terms, penalty, cap("daily_cost", "0.8")).reached_percent
    };
    // 292 % of 365 days are 0.8 % a day, of 360 days 0.8111 %.
    assert_eq!((a_year("292", "actual/365"), a_year("292", "actual/360")), ("0.8000".into(), "0.8111".into()));
    assert_eq!((a_year("288", "30/360"), a_year("291.2", "actual/364")), ("0.8000".into(), "0.8000".into()));
}

/// 0.05 % × 1.5 = 0.075 % a day by hand. What only time limits breaks a total cost cap; what the contract limits does not.
#[test]
fn one_and_a_half_times_five_hundredths_a_day_under_caps_by_day_and_in_all() {
    let mut terms = monthly("0", "30/360");
    terms["rate"] = json!({"daily_percent": "0.05"});
    let mut penalty = json!({"multiple": "1.5", "mode": "in_place", "base": "overdue_principal"});
    assert!(finding(&terms, penalty.clone(), cap("daily_cost", "0.075")).passes);
    assert!(!finding(&terms, penalty.clone(), cap("daily_cost", "0.0749")).passes);
    assert!(!finding(&terms, penalty.clone(), cap("total_cost", "100")).passes);
    penalty["ceiling_percent_of_principal"] = json!("10");
    assert!(finding(&terms, penalty, cap("total_cost", "100")).passes);
}

/// 18 % a year that joins itself on every monthly due date is 19.56 %: (1 + 0.18 / 12)^12 = 1.1956, a little less by days.
#[test]
fn a_penalty_that_compounds_counts_with_what_it_adds_to_itself() {
    let reached = |count: u16, compounding: bool| {
        let mut terms = monthly("6", "30/360");
        terms["repayment"]["count"] = json!(count);
        let penalty = json!({"rate": {"annual_percent": "18", "day_count": "actual/365"}, "mode": "in_place",
            "base": "overdue_amount", "compounding": compounding, "law_allows_compounding": compounding});
        finding(&terms, penalty, cap("default_rate", "19"))
    };
    assert_eq!((reached(13, false).reached_percent, reached(13, false).passes), ("18.00".into(), true));
    assert_eq!((reached(13, true).reached_percent, reached(13, true).passes), ("19.56".into(), false));
    // Nothing falls due after a single payment: nothing joins.
    assert_eq!(reached(1, true).reached_percent, "18.00");
    // In the year after the first of two: 31 days and then 334.
    let two = 100.0 * ((1.0 + 0.18 * 28.0 / 365.0) * (1.0 + 0.18 * 337.0 / 365.0) - 1.0);
    assert_eq!(reached(2, true).reached_percent, format!("{two:.2}"));
}

/// What just exceeds a ceiling is shown with the decimals that say so.
#[test]
fn what_exceeds_a_ceiling_never_reads_like_the_ceiling() {
    let terms = monthly("12", "30/360");
    let late = |percent: &str| {
        let penalty = json!({"rate": {"annual_percent": percent, "day_count": "actual/365"}, "mode": "in_place",
            "base": "overdue_principal"});
        finding(&terms, penalty, cap("default_rate", "24"))
    };
    for (percent, shown, passes) in [
        ("24", "24.00", true),
        ("24.0000004", "24.0000004", false),
        ("24.0049", "24.005", false),
        ("24.01", "24.01", false),
    ] {
        let found = late(percent);
        assert_eq!((found.reached_percent.as_str(), found.passes), (shown, passes), "{percent}");
    }
}

/// 1,200.00 in twelve equal parts at 3 % a month of which nothing is ever paid: each instalment is 100.00 and 36.00 of
/// interest, so late fees of 10 % come to 163.20. Rounding may add a cent here and there.
#[test]
fn what_is_missed_goes_on_bearing_interest_and_late_fees_are_quoted_on_it() {
    let terms: Terms = serde_json::from_value(json!({"currency": "USD", "principal": 120_000, "start": "2026-01-01",
        "rate": {"annual_percent": "36", "day_count": "30/360"},
        "repayment": {"method": "equal_principal", "count": 12, "every": "P1M"}}))
    .unwrap();
    let rules: Rules = serde_json::from_value(json!({"late_fee": {"tiers": [{"percent": "10"}]}})).unwrap();
    let made = schedule(&terms).unwrap();
    let quoted = DefaultCost::of(&terms, &made, rules.late()).unwrap().quoted.late_fees_most;
    let state = account_by(&terms, &rules, &[], super::date("2028-01-01")).unwrap();
    assert_eq!(state.balance.penalty, amount(16_320));
    assert!((16_320..=16_350).contains(&quoted.minor()), "{quoted}");
    // Without interest, rounding down, it is exact.
    let free: Terms = serde_json::from_value(json!({"currency": "USD", "principal": 120_000, "start": "2026-01-01",
        "rounding": "down", "repayment": {"method": "free", "count": 12, "every": "P1M"}}))
    .unwrap();
    let made = schedule(&free).unwrap();
    assert_eq!(DefaultCost::of(&free, &made, rules.late()).unwrap().quoted.late_fees_most, amount(12_000));
}

/// Repayments, prepayments and refunds: nothing, some, and short by a little, on any day.
fn events(draw: &mut Draw, terms: &Terms, until: i64) -> Vec<Event> {
    let principal = terms.principal.minor();
    let most = draw.one(&[0, 1, 6, 40]);
    (0..draw.between(0, most))
        .map(|_| {
            let money = match draw.between(0, 3) {
                0 => amount(draw.between(1, 3)),
                1 => amount(draw.between(1, principal / 3 + 1)),
                _ => amount(draw.between(1, principal / i64::from(terms.repayment.count) + 1)),
            };
            let kind = match draw.between(0, 9) {
                0 => EventKind::Prepayment {
                    amount: money,
                    effect: Some(draw.one(&[Effect::ShortenTerm, Effect::LowerInstallment])),
                },
                1 => EventKind::Refund {
                    amount: amount(draw.between(1, principal / 20 + 1)),
                    order: Some(draw.one(&[RefundOrder::LastFirst, RefundOrder::FirstFirst, RefundOrder::ProRata])),
                },
                _ => EventKind::Repayment(money),
            };
            Event { id: None, date: terms.start.add_days(draw.days(0, until)).unwrap(), kind }
        })
        .collect()
}

/// Whatever is paid, in part or not at all: late fees and penalties never come to more than was quoted.
#[test]
fn no_life_is_charged_more_for_being_late_than_was_quoted() {
    let (mut charged, mut reached, mut least_slack) = (0_u32, 0_u32, i64::MAX);
    let cases: u64 = std::env::var("PREQUAL_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    for case in 0..cases {
        let mut draw = Draw::new(0xdef0 << 32 | case);
        let (_, method) = draw.one(&METHODS);
        let Drawn { terms, mut rules, .. } = life(&mut draw, method);
        rules.caps.clear();
        let Ok(made) = schedule(&terms) else { continue };
        let Ok(cost) = DefaultCost::of(&terms, &made, LateRules { ..rules.late() }) else { continue };
        let quoted = cost.quoted;
        let last = made.installments.last().unwrap().due;
        let span = i64::from(last.days() - terms.start.days()) + 120;
        let events = events(&mut draw, &terms, span);
        let asked = terms.start.add_days(span as i32).unwrap();
        let of = |rules: &Rules| {
            let Ok(state) = account_by(&terms, rules, &events, asked) else { return None };
            // What is owed of it, whether or not it has been paid.
            Some(state.installments.iter().map(|row| row.owed.penalty.minor()).sum::<i64>())
        };
        let Some(late_fees) = of(&Rules { penalty: None, ..rules.clone() }) else { continue };
        let shown = || {
            format!(
                "case {case}: {}\n{}",
                serde_json::to_string(&terms).unwrap(),
                serde_json::to_string(&rules).unwrap()
            )
        };
        assert!(late_fees <= quoted.late_fees_most.minor(), "{late_fees} of {quoted:?}\n{}\n{events:?}", shown());
        if let Some(most) = quoted.penalty_most {
            let penalty = of(&Rules { late_fee: None, ..rules.clone() }).unwrap();
            assert!(penalty <= most.minor(), "{penalty} of {quoted:?}\n{}", shown());
        }
        charged += u32::from(late_fees > 0);
        reached += u32::from(late_fees * 10 > quoted.late_fees_most.minor() * 9 && late_fees > 0);
        if late_fees > 0 {
            least_slack = least_slack.min(quoted.late_fees_most.minor() - late_fees);
        }
    }
    println!(
        "{charged} lives were charged late fees, {reached} of them within a tenth of what was quoted, one within {least_slack}"
    );
    assert!(u64::from(charged) * 5 > cases && u64::from(reached) * 10 > cases, "{charged} {reached}");
}
