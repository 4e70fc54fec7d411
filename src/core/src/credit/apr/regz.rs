//! Regulation Z, Appendix J (12 CFR 1026): unit-periods and the time between two dates in them.
//!
//! Paragraph numbers in comments are those of the appendix.

use super::{
    Annual, Timed,
    flows::{Dated, Request, UnitPeriod, push, timed_of},
    solve::{Growth, TimedFlow},
};
use crate::{
    calendar::{Date, MonthEnd, Period, date::days_in_month, days_between},
    credit::CreditError,
};

/// Times of dated flows, which are in the order of time.
pub(super) fn timed(start: Date, dated: &[Dated], request: Request) -> Result<Timed, CreditError> {
    let points: Vec<Point> = dated.iter().map(Point::new).collect();
    let clock = Clock::new(start, &points);
    let unit = unit(&clock, &points, request)?;
    let (numerator, denominator) = clock.per_year(unit);
    let mut flows = Vec::with_capacity(dated.len());
    for point in &points {
        let (whole, fraction) = clock.time(unit, point)?;
        push(&mut flows, TimedFlow { whole, fraction, value: point.value as f64 });
    }
    Ok(timed_of(flows, Growth::Simple, Annual::Nominal { numerator, denominator }))
}

/// A dated flow with its place in the calendar, worked out once.
#[derive(Clone, Copy, Debug)]
struct Point {
    date: Date,
    value: i64,
    year: i32,
    month: u8,
    day: u8,
}

impl Point {
    fn new(flow: &Dated) -> Self {
        let (year, month, day) = flow.date.civil();
        Self { date: flow.date, value: flow.value, year, month, day }
    }

    const fn months(&self) -> i32 {
        self.year * 12 + self.month as i32
    }

    const fn days_in_month(&self) -> u8 {
        days_in_month(self.year, self.month)
    }

    const fn days_in_next_month(&self) -> u8 {
        if self.month == 12 { 31 } else { days_in_month(self.year, self.month + 1) }
    }

    const fn is_payment(&self) -> bool {
        self.value > 0
    }
}

/// A unit-period, settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Days(u16),
    Semimonth,
    Months(u16),
    /// The term of one advance and one payment, less than a year.
    Term {
        months: u16,
        days: u32,
    },
}

/// An interval between two dates, as (b)(3) classifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interval {
    Days(u32),
    Semimonth,
    Months(u32),
}

impl Interval {
    /// Length in 24ths of a day, with months of 365/12 days: only for comparing.
    const fn length(self) -> u64 {
        match self {
            Self::Days(days) => days as u64 * 24,
            Self::Semimonth => 365,
            Self::Months(months) => months as u64 * 730,
        }
    }
}

const YEAR_LENGTH: u64 = 365 * 24;

/// Measures from the beginning of the term, (b)(2).
struct Clock {
    start: Point,
    /// The day of the month on which payments are scheduled, where it is one and late enough in the
    /// month for some months to lack it: (b)(3)(iv) measures such months from last day to last day.
    late_day: Option<u8>,
}

impl Clock {
    fn new(start: Date, points: &[Point]) -> Self {
        let start = Point::new(&Dated { date: start, value: 0 });
        let payments = || points.iter().filter(|point| point.is_payment());
        let late_day = common_day(payments().chain([&start])).or_else(|| common_day(payments()));
        Self { start, late_day }
    }

    /// Full months between two dates counted back from the later, and the days before them; (b)(5)(ii).
    fn months_back(&self, from: &Point, to: &Point) -> (u32, u32) {
        let all_days = days(from.date, to.date);
        let months = to.months() - from.months();
        if months <= 0 {
            return (0, all_days);
        }
        // The first full month begins in the month of the earlier date, or where that would be too
        // early, in the next.
        let day = self.late_day.unwrap_or(to.day);
        let begin = day.min(from.days_in_month());
        if begin >= from.day {
            return (months.unsigned_abs(), u32::from(begin - from.day));
        }
        if months == 1 {
            return (0, all_days);
        }
        let begin = day.min(from.days_in_next_month());
        (months.unsigned_abs() - 1, u32::from(from.days_in_month() - from.day + begin))
    }

    /// The interval between two dates: whole months where it is so, else days.
    fn interval(&self, from: &Point, to: &Point) -> Interval {
        match self.months_back(from, to) {
            (months @ 1.., 0) => Interval::Months(months),
            _ => Interval::Days(days(from.date, to.date)),
        }
    }

