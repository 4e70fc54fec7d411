//! A part of the debt that the lender gives up.

use prequal_core::{calendar::Date, credit::EventKind, money::Amount};

use super::{Engine, part_of};
use crate::{LedgerError, event::WaivedPart, facts::Source};

impl Engine<'_> {
    pub(super) fn waive_penalty(&mut self, date: Date, amount: Amount) -> Result<(), LedgerError> {
        if self.rules.penalty.as_ref().is_some_and(|penalty| penalty.compounding) {
            return Err(LedgerError::Waiver("a compounding penalty cannot be waived; a goodwill credit can pay it"));
        }
        let place = self.note(Source::Waiver, Amount::ZERO);
        let carried = self.carried.penalty.min(amount);
        self.carried.penalty = self.carried.penalty.checked_sub(carried)?;
        if let Some(applied) = self.applied.get_mut(place) {
            applied.parts.penalty = carried;
        }
        let rest = amount.checked_sub(carried)?;
        let taken_off = self.relief(date)?.saturating_sub(self.relief_used);
        let owed = self.state(date)?.balance.penalty.saturating_sub(taken_off);
        if self.is_new && rest > owed {
            return Err(LedgerError::Waiver("no more can be waived than is owed of the part"));
        }
        self.waived_penalty = self.waived_penalty.checked_add(rest.min(owed))?;
        Ok(())
    }

    /// Another part is given up by paying it: refused where the contract's order would pay something else with it.
    /// (One of before, under which the debt has changed, takes off as much of whatever it reaches now.)
    pub(super) fn waive(&mut self, date: Date, part: WaivedPart, amount: Amount) -> Result<(), LedgerError> {
        let place = self.note(Source::Waiver, Amount::ZERO);
        let owed = part_of(&mut self.carried, part);
        let carried = (*owed).min(amount);
        *owed = owed.checked_sub(carried)?;
        if let Some(applied) = self.applied.get_mut(place) {
            *part_of(&mut applied.parts, part) = carried;
        }
        let rest = amount.checked_sub(carried)?;
        if rest.is_zero() {
            return Ok(());
        }
        let rest = if self.is_new { rest } else { rest.min(self.state(date)?.balance.total()?) };
        if rest.is_zero() {
            return Ok(());
        }
        self.send(date, EventKind::Repayment(rest), Some(place), Amount::ZERO);
        if !self.is_new {
            return Ok(());
        }
        let state = self.state(date)?;
        let mut got = state.allocations.last().map(|last| last.parts).unwrap_or_default();
        if *part_of(&mut got, part) != rest {
            return Err(LedgerError::Waiver("the order of allocation would apply the waiver to another part"));
        }
        Ok(())
    }
}
