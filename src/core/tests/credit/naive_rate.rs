//! The rate equation with 256 binary digits behind the point, and the times of its flows found by walking the
//! calendar as each convention's text says it.

use num_bigint::{BigInt, Sign};
use prequal_core::{
    calendar::{Date, MonthEnd, Period},
    credit::{AprInput, Convention, UnitPeriod, When, YearBasis},
};

/// Binary digits behind the point.
const DIGITS: u32 = 256;
/// What this many digits cannot tell from zero is zero: a tie.
const DIGITS_TRUSTED: u32 = 190;

/// When a flow takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Time {
    /// A sum of fractions of a year, compounding.
    Years(Vec<(i64, i64)>),
    /// Whole unit-periods and a fraction of one, which earns simple interest.
    Units(i64, (i64, i64)),
}

/// A rate equation.
pub(super) struct Equation {
    /// In the order of time, advances negative.
    flows: Vec<(Time, i64)>,
    /// Unit-periods in a year, for the conventions of nominal rates.
    per_year: Option<(i64, i64)>,
    /// Changes of sign in the order of time.
    pub changes: usize,
}

fn day(days: i32) -> Date {
    Date::from_days(days).unwrap()
}

fn months_from(date: Date, months: i32) -> Date {
    date.add_months(months, MonthEnd::Clamp).unwrap()
}

fn last_of_month(date: Date) -> i32 {
    let mut last = date;
    while day(last.days() + 1).month() == date.month() {
        last = day(last.days() + 1);
    }
    i32::from(last.day())
}

/// Dated amounts, each series written out; payments positive.
fn written_out(input: &AprInput) -> Vec<(Date, i64)> {
    let mut flows = Vec::new();
    for (list, sign) in [(&input.advances, -1), (&input.payments, 1)] {
        for flow in list {
            let When::Date(first) = flow.when else { continue };
            for index in 0..flow.count {
                let date = flow.every.map_or(first, |every| every.nth(first, index, MonthEnd::Clamp).unwrap());
                flows.push((date, sign * flow.amount.minor()));
            }
        }
    }
    flows.sort_by_key(|(date, _)| *date);
    flows
}

/// Whole calendar months forward from the start, and the odd days after them.
fn months_forward(start: Date, date: Date) -> (i64, i64) {
    let mut months = 0;
    while months_from(start, months + 1) <= date {
        months += 1;
    }
    (i64::from(months), i64::from(date.days() - months_from(start, months).days()))
}

/// Whole months between two dates, counted from either end.
fn whole_months(start: Date, date: Date) -> Option<i64> {
    let most = (date.days() - start.days()) / 28 + 1;
    let least = (date.days() - start.days()) / 32;
    (least.max(0)..=most)
        .find(|months| months_from(start, *months) == date || months_from(date, -months) == start)
        .map(i64::from)
}

/// Days from the start, over the year that ends where they do.
fn odd_days(start: Date, reached: Date) -> (i64, i64) {
    let year = reached.days() - months_from(reached, -12).days();
    (i64::from(reached.days() - start.days()), i64::from(year))
}

/// The European annex: in which periods the flows are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Weeks,
    Months,
    Years,
    Any,
}

fn european_measure(input: &AprInput, start: Date, flows: &[(Date, i64)]) -> Measure {
    // Of several series the longest speaks, of equally long ones the last.
    let longest = input.payments.iter().filter(|flow| flow.count > 1).max_by_key(|flow| flow.count);
    match longest.and_then(|flow| flow.every) {
        Some(Period::Months(months)) => return if months % 12 == 0 { Measure::Years } else { Measure::Months },
        Some(Period::Semimonthly) => return Measure::Months,
        Some(Period::Days(days)) => return if days % 7 == 0 { Measure::Weeks } else { Measure::Any },
        None => {}
    }
    let mut dates: Vec<Date> =
        flows.iter().filter(|(date, value)| *value > 0 && *date > start).map(|(date, _)| *date).collect();
    dates.dedup();
    let gaps = || dates.windows(2).map(|pair| (pair[0], pair[1]));
    if dates.len() < 2 {
        Measure::Any
    } else if gaps().all(|(one, next)| (next.days() - one.days()) % 7 == 0) {
        Measure::Weeks
    } else if gaps().all(|(one, next)| whole_months(one, next).is_some()) {
        Measure::Months
    } else {
        Measure::Any
    }
}

