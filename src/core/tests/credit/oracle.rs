//! A second, naive schedule in exact fractions, against which the fast one is held.
//!
//! It shares nothing with the first but the types: dates are walked, the level is the textbook fraction, and
//! every value stays a fraction until the contract says that it is rounded.

use num_bigint::BigInt;
use prequal_core::{
    calendar::Date,
    credit::{FeeSize, FeeTiming, FeeWhen, Method, Rate, Remainder, Terms, schedule},
    decimal::Decimal,
    money::AMOUNT_MAX,
    rounding::Rounding,
};

use super::{
    amount, date,
    draw::{Draw, METHODS, ROUNDINGS, contract},
    naive_dates::{Fraction, Span, percent, period_rate, spans},
    terms,
};

/// An instalment of the naive schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub due: Date,
    pub principal: i64,
    pub interest: i64,
    pub fee: i64,
    pub balance: i64,
    /// The further charges, one by one.
    pub lines: Vec<i64>,
}

/// The naive schedule, and what the account needs of it.
#[derive(Clone, Debug)]
pub(super) struct Naive {
    pub rows: Vec<Row>,
    pub spans: Vec<Span>,
    pub lent: i64,
    pub balloon: i64,
    pub level: i64,
    pub down_payment: i64,
}

/// What no amount can hold is refused.
pub(super) fn whole(value: &BigInt) -> Option<i64> {
    i64::try_from(value).ok().filter(|value| (0..=AMOUNT_MAX).contains(value))
}

fn share(size: FeeSize, of: i64, rounding: Rounding) -> Option<i64> {
    match size {
        FeeSize::Amount(amount) => Some(amount.minor()),
        FeeSize::Percent(share) => whole(&percent(share).times(&Fraction::new(of, 1)).rounded(rounding)),
    }
}

/// Equal shares, what is left over to one of them.
fn spread(total: i64, count: i64, index: i64, first: bool) -> i64 {
    let more = if index == if first { 0 } else { count - 1 } { total % count } else { 0 };
    total / count + more
}

/// The level of instalments over periods of these rates, unrounded: with all debts carried to the last date,
/// P · Πg − B = L · Σₖ Πⱼ﹥ₖ g.
pub(super) fn exact_level(lent: i64, balloon: i64, rates: &[Fraction]) -> Fraction {
    let (mut grown, mut annuity) = (Fraction::new(lent, 1), Fraction::zero());
    for rate in rates {
        let growth = &rate.over + &rate.under;
        annuity = Fraction {
            over: annuity.over * &growth + &annuity.under * &rate.under,
            under: annuity.under * &rate.under,
        };
        grown = Fraction { over: grown.over * &growth, under: grown.under * &rate.under };
    }
    // Both stand over the same denominator.
    Fraction { over: grown.over - &grown.under * balloon, under: annuity.over }
}

/// Principal and interest of each instalment.
fn amortise(terms: &Terms, made: &Naive, rates: &[Fraction], level: i64) -> Option<Vec<(i64, i64)>> {
    let count = rates.len() as i64;
    let holiday = i64::from(terms.repayment.principal_holiday);
    let first = terms.remainder == Some(Remainder::First);
    let mut balance = made.lent;
    let mut rows = Vec::new();
    for (index, rate) in (0..).zip(rates) {
        let interest = whole(&rate.times(&Fraction::new(balance, 1)).rounded(terms.rounding))?;
        let repaid = if index + 1 == count {
            balance
        } else if index < holiday {
            0
        } else {
            match terms.repayment.method {
                Method::EqualInstallment => (level - interest).max(0).min(balance),
                Method::InterestOnly | Method::Single => 0,
                _ => spread(made.lent - made.balloon, count - holiday, index - holiday, first),
            }
        };
        balance -= repaid;
        rows.push((repaid, interest));
    }
    Some(rows)
}

