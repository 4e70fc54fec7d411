//! The amounts of the disclosures: they follow from schedule and rate, and they add up as the laws say.

use prequal_core::credit::{
    disclosure::{DisclosureInput, UsBox, cn_cost_table, eu_information, us_box},
    within_reg_z_tolerance,
};
use serde_json::{Value, json};

use super::amount;

/// A contract: terms, and beside them what else the test says.
fn contract(terms: Value, more: Value) -> DisclosureInput {
    let mut contract = more;
    contract["terms"] = terms;
    serde_json::from_value(contract).unwrap()
}

fn us(terms: Value, more: Value) -> UsBox {
    us_box(&contract(terms, more)).unwrap()
}

/// Regulation Z's identity: amount financed + finance charge = total of payments.
#[test]
fn the_closed_end_box_adds_up() {
    let mut terms = json!({"currency": "USD", "principal": 600_000, "start": "2026-01-10",
        "rate": {"annual_percent": "12", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 24, "every": "P1M", "down_payment": {"amount": 100_000}}});
    let plain = us(terms.clone(), json!({}));
    // 5,000.00 at 1 % a month for 24 months: 235.37 each, the last one a little less.
    assert_eq!((plain.payments[0].count, plain.payments[0].amount), (23, amount(23_537)));
    assert_eq!((plain.amount_financed, plain.apr_percent.as_str()), (amount(500_000), "12.00"));
    assert_eq!(plain.total_sale_price, plain.total_of_payments.checked_add(amount(100_000)).unwrap());

    terms["fees"] = json!([
        {"code": "registration", "payee": "state", "amount": 12_000, "when": "spread"},
        {"code": "service", "payee": "lender", "amount": 24_000, "when": "spread"}
    ]);
    let more = json!({"prepaid": [{"code": "origination", "payee": "lender", "amount": 10_000}],
        "not_finance_charges": ["registration"],
        "late_fee": {"tiers": [{"after_days": 10, "amount": 700}]}, "prepayment": {"fee_percent": "1"}});
    let full = us(terms, more);
    assert_eq!(full.amount_financed, amount(500_000 + 12_000 - 10_000));
    assert_eq!(full.finance_charge.minor(), plain.finance_charge.minor() + 24_000 + 10_000);
    assert_eq!(full.amount_financed.checked_add(full.finance_charge), Ok(full.total_of_payments));
    assert_eq!(full.itemization.to_others[0].payee, "state");
    assert_eq!(full.itemization.prepaid_finance_charge, amount(10_000));
    assert!(full.apr_percent.parse::<f64>().unwrap() > 17.0, "{}", full.apr_percent);
    assert_eq!(full.late_payment.late_fees_most, amount(24 * 700));
    assert!(full.prepayment_fee && !full.prepayment_rebate && !plain.prepayment_fee);
    let none = us(
        json!({"currency": "USD", "principal": 1_000, "start": "2026-01-10",
               "repayment": {"method": "free", "count": 4, "every": "P2W"}}),
        json!({}),
    );
    assert!(!none.required && plain.required && none.apr_percent == "0.00");
    assert_eq!(none.payments.len(), 1);
}

/// Official interpretation of 12 CFR 1026.18(b)(3): 1,000 dollars are asked for, for one year, with 60 of precomputed
/// interest and a fee of 10 paid at once. Add-on interest, discount interest, and discount interest on a raised face.
#[test]
fn the_amounts_financed_of_the_official_interpretation() {
    let fee = json!({"prepaid": [{"code": "loan_fee", "payee": "lender", "amount": 1_000}]});
    let loan = |lent: i64| {
        json!({"currency": "USD", "principal": lent, "start": "2026-01-10",
            "repayment": {"method": "free", "count": 1, "every": "P1Y"},
            "fees": [{"code": "interest", "payee": "lender", "amount": 6_000, "when": "first"}]})
    };
    for (lent, face, financed) in [(100_000, 106_000, 99_000), (94_000, 100_000, 93_000), (100_000, 106_000, 99_000)] {
        let shown = us(loan(lent), fee.clone());
        assert_eq!((shown.total_of_payments, shown.amount_financed), (amount(face), amount(financed)));
        assert_eq!(shown.finance_charge, amount(7_000));
    }
}

