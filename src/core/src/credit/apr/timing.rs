//! Times by the conventions that compound: Europe, the United Kingdom, China, IFRS.

use crate::order::sort_short;
use core::cmp::Ordering;

use super::{
    Annual, Convention, Timed,
    flows::{AprInput, Dated, Flow, Request, When, YearBasis, push, timed_of},
    solve::{Growth, TimedFlow},
};
use crate::{
    calendar::{Date, MonthEnd, Period, date::days_in_month, days_between},
    credit::CreditError,
};

/// A time in units: whole ones, `part / of` of another, and what has another denominator.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Time {
    whole: u32,
    part: u32,
    of: u32,
    more: f64,
}

impl Time {
    const fn whole(units: u32) -> Self {
        Self { whole: units, part: 0, of: 1, more: 0.0 }
    }

    /// `numerator / denominator` units.
    const fn fraction(numerator: u32, denominator: u32) -> Self {
        Self { whole: numerator / denominator, part: numerator % denominator, of: denominator, more: 0.0 }
    }

    const fn plus(self, whole: u32) -> Self {
        Self { whole: self.whole + whole, ..self }
    }

    /// The part of a unit; in doubles.
    fn in_units(self) -> f64 {
        if self.part == 0 { self.more } else { f64::from(self.part) / f64::from(self.of) + self.more }
    }

    fn flow(self, value: i64) -> TimedFlow {
        TimedFlow { whole: self.whole, fraction: self.in_units(), value: value as f64 }
    }
}

/// Measures from the first advance to a date.
type Measure = fn(Date, Date) -> Result<Time, CreditError>;

const MONTHS: Annual = Annual::Effective { units: 12.0 };

/// Times of dated flows, which are in the order of time.
pub(super) fn by_dates(
    convention: Convention,
    start: Date,
    dated: &[Dated],
    request: Request,
) -> Result<Timed, CreditError> {
    let european = matches!(convention, Convention::EuAprc | Convention::Uk);
    let (annual, time): (Annual, Measure) = match (convention, request.year_basis) {
        (Convention::CnIrr, _) => (Annual::Nominal { numerator: 12.0, denominator: 1.0 }, forward_months),
        (_, Some(YearBasis::Months)) if european => (MONTHS, forward_months),
        (_, Some(YearBasis::Weeks)) if european => (Annual::Effective { units: 364.0 }, actual_days),
        (_, Some(YearBasis::Actual36525)) if european => (Annual::Effective { units: 365.25 }, actual_days),
        (Convention::EuAprc, None) => (MONTHS, measure(start, dated, request.every)?),
        _ => (Annual::Effective { units: 365.0 }, actual_days),
    };
    let mut flows = Vec::with_capacity(dated.len());
    for flow in dated {
        push(&mut flows, time(start, flow.date)?.flow(flow.value));
    }
    // Whole weeks are a little shorter than the days they stand for, so that order may change by a hair.
    if flows.windows(2).any(|pair| matches!(pair, [one, other] if order(one, other) != Ordering::Less)) {
        flows = in_order(flows);
    }
    Ok(timed_of(flows, Growth::Compound, annual))
}

/// Times of flows given in years.
pub(super) fn by_years(input: &AprInput) -> Result<Timed, CreditError> {
    if !matches!(input.convention, Convention::EuAprc | Convention::Uk | Convention::IfrsEir) {
        let why = "only `eu_aprc`, `uk` and `ifrs_eir` count time in years";
        return Err(CreditError::NotApplicable { field: "years", why });
    }
    if input.year_basis.is_some() {
        return Err(CreditError::Conflict("years", "year_basis"));
    }
    let mut flows = Vec::new();
    for (list, sign) in [(&input.advances, -1), (&input.payments, 1)] {
        for Flow { when, amount, .. } in list {
            let When::Years { numerator, denominator } = *when else {
                return Err(CreditError::Conflict("date", "years"));
            };
            flows.push((Time::fraction(numerator, denominator).flow(sign * amount.minor()), sign));
        }
    }
    // Time starts with the first advance, whatever it is called.
    let first = flows.iter().filter(|(_, sign)| *sign < 0).map(|(flow, _)| *flow).min_by(order);
    if first.is_none_or(|first| first.whole > 0 || first.fraction > 0.0) {
        let why = "the first advance must be at \"0\"";
        return Err(CreditError::NotApplicable { field: "years", why });
    }
    let flows = in_order(flows.into_iter().map(|(flow, _)| flow).collect());
    Ok(timed_of(flows, Growth::Compound, Annual::Effective { units: 1.0 }))
}

fn order(one: &TimedFlow, other: &TimedFlow) -> Ordering {
    one.whole.cmp(&other.whole).then(one.fraction.total_cmp(&other.fraction))
}

fn in_order(mut given: Vec<TimedFlow>) -> Vec<TimedFlow> {
    sort_short(&mut given, |a, b| order(a, b) == Ordering::Less);
    let mut flows = Vec::with_capacity(given.len());
    for flow in given {
        push(&mut flows, flow);
    }
    flows
}

fn days(from: Date, to: Date) -> u32 {
    // Payments before the first advance have been refused.
    u32::try_from(days_between(from, to)).unwrap_or(0)
}

fn actual_days(start: Date, date: Date) -> Result<Time, CreditError> {
    Ok(Time::whole(days(start, date)))
}

