//! Time per quote, by method and length: schedule to the cent, and its legal rate.
//!
//! `cargo bench -p prequal-core --bench money`. The figures are the least of several rounds, because anything
//! above it is the machine's other work.

use std::{hint::black_box, time::Instant};

use prequal_core::{
    calendar::{Date, DayCount, Period},
    credit::{
        Convention, Event, EventKind, Method, Rate, Repayment, Terms, account, apr_of_plan,
        caps::{PlanCap, judge_terms},
        schedule,
    },
    currency::Currency,
    decimal::Decimal,
    money::Amount,
    rounding::Rounding,
};

const ROUNDS: usize = 15;

fn terms(method: Method, count: u16) -> Terms {
    let percent = Decimal::parse("12.9").expect("a decimal");
    let mut repayment = Repayment::regular(method, count, Period::Months(1));
    if method == Method::FeeInstallment {
        repayment.fee_percent = Some(Decimal::parse("4.5").expect("a decimal"));
    }
    Terms {
        currency: Currency::parse("USD").expect("a currency"),
        principal: Amount::new(129_900).expect("an amount"),
        start: Date::parse("2026-01-15").expect("a date"),
        rate: (!matches!(method, Method::Free | Method::FeeInstallment))
            .then_some(Rate::annual(percent, DayCount::Thirty360)),
        repayment,
        rounding: Rounding::HalfEven,
        level_rounding: None,
        remainder: None,
        adjust_installment: false,
        fees: Vec::new(),
        after_maturity: None,
    }
}

/// Microseconds of one call.
fn time(repeats: u32, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        for _ in 0..repeats {
            work();
        }
        best = best.min(begin.elapsed().as_secs_f64() / f64::from(repeats));
    }
    best * 1e6
}

fn main() {
    let methods = [
        ("equal_installment", Method::EqualInstallment),
        ("equal_principal", Method::EqualPrincipal),
        ("interest_only", Method::InterestOnly),
        ("fee_installment", Method::FeeInstallment),
        ("free", Method::Free),
    ];
    println!("microseconds per quote, native; us_reg_z where not named otherwise");
    println!("{:<20} {:>5} {:>10} {:>10} {:>10}", "method", "count", "schedule", "rate", "quote");
    for (name, method) in methods {
        for count in [4_u16, 12, 36, 360] {
            let terms = terms(method, count);
            let made = schedule(&terms).expect("a schedule");
            let rate = || {
                apr_of_plan(
                    Convention::UsRegZ,
                    terms.currency,
                    terms.start,
                    terms.principal,
                    Amount::ZERO,
                    &made.installments,
                )
            };
            let repeats = 40_000 / u32::from(count);
            let plan = time(repeats, || drop(black_box(schedule(black_box(&terms)))));
            let solve = time(repeats, || drop(black_box(rate())));
            println!("{name:<20} {count:>5} {plan:>10.2} {solve:>10.2} {:>10.2}", plan + solve);
        }
    }
    let terms = terms(Method::EqualInstallment, 12);
    let made = schedule(&terms).expect("a schedule");
    for (name, convention) in [
        ("us_reg_z", Convention::UsRegZ),
        ("eu_aprc", Convention::EuAprc),
        ("uk", Convention::Uk),
        ("cn_irr", Convention::CnIrr),
        ("ifrs_eir", Convention::IfrsEir),
    ] {
        let solve = time(4_000, || {
            drop(black_box(apr_of_plan(
                convention,
                terms.currency,
                terms.start,
                terms.principal,
                Amount::ZERO,
                &made.installments,
            )));
        });
        println!("rate of 12 instalments by {name:<10} {solve:>8.2}");
    }
    let cap: Vec<PlanCap> = vec![PlanCap {
        id: "cap".into(),
        basis: String::new(),
        from: terms.start,
        until: None,
        lenders: Vec::new(),
        measure: prequal_core::credit::caps::Measure::AnnualRate,
        convention: Some(Convention::UsRegZ),
        excludes: Vec::new(),
        year_days: 365,
        ceiling_percent: Decimal::parse("36").ok(),
        multiple: None,
        reference: Vec::new(),
        bands: Vec::new(),
        amount: None,
    }];
    let judged = time(2_000, || drop(black_box(judge_terms(&cap, &terms, None, "bank"))));
    println!("12 instalments judged by one annual ceiling {judged:>8.2}");
    let paid: Vec<Event> = made
        .installments
        .iter()
        .map(|row| Event { id: None, date: row.due, kind: EventKind::Repayment(row.total) })
        .collect();
    let last = made.installments.last().expect("a last instalment").due;
    let account = time(500, || drop(black_box(account(&terms, &paid, last))));
    println!("account of 12 instalments, each paid when due {account:>8.2}");
}
