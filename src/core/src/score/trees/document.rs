//! The model file: a canonical JSON document without fractions as JSON numbers.
//!
//! ```json
//! {"format":"prequal-trees/1","hash":"…","label":"",
//!  "source":{"library":"xgboost","version":"3.2.0","objective":"binary:logistic","sha256":"…"},
//!  "inputs":"f32","sums":"f32","base":"bfa1b2c3","link":{"kind":"logistic","slope":"1"},
//!  "features":[{"name":"income"},{"name":"region"}],
//!  "columns":[
//!   {"feature":0,"missing":"own","cuts":["1000","2500.5"]},
//!   {"feature":1,"missing":"own","categories":{"codes":[0,3],"sets":["110"]}}],
//!  "trees":[{"shape":"11000","columns":[0,1],"tests":[1,0],"missing_left":"10","leaves":"…","leaf_ids":[3,4,2]}]}
//! ```
//!
//! A tree is written from its root, each node before its left part and that before its right part. `shape` says what
//! comes: `1` a split, `0` a leaf. So a child cannot be out of range, be reached twice or lead back: there are no
//! child numbers. `columns`, `tests` and `missing_left` have one entry for each split, `leaves` (bits, one after the
//! other) and `leaf_ids` one for each leaf.
//!
//! A split on numbers has a cut of its column as its test: a value **below** it goes left; the number one past the last
//! cut sends every value left. A split on categories has a set of its column: a state that the set marks `1` goes left.
//! Missing goes where `missing_left` says.

use std::{
    string::{String, ToString},
    vec::Vec,
};

use prequal_derive::Read;
use serde::{Deserialize, Serialize};

use super::{TreeError, limits::MODEL_BYTES_MAX};
use crate::{
    canonical,
    depth::{Checked, Depth, Signed},
    json,
    score::{Scaling, value::Real},
};

/// The `format` of a model file that this version reads and writes.
pub const FORMAT: &str = "prequal-trees/1";

/// Boosted trees as they stand in their file. Not yet checked: see [`TreeModel::check`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct TreeModel {
    /// Always [`FORMAT`].
    pub format: String,
    /// SHA-256 of the canonical document without this field, 64 lower-case hexadecimal digits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
    /// What a person is told the model is; may be empty.
    pub label: String,
    /// Where the model came from.
    pub source: Source,
    /// Width that every value is rounded to before it is compared.
    pub inputs: Width,
    /// Width of leaves and of their sum.
    pub sums: Width,
    /// LightGBM's rule: a value of magnitude at most 1.0000000180025095e-35 is zero.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tiny_is_zero: bool,
    /// What the sum starts from, as bits of the width `sums`.
    pub base: String,
    /// What is done to the sum of a model that says so: × `scale` + `bias`, as bits of the width `sums` (CatBoost).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_and_bias: Option<[String; 2]>,
    /// Whether the link divides the margin by the number of trees first (a random forest).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub average: bool,
    /// From margin to probability.
    pub link: Link,
    /// What is put right about the link's log-odds on rows that the model was not fitted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// How points stand for odds, where the model gives points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
    /// The features, in the order of a row's values.
    pub features: Vec<TreeFeature>,
    /// What reasons are told against: for each feature a decimal string, or nothing where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Vec<Option<String>>>,
    /// How features are read.
    pub columns: Vec<Column>,
    /// The trees, in the order of the sum.
    pub trees: Vec<Tree>,
}

/// Where a model came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The library: `xgboost`, `lightgbm`.
    pub library: String,
    /// The version of its file.
    pub version: String,
    /// The objective as its file writes it.
    pub objective: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// Precision of a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// Single precision, IEEE 754 binary32.
    F32,
    /// Double precision, IEEE 754 binary64.
    F64,
}

/// From margin to probability of the event that the model was fitted to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Which function.
    pub kind: LinkKind,
    /// For the logistic function: the factor on the margin, a decimal string, more than zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slope: Option<String>,
}

