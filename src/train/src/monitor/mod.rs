//! Watching a model in use: has the population moved, has the score, does it still part goods from bads?
//!
//! Compares a *reference* file (as a rule the rows that the model was fitted to) with a *current* one. Nothing is fitted.

mod measure;
mod page;

use std::{fs, path::Path};

use prequal_core::canonical;
use serde::Serialize;

use crate::{error::TrainError, frame::Frame, scorer::Model, validate::Measures};

/// The files that [`write`] makes.
pub const FILES: [&str; 2] = ["monitor.json", "monitor.html"];

/// What is compared, and how much may move.
#[derive(Clone, Debug, Serialize)]
pub struct MonitorOptions {
    /// The outcome, where it is known: a row whose cell is empty has not matured.
    pub target: Option<Outcome>,
    /// The column that tells when a current row was; without it there is one period.
    pub time_column: Option<String>,
    /// Cells that mean "missing", besides the empty one.
    pub missing: Vec<String>,
    /// What counts as a warning and as an alert.
    pub limits: Limits,
}

/// The outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Its column.
    pub column: String,
    /// The value that counts as bad.
    pub bad: String,
}

/// A stability index past its limit is told only where samples of that size would reach it by chance in fewer than so
/// many of all cases: a hundred rows in ten bins have an index of about 0.1 against anything.
pub const CHANCE_MAX: f64 = 0.01;

/// Limits, each for a warning and for an alert.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// Population stability index of the score, of the whole and of a period. 0.1 and 0.25 are the industry's
    /// (Siddiqi 2006, ch. 9; Lewis 1994).
    pub psi: [f64; 2],
    /// Characteristic stability index of a feature.
    pub csi: [f64; 2],
    /// Shift of the mean score in standard deviations of the reference, either way.
    pub shift: [f64; 2],
    /// AUC lost against the reference.
    pub auc_loss: [f64; 2],
    /// Observed over predicted bad rate, or the reverse where that is larger.
    pub rate_ratio: [f64; 2],
}

impl Default for Limits {
    fn default() -> Self {
        Self { psi: [0.1, 0.25], csi: [0.1, 0.25], shift: [0.2, 0.5], auc_loss: [0.03, 0.05], rate_ratio: [1.2, 1.5] }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Look at it.
    Warning,
    /// Do something.
    Alert,
}

/// A measure past its limit.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// How bad.
    pub level: Level,
    /// Which measure: `psi`, `csi`, `shift`, `auc_loss`, `rate_ratio`.
    pub measure: &'static str,
    /// Of what: the score, a feature, a period.
    pub of: String,
    /// Its value.
    pub value: f64,
    /// The limit that it passed.
    pub limit: f64,
}

/// A bin of a score or of a feature on both sides.
#[derive(Clone, Debug, Serialize)]
pub struct BinShare {
    /// What it holds.
    pub name: String,
    /// Share of the reference rows.
    pub reference: f64,
    /// Share of the current rows.
    pub current: f64,
    /// Its part of the index.
    pub part: f64,
}

/// How the score moved.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreDrift {
    /// What the score is.
    pub unit: &'static str,
    /// Population stability index, over ten bins at the reference's deciles.
    pub psi: f64,
    /// Mean of the reference.
    pub reference_mean: f64,
    /// Mean of the current rows.
    pub current_mean: f64,
    /// Shift of the mean in standard deviations of the reference.
    pub shift: f64,
    /// The bins.
    pub bins: Vec<BinShare>,
}

/// How a feature moved.
#[derive(Clone, Debug, Serialize)]
pub struct Characteristic {
    /// The feature.
    pub feature: String,
    /// Characteristic stability index over the model's bins (of trees: the reference's deciles or the categories).
    pub csi: f64,
    /// Share of missing values in the reference.
    pub reference_missing: f64,
    /// Share of missing values now.
    pub current_missing: f64,
    /// Change of the mean points that the feature gives; `None` for trees.
    pub points_shift: Option<f64>,
    /// The index of each period, in order.
    pub by_period: Vec<f64>,
    /// The bins.
    pub bins: Vec<BinShare>,
}

