//! From contract and facts to what is owed and what was paid, by core's account.
//!
//! Core settles one schedule. A loan that gets another schedule is settled in *stretches*: the new schedule is a
//! contract over the principal then outstanding, and interest, fees and penalties unpaid until then are carried into it,
//! to be paid first. Penalties that a pause or a waiver takes off are *relief*: core goes on counting them, and money
//! that core gives to them is passed on, as if it had been more by as much.

mod refund;
mod waiver;

use prequal_core::{
    calendar::Date,
    credit::{
        self, AccountState, Allocation, CreditError, EventKind, InstallmentStatus, Method, Parts, Rate, Repayment,
        Rest, Rules, Terms,
    },
    money::Amount,
    rounding::Rounding,
};

use crate::{
    LedgerError,
    event::{FIRST_DUE_DAYS_MAX, NewSchedule, SCHEDULE_DAYS_MAX, WaivedPart},
    facts::{Act, Fact, Facts, Pause, Source},
};

/// Days until a draw falls due that has outlived its schedule.
const DRAW_DAYS: i32 = 30;

/// How the money of one act was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Applied {
    pub source: Source,
    pub amount: Amount,
    pub parts: Parts,
    pub excess: Amount,
    /// Of what exceeds the debt, what is nobody's to be paid out: what a refund gives back of a debt that the lender
    /// had forgiven, and what the lender would give beyond the debt.
    pub returned: Amount,
    /// Paid before and given back with it: applied as money is.
    pub interest_credited: Amount,
    pub fee_credited: Amount,
    pub penalty_credited: Amount,
}

impl Applied {
    /// What of it is owed to the borrower.
    pub(crate) fn owed_back(&self) -> Amount {
        self.excess.saturating_sub(self.returned)
    }
}

/// A loan on a day.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// One for each act that brought money or gave a part up, by their order.
    pub applied: Vec<Applied>,
    /// As core has it, with what was carried.
    pub state: AccountState,
    /// What is owed.
    pub balance: Parts,
    /// Penalties that were never charged in the end.
    pub relief: Amount,
    /// Lent beyond the first principal.
    pub drawn: Amount,
    /// Since when the loan was in arrears before it was first re-aged.
    pub aged_from: Option<Date>,
    /// Principal that the lender forgave, less what refunds gave back of it.
    pub forgiven: Amount,
}

/// What was sent to core as one event.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// Its place in `applied`; none where no money moves.
    place: Option<usize>,
    /// Relief passed on with it; of a refund, what core gave to penalties that were taken off.
    relief: Amount,
    /// Of what it gives back, what is interest; the rest is fees.
    interest_back: Amount,
    /// Whether it is a refund in core's sense.
    is_refund: bool,
}

pub(crate) struct Engine<'a> {
    rules: &'a Rules,
    pauses: &'a [Pause],
    /// The place of the record that is new, and judged; those before stand.
    newest: Option<usize>,
    /// Whether the act at hand is of that record.
    is_new: bool,
    re_ageings_left: u16,
    terms: Terms,
    /// The rate now in force.
    rate: Option<Rate>,
    /// Interest, fees and penalties of stretches before, not yet paid.
    carried: Parts,
    carried_paid: Parts,
    events: Vec<credit::Event>,
    sent: Vec<Sent>,
    /// Principal of this stretch that a refund may still reduce, as core counts it.
    refundable: Amount,
    stretches: u32,
    waived_penalty: Amount,
    relief_used: Amount,
    /// Relief of stretches before.
    relief_before: Amount,
    applied: Vec<Applied>,
    drawn: Amount,
    aged_from: Option<Date>,
}

const fn part_of(parts: &mut Parts, part: WaivedPart) -> &mut Amount {
    match part {
        WaivedPart::Penalty => &mut parts.penalty,
        WaivedPart::Fee => &mut parts.fee,
        WaivedPart::Interest => &mut parts.interest,
        WaivedPart::Principal => &mut parts.principal,
    }
}

