//! The civil calendar: dates, steps between due dates, day counts. No clock and no time zones:
//! today comes in as an argument.

pub mod billing;
pub mod business;
pub mod date;
pub mod day_count;
pub mod instant;
pub mod period;

pub use billing::{Billing, Cutoff};
pub use business::{Adjust, BusinessDays, HOLIDAYS_MAX, Weekday};
pub use date::{CalendarError, Date, MonthEnd, YEAR_MAX, YEAR_MIN, days_between};
pub use day_count::DayCount;
pub use instant::Instant;
pub use period::Period;
