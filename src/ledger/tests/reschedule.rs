//! Claims about how far a new schedule may reach.

mod common;

use common::*;
use prequal_ledger::{Confirmation, ConfirmationMethod, Event, FIRST_DUE_DAYS_MAX, LedgerError, NewSchedule};

/// 400.00 in four, free, due on the first of February to May 2026.
const FREE: &str = r#"{"currency":"USD","principal":40000,"start":"2026-01-01",
    "repayment":{"method":"free","count":4,"every":"P1M","first_due":"2026-02-01"},"rounding":"half_even"}"#;

fn rescheduled(first_due: &str, count: u16) -> Event {
    Event::Rescheduled { value_date: date("2026-01-10"), schedule: NewSchedule::new(date(first_due), count) }
}

/// 366 days after 10 January 2026 is 11 January 2027.
#[test]
fn a_payment_holiday_is_at_most_a_year() {
    assert_eq!(date("2026-01-10").add_days(FIRST_DUE_DAYS_MAX).unwrap(), date("2027-01-11"));
    let mut books = Books::of(FREE, "{}");
    for first_due in ["2027-01-12", "2999-01-01"] {
        let refused = books.try_record(rescheduled(first_due, 4), "2026-01-10");
        assert_eq!(refused, Err(LedgerError::Reschedule("the first due date is more than a year away")));
    }
    books.record(rescheduled("2027-01-11", 4), "2026-01-10");
}

/// 3,653 days after 10 January 2026 is 11 January 2036, because 2028 and 2032 have a leap day. Monthly from 11 February
/// 2026 the 120th instalment falls due on that day.
#[test]
fn the_last_instalment_falls_due_within_ten_years() {
    let mut books = Books::of(FREE, "{}");
    let refused = books.try_record(rescheduled("2026-02-11", 121), "2026-01-10");
    assert_eq!(refused, Err(LedgerError::Reschedule("the last due date is more than ten years away")));
    let refused = books.try_record(rescheduled("2026-02-12", 120), "2026-01-10");
    assert_eq!(refused, Err(LedgerError::Reschedule("the last due date is more than ten years away")));
    books.record(rescheduled("2026-02-11", 120), "2026-01-10");
}

/// What confirms a dearer rate is kept with the event, and an event of before, which has none, reads as it did.
#[test]
fn a_rate_s_confirmation_is_kept_with_it() {
    let confirmation = Confirmation {
        method: ConfirmationMethod::RecordedCall,
        at: prequal_core::calendar::Instant::parse("2026-01-09T10:00:00Z").unwrap(),
        reference: "call-7".into(),
    };
    let changed = |confirmation| Event::RateChanged {
        value_date: date("2026-01-10"),
        rate: rate("12"),
        keep_installment: false,
        confirmation,
    };
    let text = serde_json::to_string(&changed(Some(confirmation.clone()))).unwrap();
    let kept = r#""confirmation":{"method":"recorded_call","at":"2026-01-09T10:00:00Z","reference":"call-7"}"#;
    assert!(text.contains(kept), "{text}");
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), changed(Some(confirmation.clone())));
    let before = r#"{"type":"rate_changed","value_date":"2026-01-10",
        "rate":{"annual_percent":"12","day_count":"actual/365"},"keep_installment":false}"#;
    assert_eq!(serde_json::from_str::<Event>(before).unwrap(), changed(None));
    assert!(!serde_json::to_string(&changed(None)).unwrap().contains("confirmation"));
    let mut books = Books::of(FREE, "{}");
    for reference in [String::new(), "x".repeat(65)] {
        let one = Confirmation { reference, ..confirmation.clone() };
        assert_eq!(books.try_record(changed(Some(one)), "2026-01-10"), Err(LedgerError::BadId));
    }
}