/// 12 CFR 1026, Appendix J, (c)(1)(i): 5,000 dollars in 24 payments of 230 are 9.69 %.
#[test]
fn the_box_shows_the_rate_of_appendix_j() {
    let terms = json!({"currency": "USD", "principal": 500_000, "start": "1978-01-10",
        "repayment": {"method": "fee_installment", "count": 24, "every": "P1M", "fee_percent": "10.4"}});
    let shown = us(terms, json!({}));
    assert_eq!((shown.finance_charge, shown.total_of_payments), (amount(52_000), amount(552_000)));
    assert_eq!(shown.apr_percent, "9.69");
}

/// 12 CFR 1026.22(a): an eighth of a point, a quarter for irregular transactions.
#[test]
fn the_tolerances_of_regulation_z() {
    let within = |disclosed: &str, actual: &str, irregular| {
        within_reg_z_tolerance(disclosed.parse().unwrap(), actual.parse().unwrap(), irregular)
    };
    assert!(within("10.125", "10", false) && within("9.875", "10", false));
    assert!(!within("10.125001", "10", false) && !within("9.874999", "10", false));
    assert!(within("10.25", "10", true) && !within("10.250001", "10", true));
}

#[test]
fn the_european_standard_information_adds_up() {
    let terms = json!({"currency": "EUR", "principal": 120_000, "start": "2026-12-01",
        "rate": {"annual_percent": "12", "day_count": "30/360"},
        "fees": [{"code": "account", "payee": "lender", "amount": 100, "when": "each"}],
        "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}});
    let late = json!({"prepaid": [{"code": "opening", "payee": "broker", "amount": 1_000}],
        "withdrawal_days": 14,
            "penalty": {"rate": {"annual_percent": "5", "day_count": "actual/365"}, "mode": "in_addition", "base": "overdue_amount"},
            "late_fee": {"tiers": [{"after_days": 10, "amount": 500}], "cap_amount": 2_000},
            "prepayment": {"fee_percent": "1", "ceiling": {"percent": "1", "percent_within_year": "0.5"}}});
    let form = eu_information(&contract(terms, late)).unwrap();
    assert_eq!(form.total_amount_of_credit.checked_add(form.total_cost_of_credit), Ok(form.total_payable));
    // Interest of 79.42, twelve account fees, ten euro at once.
    assert_eq!(form.total_cost_of_credit, amount(7_942 + 1_200 + 1_000));
    assert_eq!((form.duration_days, form.withdrawal_days), (365, Some(14)));
    assert!(form.aprc_percent.parse::<f64>().unwrap() > 12.7, "{}", form.aprc_percent);
    assert_eq!(form.installments[0].amount, amount(10_662 + 100));
    assert_eq!(form.cost_of_default.late_fees_most, amount(2_000));
    let charges: Vec<_> = form.charges.iter().map(|one| (one.code.as_str(), one.amount.minor())).collect();
    assert_eq!(charges, [("account", 1_200), ("opening", 1_000)]);
    // Directive 2008/48/EC, article 16(2): half a per cent where no more than a year is left.
    assert_eq!(form.early_repayment_percent, Some("0.5".parse().unwrap()));
    let json = serde_json::to_value(&form.cost_of_default).unwrap();
    assert_eq!(
        json["penalty"],
        json!({"percent": "5", "daily": false, "base": "overdue_amount", "mode": "in_addition", "grace_days": 0})
    );
}

/// Directive 98/7/EC, Annex II, worked examples by equal months: 1,000 lent and 1,200 back after 18 months, 12.92 %; the
/// same with 50 paid at once, 16.85 %; 600 after one year and 600 after two, 13.07 %.
#[test]
fn the_european_rate_of_the_directives_examples() {
    let example = |dates: Value, fee: &str, upfront: i64| {
        let count = dates.as_array().unwrap().len();
        let terms = json!({"currency": "EUR", "principal": 100_000, "start": "1994-01-01",
            "repayment": {"method": "fee_installment", "count": count, "due_dates": dates, "fee_percent": fee}});
        let prepaid = json!({"prepaid": [{"code": "enquiry", "payee": "lender", "amount": upfront}]});
        eu_information(&contract(terms, prepaid)).unwrap()
    };
    let whole = example(json!(["1995-07-01"]), "20", 0);
    assert_eq!((whole.duration_days, whole.aprc_percent.as_str()), (546, "12.9"));
    assert_eq!((whole.total_payable, whole.installment_fees), (amount(120_000), amount(20_000)));
    let withheld = example(json!(["1995-07-01"]), "20", 5_000);
    assert_eq!(withheld.aprc_percent, "16.9");
    assert_eq!((withheld.total_cost_of_credit, withheld.total_payable), (amount(25_000), amount(125_000)));
    assert_eq!(example(json!(["1995-01-01", "1996-01-01"]), "20", 0).aprc_percent, "13.1");
}

/// 12 × 1.1 % a month of the original principal: 23.5 % a year (published comparison).
#[test]
fn the_chinese_cost_table_lists_every_charge_with_method_rate_and_payee() {
    let terms = json!({"currency": "CNY", "principal": 120_000, "start": "2026-08-01",
        "fees": [{"code": "guarantee", "payee": "guarantor", "percent": "0.1", "when": "each"}],
        "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "fee_percent_per_period": "1.1"}});
    let late = json!({"lender": "bank",
        "penalty": {"rate": {"daily_percent": "0.075"}, "mode": "in_place", "base": "overdue_principal"}});
    let table = cn_cost_table(&contract(terms.clone(), late.clone())).unwrap();
    let lines: Vec<_> = table
        .fees
        .iter()
        .map(|fee| (fee.code.as_str(), fee.payee.as_str(), fee.rate_per, fee.amount.minor()))
        .collect();
    assert_eq!(
        lines,
        [("installment_fee", "bank", Some("period"), 15_840), ("guarantee", "guarantor", Some("period"), 1_440)]
    );
    assert_eq!((table.principal, table.total_cost), (amount(120_000), amount(17_280)));
    // With the guarantee it is 12 × 1.2 %: 25.6 %.
    assert!(table.annualised_percent.starts_with("25.6"), "{}", table.annualised_percent);
    assert_eq!(table.cost_of_default.penalty.as_ref().unwrap().percent, "0.075");

    // What is taken at once is listed and counted as well.
    let mut more = late.clone();
    more["prepaid"] = json!([{"code": "membership", "payee": "platform", "amount": 1_200}]);
    let dearer = cn_cost_table(&contract(terms.clone(), more)).unwrap();
    let last = serde_json::to_value(dearer.fees.last().unwrap()).unwrap();
    assert_eq!(last, json!({"code": "membership", "payee": "platform", "method": "at_once", "amount": 1_200}));
    assert_eq!(dearer.total_cost, amount(17_280 + 1_200));
    assert!(dearer.annualised_percent.parse::<f64>().unwrap() > 27.0, "{}", dearer.annualised_percent);
    let error = cn_cost_table(&contract(terms, json!({}))).unwrap_err();
    assert_eq!(error.code(), "missing_field");

    let interest = json!({"currency": "CNY", "principal": 300_000, "start": "2026-08-01",
        "rate": {"daily_percent": "0.045", "day_count": "30/360"},
        "repayment": {"method": "equal_principal", "count": 12, "every": "P1M"}});
    let table = cn_cost_table(&contract(interest, late)).unwrap();
    // Jiebei's published example: 263.25 before rounding of each month's interest.
    assert!((table.total_cost.minor() - 26_325).abs() <= 6);
    assert_eq!((table.fees.len(), table.fees[0].rate_per), (1, Some("day")));
    assert_eq!(table.annualised_percent, "16.20");
}