/// Whole calendar months from the start, and odd days of 12/365 of a month.
fn forward_months(start: Date, date: Date) -> Result<Time, CreditError> {
    let ((y1, m1, d1), (y2, m2, d2)) = (start.civil(), date.civil());
    let months = (y2 - y1) * 12 + i32::from(m2) - i32::from(m1);
    let reached = d1.min(days_in_month(y2, m2));
    let (months, odd) = if reached <= d2 {
        (months, d2 - reached)
    } else {
        // The last whole month ends in the month before.
        let length = if m2 == 1 { 31 } else { days_in_month(y2, m2 - 1) };
        (months - 1, d2 + length - d1.min(length))
    };
    // At most 30 odd days, so less than a month.
    Ok(Time::fraction(u32::from(odd) * 12, 365).plus(u32::try_from(months).unwrap_or(0)))
}

/// How the European annex measures a transaction: in the periods of its payments, so that one of a
/// monthly series is not taken for weeks because its days happen to divide by seven.
fn measure(start: Date, dated: &[Dated], every: Option<Period>) -> Result<Measure, CreditError> {
    match every {
        Some(Period::Months(months)) if months.is_multiple_of(12) => return Ok(in_years),
        Some(Period::Months(_) | Period::Semimonthly) => return Ok(in_months),
        Some(Period::Days(days)) if days.is_multiple_of(7) => return Ok(in_weeks),
        Some(Period::Days(_)) => return Ok(in_any),
        None => {}
    }
    let dates = || dated.iter().filter(|flow| flow.value > 0 && flow.date > start).map(|flow| flow.date);
    let gaps = || dates().zip(dates().skip(1)).filter(|(one, next)| one != next);
    if gaps().next().is_none() {
        return Ok(in_any);
    }
    if gaps().all(|(one, next)| days(one, next).is_multiple_of(7)) {
        return Ok(in_weeks);
    }
    for (one, next) in gaps() {
        if whole_months(one, next).is_none() {
            return Ok(in_any);
        }
    }
    Ok(in_months)
}

/// Months between two dates where they are whole, forwards or backwards with `clamp`.
fn whole_months(from: Date, to: Date) -> Option<u32> {
    let back = Back::new(from, to);
    if back.odd == 0 { Some(back.months) } else { back.forwards.then_some(back.months + 1) }
}

/// Whole months counted backwards from a date.
struct Back {
    months: u32,
    /// Days from the earlier date to the one they reach.
    odd: u8,
    /// Whether one month more, counted forwards, reaches the later date.
    forwards: bool,
}

impl Back {
    /// Without a calendar's way from months to days: all lies in the month of the earlier date or in the next.
    fn new(from: Date, to: Date) -> Self {
        let ((y1, m1, d1), (y2, m2, d2)) = (from.civil(), to.civil());
        let months = u32::try_from((y2 - y1) * 12 + i32::from(m2) - i32::from(m1)).unwrap_or(0);
        let length = days_in_month(y1, m1);
        let reached = d2.min(length);
        if reached >= d1 {
            return Self { months, odd: reached - d1, forwards: false };
        }
        let next = if m1 == 12 { 31 } else { days_in_month(y1, m1 + 1) };
        let forwards = d2 == d1.min(days_in_month(y2, m2));
        Self { months: months.saturating_sub(1), odd: length - d1 + d2.min(next), forwards }
    }
}

/// Whole months counted backwards from a date, and the date they reach.
fn months_back(from: Date, to: Date) -> Result<(u32, Date), CreditError> {
    let back = Back::new(from, to);
    Ok((back.months, from.add_days(i32::from(back.odd))?))
}

/// Days up to a date that whole periods counted backwards have reached, in months: over the 365 or 366
/// days of the year that ends on that date.
fn odd_days(start: Date, reached: Date) -> Result<Time, CreditError> {
    let year_before = reached.add_months(-12, MonthEnd::Clamp)?;
    Ok(Time::fraction(days(start, reached) * 12, days(year_before, reached)))
}

fn in_months(start: Date, date: Date) -> Result<Time, CreditError> {
    if let Some(months) = whole_months(start, date) {
        return Ok(Time::whole(months));
    }
    let (months, reached) = months_back(start, date)?;
    Ok(odd_days(start, reached)?.plus(months))
}

fn in_years(start: Date, date: Date) -> Result<Time, CreditError> {
    if let Some(months) = whole_months(start, date) {
        return Ok(Time::whole(months));
    }
    let years = Back::new(start, date).months / 12 * 12;
    let reached = date.add_months(-i32::try_from(years).unwrap_or(0), MonthEnd::Clamp)?;
    Ok(odd_days(start, reached)?.plus(years))
}

fn in_weeks(start: Date, date: Date) -> Result<Time, CreditError> {
    let all_days = days(start, date);
    let weeks = Time::fraction(all_days / 7 * 12, 52);
    let rest = i32::try_from(all_days % 7).unwrap_or(0);
    if rest == 0 {
        return Ok(weeks);
    }
    // 12/52 and 12/365 of a month have no small common denominator, so the sum is made in doubles.
    let odd = odd_days(start, start.add_days(rest)?)?;
    Ok(Time { more: odd.in_units(), ..weeks })
}

/// Of no regular payments each stands alone: whole years, months or weeks, else months and days.
fn in_any(start: Date, date: Date) -> Result<Time, CreditError> {
    if whole_months(start, date).is_none() && days(start, date).is_multiple_of(7) {
        return in_weeks(start, date);
    }
    in_months(start, date)
}
