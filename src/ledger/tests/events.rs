//! Claims about every kind of event in a loan's life, each with its books.

mod common;

use common::*;
use prequal_core::{
    credit::{Rate, RefundOrder, Rules},
    decimal::Decimal,
};
use prequal_ledger::{
    Account as A, AllowanceStage, BackDating, Bucket, Close, Contract, Event, LedgerError, Materiality, NewSchedule,
    Servicing, Status, WaivedPart, statement,
};

/// Late: 36.5 % a year on overdue principal (0.1 % a day), actual/365, beside the contract's interest.
const LATE: &str = r#"{"penalty":{"rate":{"annual_percent":"36.5","day_count":"actual/365"},
    "mode":"in_addition","base":"overdue_principal"}}"#;

/// 400.00 in four, free, due on the first of February to May 2026.
const FREE: &str = r#"{"currency":"USD","principal":40000,"start":"2026-01-01",
    "repayment":{"method":"free","count":4,"every":"P1M","first_due":"2026-02-01"},"rounding":"half_even"}"#;

/// 1,000.00 at 36.5 % (0.1 % a day), all due on 1 March 2026: a day costs 1.00.
const SINGLE: &str = r#"{"currency":"USD","principal":100000,"start":"2026-01-01",
    "rate":{"annual_percent":"36.5","day_count":"actual/365"},
    "repayment":{"method":"single","count":1,"first_due":"2026-03-01"},"rounding":"half_even"}"#;

#[test]
fn a_debit_is_in_transit_until_it_clears_and_the_loan_closes_only_then() {
    let mut books = Books::of(FREE, "{}");
    books.record(Event::Initiated { amount: amount(40_000), payment: "d1".into() }, "2026-01-10");
    assert_eq!(books.net(A::CashInTransit), 0, "no money moved");
    books.record(collected(40_000, "d1", "2026-01-11"), "2026-01-11");
    assert_eq!((books.net(A::CashInTransit), books.net(A::PrincipalReceivable)), (40_000, 0));
    assert_eq!(books.loan.status(), Status::Active, "what may still go back settles nothing");
    assert_eq!(books.loan.principal_restored(), amount(0), "nor restores a line");
    assert_eq!(books.try_record(Event::Closed, "2026-01-12"), Err(LedgerError::NotSettled));
    books.record(Event::Cleared { payment: "d1".into() }, "2026-01-14");
    assert_eq!((books.net(A::CashInTransit), books.loan.status()), (0, Status::Settled));
    assert_eq!(books.loan.principal_restored(), amount(40_000));
    books.record(Event::Closed, "2026-01-14");
    assert_eq!(books.loan.status(), Status::Closed);
    // Each state is passed once.
    for event in [
        Event::Cleared { payment: "d1".into() },
        Event::Returned { payment: "d1".into() },
        collected(1, "d1", "2026-01-15"),
        Event::Initiated { amount: amount(1), payment: "d1".into() },
        Event::Cleared { payment: "unknown".into() },
    ] {
        assert_eq!(books.try_record(event.clone(), "2026-01-15").map(drop), Err(payment_state(&event)), "{event:?}");
    }
}

fn payment_state(event: &Event) -> LedgerError {
    match event {
        Event::Cleared { payment }
        | Event::Returned { payment }
        | Event::Collected { payment, .. }
        | Event::Initiated { payment, .. } => LedgerError::PaymentState(payment.clone()),
        _ => unreachable!(),
    }
}

/// The first instalment of 100.00 was due on 1 February, was debited that day, and came back on 11 February. Those ten
/// days cost no penalty; the nine until 20 February cost 0.10 each.
#[test]
fn a_returned_debit_costs_the_shopper_no_penalty_for_the_days_it_seemed_paid() {
    let mut books = Books::of(FREE, LATE);
    books.record(collected(10_000, "d1", "2026-02-01"), "2026-02-01");
    books.record(Event::Returned { payment: "d1".into() }, "2026-02-11");
    assert_eq!(books.net(A::PrincipalReceivable), 40_000, "as if it had never been paid");
    assert_eq!(books.net(A::PenaltyReceivable), 0);
    assert_eq!((books.net(A::Cash), books.net(A::CashInTransit)), (-40_000, 0));
    books.record(Event::Recognized, "2026-02-20");
    assert_eq!(books.net(A::PenaltyReceivable), 90);
    assert_eq!(books.loan.delinquency(date("2026-02-20")).unwrap().days_past_due, 19);
    // Money that comes now pays no penalty that is not owed: 0.90 and the instalment settle what is late.
    books.record(received(10_090, "2026-02-20"), "2026-02-20");
    assert_eq!((books.net(A::PenaltyReceivable), books.net(A::PrincipalReceivable)), (0, 30_000));
    assert_eq!(-books.net(A::PenaltyIncome), 90);
    assert_eq!(books.loan.delinquency(date("2026-02-20")).unwrap().days_past_due, 0);
}

