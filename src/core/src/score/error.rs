//! What can be wrong with a model or with a row.

use std::fmt::{self, Write as _};
use std::string::String;

use crate::one_line::OneLine;

/// Why a model was refused or a row could not be scored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScoreError {
    /// The model file is not the JSON document that it should be: syntax, an unknown or missing field,
    /// a wrong type.
    Syntax(String),
    /// The file's `format` is not one that this program reads.
    Format(String),
    /// Something is larger than its named limit.
    Limit {
        /// What is too large.
        what: String,
        /// How large it is.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The document is well formed and says something impossible; the text says what and where.
    Model(String),
    /// A row has not one value for each feature.
    RowLength {
        /// Values given.
        got: usize,
        /// Features of the model.
        expected: usize,
    },
    /// A value is of another kind than its feature.
    ValueKind {
        /// The feature's name.
        feature: String,
        /// `number` or `category`.
        expected: &'static str,
    },
}

impl ScoreError {
    /// A stable name for programs: `model_syntax`, `model_format`, `model_limit`, `model_invalid`,
    /// `row_length` or `value_kind`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "model_syntax",
            Self::Format(_) => "model_format",
            Self::Limit { .. } => "model_limit",
            Self::Model(_) => "model_invalid",
            Self::RowLength { .. } => "row_length",
            Self::ValueKind { .. } => "value_kind",
        }
    }
}

impl fmt::Display for ScoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut OneLine(f);
        match self {
            Self::Syntax(what) => write!(f, "the model file cannot be read: {what}"),
            Self::Format(got) => {
                write!(f, "the model file has format `{got}`, and only `{}` is read", super::FORMAT)
            }
            Self::Limit { what, got, max } => write!(f, "{what}: {got}, and the limit is {max}"),
            Self::Model(what) => write!(f, "the model is refused: {what}"),
            Self::RowLength { got, expected } => {
                write!(f, "the row has {got} values, and the model has {expected} features")
            }
            Self::ValueKind { feature, expected } => write!(f, "the value of feature `{feature}` is not a {expected}"),
        }
    }
}

impl std::error::Error for ScoreError {}
