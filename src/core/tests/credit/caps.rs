//! Legal ceilings: which plans and charges they let through, and what they say of the others.

use prequal_core::credit::{
    Installment, PayoffInput, Rules, Terms,
    caps::{
        ChargeCap, ChargeKind, Charged, Finding, PlanCap, PlanFacts, judge_charge, judge_plan, judge_terms, rules_under,
    },
    payoff, schedule,
};
use serde_json::{Value, json};

use super::{amount, date};

fn caps(value: Value) -> Vec<PlanCap> {
    serde_json::from_value(value).unwrap()
}

fn percent(ceiling: &str, convention: &str) -> Value {
    json!([{"id": format!("cap_{ceiling}"), "from": "2025-10-01", "measure": "annual_rate",
            "convention": convention, "ceiling_percent": ceiling}])
}

fn judged(value: Value, terms: Value, rules: Value) -> Vec<Finding> {
    let terms: Terms = serde_json::from_value(terms).unwrap();
    let rules: Rules = serde_json::from_value(rules).unwrap();
    judge_terms(&caps(value), &terms, Some(&rules), "bank").unwrap()
}

/// 36 instalments of 18.23 on a price of 400 at a 24 % ceiling: refused, with 35.60 % and the ceiling.
#[test]
fn thirty_six_times_18_23_on_400_is_refused_at_24_percent() {
    let mut balance = 40_000;
    let installments: Vec<Installment> = (1_u16..=36)
        .map(|number| {
            let principal = if number == 36 { balance } else { 40_000 / 36 };
            balance -= principal;
            Installment {
                number,
                due: date("2026-01-15").add_months(i32::from(number), Default::default()).unwrap(),
                principal: amount(principal),
                interest: amount(1_823 - principal),
                fee: amount(0),
                total: amount(1_823),
                balance: amount(balance),
            }
        })
        .collect();
    let facts = PlanFacts {
        lender: "platform",
        signed: date("2026-01-15"),
        start: date("2026-01-15"),
        price: amount(40_000),
        lent: amount(40_000),
        upfront: amount(0),
        every: None,
        installments: &installments,
        fee_lines: &[],
        default_cost: None,
        disclosed: None,
    };
    for (ceiling, passes) in [("24", false), ("35.59", false), ("36", true)] {
        let findings = judge_plan(&caps(percent(ceiling, "cn_irr")), &facts).unwrap();
        assert_eq!(findings[0].passes, passes);
        let verb = if passes { "is within" } else { "exceeds" };
        assert_eq!(
            findings[0].to_string(),
            format!("annual rate of 35.60 % {verb} the ceiling of {ceiling} % of `cap_{ceiling}`")
        );
    }
}

fn fee_plan(first_due: &str, per_period: &str) -> Value {
    json!({"currency": "CNY", "principal": 120_000, "start": "2026-01-15",
        "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "first_due": first_due,
                      "fee_percent_per_period": per_period}})
}

/// 12 × 1.1 % of the original principal is 23.5 % with the first due after a month and 26.4 % (26.39) after ten days.
#[test]
fn twelve_times_1_1_percent_is_allowed_after_a_month_and_refused_after_ten_days() {
    let cap = || percent("24", "cn_irr");
    let month = judged(cap(), fee_plan("2026-02-15", "1.1"), json!({}));
    assert!(month[0].passes && month[0].reached_percent.starts_with("23.5"), "{}", month[0]);
    let ten_days = judged(cap(), fee_plan("2026-01-25", "1.1"), json!({}));
    assert!(!ten_days[0].passes && ten_days[0].reached_percent == "26.39", "{}", ten_days[0]);
    // The highest price that it names passes, and a ten-thousandth more does not.
    let highest = ten_days[0].highest_price_percent.clone().unwrap();
    assert!(judged(cap(), fee_plan("2026-01-25", &highest), json!({}))[0].passes);
    let ten_thousandths: f64 = highest.parse::<f64>().unwrap() + 0.0001;
    let more = judged(cap(), fee_plan("2026-01-25", &format!("{ten_thousandths:.4}")), json!({}));
    assert!(!more[0].passes, "{highest}");
    assert!(ten_days[0].to_string().ends_with(&format!("; at most a price of {highest} % would pass")));
    // 12 × 1.2 % is 25.6 % and breaks 24 % (Baitiao's dearest published rate).
    let baitiao = judged(cap(), fee_plan("2026-02-15", "1.2"), json!({}));
    assert!(!baitiao[0].passes && baitiao[0].reached_percent.starts_with("25.6"), "{}", baitiao[0]);
}

