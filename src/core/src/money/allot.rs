//! Dividing an amount over shares so that nothing is lost.

use serde::{Deserialize, Serialize};

use super::{Amount, MoneyError};
use crate::rounding::mul_div;

/// Shares of one division, at most.
pub const ALLOT_SHARES_MAX: usize = 2_400;

/// Who takes the minor units that whole parts leave over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leftover {
    /// The first share that is not zero takes all of them.
    First,
    /// The last share that is not zero takes all of them.
    Last,
    /// One each to the largest fractions, of equal ones to the earlier (Hare–Niemeyer).
    #[default]
    LargestRemainder,
}

/// Divides `amount` in the proportion of `shares`. The parts add up to the amount; a share of zero gets
/// nothing; by `largest_remainder` no part is a whole unit from its exact value.
///
/// # Errors
/// `shares_empty`; `amount_out_of_range` where the shares add up to more than 2^64 − 1.
pub fn allot(amount: Amount, shares: &[u64], leftover: Leftover) -> Result<Vec<Amount>, MoneyError> {
    let total = shares.iter().try_fold(0_u64, |sum, share| sum.checked_add(*share));
    let total = u128::from(total.ok_or(MoneyError::AmountOutOfRange)?);
    if total == 0 || shares.len() > ALLOT_SHARES_MAX {
        return Err(MoneyError::SharesEmpty);
    }
    let mut parts = Vec::with_capacity(shares.len());
    let mut rests = Vec::with_capacity(shares.len());
    let mut left = amount;
    for (place, share) in shares.iter().enumerate() {
        let whole = mul_div(u128::from(amount.unsigned()), u128::from(*share), total);
        let (part, rest) = whole.ok_or(MoneyError::AmountOutOfRange)?;
        let part = Amount::try_from(part)?;
        left = left.checked_sub(part)?;
        parts.push(part);
        rests.push((rest, place));
    }
    let give = |parts: &mut Vec<Amount>, place: usize, more: Amount| -> Result<(), MoneyError> {
        if let Some(part) = parts.get_mut(place) {
            *part = part.checked_add(more)?;
        }
        Ok(())
    };
    match leftover {
        Leftover::First => {
            let place = shares.iter().position(|share| *share > 0).unwrap_or_default();
            give(&mut parts, place, left)?;
        }
        Leftover::Last => {
            let place = shares.iter().rposition(|share| *share > 0).unwrap_or_default();
            give(&mut parts, place, left)?;
        }
        Leftover::LargestRemainder => {
            // The sort is stable: of equal fractions the earlier comes first. Fewer units than fractions are left.
            rests.sort_by_key(|(rest, _)| core::cmp::Reverse(*rest));
            let units = usize::try_from(left.minor()).map_err(|_| MoneyError::AmountOutOfRange)?;
            for (_, place) in rests.into_iter().take(units) {
                give(&mut parts, place, Amount::new(1)?)?;
            }
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minor(amount: i64, shares: &[u64], leftover: Leftover) -> Vec<i64> {
        let parts = allot(Amount::new(amount).unwrap(), shares, leftover).unwrap();
        parts.into_iter().map(Amount::minor).collect()
    }

    /// A dollar over three: by hand. 80/20 of one cent: joint funding's smallest case.
    #[test]
    fn the_rule_says_who_takes_what_is_left_over() {
        assert_eq!(minor(100, &[1, 1, 1], Leftover::First), [34, 33, 33]);
        assert_eq!(minor(100, &[1, 1, 1], Leftover::Last), [33, 33, 34]);
        assert_eq!(minor(101, &[1, 1, 1], Leftover::LargestRemainder), [34, 34, 33]);
        assert_eq!(minor(1, &[80, 20], Leftover::LargestRemainder), [1, 0]);
        assert_eq!(minor(7, &[0, 3, 0], Leftover::Last), [0, 7, 0]);
        assert_eq!(minor(5, &[0, 1, 1, 0], Leftover::First), [0, 3, 2, 0]);
        let most = crate::money::AMOUNT_MAX;
        assert_eq!(minor(most, &[u64::MAX - 1, 1], Leftover::Last).iter().sum::<i64>(), most);
    }

    #[test]
    fn shares_of_nothing_are_refused() {
        for shares in [&[][..], &[0, 0], &[1; ALLOT_SHARES_MAX + 1]] {
            assert_eq!(allot(Amount::MAX, shares, Leftover::First), Err(MoneyError::SharesEmpty));
        }
        assert_eq!(allot(Amount::MAX, &[u64::MAX, 1], Leftover::First), Err(MoneyError::AmountOutOfRange));
    }

    proptest! {
        #[test]
        fn parts_add_up_and_stay_within_a_unit(
            amount in 0_i64..=crate::money::AMOUNT_MAX,
            shares in prop::collection::vec(prop_oneof![0_u64..10, 0_u64..1_000_000_007], 1..40),
        ) {
            let total: u128 = shares.iter().map(|share| u128::from(*share)).sum();
            prop_assume!(total > 0);
            for rule in [Leftover::First, Leftover::Last, Leftover::LargestRemainder] {
                prop_assert_eq!(minor(amount, &shares, rule).iter().sum::<i64>(), amount);
            }
            for (part, share) in minor(amount, &shares, Leftover::LargestRemainder).iter().zip(&shares) {
                let exact = amount as u128 * u128::from(*share);
                prop_assert!((*part as u128 * total).abs_diff(exact) < total);
            }
        }
    }
}
