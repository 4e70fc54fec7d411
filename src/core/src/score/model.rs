//! The model file: a canonical JSON document without fractions as JSON numbers.
//!
//! ```json
//! {"format":"prequal-scorecard/1","label":"…","purpose":"…",
//!  "target":{"column":"creditability","bad":"bad"},
//!  "scaling":{"points_to_double_odds":"20","base_score":600,"base_odds":"50"},
//!  "base_points":488,
//!  "features":[
//!   {"name":"duration_in_month","kind":"number","reason":"duration_in_month",
//!    "bins":[{"below":"9","woe":"1.2","points":31},{"from":"9","woe":"-0.3","points":-8}],
//!    "missing":{"woe":"0","points":0}},
//!   {"name":"housing","kind":"category","reason":"housing","unseen":"missing",
//!    "bins":[{"categories":["own"],"woe":"0.2","points":5},{"categories":["rent","free"],"woe":"-0.4","points":-9}],
//!    "missing":{"woe":"0","points":0}}],
//!  "data":{"sha256":"…","rows":1000,"bads":300},"seed":0,
//!  "excluded":[{"column":"age_in_years","why":"excluded by the caller"}]}
//! ```

use prequal_derive::Read;
use std::{
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::{Scaling, ScoreError, limits::MODEL_BYTES_MAX, value::Real};

/// The `format` of a model file that this version reads and writes.
pub const FORMAT: &str = "prequal-scorecard/1";

/// A points scorecard as it stands in its file. Not yet checked: see [`Scorecard::check`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Scorecard {
    /// Always [`FORMAT`].
    pub format: String,
    /// What a person is told the model is, for example "demonstration data of 1994, not for lending".
    pub label: String,
    /// What the model may be used for.
    pub purpose: String,
    /// What was predicted.
    pub target: Target,
    /// How points stand for odds.
    pub scaling: Scaling,
    /// Points that every row starts with.
    pub base_points: i32,
    /// The features, in the order of a row's values.
    pub features: Vec<Feature>,
    /// The rows that the model was fitted to.
    pub data: DataOrigin,
    /// The seed given to the trainer.
    pub seed: u64,
    /// Columns of the training data that are not features, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<ExcludedColumn>,
}

/// The predicted event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The column of the training data.
    pub column: String,
    /// The value that counts as bad.
    pub bad: String,
}

/// Which data made the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct DataOrigin {
    /// SHA-256 of the training file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Rows.
    pub rows: u32,
    /// Bad rows.
    pub bads: u32,
}

/// A column that is not a feature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct ExcludedColumn {
    /// Its name.
    pub column: String,
    /// Why it was left out, for a reader.
    pub why: String,
}

/// What a feature's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum FeatureKind {
    /// Numbers, binned by half-open intervals.
    Number,
    /// Names from a list, binned by groups.
    Category,
}

/// What happens to a category that no bin lists. There is no default: a model says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// The one bin with `"other": true`.
    Other,
    /// As missing, the reason unknown.
    Missing,
    /// As missing because [`super::MissingKind::Invalid`].
    Invalid,
}

/// One feature: bins and points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column's name, unique in the model.
    pub name: String,
    /// Numbers or categories.
    pub kind: FeatureKind,
    /// The reason code given where this feature costs points. Features may share one.
    pub reason: String,
    /// What an unlisted category is; present exactly for categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// The points that reasons are told against, such as the mean's or those of a neutral value; the best bin's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<i32>,
    /// The regression's coefficient on the weight of evidence; for readers, not used in scoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coefficient: Option<Real>,
    /// Value bins: intervals in ascending order without gaps, or groups of categories.
    pub bins: Vec<Bin>,
    /// The bin of missing values.
    pub missing: MissingBin,
    /// Bins of their own for kinds of missing; an absent one falls back to `missing`.
    #[serde(default, skip_serializing_if = "MissingKindBins::is_empty")]
    pub missing_kinds: MissingKindBins,
}

/// One bin of values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// Numbers: the lower end, included; absent in the first bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Real>,
    /// Numbers: the upper end, excluded; absent in the last bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Real>,
    /// Categories of the group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Categories: true in the one bin that takes unlisted categories.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other: bool,
    /// Weight of evidence: ln(share of goods / share of bads); for readers, not used in scoring.
    pub woe: Real,
    /// Points.
    pub points: i32,
    /// Training rows in the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Bad training rows in the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bads: Option<u32>,
}

/// The bin of missing values, or of one kind of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct MissingBin {
    /// Weight of evidence; 0 (neutral) where the training rows had none.
    pub woe: Real,
    /// Points.
    pub points: i32,
    /// Training rows in the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u32>,
    /// Bad training rows in the bin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bads: Option<u32>,
    /// The reason code given where this bin costs points; the feature's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Bins for kinds of missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct MissingKindBins {
    /// Nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_asked: Option<MissingBin>,
    /// No answer in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timed_out: Option<MissingBin>,
    /// The source knows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_record: Option<MissingBin>,
    /// Not a value of this feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid: Option<MissingBin>,
}

impl MissingKindBins {
    /// Whether no kind has a bin of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().iter().all(Option::is_none)
    }

    /// The bins in the order of [`super::MissingKind::ALL`].
    #[must_use]
    pub fn all(&self) -> [Option<&MissingBin>; 4] {
        [self.not_asked.as_ref(), self.timed_out.as_ref(), self.no_record.as_ref(), self.invalid.as_ref()]
    }
}

impl Feature {
    /// The bins of missing values in the order of their slots: of plain missing, and of each of
    /// [`super::MissingKind::ALL`], which is the plain one where a kind has none of its own.
    #[must_use]
    pub fn missing_slots(&self) -> [&MissingBin; 5] {
        let [not_asked, timed_out, no_record, invalid] =
            self.missing_kinds.all().map(|bin| bin.unwrap_or(&self.missing));
        [&self.missing, not_asked, timed_out, no_record, invalid]
    }

    /// The reason codes that missing bins have of their own.
    pub fn own_reasons(&self) -> impl Iterator<Item = &str> {
        self.missing_slots().into_iter().filter_map(|bin| bin.reason.as_deref())
    }
}

impl Scorecard {
    /// Reads a model file. The document is not yet checked for sense: see [`Scorecard::check`].
    ///
    /// # Errors
    /// [`ScoreError::Limit`] past [`MODEL_BYTES_MAX`], [`ScoreError::Format`] for another format,
    /// [`ScoreError::Syntax`] for anything else that is not this document.
    pub fn parse(text: &str) -> Result<Self, ScoreError> {
        /// Only what tells one format from another; the rest of the document is not looked at.
        #[derive(Deserialize, Read)]
        struct Head {
            format: String,
        }
        if text.len() > MODEL_BYTES_MAX {
            return Err(ScoreError::Limit {
                what: "bytes of the model file".to_string(),
                got: text.len(),
                max: MODEL_BYTES_MAX,
            });
        }
        let syntax = |error: crate::json::JsonError| ScoreError::Syntax(error.to_string());
        let head: Head = crate::json::from_str(text).map_err(syntax)?;
        if head.format != FORMAT {
            return Err(ScoreError::Format(head.format.chars().take(64).collect()));
        }
        crate::json::from_str(text).map_err(syntax)
    }
}
