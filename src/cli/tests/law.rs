//! `caps` and `disclose` as other people's scripts call them: published cases, and bad input.

mod common;

use common::run;
use serde_json::{Value, json};

fn answer(arguments: &[&str], input: &Value) -> Value {
    let output = run(arguments, &input.to_string());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{error}: {input}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one line of an error: exit code 1, nothing on standard output.
fn refusal(arguments: &[&str], input: &Value) -> String {
    let output = run(arguments, &input.to_string());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{input}");
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.strip_prefix("prequal: ").and_then(|rest| rest.strip_suffix('\n')).unwrap().to_owned();
    assert!(!line.contains('\n') && !line.contains("::"), "{line}");
    line
}

fn ceiling(percent: &str) -> Value {
    json!([{"id": format!("cap-{percent}"), "from": "2025-10-01", "convention": "cn_irr", "ceiling_percent": percent}])
}

/// 36 instalments of 18.23 on a price of 400 (published for a product in China) are 35.60 % a year: refused at 24 %.
#[test]
fn thirty_six_instalments_of_18_23_on_400_break_24_percent() {
    let terms = json!({"currency": "CNY", "principal": 40_000, "start": "2026-01-10",
        "rate": {"annual_percent": "35.6", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 36, "every": "P1M"}, "rounding": "half_up"});
    let rows = answer(&["schedule"], &terms)["installments"].clone();
    assert_eq!((&rows[0]["total"], &rows[34]["total"]), (&json!(1_823), &json!(1_823)));
    let verdict = answer(&["caps"], &json!({"terms": terms, "caps": ceiling("24")}));
    let finding = &verdict["findings"][0];
    assert_eq!(verdict["passes"], false);
    assert_eq!(finding["cap"], "cap-24");
    assert_eq!((&finding["reached_percent"], &finding["ceiling_percent"]), (&json!("35.60"), &json!("24")));
    let highest = finding["highest_price_percent"].as_str().unwrap();
    assert!((23.9..24.1).contains(&highest.parse::<f64>().unwrap()), "{highest}");
    assert_eq!(answer(&["caps"], &json!({"terms": terms, "caps": ceiling("36")}))["passes"], true);
}

/// 12 instalments at 1.1 % a month of the original principal are 23.5 % when due after a month, 26.39 % after ten days.
#[test]
fn the_day_of_the_first_payment_decides_whether_a_flat_fee_keeps_the_ceiling() {
    let verdict = |first_due: &str| {
        let terms = json!({"currency": "CNY", "principal": 120_000, "start": "2026-01-10",
            "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "first_due": first_due,
                          "fee_percent_per_period": "1.1"}});
        answer(&["caps"], &json!({"terms": terms, "caps": ceiling("24"), "lender": "bank"}))
    };
    assert_eq!(verdict("2026-02-10")["passes"], true);
    let late = verdict("2026-01-20");
    assert_eq!((&late["passes"], &late["findings"][0]["reached_percent"]), (&json!(false), &json!("26.39")));
}

