//! The step between due dates, and the series of dates it makes from an anchor.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::date::{CalendarError, Date, MonthEnd, days_in_month};

/// Units in one period, at most: 999 days, weeks or months.
pub const PERIOD_UNITS_MAX: u16 = 999;
/// Months in one period, at most: a hundred years.
const PERIOD_MONTHS_MAX: u16 = 1200;

/// A step between due dates. Weeks are kept as days, years as months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// `PnD`, and `PnW` as 7 · n days.
    Days(u16),
    /// `PnM`, and `PnY` as 12 · n months.
    Months(u16),
    /// `semimonthly`: the same two days of each month, the anchor's and the one 15 days from it.
    Semimonthly,
}

impl Period {
    /// Reads `PnD`, `PnW`, `PnM`, `PnY` or `semimonthly`.
    ///
    /// # Errors
    /// When the text has another form, or n is 0 or above [`PERIOD_UNITS_MAX`].
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let wrong = || CalendarError::NotAPeriod(text.chars().take(16).collect());
        if text == "semimonthly" {
            return Ok(Self::Semimonthly);
        }
        let (digits, unit) = text
            .strip_prefix('P')
            .and_then(|rest| rest.split_at_checked(rest.len().saturating_sub(1)))
            .ok_or_else(wrong)?;
        if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let count: u16 = digits.parse().map_err(|_| wrong())?;
        if count == 0 {
            return Err(wrong());
        }
        // INVARIANT: count ≤ 999, so no product below overflows.
        match unit {
            "D" => Ok(Self::Days(count)),
            "W" => Ok(Self::Days(count * 7)),
            "M" => Ok(Self::Months(count)),
            "Y" if count * 12 <= PERIOD_MONTHS_MAX => Ok(Self::Months(count * 12)),
            _ => Err(wrong()),
        }
    }

    /// The date `index` steps after `anchor`, counted from the anchor itself.
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub fn nth(self, anchor: Date, index: u16, month_end: MonthEnd) -> Result<Date, CalendarError> {
        let mut series = Series::new(anchor, self, month_end);
        if month_end != MonthEnd::Stick {
            series.skip_to(index);
            return series.next_date();
        }
        let mut date = series.next_date()?;
        for _ in 0..index {
            date = series.next_date()?;
        }
        Ok(date)
    }
}

/// Dates counted from an anchor, the anchor first: a generator without allocation.
#[derive(Clone, Debug)]
pub struct Series {
    period: Period,
    month_end: MonthEnd,
    anchor: Date,
    year: i32,
    month: u8,
    /// The days asked of even and of odd steps; they differ for `semimonthly` only.
    days: [u8; 2],
    /// Whether the odd steps of `semimonthly` fall into the month after the anchor's.
    odd_is_next_month: bool,
    index: u16,
}

impl Series {
    /// The series that starts at `anchor`.
    #[must_use]
    pub fn new(anchor: Date, period: Period, month_end: MonthEnd) -> Self {
        let (year, month, day) = anchor.civil();
        let other = if day <= 15 { day + 15 } else { day - 15 };
        let odd = if period == Period::Semimonthly { other } else { day };
        Self { period, month_end, anchor, year, month, days: [day, odd], odd_is_next_month: day > 15, index: 0 }
    }

    /// Makes `index` the next step; meaningless for [`MonthEnd::Stick`], which depends on every step before.
    fn skip_to(&mut self, index: u16) {
        self.index = index;
    }

    /// The next date.
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub fn next_date(&mut self) -> Result<Date, CalendarError> {
        let index = i32::from(self.index);
        self.index = self.index.saturating_add(1);
        let (months, odd) = match self.period {
            Period::Days(count) => return self.anchor.add_days(index * i32::from(count)),
            Period::Months(count) => (index * i32::from(count), false),
            Period::Semimonthly if index % 2 == 0 => (index / 2, false),
            Period::Semimonthly => (index / 2 + i32::from(self.odd_is_next_month), true),
        };
        let [even_day, odd_day] = self.days;
        let day = if odd { odd_day } else { even_day };
        let date = Date::in_month(self.year, self.month, day, months, self.month_end)?;
        if self.month_end == MonthEnd::Stick && day > 28 {
            let (year, month, _) = date.civil();
            let kept = day.min(days_in_month(year, month));
            self.days = if odd { [even_day, kept] } else { [kept, odd_day] };
        }
        Ok(date)
    }
}

