//! Business days: weekends and holidays are data, and so is what happens to a date that is none.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{CalendarError, Date};

/// Dates that a calendar lists, at most.
pub const HOLIDAYS_MAX: usize = 4_000;
/// Days in a row without a business day, at most; beyond it the data are wrong.
const CLOSED_DAYS_MAX: u32 = 60;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// ISO 8601 day 1.
    Monday,
    /// ISO 8601 day 2.
    Tuesday,
    /// ISO 8601 day 3.
    Wednesday,
    /// ISO 8601 day 4.
    Thursday,
    /// ISO 8601 day 5.
    Friday,
    /// ISO 8601 day 6.
    Saturday,
    /// ISO 8601 day 7.
    Sunday,
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

impl Date {
    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        let place = (self.days() + 3).rem_euclid(7);
        usize::try_from(place).ok().and_then(|place| WEEK.get(place).copied()).unwrap_or(Weekday::Monday)
    }
}

/// Where a date goes that is no business day (ISDA 2006 §4.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Adjust {
    /// It stays.
    #[default]
    None,
    /// To the next business day.
    Following,
    /// To the next business day, unless that lies in the next month: then to the one before.
    ModifiedFollowing,
    /// To the business day before.
    Preceding,
}

/// Which days are business days, and what happens to due dates on others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields, expecting = "business days as an object")]
pub struct BusinessDays {
    /// Where a due date goes.
    pub adjust: Adjust,
    /// Days of the week without business; Saturday and Sunday where absent.
    #[serde(default = "weekend")]
    pub weekend: Vec<Weekday>,
    /// Dates without business.
    #[serde(default)]
    pub holidays: Vec<Date>,
    /// Dates of a weekend on which there is business, as China's make-up days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub working_days: Vec<Date>,
}

fn weekend() -> Vec<Weekday> {
    vec![Weekday::Saturday, Weekday::Sunday]
}

impl BusinessDays {
    /// Whether there is business on a day.
    #[must_use]
    pub fn is_business_day(&self, date: Date) -> bool {
        let closed = self.weekend.contains(&date.weekday()) && !self.working_days.contains(&date);
        !closed && !self.holidays.contains(&date)
    }

    /// The date that stands for another.
    ///
    /// # Errors
    /// `date_out_of_range`; `no_business_day` where none comes for two months.
    pub fn adjusted(&self, date: Date) -> Result<Date, CalendarError> {
        match self.adjust {
            Adjust::None => Ok(date),
            Adjust::Following => self.step(date, 1),
            Adjust::Preceding => self.step(date, -1),
            Adjust::ModifiedFollowing => {
                let following = self.step(date, 1)?;
                if following.month() == date.month() { Ok(following) } else { self.step(date, -1) }
            }
        }
    }

    fn step(&self, date: Date, days: i32) -> Result<Date, CalendarError> {
        let mut day = date;
        for _ in 0..CLOSED_DAYS_MAX {
            if self.is_business_day(day) {
                return Ok(day);
            }
            day = day.add_days(days)?;
        }
        Err(CalendarError::NoBusinessDay(date))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn weekdays_are_those_of_the_calendar() {
        for (day, weekday) in [
            ("1970-01-01", Weekday::Thursday),
            ("2000-02-29", Weekday::Tuesday),
            ("2026-11-23", Weekday::Monday),
            ("1969-12-28", Weekday::Sunday),
            ("1900-01-01", Weekday::Monday),
        ] {
            assert_eq!(date(day).weekday(), weekday, "{day}");
        }
    }

    /// 31 January 2026 is a Saturday; 1 May 2026 a Friday and a holiday.
    #[test]
    fn the_four_rules() {
        let days = |adjust| BusinessDays {
            adjust,
            weekend: weekend(),
            holidays: vec![date("2026-05-01")],
            working_days: Vec::new(),
        };
        for (day, following, modified, preceding) in [
            ("2026-01-30", "2026-01-30", "2026-01-30", "2026-01-30"),
            ("2026-01-31", "2026-02-02", "2026-01-30", "2026-01-30"),
            ("2026-02-01", "2026-02-02", "2026-02-02", "2026-01-30"),
            ("2026-05-01", "2026-05-04", "2026-05-04", "2026-04-30"),
        ] {
            for (adjust, expected) in [
                (Adjust::None, day),
                (Adjust::Following, following),
                (Adjust::ModifiedFollowing, modified),
                (Adjust::Preceding, preceding),
            ] {
                assert_eq!(days(adjust).adjusted(date(day)), Ok(date(expected)), "{day} {adjust:?}");
            }
        }
    }

    /// China's State Council makes some Sundays working days: 2026-02-15 is a Sunday.
    #[test]
    fn a_working_sunday_is_a_business_day() {
        let mut days = BusinessDays {
            adjust: Adjust::Following,
            weekend: weekend(),
            holidays: Vec::new(),
            working_days: vec![date("2026-02-15")],
        };
        assert_eq!(days.adjusted(date("2026-02-14")), Ok(date("2026-02-15")));
        days.weekend = WEEK.to_vec();
        assert_eq!(days.adjusted(date("2026-03-01")), Err(CalendarError::NoBusinessDay(date("2026-03-01"))));
    }
}
