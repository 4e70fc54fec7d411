//! Billing days: purchases of a month come on one statement, which falls due on a fixed day.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

use super::{CalendarError, Date, MonthEnd};

/// Where a purchase made on the billing day itself goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Cutoff {
    /// On the statement of that day.
    #[default]
    Included,
    /// On the next one.
    Next,
}

/// A billing day and a due day in every month; days a month lacks are its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read, Canonical)]
#[serde(deny_unknown_fields, expecting = "a billing calendar as an object")]
pub struct Billing {
    /// 1 … 31.
    pub billing_day: u8,
    /// 1 … 31: the first such day after the statement.
    pub due_day: u8,
    /// Where a purchase made on the billing day goes.
    #[serde(default)]
    pub cutoff: Cutoff,
}

impl Billing {
    /// Whether the days are days of a month.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        1 <= self.billing_day && self.billing_day <= 31 && 1 <= self.due_day && self.due_day <= 31
    }

    /// The first `day` of a month that lies after `date`, or on it, and so many months later.
    fn next(date: Date, day: u8, or_on: bool, months: i32) -> Result<Date, CalendarError> {
        let (year, month, _) = date.civil();
        let here = Date::in_month(year, month, day, 0, MonthEnd::Clamp)?;
        let later = i32::from(here < date || (here == date && !or_on));
        Date::in_month(year, month, day, later + months, MonthEnd::Clamp)
    }

    /// The statement on which a purchase comes.
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub fn statement(&self, purchase: Date) -> Result<Date, CalendarError> {
        Self::next(purchase, self.billing_day, self.cutoff == Cutoff::Included, 0)
    }

    /// The day on which the statement after so many months falls due.
    ///
    /// # Errors
    /// `date_out_of_range`.
    pub fn due(&self, purchase: Date, months: i32) -> Result<Date, CalendarError> {
        Self::next(self.statement(purchase)?, self.due_day, false, months)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    /// Huabei: purchases of a month are billed on the 1st of the next and due on the 10th.
    #[test]
    fn purchases_of_a_month_are_due_on_one_day() {
        let huabei = Billing { billing_day: 1, due_day: 10, cutoff: Cutoff::Next };
        for (purchase, statement, due) in [
            ("2026-01-01", "2026-02-01", "2026-02-10"),
            ("2026-01-31", "2026-02-01", "2026-02-10"),
            ("2026-12-15", "2027-01-01", "2027-01-10"),
        ] {
            assert_eq!(huabei.statement(date(purchase)), Ok(date(statement)));
            assert_eq!(huabei.due(date(purchase), 0), Ok(date(due)));
        }
    }

    #[test]
    fn days_that_a_month_lacks_are_its_last() {
        let late = Billing { billing_day: 31, due_day: 30, cutoff: Cutoff::Included };
        assert_eq!(late.statement(date("2026-02-28")), Ok(date("2026-02-28")));
        // The first 30th after 28 February 2026, and a month later.
        assert_eq!(late.due(date("2026-02-28"), 0), Ok(date("2026-03-30")));
        assert_eq!(late.due(date("2026-01-15"), 0), Ok(date("2026-02-28")));
        assert_eq!(late.due(date("2026-01-15"), 1), Ok(date("2026-03-30")));
        let excluded = Billing { cutoff: Cutoff::Next, ..late };
        assert_eq!(excluded.statement(date("2026-02-28")), Ok(date("2026-03-31")));
    }
}
