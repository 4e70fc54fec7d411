//! Journal entries. One transfer moves one amount from one account to another, so that an entry whose
//! debits and credits differ cannot be written down at all.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use serde::{Deserialize, Serialize};

use crate::{Account, LedgerError};

/// The most transfers one entry may hold.
pub const TRANSFERS_MAX: usize = 64;

/// One amount, debited to one account and credited to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawTransfer")]
pub struct Transfer {
    amount: Amount,
    credit: Account,
    debit: Account,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTransfer {
    amount: Amount,
    credit: Account,
    debit: Account,
}

impl TryFrom<RawTransfer> for Transfer {
    type Error = LedgerError;

    fn try_from(raw: RawTransfer) -> Result<Self, LedgerError> {
        Self::new(raw.debit, raw.credit, raw.amount)
    }
}

impl Transfer {
    /// A transfer of more than nothing between two different accounts.
    ///
    /// # Errors
    /// [`LedgerError::EmptyTransfer`] or [`LedgerError::SameAccount`].
    pub fn new(debit: Account, credit: Account, amount: Amount) -> Result<Self, LedgerError> {
        if amount.is_zero() {
            return Err(LedgerError::EmptyTransfer);
        }
        if debit == credit {
            return Err(LedgerError::SameAccount(debit));
        }
        Ok(Self { amount, credit, debit })
    }

    /// The account debited.
    #[must_use]
    pub const fn debit(&self) -> Account {
        self.debit
    }

    /// The account credited.
    #[must_use]
    pub const fn credit(&self) -> Account {
        self.credit
    }

    /// The amount, in minor units of the entry's currency.
    #[must_use]
    pub const fn amount(&self) -> Amount {
        self.amount
    }
}

/// One entry of the journal, in one currency.
///
/// INVARIANT: debits equal credits, because every transfer is both; no entry is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEntry")]
pub struct Entry {
    currency: Currency,
    date: Date,
    event: String,
    transfers: Vec<Transfer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    currency: Currency,
    date: Date,
    event: String,
    transfers: Vec<Transfer>,
}

impl TryFrom<RawEntry> for Entry {
    type Error = LedgerError;

    fn try_from(raw: RawEntry) -> Result<Self, LedgerError> {
        Self::new(raw.date, raw.currency, &raw.event, raw.transfers)
    }
}

impl Entry {
    /// An entry of 1 to [`TRANSFERS_MAX`] transfers.
    ///
    /// # Errors
    /// [`LedgerError::TransferCount`].
    pub fn new(date: Date, currency: Currency, event: &str, transfers: Vec<Transfer>) -> Result<Self, LedgerError> {
        if transfers.is_empty() || transfers.len() > TRANSFERS_MAX {
            return Err(LedgerError::TransferCount(transfers.len()));
        }
        Ok(Self { currency, date, event: event.to_owned(), transfers })
    }

    /// The booking date.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// The currency of every amount in it.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The event that caused it.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.event
    }

    /// Its transfers, in the order of the posting table.
    #[must_use]
    pub fn transfers(&self) -> &[Transfer] {
        &self.transfers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_does_not_balance_cannot_be_written() {
        let amount = Amount::new(5).unwrap();
        assert_eq!(Transfer::new(Account::Cash, Account::Cash, amount), Err(LedgerError::SameAccount(Account::Cash)));
        assert_eq!(Transfer::new(Account::Cash, Account::Suspense, Amount::ZERO), Err(LedgerError::EmptyTransfer));
        // Nor read: what a stored entry could say is what a new one could.
        for text in [
            r#"{"currency":"USD","date":"2026-01-01","event":"x","transfers":[]}"#,
            r#"{"currency":"USD","date":"2026-01-01","event":"x","transfers":[{"amount":0,"credit":"2910","debit":"1010"}]}"#,
            r#"{"currency":"USD","date":"2026-01-01","event":"x","transfers":[{"amount":-1,"credit":"2910","debit":"1010"}]}"#,
            r#"{"currency":"USD","date":"2026-01-01","event":"x","transfers":[{"amount":1,"debit":"1010"}]}"#,
        ] {
            assert!(serde_json::from_str::<Entry>(text).is_err(), "{text}");
        }
    }
}
