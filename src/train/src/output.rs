//! What a run leaves behind: four files.

use std::{collections::BTreeMap, fs, path::Path};

use prequal_core::canonical;
use serde::Serialize;

use crate::{
    TrainError, Training,
    binning::counts::Counts,
    metrics,
    report::{self, features},
    validate::{Fold, Measures},
};

/// The files that [`write`] makes, and the only ones it touches.
pub const FILES: [&str; 4] = ["model.json", "scorecard.csv", "metrics.json", "report.html"];

/// One measure over the folds.
#[derive(Clone, Debug, Serialize)]
pub struct Measure {
    /// The mean over the folds.
    pub mean: f64,
    /// The value of each fold, on its held-out rows.
    pub folds: Vec<f64>,
}

/// What rounding to whole points costs.
#[derive(Clone, Debug, Serialize)]
pub struct Rounding {
    /// AUC of the unrounded regression less AUC of the points, mean over the folds.
    pub auc_loss: f64,
}

/// The contents of `metrics.json`: the scorecard's measures. All but `iv` are on held-out rows.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// Area under the ROC curve.
    pub auc: Measure,
    /// Kolmogorov–Smirnov.
    pub ks: Measure,
    /// Gini coefficient.
    pub gini: Measure,
    /// Brier score.
    pub brier: Measure,
    /// Mean negative log-likelihood.
    pub logloss: Measure,
    /// Information value of every column that was looked at, by its bins on all rows.
    pub iv: BTreeMap<String, f64>,
    /// Population stability index of the score, held-out rows against training rows, mean over the folds.
    pub psi: f64,
    /// What rounding costs.
    pub rounding: Rounding,
    /// For each fold the SHA-256 of its model's features and base points: whoever doubts that held-out rows
    /// stay out can change them and see it unchanged.
    pub fold_models: Vec<String>,
    /// Rows of the data.
    pub rows: usize,
    /// Bad rows of the data.
    pub bads: usize,
    /// What a person should look at before the model is used.
    pub warnings: Vec<String>,
}

impl Metrics {
    /// Collects the measures of a run.
    #[must_use]
    pub fn of(training: &Training) -> Self {
        let mean = |of: fn(&Fold) -> f64| metrics::mean(training.folds.iter().map(of));
        let measure = |of: fn(&Measures) -> f64| {
            let folds: Vec<f64> = training.folds.iter().map(|fold| of(&fold.measures)).collect();
            Measure { mean: metrics::mean(folds.iter().copied()), folds }
        };
        let name = |column: usize| training.table.columns[column].name.clone();
        Self {
            auc: measure(|m| m.auc),
            ks: measure(|m| m.ks),
            gini: measure(|m| m.gini),
            brier: measure(|m| m.brier),
            logloss: measure(|m| m.logloss),
            iv: training.fitted.candidates.iter().map(|c| (name(c.column), c.information_value)).collect(),
            psi: mean(|fold| fold.stability),
            rounding: Rounding { auc_loss: mean(|fold| fold.rounding_loss) },
            fold_models: training.folds.iter().map(|fold| fold.fingerprint.clone()).collect(),
            rows: training.table.rows(),
            bads: training.table.bads(),
            warnings: training.warnings.clone(),
        }
    }
}

/// Writes the four files into `directory`, which is made if it is not there. Files of the same names are
/// replaced, others are left alone.
///
/// # Errors
/// [`TrainError::File`] with the path that could not be written.
pub fn write(training: &Training, directory: &Path) -> Result<Metrics, TrainError> {
    let metrics = Metrics::of(training);
    let model = canonical::to_string(&training.scorecard)
        .map_err(|error| TrainError::Fit(format!("the model has no canonical form: {error}")))?;
    let numbers = serde_json::to_string_pretty(&metrics)
        .map_err(|error| TrainError::Fit(format!("the measures cannot be written: {error}")))?;
    let contents = [model + "\n", scorecard_csv(training)?, numbers + "\n", report::page(training, &metrics)];
    fs::create_dir_all(directory).map_err(|source| TrainError::File {
        action: "create",
        path: directory.to_path_buf(),
        source,
    })?;
    for (name, content) in FILES.iter().zip(contents) {
        let path = directory.join(name);
        fs::write(&path, content).map_err(|source| TrainError::File { action: "write", path: path.clone(), source })?;
    }
    Ok(metrics)
}

/// The scorecard as a table: one line for each bin, after one for the base points.
fn scorecard_csv(training: &Training) -> Result<String, TrainError> {
    let failed = |error: &dyn std::fmt::Display| TrainError::Fit(format!("the scorecard cannot be written: {error}"));
    let totals =
        Counts { goods: (training.table.rows() - training.table.bads()) as u32, bads: training.table.bads() as u32 };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut line = |cells: [String; 9]| writer.write_record(&cells).map_err(|error| failed(&error));
    line(["feature", "bin", "rows", "share", "bads", "bad_rate", "woe", "iv", "points"].map(str::to_owned))?;
    let mut base = [const { String::new() }; 9];
    base[0] = "(base)".to_owned();
    base[8] = training.scorecard.base_points.to_string();
    line(base)?;
    for (selected, feature) in training.fitted.features.iter().zip(&training.scorecard.features) {
        for bin in features::lines(feature, selected, totals) {
            let rows = bin.counts.rows();
            line([
                feature.name.clone(),
                bin.name,
                rows.to_string(),
                format!("{:.6}", f64::from(rows) / f64::from(totals.rows())),
                bin.counts.bads.to_string(),
                if rows == 0 { String::new() } else { format!("{:.6}", bin.counts.rate()) },
                format!("{:.6}", bin.woe),
                format!("{:.6}", bin.information),
                bin.points.to_string(),
            ])?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}
