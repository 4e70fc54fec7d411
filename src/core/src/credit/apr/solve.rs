//! The rate for one unit of time at which cash flows balance.
//!
//! Only `+ - * /` and `libm`'s `exp`, `expm1`, `log1p` and `sqrt`: the same bits natively and in WebAssembly.

use crate::credit::CreditError;

/// A net flow at a time of `whole + fraction` units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TimedFlow {
    /// Whole units of time.
    pub whole: u32,
    /// The rest, 0 ≤ fraction < 1 (exactly 1 for 30 odd days of a month).
    pub fraction: f64,
    /// What is paid (positive) or advanced (negative).
    pub value: f64,
}

/// How the fraction of a unit of time grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// 1 + fraction · rate (Appendix J).
    Simple,
    /// (1 + rate)^fraction.
    Compound,
}

/// A root and how far it may be from the true one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root {
    pub rate: f64,
    pub error: f64,
    /// How the value of the flows changes there.
    pub slope: f64,
}

/// Steps of the bracketed Newton iteration, at most.
const NEWTON_STEPS: usize = 100;
/// Halvings of an interval: from any start down to neighbouring doubles.
const HALVING_STEPS: usize = 200;
/// Points at which the sign is looked at where more than one root is possible.
const SCAN_POINTS: i32 = 2_000;
/// Steps between flows whose discounts are kept; months of 28 to 31 days find a place each.
const STEPS_KEPT: usize = 4;
/// Steps of the search for an extremum between scan points.
const GOLDEN_STEPS: usize = 60;

/// The only rate between `low` and `high` at which the flows balance.
///
/// `flows` are in the order of time with at most one flow at each time.
///
/// # Errors
/// `no_rate`, `several_rates`.
pub(super) fn solve(flows: &[TimedFlow], growth: Growth, low: f64, high: f64) -> Result<Root, CreditError> {
    match sign_changes(flows) {
        0 => Err(CreditError::NoRate),
        1 => {
            let equation = Equation { flows, growth };
            // Paid last: the value falls as the rate rises. Lent last: turn it over by the sign.
            let sign = flows.iter().rev().find(|flow| flow.value != 0.0).map_or(1.0, |flow| flow.value.signum());
            let at_zero = flows.iter().map(|flow| flow.value).sum::<f64>() * sign;
            if at_zero > 0.0 {
                equation.rising_root(sign, high)
            } else if at_zero < 0.0 {
                let root = equation.halve(low, 0.0)?;
                Ok(equation.with_error(root))
            } else {
                Ok(equation.with_error(0.0))
            }
        }
        _ => scan(&Equation { flows, growth }, low, high),
    }
}

/// Changes of sign in the order of time: by Descartes' rule, at least as many as positive roots of
/// the discount factor, and of the same parity.
fn sign_changes(flows: &[TimedFlow]) -> usize {
    let mut last = 0.0;
    let mut changes = 0;
    for flow in flows.iter().filter(|flow| flow.value != 0.0) {
        if last * flow.value < 0.0 {
            changes += 1;
        }
        last = flow.value.signum();
    }
    changes
}

struct Equation<'a> {
    flows: &'a [TimedFlow],
    growth: Growth,
}

/// The value of the flows at a rate, its slope, and the sum of the sizes of its terms.
#[derive(Clone, Copy)]
struct Value {
    value: f64,
    slope: f64,
    size: f64,
}

