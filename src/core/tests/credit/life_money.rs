//! What money does to the naive loan: repayments, prepayments, draws, withdrawal, and the ceilings under which each
//! charge is posted. Refunds are beside this in `life_refund`.

use num_bigint::BigInt;
use prequal_core::{
    credit::{
        Bucket, CostReduction, Direction, Effect, Event, EventKind, Method, Part, PrepaymentCeiling, Rest, Timing,
        caps::ChargeKind,
    },
    decimal::Decimal,
    rounding::Rounding,
};

use super::{
    life::{FEE, INTEREST, Life, Line, PENALTY, PRINCIPAL, cents, day},
    naive_dates::{Fraction, percent},
    oracle::whole,
};

/// How an event's money was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Booked {
    pub event: usize,
    pub paid: [i64; 4],
    pub excess: i64,
    pub credited: i64,
}

/// Money being spent.
pub(super) struct Purse {
    pub left: i64,
    paid: [i64; 4],
}

impl Purse {
    pub(super) fn new(left: i64) -> Self {
        Self { left, paid: [0; 4] }
    }
}

/// What settling now would change of costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Early {
    pub fee: i64,
    pub fee_uncapped: i64,
    pub dropped: i64,
    pub credit: i64,
}

fn number(part: Part) -> usize {
    match part {
        Part::Penalty => PENALTY,
        Part::Fee => FEE,
        Part::Interest => INTEREST,
        Part::Principal => PRINCIPAL,
    }
}

/// A share, its fraction cut off.
fn floor(share: Decimal, of: i64) -> i64 {
    whole(&percent(share).times(&Fraction::new(of, 1)).rounded(Rounding::Down)).unwrap()
}

