//! Random events for a loan, its funders and a line beside it, and what must hold after each.

mod checks;
mod contracts;
mod line;
mod shares;

use std::collections::BTreeMap;

use prequal_core::{
    calendar::{Date, DayCount},
    credit::Rate,
    decimal::Decimal,
    money::Amount,
};
use prequal_ledger::{
    Account as A, Contract, Event, FunderPosition, Funding, Line, LineEvent, Loan, Moved, NewSchedule, Servicing,
    Status, TrialBalance, WaivedPart,
};

use crate::model::{Model, Told, What, Who};
use contracts::{Kind, Random, funders, rules, serving, terms};
use shares::Shares;

pub struct Life {
    random: Random,
    kind: Kind,
    loan: Loan,
    trial: TrialBalance,
    /// None for a life that the model does not tell.
    model: Option<Model>,
    today: Date,
    start: Date,
    ids: u64,
    /// Payments by id, with the place of their record: those that may clear, those that are final.
    collected: Vec<(String, usize)>,
    initiated: Vec<String>,
    finals: Vec<(String, usize)>,
    disputes: Vec<String>,
    refunded: i64,
    drawn: i64,
    funding: Funding,
    funder_books: Vec<TrialBalance>,
    funder_positions: Vec<FunderPosition>,
    moved: Vec<Moved>,
    /// What each funder must have.
    shares: Shares,
    /// The line of which the loan is drawn.
    own_line: Line,
    line: Line,
    line_limit: i64,
    line_drawn: i64,
    line_holds: BTreeMap<String, (i64, Date)>,
    line_events: usize,
    pub shared: u64,
    pub refused: u64,
    pub undone: u64,
    pub kinds: BTreeMap<&'static str, u64>,
    /// What was undone in earnest, by kind.
    pub reversed: BTreeMap<&'static str, u64>,
}

fn amount(minor: i64) -> Amount {
    Amount::new(minor).unwrap()
}

