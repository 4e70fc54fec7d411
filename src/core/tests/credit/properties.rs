//! What must hold of every schedule.

use prequal_core::{
    credit::{Fee, FeeSize, FeeWhen, Method, Remainder, Schedule, Terms, schedule},
    decimal::Decimal,
};
use proptest::prelude::*;

use super::{
    amount,
    draw::{METHODS, ROUNDINGS},
    terms,
};

/// Parts sum to the principal, no part is negative (the type says so), the balance ends at zero, totals
/// are the sums of their parts, and due dates rise.
fn holds_together(terms: &Terms, made: &Schedule) {
    let sum = |part: fn(&prequal_core::credit::Installment) -> i64| made.installments.iter().map(part).sum::<i64>();
    assert_eq!(sum(|row| row.principal.minor()), terms.principal.minor(), "{terms:?}");
    assert_eq!(made.total_principal, terms.principal);
    assert_eq!(sum(|row| row.interest.minor()), made.total_interest.minor());
    assert_eq!(sum(|row| row.fee.minor()), made.total_fee.minor());
    assert_eq!(sum(|row| row.total.minor()), made.total.minor());
    let mut balance = terms.principal.minor();
    for (index, row) in made.installments.iter().enumerate() {
        balance -= row.principal.minor();
        assert_eq!(row.balance.minor(), balance);
        assert_eq!(row.total.minor(), row.principal.minor() + row.interest.minor() + row.fee.minor());
        assert_eq!(usize::from(row.number), index + 1);
        let lines: i64 = made.fee_lines.iter().map(|line| line.amount(index, made.installments.len()).minor()).sum();
        assert!(lines <= row.fee.minor());
    }
    assert_eq!(balance, 0);
    assert!(made.installments.windows(2).all(|pair| pair[0].due < pair[1].due));
}

/// Level instalments are equal but for the last and, as the rule allows, those where the interest
/// exceeds the level or the balance is repaid already. Returns how many were of those kinds.
fn is_level(made: &Schedule) -> (usize, usize) {
    let (mut drowned, mut repaid) = (0, 0);
    let (_, rows) = made.installments.split_last().unwrap();
    // One that repays some principal and leaves some is the level; the others are held against it.
    let level = rows.iter().find(|row| !row.principal.is_zero() && !row.balance.is_zero()).map(|row| row.total);
    for row in rows {
        if row.balance.is_zero() {
            assert!(level.is_none_or(|level| row.total <= level), "instalment {} is {}", row.number, row.total);
            repaid += 1;
        } else if row.principal.is_zero() {
            assert!(level.is_none_or(|level| row.total >= level), "instalment {} is {}", row.number, row.total);
            drowned += usize::from(level != Some(row.total));
        } else {
            assert_eq!(Some(row.total), level, "instalment {}", row.number);
        }
    }
    (drowned, repaid)
}

/// What is counted over the small world.
#[derive(Default)]
struct Counts {
    plans: u64,
    installments: u64,
    /// Level instalments of interest alone, because it exceeds the level.
    drowned: usize,
    /// Instalments after rounding had repaid the balance.
    repaid: usize,
}

fn hold_all(principals: impl Iterator<Item = i64> + Clone, counts: impl Iterator<Item = u16> + Clone) -> Counts {
    let mut sum = Counts::default();
    for (name, method) in METHODS {
        let before = sum.plans;
        for rounding in ROUNDINGS {
            for count in counts.clone().filter(|count| method != Method::Single || *count == 1) {
                let mut small = terms(method, 1, count, "24");
                small.rounding = rounding;
                if method == Method::FeeInstallment {
                    small.repayment.fee_percent = Some(Decimal::parse("4.5").unwrap());
                }
                for principal in principals.clone() {
                    small.principal = amount(principal);
                    let made = schedule(&small).unwrap();
                    holds_together(&small, &made);
                    if method == Method::EqualInstallment {
                        let (more_drowned, more_repaid) = is_level(&made);
                        sum.drowned += more_drowned;
                        sum.repaid += more_repaid;
                    }
                    sum.plans += 1;
                    sum.installments += u64::from(count);
                }
            }
        }
        println!("{name}: {} plans hold together", sum.plans - before);
        if principals.clone().count() == 10_000 {
            eprintln!("  {name}: done");
        }
    }
    sum
}