fn plus(one: &Parts, other: &Parts) -> Result<Parts, LedgerError> {
    Ok(Parts {
        principal: one.principal.checked_add(other.principal)?,
        interest: one.interest.checked_add(other.interest)?,
        fee: one.fee.checked_add(other.fee)?,
        penalty: one.penalty.checked_add(other.penalty)?,
    })
}

impl<'a> Engine<'a> {
    pub(crate) fn new(terms: Terms, rules: &'a Rules, facts: &'a Facts, re_ageings: u16) -> Result<Self, LedgerError> {
        let refundable = credit::schedule(&terms)?.total_principal;
        Ok(Self {
            rules,
            pauses: &facts.pauses,
            newest: facts.newest,
            is_new: false,
            re_ageings_left: re_ageings,
            rate: terms.rate,
            terms,
            carried: Parts::default(),
            carried_paid: Parts::default(),
            events: Vec::new(),
            sent: Vec::new(),
            refundable,
            stretches: 0,
            waived_penalty: Amount::ZERO,
            relief_used: Amount::ZERO,
            relief_before: Amount::ZERO,
            applied: Vec::new(),
            drawn: Amount::ZERO,
            aged_from: None,
        })
    }

    /// Takes one act, none earlier than those before.
    pub(crate) fn take(&mut self, fact: &Fact) -> Result<(), LedgerError> {
        let date = fact.date;
        self.is_new = self.newest == Some(fact.record);
        match &fact.act {
            Act::Pay { source, amount } => {
                if *source == Source::Lender && self.is_new {
                    self.check_gift(date, *amount)?;
                }
                let place = self.note(*source, *amount);
                self.pay(place, date, *amount, EventKind::Repayment)?;
            }
            Act::Prepay { amount, effect } => {
                let place = self.note(Source::Cash, *amount);
                let effect = *effect;
                self.pay(place, date, *amount, |amount| EventKind::Prepayment { amount, effect })?;
            }
            Act::Refund { amount, order } => self.refund(date, *amount, *order)?,
            Act::Draw(amount) => self.draw(date, *amount)?,
            Act::Rate { rate, keep_installment } => {
                self.rate = Some(*rate);
                let kind = EventKind::RateChange { rate: *rate, keep_installment: *keep_installment };
                self.send(date, kind, None, Amount::ZERO);
            }
            Act::Withdraw if self.stretches > 0 => return Err(LedgerError::WithdrawalAfterReschedule),
            Act::Withdraw => {
                let place = self.note(Source::Withdrawal, Amount::ZERO);
                self.send(date, EventKind::Withdrawal, Some(place), Amount::ZERO);
            }
            Act::Waive { part: WaivedPart::Penalty, amount } => self.waive_penalty(date, *amount)?,
            Act::Waive { part, amount } => self.waive(date, *part, *amount)?,
            Act::Respread { schedule, re_age } => self.respread(date, *schedule, *re_age)?,
            Act::ChargeOff | Act::Sell { .. } => {}
        }
        Ok(())
    }

    /// The lender gives no more than is owed: what is more would be a payment to the borrower.
    fn check_gift(&self, date: Date, amount: Amount) -> Result<(), LedgerError> {
        let relief = self.relief(date)?.saturating_sub(self.relief_used);
        let mut balance = self.state(date)?.balance;
        balance.penalty = balance.penalty.saturating_sub(relief);
        let owed = plus(&balance, &self.carried)?.total()?;
        if amount > owed { Err(LedgerError::GoodwillAboveDebt(owed)) } else { Ok(()) }
    }

    /// Keeps a place for how an act's money will be applied.
    fn note(&mut self, source: Source, amount: Amount) -> usize {
        self.applied.push(Applied {
            source,
            amount,
            parts: Parts::default(),
            excess: Amount::ZERO,
            returned: Amount::ZERO,
            interest_credited: Amount::ZERO,
            fee_credited: Amount::ZERO,
            penalty_credited: Amount::ZERO,
        });
        self.applied.len() - 1
    }

