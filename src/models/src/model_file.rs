//! What an imported model needs beside its trees: what the sum of its trees means, reason codes, a passport. Names of
//! categories stand in the trees themselves.
//!
//! ```json
//! {"format":"prequal-model/1","hash":"…",
//!  "passport":{"purpose":"…","population":"…","data_sha256":"…","validation":"…","author":"…","approver":"…","expires":"2027-12-31"},
//!  "result":{"kind":"points","scaling":{…},"reasons":{"algorithm":"points_below","characteristics":[…]}},
//!  "trees":{"format":"prequal-trees/1",…}}
//! ```
//!
//! A model that needs none of it is written as the bare `prequal-trees/1` or `prequal-scorecard/1` document. In a
//! points card every characteristic is one tree, whose leaves are its attributes.

use std::collections::BTreeSet;

pub use prequal_core::score::trees::UnseenName;
use prequal_core::{
    canonical,
    score::{
        Scaling, Scorecard,
        trees::{Float, NAME_BYTES_MAX, TreeFeature, TreeModel, Width, parse_bits},
    },
};
use serde::{Deserialize, Serialize};

use crate::{FILE_BYTES_MAX, error::ImportError, passport::Passport};

/// The `format` of this file.
pub const FORMAT: &str = "prequal-model/1";
/// The most named categories of a feature.
pub const NAMES_MAX: usize = 20_000;
/// The longest reason code in bytes.
pub const REASON_BYTES_MAX: usize = 200;

/// A model with all that its importer learnt.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// Who stands behind the model.
    pub passport: Option<Passport>,
    /// Features without which the model gives no prediction: a row that lacks one is an error.
    pub required: BTreeSet<String>,
    /// What the model's sum means.
    pub result: ResultKind,
    /// The model.
    pub body: Body,
}

/// The model within.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Trees, also those that a points card is made of.
    Trees(TreeModel),
    /// A points scorecard of our own.
    Scorecard(Scorecard),
}

/// The categories of a feature: the code of a name is its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categories {
    /// The names, each once.
    pub names: Vec<String>,
    /// Whether the names are numbers, so that `1` and `1.0` are one category.
    pub numeric: bool,
    /// What a name is that is not listed.
    pub unseen: UnseenName,
}

impl Categories {
    /// Those of a feature, where its values are names.
    #[must_use]
    pub fn of(feature: &TreeFeature) -> Option<Self> {
        let TreeFeature { categories, numeric, unseen, .. } = feature;
        feature.is_named().then(|| Self { names: categories.clone(), numeric: *numeric, unseen: *unseen })
    }
}

/// What the sum of the trees means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ResultKind {
    /// The margin of the document, with its link.
    #[default]
    Margin,
    /// A mean: the sum divided by a number.
    Mean {
        /// What it is divided by, as bits of the sum's width.
        divisor: String,
        /// Whether the quotient is the probability of the event.
        probability: bool,
    },
    /// Points of a scorecard.
    Points {
        /// How points stand for odds, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scaling: Option<PointsScaling>,
        /// Reason codes, where the card has them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reasons: Option<Reasons>,
    },
}

/// As [`Scaling`], with a base score that may have a fraction, and odds of good to bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointsScaling {
    /// Points that double the odds.
    pub points_to_double_odds: String,
    /// Points at `base_odds`.
    pub base_score: String,
    /// Odds of good to one bad.
    pub base_odds: String,
}

/// Which difference to the baseline is a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonAlgorithm {
    /// Points above the baseline: of a card whose high scores are bad.
    PointsAbove,
    /// Points below the baseline.
    PointsBelow,
}

/// Reason codes of a points card (PMML 4.4, Scorecard).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reasons {
    /// Which difference counts.
    pub algorithm: ReasonAlgorithm,
    /// Whether a difference of zero is a reason, as PMML has it; else only one above zero is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zero_is_reason: bool,
    /// One for each tree.
    pub characteristics: Vec<Characteristic>,
}

/// One characteristic: the leaf ids of its tree are positions in `codes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Characteristic {
    /// Its name.
    pub name: String,
    /// What its points are compared with, as bits.
    pub baseline: String,
    /// The reason code of each attribute.
    pub codes: Vec<String>,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passport: Option<Passport>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    required: BTreeSet<String>,
    #[serde(default)]
    result: ResultKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trees: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scorecard: Option<serde_json::Value>,
}

