//! Why a model file was refused.

use std::fmt;

use prequal_core::score::trees::TreeError;

/// Why a model file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportError {
    /// The file cannot be read as what it should be; the text says where.
    Syntax(String),
    /// The file says something that is not understood or is impossible; the text names it.
    Refused(String),
    /// Something is larger than its named limit.
    Limit {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// The model that came out was refused.
    Model(TreeError),
    /// The scorecard within a model file was refused; the text says why.
    Scorecard(String),
}

impl ImportError {
    pub(crate) fn refuse(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    pub(crate) fn limit(what: &'static str, got: usize, max: usize) -> Result<(), Self> {
        if got > max { Err(Self::Limit { what, got, max }) } else { Ok(()) }
    }

    /// Says in which tree it happened.
    pub(crate) fn in_tree(self, number: usize) -> Self {
        match self {
            Self::Syntax(why) => Self::Syntax(format!("tree {number}: {why}")),
            Self::Refused(why) => Self::Refused(format!("tree {number}: {why}")),
            other => other,
        }
    }
}

impl From<TreeError> for ImportError {
    fn from(error: TreeError) -> Self {
        Self::Model(error)
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(what) => write!(f, "the model file cannot be read: {}", one_line(what)),
            Self::Refused(what) => write!(f, "the model is refused: {what}"),
            Self::Limit { what, got, max } => write!(f, "{what}: {got}, and the limit is {max}"),
            Self::Model(error) => f.write_str(&one_line(&error.to_string())),
            Self::Scorecard(why) => f.write_str(&one_line(why)),
        }
    }
}

impl std::error::Error for ImportError {}

/// A reader's own words may quote the file, and an error is one line.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// At most 40 characters of something that a file says, for a message.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}