    fn send(&mut self, date: Date, kind: EventKind, place: Option<usize>, relief: Amount) {
        let is_refund = matches!(kind, EventKind::Refund { .. });
        self.events.push(credit::Event { id: None, date, kind });
        self.sent.push(Sent { place, relief, interest_back: Amount::ZERO, is_refund });
    }

    /// The stretch as core has it, with the events up to the day.
    fn state(&self, date: Date) -> Result<AccountState, LedgerError> {
        let count = self.events.iter().take_while(|event| event.date <= date).count();
        let events = self.events.get(..count).unwrap_or_default();
        Ok(credit::account_by(&self.terms, self.rules, events, date.max(self.terms.start))?)
    }

    /// Money first pays what was carried, then goes to core.
    fn pay(
        &mut self,
        place: usize,
        date: Date,
        amount: Amount,
        kind: impl Fn(Amount) -> EventKind,
    ) -> Result<(), LedgerError> {
        let left = self.pay_carried(place, amount)?;
        if left.is_zero() {
            return Ok(());
        }
        let relief = self.relief(date)?.saturating_sub(self.relief_used);
        let relief = if relief.is_zero() { relief } else { self.passed_on(date, left, relief, &kind)? };
        self.relief_used = self.relief_used.checked_add(relief)?;
        self.send(date, kind(left.checked_add(relief)?), Some(place), relief);
        Ok(())
    }

    fn pay_carried(&mut self, place: usize, amount: Amount) -> Result<Amount, LedgerError> {
        let mut left = amount;
        for part in [WaivedPart::Penalty, WaivedPart::Fee, WaivedPart::Interest] {
            let owed = part_of(&mut self.carried, part);
            let paid = (*owed).min(left);
            *owed = owed.checked_sub(paid)?;
            left = left.checked_sub(paid)?;
            let paid_so_far = part_of(&mut self.carried_paid, part);
            *paid_so_far = paid_so_far.checked_add(paid)?;
            if let Some(applied) = self.applied.get_mut(place) {
                let sum = part_of(&mut applied.parts, part);
                *sum = sum.checked_add(paid)?;
            }
        }
        Ok(left)
    }

    /// How much more core must be given so that no money of the borrower ends at penalties that are taken off: the
    /// least that equals what core then gives to them, found by halving, since of each unit more at most one goes there.
    fn passed_on(
        &self,
        date: Date,
        money: Amount,
        relief: Amount,
        kind: &impl Fn(Amount) -> EventKind,
    ) -> Result<Amount, LedgerError> {
        let mut events = self.events.clone();
        let (mut low, mut high) = (0, relief.minor());
        while low < high {
            let middle = Amount::new(low + (high - low) / 2)?;
            events.push(credit::Event { id: None, date, kind: kind(money.checked_add(middle)?) });
            let state = credit::account_by(&self.terms, self.rules, &events, date)?;
            events.pop();
            let to_penalty = state.allocations.last().map_or(Amount::ZERO, |last| last.parts.penalty);
            if to_penalty.min(relief) <= middle { high = middle.minor() } else { low = middle.minor() + 1 }
        }
        Ok(Amount::new(low)?)
    }

    /// Penalties of this stretch that are taken off up to a day.
    fn relief(&self, date: Date) -> Result<Amount, LedgerError> {
        let mut relief = self.waived_penalty;
        if self.pauses.is_empty() || self.rules.late().is_free() {
            return Ok(relief);
        }
        let start = self.terms.start;
        let clip = |day: Date| day.clamp(start, date.max(start));
        let mut days: Vec<Date> = Vec::with_capacity(2 * self.pauses.len());
        for pause in self.pauses {
            days.push(clip(pause.from));
            days.push(pause.to.map_or(date.max(start), clip));
        }
        days.sort_unstable();
        days.dedup();
        for [from, to] in days.array_windows() {
            let active =
                self.pauses.iter().filter(|pause| pause.from <= *from && pause.to.is_none_or(|end| end >= *to));
            let paused = Amount::sum(active.map(|pause| pause.amount)).unwrap_or(Amount::MAX);
            if paused.is_zero() {
                continue;
            }
            let (before, after) = (self.state(*from)?, self.state(*to)?);
            let growth = charged(&after)?.saturating_sub(charged(&before)?);
            let late = |state: &AccountState| Parts { penalty: Amount::ZERO, ..state.overdue }.total();
            let overdue = late(&before)?.max(late(&after)?);
            relief = relief.checked_add(share(growth, paused, overdue)?)?;
        }
        Ok(relief)
    }