/// A card payment that is charged back after it was final: the same, and the statement still shows it.
#[test]
fn a_chargeback_takes_final_money_back_and_stays_on_the_statement() {
    let mut books = Books::of(FREE, "{}");
    books.record(pay(10_000, "c1", "2026-01-15"), "2026-01-15");
    books.record(Event::ChargedBack { payment: "c1".into() }, "2026-03-01");
    assert_eq!((books.net(A::PrincipalReceivable), books.net(A::Cash)), (40_000, -40_000));
    let lines = statement(&books.loan, date("2026-03-01")).unwrap();
    let shown: Vec<_> = lines.iter().map(|line| (line.event, line.principal_balance.minor(), line.undone)).collect();
    assert_eq!(
        shown,
        [
            ("booked", 40_000, false),
            ("payout_settled", 40_000, false),
            ("received", 40_000, true),
            ("charged_back", 40_000, false)
        ]
    );
}

/// Paid back twice what was owed, half of it paid back to the shopper, then the debit returns: the shopper owes it.
#[test]
fn a_credit_balance_that_was_paid_back_and_then_returned_is_owed() {
    let mut books = Books::of(FREE, "{}");
    books.record(collected(50_000, "d1", "2026-01-15"), "2026-01-15");
    assert_eq!(books.loan.credit_balance(), amount(10_000));
    let too_much = Event::PaidBack { amount: amount(10_001), payment: "o1".into() };
    assert_eq!(books.try_record(too_much, "2026-01-16"), Err(LedgerError::MoreThanHeld(amount(10_000))));
    books.record(Event::PaidBack { amount: amount(10_000), payment: "o1".into() }, "2026-01-16");
    assert_eq!(books.net(A::CustomerCredit), 0);
    books.record(Event::Returned { payment: "d1".into() }, "2026-01-20");
    assert_eq!((books.loan.overpaid_back(), books.net(A::PrincipalReceivable)), (amount(10_000), 40_000));
    books.record(received(40_000, "2026-01-21"), "2026-01-21");
    assert_eq!(books.loan.status(), Status::Active, "all but what was paid back without cause");
}

#[test]
fn a_payout_that_comes_back_costs_nothing_until_it_is_settled_again() {
    let mut books = Books::of(SINGLE, "{}");
    books.record(Event::Recognized, "2026-01-11");
    assert_eq!(books.net(A::InterestReceivable), 1_000);
    books.record(Event::PayoutReturned { value_date: date("2026-01-11") }, "2026-01-12");
    assert_eq!((books.net(A::InterestReceivable), books.net(A::Cash)), (0, 0));
    assert_eq!((books.net(A::MerchantPayable), books.loan.status()), (-100_000, Status::Disbursing));
    let again = Event::PayoutReturned { value_date: date("2026-01-12") };
    assert_eq!(books.try_record(again, "2026-01-12"), Err(LedgerError::PayoutNotSettled));
    books.record(Event::PayoutSettled { value_date: date("2026-01-20") }, "2026-01-21");
    assert_eq!(books.net(A::InterestReceivable), 100, "one day");
}

