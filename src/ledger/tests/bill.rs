//! What is carried over on a revolving line, and from which day it costs interest: by hand, and against core's closed
//! form, which knows nothing of loans and events.

mod common;

use common::{Books, amount, date, pay};
use prequal_core::{calendar::Date, credit::Line, money::Amount};
use prequal_ledger::{
    Account,
    bill::{self, Statement},
};
use proptest::prelude::*;

/// Bills on the 1st, due on the 10th; a tenth at least; 18 % a year.
fn line(interest_from: &str) -> Line {
    serde_json::from_value(serde_json::json!({
        "billing": { "billing_day": 1, "due_day": 10, "cutoff": "next" },
        "rate": { "annual_percent": "18", "day_count": "actual/365" }, "interest_from": interest_from,
        "minimum": { "percent": "10", "floor": 1_000 }
    }))
    .unwrap()
}

/// Bought on a day of January 2027, due on 10 February at no cost.
fn bought(minor: i64, day: u8) -> Books {
    Books::of(
        &format!(
            r#"{{"currency":"USD","principal":{minor},"start":"2027-01-{day:02}",
                "rate":{{"annual_percent":"0","day_count":"actual/365"}},
                "repayment":{{"method":"equal_installment","count":1,
                    "billing":{{"billing_day":1,"due_day":10,"cutoff":"next"}}}}}}"#
        ),
        "{}",
    )
}

fn february() -> Statement {
    Statement { date: date("2027-02-01"), due: date("2027-02-10") }
}

fn carried(line: &Line, books: &mut Books) {
    assert!(bill::revolves(line, books.loan.contract().terms()));
    for event in bill::carry_over(line, &books.loan, february(), date("2027-03-10")).unwrap() {
        books.record(event, "2027-02-11");
    }
}

/// Principal and interest of the one instalment by 10 March.
fn asked(books: &Books) -> (i64, i64) {
    let state = books.loan.account(date("2027-03-10")).unwrap();
    let last = state.installments.last().unwrap();
    assert_eq!(last.due, date("2027-03-10"));
    let sum = |part: fn(&prequal_core::credit::Parts) -> Amount| {
        let rows = state.installments.iter();
        rows.map(|row| part(&row.owed).minor() - part(&row.paid).minor()).sum::<i64>()
    };
    (sum(|parts| parts.principal), sum(|parts| parts.interest))
}

/// 1,000.00 bought on 11 January; 200.00 are paid on the due day, 10 February, and 800.00 carried over to 10 March.
/// From the day after the due day: 800 × 28 days × 18 % ÷ 365 = 11.05. From the statement: 1,000 × 9 days = 4.44 (4.438)
/// until the due day, and then 28 days of the rest. From the purchase: 1,000 × 30 days = 14.79 (14.795).
///
/// What was paid within the grace was paid on a bill without interest: all of it is principal, wherever interest runs
/// from.
#[test]
fn the_rest_costs_interest_from_the_due_day_the_statement_or_the_purchase() {
    for (from, interest) in [("day_after_due", 1_105), ("statement", 444 + 1_105), ("purchase", 1_479 + 1_105)] {
        let line = line(from);
        let mut books = bought(100_000, 11);
        books.record(pay(20_000, "p", "2027-02-10"), "2027-02-10");
        assert_eq!(books.net(Account::InterestReceivable), 0, "within the grace it costs nothing");
        carried(&line, &mut books);
        let (principal, owed) = asked(&books);
        assert_eq!((principal, owed), (80_000, interest), "{from}");
        let next = books.loan.account(date("2027-02-11")).unwrap().next_due.unwrap();
        assert_eq!(next, (date("2027-03-10"), amount(80_000 + interest)), "what is carried is asked with it");
        assert_eq!(books.loan.account(date("2027-03-10")).unwrap().overdue.total().unwrap(), amount(0));
        // Paid on the next due day, it is paid for good, and nothing more is charged.
        books.record(pay(80_000 + interest, "q", "2027-03-10"), "2027-03-10");
        assert_eq!(books.loan.status().name(), "settled");
        assert_eq!(books.net(Account::InterestIncome), -interest);
    }
}

/// All of it paid by the due day is free, whichever day interest would run from.
#[test]
fn whoever_pays_the_bill_in_full_pays_no_interest() {
    for from in ["day_after_due", "statement", "purchase"] {
        let mut books = bought(100_000, 11);
        books.record(pay(30_000, "p", "2027-01-20"), "2027-01-20");
        books.record(pay(70_000, "q", "2027-02-10"), "2027-02-10");
        assert!(bill::carry_over(&line(from), &books.loan, february(), date("2027-03-10")).unwrap().is_empty());
        assert_eq!(bill::lose_grace(&line(from), &books.loan, february()).unwrap(), None);
    }
}

/// Nothing is paid of 1,000.00 by the due day: 9 days from the statement are 4.44 and 30 from the purchase 14.79, owed
/// with the bill. From the day after the due day it costs what its own terms say, which is nothing here.
#[test]
fn a_bill_of_which_not_the_least_was_paid_loses_the_grace_too() {
    for (from, interest) in [("day_after_due", 0), ("statement", 444), ("purchase", 1_479)] {
        let mut books = bought(100_000, 11);
        if let Some(event) = bill::lose_grace(&line(from), &books.loan, february()).unwrap() {
            books.record(event, "2027-02-11");
        }
        let overdue = books.loan.account(date("2027-03-01")).unwrap().overdue;
        assert_eq!((overdue.principal.minor(), overdue.interest.minor()), (100_000, interest), "{from}");
        // Late already, it is neither carried over nor charged again.
        assert!(bill::carry_over(&line(from), &books.loan, march(), date("2027-04-10")).unwrap().is_empty());
        assert_eq!(bill::lose_grace(&line(from), &books.loan, march()).unwrap(), None);
    }
}

