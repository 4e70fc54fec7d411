//! Dates of the proleptic Gregorian calendar.

use core::fmt;
use prequal_derive::{Canonical, Read};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The first year a date may lie in: earlier ones are slips of the keyboard, not contracts.
pub const YEAR_MIN: i32 = 1900;
/// The last year a date may lie in: room for 600 yearly instalments from today.
pub const YEAR_MAX: i32 = 2999;

/// 1900-01-01, in days since 1970-01-01.
const DAYS_MIN: i32 = -25_567;
/// 2999-12-31, in days since 1970-01-01.
const DAYS_MAX: i32 = 376_199;

/// What is wrong with a date or a step between dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarError {
    /// Not the text of a date that exists.
    NotADate(String),
    /// Before [`YEAR_MIN`] or after [`YEAR_MAX`].
    DateOutOfRange,
    /// Not the text of a period.
    NotAPeriod(String),
    /// No business day within two months of a date.
    NoBusinessDay(Date),
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADate(text) => write!(f, "`{text}` is not a date that exists, written as YYYY-MM-DD"),
            Self::DateOutOfRange => write!(f, "date_out_of_range: dates lie in the years {YEAR_MIN} to {YEAR_MAX}"),
            Self::NoBusinessDay(date) => write!(f, "no business day within two months of `{date}`"),
            Self::NotAPeriod(text) => write!(
                f,
                "`{text}` is not a period: `PnD`, `PnW`, `PnM`, `PnY` (n from 1 to {}, at most 100 years) or \
                 `semimonthly`",
                super::period::PERIOD_UNITS_MAX
            ),
        }
    }
}

impl core::error::Error for CalendarError {}

/// What to do where a month lacks the day of the anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum MonthEnd {
    /// The last day of the month; each date is counted from the anchor: 31 Jan, 28 Feb, 31 Mar.
    #[default]
    Clamp,
    /// The first day of the next month: 31 Jan, 1 Mar, 31 Mar.
    Roll,
    /// The last day of the month, and from then on that day: 31 Jan, 28 Feb, 28 Mar.
    Stick,
}

/// A day, without a time of day and without a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01. INVARIANT: within [`DAYS_MIN`] … [`DAYS_MAX`].
    days: i32,
}

impl Date {
    /// 1970-01-01.
    pub(crate) const EPOCH: Self = Self { days: 0 };
}

/// Whether a year of the Gregorian calendar has 366 days.
#[must_use]
pub const fn is_leap_year(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The number of days of a month of 1 … 12.
#[must_use]
pub const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 => 28 + is_leap_year(year) as u8,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a civil date (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn days_from_civil(year: i32, month: u8, day: u8) -> i32 {
    // The year starts in March, so that the leap day is its last. All years here are positive.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month as i32 + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The civil date of a number of days since 1970-01-01 (Hinnant, as above).
const fn civil_from_days(days: i32) -> (i32, u8, u8) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u8;
    let year = year_of_era + era * 400 + (month <= 2) as i32;
    (year, month, day)
}

/// Days from `from` (excluded) to `to` (included); negative when `to` is the earlier.
#[must_use]
pub const fn days_between(from: Date, to: Date) -> i32 {
    to.days - from.days
}

impl Date {
    /// The date of a year, month (1 … 12) and day (1 … 31).
    ///
    /// # Errors
    /// When the date does not exist or lies outside the years [`YEAR_MIN`] … [`YEAR_MAX`].
    pub fn from_ymd(year: i32, month: u8, day: u8) -> Result<Self, CalendarError> {
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            let mut text = String::new();
            let _ = fmt::write(&mut text, format_args!("{year:04}-{month:02}-{day:02}"));
            return Err(CalendarError::NotADate(text));
        }
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return Err(CalendarError::DateOutOfRange);
        }
        Ok(Self { days: days_from_civil(year, month, day) })
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// When the text has another form, or the date does not exist or is out of range.
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let wrong = || CalendarError::NotADate(text.chars().take(24).collect());
        let number = |range: core::ops::Range<usize>| -> Option<i32> {
            let digits = text.as_bytes().get(range)?;
            digits
                .iter()
                .try_fold(0_i32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i32::from(byte - b'0')))
        };
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
            return Err(wrong());
        }
        let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
            return Err(wrong());
        };
        let (Ok(month), Ok(day)) = (u8::try_from(month), u8::try_from(day)) else { return Err(wrong()) };
        Self::from_ymd(year, month, day)
    }

    /// The date `days` days after 1970-01-01.
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub const fn from_days(days: i32) -> Result<Self, CalendarError> {
        if days < DAYS_MIN || days > DAYS_MAX { Err(CalendarError::DateOutOfRange) } else { Ok(Self { days }) }
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.days
    }

    /// Year, month and day.
    #[must_use]
    pub const fn civil(self) -> (i32, u8, u8) {
        civil_from_days(self.days)
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.civil().0
    }

    /// The month, 1 … 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.civil().1
    }

    /// The day of the month, 1 … 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.civil().2
    }

    /// The date `count` days later (earlier when negative).
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub fn add_days(self, count: i32) -> Result<Self, CalendarError> {
        self.days.checked_add(count).ok_or(CalendarError::DateOutOfRange).and_then(Self::from_days)
    }

    /// The date `count` months later (earlier when negative), by the month-end rule.
    ///
    /// For one step [`MonthEnd::Stick`] is the same as [`MonthEnd::Clamp`]; the difference shows in a series.
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub fn add_months(self, count: i32, month_end: MonthEnd) -> Result<Self, CalendarError> {
        let (year, month, day) = self.civil();
        Self::in_month(year, month, day, count, month_end)
    }

    /// Day `day` of the month `count` months after the given one, by the month-end rule.
    pub(crate) fn in_month(
        year: i32,
        month: u8,
        day: u8,
        count: i32,
        month_end: MonthEnd,
    ) -> Result<Self, CalendarError> {
        let months = year
            .checked_mul(12)
            .and_then(|months| months.checked_add(i32::from(month) - 1))
            .and_then(|months| months.checked_add(count))
            .ok_or(CalendarError::DateOutOfRange)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) as u8 + 1);
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return Err(CalendarError::DateOutOfRange);
        }
        let last = days_in_month(year, month);
        if day <= last {
            return Ok(Self { days: days_from_civil(year, month, day) });
        }
        let days = days_from_civil(year, month, last);
        match month_end {
            MonthEnd::Clamp | MonthEnd::Stick => Ok(Self { days }),
            MonthEnd::Roll => Self::from_days(days + 1),
        }
    }
}