    /// What is left is spread anew; what is unpaid beside principal is carried.
    fn respread(&mut self, date: Date, schedule: NewSchedule, re_age: bool) -> Result<(), LedgerError> {
        let state = self.state(date)?;
        let Some(late_since) = self.may_respread(&state, date, schedule, re_age)? else { return Ok(()) };
        self.aged_from = self.aged_from.or(late_since);
        let terms = self.next_terms(date, state.balance.principal, schedule)?;
        let last = credit::schedule(&terms)?.installments.last().map_or(date, |last| last.due);
        if self.is_new && last.days().saturating_sub(date.days()) > SCHEDULE_DAYS_MAX {
            return Err(LedgerError::Reschedule("the last due date is more than ten years away"));
        }
        self.begin_stretch(date, &state, terms, schedule.interest)
    }

    /// More is lent. One of before that came upon a debt and now, since money told of later paid it, comes upon none,
    /// begins a schedule of its own over the instalments that were left.
    fn draw(&mut self, date: Date, amount: Amount) -> Result<(), LedgerError> {
        self.drawn = self.drawn.checked_add(amount)?;
        self.send(date, EventKind::Draw(amount), None, Amount::ZERO);
        if !self.is_new && matches!(self.state(date), Err(LedgerError::Credit(CreditError::NotApplicable { .. }))) {
            self.events.pop();
            self.sent.pop();
            let state = self.state(date)?;
            let left: Vec<Date> = state.installments.iter().map(|row| row.due).filter(|due| *due > date).collect();
            let soon = date.add_days(DRAW_DAYS).map_err(CreditError::from)?;
            let count = u16::try_from(left.len().max(1)).unwrap_or(1);
            let schedule = NewSchedule::new(left.first().copied().unwrap_or(soon), count);
            let terms = self.next_terms(date, state.balance.principal.checked_add(amount)?, schedule)?;
            return self.begin_stretch(date, &state, terms, Amount::ZERO);
        }
        self.refundable = self.refundable.checked_add(amount)?;
        Ok(())
    }

    /// The schedule in force ends, another begins; what is unpaid beside principal is carried, and interest that is
    /// charged with the change.
    fn begin_stretch(
        &mut self,
        date: Date,
        state: &AccountState,
        terms: Terms,
        interest: Amount,
    ) -> Result<(), LedgerError> {
        let relief = self.relief(date)?;
        let unused = relief.saturating_sub(self.relief_used).min(state.balance.penalty);
        self.relief_before = Amount::sum([self.relief_before, self.relief_used, unused])?;
        // Money that core kept for the next due date goes on into the new schedule; what exceeded the debt does not.
        let goes_on = self.rules.allocation.rest == Rest::Unapplied && !state.balance.principal.is_zero();
        self.gather(state, goes_on)?;
        let owed =
            Parts { principal: Amount::ZERO, penalty: state.balance.penalty.checked_sub(unused)?, ..state.balance };
        self.carried = plus(&self.carried, &owed)?;
        self.carried.interest = self.carried.interest.checked_add(interest)?;
        self.carried_paid = Parts::default();
        self.refundable = terms.principal;
        self.terms = terms;
        (self.waived_penalty, self.relief_used) = (Amount::ZERO, Amount::ZERO);
        self.stretches += 1;
        let kept = core::mem::take(&mut self.sent);
        self.events.clear();
        if !goes_on {
            return Ok(());
        }
        let held: Vec<(Option<usize>, Amount)> = kept
            .iter()
            .zip(held_of(state, kept.len()))
            .map(|(sent, held)| (sent.place, held))
            .filter(|(_, held)| !held.is_zero())
            .collect();
        for (place, amount) in held {
            if let Some(place) = place {
                self.pay(place, date, amount, EventKind::Repayment)?;
            }
        }
        Ok(())
    }

