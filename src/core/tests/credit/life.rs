//! A second, naive account: day by day, with fractions of whole numbers until the contract says that they
//! are rounded. It shares nothing with the first but the types of its input.
//!
//! Here is what time does to a loan; what money does to it is beside this in `life_money`.

use prequal_core::{
    calendar::{Date, DayCount, date::is_leap_year},
    credit::{
        AfterMaturity, Grace, LateFeePer, Method, Penalty, PenaltyBase, PenaltyMode, Rate, Remainder, Rules, Terms,
        caps::ChargeKind,
    },
};

use super::{
    naive_dates::{Fraction, is_thirty, percent, thirty_days},
    oracle::{self, exact_level, whole},
};

pub(super) const PENALTY: usize = 0;
pub(super) const FEE: usize = 1;
pub(super) const INTEREST: usize = 2;
pub(super) const PRINCIPAL: usize = 3;

#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub due: i32,
    pub owed: [i64; 4],
    pub paid: [i64; 4],
    pub closed: bool,
    pub target: i64,
    /// In a forecast: principal taken to be paid when it fell due.
    pub assumed: i64,
    /// Whether a forecast takes the line to be paid.
    pub foreseen: bool,
    /// Penalty not yet rounded: base times parts of days.
    running: i128,
    pub suspended: i64,
    /// Unpaid penalty that has joined the base of a compounding one.
    pub joined: i64,
    tiers: usize,
    /// Money meant for this line that late fees have swallowed.
    pub swallowed: i64,
}

impl Line {
    pub(super) fn open_of(&self, part: usize) -> i64 {
        self.owed[part] - self.paid[part]
    }

    /// What makes it late.
    pub(super) fn late(&self) -> i64 {
        self.open_of(FEE) + self.open_of(INTEREST) + self.open_of(PRINCIPAL)
    }
}

/// A charge that was not posted in full.
pub(super) type Refused = (i32, ChargeKind, i64, String);

/// The naive loan.
#[derive(Clone)]
pub(super) struct Life<'a> {
    pub terms: &'a Terms,
    pub rules: &'a Rules,
    pub made: &'a oracle::Naive,
    pub rate: Option<Rate>,
    /// The last rate that was not zero: another must count days as it did.
    pub counting: Option<Rate>,
    pub lines: Vec<Line>,
    pub start: i32,
    /// The day up to which everything has been counted.
    pub today: i32,
    /// Due dates behind us.
    pub period: usize,
    pub outstanding: i64,
    pub lent: i64,
    pub refunded: i64,
    pub level: i64,
    pub on_top: (usize, i64),
    pub pool: i64,
    /// Parts of the period's days already counted.
    counted: i64,
    /// Interest not yet rounded: principal times those parts.
    running: i128,
    /// The day on which interest was last rounded.
    rounded_on: i32,
    pub unapplied: i64,
    pub held: Vec<(usize, i64)>,
    pub charged: [i64; 3],
    loan_tiers: usize,
    pub withdrawn: bool,
    pub withdrawn_on: i32,
    /// A forecast charges nobody for being late.
    pub quiet: bool,
    pub prepaid: Vec<(i32, i64)>,
    pub moved: Vec<(i32, i64)>,
    pub booked: Vec<super::life_money::Booked>,
    pub not_charged: Vec<Refused>,
}

pub(super) fn day(days: i32) -> Date {
    Date::from_days(days).unwrap()
}

fn effective(rate: Rate) -> DayCount {
    match rate.day_count {
        Some(count) if !rate.daily || is_thirty(count) => count,
        _ => DayCount::Actual365,
    }
}

/// Parts of a year, or for a daily rate days, after one date up to another.
fn parts(count: DayCount, from: i32, to: i32) -> i64 {
    if to <= from {
        return 0;
    }
    match count {
        DayCount::Thirty360 | DayCount::Thirty360European => thirty_days(count, day(from), day(to)),
        DayCount::ActualActual => {
            (from + 1..=to).map(|number| if is_leap_year(day(number).year()) { 365 } else { 366 }).sum()
        }
        _ => i64::from(to - from),
    }
}

fn parts_a_year(count: DayCount) -> i64 {
    match count {
        DayCount::Actual364 => 364,
        DayCount::Actual365 => 365,
        DayCount::ActualActual => 365 * 366,
        _ => 360,
    }
}

