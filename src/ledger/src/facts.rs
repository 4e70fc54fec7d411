//! From recorded events to what counts: reversed events and returned payments left out, the rest by value date.

use std::collections::BTreeMap;

use prequal_core::{
    calendar::Date,
    credit::{Effect, Rate, RefundOrder},
    money::Amount,
};

use crate::{
    Event, LedgerError, Record,
    event::{ID_BYTES_MAX, NewSchedule, WaivedPart},
};

/// Disputes of one loan, at most; and of payments that went back, those whose days are kept apart.
pub const PAUSES_MAX: usize = 64;

/// How the payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Payout {
    #[default]
    Pending,
    /// From which day the merchant has the money.
    Settled(Date),
    Failed,
}

/// Whose money it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The borrower's.
    Cash,
    /// The merchant's, by a refund.
    Merchant,
    /// The lender's own.
    Lender,
    /// Nobody's: a part of the debt is given up.
    Waiver,
    /// Nobody's: the contract is withdrawn from.
    Withdrawal,
}

/// Something that changes what is owed.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    Pay { source: Source, amount: Amount },
    Prepay { amount: Amount, effect: Option<Effect> },
    Refund { amount: Amount, order: Option<RefundOrder> },
    Draw(Amount),
    Rate { rate: Rate, keep_installment: bool },
    Withdraw,
    Waive { part: WaivedPart, amount: Amount },
    Respread { schedule: NewSchedule, re_age: bool },
    ChargeOff,
    Sell { price: Amount },
}

impl Act {
    /// The money it brings, and whose it is; none where none moves.
    pub(crate) const fn money(&self) -> Option<(Source, Amount)> {
        match self {
            Self::Pay { source, amount } => Some((*source, *amount)),
            Self::Prepay { amount, .. } => Some((Source::Cash, *amount)),
            Self::Refund { amount, .. } => Some((Source::Merchant, *amount)),
            _ => None,
        }
    }

    /// Whether it can happen to a loan that was given up or sold.
    const fn fits_after_the_end(&self) -> bool {
        match self {
            Self::Pay { source, .. } => matches!(source, Source::Cash),
            Self::Prepay { .. } | Self::Refund { .. } | Self::Sell { .. } => true,
            _ => false,
        }
    }
}

/// An act on its day.
#[derive(Debug, Clone)]
pub(crate) struct Fact {
    pub date: Date,
    /// The place of its record.
    pub record: usize,
    pub act: Act,
}

impl Fact {
    /// Whether it has its place among what the engine applied.
    pub(crate) const fn is_applied(&self) -> bool {
        self.act.money().is_some() || matches!(self.act, Act::Waive { .. } | Act::Withdraw)
    }
}

/// Days in which a part of the debt costs no penalty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    pub from: Date,
    /// None as long as it lasts.
    pub to: Option<Date>,
    pub amount: Amount,
    /// Whether it is a dispute, which also stops collection.
    pub dispute: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Initiated,
    Collected,
    Final,
    Returned,
}

#[derive(Debug, Clone)]
struct Payment {
    stage: Stage,
    /// Its places among the facts.
    places: Vec<usize>,
}

/// What counts of a loan's events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub payout: Payout,
    /// By value date, those of one date in the order in which they came.
    pub acts: Vec<Fact>,
    pub pauses: Vec<Pause>,
    pub uncleared: Amount,
    pub paid_back: Amount,
    pub remitted: Amount,
    pub closed: bool,
    /// The place of the record that is being recorded.
    pub newest: Option<usize>,
    /// Which records were reversed, or were payments that went back.
    pub undone: Vec<bool>,
    /// The last day of anything that happened, reversed or not.
    pub through: Option<Date>,
}

/// Which records are in force: a reversal takes out its record, the reversal of a reversal brings it back.
pub(crate) fn in_force(records: &[Record]) -> Result<Vec<bool>, LedgerError> {
    let mut force = vec![true; records.len()];
    for (place, record) in records.iter().enumerate().rev() {
        let Event::Reversed { number } = record.event else { continue };
        if force.get(place) != Some(&true) {
            continue;
        }
        let target = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let target = target.filter(|target| *target > 0 && *target < place);
        let slot = target.and_then(|target| force.get_mut(target)).ok_or(LedgerError::Reversal(number))?;
        if !core::mem::replace(slot, false) {
            return Err(LedgerError::Reversal(number));
        }
    }
    Ok(force)
}