    /// Since when something is past due, where a new schedule may come; nothing where there is nothing to spread. What
    /// is recorded now is judged; under one of before the debt may have changed since, and it stands.
    fn may_respread(
        &mut self,
        state: &AccountState,
        date: Date,
        schedule: NewSchedule,
        re_age: bool,
    ) -> Result<Option<Option<Date>>, LedgerError> {
        let late = |row: &credit::AccountInstallment| {
            row.due < date && Parts { penalty: Amount::ZERO, ..row.owed } != Parts { penalty: Amount::ZERO, ..row.paid }
        };
        let carried_late = Parts { penalty: Amount::ZERO, ..self.carried } != Parts::default();
        let first = state.installments.first().map(|row| row.due).filter(|due| carried_late && *due < date);
        let late_since = first.or_else(|| state.installments.iter().find(|row| late(row)).map(|row| row.due));
        let refused = match (re_age, late_since.is_some()) {
            (false, true) => Some("something is past due: the loan must be re-aged"),
            (true, false) => Some("nothing is past due: the loan can be rescheduled"),
            (true, true) if self.re_ageings_left == 0 => Some("it was re-aged as often as is allowed"),
            _ if state.balance.principal.is_zero() => Some("no principal is left"),
            _ if schedule.first_due <= date => Some("the first due date must come after the day"),
            _ if schedule.first_due.days().saturating_sub(date.days()) > FIRST_DUE_DAYS_MAX => {
                Some("the first due date is more than a year away")
            }
            _ => None,
        };
        if let Some(why) = refused.filter(|_| self.is_new) {
            return Err(LedgerError::Reschedule(why));
        }
        if late_since.is_some() {
            self.re_ageings_left = self.re_ageings_left.saturating_sub(1);
        }
        Ok((!state.balance.principal.is_zero()).then_some(late_since))
    }

    /// A contract over what is left, by the conventions of the one before.
    fn next_terms(&self, date: Date, principal: Amount, schedule: NewSchedule) -> Result<Terms, LedgerError> {
        let before = &self.terms.repayment;
        let method = match before.method {
            // The fee was charged with the first schedule and is carried.
            Method::FeeInstallment => Method::Free,
            method => method,
        };
        let every = before.every.unwrap_or(prequal_core::calendar::Period::Months(1));
        let count = if method == Method::Single { 1 } else { schedule.count };
        // Days that bear no interest go on where they reach into the new schedule.
        let gone = date.days().saturating_sub(self.terms.start.days());
        let free_left = i32::from(before.interest_free_days).saturating_sub(gone);
        let terms = Terms {
            principal,
            start: date,
            // What a begun period counts at least was counted before.
            rate: self.rate.map(|rate| Rate { minimum_days: 0, ..rate }),
            fees: Vec::new(),
            repayment: Repayment {
                first_due: Some(schedule.first_due),
                month_end: before.month_end,
                business_days: before.business_days.clone(),
                interest_free_days: u16::try_from(free_left).unwrap_or(0),
                ..Repayment::regular(method, count, every)
            },
            ..self.terms.clone()
        };
        credit::schedule(&terms)?;
        Ok(terms)
    }