/// The level and what follows from it, moved once where the contract asks for that.
fn levelled(terms: &Terms, made: &Naive, rates: &[Fraction]) -> Option<(i64, Vec<(i64, i64)>)> {
    if terms.repayment.method != Method::EqualInstallment {
        return Some((0, amortise(terms, made, rates, 0)?));
    }
    let sharing = &rates[usize::from(terms.repayment.principal_holiday)..];
    let exact = exact_level(made.lent, made.balloon, sharing);
    let level = whole(&exact.rounded(terms.level_rounding.unwrap_or(terms.rounding)))?;
    let rows = amortise(terms, made, rates, level)?;
    if !terms.adjust_installment {
        return Some((level, rows));
    }
    let gap = |rows: &[(i64, i64)], level: i64| {
        rows.last().map_or(0, |(principal, interest)| principal + interest) - made.balloon - level
    };
    let difference = gap(&rows, level);
    let count = sharing.len() as i64;
    if difference.abs() * 2 <= count {
        return Some((level, rows));
    }
    let moved = Fraction::new(BigInt::from(level) * count + difference, count);
    if moved.over < BigInt::ZERO {
        return Some((level, rows));
    }
    let moved = whole(&moved.rounded(terms.rounding))?;
    let moved_rows = amortise(terms, made, rates, moved)?;
    Some(if gap(&moved_rows, moved).abs() < difference.abs() { (moved, moved_rows) } else { (level, rows) })
}

/// The fee that belongs to the method, instalment by instalment.
fn own_fees(terms: &Terms, lent: i64) -> Option<Vec<i64>> {
    let repayment = &terms.repayment;
    let count = i64::from(repayment.count);
    let times = match (repayment.fee_percent, repayment.fee_percent_per_period) {
        (Some(share), _) => percent(share),
        (_, Some(share)) => percent(share).times(&Fraction::new(count, 1)),
        _ => Fraction::zero(),
    };
    let total = whole(&times.times(&Fraction::new(lent, 1)).rounded(terms.rounding))?;
    let first = terms.remainder == Some(Remainder::First);
    let at_once = repayment.fee_timing == Some(FeeTiming::First);
    Some(
        (0..count)
            .map(|index| if at_once { i64::from(index == 0) * total } else { spread(total, count, index, first) })
            .collect(),
    )
}

/// The naive schedule of a contract; nothing where it must be refused.
pub(super) fn naive(terms: &Terms) -> Option<Naive> {
    let repayment = &terms.repayment;
    let spans = spans(terms)?;
    let down_payment =
        repayment.down_payment.map_or(Some(0), |size| share(size, terms.principal.minor(), terms.rounding))?;
    let lent = terms.principal.minor() - down_payment;
    if lent <= 0 {
        return None;
    }
    let balloon = repayment.balloon.map_or(Some(0), |size| share(size, lent, terms.rounding))?;
    if balloon >= lent {
        return None;
    }
    let rates: Vec<Fraction> = spans.iter().map(|span| period_rate(terms, *span)).collect();
    let mut made = Naive { rows: Vec::new(), spans, lent, balloon, level: 0, down_payment };
    let (level, amortised) = levelled(terms, &made, &rates)?;
    made.level = level;
    let own = own_fees(terms, lent)?;
    let count = rates.len() as i64;
    let first = terms.remainder == Some(Remainder::First);
    let mut balance = lent;
    for (index, (principal, interest)) in amortised.into_iter().enumerate() {
        balance -= principal;
        let mut lines = Vec::new();
        for fee in &terms.fees {
            let total = share(fee.size, lent, terms.rounding)?;
            lines.push(match fee.when {
                FeeWhen::First => i64::from(index == 0) * total,
                FeeWhen::Each => total,
                FeeWhen::Spread => spread(total, count, index as i64, first),
            });
        }
        let fee = own[index] + lines.iter().sum::<i64>();
        made.rows.push(Row { due: made.spans[index].due, principal, interest, fee, balance, lines });
    }
    let paid: i128 =
        made.rows.iter().map(|row| i128::from(row.principal) + i128::from(row.interest) + i128::from(row.fee)).sum();
    (paid <= i128::from(AMOUNT_MAX)).then_some(made)
}

