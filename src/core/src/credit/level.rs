//! The level instalment L = P ÷ Σₖ Πⱼ≤ₖ 1/(1+rⱼ), rounded from its exact value.

use core::cmp::Ordering;

use crate::{
    credit::{CreditError, accrual::Accrual, big::Big},
    money::{AMOUNT_MAX, Amount, MoneyError},
    rounding::Rounding,
};

/// The level instalment that leaves `balloon` after `count` instalments, exactly rounded.
///
/// `units` holds the parts of a year of each period. Doubles give L with an error bound; only where a
/// rounding boundary lies within it is the question settled by exact integers.
///
/// # Errors
/// `amount_out_of_range`.
pub(crate) fn level(
    principal: Amount,
    balloon: Amount,
    accrual: Option<&Accrual>,
    units: impl DoubleEndedIterator<Item = u32> + Clone,
    count: u16,
    rounding: Rounding,
) -> Result<Amount, CreditError> {
    let Some(accrual) = accrual else {
        let repaid = principal.checked_sub(balloon)?;
        let level = rounding.divide(u128::from(repaid.unsigned()), u128::from(count));
        return Ok(Amount::try_from(level.ok_or(MoneyError::AmountOutOfRange)?)?);
    };
    let (estimate, error) = estimate(principal, balloon, accrual, units.clone(), count);
    let (low, high) = (estimate - error, estimate + error);
    if low > AMOUNT_MAX as f64 {
        return Err(MoneyError::AmountOutOfRange.into());
    }
    match (round_double(low, rounding), round_double(high, rounding)) {
        (Some(low), Some(high)) if low == high => Ok(Amount::try_from(low)?),
        _ => exact(principal, balloon, accrual, units, (low, high), rounding),
    }
}

/// L as a double, and a bound of its error.
///
/// Each step of a ← (a + 1)/(1 + r) adds at most 6 relative errors of 2^-53: one in the sum, one in
/// the quotient, one in 1 + r and three in r itself (two conversions, one product and quotient, of a
/// number that 1 + r makes smaller). 8 for each step and 8 for the rest leave room for second-order terms.
///
/// With a balloon L = (P − B · Π 1/(1+rⱼ)) ÷ Σₖ Πⱼ≤ₖ 1/(1+rⱼ); the error is that of both terms.
fn estimate(
    principal: Amount,
    balloon: Amount,
    accrual: &Accrual,
    units: impl DoubleEndedIterator<Item = u32>,
    count: u16,
) -> (f64, f64) {
    let per_unit = accrual.numerator as f64 / accrual.denominator as f64;
    let (mut annuity, mut discount) = (0.0, 1.0);
    let (mut last_units, mut growth) = (0, 1.0);
    for units in units.rev() {
        if units != last_units {
            (last_units, growth) = (units, 1.0 + per_unit * f64::from(units));
        }
        annuity = (annuity + 1.0) / growth;
        discount /= growth;
    }
    let (lent, kept) = (principal.minor() as f64, balloon.minor() as f64 * discount);
    let noise = (f64::from(count) * 8.0 + 8.0) * (f64::EPSILON / 2.0);
    ((lent - kept) / annuity, (lent + kept) / annuity * noise * if balloon.is_zero() { 1.0 } else { 2.0 })
}

/// Rounds a double to an integer by the rule; `None` where it is no amount.
fn round_double(value: f64, rounding: Rounding) -> Option<i64> {
    // Beyond 2^51 a double has no room for the fraction that decides.
    const EXACT_MAX: f64 = 2_251_799_813_685_248.0;
    if !(0.0..EXACT_MAX).contains(&value) {
        return None;
    }
    let whole = libm::floor(value);
    let fraction = value - whole;
    let floor = whole as i64;
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => fraction > 0.0,
        // A tie in doubles is decided like any other value: if the true tie lies within the error,
        // the two ends of the interval round differently and the exact way is taken.
        Rounding::HalfUp => fraction >= 0.5,
        Rounding::HalfEven => fraction > 0.5 || (fraction == 0.5 && floor % 2 != 0),
    };
    Some(floor + i64::from(up))
}

/// L by comparison in exact integers: the greatest whole number not above it, then its fraction.
fn exact(
    principal: Amount,
    balloon: Amount,
    accrual: &Accrual,
    units: impl Iterator<Item = u32> + Clone,
    (low, high): (f64, f64),
    rounding: Rounding,
) -> Result<Amount, CreditError> {
    let compare = |numerator: u128, denominator: u128| {
        compare(principal, balloon, accrual, units.clone(), (numerator, denominator))
    };
    // INVARIANT: floor ≤ L < ceiling. Doubles of this size step by 1 at most, but 2 are allowed for.
    let mut floor = libm::floor(low).max(0.0) as u128;
    let mut ceiling = libm::ceil(high).max(0.0) as u128 + 2;
    while ceiling - floor > 1 {
        let middle = floor + (ceiling - floor) / 2;
        if compare(middle, 1) == Ordering::Less {
            ceiling = middle;
        } else {
            floor = middle;
        }
    }
    let above = match rounding {
        Rounding::Down => false,
        Rounding::Up => compare(floor, 1) == Ordering::Greater,
        Rounding::HalfUp => compare(2 * floor + 1, 2) != Ordering::Less,
        Rounding::HalfEven => match compare(2 * floor + 1, 2) {
            Ordering::Greater => true,
            Ordering::Equal => floor % 2 == 1,
            Ordering::Less => false,
        },
    };
    Ok(Amount::try_from(floor + u128::from(above))?)
}

/// How L compares with `numerator / denominator`.
///
/// L is greater than b exactly when instalments of b leave something of the debt: with
/// Xₖ = balance after k instalments · denominator · Πⱼ≤ₖ Dⱼ for 1 + rⱼ = Nⱼ/D,
/// Xₖ = Xₖ₋₁ · Nₖ − b · denominator · D^k, all whole numbers.
/// The balloon grows by the same factor D^n.
fn compare(
    principal: Amount,
    balloon: Amount,
    accrual: &Accrual,
    units: impl Iterator<Item = u32>,
    (numerator, denominator): (u128, u128),
) -> Ordering {
    let mut balance = Big::from(u128::from(principal.unsigned())).mul(denominator);
    let mut kept = Big::from(u128::from(balloon.unsigned())).mul(denominator);
    let mut payment = Big::from(numerator);
    for units in units {
        let growth = accrual.denominator + u128::from(accrual.numerator) * u128::from(units);
        payment = payment.mul(accrual.denominator);
        if !balloon.is_zero() {
            kept = kept.mul(accrual.denominator);
        }
        match balance.mul(growth).sub(&payment) {
            Some(left) => balance = left,
            // Once overpaid, always overpaid: later instalments and growth only widen it.
            None => return Ordering::Less,
        }
    }
    balance.cmp(&kept)
}