/// `reversible` books that hold exactly what they held before, whatever the event.
#[test]
fn undoing_any_event_restores_exactly_the_state_before_it() {
    let schedule = NewSchedule::new(date("2026-04-15"), 6);
    let on = "2026-02-20";
    let events = [
        received(12_345, on),
        collected(7_000, "d9", on),
        Event::Prepaid { amount: amount(20_000), payment: "p9".into(), value_date: date(on), effect: None },
        refunded(5_000, "r9", on),
        Event::Drawn { amount: amount(3_000), value_date: date(on) },
        Event::GoodwillCredited { amount: amount(100), value_date: date(on) },
        Event::Waived { part: WaivedPart::Penalty, amount: amount(10), value_date: date(on) },
        Event::Disputed { dispute: "q9".into(), amount: amount(5_000), value_date: date(on) },
        Event::ReAged { value_date: date(on), schedule },
        Event::RateChanged {
            value_date: date(on),
            rate: Rate { percent: Decimal::parse("7.3").unwrap(), ..rate("36.5") },
            keep_installment: false,
            confirmation: None,
        },
        Event::ChargedOff { value_date: date(on) },
        Event::Transferred { value_date: date(on), owner: "f2".into(), price: amount(50_000) },
        Event::PayoutReturned { value_date: date(on) },
    ];
    let terms = r#"{"currency":"USD","principal":100000,"start":"2026-01-01",
        "rate":{"annual_percent":"36.5","day_count":"actual/365"},
        "repayment":{"method":"equal_installment","count":4,"every":"P1M","first_due":"2026-02-01"},
        "rounding":"half_even"}"#;
    for event in events {
        let mut books = Books::served(terms, LATE, Servicing { re_ageings_max: 1, ..serving() });
        books.record(received(10_000, "2026-01-20"), "2026-01-20");
        books.record(Event::Recognized, on);
        let before = (*books.loan.position(), books.loan.account(date(on)).unwrap(), books.loan.status());
        books.record(event.clone(), on);
        let number = u32::try_from(books.loan.records().len()).unwrap();
        books.record(Event::Reversed { number }, on);
        let after = (*books.loan.position(), books.loan.account(date(on)).unwrap(), books.loan.status());
        assert_eq!(after, before, "{event:?}");
        // And the reversal itself can be undone, once.
        books.record(Event::Reversed { number: number + 1 }, on);
        assert_eq!(
            books.try_record(Event::Reversed { number: number + 1 }, on).map(drop),
            Err(LedgerError::Reversal(number + 1))
        );
        let mut straight = Books::served(terms, LATE, Servicing { re_ageings_max: 1, ..serving() });
        straight.record(received(10_000, "2026-01-20"), "2026-01-20");
        straight.record(event, on);
        assert_eq!(books.loan.position(), straight.loan.position());
    }
}

#[test]
fn what_cannot_be_reversed_is_refused_and_changes_nothing() {
    let mut books = Books::of(FREE, "{}");
    books.record(collected(100, "d1", "2026-01-05"), "2026-01-05");
    books.record(Event::Cleared { payment: "d1".into() }, "2026-01-06");
    for number in [0, 1, 5, 6, u32::MAX] {
        let refused = books.try_record(Event::Reversed { number }, "2026-01-07").map(drop);
        assert_eq!(refused, Err(LedgerError::Reversal(number)), "{number}");
    }
    // The clearing rests on the collection.
    let refused = books.try_record(Event::Reversed { number: 3 }, "2026-01-07").map(drop);
    assert_eq!(refused, Err(LedgerError::PaymentState("d1".into())));
}

/// 10.00 of penalties: 100.00 late for 100 days at 0.10 a day.
#[test]
fn a_waiver_takes_off_what_it_says_and_a_goodwill_credit_pays_it() {
    let order = r#","allocation":{"order":["past_due.fee","past_due.interest","past_due.principal","past_due.penalty",
        "due.fee","due.interest","due.principal","due.penalty",
        "in_advance.fee","in_advance.interest","in_advance.principal","in_advance.penalty"]}}"#;
    let rules = format!("{}{order}", LATE.trim_end_matches('}').to_owned() + "}");
    let one = r#"{"currency":"USD","principal":10000,"start":"2026-01-01",
        "repayment":{"method":"free","count":1,"first_due":"2026-02-01"},"rounding":"half_even"}"#;
    for rules in [LATE, rules.as_str()] {
        let mut books = Books::of(one, rules);
        books.record(Event::Recognized, "2026-05-12");
        assert_eq!(books.net(A::PenaltyReceivable), 1_000);
        let waiver =
            |minor| Event::Waived { part: WaivedPart::Penalty, amount: amount(minor), value_date: date("2026-05-12") };
        let refused = books.try_record(waiver(1_001), "2026-05-12").map(drop);
        assert_eq!(refused, Err(LedgerError::Waiver("no more can be waived than is owed of the part")));
        books.record(waiver(600), "2026-05-12");
        assert_eq!((books.net(A::PenaltyReceivable), books.net(A::PenaltyIncome)), (400, -400));
        // What settles the loan now is the principal and the penalty that is left, whatever the order of allocation.
        books.record(received(10_399, "2026-05-12"), "2026-05-12");
        assert_eq!(books.loan.status(), Status::Active);
        books.record(Event::GoodwillCredited { amount: amount(1), value_date: date("2026-05-12") }, "2026-05-12");
        assert_eq!((books.net(A::Goodwill), books.loan.status()), (1, Status::Settled));
        assert_eq!(books.loan.credit_balance(), amount(0));
    }
}

