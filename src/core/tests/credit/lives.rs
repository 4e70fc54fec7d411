//! Random lives of loans, on which the account must be the naive one.

use prequal_core::{
    calendar::{Date, DayCount},
    credit::{
        AfterMaturity, AllocationRule, CostReduction, Direction, Effect, Event, EventKind, Fee, FeeSize, FeeWhen,
        Grace, LateFee, LateFeePer, LateFeeTier, Method, Penalty, PenaltyBase, PenaltyMode, PrepaymentCeiling,
        PrepaymentRule, Rate, RefundOrder, Rest, Rules, Terms, account_by,
    },
    decimal::Decimal,
};
use proptest::{prelude::*, test_runner::TestRng};

use super::{
    ROUNDINGS, amount,
    life::{FEE, INTEREST, Naive, PENALTY},
    terms,
};

/// A contract, its rules, what happens, and the day asked.
type Life = (Terms, Rules, Vec<Event>, Date);

fn lives() -> impl Strategy<Value = Life> {
    let methods = [Method::EqualInstallment, Method::EqualPrincipal, Method::InterestOnly, Method::Free];
    let contract = (
        0..methods.len(),
        prop_oneof![20_i64..2_000, 1_000_i64..1_000_000],
        prop::collection::vec(3_i32..40, 1..7),
        1_i64..6_000,
        any::<bool>(),
        0..ROUNDINGS.len(),
    );
    let late = (
        prop::option::weighted(0.7, (0..3_usize, any::<bool>(), 0_u16..6, any::<bool>())),
        prop::option::weighted(0.3, (0_u16..6, 1_i64..2_000, any::<bool>())),
    );
    let fees = (prop::option::weighted(0.4, (1_i64..500, any::<bool>())), any::<bool>());
    let extras = (prop::option::weighted(0.3, 1_i64..100), prop_oneof![2 => Just(0_u16), 1 => 0_u16..6]);
    let applied = (0..4_usize, any::<bool>(), any::<bool>(), fees, extras);
    let events = prop::collection::vec((0..9_usize, 0_i32..260, 0.0..1.2_f64, 0..3_usize), 0..9);
    (contract, late, applied, events, 0_i32..300).prop_map(move |(contract, late, applied, events, asked)| {
        let (method, principal, gaps, hundredths, thirty, rounding) = contract;
        let method = methods[method];
        let mut plan = terms(method, principal, gaps.len() as u16, "0");
        let mut due = plan.start;
        plan.repayment.every = None;
        plan.repayment.due_dates = Some(
            gaps.iter()
                .map(|gap| {
                    due = due.add_days(*gap).unwrap();
                    due
                })
                .collect(),
        );
        plan.rounding = ROUNDINGS[rounding];
        let rate = |hundredths: i64| {
            let count = if thirty { DayCount::Thirty360 } else { DayCount::Actual365 };
            Rate::annual(Decimal::new(hundredths, 2).unwrap(), count)
        };
        plan.rate = (method != Method::Free).then(|| rate(hundredths));
        let mut rules = Rules { prepayment: PrepaymentRule::default(), ..Rules::default() };
        rules.penalty = late.0.map(|(base, in_place, grace_days, retroactive)| Penalty {
            rate: None,
            multiple: Some(Decimal::parse("1.5").unwrap()),
            mode: if in_place { PenaltyMode::InPlace } else { PenaltyMode::InAddition },
            base: [PenaltyBase::OverduePrincipal, PenaltyBase::OverdueAmount, PenaltyBase::AllPrincipal][base],
            compounding: false,
            law_allows_compounding: false,
            grace_days,
            grace: if retroactive && !in_place { Grace::Retroactive } else { Grace::Free },
            ceiling_annual_percent: None,
            ceiling_percent_of_principal: None,
        });
        rules.late_fee = late.1.map(|(after_days, fee, per_loan)| LateFee {
            tiers: vec![LateFeeTier { after_days, amount: Some(amount(fee)), percent: None }],
            per: if per_loan { LateFeePer::Loan } else { LateFeePer::Installment },
            cap_percent: None,
            cap_amount: Some(amount(fee * 5 / 2)),
        });
        let (rest, horizontal, reversed, (fee, accrue), (balloon, holiday)) = applied;
        plan.repayment.balloon = balloon
            .filter(|_| method != Method::InterestOnly)
            .map(|percent| FeeSize::Amount(amount(principal * percent / 100)));
        plan.repayment.principal_holiday = holiday % plan.repayment.count;
        plan.fees = fee
            .into_iter()
            .map(|(size, first)| Fee {
                code: "service".to_owned(),
                payee: "lender".to_owned(),
                size: FeeSize::Amount(amount(size)),
                when: if first { FeeWhen::First } else { FeeWhen::Each },
            })
            .collect();
        // A 30-day count of parts of months does not add up day by day, so only actual days go on.
        plan.after_maturity = (accrue && !thirty).then_some(AfterMaturity::Accrue);
        let mut order = AllocationRule::default().order;
        if reversed {
            // Principal first, penalties last, for what is past due.
            order[..4].reverse();
        }
        rules.allocation = AllocationRule {
            order,
            direction: if horizontal { Direction::Horizontal } else { Direction::Vertical },
            rest: [Rest::NextInstallment, Rest::LastInstallment, Rest::Reamortise, Rest::Unapplied][rest],
            stages: Vec::new(),
        };
        let until = plan.start.add_days(asked).unwrap();
        let mut happened: Vec<Event> = events
            .into_iter()
            .map(|(kind, after, share, choice)| {
                let money = amount((principal as f64 * share / if kind == 6 { 3.0 } else { 2.0 }) as i64);
                let kind = match kind {
                    0..=3 => EventKind::Repayment(money),
                    4 => EventKind::Prepayment {
                        amount: money,
                        effect: Some([Effect::ShortenTerm, Effect::LowerInstallment][choice % 2]),
                    },
                    5 => EventKind::Draw(money),
                    6 | 7 => EventKind::Refund {
                        amount: money,
                        order: Some([RefundOrder::LastFirst, RefundOrder::FirstFirst, RefundOrder::ProRata][choice]),
                    },
                    _ if method == Method::Free => EventKind::Repayment(money),
                    _ => EventKind::RateChange {
                        rate: rate((share * 4_000.0) as i64 + 1),
                        keep_installment: choice == 0,
                    },
                };
                Event { id: None, date: plan.start.add_days(after % (asked + 1)).unwrap(), kind }
            })
            .collect();
        happened.sort_by_key(|event| event.date);
        (plan, rules, happened, until)
    })
}

