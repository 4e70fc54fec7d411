//! The loan: the fold of its dated events, and the journal entry that each of them makes.
//!
//! A loan's state is never stored and corrected; it is computed from its contract and its events by core's
//! closed form, for whatever date is asked. An event posts the difference between what the loan had come to
//! and what it comes to now, so an event that arrives late, with an earlier value date, needs no rule of its
//! own: the loan is folded again and the difference is posted.

use std::borrow::Cow;

use prequal_core::{
    calendar::Date,
    credit::{AccountState, INTEREST_FREE_DAYS_MAX, Parts, Rules, Terms},
    currency::Currency,
    money::Amount,
};
use serde::{Deserialize, Serialize};

use crate::{Entry, LedgerError, Position, posting, settle};

/// The most events one loan may have.
pub const EVENTS_MAX: usize = 4_096;

/// What was signed, as far as the ledger is concerned.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    terms: Terms,
    rules: Rules,
    merchant_fee: Amount,
    payout: Amount,
}

impl Contract {
    /// A contract of terms, of the rules of its life, and of the fee that is kept from the merchant's payout.
    ///
    /// # Errors
    /// [`LedgerError::PayoutNotPrincipal`] where the fee is more than what is lent; [`LedgerError::Credit`]
    /// where the terms give no schedule, or the rules contradict each other.
    pub fn new(terms: Terms, rules: Rules, merchant_fee: Amount) -> Result<Self, LedgerError> {
        let payout = terms.principal.checked_sub(merchant_fee).map_err(|_| LedgerError::PayoutNotPrincipal)?;
        // The day of the loan itself: nothing has happened, and everything is checked.
        prequal_core::credit::account_by(&terms, &rules, &[], terms.start)?;
        Ok(Self { terms, rules, merchant_fee, payout })
    }

    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The currency of every amount.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.terms.currency
    }

    /// What the merchant is paid: the principal less the merchant's fee.
    #[must_use]
    pub const fn payout(&self) -> Amount {
        self.payout
    }
}

/// What happened to a loan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The agreement was signed: the principal is lent and owed to the merchant.
    Booked,
    /// The merchant has the money.
    PayoutSettled {
        /// From which day.
        value_date: Date,
    },
    /// The merchant could not be paid: nothing was lent, no interest is owed.
    PayoutFailed {
        /// From which day.
        value_date: Date,
    },
    /// Money arrived.
    Received {
        /// In minor units.
        amount: Amount,
        /// The random id of the payment.
        payment: String,
        /// From which day it counts.
        value_date: Date,
    },
    /// Interest and fees are recognized up to the booking date, and nothing else happens.
    Recognized,
}

impl Event {
    /// The name under which it is stored and posted.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::PayoutSettled { .. } => "payout_settled",
            Self::PayoutFailed { .. } => "payout_failed",
            Self::Received { .. } => "received",
            Self::Recognized => "recognized",
        }
    }
}

/// An event with the business date on which it was booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The booking date.
    pub booked: Date,
    /// What happened.
    pub event: Event,
}

/// Where a loan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Signed; the merchant is not paid yet.
    Disbursing,
    /// Paid out and owed.
    Active,
    /// Paid back to the last cent.
    Settled,
    /// Never paid out.
    Cancelled,
}

impl Status {
    /// The name under which it is stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disbursing => "disbursing",
            Self::Active => "active",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How the payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payout {
    Pending,
    /// From which day the merchant has the money.
    Settled(Date),
    Failed,
}

/// A loan: its contract, and everything that happened to it.
#[derive(Debug, Clone)]
pub struct Loan {
    contract: Contract,
    records: Vec<Record>,
    payout: Payout,
    /// Sorted by value date, those of one date in the order in which they came.
    receipts: Vec<settle::Receipt>,
    /// Up to which date the position was posted.
    through: Date,
    position: Position,
}

impl Loan {
    /// A loan to which nothing has happened yet.
    #[must_use]
    pub fn new(contract: Contract) -> Self {
        let through = contract.terms.start;
        Self {
            contract,
            records: Vec::new(),
            payout: Payout::Pending,
            receipts: Vec::new(),
            through,
            position: Position::default(),
        }
    }

    /// A loan as its recorded events left it.
    ///
    /// # Errors
    /// [`LedgerError`], where they are no such events.
    pub fn restore(contract: Contract, records: impl IntoIterator<Item = Record>) -> Result<Self, LedgerError> {
        let mut loan = Self::new(contract);
        for record in records {
            loan.take(record)?;
        }
        if !loan.records.is_empty() {
            loan.position = loan.position_on(loan.through)?;
        }
        Ok(loan)
    }

    /// Folds an event in; gives the entry that posts it, or none where no account moves.
    ///
    /// The entry is dated with the booking date, or with the last date that was posted if that is later: what
    /// was recognized is not unrecognized by a clock that runs backwards.
    ///
    /// # Errors
    /// [`LedgerError`]; the loan is unchanged then.
    pub fn record(&mut self, event: Event, booked: Date) -> Result<Option<Entry>, LedgerError> {
        let name = event.name();
        let mut next = self.clone();
        next.take(Record { booked, event })?;
        next.position = next.position_on(next.through)?;
        let transfers = posting::transfers(&self.position, &next.position)?;
        let entry = if transfers.is_empty() {
            None
        } else {
            Some(Entry::new(next.through, self.contract.currency(), name, transfers)?)
        };
        *self = next;
        Ok(entry)
    }