/// The facts while they are gathered.
struct Gathering<'a> {
    facts: Facts,
    start: Date,
    /// The place of the record at hand.
    place: usize,
    payments: BTreeMap<&'a str, Payment>,
    refunds: BTreeMap<&'a str, Amount>,
    disputes: BTreeMap<&'a str, usize>,
    /// Which facts still count.
    live: Vec<bool>,
}

impl Facts {
    /// The facts of a loan's records.
    pub(crate) fn of(records: &[Record], start: Date, lent: Amount) -> Result<Self, LedgerError> {
        let force = in_force(records)?;
        let mut gathering = Gathering {
            facts: Self::default(),
            start,
            place: 0,
            payments: BTreeMap::new(),
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            live: Vec::new(),
        };
        let mut through = None;
        for (place, (record, in_force)) in records.iter().zip(force).enumerate() {
            if (place == 0) != matches!(record.event, Event::Booked) {
                return Err(LedgerError::Booking);
            }
            if record.event.id().is_some_and(|id| id.is_empty() || id.len() > ID_BYTES_MAX) {
                return Err(LedgerError::BadId);
            }
            // Money that has come moves the day up to which is posted; a payout's day was never more than an answer.
            let money = match &record.event {
                Event::PayoutSettled { .. } | Event::PayoutFailed { .. } | Event::PayoutReturned { .. } => None,
                event => event.value_date(),
            };
            through = through.max(Some(record.booked)).max(money);
            gathering.facts.undone.push(!in_force);
            gathering.place = place;
            if in_force {
                gathering.take(record)?;
            }
        }
        gathering.finish(lent, through)
    }
}

impl<'a> Gathering<'a> {
    fn act(&mut self, date: Date, act: Act) -> usize {
        // What counts from before the loan began counts from its first day.
        self.facts.acts.push(Fact { date: date.max(self.start), record: self.place, act });
        self.live.push(true);
        self.facts.acts.len() - 1
    }

    fn take(&mut self, record: &'a Record) -> Result<(), LedgerError> {
        match &record.event {
            Event::Booked | Event::Recognized | Event::Reversed { .. } => {}
            Event::PayoutSettled { .. } | Event::PayoutFailed { .. } if self.facts.payout != Payout::Pending => {
                return Err(LedgerError::PayoutEnded);
            }
            // Money that counts from before the loan began costs nothing more.
            Event::PayoutSettled { value_date } => self.facts.payout = Payout::Settled((*value_date).max(self.start)),
            Event::PayoutFailed { .. } => self.facts.payout = Payout::Failed,
            Event::PayoutReturned { .. } if !matches!(self.facts.payout, Payout::Settled(_)) => {
                return Err(LedgerError::PayoutNotSettled);
            }
            Event::PayoutReturned { .. } => self.facts.payout = Payout::Pending,
            Event::Received { amount, payment, value_date } => {
                let act = Act::Pay { source: Source::Cash, amount: *amount };
                self.money(payment, *value_date, act, Stage::Final)?;
            }
            Event::Prepaid { amount, payment, value_date, effect } => {
                let act = Act::Prepay { amount: *amount, effect: *effect };
                self.money(payment, *value_date, act, Stage::Final)?;
            }
            Event::Collected { amount, payment, value_date } => {
                let act = Act::Pay { source: Source::Cash, amount: *amount };
                self.money(payment, *value_date, act, Stage::Collected)?;
                self.facts.uncleared = self.facts.uncleared.checked_add(*amount)?;
            }
            Event::Initiated { payment, .. } => {
                let new = Payment { stage: Stage::Initiated, places: Vec::new() };
                if self.payments.insert(payment, new).is_some() {
                    return Err(LedgerError::PaymentState(payment.clone()));
                }
            }
            Event::Cleared { payment } => self.clear(payment)?,
            Event::Returned { payment } => self.give_back(payment, record.booked, false)?,
            Event::ChargedBack { payment } => self.give_back(payment, record.booked, true)?,
            Event::PartlyTakenBack { amount, payment } => self.give_back_part(payment, record.booked, *amount)?,
            Event::Refunded { amount, refund, value_date, order } => {
                if self.refunds.insert(refund, *amount).is_some() {
                    return Err(LedgerError::RefundTwice(refund.clone()));
                }
                self.act(*value_date, Act::Refund { amount: *amount, order: *order });
            }
            Event::PaidBack { amount, .. } => self.facts.paid_back = self.facts.paid_back.checked_add(*amount)?,
            Event::Remitted { amount } => self.facts.remitted = self.facts.remitted.checked_add(*amount)?,
            Event::Disputed { dispute, amount, value_date } => {
                let pause = Pause { from: (*value_date).max(self.start), to: None, amount: *amount, dispute: true };
                if self.disputes.insert(dispute, self.facts.pauses.len()).is_some() {
                    return Err(LedgerError::Dispute(dispute.clone()));
                }
                self.pause(pause)?;
            }
            Event::DisputeResolved { dispute, value_date } => {
                let place = self.disputes.get(dispute.as_str()).copied();
                let pause = place.and_then(|place| self.facts.pauses.get_mut(place));
                let open = pause.filter(|pause| pause.to.is_none());
                let open = open.ok_or_else(|| LedgerError::Dispute(dispute.clone()))?;
                open.to = Some((*value_date).max(open.from));
            }
            Event::Closed => self.facts.closed = true,
            event => self.change(event),
        }
        Ok(())
    }

