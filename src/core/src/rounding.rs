//! The four rounding rules, on exact fractions of integers.

use prequal_derive::{Canonical, Read};
use serde::{Deserialize, Serialize};

/// How an exact value becomes a whole number of minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Read, Canonical)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest; a tie goes to the even neighbour.
    #[default]
    HalfEven,
    /// To the nearest; a tie goes away from zero.
    HalfUp,
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
}

impl Rounding {
    /// Rounds `quotient + remainder / divisor`, where `remainder < divisor`.
    ///
    /// `None` only when the result does not fit.
    #[must_use]
    pub fn finish(self, quotient: u128, remainder: u128, divisor: u128) -> Option<u128> {
        let up = match self {
            Self::Down => false,
            Self::Up => remainder > 0,
            // `remainder >= divisor - remainder` is `2 · remainder >= divisor` without overflow.
            Self::HalfUp => remainder > 0 && remainder >= divisor.saturating_sub(remainder),
            Self::HalfEven => {
                let rest = divisor.saturating_sub(remainder);
                remainder > rest || (remainder == rest && quotient % 2 == 1)
            }
        };
        if up { quotient.checked_add(1) } else { Some(quotient) }
    }

    /// Rounds `numerator / divisor`; `None` when `divisor` is zero.
    #[must_use]
    pub fn divide(self, numerator: u128, divisor: u128) -> Option<u128> {
        let (quotient, remainder) = div_rem(numerator, divisor)?;
        self.finish(quotient, remainder, divisor)
    }
}

/// Quotient and remainder, by 64-bit division where both fit: several times faster than 128-bit
/// division, above all in WebAssembly, and money nearly always fits.
#[inline]
pub(crate) fn div_rem(numerator: u128, divisor: u128) -> Option<(u128, u128)> {
    match (u64::try_from(numerator), u64::try_from(divisor)) {
        (Ok(n), Ok(d)) => Some((u128::from(n.checked_div(d)?), u128::from(n.checked_rem(d)?))),
        _ => Some((numerator.checked_div(divisor)?, numerator.checked_rem(divisor)?)),
    }
}

/// Quotient and remainder of `a · b / divisor`, exact even where the product needs 256 bits.
///
/// `None` when the divisor is zero or above 2^127, or the quotient does not fit 128 bits.
pub(crate) fn mul_div(a: u128, b: u128, divisor: u128) -> Option<(u128, u128)> {
    if let Some(product) = a.checked_mul(b) {
        return div_rem(product, divisor);
    }
    if divisor == 0 || divisor >> 127 != 0 {
        return None;
    }
    // Schoolbook long division, one bit of `b` at a time: rare, so short rather than fast.
    // INVARIANT: after each step, quotient · divisor + remainder = a · (the bits of b taken so far).
    let (whole, part) = div_rem(a, divisor)?;
    let (mut quotient, mut remainder) = (0_u128, 0_u128);
    for bit in (0..u128::BITS).rev() {
        quotient = quotient.checked_mul(2)?;
        remainder <<= 1;
        if remainder >= divisor {
            remainder -= divisor;
            quotient = quotient.checked_add(1)?;
        }
        if (b >> bit) & 1 == 1 {
            quotient = quotient.checked_add(whole)?;
            remainder += part;
            if remainder >= divisor {
                remainder -= divisor;
                quotient = quotient.checked_add(1)?;
            }
        }
    }
    Some((quotient, remainder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of IEEE 754-2019 §4.3 directions for ±ties, restricted to non-negative values.
    #[test]
    fn ties_and_near_ties_go_where_the_rule_says() {
        // (numerator, divisor) → half_even, half_up, down, up
        for (n, d, expected) in [
            (5, 2, [2, 3, 2, 3]),
            (7, 2, [4, 4, 3, 4]),
            (4, 2, [2, 2, 2, 2]),
            (249, 100, [2, 2, 2, 3]),
            (251, 100, [3, 3, 2, 3]),
            (1, u128::MAX, [0, 0, 0, 1]),
            (u128::MAX - 1, u128::MAX, [1, 1, 0, 1]),
        ] {
            let got = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down, Rounding::Up]
                .map(|rule| rule.divide(n, d).unwrap());
            assert_eq!(got, expected, "{n}/{d}");
        }
        assert_eq!(Rounding::Up.divide(1, 0), None);
    }

    /// (2^127 − 1)·(2^100) ÷ (2^126) = 2·2^100 − 2^-26·…: checked against the identity q·d + r = a·b
    /// on numbers small enough to multiply, and by shifting on large ones.
    #[test]
    fn wide_products_divide_exactly() {
        assert_eq!(mul_div(1 << 100, 1 << 100, 1 << 90), Some((1 << 110, 0)));
        let (q, r) = mul_div((1 << 100) + 1, (1 << 90) + 3, (1 << 95) + 7).unwrap();
        // both sides modulo 2^128
        assert_eq!(q.wrapping_mul((1 << 95) + 7).wrapping_add(r), ((1_u128 << 100) + 1).wrapping_mul((1 << 90) + 3));
        assert!(r < (1 << 95) + 7);
        assert_eq!(mul_div(u128::MAX, u128::MAX, 3), None, "the quotient needs more than 128 bits");
    }
}
