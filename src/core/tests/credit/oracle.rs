//! A second, naive implementation in exact rationals, against which the fast one is held.
//!
//! It shares nothing with the first but the types: days are counted one by one, the level is the
//! textbook fraction, and every value stays a fraction until the contract says that it is rounded.

use num_bigint::BigInt;
use num_rational::BigRational;
use prequal_core::{
    calendar::{Date, DayCount, date::is_leap_year},
    credit::{FeeSize, Method, Rate, Remainder, Terms, schedule},
    decimal::Decimal,
    rounding::Rounding,
};
use proptest::{prelude::*, test_runner::TestRng};

use super::{METHODS, ROUNDINGS, amount, date, terms};

fn ratio(numerator: i128, denominator: i128) -> BigRational {
    BigRational::new(BigInt::from(numerator), BigInt::from(denominator))
}

pub(super) fn round(value: &BigRational, rounding: Rounding) -> i64 {
    let half = ratio(1, 2);
    let floor = value.floor();
    let rest = value - &floor;
    let even = (floor.to_integer() % 2) == BigInt::from(0);
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > ratio(0, 1),
        Rounding::HalfUp => rest >= half,
        Rounding::HalfEven => rest > half || (rest == half && !even),
    };
    let rounded = floor.to_integer() + i32::from(up);
    i64::try_from(rounded).unwrap()
}

/// Parts of a year, day by day.
fn year_fraction(count: DayCount, from: Date, to: Date) -> BigRational {
    let thirty = |european: bool| {
        let ((y1, m1, d1), (y2, m2, d2)) = (from.civil(), to.civil());
        let d1 = if d1 == 31 { 30 } else { i128::from(d1) };
        let d2 = if d2 == 31 && (european || d1 == 30) { 30 } else { i128::from(d2) };
        ratio(360 * i128::from(y2 - y1) + 30 * (i128::from(m2) - i128::from(m1)) + d2 - d1, 360)
    };
    let per_day = |year: i32| match count {
        DayCount::Actual360 => ratio(1, 360),
        DayCount::Actual364 => ratio(1, 364),
        DayCount::Actual365 => ratio(1, 365),
        _ => ratio(1, if is_leap_year(year) { 366 } else { 365 }),
    };
    match count {
        DayCount::Thirty360 => thirty(false),
        DayCount::Thirty360European => thirty(true),
        _ => (from.days() + 1..=to.days())
            .fold(ratio(0, 1), |sum, day| sum + per_day(Date::from_days(day).unwrap().year())),
    }
}

fn decimal(value: Decimal) -> BigRational {
    ratio(i128::from(value.mantissa()), i128::from(value.denominator()))
}

/// The rate of each period.
fn period_rates(terms: &Terms, dues: &[Date]) -> Vec<BigRational> {
    let mut from = terms.start;
    dues.iter()
        .map(|due| {
            let rate = terms.rate.as_ref().map_or(ratio(0, 1), |rate| {
                let percent = decimal(rate.percent) / BigInt::from(100);
                match rate.day_count {
                    Some(count) if !rate.daily => percent * year_fraction(count, from, *due),
                    Some(count @ (DayCount::Thirty360 | DayCount::Thirty360European)) => {
                        percent * year_fraction(count, from, *due) * BigInt::from(360)
                    }
                    _ => percent * BigInt::from(due.days() - from.days()),
                }
            });
            from = *due;
            rate
        })
        .collect()
}

/// Principal and interest of each instalment.
fn naive(terms: &Terms) -> Vec<(i64, i64)> {
    let dues = terms.repayment.due_dates.clone().unwrap();
    let rates = period_rates(terms, &dues);
    let one = ratio(1, 1);
    let (principal, count) = (terms.principal.minor(), dues.len() as i64);
    let balloon = match terms.repayment.balloon {
        Some(FeeSize::Amount(amount)) => amount.minor(),
        _ => 0,
    };
    let holiday = usize::from(terms.repayment.principal_holiday);
    let rounded_level = {
        let mut discount = one.clone();
        let mut annuity = ratio(0, 1);
        for rate in rates.iter().skip(holiday) {
            discount /= &one + rate;
            annuity += &discount;
        }
        let kept = discount * BigInt::from(balloon);
        let exact = (BigRational::from_integer(principal.into()) - kept) / annuity;
        round(&exact, terms.level_rounding.unwrap_or(terms.rounding))
    };
    let amortise = |level: i64| {
        let mut balance = principal;
        let mut rows = Vec::new();
        for (index, rate) in rates.iter().enumerate() {
            let interest = round(&(rate * BigInt::from(balance)), terms.rounding);
            let (repaid, sharing) = (principal - balloon, count - holiday as i64);
            let (share, left) = (repaid / sharing, repaid % sharing);
            let first = terms.remainder == Some(Remainder::First);
            let repaid = if index as i64 + 1 == count {
                balance
            } else if index < holiday {
                0
            } else {
                match terms.repayment.method {
                    Method::EqualInstallment => (level - interest).max(0).min(balance),
                    Method::InterestOnly | Method::Single => 0,
                    _ if index == holiday && first => share + left,
                    _ => share,
                }
            };
            balance -= repaid;
            rows.push((repaid, interest));
        }
        rows
    };
    let rows = amortise(rounded_level);
    if terms.repayment.method != Method::EqualInstallment || !terms.adjust_installment {
        return rows;
    }
    let gap = |rows: &[(i64, i64)], level: i64| {
        rows.last().map_or(0, |(principal, interest)| principal + interest) - balloon - level
    };
    let difference = gap(&rows, rounded_level);
    let count = count - holiday as i64;
    if difference.abs() * 2 <= count {
        return rows;
    }
    let moved = ratio(i128::from(rounded_level), 1) + ratio(i128::from(difference), i128::from(count));
    let moved = round(&moved, terms.rounding);
    let moved_rows = amortise(moved);
    if gap(&moved_rows, moved).abs() < difference.abs() { moved_rows } else { rows }
}