/// What one part costs of one minor unit.
fn per_part(rate: Rate) -> Fraction {
    let parts = if rate.daily { 1 } else { parts_a_year(effective(rate)) };
    percent(rate.percent).times(&Fraction::new(1, parts))
}

pub(super) fn cents(value: &Fraction, terms: &Terms) -> i64 {
    whole(&value.rounded(terms.rounding)).unwrap()
}

impl<'a> Life<'a> {
    pub(super) fn new(terms: &'a Terms, rules: &'a Rules, made: &'a oracle::Naive) -> Self {
        let start = terms.start.days();
        let line = |row: &oracle::Row| Line { due: row.due.days(), owed: [0, row.fee, 0, 0], ..Line::default() };
        let mut life = Self {
            terms,
            rules,
            made,
            rate: terms.rate.filter(|rate| !rate.percent.is_zero()),
            counting: terms.rate.filter(|rate| !rate.percent.is_zero()),
            lines: made.rows.iter().map(line).collect(),
            start,
            today: start,
            period: 0,
            outstanding: made.lent,
            lent: made.lent,
            refunded: 0,
            level: made.level,
            on_top: (usize::MAX, 0),
            pool: 0,
            counted: 0,
            running: 0,
            rounded_on: start,
            unapplied: 0,
            held: Vec::new(),
            charged: [0; 3],
            loan_tiers: 0,
            withdrawn: false,
            withdrawn_on: i32::MAX,
            quiet: false,
            prepaid: Vec::new(),
            moved: Vec::new(),
            booked: Vec::new(),
            not_charged: Vec::new(),
        };
        life.share_out(made.lent, 0);
        life
    }

    pub(super) fn is_level(&self) -> bool {
        self.terms.repayment.method == Method::EqualInstallment
    }

    pub(super) fn holiday(&self) -> usize {
        usize::from(self.terms.repayment.principal_holiday)
    }

    /// Lines that still repay principal.
    pub(super) fn open_lines(&self) -> Vec<usize> {
        (self.holiday()..self.lines.len()).filter(|place| !self.lines[*place].closed).collect()
    }

    /// Equal shares of what is left over the open lines.
    fn share_out(&mut self, left: i64, from: usize) {
        let open = self.open_lines();
        let kept = self.made.balloon.min(left);
        let (each, more) = ((left - kept) / open.len() as i64, (left - kept) % open.len() as i64);
        let first = self.terms.remainder == Some(Remainder::First);
        for (at, place) in open.iter().enumerate().filter(|(_, place)| **place >= from) {
            let last = at + 1 == open.len();
            let share = each + if last { kept } else { 0 } + if if first { at == 0 } else { last } { more } else { 0 };
            self.lines[*place].target = self.lines[*place].paid[PRINCIPAL] + share;
        }
    }

    /// The first day of the period that bears interest.
    fn period_start(&self) -> i32 {
        let begin = if self.period == 0 { self.start } else { self.lines[self.period - 1].due };
        begin.max(self.start + i32::from(self.terms.repayment.interest_free_days))
    }

    fn has_begun(&self, on: i32) -> bool {
        on > self.period_start() || (self.period == 0 && self.terms.repayment.interest_free_days == 0)
    }

    /// All parts of a period, and of how many they are: of a 30-day count its actual days, which share its
    /// parts among them.
    fn period_parts(&self, place: usize, rate: Rate) -> (i64, i64) {
        let count = effective(rate);
        let begin = self.start + i32::from(self.terms.repayment.interest_free_days);
        let span = self.made.spans[place];
        let (from, due) = (span.from.days().max(begin), span.due.days());
        let minimum = i64::from(rate.minimum_days) * if count == DayCount::ActualActual { 366 } else { 1 };
        if span.from.days() < begin && due <= begin {
            return (0, 1);
        }
        let regular = span.months > 0 && from == span.from.days() && is_thirty(count);
        let parts = if regular { i64::from(span.months) * 30 } else { parts(count, from, due) };
        (parts.max(minimum), if is_thirty(count) { i64::from((due - from).max(1)) } else { 1 })
    }

    /// What of the period's parts has been reached on a day, in the same measure as [`Self::period_parts`].
    fn reached(&self, on: i32, rate: Rate) -> i64 {
        let count = effective(rate);
        let (from, due) = (self.period_start(), self.lines[self.period].due);
        let minimum = if self.has_begun(on) { i64::from(rate.minimum_days) } else { 0 };
        if !is_thirty(count) {
            let minimum = minimum * if count == DayCount::ActualActual { 366 } else { 1 };
            return parts(count, from, on).max(minimum);
        }
        if from >= due {
            // A first period without days earns what it counts at least at once.
            return i64::from(from == due && self.has_begun(on));
        }
        i64::from(on - from).max(minimum).clamp(0, i64::from(due - from))
    }

