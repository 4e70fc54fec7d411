//! Double entry, and the loan as a fold of its dated events. Pure, like core.
//!
//! Read in this order: [`account`] (the chart), [`posting`] (the table that a finance person reads),
//! [`entry`] (why nothing unbalanced can be written), [`loan`] (events to entries), [`chain`] (why no
//! change goes unseen), [`trial`] (the sums).
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]
#![forbid(unsafe_code)]

pub mod account;
pub mod chain;
pub mod entry;
mod error;
pub mod loan;
pub mod posting;
mod settle;
pub mod trial;

pub use account::{Account, Kind};
pub use chain::{Head, Sealed};
pub use entry::{Entry, Transfer};
pub use error::LedgerError;
pub use loan::{Contract, Event, Loan, Record, Status};
pub use posting::Position;
pub use trial::TrialBalance;
