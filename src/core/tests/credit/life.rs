//! A second, naive account: day by day, with fractions of whole numbers until the contract says that they
//! are rounded. It shares nothing with the first but the types of its input.

use num_bigint::BigInt;
use num_rational::BigRational;
use prequal_core::{
    calendar::{Date, DayCount},
    credit::{
        AfterMaturity, Bucket, Direction, Effect, Event, EventKind, FeeSize, FeeWhen, Grace, LateFeePer, Method, Part,
        PenaltyBase, PenaltyMode, RefundOrder, Rest, Rules, Terms, Timing,
    },
    rounding::Rounding,
};

use super::naive_dates::Fraction;

pub(super) const PENALTY: usize = 0;
pub(super) const FEE: usize = 1;
pub(super) const INTEREST: usize = 2;
pub(super) const PRINCIPAL: usize = 3;

#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub due: i32,
    pub owed: [i64; 4],
    pub paid: [i64; 4],
    closed: bool,
    target: i64,
    /// Penalty not yet rounded, in the fraction of the day.
    running: i128,
    suspended: i64,
    fee_done: bool,
}

impl Line {
    pub(super) fn open_of(&self, part: usize) -> i64 {
        self.owed[part] - self.paid[part]
    }
    fn late(&self) -> i64 {
        self.open_of(FEE) + self.open_of(INTEREST) + self.open_of(PRINCIPAL)
    }
}

/// The naive loan.
pub(super) struct Naive<'a> {
    terms: &'a Terms,
    rules: &'a Rules,
    balloon: i64,
    holiday: usize,
    /// Hundredths of a per cent a year.
    rate: i128,
    thirty: bool,
    pub lines: Vec<Line>,
    start: i32,
    pub outstanding: i64,
    lent: i64,
    refunded: i64,
    level: i64,
    on_top: (usize, i64),
    pool: i64,
    running: i128,
    pub unapplied: i64,
    pub held: i64,
    late_fees: i64,
    loan_fee_done: bool,
}

fn rounded(numerator: i128, denominator: i128, rounding: Rounding) -> i64 {
    i64::try_from(Fraction::new(numerator, denominator).rounded(rounding)).unwrap()
}

impl<'a> Naive<'a> {
    pub(super) fn new(terms: &'a Terms, rules: &'a Rules) -> Self {
        let dues = terms.repayment.due_dates.clone().unwrap();
        let principal = terms.principal.minor();
        let balloon = match terms.repayment.balloon {
            Some(FeeSize::Amount(amount)) => amount.minor(),
            _ => 0,
        };
        let holiday = usize::from(terms.repayment.principal_holiday);
        let count = (dues.len() - holiday) as i64;
        let rate = terms
            .rate
            .map_or(0, |rate| i128::from(rate.percent.mantissa()) * 100 / i128::from(rate.percent.denominator()));
        let mut lines: Vec<Line> = dues.iter().map(|due| Line { due: due.days(), ..Line::default() }).collect();
        let repaid = principal - balloon;
        for line in &mut lines[holiday..] {
            line.target = repaid / count;
        }
        lines.last_mut().unwrap().target += repaid % count + balloon;
        let count = lines.len();
        for fee in &terms.fees {
            let FeeSize::Amount(size) = fee.size else { panic!("amounts only") };
            for line in &mut lines[..if fee.when == FeeWhen::First { 1 } else { count }] {
                line.owed[FEE] += size.minor();
            }
        }
        let mut naive = Self {
            terms,
            rules,
            balloon,
            holiday,
            rate,
            thirty: terms.rate.is_some_and(|rate| rate.day_count == Some(DayCount::Thirty360)),
            lines,
            start: terms.start.days(),
            outstanding: principal,
            lent: principal,
            refunded: 0,
            level: 0,
            on_top: (usize::MAX, 0),
            pool: 0,
            running: 0,
            unapplied: 0,
            held: 0,
            late_fees: 0,
            loan_fee_done: false,
        };
        naive.new_level(naive.start, principal);
        naive
    }

    fn is_level(&self) -> bool {
        self.terms.repayment.method == Method::EqualInstallment
    }

    /// First and last day of the period in which the day after `day` lies.
    fn period(&self, day: i32) -> Option<(i32, i32)> {
        let mut from = self.start;
        for line in &self.lines {
            if day < line.due {
                return Some((from, line.due));
            }
            from = line.due;
        }
        None
    }