#[test]
fn a_waiver_that_the_order_of_allocation_would_misapply_is_refused() {
    let mut books = Books::of(SINGLE, "{}");
    let waive = |part, minor| Event::Waived { part, amount: amount(minor), value_date: date("2026-01-11") };
    let refused = books.try_record(waive(WaivedPart::Principal, 500), "2026-01-11").map(drop);
    assert_eq!(refused, Err(LedgerError::Waiver("the order of allocation would apply the waiver to another part")));
    books.record(waive(WaivedPart::Interest, 1_000), "2026-01-11");
    assert_eq!((books.net(A::InterestReceivable), books.net(A::InterestIncome)), (0, 0));
    books.record(waive(WaivedPart::Principal, 500), "2026-01-11");
    assert_eq!((books.net(A::PrincipalReceivable), books.net(A::Goodwill)), (99_500, 500));
}

/// 100.00 overdue of which 40.00 are disputed from 11 to 21 February: those ten days cost 0.06 a day instead of 0.10.
#[test]
fn a_dispute_pauses_penalty_and_collection_of_the_disputed_part() {
    let mut books = Books::of(FREE, LATE);
    books.record(
        Event::Disputed { dispute: "q".into(), amount: amount(4_000), value_date: date("2026-02-11") },
        "2026-02-11",
    );
    assert_eq!(books.net(A::PenaltyReceivable), 100, "ten days before it");
    let late = books.loan.delinquency(date("2026-02-11")).unwrap();
    assert_eq!((late.overdue, late.collectable), (amount(10_000), amount(6_000)));
    books.record(Event::DisputeResolved { dispute: "q".into(), value_date: date("2026-02-21") }, "2026-02-21");
    assert_eq!(books.net(A::PenaltyReceivable), 100 + 60);
    books.record(Event::Recognized, "2026-02-28");
    assert_eq!(books.net(A::PenaltyReceivable), 100 + 60 + 70, "and the whole again afterwards");
    assert_eq!(books.loan.delinquency(date("2026-02-28")).unwrap().collectable, amount(10_000));
    for event in [
        Event::DisputeResolved { dispute: "q".into(), value_date: date("2026-02-28") },
        Event::DisputeResolved { dispute: "other".into(), value_date: date("2026-02-28") },
        Event::Disputed { dispute: "q".into(), amount: amount(1), value_date: date("2026-02-28") },
    ] {
        assert!(matches!(books.try_record(event, "2026-02-28"), Err(LedgerError::Dispute(_))));
    }
}

#[test]
fn a_payment_holiday_moves_what_is_left_and_interest_goes_on() {
    let terms = r#"{"currency":"USD","principal":100000,"start":"2026-01-01",
        "rate":{"annual_percent":"36.5","day_count":"actual/365"},
        "repayment":{"method":"equal_principal","count":4,"every":"P1M","first_due":"2026-02-01"},
        "rounding":"half_even"}"#;
    let mut books = Books::of(terms, "{}");
    books.record(received(25_000 + 3_100, "2026-02-01"), "2026-02-01");
    assert_eq!((books.net(A::PrincipalReceivable), books.net(A::InterestReceivable)), (75_000, 0));
    // No instalment in March and April: three of 250.00 from May on, on another day of the month.
    let schedule = NewSchedule::new(date("2026-05-10"), 3);
    books.record(Event::Rescheduled { value_date: date("2026-02-11"), schedule }, "2026-02-11");
    assert_eq!(books.net(A::InterestReceivable), 750, "ten days, carried into the new schedule");
    let rows = books.loan.account(date("2026-02-11")).unwrap().installments;
    let due: Vec<_> = rows.iter().map(|row| (row.due.to_string(), row.owed.principal.minor())).collect();
    assert_eq!(due, [("2026-05-10".into(), 25_000), ("2026-06-10".into(), 25_000), ("2026-07-10".to_string(), 25_000)]);
    // 88 days from 11 February to 10 May at 0.75 a day, and the 7.50 carried.
    assert_eq!(rows[0].owed.interest, amount(750 + 88 * 75));
    books.record(received(25_000 + 750 + 6_600, "2026-05-10"), "2026-05-10");
    assert_eq!((books.net(A::PrincipalReceivable), books.net(A::InterestReceivable)), (50_000, 0));
    assert_eq!(books.loan.delinquency(date("2026-05-11")).unwrap().days_past_due, 0);
    // A payment told of late, from before the new schedule, changes what that schedule spreads.
    books.record(received(30_000, "2026-02-05"), "2026-05-11");
    assert!(books.net(A::PrincipalReceivable) < 50_000 - 29_000);
}