impl Equation<'_> {
    /// Present value of all flows, for rates from zero up.
    fn value(&self, rate: f64) -> Value {
        let discount = 1.0 / (1.0 + rate);
        let mut log = None;
        let mut steps = [(0, 1.0); STEPS_KEPT];
        let (mut whole, mut power) = (0, 1.0);
        let (mut fraction, mut factor, mut steepness) = (0.0, 1.0, 0.0);
        let mut sum = Value { value: 0.0, slope: 0.0, size: 0.0 };
        for flow in self.flows {
            let count = flow.whole.saturating_sub(whole);
            whole = flow.whole;
            power = match self.growth {
                // The error of a discount for a day would come back once for every day; that of the exponential of
                // a whole step comes back once for every step.
                Growth::Compound if count > 1 => {
                    let log = *log.get_or_insert_with(|| libm::log1p(rate));
                    match steps.get_mut(count as usize % STEPS_KEPT) {
                        Some((known, factor)) if *known == count => power * *factor,
                        Some(kept) => {
                            *kept = (count, libm::exp(-f64::from(count) * log));
                            power * kept.1
                        }
                        None => power,
                    }
                }
                _ => step(power, discount, count),
            };
            if flow.fraction != fraction {
                fraction = flow.fraction;
                (factor, steepness) = match self.growth {
                    Growth::Simple => {
                        let factor = 1.0 / (1.0 + fraction * rate);
                        (factor, fraction * factor)
                    }
                    Growth::Compound => {
                        let log = *log.get_or_insert_with(|| libm::log1p(rate));
                        (libm::exp(-fraction * log), fraction * discount)
                    }
                };
            }
            let term = flow.value * power * factor;
            sum.value += term;
            sum.slope -= term * (f64::from(whole) * discount + steepness);
            sum.size += term.abs();
        }
        sum
    }

    /// A positive multiple of the present value that stays finite: below zero, the value on the last date.
    fn sign_value(&self, rate: f64) -> f64 {
        if rate >= 0.0 {
            return self.value(rate).value;
        }
        let base = 1.0 + rate;
        let log = libm::log1p(rate);
        let mut whole = self.flows.last().map_or(0, |flow| flow.whole);
        let mut power = 1.0;
        let mut sum = 0.0;
        for flow in self.flows.iter().rev() {
            power = step(power, base, whole.saturating_sub(flow.whole));
            whole = flow.whole;
            let factor = match self.growth {
                Growth::Simple => 1.0 / (1.0 + flow.fraction * rate),
                Growth::Compound => libm::exp(-flow.fraction * log),
            };
            sum += flow.value * power * factor;
        }
        sum
    }

    /// The root above zero of flows with one change of sign: Newton's method, kept in a bracket.
    ///
    /// With one advance the value is convex and falling, and Newton from zero climbs to the root without
    /// passing it; the bracket and the geometric mean take care of everything else.
    fn rising_root(&self, sign: f64, high: f64) -> Result<Root, CreditError> {
        if self.value(high).value * sign > 0.0 {
            return Err(CreditError::NoRate);
        }
        let (mut low, mut high, mut rate) = (0.0_f64, high, 0.0_f64);
        let mut last_size = f64::INFINITY;
        for _ in 0..NEWTON_STEPS {
            let Value { value, slope, .. } = self.value(rate);
            let value = value * sign;
            if value > 0.0 {
                low = rate;
            } else {
                high = rate;
            }
            let newton = rate - value / (slope * sign);
            // Slow progress means a root far out: halve the distance in growth instead.
            let next = if newton > low && newton < high && value.abs() < 0.75 * last_size {
                newton
            } else if value == 0.0 || (newton - rate).abs() <= f64::EPSILON * (1.0 + rate) {
                rate
            } else {
                libm::sqrt((1.0 + low) * (1.0 + high)) - 1.0
            };
            last_size = value.abs();
            let moved = (next - rate).abs();
            rate = next;
            if moved <= f64::EPSILON * (1.0 + rate) {
                break;
            }
        }
        Ok(self.with_error(rate))
    }

    /// The root in an interval at whose ends the signs differ.
    fn halve(&self, low: f64, high: f64) -> Result<f64, CreditError> {
        let sign_low = self.sign_value(low);
        if sign_low == 0.0 || sign_low * self.sign_value(high) > 0.0 {
            return Err(CreditError::NoRate);
        }
        let (mut low, mut high) = (low, high);
        for _ in 0..HALVING_STEPS {
            let middle = low + (high - low) / 2.0;
            if middle <= low || middle >= high {
                break;
            }
            if self.sign_value(middle) * sign_low > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(low + (high - low) / 2.0)
    }

    /// A root with the error that rounding in the sum may have left in it.
    fn with_error(&self, rate: f64) -> Root {
        let near = self.value(rate);
        // Single steps multiply the rounded discount of one; longer ones of compound growth do not.
        let single = self.flows.windows(2).any(|pair| matches!(pair, [one, next] if next.whole == one.whole + 1));
        let base = if single || self.growth == Growth::Simple || rate < 0.0 { 1.0 + rate } else { rate };
        let noise = f64::EPSILON * (8.0 * near.size / near.slope.abs() + 2.0 * base);
        Root { rate, error: if noise.is_finite() { noise } else { 0.0 }, slope: near.slope }
    }
}

