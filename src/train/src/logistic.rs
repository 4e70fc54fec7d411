//! Logistic regression by Newton's method.
//!
//! Sums run over blocks of rows that are always cut the same way, and use only `+ - * /`, square roots and `libm`'s
//! `exp` and `ln`, so the same input gives the same bits on every machine. `ndarray`'s own matrix product is not used: it
//! picks its instructions by processor.

use ndarray::{Array1, Array2};

/// A fitted regression of `ln(good : bad)`.
#[derive(Clone, Debug)]
pub struct Logistic {
    /// The constant term.
    pub intercept: f64,
    /// One for each column of the design matrix.
    pub coefficients: Vec<f64>,
    /// Standard errors: of the intercept, then of each coefficient.
    pub standard_errors: Vec<f64>,
    /// Newton steps taken.
    pub steps: usize,
    /// The Cholesky factor of the Hessian at the answer.
    factor: Array2<f64>,
}

impl Logistic {
    /// Where the answer without column `dropped` is expected: the least of the parabola that the loss is near the
    /// answer, with that coefficient at zero. The intercept, then the other columns' coefficients.
    #[must_use]
    pub fn without(&self, dropped: usize) -> Vec<f64> {
        let mut unit = Array1::zeros(self.factor.nrows());
        unit[dropped + 1] = 1.0;
        let inverse = solve(&self.factor, &unit);
        let shift = self.coefficients[dropped] / inverse[dropped + 1];
        let mut weights = vec![self.intercept - shift * inverse[0]];
        let others = self.coefficients.iter().enumerate().filter(|(at, _)| *at != dropped);
        weights.extend(others.map(|(at, coefficient)| coefficient - shift * inverse[at + 1]));
        weights
    }
}

/// The most Newton steps.
const STEPS_MAX: usize = 100;
/// The most halvings of one step.
const HALVINGS_MAX: usize = 40;
/// A step whose largest part is below this ends the search: the next would be about its square.
const STEP_SMALL: f64 = 1e-7;

/// Fits `P(good) = 1 / (1 + exp(−(intercept + x · coefficients)))` by maximum likelihood, with
/// `ridge / 2 × Σ coefficient²` added to the negative log-likelihood (the intercept goes free). `columns` hold the values
/// of each x for all rows. `stands_for` says how many rows each row counts as; one where there is none.
///
/// # Errors
/// A sentence for the user: where goods and bads can be told apart without error and there is no ridge,
/// or where columns depend on each other, there is no single best fit.
pub fn fit(columns: &[&[f64]], good: &[bool], stands_for: Option<&[f64]>, ridge: f64) -> Result<Logistic, String> {
    let goods = good.iter().filter(|good| **good).count() as f64;
    let mut start = vec![0.0; columns.len() + 1];
    start[0] = libm::log(goods / (good.len() as f64 - goods));
    fit_from(start, columns, good, stands_for, ridge)
}

/// The same from weights that are near the answer: the intercept, then one for each column. The answer is the same to
/// the last digits, and sooner there.
///
/// # Errors
/// As [`fit`].
pub fn fit_from(
    start: Vec<f64>,
    columns: &[&[f64]],
    good: &[bool],
    stands_for: Option<&[f64]>,
    ridge: f64,
) -> Result<Logistic, String> {
    const MANY_ANSWERS: &str = "the regression has no single best fit; give it a ridge";
    let sample = Sample { columns, good, stands_for, ridge };
    let size = columns.len() + 1;
    let mut weights = Array1::from(start);
    let mut at = sample.at(&weights);
    for step in 1..=STEPS_MAX {
        let factor = cholesky(&at.hessian).ok_or(MANY_ANSWERS)?;
        let direction = solve(&factor, &at.gradient);
        let mut scale = 1.0;
        let mut halvings = 0;
        let (next, found) = loop {
            let next = Array1::from_shape_fn(size, |i| weights[i] - scale * direction[i]);
            let found = sample.at(&next);
            if found.loss <= at.loss || halvings == HALVINGS_MAX {
                break (next, found);
            }
            scale *= 0.5;
            halvings += 1;
        };
        let largest = direction.iter().fold(0.0_f64, |largest, part| largest.max((scale * part).abs()));
        if found.loss <= at.loss {
            (weights, at) = (next, found);
        }
        if largest < STEP_SMALL || halvings == HALVINGS_MAX {
            let factor = cholesky(&at.hessian).ok_or(MANY_ANSWERS)?;
            return Ok(Logistic {
                intercept: weights[0],
                coefficients: weights.iter().skip(1).copied().collect(),
                standard_errors: (0..size).map(|i| variance(&factor, i).sqrt()).collect(),
                steps: step,
                factor,
            });
        }
    }
    Err(format!("the regression did not settle in {STEPS_MAX} steps; give it a ridge"))
}

/// Two-sided p-value of a coefficient by its standard error (Wald).
#[must_use]
pub fn p_value(coefficient: f64, standard_error: f64) -> f64 {
    libm::erfc((coefficient / standard_error).abs() / std::f64::consts::SQRT_2)
}

