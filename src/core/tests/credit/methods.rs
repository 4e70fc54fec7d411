//! Ways of repaying beyond the plain ones. Levels were computed apart, in fractions: (P − B·vⁿ) ÷ Σ vᵏ.

use prequal_core::credit::{PayoffInput, Schedule, Terms, payoff, schedule};
use serde_json::{Value, json};

use super::amount;

fn made(terms: Value) -> Result<Schedule, String> {
    let terms: Terms = serde_json::from_value(terms).map_err(|error| error.to_string())?;
    // What is written reads back as the same.
    let text = serde_json::to_string(&terms).unwrap();
    assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), terms);
    schedule(&terms).map_err(|error| error.to_string())
}

fn loan(principal: i64, percent: &str, day_count: &str, start: &str, repayment: Value) -> Value {
    json!({"currency": "EUR", "principal": principal, "start": start,
           "rate": {"annual_percent": percent, "day_count": day_count}, "repayment": repayment})
}

fn totals(schedule: &Schedule) -> Vec<i64> {
    schedule.installments.iter().map(|row| row.total.minor()).collect()
}

/// A schedule paid on time is followed by the account to the cent.
fn account_follows(terms: &Value) {
    let signed = made(terms.clone()).unwrap();
    let events: Vec<Value> = signed
        .installments
        .iter()
        .map(|row| json!({"type": "repayment", "date": row.due, "amount": row.total}))
        .collect();
    for (paid, row) in signed.installments.iter().enumerate() {
        let question = json!({"terms": terms, "date": row.due, "events": events[..paid]});
        let state = payoff(&serde_json::from_value::<PayoffInput>(question).unwrap()).unwrap();
        assert_eq!(state.overdue.total(), Ok(amount(0)));
        for (signed, now) in signed.installments.iter().zip(&state.installments) {
            let parts = (signed.principal, signed.interest, signed.fee, signed.balance);
            assert_eq!(parts, (now.owed.principal, now.owed.interest, now.owed.fee, now.balance), "{}", signed.number);
        }
    }
}

/// 10,000.00 at 6 % over 36 months with 4,000.00 at the end: 202.531 … a month.
#[test]
fn a_balloon_stays_for_the_last_instalment() {
    let terms = |method: &str, balloon: Value| {
        loan(
            1_000_000,
            "6",
            "30/360",
            "2026-01-01",
            json!({"method": method, "count": 36, "every": "P1M", "balloon": balloon}),
        )
    };
    let level = made(terms("equal_installment", json!({"amount": 400_000}))).unwrap();
    assert_eq!(totals(&level)[..35], [20_253; 35]);
    assert!((totals(&level)[35] - 420_253).abs() < 36);
    assert_eq!(made(terms("equal_installment", json!({"percent": "40"}))).unwrap(), level);
    let shares = made(terms("equal_principal", json!({"amount": 400_000}))).unwrap();
    assert!(shares.installments[..35].iter().all(|row| row.principal == amount(16_666)));
    assert_eq!(shares.installments[35].principal, amount(16_666 + 24 + 400_000));
    for wrong in [json!({"amount": 1_000_000}), json!({"percent": "100"})] {
        let error = made(terms("equal_installment", wrong)).unwrap_err();
        assert_eq!(error, "`balloon` does not apply: it must be less than the principal");
    }
    assert!(
        made(terms("interest_only", json!({"percent": "40"}))).unwrap_err().starts_with("`balloon` does not apply")
    );
    account_follows(&terms("equal_installment", json!({"amount": 400_000})));
    account_follows(&terms("equal_principal", json!({"amount": 400_000})));
}

/// 1,200.00 at 1 % a month, three months of interest alone, then nine of 140.088 ….
#[test]
fn a_principal_holiday_is_of_interest_alone() {
    for method in ["equal_installment", "equal_principal"] {
        let terms = loan(
            120_000,
            "12",
            "30/360",
            "2026-01-01",
            json!({"method": method, "count": 12, "every": "P1M", "principal_holiday": 3}),
        );
        let schedule = made(terms.clone()).unwrap();
        assert_eq!(totals(&schedule)[..3], [1_200; 3]);
        if method == "equal_installment" {
            assert_eq!(totals(&schedule)[3..11], [14_009; 8]);
        } else {
            assert!(schedule.installments[3..11].iter().all(|row| row.principal == amount(13_333)));
        }
        account_follows(&terms);
    }
    let all = loan(
        120_000,
        "12",
        "30/360",
        "2026-01-01",
        json!({"method": "equal_installment", "count": 12, "every": "P1M", "principal_holiday": 12}),
    );
    assert_eq!(made(all).unwrap_err(), "`principal_holiday` does not apply: it must be shorter than `count`");
}