    /// Adds what has been reached since to the interest not yet rounded.
    fn count_interest(&mut self, on: i32) {
        let Some(rate) = self.rate.filter(|_| self.outstanding > 0) else { return };
        let bearing = self.outstanding - self.replaced(on);
        if self.period < self.lines.len() {
            let reached = self.reached(on, rate);
            let parts = if is_thirty(effective(rate)) { self.period_parts(self.period, rate).0 } else { 1 };
            self.running += i128::from(bearing) * i128::from((reached - self.counted).max(0)) * i128::from(parts);
            self.counted = self.counted.max(reached);
        } else if self.terms.after_maturity == Some(AfterMaturity::Accrue) {
            let from = self.rounded_on.max(self.period_start());
            let since = |to: i32| i128::from(parts(effective(rate), from, to));
            self.running += i128::from(bearing) * (since(on) - since(on - 1));
        }
    }

    /// Principal on which a penalty runs in place of interest on the day that ends `on`.
    fn replaced(&self, on: i32) -> i64 {
        let Some(penalty) = self.late_rules().filter(|penalty| penalty.mode == PenaltyMode::InPlace) else { return 0 };
        let late = self.lines.iter().filter(|line| {
            let free = if penalty.grace == Grace::Free { i32::from(penalty.grace_days) } else { 0 };
            line.closed && !line.foreseen && line.due + free < on && line.late() > 0
        });
        match penalty.base {
            PenaltyBase::AllPrincipal => late.map(|_| self.outstanding).max().unwrap_or(0),
            _ => late.map(|line| line.open_of(PRINCIPAL)).sum(),
        }
    }