/// `power · base^count`.
fn step(power: f64, base: f64, count: u32) -> f64 {
    match count {
        0 => power,
        1 => power * base,
        _ => {
            let (mut product, mut square, mut rest) = (power, base, count);
            while rest > 0 {
                if rest % 2 == 1 {
                    product *= square;
                }
                square *= square;
                rest /= 2;
            }
            product
        }
    }
}

/// Looks for every root where the signs allow more than one.
fn scan(equation: &Equation<'_>, low: f64, high: f64) -> Result<Root, CreditError> {
    // Dense about zero, where rates are, and wide at the ends: ln(1 + rate) is ± the position squared.
    let position = |rate: f64| {
        let log = libm::log1p(rate);
        libm::sqrt(log.abs()) * log.signum()
    };
    let rate_at = |position: f64| libm::expm1(position * position.abs());
    let (first, last) = (position(low), position(high));
    let mut found: Option<(f64, f64)> = None;
    let mut note = |low: f64, high: f64| {
        if found.replace((low, high)).is_some() { Err(CreditError::SeveralRates) } else { Ok(()) }
    };
    // The last three points; the sign of zero is that of the point before.
    let mut points = [(low, 0.0), (low, 0.0), (low, equation.sign_value(low))];
    for index in 1..=SCAN_POINTS {
        let rate = rate_at(first + (last - first) * f64::from(index) / f64::from(SCAN_POINTS));
        let value = equation.sign_value(rate);
        points = [points[1], points[2], (rate, value)];
        let [before, middle, now] = points;
        if middle.1 * now.1 < 0.0 {
            note(middle.0, now.0)?;
        } else if now.1 == 0.0 {
            points[2].1 = middle.1;
            let beyond = equation.sign_value(rate_at(position(rate) + 1e-9));
            if beyond * middle.1 < 0.0 {
                points[2].1 = beyond;
                note(middle.0, rate_at(position(rate) + 1e-9))?;
            }
        } else if index > 2
            && before.1 * middle.1 > 0.0
            && middle.1 * now.1 > 0.0
            && middle.1.abs() < before.1.abs()
            && middle.1.abs() < now.1.abs()
            && dips_through(equation, before.0, now.0, middle.1.signum())
        {
            return Err(CreditError::SeveralRates);
        }
    }
    let (low, high) = found.ok_or(CreditError::NoRate)?;
    let root = equation.halve(low, high)?;
    Ok(equation.with_error(root))
}

/// Whether the value changes sign and back between two points (golden-section search for its extremum).
fn dips_through(equation: &Equation<'_>, low: f64, high: f64, sign: f64) -> bool {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (mut low, mut high) = (low, high);
    for _ in 0..GOLDEN_STEPS {
        let one = high - (high - low) * GOLDEN;
        let two = low + (high - low) * GOLDEN;
        let (at_one, at_two) = (equation.sign_value(one) * sign, equation.sign_value(two) * sign);
        if at_one < 0.0 || at_two < 0.0 {
            return true;
        }
        if at_one < at_two {
            high = two;
        } else {
            low = one;
        }
    }
    false
}
