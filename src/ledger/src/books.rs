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

    /// Nothing was lent: what the borrower paid is owed back, and to a new owner what was paid for nothing. A merchant who
    /// was not paid has nothing to refund, and the lender nothing to forgive.
    fn never_lent(&self) -> Result<Position, LedgerError> {
        let mut position = Position::default();
        for fact in &self.facts.acts {
            if let Act::Sell { price } = fact.act {
                add(&mut position.owner_collected, price)?;
            }
        }
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

#[cfg(test)]
mod tests {
    use prequal_core::{calendar::Date, credit::Rules, money::Amount};

    use crate::{Account as A, Contract, Event, Loan, Status};

    fn amount(minor: i64) -> Amount {
        Amount::new(minor).unwrap()
    }

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    /// 600.00 in three months without interest, of which the merchant's fee is 18.00, booked and paid out.
    fn paid_out() -> Loan {
        let terms = r#"{ "currency": "USD", "principal": 60000, "start": "2026-01-31",
            "repayment": { "method": "free", "count": 3, "every": "P1M" } }"#;
        let contract = Contract::new(serde_json::from_str(terms).unwrap(), Rules::default(), amount(1_800)).unwrap();
        let mut loan = Loan::new(contract);
        loan.record(Event::Booked, date("2026-01-31")).unwrap();
        loan.record(Event::PayoutSettled { value_date: date("2026-01-31") }, date("2026-01-31")).unwrap();
        loan
    }

    /// Books of before a loan had to be paid out to be given up: whatever ended it, the provider's word that the payout
    /// failed is taken, and every cent that came is owed back to whoever sent it.
    #[test]
    fn a_payout_may_fail_after_a_loan_was_given_up_or_sold() {
        let day = date("2026-02-10");
        let received = Event::Received { amount: amount(700), payment: "p".to_owned(), value_date: day };
        let sold = Event::Transferred { value_date: day, owner: "o".to_owned(), price: amount(50_000) };
        let failed = Event::PayoutFailed { value_date: day };
        for (ends, owed_to_owner) in [
            (vec![Event::ChargedOff { value_date: day }], 0),
            (vec![sold.clone()], 50_000),
            (vec![Event::ChargedOff { value_date: day }, sold], 50_000),
        ] {
            let mut loan = paid_out();
            loan.record(Event::PayoutReturned { value_date: day }, day).unwrap();
            for end in ends {
                loan.record(end, day).unwrap();
            }
            loan.record(received.clone(), day).unwrap();
            loan.record(failed.clone(), day).unwrap();
            assert_eq!(loan.status(), Status::Cancelled);
            assert_eq!((loan.credit_balance(), loan.held_for_owner()), (amount(700), amount(owed_to_owner)));
            for account in [A::PrincipalReceivable, A::LoanLoss, A::SaleResult, A::RecoveryIncome, A::MerchantPayable] {
                assert_eq!(loan.position().net(account), 0, "{account:?}");
            }
            assert_eq!(loan.position().net(A::Cash), 700 + owed_to_owner);
            // What is owed back can be sent back.
            if owed_to_owner > 0 {
                loan.record(Event::Remitted { amount: amount(owed_to_owner) }, day).unwrap();
            }
            loan.record(Event::PaidBack { amount: amount(700), payment: "b".to_owned() }, day).unwrap();
            assert_eq!(loan.position().net(A::Cash), 0);
        }
    }

    /// However many disputes and events a loan has, money that comes, clears and goes back is booked: limits refuse
    /// decisions.
    #[test]
    fn limits_refuse_decisions_and_never_money() {
        use crate::{
            LedgerError, Record,
            facts::PAUSES_MAX,
            loan::{EVENTS_MAX, EVENTS_MAX_WITH_RECEIPTS},
        };
        let day = date("2026-02-10");
        let pay = |payment: String| Event::Received { amount: amount(100), payment, value_date: day };
        let mut loan = paid_out();
        let dispute =
            |place: usize| Event::Disputed { dispute: format!("d{place}"), amount: amount(1), value_date: day };
        for place in 0..PAUSES_MAX {
            loan.record(dispute(place), day).unwrap();
        }
        assert_eq!(loan.record(dispute(PAUSES_MAX), day), Err(LedgerError::TooManyPauses));
        let owed = loan.owed(day).unwrap();
        // Twice as many payments as have days of their own go back.
        for place in 0..2 * PAUSES_MAX {
            loan.record(pay(format!("p{place}")), day).unwrap();
            loan.record(Event::ChargedBack { payment: format!("p{place}") }, day).unwrap();
        }
        assert_eq!((loan.owed(day).unwrap(), loan.position().net(A::Cash)), (owed, -58_200));

        let full = |count: usize| {
            let loan = paid_out();
            let mut records = loan.records().to_vec();
            records.resize(count, Record { booked: date("2026-01-31"), event: Event::Recognized });
            Loan::restore(loan.contract().clone(), records).unwrap()
        };
        let mut loan = full(EVENTS_MAX - 1);
        loan.record(Event::Recognized, day).unwrap();
        let credit = Event::GoodwillCredited { amount: amount(1), value_date: day };
        for decision in [Event::Recognized, credit, dispute(0)] {
            assert_eq!(loan.record(decision, day), Err(LedgerError::TooManyEvents));
        }
        loan.record(pay("p".to_owned()), day).unwrap();
        loan.record(Event::ChargedBack { payment: "p".to_owned() }, day).unwrap();
        // Beyond all that can arrive, what did arrive may still be taken back.
        let mut loan = full(EVENTS_MAX_WITH_RECEIPTS - 1);
        loan.record(pay("p".to_owned()), day).unwrap();
        assert_eq!(loan.record(pay("q".to_owned()), day), Err(LedgerError::TooManyEvents));
        loan.record(Event::ChargedBack { payment: "p".to_owned() }, day).unwrap();
        loan.record(Event::PayoutReturned { value_date: day }, day).unwrap();
    }

    /// 10.00 of which 4.00 and then the rest go back, before or after they are final, come to what 10.00 that go back at once
    /// come to; and what is left counts in between.
    #[test]
    fn parts_that_are_taken_back_sum_to_the_whole() {
        let day = date("2026-02-10");
        let part = |minor: i64| Event::PartlyTakenBack { amount: amount(minor), payment: "p".to_owned() };
        for collected in [false, true] {
            let (value_date, payment) = (day, "p".to_owned());
            let came = match collected {
                true => Event::Collected { amount: amount(1_000), payment, value_date },
                false => Event::Received { amount: amount(1_000), payment, value_date },
            };
            let gone = match collected {
                true => Event::Returned { payment: "p".to_owned() },
                false => Event::ChargedBack { payment: "p".to_owned() },
            };
            let mut whole = paid_out();
            whole.record(came.clone(), day).unwrap();
            let mut parts = whole.clone();
            whole.record(gone.clone(), day).unwrap();
            for taken in [0, 1_000, 1_001] {
                assert!(parts.record(part(taken), day).is_err(), "{taken} of 1,000 is no part");
            }
            parts.record(part(400), day).unwrap();
            assert_eq!(parts.owed(day).unwrap().principal, amount(60_000 - 600));
            assert_eq!(parts.uncleared(), amount(if collected { 600 } else { 0 }));
            assert_eq!(parts.position().net(A::Cash), -58_200 + if collected { 0 } else { 600 });
            assert!(parts.record(part(600), day).is_err(), "the rest goes back as a whole");
            parts.record(part(1), day).unwrap();
            let mut cleared = parts.clone();
            parts.record(gone, day).unwrap();
            assert_eq!((parts.position(), parts.uncleared()), (whole.position(), amount(0)));
            assert!(parts.record(part(1), day).is_err(), "nothing is left");
            // What is left of a debit may clear, and be taken back after that.
            if collected {
                cleared.record(Event::Cleared { payment: "p".to_owned() }, day).unwrap();
                assert_eq!((cleared.uncleared(), cleared.position().net(A::Cash)), (amount(0), -58_200 + 599));
                cleared.record(part(99), day).unwrap();
                cleared.record(Event::ChargedBack { payment: "p".to_owned() }, day).unwrap();
                assert_eq!(cleared.position(), whole.position());
            }
            let text = serde_json::to_string(&part(400)).unwrap();
            assert_eq!(text, r#"{"type":"partly_taken_back","amount":400,"payment":"p"}"#);
        }
    }
}