    /// Takes an event in its place; the position follows later.
    fn take(&mut self, record: Record) -> Result<(), LedgerError> {
        if self.records.len() >= EVENTS_MAX {
            return Err(LedgerError::TooManyEvents);
        }
        if self.records.is_empty() != matches!(record.event, Event::Booked) {
            return Err(LedgerError::Booking);
        }
        match &record.event {
            Event::Booked | Event::Recognized => {}
            Event::PayoutSettled { .. } | Event::PayoutFailed { .. } if self.payout != Payout::Pending => {
                return Err(LedgerError::PayoutEnded);
            }
            // Money that counts from before the loan began costs nothing more.
            Event::PayoutSettled { value_date } => {
                self.payout = Payout::Settled((*value_date).max(self.contract.terms.start));
            }
            Event::PayoutFailed { .. } => self.payout = Payout::Failed,
            Event::Received { amount, value_date, .. } => {
                // Money that came before the loan began counts from its first day.
                let date = (*value_date).max(self.contract.terms.start);
                self.through = self.through.max(date);
                let place = self.receipts.partition_point(|receipt| receipt.date <= date);
                self.receipts.insert(place, settle::Receipt { date, amount: *amount });
            }
        }
        self.through = self.through.max(record.booked);
        self.records.push(record);
        Ok(())
    }

    /// What the events so far come to on a date.
    fn position_on(&self, date: Date) -> Result<Position, LedgerError> {
        if self.payout == Payout::Failed {
            let received = Amount::sum(self.receipts.iter().map(|receipt| receipt.amount))?;
            return Ok(Position { excess: received, ..Position::default() });
        }
        let lent = self.contract.terms.principal;
        let paid_out = if matches!(self.payout, Payout::Settled(_)) { self.contract.payout } else { Amount::ZERO };
        let base = Position { lent, merchant_fee: self.contract.merchant_fee, paid_out, ..Position::default() };
        settle::position(&self.terms_on(date), &self.contract.rules, &self.receipts, date, base)
    }

    /// The terms by which interest is counted: it runs from the value date of the payout, so the days before it, and
    /// all days while the merchant waits, bear none. A late payout never makes a loan dearer than what was signed.
    fn terms_on(&self, date: Date) -> Cow<'_, Terms> {
        let terms = &self.contract.terms;
        let from = match self.payout {
            Payout::Pending | Payout::Failed => date,
            Payout::Settled(value_date) => value_date,
        };
        let late = from.days().saturating_sub(terms.start.days()).clamp(0, i32::from(INTEREST_FREE_DAYS_MAX));
        let late = u16::try_from(late).unwrap_or(INTEREST_FREE_DAYS_MAX);
        if late <= terms.repayment.interest_free_days {
            return Cow::Borrowed(terms);
        }
        let mut terms = terms.clone();
        terms.repayment.interest_free_days = late;
        Cow::Owned(terms)
    }

    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> &Contract {
        &self.contract
    }

    /// Everything that happened, in the order in which it was booked.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What was posted so far.
    #[must_use]
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// Up to which date interest was recognized.
    #[must_use]
    pub const fn posted_through(&self) -> Date {
        self.through
    }

    /// Principal still owed by what was posted.
    #[must_use]
    pub fn principal_outstanding(&self) -> Amount {
        self.position.lent.saturating_sub(self.position.principal_paid)
    }

    /// The loan on a date: what settles it, in parts, and the schedule as it then stands. A date before the
    /// last receipt is taken as that receipt's date.
    ///
    /// # Errors
    /// [`LedgerError::Credit`].
    pub fn account(&self, date: Date) -> Result<AccountState, LedgerError> {
        let date = self.receipts.last().map_or(date, |last| last.date.max(date)).max(self.contract.terms.start);
        settle::account(&self.terms_on(date), &self.contract.rules, &self.receipts, date)
    }

    /// What can be paid on a date: what settles the loan, and nothing on a loan that was never paid out.
    ///
    /// # Errors
    /// [`LedgerError::Credit`].
    pub fn owed(&self, date: Date) -> Result<Parts, LedgerError> {
        if self.payout == Payout::Failed {
            return Ok(Parts::default());
        }
        Ok(self.account(date)?.balance)
    }

    /// Money received above the debt and owed back.
    #[must_use]
    pub const fn credit_balance(&self) -> Amount {
        self.position.excess
    }

    /// Where the loan stands.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.payout {
            Payout::Failed => Status::Cancelled,
            _ if !self.records.is_empty() && self.is_paid() => Status::Settled,
            Payout::Pending => Status::Disbursing,
            Payout::Settled(_) => Status::Active,
        }
    }

    /// Whether everything that was earned and lent is paid.
    fn is_paid(&self) -> bool {
        let position = &self.position;
        position.lent == position.principal_paid
            && position.interest_earned == position.interest_paid
            && position.fee_earned == position.fee_paid
            && position.penalty_earned == position.penalty_paid
    }
}
