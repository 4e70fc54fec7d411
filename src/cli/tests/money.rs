//! `schedule`, `apr` and `payoff` as other people's scripts call them: the published answers, and bad input.

mod common;

use common::run;
use serde_json::{Value, json};

fn answer(command: &str, input: &Value) -> Value {
    let output = run(&[command], &input.to_string());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{error}: {input}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one line of an error: exit code 1, nothing on standard output, no Rust in it.
fn refusal(command: &str, input: &str) -> String {
    let output = run(&[command], input);
    assert_eq!(output.status.code(), Some(1), "{input}");
    assert!(output.stdout.is_empty(), "{input}");
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.strip_prefix("prequal: ").and_then(|rest| rest.strip_suffix('\n')).unwrap().to_owned();
    assert!(!line.contains('\n'), "{line}");
    for rust in ["struct", "enum", "u16", "u32", "u64", "i64", "Option", "::", "panicked"] {
        assert!(!line.contains(rust), "{line}");
    }
    line
}

fn vectors(file: &str) -> Vec<Value> {
    let path = format!("{}/../../tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["cases"].as_array().unwrap().clone()
}

fn assert_holds(id: &Value, got: &Value, expected: &Value) {
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&got[field], value, "{id}: {field}");
    }
}

#[test]
fn a_list_stands_nowhere_in_place_of_an_object() {
    let positional = r#"["USD",10000,"2024-01-01",{"annual_percent":"7","day_count":"30/360"},
        {"method":"equal_installment","count":2,"every":"P1M"}]"#;
    let nested = r#"{"currency":"USD","principal":10000,"start":"2024-01-01","rate":["7","30/360"],
        "repayment":{"method":"equal_installment","count":2,"every":"P1M"}}"#;
    for input in [positional, nested, "", "  \n"] {
        refusal("schedule", input);
    }
}

#[test]
fn published_schedules() {
    for case in vectors("schedule.json") {
        let rows = answer("schedule", &case["input"])["installments"].clone();
        let expected = case["installments"].as_array().unwrap();
        assert_eq!(rows.as_array().unwrap().len(), expected.len(), "{}", case["id"]);
        for (row, expected) in rows.as_array().unwrap().iter().zip(expected) {
            assert_holds(&case["id"], row, expected);
        }
    }
}

#[test]
fn published_rates() {
    for case in vectors("apr.json") {
        let got = answer("apr", &case["input"]);
        for field in ["apr_percent", "apr_percent_exact", "effective_percent"] {
            if let Some(expected) = case.get(field) {
                assert_eq!(&got[field], expected, "{}: {field}", case["id"]);
            }
        }
    }
}

#[test]
fn published_payoffs() {
    for case in vectors("payoff.json") {
        assert_holds(&case["id"], &answer("payoff", &case["input"]), &case["output"]);
    }
}

/// The contract's example, whole: the fields in their order, and totals.
#[test]
fn the_form_of_a_schedule() {
    let output = run(&["schedule"], &terms().to_string());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(
        r#"{"installments":[{"number":1,"due":"2024-02-01","principal":1643,"interest":58,"fee":0,"total":1701,"balance":8357},"#
    ));
    assert!(text.ends_with("],\"total_principal\":10000,\"total_interest\":205,\"total_fee\":0,\"total\":10205}\n"));

    let mut with_fees = terms();
    with_fees["fees"] = json!([
        {"code": "service", "payee": "platform", "amount": 100, "when": "each"},
        {"code": "setup", "payee": "lender", "percent": "1", "when": "first"}
    ]);
    let row = answer("schedule", &with_fees)["installments"][0].clone();
    assert_eq!(row["fee"], 200);
    assert_eq!(
        row["fees"],
        json!([{"code": "service", "payee": "platform", "amount": 100}, {"code": "setup", "payee": "lender", "amount": 100}])
    );
}

fn terms() -> Value {
    json!({
        "currency": "USD", "principal": 10000, "start": "2024-01-01",
        "rate": {"annual_percent": "7", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 6, "every": "P1M", "first_due": "2024-02-01", "month_end": "clamp"},
        "rounding": "half_even", "adjust_installment": true
    })
}

fn flows() -> Value {
    json!({
        "convention": "us_reg_z", "currency": "USD",
        "advances": [{"date": "1978-01-10", "amount": 500000}],
        "payments": [{"date": "1978-02-10", "amount": 23000, "count": 24, "every": "P1M"}]
    })
}

/// A copy with the value at a JSON pointer replaced, or removed by `null`.
fn with(mut value: Value, pointer: &str, new: Value) -> String {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match (parent, new) {
        (Value::Object(map), Value::Null) => {
            map.remove(key);
        }
        (Value::Array(list), new) => list[key.parse::<usize>().unwrap()] = new,
        (parent, new) => parent[key] = new,
    }
    value.to_string()
}

