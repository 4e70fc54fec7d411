//! What a merchant's refund does to a debt, and whose it is what exceeds the debt.

use prequal_core::{
    calendar::Date,
    credit::{self, EventKind, Parts},
    money::Amount,
};

use super::{Applied, Engine};
use crate::{LedgerError, facts::Source};

impl Engine<'_> {
    /// A merchant's refund reduces principal by its own order; what is left of it is money like any other.
    pub(super) fn refund(
        &mut self,
        date: Date,
        amount: Amount,
        order: Option<credit::RefundOrder>,
    ) -> Result<(), LedgerError> {
        let place = self.note(Source::Merchant, amount);
        let mut reduces = amount.min(self.refundable);
        if self.carried != Parts::default() {
            reduces = reduces.min(self.state(date)?.balance.total()?);
        }
        if !reduces.is_zero() {
            let interest_back = self.interest_back(date, reduces)?;
            self.refundable = self.refundable.checked_sub(reduces)?;
            self.send(date, EventKind::Refund { amount: reduces, order }, Some(place), Amount::ZERO);
            let relief = self.relief(date)?.saturating_sub(self.relief_used);
            let relief = if relief.is_zero() { relief } else { relief.min(self.last_penalty(date)?) };
            self.relief_used = self.relief_used.checked_add(relief)?;
            if let Some(sent) = self.sent.last_mut() {
                (sent.interest_back, sent.relief) = (interest_back, relief);
            }
        }
        let rest = amount.checked_sub(reduces)?;
        if rest.is_zero() { Ok(()) } else { self.pay(place, date, rest, EventKind::Repayment) }
    }

    /// What core gives to penalties of the event that was sent last.
    fn last_penalty(&self, date: Date) -> Result<Amount, LedgerError> {
        Ok(self.state(date)?.allocations.last().map_or(Amount::ZERO, |last| last.parts.penalty))
    }

    /// What of the interest paid a refund gives back: its share of all interest charged, less what is unpaid of it, which
    /// is merely taken off. Core tells it in one sum with the fees.
    fn interest_back(&self, date: Date, refund: Amount) -> Result<Amount, LedgerError> {
        if !self.rules.refund.interest_refunded {
            return Ok(Amount::ZERO);
        }
        let state = self.state(date)?;
        let paid = Amount::sum(state.allocations.iter().map(|one| one.parts.interest))?;
        let paid = paid.checked_sub(Amount::sum(self.sent.iter().map(|sent| sent.interest_back))?)?;
        let charged = paid.checked_add(state.balance.interest)?;
        let product = u128::from(charged.unsigned()) * u128::from(refund.unsigned());
        let back = self.terms.rounding.divide(product, u128::from(self.refundable.unsigned())).unwrap_or_default();
        Ok(Amount::try_from(back)?.saturating_sub(state.balance.interest).min(paid))
    }
}

/// Whose it is what exceeds the debt. A refund gives the price back to whoever paid it: first to the lender what it
/// forgave of the principal before, and of the costs that come back with the refund what it forgave of costs; the rest
/// is the borrower's. What the lender gave beyond the debt was never given. Gives what is left of the principal forgiven.
pub(super) fn take_back(applied: &mut [Applied]) -> Result<Amount, LedgerError> {
    let (mut principal, mut costs) = (Amount::ZERO, Amount::ZERO);
    for one in applied {
        match one.source {
            Source::Lender | Source::Waiver => {
                one.returned = one.excess;
                principal = principal.checked_add(one.parts.principal)?;
                costs = Amount::sum([costs, one.parts.interest, one.parts.fee])?;
            }
            Source::Merchant => {
                let of_principal = one.excess.min(principal);
                let credited = one.interest_credited.checked_add(one.fee_credited)?.min(costs);
                let of_costs = one.excess.checked_sub(of_principal)?.min(credited);
                principal = principal.checked_sub(of_principal)?;
                costs = costs.checked_sub(of_costs)?;
                one.returned = of_principal.checked_add(of_costs)?;
            }
            Source::Cash | Source::Withdrawal => {}
        }
    }
    Ok(principal)
}