    /// A day's interest of one on the whole period's fraction: numerator and denominator, without the rate.
    fn day_part(&self, day: i32) -> (i128, i128) {
        let Some((from, to)) = self.period(day) else {
            return (i128::from(self.terms.after_maturity == Some(AfterMaturity::Accrue)), 365);
        };
        if !self.thirty {
            return (1, 365);
        }
        let civil = |day: i32| Date::from_days(day).unwrap().civil();
        let ((y1, m1, d1), (y2, m2, d2)) = (civil(from), civil(to));
        let d1 = d1.min(30);
        let d2 = if d1 == 30 { d2.min(30) } else { d2 };
        let units = 360 * (y2 - y1) + 30 * (i32::from(m2) - i32::from(m1)) + i32::from(d2) - i32::from(d1);
        (i128::from(units), 360 * i128::from(to - from))
    }

    fn new_level(&mut self, day: i32, left: i64) {
        if !self.is_level() {
            return;
        }
        let one = BigRational::from_integer(1.into());
        let (mut discount, mut annuity, mut pending) =
            (one.clone(), BigRational::from_integer(0.into()), BigRational::from_integer(0.into()));
        let mut from = day;
        for (place, line) in self.lines.iter().enumerate().filter(|(_, line)| line.due > day) {
            for each in from..line.due {
                let (numerator, denominator) = self.day_part(each);
                pending += BigRational::new((numerator * self.rate).into(), (denominator * 10_000).into());
            }
            from = line.due;
            if place < self.holiday {
                pending = BigRational::from_integer(0.into());
            } else if !line.closed {
                discount /= &one + &pending;
                annuity += &discount;
                pending = BigRational::from_integer(0.into());
            }
        }
        let kept = discount * BigInt::from(self.balloon.min(left));
        let level: BigRational = (BigRational::from_integer(left.into()) - kept) / annuity;
        let level = Fraction::new(level.numer().clone(), level.denom().clone()).rounded(self.terms.rounding);
        self.level = i64::try_from(level).unwrap();
    }

    fn claims(&self) -> i64 {
        self.lines.iter().filter(|line| line.closed).map(|line| line.open_of(PRINCIPAL)).sum()
    }

    fn spread(&mut self, day: i32) {
        let open: Vec<usize> = (self.holiday..self.lines.len()).filter(|place| !self.lines[*place].closed).collect();
        if open.is_empty() {
            return;
        }
        let left = self.outstanding - self.claims();
        self.pool = 0;
        self.new_level(day, left);
        self.on_top = (open[0], self.lines[open[0]].owed[INTEREST] + self.lines[open[0]].paid[PRINCIPAL]);
        for (at, place) in open.iter().enumerate() {
            let kept = self.balloon.min(left);
            let repaid = left - kept;
            let more = if at + 1 == open.len() { repaid % open.len() as i64 + kept } else { 0 };
            self.lines[*place].target = self.lines[*place].paid[PRINCIPAL] + repaid / open.len() as i64 + more;
        }
    }

    /// What a line asks of principal, and what the pool takes off it.
    fn asks(&self, place: usize) -> (i64, i64) {
        let line = &self.lines[place];
        let available = self.outstanding - self.claims() + line.paid[PRINCIPAL];
        if place + 1 == self.lines.len() {
            return (available, self.pool);
        }
        let asked = match self.terms.repayment.method {
            _ if place < self.holiday => 0,
            Method::EqualInstallment => {
                let on_top = if self.on_top.0 == place { self.on_top.1 } else { 0 };
                (self.level + on_top - line.owed[INTEREST]).max(0)
            }
            Method::InterestOnly => 0,
            _ => line.target,
        };
        let whole = asked.max(line.paid[PRINCIPAL]).min(available + self.pool);
        let taken = self.pool.min(whole - line.paid[PRINCIPAL]);
        (whole - taken, taken)
    }

    fn penalised(&self, line: &Line, day: i32) -> bool {
        self.rules.penalty.as_ref().is_some_and(|penalty| {
            let free = if penalty.grace == Grace::Free { i32::from(penalty.grace_days) } else { 0 };
            line.closed && line.due + free <= day && line.late() > 0
        })
    }

