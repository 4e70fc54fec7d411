//! The arithmetic of an account: accrual, due dates, repayments. Its rules are those of [`super::account`].

use crate::{
    calendar::{Date, days_between},
    credit::{
        AccountInstallment, AccountState, AfterMaturity, Allocation, CreditError, InstallmentStatus, Method, Parts,
        plan::{Plan, Shares},
        schedule,
    },
    money::{Amount, MoneyError},
};

/// An instalment being worked on.
#[derive(Clone, Copy, Debug)]
struct Row {
    due: Date,
    owed: Parts,
    paid: Parts,
    /// Principal that a forecast takes to be paid when due.
    expected: Amount,
    /// Whether interest and principal are settled: the due date has come, or all was paid before.
    closed: bool,
}

impl Row {
    /// What is not paid.
    fn unpaid(&self) -> Parts {
        Parts {
            principal: self.owed.principal.saturating_sub(self.paid.principal),
            interest: self.owed.interest.saturating_sub(self.paid.interest),
            fee: self.owed.fee.saturating_sub(self.paid.fee),
            penalty: self.owed.penalty.saturating_sub(self.paid.penalty),
        }
    }

    /// Outstanding principal that this instalment asks for.
    fn claim(&self) -> Amount {
        self.unpaid().principal.saturating_sub(self.expected)
    }
}

#[derive(Clone, Copy)]
enum Part {
    Penalty,
    Fee,
    Interest,
    Principal,
}

const PART_ORDER: [Part; 4] = [Part::Penalty, Part::Fee, Part::Interest, Part::Principal];

impl Parts {
    const fn part_mut(&mut self, part: Part) -> &mut Amount {
        match part {
            Part::Penalty => &mut self.penalty,
            Part::Fee => &mut self.fee,
            Part::Interest => &mut self.interest,
            Part::Principal => &mut self.principal,
        }
    }
}

/// A repayment being spent.
struct Money {
    left: Amount,
    paid: Parts,
}

impl Money {
    fn pay(&mut self, row: &mut Row, part: Part) -> Result<(), MoneyError> {
        let amount = (*row.unpaid().part_mut(part)).min(self.left);
        self.left = self.left.checked_sub(amount)?;
        for paid in [row.paid.part_mut(part), self.paid.part_mut(part)] {
            *paid = paid.checked_add(amount)?;
        }
        Ok(())
    }
}

/// A loan being worked through, from its advance to its last event.
#[derive(Clone)]
pub(super) struct Loan<'a> {
    plan: &'a Plan<'a>,
    level: Amount,
    shares: Shares,
    rows: Vec<Row>,
    /// Principal really outstanding.
    outstanding: Amount,
    /// The period in which we stand, by due dates passed.
    period: usize,
    /// The day up to which interest has been added.
    accrued_to: Date,
    /// Days and parts of a year already counted in this period.
    counted: Counted,
    unapplied: Amount,
    allocations: Vec<Allocation>,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    days: u32,
    units: u32,
}

impl<'a> Loan<'a> {
    pub(super) fn new(plan: &'a Plan<'a>) -> Result<Self, CreditError> {
        let terms = plan.terms;
        let level = if terms.repayment.method == Method::EqualInstallment { plan.level()? } else { Amount::ZERO };
        let rows = schedule(terms)?
            .installments
            .iter()
            .map(|signed| Row {
                due: signed.due,
                owed: Parts { fee: signed.fee, ..Parts::default() },
                paid: Parts::default(),
                expected: Amount::ZERO,
                closed: false,
            })
            .collect();
        Ok(Self {
            plan,
            level,
            shares: Shares::spread(terms.principal, plan.count(), plan.remainder()),
            rows,
            outstanding: terms.principal,
            period: 0,
            accrued_to: terms.start,
            counted: Counted::default(),
            unapplied: Amount::ZERO,
            allocations: Vec::new(),
        })
    }

    /// The first instalment still open; interest accrues to it.
    fn open(&self) -> Option<usize> {
        self.rows.iter().position(|row| !row.closed)
    }

    fn period_start(&self) -> Date {
        match self.period.checked_sub(1).and_then(|last| self.rows.get(last)) {
            Some(row) => row.due,
            None => self.plan.terms.start,
        }
    }

    /// Adds interest up to `date` and closes the instalments that fall due on the way.
    pub(super) fn accrue(&mut self, date: Date) -> Result<(), CreditError> {
        while let Some(due) = self.rows.get(self.period).map(|row| row.due).filter(|due| *due <= date) {
            self.add_interest(due)?;
            self.close_due(self.period)?;
            self.period += 1;
            self.counted = Counted::default();
        }
        self.add_interest(date)
    }