#[test]
fn a_down_payment_is_not_lent() {
    let terms = loan(
        129_900,
        "12.9",
        "30/360",
        "2026-01-01",
        json!({"method": "equal_installment", "count": 6, "every": "P1M", "down_payment": {"percent": "20"}}),
    );
    let schedule = made(terms.clone()).unwrap();
    assert_eq!((schedule.down_payment, schedule.total_principal), (amount(25_980), amount(103_920)));
    let mut rest = terms.clone();
    rest["principal"] = json!(103_920);
    rest["repayment"].as_object_mut().unwrap().remove("down_payment");
    assert_eq!(made(rest).unwrap().installments, schedule.installments);
    account_follows(&terms);
    assert!(serde_json::to_string(&schedule).unwrap().contains("],\"down_payment\":25980,\"total_principal\":103920,"));
}

/// What is paid at once can be taken out of the terms: every share, fee and rate is of what is lent, so that the loan of
/// the rest has the same instalments, whatever the method.
#[test]
fn the_terms_of_the_rest_have_the_same_instalments() {
    for method in ["equal_installment", "equal_principal", "interest_only", "free", "fee_installment"] {
        let mut terms = loan(
            129_901,
            "12.9",
            "30/360",
            "2026-01-01",
            json!({"method": method, "count": 6, "every": "P1M", "down_payment": {"percent": "33.3"}}),
        );
        terms["fees"] = json!([{"code": "service", "payee": "lender", "percent": "1.7", "when": "spread"}]);
        if method == "free" || method == "fee_installment" {
            terms.as_object_mut().unwrap().remove("rate");
        }
        if method == "fee_installment" {
            terms["repayment"]["fee_percent"] = json!("4.4");
        }
        let whole: Terms = serde_json::from_value(terms).unwrap();
        let made = schedule(&whole).unwrap();
        let (rest, paid) = whole.without_down_payment().unwrap();
        let again = schedule(&rest).unwrap();
        assert_eq!(again.installments, made.installments, "{method}");
        assert_eq!((paid, rest.principal), (made.down_payment, made.total_principal), "{method}");
        assert!(again.down_payment.is_zero() && !paid.is_zero(), "{method}");
    }
}

/// 600.00 at 12 % by actual/365 over six months: 103.963 after a long first period, 102.784 after a short one.
#[test]
fn a_first_period_may_be_long_or_short() {
    for (start, level) in [("2026-01-01", 10_396), ("2026-02-05", 10_278)] {
        let terms = loan(
            60_000,
            "12",
            "actual/365",
            start,
            json!({"method": "equal_installment", "count": 6, "every": "P1M", "first_due": "2026-02-15"}),
        );
        assert_eq!(totals(&made(terms.clone()).unwrap())[..5], [level; 5], "{start}");
        account_follows(&terms);
    }
}

/// Klarna (published): a quarter now and three more every 14 days.
#[test]
fn pay_in_four_begins_at_once() {
    let terms = json!({"currency": "USD", "principal": 10_001, "start": "2026-01-05", "remainder": "first",
        "repayment": {"method": "free", "count": 4, "every": "P2W", "first_due": "2026-01-05"}});
    let schedule = made(terms.clone()).unwrap();
    assert_eq!(totals(&schedule), [2_501, 2_500, 2_500, 2_500]);
    let dues: Vec<String> = schedule.installments.iter().map(|row| row.due.to_string()).collect();
    assert_eq!(dues, ["2026-01-05", "2026-01-19", "2026-02-02", "2026-02-16"]);
    account_follows(&terms);
}

/// 30 days free, then instalments: interest runs from 31 January; the level is 102.481.
#[test]
fn the_first_days_may_bear_no_interest() {
    let terms = |method: &str, count: &str| {
        loan(
            60_000,
            "12",
            count,
            "2026-01-01",
            json!({"method": method, "count": 6, "every": "P1M", "interest_free_days": 30}),
        )
    };
    let schedule = made(terms("equal_installment", "actual/365")).unwrap();
    // One day of January: 600.00 × 12 % ÷ 365 = 0.197.
    assert_eq!(schedule.installments[0].interest, amount(20));
    assert_eq!(totals(&schedule)[..5], [10_248; 5]);
    for method in ["equal_installment", "equal_principal", "interest_only"] {
        for count in ["actual/365", "30/360", "actual/actual"] {
            account_follows(&terms(method, count));
        }
    }
    let whole = json!({"method": "single", "first_due": "2026-01-31", "interest_free_days": 30});
    assert_eq!(made(loan(60_000, "12", "actual/365", "2026-01-01", whole)).unwrap().total_interest, amount(0));
}

