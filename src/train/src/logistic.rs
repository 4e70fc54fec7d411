//! Logistic regression by Newton's method.
//!
//! Sums run over rows in their order and use only `+ - * /`, square roots and `libm`'s `exp`, so the
//! same input gives the same bits on every machine. `ndarray`'s own matrix product is not used: it
//! picks its instructions by processor.

use ndarray::{Array1, Array2, ArrayView2};

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
}

/// The most Newton steps.
const STEPS_MAX: usize = 100;
/// The most halvings of one step.
const HALVINGS_MAX: usize = 40;
/// A step whose largest part is below this ends the search.
const STEP_SMALL: f64 = 1e-10;

/// Fits `P(good) = 1 / (1 + exp(−(intercept + x · coefficients)))` by maximum likelihood, with
/// `ridge / 2 × Σ coefficient²` added to the negative log-likelihood (the intercept goes free). `stands_for` says how
/// many rows each row counts as; one where there is none.
///
/// # Errors
/// A sentence for the user: where goods and bads can be told apart without error and there is no ridge,
/// or where columns depend on each other, there is no single best fit.
pub fn fit(x: ArrayView2<'_, f64>, good: &[bool], stands_for: Option<&[f64]>, ridge: f64) -> Result<Logistic, String> {
    let sample = Sample { x, good, stands_for, ridge };
    let size = x.ncols() + 1;
    let goods = good.iter().filter(|good| **good).count() as f64;
    let mut weights = Array1::<f64>::zeros(size);
    weights[0] = libm::log(goods / (good.len() as f64 - goods));
    let mut loss = sample.loss(&weights);
    for step in 1..=STEPS_MAX {
        let (gradient, hessian) = sample.derivatives(&weights);
        let factor = cholesky(&hessian).ok_or("the regression has no single best fit; give it a ridge")?;
        let direction = solve(&factor, &gradient);
        let mut scale = 1.0;
        let mut halvings = 0;
        let (next, next_loss) = loop {
            let next = Array1::from_shape_fn(size, |i| weights[i] - scale * direction[i]);
            let next_loss = sample.loss(&next);
            if next_loss <= loss || halvings == HALVINGS_MAX {
                break (next, next_loss);
            }
            scale *= 0.5;
            halvings += 1;
        };
        let largest = direction.iter().fold(0.0_f64, |largest, part| largest.max((scale * part).abs()));
        if next_loss <= loss {
            (weights, loss) = (next, next_loss);
        }
        if largest < STEP_SMALL || halvings == HALVINGS_MAX {
            let (_, hessian) = sample.derivatives(&weights);
            let factor = cholesky(&hessian).ok_or("the regression has no single best fit; give it a ridge")?;
            return Ok(Logistic {
                intercept: weights[0],
                coefficients: weights.iter().skip(1).copied().collect(),
                standard_errors: (0..size).map(|i| variance(&factor, i).sqrt()).collect(),
                steps: step,
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

fn linear(row: ndarray::ArrayView1<'_, f64>, weights: &Array1<f64>) -> f64 {
    row.iter().zip(weights.iter().skip(1)).fold(weights[0], |sum, (x, weight)| sum + x * weight)
}

fn penalty(weights: &Array1<f64>, ridge: f64) -> f64 {
    ridge / 2.0 * weights.iter().skip(1).map(|weight| weight * weight).sum::<f64>()
}

/// What is fitted to.
#[derive(Clone, Copy)]
struct Sample<'a> {
    x: ArrayView2<'a, f64>,
    good: &'a [bool],
    stands_for: Option<&'a [f64]>,
    ridge: f64,
}

impl Sample<'_> {
    fn rows(&self, row: usize) -> f64 {
        self.stands_for.and_then(|rows| rows.get(row)).copied().unwrap_or(1.0)
    }

    fn loss(&self, weights: &Array1<f64>) -> f64 {
        let rows = self.x.rows().into_iter().zip(self.good).enumerate().map(|(at, (row, good))| {
            let margin = if *good { linear(row, weights) } else { -linear(row, weights) };
            // ln(1 + exp(-m)) without overflow.
            self.rows(at) * (libm::log1p(libm::exp(-margin.abs())) + if margin < 0.0 { -margin } else { 0.0 })
        });
        rows.sum::<f64>() + penalty(weights, self.ridge)
    }

    /// Gradient and Hessian of the loss.
    fn derivatives(&self, weights: &Array1<f64>) -> (Array1<f64>, Array2<f64>) {
        let size = weights.len();
        let mut gradient = Array1::zeros(size);
        // The lower triangle, row after row: slices let the compiler take several products at a time, and each sum still
        // runs over the rows in their order.
        let mut triangle = vec![0.0; size * (size + 1) / 2];
        let mut full = vec![1.0; size];
        for (at, (row, good)) in self.x.rows().into_iter().zip(self.good).enumerate() {
            let probability = 1.0 / (1.0 + libm::exp(-linear(row, weights)));
            let residual = self.rows(at) * (probability - if *good { 1.0 } else { 0.0 });
            let curvature = self.rows(at) * probability * (1.0 - probability);
            full.iter_mut().skip(1).zip(row).for_each(|(to, from)| *to = *from);
            let mut rest = triangle.as_mut_slice();
            for i in 0..size {
                gradient[i] += residual * full[i];
                let scaled = curvature * full[i];
                let (line, after) = rest.split_at_mut(i + 1);
                line.iter_mut().zip(&full).for_each(|(sum, value)| *sum += scaled * value);
                rest = after;
            }
        }
        let lower = |i: usize, j: usize| if j <= i { triangle[i * (i + 1) / 2 + j] } else { 0.0 };
        let mut hessian = Array2::from_shape_fn((size, size), |(i, j)| lower(i, j));
        for i in 1..size {
            gradient[i] += self.ridge * weights[i];
            hessian[[i, i]] += self.ridge;
        }
        (gradient, hessian)
    }
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
        let x = Array2::from_shape_vec((80, 1), x).unwrap();
        let fitted = fit(x.view(), &good, None, 0.0).unwrap();
        let ln3 = 3.0_f64.ln();
        assert!((fitted.intercept - ln3).abs() < 1e-9);
        assert!((fitted.coefficients[0] + ln3).abs() < 1e-9);
        assert!((fitted.standard_errors[0] - (1.0_f64 / 30.0 + 0.1).sqrt()).abs() < 1e-9);
        assert!((fitted.standard_errors[1] - (1.0_f64 / 30.0 + 0.1 + 0.1).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn perfect_separation_is_refused_without_a_ridge_and_fitted_with_one() {
        let x = Array2::from_shape_fn((40, 1), |(i, _)| i as f64 - 20.0);
        let good: Vec<bool> = (0..40).map(|i| i >= 20).collect();
        assert!(fit(x.view(), &good, None, 0.0).is_err());
        assert!(fit(x.view(), &good, None, 1.0).unwrap().coefficients[0] > 0.0);
    }

    /// Two equal columns leave the split between them open.
    #[test]
    fn dependent_columns_are_refused_without_a_ridge() {
        let x = Array2::from_shape_fn((50, 2), |(i, _)| (i % 5) as f64);
        let good: Vec<bool> = (0..50).map(|i| i % 3 != 0).collect();
        assert!(fit(x.view(), &good, None, 0.0).is_err());
    }

    /// The two-sided 5 % point of the normal distribution.
    #[test]
    fn p_values_are_those_of_the_normal_distribution() {
        assert!((p_value(1.959_963_984_540_054, 1.0) - 0.05).abs() < 1e-12);
    }
}
