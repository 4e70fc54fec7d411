//! A moment in UTC, to the second.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{CalendarError, Date};
use crate::json::{Node, Read};

const SECONDS_PER_DAY: u32 = 86_400;

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds. In text RFC 3339 with whole seconds and a `Z`:
/// `2026-11-23T08:00:00Z`; no other spelling of the same moment is taken, so a hashed document has one form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// The date in UTC.
    date: Date,
    /// 0 … 86,399.
    second_of_day: u32,
}

impl Instant {
    /// The moment so many seconds after 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`CalendarError::DateOutOfRange`] where its date is none that [`Date`] holds.
    pub fn from_seconds(seconds: i64) -> Result<Self, CalendarError> {
        let day = i64::from(SECONDS_PER_DAY);
        let days = i32::try_from(seconds.div_euclid(day)).map_err(|_| CalendarError::DateOutOfRange)?;
        let second_of_day = u32::try_from(seconds.rem_euclid(day)).map_err(|_| CalendarError::DateOutOfRange)?;
        Ok(Self { date: Date::from_days(days)?, second_of_day })
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.date.days()) * i64::from(SECONDS_PER_DAY) + i64::from(self.second_of_day)
    }

    /// The moment `seconds` later.
    ///
    /// # Errors
    /// [`CalendarError::DateOutOfRange`].
    pub fn plus_seconds(self, seconds: u32) -> Result<Self, CalendarError> {
        Self::from_seconds(self.seconds() + i64::from(seconds))
    }

    /// The date in UTC; the business date is another matter and comes from a time zone.
    #[must_use]
    pub const fn utc_date(self) -> Date {
        self.date
    }

    /// Reads `YYYY-MM-DDThh:mm:ssZ`.
    ///
    /// # Errors
    /// [`CalendarError::NotADate`] for any other text, [`CalendarError::DateOutOfRange`].
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        let wrong = || CalendarError::NotADate(text.chars().take(24).collect());
        let (date, time) = text.split_once('T').ok_or_else(wrong)?;
        let date = Date::parse(date)?;
        let time = time.strip_suffix('Z').ok_or_else(wrong)?;
        let mut second_of_day = 0;
        let mut parts = 0;
        for (part, below) in time.split(':').zip([24, 60, 60]) {
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            let value: u32 = part.parse().ok().filter(|value| digits && *value < below).ok_or_else(wrong)?;
            second_of_day = second_of_day * 60 + value;
            parts += 1;
        }
        if parts != 3 || time.len() != 8 {
            return Err(wrong());
        }
        Ok(Self { date, second_of_day })
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.second_of_day;
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.date, seconds / 3600, seconds / 60 % 60, seconds % 60)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Instant;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a moment in UTC, such as `2026-11-23T08:00:00Z`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Instant, E> {
                Instant::parse(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl Instant {
    const EPOCH: Self = Self { date: Date::EPOCH, second_of_day: 0 };
}

impl crate::canonical::Canonical for Instant {
    fn write_to(&self, text: &mut crate::canonical::Text) {
        text.shown(format_args!("{self}"));
    }
}

impl Read for Instant {
    fn read(node: Node<'_>) -> Self {
        node.as_text().and_then(|text| Self::parse(text).ok()).unwrap_or_else(|| {
            node.unexpected("a moment in UTC, such as `2026-11-23T08:00:00Z`");
            Self::EPOCH
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Origin: `date -u -d @1795420800` prints 2026-11-23 08:00:00.
    #[test]
    fn a_moment_is_written_as_rfc_3339() {
        let eight = Instant::parse("2026-11-23T08:00:00Z").unwrap();
        assert_eq!(eight.seconds(), 1_795_420_800);
        assert_eq!(eight.to_string(), "2026-11-23T08:00:00Z");
        assert_eq!(eight.plus_seconds(86_399).unwrap().to_string(), "2026-11-24T07:59:59Z");
        assert_eq!(Instant::parse("1969-12-31T23:59:59Z").unwrap().seconds(), -1);
        assert_eq!(Instant::from_seconds(-1).unwrap().to_string(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "2026-11-23",
            "2026-11-23T08:00:00",
            "2026-11-23t08:00:00z",
            "2026-11-23T08:00:00.0Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T08:60:00Z",
            "2026-11-23T08:00:60Z",
            "2026-11-23T08:00Z",
            "2026-11-23T08:00:00+00:00",
            "2026-11-23T8:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-23T08:00:00:00Z",
            "2026-11-23T+8:00:00Z",
            "",
        ] {
            assert!(Instant::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_beyond_the_calendar_are_refused() {
        assert!(Instant::from_seconds(i64::MAX).is_err());
        assert!(Instant::from_seconds(i64::MIN).is_err());
        assert!(Instant::parse("2999-12-31T23:59:59Z").unwrap().plus_seconds(1).is_err());
    }
}