impl Life {
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        (0..8).for_each(|_| _ = random.next());
        let kind = [Kind::Free, Kind::Single, Kind::Rich, Kind::Late][(seed % 4) as usize];
        // From half a dollar, which others misallocate, to thousands.
        let principal = if random.one_in(6) { random.between(1, 200) } else { random.between(1_000, 500_000) };
        let rate = random.between(1, 6_000);
        let terms = serde_json::from_str(&terms(&mut random, kind, principal, rate)).unwrap();
        let fee = random.between(0, principal / 20);
        let (rules, servicing) = (rules(&mut random, kind), serving(&mut random));
        let servicing =
            if kind == Kind::Rich { servicing } else { Servicing { re_ageings_max: 3, ..Servicing::default() } };
        let contract = Contract::new(terms, rules, amount(fee)).unwrap().served_by(servicing).unwrap();
        let start = contract.terms().start;
        let model = (kind != Kind::Rich).then(|| Model {
            lent: i128::from(principal),
            merchant_fee: i128::from(fee),
            start: start.days(),
            due: match kind {
                Kind::Single => Date::parse("2026-05-01").unwrap().days(),
                Kind::Late => Date::parse("2026-01-20").unwrap().days(),
                Kind::Free | Kind::Rich => i32::MAX,
            },
            late: kind == Kind::Late,
            rate: if kind == Kind::Single { i128::from(rate) } else { 0 },
            told: Vec::new(),
        });
        let (funding, shares) = funders(&mut random);
        let count = funding.members().count();
        let mut life = Self {
            loan: Loan::new(contract),
            trial: TrialBalance::default(),
            model,
            today: start,
            start,
            ids: 0,
            collected: Vec::new(),
            initiated: Vec::new(),
            finals: Vec::new(),
            disputes: Vec::new(),
            refunded: 0,
            drawn: 0,
            funding,
            funder_books: vec![TrialBalance::default(); count],
            funder_positions: vec![FunderPosition::default(); count],
            moved: vec![Moved::default(); count],
            shares,
            own_line: Line::default(),
            line: Line::default(),
            line_limit: 0,
            line_drawn: 0,
            line_holds: BTreeMap::new(),
            line_events: 0,
            shared: 0,
            refused: 0,
            undone: 0,
            kinds: BTreeMap::new(),
            reversed: BTreeMap::new(),
            kind,
            random,
        };
        assert!(life.record(Event::Booked, What::Nothing));
        assert!(life.record(Event::PayoutSettled { value_date: start }, What::PayoutSettled));
        life
    }

    /// Events of the loan.
    pub fn events(&self) -> usize {
        self.loan.records().len()
    }

    /// Events of the line beside it.
    pub fn line_events(&self) -> usize {
        self.line_events
    }

    /// What was lent is drawn on the loan's own line, what came back for good is restored, and taken back where it went.
    fn follow_on_the_line(&mut self) {
        let position = self.loan.position();
        let want = position.lent.minor() + position.drawn.minor() - self.loan.principal_restored().minor();
        let have = self.own_line.drawn().minor();
        let today = self.today;
        let draws =
            matches!(self.loan.records().last().map(|last| &last.event), Some(Event::Booked | Event::Drawn { .. }));
        let mut tell = |event: LineEvent| self.own_line.record(&event, today).unwrap();
        if want > have && draws {
            let more = amount(want - have);
            tell(LineEvent::LimitSet { limit: amount(want) });
            tell(LineEvent::Held { hold: "order".into(), amount: more, expires: today });
            tell(LineEvent::Captured { hold: "order".into(), amount: more, last: true });
        } else if want > have {
            tell(LineEvent::Returned { amount: amount(want - have) });
        } else if want < have {
            tell(LineEvent::Restored { amount: amount(have - want) });
        }
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        self.ids.to_string()
    }

    /// A day of now or, one time in three, of up to 40 days ago.
    fn value_date(&mut self) -> Date {
        let back = if self.random.one_in(3) { self.random.between(0, 40) } else { 0 };
        self.start.max(self.today.add_days(-i32::try_from(back).unwrap()).unwrap())
    }

    /// Some of what is owed, all of it to the cent, or more.
    fn money(&mut self) -> i64 {
        let owed = self.loan.owed(self.today).unwrap().total().unwrap().minor();
        match self.random.below(20) {
            0 if owed > 0 => owed,
            1 => owed + self.random.between(1, 500),
            2..=6 => self.random.between(1, 60),
            _ => self.random.between(1, (owed / 8).max(2)),
        }
    }

    pub fn step(&mut self) {
        if self.random.one_in(2) {
            self.today = self.today.add_days(i32::try_from(self.random.between(0, 12)).unwrap()).unwrap();
        }
        // What is held for a new owner is soon sent there.
        if !self.loan.held_for_owner().is_zero() && self.random.one_in(4) {
            return self.pay_back();
        }
        let step = self.random.below(48);
        // What is past due is paused, spread anew or drawn upon by rules that the model does not tell.
        if self.kind == Kind::Late && matches!(step, 9..=17 | 21 | 22 | 25..=27 | 38 | 40) {
            return self.receive();
        }
        match step {
            0..=8 => self.receive(),
            9..=11 => self.collect(),
            12..=15 => self.settle_a_debit(),
            16..=17 => self.charge_back(),
            18..=20 => self.refund(),
            21 => self.draw(),
            22 => self.prepay(),
            23..=24 => self.give(),
            25 => self.respread(),
            26 => self.change_rate(),
            27 => self.dispute(),
            28 => self.pay_back(),
            29..=31 => self.reverse(),
            32 => self.end(),
            33 => self.payout(),
            34 => _ = self.record(Event::Recognized, What::Nothing),
            35 => self.close(),
            36..=37 => self.remit_to_funders(),
            38 => self.draw(),
            39 => self.give(),
            40 => self.respread(),
            _ => self.use_line(),
        }
    }

    fn receive(&mut self) {
        let (minor, value_date, payment) = (self.money(), self.value_date(), self.id());
        let place = self.loan.records().len();
        let told = What::Pay { from: Who::Borrower, amount: minor.into(), cleared: true };
        let event = Event::Received { amount: amount(minor), payment: payment.clone(), value_date };
        assert!(self.record(event, told), "money that comes is always booked");
        self.finals.push((payment, place));
    }

    fn prepay(&mut self) {
        if self.kind != Kind::Rich {
            return self.receive();
        }
        let (minor, value_date, payment) = (self.money(), self.value_date(), self.id());
        let event = Event::Prepaid { amount: amount(minor), payment, value_date, effect: None };
        self.record(event, What::Nothing);
    }

    fn collect(&mut self) {
        let minor = self.money();
        let payment = if self.initiated.is_empty() || self.random.one_in(2) {
            let payment = self.id();
            if self.random.one_in(2) {
                let event = Event::Initiated { amount: amount(minor), payment: payment.clone() };
                assert!(self.record(event, What::Nothing));
                self.initiated.push(payment);
                return;
            }
            payment
        } else {
            self.initiated.pop().unwrap()
        };
        let (value_date, place) = (self.value_date(), self.loan.records().len());
        let told = What::Pay { from: Who::Borrower, amount: minor.into(), cleared: false };
        if self.record(Event::Collected { amount: amount(minor), payment: payment.clone(), value_date }, told) {
            self.collected.push((payment, place));
        }
    }

    fn tell(&mut self, place: usize, change: impl Fn(&mut Told)) {
        if let Some(told) = self.model.as_mut().and_then(|model| model.told.get_mut(place)) {
            change(told);
        }
    }

    /// A debit collected clears or goes back. The model is told with the record, so that a check of it sees both.
    fn settle_a_debit(&mut self) {
        if self.collected.is_empty() {
            return self.collect();
        }
        let one = self.random.below(self.collected.len() as u64) as usize;
        let (payment, place) = self.collected.remove(one);
        if self.random.one_in(3) {
            self.tell(place, |told| told.undone = true);
            assert!(self.record(Event::Returned { payment }, What::Nothing), "a return is always booked");
        } else {
            self.tell(place, |told| {
                if let What::Pay { cleared, .. } = &mut told.what {
                    *cleared = true;
                }
            });
            assert!(self.record(Event::Cleared { payment: payment.clone() }, What::Nothing));
            self.finals.push((payment, place));
        }
    }

    fn charge_back(&mut self) {
        if self.finals.is_empty() {
            return self.receive();
        }
        let one = self.random.below(self.finals.len() as u64) as usize;
        let (payment, place) = self.finals.remove(one);
        self.tell(place, |told| told.undone = true);
        if !self.record(Event::ChargedBack { payment }, What::Nothing) {
            self.tell(place, |told| told.undone = false);
        }
    }

    fn refund(&mut self) {
        let bought = self.loan.contract().terms().principal.minor() + self.drawn;
        let left = bought - self.refunded;
        // One time in four a cent more than was bought.
        let minor = if self.random.one_in(4) { left + 1 } else { self.random.between(1, left.max(1)) };
        let (value_date, refund) = (self.value_date(), self.id());
        let event = Event::Refunded { amount: amount(minor), refund, value_date, order: None };
        if self.record(event, What::Refund(minor.into())) {
            assert!(minor <= left, "no more is refunded than was bought");
            self.refunded += minor;
        }
    }

    fn draw(&mut self) {
        let minor = self.random.between(1, 5_000);
        let value_date = self.value_date();
        if self.record(Event::Drawn { amount: amount(minor), value_date }, What::Draw(minor.into())) {
            self.drawn += minor;
        }
    }

    fn give(&mut self) {
        let value_date = self.today;
        let owed = self.loan.owed(value_date).unwrap();
        let some = |random: &mut Random, most: Amount| random.between(1, most.minor().max(1));
        let kinds = if self.kind == Kind::Late { 1 } else { 5 };
        let (event, told) = match self.random.below(kinds) {
            0 => {
                let minor = self.random.between(1, 300);
                let told = What::Pay { from: Who::Lender, amount: minor.into(), cleared: true };
                (Event::GoodwillCredited { amount: amount(minor), value_date }, told)
            }
            1 => {
                let minor = some(&mut self.random, owed.principal);
                let part = WaivedPart::Principal;
                (Event::Waived { part, amount: amount(minor), value_date }, What::WaivePrincipal(minor.into()))
            }
            2 if !owed.penalty.is_zero() => {
                let minor = some(&mut self.random, owed.penalty);
                (Event::Waived { part: WaivedPart::Penalty, amount: amount(minor), value_date }, What::Nothing)
            }
            3 if !owed.fee.is_zero() => {
                let minor = some(&mut self.random, owed.fee);
                (Event::Waived { part: WaivedPart::Fee, amount: amount(minor), value_date }, What::Nothing)
            }
            _ => {
                let minor = some(&mut self.random, owed.interest);
                let part = WaivedPart::Interest;
                (Event::Waived { part, amount: amount(minor), value_date }, What::WaiveInterest(minor.into()))
            }
        };
        self.record(event, told);
    }

    fn respread(&mut self) {
        let value_date = self.value_date();
        let least = i64::from(!self.random.one_in(8));
        let first_due = value_date.add_days(i32::try_from(self.random.between(least, 70)).unwrap()).unwrap();
        let count = u16::try_from(self.random.between(1, 8)).unwrap();
        let schedule = NewSchedule::new(first_due, count);
        // For a loan at no cost a due day means nothing to the model.
        let told = What::Respread { due: if self.kind == Kind::Free { i32::MAX } else { first_due.days() } };
        // Mostly the one that fits; where days were told of late, either may.
        let late = !self.loan.delinquency(value_date).unwrap().overdue.is_zero();
        if late == self.random.one_in(6) {
            self.record(Event::Rescheduled { value_date, schedule }, told);
        } else {
            self.record(Event::ReAged { value_date, schedule }, told);
        }
    }

    fn change_rate(&mut self) {
        let rate = self.random.between(1, 6_000);
        let percent = Decimal::new(rate, 2).unwrap();
        let day_count = self.loan.contract().terms().rate.and_then(|rate| rate.day_count);
        let rate_now = Rate::annual(percent, day_count.unwrap_or(DayCount::Actual365));
        let value_date = self.value_date();
        let keep_installment = self.random.one_in(2);
        let event = Event::RateChanged { value_date, rate: rate_now, keep_installment, confirmation: None };
        self.record(event, What::Rate(rate.into()));
    }

    fn dispute(&mut self) {
        let value_date = self.value_date();
        if self.disputes.is_empty() || self.random.one_in(2) {
            let (minor, dispute) = (self.random.between(1, 20_000), self.id());
            let event = Event::Disputed { dispute: dispute.clone(), amount: amount(minor), value_date };
            assert!(self.record(event, What::Nothing));
            self.disputes.push(dispute);
        } else {
            let dispute = self.disputes.pop().unwrap();
            assert!(self.record(Event::DisputeResolved { dispute, value_date }, What::Nothing));
        }
    }

    fn pay_back(&mut self) {
        let held = self.loan.credit_balance().minor();
        let minor = if self.random.one_in(4) { held + 1 } else { held };
        if minor > 0 {
            let payment = self.id();
            let done = self.record(Event::PaidBack { amount: amount(minor), payment }, What::PaidBack(minor.into()));
            assert_eq!(done, minor <= held, "no more is paid back than is owed back");
        }
        let held = self.loan.held_for_owner().minor();
        if held > 0 {
            assert!(!self.record(Event::Remitted { amount: amount(held + 1) }, What::Nothing));
            assert!(self.record(Event::Remitted { amount: amount(held) }, What::Remitted(held.into())));
        }
    }

    /// Undoes an event of any age, but the booking; refused where another rests on it.
    fn reverse(&mut self) {
        let count = self.loan.records().len() as u64;
        let place = 1 + self.random.below(count - 1) as usize;
        let name = self.loan.records()[place].event.name();
        let number = u32::try_from(place + 1).unwrap();
        if self.record(Event::Reversed { number }, What::Nothing) {
            *self.reversed.entry(name).or_default() += 1;
        }
    }

    /// After a reversal: which payments, disputes, refunds and draws there are now, from the records in force.
    fn recount(&mut self) {
        let records: Vec<_> = self.loan.records().iter().zip(self.loan.in_force()).enumerate().collect();
        let mut payments: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        let (mut disputes, mut refunded, mut drawn) = (Vec::new(), 0, 0);
        let mut undone: Vec<bool> = records.iter().map(|(_, (_, in_force))| !in_force).collect();
        for (place, (record, in_force)) in records {
            if !in_force {
                continue;
            }
            match &record.event {
                Event::Initiated { payment, .. } => _ = payments.insert(payment, (place, "initiated")),
                Event::Received { payment, .. } => _ = payments.insert(payment, (place, "final")),
                Event::Collected { payment, .. } => _ = payments.insert(payment, (place, "collected")),
                Event::Cleared { payment } => payments.get_mut(payment.as_str()).unwrap().1 = "final",
                Event::Returned { payment } | Event::ChargedBack { payment } => {
                    let (place, _) = payments.remove(payment.as_str()).unwrap();
                    undone[place] = true;
                }
                Event::Disputed { dispute, .. } => disputes.push(dispute.clone()),
                Event::DisputeResolved { dispute, .. } => disputes.retain(|open| open != dispute),
                Event::Refunded { amount, .. } => refunded += amount.minor(),
                Event::Drawn { amount, .. } => drawn += amount.minor(),
                _ => {}
            }
        }
        let of = |state: &str| -> Vec<(String, usize)> {
            let here = payments.iter().filter(|(_, (_, known))| *known == state);
            here.map(|(id, (place, _))| ((*id).to_owned(), *place)).collect()
        };
        let (initiated, collected, finals) = (of("initiated"), of("collected"), of("final"));
        if let Some(model) = &mut self.model {
            for (place, told) in model.told.iter_mut().enumerate() {
                told.undone = undone[place];
                if let What::Pay { from: Who::Borrower, cleared, .. } = &mut told.what {
                    *cleared = !collected.iter().any(|(_, other)| *other == place);
                }
            }
        }
        self.initiated = initiated.into_iter().map(|(id, _)| id).collect();
        (self.collected, self.finals) = (collected, finals);
        (self.disputes, self.refunded, self.drawn) = (disputes, refunded, drawn);
    }

    fn end(&mut self) {
        let value_date = self.value_date();
        match self.random.below(6) {
            0 => _ = self.record(Event::ChargedOff { value_date }, What::ChargeOff),
            1 => {
                let (price, owner) = (self.random.between(0, 100_000), self.id());
                let event = Event::Transferred { value_date, owner, price: amount(price) };
                self.record(event, What::Sell(price.into()));
            }
            2 if self.kind == Kind::Rich => _ = self.record(Event::Withdrawn { value_date: self.start }, What::Nothing),
            _ => {}
        }
    }

    /// The payout comes back, is settled again a little later, and may have failed for good with a loan that is new.
    fn payout(&mut self) {
        let value_date = self.value_date();
        if self.loan.status() == Status::Disbursing {
            self.record(Event::PayoutSettled { value_date }, What::PayoutSettled);
        } else if self.record(Event::PayoutReturned { value_date }, What::PayoutReturned) && self.random.one_in(2) {
            // A failure is looked at on a copy: it ends everything.
            let mut copy = self.loan.clone();
            let ended = copy.record(Event::PayoutFailed { value_date }, self.today);
            *self.kinds.entry("payout_failed").or_default() += u64::from(ended.is_ok());
            if ended.is_ok() {
                assert_eq!((copy.status(), copy.position().net(A::PrincipalReceivable)), (Status::Cancelled, 0));
            }
        }
    }

    fn close(&mut self) {
        let could = self.loan.status() == Status::Settled && self.loan.credit_balance().is_zero();
        if could || self.random.one_in(8) {
            assert_eq!(self.record(Event::Closed, What::Nothing), could);
        }
        if self.loan.status() == Status::Active && self.random.one_in(4) {
            // Pay what settles it, so that some loans get there.
            let owed = self.loan.owed(self.today).unwrap().total().unwrap();
            let excess = self.loan.overpaid_back();
            let sum = owed.checked_add(excess).unwrap();
            if !sum.is_zero() {
                let payment = self.id();
                let event = Event::Received { amount: sum, payment, value_date: self.today };
                let told = What::Pay { from: Who::Borrower, amount: sum.minor().into(), cleared: true };
                self.record(event, told);
            }
        }
    }

    /// Records an event and checks everything; whether it was taken.
    fn record(&mut self, event: Event, what: What) -> bool {
        let name = event.name();
        let day = event.value_date().unwrap_or(self.today).days();
        let before = self.loan.clone();
        match self.loan.record(event, self.today) {
            Ok(entry) => {
                if let Some(entry) = entry {
                    self.trial.add(&entry).unwrap();
                }
                if let Some(model) = &mut self.model {
                    model.told.push(Told { day, what, undone: false });
                }
                if name == "reversed" {
                    self.recount();
                }
                self.follow_on_the_line();
                *self.kinds.entry(name).or_default() += 1;
                self.check(&before, name);
                true
            }
            Err(error) => {
                let wrong = error.to_string().contains("do not add up");
                assert!(!wrong, "{name}: {error}\n{:?}\n{:?}", self.loan.contract(), self.loan.records());
                assert_eq!(self.loan.position(), before.position(), "a refused event changes nothing");
                let must = ["received", "returned", "collected", "cleared"].contains(&name);
                assert!(!must, "{name}: {error}\n{:?}\n{:?}", self.loan.contract(), self.loan.records());
                self.refused += 1;
                false
            }
        }
    }

    fn remit_to_funders(&mut self) {
        let place = self.random.below(self.moved.len() as u64) as usize;
        let to_remit = self.funder_positions[place].to_remit();
        let moved = &mut self.moved[place];
        if to_remit > 0 {
            moved.remitted = moved.remitted.checked_add(amount(to_remit)).unwrap();
        } else {
            moved.funded = moved.funded.checked_add(amount(-to_remit)).unwrap();
        }
        let position = *self.loan.position();
        let sold = self.loan.status() == Status::Transferred;
        self.check_the_funders(&position);
        assert!(sold || self.funder_positions[place].to_remit() == 0, "after a remittance nothing is left to remit");
    }
}
