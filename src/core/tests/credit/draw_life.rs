//! Random lives of random contracts: rules of every kind, and events in every order.

use prequal_core::{
    calendar::Date,
    credit::{
        AfterMaturity, AllocationRule, Bucket, CostReduction, Direction, Effect, Event, EventKind, Grace, LateFee,
        LateFeePer, LateFeeTier, Method, Part, Penalty, PenaltyBase, PenaltyMode, PrepaymentCeiling, PrepaymentRule,
        Rate, RefundOrder, RefundRule, Rest, Rules, Stage, Terms, Timing,
        caps::{ChargeCap, ChargeKind},
    },
    decimal::Decimal,
    money::Amount,
};

use super::{
    draw::{Draw, ROUNDINGS, contract, rate},
    naive_dates::spans,
};

/// Days a drawn loan lasts at most: the naive account counts each of them.
const TERM_DAYS_MAX: i32 = 1_500;
const INSTALMENTS_MAX: u16 = 12;

/// A contract, its rules, what happens, and the day asked.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub terms: Terms,
    pub rules: Rules,
    pub events: Vec<Event>,
    pub asked: Date,
}

/// A rate at which twelve compounding periods stay within what an amount holds.
fn mild(rate: Rate) -> Rate {
    let most = if rate.daily { Decimal::parse("0.3").unwrap() } else { Decimal::from(100) };
    Rate { percent: rate.percent.min(most), ..rate }
}

fn short_contract(draw: &mut Draw, method: Method) -> (Terms, i32) {
    loop {
        let mut terms = contract(draw, method);
        terms.principal = match draw.between(0, 3) {
            0 => draw.amount(20, 2_000),
            _ => draw.amount(1_000, 1_000_000),
        };
        let Some(last) = spans(&terms).and_then(|spans| spans.last().map(|span| span.due)) else { continue };
        let days = last.days() - terms.start.days();
        if terms.repayment.count > INSTALMENTS_MAX || days > TERM_DAYS_MAX {
            continue;
        }
        terms.rate = terms.rate.map(mild);
        terms.after_maturity = draw.chance(50).then(|| draw.one(&[AfterMaturity::Accrue, AfterMaturity::Stop]));
        return (terms, days);
    }
}

fn shuffled<T>(draw: &mut Draw, list: &mut [T]) {
    for place in (1..list.len()).rev() {
        list.swap(place, draw.between(0, place as i64) as usize);
    }
}

/// Past due and due in any order, in advance in any order after them.
pub(super) fn order(draw: &mut Draw) -> Vec<Bucket> {
    let parts = [Part::Penalty, Part::Fee, Part::Interest, Part::Principal];
    let of = |timing: Timing| parts.map(|part| Bucket { timing, part });
    let mut owed = [of(Timing::PastDue), of(Timing::Due)].concat();
    let mut ahead = of(Timing::InAdvance);
    shuffled(draw, &mut owed);
    shuffled(draw, &mut ahead);
    owed.extend(ahead);
    owed
}

fn allocation(draw: &mut Draw) -> AllocationRule {
    let mut rule = AllocationRule::default();
    if draw.chance(50) {
        rule.order = order(draw);
    }
    rule.direction = draw.one(&[Direction::Vertical, Direction::Horizontal]);
    rule.rest = draw.one(&[Rest::NextInstallment, Rest::LastInstallment, Rest::Reamortise, Rest::Unapplied]);
    let mut days = 0;
    for _ in 0..if draw.chance(30) { draw.between(1, 3) } else { 0 } {
        days += draw.between(1, 40) as u16;
        rule.stages.push(Stage { days, order: order(draw) });
    }
    rule
}

fn penalty(draw: &mut Draw) -> Penalty {
    let own = draw.chance(40);
    let in_place = draw.chance(40);
    let compounding = draw.chance(20);
    Penalty {
        rate: own.then(|| mild(rate(draw))),
        multiple: (!own).then(|| draw.decimal(300, 2)),
        mode: if in_place { PenaltyMode::InPlace } else { PenaltyMode::InAddition },
        base: draw.one(&[PenaltyBase::OverduePrincipal, PenaltyBase::OverdueAmount, PenaltyBase::AllPrincipal]),
        compounding,
        law_allows_compounding: compounding,
        grace_days: if draw.chance(50) { draw.between(1, 15) as u16 } else { 0 },
        grace: if !in_place && draw.chance(40) { Grace::Retroactive } else { Grace::Free },
        ceiling_annual_percent: draw.chance(25).then(|| draw.decimal(3_600, 2)),
        ceiling_percent_of_principal: draw.chance(25).then(|| draw.decimal(1_000, 2)),
    }
}

fn late_fee(draw: &mut Draw) -> LateFee {
    let mut after_days = 0;
    let tiers = (0..draw.between(1, 3))
        .map(|tier| {
            after_days += draw.between(i64::from(tier > 0), 20) as u16;
            let amount = draw.chance(60).then(|| draw.amount(0, 2_000));
            LateFeeTier { after_days, amount, percent: amount.is_none().then(|| draw.decimal(1_000, 2)) }
        })
        .collect();
    LateFee {
        tiers,
        per: draw.one(&[LateFeePer::Installment, LateFeePer::Loan]),
        cap_percent: draw.chance(40).then(|| draw.decimal(2_500, 2)),
        cap_amount: draw.chance(40).then(|| draw.amount(0, 5_000)),
    }
}