    /// One day passes: `day` is the day before it.
    fn pass(&mut self, day: i32) {
        let mut bearing = self.outstanding;
        if let Some(penalty) = &self.rules.penalty {
            let late: Vec<usize> =
                (0..self.lines.len()).filter(|place| self.penalised(&self.lines[*place], day)).collect();
            if penalty.mode == PenaltyMode::InPlace {
                for place in &late {
                    bearing -= match penalty.base {
                        PenaltyBase::AllPrincipal => bearing,
                        _ => self.lines[*place].open_of(PRINCIPAL),
                    };
                }
            }
            // All principal is charged once, for the oldest that is late at all, grace or not.
            let oldest = self.lines.iter().position(|line| line.due <= day && line.late() > 0);
            for place in late {
                let base = match penalty.base {
                    PenaltyBase::OverduePrincipal => self.lines[place].open_of(PRINCIPAL),
                    PenaltyBase::OverdueAmount => self.lines[place].late(),
                    PenaltyBase::AllPrincipal if oldest == Some(place) => self.outstanding,
                    PenaltyBase::AllPrincipal => 0,
                };
                self.lines[place].running += i128::from(base);
            }
        }
        self.running += i128::from(bearing) * self.day_part(day).0;
    }

    /// Interest of the segment that ends on `day` is rounded.
    fn round_interest(&mut self, day: i32) {
        let denominator = self.day_part(day - 1).1 * 10_000;
        let interest = rounded(core::mem::take(&mut self.running) * self.rate, denominator, self.terms.rounding);
        let last = self.lines.len() - 1;
        let place = self.lines.iter().position(|line| !line.closed).unwrap_or(last);
        self.lines[place].owed[INTEREST] += interest;
    }

    fn round_penalties(&mut self, day: i32) {
        let Some(penalty) = &self.rules.penalty else { return };
        // One and a half times the contract's rate, by actual days over 365 or 360.
        let year = if self.thirty { 360 } else { 365 };
        for line in &mut self.lines {
            let charge =
                rounded(core::mem::take(&mut line.running) * self.rate * 3, 2 * year * 10_000, self.terms.rounding);
            if penalty.grace == Grace::Retroactive && day - line.due <= i32::from(penalty.grace_days) {
                line.suspended += charge;
            } else if charge > 0 || line.suspended > 0 {
                line.owed[PENALTY] += charge + core::mem::take(&mut line.suspended);
            }
        }
    }

    fn late_fees(&mut self, day: i32) {
        let Some(late_fee) = &self.rules.late_fee else { return };
        let tier = late_fee.tiers[0];
        for place in 0..self.lines.len() {
            let line = &self.lines[place];
            let once = late_fee.per == LateFeePer::Loan && self.loan_fee_done;
            if !line.closed || line.late() <= 0 || day - line.due <= i32::from(tier.after_days) || line.fee_done || once
            {
                continue;
            }
            let short: i64 = self.lines[..=place].iter().map(Line::late).sum();
            let spent = self.lines.iter().map(|line| line.paid[PENALTY]).sum::<i64>().min(self.late_fees);
            let fee = if spent > 0 && short <= spent { 0 } else { tier.amount.unwrap().minor() };
            let fee = fee.min(late_fee.cap_amount.unwrap().minor() - self.late_fees);
            self.late_fees += fee;
            self.lines[place].owed[PENALTY] += fee;
            self.lines[place].fee_done = true;
            self.loan_fee_done = true;
        }
    }

    fn pay(&mut self, place: usize, part: usize, money: &mut i64) {
        let line = &mut self.lines[place];
        let paid = line.open_of(part).min(*money);
        line.paid[part] += paid;
        *money -= paid;
        if part == PRINCIPAL {
            self.outstanding -= paid;
        }
    }

