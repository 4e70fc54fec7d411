//! On which side of a tie a root lies, in twice the precision of doubles.
//!
//! A double leaves the root uncertain in its last places. Where a tie between two roundings lies there, the equation
//! itself is asked at the tie: its sign says on which side the root is. Only `+ - * /` and `libm`, as in the solver.

use super::{
    Annual, Timed,
    solve::{Growth, Root},
};

/// The part of the terms' size below which their sum is nothing: the root is the tie.
const NOTHING: f64 = 1e-26;
/// Halvings of an exponent before its series, and squarings after it.
const HALVINGS: i32 = 9;
/// Terms of the series: (2^-10)^9 / 9! is below 10^-32.
const TERMS: i32 = 9;
/// Convergents of a fraction, at most.
const CONVERGENTS: u32 = 24;

/// A sum of two doubles, the lower at most half of the last place of the higher.
#[derive(Clone, Copy)]
struct Twice(f64, f64);

impl Twice {
    /// `high + low` exactly.
    fn sum(high: f64, low: f64) -> Self {
        let sum = high + low;
        let back = sum - high;
        Self(sum, (high - (sum - back)) + (low - back))
    }

    fn plus(self, other: Self) -> Self {
        let Self(high, low) = Self::sum(self.0, other.0);
        Self::sum(high, low + (self.1 + other.1))
    }

    /// Dekker's product: each factor in two halves of 26 digits.
    fn times(self, other: Self) -> Self {
        let halves = |of: f64| {
            let big = of * 134_217_729.0;
            let high = big - (big - of);
            (high, of - high)
        };
        let product = self.0 * other.0;
        let ((a, b), (c, d)) = (halves(self.0), halves(other.0));
        let rest = ((a * c - product) + a * d + b * c) + b * d;
        Self::sum(product, rest + (self.0 * other.1 + self.1 * other.0))
    }

    fn over(self, other: Self) -> Self {
        let first = self.0 / other.0;
        let rest = self.plus(other.times(Self(-first, 0.0)));
        let second = rest.0 / other.0;
        let rest = rest.plus(other.times(Self(-second, 0.0)));
        Self::sum(first, second).plus(Self(rest.0 / other.0, 0.0))
    }

    /// e to this power; none beyond what a double holds.
    fn exponential(self) -> Option<Self> {
        const LN_2: Twice = Twice(core::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
        let twos = libm::floor(self.0 / LN_2.0 + 0.5);
        if twos.abs() > 1_000.0 {
            return None;
        }
        let scale = 1.0 / f64::from(1_u32 << HALVINGS);
        let rest = self.plus(LN_2.times(Self(-twos, 0.0))).times(Self(scale, 0.0));
        // 1 less than the power, by Horner's rule; then squared without losing what is small.
        let mut less_one = Self(0.0, 0.0);
        for term in (1..=TERMS).rev() {
            less_one = rest.over(Self(f64::from(term), 0.0)).times(less_one.plus(Self(1.0, 0.0)));
        }
        for _ in 0..HALVINGS {
            less_one = less_one.times(less_one.plus(Self(2.0, 0.0)));
        }
        let power = f64::from_bits(((twos as i64 + 1023) as u64) << 52);
        Some(less_one.plus(Self(1.0, 0.0)).times(Self(power, 0.0)))
    }

    /// The logarithm: one step of Newton's method doubles the digits of a double's.
    fn logarithm(self) -> Option<Self> {
        let near = libm::log1p(self.0 - 1.0);
        let off = self.times(Self(-near, 0.0).exponential()?).plus(Self(-1.0, 0.0));
        Some(Self(near, 0.0).plus(off))
    }
}

/// The fraction of small numbers that a double was made of: days over the days of a year, weeks over 52.
fn fraction(of: f64) -> Twice {
    let (mut last, mut this, mut rest) = ((0.0, 1.0), (1.0, 0.0), of);
    for _ in 0..CONVERGENTS {
        let whole = libm::floor(rest);
        let next = (whole * this.0 + last.0, whole * this.1 + last.1);
        (last, this) = (this, next);
        if (next.0 / next.1 - of).abs() <= f64::EPSILON || rest <= whole {
            break;
        }
        rest = 1.0 / (rest - whole);
    }
    Twice(this.0, 0.0).over(Twice(this.1, 0.0))
}

/// Whether the root lies at or above an annual rate of `numerator / denominator`, both whole and below 2^53.
pub(super) fn is_at_or_above(
    timed: &Timed,
    annual: Annual,
    root: Root,
    numerator: f64,
    denominator: f64,
) -> Option<bool> {
    let one = Twice(1.0, 0.0);
    let rate = Twice(numerator, 0.0).over(Twice(denominator, 0.0));
    // The rate for a unit of time, which only simple growth asks for, and the logarithm of its growth.
    let (rate, log) = match annual {
        Annual::Nominal { numerator, denominator } => {
            let rate = rate.times(Twice(denominator, 0.0)).over(Twice(numerator, 0.0));
            (rate, one.plus(rate).logarithm()?)
        }
        Annual::Effective { units } => (rate, one.plus(rate).logarithm()?.over(Twice(units, 0.0))),
    };
    let (mut sum, mut size) = (Twice(0.0, 0.0), 0.0);
    for flow in &timed.flows {
        let whole = Twice(f64::from(flow.whole), 0.0);
        let part = if flow.fraction == 0.0 { Twice(0.0, 0.0) } else { fraction(flow.fraction) };
        let mut term = Twice(flow.value, 0.0);
        let time = match timed.growth {
            Growth::Compound => whole.plus(part),
            Growth::Simple => {
                term = term.over(one.plus(part.times(rate)));
                whole
            }
        };
        term = term.times(time.times(log).times(Twice(-1.0, 0.0)).exponential()?);
        sum = sum.plus(term);
        size += term.0.abs();
    }
    // Below the root the value has the sign that it falls from.
    Some(sum.0.abs() <= size * NOTHING || (sum.0 > 0.0) == (root.slope < 0.0))
}
