//! Time per quote, by method and length: schedule to the cent, and its legal rate.
//!
//! `cargo bench -p prequal-core --bench money`. The figures are the least of several rounds, because anything
//! above it is the machine's other work. `cargo xtask bench money` puts WebAssembly and other libraries beside them;
//! for that the figures are also written, as JSON, to the file that `PREQUAL_BENCH_OUT` names.

#[path = "money/cases.rs"]
mod cases;

use std::{hint::black_box, time::Instant};

use cases::{CONVENTIONS, Case, METHODS, cases};
use prequal_core::credit::{
    Convention, Event, EventKind, account,
    caps::{Measure, PlanCap, judge_terms},
    schedule,
};
use prequal_core::decimal::Decimal;

const ROUNDS: usize = 25;

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
    let cases = cases().expect("the contracts are plain ones");
    let mut figures = serde_json::Map::new();
    println!("microseconds per quote, native, least of {ROUNDS} rounds; us_reg_z where not named otherwise");
    println!("{:<20} {:>5} {:>10} {:>10} {:>10}", "method", "count", "schedule", "rate", "quote");
    for case in &cases {
        let repeats = 40_000 / u32::from(case.count);
        let plan = time(repeats, || drop(black_box(schedule(black_box(&case.terms)))));
        let rate = time(repeats, || drop(black_box(black_box(case).rate(Convention::UsRegZ))));
        println!("{:<20} {:>5} {plan:>10.2} {rate:>10.2} {:>10.2}", case.method, case.count, plan + rate);
        figures.insert(format!("{} {} schedule", case.method, case.count), plan.into());
        figures.insert(format!("{} {} us_reg_z", case.method, case.count), rate.into());
    }
    for case in cases.iter().filter(|case| case.method == METHODS[0].0 && case.count > 4) {
        for (name, convention) in CONVENTIONS {
            let rate = time(40_000 / u32::from(case.count), || drop(black_box(black_box(case).rate(convention))));
            println!("rate of {:>3} instalments by {name:<10} {rate:>8.2}", case.count);
            figures.insert(format!("{} {} {name}", case.method, case.count), rate.into());
        }
    }
    others(&cases);
    if let Some(file) = std::env::var_os("PREQUAL_BENCH_OUT") {
        std::fs::write(file, serde_json::Value::Object(figures).to_string()).expect("the file can be written");
    }
}

/// What else a checkout and a server ask of the same mathematics.
fn others(cases: &[Case]) {
    let Some(Case { terms, made, .. }) = cases.iter().find(|case| case.count == 12) else { return };
    let cap: Vec<PlanCap> = vec![PlanCap {
        id: "cap".into(),
        basis: String::new(),
        from: terms.start,
        until: None,
        lenders: Vec::new(),
        measure: Measure::AnnualRate,
        convention: Some(Convention::UsRegZ),
        excludes: Vec::new(),
        year_days: 365,
        ceiling_percent: Decimal::parse("36").ok(),
        multiple: None,
        reference: Vec::new(),
        bands: Vec::new(),
        amount: None,
    }];
    let judged = time(2_000, || drop(black_box(judge_terms(&cap, terms, None, "bank"))));
    println!("12 instalments judged by one annual ceiling {judged:>8.2}");
    let paid: Vec<Event> = made
        .installments
        .iter()
        .map(|row| Event { id: None, date: row.due, kind: EventKind::Repayment(row.total) })
        .collect();
    let last = made.installments.last().expect("a last instalment").due;
    let account = time(500, || drop(black_box(account(terms, &paid, last))));
    println!("account of 12 instalments, each paid when due {account:>8.2}");
}
