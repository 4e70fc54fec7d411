//! Reading a JSON document within limits.

use core::fmt;

use crate::json::{JsonError, Read};

use super::limits::INPUT_BYTES_MAX;

/// Why a document was not read. `code()` names the cause for programs, the text tells a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The document is longer than [`INPUT_BYTES_MAX`] bytes.
    TooLong(usize),
    /// The document is not JSON, or not of the expected shape: what and where.
    Shape(String),
}

impl WireError {
    /// `input_too_long` or `invalid_input`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "input_too_long",
            Self::Shape(_) => "invalid_input",
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "the document has {bytes} bytes; at most {INPUT_BYTES_MAX} are read"),
            Self::Shape(what) => f.write_str(what),
        }
    }
}

impl core::error::Error for WireError {}

/// Reads one JSON document of at most [`INPUT_BYTES_MAX`] bytes.
///
/// # Errors
/// [`WireError::TooLong`], or [`WireError::Shape`] with the line and column of what was not expected.
pub fn parse<T: Read>(text: &str) -> Result<T, WireError> {
    if text.len() > INPUT_BYTES_MAX {
        return Err(WireError::TooLong(text.len()));
    }
    crate::json::from_str(text).map_err(shape)
}

#[cold]
#[inline(never)]
fn shape(error: JsonError) -> WireError {
    WireError::Shape(error.to_string())
}
