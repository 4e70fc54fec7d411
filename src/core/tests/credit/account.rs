//! A loan after disbursement: published payoffs, and what must hold of every sequence of repayments.

use prequal_core::{
    calendar::Date,
    credit::{
        AfterMaturity, CreditError, Event, EventKind, InstallmentStatus, Method, PayoffInput, Terms, account, payoff,
        schedule,
    },
};
use proptest::prelude::*;
use serde_json::json;

use super::{amount, date, draw::METHODS, terms};

fn repayment(on: Date, minor: i64) -> Event {
    Event { id: None, date: on, kind: EventKind::Repayment(amount(minor)) }
}

/// 100.00 at 7 % over six months: Apache Fineract's published progressive loan.
fn published() -> Terms {
    Terms { adjust_installment: true, ..terms(Method::EqualInstallment, 10_000, 6, "7") }
}

fn settle(interest: &str, on: &str, events: serde_json::Value) -> prequal_core::credit::Payoff {
    let question = json!({"terms": published(), "date": on, "interest": interest, "events": events});
    payoff(&serde_json::from_value::<PayoffInput>(question).unwrap()).unwrap()
}

/// Fineract's published payoffs: 83.81 to the day and 84.06 to the next due date.
#[test]
fn published_payoffs() {
    let paid = json!([{"type": "repayment", "date": "2024-02-01", "amount": 1701}]);
    let to_date = settle("to_date", "2024-02-15", paid.clone());
    assert_eq!((to_date.principal, to_date.interest, to_date.total), (amount(8_357), amount(24), amount(8_381)));
    assert!(to_date.overdue.total().unwrap().is_zero() && to_date.unapplied.is_zero());
    assert_eq!(settle("to_next_due", "2024-02-15", paid).total, amount(8_406));
}

/// Published with it: nothing paid by 15 July, interest stays 0.58 a month and the last due is 18.43.
#[test]
fn after_missed_due_dates_interest_is_on_the_principal_really_outstanding() {
    let late = settle("to_date", "2024-07-15", json!([]));
    let rows: Vec<_> = late.installments.iter().map(|row| (row.owed.interest, row.owed.total().unwrap())).collect();
    let level = (amount(58), amount(1_701));
    assert_eq!(rows, [level, level, level, level, level, (amount(58), amount(1_843))]);
    assert!(late.installments.iter().all(|row| row.status == InstallmentStatus::Overdue));
    assert_eq!(late.overdue.total(), Ok(late.total));
}

/// Published with it: 17.01 paid on 15 January is 0.26 interest and 16.75 principal; the rest of that
/// month's interest belongs to the second instalment.
#[test]
fn an_instalment_paid_early_closes_and_later_interest_goes_to_the_next() {
    let early = settle("to_date", "2024-01-15", json!([{"type": "repayment", "date": "2024-01-15", "amount": 1701}]));
    assert_eq!(early.principal, amount(8_325));
    let [first, second, ..] = &early.installments[..] else { panic!("six rows") };
    assert_eq!(
        (first.owed.interest, first.owed.principal, first.status),
        (amount(26), amount(1_675), InstallmentStatus::Paid)
    );
    assert_eq!((second.owed.interest, second.owed.principal), (amount(76), amount(1_625)));
}

#[test]
fn contract_interest_stops_at_maturity_unless_it_accrues() {
    let mut terms = published();
    let until = |terms: &Terms, on: &str| account(terms, &[], date(on)).unwrap().balance.interest;
    assert_eq!(until(&terms, "2024-07-01"), amount(6 * 58));
    assert_eq!(until(&terms, "2025-07-01"), amount(6 * 58));
    terms.after_maturity = Some(AfterMaturity::Accrue);
    // A year of 30/360 at 7 % on 100.00, on top.
    assert_eq!(until(&terms, "2025-07-01"), amount(6 * 58 + 700));
}

#[test]
fn money_goes_to_what_is_past_due_first_interest_before_principal() {
    let terms = published();
    let events = [repayment(date("2024-03-15"), 200)];
    let state = account(&terms, &events, date("2024-03-15")).unwrap();
    // Two instalments are past due with 58 of interest each; 84 is left for principal of the first.
    let [allocation] = &state.allocations[..] else { panic!("one repayment") };
    assert_eq!(
        (allocation.parts.interest, allocation.parts.principal, allocation.excess),
        (amount(116), amount(84), amount(0))
    );
    assert_eq!(state.installments[0].paid.total(), Ok(amount(58 + 84)));
    assert_eq!(state.installments[1].paid.total(), Ok(amount(58)));
    assert_eq!(state.overdue.principal, amount(2 * 1_643 - 84));
}

#[test]
fn what_exceeds_the_debt_is_owed_back() {
    let terms = published();
    let state = account(&terms, &[repayment(terms.start, 10_500)], date("2024-01-01")).unwrap();
    assert!(state.is_settled());
    assert_eq!(state.unapplied, amount(500));
    assert_eq!(state.next_due, None);
    assert!(state.installments.iter().all(|row| row.status == InstallmentStatus::Paid));
}

