//! Claims about what the lender gave: a refund gives it back to the lender, and never to the borrower in cash.

mod common;

use common::*;
use prequal_ledger::{Account as A, Event, LedgerError, Status, WaivedPart};

/// 500.00 in four, free, due on the first of February to May 2026.
const FREE: &str = r#"{"currency":"USD","principal":50000,"start":"2026-01-01",
    "repayment":{"method":"free","count":4,"every":"P1M","first_due":"2026-02-01"},"rounding":"half_even"}"#;

/// 1,000.00 at 36.5 % (0.1 % a day), all due on 1 March 2026: a day costs 1.00.
const SINGLE: &str = r#"{"currency":"USD","principal":100000,"start":"2026-01-01",
    "rate":{"annual_percent":"36.5","day_count":"actual/365"},
    "repayment":{"method":"single","count":1,"first_due":"2026-03-01"},"rounding":"half_even"}"#;

fn goodwill(minor: i64, on: &str) -> Event {
    Event::GoodwillCredited { amount: amount(minor), value_date: date(on) }
}

fn waived(part: WaivedPart, minor: i64, on: &str) -> Event {
    Event::Waived { part, amount: amount(minor), value_date: date(on) }
}

/// The shopper paid nothing: 500.00 were given by the lender, and 500.00 come back from the merchant.
#[test]
fn a_refund_of_what_the_lender_gave_is_the_lender_s() {
    for gift in [goodwill(50_000, "2026-01-10"), waived(WaivedPart::Principal, 50_000, "2026-01-10")] {
        let mut books = Books::of(FREE, "{}");
        books.record(gift, "2026-01-10");
        assert_eq!((books.net(A::Goodwill), books.loan.status()), (50_000, Status::Settled));
        books.record(refunded(50_000, "r1", "2026-01-20"), "2026-01-20");
        assert_eq!((books.loan.credit_balance(), books.net(A::Goodwill)), (amount(0), 0));
        assert_eq!((books.net(A::MerchantPayable), books.net(A::Cash)), (50_000, -50_000));
        let paid_back = Event::PaidBack { amount: amount(1), payment: "o1".into() };
        assert_eq!(books.try_record(paid_back, "2026-01-21"), Err(LedgerError::MoreThanHeld(amount(0))));
        books.record(Event::Closed, "2026-01-21");
    }
}

/// 300.00 paid and 200.00 given. Of 350.00 refunded the lender has its 200.00, the shopper 150.00; the rest of the
/// price, 150.00, is the shopper's alone.
#[test]
fn the_lender_has_back_what_it_gave_and_the_shopper_what_they_paid() {
    let mut books = Books::of(FREE, "{}");
    books.record(received(30_000, "2026-01-05"), "2026-01-05");
    books.record(goodwill(20_000, "2026-01-10"), "2026-01-10");
    books.record(refunded(35_000, "r1", "2026-01-20"), "2026-01-20");
    assert_eq!((books.net(A::Goodwill), books.loan.credit_balance()), (0, amount(15_000)));
    books.record(refunded(15_000, "r2", "2026-01-21"), "2026-01-21");
    assert_eq!(books.loan.credit_balance(), amount(30_000), "every cent that was paid, and none more");
    let number = u32::try_from(books.loan.records().len()).unwrap() - 1;
    books.record(Event::Reversed { number }, "2026-01-22");
    assert_eq!(
        (books.net(A::Goodwill), books.loan.credit_balance()),
        (5_000, amount(0)),
        "150.00 of the 200.00 are refunded"
    );
}

/// 10 days cost 10.00: 1,010.00 are owed, and not a cent more can be given.
#[test]
fn a_goodwill_credit_is_at_most_the_debt() {
    let mut books = Books::of(SINGLE, "{}");
    let refused = books.try_record(goodwill(101_001, "2026-01-11"), "2026-01-11");
    assert_eq!(refused, Err(LedgerError::GoodwillAboveDebt(amount(101_000))));
    books.record(goodwill(101_000, "2026-01-11"), "2026-01-11");
    assert_eq!((books.loan.status(), books.net(A::Goodwill)), (Status::Settled, 101_000));
    let refused = books.try_record(goodwill(1, "2026-01-12"), "2026-01-12");
    assert_eq!(refused, Err(LedgerError::GoodwillAboveDebt(amount(0))));
    // Interest that was given is no price that a refund gives back: 1,000.00 are the lender's.
    books.record(refunded(100_000, "r1", "2026-01-20"), "2026-01-20");
    assert_eq!((books.net(A::Goodwill), books.loan.credit_balance()), (1_000, amount(0)));
}

/// 400.00 were given on 10 January. Then 300.00 paid on 5 January are told of: only 200.00 were left to give.
#[test]
fn what_a_late_payment_leaves_no_room_for_was_not_given() {
    let mut books = Books::of(FREE, "{}");
    books.record(goodwill(40_000, "2026-01-10"), "2026-01-10");
    books.record(received(30_000, "2026-01-05"), "2026-01-12");
    assert_eq!((books.net(A::Goodwill), books.loan.credit_balance()), (20_000, amount(0)));
    assert_eq!(books.loan.status(), Status::Settled);
    books.record(Event::ChargedBack { payment: "p".into() }, "2026-01-20");
    assert_eq!((books.net(A::Goodwill), books.net(A::PrincipalReceivable)), (40_000, 10_000));
}