/// 31 January 2026 is a Saturday, 28 February a Saturday, 31 May a Sunday.
#[test]
fn due_dates_keep_to_business_days_by_rule_and_data() {
    let terms = |adjust: &str, holidays: Value| {
        loan(
            60_000,
            "12",
            "30/360",
            "2025-12-31",
            json!({"method": "equal_installment", "count": 5, "every": "P1M",
               "business_days": {"adjust": adjust, "holidays": holidays}}),
        )
    };
    let dues = |terms: Value| -> Vec<String> {
        made(terms).unwrap().installments.iter().map(|row| row.due.to_string()).collect()
    };
    assert_eq!(dues(terms("none", json!([]))), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]);
    assert_eq!(
        dues(terms("following", json!(["2026-02-02"]))),
        ["2026-02-03", "2026-03-02", "2026-03-31", "2026-04-30", "2026-06-01"]
    );
    assert_eq!(
        dues(terms("modified_following", json!([]))),
        ["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"]
    );
    assert_eq!(
        dues(terms("preceding", json!(["2026-01-30"]))),
        ["2026-01-29", "2026-02-27", "2026-03-31", "2026-04-30", "2026-05-29"]
    );
    // A regular month of a 30-day count stays one: the instalments are those without adjustment.
    let plain = totals(&made(terms("none", json!([]))).unwrap());
    assert_eq!(totals(&made(terms("following", json!(["2026-02-02"]))).unwrap()), plain);
    account_follows(&terms("modified_following", json!([])));
}

/// Huabei (published): what is bought in a month is billed on the 1st and due on the 10th.
#[test]
fn a_billing_calendar_makes_the_due_dates() {
    let terms = json!({"currency": "CNY", "principal": 111_111, "start": "2026-01-20", "remainder": "first",
        "repayment": {"method": "fee_installment", "count": 3, "fee_percent": "2.3",
                      "billing": {"billing_day": 1, "due_day": 10, "cutoff": "next"}}});
    let schedule = made(terms.clone()).unwrap();
    let dues: Vec<String> = schedule.installments.iter().map(|row| row.due.to_string()).collect();
    assert_eq!(dues, ["2026-02-10", "2026-03-10", "2026-04-10"]);
    // 1,111.11 in three: 378.89 a month, total fee 25.56 (published).
    assert_eq!(totals(&schedule), [37_889, 37_889, 37_889]);
    assert_eq!(schedule.total_fee, amount(2_556));
    account_follows(&terms);
    let mut wrong = terms.clone();
    wrong["repayment"]["every"] = json!("P1M");
    assert_eq!(made(wrong).unwrap_err(), "`billing` and `every` exclude each other");
    let mut wrong = terms;
    wrong["repayment"]["billing"]["due_day"] = json!(32);
    assert!(made(wrong).unwrap_err().starts_with("`billing` does not apply"));
}

/// A difference that the second implementation found: a level computed anew must not count the instalments of
/// a principal holiday, which repay nothing. 1,200.00 over nine instalments after three of interest alone, and
/// 600.00 of it prepaid on the first due day: 70.04 instead of 140.09.
#[test]
fn a_new_level_leaves_the_principal_holiday_alone() {
    let terms = loan(
        120_000,
        "12",
        "30/360",
        "2026-01-01",
        json!({"method": "equal_installment", "count": 12, "every": "P1M", "principal_holiday": 3}),
    );
    let events = json!([{"type": "repayment", "date": "2026-02-01", "amount": 1_200},
        {"type": "prepayment", "date": "2026-02-01", "amount": 60_000, "effect": "lower_installment"}]);
    let question = json!({"terms": terms, "date": "2026-02-01", "events": events});
    let state = payoff(&serde_json::from_value::<PayoffInput>(question).unwrap()).unwrap();
    let rows: Vec<i64> = state.installments.iter().map(|row| row.owed.total().unwrap().minor()).collect();
    assert_eq!((rows[1], rows[2], &rows[3..11]), (600, 600, &[7_004; 8][..]));
}