/// Compares both; whether the sequence was allowed at all.
fn agree((terms, rules, events, until): &Life) -> Result<bool, TestCaseError> {
    let fast = account_by(terms, rules, events, *until);
    let mut naive = Naive::new(terms, rules);
    let allowed = naive.run(events, until.days());
    let Ok(fast) = fast else {
        prop_assert!(!allowed, "{:?}", fast);
        return Ok(false);
    };
    prop_assert!(allowed);
    let all = |part: usize| naive.lines.iter().map(|line| line.open_of(part)).sum::<i64>();
    let balance = [fast.balance.penalty, fast.balance.fee, fast.balance.interest, fast.balance.principal]
        .map(|part| part.minor());
    prop_assert_eq!(balance, [all(PENALTY), all(FEE), all(INTEREST), naive.outstanding]);
    prop_assert_eq!(fast.unapplied.minor(), naive.unapplied + naive.held);
    for (row, line) in fast.installments.iter().zip(&naive.lines).filter(|(_, line)| line.due < until.days()) {
        let parts = |parts: &prequal_core::credit::Parts| {
            [parts.penalty, parts.fee, parts.interest, parts.principal].map(|part| part.minor())
        };
        prop_assert_eq!(parts(&row.owed), line.owed, "owed {}", row.number);
        prop_assert_eq!(parts(&row.paid), line.paid, "paid {}", row.number);
    }
    // What came in is what was applied, credited or is owed back.
    for allocation in &fast.allocations {
        let (EventKind::Repayment(money)
        | EventKind::Prepayment { amount: money, .. }
        | EventKind::Refund { amount: money, .. }) = &events[allocation.event].kind
        else {
            panic!("no money moves")
        };
        let applied = allocation.parts.total().unwrap().checked_add(allocation.excess).unwrap();
        prop_assert_eq!(applied.minor(), money.minor() + allocation.credited.minor());
    }
    Ok(true)
}