fn march() -> Statement {
    Statement { date: date("2027-03-01"), due: date("2027-03-10") }
}

/// What was carried over bears interest day by day; the grace is lost once, not with every bill.
#[test]
fn what_is_carried_over_twice_loses_its_grace_once() {
    let line = line("purchase");
    let mut books = bought(100_000, 11);
    books.record(pay(20_000, "p", "2027-02-10"), "2027-02-10");
    carried(&line, &mut books);
    // 800.00 and 25.84 of interest; 100.00 are paid, of which 74.16 are principal. 725.84 stand for 31 days until 10 April:
    // 725.84 × 31 × 18 % ÷ 365 = 11.10 (11.0964).
    books.record(pay(10_000, "q", "2027-03-10"), "2027-03-10");
    for event in bill::carry_over(&line, &books.loan, march(), date("2027-04-10")).unwrap() {
        books.record(event, "2027-03-11");
    }
    let balance = books.loan.account(date("2027-04-10")).unwrap().balance;
    assert_eq!((balance.principal.minor(), balance.interest.minor()), (72_584, 1_110));
}

/// The merchant was paid on 20 January only, or after the statement: nobody pays for the lender's delay.
#[test]
fn interest_from_the_purchase_waits_for_the_payout() {
    // 21 days of 1,000.00 from 20 January: 10.36 (10.356); after the statement of 1 February, none.
    for (paid_out, interest) in [("2027-01-20", 1_036), ("2027-02-05", 0)] {
        let mut books = bought(100_000, 11);
        books.record(prequal_ledger::Event::PayoutReturned { value_date: date("2027-01-12") }, "2027-01-12");
        books.record(prequal_ledger::Event::PayoutSettled { value_date: date(paid_out) }, paid_out);
        books.record(pay(20_000, "p", "2027-02-10"), "2027-02-10");
        carried(&line("purchase"), &mut books);
        assert_eq!(asked(&books), (80_000, interest + 1_105), "{paid_out}");
    }
}

/// A day at a time, in whole numbers: what stood at the end of each day, times 18 % ÷ 365, rounded half to even once.
fn day_by_day(bought: i64, from: Date, until: Date, paid: &[(Date, i64)]) -> i64 {
    let (mut product, mut day) = (0_i64, from);
    while day < until {
        let gone: i64 = paid.iter().filter(|(date, _)| *date <= day).map(|(_, minor)| *minor).sum();
        product += (bought - gone) * 18;
        day = day.add_days(1).unwrap();
    }
    let (whole, rest) = (product / 36_500, product % 36_500);
    whole + i64::from(rest * 2 > 36_500 || (rest * 2 == 36_500 && whole % 2 == 1))
}

proptest! {
    /// Whatever is bought, and however much of it is paid when, what the rest begins with is what a count of days says.
    #[test]
    fn lost_grace_is_what_a_count_of_days_says(
        minor in 10_i64..5_000_000,
        day in 1_u8..31,
        parts in prop::collection::vec((0_i32..41, 1_i64..400_000), 0..6),
    ) {
        let start = date(&format!("2027-01-{day:02}"));
        let due = date("2027-02-10");
        let mut paid: Vec<(Date, i64)> = parts
            .into_iter()
            .map(|(after, part)| (start.add_days(after).unwrap().min(due), part.min(minor / 7)))
            .filter(|(_, part)| *part > 0)
            .collect();
        paid.sort();
        for (from, counted) in [("statement", date("2027-02-01")), ("purchase", start)] {
            let line = line(from);
            let mut books = bought(minor, day);
            for (place, (day, part)) in paid.iter().enumerate() {
                books.record_quickly(pay(*part, &place.to_string(), &day.to_string()), &day.to_string());
            }
            let grace = day_by_day(minor, counted, due, &paid);
            let left = minor - paid.iter().map(|(_, part)| part).sum::<i64>();
            let after = day_by_day(left, due, date("2027-03-10"), &[]);
            carried(&line, &mut books);
            prop_assert_eq!(asked(&books), (left, grace + after), "{}", from);
        }
    }
}

/// 1,000.00 fell due on 10 February and bear 18.25 % a year as a penalty: 0.50 a day, 9.50 on 1 March after 19 days. The
/// statement of that day asks for all of it, and so does its minimum, because what is late is asked in full.
#[test]
fn a_statement_asks_for_the_penalty_of_what_is_late() {
    let penalty = r#"{"penalty":{"rate":{"annual_percent":"18.25","day_count":"actual/365"},"mode":"in_addition","base":"overdue_principal"}}"#;
    let books = Books::of(
        r#"{"currency":"USD","principal":100000,"start":"2027-01-11",
            "rate":{"annual_percent":"0","day_count":"actual/365"},
            "repayment":{"method":"equal_installment","count":1,
                "billing":{"billing_day":1,"due_day":10,"cutoff":"next"}}}"#,
        penalty,
    );
    let (line, loans) = (line("day_after_due"), [(&books.loan, true)]);
    let bill = bill::bill(&line, loans, date("2027-03-01"), date("2027-03-10")).unwrap();
    assert_eq!((bill.penalty, bill.total, bill.minimum), (amount(950), amount(100_950), amount(100_950)));
    let before = bill::bill(&line, [(&books.loan, true)], date("2027-02-01"), date("2027-02-10")).unwrap();
    assert_eq!((before.penalty, before.total, before.minimum), (amount(0), amount(100_000), amount(10_000)));
}