    /// Adds the interest of one segment, rounded, to the instalment it belongs to.
    fn add_interest(&mut self, to: Date) -> Result<(), CreditError> {
        let interest = self.segment(to)?;
        self.accrued_to = self.accrued_to.max(to);
        let last = self.rows.len().saturating_sub(1);
        let index = self.open().unwrap_or(last);
        if let Some(row) = self.rows.get_mut(index) {
            row.owed.interest = row.owed.interest.checked_add(interest)?;
        }
        Ok(())
    }

    /// The interest from `accrued_to` to `to`, which lie in one period, and what of the period it counts.
    fn segment(&mut self, to: Date) -> Result<Amount, CreditError> {
        let Some(accrual) = &self.plan.accrual else { return Ok(Amount::ZERO) };
        if self.outstanding.is_zero() {
            return Ok(Amount::ZERO);
        }
        let rounding = self.plan.terms.rounding;
        let start = self.period_start();
        let Some(due) = self.rows.get(self.period).map(|row| row.due) else {
            let accrues = self.plan.terms.after_maturity.unwrap_or_default() == AfterMaturity::Accrue;
            let units = if accrues { accrual.units_elapsed(self.accrued_to, to) } else { 0 };
            return accrual.interest(self.outstanding, units, rounding);
        };
        // A period begins with its first day; the first one with the advance itself.
        let begun = to > start || (self.period == 0 && self.accrued_to == start);
        if accrual.is_thirty() {
            let days = |from: Date, to: Date| u32::try_from(days_between(from, to)).unwrap_or(0);
            let whole = days(start, due);
            let least = if begun { u32::from(accrual.minimum_days()) } else { 0 };
            let reached = days(start, to).max(least).min(whole);
            let part = reached.saturating_sub(self.counted.days);
            self.counted.days = self.counted.days.max(reached);
            let units = self.plan.units.get(self.period).copied().unwrap_or(0);
            return accrual.interest_pro_rata(self.outstanding, units, (part, whole), rounding);
        }
        let least = if begun { accrual.minimum_units() } else { 0 };
        let reached = accrual.units_elapsed(start, to).max(least);
        let units = reached.saturating_sub(self.counted.units);
        self.counted.units = self.counted.units.max(reached);
        accrual.interest(self.outstanding, units, rounding)
    }

    /// Principal that no closed instalment claims.
    fn unclaimed(&self) -> Amount {
        self.rows.iter().filter(|row| row.closed).fold(self.outstanding, |left, row| left.saturating_sub(row.claim()))
    }

    /// What principal instalment `index` asks for: what the method says of what is left.
    fn principal_of(&self, index: usize) -> Result<Amount, CreditError> {
        let Some(row) = self.rows.get(index) else { return Ok(Amount::ZERO) };
        let available = self.unclaimed().checked_add(row.paid.principal)?;
        if index + 1 == self.rows.len() {
            return Ok(available);
        }
        let asked = match self.plan.terms.repayment.method {
            Method::EqualInstallment => self.level.saturating_sub(row.owed.interest),
            Method::EqualPrincipal | Method::FeeInstallment | Method::Free => self.shares.at(index, self.rows.len())?,
            Method::InterestOnly | Method::Single => Amount::ZERO,
        };
        Ok(asked.max(row.paid.principal).min(available))
    }

    /// An instalment's due date has come.
    fn close_due(&mut self, index: usize) -> Result<(), CreditError> {
        let principal = self.principal_of(index)?;
        if let Some(row) = self.rows.get_mut(index).filter(|row| !row.closed) {
            row.owed.principal = principal;
            row.closed = true;
        }
        Ok(())
    }

    /// Applies money: past due, due, in advance; what is left is excess.
    pub(super) fn repay(&mut self, event: usize, date: Date, amount: Amount) -> Result<(), CreditError> {
        let mut money = Money { left: amount, paid: Parts::default() };
        // Bucket by bucket: all past-due interest before any past-due principal.
        for past in [true, false] {
            for part in PART_ORDER {
                for row in self.rows.iter_mut().filter(|row| if past { row.due < date } else { row.due == date }) {
                    money.pay(row, part)?;
                }
            }
        }
        self.outstanding = self.outstanding.checked_sub(money.paid.principal)?;
        for index in 0..self.rows.len() {
            if money.left.is_zero() {
                break;
            }
            if self.rows.get(index).is_some_and(|row| row.due > date && !(row.closed && row.owed == row.paid)) {
                self.pay_in_advance(index, &mut money)?;
            }
        }
        if self.outstanding.is_zero() {
            for row in self.rows.iter_mut().filter(|row| !row.closed) {
                row.owed.principal = row.paid.principal;
                row.closed = true;
            }
        }
        self.unapplied = self.unapplied.checked_add(money.left)?;
        self.allocations.push(Allocation { event, parts: money.paid, excess: money.left });
        Ok(())
    }

