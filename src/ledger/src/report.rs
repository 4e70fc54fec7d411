//! What is read off the books: a loan's statement, the general ledger by account, and the close of a period.

use std::collections::BTreeMap;

use prequal_core::{calendar::Date, credit::Parts, currency::Currency, money::Amount};
use serde::{Deserialize, Serialize};

use crate::{Account, Entry, Event, LedgerError, Loan};

/// One line of a loan's statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementLine {
    /// The event's place among the loan's events, 1 for the first.
    pub number: usize,
    /// From which day it counts.
    pub value_date: Date,
    /// On which day it was booked.
    pub booked: Date,
    /// The event's name.
    pub event: &'static str,
    /// What it is about, in minor units; zero where no amount is.
    pub amount: Amount,
    /// What of the debt it paid or took off.
    pub parts: Parts,
    /// What of it is owed back.
    pub excess: Amount,
    /// Principal owed afterwards.
    pub principal_balance: Amount,
    /// Whether it was reversed, or is a payment that went back: it is shown and counts for nothing.
    pub undone: bool,
}

/// Everything that happened to a loan up to a date, by value date; what only recognizes income has no line.
///
/// # Errors
/// As [`Loan::account`].
pub fn statement(loan: &Loan, date: Date) -> Result<Vec<StatementLine>, LedgerError> {
    let start = loan.contract().terms().start;
    let facts = loan.facts();
    let run = loan.books().run(&facts.acts, loan.at_least(date))?;
    let failed = facts.payout == crate::facts::Payout::Failed;
    let mut applied = run.applied.iter();
    let mut by_record = BTreeMap::new();
    for fact in facts.acts.iter().filter(|fact| fact.is_applied()) {
        by_record.insert(fact.record, applied.next().ok_or(LedgerError::PartsDoNotAddUp)?);
    }
    let mut records: Vec<_> = loan
        .records()
        .iter()
        .enumerate()
        .filter(|(_, record)| record.event != Event::Recognized)
        .map(|(place, record)| {
            let counts = record.event.value_date().map_or(record.booked, |value_date| value_date.max(start));
            (counts, place, record)
        })
        .collect();
    records.sort_by_key(|(counts, place, _)| (*counts, *place));
    let mut lines = Vec::with_capacity(records.len());
    let mut principal = 0_i64;
    for (value_date, place, record) in records {
        let undone = facts.undone.get(place).copied().unwrap_or_default();
        let amount = amount_of(&record.event, loan);
        let (mut parts, mut excess) = (Parts::default(), Amount::ZERO);
        if let Some(applied) = by_record.get(&place) {
            // A loan that was never paid out has nothing that could be paid.
            (parts, excess) = if failed { (Parts::default(), amount) } else { (applied.parts, applied.owed_back()) };
        }
        if !undone {
            match record.event {
                Event::Booked | Event::Drawn { .. } => principal += amount.minor(),
                Event::PayoutFailed { .. } => principal = 0,
                _ => principal -= parts.principal.minor(),
            }
        }
        lines.push(StatementLine {
            number: place + 1,
            value_date,
            booked: record.booked,
            event: record.event.name(),
            amount,
            parts,
            excess,
            principal_balance: Amount::new(principal.max(0))?,
            undone,
        });
    }
    Ok(lines)
}

/// The amount that an event is about.
fn amount_of(event: &Event, loan: &Loan) -> Amount {
    match event {
        Event::Booked | Event::PayoutFailed { .. } => loan.contract().terms().principal,
        Event::PayoutSettled { .. } | Event::PayoutReturned { .. } => loan.contract().payout(),
        Event::Received { amount, .. }
        | Event::Initiated { amount, .. }
        | Event::Collected { amount, .. }
        | Event::Prepaid { amount, .. }
        | Event::Refunded { amount, .. }
        | Event::Drawn { amount, .. }
        | Event::GoodwillCredited { amount, .. }
        | Event::Waived { amount, .. }
        | Event::Disputed { amount, .. }
        | Event::Transferred { price: amount, .. }
        | Event::PartlyTakenBack { amount, .. }
        | Event::Remitted { amount }
        | Event::PaidBack { amount, .. } => *amount,
        _ => Amount::ZERO,
    }
}

