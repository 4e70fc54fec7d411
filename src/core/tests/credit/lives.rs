//! Random lives of loans, on which the account must be the naive one.

use prequal_core::credit::{AccountState, Event, EventKind, InstallmentStatus, Parts, Rules, account_by, schedule};

use super::{
    amount,
    draw::{Draw, METHODS},
    draw_life::{Drawn, life},
    life::{FEE, INTEREST, Life, Line, PENALTY, PRINCIPAL},
    life_money::Booked,
    oracle::naive,
};

fn parts(parts: &Parts) -> [i64; 4] {
    [parts.penalty, parts.fee, parts.interest, parts.principal].map(|part| part.minor())
}

fn equal<T: PartialEq + core::fmt::Debug>(what: &str, fast: T, slow: T) -> Result<(), String> {
    if fast == slow { Ok(()) } else { Err(format!("{what}: fast {fast:?}, naive {slow:?}")) }
}

/// Compares both; whether the sequence was allowed at all, or how they differ.
fn compare(drawn: &Drawn) -> Result<bool, String> {
    let Drawn { terms, rules, events, asked } = drawn;
    let fast = account_by(terms, rules, events, *asked);
    let Some(made) = naive(terms) else {
        return if fast.is_err() { Ok(false) } else { Err("the terms must be refused".to_owned()) };
    };
    let mut slow = Life::new(terms, rules, &made);
    let allowed = slow.run(events);
    let fast = match (fast, allowed) {
        (Ok(fast), true) => fast,
        (Err(_), false) => return Ok(false),
        (Ok(_), false) => return Err("it must be refused".to_owned()),
        (Err(error), true) => return Err(format!("it is refused: {error}")),
    };
    standing(&fast, &slow)?;
    forecast(&fast, &slow)?;
    for allocation in &fast.allocations {
        let money = match &events[allocation.event].kind {
            EventKind::Repayment(money)
            | EventKind::Prepayment { amount: money, .. }
            | EventKind::Refund { amount: money, .. } => money.minor(),
            _ => 0,
        };
        let applied = parts(&allocation.parts).iter().sum::<i64>() + allocation.excess.minor();
        equal("what came in is what was applied", applied, money + allocation.credited.minor())?;
    }
    Ok(true)
}

/// Where the loan stands on the day asked.
fn standing(fast: &AccountState, slow: &Life<'_>) -> Result<(), String> {
    let mut now = slow.clone();
    now.walk(fast.date.days());
    let all = |part: usize| now.lines.iter().map(|line| line.open_of(part)).sum::<i64>();
    equal("balance", parts(&fast.balance), [all(PENALTY), all(FEE), all(INTEREST), now.outstanding])?;
    let mut overdue = [0; 4];
    for line in now.lines.iter().filter(|line| line.due < fast.date.days() && line.due <= now.withdrawn_on) {
        for (part, sum) in overdue.iter_mut().enumerate() {
            *sum += line.open_of(part);
        }
    }
    equal("overdue", parts(&fast.overdue), overdue)?;
    equal("unapplied", fast.unapplied.minor(), now.unapplied)?;
    let booked: Vec<Booked> = fast
        .allocations
        .iter()
        .map(|one| Booked {
            event: one.event,
            paid: parts(&one.parts),
            excess: one.excess.minor(),
            credited: one.credited.minor(),
        })
        .collect();
    equal("allocations", &booked, &now.booked)?;
    let refused: Vec<_> =
        fast.not_charged.iter().map(|one| (one.date.days(), one.charge, one.amount.minor(), one.cap.clone())).collect();
    equal("not charged", &refused, &now.not_charged)?;
    let early = now.early(fast.date.days());
    equal("prepayment fee", fast.prepayment_fee.minor(), early.fee)?;
    equal("fees dropped", fast.fee_dropped.minor(), early.dropped)?;
    equal("fees credited", fast.fee_credit.minor(), early.credit)?;
    let next = slow.lines.iter().map(|line| line.due).find(|due| *due >= fast.date.days() && !slow.withdrawn);
    let next = next.unwrap_or(fast.date.days());
    let mut then = slow.clone();
    then.walk(next);
    let interest: i64 = then.lines.iter().map(|line| line.open_of(INTEREST)).sum();
    equal("interest to the next due date", fast.interest_to_next_due.minor(), interest)
}

