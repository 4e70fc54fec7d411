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
    let clock = Clock::new(start, dated);
    let unit = unit(&clock, dated, request)?;
    let (numerator, denominator) = clock.per_year(unit);
    let mut flows = Vec::with_capacity(dated.len());
    for flow in dated {
        let (whole, fraction) = clock.time(unit, flow.date)?;
        push(&mut flows, TimedFlow { whole, fraction, value: flow.value as f64 });
    }
    Ok(timed_of(flows, Growth::Simple, Annual::Nominal { numerator, denominator }))
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
    start: Date,
    /// The day of the month on which payments are scheduled, where it is one and late enough in the
    /// month for some months to lack it: (b)(3)(iv) measures such months from last day to last day.
    late_day: Option<u8>,
}

impl Clock {
    fn new(start: Date, dated: &[Dated]) -> Self {
        let dates = || dated.iter().filter(|flow| flow.value > 0).map(|flow| flow.date);
        let late_day = common_day(dates().chain([start])).or_else(|| common_day(dates()));
        Self { start, late_day }
    }

    /// Full months between two dates counted back from the later, and where they begin; (b)(5)(ii).
    fn months_back(&self, from: Date, to: Date) -> Result<(u32, Date), CreditError> {
        let ((y1, m1, _), (y2, m2, d2)) = (from.civil(), to.civil());
        let day = self.late_day.unwrap_or(d2);
        let mut months = (y2 - y1) * 12 + i32::from(m2) - i32::from(m1);
        let mut begin = if months == 0 { to } else { Date::in_month(y2, m2, day, -months, MonthEnd::Clamp)? };
        if begin < from {
            months -= 1;
            begin = if months == 0 { to } else { Date::in_month(y2, m2, day, -months, MonthEnd::Clamp)? };
        }
        Ok((u32::try_from(months).unwrap_or(0), begin))
    }

    /// The interval between two dates: whole months where it is so, else days.
    fn interval(&self, from: Date, to: Date) -> Result<Interval, CreditError> {
        let (months, begin) = self.months_back(from, to)?;
        if months > 0 && begin == from { Ok(Interval::Months(months)) } else { Ok(Interval::Days(days(from, to))) }
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
    fn time(&self, unit: Unit, date: Date) -> Result<(u32, f64), CreditError> {
        let divided = |days: u32, by: u32| (days / by, f64::from(days % by) / f64::from(by));
        match unit {
            Unit::Term { .. } => Ok((u32::from(date > self.start), 0.0)),
            Unit::Days(per_unit) => Ok(divided(days(self.start, date), u32::from(per_unit))),
            Unit::Months(1) => {
                let (months, begin) = self.months_back(self.start, date)?;
                Ok((months, f64::from(days(self.start, begin)) / 30.0))
            }
            Unit::Months(12) => self.years(date),
            Unit::Semimonth | Unit::Months(_) => {
                let per_unit = if let Unit::Months(months) = unit { u32::from(months) * 30 } else { 15 };
                let (months, begin) = self.months_back(self.start, date)?;
                Ok(divided(months * 30 + days(self.start, begin), per_unit))
            }
        }
    }

    /// (b)(5)(v): full years back from the later date; the rest in twelfths if whole months, else in days.
    fn years(&self, date: Date) -> Result<(u32, f64), CreditError> {
        let (months, begin) = self.months_back(self.start, date)?;
        let (years, rest) = (months / 12, months % 12);
        if begin == self.start {
            return Ok((years, f64::from(rest) / 12.0));
        }
        let (y, m, d) = date.civil();
        let day = self.late_day.unwrap_or(d);
        let back = i32::try_from(years * 12).unwrap_or(0);
        let first_year = if years == 0 { date } else { Date::in_month(y, m, day, -back, MonthEnd::Clamp)? };
        Ok((years, f64::from(days(self.start, first_year)) / 365.0))
    }
}

fn days(from: Date, to: Date) -> u32 {
    u32::try_from(days_between(from, to)).unwrap_or(0)
}

/// The day of the month that all dates share, a short month's last day standing for later ones.
fn common_day(dates: impl Iterator<Item = Date> + Clone) -> Option<u8> {
    let latest = dates.clone().map(Date::day).max().filter(|day| *day > 28)?;
    let shared = dates.map(Date::civil).all(|(year, month, day)| day == latest.min(days_in_month(year, month)));
    shared.then_some(latest)
}

/// The unit-period asked for, or that of (b)(4).
fn unit(clock: &Clock, dated: &[Dated], request: Request) -> Result<Unit, CreditError> {
    // What is paid on the day of the advance is a finance charge taken at once, not a payment in time.
    let mut payments = dated.iter().filter(|flow| flow.value > 0 && flow.date > clock.start);
    let mut advances = dated.iter().filter(|flow| flow.value < 0);
    let single = match (payments.next(), payments.next(), advances.next(), advances.next()) {
        (Some(payment), None, Some(_), None) => Some(payment.date),
        _ => None,
    };
    match (request.unit_period, single) {
        (Some(UnitPeriod::Period(period)), _) => asked(period),
        (_, Some(date)) => term(clock, date),
        (Some(UnitPeriod::Term), None) => {
            let why = "`term` is for one advance and one payment";
            Err(CreditError::NotApplicable { field: "unit_period", why })
        }
        (None, None) => found(clock, dated, request),
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
fn term(clock: &Clock, date: Date) -> Result<Unit, CreditError> {
    let (months, begin) = clock.months_back(clock.start, date)?;
    if months >= 12 {
        return Ok(Unit::Months(12));
    }
    let whole = if begin == clock.start { u16::try_from(months).unwrap_or(0) } else { 0 };
    Ok(Unit::Term { months: whole, days: days(clock.start, date).max(1) })
}

/// (b)(4)(i): the common period that occurs most often, else the average of all periods.
fn found(clock: &Clock, dated: &[Dated], request: Request) -> Result<Unit, CreditError> {
    let mut tally = Tally::default();
    for advances in [true, false] {
        let dates = dated.iter().filter(|flow| flow.value != 0 && (flow.value < 0) == advances).map(|flow| flow.date);
        let alternate = !advances && is_semimonthly(dates.clone(), request);
        let mut last = clock.start;
        let mut first = true;
        for date in dates {
            if date > last {
                // The period before the first payment counts too; it is half a month only by chance.
                let interval = if alternate && !first { Interval::Semimonth } else { clock.interval(last, date)? };
                tally.add(interval, days(last, date));
            }
            first = false;
            last = date;
        }
    }
    Ok(tally.unit())
}

/// Whether payments fall on the same two days of each month.
fn is_semimonthly(dates: impl Iterator<Item = Date> + Clone, request: Request) -> bool {
    if request.stepped {
        return request.semimonthly;
    }
    let a_month = |from: Date, to: Date| {
        from.add_months(1, MonthEnd::Clamp) == Ok(to) || to.add_months(-1, MonthEnd::Clamp) == Ok(from)
    };
    let mut pairs = dates.clone().zip(dates.clone().skip(2)).peekable();
    pairs.peek().is_some()
        && pairs.all(|(from, to)| a_month(from, to))
        && dates.clone().zip(dates.skip(1)).all(|(from, to)| (13..=18).contains(&days(from, to)))
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