    /// What changes the debt without a payment's states.
    fn change(&mut self, event: &Event) {
        let (date, act) = match event {
            Event::Drawn { amount, value_date } => (*value_date, Act::Draw(*amount)),
            Event::GoodwillCredited { amount, value_date } => {
                (*value_date, Act::Pay { source: Source::Lender, amount: *amount })
            }
            Event::Waived { part, amount, value_date } => (*value_date, Act::Waive { part: *part, amount: *amount }),
            Event::Rescheduled { value_date, schedule } => {
                (*value_date, Act::Respread { schedule: *schedule, re_age: false })
            }
            Event::ReAged { value_date, schedule } => {
                (*value_date, Act::Respread { schedule: *schedule, re_age: true })
            }
            Event::RateChanged { value_date, rate, keep_installment, .. } => {
                (*value_date, Act::Rate { rate: *rate, keep_installment: *keep_installment })
            }
            Event::Withdrawn { value_date } => (*value_date, Act::Withdraw),
            Event::ChargedOff { value_date } => (*value_date, Act::ChargeOff),
            Event::Transferred { value_date, price, .. } => (*value_date, Act::Sell { price: *price }),
            _ => return,
        };
        self.act(date, act);
    }

    fn money(&mut self, payment: &'a str, date: Date, act: Act, stage: Stage) -> Result<(), LedgerError> {
        let place = self.act(date, act);
        let known = self.payments.entry(payment).or_insert(Payment { stage, places: Vec::new() });
        // Final money may come in parts under one name; a debit is collected once.
        let fits = known.stage == Stage::Initiated
            || (known.stage == stage && (stage == Stage::Final || known.places.is_empty()));
        if !fits {
            return Err(LedgerError::PaymentState(payment.to_owned()));
        }
        known.stage = stage;
        known.places.push(place);
        Ok(())
    }

    fn amount_at(&self, place: usize) -> Result<Amount, LedgerError> {
        let money = self.facts.acts.get(place).and_then(|fact| fact.act.money());
        money.map(|(_, amount)| amount).ok_or(LedgerError::PartsDoNotAddUp)
    }

    fn clear(&mut self, payment: &str) -> Result<(), LedgerError> {
        let wrong = || LedgerError::PaymentState(payment.to_owned());
        let known = self.payments.get_mut(payment).filter(|known| known.stage == Stage::Collected);
        let known = known.ok_or_else(wrong)?;
        known.stage = Stage::Final;
        let place = known.places.first().copied().ok_or_else(wrong)?;
        let amount = self.amount_at(place)?;
        self.facts.uncleared = self.facts.uncleared.checked_sub(amount)?;
        Ok(())
    }

    /// A payment is as if it had never been; the days in which it seemed to be cost no penalty.
    fn give_back(&mut self, payment: &str, known_on: Date, was_final: bool) -> Result<(), LedgerError> {
        let wrong = || LedgerError::PaymentState(payment.to_owned());
        let known = self.payments.get_mut(payment).ok_or_else(wrong)?;
        let stage = core::mem::replace(&mut known.stage, Stage::Returned);
        match (stage, was_final) {
            (Stage::Initiated, false) => return Ok(()),
            (Stage::Collected, false) | (Stage::Final, true) => {}
            _ => return Err(wrong()),
        }
        // Several sums under one name: nobody can say which of them went back.
        let [place] = known.places.as_slice() else { return Err(wrong()) };
        let place = *place;
        let amount = self.amount_at(place)?;
        let (from, record) = self.facts.acts.get(place).map_or((self.start, 0), |fact| (fact.date, fact.record));
        if let Some(undone) = self.facts.undone.get_mut(record) {
            *undone = true;
        }
        if let Some(live) = self.live.get_mut(place) {
            *live = false;
        }
        if stage == Stage::Collected {
            self.facts.uncleared = self.facts.uncleared.checked_sub(amount)?;
        }
        self.pause(Pause { from, to: Some(known_on.max(from)), amount, dispute: false })
    }

