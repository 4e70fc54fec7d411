//! What can go wrong, each in a sentence for whoever ran it.

use std::io;

/// Why a table was not scored.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The input as a whole: its form, its columns.
    #[error("{0}")]
    Data(String),
    /// One row. CSV rows go by the line on which they begin, others by their number from 1.
    #[error("{place} {number}{why}")]
    Row {
        /// `line` or `row`.
        place: &'static str,
        /// Which one.
        number: u64,
        /// What is wrong with it, as it follows the number.
        why: String,
    },
    /// The input cannot be read.
    #[error("cannot read it")]
    Read(#[source] io::Error),
    /// The output cannot be written.
    #[error("cannot write {what}")]
    Write {
        /// A file in backticks, or standard output.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// What was asked for does not go together, or not with what is there.
    #[error("{0}")]
    Option(String),
    /// Whoever reads the output has gone: the work ends, and nothing is wrong.
    #[error("nobody reads the output")]
    Closed,
}

impl BatchError {
    /// An error of writing; a closed pipe is [`Self::Closed`].
    pub(crate) fn write(what: impl Into<String>, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        Self::Write { what: what.into(), source }
    }
}
