//! What can be wrong with a tree model or with a row.

use std::fmt::{self, Write as _};
use std::string::String;

use crate::one_line::OneLine;

/// Why a tree model was refused or a row could not be scored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeError {
    /// The file is not the JSON document that it should be.
    Syntax(String),
    /// The file's `format` is not [`super::FORMAT`].
    Format(String),
    /// The document's hash is not the one that it states: it was changed or damaged.
    Hash {
        /// The hash that the file states.
        stated: String,
        /// The hash of its contents.
        computed: String,
    },
    /// Something is larger than its named limit.
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The document is well formed and says something impossible; the text says what and where.
    Model(String),
    /// A row has not one value for each feature, or an output not one place for each tree.
    RowLength {
        /// Values given.
        got: usize,
        /// Values wanted.
        expected: usize,
    },
}

impl TreeError {
    /// A stable name for programs: `model_syntax`, `model_format`, `model_hash`, `model_limit`, `model_invalid` or
    /// `row_length`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "model_syntax",
            Self::Format(_) => "model_format",
            Self::Hash { .. } => "model_hash",
            Self::Limit { .. } => "model_limit",
            Self::Model(_) => "model_invalid",
            Self::RowLength { .. } => "row_length",
        }
    }

    /// Refuses `got` where it is more than `max`.
    pub(super) fn limit(what: &'static str, got: usize, max: usize) -> Result<(), Self> {
        if got > max { Err(Self::Limit { what, got, max }) } else { Ok(()) }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut OneLine(f);
        match self {
            Self::Syntax(what) => write!(f, "the model file cannot be read: {what}"),
            Self::Format(got) => {
                write!(f, "the model file has format `{got}`, and only `{}` is read", super::FORMAT)
            }
            Self::Hash { stated, computed } => {
                write!(f, "the model file states the hash `{stated}`, and its contents have `{computed}`")
            }
            Self::Limit { what, got, max } => write!(f, "{what}: {got}, and the limit is {max}"),
            Self::Model(what) => write!(f, "the model is refused: {what}"),
            Self::RowLength { got, expected } => write!(f, "{got} values, and {expected} are wanted"),
        }
    }
}

impl std::error::Error for TreeError {}