fn penalty(weights: &Array1<f64>, ridge: f64) -> f64 {
    ridge / 2.0 * weights.iter().skip(1).map(|weight| weight * weight).sum::<f64>()
}

/// What is fitted to.
#[derive(Clone, Copy)]
struct Sample<'a> {
    columns: &'a [&'a [f64]],
    good: &'a [bool],
    stands_for: Option<&'a [f64]>,
    ridge: f64,
}

/// The loss at some weights, with its first and second derivatives.
struct Point {
    loss: f64,
    gradient: Array1<f64>,
    hessian: Array2<f64>,
}

/// Rows that are looked at together: few enough to stay in the nearest cache.
const BLOCK: usize = 64;
/// Sums that run side by side, so that a processor need not wait for one addition before the next.
const LANES: usize = 4;

impl Sample<'_> {
    fn at(&self, weights: &Array1<f64>) -> Point {
        let size = weights.len();
        let mut loss = 0.0;
        let mut gradient = Array1::zeros(size);
        let mut hessian = Array2::<f64>::zeros((size, size));
        let (mut margins, mut residuals, mut curvatures, mut scaled) =
            ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        for from in (0..self.good.len()).step_by(BLOCK) {
            let to = (from + BLOCK).min(self.good.len());
            let rows = to - from;
            margins[..rows].fill(weights[0]);
            for (column, weight) in self.columns.iter().zip(weights.iter().skip(1)) {
                margins.iter_mut().zip(&column[from..to]).for_each(|(margin, x)| *margin += x * weight);
            }
            loss += self.outcomes(from, &margins[..rows], &mut residuals, &mut curvatures);
            gradient[0] += residuals[..rows].iter().sum::<f64>();
            hessian[[0, 0]] += curvatures[..rows].iter().sum::<f64>();
            for (i, column) in self.columns.iter().enumerate() {
                let x = &column[from..to];
                gradient[i + 1] += product(x, &residuals[..rows]);
                for (to, (x, curvature)) in scaled.iter_mut().zip(x.iter().zip(&curvatures)) {
                    *to = x * curvature;
                }
                hessian[[i + 1, 0]] += scaled[..rows].iter().sum::<f64>();
                for (j, other) in self.columns[..=i].iter().enumerate() {
                    hessian[[i + 1, j + 1]] += product(&scaled[..rows], &other[from..to]);
                }
            }
        }
        for i in 1..size {
            gradient[i] += self.ridge * weights[i];
            hessian[[i, i]] += self.ridge;
        }
        Point { loss: loss + penalty(weights, self.ridge), gradient, hessian }
    }

    /// The loss of a block of rows from `from` on by their margins, and what each row adds to the derivatives.
    fn outcomes(&self, from: usize, margins: &[f64], residuals: &mut [f64], curvatures: &mut [f64]) -> f64 {
        let mut loss = 0.0;
        // ln(1 + exp(−m)) of many rows is the logarithm of a product that stays below 2^BLOCK.
        let mut odds = 1.0;
        for (at, margin) in margins.iter().enumerate() {
            let good = self.good[from + at];
            // exp of a number that is not positive does not overflow.
            let small = libm::exp(-margin.abs());
            let probability = if *margin < 0.0 { small } else { 1.0 } / (1.0 + small);
            let rows = self.stands_for.map_or(1.0, |rows| rows[from + at]);
            let wrong = if (*margin < 0.0) == good { margin.abs() } else { 0.0 };
            match self.stands_for {
                None => {
                    odds *= 1.0 + small;
                    loss += wrong;
                }
                Some(_) => loss += rows * (libm::log1p(small) + wrong),
            }
            residuals[at] = rows * (probability - if good { 1.0 } else { 0.0 });
            curvatures[at] = rows * small / ((1.0 + small) * (1.0 + small));
        }
        loss + libm::log(odds)
    }
}

/// Σ a × b over as many pairs as there are.
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_lanes.remainder().iter().zip(b_lanes.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes[0] + lanes[1] + (lanes[2] + lanes[3]) + rest
}

/// The lower Cholesky factor, from the lower triangle; `None` where the matrix is not positive definite.
fn cholesky(matrix: &Array2<f64>) -> Option<Array2<f64>> {
    let size = matrix.nrows();
    let mut factor = Array2::<f64>::zeros((size, size));
    for i in 0..size {
        for j in 0..=i {
            let sum = (0..j).fold(matrix[[i, j]], |sum, k| sum - factor[[i, k]] * factor[[j, k]]);
            if i == j {
                // NaN is refused too: it is not greater than anything.
                let large_enough = sum > 1e-12 * matrix[[i, i]].abs().max(1e-12);
                if !large_enough {
                    return None;
                }
                factor[[i, i]] = sum.sqrt();
            } else {
                factor[[i, j]] = sum / factor[[j, j]];
            }
        }
    }
    Some(factor)
}