/// Random contracts: small amounts and round rates for ties, large ones for width.
fn contract() -> impl Strategy<Value = Terms> {
    let principal = prop_oneof![1_i64..500, 1_i64..10_000_000, 1_i64..1_000_000_000_000];
    let percent =
        prop_oneof![(0_i64..200, Just(0_u8)), (0_i64..40_000, Just(2_u8)), (0_i64..4_000_000_000_000, Just(11_u8)),];
    let counts = [
        DayCount::Thirty360,
        DayCount::Thirty360European,
        DayCount::Actual360,
        DayCount::Actual364,
        DayCount::Actual365,
        DayCount::ActualActual,
    ];
    let gaps = prop::collection::vec(1_i32..70, 1..14);
    let extras = (prop_oneof![Just(0_i64), 0_i64..100], prop_oneof![Just(0_usize), 0_usize..13]);
    let choices = (0..METHODS.len(), 0..ROUNDINGS.len(), 0..ROUNDINGS.len() + 1, any::<bool>(), any::<bool>(), extras);
    (principal, percent, 0..counts.len(), any::<bool>(), gaps, -20_000_i32..40_000, choices).prop_map(
        move |(principal, (mantissa, places), count, daily, gaps, start, choice)| {
            let (method, rounding, level, adjust, first, (balloon, holiday)) = choice;
            let mut terms = terms(METHODS[method], principal, gaps.len() as u16, "0");
            terms.start = Date::from_days(start).unwrap();
            let mut due = terms.start;
            let dues: Vec<Date> = gaps
                .iter()
                .map(|gap| {
                    due = due.add_days(*gap).unwrap();
                    due
                })
                .collect();
            terms.repayment.every = None;
            terms.repayment.due_dates = Some(dues);
            let percent = Decimal::new(mantissa, places).unwrap();
            terms.rate = (METHODS[method] != Method::Free).then_some(Rate {
                percent,
                daily,
                day_count: Some(counts[count]),
                minimum_days: 0,
            });
            if METHODS[method] == Method::FeeInstallment {
                terms.repayment.fee_percent = Some(percent);
            }
            if METHODS[method].has_shares() && first {
                terms.remainder = Some(Remainder::First);
            }
            if balloon > 0 && METHODS[method] != Method::InterestOnly {
                terms.repayment.balloon = Some(FeeSize::Amount(amount(principal / 100 * balloon)));
            }
            terms.repayment.principal_holiday = (holiday % usize::from(terms.repayment.count)) as u16;
            terms.rounding = ROUNDINGS[rounding];
            terms.level_rounding = ROUNDINGS.get(level).copied();
            terms.adjust_installment = adjust;
            terms
        },
    )
}

fn fast(terms: &Terms) -> Vec<(i64, i64)> {
    let made = schedule(terms).unwrap_or_else(|error| panic!("{error}: {terms:?}"));
    made.installments.iter().map(|row| (row.principal.minor(), row.interest.minor())).collect()
}

#[test]
fn the_fast_schedule_is_the_naive_one_on_thousands_of_random_contracts() {
    let cases = std::env::var("PREQUAL_CONTRACTS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = prop::test_runner::TestRunner::new_with_rng(config, rng);
    runner
        .run(&contract(), |terms| {
            prop_assert_eq!(fast(&terms), naive(&terms));
            Ok(())
        })
        .unwrap();
}

/// At 200 % a day for two days L = 9/4 · P: with P = 2 exactly 4.5, the case where doubles cannot know.
#[test]
fn a_level_that_is_exactly_a_tie_is_rounded_by_the_rule() {
    for (rounding, level) in [(Rounding::HalfEven, 4), (Rounding::HalfUp, 5), (Rounding::Down, 4), (Rounding::Up, 5)] {
        let mut tie = terms(Method::EqualInstallment, 2, 2, "0");
        tie.rate = Some(Rate::daily(Decimal::parse("200").unwrap()));
        tie.repayment.every = None;
        tie.repayment.due_dates = Some(vec![date("2024-01-02"), date("2024-01-03")]);
        tie.level_rounding = Some(rounding);
        assert_eq!(fast(&tie), naive(&tie));
        let first = fast(&tie)[0];
        assert_eq!(first.0 + first.1, level.max(first.1), "{rounding:?}");
    }
}

/// Amounts whose level has more digits than a double: settled by exact integers.
#[test]
fn the_largest_principals_are_exact() {
    for rounding in ROUNDINGS {
        for (principal, percent, count) in [
            (9_007_199_254_740_991, "0.000000000000001", 3),
            (9_007_199_254_740_991, "0.1", 2),
            (8_999_999_999_999_999, "0.123456789012345", 7),
            (4_503_599_627_370_497, "35.999999999999", 12),
        ] {
            let mut large = terms(Method::EqualInstallment, principal, count, percent);
            let dues = schedule(&large).map(|made| made.installments.iter().map(|row| row.due).collect::<Vec<_>>());
            large.rounding = rounding;
            let Ok(dues) = dues else {
                // With interest the sum passes the largest amount: the named error, not a wrong figure.
                assert_eq!(dues.unwrap_err().code(), "amount_out_of_range");
                continue;
            };
            large.repayment.due_dates = Some(dues);
            large.repayment.every = None;
            if let Ok(made) = schedule(&large) {
                assert_eq!(fast(&large), naive(&large));
                assert_eq!(made.total_principal, amount(principal));
            }
        }
    }
}
