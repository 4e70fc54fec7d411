//! Due dates found by walking a calendar, and the part of a rate that each period earns as a plain fraction.
//!
//! Nothing of the crate's calendar is used but the number of a day and its place in its month.

use num_bigint::BigInt;
use prequal_core::{
    calendar::{Adjust, Billing, BusinessDays, Cutoff, Date, DayCount, MonthEnd, Period, date::is_leap_year},
    credit::Terms,
    decimal::Decimal,
    rounding::Rounding,
};

/// A fraction that nobody reduces.
#[derive(Clone, Debug)]
pub(super) struct Fraction {
    pub over: BigInt,
    pub under: BigInt,
}

impl Fraction {
    pub(super) fn new(over: impl Into<BigInt>, under: impl Into<BigInt>) -> Self {
        Self { over: over.into(), under: under.into() }
    }

    pub(super) fn zero() -> Self {
        Self::new(0, 1)
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self { over: &self.over * &other.over, under: &self.under * &other.under }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self { over: &self.over * &other.under + &other.over * &self.under, under: &self.under * &other.under }
    }

    pub(super) fn max(self, other: Self) -> Self {
        if &self.over * &other.under < &other.over * &self.under { other } else { self }
    }

    /// Rounded to a whole number; a value below zero has no rounding in a contract.
    pub(super) fn rounded(&self, rounding: Rounding) -> BigInt {
        assert!(self.over >= BigInt::ZERO && self.under > BigInt::ZERO);
        let (whole, rest) = (&self.over / &self.under, &self.over % &self.under);
        let twice = &rest * 2;
        let up = match rounding {
            Rounding::Down => false,
            Rounding::Up => rest > BigInt::ZERO,
            Rounding::HalfUp => twice >= self.under,
            Rounding::HalfEven => twice > self.under || (twice == self.under && &whole % 2 == BigInt::from(1)),
        };
        whole + i32::from(up)
    }
}

pub(super) fn percent(value: Decimal) -> Fraction {
    Fraction::new(value.mantissa(), BigInt::from(value.denominator()) * 100)
}

/// The days from one due date to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub from: Date,
    pub due: Date,
    /// Months of a regular period, else 0.
    pub months: u16,
}

fn day(days: i32) -> Date {
    Date::from_days(days).unwrap()
}

fn last_of_month(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i32::from(is_leap_year(year)),
        _ => 31,
    }
}