/// The schedule as it now stands.
fn forecast(fast: &AccountState, slow: &Life<'_>) -> Result<(), String> {
    let on = fast.date.days();
    let (mut now, mut ahead) = (slow.clone(), slow.clone());
    now.walk(on);
    ahead.foresee(on);
    if now.withdrawn {
        return after_withdrawal(fast, &now);
    }
    equal("instalments", fast.installments.len(), ahead.lines.len())?;
    let mut repaid = 0;
    let mut next_due = None;
    for (place, (row, line)) in fast.installments.iter().zip(&ahead.lines).enumerate() {
        let what = format!("instalment {}", place + 1);
        let mut owed = line.owed;
        owed[PENALTY] = now.lines[place].owed[PENALTY];
        equal(&format!("{what} is due"), row.due.days(), line.due)?;
        equal(&format!("{what} owes"), parts(&row.owed), owed)?;
        equal(&format!("{what} is paid"), parts(&row.paid), line.paid)?;
        repaid += owed[PRINCIPAL];
        let moved: i64 = ahead.moved.iter().filter(|(day, _)| *day <= line.due).map(|(_, amount)| amount).sum();
        equal(&format!("{what} leaves"), row.balance.minor(), (slow.made.lent + moved - repaid).max(0))?;
        let mut line = line.clone();
        line.owed = owed;
        equal(&format!("{what} stands"), row.status, status(&line, on))?;
        let left: i64 = (0..4).map(|part| line.open_of(part)).sum();
        if line.due >= on && left > 0 {
            next_due = next_due.or(Some((line.due, left)));
        }
    }
    equal("next due", fast.next_due.map(|(due, left)| (due.days(), left.minor())), next_due)
}

/// What had fallen due, and one line of all the rest: what of it was paid and what is left.
#[allow(clippy::field_reassign_with_default, reason = "a line has private parts")]
fn after_withdrawal(fast: &AccountState, now: &Life<'_>) -> Result<(), String> {
    let on = fast.date.days();
    let (mut lines, after): (Vec<Line>, Vec<Line>) =
        now.lines.iter().cloned().partition(|line| line.due <= now.withdrawn_on);
    let mut rest = Line::default();
    rest.due = on;
    for part in 0..4 {
        rest.owed[part] = after.iter().map(|line| line.owed[part]).sum();
        rest.paid[part] = after.iter().map(|line| line.paid[part]).sum();
    }
    let claimed: i64 = lines.iter().map(|line| line.open_of(PRINCIPAL)).sum();
    rest.owed[PRINCIPAL] = rest.paid[PRINCIPAL] + now.outstanding - claimed;
    if rest.owed != [0; 4] {
        lines.push(rest);
    }
    equal("rows after withdrawal", fast.installments.len(), lines.len())?;
    let asked: i64 =
        fast.installments.iter().map(|row| row.owed.total().unwrap().minor() - row.paid.total().unwrap().minor()).sum();
    equal("the rows ask what settles", asked, fast.balance.total().unwrap().minor())?;
    for (place, (row, line)) in fast.installments.iter().zip(&lines).enumerate() {
        let after: i64 = lines[place + 1..].iter().map(|line| line.owed[PRINCIPAL]).sum();
        equal(
            "row after withdrawal",
            (row.due.days(), parts(&row.owed), parts(&row.paid)),
            (line.due, line.owed, line.paid),
        )?;
        equal("its balance and status", (row.balance.minor(), row.status), (after, status(line, on)))?;
    }
    Ok(())
}

fn status(line: &Line, on: i32) -> InstallmentStatus {
    if line.owed == line.paid {
        InstallmentStatus::Paid
    } else if line.due < on {
        InstallmentStatus::Overdue
    } else if line.due == on {
        InstallmentStatus::Due
    } else if line.paid != [0; 4] {
        InstallmentStatus::PartlyPaid
    } else {
        InstallmentStatus::Upcoming
    }
}

/// Leaves out whatever the difference does not need, so that a person can follow it.
fn smallest(drawn: &Drawn) -> Drawn {
    let differs = |drawn: &Drawn| compare(drawn).is_err();
    let mut kept = drawn.clone();
    let mut place = 0;
    while place < kept.events.len() {
        let mut fewer = kept.clone();
        fewer.events.remove(place);
        if differs(&fewer) { kept = fewer } else { place += 1 }
    }
    let simpler: [fn(&mut Drawn); 19] = [
        |life| life.rules.penalty = None,
        |life| life.rules.late_fee = None,
        |life| life.rules.caps.clear(),
        |life| life.rules.allocation.stages.clear(),
        |life| life.rules.allocation = Default::default(),
        |life| life.rules.prepayment = Default::default(),
        |life| life.rules.prepayment.ceiling = None,
        |life| life.rules.refund = Default::default(),
        |life| life.terms.fees.clear(),
        |life| life.terms.repayment.down_payment = None,
        |life| life.terms.repayment.balloon = None,
        |life| life.terms.repayment.principal_holiday = 0,
        |life| life.terms.repayment.interest_free_days = 0,
        |life| life.terms.repayment.business_days = None,
        |life| life.terms.adjust_installment = false,
        |life| life.terms.level_rounding = None,
        |life| life.terms.remainder = None,
        |life| life.terms.after_maturity = None,
        |life| {
            if let Some(rate) = &mut life.terms.rate {
                rate.minimum_days = 0;
            }
        },
    ];
    for simplify in simpler {
        let mut simple = kept.clone();
        simplify(&mut simple);
        if differs(&simple) {
            kept = simple;
        }
    }
    kept
}

