//! The arithmetic of an account. Its rules are those of [`super::account`] and [`super::rules`].

mod accrue;
mod allocate;
mod change;
mod penalty;
mod prepay;
mod refund;
mod report;

use crate::{
    calendar::Date,
    credit::{
        Allocation, CreditError, Method, NotCharged, Parts,
        accrual::Accrual,
        caps::{ChargeKind, Charged, judge_charge},
        plan::Plan,
        rules::{Part, Rules},
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
    /// Whether a forecast takes it to be paid when due: it is not late then.
    foreseen: bool,
    /// Whether interest and principal are settled: the due date has come, or all was paid before.
    closed: bool,
    /// Principal that a method of shares asks for.
    target: Amount,
    /// Penalty of days of grace, posted only if it is still late after them.
    suspended: Amount,
    /// Unpaid penalty that has joined the base of a compounding penalty.
    capitalised: Amount,
    /// Tiers of the late fee that have been judged.
    tiers: usize,
    /// Money paid for this instalment that went to earlier late fees, or to what they had left short before.
    diverted: Amount,
}

impl Row {
    /// What is not paid.
    fn unpaid(&self) -> Parts {
        Self::left(&self.owed, &self.paid)
    }

    /// What is owed and not paid.
    fn left(owed: &Parts, paid: &Parts) -> Parts {
        Parts {
            principal: owed.principal.saturating_sub(paid.principal),
            interest: owed.interest.saturating_sub(paid.interest),
            fee: owed.fee.saturating_sub(paid.fee),
            penalty: owed.penalty.saturating_sub(paid.penalty),
        }
    }

    /// Unpaid principal, interest and fees: what makes an instalment late.
    fn unpaid_contract(&self) -> Result<Amount, MoneyError> {
        Parts { penalty: Amount::ZERO, ..self.unpaid() }.total()
    }

    /// Outstanding principal that this instalment asks for.
    fn claim(&self) -> Amount {
        self.unpaid().principal.saturating_sub(self.expected)
    }
}

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

/// A loan being worked through, from its advance to its last event.
#[derive(Clone)]
pub(super) struct Loan<'a> {
    plan: &'a Plan<'a>,
    rules: &'a Rules,
    /// The rate that now holds; none where nothing accrues.
    accrual: Option<Accrual>,
    /// The last rate that was not zero: how days are counted stays as it was.
    counting: Option<Accrual>,
    /// Parts of a year of each period; empty where nothing has accrued.
    units: Vec<u32>,
    level: Amount,
    /// The instalment in which the level was last computed anew, and what comes on top of it there.
    carried: (usize, Amount),
    rows: Vec<Row>,
    /// Principal really outstanding.
    outstanding: Amount,
    /// The period in which we stand, by due dates passed.
    period: usize,
    /// The day up to which interest has been added.
    accrued_to: Date,
    /// The day up to which penalties have been added.
    penalty_to: Date,
    /// Days and parts of a year already counted in this period.
    counted: Counted,
    unapplied: Amount,
    /// Money kept until the next due date, by the place of its allocation.
    held: Vec<(usize, Amount)>,
    allocations: Vec<Allocation>,
    /// Principal lent (positive) or extinguished (negative) outside the instalments.
    moved: Vec<(Date, i64)>,
    /// Principal prepaid, for the year's free amount.
    prepaid: Vec<(Date, Amount)>,
    /// Principal of a level loan refunded on its first instalments and not yet taken off them.
    pool: Amount,
    refunded: Amount,
    charged: Charged,
    not_charged: Vec<NotCharged>,
    /// Tiers of a late fee once in the loan's life that have been judged.
    loan_tiers: usize,
    /// The day of the withdrawal: since then all that is left is owed at once.
    withdrawn: Option<Date>,
    /// A forecast posts no penalties.
    quiet: bool,
}

#[derive(Clone, Copy, Default)]
struct Counted {
    days: u32,
    units: u32,
}

