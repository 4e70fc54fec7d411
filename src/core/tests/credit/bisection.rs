//! The rate solver against bisection with 256 binary digits, on random cash flows of every convention.

use num_bigint::BigInt;
use prequal_core::{
    calendar::{Date, Period},
    credit::{AprAnswer, AprInput, Convention, CreditError, Flow, UnitPeriod, When, YearBasis, apr},
    currency::Currency,
    money::Amount,
};

use super::{draw::Draw, naive_rate::Equation};

/// Millionths of a per cent: what `apr_percent_exact` counts.
const LEAST: i64 = -99_990_000;
const MOST: i64 = 1_000_000_000_000;
/// A wrong last digit is told apart from a wrong rate: 10^-12 of its yearly growth.
const SLACK: i64 = 10_000;
const SLACK_PARTS: i64 = 10_000_000_000_000_000;
/// One in so many cases is bisected from end to end; of the others the digits given are proved or refuted.
const BISECTED: u64 = 25;

const CONVENTIONS: [(&str, Convention); 5] = [
    ("us_reg_z", Convention::UsRegZ),
    ("eu_aprc", Convention::EuAprc),
    ("uk", Convention::Uk),
    ("cn_irr", Convention::CnIrr),
    ("ifrs_eir", Convention::IfrsEir),
];

fn on(date: Date, amount: i64) -> Flow {
    Flow { when: When::Date(date), amount: Amount::new(amount).unwrap(), count: 1, every: None }
}

fn step(draw: &mut Draw) -> Period {
    match draw.between(0, 9) {
        0..=4 => Period::Months(1),
        5 => Period::Months(draw.one(&[2, 3, 6, 12])),
        6 | 7 => Period::Days(7 * draw.between(1, 4) as u16),
        8 => Period::Days(draw.between(1, 60) as u16),
        _ => Period::Semimonthly,
    }
}

/// Cash flows of a loan, or of something like one.
fn flows(draw: &mut Draw, convention: Convention) -> AprInput {
    let start = Date::from_days(draw.days(0, 25_000)).unwrap();
    let digits = draw.between(4, 11);
    let lent = draw.between(1_000, 10_i64.pow(digits as u32));
    let mut advances = vec![on(start, lent)];
    if draw.chance(25) {
        for _ in 0..draw.between(1, 3) {
            advances.push(on(start.add_days(draw.days(0, 200)).unwrap(), draw.between(1, lent)));
        }
    }
    let all: i64 = advances.iter().map(|flow| flow.amount.minor()).sum();
    // From far too little to many times the debt.
    let paid = (all as f64 * draw.one(&[0.3, 0.97, 1.001, 1.02, 1.1, 1.3, 2.0, 9.0])) as i64;
    let mut payments = Vec::new();
    let count = match draw.between(0, 99) {
        0 => draw.between(100, 600),
        1..=19 => 1,
        _ => draw.between(2, 40),
    };
    let first = start.add_days(if draw.chance(8) { 0 } else { draw.days(1, 80) }).unwrap();
    let every = step(draw);
    if count > 1 && draw.chance(50) {
        payments.push(Flow {
            when: When::Date(first),
            amount: Amount::new(paid / count).unwrap(),
            count: count as u16,
            every: Some(every),
        });
    } else {
        // Each by itself, in a series or not, and in any order of the list.
        let series = draw.chance(50);
        let mut date = first;
        for index in 0..count.min(60) {
            if series {
                date = every.nth(first, index as u16, prequal_core::calendar::MonthEnd::Clamp).unwrap();
            } else if index > 0 {
                date = date.add_days(draw.days(1, 60)).unwrap();
            }
            let amount = paid / count.min(60) * draw.between(60, 140) / 100;
            let place = draw.between(0, payments.len() as i64);
            payments.insert(place as usize, on(date, amount));
        }
    }
    if draw.chance(15) {
        payments.push(on(start.add_days(draw.days(0, 900)).unwrap(), draw.between(0, paid / 3)));
    }
    if draw.chance(10) {
        // Paid at once.
        payments.push(on(start, draw.between(0, lent / 10)));
    }
    let unit_period = (convention == Convention::UsRegZ && draw.chance(30)).then(|| {
        UnitPeriod::Period(draw.one(&[
            Period::Days(1),
            Period::Days(7),
            Period::Days(28),
            Period::Semimonthly,
            Period::Months(1),
            Period::Months(3),
            Period::Months(12),
        ]))
    });
    let bases = [YearBasis::Months, YearBasis::Weeks, YearBasis::Actual365, YearBasis::Actual36525];
    let year_basis =
        (matches!(convention, Convention::EuAprc | Convention::Uk) && draw.chance(30)).then(|| draw.one(&bases));
    let currency = Currency::parse("EUR").unwrap();
    AprInput { convention, unit_period, year_basis, currency, advances, payments }
}

/// The sign of the present value at a rate of so many half-millionths of a per cent, and of its own growth so many
/// parts more or less.
fn sign(equation: &Equation, half_millionths: i64, slack: i64) -> i64 {
    // p + (1 + p) · slack, all over 2 · 10^8 · 10^16.
    let one = BigInt::from(200_000_000);
    let shifted = BigInt::from(half_millionths) * SLACK_PARTS + (&one + half_millionths) * slack;
    equation.sign(&shifted, &(one * SLACK_PARTS))
}

/// Whether the only root is at or above such a rate.
fn root_is_at_least(equation: &Equation, half_millionths: i64, slack: i64) -> bool {
    // No rate is below −100 %, to which one of −99.99 % is rounded.
    half_millionths <= -200_000_000 || sign(equation, half_millionths, slack) * equation.last_sign() >= 0
}