    fn pay_fallen_due(&mut self, day: i32, money: &mut i64) {
        let order = self.rules.allocation.order.clone();
        let number = |part: Part| {
            [Part::Penalty, Part::Fee, Part::Interest, Part::Principal].iter().position(|one| *one == part).unwrap()
        };
        let fits = |bucket: &Bucket, due: i32| match bucket.timing {
            Timing::PastDue => due < day,
            Timing::Due => due == day,
            Timing::InAdvance => false,
        };
        let pairs: Vec<(usize, usize)> = if self.rules.allocation.direction == Direction::Vertical {
            let lines = &self.lines;
            order
                .iter()
                .flat_map(|bucket| {
                    (0..lines.len())
                        .filter(move |place| fits(bucket, lines[*place].due))
                        .map(move |place| (place, number(bucket.part)))
                })
                .collect()
        } else {
            let order = &order;
            (0..self.lines.len())
                .flat_map(|place| {
                    let due = self.lines[place].due;
                    order.iter().filter(move |bucket| fits(bucket, due)).map(move |bucket| (place, number(bucket.part)))
                })
                .collect()
        };
        for (place, part) in pairs {
            self.pay(place, part, money);
        }
        for line in &mut self.lines {
            if line.late() == 0 {
                line.suspended = 0;
            }
        }
    }

    fn pay_ahead(&mut self, day: i32, money: &mut i64) {
        for place in 0..self.lines.len() {
            let line = &self.lines[place];
            if line.due <= day || *money == 0 || (line.closed && line.owed == line.paid) {
                continue;
            }
            let (asked, taken) = self.asks(place);
            let was_open = !self.lines[place].closed;
            if was_open {
                self.lines[place].owed[PRINCIPAL] = asked;
            }
            for part in [PENALTY, FEE, INTEREST, PRINCIPAL] {
                self.pay(place, part, money);
            }
            if was_open && asked != 0 && self.lines[place].owed == self.lines[place].paid {
                self.lines[place].closed = true;
                self.pool -= taken.min(self.pool);
            }
        }
    }

    fn pay_principal(&mut self, day: i32, money: &mut i64, lower: bool) -> bool {
        for place in 0..self.lines.len() {
            if self.lines[place].due > day {
                self.pay(place, INTEREST, money);
            }
        }
        let principal = (*money).min(self.outstanding - self.claims());
        self.outstanding -= principal;
        *money -= principal;
        if self.outstanding == 0 {
            self.end();
            self.pay_everything(money);
        } else if lower && (principal > 0) {
            self.spread(day);
        }
        principal > 0
    }

    fn pay_everything(&mut self, money: &mut i64) {
        for place in 0..self.lines.len() {
            for part in [PENALTY, FEE, INTEREST, PRINCIPAL] {
                self.pay(place, part, money);
            }
        }
    }

    fn end(&mut self) {
        if self.outstanding == 0 {
            self.pool = 0;
            for line in self.lines.iter_mut().filter(|line| !line.closed) {
                line.owed[PRINCIPAL] = line.paid[PRINCIPAL];
                line.closed = true;
            }
        }
    }

    /// An event; whether it is allowed.
    fn happen(&mut self, day: i32, kind: &EventKind) -> bool {
        match kind {
            EventKind::Repayment(money) => {
                let mut money = money.minor();
                self.pay_fallen_due(day, &mut money);
                match self.rules.allocation.rest {
                    Rest::NextInstallment => self.pay_ahead(day, &mut money),
                    Rest::LastInstallment => drop(self.pay_principal(day, &mut money, false)),
                    Rest::Reamortise => drop(self.pay_principal(day, &mut money, true)),
                    Rest::Unapplied => {
                        if self.lines.iter().any(|line| line.due > day) {
                            self.held += core::mem::take(&mut money);
                        }
                    }
                }
                self.end();
                self.unapplied += money;
            }
            EventKind::Prepayment { amount, effect } => {
                let mut money = amount.minor();
                self.pay_fallen_due(day, &mut money);
                let lower = *effect == Some(Effect::LowerInstallment);
                if !self.pay_principal(day, &mut money, lower) && lower && self.outstanding > 0 {
                    self.spread(day);
                }
                self.unapplied += money;
            }
            EventKind::Draw(money) => {
                if self.lines.iter().all(|line| line.closed) || self.lines.iter().all(|line| line.due <= day) {
                    return false;
                }
                self.lent += money.minor();
                self.outstanding += money.minor();
                self.spread(day);
            }
            EventKind::RateChange { rate, keep_installment } => {
                if self.terms.rate.is_none() {
                    return false;
                }
                self.rate = i128::from(rate.percent.mantissa()) * 100 / i128::from(rate.percent.denominator());
                if !keep_installment && self.lines.iter().any(|line| line.due > day) {
                    self.spread(day);
                }
            }
            EventKind::Refund { amount, order } => return self.refund(day, amount.minor(), order.unwrap()),
            _ => return false,
        }
        true
    }

