//! The double nearest to a decimal.
//!
//! The standard library's reader of floats carries ten kilobytes of powers of five, which every browser would
//! download. A decimal of at most 38 digits needs only a long division, one bit at a time.

/// The most digits of a decimal, before and after the point together: 10³⁸ is the largest power that `u128` holds.
pub(crate) const DIGITS_MAX: u32 = 38;
/// The bits of a double's significand.
const BITS: u32 = f64::MANTISSA_DIGITS;

/// `digits` ÷ 10^`places`, rounded to the nearest double, half to even. More than [`DIGITS_MAX`] places give zero.
pub(crate) fn nearest(digits: u128, places: u32) -> f64 {
    nearest_of(digits, places, BITS)
}

/// The same for a significand of `bits`, at most a double's.
pub(crate) fn nearest_of(digits: u128, places: u32, bits: u32) -> f64 {
    let Some(divisor) = 10_u128.checked_pow(places).filter(|_| places <= DIGITS_MAX) else { return 0.0 };
    if digits == 0 {
        return 0.0;
    }
    // The quotient so far, `quotient` · 2^`exponent`; the remainder is below the divisor, which is below 2^127.
    let (mut quotient, mut rest, mut exponent) = (digits / divisor, digits % divisor, 0_i32);
    // One bit more than the significand has, so that the last decides the rounding together with the rest.
    while quotient >> bits == 0 {
        rest <<= 1;
        let bit = rest >= divisor;
        if bit {
            rest -= divisor;
        }
        quotient = quotient << 1 | u128::from(bit);
        exponent -= 1;
    }
    let dropped = 128 - quotient.leading_zeros() - bits;
    let tail = quotient & ((1 << dropped) - 1);
    let half = 1 << (dropped - 1);
    let mut significand = quotient >> dropped;
    if tail > half || tail == half && (rest != 0 || significand & 1 == 1) {
        significand += 1;
    }
    // Powers of two between 2^-180 and 2^128 are all normal, so the product is exact.
    let scale = f64::from_bits(u64::from((1023 + exponent + dropped as i32).unsigned_abs()) << 52);
    significand as u64 as f64 * scale
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(digits: u128, places: u32) -> String {
        let width = places as usize + 1;
        let mut text = format!("{digits:0>width$}");
        text.insert(text.len() - places as usize, '.');
        text
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// The standard library's reader is the second implementation.
        #[test]
        fn it_is_what_the_standard_library_reads(digits in 0..10_u128.pow(38), scale in 0..38_u32, places in 0..=38_u32) {
            let digits = digits / 10_u128.pow(scale);
            let expected: f64 = text(digits, places).trim_end_matches('.').parse().unwrap();
            prop_assert_eq!(nearest(digits, places).to_bits(), expected.to_bits());
        }

        /// Halfway between two doubles, and one unit beside it: the cases that rounding twice would get wrong.
        #[test]
        fn halves_go_to_even(significand in 1_u128 << 52..1 << 53, shift in 1_u32..60) {
            let half = (significand << 1 | 1) << (shift - 1);
            for digits in [half - 1, half, half + 1] {
                let expected: f64 = digits.to_string().parse().unwrap();
                prop_assert_eq!(nearest(digits, 0).to_bits(), expected.to_bits());
            }
        }
    }

    #[test]
    fn limits_are_read_as_well() {
        for (digits, places) in [(1, 0), (1, 38), (10_u128.pow(38) - 1, 0), (10_u128.pow(38) - 1, 38), (5, 1)] {
            let expected: f64 = text(digits, places).trim_end_matches('.').parse().unwrap();
            assert_eq!(nearest(digits, places).to_bits(), expected.to_bits(), "{digits} {places}");
        }
        assert_eq!(nearest(0, 5), 0.0);
        assert_eq!(nearest(7, DIGITS_MAX + 1), 0.0);
    }
}
