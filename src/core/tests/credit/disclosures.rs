//! The amounts of the disclosures: they follow from schedule and rate, and they add up as the laws say.

use prequal_core::credit::{
    Rules, Terms,
    disclosure::{PrepaidCharge, cn_cost_table, eu_information, us_box},
    within_reg_z_tolerance,
};
use serde_json::{Value, json};

use super::amount;

fn terms(value: Value) -> Terms {
    serde_json::from_value(value).unwrap()
}

fn rules(value: Value) -> Rules {
    serde_json::from_value(value).unwrap()
}

/// Regulation Z's identity: amount financed + finance charge = total of payments.
#[test]
fn the_closed_end_box_adds_up() {
    let mut contract = json!({"currency": "USD", "principal": 600_000, "start": "2026-01-10",
        "rate": {"annual_percent": "12", "day_count": "30/360"},
        "repayment": {"method": "equal_installment", "count": 24, "every": "P1M", "down_payment": {"amount": 100_000}}});
    let plain = us_box(&terms(contract.clone()), &[], &[]).unwrap();
    // 5,000.00 at 1 % a month for 24 months: 235.37 each, the last one a little less.
    assert_eq!((plain.payments[0].count, plain.payments[0].amount), (23, amount(23_537)));
    assert_eq!((plain.amount_financed, plain.apr_percent.as_str()), (amount(500_000), "12.00"));
    assert_eq!(plain.total_sale_price, plain.total_of_payments.checked_add(amount(100_000)).unwrap());

    contract["fees"] = json!([
        {"code": "registration", "payee": "state", "amount": 12_000, "when": "spread"},
        {"code": "service", "payee": "lender", "amount": 24_000, "when": "spread"}
    ]);
    let prepaid = [PrepaidCharge { code: "origination".into(), payee: "lender".into(), amount: amount(10_000) }];
    let full = us_box(&terms(contract), &prepaid, &["registration".to_owned()]).unwrap();
    assert_eq!(full.amount_financed, amount(500_000 + 12_000 - 10_000));
    assert_eq!(full.finance_charge.minor(), plain.finance_charge.minor() + 24_000 + 10_000);
    assert_eq!(full.amount_financed.checked_add(full.finance_charge), Ok(full.total_of_payments));
    assert_eq!(full.itemization.to_others[0].payee, "state");
    assert_eq!(full.itemization.prepaid_finance_charge, amount(10_000));
    assert!(full.apr_percent.parse::<f64>().unwrap() > 17.0, "{}", full.apr_percent);
    let none = us_box(
        &terms(json!({"currency": "USD", "principal": 1_000, "start": "2026-01-10",
        "repayment": {"method": "free", "count": 4, "every": "P2W"}})),
        &[],
        &[],
    )
    .unwrap();
    assert!(!none.required && plain.required && none.apr_percent == "0.00");
    assert_eq!(none.payments.len(), 1);
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
    let contract = terms(json!({"currency": "EUR", "principal": 120_000, "start": "2026-12-01",
        "rate": {"annual_percent": "12", "day_count": "30/360"},
        "fees": [{"code": "account", "payee": "lender", "amount": 100, "when": "each"}],
        "repayment": {"method": "equal_installment", "count": 12, "every": "P1M"}}));
    let late = rules(json!({"withdrawal_days": 14,
        "penalty": {"rate": {"annual_percent": "5", "day_count": "actual/365"}, "mode": "in_addition", "base": "overdue_amount"},
        "late_fee": {"tiers": [{"after_days": 10, "amount": 500}], "cap_amount": 2_000}}));
    let form = eu_information(&contract, &late, amount(1_000)).unwrap();
    assert_eq!(form.total_amount_of_credit.checked_add(form.total_cost_of_credit), Ok(form.total_payable));
    // Interest of 79.42, twelve account fees, ten euro at once.
    assert_eq!(form.total_cost_of_credit, amount(7_942 + 1_200 + 1_000));
    assert_eq!((form.duration_days, form.withdrawal_days), (365, Some(14)));
    assert!(form.aprc_percent.parse::<f64>().unwrap() > 12.7, "{}", form.aprc_percent);
    assert_eq!(form.installments[0].amount, amount(10_662 + 100));
    assert_eq!(form.cost_of_default.late_fees_most, amount(2_000));
    let json = serde_json::to_value(&form.cost_of_default).unwrap();
    assert_eq!(
        json["penalty"],
        json!({"percent": "5", "daily": false, "base": "overdue_amount", "mode": "in_addition", "grace_days": 0})
    );
}

/// 12 × 1.1 % a month of the original principal: 23.5 % a year (published comparison).
#[test]
fn the_chinese_cost_table_lists_every_charge_with_method_rate_and_payee() {
    let contract = terms(json!({"currency": "CNY", "principal": 120_000, "start": "2026-08-01",
        "fees": [{"code": "guarantee", "payee": "guarantor", "percent": "0.1", "when": "each"}],
        "repayment": {"method": "fee_installment", "count": 12, "every": "P1M", "fee_percent_per_period": "1.1"}}));
    let late = rules(
        json!({"penalty": {"rate": {"daily_percent": "0.075"}, "mode": "in_place", "base": "overdue_principal"}}),
    );
    let table = cn_cost_table(&contract, &late, "bank").unwrap();
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
    let interest = terms(json!({"currency": "CNY", "principal": 300_000, "start": "2026-08-01",
        "rate": {"daily_percent": "0.045", "day_count": "30/360"},
        "repayment": {"method": "equal_principal", "count": 12, "every": "P1M"}}));
    let table = cn_cost_table(&interest, &late, "bank").unwrap();
    // Jiebei's published example: 263.25 before rounding of each month's interest.
    assert!((table.total_cost.minor() - 26_325).abs() <= 6);
    assert_eq!((table.fees.len(), table.fees[0].rate_per), (1, Some("day")));
    assert_eq!(table.annualised_percent, "16.20");
}
