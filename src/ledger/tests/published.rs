//! Results that others published, and complaints of the users of other systems, each by the name of its thread.

mod common;

use common::*;
use prequal_ledger::{Account as A, Event, LedgerError, Line, LineEvent, Loan, Status};

/// 100.00 at 7 % over six months from 1 January 2024 (Apache Fineract's example of an early payoff).
const FINERACT: &str = r#"{"currency":"USD","principal":10000,"start":"2024-01-01",
    "rate":{"annual_percent":"7","day_count":"30/360"},
    "repayment":{"method":"equal_installment","count":6,"every":"P1M","first_due":"2024-02-01"},
    "rounding":"half_even","adjust_installment":true}"#;

/// 500.00 in four, free.
const FOUR: &str = r#"{"currency":"USD","principal":50000,"start":"2026-01-01",
    "repayment":{"method":"free","count":4,"every":"P1M"},"rounding":"half_even"}"#;

/// 1,000.00 at 36.5 %, in four equal shares of principal.
const BEARING: &str = r#"{"currency":"USD","principal":100000,"start":"2026-01-01",
    "rate":{"annual_percent":"36.5","day_count":"actual/365"},
    "repayment":{"method":"equal_principal","count":4,"every":"P1M","first_due":"2026-02-01"},"rounding":"half_even"}"#;

/// Apache Fineract: 83.81 settles on 15 February to the day, 84.06 to the next due date.
#[test]
fn fineract_an_early_payoff_to_the_day_and_to_the_next_due_date() {
    let mut books = Books::of(FINERACT, "{}");
    books.record(received(1_701, "2024-02-01"), "2024-02-01");
    let state = books.loan.account(date("2024-02-15")).unwrap();
    assert_eq!(state.balance.total().unwrap(), amount(8_381));
    let to_next_due = state.balance.principal.checked_add(state.interest_to_next_due).unwrap();
    assert_eq!(to_next_due, amount(8_406));
    // And what is said is what is booked.
    books.record(received(8_381, "2024-02-15"), "2024-02-15");
    assert_eq!((books.loan.status(), books.net(A::InterestIncome)), (Status::Settled, -(58 + 24)));
}

/// Apache Fineract: nothing paid by 15 July; interest stays 0.58 a month and the last due is 18.43.
#[test]
fn fineract_nothing_paid_until_after_the_last_due_date() {
    let books = Books::of(FINERACT, "{}");
    let rows = books.loan.account(date("2024-07-15")).unwrap().installments;
    assert!(rows.iter().all(|row| row.owed.interest == amount(58)), "{rows:?}");
    assert_eq!(rows.last().unwrap().owed.total().unwrap(), amount(1_843));
    let mut late = Books::of(FINERACT, "{}");
    late.record(Event::Recognized, "2024-07-15");
    assert_eq!((late.net(A::InterestIncome), late.net(A::InterestReceivable)), (-6 * 58, 6 * 58));
}

