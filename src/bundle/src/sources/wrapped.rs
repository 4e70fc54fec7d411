//! The file of `prequal import` that holds more than a model: passport, what the sum of its trees means, and a hash over
//! all of it.

use prequal_core::{
    canonical,
    score::trees::{Float, Width, parse_bits},
};
use serde::Deserialize;
use serde_json::Value;

/// The `format` of such a file.
pub(super) const FORMAT: &str = "prequal-model/1";
/// What is said of a file that has not one model.
pub(super) const NEITHER: &str = "it has not one of `trees` and `scorecard`";

/// What the file holds.
pub(super) struct Wrapped {
    pub passport: Option<Passport>,
    /// Features without which the model gives no score, for a message; none where there is none.
    pub required: Option<String>,
    pub result: ResultKind,
    pub trees: Option<Value>,
    pub scorecard: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "format")]
    _format: String,
    #[serde(default)]
    passport: Option<Passport>,
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    result: ResultKind,
    #[serde(default)]
    trees: Option<Value>,
    #[serde(default)]
    scorecard: Option<Value>,
}

/// Who stands behind a model; a bundle tells its purpose and the data.
#[derive(Deserialize)]
pub(super) struct Passport {
    pub purpose: String,
    pub data_sha256: String,
}

/// What the sum of the trees means.
#[derive(Default, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum ResultKind {
    /// The margin of the document.
    #[default]
    Margin,
    /// A mean.
    Mean {
        #[serde(rename = "divisor")]
        _divisor: String,
        #[serde(rename = "probability")]
        _probability: bool,
    },
    /// Points.
    Points {
        #[serde(default)]
        scaling: Option<PointsScaling>,
        #[serde(default)]
        reasons: Option<Reasons>,
    },
}

/// How points stand for odds of good to bad.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointsScaling {
    pub points_to_double_odds: String,
    pub base_score: String,
    pub base_odds: String,
}

/// Which difference to which baseline is a reason.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reasons {
    pub algorithm: Algorithm,
    /// A bundle gives no reason that costs nothing.
    #[serde(default, rename = "zero_is_reason")]
    _zero_is_reason: bool,
    pub characteristics: Vec<Characteristic>,
}

#[derive(PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Algorithm {
    PointsAbove,
    PointsBelow,
}

/// One tree's baseline. Its codes are those of another catalogue; a bundle's stand in features.toml.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Characteristic {
    #[serde(rename = "name")]
    _name: String,
    baseline: String,
    #[serde(rename = "codes")]
    _codes: Vec<String>,
}

impl Characteristic {
    /// What its points are compared with.
    pub(super) fn baseline(&self) -> Option<f64> {
        parse_bits(&self.baseline, Width::F64).map(Float::to_f64).filter(|value| value.is_finite())
    }
}

/// Reads the file and holds it to its hash: what was changed or damaged after `prequal import` is refused.
pub(super) fn read(text: &str) -> Result<Wrapped, String> {
    let cannot = |error: &dyn std::fmt::Display| format!("the model file cannot be read: {error}");
    let mut whole: Value = serde_json::from_str(text).map_err(|error| cannot(&error))?;
    let written = canonical::to_string(&whole).map_err(|error| cannot(&error))?;
    if written != text.trim_end() {
        return Err("the model file is not in canonical form, as `prequal import` writes it".to_owned());
    }
    let stated = whole.as_object_mut().and_then(|members| members.remove("hash"));
    let stated = stated.as_ref().and_then(Value::as_str).unwrap_or_default();
    let bare = canonical::to_string(&whole).map_err(|error| cannot(&error))?;
    let computed = canonical::sha256_hex(bare.as_bytes());
    if stated != computed {
        let stated: String = stated.chars().take(64).collect();
        return Err(format!("the model file states the hash `{stated}`, and its contents have `{computed}`"));
    }
    let document: Document = serde_json::from_value(whole).map_err(|error| cannot(&error))?;
    let Document { passport, required, result, trees, scorecard, .. } = document;
    let required = (!required.is_empty()).then(|| required.join("`, `"));
    Ok(Wrapped { passport, required, result, trees, scorecard })
}