    fn late_rules(&self) -> Option<&'a Penalty> {
        self.rules.penalty.as_ref().filter(|_| !self.withdrawn)
    }

    /// One day passes, the one that ends `on`.
    fn pass(&mut self, on: i32) {
        self.count_interest(on);
        let Some((penalty, count)) =
            self.late_rules().and_then(|penalty| Some((penalty, self.penalty_count(penalty)?)))
        else {
            return;
        };
        let weight = i128::from(parts(count, on - 1, on));
        for place in 0..self.lines.len() {
            let line = &self.lines[place];
            let late = match penalty.base {
                PenaltyBase::OverduePrincipal => line.open_of(PRINCIPAL),
                _ => line.late(),
            };
            if line.due >= on || (late == 0 && line.suspended == 0) {
                continue;
            }
            let free = if penalty.grace == Grace::Free { i32::from(penalty.grace_days) } else { 0 };
            let all = penalty.base == PenaltyBase::AllPrincipal;
            if line.due + free < on {
                let base = if all { self.outstanding } else { late } + line.joined;
                self.lines[place].running += i128::from(base) * weight;
            }
            // All principal is charged once, for the oldest that is late at all, grace or not.
            if all {
                break;
            }
        }
    }

    /// How a penalty counts days, where it charges anything: a 30-day count is actual days over 360.
    fn penalty_count(&self, penalty: &Penalty) -> Option<DayCount> {
        let rate = penalty.rate.map_or(self.rate, |rate| Some(rate).filter(|rate| !rate.percent.is_zero()))?;
        let count = effective(rate);
        Some(if is_thirty(count) { DayCount::Actual360 } else { count })
    }

    /// What a part of a day costs, under the ceiling on the yearly rate.
    fn penalty_rate(&self, penalty: &Penalty, count: DayCount) -> Fraction {
        let rate = match (penalty.rate, penalty.multiple) {
            (Some(rate), _) => per_part(rate),
            (None, multiple) => {
                let multiple = multiple.unwrap();
                per_part(self.rate.unwrap()).times(&Fraction::new(multiple.mantissa(), multiple.denominator()))
            }
        };
        let Some(ceiling) = penalty.ceiling_annual_percent else { return rate };
        let most = percent(ceiling).times(&Fraction::new(1, parts_a_year(count)));
        if &rate.over * &most.under > &most.over * &rate.under { most } else { rate }
    }

    fn post_penalties(&mut self, on: i32) {
        let Some((penalty, count)) =
            self.late_rules().and_then(|penalty| Some((penalty, self.penalty_count(penalty)?)))
        else {
            return;
        };
        let price = self.penalty_rate(penalty, count);
        for place in 0..self.lines.len() {
            let weighted = core::mem::take(&mut self.lines[place].running);
            if self.quiet || self.lines[place].due >= on {
                continue;
            }
            let charge = cents(&price.times(&Fraction::new(weighted, 1)), self.terms);
            let line = &mut self.lines[place];
            if penalty.grace == Grace::Retroactive && on - line.due <= i32::from(penalty.grace_days) {
                line.suspended += charge;
                continue;
            }
            let charge = charge + core::mem::take(&mut line.suspended);
            let allowed = self.admit(on, ChargeKind::Penalty, charge);
            self.lines[place].owed[PENALTY] += allowed;
        }
    }

    /// Interest of the segment that ends `on` is rounded.
    fn round_interest(&mut self, on: i32) {
        if let Some(rate) = self.rate {
            let shared = if self.period < self.lines.len() { self.period_parts(self.period, rate).1 } else { 1 };
            let value = per_part(rate).times(&Fraction::new(core::mem::take(&mut self.running), shared));
            let interest = cents(&value, self.terms);
            let last = self.lines.len() - 1;
            let place = self.lines.iter().position(|line| !line.closed).unwrap_or(last);
            self.lines[place].owed[INTEREST] += interest;
        }
        self.rounded_on = on;
    }

    fn post_late_fees(&mut self, on: i32) {
        let Some(late_fee) = self.rules.late_fee.as_ref().filter(|_| !self.quiet && !self.withdrawn) else { return };
        for place in 0..self.lines.len() {
            let (due, unpaid) = (self.lines[place].due, self.lines[place].late());
            if due >= on || unpaid == 0 {
                continue;
            }
            let passed = late_fee.tiers.iter().filter(|tier| on - due > i32::from(tier.after_days)).count();
            let once = late_fee.per == LateFeePer::Loan;
            let judged = if once { self.loan_tiers } else { self.lines[place].tiers };
            for tier in late_fee.tiers[..passed].iter().skip(judged) {
                let share = |share| cents(&percent(share).times(&Fraction::new(unpaid, 1)), self.terms);
                let fee = tier.amount.map_or_else(|| share(tier.percent.unwrap()), |amount| amount.minor());
                // Reg AA: what was paid would be enough, but for a late fee.
                if (1..=self.lines[place].swallowed).contains(&unpaid) {
                    self.not_charged.push((on, ChargeKind::LateFee, fee, "late_fee_pyramiding".to_owned()));
                    continue;
                }
                let allowed = self.admit(on, ChargeKind::LateFee, fee);
                self.lines[place].owed[PENALTY] += allowed;
            }
            self.loan_tiers = self.loan_tiers.max(passed);
            self.lines[place].tiers = self.lines[place].tiers.max(passed);
        }
    }

    /// What is due on this day is closed.
    fn fall_due(&mut self, on: i32) {
        while self.period < self.lines.len() && self.lines[self.period].due == on {
            if self.rules.penalty.as_ref().is_some_and(|penalty| penalty.compounding) {
                for line in &mut self.lines {
                    line.joined = line.open_of(PENALTY);
                }
            }
            let place = self.period;
            let (principal, taken) = self.asks(place);
            if !self.lines[place].closed {
                self.lines[place].owed[PRINCIPAL] = principal;
                self.lines[place].closed = true;
                self.pool -= taken.min(self.pool);
            }
            self.period += 1;
            self.counted = 0;
            self.spend_held(on);
        }
    }

    /// Goes on to a day; everything is rounded there, whether or not something falls due.
    pub(super) fn walk(&mut self, to: i32) {
        let mut on = self.today;
        self.count_interest_at_once(on);
        if self.lines.get(self.period).is_some_and(|line| line.due == on) {
            // The first instalment may fall due on the day of the advance.
            self.round_interest(on);
            self.fall_due(on);
        }
        while on < to {
            on += 1;
            self.pass(on);
            let due = self.lines.get(self.period).is_some_and(|line| line.due == on);
            let earned = self.earns_share(on);
            if due || on == to || earned || self.grace_ends(on) {
                self.post_penalties(on);
                self.round_interest(on);
            }
            if due || on == to || earned {
                self.post_late_fees(on);
            }
            if due {
                self.fall_due(on);
            }
        }
        if self.today == to {
            self.round_interest(to);
            self.post_late_fees(to);
        }
        self.today = to;
    }

    /// The advance itself begins the first period.
    fn count_interest_at_once(&mut self, on: i32) {
        if on == self.start && self.period == 0 {
            self.count_interest(on);
        }
    }

    /// Whether a late fee in per cent of what goes on growing after the last due date is earned on this day.
    fn earns_share(&self, on: i32) -> bool {
        let last = self.lines.last().unwrap().due;
        let grows = on > last && self.rate.is_some() && self.terms.after_maturity == Some(AfterMaturity::Accrue);
        let rule = self.rules.late_fee.as_ref().filter(|_| grows && !self.quiet && !self.withdrawn);
        let tier = |tier: &prequal_core::credit::LateFeeTier| on - last == i32::from(tier.after_days) + 1;
        rule.is_some_and(|rule| rule.tiers.iter().any(|one| one.percent.is_some() && tier(one)))
    }

    fn grace_ends(&self, on: i32) -> bool {
        let in_place = |penalty: &&Penalty| penalty.mode == PenaltyMode::InPlace && penalty.grace_days > 0;
        self.late_rules().filter(in_place).is_some_and(|penalty| {
            let grace = i32::from(penalty.grace_days);
            self.lines.iter().any(|line| line.closed && !line.foreseen && line.late() > 0 && line.due + grace == on)
        })
    }

    /// The level of what is left: what is left of this period is its first, shorter one.
    pub(super) fn new_level(&mut self, left: i64) {
        let open = self.open_lines();
        let mut rates = Vec::new();
        let mut pending = Fraction::zero();
        for place in self.period..self.lines.len() {
            if let Some(rate) = self.rate {
                let (parts, shared) = self.period_parts(place, rate);
                let counted = if place == self.period { self.counted } else { 0 };
                let left = if is_thirty(effective(rate)) {
                    Fraction::new(i128::from(parts) * i128::from((shared - counted).max(0)), shared)
                } else {
                    Fraction::new((parts - counted).max(0), 1)
                };
                pending = pending.plus(&per_part(rate).times(&left));
            }
            if open.contains(&place) {
                rates.push(core::mem::replace(&mut pending, Fraction::zero()));
            } else if place < self.holiday() {
                pending = Fraction::zero();
            }
        }
        let rounding = self.terms.level_rounding.unwrap_or(self.terms.rounding);
        self.level = whole(&exact_level(left, self.made.balloon.min(left), &rates).rounded(rounding)).unwrap();
    }

    /// A new rate; whether it is allowed.
    pub(super) fn change_rate(&mut self, rate: Rate, keep: bool) -> bool {
        if self.terms.rate.is_none() {
            return false;
        }
        let new = Some(rate).filter(|rate| !rate.percent.is_zero());
        let like = |old: Rate, new: Rate| effective(old) == effective(new) && old.minimum_days == new.minimum_days;
        if let (Some(old), Some(new)) = (self.counting, new)
            && !like(old, new)
        {
            return false;
        }
        // Days that bore nothing lie behind, those that a period counts at least among them.
        if let (None, Some(new), true) = (self.rate, new, self.period < self.lines.len()) {
            self.counted = self.counted.max(self.reached(self.today, new));
        }
        self.rate = new;
        self.counting = new.or(self.counting);
        if !keep && self.period < self.lines.len() {
            self.spread();
        }
        true
    }

    /// Spreads what is left anew over the lines left.
    pub(super) fn spread(&mut self) {
        let Some(first) = self.open_lines().first().copied() else { return };
        let left = self.outstanding - self.claims();
        self.pool = 0;
        if self.is_level() {
            self.new_level(left);
            self.on_top = (first, self.lines[first].owed[INTEREST] + self.lines[first].paid[PRINCIPAL]);
        } else {
            self.share_out(left, first);
        }
    }

    /// Every due date to the end passes; what falls due from `from` on is taken to be paid then.
    pub(super) fn foresee(&mut self, from: i32) {
        self.quiet = true;
        while self.period < self.lines.len() {
            let place = self.period;
            self.walk(self.lines[place].due);
            let line = &mut self.lines[place];
            if line.due >= from {
                let claim = line.open_of(PRINCIPAL) - line.assumed;
                (line.assumed, line.foreseen) = (line.assumed + claim, true);
                self.outstanding -= claim;
            }
        }
        if self.today < from {
            self.walk(from);
        }
    }
}