#[test]
fn a_cap_binds_by_date_and_by_type_of_lender() {
    let cap = json!([{"id": "micro", "from": "2026-01-15", "until": "2026-06-30", "lenders": ["micro_lender"],
        "measure": "annual_rate", "convention": "cn_irr", "ceiling_percent": "24"}]);
    let dear = |start: &str, lender: &str| {
        let mut terms = fee_plan("2026-12-15", "2");
        terms["start"] = json!(start);
        let terms: Terms = serde_json::from_value(terms).unwrap();
        judge_terms(&caps(cap.clone()), &terms, None, lender).unwrap().len()
    };
    assert_eq!(dear("2026-01-15", "micro_lender"), 1);
    assert_eq!(dear("2026-01-14", "micro_lender"), 0);
    assert_eq!(dear("2026-07-01", "micro_lender"), 0);
    assert_eq!(dear("2026-01-15", "bank"), 0);
}

fn monthly(percent: &str, start: &str) -> Value {
    json!({"currency": "CNY", "principal": 1_200_000, "start": start,
        "rate": {"annual_percent": percent, "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}})
}

/// Four times the one-year prime rate of the contract's month: 15.4 % in 2021 (3.85 %), 12 % at 3.0 %.
#[test]
fn four_times_the_prime_rate_follows_the_month_of_the_contract() {
    let cap = || {
        json!([{"id": "private", "from": "2020-08-20", "measure": "annual_rate", "convention": "cn_irr",
        "multiple": "4", "reference": [{"from": "2020-04-20", "percent": "3.85"}, {"from": "2025-05-20", "percent": "3.0"}]}])
    };
    for (rate, start, ceiling, passes) in [
        ("15.4", "2021-03-01", "15.4", true),
        ("15.5", "2021-03-01", "15.4", false),
        ("15.4", "2026-03-01", "12", false),
    ] {
        let [finding] = &judged(cap(), monthly(rate, start), json!({}))[..] else { panic!("one cap") };
        assert_eq!((finding.ceiling_percent.as_str(), finding.passes), (ceiling, passes), "{finding}");
    }
    let refused = judged(cap(), monthly("15.5", "2021-03-01"), json!({}));
    // A level loan's rate is its price, but for the cents.
    let highest: f64 = refused[0].highest_price_percent.as_ref().unwrap().parse().unwrap();
    assert!((15.39..15.41).contains(&highest), "{highest}");
}

/// Military Lending Act (32 CFR 232): 36 % MAPR with fees that Regulation Z's rate leaves out.
#[test]
fn the_military_rate_counts_charges_that_another_law_leaves_out() {
    let mut terms = monthly("30", "2026-03-01");
    terms["fees"] = json!([{"code": "credit_insurance", "payee": "insurer", "amount": 60_000, "when": "spread"}]);
    let military = percent("36", "us_reg_z");
    let mut ordinary = military.clone();
    ordinary[0]["excludes"] = json!(["credit_insurance"]);
    assert!(!judged(military, terms.clone(), json!({}))[0].passes);
    let [finding] = &judged(ordinary, terms, json!({}))[..] else { panic!("one cap") };
    assert!(finding.passes && finding.reached_percent == "30.00", "{finding}");
}

/// FCA PS14/16: at most 0.8 % a day, so 24 pounds for 100 over 30 days, and never more than the loan itself.
#[test]
fn the_british_caps_on_short_term_credit() {
    let cap = || {
        json!([{"id": "initial_cost", "from": "2015-01-02", "measure": "daily_cost", "ceiling_percent": "0.8"},
                        {"id": "total_cost", "from": "2015-01-02", "measure": "total_cost", "ceiling_percent": "100"}])
    };
    let loan = |days: u32, fee: i64| {
        json!({"currency": "GBP", "principal": 10_000, "start": "2026-03-01",
        "rate": {"daily_percent": "0"}, "fees": [{"code": "charge", "payee": "lender", "amount": fee, "when": "first"}],
        "repayment": {"method": "single", "every": format!("P{days}D")}})
    };
    let passes = |days: u32, fee: i64| -> Vec<bool> {
        judged(cap(), loan(days, fee), json!({})).iter().map(|finding| finding.passes).collect()
    };
    assert_eq!(passes(30, 2_400), [true, true]);
    assert_eq!(passes(30, 2_401), [false, true]);
    assert_eq!(passes(150, 10_000), [true, true]);
    assert_eq!(passes(150, 10_001), [true, false]);
    let [daily, total] = &judged(cap(), loan(30, 3_000), json!({}))[..] else { panic!("two caps") };
    assert_eq!(daily.to_string(), "cost a day of 1.0000 % exceeds the ceiling of 0.8 % of `initial_cost`");
    assert_eq!(total.reached_percent, "30.00");
    // A fee at once weighs more than one at the end: two halves, the charge with the first.
    let halves = json!({"currency": "GBP", "principal": 10_000, "start": "2026-03-01", "rate": {"daily_percent": "0"},
        "fees": [{"code": "charge", "payee": "lender", "amount": 1_300, "when": "first"}],
        "repayment": {"method": "equal_principal", "count": 2, "every": "P15D"}});
    assert_eq!(judged(cap(), halves, json!({}))[0].reached_percent, "0.8667");
}

/// A penalty of 1.5 × 0.05 % a day is 27.375 % a year; judged against each kind of ceiling.
#[test]
fn the_cost_of_default_is_judged_before_signing() {
    let terms = json!({"currency": "CNY", "principal": 1_000_000, "start": "2026-03-01",
        "rate": {"daily_percent": "0.05"}, "repayment": {"method": "equal_principal", "count": 10, "every": "P1M"}});
    let rule = |mode: &str| json!({"penalty": {"multiple": "1.5", "mode": mode, "base": "overdue_principal"}});
    let default = |ceiling: Value, mode: &str| {
        let mut cap = json!({"id": "default", "from": "2020-01-01", "measure": "default_rate"});
        for (field, value) in ceiling.as_object().unwrap() {
            cap[field] = value.clone();
        }
        let findings = judged(json!([cap]), terms.clone(), rule(mode));
        (findings[0].reached_percent.clone(), findings[0].passes)
    };
    let reached = |percent: &str, passes: bool| (percent.to_owned(), passes);
    assert_eq!(default(json!({"ceiling_percent": "24"}), "in_place"), reached("27.38", false));
    assert_eq!(default(json!({"ceiling_percent": "36"}), "in_place"), reached("27.38", true));
    assert_eq!(default(json!({"ceiling_percent": "27.375"}), "in_place"), reached("27.38", true));
    assert_eq!(default(json!({"ceiling_percent": "36"}), "in_addition"), reached("45.63", false));
    assert_eq!(default(json!({"ceiling_percent": "27", "year_days": 360}), "in_place"), reached("27.00", true));
    let prime = json!({"multiple": "4", "reference": [{"from": "2025-05-20", "percent": "3.0"}]});
    assert_eq!(default(prime, "in_place"), reached("27.38", false));
    let bands = json!({"bands": [{"amount_max": 999_999, "ceiling_percent": "30"}, {"ceiling_percent": "20"}]});
    assert_eq!(default(bands, "in_place"), reached("27.38", false));
    // Without a penalty there is nothing to judge.
    let cap = json!([{"id": "default", "from": "2020-01-01", "measure": "default_rate", "ceiling_percent": "24"}]);
    assert!(judged(cap, terms.clone(), json!({})).is_empty());
}

/// Afterpay (Australia): late fees at most the lesser of a quarter of the purchase and 68 dollars. Klarna: a quarter.
#[test]
fn late_fees_stay_within_a_share_of_the_purchase() {
    let cap = || json!([{"id": "quarter", "from": "2020-01-01", "measure": "late_fees", "ceiling_percent": "25", "amount": 6_800}]);
    let passes = |principal: i64, fee: i64| {
        let terms = json!({"currency": "AUD", "principal": principal, "start": "2026-03-01",
            "repayment": {"method": "free", "count": 4, "every": "P2W"}});
        let rules = json!({"late_fee": {"tiers": [{"amount": fee}]}});
        judged(cap(), terms, rules)[0].passes
    };
    assert!(passes(16_000, 1_000) && !passes(15_999, 1_000));
    assert!(passes(100_000, 1_700) && !passes(100_000, 1_701));
}

#[test]
fn every_charge_is_judged_when_it_would_be_posted() {
    let cap: Vec<ChargeCap> = serde_json::from_value(json!([
        {"id": "default_fees", "from": "2015-01-02", "counts": ["late_fee"], "amount": 1_500},
        {"id": "total_cost", "from": "2015-01-02", "until": "2026-12-31", "counts": ["interest", "fee", "late_fee", "penalty"],
         "percent_of_principal": "100"}
    ])).unwrap();
    let judge = |on: &str, kind: ChargeKind, minor: i64, charged: Charged| {
        let judged = judge_charge(&cap, date(on), kind, amount(minor), &charged).unwrap();
        (judged.allowed.minor(), judged.cap.map(|cap| cap.id.clone()))
    };
    let charged =
        Charged { lent: amount(10_000), interest: amount(9_000), late_fee: amount(300), ..Charged::default() };
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(judge("2026-03-01", ChargeKind::LateFee, 700, charged), (700, None));
    assert_eq!(judge("2026-03-01", ChargeKind::LateFee, 701, charged), (700, named("total_cost")));
    assert_eq!(judge("2027-01-01", ChargeKind::LateFee, 1_201, charged), (1_200, named("default_fees")));
    assert_eq!(judge("2014-12-31", ChargeKind::LateFee, 99_999, charged), (99_999, None));
    assert_eq!(judge("2026-03-01", ChargeKind::PrepaymentFee, 5_000, charged), (5_000, None));
    let full = Charged { interest: amount(10_001), ..charged };
    assert_eq!(judge("2026-03-01", ChargeKind::Penalty, 1, full), (0, named("total_cost")));
}

#[test]
fn caps_that_say_too_little_or_too_much_are_refused() {
    let terms: Terms = serde_json::from_value(monthly("12", "2026-03-01")).unwrap();
    let made = schedule(&terms).unwrap();
    let base = json!({"id": "cap", "from": "2020-01-01", "measure": "annual_rate", "convention": "cn_irr", "ceiling_percent": "24"});
    for (field, value, code) in [
        ("convention", Value::Null, "missing_field"),
        ("ceiling_percent", Value::Null, "missing_field"),
        ("ceiling_percent", json!("-1"), "percent_out_of_range"),
        ("multiple", json!("4"), "conflicting_fields"),
        ("bands", json!([{"ceiling_percent": "1"}]), "conflicting_fields"),
        ("year_days", json!(300), "not_applicable"),
        ("id", json!(""), "invalid_text"),
    ] {
        let mut cap = base.clone();
        if value.is_null() {
            cap.as_object_mut().unwrap().remove(field);
        } else {
            cap[field] = value;
        }
        let error = judge_plan(&caps(json!([cap])), &PlanFacts::of(&terms, &made, "bank")).unwrap_err();
        assert_eq!(error.code(), code, "{field}");
    }
    assert!(serde_json::from_value::<PlanCap>(json!({"colour": "red"})).is_err());
}

/// Bundles are read by the core's own reader: it takes the same documents as serde does.
#[test]
fn caps_and_rules_read_back_as_they_were_written() {
    let cap = caps(json!([{"id": "private", "basis": "a ruling", "from": "2020-08-20", "until": "2027-12-31",
        "lenders": ["micro_lender"], "measure": "annual_rate", "convention": "cn_irr", "excludes": ["stamp"],
        "multiple": "4", "reference": [{"from": "2020-04-20", "percent": "3.85"}]}]));
    let text = serde_json::to_string(&cap).unwrap();
    assert_eq!(prequal_core::json::from_str::<Vec<PlanCap>>(&text).unwrap(), cap);
    let rules: Rules = serde_json::from_value(json!({
        "allocation": {"direction": "horizontal", "rest": "reamortise"},
        "penalty": {"multiple": "1.5", "mode": "in_place", "base": "overdue_principal", "grace_days": 3},
        "late_fee": {"tiers": [{"amount": 1_000}, {"after_days": 7, "percent": "5"}], "per": "loan", "cap_percent": "25"},
        "prepayment": {"fee_percent": "1", "ceiling": {"percent": "1", "percent_within_year": "0.5"}, "cost_reduction": "linear"},
        "refund": {"order": "pro_rata", "fees_refunded": true}, "withdrawal_days": 14,
        "caps": [{"id": "total", "from": "2015-01-02", "counts": ["late_fee", "penalty"], "percent_of_principal": "100"}]
    }))
    .unwrap();
    let text = serde_json::to_string(&rules).unwrap();
    assert_eq!(prequal_core::json::from_str::<Rules>(&text).unwrap(), rules);
    assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), rules);
    let error = prequal_core::json::from_str::<Rules>(r#"{"gift":1}"#).unwrap_err().to_string();
    assert!(error.contains("unknown field `gift`"), "{error}");
}

/// The law that judged the plan goes on judging each charge: what `prequal payoff` is given as `law`.
fn payoff_under(law: Value, rules: Value, date: &str) -> prequal_core::credit::Payoff {
    let mut question = rules;
    question["terms"] = json!({"currency": "GBP", "principal": 10_000, "start": "2026-03-01",
        "fees": [{"code": "charge", "payee": "lender", "amount": 2_400, "when": "first"}],
        "repayment": {"method": "free", "count": 1, "every": "P30D"}});
    question["law"] = law;
    question["date"] = json!(date);
    payoff(&serde_json::from_value::<PayoffInput>(question).unwrap()).unwrap()
}

/// FCA CONC 5A.2.2: whatever happens, no more than the 100.00 that were lent is charged. 24.00 were charged with the
/// loan, so 76.00 of late fees of 10.00 a week pass, and the eighth is cut.
#[test]
fn the_total_cost_cap_stops_late_fees_over_the_loans_life() {
    let law = json!({"caps": [{"id": "total_cost", "from": "2015-01-02", "measure": "total_cost", "ceiling_percent": "100"}]});
    let tiers: Vec<Value> = (0..10).map(|week| json!({"after_days": week * 7, "amount": 1_000})).collect();
    let state = payoff_under(law, json!({"late_fee": {"tiers": tiers}}), "2026-09-01");
    assert_eq!(state.penalty, amount(7_600));
    let cut: Vec<_> = state.not_charged.iter().map(|one| (one.cap.as_str(), one.amount.minor())).collect();
    assert_eq!(cut, [("total_cost", 400), ("total_cost", 1_000), ("total_cost", 1_000)]);
}

/// Klarna and Afterpay: late fees at most a quarter of the purchase, of 159.99 it is 39.99.
#[test]
fn the_late_fee_cap_is_a_share_of_the_purchase_over_the_loans_life() {
    let terms: Terms = serde_json::from_value(json!({"currency": "AUD", "principal": 15_999, "start": "2026-03-01",
        "repayment": {"method": "free", "count": 4, "every": "P2W", "down_payment": {"percent": "25"}}}))
    .unwrap();
    let made = schedule(&terms).unwrap();
    let law = |amount: Value| {
        let mut cap = json!({"id": "quarter", "from": "2020-01-01", "measure": "late_fees", "ceiling_percent": "25"});
        cap["amount"] = amount;
        caps(json!([cap]))
    };
    let rules: Rules = serde_json::from_value(json!({"late_fee": {"tiers": [{"amount": 1_000}]}})).unwrap();
    let bound = |law: Vec<PlanCap>| rules_under(&rules, &law, &terms, &PlanFacts::of(&terms, &made, "bank")).unwrap();
    // Of the price, not of what is lent after the first payment.
    assert_eq!(bound(law(json!(6_800))).caps[0].amount, Some(amount(3_999)));
    assert_eq!(bound(law(json!(3_000))).caps[0].amount, Some(amount(3_000)));
    let caps = bound(law(json!(6_800))).caps;
    let charged = Charged { lent: made.total_principal, late_fee: amount(3_000), ..Charged::default() };
    let judged = judge_charge(&caps, date("2026-08-01"), ChargeKind::LateFee, amount(1_000), &charged).unwrap();
    assert_eq!((judged.allowed, judged.cap.map(|cap| cap.id.as_str())), (amount(999), Some("quarter")));
}

/// The contract's law is that of the day of signature: a cap that ended before binds nothing later, one that began
/// later does not reach back.
#[test]
fn the_law_of_a_contract_is_that_of_its_day() {
    let law = |from: &str, until: &str| json!({"caps": [{"id": "total_cost", "from": from, "until": until, "measure": "total_cost", "ceiling_percent": "30"}]});
    let late = json!({"late_fee": {"tiers": [{"amount": 5_000}]}});
    let penalty = |from: &str, until: &str| payoff_under(law(from, until), late.clone(), "2026-09-01").penalty;
    assert_eq!(penalty("2026-03-01", "2026-03-01"), amount(600));
    assert_eq!(penalty("2015-01-02", "2026-02-28"), amount(5_000));
    assert_eq!(penalty("2026-03-02", "2027-01-01"), amount(5_000));
    let spares = json!({"lender": "bank", "caps": [{"id": "x", "from": "2015-01-02", "lenders": ["payday"],
        "measure": "total_cost", "ceiling_percent": "30"}]});
    assert_eq!(payoff_under(spares, late, "2026-09-01").penalty, amount(5_000));
}

/// A penalty of 1.5 × the contract's rate under 24 % a year: 12 % makes 18 %; after a change of the rate to 18 % it would
/// be 27 %, and 24 % is charged. Beside interest of 12 % only 12 % are left for it.
#[test]
fn the_ceiling_on_the_rate_of_default_holds_when_the_rate_rises() {
    let penalty_of = |mode: &str, rate: Option<&str>| {
        let mut question = json!({"terms": {"currency": "CNY", "principal": 1_000_000, "start": "2026-01-01",
            "rate": {"annual_percent": "12", "day_count": "actual/365"},
            "repayment": {"method": "single", "every": "P100D"}}, "date": "2026-06-20",
            "penalty": {"multiple": "1.5", "mode": mode, "base": "overdue_principal"},
            "law": {"caps": [{"id": "default", "from": "2020-08-20", "measure": "default_rate", "ceiling_percent": "24"}]}});
        if let Some(rate) = rate {
            let changed = json!({"annual_percent": rate, "day_count": "actual/365"});
            question["events"] = json!([{"type": "rate_change", "date": "2026-02-01", "rate": changed}]);
        }
        payoff(&serde_json::from_value::<PayoffInput>(question).unwrap()).unwrap().penalty
    };
    // Due on 2026-04-11, 70 days late: 10,000.00 × 70 / 365 at 18, 24 and 12 %.
    assert_eq!(penalty_of("in_place", None), amount(34_521));
    assert_eq!(penalty_of("in_place", Some("18")), amount(46_027));
    assert_eq!(penalty_of("in_addition", None), amount(23_014));
}

/// 0.8 % a day bounds the penalty too (FCA CONC 5A.2.14): 1 % a day on 100.00 for 10 days is 8.00, not 10.00.
#[test]
fn the_cap_on_the_cost_of_a_day_bounds_the_penalty_of_a_day() {
    let law = json!({"caps": [{"id": "initial_cost", "from": "2015-01-02", "measure": "daily_cost", "ceiling_percent": "0.8"}]});
    let penalty = json!({"penalty": {"rate": {"daily_percent": "1"}, "mode": "in_place", "base": "overdue_principal"}});
    assert_eq!(payoff_under(law, penalty, "2026-04-10").penalty, amount(800));
}

/// A fee of 3 % for paying 5,000.00 early is 150.00; under a cap of 100.00 in all, 50.00 are not charged, and it says so.
#[test]
fn a_prepayment_fee_above_a_cap_is_cut_and_named() {
    let question = json!({"terms": {"currency": "EUR", "principal": 1_000_000, "start": "2026-01-01",
        "rate": {"annual_percent": "0", "day_count": "30/360"},
        "repayment": {"method": "single", "every": "P12M"}}, "date": "2026-06-01",
        "prepayment": {"fee_percent": "3"},
        "caps": [{"id": "early", "from": "2020-01-01", "counts": ["prepayment_fee"], "amount": 10_000}],
        "events": [{"type": "prepayment", "date": "2026-05-01", "amount": 510_000}]});
    let state = payoff(&serde_json::from_value::<PayoffInput>(question).unwrap()).unwrap();
    assert_eq!(state.principal, amount(500_000));
    let [cut] = &state.not_charged[..] else { panic!("one fee was cut") };
    assert_eq!((cut.charge, cut.amount, cut.cap.as_str()), (ChargeKind::PrepaymentFee, amount(5_000), "early"));
}