fn european_time(measure: Measure, start: Date, date: Date) -> Vec<(i64, i64)> {
    let days = date.days() - start.days();
    let whole = whole_months(start, date);
    let measure = match measure {
        Measure::Any if whole.is_none() && days % 7 == 0 => Measure::Weeks,
        Measure::Any => Measure::Months,
        measure => measure,
    };
    if measure == Measure::Weeks {
        let rest = days % 7;
        let weeks = (i64::from(days / 7), 52);
        return if rest == 0 { vec![weeks] } else { vec![weeks, odd_days(start, day(start.days() + rest))] };
    }
    if let Some(months) = whole {
        return vec![(months, 12)];
    }
    let step = if measure == Measure::Years { 12 } else { 1 };
    let mut back = 0;
    while months_from(date, -(back + step)) >= start {
        back += step;
    }
    vec![(i64::from(back), 12), odd_days(start, months_from(date, -back))]
}

/// Regulation Z's calendar, from the beginning of the term.
struct Clock {
    start: Date,
    late_day: Option<i32>,
}

impl Clock {
    fn new(start: Date, flows: &[(Date, i64)]) -> Self {
        let payments: Vec<Date> = flows.iter().filter(|(_, value)| *value > 0).map(|(date, _)| *date).collect();
        let common = |dates: &[Date]| {
            let latest = dates.iter().map(|date| i32::from(date.day())).max().filter(|latest| *latest > 28)?;
            dates.iter().all(|date| i32::from(date.day()) == latest.min(last_of_month(*date))).then_some(latest)
        };
        let with_start = [payments.as_slice(), &[start]].concat();
        Self { start, late_day: common(&with_start).or_else(|| common(&payments)) }
    }

    /// A date so many months before another, on its day of the month or on the late day of the series.
    fn back(&self, date: Date, months: i32) -> Date {
        let first = months_from(day(date.days() - i32::from(date.day()) + 1), -months);
        let wanted = self.late_day.unwrap_or_else(|| i32::from(date.day()));
        day(first.days() + wanted.min(last_of_month(first)) - 1)
    }

    /// Full months counted back from the later date, and the days before them; (b)(5)(ii).
    fn months(&self, from: Date, to: Date) -> (i64, i64) {
        let mut months = 0;
        while self.back(to, months + 1) >= from {
            months += 1;
        }
        let begin = if months == 0 { to } else { self.back(to, months) };
        (i64::from(months), i64::from(begin.days() - from.days()))
    }