#[test]
fn the_account_is_the_naive_one_on_thousands_of_random_lives() {
    let cases = std::env::var("PREQUAL_LIVES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = prop::test_runner::TestRunner::new_with_rng(config, rng);
    let allowed = core::cell::Cell::new(0_u32);
    runner
        .run(&lives(), |life| {
            allowed.set(allowed.get() + u32::from(agree(&life)?));
            Ok(())
        })
        .unwrap();
    println!("{} of {cases} sequences were allowed", allowed.get());
    assert!(allowed.get() > cases / 2);
}

/// A fee for prepaying, with a ceiling of the law or none, and every reduction of costs.
fn prepayment_rules() -> impl Strategy<Value = PrepaymentRule> {
    let ceiling = (0_i64..300, 0_i64..200, any::<bool>(), prop_oneof![Just(0_i64), 0_i64..500_000]);
    let reductions = [CostReduction::None, CostReduction::NotYetDue, CostReduction::Linear];
    (prop::option::of(0_i64..600), prop::option::of(ceiling), 0..3_usize).prop_map(move |(fee, ceiling, reduction)| {
        let hundredths = |value: i64| Decimal::new(value, 2).unwrap();
        PrepaymentRule {
            fee_percent: fee.map(hundredths),
            ceiling: ceiling.map(|(percent, within_year, interest, free)| PrepaymentCeiling {
                percent: hundredths(percent),
                percent_within_year: hundredths(within_year),
                not_above_interest: interest,
                free_in_12_months: amount(free),
            }),
            effect: Effect::ShortenTerm,
            cost_reduction: reductions[reduction],
        }
    })
}

/// What `payoff` asks is exactly what settles: not a cent is left, not a cent is owed back; and a cent less
/// does not settle.
#[test]
fn paying_what_the_payoff_asks_settles_whatever_happened_before() {
    let config = ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = prop::test_runner::TestRunner::new_with_rng(config, rng);
    let settled = core::cell::Cell::new(0_u32);
    runner
        .run(&(lives(), prepayment_rules()), |((terms, mut rules, mut events, until), prepayment)| {
            rules.prepayment = prepayment;
            let Ok(before) = account_by(&terms, &rules, &events, until) else { return Ok(()) };
            let debt = before.balance.total().unwrap().checked_add(before.prepayment_fee).unwrap();
            let total = debt.minor() - before.fee_dropped.minor() - before.fee_credit.minor();
            if total <= 0 {
                return Ok(());
            }
            let pay = |minor: i64| Event {
                id: None,
                date: until,
                kind: EventKind::Prepayment { amount: amount(minor), effect: None },
            };
            events.push(pay(total - 1));
            let short = account_by(&terms, &rules, &events, until).unwrap();
            prop_assert!(!short.is_settled());
            events.pop();
            events.push(pay(total));
            let after = account_by(&terms, &rules, &events, until).unwrap();
            prop_assert!(after.is_settled(), "{:?} of {:?}", after.balance, before.balance);
            prop_assert_eq!(after.unapplied, before.unapplied);
            let later = account_by(&terms, &rules, &events, until.add_days(400).unwrap()).unwrap();
            prop_assert!(later.is_settled());
            settled.set(settled.get() + 1);
            Ok(())
        })
        .unwrap();
    assert!(settled.get() > 800, "{}", settled.get());
}
