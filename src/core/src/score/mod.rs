//! Points scorecards, and trees that give points: the model file, its check, and the evaluator.
//!
//! ```text
//! model.json --parse--> Scorecard --check--> CompiledScorecard --score--> Scored --reasons--> codes
//! ```
//!
//! A [`Scorecard`] is the document a trainer writes and a person reads: features, bins, weight of
//! evidence, points. A [`CompiledScorecard`] is what scores: each value becomes its rank among the
//! feature's cuts, the rank picks integer points, and the points are summed. More points mean less
//! risk: `points = offset + factor × ln(good : bad)`.
//!
//! What does not belong here: fitting (`prequal-train`), where values come from (`evidence`), and
//! what a score leads to (`policy`, `decide`).

mod check;
mod compiled;
mod error;
mod limits;
mod model;
mod points;
mod reasons;
mod scaling;
pub mod trees;
mod value;

#[cfg(test)]
mod tests;

pub use compiled::{BinRef, CompiledFeature, CompiledScorecard, Contribution, Scored};
pub use error::ScoreError;
pub use limits::{
    BINS_MAX, CATEGORIES_MAX, FEATURES_MAX, MODEL_BYTES_MAX, NAME_BYTES_MAX, POINTS_ABS_MAX, REASONS_MAX,
    TEXT_BYTES_MAX,
};
pub use model::{
    Bin, DataOrigin, ExcludedColumn, FORMAT, Feature, FeatureKind, MissingBin, MissingKindBins, Scorecard, Target,
    Unseen,
};
pub use points::{PointsFeature, PointsModel, ScoredRow};
pub use reasons::ScoreReason;
pub use scaling::Scaling;
pub use value::{MissingKind, Real, Value};