    /// Unit-periods in a year; (b)(5).
    fn per_year(&self, unit: Unit) -> (f64, f64) {
        match unit {
            Unit::Days(days) if days % 7 == 0 => (52.0, f64::from(days / 7)),
            Unit::Days(days) => (365.0, f64::from(days)),
            Unit::Semimonth => (24.0, 1.0),
            Unit::Months(months) => (12.0, f64::from(months)),
            // (b)(5)(vi) allows months or days for a whole number of months; months give even terms even rates.
            Unit::Term { months, .. } if months > 0 => (12.0, f64::from(months)),
            Unit::Term { days, .. } => (365.0, f64::from(days)),
        }
    }

    /// Full unit-periods and the fraction of one from the beginning of the term to a date; (b)(5).
    fn time(&self, unit: Unit, point: &Point) -> Result<(u32, f64), CreditError> {
        let divided = |days: u32, by: u32| {
            let (whole, rest) = (days / by, days % by);
            (whole, if rest == 0 { 0.0 } else { f64::from(rest) / f64::from(by) })
        };
        Ok(match unit {
            Unit::Term { .. } => (u32::from(point.date > self.start.date), 0.0),
            Unit::Days(per_unit) => divided(days(self.start.date, point.date), u32::from(per_unit)),
            Unit::Months(1) => {
                let (months, odd) = self.months_back(&self.start, point);
                (months, if odd == 0 { 0.0 } else { f64::from(odd) / 30.0 })
            }
            Unit::Months(12) => self.years(point)?,
            Unit::Semimonth | Unit::Months(_) => {
                let per_unit = if let Unit::Months(months) = unit { u32::from(months) * 30 } else { 15 };
                let (months, odd) = self.months_back(&self.start, point);
                divided(months * 30 + odd, per_unit)
            }
        })
    }

    /// (b)(5)(v): full years back from the later date; the rest in twelfths if whole months, else in days.
    fn years(&self, point: &Point) -> Result<(u32, f64), CreditError> {
        let (months, odd) = self.months_back(&self.start, point);
        let (years, rest) = (months / 12, months % 12);
        if odd == 0 {
            return Ok((years, f64::from(rest) / 12.0));
        }
        let day = self.late_day.unwrap_or(point.day);
        let back = i32::try_from(years * 12).unwrap_or(0);
        let first_year =
            if years == 0 { point.date } else { Date::in_month(point.year, point.month, day, -back, MonthEnd::Clamp)? };
        Ok((years, f64::from(days(self.start.date, first_year)) / 365.0))
    }
}

fn days(from: Date, to: Date) -> u32 {
    u32::try_from(days_between(from, to)).unwrap_or(0)
}

/// The day of the month that all dates share, a short month's last day standing for later ones.
fn common_day<'a>(points: impl Iterator<Item = &'a Point> + Clone) -> Option<u8> {
    let latest = points.clone().map(|point| point.day).max().filter(|day| *day > 28)?;
    let mut points = points;
    points.all(|point| point.day == latest.min(point.days_in_month())).then_some(latest)
}

/// The unit-period asked for, or that of (b)(4).
fn unit(clock: &Clock, points: &[Point], request: Request) -> Result<Unit, CreditError> {
    // What is paid on the day of the advance is a finance charge taken at once, not a payment in time.
    let mut payments = points.iter().filter(|point| point.is_payment() && point.date > clock.start.date);
    let mut advances = points.iter().filter(|point| point.value < 0);
    let single = match (payments.next(), payments.next(), advances.next(), advances.next()) {
        (Some(payment), None, Some(_), None) => Some(payment),
        _ => None,
    };
    match (request.unit_period, single) {
        (Some(UnitPeriod::Period(period)), _) => asked(period),
        (_, Some(payment)) => Ok(term(clock, payment)),
        (Some(UnitPeriod::Term), None) => {
            let why = "`term` is for one advance and one payment";
            Err(CreditError::NotApplicable { field: "unit_period", why })
        }
        (None, None) => Ok(found(clock, points, request)),
    }
}