/// 300.00 given, 200.00 charged off: a refund of the whole price recovers the loss and undoes the gift. Sold instead,
/// the new owner has what was owed.
#[test]
fn a_refund_after_the_end_gives_back_what_was_forgiven_too() {
    let mut lost = Books::of(FREE, "{}");
    lost.record(goodwill(30_000, "2026-01-10"), "2026-01-10");
    lost.record(Event::ChargedOff { value_date: date("2026-01-15") }, "2026-01-15");
    lost.record(refunded(50_000, "r1", "2026-01-20"), "2026-01-20");
    assert_eq!((lost.net(A::RecoveryIncome), lost.net(A::Goodwill)), (-20_000, 0));
    assert_eq!(lost.loan.credit_balance(), amount(0));

    let mut sold = Books::of(FREE, "{}");
    sold.record(goodwill(30_000, "2026-01-10"), "2026-01-10");
    let sale = Event::Transferred { value_date: date("2026-01-15"), owner: "f2".into(), price: amount(19_000) };
    sold.record(sale, "2026-01-15");
    sold.record(refunded(50_000, "r1", "2026-01-20"), "2026-01-20");
    assert_eq!((sold.net(A::OwnerPayable), sold.net(A::Goodwill)), (-20_000, 0));
    assert_eq!(sold.loan.credit_balance(), amount(0));
}

/// 10.00 of interest were waived, 1,000.00 paid. A refund of all that gives the interest back too gives back what was
/// paid: the waived interest was paid by nobody.
#[test]
fn interest_that_was_waived_is_not_given_back_in_cash() {
    let mut books = Books::of(SINGLE, r#"{"refund":{"interest_refunded":true}}"#);
    books.record(waived(WaivedPart::Interest, 1_000, "2026-01-11"), "2026-01-11");
    books.record(received(100_000, "2026-01-11"), "2026-01-11");
    assert_eq!(books.loan.status(), Status::Settled);
    books.record(refunded(100_000, "r1", "2026-01-20"), "2026-01-20");
    assert_eq!(books.loan.credit_balance(), amount(100_000));
    let result = [A::InterestIncome, A::Goodwill, A::MerchantPayable].map(|account| books.net(account));
    assert_eq!(result.iter().sum::<i64>(), 100_000, "the merchant's refund, and no income: {result:?}");
    assert_eq!(result[2], 100_000);
}

/// A merchant who was never paid has nothing to refund, and the shopper who paid nothing is owed nothing.
#[test]
fn a_loan_never_paid_out_owes_back_only_what_was_paid() {
    let mut books = Books::of(FREE, "{}");
    books.record(Event::PayoutReturned { value_date: date("2026-01-02") }, "2026-01-02");
    books.record(received(2_000, "2026-01-03"), "2026-01-03");
    books.record(refunded(10_000, "r1", "2026-01-04"), "2026-01-04");
    books.record(goodwill(1_000, "2026-01-05"), "2026-01-05");
    books.record(Event::PayoutFailed { value_date: date("2026-01-06") }, "2026-01-06");
    assert_eq!((books.loan.credit_balance(), books.loan.status()), (amount(2_000), Status::Cancelled));
    assert_eq!([A::MerchantPayable, A::Goodwill].map(|account| books.net(account)), [0, 0]);
}

/// 60.00 of 100.00 paid in time; 40.00 late for 100 days at 0.1 % a day: 4.00 of penalties, waived. A refund of 100.00
/// takes off the 40.00 that are owed, and 60.00 are the shopper's: nobody's refund pays the penalty that was waived. Of one
/// that was not waived it pays 4.00.
#[test]
fn a_refund_pays_no_penalty_that_was_waived() {
    let one = r#"{"currency":"USD","principal":10000,"start":"2026-01-01",
        "repayment":{"method":"free","count":1,"first_due":"2026-02-01"},"rounding":"half_even"}"#;
    let late = r#"{"penalty":{"rate":{"annual_percent":"36.5","day_count":"actual/365"},
        "mode":"in_addition","base":"overdue_principal"}}"#;
    for (off, owed_back, income) in [(400, 6_000, 0), (100, 5_700, -300), (0, 5_600, -400)] {
        let mut books = Books::of(one, late);
        books.record(received(6_000, "2026-01-20"), "2026-01-20");
        books.record(Event::Recognized, "2026-05-12");
        assert_eq!((books.net(A::PrincipalReceivable), books.net(A::PenaltyReceivable)), (4_000, 400));
        if off > 0 {
            books.record(waived(WaivedPart::Penalty, off, "2026-05-12"), "2026-05-12");
        }
        books.record(refunded(10_000, "r1", "2026-05-12"), "2026-05-12");
        assert_eq!((books.loan.credit_balance(), books.net(A::PenaltyIncome)), (amount(owed_back), income), "{off}");
        assert_eq!(books.loan.status(), Status::Settled);
    }
}
