//! A second, naive opinion on revolving lines and on one transfer for several loans: days are walked one by one, money
//! is handed out claim by claim, and every value stays a fraction until the contract says that it is rounded.

use num_bigint::BigInt;
use prequal_core::{
    calendar::{Billing, Cutoff, Date, DayCount, date::is_leap_year},
    credit::{
        AllocationRule, Among, Bucket, Debt, InterestFrom, Line, MinimumPayment, Part, Parts, StatementLines, Timing,
        split_transfer,
    },
    decimal::Decimal,
    money::{AMOUNT_MAX, Amount},
};

use super::{
    amount,
    draw::{Draw, ROUNDINGS, rate},
    draw_life::order,
    naive_dates::{Fraction, billed, percent, statement},
    oracle::whole,
};

/// So many random cases: 100,000 in `cargo xtask verify money`, a slice of them in every test run.
fn cases() -> u64 {
    std::env::var("PREQUAL_LINES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

fn day(days: i32) -> Date {
    Date::from_days(days).unwrap()
}

fn line(draw: &mut Draw) -> Line {
    // Days of 0 and above 31 are days of no month.
    let of_month = |draw: &mut Draw| if draw.chance(2) { draw.one(&[0, 32, 255]) } else { draw.between(1, 31) as u8 };
    let billing_day = of_month(draw);
    let due_day = of_month(draw);
    Line {
        billing: Billing { billing_day, due_day, cutoff: draw.one(&[Cutoff::Included, Cutoff::Next]) },
        rate: rate(draw),
        interest_from: draw.one(&[InterestFrom::Purchase, InterestFrom::Statement, InterestFrom::DayAfterDue]),
        minimum: MinimumPayment {
            percent: if draw.chance(50) { draw.decimal(100, 0) } else { draw.decimal(102_000, 3) },
            floor: draw.amount(0, 3_000),
            cap: draw.chance(50).then(|| draw.amount(0, 60_000)),
        },
        rounding: draw.one(&ROUNDINGS),
    }
}

/// The share between floor and cap, never more than the principal, and all else in full.
fn least(line: &Line, lines: &StatementLines) -> Option<i64> {
    let MinimumPayment { percent: share, floor, cap } = line.minimum;
    if share > Decimal::from(100) {
        return None;
    }
    let principal = lines.principal.minor();
    let mut carried = whole(&percent(share).times(&Fraction::new(principal, 1)).rounded(line.rounding))?;
    if carried < floor.minor() {
        carried = floor.minor();
    }
    for most in cap.map(Amount::minor).into_iter().chain([principal]) {
        if carried > most {
            carried = most;
        }
    }
    let others = [lines.installments, lines.interest, lines.fee].map(|part| i128::from(part.minor()));
    let sum = i128::from(carried) + others.iter().sum::<i128>();
    whole(&BigInt::from(sum))
}

#[test]
fn minimum_payments_agree_with_the_naive_ones() {
    let (mut asked, mut refused) = (0_u64, 0_u64);
    for case in 0..cases() {
        let mut draw = Draw::new(128 << 32 | case);
        let line = line(&mut draw);
        let most = if draw.chance(5) { AMOUNT_MAX } else { draw.one(&[10, 5_000, 100_000_000]) };
        let lines = StatementLines {
            principal: draw.amount(0, most),
            installments: draw.amount(0, most),
            interest: draw.amount(0, most),
            fee: draw.amount(0, most),
        };
        let made = line.minimum_payment(&lines).ok().map(Amount::minor);
        assert_eq!(made, least(&line, &lines), "case {case}: {line:?} {lines:?}");
        if made.is_some() { asked += 1 } else { refused += 1 }
    }
    println!("minimum payments: {asked} agree with the naive ones, {refused} are refused by both");
    assert!(asked * 10 > cases() * 8 && refused > 0);
}

/// What a day earns on one minor unit.
fn of_a_day(line: &Line, on: Date) -> Fraction {
    let days = match line.rate.day_count {
        _ if line.rate.daily => 1,
        // A day is a day: what counts months of 30 days has a year of 360.
        Some(DayCount::Thirty360 | DayCount::Thirty360European | DayCount::Actual360) => 360,
        Some(DayCount::Actual364) => 364,
        Some(DayCount::ActualActual) if is_leap_year(on.year()) => 366,
        _ => 365,
    };
    percent(line.rate.percent).times(&Fraction::new(1, days))
}

/// Walks every day; what has been paid so far is taken off the oldest purchases.
fn carried(line: &Line, bought: &[(Date, Amount)], paid: &[(Date, Amount)], until: Date) -> Option<i64> {
    let is_day_of_month = |day: u8| (1..=31).contains(&day);
    if !is_day_of_month(line.billing.billing_day)
        || !is_day_of_month(line.billing.due_day)
        || line.rate.minimum_days > 0
    {
        return None;
    }
    let sum = |of: &[(Date, Amount)], by: Date| {
        of.iter().filter(|(date, _)| *date <= by).map(|(_, amount)| amount.minor()).sum::<i64>()
    };
    let ever = day(200_000);
    if sum(paid, ever) > sum(bought, ever) {
        return None;
    }
    let Some((first, _)) = bought.first() else { return Some(0) };
    let billed_on = statement(*first, line.billing);
    if bought.iter().any(|(date, _)| statement(*date, line.billing) != billed_on) {
        return None;
    }
    let due = billed(*first, line.billing, 1)[0];
    if sum(paid, due) == sum(bought, ever) {
        return Some(0);
    }
    let mut oldest_first = bought.to_vec();
    oldest_first.sort_by_key(|(date, _)| *date);
    let mut earned = Fraction::zero();
    for yesterday in oldest_first[0].0.days()..until.days() {
        let mut credit = sum(paid, day(yesterday));
        let mut bearing = 0;
        for (date, amount) in &oldest_first {
            let settled = credit.min(amount.minor());
            credit -= settled;
            let from = match line.interest_from {
                InterestFrom::Purchase => *date,
                InterestFrom::Statement => billed_on,
                InterestFrom::DayAfterDue => due,
            };
            if from.days() <= yesterday {
                bearing += amount.minor() - settled;
            }
        }
        let today = of_a_day(line, day(yesterday + 1)).times(&Fraction::new(bearing, 1));
        // The few denominators of days are brought together so that the sum of hundreds of them stays short.
        earned = if earned.under == today.under {
            Fraction { over: earned.over + today.over, under: today.under }
        } else {
            reduced(&earned.plus(&today))
        };
    }
    whole(&earned.rounded(line.rounding))
}

fn reduced(value: &Fraction) -> Fraction {
    let (mut one, mut other) = (value.over.clone(), value.under.clone());
    while other != BigInt::ZERO {
        (one, other) = (other.clone(), one % other);
    }
    Fraction { over: &value.over / &one, under: &value.under / &one }
}

#[test]
fn interest_of_statements_agrees_with_the_naive_one() {
    let (mut bearing, mut free, mut refused) = (0_u64, 0_u64, 0_u64);
    for case in 0..cases() {
        let mut draw = Draw::new(129 << 32 | case);
        let line = line(&mut draw);
        let start = day(draw.days(19_000, 21_500));
        let most = draw.one(&[3, 5_000, 100_000_000]);
        // Mostly of one statement: what is bought within a few days.
        let spread = draw.one(&[0, 5, 25]);
        let bought: Vec<(Date, Amount)> =
            (0..draw.between(0, 5)).map(|_| (day(start.days() + draw.days(0, spread)), draw.amount(0, most))).collect();
        let mut left = bought.iter().map(|(_, amount)| amount.minor()).sum::<i64>();
        let mut paid = Vec::new();
        for _ in 0..draw.between(0, 4) {
            // Now and then a cent too much, or all that is left.
            let money = if draw.chance(20) { left + draw.between(0, 1) } else { draw.between(0, left.max(0)) };
            left -= money;
            paid.push((day(start.days() + draw.days(0, 150)), amount(money.max(0))));
        }
        let until = day(start.days() + draw.days(0, 400));
        let made = line.interest(&bought, &paid, until).ok().map(Amount::minor);
        let expected = carried(&line, &bought, &paid, until);
        assert_eq!(made, expected, "case {case}: {line:?}\n{bought:?}\n{paid:?}\nuntil {until}");
        match made {
            Some(0) => free += 1,
            Some(_) => bearing += 1,
            None => refused += 1,
        }
        super::progress("statements", case + 1, cases());
    }
    println!("statements: {bearing} bear the naive interest, {free} none, {refused} are refused by both");
    assert!(bearing * 10 > cases() * 3 && free > 0 && refused > 0);
}

fn parts(draw: &mut Draw, most: i64) -> Parts {
    let mut one = || if draw.chance(30) { Amount::ZERO } else { draw.amount(0, most) };
    Parts { principal: one(), interest: one(), fee: one(), penalty: one() }
}

fn claim(debt: &Debt, bucket: Bucket) -> i64 {
    let of = match bucket.timing {
        Timing::PastDue => debt.past_due,
        Timing::Due => debt.due,
        Timing::InAdvance => debt.in_advance,
    };
    match bucket.part {
        Part::Penalty => of.penalty,
        Part::Fee => of.fee,
        Part::Interest => of.interest,
        Part::Principal => of.principal,
    }
    .minor()
}

/// So much over claims of one bucket: whole parts of the exact share, then unit by unit to the loan that lies furthest
/// below its own.
fn in_proportion(money: i64, claims: &[i64]) -> Vec<i64> {
    let all: i64 = claims.iter().sum();
    let ideal: Vec<Fraction> =
        claims.iter().map(|claim| Fraction::new(BigInt::from(money) * *claim, BigInt::from(all))).collect();
    let mut given: Vec<i64> = ideal.iter().map(|ideal| whole(&(&ideal.over / &ideal.under)).unwrap()).collect();
    for _ in given.iter().sum::<i64>()..money {
        let short = |place: usize| &ideal[place].over - &ideal[place].under * given[place];
        let most = (0..claims.len()).map(short).max().unwrap();
        let furthest = (0..claims.len()).find(|place| short(*place) == most).unwrap();
        given[furthest] += 1;
    }
    given
}

/// The claims in their order, each filled before the next.
fn split(money: i64, debts: &[Debt], order: &[Bucket], among: Among) -> (Vec<i64>, i64) {
    let mut shares = vec![0; debts.len()];
    let mut left = money;
    if among == Among::ProRata {
        for bucket in order {
            let claims: Vec<i64> = debts.iter().map(|debt| claim(debt, *bucket)).collect();
            let filled = left.min(claims.iter().sum());
            if filled > 0 {
                for (share, part) in shares.iter_mut().zip(in_proportion(filled, &claims)) {
                    *share += part;
                }
            }
            left -= filled;
        }
        return (shares, left);
    }
    let mut claims = Vec::new();
    for (outer, bucket) in order.iter().enumerate() {
        for (place, debt) in debts.iter().enumerate() {
            let rank = if among == Among::LoanByLoan { (place, outer) } else { (outer, place) };
            claims.push((rank, place, claim(debt, *bucket)));
        }
    }
    claims.sort_unstable();
    for (_, place, owed) in claims {
        let part = left.min(owed);
        shares[place] += part;
        left -= part;
    }
    (shares, left)
}

#[test]
fn transfers_are_split_as_the_naive_ones() {
    let (mut short, mut rest) = (0_u64, 0_u64);
    for case in 0..cases() {
        let mut draw = Draw::new(130 << 32 | case);
        let most = draw.one(&[2, 30, 100_000, 1_000_000_000_000]);
        let loans = if draw.chance(2) { 200 } else { draw.between(0, 8) };
        let debts: Vec<Debt> = (0..loans)
            .map(|_| Debt {
                past_due: parts(&mut draw, most),
                due: parts(&mut draw, most),
                in_advance: parts(&mut draw, most),
            })
            .collect();
        let rule = AllocationRule {
            order: if draw.chance(50) { order(&mut draw) } else { AllocationRule::default().order },
            ..AllocationRule::default()
        };
        let owed: i64 = debts.iter().flat_map(|debt| rule.order.iter().map(|bucket| claim(debt, *bucket))).sum();
        let money = draw.between(0, owed + owed / 8 + 3);
        let among = draw.one(&[Among::BucketByBucket, Among::LoanByLoan, Among::ProRata]);
        let (made, left) = split_transfer(amount(money), &debts, &rule, among).unwrap();
        let made: Vec<i64> = made.into_iter().map(Amount::minor).collect();
        let expected = split(money, &debts, &rule.order, among);
        assert_eq!((&made, left.minor()), (&expected.0, expected.1), "case {case}: {among:?} {money} over {debts:?}");
        assert_eq!(made.iter().sum::<i64>() + left.minor(), money);
        assert!(left.is_zero() || money > owed, "case {case}: money is left while something is owed");
        if left.is_zero() { short += 1 } else { rest += 1 }
    }
    println!("transfers: {short} split as the naive ones, {rest} more with something left over");
    assert!(short * 10 > cases() * 7 && rest > 0);
}