    fn time(&self, unit: Unit, date: Date) -> (i64, (i64, i64)) {
        let days = i64::from(date.days() - self.start.days());
        let (months, odd) = self.months(self.start, date);
        let over = |days: i64, by: i64| (days / by, (days % by, by));
        match unit {
            Unit::Term(..) => (i64::from(days > 0), (0, 1)),
            Unit::Days(by) => over(days, by),
            Unit::Months(1) => (months, (odd, 30)),
            Unit::Months(12) => {
                let years = months / 12;
                if odd == 0 {
                    return (years, (months % 12, 12));
                }
                let reached = if years == 0 { date } else { self.back(date, years as i32 * 12) };
                (years, (i64::from(reached.days() - self.start.days()), 365))
            }
            Unit::Semimonth => over(months * 30 + odd, 15),
            Unit::Months(by) => over(months * 30 + odd, by * 30),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Days(i64),
    Semimonth,
    Months(i64),
    /// Whole months, or none and days.
    Term(i64, i64),
}

impl Unit {
    /// In 24ths of a day of a year of 365.
    fn length(self) -> i64 {
        match self {
            Self::Days(days) => days * 24,
            Self::Semimonth => 365,
            Self::Months(months) | Self::Term(months, _) => months * 730,
        }
    }

    fn per_year(self) -> (i64, i64) {
        match self {
            Self::Days(days) if days % 7 == 0 => (52, days / 7),
            Self::Days(days) | Self::Term(0, days) => (365, days),
            Self::Semimonth => (24, 1),
            Self::Months(months) | Self::Term(months, _) => (12, months),
        }
    }
}

fn asked(period: Period) -> Unit {
    match period {
        Period::Semimonthly => Unit::Semimonth,
        Period::Months(months) => Unit::Months(i64::from(months)),
        Period::Days(days) => Unit::Days(i64::from(days)),
    }
}

/// Payments on the same two days of each month.
fn is_semimonthly(input: &AprInput, dates: &[Date]) -> bool {
    let longest = input.payments.iter().filter(|flow| flow.count > 1).max_by_key(|flow| flow.count);
    if let Some(every) = longest.and_then(|flow| flow.every) {
        return every == Period::Semimonthly;
    }
    let month = |one: Date, other: Date| months_from(one, 1) == other || months_from(other, -1) == one;
    dates.len() > 2
        && dates.windows(2).all(|pair| (13..=18).contains(&(pair[1].days() - pair[0].days())))
        && dates.windows(3).all(|three| month(three[0], three[2]))
}

/// (b)(4): the unit-period of a transaction.
fn unit_period(input: &AprInput, clock: &Clock, flows: &[(Date, i64)]) -> Option<Unit> {
    if let Some(UnitPeriod::Period(period)) = input.unit_period {
        return Some(asked(period));
    }
    let advances: Vec<Date> = flows.iter().filter(|(_, value)| *value < 0).map(|(date, _)| *date).collect();
    let payments: Vec<Date> = flows.iter().filter(|(_, value)| *value > 0).map(|(date, _)| *date).collect();
    let in_time: Vec<Date> = payments.iter().copied().filter(|date| *date > clock.start).collect();
    if let ([payment], [_]) = (in_time.as_slice(), advances.as_slice()) {
        let (months, odd) = clock.months(clock.start, *payment);
        let days = i64::from(payment.days() - clock.start.days());
        return Some(match (months, odd) {
            (12.., _) => Unit::Months(12),
            (months, 0) => Unit::Term(months, days),
            _ => Unit::Term(0, days),
        });
    }
    if input.unit_period.is_some() {
        return None;
    }
    let mut periods: Vec<(Unit, i64)> = Vec::new();
    for (dates, paid) in [(&advances, false), (&payments, true)] {
        let alternate = paid && is_semimonthly(input, dates);
        let mut last = clock.start;
        for (index, date) in dates.iter().enumerate() {
            let days = i64::from(date.days() - last.days());
            if days > 0 {
                let unit = match clock.months(last, *date) {
                    _ if alternate && index > 0 => Unit::Semimonth,
                    (months @ 1.., 0) => Unit::Months(months),
                    _ => Unit::Days(days),
                };
                periods.push((unit, days));
            }
            last = *date;
        }
    }
    let times = |unit: Unit| periods.iter().filter(|(other, _)| *other == unit).count();
    let common: Vec<Unit> = periods.iter().map(|(unit, _)| *unit).filter(|unit| times(*unit) > 1).collect();
    let short = common.iter().copied().filter(|unit| unit.length() <= 365 * 24);
    if let Some(most) = short.max_by_key(|unit| (times(*unit), -unit.length())) {
        return Some(most);
    }
    if !common.is_empty() {
        return Some(Unit::Months(12));
    }
    // No common period: the average, to the nearest standard interval, the lower of two equally near.
    let total: i64 = periods.iter().map(|(_, days)| days * 24).sum();
    let standard = (1..=52).map(|weeks| Unit::Days(weeks * 7)).chain((1..=12).map(Unit::Months));
    let standard = standard.chain([Unit::Days(1), Unit::Semimonth]);
    let count = periods.len().max(1) as i64;
    standard.min_by_key(|unit| ((unit.length() * count - total).abs(), unit.length()))
}

impl Equation {
    /// The equation of an input; nothing where the unit-period asked for does not fit.
    pub(super) fn new(input: &AprInput) -> Option<Self> {
        let mut years = Vec::new();
        for (list, sign) in [(&input.advances, -1), (&input.payments, 1)] {
            for flow in list {
                if let When::Years { numerator, denominator } = flow.when {
                    let time = Time::Years(vec![(i64::from(numerator), i64::from(denominator))]);
                    years.push((time, sign * flow.amount.minor()));
                }
            }
        }
        if !years.is_empty() {
            let place = |time: &Time| match time {
                Time::Years(parts) => parts.iter().map(|(over, under)| *over as f64 / *under as f64).sum::<f64>(),
                Time::Units(..) => 0.0,
            };
            years.sort_by(|one, other| place(&one.0).total_cmp(&place(&other.0)));
            return Some(Self::of(years, None));
        }
        let flows = written_out(input);
        let start = flows.iter().filter(|(_, value)| *value <= 0).map(|(date, _)| *date).min()?;
        if input.convention == Convention::UsRegZ {
            let clock = Clock::new(start, &flows);
            let unit = unit_period(input, &clock, &flows)?;
            let timed = flows.iter().map(|(date, value)| {
                let (whole, fraction) = clock.time(unit, *date);
                (Time::Units(whole, fraction), *value)
            });
            return Some(Self::of(timed.collect(), Some(unit.per_year())));
        }
        let measure = european_measure(input, start, &flows);
        let timed = flows.iter().map(|(date, value)| {
            let days = i64::from(date.days() - start.days());
            let forward = || {
                let (months, odd) = months_forward(start, *date);
                vec![(months, 12), (odd, 365)]
            };
            let time = match (input.convention, input.year_basis) {
                (Convention::CnIrr, _) | (_, Some(YearBasis::Months)) => forward(),
                (_, Some(YearBasis::Weeks)) => vec![(days, 364)],
                (_, Some(YearBasis::Actual36525)) => vec![(4 * days, 1461)],
                (Convention::EuAprc, None) => european_time(measure, start, *date),
                _ => vec![(days, 365)],
            };
            (Time::Years(time), *value)
        });
        let per_year = (input.convention == Convention::CnIrr).then_some((12, 1));
        Some(Self::of(timed.collect(), per_year))
    }

    fn of(flows: Vec<(Time, i64)>, per_year: Option<(i64, i64)>) -> Self {
        // Flows at one time are one flow.
        let mut net: Vec<(Time, i64)> = Vec::new();
        for (time, value) in flows {
            match net.last_mut() {
                Some((last, sum)) if *last == time => *sum += value,
                _ => net.push((time, value)),
            }
        }
        let signs: Vec<i64> = net.iter().map(|(_, value)| value.signum()).filter(|sign| *sign != 0).collect();
        let changes = signs.windows(2).filter(|pair| pair[0] != pair[1]).count();
        Self { flows: net, per_year, changes }
    }

    /// The sign of the last flow: with one change of sign the value falls from it as the rate rises.
    pub(super) fn last_sign(&self) -> i64 {
        self.flows.iter().rev().map(|(_, value)| value.signum()).find(|sign| *sign != 0).unwrap_or(0)
    }

    /// The sign of the present value at a yearly rate of `over / under`, above −1.
    pub(super) fn sign(&self, over: &BigInt, under: &BigInt) -> i64 {
        let rate = (over << DIGITS) / under;
        let one = BigInt::from(1) << DIGITS;
        let mut roots: Vec<(i64, BigInt)> = Vec::new();
        let unit_rate = self.per_year.map(|(numerator, denominator)| &rate * denominator / numerator);
        let growth = match (&unit_rate, self.per_year) {
            // A nominal rate of months compounds over twelve of them.
            (Some(unit), Some((12, 1))) if self.compounds() => power(&(&one + unit), 12),
            (Some(unit), _) => &one + unit,
            (None, _) => &one + &rate,
        };
        let (mut sum, mut size) = (BigInt::ZERO, BigInt::ZERO);
        let discount = divided(&one, &growth);
        let (mut reached, mut at) = (0, one.clone());
        for (time, value) in &self.flows {
            let factor = match time {
                Time::Units(whole, (part, of)) => {
                    at = times(&at, &power(&discount, whole - reached));
                    reached = *whole;
                    let simple = &one + unit_rate.as_ref().unwrap_or(&rate) * *part / *of;
                    divided(&at, &simple)
                }
                Time::Years(parts) => parts.iter().fold(one.clone(), |product, (part, of)| {
                    let place = roots.iter().position(|(known, _)| known == of).unwrap_or_else(|| {
                        roots.push((*of, divided(&one, &root(&growth, *of))));
                        roots.len() - 1
                    });
                    times(&product, &power(&roots[place].1, *part))
                }),
            };
            let term = factor * *value;
            size += BigInt::from(term.magnitude().clone());
            sum += term;
        }
        if BigInt::from(sum.magnitude().clone()) << DIGITS_TRUSTED <= size {
            return 0;
        }
        if sum.sign() == Sign::Minus { -1 } else { 1 }
    }

    fn compounds(&self) -> bool {
        self.flows.iter().any(|(time, _)| matches!(time, Time::Years(_)))
    }
}

fn times(one: &BigInt, other: &BigInt) -> BigInt {
    (one * other) >> DIGITS
}

fn divided(one: &BigInt, by: &BigInt) -> BigInt {
    (one << DIGITS) / by
}

fn power(base: &BigInt, exponent: i64) -> BigInt {
    let mut product = BigInt::from(1) << DIGITS;
    let (mut square, mut rest) = (base.clone(), exponent);
    while rest > 0 {
        if rest % 2 == 1 {
            product = times(&product, &square);
        }
        rest /= 2;
        if rest > 0 {
            square = times(&square, &square);
        }
    }
    product
}

/// The n-th root by Newton's method from a double: 50, 100, 200, 400 right digits.
fn root(of: &BigInt, n: i64) -> BigInt {
    if n == 1 {
        return of.clone();
    }
    // 2^-60 of the smallest growth is still far more digits than a double's own error.
    let double = (of >> (DIGITS - 120)).to_string().parse::<f64>().unwrap() / 2.0_f64.powi(120);
    let guess = double.powf(1.0 / n as f64);
    let mut root = BigInt::from((guess * 2.0_f64.powi(60)) as u128) << (DIGITS - 60);
    for _ in 0..4 {
        let below = power(&root, n - 1);
        root -= divided(&(times(&below, &root) - of), &(below * n));
    }
    root
}