    /// Adds what core says of this stretch's events; excess is left out where it will be sent again.
    fn gather(&mut self, state: &AccountState, goes_on: bool) -> Result<(), LedgerError> {
        let mut penalties = Amount::ZERO;
        for one in &state.allocations {
            let sent = self.sent.get(one.event).copied().ok_or(LedgerError::PartsDoNotAddUp)?;
            let applied = sent.place.and_then(|place| self.applied.get_mut(place));
            let applied = applied.ok_or(LedgerError::PartsDoNotAddUp)?;
            let penalty = one.parts.penalty.checked_sub(sent.relief).map_err(|_| LedgerError::PartsDoNotAddUp)?;
            applied.parts = plus(&applied.parts, &Parts { penalty, ..one.parts })?;
            if !goes_on {
                applied.excess = applied.excess.checked_add(one.excess)?;
            }
            match applied.source {
                Source::Withdrawal => {
                    applied.penalty_credited = one.credited.min(penalties);
                    applied.fee_credited = one.credited.checked_sub(applied.penalty_credited)?;
                }
                Source::Merchant => {
                    // A refund's own money, of which no more was sent: what went to penalties taken off is left of it.
                    if sent.is_refund {
                        applied.excess = applied.excess.checked_add(sent.relief)?;
                    }
                    let interest = sent.interest_back.min(one.credited);
                    applied.interest_credited = applied.interest_credited.checked_add(interest)?;
                    let fee = one.credited.checked_sub(interest)?;
                    applied.fee_credited = applied.fee_credited.checked_add(fee)?;
                }
                _ => applied.fee_credited = applied.fee_credited.checked_add(one.credited)?,
            }
            penalties = penalties.checked_add(one.parts.penalty)?;
        }
        Ok(())
    }

    /// The loan on a day, none before the last act.
    pub(crate) fn finish(mut self, date: Date) -> Result<Run, LedgerError> {
        let mut state = self.state(date)?;
        let unused = self.relief(date)?.saturating_sub(self.relief_used).min(state.balance.penalty);
        let relief = Amount::sum([self.relief_before, self.relief_used, unused])?;
        self.gather(&state, false)?;
        state.balance.penalty = state.balance.penalty.checked_sub(unused)?;
        state.overdue.penalty = state.overdue.penalty.saturating_sub(unused);
        let balance = plus(&state.balance, &self.carried)?;
        state.balance = balance;
        if let Some(first) = state.installments.first_mut() {
            first.owed = plus(&plus(&first.owed, &self.carried)?, &self.carried_paid)?;
            first.paid = plus(&first.paid, &self.carried_paid)?;
            if let Some((due, next)) = &mut state.next_due
                && *due == first.due
            {
                *next = next.checked_add(self.carried.total()?)?;
            }
            if self.carried != Parts::default() && first.due < date {
                state.overdue = plus(&state.overdue, &self.carried)?;
                first.status = InstallmentStatus::Overdue;
            }
        }
        let forgiven = refund::take_back(&mut self.applied)?;
        let mut allocations = Vec::with_capacity(self.applied.len());
        for (event, one) in self.applied.iter().enumerate() {
            let credited = Amount::sum([one.interest_credited, one.fee_credited, one.penalty_credited])?;
            allocations.push(Allocation { event, parts: one.parts, excess: one.owed_back(), credited });
        }
        state.allocations = allocations;
        state.unapplied = Amount::sum(self.applied.iter().map(Applied::owed_back))?;
        let (applied, drawn, aged_from) = (self.applied, self.drawn, self.aged_from);
        Ok(Run { applied, state, balance, relief, drawn, aged_from, forgiven })
    }
}

/// All penalties charged so far.
fn charged(state: &AccountState) -> Result<Amount, LedgerError> {
    let paid = Amount::sum(state.allocations.iter().map(|one| one.parts.penalty))?;
    Ok(paid.checked_add(state.balance.penalty)?)
}

/// What of a growth belongs to a part of what is overdue; in the borrower's favour.
fn share(growth: Amount, part: Amount, whole: Amount) -> Result<Amount, LedgerError> {
    if part >= whole {
        return Ok(growth);
    }
    let product = u128::from(growth.unsigned()) * u128::from(part.unsigned());
    let share = Rounding::Up.divide(product, u128::from(whole.unsigned()));
    Ok(Amount::try_from(share.unwrap_or_default())?)
}

/// What each event's money has left, by the events' places.
fn held_of(state: &AccountState, count: usize) -> Vec<Amount> {
    let mut held = vec![Amount::ZERO; count];
    for one in &state.allocations {
        if let Some(slot) = held.get_mut(one.event) {
            *slot = one.excess;
        }
    }
    held
}
