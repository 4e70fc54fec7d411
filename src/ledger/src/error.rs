//! Why the ledger refuses.

use core::fmt;

use prequal_core::{
    calendar::Date,
    credit::CreditError,
    money::{Amount, MoneyError},
};

use crate::Account;

/// Why an entry, an event or a chain is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerError {
    /// A transfer of nothing.
    EmptyTransfer,
    /// A transfer from an account to itself.
    SameAccount(Account),
    /// An entry with no transfer, or too many.
    TransferCount(usize),
    /// An amount beyond what an amount can be.
    Money(MoneyError),
    /// The contract's arithmetic refused the events.
    Credit(CreditError),
    /// The first event of a loan is not its booking, or a later one is.
    Booking,
    /// The payout was settled or returned before.
    PayoutEnded,
    /// The payout and the merchant's fee are not the principal.
    PayoutNotPrincipal,
    /// The payout was not settled, so that nothing can come back.
    PayoutNotSettled,
    /// A payment's state does not allow the event.
    PaymentState(String),
    /// A refund of this id was booked before.
    RefundTwice(String),
    /// More was refunded than was bought.
    RefundAboveBought,
    /// The dispute is not open, or was opened before.
    Dispute(String),
    /// The event to be reversed is none that is in force, or is the booking.
    Reversal(u32),
    /// An id of no byte or too many.
    BadId,
    /// More disputes than one loan may have.
    TooManyPauses,
    /// After a loan was given up or sold only money may come.
    AfterTheEnd(Date),
    /// A waiver that cannot be applied as it says.
    Waiver(&'static str),
    /// The lender would give more than is owed: what is owed.
    GoodwillAboveDebt(Amount),
    /// A schedule that cannot take the place of the one in force.
    Reschedule(&'static str),
    /// A withdrawal from a contract that was rescheduled.
    WithdrawalAfterReschedule,
    /// More would go out than is held.
    MoreThanHeld(Amount),
    /// A loan that is not settled cannot be closed.
    NotSettled,
    /// A rule of serving that contradicts itself: the field, and why.
    Servicing(&'static str, &'static str),
    /// A booking date in a period that is closed.
    PeriodClosed(Date),
    /// Shares of funders that do not add up or name each other badly.
    Funding(&'static str),
    /// A line of credit does not allow it.
    Line(&'static str),
    /// A ceiling on exposure would be passed: its name.
    Ceiling(String),
    /// A day head that does not come after the one before it.
    DayOutOfOrder(Date),
    /// The export does not verify: the line, counted from 1, and why.
    Export(usize, String),
    /// More events than one loan may have.
    TooManyEvents,
    /// The parts of a position are not the money that was received.
    PartsDoNotAddUp,
    /// The chain is broken at the entry of this number.
    ChainBroken(u64),
    /// The entry cannot be written as canonical JSON.
    NotCanonical,
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyTransfer => f.write_str("a transfer must move more than nothing"),
            Self::SameAccount(account) => {
                write!(f, "a transfer cannot go from account `{}` to itself", account.code())
            }
            Self::TransferCount(count) => {
                write!(f, "an entry has {count} transfers; it must have 1 to {}", crate::entry::TRANSFERS_MAX)
            }
            Self::Money(error) => error.fmt(f),
            Self::Credit(error) => error.fmt(f),
            Self::Booking => f.write_str("a loan begins with its booking, and is booked once"),
            Self::PayoutEnded => f.write_str("the payout was settled or returned before"),
            Self::PayoutNotPrincipal => f.write_str("payout and merchant fee together must be the principal"),
            Self::PayoutNotSettled => f.write_str("a payout that was not settled cannot be returned"),
            Self::PaymentState(id) => write!(f, "the state of payment `{id}` does not allow it"),
            Self::RefundTwice(id) => write!(f, "refund `{id}` was booked before"),
            Self::RefundAboveBought => f.write_str("more would be refunded than was bought"),
            Self::Dispute(id) => write!(f, "dispute `{id}` is not open, or was opened before"),
            Self::Reversal(number) => write!(f, "event {number} cannot be reversed: it is not in force"),
            Self::BadId => write!(f, "an id is 1 to {} bytes", crate::event::ID_BYTES_MAX),
            Self::TooManyPauses => {
                write!(f, "a loan has at most {} disputes", crate::facts::PAUSES_MAX)
            }
            Self::AfterTheEnd(date) => {
                write!(f, "after a loan was given up or sold only money may come: `{date}`")
            }
            Self::Waiver(why) => write!(f, "the waiver cannot be applied: {why}"),
            Self::GoodwillAboveDebt(owed) => {
                write!(f, "a goodwill credit is at most what is owed: {} minor units", owed.minor())
            }
            Self::Reschedule(why) => write!(f, "no new schedule: {why}"),
            Self::WithdrawalAfterReschedule => f.write_str("a contract that was rescheduled cannot be withdrawn from"),
            Self::MoreThanHeld(held) => write!(f, "no more than {} minor units are held", held.minor()),
            Self::NotSettled => f.write_str("only a loan that is settled and owes nothing back can be closed"),
            Self::Servicing(field, why) => write!(f, "`{field}`: {why}"),
            Self::PeriodClosed(date) => {
                write!(f, "the period up to `{date}` is closed: correct it by an event that counts from a later day")
            }
            Self::Funding(why) => write!(f, "funding: {why}"),
            Self::Line(why) => write!(f, "line of credit: {why}"),
            Self::Ceiling(name) => write!(f, "the ceiling `{name}` would be passed"),
            Self::DayOutOfOrder(date) => write!(f, "the day `{date}` does not come after the day before it"),
            Self::Export(line, why) => write!(f, "line {line}: {why}"),
            Self::TooManyEvents => {
                write!(f, "a loan has at most {} events, beside what becomes of money", crate::loan::EVENTS_MAX)
            }
            Self::PartsDoNotAddUp => f.write_str("the parts of the loan do not add up to the money received"),
            Self::ChainBroken(number) => write!(f, "the chain is broken at entry {number}"),
            Self::NotCanonical => f.write_str("the entry cannot be written as canonical JSON"),
        }
    }
}

impl core::error::Error for LedgerError {}

impl From<MoneyError> for LedgerError {
    fn from(error: MoneyError) -> Self {
        Self::Money(error)
    }
}

impl From<CreditError> for LedgerError {
    fn from(error: CreditError) -> Self {
        Self::Credit(error)
    }
}