impl PointsScaling {
    /// The three numbers: points that double the odds, base score, base odds.
    ///
    /// # Errors
    /// [`ImportError::Refused`] where one is no decimal or has no meaning; the limits are those of [`Scaling`].
    pub fn numbers(&self) -> Result<[f64; 3], ImportError> {
        let number = |name: &str, text: &str, from: f64, to: f64| {
            let value = text.parse::<f64>().ok().filter(|value| (from..=to).contains(value));
            value.ok_or_else(|| ImportError::refuse(format!("`{name}` is `{text}`, and should be {from} to {to}")))
        };
        Ok([
            number("points_to_double_odds", &self.points_to_double_odds, 1e-3, 1e5)?,
            number("base_score", &self.base_score, -1e6, 1e6)?,
            number("base_odds", &self.base_odds, 1e-6, 1e6)?,
        ])
    }
}

impl From<&Scaling> for PointsScaling {
    fn from(scaling: &Scaling) -> Self {
        Self {
            points_to_double_odds: scaling.points_to_double_odds.to_string(),
            base_score: scaling.base_score.to_string(),
            base_odds: scaling.base_odds.to_string(),
        }
    }
}

impl Reasons {
    /// The baseline of each characteristic.
    ///
    /// # Errors
    /// [`ImportError::Refused`] where one is not the bits of a finite number.
    pub fn baselines(&self) -> Result<Vec<f64>, ImportError> {
        let read = |one: &Characteristic| {
            let bits = parse_bits(&one.baseline, Width::F64).map(Float::to_f64).filter(|value| value.is_finite());
            bits.ok_or_else(|| {
                ImportError::refuse(format!("the baseline of `{}` is not the bits of a number", one.name))
            })
        };
        self.characteristics.iter().map(read).collect()
    }
}

impl ModelFile {
    /// A model that is all in its document.
    #[must_use]
    pub fn bare(body: Body) -> Self {
        Self { passport: None, required: BTreeSet::new(), result: ResultKind::Margin, body }
    }

    /// The trees, where the model is not a scorecard of our own.
    #[must_use]
    pub fn trees(&self) -> Option<&TreeModel> {
        match &self.body {
            Body::Trees(trees) => Some(trees),
            Body::Scorecard(_) => None,
        }
    }

    fn is_bare(&self) -> bool {
        self.passport.is_none() && self.is_self_contained()
    }

    /// Whether the model needs nothing that stands beside it.
    #[must_use]
    pub fn is_self_contained(&self) -> bool {
        self.required.is_empty() && self.result == ResultKind::Margin
    }

    /// The file's text: the bare document where nothing is beside it, else [`FORMAT`].
    ///
    /// # Errors
    /// As [`TreeModel::to_file`].
    pub fn to_file(&self) -> Result<String, ImportError> {
        let inner = match &self.body {
            Body::Trees(trees) => trees.to_file()?,
            Body::Scorecard(card) => canonical::to_string(card).map_err(|error| syntax(&error))?,
        };
        if self.is_bare() {
            return Ok(inner);
        }
        let inner: serde_json::Value = serde_json::from_str(&inner).map_err(|error| syntax(&error))?;
        let (trees, scorecard) = match &self.body {
            Body::Trees(_) => (Some(inner), None),
            Body::Scorecard(_) => (None, Some(inner)),
        };
        let mut document = Document {
            format: FORMAT.to_owned(),
            hash: String::new(),
            passport: self.passport.clone(),
            required: self.required.clone(),
            result: self.result.clone(),
            trees,
            scorecard,
        };
        let bare = canonical::to_string(&document).map_err(|error| syntax(&error))?;
        document.hash = canonical::sha256_hex(bare.as_bytes());
        canonical::to_string(&document).map_err(|error| syntax(&error))
    }