/// A decimal as so many of its last digit.
fn counted(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap()
}

/// Half up: the greatest k whose half below is not above the root.
fn bisected(equation: &Equation) -> i64 {
    let (mut low, mut high) = (LEAST, MOST);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        if root_is_at_least(equation, 2 * middle - 1, 0) { low = middle } else { high = middle - 1 }
    }
    low
}

/// Proves the answer for flows with one change of sign; whether every digit is that of the root.
fn proved(equation: &Equation, answer: &Result<AprAnswer, CreditError>, whole: bool) -> Result<bool, String> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let outside =
                !root_is_at_least(equation, 2 * LEAST, 0) || sign(equation, 2 * MOST, 0) * equation.last_sign() > 0;
            return if outside && *error == CreditError::NoRate { Ok(true) } else { Err(error.to_string()) };
        }
    };
    let exact = counted(&answer.apr_percent_exact);
    let mut right = !whole || bisected(equation) == exact;
    let decimals = answer.apr_percent.rsplit('.').next().unwrap().len() as u32;
    for (shown, unit) in [(exact, 1), (counted(&answer.apr_percent), 10_i64.pow(6 - decimals))] {
        let (low, high) = ((2 * shown - 1) * unit, (2 * shown + 1) * unit);
        if root_is_at_least(equation, low, 0) && !root_is_at_least(equation, high, 0) {
            continue;
        }
        right = false;
        if !root_is_at_least(equation, low, -SLACK) || root_is_at_least(equation, high, SLACK) {
            return Err(format!("it should be {} millionths of a per cent", bisected(equation)));
        }
    }
    Ok(right)
}

/// What can be said where signs change more than once: the rate given is one, and a coarse look finds no other.
fn plausible(equation: &Equation, answer: &Result<AprAnswer, CreditError>) -> Result<bool, String> {
    // Where ln(1 + rate) runs in equal steps from −80 % to 1,000,000 %.
    let points = (0..=20).map(|step| {
        let percent = (f64::from(step) / 20.0 * (1e4_f64 / 0.2).ln() + 0.2_f64.ln()).exp_m1() * 100.0;
        ((percent * 2e6) as i64).clamp(2 * LEAST, 2 * MOST)
    });
    let signs: Vec<i64> = points.map(|point| sign(equation, point, 0)).filter(|sign| *sign != 0).collect();
    let seen = signs.windows(2).filter(|pair| pair[0] != pair[1]).count();
    match answer {
        Ok(answer) => {
            let exact = counted(&answer.apr_percent_exact);
            // A half below and a half above: one of them may be the root itself.
            let crossed =
                |slack: i64| sign(equation, 2 * exact - 1, -slack) * sign(equation, 2 * exact + 1, slack) <= 0;
            let (right, near) = (crossed(0), crossed(SLACK));
            if near && seen < 2 { Ok(right) } else { Err(format!("near: {near}; {seen} roots are seen")) }
        }
        Err(CreditError::NoRate) if seen == 0 => Ok(true),
        // The coarse look may miss two roots that lie together.
        Err(CreditError::SeveralRates) => Ok(true),
        Err(error) => Err(format!("{error}, but {seen} roots are seen")),
    }
}

fn rates_agree(place: usize) {
    let cases: u64 = std::env::var("PREQUAL_FLOWS").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    let (name, convention) = CONVENTIONS[place];
    let (mut rates, mut several_changes, mut bisections) = (0_u64, 0_u64, 0_u64);
    let mut wrong = 0_u64;
    for case in 0..cases {
        let input = flows(&mut Draw::new((place as u64 + 64) << 32 | case), convention);
        let answer = apr(&input);
        let said = || format!("case {case}: {answer:?} {}", serde_json::to_string(&input).unwrap());
        let Some(equation) = Equation::new(&input) else { panic!("no equation: {}", said()) };
        rates += u64::from(answer.is_ok());
        let held = if equation.changes == 1 {
            bisections += u64::from(case % BISECTED == 0);
            proved(&equation, &answer, case % BISECTED == 0)
        } else if equation.changes == 0 {
            if answer == Err(CreditError::NoRate) { Ok(true) } else { Err("nothing changes sign".to_owned()) }
        } else {
            several_changes += 1;
            plausible(&equation, &answer)
        };
        match held {
            Ok(true) => {}
            Ok(false) => {
                wrong += 1;
                println!("{}", said());
            }
            Err(why) => panic!("{why}\n{}", said()),
        }
        super::progress(name, case + 1, cases);
    }
    println!(
        "{name}: {cases} cash flows, {rates} with a rate, {bisections} bisected from end to end, {several_changes} with \
         several changes of sign; {wrong} with a wrong last digit"
    );
    assert_eq!(wrong, 0, "every digit is that of the root");
    assert!(rates * 10 > cases * 6, "too few have a rate to mean anything: {rates}");
}

#[test]
fn us_reg_z_rates_are_those_of_bisection() {
    rates_agree(0);
}

#[test]
fn eu_aprc_rates_are_those_of_bisection() {
    rates_agree(1);
}

#[test]
fn uk_rates_are_those_of_bisection() {
    rates_agree(2);
}

#[test]
fn cn_irr_rates_are_those_of_bisection() {
    rates_agree(3);
}

#[test]
fn ifrs_eir_rates_are_those_of_bisection() {
    rates_agree(4);
}
