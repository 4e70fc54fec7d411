//! From a loan's facts to its [`Position`]: what stands in the books on a date.

use prequal_core::{calendar::Date, credit::Parts, money::Amount};

use crate::{
    Account, LedgerError, Position,
    engine::{Applied, Engine, Run},
    facts::{Act, Fact, Facts, Payout, Source},
    loan::Contract,
    servicing::{Arrears, Delinquency},
};

/// Adds to one quantity.
fn add(quantity: &mut Amount, amount: Amount) -> Result<(), LedgerError> {
    *quantity = quantity.checked_add(amount)?;
    Ok(())
}

fn take_from(quantity: &mut Amount, amount: Amount) -> Result<(), LedgerError> {
    *quantity = quantity.checked_sub(amount).map_err(|_| LedgerError::PartsDoNotAddUp)?;
    Ok(())
}

/// The contract and the facts of one loan.
#[derive(Clone, Copy)]
pub(crate) struct Books<'a> {
    pub contract: &'a Contract,
    pub facts: &'a Facts,
}

impl Books<'_> {
    /// The loan on a date, counting so many of its acts.
    pub(crate) fn run(&self, acts: &[Fact], date: Date) -> Result<Run, LedgerError> {
        let terms = self.contract.terms_from(self.facts.payout, date);
        let contract = self.contract;
        let mut engine = Engine::new(terms, contract.rules(), self.facts, contract.servicing().re_ageings_max)?;
        for fact in acts {
            engine.take(fact)?;
        }
        engine.finish(date)
    }

    /// How late the loan is.
    pub(crate) fn delinquency(&self, run: &Run, date: Date) -> Result<Delinquency, LedgerError> {
        let arrears = Arrears {
            installments: &run.state.installments,
            owed: run.balance.total()?,
            disputed: self.facts.disputed(date)?,
            aged_from: run.aged_from,
        };
        self.contract.servicing().delinquency(&arrears, date)
    }

    /// What the facts come to on a date, none of them later.
    pub(crate) fn position(&self, date: Date) -> Result<Position, LedgerError> {
        let facts = self.facts;
        let mut position = if facts.payout == Payout::Failed { self.never_lent()? } else { self.lent(date)? };
        position.uncleared = facts.uncleared;
        position.paid_back = facts.paid_back;
        position.remitted = facts.remitted;
        Ok(position)
    }

    /// Nothing was lent: what the borrower paid is owed back. A merchant who was not paid has nothing to refund, and the
    /// lender nothing to forgive.
    fn never_lent(&self) -> Result<Position, LedgerError> {
        let mut position = Position::default();
        for (source, amount) in self.facts.acts.iter().filter_map(|fact| fact.act.money()) {
            if source == Source::Cash {
                add(&mut position.excess, amount)?;
            }
        }
        Ok(position)
    }

    fn lent(&self, date: Date) -> Result<Position, LedgerError> {
        let acts = self.facts.acts.as_slice();
        let end = acts.iter().position(|fact| matches!(fact.act, Act::ChargeOff | Act::Sell { .. }));
        let Some(end) = end else { return Ok(self.own(acts, date)?.0) };
        let (before, after) = acts.split_at(end);
        let Some((last, after)) = after.split_first() else { return Ok(self.own(acts, date)?.0) };
        let (mut position, forgiven) = self.own(before, last.date)?;
        match last.act {
            Act::Sell { price } => {
                give_up(&mut position, true)?;
                position.sale_price = price;
                let run = self.run(acts, date)?;
                let mut later = run.applied.iter().skip(before.iter().filter(|fact| fact.is_applied()).count());
                for (source, amount) in after.iter().filter_map(|fact| fact.act.money()) {
                    let applied = later.next().ok_or(LedgerError::PartsDoNotAddUp)?;
                    to_owner(&mut position, source, amount, (applied.excess, applied.returned))?;
                }
            }
            _ => self.after_charge_off(&mut position, after, forgiven)?,
        }
        Ok(position)
    }

    /// A claim that was given up stands still: what comes recovers it, for whom it belongs to; what exceeds it is
    /// owed back, of a refund only what exceeds the principal forgiven before too.
    fn after_charge_off(
        &self,
        position: &mut Position,
        after: &[Fact],
        mut forgiven: Amount,
    ) -> Result<(), LedgerError> {
        give_up(position, false)?;
        let mut claim = charged_off(position)?;
        let mut sold = false;
        for fact in after {
            if let Act::Sell { price } = fact.act {
                position.sale_price = price;
                sold = true;
            }
            let Some((source, amount)) = fact.act.money() else { continue };
            let recovered = amount.min(claim);
            claim = claim.checked_sub(recovered)?;
            let excess = amount.checked_sub(recovered)?;
            let returned = if source == Source::Merchant { excess.min(forgiven) } else { Amount::ZERO };
            forgiven = forgiven.checked_sub(returned)?;
            if sold {
                to_owner(position, source, amount, (excess, returned))?;
                continue;
            }
            let quantity =
                if source == Source::Merchant { &mut position.refund_recovered } else { &mut position.recovered };
            add(quantity, recovered)?;
            add_excess(position, source, excess, returned)?;
        }
        Ok(())
    }

    /// The books of a loan that is the lender's own, and the principal that was forgiven and not refunded.
    fn own(&self, acts: &[Fact], date: Date) -> Result<(Position, Amount), LedgerError> {
        let run = self.run(acts, date)?;
        let contract = self.contract;
        let mut position = Position {
            lent: contract.terms().principal,
            merchant_fee: contract.merchant_fee(),
            paid_out: if matches!(self.facts.payout, Payout::Settled(_)) { contract.payout() } else { Amount::ZERO },
            drawn: run.drawn,
            penalty_waived: run.relief,
            ..Position::default()
        };
        let mut sums = Parts::default();
        for applied in &run.applied {
            post(&mut position, applied)?;
            add(&mut sums.principal, applied.parts.principal)?;
            add(&mut sums.interest, applied.parts.interest)?;
            add(&mut sums.fee, applied.parts.fee)?;
            add(&mut sums.penalty, applied.parts.penalty)?;
        }
        let given_back = |of: fn(&Applied) -> Amount| Amount::sum(run.applied.iter().map(of));
        position.interest_earned = sums.interest.checked_add(run.balance.interest)?;
        take_from(&mut position.interest_earned, given_back(|one| one.interest_credited)?)?;
        position.fee_earned = sums.fee.checked_add(run.balance.fee)?;
        take_from(&mut position.fee_earned, given_back(|one| one.fee_credited)?)?;
        position.penalty_earned = Amount::sum([sums.penalty, run.balance.penalty, run.relief])?;
        take_from(&mut position.penalty_earned, given_back(|one| one.penalty_credited)?)?;
        check(&position, &run, &sums)?;
        self.assess(&mut position, &run, date)?;
        Ok((position, run.forgiven))
    }

    /// Suspense and allowance by days past due.
    fn assess(&self, position: &mut Position, run: &Run, date: Date) -> Result<(), LedgerError> {
        let servicing = self.contract.servicing();
        let late = self.delinquency(run, date)?;
        let days = late.days_past_due;
        if servicing.is_non_accrual(days) {
            position.interest_suspended = run.balance.interest;
            position.penalty_suspended = run.balance.penalty;
        }
        let suspended = position.interest_suspended.checked_add(position.penalty_suspended)?;
        let receivable = run.balance.total()?.checked_sub(suspended)?;
        position.allowance = servicing.allowance_for(receivable, days)?;
        Ok(())
    }
}

