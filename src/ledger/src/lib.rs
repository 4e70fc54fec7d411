//! Double entry, and the loan as a fold of its dated events. Pure, like core.
//!
//! Read in this order: [`account`] (the chart), [`posting`] (the table that a finance person reads),
//! [`entry`] (why nothing unbalanced can be written), [`event`] (what can happen), [`loan`] (events to entries),
//! [`servicing`] (late, non-accrual, allowance), [`funding`] (who finances it), [`router`] (how they are found),
//! [`ratio`] (how much of the book they may be), [`merchant`] (settling with shops), [`line`] (limits and exposure),
//! [`order`] and [`capture`] (what is held, and what becomes of a part of it),
//! [`chain`], [`merkle`] and [`export`] (why no change goes unseen), [`trial`] and [`report`] (the sums).
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]
#![forbid(unsafe_code)]

pub mod account;
pub mod bill;
mod books;
pub mod capture;
pub mod chain;
mod engine;
pub mod entry;
mod error;
pub mod event;
pub mod export;
mod facts;
pub mod funding;
pub mod line;
pub mod loan;
pub mod merchant;
pub mod merkle;
pub mod order;
pub mod posting;
pub mod ratio;
pub mod report;
pub mod router;
pub mod servicing;
pub mod trial;

pub use account::{Account, Kind};
pub use capture::{CaptureRefusal, Law, Made, Share, capture_offer, capture_offer_up_to};
pub use chain::{Head, Sealed};
pub use entry::{Entry, Transfer};
pub use error::LedgerError;
pub use event::{
    Confirmation, ConfirmationMethod, Event, FIRST_DUE_DAYS_MAX, NewSchedule, Record, SCHEDULE_DAYS_MAX, WaivedPart,
};
pub use facts::PAUSES_MAX;
pub use funding::{Funder, FunderPosition, Funding, GuarantorFee, Moved};
pub use line::{Ceiling, Claim, ClaimKind, Hold, Line, LineEvent, admit};
pub use loan::{Contract, Loan, Status};
pub use merkle::DayHead;
pub use order::{End, Order, OrderRefusal, OrderState};
pub use posting::Position;
pub use ratio::{Passed, Ratios, Totals};
pub use report::{BackDating, Close, GeneralLedger, StatementLine, statement};
pub use servicing::{AllowanceStage, Bucket, Delinquency, Materiality, Servicing};
pub use trial::TrialBalance;
