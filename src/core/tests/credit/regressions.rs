//! Differences that the naive account once found, each by hand.

use prequal_core::credit::{Payoff, PayoffInput, Terms, payoff, schedule};
use serde_json::{Value, json};

fn ask(question: &Value) -> Result<Payoff, String> {
    let input: PayoffInput = serde_json::from_value(question.clone()).map_err(|error| error.to_string())?;
    payoff(&input).map_err(|error| error.to_string())
}

/// 1,000.00 in one payment after 30 days at 0.1 % a day.
fn a_month() -> Value {
    json!({"currency": "EUR", "principal": 100_000, "start": "2026-01-01", "rate": {"daily_percent": "0.1"},
        "repayment": {"method": "single", "count": 1, "due_dates": ["2026-01-31"]}})
}

fn rate_from(date: &str, rate: Value) -> Value {
    json!({"type": "rate_change", "date": date, "rate": rate})
}

/// What a forecast takes to be paid when due is not late, so no penalty takes the place of its interest and no day
/// of grace splits its periods: until something is late, the instalments are those of the schedule.
#[test]
fn a_penalty_in_place_of_interest_does_not_change_what_is_foreseen() {
    let terms = json!({"currency": "CNY", "principal": 941_174, "start": "2026-03-13",
        "rate": {"annual_percent": "13.45", "day_count": "actual/365"}, "rounding": "up",
        "repayment": {"method": "equal_installment", "count": 6, "every": "P1M"}});
    let made = schedule(&serde_json::from_value::<Terms>(terms.clone()).unwrap()).unwrap();
    for base in ["overdue_principal", "overdue_amount", "all_principal"] {
        for grace_days in [0, 4] {
            let penalty = json!({"multiple": "1.5", "mode": "in_place", "base": base, "grace_days": grace_days});
            let question = json!({"terms": terms, "date": "2026-03-13", "penalty": penalty});
            let foreseen = ask(&question).unwrap().installments;
            for (row, signed) in foreseen.iter().zip(&made.installments) {
                assert_eq!((row.owed.interest, row.owed.principal), (signed.interest, signed.principal), "{base}");
            }
        }
    }
}

/// 0.1 % a day on 1,000.00 for the 20 days that are not days 11 to 20, which bear nothing: 20.00.
#[test]
fn days_without_interest_are_not_made_up_for_when_a_rate_returns() {
    let events = [
        rate_from("2026-01-11", json!({"daily_percent": "0"})),
        rate_from("2026-01-21", json!({"daily_percent": "0.1"})),
    ];
    let mut question = json!({"terms": a_month(), "date": "2026-01-31", "events": events});
    assert_eq!(ask(&question).unwrap().interest.minor(), 2_000);
    // Nor is a minimum of days that went by while nothing was due.
    question["terms"]["rate"] = json!({"daily_percent": "0", "minimum_days": 10});
    question["events"] = json!([rate_from("2026-01-04", json!({"daily_percent": "0.1", "minimum_days": 10}))]);
    question["date"] = json!("2026-01-04");
    assert_eq!(ask(&question).unwrap().interest.minor(), 0);
    question["date"] = json!("2026-01-31");
    // Ten days are counted as gone by, so twenty are left.
    assert_eq!(ask(&question).unwrap().interest.minor(), 2_000);
}

/// A rate that returns after none at all must still count days as the contract did.
#[test]
fn a_rate_of_zero_does_not_open_the_way_to_another_day_count() {
    let events = [
        rate_from("2026-01-11", json!({"daily_percent": "0"})),
        rate_from("2026-01-21", json!({"annual_percent": "36", "day_count": "30/360"})),
    ];
    let refused = ask(&json!({"terms": a_month(), "date": "2026-01-31", "events": events})).unwrap_err();
    assert_eq!(refused, "`day_count` does not apply: the new rate must count days as the old one does");
}

/// A first instalment due on the day of the advance counts the minimum of days in the schedule and in the account:
/// 1,000.00 × 12 % × 10/360 = 3.33.
#[test]
fn a_period_without_days_earns_the_minimum_in_the_account_too() {
    let terms = json!({"currency": "EUR", "principal": 100_000, "start": "2026-01-01",
        "rate": {"annual_percent": "12", "day_count": "30/360", "minimum_days": 10},
        "repayment": {"method": "equal_principal", "count": 2, "due_dates": ["2026-01-01", "2026-02-01"]}});
    let made = schedule(&serde_json::from_value::<Terms>(terms.clone()).unwrap()).unwrap();
    assert_eq!(made.installments[0].interest.minor(), 333);
    let answer = ask(&json!({"terms": terms, "date": "2026-01-01"})).unwrap();
    assert_eq!((answer.interest.minor(), answer.installments[0].owed.interest.minor()), (333, 333));
}

/// Interest that begins after ten free days has not begun on the tenth, however often one looks on that day.
#[test]
fn looking_twice_on_the_last_free_day_starts_no_interest() {
    let mut terms = a_month();
    terms["repayment"]["interest_free_days"] = json!(10);
    terms["rate"]["minimum_days"] = json!(5);
    let nothing = json!({"type": "prepayment", "date": "2026-01-11", "amount": 0});
    for events in [json!([]), json!([nothing]), json!([nothing, nothing])] {
        let answer = ask(&json!({"terms": terms, "date": "2026-01-11", "events": events})).unwrap();
        assert_eq!(answer.interest.minor(), 0);
    }
}