/// A penalty that only time limits keeps no cap on the total cost, and is told to be given a ceiling.
#[test]
fn a_cost_of_default_without_a_ceiling_is_named() {
    let terms = json!({"currency": "GBP", "principal": 10_000, "start": "2026-01-10", "rate": {"daily_percent": "0.7"},
        "repayment": {"method": "single", "count": 1, "every": "P30D"}});
    let caps = json!([{"id": "conc-5a-2-2", "from": "2015-01-02", "measure": "total_cost", "ceiling_percent": "100"},
                      {"id": "conc-5a-2-3", "from": "2015-01-02", "measure": "daily_cost", "ceiling_percent": "0.8"}]);
    let penalty = json!({"rate": {"daily_percent": "0.7"}, "mode": "in_place", "base": "overdue_principal"});
    let open = answer(&["caps"], &json!({"terms": terms, "caps": caps, "penalty": penalty}));
    assert_eq!((&open["passes"], &open["findings"][1]["passes"]), (&json!(false), &json!(true)));
    let reason = open["findings"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the cost of default has no ceiling"), "{reason}");
    assert_eq!(open["findings"][0].get("highest_price_percent"), None);
    let mut bound = penalty;
    bound["ceiling_percent_of_principal"] = json!("79");
    assert_eq!(answer(&["caps"], &json!({"terms": terms, "caps": caps, "penalty": bound}))["passes"], true);
}

/// Code de la consommation, art. L314-6: the usury rates published for the fourth quarter of 2025 stand in bands of what
/// is lent, 23.49 % up to 3,000 euros, 15.71 % up to 6,000, 8.73 % above.
#[test]
fn a_fixed_national_table_has_a_ceiling_for_each_band_of_amounts() {
    let caps = json!([{"id": "usure", "from": "2025-10-01", "until": "2025-12-31", "convention": "eu_aprc",
        "bands": [{"amount_max": 300_000, "ceiling_percent": "23.49"},
                  {"amount_max": 600_000, "ceiling_percent": "15.71"}, {"ceiling_percent": "8.73"}]}]);
    let ceiling_at = |principal: u32, start: &str| {
        let terms = json!({"currency": "EUR", "principal": principal, "start": start,
            "rate": {"annual_percent": "15", "day_count": "30/360"},
            "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}});
        let verdict = answer(&["caps"], &json!({"terms": terms, "caps": caps}));
        (verdict["findings"][0]["ceiling_percent"].clone(), verdict["passes"].clone())
    };
    // 15 % a year in twelve parts is an effective 16.1 %.
    assert_eq!(ceiling_at(300_000, "2025-10-01"), (json!("23.49"), json!(true)));
    assert_eq!(ceiling_at(300_001, "2025-10-01"), (json!("15.71"), json!(false)));
    assert_eq!(ceiling_at(600_001, "2025-12-31"), (json!("8.73"), json!(false)));
    assert_eq!(ceiling_at(600_001, "2026-01-01"), (Value::Null, json!(true)));
}

#[test]
fn the_three_disclosures_are_of_the_same_contract() {
    let contract = json!({"lender": "bank", "terms": {"currency": "USD", "principal": 100_000, "start": "2026-01-10",
        "rate": {"annual_percent": "12", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}},
        "late_fee": {"tiers": [{"after_days": 10, "amount": 700}]}, "withdrawal_days": 14});
    let disclosed = |law: &str| answer(&["disclose", "--law", law], &contract);
    let (us, eu, cn) = (disclosed("us"), disclosed("eu"), disclosed("cn"));
    // Twelve payments of 88.85, the last one 88.83 or so: 1 % a month.
    assert_eq!((&us["amount_financed"], &us["apr_percent"]), (&json!(100_000), &json!("12.00")));
    assert_eq!(us["finance_charge"], eu["total_cost_of_credit"]);
    assert_eq!(us["finance_charge"], cn["total_cost"]);
    assert_eq!(us["total_of_payments"], eu["total_payable"]);
    assert_eq!((&eu["aprc_percent"], &cn["annualised_percent"]), (&json!("12.7"), &json!("12.00")));
    for late in [&us["late_payment"], &eu["cost_of_default"], &cn["cost_of_default"]] {
        assert_eq!(late["late_fees_most"], 12 * 700);
    }
}

#[test]
fn bad_input_is_one_readable_line() {
    let terms = json!({"currency": "CNY", "principal": 120_000, "start": "2026-01-10",
        "repayment": {"method": "free", "count": 12, "every": "P1M"}});
    for (arguments, input, says) in [
        (&["caps"][..], json!({"terms": terms}), "missing field `caps`"),
        (&["caps"], json!({"terms": terms, "caps": [{"id": "x", "from": "2026-01-01"}]}), "`ceiling_percent`"),
        (&["caps"], json!({"terms": terms, "caps": ceiling("-1")}), "ceiling_percent"),
        (&["caps"], json!({"terms": terms, "caps": ceiling("24"), "gift": 1}), "unknown field `gift`"),
        (&["caps"], json!({"terms": terms, "caps": vec![ceiling("24")[0].clone(); 65]}), "64"),
        (&["disclose", "--law", "cn"], json!({"terms": terms}), "`lender`"),
        (&["disclose", "--law", "us"], json!({"terms": terms, "prepaid": [{"code": "x"}]}), "payee"),
        (
            &["disclose", "--law", "us"],
            json!({"terms": terms, "prepaid": [{"code": "x", "payee": "y", "amount": 120_001}]}),
            "amount",
        ),
    ] {
        let line = refusal(arguments, &input);
        assert!(line.contains(says), "{line}");
    }
    assert_eq!(run(&["disclose", "--law", "mars"], "{}").status.code(), Some(2));
}

/// Two months named by the terms are two months, also from February to March, where the dates could be four weeks: the
/// rates of `prequal apr` for the same flows with `every` (eu_aprc) and `unit_period` (us_reg_z) `P1M`.
#[test]
fn february_to_march_is_a_month_where_the_terms_say_so() {
    let terms = json!({"currency": "EUR", "principal": 100_000, "start": "2026-01-30",
        "rate": {"annual_percent": "60", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 2, "every": "P1M", "first_due": "2026-02-05"}});
    let contract = json!({"lender": "bank", "terms": terms});
    let payments = json!([{"date": "2026-02-05", "amount": 51_646, "count": 2, "every": "P1M"}]);
    let flows = |convention: &str| {
        json!({"convention": convention, "currency": "EUR",
            "advances": [{"date": "2026-01-30", "amount": 100_000}], "payments": payments})
    };
    let aprc = &answer(&["apr"], &flows("eu_aprc"))["apr_percent"];
    assert_eq!(
        (aprc, &answer(&["disclose", "--law", "eu"], &contract)["aprc_percent"]),
        (&json!("75.4"), &json!("75.4"))
    );
    let mut by_months = flows("us_reg_z");
    by_months["unit_period"] = json!("P1M");
    let apr = &answer(&["apr"], &by_months)["apr_percent"];
    assert_eq!(
        (apr, &answer(&["disclose", "--law", "us"], &contract)["apr_percent"]),
        (&json!("57.00"), &json!("57.00"))
    );
}

/// 12 CFR 1026.4(c) to (e): what is no finance charge is none when it is paid at once either.
#[test]
fn a_charge_that_is_no_finance_charge_is_none_at_once_either() {
    let terms = json!({"currency": "USD", "principal": 120_000, "start": "2026-01-01",
        "rate": {"annual_percent": "36", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 3, "every": "P1M"}});
    let contract = |codes: Value| {
        json!({"terms": terms, "not_finance_charges": codes,
            "prepaid": [{"code": "title", "payee": "state", "amount": 5_000}]})
    };
    let us = answer(&["disclose", "--law", "us"], &contract(json!(["title"])));
    assert_eq!((&us["amount_financed"], &us["itemization"]["prepaid_finance_charge"]), (&json!(120_000), &json!(0)));
    assert_eq!(us["apr_percent"], "36.00");
    let counted = answer(&["disclose", "--law", "us"], &contract(json!([])));
    assert_eq!(counted["itemization"]["prepaid_finance_charge"], 5_000);
    assert!(refusal(&["disclose", "--law", "us"], &contract(json!(["nope"]))).contains("no charge of the contract"));
}
