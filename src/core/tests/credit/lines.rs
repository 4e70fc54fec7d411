//! Revolving lines, and one transfer for several loans.

use prequal_core::credit::{AllocationRule, Among, Debt, Line, Parts, StatementLines, Terms, account, split_transfer};
use serde_json::json;

use super::{amount, date};

/// Huabei's published shape: billed on the 1st, due on the 10th, 0.05 % a day from the day after the due day.
fn line(interest_from: &str) -> Line {
    serde_json::from_value(json!({
        "billing": {"billing_day": 1, "due_day": 10, "cutoff": "next"},
        "rate": {"daily_percent": "0.05"}, "interest_from": interest_from,
        "minimum": {"percent": "10", "floor": 1_000, "cap": 50_000}
    }))
    .unwrap()
}

/// Baitiao: 10 % plus whatever is already in instalments; interest and fees in full.
#[test]
fn a_statement_asks_a_share_of_purchases_and_all_else_in_full() {
    let least = |principal: i64, installments: i64| {
        let lines = StatementLines {
            principal: amount(principal),
            installments: amount(installments),
            interest: amount(37),
            fee: amount(200),
        };
        line("day_after_due").minimum_payment(&lines).unwrap().minor()
    };
    assert_eq!(least(100_000, 0), 10_000 + 237);
    assert_eq!(least(100_000, 33_333), 10_000 + 33_333 + 237);
    // The floor, the cap, and never more than the principal.
    assert_eq!((least(5_000, 0), least(1_000_000, 0), least(300, 0)), (1_237, 50_237, 537));
}

/// 1,000.00 bought on 10 January and 500.00 on 20 January, 600.00 paid on the due day, 10 February; by
/// 20 February 900.00 have stood.
#[test]
fn interest_runs_from_purchase_statement_or_due_day() {
    let bought = [(date("2026-01-10"), amount(100_000)), (date("2026-01-20"), amount(50_000))];
    let paid = [(date("2026-02-10"), amount(60_000))];
    for (from, amount_days) in [
        // 600 × 31 + 400 × 41 + 500 × 31
        ("purchase", 60_000 * 31 + 40_000 * 41 + 50_000 * 31),
        // 600 × 9 + 900 × 19
        ("statement", 60_000 * 9 + 90_000 * 19),
        ("day_after_due", 90_000 * 10),
    ] {
        let interest = line(from).interest(&bought, &paid, date("2026-02-20")).unwrap();
        assert_eq!(interest.minor(), amount_days * 5 / 10_000, "{from}");
        let in_full = [(date("2026-02-10"), amount(150_000))];
        assert_eq!(line(from).interest(&bought, &in_full, date("2026-02-20")), Ok(amount(0)), "{from}");
    }
    let next_month = [(date("2026-01-10"), amount(1)), (date("2026-02-01"), amount(1))];
    assert!(line("purchase").interest(&next_month, &[], date("2026-03-01")).is_err());
}

/// Two loans, one transfer: what is past due of both before anything else, or one after the other, or shared.
#[test]
fn one_transfer_serves_several_loans() {
    let debt = |past: i64, due: i64, later: i64| {
        let parts = |minor: i64| Parts { principal: amount(minor), ..Parts::default() };
        Debt { past_due: parts(past), due: parts(due), in_advance: parts(later) }
    };
    let debts = [debt(0, 10_000, 50_000), debt(6_000, 3_000, 9_000)];
    let split = |minor: i64, among: Among| {
        let (shares, left) = split_transfer(amount(minor), &debts, &AllocationRule::default(), among).unwrap();
        (shares.iter().map(|share| share.minor()).collect::<Vec<_>>(), left.minor())
    };
    assert_eq!(split(12_000, Among::BucketByBucket), (vec![6_000, 6_000], 0));
    assert_eq!(split(12_000, Among::LoanByLoan), (vec![12_000, 0], 0));
    // 6,000 past due, then 6,000 over 10,000 and 3,000: 4,615.38 and 1,384.62.
    assert_eq!(split(12_000, Among::ProRata), (vec![4_615, 7_385], 0));
    assert_eq!(split(100_000, Among::BucketByBucket), (vec![60_000, 18_000], 22_000));

    // An account's own debt adds up to what settles it.
    let terms: Terms = serde_json::from_value(json!({"currency": "CNY", "principal": 1_000_000, "start": "2026-01-01",
        "rate": {"daily_percent": "0.05"}, "repayment": {"method": "equal_principal", "count": 10, "every": "P1M"}}))
    .unwrap();
    let state = account(&terms, &[], date("2026-03-01")).unwrap();
    let debt = Debt::of(&state).unwrap();
    assert_eq!(
        (debt.past_due.principal, debt.due.principal, debt.in_advance.principal),
        (amount(100_000), amount(100_000), amount(800_000))
    );
    let all = [debt.past_due, debt.due, debt.in_advance].map(|parts| parts.total().unwrap().minor());
    assert_eq!(all.iter().sum::<i64>(), state.balance.total().unwrap().minor());
}