    /// Pays an instalment before it is due, and closes it when nothing of it is left.
    fn pay_in_advance(&mut self, index: usize, money: &mut Money) -> Result<(), CreditError> {
        let before = money.paid.principal;
        let target = self.principal_of(index)?;
        let Some(row) = self.rows.get_mut(index) else { return Ok(()) };
        if !row.closed {
            row.owed.principal = target;
        }
        for part in PART_ORDER {
            money.pay(row, part)?;
        }
        // One without principal stays open, so that its interest goes on being billed when it is due.
        row.closed |= !target.is_zero() && row.owed == row.paid;
        let paid = money.paid.principal.checked_sub(before)?;
        self.outstanding = self.outstanding.checked_sub(paid)?;
        Ok(())
    }

    /// The state on a day. Asking splits no period: each answer starts from the last event.
    pub(super) fn state(self, date: Date) -> Result<AccountState, CreditError> {
        let (principal, interest, fee, penalty, overdue) = self.clone().owed_on(date)?;
        let next_due = self.rows.iter().map(|row| row.due).find(|due| *due >= date).unwrap_or(date);
        let (_, interest_to_next_due, ..) = self.clone().owed_on(next_due)?;
        let (unapplied, allocations) = (self.unapplied, self.allocations.clone());
        let installments = self.forecast(date)?;
        let next_due = installments.iter().filter(|row| row.due >= date).find_map(|row| {
            let left = row.owed.total().ok()?.saturating_sub(row.paid.total().ok()?);
            (!left.is_zero()).then_some((row.due, left))
        });
        let balance = Parts { principal, interest, fee, penalty };
        Ok(AccountState {
            date,
            balance,
            overdue,
            unapplied,
            installments,
            allocations,
            next_due,
            interest_to_next_due,
        })
    }

    /// Principal, interest, fee and penalty owed on a day, and what of it is past due.
    fn owed_on(mut self, date: Date) -> Result<(Amount, Amount, Amount, Amount, Parts), CreditError> {
        self.accrue(date)?;
        let (mut all, mut overdue) = (Parts::default(), Parts::default());
        for row in &self.rows {
            let unpaid = row.unpaid();
            // Principal is owed by the loan, not by the instalment.
            all = all.plus(&Parts { principal: Amount::ZERO, ..unpaid })?;
            if row.due < date {
                overdue = overdue.plus(&unpaid)?;
            }
        }
        Ok((self.outstanding, all.interest, all.fee, all.penalty, overdue))
    }

    /// The schedule as it now stands: what was due before the day stays as it is, the rest is taken to be
    /// paid when due.
    fn forecast(mut self, date: Date) -> Result<Vec<AccountInstallment>, CreditError> {
        while let Some(due) = self.rows.get(self.period).map(|row| row.due) {
            let index = self.period;
            self.accrue(due)?;
            if let Some(row) = self.rows.get_mut(index).filter(|row| row.due >= date) {
                let claim = row.claim();
                row.expected = row.expected.checked_add(claim)?;
                self.outstanding = self.outstanding.checked_sub(claim)?;
            }
        }
        if self.accrued_to < date {
            self.accrue(date)?;
        }
        let mut balance = self.plan.terms.principal;
        let mut listed = Vec::with_capacity(self.rows.len());
        for (number, row) in (1_u16..).zip(&self.rows) {
            balance = balance.checked_sub(row.owed.principal)?;
            let status = status(row, date);
            listed.push(AccountInstallment { number, due: row.due, owed: row.owed, paid: row.paid, balance, status });
        }
        Ok(listed)
    }
}

fn status(row: &Row, date: Date) -> InstallmentStatus {
    if row.unpaid() == Parts::default() {
        InstallmentStatus::Paid
    } else if row.due < date {
        InstallmentStatus::Overdue
    } else if row.due == date {
        InstallmentStatus::Due
    } else if row.paid != Parts::default() {
        InstallmentStatus::PartlyPaid
    } else {
        InstallmentStatus::Upcoming
    }
}