    fn refund(&mut self, day: i32, refund: i64, order: RefundOrder) -> bool {
        if self.refunded + refund > self.lent {
            return false;
        }
        self.refunded += refund;
        let cut = refund.min(self.outstanding);
        // What each line asks; of a level loan the first open one stands for all of them.
        let mut left = self.outstanding - self.claims();
        let count = self.lines.len();
        let mut asks = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            asks.push(if line.closed {
                line.open_of(PRINCIPAL)
            } else if self.is_level() || place + 1 == count {
                core::mem::take(&mut left)
            } else {
                let asked = match self.terms.repayment.method {
                    Method::InterestOnly => 0,
                    _ => (line.target - line.paid[PRINCIPAL]).max(0).min(left),
                };
                left -= asked;
                asked
            });
        }
        let mut cuts = vec![0; count];
        match order {
            RefundOrder::ProRata if cut > 0 => {
                let total = i128::from(self.outstanding);
                for place in 0..count {
                    cuts[place] = (i128::from(asks[place]) * i128::from(cut) / total) as i64;
                }
                while cuts.iter().sum::<i64>() < cut {
                    let rest =
                        |place: usize| i128::from(asks[place]) * i128::from(cut) - i128::from(cuts[place]) * total;
                    let largest = (0..count).rev().max_by_key(|place| rest(*place)).unwrap();
                    cuts[largest] += 1;
                }
            }
            _ => {
                let mut left = cut;
                for step in 0..count {
                    let place = if order == RefundOrder::FirstFirst { step } else { count - 1 - step };
                    cuts[place] = asks[place].min(left);
                    left -= cuts[place];
                }
            }
        }
        self.outstanding -= cut;
        for place in 0..count {
            let level = self.is_level();
            let line = &mut self.lines[place];
            if line.closed {
                line.owed[PRINCIPAL] -= cuts[place];
            } else if !level {
                line.target = line.paid[PRINCIPAL] + asks[place] - cuts[place];
            } else if order == RefundOrder::FirstFirst {
                self.pool += cuts[place];
            }
        }
        if self.is_level() && order == RefundOrder::ProRata && cut > 0 {
            self.spread(day);
        }
        let mut money = refund - cut;
        self.end();
        if self.outstanding == 0 {
            self.pay_everything(&mut money);
        }
        for line in self.lines.iter_mut().filter(|line| line.late() == 0) {
            line.suspended = 0;
        }
        self.unapplied += money;
        true
    }

    /// Day by day to the end; false where an event is not allowed.
    pub(super) fn run(&mut self, events: &[Event], until: i32) -> bool {
        let on = |day: i32| events.iter().filter(move |event| event.date.days() == day);
        if !on(self.start).all(|event| self.happen(self.start, &event.kind)) {
            return false;
        }
        for day in self.start + 1..=until {
            self.pass(day - 1);
            let falls_due = self.lines.iter().position(|line| line.due == day);
            let stop = falls_due.is_some() || on(day).next().is_some() || day == until;
            let in_place = self.rules.penalty.as_ref().is_some_and(|penalty| penalty.mode == PenaltyMode::InPlace);
            let grace_ends = in_place
                && self.lines.iter().any(|line| {
                    let days = i32::from(self.rules.penalty.as_ref().unwrap().grace_days);
                    days > 0 && line.closed && line.late() > 0 && line.due + days == day
                });
            if stop || grace_ends {
                self.round_interest(day);
            }
            if stop || grace_ends {
                self.round_penalties(day);
            }
            if stop {
                self.late_fees(day);
            }
            if let Some(place) = falls_due {
                let (principal, taken) = self.asks(place);
                if !self.lines[place].closed {
                    self.lines[place].owed[PRINCIPAL] = principal;
                    self.lines[place].closed = true;
                    self.pool -= taken.min(self.pool);
                }
                let mut held = core::mem::take(&mut self.held);
                if held > 0 {
                    self.pay_fallen_due(day, &mut held);
                    self.held = held;
                    self.end();
                }
            }
            if !on(day).all(|event| self.happen(day, &event.kind)) {
                return false;
            }
        }
        true
    }
}
