//! Published mechanics and the edges of the schedule's contract.

use prequal_core::{
    calendar::{DayCount, Period},
    credit::{CreditError, FeeTiming, Method, Rate, Remainder, Terms, schedule},
    decimal::Decimal,
    rounding::Rounding,
};

use super::{amount, date, terms};

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn totals(terms: &Terms) -> Vec<i64> {
    schedule(terms).unwrap().installments.iter().map(|row| row.total.minor()).collect()
}

fn interests(terms: &Terms) -> Vec<i64> {
    schedule(terms).unwrap().installments.iter().map(|row| row.interest.minor()).collect()
}

fn dues(terms: &Terms) -> Vec<String> {
    schedule(terms).unwrap().installments.iter().map(|row| row.due.to_string()).collect()
}

fn refused(terms: &Terms) -> CreditError {
    schedule(terms).unwrap_err()
}

/// Huabei's published example: 1,111.11 in 3 at 2.3 % of the principal is 378.89 a month, total fee 25.56;
/// both remainders go to the first instalment.
#[test]
fn a_fee_instalment_follows_huabei() {
    let mut plan = terms(Method::FeeInstallment, 111_111, 3, "0");
    plan.rate = None;
    plan.remainder = Some(Remainder::First);
    plan.repayment.fee_percent = Some(decimal("2.3"));
    assert_eq!(totals(&plan), [37_889, 37_889, 37_889]);
    assert_eq!(schedule(&plan).unwrap().total_fee, amount(2_556));

    // 100.00 in 3 at 2.5 %: principal 33.33 each and 0.01 over, fee 2.50 = 0.83 each and 0.01 over.
    let mut plan = Terms { principal: amount(10_000), ..plan };
    plan.repayment.fee_percent = Some(decimal("2.5"));
    assert_eq!(totals(&plan), [3_418, 3_416, 3_416]);
    plan.remainder = None;
    assert_eq!(totals(&plan), [3_416, 3_416, 3_418]);
    plan.repayment.fee_timing = Some(FeeTiming::First);
    assert_eq!(totals(&plan), [3_583, 3_333, 3_334]);
}

/// Jiebei's published example: 3,000 in 12 equal principals at 0.045 % a day and 30-day months is
/// 40.50, 37.125, … 3.375, in all 263.25 before rounding.
#[test]
fn equal_principal_follows_jiebei() {
    let mut plan = terms(Method::EqualPrincipal, 300_000, 12, "0");
    plan.rate = Some(Rate { day_count: Some(DayCount::Thirty360), ..Rate::daily(decimal("0.045")) });
    // 37.125 and every second one after it are ties, which go to the even cent.
    assert_eq!(interests(&plan), [4_050, 3_712, 3_375, 3_038, 2_700, 2_362, 2_025, 1_688, 1_350, 1_012, 675, 338]);
    assert_eq!(interests(&plan).iter().sum::<i64>(), 26_325);
}

#[test]
fn a_daily_rate_counts_actual_days_unless_30_day_months_are_asked_for() {
    let mut plan = terms(Method::InterestOnly, 1_000_000, 3, "0");
    plan.rate = Some(Rate::daily(decimal("0.05")));
    assert_eq!(interests(&plan), [31 * 500, 29 * 500, 31 * 500]);
    for count in [DayCount::Actual360, DayCount::Actual365, DayCount::ActualActual] {
        plan.rate = Some(Rate { day_count: Some(count), ..Rate::daily(decimal("0.05")) });
        assert_eq!(interests(&plan), [31 * 500, 29 * 500, 31 * 500]);
    }
    plan.rate = Some(Rate { day_count: Some(DayCount::Thirty360), ..Rate::daily(decimal("0.05")) });
    assert_eq!(interests(&plan), [30 * 500; 3]);
}

/// "A regular period of n months is n × 30 days, whatever month-end did; any other is 360Δy + 30Δm + Δd."
#[test]
fn regular_months_count_30_days_also_over_short_months() {
    let mut plan = terms(Method::InterestOnly, 1_200_000, 3, "12");
    plan.start = date("2024-01-31");
    assert_eq!(dues(&plan), ["2024-02-29", "2024-03-31", "2024-04-30"]);
    assert_eq!(interests(&plan), [12_000; 3]);
    // The same dates as a list are irregular: 29, 32 and (31 → 30) 30 days at 400 a day.
    let listed = schedule(&plan).unwrap().installments.iter().map(|row| row.due).collect();
    plan.repayment.every = None;
    plan.repayment.due_dates = Some(listed);
    assert_eq!(interests(&plan), [29 * 400, 32 * 400, 30 * 400]);
    // A long first period is irregular, those after it are not.
    let mut long = terms(Method::InterestOnly, 1_200_000, 2, "12");
    long.repayment.first_due = Some(date("2024-02-11"));
    assert_eq!(interests(&long), [40 * 400, 12_000]);
}