/// Undoing an event gives back exactly the state before it.
#[test]
fn a_reversed_repayment_leaves_no_trace() {
    let terms = published();
    let mut bounced = repayment(date("2024-02-01"), 1_701);
    bounced.id = Some("debit-1".to_owned());
    let reversal =
        |on: &str, of: &str| Event { id: None, date: date(on), kind: EventKind::Reversal { of: of.to_owned() } };
    let on = date("2024-02-20");
    let before = account(&terms, &[], on).unwrap();
    assert_eq!(account(&terms, &[bounced.clone(), reversal("2024-02-05", "debit-1")], on), Ok(before));
    for (events, code) in [
        (vec![reversal("2024-02-05", "debit-1")], "unknown_reversal"),
        (vec![bounced.clone(), reversal("2024-01-31", "debit-1")], "unknown_reversal"),
        (vec![bounced.clone(), bounced.clone()], "duplicate_event"),
        (vec![repayment(date("2024-02-21"), 1)], "event_out_of_order"),
        (vec![repayment(date("2023-12-31"), 1)], "event_out_of_order"),
    ] {
        assert_eq!(account(&terms, &events, on).unwrap_err().code(), code);
    }
    assert_eq!(account(&terms, &[], date("2023-12-31")), Err(CreditError::DateBeforeStart(date("2023-12-31"))));
}

/// A person who pays every instalment on its day pays exactly the signed schedule.
#[test]
fn paying_on_time_follows_the_signed_schedule() {
    for (_, method) in METHODS {
        let mut plan = terms(method, 129_900, if method == Method::Single { 1 } else { 12 }, "12.9");
        if method == Method::FeeInstallment {
            plan.repayment.fee_percent = Some("4.5".parse().unwrap());
        }
        let signed = schedule(&plan).unwrap();
        let mut events = Vec::new();
        for row in &signed.installments {
            let before = account(&plan, &events, row.due).unwrap();
            assert_eq!(before.next_due, Some((row.due, row.total)), "{method:?}");
            assert_eq!(before.overdue.total(), Ok(amount(0)));
            events.push(repayment(row.due, row.total.minor()));
        }
        let last = signed.installments.last().unwrap().due;
        let state = account(&plan, &events, last).unwrap();
        assert!(state.is_settled() && state.unapplied.is_zero());
        for (signed, now) in signed.installments.iter().zip(&state.installments) {
            assert_eq!(
                (signed.principal, signed.interest, signed.fee),
                (now.owed.principal, now.owed.interest, now.owed.fee)
            );
            assert_eq!(signed.balance, now.balance);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Every repayment is its parts; what was lent is what was repaid and what is outstanding; the payoff
    /// settles and one cent more is owed back; the schedule as it stands adds up to the principal.
    #[test]
    fn no_cent_is_lost(
        method in prop::sample::select(METHODS.map(|(_, method)| method).to_vec()),
        principal in 1_i64..5_000_000,
        count in 1_u16..=24,
        paid in prop::collection::vec((0_i32..900, 0_i64..400_000), 0..12),
        asked in 0_i32..1_000,
        thirty in any::<bool>(),
    ) {
        let mut plan = terms(method, principal, if method == Method::Single { 1 } else { count }, "24");
        if method == Method::FeeInstallment {
            plan.repayment.fee_percent = Some("4.5".parse().unwrap());
        }
        if !thirty && let Some(rate) = &mut plan.rate {
            rate.day_count = Some(prequal_core::calendar::DayCount::ActualActual);
        }
        let on = plan.start.add_days(asked).unwrap();
        let mut events: Vec<Event> = paid
            .iter()
            .map(|(after, minor)| repayment(plan.start.add_days(after % (asked + 1)).unwrap(), *minor))
            .collect();
        let state = account(&plan, &events, on).unwrap();
        let mut repaid = 0;
        for allocation in &state.allocations {
            let EventKind::Repayment(received) = &events[allocation.event].kind else { panic!("a repayment") };
            let applied = allocation.parts.total().unwrap().minor() + allocation.excess.minor();
            prop_assert_eq!(applied, received.minor());
            repaid += allocation.parts.principal.minor();
        }
        prop_assert_eq!(repaid + state.balance.principal.minor(), principal);
        let owed: i64 = state.installments.iter().map(|row| row.owed.principal.minor()).sum();
        prop_assert_eq!(owed, principal);
        let rows_paid: i64 = state.installments.iter().map(|row| row.paid.total().unwrap().minor()).sum();
        let applied: i64 = state.allocations.iter().map(|each| each.parts.total().unwrap().minor()).sum();
        prop_assert_eq!(rows_paid, applied);

        let debt = state.balance.total().unwrap().minor();
        events.push(repayment(on, debt));
        let settled = account(&plan, &events, on).unwrap();
        prop_assert!(settled.is_settled(), "{:?}", settled.balance);
        prop_assert_eq!(settled.unapplied, state.unapplied);
        let later = account(&plan, &events, on.add_days(400).unwrap()).unwrap();
        prop_assert!(later.is_settled());
        events.push(repayment(on, 1));
        let over = account(&plan, &events, on).unwrap();
        prop_assert_eq!(over.unapplied.minor(), state.unapplied.minor() + 1);
    }
}