    /// Reads a file that [`Self::to_file`] wrote, of any of its three formats, and checks all of it.
    ///
    /// # Errors
    /// [`ImportError`], which names what is wrong.
    pub fn parse(text: &str) -> Result<Self, ImportError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        ImportError::limit("bytes of the model file", text.len(), FILE_BYTES_MAX)?;
        let head: Head = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        let file = match head.format.as_str() {
            FORMAT => Self::parse_document(text)?,
            prequal_core::score::FORMAT => Self::bare(Body::Scorecard(parse_scorecard(text)?)),
            _ => Self::bare(Body::Trees(TreeModel::parse(text)?)),
        };
        file.check()?;
        Ok(file)
    }

    fn parse_document(text: &str) -> Result<Self, ImportError> {
        let mut document: Document = serde_json::from_str(text).map_err(|error| syntax(&error))?;
        let stated = std::mem::take(&mut document.hash);
        let bare = canonical::to_string(&document).map_err(|error| syntax(&error))?;
        let computed = canonical::sha256_hex(bare.as_bytes());
        if stated != computed {
            let stated: String = stated.chars().take(64).collect();
            return Err(ImportError::refuse(format!(
                "it states the hash `{stated}`, and its contents have `{computed}`"
            )));
        }
        document.hash = stated;
        if canonical::to_string(&document).map_err(|error| syntax(&error))? != text.trim_end() {
            return Err(ImportError::Syntax("it is not in canonical form".to_owned()));
        }
        let inner = |value: &serde_json::Value| canonical::to_string(value).map_err(|error| syntax(&error));
        let body = match (&document.trees, &document.scorecard) {
            (Some(trees), None) => Body::Trees(TreeModel::parse(&inner(trees)?)?),
            (None, Some(card)) => Body::Scorecard(parse_scorecard(&inner(card)?)?),
            _ => return Err(ImportError::refuse("it has not one of `trees` and `scorecard`")),
        };
        let Document { passport, required, result, .. } = document;
        Ok(Self { passport, required, result, body })
    }

    /// Checks what stands beside the model; the model itself is checked where it is compiled.
    ///
    /// # Errors
    /// [`ImportError`], which names what is wrong.
    pub fn check(&self) -> Result<(), ImportError> {
        if let Some(passport) = &self.passport {
            passport.check()?;
        }
        let trees = match &self.body {
            Body::Trees(trees) => trees,
            Body::Scorecard(_) if self.is_self_contained() => return Ok(()),
            Body::Scorecard(_) => {
                return Err(ImportError::refuse("a scorecard has its categories and points in itself"));
            }
        };
        for name in &self.required {
            if !trees.features.iter().any(|feature| feature.name == *name) {
                return Err(ImportError::refuse(format!("it says something of `{name}`, which is no feature")));
            }
        }
        match &self.result {
            ResultKind::Margin => Ok(()),
            ResultKind::Mean { divisor, .. } => match parse_bits(divisor, trees.sums).map(Float::to_f64) {
                Some(value) if value.is_finite() && value > 0.0 => Ok(()),
                _ => Err(ImportError::refuse("its `divisor` is not the bits of a positive number")),
            },
            ResultKind::Points { scaling, reasons } => {
                if trees.sums != Width::F64 {
                    return Err(ImportError::refuse("points are sums of width `f64`"));
                }
                scaling.as_ref().map_or(Ok(()), |scaling| scaling.numbers().map(|_| ()))?;
                reasons.as_ref().map_or(Ok(()), |reasons| check_reasons(reasons, trees))
            }
        }
    }
}

fn check_reasons(reasons: &Reasons, trees: &TreeModel) -> Result<(), ImportError> {
    if reasons.characteristics.len() != trees.trees.len() {
        return Err(ImportError::refuse("its reasons have not one characteristic for each tree"));
    }
    reasons.baselines()?;
    for (one, tree) in reasons.characteristics.iter().zip(&trees.trees) {
        ImportError::limit("bytes of a characteristic's name", one.name.len(), NAME_BYTES_MAX)?;
        if tree.leaf_ids.iter().any(|id| *id as usize >= one.codes.len()) {
            return Err(ImportError::refuse(format!("an attribute of `{}` has no reason code", one.name)));
        }
        for code in &one.codes {
            ImportError::limit("bytes of a reason code", code.len(), REASON_BYTES_MAX)?;
            if code.is_empty() {
                return Err(ImportError::refuse(format!("a reason code of `{}` is empty", one.name)));
            }
        }
    }
    Ok(())
}

fn parse_scorecard(text: &str) -> Result<Scorecard, ImportError> {
    let card = Scorecard::parse(text).map_err(|error| ImportError::Scorecard(error.to_string()))?;
    card.check().map_err(|error| ImportError::Scorecard(error.to_string()))?;
    Ok(card)
}

fn syntax(error: &dyn std::fmt::Display) -> ImportError {
    ImportError::Syntax(error.to_string())
}