/// What exceeds a debt: the borrower's, but for what was the lender's before.
fn add_excess(position: &mut Position, source: Source, excess: Amount, returned: Amount) -> Result<(), LedgerError> {
    match source {
        Source::Merchant => {
            add(&mut position.refund_returned, returned)?;
            add(&mut position.refund_excess, excess.checked_sub(returned)?)
        }
        Source::Lender | Source::Waiver => Ok(()),
        Source::Cash | Source::Withdrawal => add(&mut position.excess, excess),
    }
}

/// What an act paid, by whose money it was.
fn post(position: &mut Position, one: &Applied) -> Result<(), LedgerError> {
    let Parts { principal, interest, fee, penalty } = one.parts;
    let quantities = match one.source {
        Source::Cash | Source::Withdrawal => [
            (&mut position.principal_paid, principal),
            (&mut position.interest_paid, interest),
            (&mut position.fee_paid, fee),
            (&mut position.penalty_paid, penalty),
        ],
        Source::Merchant => [
            (&mut position.principal_refunded, principal),
            (&mut position.interest_refunded, interest),
            (&mut position.fee_refunded, fee),
            (&mut position.penalty_refunded, penalty),
        ],
        Source::Lender => [
            (&mut position.principal_goodwill, principal),
            (&mut position.interest_goodwill, interest),
            (&mut position.fee_goodwill, fee),
            (&mut position.penalty_goodwill, penalty),
        ],
        Source::Waiver => [
            (&mut position.principal_goodwill, principal),
            (&mut position.interest_waived, interest),
            (&mut position.fee_waived, fee),
            (&mut position.penalty_waived, penalty),
        ],
    };
    for (quantity, amount) in quantities {
        add(quantity, amount)?;
    }
    add_excess(position, one.source, one.excess, one.returned)?;
    add(&mut position.interest_given_back, one.interest_credited)?;
    let fees = match one.source {
        Source::Merchant => &mut position.fee_refund_given_back,
        Source::Lender | Source::Waiver => &mut position.fee_goodwill_given_back,
        Source::Cash | Source::Withdrawal => &mut position.fee_given_back,
    };
    add(fees, one.fee_credited)?;
    add(&mut position.penalty_given_back, one.penalty_credited)
}