/// A period of the current rows.
#[derive(Clone, Debug, Serialize)]
pub struct Period {
    /// The month of a date, else the moment itself.
    pub period: String,
    /// Rows.
    pub rows: usize,
    /// Population stability index of the score against the reference.
    pub psi: f64,
    /// Mean score.
    pub mean: f64,
    /// Rows whose outcome is known, and how they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
}

/// How matured rows did.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Performance {
    /// Rows whose outcome is known.
    pub rows: usize,
    /// Bad ones.
    pub bads: usize,
    /// Share of bads.
    pub bad_rate: f64,
    /// Mean predicted probability of bad of the same rows.
    pub predicted_rate: f64,
    /// The measures; `None` where only one outcome occurs.
    #[serde(flatten)]
    pub measures: Option<Measures>,
}

/// What a file was.
#[derive(Clone, Debug, Serialize)]
pub struct FileFacts {
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// Rows.
    pub rows: usize,
}

/// Everything that was found: the contents of `monitor.json`.
#[derive(Clone, Debug, Serialize)]
pub struct Monitoring {
    /// What a person is told the model is.
    pub label: String,
    /// `scorecard` or `trees`.
    pub kind: &'static str,
    /// The model file.
    pub model_sha256: String,
    /// The reference file.
    pub reference: FileFacts,
    /// The current file.
    pub current: FileFacts,
    /// What was compared, and the limits.
    pub options: MonitorOptions,
    /// What is past a limit, alerts first.
    pub findings: Vec<Finding>,
    /// The score.
    pub score: ScoreDrift,
    /// The features, those that moved most first.
    pub characteristics: Vec<Characteristic>,
    /// The periods, in order.
    pub periods: Vec<Period>,
    /// How the reference did; absent without outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_performance: Option<Performance>,
    /// How the matured current rows did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_performance: Option<Performance>,
}

/// Compares two files by a model.
///
/// # Errors
/// [`TrainError::Option`] for a model that cannot be read or a column that is not there; [`TrainError::Data`] for a file
/// that is no table or a cell that is no value of its feature.
pub fn monitor(
    reference: &[u8],
    current: &[u8],
    model: &[u8],
    options: MonitorOptions,
) -> Result<Monitoring, TrainError> {
    let read = |what: &str, bytes: &[u8]| {
        Frame::read(bytes).map_err(|error| TrainError::Option(format!("the {what}: {error}")))
    };
    let frames = [read("reference", reference)?, read("current file", current)?];
    let facts = |bytes: &[u8], frame: &Frame| FileFacts { sha256: canonical::sha256_hex(bytes), rows: frame.rows() };
    let files = [facts(reference, &frames[0]), facts(current, &frames[1])];
    let compiled = Model::read(model)?;
    measure::measure(&compiled, canonical::sha256_hex(model), frames, files, options)
}

/// Writes [`FILES`] into `directory`, which is made if it is not there.
///
/// # Errors
/// [`TrainError::File`] with the path that could not be written.
pub fn write(monitoring: &Monitoring, directory: &Path) -> Result<(), TrainError> {
    let numbers = serde_json::to_string_pretty(monitoring)
        .map_err(|error| TrainError::Fit(format!("the findings cannot be written: {error}")))?;
    let failed = |action, path: &Path, source| TrainError::File { action, path: path.to_path_buf(), source };
    fs::create_dir_all(directory).map_err(|source| failed("create", directory, source))?;
    for (name, content) in FILES.iter().zip([numbers + "\n", page::page(monitoring)]) {
        let path = directory.join(name);
        fs::write(&path, content).map_err(|source| failed("write", &path, source))?;
    }
    Ok(())
}