impl core::str::FromStr for Date {
    type Err = CalendarError;
    fn from_str(text: &str) -> Result<Self, CalendarError> {
        Self::parse(text)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Date;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date such as \"2024-02-29\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Date, E> {
                Date::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl crate::canonical::Canonical for Date {
    fn write_to(&self, text: &mut crate::canonical::Text) {
        text.date(self.civil());
    }
}

crate::json::read_text!(Date, "a date such as \"2024-02-29\"", Self::parse, Self::EPOCH);

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    /// Every day of the range, counted one by one: the calendar's own rule is the oracle.
    #[test]
    fn civil_dates_and_day_numbers_are_inverse_over_the_whole_range() {
        let (mut year, mut month, mut day) = (YEAR_MIN, 1, 1);
        for days in DAYS_MIN..=DAYS_MAX {
            assert_eq!(Date { days }.civil(), (year, month, day));
            assert_eq!(Date::from_ymd(year, month, day), Ok(Date { days }));
            day += 1;
            if day > days_in_month(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
        assert_eq!((year, month, day), (YEAR_MAX + 1, 1, 1));
        assert_eq!(date("1970-01-01").days(), 0);
        assert_eq!(date("2000-02-29").days(), 11_016);
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-04-31",
            "2024-1-1",
            "24-01-01",
            "2024/01/01",
            "2024-01-01T00:00:00Z",
            "",
            "２024-1-1",
            "+024-01-01",
        ] {
            assert!(matches!(Date::parse(text), Err(CalendarError::NotADate(_))), "{text}");
        }
        for text in ["1899-12-31", "3000-01-01", "0000-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text), Err(CalendarError::DateOutOfRange), "{text}");
        }
        assert_eq!(date("2999-12-31").add_days(1), Err(CalendarError::DateOutOfRange));
        assert_eq!(date("2999-12-31").add_months(i32::MAX, MonthEnd::Clamp), Err(CalendarError::DateOutOfRange));
        assert_eq!(date("1900-01-01").add_months(-1, MonthEnd::Clamp), Err(CalendarError::DateOutOfRange));
    }

    #[test]
    fn a_month_that_lacks_the_day_follows_the_rule() {
        let anchor = date("2025-01-31");
        assert_eq!(anchor.add_months(1, MonthEnd::Clamp), Ok(date("2025-02-28")));
        assert_eq!(anchor.add_months(1, MonthEnd::Roll), Ok(date("2025-03-01")));
        assert_eq!(anchor.add_months(1, MonthEnd::Stick), Ok(date("2025-02-28")));
        assert_eq!(anchor.add_months(2, MonthEnd::Clamp), Ok(date("2025-03-31")));
        assert_eq!(anchor.add_months(-2, MonthEnd::Clamp), Ok(date("2024-11-30")));
        assert_eq!(date("2024-02-29").add_months(12, MonthEnd::Clamp), Ok(date("2025-02-28")));
        assert_eq!(date("2024-02-29").add_months(48, MonthEnd::Clamp), Ok(date("2028-02-29")));
    }
}