/// A refund of 300 on 500 in four, with nothing paid, by each refund rule.
#[test]
fn a_refund_of_300_on_500_in_four_by_each_rule() {
    for (order, left) in
        [("last_first", [12_500, 7_500, 0, 0]), ("first_first", [0, 0, 7_500, 12_500]), ("pro_rata", [5_000; 4])]
    {
        let mut books = Books::of(FOUR, &format!(r#"{{"refund":{{"order":"{order}"}}}}"#));
        books.record(refunded(30_000, "r1", "2026-01-10"), "2026-01-10");
        let rows = books.loan.account(date("2026-01-10")).unwrap().installments;
        let asked: Vec<_> = rows.iter().map(|row| row.owed.principal.minor()).collect();
        assert_eq!(asked, left, "{order}");
        assert_eq!((books.net(A::PrincipalReceivable), books.net(A::MerchantPayable)), (20_000, 30_000));
    }
}

/// A refund above the debt and one after payoff: the rest goes back to whoever paid.
#[test]
fn a_refund_above_the_debt_or_after_payoff_is_owed_back_to_the_payer() {
    let mut books = Books::of(FOUR, "{}");
    books.record(received(40_000, "2026-01-05"), "2026-01-05");
    books.record(refunded(30_000, "r1", "2026-01-10"), "2026-01-10");
    assert_eq!((books.loan.status(), books.loan.credit_balance()), (Status::Settled, amount(20_000)));
    books.record(refunded(20_000, "r2", "2026-03-01"), "2026-03-01");
    assert_eq!((books.loan.credit_balance(), books.net(A::MerchantPayable)), (amount(40_000), 50_000));
    books.record(Event::PaidBack { amount: amount(40_000), payment: "o1".into() }, "2026-03-02");
    assert_eq!((books.net(A::CustomerCredit), books.net(A::Cash)), (0, -50_000), "the shopper has what was paid");
    books.record(Event::Closed, "2026-03-02");
    assert_eq!(books.loan.status(), Status::Closed);
}

/// A debit returned after the line was used again.
#[test]
fn a_debit_returned_after_the_line_was_used_again() {
    let today = date("2026-01-02");
    let mut books = Books::of(FOUR, "{}");
    let mut line = Line::default();
    let held =
        |hold: &str, minor| LineEvent::Held { hold: hold.into(), amount: amount(minor), expires: date("2026-02-01") };
    line.record(&LineEvent::LimitSet { limit: amount(50_000) }, today).unwrap();
    line.record(&held("order1", 50_000), today).unwrap();
    line.record(&LineEvent::Captured { hold: "order1".into(), amount: amount(50_000), last: true }, today).unwrap();
    books.record(collected(30_000, "d1", "2026-01-05"), "2026-01-05");
    assert_eq!(books.loan.principal_restored(), amount(0), "not before it clears");
    books.record(Event::Cleared { payment: "d1".into() }, "2026-01-08");
    line.record(&LineEvent::Restored { amount: books.loan.principal_restored() }, today).unwrap();
    line.record(&held("order2", 30_000), today).unwrap();
    // Taken back by the payer's bank after all.
    let before = books.loan.principal_restored();
    books.record(Event::ChargedBack { payment: "d1".into() }, "2026-01-20");
    let gone = before.checked_sub(books.loan.principal_restored()).unwrap();
    line.record(&LineEvent::Returned { amount: gone }, today).unwrap();
    assert_eq!((gone, books.net(A::PrincipalReceivable)), (amount(30_000), 50_000));
    assert_eq!((line.available(today).unwrap(), line.above_limit(today).unwrap()), (amount(0), amount(30_000)));
    assert!(line.record(&held("order3", 1), today).is_err());
}

/// blnk #152: refunds repeatable without limit.
#[test]
fn blnk_152_refunds_end_at_what_was_bought() {
    let mut books = Books::of(FOUR, "{}");
    for place in 0..5 {
        books.record(refunded(10_000, &place.to_string(), "2026-01-10"), "2026-01-10");
    }
    assert_eq!(books.try_record(refunded(1, "more", "2026-01-11"), "2026-01-11"), Err(LedgerError::RefundAboveBought));
    let again = books.try_record(refunded(1, "0", "2026-01-11"), "2026-01-11");
    assert_eq!(again, Err(LedgerError::RefundTwice("0".into())));
    // One of them was a mistake; so much can be refunded again.
    let number = u32::try_from(books.loan.records().len()).unwrap();
    books.record(Event::Reversed { number }, "2026-01-11");
    books.record(refunded(10_000, "again", "2026-01-12"), "2026-01-12");
    assert_eq!(books.net(A::MerchantPayable), 50_000);
}

/// FINERACT-2390, fineract #4129 and #6344: refunds loop or replay wrongly. In whatever order they are told of, the
/// same events on the same days come to the same books.
#[test]
fn fineract_2390_4129_6344_a_refund_told_of_late_comes_to_the_same_books() {
    let rules = r#"{"refund":{"interest_refunded":true}}"#;
    let events = [
        received(28_100, "2026-02-01"),
        refunded(20_000, "r1", "2026-02-10"),
        received(20_000, "2026-03-01"),
        refunded(30_000, "r2", "2026-03-15"),
    ];
    let mut in_order = Books::of(BEARING, rules);
    for event in &events {
        in_order.record(event.clone(), "2026-04-01");
    }
    for order in [[3, 2, 1, 0], [1, 0, 3, 2], [2, 0, 3, 1], [0, 3, 1, 2]] {
        let mut books = Books::of(BEARING, rules);
        for place in order {
            books.record(events[place].clone(), "2026-04-01");
        }
        for account in A::CHART {
            assert_eq!(books.net(*account), in_order.net(*account), "{order:?}: {}", account.name());
        }
    }
}

/// fineract #4133: the interest refund is not linked to its refund. Here it is no event of its own: undoing the refund
/// undoes it.
#[test]
fn fineract_4133_undoing_a_refund_undoes_its_interest() {
    let mut books = Books::of(BEARING, r#"{"refund":{"interest_refunded":true}}"#);
    books.record(received(28_100, "2026-02-01"), "2026-02-01");
    let before = *books.loan.position();
    assert_eq!(books.net(A::InterestIncome), -3_100);
    books.record(refunded(50_000, "r1", "2026-02-01"), "2026-02-01");
    // Half the price takes back half the interest that was charged, and that pays principal.
    assert_eq!(books.net(A::InterestIncome), -1_550);
    assert_eq!(books.net(A::PrincipalReceivable), 75_000 - 50_000 - 1_550);
    let number = u32::try_from(books.loan.records().len()).unwrap();
    books.record(Event::Reversed { number }, "2026-02-01");
    assert_eq!(*books.loan.position(), before);
}

/// fineract #5206: small loans of 0.50 are misallocated.
#[test]
fn fineract_5206_half_a_dollar_is_paid_to_the_cent() {
    let half = FOUR.replace("50000", "50");
    let mut books = Books::of(&half, "{}");
    let rows = books.loan.account(date("2026-01-01")).unwrap().installments;
    assert_eq!(rows.iter().map(|row| row.owed.principal.minor()).collect::<Vec<_>>(), [12, 12, 12, 14]);
    for (row, left) in rows.iter().zip([38, 26, 14, 0]) {
        books.record(received(row.owed.principal.minor(), &row.due.to_string()), &row.due.to_string());
        assert_eq!(books.net(A::PrincipalReceivable), left);
    }
    assert_eq!((books.loan.status(), books.loan.credit_balance()), (Status::Settled, amount(0)));
}

/// frappe lending #1224: two prepayments on the same day.
#[test]
fn frappe_lending_1224_two_prepayments_on_one_day_are_one_of_their_sum() {
    let prepaid = |minor, payment: &str| Event::Prepaid {
        amount: amount(minor),
        payment: payment.into(),
        value_date: date("2026-01-11"),
        effect: None,
    };
    let mut two = Books::of(BEARING, "{}");
    two.record(prepaid(31_000, "p1"), "2026-01-11");
    two.record(prepaid(20_000, "p2"), "2026-01-11");
    let mut one = Books::of(BEARING, "{}");
    one.record(prepaid(51_000, "p1"), "2026-01-11");
    assert_eq!(two.net(A::PrincipalReceivable), 50_000, "ten days of interest are 10.00, once");
    for day in ["2026-01-11", "2026-02-01", "2026-05-01"] {
        let state = |books: &Books| {
            let state = books.loan.account(date(day)).unwrap();
            (state.balance, state.installments)
        };
        assert_eq!(state(&two), state(&one), "{day}");
    }
}

/// fineract #5472: stored schedules go stale and stop the day's close. Nothing is stored: a loan that was not looked at
/// for four months comes to what one comes to that was recognized every day.
#[test]
fn fineract_5472_no_nightly_pass_is_needed() {
    let late = r#"{"penalty":{"multiple":"1.5","mode":"in_addition","base":"overdue_principal"},
        "late_fee":{"tiers":[{"after_days":5,"amount":700}]}}"#;
    let mut daily = Books::of(BEARING, late);
    let mut day = date("2026-01-01");
    while day < date("2026-05-10") {
        day = day.add_days(1).unwrap();
        daily.record_quickly(Event::Recognized, &day.to_string());
    }
    daily.check();
    let mut once = Books::of(BEARING, late);
    once.record(Event::Recognized, "2026-05-10");
    assert!(once.net(A::PenaltyIncome) < 0);
    for account in A::CHART {
        assert_eq!(daily.net(*account), once.net(*account), "{}", account.name());
    }
    assert!(daily.entries.len() > 100 && once.entries.len() == 3);
}

/// A payment for another loan under the same name (an accepted test in Fineract lets one loan's answer stand for
/// another's): a payment's name is its loan's own.
#[test]
fn the_same_payment_s_name_on_another_loan_is_another_payment() {
    let (mut one, mut other) = (Books::of(FOUR, "{}"), Books::of(FOUR, "{}"));
    one.record(collected(100, "d1", "2026-01-02"), "2026-01-02");
    other.record(collected(200, "d1", "2026-01-02"), "2026-01-02");
    one.record(Event::Returned { payment: "d1".into() }, "2026-01-03");
    assert_eq!((one.net(A::PrincipalReceivable), other.net(A::PrincipalReceivable)), (50_000, 49_800));
    // And on the same loan it is refused rather than answered with what was before.
    assert!(matches!(
        other.try_record(collected(200, "d1", "2026-01-03"), "2026-01-03"),
        Err(LedgerError::PaymentState(_))
    ));
}

/// Books in two currencies never meet.
#[test]
fn every_currency_has_its_own_balance() {
    let yen = Books::of(&FOUR.replace("USD", "JPY"), "{}");
    let dollar = Books::of(FOUR, "{}");
    let mut trial = yen.trial.clone();
    dollar.entries.iter().for_each(|entry| trial.add(entry).unwrap());
    for books in [&yen, &dollar] {
        let currency = books.loan.contract().currency();
        assert_eq!(trial.of(currency, A::PrincipalReceivable).net(), 50_000, "{}", currency.code());
    }
    let mut ledger = prequal_ledger::GeneralLedger::default();
    yen.entries.iter().chain(&dollar.entries).for_each(|entry| ledger.add(entry));
    assert_eq!(ledger.iter().count(), 6, "three accounts each");
    let lines = ledger.of(yen.loan.contract().currency(), A::MerchantPayable);
    let seen: Vec<_> = lines.iter().map(|line| (line.event.as_str(), line.amount, line.balance)).collect();
    assert_eq!(seen, [("booked", -50_000, -50_000), ("payout_settled", 50_000, 0)]);
}

/// A loan restored from nothing is a loan to which nothing happened.
#[test]
fn records_that_are_no_life_are_refused() {
    let books = Books::of(FOUR, "{}");
    let contract = || books.loan.contract().clone();
    assert!(Loan::restore(contract(), []).unwrap().records().is_empty());
    let records = books.loan.records();
    assert!(matches!(Loan::restore(contract(), records[1..].to_vec()), Err(LedgerError::Booking)));
    let twice: Vec<_> = records.iter().chain(records).cloned().collect();
    assert!(matches!(Loan::restore(contract(), twice), Err(LedgerError::Booking)));
    let text = r#"{"type":"received","amount":1,"payment":"p","value_date":"2026-01-01","more":1}"#;
    assert!(serde_json::from_str::<Event>(text).is_err(), "an unknown field is refused");
}