/// So many lives of contracts of each method: 100,000 in `cargo xtask verify money`, a slice in every test run.
fn lives_agree(place: usize) {
    let cases: u64 = std::env::var("PREQUAL_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(700);
    let (name, method) = METHODS[place];
    let (mut allowed, mut events) = (0_u64, 0_usize);
    for case in 0..cases {
        let number = (place as u64 + 16) << 32 | case;
        let drawn = life(&mut Draw::new(number), method);
        match compare(&drawn) {
            Ok(yes) => {
                allowed += u64::from(yes);
                events += if yes { drawn.events.len() } else { 0 };
            }
            Err(_) => {
                let Drawn { terms, rules, events, asked } = &smallest(&drawn);
                let why = compare(&smallest(&drawn)).unwrap_err();
                let terms = serde_json::to_string(terms).unwrap();
                let rules = serde_json::to_string(rules).unwrap();
                panic!("{why}\ncase {number} on {asked}\n{terms}\n{rules}\n{events:#?}");
            }
        }
        super::progress(name, case + 1, cases);
    }
    println!("{name}: {cases} lives agree with the naive account; {allowed} were allowed, with {events} events");
    assert!(allowed * 2 > cases, "too few are allowed to mean anything: {allowed}");
}

#[test]
fn equal_installment_lives_agree_with_the_naive_account() {
    lives_agree(0);
}

#[test]
fn equal_principal_lives_agree_with_the_naive_account() {
    lives_agree(1);
}

#[test]
fn interest_only_lives_agree_with_the_naive_account() {
    lives_agree(2);
}

#[test]
fn single_payment_lives_agree_with_the_naive_account() {
    lives_agree(3);
}

#[test]
fn fee_installment_lives_agree_with_the_naive_account() {
    lives_agree(4);
}

#[test]
fn free_lives_agree_with_the_naive_account() {
    lives_agree(5);
}

/// What was shown is what is booked: on the day of the advance every contract, whatever its dates, fees and
/// holidays, is foreseen as its schedule says; and whoever pays each instalment on its day pays just that.
#[test]
fn a_loan_paid_on_time_is_its_schedule() {
    for case in 0..3_000_u64 {
        let mut draw = Draw::new(0xbeef << 32 | case);
        let (_, method) = draw.one(&METHODS);
        let Drawn { terms, .. } = life(&mut draw, method);
        let Ok(made) = schedule(&terms) else { continue };
        let paid: Vec<Event> = made
            .installments
            .iter()
            .map(|row| Event { id: None, date: row.due, kind: EventKind::Repayment(row.total) })
            .collect();
        let last = made.installments.last().unwrap().due;
        for (events, asked) in [(&[][..], terms.start), (&paid[..], last)] {
            let state = account_by(&terms, &Rules::default(), events, asked).unwrap();
            for (row, signed) in state.installments.iter().zip(&made.installments) {
                let booked = (row.due, row.owed.principal, row.owed.interest, row.owed.fee, row.balance);
                let shown = (signed.due, signed.principal, signed.interest, signed.fee, signed.balance);
                assert_eq!(booked, shown, "case {case} {}", serde_json::to_string(&terms).unwrap());
            }
            assert_eq!(state.is_settled() && state.unapplied.is_zero(), !events.is_empty(), "case {case}");
        }
    }
}

/// What `payoff` asks is exactly what settles: not a cent is left, not a cent is owed back; and a cent less
/// does not settle.
#[test]
fn paying_what_the_payoff_asks_settles_whatever_happened_before() {
    let mut settled = 0_u32;
    for case in 0..1_500_u64 {
        let mut draw = Draw::new(0xfeed << 32 | case);
        let (_, method) = draw.one(&METHODS);
        let Drawn { terms, rules, mut events, asked: until } = life(&mut draw, method);
        let Ok(before) = account_by(&terms, &rules, &events, until) else { continue };
        let debt = before.balance.total().unwrap().checked_add(before.prepayment_fee).unwrap();
        let total = debt.minor() - before.fee_dropped.minor() - before.fee_credit.minor();
        if total <= 0 {
            continue;
        }
        let pay = |minor: i64| Event {
            id: None,
            date: until,
            kind: EventKind::Prepayment { amount: amount(minor), effect: None },
        };
        events.push(pay(total - 1));
        let short = account_by(&terms, &rules, &events, until).unwrap();
        assert!(!short.is_settled(), "case {case}");
        events.pop();
        events.push(pay(total));
        let after = account_by(&terms, &rules, &events, until).unwrap();
        assert!(after.is_settled(), "case {case}: {:?} of {:?}", after.balance, before.balance);
        assert_eq!(after.unapplied, before.unapplied);
        let later = account_by(&terms, &rules, &events, until.add_days(400).unwrap()).unwrap();
        assert!(later.is_settled(), "case {case}");
        settled += 1;
    }
    assert!(settled > 800, "{settled}");
}