#[test]
fn re_ageing_is_limited_in_number_and_keeps_the_original_age() {
    let servicing = Servicing { re_ageings_max: 1, ..serving() };
    let mut books = Books::served(FREE, "{}", servicing);
    let schedule = NewSchedule::new(date("2026-04-01"), 4);
    let early = Event::ReAged { value_date: date("2026-01-15"), schedule };
    assert!(matches!(books.try_record(early, "2026-01-15"), Err(LedgerError::Reschedule(_))), "nothing is late");
    let side_door = Event::Rescheduled { value_date: date("2026-02-20"), schedule };
    assert!(matches!(books.try_record(side_door, "2026-02-20"), Err(LedgerError::Reschedule(_))), "it would re-age");
    books.record(Event::ReAged { value_date: date("2026-02-20"), schedule }, "2026-02-20");
    let late = books.loan.delinquency(date("2026-03-15")).unwrap();
    assert_eq!((late.days_past_due, late.original_days_past_due), (0, 42), "since 1 February");
    let late = books.loan.delinquency(date("2026-04-11")).unwrap();
    assert_eq!((late.days_past_due, late.original_days_past_due), (10, 69));
    let schedule = NewSchedule::new(date("2026-06-01"), 4);
    let again = books.try_record(Event::ReAged { value_date: date("2026-04-20"), schedule }, "2026-04-20");
    assert_eq!(again, Err(LedgerError::Reschedule("it was re-aged as often as is allowed")));
    let past = NewSchedule::new(date("2026-04-20"), 4);
    let mut other = Books::of(FREE, "{}");
    let past = other.try_record(Event::Rescheduled { value_date: date("2026-04-20"), schedule: past }, "2026-04-20");
    assert!(matches!(past, Err(LedgerError::Reschedule(_))));
}

#[test]
fn a_change_of_the_rate_holds_in_the_schedules_after_it() {
    let mut books = Books::of(SINGLE, "{}");
    let half = Event::RateChanged {
        value_date: date("2026-01-11"),
        rate: rate("18.25"),
        keep_installment: false,
        confirmation: None,
    };
    books.record(half, "2026-01-11");
    books.record(Event::Recognized, "2026-01-21");
    assert_eq!(books.net(A::InterestReceivable), 1_000 + 500);
    let schedule = NewSchedule::new(date("2026-06-01"), 1);
    books.record(Event::Rescheduled { value_date: date("2026-01-21"), schedule }, "2026-01-21");
    books.record(Event::Recognized, "2026-01-31");
    assert_eq!(books.net(A::InterestReceivable), 1_500 + 500);
}

/// From 30 days past due no income, from 60 half set aside, from 90 to be charged off.
fn serving() -> Servicing {
    Servicing {
        buckets: [("C", 0), ("M1", 1), ("M2", 31), ("M3", 61)]
            .map(|(code, from_days)| Bucket { code: code.into(), from_days })
            .to_vec(),
        non_accrual_from_days: Some(30),
        allowance: [(0, "1"), (60, "50")]
            .map(|(from_days, percent)| AllowanceStage { from_days, percent: Decimal::parse(percent).unwrap() })
            .to_vec(),
        charge_off_from_days: Some(90),
        ..Servicing::default()
    }
}