/// Compares both; whether the contract was allowed at all.
fn agree(terms: &Terms) -> bool {
    let made = schedule(terms);
    let said = || serde_json::to_string(terms).unwrap();
    let Some(expected) = naive(terms) else {
        assert!(made.is_err(), "it must be refused: {}", said());
        return false;
    };
    let made = made.unwrap_or_else(|error| panic!("{error}: {}", said()));
    let count = made.installments.len();
    assert_eq!(made.down_payment.minor(), expected.down_payment, "{}", said());
    assert_eq!(count, expected.rows.len());
    for (index, (row, expected)) in made.installments.iter().zip(&expected.rows).enumerate() {
        let lines = made.fee_lines.iter().map(|line| line.amount(index, count).minor()).collect();
        let got = Row {
            due: row.due,
            principal: row.principal.minor(),
            interest: row.interest.minor(),
            fee: row.fee.minor(),
            balance: row.balance.minor(),
            lines,
        };
        assert_eq!(&got, expected, "instalment {} of {}", index + 1, said());
        assert_eq!(row.total.minor(), expected.principal + expected.interest + expected.fee);
    }
    let sum = |part: fn(&Row) -> i64| expected.rows.iter().map(part).sum::<i64>();
    let sums = [sum(|row| row.principal), sum(|row| row.interest), sum(|row| row.fee)];
    let totals = [made.total_principal, made.total_interest, made.total_fee].map(|total| total.minor());
    assert_eq!(totals, sums, "{}", said());
    assert_eq!(made.total.minor(), sums.iter().sum::<i64>());
    true
}

/// So many contracts of each method: 100,000 in `cargo xtask verify money`, a slice of them in every test run.
fn contracts_agree(place: usize) {
    let cases: u64 = std::env::var("PREQUAL_CONTRACTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_500);
    let (name, method) = METHODS[place];
    let mut allowed = 0_u64;
    for case in 0..cases {
        let mut draw = Draw::new((place as u64) << 32 | case);
        allowed += u64::from(agree(&contract(&mut draw, method)));
        super::progress(name, case + 1, cases);
    }
    println!("{name}: {cases} contracts agree with the naive schedule, {} of them refused by both", cases - allowed);
    assert!(allowed * 10 > cases * 7, "too few are allowed to mean anything");
}

#[test]
fn equal_installment_contracts_agree_with_the_naive_schedule() {
    contracts_agree(0);
}

#[test]
fn equal_principal_contracts_agree_with_the_naive_schedule() {
    contracts_agree(1);
}

#[test]
fn interest_only_contracts_agree_with_the_naive_schedule() {
    contracts_agree(2);
}

#[test]
fn single_payment_contracts_agree_with_the_naive_schedule() {
    contracts_agree(3);
}

#[test]
fn fee_installment_contracts_agree_with_the_naive_schedule() {
    contracts_agree(4);
}

#[test]
fn free_contracts_agree_with_the_naive_schedule() {
    contracts_agree(5);
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
        assert!(agree(&tie));
        let first = schedule(&tie).unwrap().installments[0];
        assert_eq!(first.total.minor(), level.max(first.interest.minor()), "{rounding:?}");
    }
}

/// Amounts whose level has more digits than a double: settled by exact integers. With interest on top the sum
/// passes the largest amount: the named error, not a wrong figure.
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
            large.rounding = rounding;
            if agree(&large) {
                assert_eq!(schedule(&large).unwrap().total_principal, amount(principal));
            } else {
                assert_eq!(schedule(&large).unwrap_err().code(), "amount_out_of_range");
            }
        }
    }
}
