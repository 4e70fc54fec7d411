//! Notices that money arrived: by what they are known again, and from which day the money counts.

use prequal_core::{calendar::Date, currency::Currency, money::Amount};
use prequal_ledger::Loan;

use crate::{
    problem::{Kind, Problem},
    secret,
    vault::Vault,
};

/// How many days before the business date the value date of a payout may lie; an earlier one counts as the earliest. That of
/// money which came may lie further back within the loan's time, and is told of in the log.
pub const VALUE_DATE_DAYS_BACK_MAX: i32 = 31;

/// By what bytes are known again that may hold what a person wrote: a keyed digest, which is what is kept. Notices that
/// were taken by earlier programs were kept by a plain one.
#[derive(Debug, Clone)]
pub struct Mark {
    keyed: String,
    plain: String,
}

impl Mark {
    /// The mark of bytes.
    #[must_use]
    pub fn of(vault: &Vault, bytes: &[u8]) -> Self {
        Self { keyed: vault.digest("notice", bytes), plain: secret::sha256_hex(bytes) }
    }

    /// What is kept of it.
    #[must_use]
    pub fn kept(&self) -> &str {
        &self.keyed
    }

    /// Whether what was kept is of the same bytes.
    #[must_use]
    pub fn is(&self, kept: &str) -> bool {
        kept == self.keyed || kept == self.plain
    }
}

/// A verified notice that money arrived.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The hash of the notice's own id.
    pub delivery: String,
    /// Of the notice's bytes.
    pub fingerprint: Mark,
    /// The hash of the transfer that it is about.
    pub transfer: String,
    /// Of what it says of that transfer.
    pub content: Mark,
    /// The provider's id of the transfer.
    pub id: String,
    /// Our id of the payment, or a loan's.
    pub reference: String,
    /// What arrived, more than nothing.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// From which day it counts, as the provider says.
    pub value_date: Date,
}

/// What became of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The money is in a loan's books.
    Booked,
    /// It was booked before.
    Known,
    /// It belongs to no loan, and nothing was done.
    Unknown,
}

/// From which day money counts that came: it is always booked, whatever date the notice gives it, and a shopper pays no
/// interest for how long the notice took. But a date in the future would charge interest that is not owed yet; and one
/// from before there was a loan is a mistake that would forgive what is owed, so it counts from a while ago at most. What
/// is unusual is told of in the log.
///
/// # Errors
/// 500 where the calendar ends.
pub fn counted_from(transfer: &str, given: Date, loan: &Loan, today: Date) -> Result<Date, Problem> {
    let start = loan.contract().terms().start;
    let usual = today.add_days(-VALUE_DATE_DAYS_BACK_MAX).map_err(Problem::internal)?;
    let date = if given < start { usual.max(start) } else { given.min(today) };
    if date != given || date < usual {
        tracing::warn!(?transfer, %given, counted = %date, "money came with an unusual value date");
    }
    Ok(date)
}

/// From which day a payout counts: from there on the loan bears interest, so one long ago is not believed.
///
/// # Errors
/// 500 where the calendar ends.
pub fn paid_out_from(transfer: &str, given: Date, loan: &Loan, today: Date) -> Result<Date, Problem> {
    let earliest = today.add_days(-VALUE_DATE_DAYS_BACK_MAX).map_err(Problem::internal)?;
    let date = given.min(today).max(earliest);
    if date != given {
        tracing::warn!(?transfer, %given, counted = %date, "the value date of a payout was out of bounds");
    }
    Ok(date.max(loan.contract().terms().start))
}

/// The same notice came with other bytes before.
#[must_use]
pub fn another_body() -> Problem {
    Problem::new(Kind::IdempotencyConflict, "this `webhook-id` came with another body before")
}

/// Another notice said something else of the same transfer.
#[must_use]
pub fn differs(transfer: &str) -> Problem {
    tracing::error!(?transfer, "a notice says of a known transfer what it did not say before");
    let detail = "another notice of this transfer had another reference, amount, currency or value date";
    Problem::new(Kind::TransferDiffers, detail).with("pointer", "/data")
}