/// One line of an account in the general ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    /// The booking date.
    pub date: Date,
    /// The event posted.
    pub event: String,
    /// The account on the other side.
    pub other: Account,
    /// Debited, in minor units; negative where credited.
    pub amount: i64,
    /// Debits less credits so far.
    pub balance: i64,
}

/// Every account's lines, by currency and account, in the order in which the entries were made.
#[derive(Debug, Clone, Default)]
pub struct GeneralLedger(BTreeMap<(String, Account), Vec<AccountLine>>);

impl GeneralLedger {
    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry) {
        for transfer in entry.transfers() {
            let amount = transfer.amount().minor();
            self.line(entry, transfer.debit(), transfer.credit(), amount);
            self.line(entry, transfer.credit(), transfer.debit(), -amount);
        }
    }

    fn line(&mut self, entry: &Entry, account: Account, other: Account, amount: i64) {
        let lines = self.0.entry((entry.currency().code().to_owned(), account)).or_default();
        let balance = lines.last().map_or(0, |last| last.balance).saturating_add(amount);
        lines.push(AccountLine { date: entry.date(), event: entry.event().to_owned(), other, amount, balance });
    }

    /// The lines of an account in a currency.
    #[must_use]
    pub fn of(&self, currency: Currency, account: Account) -> &[AccountLine] {
        self.0.get(&(currency.code().to_owned(), account)).map_or(&[], Vec::as_slice)
    }

    /// Every account with lines, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Account, &[AccountLine])> {
        self.0.iter().map(|((currency, account), lines)| (currency.as_str(), *account, lines.as_slice()))
    }
}

/// What may still be told of days in a period that is closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackDating {
    /// Nothing: an event with a value date in it is refused.
    #[default]
    Refused,
    /// An event with a value date in it is folded in, and its difference posted in the open period.
    PostedInTheOpenPeriod,
}

/// The close of a period: up to and with a date nothing is posted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// The last day that is closed.
    pub through: Date,
    /// What may still be told of days before.
    #[serde(default)]
    pub back_dating: BackDating,
}

impl Close {
    /// Whether an event may be booked on a date.
    ///
    /// # Errors
    /// [`LedgerError::PeriodClosed`] where its booking, or what it tells of, lies in the closed period.
    pub fn allows(&self, event: &Event, booked: Date) -> Result<(), LedgerError> {
        let told = event.value_date().filter(|_| self.back_dating == BackDating::Refused);
        if booked <= self.through || told.is_some_and(|value_date| value_date <= self.through) {
            return Err(LedgerError::PeriodClosed(self.through));
        }
        Ok(())
    }
}

impl Loan {
    /// From which day an event counts, as far as a close is concerned: a reversal from that of the event that it undoes or
    /// brings back.
    fn told_of(&self, event: &Event) -> Option<Date> {
        let mut event = event;
        // A reversal names an earlier event, so this ends.
        for _ in 0..=self.records().len() {
            let Event::Reversed { number } = event else { return event.value_date() };
            let place = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
            event = &self.records().get(place?)?.event;
        }
        None
    }

    /// Whether a close lets an event be decided on a date.
    ///
    /// # Errors
    /// [`LedgerError::PeriodClosed`] where its booking, or what it tells of or undoes, lies in the closed period.
    pub fn allowed_by(&self, close: &Close, event: &Event, booked: Date) -> Result<(), LedgerError> {
        close.allows(event, booked)?;
        let told = self.told_of(event).filter(|_| close.back_dating == BackDating::Refused);
        if told.is_some_and(|value_date| value_date <= close.through) {
            return Err(LedgerError::PeriodClosed(close.through));
        }
        Ok(())
    }

    /// As [`Loan::record`], where a period may be closed: nothing is posted into it.
    ///
    /// # Errors
    /// [`LedgerError::PeriodClosed`], and as [`Loan::record`]; the loan is unchanged then.
    pub fn record_after(
        &mut self,
        close: Option<&Close>,
        event: Event,
        booked: Date,
    ) -> Result<Option<Entry>, LedgerError> {
        if let Some(close) = close {
            self.allowed_by(close, &event, booked)?;
        }
        self.record(event, booked)
    }
}
