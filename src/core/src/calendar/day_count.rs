//! Day counts: how much of a year's interest a period earns.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::date::{Date, days_between, is_leap_year};

/// How days are counted and how long a year is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
pub enum DayCount {
    /// Months of 30 days, years of 360: d1 31 → 30, d2 31 → 30 only if d1 is then 30 (ISDA 2006 §4.16(f)).
    #[serde(rename = "30/360")]
    Thirty360,
    /// Months of 30 days, years of 360: every 31 → 30 (ISDA 2006 §4.16(g)).
    #[serde(rename = "30E/360")]
    Thirty360European,
    /// Actual days over 360.
    #[serde(rename = "actual/360")]
    Actual360,
    /// Actual days over 364.
    #[serde(rename = "actual/364")]
    Actual364,
    /// Actual days over 365.
    #[serde(rename = "actual/365")]
    Actual365,
    /// Each day over the length of the calendar year it lies in (ISDA 2006 §4.16(b)).
    #[serde(rename = "actual/actual")]
    ActualActual,
}

impl DayCount {
    /// Whether months count 30 days.
    #[must_use]
    pub const fn is_thirty(self) -> bool {
        matches!(self, Self::Thirty360 | Self::Thirty360European)
    }

    /// The parts into which a year is cut; [`Self::units`] counts them.
    #[must_use]
    pub const fn units_per_year(self) -> u32 {
        match self {
            Self::Thirty360 | Self::Thirty360European | Self::Actual360 => 360,
            Self::Actual364 => 364,
            Self::Actual365 => 365,
            // Days of common and of leap years over one denominator.
            Self::ActualActual => 365 * 366,
        }
    }

    /// The parts of a year from `from` (excluded) to `to` (included), zero where `to` is not later.
    ///
    /// Days for every count but actual/actual, whose parts are 1/133,590 of a year: a day of a common
    /// year is 366 of them, a day of a leap year 365.
    #[must_use]
    pub fn units(self, from: Date, to: Date) -> u32 {
        let units = match self {
            Self::Thirty360 | Self::Thirty360European => self.thirty_days(from, to),
            Self::Actual360 | Self::Actual364 | Self::Actual365 => days_between(from, to),
            Self::ActualActual => actual_units(from, to),
        };
        u32::try_from(units).unwrap_or(0)
    }

    fn thirty_days(self, from: Date, to: Date) -> i32 {
        let ((y1, m1, d1), (y2, m2, d2)) = (from.civil(), to.civil());
        let first = i32::from(d1.min(30));
        let second = match self {
            Self::Thirty360European => i32::from(d2.min(30)),
            _ if first == 30 => i32::from(d2.min(30)),
            _ => i32::from(d2),
        };
        360 * (y2 - y1) + 30 * (i32::from(m2) - i32::from(m1)) + second - first
    }
}

/// 366 for each day in a common year, 365 for each in a leap year.
fn actual_units(from: Date, to: Date) -> i32 {
    let days = days_between(from, to);
    if days <= 0 {
        return 0;
    }
    // Day `to` itself counts and day `from` does not: the first counted day is `from + 1`.
    let (first_year, last_year) = (from.civil().0, to.civil().0);
    if first_year == last_year {
        return days * units_per_day(first_year);
    }
    (first_year..=last_year)
        .map(|year| {
            let start = Date::from_ymd(year, 1, 1).map_or(from.days(), Date::days) - 1;
            let end = Date::from_ymd(year, 12, 31).map_or(to.days(), Date::days);
            (end.min(to.days()) - start.max(from.days())) * units_per_day(year)
        })
        .sum()
}

const fn units_per_day(year: i32) -> i32 {
    if is_leap_year(year) { 365 } else { 366 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(count: DayCount, from: &str, to: &str) -> u32 {
        count.units(Date::parse(from).unwrap(), Date::parse(to).unwrap())
    }

    #[test]
    fn a_month_end_in_the_30_day_counts() {
        use DayCount::{Thirty360, Thirty360European};
        for (from, to, us, european) in [
            ("2024-01-01", "2024-02-01", 30, 30),
            ("2024-01-31", "2024-02-29", 29, 29),
            ("2024-02-29", "2024-03-31", 32, 31),
            ("2024-01-30", "2024-03-31", 60, 60),
            ("2024-01-31", "2024-03-31", 60, 60),
            ("2024-01-15", "2024-01-31", 16, 15),
            ("2023-12-31", "2024-12-31", 360, 360),
            ("2024-03-01", "2024-03-01", 0, 0),
        ] {
            assert_eq!(units(Thirty360, from, to), us, "{from} {to}");
            assert_eq!(units(Thirty360European, from, to), european, "{from} {to}");
        }
    }

    /// The day count's defining example: 2023-12-12 → 2024-01-12 is 19/365 + 12/366.
    #[test]
    fn actual_actual_counts_each_day_in_its_own_year() {
        assert_eq!(units(DayCount::ActualActual, "2023-12-12", "2024-01-12"), 19 * 366 + 12 * 365);
        assert_eq!(units(DayCount::ActualActual, "2024-01-01", "2025-01-01"), 365 * 365 + 366);
        assert_eq!(units(DayCount::ActualActual, "2023-12-31", "2024-12-31"), 366 * 365);
        assert_eq!(units(DayCount::ActualActual, "2022-12-31", "2025-12-31"), 3 * 133_590);
        assert_eq!(units(DayCount::Actual365, "2024-02-01", "2024-03-01"), 29);
        assert_eq!(units(DayCount::Actual365, "2024-03-01", "2024-02-01"), 0);
    }
}
