//! Why a payload is no bundle.

use core::fmt::{self, Write as _};

use super::payload::{FORMAT, SEMANTICS};
use crate::one_line::OneLine;

/// Why a payload is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleError {
    /// More bytes than are read.
    TooLong {
        /// How many there are.
        bytes: usize,
        /// How many are read.
        max: usize,
    },
    /// Not JSON, or not of the expected shape: what and where.
    Shape(String),
    /// Another `format`.
    Format(String),
    /// Made for other rules of deciding.
    Semantics(u32),
    /// The payload contradicts itself: what, and in which table or feature.
    Policy(String),
}

impl BundleError {
    /// A name of the cause for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "bundle_too_long",
            Self::Shape(_) => "bundle_shape",
            Self::Format(_) => "bundle_format",
            Self::Semantics(_) => "bundle_semantics",
            Self::Policy(_) => "bundle_policy",
        }
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut OneLine(f);
        match self {
            Self::TooLong { bytes, max } => write!(f, "the bundle's payload has {bytes} bytes; at most {max} are read"),
            Self::Shape(what) => write!(f, "the bundle's payload cannot be read: {what}"),
            Self::Format(format) => write!(f, "the bundle has the format `{format}`; this version reads `{FORMAT}`"),
            Self::Semantics(semantics) => {
                write!(f, "the bundle was made for semantics {semantics}; this version decides by {SEMANTICS}")
            }
            Self::Policy(what) => write!(f, "the bundle's policy is wrong: {what}"),
        }
    }
}

impl core::error::Error for BundleError {}
