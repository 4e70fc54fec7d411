//! Why the ledger refuses.

use core::fmt;

use prequal_core::{calendar::Date, credit::CreditError, money::MoneyError};

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
    /// An event before the contract's start.
    BeforeStart(Date),
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
            Self::BeforeStart(date) => write!(f, "`{date}` is before the contract's start"),
            Self::TooManyEvents => write!(f, "a loan has at most {} events", crate::loan::EVENTS_MAX),
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
