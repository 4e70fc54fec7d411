//! The state of a loan on a day.

use super::{Loan, Row};
use crate::{
    calendar::Date,
    credit::{AccountInstallment, AccountState, CreditError, InstallmentStatus, Parts},
    money::Amount,
};

impl Loan<'_> {
    /// The state on a day. Asking splits no period: each answer starts from the last event.
    pub(in crate::credit) fn state(self, date: Date) -> Result<AccountState, CreditError> {
        let mut now = self.clone();
        now.accrue(date)?;
        let early = now.early_settlement(date)?;
        let (balance, overdue) = now.owed(date)?;
        let dues = self.rows.iter().map(|row| row.due).filter(|_| self.withdrawn.is_none());
        let next_due = dues.into_iter().find(|due| *due >= date).unwrap_or(date);
        let mut then = self.clone();
        then.accrue(next_due)?;
        let interest_to_next_due = then.owed(date)?.0.interest;
        let mut forecast = self;
        forecast.quiet = true;
        forecast.run_to_the_end(date)?;
        let installments = match now.withdrawn {
            Some(day) => now.list_withdrawn(date, day)?,
            None => forecast.list(date, &now)?,
        };
        let next_due = installments.iter().filter(|row| row.due >= date).find_map(|row| {
            let left = row.owed.total().ok()?.saturating_sub(row.paid.total().ok()?);
            (!left.is_zero()).then_some((row.due, left))
        });
        Ok(AccountState {
            date,
            balance,
            overdue,
            unapplied: now.unapplied,
            installments,
            allocations: now.allocations,
            next_due,
            interest_to_next_due,
            not_charged: now.not_charged,
            prepayment_fee: early.fee,
            fee_dropped: early.dropped,
            fee_credit: early.credit,
        })
    }

    /// What is owed in all, and what of it is past due.
    pub(super) fn owed(&self, date: Date) -> Result<(Parts, Parts), CreditError> {
        let (mut all, mut overdue) = (Parts::default(), Parts::default());
        for row in &self.rows {
            let unpaid = row.unpaid();
            // Principal is owed by the loan, not by the instalment.
            all = all.plus(&Parts { principal: Amount::ZERO, ..unpaid })?;
            if row.due < date && self.withdrawn.is_none_or(|day| row.due <= day) {
                overdue = overdue.plus(&unpaid)?;
            }
        }
        all.principal = self.outstanding;
        Ok((all, overdue))
    }

    /// Lets every due date pass: what was due before the day stays as it is, the rest is taken to be paid
    /// when due.
    pub(super) fn run_to_the_end(&mut self, date: Date) -> Result<(), CreditError> {
        self.quiet = true;
        while let Some(due) = self.rows.get(self.period).map(|row| row.due) {
            let index = self.period;
            self.accrue(due)?;
            if let Some(row) = self.rows.get_mut(index).filter(|row| row.due >= date) {
                let claim = row.claim();
                row.expected = row.expected.checked_add(claim)?;
                row.foreseen = true;
                self.outstanding = self.outstanding.checked_sub(claim)?;
            }
        }
        if self.accrued_to < date {
            self.accrue(date)?;
        }
        Ok(())
    }

    /// What stands after a withdrawal: what had fallen due before it, and all the rest as one, due on the day asked.
    fn list_withdrawn(&self, date: Date, day: Date) -> Result<Vec<AccountInstallment>, CreditError> {
        let mut listed = Vec::with_capacity(self.rows.len());
        let (mut owed, mut paid) = (Parts::default(), Parts::default());
        let mut left = self.outstanding;
        for row in &self.rows {
            if row.due <= day {
                left = left.saturating_sub(row.claim());
                listed.push((row.due, row.owed, row.paid));
            } else {
                (owed, paid) = (owed.plus(&row.owed)?, paid.plus(&row.paid)?);
            }
        }
        owed.principal = paid.principal.checked_add(left)?;
        if owed != Parts::default() {
            listed.push((date, owed, paid));
        }
        let mut rows = Vec::with_capacity(listed.len());
        let mut balance = Amount::sum(listed.iter().map(|(_, owed, _)| owed.principal))?;
        for (number, (due, owed, paid)) in (1_u16..).zip(listed) {
            balance = balance.saturating_sub(owed.principal);
            let status = status(due, &owed, &paid, date);
            rows.push(AccountInstallment { number, due, owed, paid, balance, status });
        }
        Ok(rows)
    }

    /// The instalments of a forecast, with the penalties of the day.
    fn list(&self, date: Date, now: &Self) -> Result<Vec<AccountInstallment>, CreditError> {
        let lent = self.plan.lent;
        let mut listed = Vec::with_capacity(self.rows.len());
        let mut repaid = Amount::ZERO;
        for ((number, row), today) in (1_u16..).zip(&self.rows).zip(&now.rows) {
            let mut row = *row;
            row.owed.penalty = today.owed.penalty;
            repaid = repaid.checked_add(row.owed.principal)?;
            let moved: i64 = self.moved.iter().filter(|(day, _)| *day <= row.due).map(|(_, amount)| *amount).sum();
            // Principal taken off an instalment after its due date shows as a smaller instalment before.
            let balance = Amount::new((lent.minor() + moved - repaid.minor()).max(0))?;
            let status = status(row.due, &row.owed, &row.paid, date);
            listed.push(AccountInstallment { number, due: row.due, owed: row.owed, paid: row.paid, balance, status });
        }
        Ok(listed)
    }
}

fn status(due: Date, owed: &Parts, paid: &Parts, date: Date) -> InstallmentStatus {
    if Row::left(owed, paid) == Parts::default() {
        InstallmentStatus::Paid
    } else if due < date {
        InstallmentStatus::Overdue
    } else if due == date {
        InstallmentStatus::Due
    } else if *paid != Parts::default() {
        InstallmentStatus::PartlyPaid
    } else {
        InstallmentStatus::Upcoming
    }
}
