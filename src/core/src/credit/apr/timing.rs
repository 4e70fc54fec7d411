//! Times by the conventions that compound: Europe, the United Kingdom, China, IFRS.

use core::cmp::Ordering;

use super::{
    Annual, Convention, Timed,
    flows::{AprInput, Dated, Flow, When, YearBasis, push, timed_of},
    solve::{Growth, TimedFlow},
};
use crate::{
    calendar::{Date, MonthEnd, days_between},
    credit::CreditError,
};

/// A time in units: whole ones, and `part / of` of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    whole: u32,
    part: u32,
    of: u32,
}

impl Time {
    const fn whole(units: u32) -> Self {
        Self { whole: units, part: 0, of: 1 }
    }

    /// `numerator / denominator` units.
    const fn fraction(numerator: u32, denominator: u32) -> Self {
        Self { whole: numerator / denominator, part: numerator % denominator, of: denominator }
    }

    const fn plus(self, whole: u32) -> Self {
        Self { whole: self.whole + whole, ..self }
    }

    fn flow(self, value: i64) -> TimedFlow {
        let fraction = if self.part == 0 { 0.0 } else { f64::from(self.part) / f64::from(self.of) };
        TimedFlow { whole: self.whole, fraction, value: value as f64 }
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
    basis: Option<YearBasis>,
) -> Result<Timed, CreditError> {
    let (annual, time): (Annual, Measure) = match (convention, basis) {
        (Convention::CnIrr, _) => (Annual::Nominal { numerator: 12.0, denominator: 1.0 }, forward_months),
        (Convention::EuAprc | Convention::Uk, Some(YearBasis::Months)) => (MONTHS, forward_months),
        (Convention::EuAprc | Convention::Uk, Some(YearBasis::Weeks)) => {
            (Annual::Effective { units: 364.0 }, actual_days)
        }
        (Convention::EuAprc | Convention::Uk, Some(YearBasis::Actual36525)) => {
            (Annual::Effective { units: 365.25 }, actual_days)
        }
        (Convention::EuAprc, None) => (MONTHS, european),
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
    given.sort_by(order);
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
    let ((y1, m1, _), (y2, m2, _)) = (start.civil(), date.civil());
    let mut months = (y2 - y1) * 12 + i32::from(m2) - i32::from(m1);
    let mut reached = start.add_months(months, MonthEnd::Clamp)?;
    if reached > date {
        months -= 1;
        reached = start.add_months(months, MonthEnd::Clamp)?;
    }
    let whole = u32::try_from(months).unwrap_or(0);
    // At most 30 odd days, so less than a month.
    Ok(Time::fraction(days(reached, date) * 12, 365).plus(whole))
}

/// The European annex, in months: whole years, months or weeks; else whole months counted backwards
/// from the date, and the days left over the year that ends where they end.
fn european(start: Date, date: Date) -> Result<Time, CreditError> {
    let whole = |months: i32| Ok(Time::whole(u32::try_from(months).unwrap_or(0)));
    let ((y1, m1, _), (y2, m2, _)) = (start.civil(), date.civil());
    let mut months = (y2 - y1) * 12 + i32::from(m2) - i32::from(m1);
    if start.add_months(months, MonthEnd::Clamp)? == date {
        return whole(months);
    }
    let mut reached = date.add_months(-months, MonthEnd::Clamp)?;
    if reached < start {
        months -= 1;
        reached = date.add_months(-months, MonthEnd::Clamp)?;
    }
    if reached == start {
        return whole(months);
    }
    let all_days = days(start, date);
    if all_days.is_multiple_of(7) {
        return Ok(Time::fraction(all_days / 7 * 12, 52));
    }
    let year_before = reached.add_months(-12, MonthEnd::Clamp)?;
    let odd = Time::fraction(days(start, reached) * 12, days(year_before, reached));
    Ok(odd.plus(u32::try_from(months).unwrap_or(0)))
}