/// Log-odds of bad = `intercept` + `slope` × the link's log-odds (Platt 1999, by way of the log-odds).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Added.
    pub intercept: Real,
    /// The factor; below zero where the event that the model was fitted to is that a loan is good. Not zero.
    pub slope: Real,
}

/// A link function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// 1 / (1 + exp(−slope × margin)).
    Logistic,
    /// The same by way of the magnitude, as ONNX Runtime computes it: below zero 1 − 1 / (1 + exp(−|slope × margin|)).
    LogisticOfMagnitude,
    /// The margin is no log-odds: there is no probability.
    None,
}

/// One feature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct TreeFeature {
    /// The column's name, unique in the model.
    pub name: String,
    /// Names of the categories, in the order of their codes from 0; empty where a value is a number or a code already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Whether those names are numbers, so that `1` and `1.0` are one category.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub numeric: bool,
    /// What a name is that is not among them.
    #[serde(default, skip_serializing_if = "UnseenName::is_missing")]
    pub unseen: UnseenName,
    /// The reason that this feature gives, which several may share; empty for the feature's own name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a category is that the model does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum UnseenName {
    /// Missing.
    #[default]
    Missing,
    /// In no set that the model names.
    Other,
    /// An error of the row: the model says that it gives no score.
    Refuse,
}

impl TreeFeature {
    /// Whether its values are names, also where none of them makes a difference to the model.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.categories.is_empty() || self.unseen != UnseenName::Missing
    }
}

impl UnseenName {
    fn is_missing(&self) -> bool {
        *self == Self::Missing
    }
}

/// One way of reading a feature: numbers against cuts, or categories against sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Which feature, from 0.
    pub feature: u32,
    /// What a missing value is.
    pub missing: MissingRule,
    /// Numbers: the distinct thresholds, ascending, as decimal strings; the last may be `inf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuts: Option<Vec<String>>,
    /// Categories: codes and sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<CategoryColumn>,
}

/// What a column makes of a missing value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Read)]
#[serde(rename_all = "snake_case")]
pub enum MissingRule {
    /// It has a state of its own.
    Own,
    /// It has a state of its own, and zero is missing too.
    OwnWithZero,
    /// It is the number zero. A model that says so was fitted without missing values and knows nothing of them.
    Zero,
}

/// The categories that a column's sets name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct CategoryColumn {
    /// The codes, ascending. A value is cut to its integer part before it is looked up.
    pub codes: Vec<u32>,
    /// Whether a value between −1 and 0 is the code 0, and not unlisted (LightGBM).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub minus_fraction_is_zero: bool,
    /// The sets: `1` for each state that goes left, the states being the codes in order and then everything else.
    pub sets: Vec<String>,
}

/// One tree. See the module's description for the order of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// `1` for a split, `0` for a leaf.
    pub shape: String,
    /// The column of each split.
    pub columns: Vec<u32>,
    /// The cut or the set of each split.
    pub tests: Vec<u32>,
    /// `1` for each split where missing goes left.
    pub missing_left: String,
    /// The value of each leaf, as bits of the width `sums`.
    pub leaves: String,
    /// The number that the source library gives each leaf.
    pub leaf_ids: Vec<u32>,
    /// What is added to the leaves of a linear tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<LinearLeaves>,
}

/// Linear leaves: constant + Σ coefficient × value, or the plain leaf value where one of the values is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Read)]
#[serde(deny_unknown_fields)]
pub struct LinearLeaves {
    /// The constant of each leaf, as bits.
    pub constants: String,
    /// How many features each leaf has.
    pub counts: Vec<u32>,
    /// The features of all leaves, one leaf after the other, in the order of the sum.
    pub features: Vec<u32>,
    /// Their coefficients, as bits.
    pub coefficients: String,
}

fn format_of(format: &str) -> TreeError {
    TreeError::Format(format.chars().take(64).collect())
}