/// The parts are the whole: of every act, of the principal, and of every receivable.
fn check(position: &Position, run: &Run, sums: &Parts) -> Result<(), LedgerError> {
    for one in run.applied.iter().filter(|one| one.source != Source::Waiver) {
        let got = Amount::sum([one.amount, one.interest_credited, one.fee_credited, one.penalty_credited])?;
        if got != one.parts.total()?.checked_add(one.excess)? {
            return Err(LedgerError::PartsDoNotAddUp);
        }
    }
    let receivables = [
        (Account::PrincipalReceivable, run.balance.principal),
        (Account::InterestReceivable, run.balance.interest),
        (Account::FeeReceivable, run.balance.fee),
        (Account::PenaltyReceivable, run.balance.penalty),
    ];
    let whole = position.lent.checked_add(position.drawn)? == sums.principal.checked_add(run.balance.principal)?;
    if !whole || receivables.iter().any(|(account, owed)| position.net(*account) != owed.minor()) {
        return Err(LedgerError::PartsDoNotAddUp);
    }
    Ok(())
}

/// All that is receivable leaves the books: as a loss, or as sold.
fn give_up(position: &mut Position, sold: bool) -> Result<(), LedgerError> {
    let principal = position.receivable(Account::PrincipalReceivable)?;
    let interest = position.receivable(Account::InterestReceivable)?;
    let fee = position.receivable(Account::FeeReceivable)?;
    let penalty = position.receivable(Account::PenaltyReceivable)?;
    let suspended = position.interest_suspended.checked_add(position.penalty_suspended)?;
    position.allowance = Amount::ZERO;
    if sold {
        (position.principal_sold, position.interest_sold) = (principal, interest);
        (position.fee_sold, position.penalty_sold) = (fee, penalty);
        position.suspense_sold = suspended;
    } else {
        (position.principal_charged_off, position.interest_charged_off) = (principal, interest);
        (position.fee_charged_off, position.penalty_charged_off) = (fee, penalty);
        position.suspense_charged_off = suspended;
    }
    Ok(())
}

/// What was given up as a loss.
pub(crate) fn charged_off(position: &Position) -> Result<Amount, LedgerError> {
    Ok(Amount::sum([
        position.principal_charged_off,
        position.interest_charged_off,
        position.fee_charged_off,
        position.penalty_charged_off,
    ])?)
}

/// What comes for the new owner of a loan; `excess` beyond what is owed, and what of that is the seller's again.
fn to_owner(
    position: &mut Position,
    source: Source,
    amount: Amount,
    (excess, returned): (Amount, Amount),
) -> Result<(), LedgerError> {
    let quantity =
        if source == Source::Merchant { &mut position.owner_refunded } else { &mut position.owner_collected };
    add(quantity, amount.saturating_sub(excess))?;
    add_excess(position, source, excess, returned)
}