#[test]
fn bad_terms_are_refused_in_one_readable_line() {
    for (pointer, value, expected) in [
        ("/colour", json!("red"), "`colour`: unknown field `colour`, expected one of `currency`"),
        ("/rate/colour", json!("red"), "`rate.colour`: unknown field `colour`"),
        ("/repayment/colour", json!("red"), "`repayment.colour`: unknown field `colour`"),
        ("/currency", json!(null), "missing field `currency`"),
        ("/principal", json!(null), "missing field `principal`"),
        ("/repayment/count", json!(null), "`repayment`: missing field `count`"),
        ("/repayment/every", json!(null), "missing field `every`"),
        ("/rate", json!(null), "missing field `rate`"),
        ("/rate/day_count", json!(null), "`rate`: missing field `day_count`"),
        ("/rate/daily_percent", json!("0.1"), "`rate`: `annual_percent` and `daily_percent` exclude each other"),
        ("/rate/annual_percent", json!(null), "`rate`: missing field `annual_percent` or `daily_percent`"),
        (
            "/rate/annual_percent",
            json!(7),
            "`rate.annual_percent`: invalid type: integer `7`, expected a decimal as a string",
        ),
        ("/rate/annual_percent", json!("7%"), "`rate.annual_percent`: `7%` is not a decimal"),
        ("/rate/annual_percent", json!("0.0000000000000001"), "`rate.annual_percent`: a decimal has at most 18 digits"),
        ("/rate/minimum_days", json!(-1), "`rate.minimum_days`: invalid value: integer `-1`, expected a whole number"),
        ("/repayment/count", json!(0), "`repayment`: `count` is 0, it must be 1 to 600"),
        ("/repayment/count", json!(601), "`repayment`: `count` is 601, it must be 1 to 600"),
        ("/repayment/count", json!(u64::MAX), "`repayment`: `count` is 18446744073709551615, it must be 1 to 600"),
        (
            "/repayment/count",
            json!(1.5),
            "`repayment.count`: invalid type: floating point `1.5`, expected a whole number",
        ),
        (
            "/principal",
            json!(-1),
            "`principal`: amount_out_of_range: an amount is a whole number from 0 to 9007199254740991",
        ),
        ("/principal", json!(0), "`principal` must be at least 1 minor unit"),
        ("/principal", json!(9_223_372_036_854_775_808_u64), "`principal`: amount_out_of_range"),
        ("/principal", json!(100.5), "`principal`: an amount is a whole number of minor units, not a fraction"),
        (
            "/principal",
            json!("100"),
            "`principal`: invalid type: string \"100\", expected a whole number of minor units",
        ),
        ("/start", json!("2023-02-29"), "`start`: `2023-02-29` is not a date that exists"),
        ("/start", json!("3024-01-01"), "`start`: date_out_of_range: dates lie in the years 1900 to 2999"),
        ("/repayment/first_due", json!("2023-12-31"), "due date `2023-12-31` must come after"),
        ("/repayment/every", json!("monthly"), "`repayment.every`: `monthly` is not a period"),
        ("/repayment/method", json!("annuity"), "`repayment.method`: unknown variant `annuity`, expected one of"),
        ("/repayment/due_dates", json!(["2024-02-01"]), "`due_dates` and `every` exclude each other"),
        ("/currency", json!("XAU"), "`currency`: currency_without_minor_unit: `XAU`"),
        ("/currency", json!("usd"), "`currency`: unknown_currency: `usd`"),
        ("/remainder", json!("first"), "`remainder` does not apply"),
        ("/rounding", json!("bankers"), "`rounding`: unknown variant `bankers`"),
        (
            "/fees",
            json!([{"code": "a", "payee": "b", "when": "each"}]),
            "`fees[0]`: missing field `amount` or `percent`",
        ),
    ] {
        let line = refusal("schedule", &with(terms(), pointer, value));
        assert!(line.starts_with(expected), "{pointer}: {line}");
    }
}