/// A day of the month so many months after another, by the rule for days that the month lacks.
fn in_month(of: Date, months: i32, wanted: i32, rule: MonthEnd) -> Date {
    let (mut year, mut month) = (of.year(), i32::from(of.month()));
    for _ in 0..months {
        (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    }
    let last = last_of_month(year, month);
    let found = Date::from_ymd(year, month as u8, wanted.min(last) as u8).unwrap();
    if wanted > last && rule == MonthEnd::Roll { day(found.days() + 1) } else { found }
}

/// `count` dates from an anchor on, the anchor first.
fn series(anchor: Date, every: Period, rule: MonthEnd, count: usize) -> Vec<Date> {
    let stick = |kept: &mut i32, date: Date| {
        // Once a short month has moved the day, it stays there.
        if rule == MonthEnd::Stick {
            *kept = i32::from(date.day());
        }
        date
    };
    let first = i32::from(anchor.day());
    match every {
        Period::Days(step) => (0..count).map(|index| day(anchor.days() + index as i32 * i32::from(step))).collect(),
        Period::Months(step) => {
            let mut kept = first;
            (0..count)
                .map(|index| {
                    let date = in_month(anchor, index as i32 * i32::from(step), kept, rule);
                    stick(&mut kept, date)
                })
                .collect()
        }
        Period::Semimonthly => {
            let (mut even, mut odd) = (first, if first <= 15 { first + 15 } else { first - 15 });
            let next_month = i32::from(first > 15);
            (0..count as i32)
                .map(|index| {
                    if index % 2 == 0 {
                        let date = in_month(anchor, index / 2, even, rule);
                        stick(&mut even, date)
                    } else {
                        let date = in_month(anchor, index / 2 + next_month, odd, rule);
                        stick(&mut odd, date)
                    }
                })
                .collect()
        }
    }
}

fn is_day(date: Date, wanted: u8) -> bool {
    i32::from(date.day()) == i32::from(wanted).min(last_of_month(date.year(), i32::from(date.month())))
}

/// The statement on which a purchase comes: days are walked one by one until its day.
pub(super) fn statement(bought: Date, billing: Billing) -> Date {
    let mut found = bought.days() + i32::from(billing.cutoff == Cutoff::Next);
    while !is_day(day(found), billing.billing_day) {
        found += 1;
    }
    day(found)
}

/// The first due day after the statement, and those of the months after it.
pub(super) fn billed(start: Date, billing: Billing, count: usize) -> Vec<Date> {
    let mut due = statement(start, billing).days() + 1;
    while !is_day(day(due), billing.due_day) {
        due += 1;
    }
    (0..count).map(|index| in_month(day(due), index as i32, i32::from(billing.due_day), MonthEnd::Clamp)).collect()
}

fn moved(date: Date, rule: &BusinessDays) -> Date {
    let open = |date: Date| {
        let weekend = rule.weekend.contains(&date.weekday()) && !rule.working_days.contains(&date);
        !weekend && !rule.holidays.contains(&date)
    };
    let walk = |step: i32| {
        let mut found = date;
        while !open(found) {
            found = day(found.days() + step);
        }
        found
    };
    match rule.adjust {
        Adjust::None => date,
        Adjust::Following => walk(1),
        Adjust::Preceding => walk(-1),
        Adjust::ModifiedFollowing if walk(1).month() == date.month() => walk(1),
        Adjust::ModifiedFollowing => walk(-1),
    }
}

/// The periods of a contract; nothing where its due dates do not rise.
pub(super) fn spans(terms: &Terms) -> Option<Vec<Span>> {
    let repayment = &terms.repayment;
    let count = usize::from(repayment.count);
    let rule = repayment.month_end.unwrap_or_default();
    let mut months = 0;
    let mut first_is_regular = false;
    let unmoved = if let Some(listed) = &repayment.due_dates {
        listed.clone()
    } else if let Some(billing) = repayment.billing {
        months = 1;
        billed(terms.start, billing, count)
    } else {
        let every = repayment.every.unwrap();
        if let Period::Months(step) = every {
            months = step;
        }
        let from_start = series(terms.start, every, rule, count + 1);
        first_is_regular = repayment.first_due.is_none_or(|first| first == from_start[1]);
        match repayment.first_due {
            None => from_start[1..].to_vec(),
            Some(first) => series(first, every, rule, count),
        }
    };
    let mut spans = Vec::new();
    let mut from = terms.start;
    for (index, date) in unmoved.into_iter().enumerate() {
        let due = repayment.business_days.as_ref().map_or(date, |rule| moved(date, rule));
        if due < from || (due == from && index > 0) {
            return None;
        }
        let regular = index > 0 || first_is_regular;
        spans.push(Span { from, due, months: if regular { months } else { 0 } });
        from = due;
    }
    Some(spans)
}

pub(super) fn thirty_days(count: DayCount, from: Date, to: Date) -> i64 {
    let ((y1, m1, d1), (y2, m2, d2)) = (from.civil(), to.civil());
    let d1 = if d1 == 31 { 30 } else { i64::from(d1) };
    let european = count == DayCount::Thirty360European;
    let d2 = if d2 == 31 && (european || d1 == 30) { 30 } else { i64::from(d2) };
    let days = 360 * i64::from(y2 - y1) + 30 * (i64::from(m2) - i64::from(m1)) + d2 - d1;
    if from < to { days } else { 0 }
}

pub(super) fn is_thirty(count: DayCount) -> bool {
    matches!(count, DayCount::Thirty360 | DayCount::Thirty360European)
}

/// What a whole period is of a year, or for a daily rate of a day; at least the minimum days.
fn period_length(count: Option<DayCount>, daily: bool, minimum: i64, span: Span) -> Fraction {
    let thirty = count.filter(|count| is_thirty(*count)).map(|count| {
        if span.months > 0 { i64::from(span.months) * 30 } else { thirty_days(count, span.from, span.due) }
    });
    let days = || i64::from(span.due.days() - span.from.days());
    if daily {
        return Fraction::new(thirty.unwrap_or_else(days).max(minimum), 1);
    }
    let year = match count.unwrap() {
        DayCount::Thirty360 | DayCount::Thirty360European | DayCount::Actual360 => 360,
        DayCount::Actual364 => 364,
        DayCount::Actual365 | DayCount::ActualActual => 365,
    };
    let length = match (thirty, count) {
        (Some(days), _) => Fraction::new(days, 360),
        (None, Some(DayCount::ActualActual)) => {
            // Each day over the length of the calendar year in which it lies.
            let (mut common, mut leap) = (0_i64, 0_i64);
            for day_number in span.from.days() + 1..=span.due.days() {
                if is_leap_year(day(day_number).year()) { leap += 1 } else { common += 1 }
            }
            Fraction::new(common * 366 + leap * 365, 365 * 366)
        }
        (None, _) => Fraction::new(days(), year),
    };
    length.max(Fraction::new(minimum, year))
}

/// The rate of a period: what one minor unit earns in it.
pub(super) fn period_rate(terms: &Terms, span: Span) -> Fraction {
    let Some(rate) = terms.rate else { return Fraction::zero() };
    let bears_from = day(terms.start.days() + i32::from(terms.repayment.interest_free_days));
    let span = if span.from >= bears_from {
        span
    } else if span.due > bears_from {
        Span { from: bears_from, months: 0, ..span }
    } else {
        return Fraction::zero();
    };
    let length = period_length(rate.day_count, rate.daily, i64::from(rate.minimum_days), span);
    percent(rate.percent).times(&length)
}