impl core::str::FromStr for Period {
    type Err = CalendarError;
    fn from_str(text: &str) -> Result<Self, CalendarError> {
        Self::parse(text)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(days) if days % 7 == 0 => write!(f, "P{}W", days / 7),
            Self::Days(days) => write!(f, "P{days}D"),
            Self::Months(months) if *months > PERIOD_UNITS_MAX => write!(f, "P{}Y", months / 12),
            Self::Months(months) => write!(f, "P{months}M"),
            Self::Semimonthly => f.write_str("semimonthly"),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Period;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a period such as \"P1M\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
                Period::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl crate::canonical::Canonical for Period {
    fn write_to(&self, text: &mut crate::canonical::Text) {
        text.shown(format_args!("{self}"));
    }
}

crate::json::read_text!(Period, "a period such as \"P1M\"", Self::parse, Self::Semimonthly);

#[cfg(test)]
mod tests {
    use super::*;

    fn series(anchor: &str, period: &str, month_end: MonthEnd, count: usize) -> Vec<String> {
        let mut series = Series::new(Date::parse(anchor).unwrap(), Period::parse(period).unwrap(), month_end);
        (0..count).map(|_| series.next_date().unwrap().to_string()).collect()
    }

    /// The three examples that define the rules.
    #[test]
    fn month_end_rules() {
        assert_eq!(
            series("2025-01-31", "P1M", MonthEnd::Clamp, 4),
            ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]
        );
        assert_eq!(
            series("2025-01-31", "P1M", MonthEnd::Roll, 4),
            ["2025-01-31", "2025-03-01", "2025-03-31", "2025-05-01"]
        );
        assert_eq!(
            series("2025-01-31", "P1M", MonthEnd::Stick, 4),
            ["2025-01-31", "2025-02-28", "2025-03-28", "2025-04-28"]
        );
        assert_eq!(series("2024-02-29", "P12M", MonthEnd::Stick, 5).last().unwrap(), "2028-02-28");
        assert_eq!(series("2024-02-29", "P1Y", MonthEnd::Clamp, 5).last().unwrap(), "2028-02-29");
    }

    #[test]
    fn semimonthly_is_the_same_two_days_of_each_month() {
        assert_eq!(
            series("2025-01-01", "semimonthly", MonthEnd::Clamp, 4),
            ["2025-01-01", "2025-01-16", "2025-02-01", "2025-02-16"]
        );
        assert_eq!(
            series("2025-01-15", "semimonthly", MonthEnd::Clamp, 5),
            ["2025-01-15", "2025-01-30", "2025-02-15", "2025-02-28", "2025-03-15"]
        );
        assert_eq!(
            series("2025-01-31", "semimonthly", MonthEnd::Clamp, 4),
            ["2025-01-31", "2025-02-16", "2025-02-28", "2025-03-16"]
        );
        assert_eq!(
            series("2025-01-30", "semimonthly", MonthEnd::Stick, 5),
            ["2025-01-30", "2025-02-15", "2025-02-28", "2025-03-15", "2025-03-28"]
        );
    }

    #[test]
    fn the_nth_date_is_the_nth_of_the_series() {
        for month_end in [MonthEnd::Clamp, MonthEnd::Roll, MonthEnd::Stick] {
            for period in ["P1D", "P2W", "P1M", "P3M", "semimonthly"] {
                let anchor = Date::parse("2024-08-31").unwrap();
                let step = Period::parse(period).unwrap();
                for (index, date) in series("2024-08-31", period, month_end, 40).iter().enumerate() {
                    assert_eq!(&step.nth(anchor, index as u16, month_end).unwrap().to_string(), date);
                }
            }
        }
    }

    #[test]
    fn other_periods_are_refused() {
        for text in
            ["", "P", "PM", "P0M", "1M", "P1H", "PT1M", "P1000D", "P-1M", "P1.5M", "P1M1D", "p1m", "P101Y", "P1é"]
        {
            assert!(Period::parse(text).is_err(), "{text}");
        }
        for text in ["P1D", "P2W", "P1M", "semimonthly", "P100Y", "P999M"] {
            assert_eq!(Period::parse(text).unwrap().to_string(), text);
        }
    }
}