fn asked(period: Period) -> Result<Unit, CreditError> {
    match period {
        Period::Semimonthly => Ok(Unit::Semimonth),
        Period::Months(months @ 1..=12) => Ok(Unit::Months(months)),
        Period::Days(days @ 1..=366) => Ok(Unit::Days(days)),
        _ => Err(CreditError::NotApplicable { field: "unit_period", why: "a unit-period is at most one year" }),
    }
}

/// (b)(4)(ii): the term of one advance and one payment, but not more than a year.
fn term(clock: &Clock, payment: &Point) -> Unit {
    let (months, odd) = clock.months_back(&clock.start, payment);
    if months >= 12 {
        return Unit::Months(12);
    }
    let whole = if odd == 0 { u16::try_from(months).unwrap_or(0) } else { 0 };
    Unit::Term { months: whole, days: days(clock.start.date, payment.date).max(1) }
}

/// (b)(4)(i): the common period that occurs most often, else the average of all periods.
fn found(clock: &Clock, points: &[Point], request: Request) -> Unit {
    let mut tally = Tally::default();
    for advances in [true, false] {
        let points = points.iter().filter(|point| point.value != 0 && point.is_payment() != advances);
        let alternate = !advances && is_semimonthly(points.clone(), request);
        let mut last = &clock.start;
        let mut first = true;
        for point in points {
            if point.date > last.date {
                // The period before the first payment counts too; it is half a month only by chance.
                let interval = if alternate && !first { Interval::Semimonth } else { clock.interval(last, point) };
                tally.add(interval, days(last.date, point.date));
            }
            first = false;
            last = point;
        }
    }
    tally.unit()
}

/// Whether payments fall on the same two days of each month.
fn is_semimonthly<'a>(points: impl Iterator<Item = &'a Point> + Clone, request: Request) -> bool {
    if let Some(every) = request.every {
        return every == Period::Semimonthly;
    }
    let a_month = |from: Date, to: Date| {
        from.add_months(1, MonthEnd::Clamp) == Ok(to) || to.add_months(-1, MonthEnd::Clamp) == Ok(from)
    };
    // Three payments at least, each pair of neighbours about half a month apart.
    points.clone().nth(2).is_some()
        && points.clone().zip(points.clone().skip(1)).all(|(one, next)| (13..=18).contains(&days(one.date, next.date)))
        && points.clone().zip(points.skip(2)).all(|(one, other)| a_month(one.date, other.date))
}

/// How often each interval occurs.
#[derive(Default)]
struct Tally {
    counts: Vec<(Interval, u32)>,
    days: u64,
    periods: u64,
}

impl Tally {
    fn add(&mut self, interval: Interval, days: u32) {
        self.days += u64::from(days);
        self.periods += 1;
        match self.counts.iter_mut().find(|(known, _)| *known == interval) {
            Some((_, count)) => *count += 1,
            None => self.counts.push((interval, 1)),
        }
    }

    fn unit(&self) -> Unit {
        let common = || self.counts.iter().filter(|(_, count)| *count > 1);
        let most = common().filter(|(interval, _)| interval.length() <= YEAR_LENGTH).max_by(
            |(one, times), (other, other_times)| times.cmp(other_times).then(other.length().cmp(&one.length())),
        );
        match most {
            Some((Interval::Semimonth, _)) => Unit::Semimonth,
            Some((Interval::Months(months), _)) => Unit::Months(u16::try_from(*months).unwrap_or(12)),
            Some((Interval::Days(days), _)) => Unit::Days(u16::try_from(*days).unwrap_or(366)),
            // Periods longer than a year are measured in years.
            None if common().next().is_some() => Unit::Months(12),
            None => self.average(),
        }
    }

    /// (b)(4)(i)(B): the average period, to the nearest standard interval, the lower of two equally near.
    fn average(&self) -> Unit {
        let periods = self.periods.max(1);
        let target = self.days * 24;
        let weeks = (1..=52).map(|weeks| (Interval::Days(weeks * 7), Unit::Days(weeks as u16 * 7)));
        let months = (1..=12).map(|months| (Interval::Months(months), Unit::Months(months as u16)));
        [(Interval::Days(1), Unit::Days(1)), (Interval::Semimonth, Unit::Semimonth)]
            .into_iter()
            .chain(weeks)
            .chain(months)
            .min_by_key(|(interval, _)| ((interval.length() * periods).abs_diff(target), interval.length()))
            .map_or(Unit::Months(1), |(_, unit)| unit)
    }
}

#[cfg(test)]
mod tests;
