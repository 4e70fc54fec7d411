//! The loan: the fold of its dated events, and the journal entry that each of them makes.
//!
//! A loan's state is never stored and corrected; it is computed from its contract and its events by core's
//! closed form, for whatever date is asked. An event posts the difference between what the loan had come to
//! and what it comes to now, so an event that arrives late, with an earlier value date, needs no rule of its
//! own: the loan is folded again and the difference is posted. Nor does the undoing of an event.

use prequal_core::{
    calendar::Date,
    credit::{AccountState, INTEREST_FREE_DAYS_MAX, Parts, Rules, Terms},
    currency::Currency,
    money::Amount,
};

use crate::{
    Entry, Event, LedgerError, Position, Record,
    books::{self, Books},
    facts::{Facts, Payout},
    posting,
    servicing::{Delinquency, Servicing},
};

/// The most events one loan may have by anybody's decision.
pub const EVENTS_MAX: usize = 4_096;

/// The most it may have with money that arrives, which nobody decides.
pub const EVENTS_MAX_WITH_RECEIPTS: usize = 2 * EVENTS_MAX;

/// The most it may have in all. Whatever becomes of money that is booked always finds room: each receipt clears and goes
/// back once.
pub const EVENTS_MAX_IN_ALL: usize = 4 * EVENTS_MAX_WITH_RECEIPTS;

/// How many events a loan may have before this one.
const fn room_for(event: &Event) -> usize {
    match event {
        Event::Received { .. } | Event::Collected { .. } | Event::Initiated { .. } => EVENTS_MAX_WITH_RECEIPTS,
        Event::PayoutSettled { .. }
        | Event::PayoutFailed { .. }
        | Event::PayoutReturned { .. }
        | Event::Cleared { .. }
        | Event::Returned { .. }
        | Event::ChargedBack { .. }
        | Event::PartlyTakenBack { .. }
        | Event::PaidBack { .. }
        | Event::Reversed { .. } => EVENTS_MAX_IN_ALL,
        _ => EVENTS_MAX,
    }
}

/// What was signed, as far as the ledger is concerned, and how the loan is served.
#[derive(Debug, Clone, PartialEq)]
pub struct Contract {
    terms: Terms,
    rules: Rules,
    merchant_fee: Amount,
    payout: Amount,
    servicing: Servicing,
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
        Ok(Self { terms, rules, merchant_fee, payout, servicing: Servicing::default() })
    }

    /// The same contract, served by these rules.
    ///
    /// # Errors
    /// [`LedgerError::Servicing`] where they contradict themselves.
    pub fn served_by(self, servicing: Servicing) -> Result<Self, LedgerError> {
        servicing.check()?;
        Ok(Self { servicing, ..self })
    }

    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The rules of its life.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How it is served.
    #[must_use]
    pub const fn servicing(&self) -> &Servicing {
        &self.servicing
    }

    /// The currency of every amount.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.terms.currency
    }

    /// The fee kept from the merchant's payout.
    #[must_use]
    pub const fn merchant_fee(&self) -> Amount {
        self.merchant_fee
    }

    /// What the merchant is paid: the principal less the merchant's fee.
    #[must_use]
    pub const fn payout(&self) -> Amount {
        self.payout
    }

    /// The terms by which interest is counted: it runs from the value date of the payout, so the days before it, and
    /// all days while the merchant waits, bear none. A late payout never makes a loan dearer than what was signed.
    pub(crate) fn terms_from(&self, payout: Payout, date: Date) -> Terms {
        let mut terms = self.terms.clone();
        let from = match payout {
            Payout::Pending | Payout::Failed => date,
            Payout::Settled(value_date) => value_date,
        };
        let late = from.days().saturating_sub(terms.start.days()).clamp(0, i32::from(INTEREST_FREE_DAYS_MAX));
        let late = u16::try_from(late).unwrap_or(INTEREST_FREE_DAYS_MAX);
        terms.repayment.interest_free_days = terms.repayment.interest_free_days.max(late);
        terms
    }
}

/// Where a loan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Signed; the merchant is not paid yet.
    Disbursing,
    /// Paid out and owed.
    Active,
    /// Paid back to the last cent, and the money is final.
    Settled,
    /// Never paid out.
    Cancelled,
    /// Given up; what comes is a recovery.
    ChargedOff,
    /// Sold; what comes belongs to the new owner.
    Transferred,
    /// Settled, and the file is closed.
    Closed,
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
            Self::ChargedOff => "charged_off",
            Self::Transferred => "transferred",
            Self::Closed => "closed",
        }
    }
}

/// A loan: its contract, and everything that happened to it.
#[derive(Debug, Clone)]
pub struct Loan {
    contract: Contract,
    records: Vec<Record>,
    facts: Facts,
    /// Up to which date the position was posted.
    through: Date,
    position: Position,
}