    /// A part of a payment is as if it had never been.
    fn give_back_part(&mut self, payment: &str, known_on: Date, part: Amount) -> Result<(), LedgerError> {
        let wrong = || LedgerError::PaymentState(payment.to_owned());
        let known = self.payments.get(payment).ok_or_else(wrong)?;
        let is_collected = known.stage == Stage::Collected;
        let [place] = known.places.as_slice() else { return Err(wrong()) };
        if !is_collected && known.stage != Stage::Final {
            return Err(wrong());
        }
        let fact = self.facts.acts.get_mut(*place).ok_or_else(wrong)?;
        let (Act::Pay { amount, .. } | Act::Prepay { amount, .. }) = &mut fact.act else { return Err(wrong()) };
        // All that is left goes back as a whole.
        if part.is_zero() || part >= *amount {
            return Err(wrong());
        }
        *amount = amount.checked_sub(part)?;
        let from = fact.date;
        if is_collected {
            self.facts.uncleared = self.facts.uncleared.checked_sub(part)?;
        }
        self.pause(Pause { from, to: Some(known_on.max(from)), amount: part, dispute: false })
    }

    fn pause(&mut self, pause: Pause) -> Result<(), LedgerError> {
        if self.facts.pauses.iter().filter(|known| known.dispute == pause.dispute).count() < PAUSES_MAX {
            self.facts.pauses.push(pause);
            return Ok(());
        }
        if pause.dispute {
            return Err(LedgerError::TooManyPauses);
        }
        // That money went back is no decision and is booked always. Beyond so many their days are paused together: none of
        // them less than by itself.
        if let Some(last) = self.facts.pauses.iter_mut().rev().find(|known| !known.dispute) {
            last.from = last.from.min(pause.from);
            last.to = last.to.max(pause.to);
            last.amount = last.amount.checked_add(pause.amount).unwrap_or(Amount::MAX);
        }
        Ok(())
    }

    fn finish(self, lent: Amount, through: Option<Date>) -> Result<Facts, LedgerError> {
        let Self { mut facts, live, refunds, .. } = self;
        let mut kept: Vec<Fact> = Vec::with_capacity(facts.acts.len());
        kept.extend(facts.acts.drain(..).zip(live).filter(|(_, live)| *live).map(|(fact, _)| fact));
        kept.sort_by_key(|fact| fact.date);
        facts.acts = kept;
        facts.through = through;
        let drawn =
            facts.acts.iter().filter_map(|fact| if let Act::Draw(amount) = fact.act { Some(amount) } else { None });
        let bought = Amount::sum(drawn.chain([lent]))?;
        if Amount::sum(refunds.into_values())? > bought {
            return Err(LedgerError::RefundAboveBought);
        }
        facts.check_the_end()?;
        Ok(facts)
    }
}

impl Facts {
    /// A loan is given up once and sold once, in this order, and afterwards only money comes.
    fn check_the_end(&self) -> Result<(), LedgerError> {
        let (mut given_up, mut sold) = (false, false);
        for fact in &self.acts {
            if (given_up || sold) && !fact.act.fits_after_the_end() {
                return Err(LedgerError::AfterTheEnd(fact.date));
            }
            match fact.act {
                Act::ChargeOff => given_up = true,
                Act::Sell { .. } if sold => return Err(LedgerError::AfterTheEnd(fact.date)),
                Act::Sell { .. } => sold = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// What is disputed on a day.
    pub(crate) fn disputed(&self, date: Date) -> Result<Amount, LedgerError> {
        let open = |pause: &&Pause| pause.dispute && pause.from <= date && pause.to.is_none_or(|to| to > date);
        Ok(Amount::sum(self.pauses.iter().filter(open).map(|pause| pause.amount))?)
    }
}