#[test]
fn dates_are_counted_from_their_anchor() {
    let mut plan = terms(Method::Free, 400, 4, "0");
    plan.start = date("2025-01-31");
    assert_eq!(dues(&plan), ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]);
    plan.start = date("2024-02-29");
    plan.repayment.every = Some(Period::Months(12));
    assert_eq!(dues(&plan), ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]);
    // Pay in four: a quarter at once and three more every fortnight.
    plan.repayment.every = Some(Period::parse("P2W").unwrap());
    plan.repayment.first_due = Some(plan.start);
    assert_eq!(dues(&plan), ["2024-02-29", "2024-03-14", "2024-03-28", "2024-04-11"]);
    assert_eq!(totals(&plan), [100; 4]);
    plan.repayment.first_due = None;
    plan.repayment.every = Some(Period::Semimonthly);
    plan.start = date("2024-03-01");
    assert_eq!(dues(&plan), ["2024-03-16", "2024-04-01", "2024-04-16", "2024-05-01"]);
}

/// Jintiao's published mechanics: a loan repaid on the day it is drawn pays one day.
#[test]
fn a_period_that_has_begun_counts_its_minimum_days() {
    let mut plan = terms(Method::Single, 1_000_000, 1, "0");
    plan.rate = Some(Rate { minimum_days: 1, ..Rate::daily(decimal("0.04")) });
    plan.repayment.every = None;
    plan.repayment.first_due = Some(plan.start);
    assert_eq!(interests(&plan), [400]);
    plan.repayment.first_due = Some(date("2024-01-06"));
    assert_eq!(interests(&plan), [5 * 400]);
}

#[test]
fn one_cent_over_one_instalment_and_a_rate_of_zero() {
    assert_eq!(totals(&terms(Method::EqualInstallment, 1, 1, "36")), [1]);
    assert_eq!(totals(&terms(Method::EqualInstallment, 100, 3, "0")), [33, 33, 34]);
    // Level 0.005 rounded to the even cent is nothing: the last instalment takes all.
    assert_eq!(totals(&terms(Method::EqualInstallment, 1, 2, "0")), [0, 1]);
    let mut up = terms(Method::EqualInstallment, 1, 3, "0");
    up.level_rounding = Some(Rounding::Up);
    assert_eq!(totals(&up), [1, 0, 0], "after an early end instalments are listed as zero");
}

/// Three instalments of 100: a level of 34 leaves 32, and |−2| > 3/2 moves it by −2/3 to 33, which leaves 34.
#[test]
fn the_level_moves_only_where_the_last_instalment_comes_nearer() {
    let mut plan = terms(Method::EqualInstallment, 100, 3, "0");
    plan.level_rounding = Some(Rounding::Up);
    assert_eq!(totals(&plan), [34, 34, 32]);
    plan.adjust_installment = true;
    assert_eq!(totals(&plan), [33, 33, 34]);
}

#[test]
fn terms_that_contradict_themselves_are_refused_by_name() {
    let plain = || terms(Method::EqualInstallment, 10_000, 6, "7");
    let with = |change: fn(&mut Terms)| {
        let mut changed = plain();
        change(&mut changed);
        refused(&changed).to_string()
    };
    for (message, change) in [
        ("missing field `rate`", (|terms| terms.rate = None) as fn(&mut Terms)),
        ("`principal` must be at least 1 minor unit", |terms| terms.principal = amount(0)),
        ("`count` is 601, it must be 1 to 600", |terms| terms.repayment.count = 601),
        ("`count` is 0, it must be 1 to 600", |terms| terms.repayment.count = 0),
        ("missing field `every`", |terms| terms.repayment.every = None),
        (
            "`remainder` does not apply: only `equal_principal`, `fee_installment` and `free` leave a remainder over",
            |terms| {
                terms.remainder = Some(Remainder::First);
            },
        ),
        ("`fee_percent` does not apply: only `fee_installment` has it", |terms| {
            terms.repayment.fee_percent = Some(Decimal::ZERO);
        }),
        ("missing field `fee_percent`", |terms| terms.repayment.method = Method::FeeInstallment),
        ("`count` does not apply: `single` is one payment", |terms| terms.repayment.method = Method::Single),
        ("`rate` does not apply: `free` instalments bear no interest", |terms| terms.repayment.method = Method::Free),
        ("`due_dates` and `every` exclude each other", |terms| terms.repayment.due_dates = Some(vec![terms.start])),
        ("due date `2023-12-31` must come after the one before it and not before `start`", |terms| {
            terms.repayment.first_due = Some(date("2023-12-31"));
        }),
        ("`annual_percent` must not be negative", |terms| {
            terms.rate = Some(Rate::annual(Decimal::parse("-1").unwrap(), DayCount::Thirty360));
        }),
        ("`annual_percent` must be at most 1000000 per cent", |terms| {
            terms.rate = Some(Rate::annual(Decimal::parse("1000000.1").unwrap(), DayCount::Thirty360));
        }),
        ("date_out_of_range: dates lie in the years 1900 to 2999", |terms| {
            terms.repayment.every = Some(Period::parse("P100Y").unwrap());
            terms.repayment.count = 600;
        }),
    ] {
        assert_eq!(with(change), message);
    }
    let mut dates = plain();
    dates.repayment.every = None;
    dates.repayment.due_dates = Some(vec![date("2024-02-01"); 6]);
    assert_eq!(refused(&dates).code(), "invalid_due_dates");
    dates.repayment.due_dates = Some(vec![date("2024-02-01")]);
    assert_eq!(refused(&dates).to_string(), "`due_dates` lists 1 dates but `count` is 6");
    let large = terms(Method::InterestOnly, 9_007_199_254_740_991, 600, "1000000");
    assert_eq!(refused(&large).code(), "amount_out_of_range");
}