impl<'a> Loan<'a> {
    pub(super) fn new(plan: &'a Plan<'a>, rules: &'a Rules) -> Result<Self, CreditError> {
        rules.check()?;
        let terms = plan.terms;
        let signed = schedule(terms)?;
        let principal = signed.total_principal;
        let level = if terms.repayment.method == Method::EqualInstallment { plan.level()? } else { Amount::ZERO };
        let shares = plan.shares()?;
        let count = signed.installments.len();
        let mut rows = Vec::with_capacity(count);
        for (signed, share) in signed.installments.iter().zip(&shares) {
            rows.push(Row {
                due: signed.due,
                owed: Parts { fee: signed.fee, ..Parts::default() },
                paid: Parts::default(),
                expected: Amount::ZERO,
                foreseen: false,
                closed: false,
                target: if terms.repayment.method.has_shares() { *share } else { Amount::ZERO },
                suspended: Amount::ZERO,
                capitalised: Amount::ZERO,
                tiers: 0,
                diverted: Amount::ZERO,
            });
        }
        Ok(Self {
            plan,
            rules,
            accrual: plan.accrual,
            counting: plan.accrual,
            units: plan.units.clone(),
            level,
            carried: (usize::MAX, Amount::ZERO),
            rows,
            outstanding: principal,
            period: 0,
            accrued_to: terms.start,
            penalty_to: terms.start,
            counted: Counted::default(),
            unapplied: Amount::ZERO,
            held: Vec::new(),
            allocations: Vec::new(),
            moved: Vec::new(),
            prepaid: Vec::new(),
            pool: Amount::ZERO,
            refunded: Amount::ZERO,
            charged: Charged { lent: principal, fee: signed.total_fee, ..Charged::default() },
            not_charged: Vec::new(),
            loan_tiers: 0,
            withdrawn: None,
            quiet: false,
        })
    }

    /// Whether instalments are level.
    fn is_level(&self) -> bool {
        self.plan.terms.repayment.method == Method::EqualInstallment
    }

    /// The first instalment still open; interest accrues to it.
    fn open(&self) -> Option<usize> {
        self.rows.iter().position(|row| !row.closed)
    }

    /// Principal that no closed instalment claims.
    fn unclaimed(&self) -> Amount {
        self.rows.iter().filter(|row| row.closed).fold(self.outstanding, |left, row| left.saturating_sub(row.claim()))
    }

    /// Adds principal lent or extinguished outside the instalments.
    fn moves(&mut self, date: Date, amount: Amount, lent: bool) -> Result<(), CreditError> {
        if lent {
            self.outstanding = self.outstanding.checked_add(amount)?;
        } else {
            self.outstanding = self.outstanding.checked_sub(amount)?;
        }
        self.moved.push((date, if lent { amount.minor() } else { -amount.minor() }));
        Ok(())
    }

    /// When nothing is outstanding, nothing more falls due but fees.
    fn close_if_repaid(&mut self) {
        if self.outstanding.is_zero() {
            self.pool = Amount::ZERO;
            for row in self.rows.iter_mut().filter(|row| !row.closed) {
                row.owed.principal = row.paid.principal;
                row.closed = true;
            }
        }
    }

    /// What of a charge may be posted, noting what may not.
    fn admit(&mut self, date: Date, kind: ChargeKind, amount: Amount) -> Result<Amount, CreditError> {
        if amount.is_zero() {
            return Ok(amount);
        }
        self.charged = self.charged_so_far()?;
        let rules = self.rules;
        let judged = judge_charge(&rules.caps, date, kind, amount, &self.charged)?;
        let mut allowed = judged.allowed;
        let mut cap = judged.cap.map(|cap| cap.id.clone());
        if let Some(room) = self.contract_room(kind)?.filter(|room| *room < allowed) {
            allowed = room;
            cap = Some("contract".to_owned());
        }
        if let Some(cap) = cap.filter(|_| allowed < amount) {
            self.note_not_charged(date, kind, amount.saturating_sub(allowed), cap);
        }
        let sum = match kind {
            ChargeKind::Penalty => &mut self.charged.penalty,
            ChargeKind::LateFee => &mut self.charged.late_fee,
            ChargeKind::PrepaymentFee => &mut self.charged.prepayment_fee,
            ChargeKind::Interest | ChargeKind::Fee => return Ok(allowed),
        };
        *sum = sum.checked_add(allowed)?;
        Ok(allowed)
    }

    /// What has been charged, interest up to the last day reached.
    fn charged_so_far(&self) -> Result<Charged, CreditError> {
        let interest = Amount::sum(self.rows.iter().map(|row| row.owed.interest))?;
        Ok(Charged { interest, ..self.charged })
    }

    fn note_not_charged(&mut self, date: Date, charge: ChargeKind, amount: Amount, cap: String) {
        self.not_charged.push(NotCharged { date, charge, amount, cap });
    }
}