impl Life<'_> {
    /// Principal that closed lines still ask for.
    pub(super) fn claims(&self) -> i64 {
        self.lines.iter().filter(|line| line.closed).map(|line| line.open_of(PRINCIPAL) - line.assumed).sum()
    }

    pub(super) fn unclaimed(&self) -> i64 {
        self.outstanding - self.claims()
    }

    /// What a line asks of principal, and what the pool takes off it.
    pub(super) fn asks(&self, place: usize) -> (i64, i64) {
        let line = &self.lines[place];
        let available = self.unclaimed() + line.paid[PRINCIPAL];
        if place + 1 == self.lines.len() {
            return (available, self.pool);
        }
        let asked = match self.terms.repayment.method {
            _ if place < self.holiday() => 0,
            Method::EqualInstallment => {
                let on_top = if self.on_top.0 == place { self.on_top.1 } else { 0 };
                (self.level + on_top - line.owed[INTEREST]).max(0)
            }
            Method::InterestOnly | Method::Single => 0,
            _ => line.target,
        };
        let whole = asked.max(line.paid[PRINCIPAL]).min(available + self.pool);
        let taken = self.pool.min(whole - line.paid[PRINCIPAL]);
        (whole - taken, taken)
    }

    /// What of a charge may be posted: the tightest of the law's caps, then the contract's own ceiling.
    pub(super) fn admit(&mut self, on: i32, kind: ChargeKind, amount: i64) -> i64 {
        if amount == 0 {
            return 0;
        }
        let (mut allowed, mut cap) = self.under_caps(on, kind, amount);
        let share = |share: Decimal| floor(share, self.lent);
        let ceilings: [Option<i64>; 2] = match kind {
            ChargeKind::Penalty => {
                [self.rules.penalty.as_ref().and_then(|penalty| penalty.ceiling_percent_of_principal).map(share), None]
            }
            ChargeKind::LateFee => {
                let late_fee = self.rules.late_fee.as_ref().unwrap();
                [late_fee.cap_percent.map(share), late_fee.cap_amount.map(|amount| amount.minor())]
            }
            _ => [None, None],
        };
        let place = [ChargeKind::Penalty, ChargeKind::LateFee, ChargeKind::PrepaymentFee];
        let place = place.iter().position(|one| *one == kind).unwrap();
        if let Some(most) = ceilings.into_iter().flatten().min() {
            let room = (most - self.charged[place]).max(0);
            if room < allowed {
                (allowed, cap) = (room, Some("contract".to_owned()));
            }
        }
        if let Some(cap) = cap.filter(|_| allowed < amount) {
            self.not_charged.push((on, kind, amount - allowed, cap));
        }
        self.charged[place] += allowed;
        allowed
    }

    fn under_caps(&self, on: i32, kind: ChargeKind, amount: i64) -> (i64, Option<String>) {
        let charged = |kind: &ChargeKind| match kind {
            ChargeKind::Interest => self.lines.iter().map(|line| line.owed[INTEREST]).sum(),
            ChargeKind::Fee => self.made.rows.iter().map(|row| row.fee).sum(),
            ChargeKind::Penalty => self.charged[0],
            ChargeKind::LateFee => self.charged[1],
            ChargeKind::PrepaymentFee => self.charged[2],
        };
        let (mut allowed, mut name) = (amount, None);
        for cap in &self.rules.caps {
            let holds = cap.from.days() <= on && cap.until.is_none_or(|until| on <= until.days());
            if !holds || !cap.counts.contains(&kind) {
                continue;
            }
            let so_far: i64 = cap.counts.iter().map(charged).sum();
            let together =
                [cap.percent_of_principal.map(|share| floor(share, self.lent)), cap.amount.map(|most| most.minor())];
            let rooms = together.into_iter().flatten().map(|most| (most - so_far).max(0));
            let room = rooms.chain(cap.amount_each.map(|most| most.minor())).min().unwrap();
            if room < allowed {
                (allowed, name) = (room, Some(cap.id.clone()));
            }
        }
        (allowed, name)
    }

    fn pay(&mut self, place: usize, part: usize, purse: &mut Purse) {
        let line = &mut self.lines[place];
        let paid = line.open_of(part).min(purse.left);
        line.paid[part] += paid;
        purse.paid[part] += paid;
        purse.left -= paid;
        if part == PRINCIPAL {
            self.outstanding -= paid;
        }
    }

    /// The order that holds for a loan as late as this one.
    fn order(&self, on: i32) -> &[Bucket] {
        let oldest = self.lines.iter().find(|line| line.due < on && line.late() > 0);
        let late = oldest.map_or(0, |line| on - line.due);
        let rule = &self.rules.allocation;
        let stage = rule.stages.iter().rfind(|stage| i32::from(stage.days) <= late);
        stage.map_or(&rule.order, |stage| &stage.order)
    }

    /// Pays what has fallen due; the parts of what has not, in their order.
    fn pay_fallen_due(&mut self, on: i32, purse: &mut Purse) -> Vec<usize> {
        let order = self.order(on).to_vec();
        let timing = |due: i32| match due {
            due if due < on => Timing::PastDue,
            due if due == on => Timing::Due,
            _ => Timing::InAdvance,
        };
        let mut steps = Vec::new();
        let dues: Vec<(usize, Timing)> = self.lines.iter().map(|line| timing(line.due)).enumerate().collect();
        let fits = |bucket: &Bucket, when: Timing| bucket.timing == when && when != Timing::InAdvance;
        if self.rules.allocation.direction == Direction::Vertical {
            for bucket in &order {
                steps.extend(
                    dues.iter().filter(|(_, when)| fits(bucket, *when)).map(|(place, _)| (*place, bucket.part)),
                );
            }
        } else {
            for (place, when) in dues {
                steps.extend(order.iter().filter(|bucket| fits(bucket, when)).map(|bucket| (place, bucket.part)));
            }
        }
        for (place, part) in steps {
            self.pay(place, number(part), purse);
        }
        self.forgive_grace();
        order.iter().filter(|bucket| bucket.timing == Timing::InAdvance).map(|bucket| number(bucket.part)).collect()
    }

    /// Whoever has paid owes nothing for the days of grace.
    pub(super) fn forgive_grace(&mut self) {
        for line in &mut self.lines {
            line.joined = line.joined.min(line.open_of(PENALTY));
            if line.late() == 0 {
                line.suspended = 0;
            }
        }
    }

    fn pay_ahead(&mut self, on: i32, order: &[usize], purse: &mut Purse) {
        for place in 0..self.lines.len() {
            let line = &self.lines[place];
            if line.due <= on || purse.left == 0 || (line.closed && line.owed == line.paid) {
                continue;
            }
            let (asked, taken) = self.asks(place);
            let was_open = !self.lines[place].closed;
            if was_open {
                self.lines[place].owed[PRINCIPAL] = asked;
            }
            for part in order {
                self.pay(place, *part, purse);
            }
            if asked != 0 && self.lines[place].owed == self.lines[place].paid {
                self.lines[place].closed = true;
                if was_open {
                    self.pool -= taken.min(self.pool);
                }
            }
        }
    }

    fn pay_accrued(&mut self, on: i32, purse: &mut Purse) {
        for place in 0..self.lines.len() {
            if self.lines[place].due > on {
                self.pay(place, INTEREST, purse);
            }
        }
    }

    pub(super) fn extinguish(&mut self, on: i32, principal: i64, purse: &mut Purse) {
        if principal > 0 {
            purse.left -= principal;
            purse.paid[PRINCIPAL] += principal;
            self.outstanding -= principal;
            self.moved.push((on, -principal));
        }
    }

    pub(super) fn pay_everything(&mut self, purse: &mut Purse) {
        for place in 0..self.lines.len() {
            for part in [PENALTY, FEE, INTEREST, PRINCIPAL] {
                self.pay(place, part, purse);
            }
        }
    }

    /// With nothing outstanding nothing more falls due but fees.
    pub(super) fn end(&mut self) {
        if self.outstanding == 0 {
            self.pool = 0;
            for line in self.lines.iter_mut().filter(|line| !line.closed) {
                line.owed[PRINCIPAL] = line.paid[PRINCIPAL];
                line.closed = true;
            }
        }
    }

    pub(super) fn book(&mut self, event: usize, purse: &Purse, credited: i64) {
        self.unapplied += purse.left;
        self.booked.push(Booked { event, paid: purse.paid, excess: purse.left, credited });
    }

    pub(super) fn spend_held(&mut self, on: i32) {
        for (place, left) in core::mem::take(&mut self.held) {
            let before = self.paid();
            let mut purse = Purse::new(left);
            self.pay_fallen_due(on, &mut purse);
            self.blame_late_fees(on, before);
            let booked = &mut self.booked[place];
            for part in 0..4 {
                booked.paid[part] += purse.paid[part];
            }
            booked.excess -= left - purse.left;
            self.unapplied -= left - purse.left;
            if purse.left > 0 {
                self.held.push((place, purse.left));
            }
        }
        self.end();
    }

    /// Paid for each line without penalties, and to late fees.
    fn paid(&self) -> (Vec<i64>, i64) {
        let contract = self.lines.iter().map(|line| line.paid[FEE] + line.paid[INTEREST] + line.paid[PRINCIPAL]);
        (contract.collect(), self.lines.iter().map(|line| line.paid[PENALTY]).sum::<i64>().min(self.charged[1]))
    }

    /// A payment has been made: whose line lacks what late fees took of it.
    fn blame_late_fees(&mut self, on: i32, (before, fees_before): (Vec<i64>, i64)) {
        let (after, fees) = self.paid();
        let gained: Vec<i64> = after.iter().zip(&before).map(|(after, before)| (after - before).max(0)).collect();
        let mut taken = (fees - fees_before).max(0);
        for (line, gained) in self.lines.iter_mut().zip(&gained) {
            let made_good = line.swallowed.min(*gained);
            line.swallowed -= made_good;
            taken += made_good;
        }
        let places = 0..self.lines.len();
        let lacking = places.clone().find(|place| self.lines[*place].due <= on && self.lines[*place].late() > 0);
        let in_advance = places.clone().rfind(|place| self.lines[*place].due > on && gained[*place] > 0);
        let fees_left = self.lines.iter().any(|line| line.open_of(PENALTY) > 0);
        let next = places.clone().find(|place| fees_left && self.lines[*place].due > on && !self.lines[*place].closed);
        if let Some(place) = lacking.or(in_advance).or(next) {
            self.lines[place].swallowed += taken;
        }
    }

    fn repay(&mut self, event: usize, on: i32, money: i64) {
        let before = self.paid();
        let mut purse = Purse::new(money);
        let ahead = self.pay_fallen_due(on, &mut purse);
        let rest = self.rules.allocation.rest;
        match rest {
            Rest::NextInstallment => self.pay_ahead(on, &ahead, &mut purse),
            Rest::LastInstallment | Rest::Reamortise => {
                self.pay_accrued(on, &mut purse);
                let principal = purse.left.min(self.unclaimed());
                self.extinguish(on, principal, &mut purse);
                if self.outstanding == 0 {
                    self.end();
                    self.pay_everything(&mut purse);
                } else if rest == Rest::Reamortise && principal > 0 {
                    self.spread();
                }
            }
            Rest::Unapplied if self.lines.iter().any(|line| line.due > on) && purse.left > 0 => {
                self.held.push((self.booked.len(), purse.left));
            }
            Rest::Unapplied => {}
        }
        self.end();
        self.blame_late_fees(on, before);
        self.book(event, &purse, 0);
    }

    /// Interest still to come if nothing is prepaid.
    fn interest_ahead(&self) -> i64 {
        let all = |life: &Self| life.lines.iter().map(|line| line.owed[INTEREST]).sum::<i64>();
        let mut ahead = self.clone();
        ahead.foresee(self.today);
        all(&ahead) - all(self)
    }

    fn prepayment_fee(&self, on: i32, principal: i64, ahead: i64) -> i64 {
        self.under_caps(on, ChargeKind::PrepaymentFee, self.uncapped_fee(on, principal, ahead)).0
    }

    fn uncapped_fee(&self, on: i32, principal: i64, ahead: i64) -> i64 {
        let Some(share) = self.rules.prepayment.fee_percent.filter(|_| !self.withdrawn) else { return 0 };
        let mut fee = cents(&percent(share).times(&Fraction::new(principal, 1)), self.terms);
        if let Some(ceiling) = self.rules.prepayment.ceiling {
            fee = fee.min(self.legal_fee(on, principal, ceiling, ahead));
        }
        fee
    }

    fn legal_fee(&self, on: i32, principal: i64, ceiling: PrepaymentCeiling, ahead: i64) -> i64 {
        let months = |count: i32| day(on).add_months(count, prequal_core::calendar::MonthEnd::Clamp).unwrap().days();
        let lately: i64 = self.prepaid.iter().filter(|(day, _)| *day > months(-12)).map(|(_, amount)| amount).sum();
        if lately + principal <= ceiling.free_in_12_months.minor() {
            return 0;
        }
        let within_year = self.lines.last().unwrap().due <= months(12);
        let most = floor(if within_year { ceiling.percent_within_year } else { ceiling.percent }, principal);
        if !ceiling.not_above_interest || self.outstanding == 0 {
            return most;
        }
        let saved = Fraction::new(BigInt::from(ahead) * principal, self.outstanding);
        most.min(whole(&saved.rounded(Rounding::Down)).unwrap())
    }

    /// What settling now changes of costs.
    pub(super) fn early(&self, on: i32) -> Early {
        let last = self.lines.last().unwrap().due;
        if on >= last || self.outstanding == 0 {
            return Early::default();
        }
        let mut paid_up = self.clone();
        let mut purse = Purse::new(i64::MAX / 2);
        paid_up.pay_fallen_due(on, &mut purse);
        paid_up.pay_accrued(on, &mut purse);
        let fee = paid_up.prepayment_fee(on, paid_up.unclaimed(), paid_up.interest_ahead());
        let fee_uncapped = paid_up.uncapped_fee(on, paid_up.unclaimed(), paid_up.interest_ahead());
        let rule = self.rules.prepayment.cost_reduction;
        let counts = |line: &&Line| rule != CostReduction::NotYetDue || line.due > on;
        let unpaid: i64 = self.lines.iter().filter(counts).map(|line| line.open_of(FEE)).sum();
        let reduction = match rule {
            CostReduction::None => 0,
            CostReduction::NotYetDue => unpaid,
            CostReduction::Linear => {
                let fees: i64 = self.made.rows.iter().map(|row| row.fee).sum();
                cents(&Fraction::new(BigInt::from(fees) * (last - on), last - self.start), self.terms)
            }
        };
        let paid: i64 = self.lines.iter().map(|line| line.paid[FEE]).sum();
        let dropped = reduction.min(unpaid);
        Early { fee, fee_uncapped, dropped, credit: (reduction - dropped).min((paid - self.charged[2]).max(0)) }
    }

    fn drop_costs(&mut self, early: Early) {
        let Early { mut dropped, mut credit, .. } = early;
        for line in self.lines.iter_mut().rev() {
            let cut = line.open_of(FEE).min(dropped);
            line.owed[FEE] -= cut;
            dropped -= cut;
            let back = line.paid[FEE].min(credit);
            line.owed[FEE] -= back;
            line.paid[FEE] -= back;
            credit -= back;
        }
    }

    fn prepay(&mut self, event: usize, on: i32, money: i64, effect: Option<Effect>) {
        let early = self.early(on);
        let owed: i64 =
            self.lines.iter().map(|line| line.open_of(PENALTY) + line.open_of(FEE) + line.open_of(INTEREST)).sum();
        let settles = money + early.dropped + early.credit >= owed + self.outstanding + early.fee;
        let credited = if settles { early.credit } else { 0 };
        if settles {
            self.drop_costs(early);
        }
        let before = self.paid();
        let mut purse = Purse::new(money + credited);
        self.pay_fallen_due(on, &mut purse);
        self.pay_accrued(on, &mut purse);
        let (principal, fee) =
            if settles { (self.unclaimed(), early.fee_uncapped) } else { self.most_principal(on, purse.left) };
        let fee = self.admit(on, ChargeKind::PrepaymentFee, fee);
        self.extinguish(on, principal, &mut purse);
        self.prepaid.push((on, principal));
        let last = self.lines.len() - 1;
        let place = self.lines.iter().position(|line| !line.closed).unwrap_or(last);
        self.lines[place].owed[FEE] += fee;
        self.lines[place].paid[FEE] += fee;
        purse.paid[FEE] += fee;
        purse.left -= fee;
        if self.outstanding == 0 {
            self.end();
            self.pay_everything(&mut purse);
        } else if effect.unwrap_or(self.rules.prepayment.effect) == Effect::LowerInstallment {
            self.spread();
        }
        self.blame_late_fees(on, before);
        self.book(event, &purse, credited);
    }

    /// The most principal that money repays together with the fee for it: from all of it downwards; and that fee before
    /// the caps.
    fn most_principal(&self, on: i32, money: i64) -> (i64, i64) {
        let ahead = if self.rules.prepayment.fee_percent.is_some() { self.interest_ahead() } else { 0 };
        let mut principal = money.min(self.unclaimed());
        loop {
            let fee = self.prepayment_fee(on, principal, ahead);
            if principal + fee <= money {
                return (principal, self.uncapped_fee(on, principal, ahead));
            }
            principal -= 1;
        }
    }

    fn withdraw(&mut self, event: usize, on: i32) -> bool {
        let Some(days) = self.rules.withdrawal_days else { return false };
        if on - self.start > i32::from(days) {
            return false;
        }
        self.withdrawn = true;
        self.withdrawn_on = self.withdrawn_on.min(on);
        let mut credit = 0;
        for line in &mut self.lines {
            for part in [FEE, PENALTY] {
                credit += line.paid[part];
                (line.owed[part], line.paid[part]) = (0, 0);
            }
        }
        let mut purse = Purse::new(credit);
        self.pay_fallen_due(on, &mut purse);
        self.pay_accrued(on, &mut purse);
        let principal = purse.left.min(self.unclaimed());
        self.extinguish(on, principal, &mut purse);
        self.end();
        self.book(event, &purse, credit);
        true
    }

    /// An event; whether it is allowed.
    pub(super) fn happen(&mut self, event: usize, on: i32, kind: &EventKind) -> bool {
        match kind {
            EventKind::Repayment(money) => self.repay(event, on, money.minor()),
            EventKind::Prepayment { amount, effect } => self.prepay(event, on, amount.minor(), *effect),
            EventKind::Draw(money) => {
                let none_left = self.lines.iter().all(|line| line.closed || line.due <= on);
                if none_left || self.withdrawn || self.lines.iter().all(|line| line.due <= on) {
                    return false;
                }
                self.lent += money.minor();
                self.outstanding += money.minor();
                self.moved.push((on, money.minor()));
                self.spread();
            }
            EventKind::RateChange { rate, keep_installment } => return self.change_rate(*rate, *keep_installment),
            EventKind::Refund { amount, order } => return self.refund(event, on, amount.minor(), *order),
            EventKind::Withdrawal => return self.withdraw(event, on),
            EventKind::Reversal { .. } => {}
        }
        true
    }

    /// All events that are not undone, in the order of their dates; false where one is not allowed.
    pub(super) fn run(&mut self, events: &[Event]) -> bool {
        let mut order: Vec<(usize, &Event)> = events.iter().enumerate().collect();
        order.sort_by_key(|(_, event)| event.date);
        let mut standing: Vec<(usize, &Event)> = Vec::new();
        for (index, event) in order {
            if let EventKind::Reversal { of } = &event.kind {
                let undone = standing.iter().position(|(_, earlier)| earlier.id.as_ref() == Some(of));
                let Some(undone) = undone else { return false };
                standing.remove(undone);
            } else {
                standing.push((index, event));
            }
        }
        for (index, event) in standing {
            self.walk(event.date.days());
            if !self.happen(index, event.date.days(), &event.kind) {
                return false;
            }
        }
        true
    }
}
