//! What can be wrong with credit terms, cash flows and events.

use core::fmt;

use crate::{
    calendar::{CalendarError, Date},
    credit::{CASH_FLOWS_MAX, COUNT_MAX, EVENTS_MAX, FEES_MAX, TEXT_BYTES_MAX},
    money::MoneyError,
};

/// One variant a cause. Messages name the field and the limit and can be shown to a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreditError {
    /// An amount, given or computed, out of range.
    Money(MoneyError),
    /// A date, given or computed, out of range.
    Calendar(CalendarError),
    /// A field that the method needs is absent.
    MissingField(&'static str),
    /// Two fields that exclude each other.
    Conflict(&'static str, &'static str),
    /// A field that the method has no use for.
    NotApplicable {
        /// The field as written in JSON.
        field: &'static str,
        /// Why it does not apply.
        why: &'static str,
    },
    /// `count` outside 1 … [`COUNT_MAX`].
    CountOutOfRange(u64),
    /// `principal` is zero.
    PrincipalZero,
    /// A rate or fee below zero.
    NegativePercent(&'static str),
    /// A rate above [`crate::credit::PERCENT_MAX`].
    PercentTooLarge(&'static str),
    /// A due date before the start, or due dates that do not rise.
    DueDatesOutOfOrder(Date),
    /// More or fewer due dates than `count`.
    DueDatesCount {
        /// How many dates the list holds.
        listed: usize,
        /// What `count` says.
        count: u16,
    },
    /// A list longer than its limit.
    TooMany {
        /// What the list holds.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// A text longer than [`TEXT_BYTES_MAX`], or empty.
    BadText(&'static str),
    /// A payment dated before the first advance.
    PaymentBeforeAdvance(Date),
    /// The rate equation has no solution in the range.
    NoRate,
    /// The rate equation has more than one solution in the range.
    SeveralRates,
    /// An event before the start or after the date asked for.
    EventOutOfRange(Date),
    /// Events not in the order of their dates.
    EventsOutOfOrder(Date),
    /// A reversal of an event that is unknown, already reversed, or later.
    UnknownReversal(String),
    /// The same event id twice.
    DuplicateEvent(String),
    /// The date asked for lies before the start.
    DateBeforeStart(Date),
    /// Refunds above what was lent.
    RefundTooLarge {
        /// What can still be refunded.
        left: crate::money::Amount,
    },
    /// A withdrawal after its days.
    WithdrawalTooLate {
        /// The day of the withdrawal.
        date: Date,
        /// The days of the right.
        days: u16,
    },
}

impl CreditError {
    /// The stable name of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Money(error) => error.code(),
            Self::Calendar(CalendarError::DateOutOfRange) => "date_out_of_range",
            Self::Calendar(_) => "invalid_date",
            Self::MissingField(_) => "missing_field",
            Self::Conflict(..) => "conflicting_fields",
            Self::NotApplicable { .. } => "not_applicable",
            Self::CountOutOfRange(_) => "count_out_of_range",
            Self::PrincipalZero => "principal_zero",
            Self::NegativePercent(_) | Self::PercentTooLarge(_) => "percent_out_of_range",
            Self::DueDatesOutOfOrder(_) | Self::DueDatesCount { .. } => "invalid_due_dates",
            Self::TooMany { .. } => "too_many",
            Self::BadText(_) => "invalid_text",
            Self::PaymentBeforeAdvance(_) => "payment_before_advance",
            Self::NoRate => "no_rate",
            Self::SeveralRates => "several_rates",
            Self::EventOutOfRange(_) | Self::EventsOutOfOrder(_) => "event_out_of_order",
            Self::UnknownReversal(_) => "unknown_reversal",
            Self::DuplicateEvent(_) => "duplicate_event",
            Self::DateBeforeStart(_) => "date_before_start",
            Self::RefundTooLarge { .. } => "refund_too_large",
            Self::WithdrawalTooLate { .. } => "withdrawal_too_late",
        }
    }
}

impl fmt::Display for CreditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(error) => error.fmt(f),
            Self::Calendar(error) => error.fmt(f),
            Self::MissingField(field) => write!(f, "missing field `{field}`"),
            Self::Conflict(one, other) => write!(f, "`{one}` and `{other}` exclude each other"),
            Self::NotApplicable { field, why } => write!(f, "`{field}` does not apply: {why}"),
            Self::CountOutOfRange(count) => write!(f, "`count` is {count}, it must be 1 to {COUNT_MAX}"),
            Self::PrincipalZero => f.write_str("`principal` must be at least 1 minor unit"),
            Self::NegativePercent(field) => write!(f, "`{field}` must not be negative"),
            Self::PercentTooLarge(field) => {
                write!(f, "`{field}` must be at most {} per cent", crate::credit::PERCENT_MAX)
            }
            Self::DueDatesOutOfOrder(date) => {
                write!(f, "due date `{date}` must come after the one before it and not before `start`")
            }
            Self::DueDatesCount { listed, count } => {
                write!(f, "`due_dates` lists {listed} dates but `count` is {count}")
            }
            Self::TooMany { what, max } => write!(f, "too many {what}: at most {max}"),
            Self::BadText(field) => write!(f, "`{field}` must be 1 to {TEXT_BYTES_MAX} bytes of text"),
            Self::PaymentBeforeAdvance(date) => write!(f, "payment on `{date}` lies before the first advance"),
            Self::NoRate => f.write_str("no annual rate between -99.99 % and 1,000,000 % balances these cash flows"),
            Self::SeveralRates => {
                f.write_str("several annual rates between -99.99 % and 1,000,000 % balance these cash flows")
            }
            Self::EventOutOfRange(date) => write!(f, "event on `{date}` lies before the start or after the date asked"),
            Self::EventsOutOfOrder(date) => write!(f, "event on `{date}` is earlier than one already applied"),
            Self::UnknownReversal(id) => write!(f, "reversal of `{id}`, which is no earlier event still in force"),
            Self::DuplicateEvent(id) => write!(f, "event id `{id}` occurs twice"),
            Self::DateBeforeStart(date) => write!(f, "date `{date}` lies before the start"),
            Self::RefundTooLarge { left } => {
                write!(f, "refunds must not exceed what was lent: at most {left} minor units can still be refunded")
            }
            Self::WithdrawalTooLate { date, days } => {
                write!(f, "withdrawal on `{date}` is later than {days} days after the start")
            }
        }
    }
}

impl core::error::Error for CreditError {}

impl From<MoneyError> for CreditError {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl From<CalendarError> for CreditError {
    fn from(error: CalendarError) -> Self {
        Self::Calendar(error)
    }
}

const _: () = assert!(CASH_FLOWS_MAX >= COUNT_MAX as usize && EVENTS_MAX > 0 && FEES_MAX > 0);