#[test]
fn non_accrual_allowance_and_charge_off_follow_the_days_past_due() {
    let terms = SINGLE.replace("\"rounding\"", "\"after_maturity\":\"accrue\",\"rounding\"");
    let mut books = Books::served(&terms, "{}", serving());
    books.record(Event::Recognized, "2026-03-30");
    // 88 days of interest; 1 % of 1,088.00.
    assert_eq!((books.net(A::InterestIncome), books.net(A::InterestInSuspense)), (-8_800, 0));
    assert_eq!((books.net(A::Allowance), books.net(A::Impairment)), (-1_088, 1_088));
    books.record(Event::Recognized, "2026-03-31");
    assert_eq!(books.loan.delinquency(date("2026-03-31")).unwrap().bucket.as_deref(), Some("M1"));
    assert_eq!((books.net(A::InterestIncome), books.net(A::InterestInSuspense)), (0, -8_900), "30 days past due");
    assert_eq!(books.net(A::Allowance), -1_000, "what is in suspense needs none");
    books.record(Event::Recognized, "2026-04-30");
    assert_eq!(books.net(A::Allowance), -50_000, "60 days past due");
    let late = books.loan.delinquency(date("2026-05-30")).unwrap();
    assert_eq!(late.days_past_due, 90);
    assert!(books.loan.contract().servicing().is_charge_off_due(late.days_past_due));
    books.record(Event::ChargedOff { value_date: date("2026-05-30") }, "2026-05-30");
    assert_eq!(books.loan.status(), Status::ChargedOff);
    let left = [A::PrincipalReceivable, A::InterestReceivable, A::InterestInSuspense, A::Allowance, A::Impairment];
    assert_eq!(left.map(|account| books.net(account)), [0; 5]);
    assert_eq!(books.net(A::LoanLoss), 100_000, "the interest was never income, so it is no loss");
    // 149 days of interest belong to the claim, and it stands still.
    assert_eq!(books.loan.owed(date("2027-01-01")).unwrap().total().unwrap(), amount(114_900));
    books.record(received(60_000, "2026-07-01"), "2026-07-01");
    books.record(refunded(54_000, "r1", "2026-08-01"), "2026-08-01");
    assert_eq!(books.net(A::RecoveryIncome), -114_000);
    assert_eq!(books.net(A::MerchantPayable), 54_000, "the merchant owes the refund");
    books.record(received(1_000, "2026-09-01"), "2026-09-01");
    assert_eq!((books.net(A::RecoveryIncome), books.loan.credit_balance()), (-114_900, amount(100)));
    let goodwill = Event::GoodwillCredited { amount: amount(1), value_date: date("2026-09-02") };
    assert_eq!(books.try_record(goodwill, "2026-09-02"), Err(LedgerError::AfterTheEnd(date("2026-09-02"))));
    // A payment of before the charge-off, told of now, was none of a claim given up.
    books.record(received(2_000, "2026-05-01"), "2026-09-03");
    assert_eq!(books.net(A::InterestIncome), -2_000);
}

#[test]
fn a_loan_sold_leaves_the_books_and_what_comes_is_the_owner_s() {
    let mut books = Books::of(SINGLE, "{}");
    books.record(
        Event::Transferred { value_date: date("2026-01-11"), owner: "f2".into(), price: amount(95_000) },
        "2026-01-11",
    );
    assert_eq!(books.net(A::PrincipalReceivable) + books.net(A::InterestReceivable), 0);
    assert_eq!(books.net(A::SaleResult), 101_000 - 95_000);
    books.record(received(50_000, "2026-01-21"), "2026-01-21");
    books.record(refunded(60_000, "r1", "2026-01-21"), "2026-01-21");
    // 1,000.00 and twenty days of interest were owed; 80.00 above it are the shopper's.
    assert_eq!(books.net(A::OwnerPayable), -102_000);
    assert_eq!((books.loan.credit_balance(), books.net(A::InterestIncome)), (amount(8_000), -1_000));
    let remit = |minor| Event::Remitted { amount: amount(minor) };
    assert_eq!(books.try_record(remit(102_001), "2026-01-22"), Err(LedgerError::MoreThanHeld(amount(102_000))));
    books.record(remit(102_000), "2026-01-22");
    assert_eq!((books.net(A::OwnerPayable), books.loan.status()), (0, Status::Transferred));
}