/// Solves `L Lᵀ y = b`.
fn solve(factor: &Array2<f64>, b: &Array1<f64>) -> Array1<f64> {
    let size = b.len();
    let mut y = b.clone();
    for i in 0..size {
        y[i] = (0..i).fold(y[i], |sum, k| sum - factor[[i, k]] * y[k]) / factor[[i, i]];
    }
    for i in (0..size).rev() {
        y[i] = (i + 1..size).fold(y[i], |sum, k| sum - factor[[k, i]] * y[k]) / factor[[i, i]];
    }
    y
}

/// One diagonal entry of the inverse.
fn variance(factor: &Array2<f64>, index: usize) -> f64 {
    let mut unit = Array1::zeros(factor.nrows());
    unit[index] = 1.0;
    solve(factor, &unit)[index]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One binary column: the fit is the table's own log-odds. Goods/bads are 30/10 at x = 0 and 20/20
    /// at x = 1, so the intercept is ln 3, the coefficient −ln 3; variances are sums of reciprocal
    /// counts (Woolf): 1/30 + 1/10, and that + 1/20 + 1/20.
    #[test]
    fn a_saturated_model_gives_the_log_odds_of_its_table() {
        let cells = [(0.0, true, 30), (0.0, false, 10), (1.0, true, 20), (1.0, false, 20)];
        let (mut x, mut good) = (Vec::new(), Vec::new());
        for (value, is_good, times) in cells {
            x.extend(vec![value; times]);
            good.extend(vec![is_good; times]);
        }
        let fitted = fit(&[&x], &good, None, 0.0).unwrap();
        let ln3 = 3.0_f64.ln();
        assert!((fitted.intercept - ln3).abs() < 1e-9);
        assert!((fitted.coefficients[0] + ln3).abs() < 1e-9);
        assert!((fitted.standard_errors[0] - (1.0_f64 / 30.0 + 0.1).sqrt()).abs() < 1e-9);
        assert!((fitted.standard_errors[1] - (1.0_f64 / 30.0 + 0.1 + 0.1).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn perfect_separation_is_refused_without_a_ridge_and_fitted_with_one() {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i) - 20.0).collect();
        let good: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        assert!(fit(&[&x], &good, None, 0.0).is_err());
        assert!(fit(&[&x], &good, None, 1.0).unwrap().coefficients[0] > 0.0);
    }

    /// Two equal columns leave the split between them open.
    #[test]
    fn dependent_columns_are_refused_without_a_ridge() {
        let x: Vec<f64> = (0..50).map(|i| f64::from(i % 5)).collect();
        let good: Vec<bool> = (0..50).map(|i| i % 3 != 0).collect();
        assert!(fit(&[&x, &x], &good, None, 0.0).is_err());
    }

    /// Three columns over 200 rows, more than one block and not a whole number of lanes: where the search ends, the
    /// derivative of the likelihood, taken row by row, is nothing; and from another start it ends at the same place.
    #[test]
    fn the_answer_is_where_the_likelihood_is_flat() {
        let column = |a: u32, m: u32| -> Vec<f64> { (0..203).map(|i| f64::from(i * a % m) / f64::from(m)).collect() };
        let (x, good) = ([column(37, 101), column(53, 47), column(11, 29)], (0..203).map(|i| i * 31 % 7 < 5));
        let good: Vec<bool> = good.collect();
        let columns: Vec<&[f64]> = x.iter().map(Vec::as_slice).collect();
        for rows in [None, Some((0..203).map(|i| 1.0 + f64::from(i % 3)).collect::<Vec<f64>>())] {
            let fitted = fit(&columns, &good, rows.as_deref(), 0.5).unwrap();
            let mut flat = [0.0, 0.5, 0.5, 0.5];
            (0..3).for_each(|i| flat[i + 1] *= fitted.coefficients[i]);
            for row in 0..203 {
                let margin = fitted.intercept + (0..3).map(|i| fitted.coefficients[i] * x[i][row]).sum::<f64>();
                let p = 1.0 / (1.0 + (-margin).exp());
                let residual = rows.as_ref().map_or(1.0, |r| r[row]) * (p - f64::from(u8::from(good[row])));
                flat[0] += residual;
                (0..3).for_each(|i| flat[i + 1] += residual * x[i][row]);
            }
            assert!(flat.iter().all(|part| part.abs() < 1e-9), "{flat:?}");
            let few = fit(&[columns[0], columns[2]], &good, rows.as_deref(), 0.5).unwrap();
            let expected = fitted.without(1);
            let near = |a: f64, b: f64| (a - b).abs() < 0.02;
            assert!(near(expected[0], few.intercept) && near(expected[1], few.coefficients[0]), "{expected:?} {few:?}");
            assert!(near(expected[2], few.coefficients[1]) && expected.len() == 3, "{expected:?} {few:?}");
            let again = fit_from(vec![-3.0, 2.0, 0.0, 1.0], &columns, &good, rows.as_deref(), 0.5).unwrap();
            assert!((0..3).all(|i| (again.coefficients[i] - fitted.coefficients[i]).abs() < 1e-9));
        }
    }

    /// The two-sided 5 % point of the normal distribution.
    #[test]
    fn p_values_are_those_of_the_normal_distribution() {
        assert!((p_value(1.959_963_984_540_054, 1.0) - 0.05).abs() < 1e-12);
    }
}
