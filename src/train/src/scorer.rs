//! Scoring the cells of a file with a model of any kind, for comparison and monitoring.

use prequal_core::score::{
    BinRef, CompiledFeature, CompiledScorecard, FeatureKind, ScoreError, Scorecard, Value,
    trees::{CompiledTrees, TreeFeature},
};

use prequal_models::model_file::{Body, ResultKind};

use crate::{
    error::TrainError,
    frame::{Frame, is_missing, parse_number},
    validate::logistic,
};

/// A model that was read and checked.
#[derive(Clone, Debug)]
pub enum Model {
    /// Points: the document, and the same ready to score.
    Scorecard(Box<Scorecard>, Box<CompiledScorecard>),
    /// Boosted trees, with their features and label.
    Trees(String, Vec<TreeFeature>, Box<CompiledTrees>),
}

impl Model {
    /// Reads a model file: ours, or one of another library that `prequal_models` knows.
    ///
    /// # Errors
    /// [`TrainError::Option`] that says why the file is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, TrainError> {
        let refused = |error: &dyn std::fmt::Display| TrainError::Option(format!("the model is refused: {error}"));
        if let Some(kind) = prequal_models::detect(bytes) {
            let file = prequal_models::read(bytes, kind).map_err(|error| refused(&error))?.model;
            // What a mean or a card of trees comes to is not the sum of the trees.
            if file.result != ResultKind::Margin {
                return Err(refused(&"only a sum of trees or a points scorecard can be watched or compared"));
            }
            return match file.body {
                Body::Trees(model) => {
                    let compiled = model.check().map_err(|error| refused(&error))?;
                    Ok(Self::Trees(model.label, model.features, Box::new(compiled)))
                }
                Body::Scorecard(card) => Self::of_card(card).map_err(|error| refused(&error)),
            };
        }
        let text = std::str::from_utf8(bytes).map_err(|error| refused(&error))?;
        let card = Scorecard::parse(text).map_err(|error| refused(&error))?;
        Self::of_card(card).map_err(|error| refused(&error))
    }

    fn of_card(card: Scorecard) -> Result<Self, ScoreError> {
        let compiled = card.check()?;
        Ok(Self::Scorecard(Box::new(card), Box::new(compiled)))
    }

    /// What a person is told the model is.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Scorecard(_, card) => card.label(),
            Self::Trees(label, ..) => label,
        }
    }

    /// `scorecard` or `trees`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Scorecard(..) => "scorecard",
            Self::Trees(..) => "trees",
        }
    }

    /// The columns that it reads.
    #[must_use]
    pub fn features(&self) -> Vec<&str> {
        match self {
            Self::Scorecard(_, card) => card.features().iter().map(CompiledFeature::name).collect(),
            Self::Trees(_, features, _) => features.iter().map(|feature| feature.name.as_str()).collect(),
        }
    }

    /// What the score is called, with its direction.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Scorecard(..) => "points (more is safer)",
            Self::Trees(..) => "log-odds of bad (more is riskier)",
        }
    }

    /// The score of every row in its own unit: points, or log-odds of bad.
    ///
    /// # Errors
    /// [`TrainError::Option`] where columns are missing; [`TrainError::Data`] for a cell that is no value of its feature.
    pub fn scores(&self, frame: &Frame, missing: &[String]) -> Result<Vec<f64>, TrainError> {
        let columns = self.columns(frame)?;
        match self {
            Self::Scorecard(_, card) => card_scores(card, &columns, frame.rows(), missing),
            Self::Trees(_, features, trees) => tree_scores(features, trees, &columns, frame.rows(), missing),
        }
    }

    /// The risk of every row: larger is worse.
    ///
    /// # Errors
    /// As [`Self::scores`].
    pub fn risk(&self, frame: &Frame, missing: &[String]) -> Result<Vec<f64>, TrainError> {
        let mut scores = self.scores(frame, missing)?;
        if let Self::Scorecard(..) = self {
            scores.iter_mut().for_each(|score| *score = -*score);
        }
        Ok(scores)
    }

    /// Probability of bad of a score in the model's unit.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        match self {
            Self::Scorecard(_, card) => card.scaling().probability(score as i32),
            Self::Trees(..) => logistic(score),
        }
    }

    /// The cells of each feature.
    fn columns<'a>(&self, frame: &'a Frame) -> Result<Vec<&'a [String]>, TrainError> {
        self.features().into_iter().map(|name| frame.column("the model's feature", name)).collect()
    }
}

/// What a cell is to a scorecard's feature.
///
/// # Errors
/// [`TrainError::Data`] for a word where a number is meant.
pub fn card_value<'a>(feature: &CompiledFeature, cell: &'a str, missing: &[String]) -> Result<Value<'a>, TrainError> {
    if is_missing(cell, missing) {
        return Ok(Value::Empty);
    }
    match feature.kind() {
        FeatureKind::Category => Ok(Value::Category(cell)),
        FeatureKind::Number => parse_number(cell).map(Value::Number).ok_or_else(|| {
            TrainError::Data(format!("has `{cell}` in column `{}`, which is not a number", feature.name()))
        }),
    }
}

/// The position of a cell's bin in a scorecard's feature: value bins in order, then missing of whatever kind.
///
/// # Errors
/// As [`card_value`].
pub fn card_bin(feature: &CompiledFeature, cell: &str, missing: &[String]) -> Result<usize, TrainError> {
    Ok(match feature.bin(card_value(feature, cell, missing)?)? {
        BinRef::Value(at) => usize::from(at),
        BinRef::Missing | BinRef::MissingKind(_) => feature.bins_count(),
    })
}

fn card_scores(
    card: &CompiledScorecard,
    columns: &[&[String]],
    rows: usize,
    missing: &[String],
) -> Result<Vec<f64>, TrainError> {
    let mut scores = Vec::with_capacity(rows);
    let mut scored = prequal_core::score::Scored::default();
    let mut values = Vec::with_capacity(columns.len());
    for row in 0..rows {
        values.clear();
        for (feature, column) in card.features().iter().zip(columns) {
            values.push(card_value(feature, &column[row], missing)?);
        }
        card.score_into(&values, &[], &mut scored)?;
        scores.push(f64::from(scored.points));
    }
    Ok(scores)
}

fn tree_scores(
    features: &[TreeFeature],
    trees: &CompiledTrees,
    columns: &[&[String]],
    rows: usize,
    missing: &[String],
) -> Result<Vec<f64>, TrainError> {
    let mut scratch = trees.scratch();
    let mut values = vec![0.0; columns.len()];
    let mut scores = Vec::with_capacity(rows);
    for row in 0..rows {
        for ((to, feature), column) in values.iter_mut().zip(features).zip(columns) {
            let cell = column[row].as_str();
            *to = if is_missing(cell, missing) {
                f64::NAN
            } else if feature.categories.is_empty() {
                parse_number(cell).ok_or_else(|| {
                    TrainError::Data(format!("has `{cell}` in column `{}`, which is not a number", feature.name))
                })?
            } else {
                // A name that the model was not fitted to is missing.
                feature.categories.iter().position(|name| name == cell).map_or(f64::NAN, |code| code as f64)
            };
        }
        let margin = trees.margin(&values, &mut scratch);
        scores.push(margin.map_err(|error| TrainError::Fit(error.to_string()))?.to_f64());
    }
    Ok(scores)
}