#[test]
fn a_withdrawal_gives_back_what_was_charged_beside_interest() {
    let terms = r#"{"currency":"EUR","principal":100000,"start":"2026-01-01",
        "rate":{"annual_percent":"36.5","day_count":"actual/365"},
        "repayment":{"method":"equal_principal","count":4,"every":"P1M","first_due":"2026-02-01"},
        "rounding":"half_even","fees":[{"code":"set-up","payee":"lender","amount":500,"when":"first"}]}"#;
    let mut books = Books::of(terms, r#"{"withdrawal_days":14}"#);
    assert_eq!(books.net(A::FeeReceivable), 500);
    books.record(received(3_000, "2026-01-06"), "2026-01-06");
    assert_eq!((books.net(A::FeeReceivable), books.net(A::InterestReceivable)), (0, 0));
    books.record(Event::Withdrawn { value_date: date("2026-01-11") }, "2026-01-11");
    assert_eq!((books.net(A::FeeIncome), books.net(A::FeeReceivable)), (0, 0));
    let owed = books.loan.owed(date("2026-01-11")).unwrap();
    // What was paid, the fee included, went to interest and principal.
    assert_eq!(owed.total().unwrap().minor(), 100_000 - books.net(A::InterestIncome) - 3_000);
    let late = Event::Withdrawn { value_date: date("2026-01-16") };
    let mut other = Books::of(terms, r#"{"withdrawal_days":14}"#);
    assert!(matches!(other.try_record(late, "2026-01-16"), Err(LedgerError::Credit(_))));
}

#[test]
fn a_draw_is_lent_paid_out_and_may_be_refunded() {
    let mut books = Books::of(FREE, "{}");
    books.record(Event::Drawn { amount: amount(10_000), value_date: date("2026-01-15") }, "2026-01-15");
    assert_eq!((books.net(A::PrincipalReceivable), books.net(A::Cash)), (50_000, -50_000));
    books.record(refunded(50_000, "r1", "2026-01-20"), "2026-01-20");
    assert_eq!((books.net(A::PrincipalReceivable), books.loan.status()), (0, Status::Settled));
    let one_more = books.try_record(refunded(1, "r2", "2026-01-21"), "2026-01-21");
    assert_eq!(one_more, Err(LedgerError::RefundAboveBought));
}

#[test]
fn days_past_due_forgive_what_is_small_and_what_is_technical() {
    let servicing = Servicing {
        materiality: Materiality { amount: amount(500), percent: Decimal::parse("1").unwrap() },
        technical_grace_days: 3,
        ..Servicing::default()
    };
    let mut books = Books::served(FREE, "{}", servicing);
    let days = |books: &Books, day: &str| books.loan.delinquency(date(day)).unwrap().days_past_due;
    assert_eq!([days(&books, "2026-02-01"), days(&books, "2026-02-04"), days(&books, "2026-02-05")], [0, 0, 4]);
    books.record(received(9_500, "2026-02-05"), "2026-02-05");
    assert_eq!(days(&books, "2026-02-20"), 0, "5.00 are not above 5.00");
    assert_eq!(days(&books, "2026-03-03"), 30, "with the second the arrears are material, since the oldest");
}

#[test]
fn a_closed_period_takes_no_posting() {
    let close = |back_dating| Close { through: date("2026-01-31"), back_dating };
    let mut books = Books::of(FREE, "{}");
    let refused = Err(LedgerError::PeriodClosed(date("2026-01-31")));
    for (value_date, booked, back_dating, allowed) in [
        ("2026-02-01", "2026-01-31", BackDating::PostedInTheOpenPeriod, false),
        ("2026-01-31", "2026-02-01", BackDating::Refused, false),
        ("2026-02-01", "2026-02-01", BackDating::Refused, true),
        ("2026-01-31", "2026-02-01", BackDating::PostedInTheOpenPeriod, true),
    ] {
        let before = *books.loan.position();
        let told = books.loan.record_after(Some(&close(back_dating)), received(1, value_date), date(booked));
        if allowed {
            assert_eq!(told.unwrap().unwrap().date(), date("2026-02-01"), "posted in the open period");
        } else {
            assert_eq!((told.map(drop), *books.loan.position()), (refused.clone(), before));
        }
    }
}

#[test]
fn every_limit_is_held() {
    let mut books = Books::of(FREE, "{}");
    for id in [String::new(), "x".repeat(65)] {
        let event = Event::Received { amount: amount(1), payment: id, value_date: date("2026-01-02") };
        assert_eq!(books.try_record(event, "2026-01-02"), Err(LedgerError::BadId));
    }
    for place in 0..prequal_ledger::PAUSES_MAX {
        let dispute = Event::Disputed { dispute: place.to_string(), amount: amount(1), value_date: date("2026-01-02") };
        books.record_quickly(dispute, "2026-01-02");
    }
    let one_more = Event::Disputed { dispute: "more".into(), amount: amount(1), value_date: date("2026-01-02") };
    assert_eq!(books.try_record(one_more, "2026-01-02"), Err(LedgerError::TooManyPauses));
    let mut long = Books::of(FREE, "{}");
    let records = long.loan.records().to_vec();
    let recognized = prequal_ledger::Record { booked: date("2026-01-02"), event: Event::Recognized };
    let many = |count| records.iter().cloned().chain(std::iter::repeat_n(recognized.clone(), count));
    let contract = || long_contract();
    let most = prequal_ledger::loan::EVENTS_MAX - records.len();
    long.loan = prequal_ledger::Loan::restore(contract(), many(most)).unwrap();
    assert_eq!(long.try_record(Event::Recognized, "2026-01-02"), Err(LedgerError::TooManyEvents));
    let in_all = prequal_ledger::loan::EVENTS_MAX_IN_ALL - records.len();
    assert!(matches!(prequal_ledger::Loan::restore(contract(), many(in_all + 1)), Err(LedgerError::TooManyEvents)));
}

fn long_contract() -> Contract {
    Contract::new(serde_json::from_str(FREE).unwrap(), Rules::default(), amount(0)).unwrap()
}

#[test]
fn rules_of_serving_that_contradict_themselves_are_refused() {
    let percent = |text| Decimal::parse(text).unwrap();
    let bucket = |code: &str, from_days| Bucket { code: code.into(), from_days };
    let stage = |from_days, text| AllowanceStage { from_days, percent: percent(text) };
    let many: Vec<_> = (0..33).map(|day| bucket("x", day)).collect();
    for servicing in [
        Servicing { buckets: vec![bucket("a", 30), bucket("b", 30)], ..Servicing::default() },
        Servicing { buckets: vec![bucket("", 30)], ..Servicing::default() },
        Servicing { buckets: many, ..Servicing::default() },
        Servicing { allowance: vec![stage(1, "100.01")], ..Servicing::default() },
        Servicing { allowance: vec![stage(1, "-1")], ..Servicing::default() },
        Servicing { allowance: vec![stage(2, "1"), stage(1, "2")], ..Servicing::default() },
        Servicing { materiality: Materiality { amount: amount(0), percent: percent("101") }, ..Servicing::default() },
    ] {
        let served = long_contract().served_by(servicing.clone());
        assert!(matches!(served, Err(LedgerError::Servicing(..))), "{servicing:?}");
    }
    assert!(long_contract().served_by(serving()).is_ok());
}

/// Whichever instalments it reduces, a refund posts the same accounts.
#[test]
fn the_order_of_a_refund_is_the_event_s_or_the_contract_s() {
    for order in [RefundOrder::FirstFirst, RefundOrder::LastFirst, RefundOrder::ProRata] {
        let mut books = Books::of(FREE, "{}");
        books.record(
            Event::Refunded {
                amount: amount(10_000),
                refund: "r1".into(),
                value_date: date("2026-01-05"),
                order: Some(order),
            },
            "2026-01-05",
        );
        let left: Vec<_> = books.loan.account(date("2026-01-05")).unwrap().installments;
        let left: Vec<_> = left.iter().map(|row| row.owed.principal.minor()).collect();
        let expected = match order {
            RefundOrder::FirstFirst => [0, 10_000, 10_000, 10_000],
            RefundOrder::LastFirst => [10_000, 10_000, 10_000, 0],
            RefundOrder::ProRata => [7_500; 4],
        };
        assert_eq!(left, expected);
        let twice = books.try_record(refunded(1, "r1", "2026-01-06"), "2026-01-06");
        assert_eq!(twice, Err(LedgerError::RefundTwice("r1".into())));
    }
}
