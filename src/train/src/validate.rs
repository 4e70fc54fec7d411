//! Cross-validation: everything is fitted again without the held-out rows.

use prequal_core::{
    canonical,
    score::{CompiledScorecard, Scorecard},
};

use crate::{
    error::TrainError,
    fit::{self, Sorted},
    metrics,
    options::Options,
    points,
    trees::Trees,
};

/// What one fold's model does on the rows it never saw.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The fold's model.
    pub model: CompiledScorecard,
    /// SHA-256 of the model's features and base points: unchanged whatever the held-out rows hold.
    pub fingerprint: String,
    /// Held-out rows, by position in the table.
    pub held_out: Vec<usize>,
    /// Points of the held-out rows.
    pub points: Vec<i32>,
    /// Probability of bad of the held-out rows, by points.
    pub probability: Vec<f64>,
    /// Measures on the held-out rows.
    pub measures: Measures,
    /// AUC that is lost by rounding to whole points.
    pub rounding_loss: f64,
    /// Share of the pairs of held-out rows that rounding puts the other way round.
    pub inversions: f64,
    /// Stability of the score between training rows and held-out rows.
    pub stability: f64,
    /// The boosted trees of the same rows, where they are asked for.
    pub trees: Option<TreeFold>,
}

/// What one fold's trees do on the rows they never saw.
#[derive(Clone, Debug)]
pub struct TreeFold {
    /// SHA-256 of all that was fitted.
    pub fingerprint: String,
    /// Probability of bad of the held-out rows.
    pub probability: Vec<f64>,
    /// Measures on the held-out rows.
    pub measures: Measures,
    /// Stability of the margin between training rows and held-out rows.
    pub stability: f64,
}

/// Measures of one score on some rows.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Measures {
    /// Area under the ROC curve.
    pub auc: f64,
    /// Kolmogorov–Smirnov.
    pub ks: f64,
    /// Gini coefficient.
    pub gini: f64,
    /// Brier score.
    pub brier: f64,
    /// Mean negative log-likelihood.
    pub logloss: f64,
}

impl Measures {
    /// Measures a probability of bad.
    #[must_use]
    pub fn of(bad: &[bool], probability: &[f64]) -> Self {
        Self {
            auc: metrics::auc(bad, probability),
            ks: metrics::ks(bad, probability),
            gini: metrics::gini(bad, probability),
            brier: metrics::brier(bad, probability),
            logloss: metrics::log_loss(bad, probability),
        }
    }
}

/// Row i of the table is held out in fold i mod `folds`.
#[must_use]
pub fn split(rows: &[usize], folds: usize, fold: usize) -> (Vec<usize>, Vec<usize>) {
    rows.iter().partition(|row| **row % folds != fold)
}

/// Fits and measures one fold.
///
/// # Errors
/// As [`fit::fit`], and [`TrainError::Fit`] where the held-out rows hold one class only.
pub fn fold(sorted: &Sorted<'_>, rows: &[usize], options: &Options, number: usize) -> Result<Fold, TrainError> {
    let table = sorted.table;
    let (training, held_out) = split(rows, options.folds, number);
    let bad: Vec<bool> = held_out.iter().map(|row| table.bad[*row]).collect();
    if !bad.contains(&true) || !bad.contains(&false) {
        return Err(TrainError::Fit(format!(
            "fold {number} of {} holds only one class of the target; use fewer folds",
            options.folds
        )));
    }
    let fitted = fit::fit_sorted(sorted, &training, options)?;
    let scorecard = points::scorecard(table, &training, &fitted, options)?;
    let model = scorecard.check()?;
    let all_points = points::score_table(&model, table)?;
    let pick = |rows: &[usize]| -> Vec<i32> { rows.iter().map(|row| all_points[*row]).collect() };
    let held_points = pick(&held_out);
    let probability: Vec<f64> = held_points.iter().map(|points| model.scaling().probability(*points)).collect();
    let measures = Measures::of(&bad, &probability);
    let exact = sorted.log_odds_of_bad(&fitted);
    let exact: Vec<f64> = held_out.iter().map(|row| exact[*row]).collect();
    let as_numbers = |points: &[i32]| -> Vec<f64> { points.iter().map(|points| f64::from(*points)).collect() };
    let trees = options.trees.as_ref().map(|trees| -> Result<TreeFold, TrainError> {
        let fitted = Trees::fit(table, &training, options, trees)?;
        let all = fitted.margins(table)?;
        let pick = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|row| all[*row]).collect() };
        let held = pick(&held_out);
        let probability: Vec<f64> = held.iter().map(|margin| logistic(*margin)).collect();
        Ok(TreeFold {
            fingerprint: fitted.fingerprint()?,
            measures: Measures::of(&bad, &probability),
            probability,
            stability: metrics::stability(&pick(&training), &held),
        })
    });
    Ok(Fold {
        trees: trees.transpose()?,
        inversions: metrics::inversions(&exact, &held_points),
        rounding_loss: metrics::auc(&bad, &exact) - measures.auc,
        stability: metrics::stability(&as_numbers(&pick(&training)), &as_numbers(&held_points)),
        fingerprint: fingerprint(&scorecard)?,
        model,
        held_out,
        points: held_points,
        probability,
        measures,
    })
}

/// Probability of a log-odds.
#[must_use]
pub fn logistic(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

fn fingerprint(scorecard: &Scorecard) -> Result<String, TrainError> {
    let text = canonical::to_string(&(&scorecard.features, scorecard.base_points))
        .map_err(|error| TrainError::Fit(format!("the model has no canonical form: {error}")))?;
    Ok(canonical::sha256_hex(text.as_bytes()))
}
