//! What must hold of every schedule.

use prequal_core::{
    credit::{Fee, FeeSize, FeeWhen, Method, Remainder, Schedule, Terms, schedule},
    decimal::Decimal,
};
use proptest::prelude::*;

use super::{METHODS, ROUNDINGS, amount, terms};

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
    let rows = &made.installments;
    let level = rows[0].total;
    for row in &rows[..rows.len() - 1] {
        if row.principal.is_zero() && row.balance.is_zero() || (row.balance.is_zero() && row.total < level) {
            repaid += 1;
        } else if row.principal.is_zero() && row.total != level {
            drowned += 1;
        } else if row.total != level && rows[0].principal.minor() > 0 {
            panic!("instalment {} is {}, not {level}", row.number, row.total);
        }
    }
    (drowned, repaid)
}

/// A slice of the small world; `principal` up to 10,000 and `count` up to 36 is the long run.
#[test]
fn every_small_principal_and_count_holds_together() {
    let (mut plans, mut drowned, mut repaid) = (0, 0, 0);
    for method in METHODS {
        for rounding in ROUNDINGS {
            for count in [1, 2, 3, 4, 6, 7, 12, 36] {
                for principal in (1..=150).chain([999, 1_000, 1_001, 9_999]) {
                    let mut small = terms(method, principal, count, "24");
                    small.rounding = rounding;
                    if method == Method::FeeInstallment {
                        small.repayment.fee_percent = Some(Decimal::parse("4.5").unwrap());
                    }
                    let made = schedule(&small).unwrap();
                    holds_together(&small, &made);
                    if method == Method::EqualInstallment {
                        let (more_drowned, more_repaid) = is_level(&made);
                        drowned += more_drowned;
                        repaid += more_repaid;
                    }
                    plans += 1;
                }
            }
        }
    }
    println!("{plans} plans; {drowned} instalments of interest alone, {repaid} after an early end");
    assert!(plans > 20_000 && repaid > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_with_fees_holds_together(
        principal in 1_i64..1_000_000_000,
        count in 1_u16..=60,
        method in 0..METHODS.len(),
        rounding in 0..ROUNDINGS.len(),
        hundredths in 0_i64..10_000,
        fees in prop::collection::vec((0_i64..100_000, any::<bool>(), 0..3_usize), 0..4),
        first in any::<bool>(),
    ) {
        let mut plan = terms(METHODS[method], principal, count, "12.9");
        if METHODS[method] == Method::FeeInstallment {
            plan.rate = None;
            plan.repayment.fee_percent_per_period = Some(Decimal::new(hundredths, 2).unwrap());
        }
        plan.rounding = ROUNDINGS[rounding];
        plan.remainder = (METHODS[method].has_shares() && first).then_some(Remainder::First);
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
