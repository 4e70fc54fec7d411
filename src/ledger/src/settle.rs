//! From contract and receipts to a position, by core's account.

use prequal_core::{
    calendar::Date,
    credit::{self, AccountState, EventKind, Parts, Rules, Terms},
    money::Amount,
};

use crate::{LedgerError, Position};

/// Money that counts from a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    pub date: Date,
    pub amount: Amount,
}

/// The loan as core sees it on a date.
///
/// # Errors
/// [`LedgerError::Credit`].
pub fn account(terms: &Terms, rules: &Rules, receipts: &[Receipt], date: Date) -> Result<AccountState, LedgerError> {
    let events: Vec<credit::Event> = receipts
        .iter()
        .map(|receipt| credit::Event { id: None, date: receipt.date, kind: EventKind::Repayment(receipt.amount) })
        .collect();
    Ok(credit::account_by(terms, rules, &events, date)?)
}

/// Adds to a position what was earned and paid up to a date.
///
/// # Errors
/// [`LedgerError::Credit`], and [`LedgerError::PartsDoNotAddUp`] where what core applied is not what was
/// received: nothing is posted then.
pub fn position(
    terms: &Terms,
    rules: &Rules,
    receipts: &[Receipt],
    date: Date,
    base: Position,
) -> Result<Position, LedgerError> {
    let state = account(terms, rules, receipts, date)?;
    let sum = |part: fn(&Parts) -> Amount| Amount::sum(state.allocations.iter().map(|applied| part(&applied.parts)));
    let interest_paid = sum(|parts| parts.interest)?;
    let fee_paid = sum(|parts| parts.fee)?;
    let penalty_paid = sum(|parts| parts.penalty)?;
    let principal_paid = sum(|parts| parts.principal)?;
    let excess = state.unapplied;
    let received = Amount::sum(receipts.iter().map(|receipt| receipt.amount))?;
    let applied = Amount::sum([interest_paid, fee_paid, penalty_paid, principal_paid, excess])?;
    if received != applied || base.lent != principal_paid.checked_add(state.balance.principal)? {
        return Err(LedgerError::PartsDoNotAddUp);
    }
    Ok(Position {
        interest_earned: interest_paid.checked_add(state.balance.interest)?,
        fee_earned: fee_paid.checked_add(state.balance.fee)?,
        penalty_earned: penalty_paid.checked_add(state.balance.penalty)?,
        penalty_paid,
        fee_paid,
        interest_paid,
        principal_paid,
        excess,
        ..base
    })
}
