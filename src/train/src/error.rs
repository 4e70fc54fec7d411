//! What can stop a training run, each said in the words of the person who started it.

use std::path::PathBuf;

use prequal_core::score::ScoreError;

/// Why nothing was trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// `read`, `write` or `create`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The data file is not a table.
    #[error("the data file {0}")]
    Data(String),
    /// An option contradicts the data or itself.
    #[error("{0}")]
    Option(String),
    /// The data cannot be fitted.
    #[error("{0}")]
    Fit(String),
    /// The fitted model breaks a limit of the model file.
    #[error("the fitted model does not fit the model file")]
    Model(#[from] ScoreError),
}
