//! Unit-periods and times, paragraph by paragraph of 12 CFR 1026, Appendix J.

use super::*;

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn dated(advances: &[&str], payments: &[&str]) -> Vec<Dated> {
    let of =
        |dates: &[&str], value: i64| dates.iter().map(|text| Dated { date: date(text), value }).collect::<Vec<_>>();
    let mut flows = [of(advances, -100), of(payments, 100)].concat();
    flows.sort_by_key(|flow| flow.date);
    flows
}

fn request(every: Option<Period>) -> Request {
    Request { unit_period: None, year_basis: None, every }
}

/// The unit-period that is found, and the time of a payment in it.
fn found(advances: &[&str], payments: &[&str], every: Option<Period>, of: &str) -> (Unit, u32, f64) {
    let flows = dated(advances, payments);
    let points: Vec<Point> = flows.iter().map(Point::new).collect();
    let clock = Clock::new(date(advances[0]), &points);
    let unit = unit(&clock, &points, request(every)).unwrap();
    let (whole, fraction) = clock.time(unit, &Point::new(&Dated { date: date(of), value: 1 })).unwrap();
    (unit, whole, fraction)
}

fn unit_of(advances: &[&str], payments: &[&str]) -> Unit {
    found(advances, payments, None, payments[0]).0
}

/// t and f of the first payment as the examples of (c) print them.
#[test]
fn the_times_printed_in_the_examples() {
    let month = |count| Some(Period::Months(count));
    let weeks = |count: u16| Some(Period::Days(7 * count));
    for (name, advance, payments, every, unit, whole, fraction) in [
        ("(c)(1)(i)", "1978-01-10", &["1978-02-10", "1978-03-10"][..], month(1), Unit::Months(1), 1, 0.0),
        (
            "(c)(1)(ii)",
            "1978-02-10",
            &["1978-04-01", "1978-05-01", "1978-06-01"],
            month(1),
            Unit::Months(1),
            1,
            19.0 / 30.0,
        ),
        (
            "(c)(1)(iii)",
            "1978-02-23",
            &["1978-03-01", "1978-03-16", "1978-04-01"],
            Some(Period::Semimonthly),
            Unit::Semimonth,
            0,
            6.0 / 15.0,
        ),
        (
            "(c)(1)(iv)",
            "1978-05-23",
            &["1978-10-01", "1979-01-01", "1979-04-01"],
            month(3),
            Unit::Months(3),
            1,
            39.0 / 90.0,
        ),
        ("(c)(1)(v)", "1978-03-20", &["1978-04-21", "1978-04-28", "1978-05-05"], weeks(1), Unit::Days(7), 4, 4.0 / 7.0),
        (
            "(c)(2)(ii)",
            "1978-03-18",
            &["1978-04-20", "1978-05-18", "1978-06-15"],
            weeks(4),
            Unit::Days(28),
            1,
            5.0 / 28.0,
        ),
        (
            "(c)(3)(ii)",
            "1978-04-03",
            &["1978-04-11", "1978-04-25", "1978-05-09"],
            weeks(2),
            Unit::Days(14),
            0,
            8.0 / 14.0,
        ),
        (
            "(c)(4)(ii)",
            "1978-01-10",
            &["1978-03-01", "1978-05-01", "1978-07-01"],
            month(2),
            Unit::Months(2),
            0,
            52.0 / 60.0,
        ),
    ] {
        assert_eq!(found(&[advance], payments, every, payments[0]), (unit, whole, fraction), "{name}");
        // Listed one by one they are understood as the same series.
        assert_eq!(found(&[advance], payments, None, payments[0]), (unit, whole, fraction), "{name} listed");
    }
}

/// (b)(4)(ii), (b)(5)(v)–(vii) and the examples (c)(5)(i)–(iv): one advance and one payment.
#[test]
fn one_advance_and_one_payment() {
    let clock = |start: &str, end: &str| Clock::new(date(start), &[Point::new(&Dated { date: date(end), value: 1 })]);
    for (name, start, end, unit, per_year, whole, fraction) in [
        // 255 days: 365/255 unit-periods a year.
        ("(c)(5)(i)", "1978-01-03", "1978-09-15", Unit::Term { months: 0, days: 255 }, (365.0, 255.0), 1, 0.0),
        // Six calendar months: 12/6.
        ("(c)(5)(ii)", "1978-07-15", "1979-01-15", Unit::Term { months: 6, days: 184 }, (12.0, 6.0), 1, 0.0),
        // A year and six twelfths.
        ("(c)(5)(iii)", "1978-01-17", "1979-07-17", Unit::Months(12), (12.0, 12.0), 1, 0.5),
        ("(c)(5)(iv)", "1978-01-10", "1980-01-10", Unit::Months(12), (12.0, 12.0), 2, 0.0),
        // (b)(5)(v)(B): a year back from the payment, and 36 days before it over 365.
        ("odd days", "1978-01-10", "1979-02-15", Unit::Months(12), (12.0, 12.0), 1, 36.0 / 365.0),
    ] {
        let (found, found_whole, found_fraction) = found(&[start], &[end], None, end);
        assert_eq!((found, found_whole, found_fraction), (unit, whole, fraction), "{name}");
        assert_eq!(clock(start, end).per_year(unit), per_year, "{name}");
    }
}