impl Loan {
    /// A loan to which nothing has happened yet.
    #[must_use]
    pub fn new(contract: Contract) -> Self {
        let through = contract.terms.start;
        Self { contract, records: Vec::new(), facts: Facts::default(), through, position: Position::default() }
    }

    /// A loan as its recorded events left it.
    ///
    /// # Errors
    /// [`LedgerError`], where they are no such events.
    pub fn restore(contract: Contract, records: impl IntoIterator<Item = Record>) -> Result<Self, LedgerError> {
        let mut loan = Self::new(contract);
        loan.records = records.into_iter().collect();
        if !loan.records.is_empty() {
            loan.fold(None)?;
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
        self.may_follow(&event)?;
        let mut next = self.clone();
        next.records.push(Record { booked, event });
        next.fold(Some(self.records.len()))?;
        let transfers = posting::transfers(&self.position, &next.position)?;
        let entry = if transfers.is_empty() {
            None
        } else {
            Some(Entry::new(next.through, self.contract.currency(), name, transfers)?)
        };
        *self = next;
        Ok(entry)
    }

    /// What an event needs of the state before it. (Afterwards a return may take away what it rested on: then the
    /// borrower, or the new owner, owes it.)
    fn may_follow(&self, event: &Event) -> Result<(), LedgerError> {
        if self.records.len() >= room_for(event) {
            return Err(LedgerError::TooManyEvents);
        }
        match event {
            Event::PaidBack { amount, .. } if *amount > self.credit_balance() => {
                Err(LedgerError::MoreThanHeld(self.credit_balance()))
            }
            Event::Remitted { amount } if *amount > self.held_for_owner() => {
                Err(LedgerError::MoreThanHeld(self.held_for_owner()))
            }
            Event::Closed if self.status() != Status::Settled || !self.credit_balance().is_zero() => {
                Err(LedgerError::NotSettled)
            }
            _ => Ok(()),
        }
    }

    /// Computes everything anew from contract and records. What is new is judged; what was recorded before stands, also
    /// where the debt under it has changed since.
    fn fold(&mut self, newest: Option<usize>) -> Result<(), LedgerError> {
        if self.records.len() > EVENTS_MAX_IN_ALL {
            return Err(LedgerError::TooManyEvents);
        }
        let terms = &self.contract.terms;
        self.facts = Facts::of(&self.records, terms.start, terms.principal)?;
        self.facts.newest = newest;
        self.through = self.facts.through.map_or(terms.start, |through| through.max(terms.start));
        self.position = self.books().position(self.through)?;
        self.facts.newest = None;
        Ok(())
    }

    pub(crate) const fn books(&self) -> Books<'_> {
        Books { contract: &self.contract, facts: &self.facts }
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

    /// Which of the records are in force, by their places: a reversal takes its record out.
    #[must_use]
    pub fn in_force(&self) -> Vec<bool> {
        crate::facts::in_force(&self.records).unwrap_or_default()
    }

    /// Debits collected that the payer's bank may still take back.
    #[must_use]
    pub const fn uncleared(&self) -> Amount {
        self.facts.uncleared
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
        Amount::new(self.position.net(crate::Account::PrincipalReceivable)).unwrap_or_default()
    }

    /// The loan on a date: what settles it, in parts, and the schedule as it then stands. A date before the
    /// last event is taken as that event's date.
    ///
    /// # Errors
    /// [`LedgerError::Credit`].
    pub fn account(&self, date: Date) -> Result<AccountState, LedgerError> {
        let date = self.at_least(date);
        Ok(self.books().run(&self.facts.acts, date)?.state)
    }

    /// How late the loan is on a date.
    ///
    /// # Errors
    /// As [`Loan::account`].
    pub fn delinquency(&self, date: Date) -> Result<Delinquency, LedgerError> {
        let date = self.at_least(date);
        if self.facts.payout == Payout::Failed {
            return Ok(Delinquency::default());
        }
        let run = self.books().run(&self.facts.acts, date)?;
        self.books().delinquency(&run, date)
    }

    /// What is disputed on a date: until the dispute is over it is not collected.
    ///
    /// # Errors
    /// [`LedgerError::Money`] beyond the range of amounts.
    pub fn disputed(&self, date: Date) -> Result<Amount, LedgerError> {
        self.facts.disputed(date)
    }

    /// Principal that stood at the end of a day, by all that is known now.
    pub(crate) fn stood_on(&self, date: Date) -> Result<Amount, LedgerError> {
        let count = self.facts.acts.iter().take_while(|act| act.date <= date).count();
        let acts = self.facts.acts.get(..count).unwrap_or_default();
        Ok(self.books().run(acts, date.max(self.contract.terms.start))?.state.balance.principal)
    }

    pub(crate) const fn facts(&self) -> &Facts {
        &self.facts
    }

    pub(crate) fn at_least(&self, date: Date) -> Date {
        self.facts.acts.last().map_or(date, |last| last.date.max(date)).max(self.contract.terms.start)
    }

    /// What can be paid on a date: what settles the loan, the claim that is left of one that was given up, and
    /// nothing on a loan that was never paid out.
    ///
    /// # Errors
    /// [`LedgerError::Credit`].
    pub fn owed(&self, date: Date) -> Result<Parts, LedgerError> {
        match self.status() {
            Status::Cancelled => Ok(Parts::default()),
            Status::ChargedOff => {
                let claim = books::charged_off(&self.position)?;
                let come = Amount::sum([self.position.recovered, self.position.refund_recovered])?;
                Ok(Parts { principal: claim.saturating_sub(come), ..Parts::default() })
            }
            _ => Ok(self.account(date)?.balance),
        }
    }

    /// Money received above the debt and owed back.
    #[must_use]
    pub fn credit_balance(&self) -> Amount {
        Amount::new(-self.position.net(crate::Account::CustomerCredit)).unwrap_or_default()
    }

    /// Money paid back to the borrower that was taken back from the lender afterwards: the borrower owes it.
    #[must_use]
    pub fn overpaid_back(&self) -> Amount {
        Amount::new(self.position.net(crate::Account::CustomerCredit)).unwrap_or_default()
    }

    /// Money held for the owner of a loan that was sold.
    #[must_use]
    pub fn held_for_owner(&self) -> Amount {
        Amount::new(-self.position.net(crate::Account::OwnerPayable)).unwrap_or_default()
    }

    /// Principal repaid by money that is final, or never lent because the payout failed: what a line of credit may
    /// lend again. What was given up or sold has not come back.
    #[must_use]
    pub fn principal_restored(&self) -> Amount {
        if self.facts.payout == Payout::Failed {
            return self.contract.terms.principal;
        }
        let Position { lent, drawn, principal_charged_off, principal_sold, .. } = self.position;
        let lost = principal_charged_off.checked_add(principal_sold).unwrap_or(principal_charged_off);
        let gone = self.principal_outstanding().checked_add(lost).unwrap_or(lost);
        let repaid = lent.checked_add(drawn).unwrap_or(lent).saturating_sub(gone);
        repaid.saturating_sub(self.facts.uncleared)
    }

    /// Principal that the borrower still has to pay, or will have to if what was collected comes back, to whomever it
    /// belongs: what is owed, and of what was given up or sold what has not come since. What comes of a claim that was
    /// given up pays its interest and fees first.
    #[must_use]
    pub fn exposure(&self) -> Amount {
        let position = &self.position;
        // More than can be counted is as much as can be: never less than is owed.
        let sum = |[one, other]: [Amount; 2]| one.checked_add(other).unwrap_or(Amount::MAX);
        // Money that is not final is the latest that came: first of what came after the end, then of what came before.
        let since = sum([position.recovered, position.owner_collected]);
        let uncleared_since = self.facts.uncleared.min(since);
        let uncleared_before = self.facts.uncleared.saturating_sub(uncleared_since).min(position.principal_paid);
        let given_up = if position.principal_charged_off.is_zero() {
            Amount::ZERO
        } else {
            let claim = books::charged_off(position).unwrap_or(position.principal_charged_off);
            let come = sum([since, sum([position.refund_recovered, position.owner_refunded])]);
            sum([claim.saturating_sub(come), uncleared_since]).min(position.principal_charged_off)
        };
        let sold = if position.principal_sold.is_zero() {
            Amount::ZERO
        } else {
            // The schedule goes on for the new owner; without it, nothing is known to have come.
            let owed = self.account(self.through).map_or(position.principal_sold, |state| state.balance.principal);
            sum([owed, uncleared_since]).min(position.principal_sold)
        };
        sum([sum([self.principal_outstanding(), uncleared_before]), sum([given_up, sold])])
    }

    /// Where the loan stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let position = &self.position;
        let sold = self.facts.acts.iter().any(|fact| matches!(fact.act, crate::facts::Act::Sell { .. }));
        let given_up = self.facts.acts.iter().any(|fact| matches!(fact.act, crate::facts::Act::ChargeOff));
        match self.facts.payout {
            Payout::Failed => Status::Cancelled,
            _ if sold => Status::Transferred,
            _ if given_up => Status::ChargedOff,
            _ if !self.records.is_empty() && self.is_paid() => {
                if self.facts.closed && position.net(crate::Account::CustomerCredit) == 0 {
                    Status::Closed
                } else {
                    Status::Settled
                }
            }
            Payout::Pending => Status::Disbursing,
            Payout::Settled(_) => Status::Active,
        }
    }

    /// Whether everything that was earned and lent is paid, with money that is final.
    fn is_paid(&self) -> bool {
        use crate::Account as A;
        let receivables = [A::PrincipalReceivable, A::InterestReceivable, A::FeeReceivable, A::PenaltyReceivable];
        receivables.iter().all(|account| self.position.net(*account) == 0)
            && self.facts.uncleared.is_zero()
            && self.overpaid_back().is_zero()
    }
}
