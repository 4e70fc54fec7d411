//! What a run leaves behind.

use std::{collections::BTreeMap, fs, path::Path};

use prequal_core::{canonical, score::Feature};
use serde::Serialize;

use crate::{
    TrainError, Training,
    fairness::{self, Fairness},
    held_out::HeldOut,
    metrics::{self, CalibrationCheck},
    report::{self, features},
    validate::{Fold, Measures, TreeFold},
};

/// The files that [`write`] always makes.
pub const FILES: [&str; 4] = ["model.json", "scorecard.csv", "metrics.json", "report.html"];

/// The boosted trees' model file; made where they were asked for, and removed where not, so that no older one is taken
/// for this run's.
pub const TREES_FILE: &str = "trees.json";

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
    /// Share of the pairs of held-out rows that rounding puts the other way round, mean over the folds.
    pub inversions: f64,
    /// Neighbouring bins of another weight of evidence with the same points, in the model.
    pub bins_tied: usize,
}

/// The measures of one kind of model, all but `iv` on held-out rows.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
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
    /// Information value of every column that was looked at, by its fine classes
    /// ([`Binning::fine_value`](crate::binning::Binning::fine_value)) on the rows fitted to.
    pub iv: BTreeMap<String, f64>,
    /// Population stability index of the score, held-out rows against training rows, mean over the folds.
    pub psi: f64,
    /// For each fold the SHA-256 of all that was fitted in it (of the scorecard: features and base points): whoever
    /// doubts that held-out rows stay out can change them and see it unchanged.
    pub fold_models: Vec<String>,
}

impl Score {
    fn of(
        training: &Training,
        measures: &[Measures],
        stability: impl ExactSizeIterator<Item = f64>,
        fold_models: Vec<String>,
    ) -> Self {
        let measure = |of: fn(&Measures) -> f64| {
            let folds: Vec<f64> = measures.iter().map(of).collect();
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
            psi: metrics::mean(stability),
            fold_models,
        }
    }
}

/// Measures on the latest rows, which nothing was fitted to.
#[derive(Clone, Debug, Serialize)]
pub struct LaterMetrics {
    /// The column that tells the time.
    pub column: String,
    /// The first moment of these rows.
    pub from: String,
    /// How many there are.
    pub rows: usize,
    /// How many of them are bad.
    pub bads: usize,
    /// The scorecard.
    #[serde(flatten)]
    pub scorecard: Measures,
    /// Population stability index of the points against the rows fitted to.
    pub psi: f64,
    /// The trees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trees: Option<Measures>,
}

/// The contents of `metrics.json`: at the top the scorecard's measures, under `trees` those of the boosted trees.
#[derive(Clone, Debug, Serialize)]
pub struct Metrics {
    /// The scorecard's measures.
    #[serde(flatten)]
    pub scorecard: Score,
    /// What rounding costs.
    pub rounding: Rounding,
    /// Whether the scorecard's probabilities are right, on all held-out rows together.
    pub calibration: Option<CalibrationCheck>,
    /// The boosted trees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trees: Option<Score>,
    /// The latest rows; absent where none were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_time: Option<LaterMetrics>,
    /// How groups of people fare; absent where no column is protected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fairness: Vec<Fairness>,
    /// What was assumed of applicants who were turned away; absent where nothing was.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reject_inference: String,
    /// Rows with an outcome.
    pub rows: usize,
    /// Bad rows.
    pub bads: usize,
    /// Rows that were left out because their performance window had not ended.
    pub immature: usize,
    /// SHA-256 of the data file.
    pub data_sha256: String,
    /// The seed of what is drawn at random: the rows and columns that each tree sees.
    pub seed: u64,
    /// What a person should look at before the model is used.
    pub warnings: Vec<String>,
}

impl Metrics {
    /// Collects the measures of a run.
    #[must_use]
    pub fn of(training: &Training) -> Self {
        let folds = &training.folds;
        let mean = |of: fn(&Fold) -> f64| metrics::mean(folds.iter().map(of));
        let measures: Vec<Measures> = folds.iter().map(|fold| fold.measures).collect();
        let fingerprints = folds.iter().map(|fold| fold.fingerprint.clone()).collect();
        let held = HeldOut::new(training);
        let trees: Vec<&TreeFold> = folds.iter().filter_map(|fold| fold.trees.as_ref()).collect();
        let later = training.out_of_time.as_ref().map(|later| LaterMetrics {
            column: training.options.time.as_ref().map(|time| time.column.clone()).unwrap_or_default(),
            from: later.from.clone(),
            rows: later.rows.len(),
            bads: later.rows.iter().filter(|row| training.table.bad[**row]).count(),
            scorecard: later.measures,
            psi: later.stability,
            trees: later.trees,
        });
        Self {
            scorecard: Score::of(training, &measures, folds.iter().map(|fold| fold.stability), fingerprints),
            rounding: Rounding {
                auc_loss: mean(|fold| fold.rounding_loss),
                inversions: mean(|fold| fold.inversions),
                bins_tied: bins_tied(training),
            },
            calibration: metrics::calibration_check(&held.bad, &held.probability),
            trees: (!trees.is_empty()).then(|| {
                let measures: Vec<Measures> = trees.iter().map(|fold| fold.measures).collect();
                let fingerprints = trees.iter().map(|fold| fold.fingerprint.clone()).collect();
                Score::of(training, &measures, trees.iter().map(|fold| fold.stability), fingerprints)
            }),
            out_of_time: later,
            fairness: fairness::measure(training, &held),
            reject_inference: training.fitted.inference.clone(),
            rows: training.table.rows(),
            bads: training.table.bads(),
            immature: training.table.immature,
            data_sha256: training.table.sha256.clone(),
            seed: training.options.seed,
            warnings: training.warnings.clone(),
        }
    }
}

/// Neighbouring bins whose weights of evidence differ and whose points do not.
fn bins_tied(training: &Training) -> usize {
    let tied = |feature: &Feature| feature.bins.windows(2).filter(|pair| pair[0].points == pair[1].points).count();
    training.scorecard.features.iter().map(tied).sum()
}

/// Writes the files into `directory`, which is made if it is not there. Files of the same names are
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
    write_trees(training, &directory.join(TREES_FILE))?;
    Ok(metrics)
}

fn write_trees(training: &Training, path: &Path) -> Result<(), TrainError> {
    let file = |action, source| TrainError::File { action, path: path.to_path_buf(), source };
    let Some(trees) = &training.trees else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file("remove", error)),
            _ => Ok(()),
        };
    };
    let text = trees.model.to_file().map_err(|error| TrainError::Fit(format!("the trees have no file: {error}")))?;
    fs::write(path, text + "\n").map_err(|error| file("write", error))
}

/// The scorecard as a table: one line for each bin, after one for the base points.
fn scorecard_csv(training: &Training) -> Result<String, TrainError> {
    let failed = |error: &dyn std::fmt::Display| TrainError::Fit(format!("the scorecard cannot be written: {error}"));
    let totals = training.fitted.totals;
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
