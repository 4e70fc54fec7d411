//! The ends of the world of money, each through the command line: the smallest and the largest amounts, days that
//! months lack, currencies without and with three decimals, dear plans, and every kind of bad input.

mod common;

use common::run;
use serde_json::{Value, json};

/// The largest amount, 2^53 − 1.
const AMOUNT_MAX: i64 = 9_007_199_254_740_991;

fn answer(command: &str, input: &Value) -> Value {
    let output = run(&[command], &input.to_string());
    assert!(output.status.success(), "{}: {input}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one readable line of an error: exit code 1 and nothing on standard output.
fn refusal(command: &str, input: &Value) -> String {
    let output = run(&[command], &input.to_string());
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{input}");
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.strip_prefix("prequal: ").and_then(|rest| rest.strip_suffix('\n')).unwrap();
    assert!(!line.is_empty() && !line.contains('\n'), "{line}");
    line.to_owned()
}

fn terms(currency: &str, principal: i64, rate: &str, repayment: Value) -> Value {
    json!({"currency": currency, "principal": principal, "start": "2026-01-31",
        "rate": {"annual_percent": rate, "day_count": "30/360"}, "repayment": repayment})
}

fn level(count: u16) -> Value {
    json!({"method": "equal_installment", "count": count, "every": "P1M"})
}

fn column(schedule: &Value, field: &str) -> Vec<Value> {
    schedule["installments"].as_array().unwrap().iter().map(|row| row[field].clone()).collect()
}

/// The flows of a schedule as the question for its rate.
fn rate_of(convention: &str, terms: &Value) -> Value {
    let made = answer("schedule", terms);
    let rows = made["installments"].as_array().unwrap();
    let payments: Vec<Value> = rows.iter().map(|row| json!({"date": row["due"], "amount": row["total"]})).collect();
    let advance = json!([{"date": terms["start"], "amount": terms["principal"]}]);
    answer(
        "apr",
        &json!({"convention": convention, "currency": terms["currency"], "advances": advance, "payments": payments}),
    )
}

#[test]
fn one_cent_over_one_instalment() {
    let made = answer("schedule", &terms("USD", 1, "36", level(1)));
    // 3 % of a cent is nothing.
    assert_eq!((&made["total"], &made["installments"][0]["total"]), (&json!(1), &json!(1)));
    // Over two the level of 0.52 rounds to a cent, which repays all: the second is listed as zero.
    assert_eq!(column(&answer("schedule", &terms("USD", 1, "36", level(2))), "total"), [1, 0]);
}

/// What a method has no use for is named, not passed over.
#[test]
fn a_rule_that_means_nothing_is_refused_by_name() {
    let asked = |field: &str, value: Value, method: &str| {
        let mut terms = terms("USD", 120_000, "12", json!({"method": method, "count": 3, "every": "P1M"}));
        terms[field] = value;
        terms
    };
    for method in ["interest_only", "equal_principal"] {
        for (field, value) in [("adjust_installment", json!(true)), ("level_rounding", json!("up"))] {
            assert_eq!(
                refusal("schedule", &asked(field, value, method)),
                format!("`{field}` does not apply: only `equal_installment` has a level instalment")
            );
        }
        answer("schedule", &asked("adjust_installment", json!(false), method));
    }
    for every in ["P2W", "P14D"] {
        for month_end in ["stick", "roll"] {
            let repayment = json!({"method": "equal_principal", "count": 3, "every": every, "month_end": month_end});
            assert_eq!(
                refusal("schedule", &terms("USD", 120_000, "12", repayment)),
                "`month_end` does not apply: steps of days or weeks meet no end of a month"
            );
        }
        let clamp = json!({"method": "equal_principal", "count": 3, "every": every, "month_end": "clamp"});
        answer("schedule", &terms("USD", 120_000, "12", clamp));
    }
    for (balloon, says) in [
        (json!({}), "missing field `amount` or `percent`"),
        (json!({"amount": 1, "percent": "1"}), "`amount` and `percent` exclude each other"),
        (json!({"colour": 1}), "unknown field `colour`"),
        (json!(5), "an object with `amount` or `percent`"),
    ] {
        let mut repayment = level(3);
        repayment["balloon"] = balloon;
        let line = refusal("schedule", &terms("USD", 120_000, "12", repayment));
        assert!(line.starts_with("`repayment.balloon") && line.contains(says), "{line}");
    }
    for kind in ["repayment", "draw", "refund"] {
        let events = json!([{"type": kind, "date": "2026-02-01", "amount": 0}]);
        let question = json!({"terms": terms("USD", 120_000, "12", level(3)), "date": "2026-03-01", "events": events});
        assert!(refusal("payoff", &question).contains("`amount` must be at least 1 minor unit"), "{kind}");
    }
}

/// A name with a line separator in it stays on the line, escaped.
#[test]
fn an_error_is_one_line_whatever_it_quotes() {
    let mut odd = terms("USD", 120_000, "12", level(3));
    odd["one\u{2028}two"] = json!(1);
    let line = refusal("schedule", &odd);
    assert!(line.contains("one\\u{2028}two") && !line.contains('\u{2028}'), "{line}");
}

/// Clamp counts each date from the anchor; roll goes to the next month; stick keeps the day it was moved to.
#[test]
fn the_31st_of_january_monthly() {
    for (month_end, dues) in [
        ("clamp", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("roll", ["2026-03-01", "2026-03-31", "2026-05-01"]),
        ("stick", ["2026-02-28", "2026-03-28", "2026-04-28"]),
    ] {
        let mut repayment = level(3);
        repayment["month_end"] = json!(month_end);
        let made = answer("schedule", &terms("EUR", 120_000, "12", repayment));
        assert_eq!(column(&made, "due"), dues, "{month_end}");
        // Whatever the month end did, each month counts 30 days: 1 % of the 1,200.00.
        assert_eq!(made["installments"][0]["interest"], 1_200);
    }
}

#[test]
fn the_29th_of_february_yearly() {
    let mut yearly = terms("EUR", 100_000, "10", json!({"method": "interest_only", "count": 4, "every": "P1Y"}));
    yearly["start"] = json!("2024-02-29");
    let made = answer("schedule", &yearly);
    assert_eq!(column(&made, "due"), ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]);
    assert_eq!(column(&made, "interest"), [10_000; 4]);
    // The rate of such a loan is its rate of interest, by every convention that counts years.
    assert_eq!(rate_of("eu_aprc", &yearly)["apr_percent_exact"], "10.000000");
    assert_eq!(rate_of("us_reg_z", &yearly)["apr_percent_exact"], "10.000000");
}

/// A yen has no smaller part and a dinar a thousand: the same integers, since every amount is in minor units.
#[test]
fn yen_and_dinars() {
    for currency in ["JPY", "KWD"] {
        let made = answer(
            "schedule",
            &terms(currency, 10_000, "12", json!({"method": "equal_principal", "count": 3, "every": "P1M"})),
        );
        // 1 % of 10,000, 6,667 and 3,334 minor units.
        assert_eq!(column(&made, "interest"), [100, 67, 33], "{currency}");
        assert_eq!(column(&made, "principal"), [3_333, 3_333, 3_334], "{currency}");
    }
    assert!(
        refusal("schedule", &terms("XXX", 10_000, "12", level(3)))
            .starts_with("`currency`: currency_without_minor_unit")
    );
}

#[test]
fn the_largest_principal() {
    let free = |principal: i64| {
        json!({"currency": "USD", "principal": principal, "start": "2026-01-31",
            "repayment": {"method": "free", "count": 2, "every": "P1M"}})
    };
    let made = answer("schedule", &free(AMOUNT_MAX));
    assert_eq!(column(&made, "total"), [AMOUNT_MAX / 2, AMOUNT_MAX / 2 + 1]);
    assert_eq!(made["total"], AMOUNT_MAX);
    let beyond = "an amount is a whole number from 0 to 9007199254740991";
    let refused = refusal("schedule", &free(AMOUNT_MAX + 1));
    assert!(refused.starts_with(&format!("`principal`: amount_out_of_range: {beyond}")), "{refused}");
    // With interest on top the sum passes it: the same name.
    let dear = refusal("schedule", &terms("USD", AMOUNT_MAX, "12", level(2)));
    assert_eq!(dear, format!("amount_out_of_range: {beyond}"));
    let paid_back = json!({"convention": "uk", "currency": "USD",
        "advances": [{"date": "2026-01-31", "amount": AMOUNT_MAX}], "payments": [{"date": "2027-01-31", "amount": AMOUNT_MAX}]});
    assert_eq!(answer("apr", &paid_back)["apr_percent_exact"], "0.000000");
    let payoff = answer("payoff", &json!({"terms": free(AMOUNT_MAX), "date": "2026-03-31"}));
    assert_eq!(payoff["total"], AMOUNT_MAX);
}

#[test]
fn a_rate_of_zero() {
    for method in ["equal_installment", "equal_principal", "interest_only"] {
        let repayment = json!({"method": method, "count": 3, "every": "P1M"});
        let zero = terms("USD", 100, "0", repayment);
        let made = answer("schedule", &zero);
        assert_eq!((&made["total_interest"], &made["total"]), (&json!(0), &json!(100)), "{method}");
        assert_eq!(rate_of("us_reg_z", &zero)["apr_percent"], "0.00", "{method}");
    }
}

/// 36 payments of 18.23 on 400: 35.60 % a year by the month, above a ceiling of 24 %.
#[test]
fn thirty_six_times_18_23_on_400_costs_35_60_percent() {
    let flows = json!({"convention": "cn_irr", "currency": "CNY", "advances": [{"date": "2026-01-15", "amount": 40_000}],
        "payments": [{"date": "2026-02-15", "amount": 1_823, "count": 36, "every": "P1M"}]});
    assert_eq!(answer("apr", &flows)["apr_percent"], "35.60");
}

/// 12 × 1.1 % of the original principal: 23.5 % with the first due after a month, 26.39 % after ten days.
#[test]
fn a_fee_on_the_original_principal_is_dearer_the_earlier_it_falls_due() {
    let plan = |first_due: &str| {
        json!({"currency": "CNY", "principal": 120_000, "start": "2026-01-15",
            "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "first_due": first_due,
                "fee_percent_per_period": "1.1"}})
    };
    assert_eq!(column(&answer("schedule", &plan("2026-02-15")), "total"), [11_320; 12]);
    let rate = |first_due: &str| rate_of("cn_irr", &plan(first_due))["apr_percent"].as_str().unwrap().to_owned();
    assert!(rate("2026-02-15").starts_with("23.5"));
    assert_eq!(rate("2026-01-25"), "26.39");
}

/// 10,000.00 at 0.05 % a day for 30 days, then 40 days late at one and a half times that: 7.50 a day, 300.00 in all,
/// under each kind of ceiling that a contract or a law can set.
#[test]
fn a_penalty_under_each_kind_of_ceiling() {
    let ask = |ceiling: Value, caps: Value| {
        let mut penalty = json!({"multiple": "1.5", "mode": "in_place", "base": "overdue_principal"});
        for (field, value) in ceiling.as_object().unwrap() {
            penalty[field] = value.clone();
        }
        let terms = json!({"currency": "CNY", "principal": 1_000_000, "start": "2026-01-01", "rate": {"daily_percent": "0.05"},
            "repayment": {"method": "single", "count": 1, "due_dates": ["2026-01-31"]}});
        answer("payoff", &json!({"terms": terms, "date": "2026-03-12", "penalty": penalty, "caps": caps}))
    };
    let cap = |fields: Value| {
        let mut cap = json!({"id": "law", "from": "2020-01-01", "counts": ["penalty"]});
        for (field, value) in fields.as_object().unwrap() {
            cap[field] = value.clone();
        }
        json!([cap])
    };
    let unbound = ask(json!({}), json!([]));
    assert_eq!((&unbound["interest"], &unbound["penalty"]), (&json!(15_000), &json!(30_000)));
    assert_eq!(unbound.get("not_charged"), None);
    // 24 % a year of 10,000.00 for 40/365 of one: 263.01.
    assert_eq!(ask(json!({"ceiling_annual_percent": "24"}), json!([]))["penalty"], 26_301);
    // 27.375 % is what 1.5 × 0.05 % a day comes to: a ceiling at that lets it through.
    assert_eq!(ask(json!({"ceiling_annual_percent": "27.375"}), json!([]))["penalty"], 30_000);
    for (ceiling, caps, posted, name) in [
        (json!({"ceiling_percent_of_principal": "2"}), json!([]), 20_000, "contract"),
        (json!({}), cap(json!({"percent_of_principal": "2.5"})), 25_000, "law"),
        (json!({}), cap(json!({"amount": 12_345})), 12_345, "law"),
        (json!({}), cap(json!({"amount_each": 5_000})), 5_000, "law"),
        // Interest and penalty together at most 4 %: 400.00 less 150.00.
        (json!({}), cap(json!({"percent_of_principal": "4", "counts": ["interest", "penalty"]})), 25_000, "law"),
        // The tighter of two binds, and is the one named.
        (json!({"ceiling_percent_of_principal": "1"}), cap(json!({"amount": 20_000})), 10_000, "contract"),
    ] {
        let bound = ask(ceiling, caps.clone());
        assert_eq!(bound["penalty"], posted, "{caps}");
        let refused = json!([{"date": "2026-03-12", "charge": "penalty", "amount": 30_000 - posted, "cap": name}]);
        assert_eq!(bound["not_charged"], refused);
    }
    // A cap that no longer holds binds nothing.
    assert_eq!(ask(json!({}), cap(json!({"amount": 1, "until": "2026-03-11"})))["penalty"], 30_000);
}

/// The three questions, each right as it stands.
fn questions() -> [(&'static str, Value); 3] {
    let terms = terms("USD", 10_000, "7", level(6));
    let flows = json!({"convention": "us_reg_z", "currency": "USD", "advances": [{"date": "2026-01-31", "amount": 10_000}],
        "payments": [{"date": "2026-02-28", "amount": 1_701, "count": 6, "every": "P1M"}]});
    let payoff = json!({"terms": terms, "date": "2026-03-15",
        "events": [{"type": "repayment", "date": "2026-02-28", "amount": 1_701}]});
    [("schedule", terms), ("apr", flows), ("payoff", payoff)]
}

/// Puts a value at a JSON pointer, or takes away what stands there.
fn put(question: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = question.pointer_mut(parent).unwrap();
    match (parent, value) {
        (Value::Object(map), Value::Null) => assert!(map.remove(key).is_some(), "{pointer}"),
        (parent, value) => parent[key] = value,
    }
}

#[test]
fn bad_input_to_each_command_is_one_line() {
    let out_of_range = "amount_out_of_range: an amount is a whole number from 0 to 9007199254740991";
    let two_to_the_63 = json!(9_223_372_036_854_775_808_u64);
    let no_date = json!("2026-02-29");
    let cases: [&[(&str, Value, &str)]; 3] = [
        &[
            ("/colour", json!(1), "`colour`: unknown field `colour`"),
            ("/currency", json!(null), "missing field `currency`"),
            ("/rate/daily_percent", json!("0.1"), "`rate`: `annual_percent` and `daily_percent` exclude each other"),
            ("/repayment/count", json!(0), "`repayment`: `count` is 0, it must be 1 to 600"),
            ("/repayment/count", json!(601), "`repayment`: `count` is 601, it must be 1 to 600"),
            ("/principal", json!(-1), out_of_range),
            ("/principal", two_to_the_63.clone(), out_of_range),
            ("/start", no_date.clone(), "`start`: `2026-02-29` is not a date that exists"),
        ],
        &[
            ("/colour", json!(1), "`colour`: unknown field `colour`"),
            ("/payments/0/colour", json!(1), "`payments[0].colour`: unknown field `colour`"),
            ("/advances", json!(null), "missing field `advances`"),
            ("/payments/0/amount", json!(null), "`payments[0]`: missing field `amount`"),
            ("/payments/0/count", json!(0), "`payments[0]`: `count` is 0, it must be 1 to 2400"),
            ("/payments/0/amount", json!(-1), out_of_range),
            ("/advances/0/amount", two_to_the_63.clone(), out_of_range),
            ("/payments/0/date", no_date.clone(), "`payments[0].date`: `2026-02-29` is not a date that exists"),
            ("/payments/0/date", json!("2026-01-30"), "payment on `2026-01-30` lies before the first advance"),
        ],
        &[
            ("/colour", json!(1), "`colour`: unknown field `colour`"),
            ("/terms/colour", json!(1), "`terms.colour`: unknown field `colour`"),
            ("/terms", json!(null), "missing field `terms`"),
            ("/terms/rate/daily_percent", json!("0.1"), "`terms.rate`: `annual_percent` and `daily_percent` exclude"),
            ("/terms/repayment/count", json!(0), "`terms.repayment`: `count` is 0, it must be 1 to 600"),
            ("/terms/repayment/count", json!(601), "`terms.repayment`: `count` is 601, it must be 1 to 600"),
            ("/events/0/amount", json!(-1), out_of_range),
            ("/events/0/amount", two_to_the_63, out_of_range),
            ("/date", no_date, "`date`: `2026-02-29` is not a date that exists"),
            (
                "/events/0/date",
                json!("2026-01-30"),
                "event on `2026-01-30` lies before the start or after the date asked",
            ),
        ],
    ];
    for ((command, question), cases) in questions().into_iter().zip(cases) {
        answer(command, &question);
        for (pointer, value, expected) in cases {
            let mut bad = question.clone();
            put(&mut bad, pointer, value.clone());
            let line = refusal(command, &bad);
            assert!(line.contains(expected), "{command} {pointer}: {line}");
        }
    }
}