#[test]
fn bad_cash_flows_are_refused_in_one_readable_line() {
    for (pointer, value, expected) in [
        ("/colour", json!("red"), "`colour`: unknown field `colour`"),
        ("/payments", json!(null), "missing field `payments`"),
        ("/payments", json!([]), "missing field `payments`"),
        ("/convention", json!("irr"), "`convention`: unknown variant `irr`"),
        ("/payments/0/date", json!("1978-01-09"), "payment on `1978-01-09` lies before the first advance"),
        ("/payments/0/date", json!("1978-02-30"), "`payments[0].date`: `1978-02-30` is not a date that exists"),
        ("/payments/0/amount", json!(-1), "`payments[0].amount`: amount_out_of_range"),
        ("/payments/0/amount", json!(0), "no annual rate between -99.99 % and 1,000,000 %"),
        ("/payments/0/count", json!(0), "`payments[0]`: `count` is 0, it must be 1 to 2400"),
        ("/payments/0/count", json!(2_401), "`payments[0]`: `count` is 2401, it must be 1 to 2400"),
        ("/payments/0/count", json!(2_400), "too many cash flows: at most 2400"),
        ("/payments/0/every", json!(null), "`payments[0]`: missing field `every`"),
        ("/payments/0/years", json!("1"), "`payments[0]`: `date` and `years` exclude each other"),
        ("/unit_period", json!("P2Y"), "`unit_period` does not apply: a unit-period is at most one year"),
        ("/unit_period", json!("term"), "`unit_period` does not apply: `term` is for one advance and one payment"),
        ("/year_basis", json!("actual/365"), "`year_basis` does not apply: only `eu_aprc` and `uk` have it"),
    ] {
        let line = refusal("apr", &with(flows(), pointer, value));
        assert!(line.starts_with(expected), "{pointer}: {line}");
    }
    // −100 + 230 v − 132 v² has the roots 10 % and 20 %.
    let several = json!({
        "convention": "eu_aprc", "currency": "EUR",
        "advances": [{"years": "0", "amount": 100}, {"years": "2", "amount": 132}],
        "payments": [{"years": "1", "amount": 230}]
    });
    assert!(refusal("apr", &several.to_string()).starts_with("several annual rates"));
}

#[test]
fn bad_events_are_refused_in_one_readable_line() {
    let question = || json!({"terms": terms(), "date": "2024-02-15", "events": [{"type": "repayment", "date": "2024-02-01", "amount": 1701}]});
    for (pointer, value, expected) in [
        ("/colour", json!("red"), "`colour`: unknown field `colour`"),
        ("/date", json!(null), "missing field `date`"),
        ("/date", json!("2023-12-31"), "date `2023-12-31` lies before the start"),
        ("/terms/principal", json!(-1), "`terms.principal`: amount_out_of_range"),
        ("/interest", json!("daily"), "`interest`: unknown variant `daily`"),
        ("/events/0/date", json!("2024-02-16"), "event on `2024-02-16` lies before the start or after the date asked"),
        ("/events/0/type", json!("gift"), "`events[0].type`: unknown variant `gift`"),
        ("/events/0/type", json!("rate_change"), "`events[0]`: `amount` does not apply: no money moves"),
        ("/events/0/order", json!("last_first"), "`events[0]`: `order` does not apply: only a `refund` has it"),
        ("/events/0", json!({"type": "rate_change", "date": "2024-02-02"}), "`events[0]`: missing field `rate`"),
        (
            "/events/0",
            json!({"type": "refund", "date": "2024-02-02", "amount": 10_001}),
            "refunds must not exceed what was lent: at most 10000 minor units",
        ),
        (
            "/events/0",
            json!({"type": "withdrawal", "date": "2024-01-02"}),
            "`withdrawal` does not apply: the rules know no right of withdrawal",
        ),
        ("/penalty", json!({"mode": "in_place", "base": "all_principal"}), "missing field `multiple`"),
        ("/allocation", json!({"order": ["past_due.gift"]}), "`allocation.order[0]`: `past_due.gift` is not a bucket"),
        ("/allocation", json!({"order": ["past_due.fee"]}), "`order` does not apply: it must name each of the twelve"),
        ("/late_fee", json!({"tiers": []}), "missing field `tiers`"),
        ("/events/0/amount", json!(null), "`events[0]`: missing field `amount`"),
        ("/events/0/amount", json!(17.01), "`events[0].amount`: an amount is a whole number of minor units"),
        ("/events/0", json!({"type": "reversal", "date": "2024-02-02", "of": "p1"}), "reversal of `p1`"),
    ] {
        let line = refusal("payoff", &with(question(), pointer, value));
        assert!(line.starts_with(expected), "{pointer}: {line}");
    }
}

#[test]
fn what_is_not_json_is_refused() {
    for command in ["schedule", "apr", "payoff"] {
        for input in ["", "{", "null", "[]", "1", "{}", "{\"principal\":1e400}", "{} {}", "\u{0}", "{\"a\":1,}"] {
            refusal(command, input);
        }
    }
    let number = terms().to_string().replace("10000", "1e400");
    assert!(refusal("schedule", &number).starts_with("`principal`: number out of range"));
    let twice = terms().to_string().replacen('{', "{\"principal\":1,", 1);
    assert!(refusal("schedule", &twice).starts_with("duplicate field `principal`"));
}

#[test]
fn a_file_is_read_as_standard_input_is() {
    let path = std::env::temp_dir().join(format!("prequal-terms-{}.json", std::process::id()));
    std::fs::write(&path, terms().to_string()).unwrap();
    let from_file = |file: &std::path::Path| run(&["schedule", "--input", file.to_str().unwrap()], "");
    assert_eq!(from_file(&path).stdout, run(&["schedule"], &terms().to_string()).stdout);
    std::fs::remove_file(&path).unwrap();
    let missing = from_file(&path);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8(missing.stderr).unwrap().starts_with("prequal: cannot open `"));
}
