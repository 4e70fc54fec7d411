//! Just enough of big integers to compare a level payment with a rounding boundary exactly.

use core::cmp::Ordering;

/// A non-negative integer, least significant limb first, without zero limbs at the top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Big(Vec<u64>);

/// The lower and the upper half of a 128-bit number.
#[allow(clippy::cast_possible_truncation, reason = "the halves are what is asked for")]
const fn halves(value: u128) -> (u64, u64) {
    (value as u64, (value >> 64) as u64)
}

impl Big {
    fn trim(mut self) -> Self {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        self
    }

    pub(crate) fn mul_limb(&self, factor: u64) -> Self {
        let mut carry = 0_u64;
        let mut limbs = Vec::with_capacity(self.0.len() + 1);
        for limb in &self.0 {
            // (2^64 − 1)² + 2^64 − 1 is below 2^128.
            let (low, high) = halves(u128::from(*limb) * u128::from(factor) + u128::from(carry));
            limbs.push(low);
            carry = high;
        }
        limbs.push(carry);
        Self(limbs).trim()
    }

    /// The product with a 128-bit number.
    pub(crate) fn mul(&self, factor: u128) -> Self {
        let (low, high) = halves(factor);
        if high == 0 {
            return self.mul_limb(low);
        }
        let mut shifted = vec![0];
        shifted.extend(self.mul_limb(high).0);
        Self(shifted).add(&self.mul_limb(low))
    }

    /// How many bits it takes; 0 for zero.
    pub(crate) fn bits(&self) -> u32 {
        let top = self.0.last().map_or(0, |limb| 64 - limb.leading_zeros());
        // At most a few thousand: callers' numbers have as many digits as a text of theirs.
        (self.0.len().saturating_sub(1) * 64) as u32 + top
    }

    /// The product with 2 to the power of `times`.
    pub(crate) fn double(&self, times: u32) -> Self {
        let mut shifted = vec![0; (times / 64) as usize];
        shifted.extend(self.mul_limb(1 << (times % 64)).0);
        Self(shifted).trim()
    }

    /// The sum.
    pub(crate) fn add(&self, other: &Self) -> Self {
        let length = self.0.len().max(other.0.len());
        let mut carry = 0_u64;
        let mut limbs = Vec::with_capacity(length + 1);
        for index in 0..length {
            let limb = |of: &Self| u128::from(of.0.get(index).copied().unwrap_or(0));
            let (low, high) = halves(limb(self) + limb(other) + u128::from(carry));
            limbs.push(low);
            carry = high;
        }
        limbs.push(carry);
        Self(limbs).trim()
    }

    /// The difference; `None` when `other` is larger.
    pub(crate) fn sub(&self, other: &Self) -> Option<Self> {
        if self.cmp(other) == Ordering::Less {
            return None;
        }
        let mut borrow = false;
        let mut limbs = Vec::with_capacity(self.0.len());
        for (index, limb) in self.0.iter().enumerate() {
            let (difference, under) = limb.overflowing_sub(other.0.get(index).copied().unwrap_or(0));
            let (difference, under_again) = difference.overflowing_sub(u64::from(borrow));
            borrow = under || under_again;
            limbs.push(difference);
        }
        Some(Self(limbs).trim())
    }
}

impl From<u128> for Big {
    fn from(value: u128) -> Self {
        let (low, high) = halves(value);
        Self(vec![low, high]).trim()
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Self) -> Ordering {
        // INVARIANT: no zero limbs at the top, so more limbs is more.
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn to_reference(big: &Big) -> BigUint {
        big.0.iter().rev().fold(BigUint::ZERO, |value, limb| (value << 64_u32) + *limb)
    }

    proptest! {
        /// `num-bigint` is the oracle.
        #[test]
        fn arithmetic_agrees_with_a_second_implementation(
            a in any::<u128>(), factors in prop::collection::vec(any::<u128>(), 0..6), b in any::<u128>(), c in any::<u128>()
        ) {
            let mut ours = Big::from(a);
            let mut reference = BigUint::from(a);
            for factor in factors {
                ours = ours.mul(factor);
                reference *= factor;
            }
            let other = Big::from(b).mul(c);
            let other_reference = BigUint::from(b) * c;
            prop_assert_eq!(to_reference(&ours), reference.clone());
            prop_assert_eq!(u64::from(ours.bits()), reference.bits());
            let times = (b % 200) as u32;
            prop_assert_eq!(to_reference(&ours.double(times)), &reference << times);
            prop_assert_eq!(to_reference(&ours.add(&other)), &reference + &other_reference);
            prop_assert_eq!(ours.cmp(&other), reference.cmp(&other_reference));
            match ours.sub(&other) {
                Some(difference) => prop_assert_eq!(to_reference(&difference), reference - other_reference),
                None => prop_assert!(reference < other_reference),
            }
        }
    }
}