/// (b)(4)(i): the most frequent common period; (A) of two equally frequent the smaller; (B) without one the
/// average, to the nearest standard interval.
#[test]
fn the_unit_period_is_the_most_frequent_common_period() {
    // Three months and two fortnights.
    let mixed = ["1978-02-10", "1978-03-10", "1978-04-10", "1978-04-24", "1978-05-08"];
    assert_eq!(unit_of(&["1978-01-10"], &mixed), Unit::Months(1));
    // Two of each: the smaller.
    assert_eq!(unit_of(&["1978-01-10"], &["1978-02-10", "1978-03-10", "1978-03-24", "1978-04-07"]), Unit::Days(14));
    // Periods between advances count as those between payments do.
    let advances = ["1978-01-10", "1978-01-24", "1978-02-07", "1978-02-21"];
    assert_eq!(unit_of(&advances, &["1978-03-10", "1978-04-10"]), Unit::Days(14));
    // 10, 30 and 50 days have the average of 30, nearer to a month (30.4) than to four weeks.
    assert_eq!(unit_of(&["1978-01-01"], &["1978-01-11", "1978-02-10", "1978-04-01"]), Unit::Months(1));
    // 31 and 60 days have the average of 45.5, equally near six and seven weeks: the lower.
    assert_eq!(unit_of(&["1978-01-10", "1978-02-10"], &["1978-03-11"]), Unit::Days(42));
    // A common period of two years: a unit-period is at most one.
    assert_eq!(unit_of(&["1978-01-10"], &["1980-01-10", "1982-01-10"]), Unit::Months(12));
}

/// (b)(3)(iv): a series on the last day of each month, and one on the 29th or 30th, whose February ends early.
#[test]
fn months_are_equal_whatever_their_last_day() {
    for (start, payments) in [
        ("1978-01-31", ["1978-02-28", "1978-03-31", "1978-04-30"]),
        ("1978-01-30", ["1978-02-28", "1978-03-30", "1978-04-30"]),
        ("1978-01-29", ["1978-02-28", "1978-03-29", "1978-04-29"]),
        // Only the payments share a late day; the advance is two odd days before a full month.
        ("1978-01-29", ["1978-02-28", "1978-03-31", "1978-04-30"]),
    ] {
        let (unit, whole, fraction) = found(&[start], &payments, None, payments[0]);
        let odd = if start == "1978-01-29" && payments[1] == "1978-03-31" { 2.0 / 30.0 } else { 0.0 };
        assert_eq!((unit, whole, fraction), (Unit::Months(1), 1, odd), "{start} {payments:?}");
    }
}

/// (b)(5): unit-periods in a year of every kind of unit-period.
#[test]
fn unit_periods_in_a_year() {
    let clock = Clock::new(date("1978-01-10"), &[]);
    for (unit, per_year) in [
        (Unit::Days(1), (365.0, 1.0)),
        (Unit::Days(7), (52.0, 1.0)),
        (Unit::Days(28), (52.0, 4.0)),
        (Unit::Semimonth, (24.0, 1.0)),
        (Unit::Months(1), (12.0, 1.0)),
        (Unit::Months(3), (12.0, 3.0)),
        (Unit::Months(12), (12.0, 12.0)),
    ] {
        assert_eq!(clock.per_year(unit), per_year, "{unit:?}");
    }
}

/// What is asked for must be a standard interval of at most a year; the term only for one advance and one payment.
#[test]
fn a_unit_period_that_is_asked_for() {
    let flows = dated(&["1978-01-10"], &["1978-02-10", "1978-03-10"]);
    let points: Vec<Point> = flows.iter().map(Point::new).collect();
    let clock = Clock::new(date("1978-01-10"), &points);
    let asked =
        |unit_period: UnitPeriod| unit(&clock, &points, Request { unit_period: Some(unit_period), ..request(None) });
    assert_eq!(asked(UnitPeriod::Period(Period::Days(7))), Ok(Unit::Days(7)));
    assert_eq!(asked(UnitPeriod::Period(Period::Months(12))), Ok(Unit::Months(12)));
    assert_eq!(asked(UnitPeriod::Period(Period::Months(13))).unwrap_err().code(), "not_applicable");
    assert_eq!(asked(UnitPeriod::Term).unwrap_err().code(), "not_applicable");
}