/// Two numbers side by side.
impl json::Read for [String; 2] {
    fn read(node: json::Node<'_>) -> Self {
        let mut pair = Self::default();
        let mut values = node.list();
        for place in &mut pair {
            match values.next() {
                Some(value) => *place = value.text().to_owned(),
                None => node.unexpected("two texts"),
            }
        }
        if values.next().is_some() {
            node.unexpected("two texts");
        }
        pair
    }
}

impl TreeModel {
    /// Reads a model file and compares its hash. The document is not yet checked for sense: see [`TreeModel::check`].
    ///
    /// # Errors
    /// [`TreeError::Limit`] past [`MODEL_BYTES_MAX`], [`TreeError::Format`] for another format, [`TreeError::Hash`]
    /// where the contents have another hash than stated, [`TreeError::Syntax`] for anything else that is not this
    /// document in its canonical form.
    pub fn parse(text: &str) -> Result<Self, TreeError> {
        Self::read::<Checked>(text)
    }

    /// As [`Self::parse`], for a file that is only downloaded: that it is canonical is whoever wrote it to see to.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn open(text: &str) -> Result<Self, TreeError> {
        Self::read::<Signed>(text)
    }

    fn read<C: Depth>(text: &str) -> Result<Self, TreeError> {
        /// Only what tells one format from another; the rest of the document is not looked at.
        #[derive(Read)]
        struct Head {
            format: String,
        }
        TreeError::limit("bytes of the model file", text.len(), MODEL_BYTES_MAX)?;
        let text = text.trim_ascii_end();
        let syntax = |error: json::JsonError| TreeError::Syntax(error.to_string());
        // A document of another format does not read as this one; only then it is asked what it is.
        let mut model: Self = match json::from_str(text) {
            Ok(model) => model,
            Err(error) => match json::from_str::<Head>(text) {
                Ok(head) if head.format != FORMAT => return Err(format_of(&head.format)),
                _ => return Err(syntax(error)),
            },
        };
        if model.format != FORMAT {
            return Err(format_of(&model.format));
        }
        let stated = std::mem::take(&mut model.hash);
        // A canonical text without this member is what was hashed.
        let member = std::format!("\"hash\":\"{stated}\",");
        let place = text.as_bytes().windows(member.len()).position(|window| window == member.as_bytes());
        let place = place.unwrap_or(text.len());
        let mut bare = String::with_capacity(text.len());
        bare.push_str(text.get(..place).unwrap_or_default());
        bare.push_str(text.get(place + member.len()..).unwrap_or_default());
        if C::FULL {
            let canonical = canonical::to_string(&model).map_err(|error| TreeError::Syntax(error.to_string()))?;
            let computed = canonical::sha256_hex(canonical.as_bytes());
            if stated != computed {
                return Err(TreeError::Hash { stated: stated.chars().take(64).collect(), computed });
            }
            // One document has one text: the hash that it states is known by now, and so are all its bytes.
            if bare != canonical {
                return Err(TreeError::Syntax("it is not in canonical form".to_string()));
            }
        }
        let computed = canonical::sha256_hex(bare.as_bytes());
        if stated != computed {
            return Err(TreeError::Hash { stated: stated.chars().take(64).collect(), computed });
        }
        model.hash = stated;
        Ok(model)
    }

    /// SHA-256 of the canonical document without its `hash`.
    ///
    /// # Errors
    /// [`TreeError::Syntax`] where the document has no canonical form; one that was parsed always has.
    pub fn content_hash(&self) -> Result<String, TreeError> {
        let bare = if self.hash.is_empty() { None } else { Some(Self { hash: String::new(), ..self.clone() }) };
        let text = canonical::to_string(bare.as_ref().unwrap_or(self));
        Ok(canonical::sha256_hex(text.map_err(|error| TreeError::Syntax(error.to_string()))?.as_bytes()))
    }

    /// The file's text: canonical JSON with the hash set.
    ///
    /// # Errors
    /// As [`Self::content_hash`].
    pub fn to_file(&self) -> Result<String, TreeError> {
        let whole = Self { hash: self.content_hash()?, ..self.clone() };
        canonical::to_string(&whole).map_err(|error| TreeError::Syntax(error.to_string()))
    }
}