/// The small world: every principal from 1 to 10,000 minor units, every count from 1 to 36 (one for a single
/// payment), every method and rounding rule. Whole with `PREQUAL_EXHAUSTIVE=1`, else a slice of it.
#[test]
fn every_small_principal_and_count_holds_together() {
    let whole = std::env::var_os("PREQUAL_EXHAUSTIVE").is_some();
    let sum = if whole {
        hold_all(1..=10_000, 1..=36)
    } else {
        let slice = (1..=120).chain([999, 1_000, 1_001, 9_999, 10_000]);
        hold_all(slice, [1, 2, 3, 4, 6, 7, 12, 36].into_iter())
    };
    println!(
        "{} plans, {} instalments; {} of interest alone, {} after an early end",
        sum.plans, sum.installments, sum.drowned, sum.repaid
    );
    let (principals, counts) = if whole { (10_000, 36) } else { (125, 8) };
    let expected = principals * ROUNDINGS.len() * (counts * (METHODS.len() - 1) + 1);
    assert!(sum.plans == expected as u64 && sum.repaid > 0);
}

/// The same with a balloon and a principal holiday, which move what the last instalment absorbs.
#[test]
fn every_small_balloon_and_holiday_holds_together() {
    let mut plans = 0_u32;
    for method in [Method::EqualInstallment, Method::EqualPrincipal, Method::FeeInstallment, Method::Free] {
        for rounding in ROUNDINGS {
            for (count, holiday) in [(2, 1), (3, 0), (6, 2), (12, 11)] {
                for principal in 2..=80 {
                    for balloon in [0, 1, principal / 2, principal - 1] {
                        let mut small = terms(method, principal, count, "24");
                        small.rounding = rounding;
                        small.repayment.principal_holiday = holiday;
                        small.repayment.balloon = Some(FeeSize::Amount(amount(balloon)));
                        if method == Method::FeeInstallment {
                            small.repayment.fee_percent = Some(Decimal::parse("4.5").unwrap());
                        }
                        let made = schedule(&small).unwrap();
                        holds_together(&small, &made);
                        let last = made.installments.last().unwrap();
                        assert!(method == Method::EqualInstallment || last.principal.minor() >= balloon);
                        plans += 1;
                    }
                }
            }
        }
    }
    assert_eq!(plans, 4 * 4 * 4 * 79 * 4);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_with_fees_holds_together(
        principal in 1_i64..1_000_000_000,
        count in 1_u16..=60,
        method in prop::sample::select(METHODS.map(|(_, method)| method).to_vec()),
        rounding in 0..ROUNDINGS.len(),
        hundredths in 0_i64..10_000,
        fees in prop::collection::vec((0_i64..100_000, any::<bool>(), 0..3_usize), 0..4),
        first in any::<bool>(),
    ) {
        let count = if method == Method::Single { 1 } else { count };
        let mut plan = terms(method, principal, count, "12.9");
        if method == Method::FeeInstallment {
            plan.rate = None;
            plan.repayment.fee_percent_per_period = Some(Decimal::new(hundredths, 2).unwrap());
        }
        plan.rounding = ROUNDINGS[rounding];
        plan.remainder = (method.has_shares() && first).then_some(Remainder::First);
        plan.fees = fees
            .iter()
            .map(|(size, percent, when)| Fee {
                code: "service".to_owned(),
                payee: "platform".to_owned(),
                size: if *percent {
                    FeeSize::Percent(Decimal::new(*size, 4).unwrap())
                } else {
                    FeeSize::Amount(amount(*size))
                },
                when: [FeeWhen::First, FeeWhen::Each, FeeWhen::Spread][*when],
            })
            .collect();
        let made = schedule(&plan).unwrap();
        holds_together(&plan, &made);
        // The JSON form reads back as the same terms.
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), plan);
    }
}