fn prepayment(draw: &mut Draw) -> PrepaymentRule {
    let ceiling = |draw: &mut Draw| PrepaymentCeiling {
        percent: draw.decimal(200, 2),
        percent_within_year: draw.decimal(100, 2),
        not_above_interest: draw.chance(50),
        free_in_12_months: if draw.chance(40) { draw.amount(0, 500_000) } else { Amount::ZERO },
    };
    PrepaymentRule {
        fee_percent: draw.chance(40).then(|| draw.decimal(300, 2)),
        ceiling: draw.chance(40).then(|| ceiling(draw)),
        effect: draw.one(&[Effect::ShortenTerm, Effect::LowerInstallment]),
        cost_reduction: draw.one(&[CostReduction::None, CostReduction::NotYetDue, CostReduction::Linear]),
    }
}

fn cap(draw: &mut Draw, start: Date, number: i64) -> ChargeCap {
    let kinds =
        [ChargeKind::Interest, ChargeKind::Fee, ChargeKind::Penalty, ChargeKind::LateFee, ChargeKind::PrepaymentFee];
    let counts = kinds.into_iter().filter(|_| draw.chance(60)).collect();
    let from = start.add_days(draw.days(-30, 200)).unwrap();
    let mut cap = ChargeCap {
        id: format!("cap-{number}"),
        from,
        until: draw.chance(40).then(|| from.add_days(draw.days(0, 300)).unwrap()),
        counts,
        percent_of_principal: draw.chance(50).then(|| draw.decimal(3_000, 2)),
        amount: draw.chance(40).then(|| draw.amount(0, 50_000)),
        amount_each: draw.chance(40).then(|| draw.amount(0, 3_000)),
    };
    if cap.percent_of_principal.is_none() && cap.amount.is_none() && cap.amount_each.is_none() {
        cap.amount = Some(draw.amount(0, 50_000));
    }
    cap
}

fn rules(draw: &mut Draw, start: Date) -> Rules {
    Rules {
        allocation: allocation(draw),
        penalty: draw.chance(70).then(|| penalty(draw)),
        late_fee: draw.chance(35).then(|| late_fee(draw)),
        prepayment: prepayment(draw),
        refund: RefundRule {
            order: draw.one(&[RefundOrder::LastFirst, RefundOrder::FirstFirst, RefundOrder::ProRata]),
            interest_refunded: draw.chance(30),
            fees_refunded: draw.chance(30),
        },
        withdrawal_days: draw.chance(40).then(|| draw.between(0, 30) as u16),
        caps: (0..if draw.chance(35) { draw.between(1, 3) } else { 0 })
            .map(|number| cap(draw, start, number))
            .collect(),
    }
}

/// Another rate for a contract: mostly one that counts days as the old one did, sometimes zero, sometimes not.
fn new_rate(draw: &mut Draw, old: Option<Rate>) -> Rate {
    let new = mild(rate(draw));
    match old {
        Some(old) if draw.chance(85) => {
            let percent = if draw.chance(20) { Decimal::from(0) } else { new.percent };
            // A daily rate stays a daily one: a large yearly one taken by the day would leave the world.
            Rate { percent: if old.daily == new.daily || percent.is_zero() { percent } else { old.percent }, ..old }
        }
        _ => new,
    }
}

fn event(draw: &mut Draw, terms: &Terms, span: i64, number: i64) -> Event {
    let principal = terms.principal.minor();
    let money = |draw: &mut Draw| match draw.between(0, 4) {
        0 => draw.amount(0, principal + principal / 5),
        1 => draw.amount(0, principal / 20 + 1),
        _ => draw.amount(0, principal / 2),
    };
    let kind = match draw.between(0, 99) {
        0..=44 => EventKind::Repayment(money(draw)),
        45..=59 => EventKind::Prepayment {
            amount: money(draw),
            effect: draw.chance(70).then(|| draw.one(&[Effect::ShortenTerm, Effect::LowerInstallment])),
        },
        60..=68 => EventKind::Draw(draw.amount(0, principal / 2)),
        69..=83 => EventKind::Refund {
            amount: draw.amount(0, principal / 3),
            order: draw
                .chance(70)
                .then(|| draw.one(&[RefundOrder::LastFirst, RefundOrder::FirstFirst, RefundOrder::ProRata])),
        },
        84..=92 if terms.rate.is_some() => {
            EventKind::RateChange { rate: new_rate(draw, terms.rate), keep_installment: draw.chance(40) }
        }
        93..=94 => EventKind::Withdrawal,
        95..=97 => EventKind::Reversal { of: format!("event-{}", draw.between(0, 8)) },
        _ => EventKind::Repayment(money(draw)),
    };
    let id = (!matches!(kind, EventKind::Reversal { .. }) && draw.chance(80)).then(|| format!("event-{number}"));
    let after = if matches!(kind, EventKind::Withdrawal) { draw.days(0, span.min(30)) } else { draw.days(0, span) };
    Event { id, date: terms.start.add_days(after).unwrap(), kind }
}

/// A life of a contract of a method.
pub(super) fn life(draw: &mut Draw, method: Method) -> Drawn {
    let (mut terms, days) = short_contract(draw, method);
    terms.rounding = draw.one(&ROUNDINGS);
    let span = draw.between(0, i64::from(days) * 5 / 4 + 60);
    let asked = terms.start.add_days(span as i32).unwrap();
    // Events on due dates are as common as they are in life.
    let dues: Vec<Date> = spans(&terms).unwrap().iter().map(|span| span.due).filter(|due| *due <= asked).collect();
    let mut events: Vec<Event> = (0..draw.between(0, 8)).map(|number| event(draw, &terms, span, number)).collect();
    for event in events.iter_mut().filter(|event| !matches!(event.kind, EventKind::Withdrawal)) {
        if !dues.is_empty() && draw.chance(30) {
            event.date = draw.one(&dues);
        }
    }
    // In the list they stand in any order; they apply by date.
    Drawn { rules: rules(draw, terms.start), terms, events, asked }
}
