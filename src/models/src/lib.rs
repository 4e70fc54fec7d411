//! Model files of other libraries, in.
//!
//! ```text
//! bytes --detect--> Kind --read--> Ensemble --compact--> TreeModel (prequal-core) --check--> CompiledTrees
//! ```
//!
//! Each library's file has a room of its own (`xgboost`, `lightgbm`, `catboost`, `onnx`) that knows that file and nothing else, and
//! turns it into one [`ensemble::Ensemble`]. What is not understood is refused by name; nothing is approximated. The
//! model that comes out gives the library's margins to the bit, and [`self_check`] proves it on rows that the library
//! scored itself.
//!
//! What does not belong here: scoring (`prequal_core::score::trees`), fitting (`prequal-train`), files and the command
//! line (`prequal`).
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]
#![forbid(unsafe_code)]

pub mod ensemble;
pub mod self_check;

mod catboost;
mod compact;
mod document;
mod error;
mod lightgbm;
mod onnx;
mod xgboost;

pub use compact::compact;
pub use error::ImportError;

use prequal_core::score::trees::{FORMAT, TreeModel};

/// The longest model file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Our own model file of trees.
    Trees,
    /// XGBoost, JSON or UBJSON (`save_model("m.json")`, `save_model("m.ubj")`).
    Xgboost,
    /// LightGBM's text (`save_model("m.txt")`).
    Lightgbm,
    /// CatBoost's JSON (`save_model("m.json", format="json")`).
    Catboost,
    /// ONNX with an ensemble of trees.
    Onnx,
}

/// A model that was read, and what its reader should know.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model, hashed and ready to be written by [`TreeModel::to_file`] or scored with after [`TreeModel::check`].
    pub model: TreeModel,
    /// Things that are right and may still surprise.
    pub notes: Vec<String>,
}

/// Whose file these bytes are, by how they begin; `None` where it is none of those known.
#[must_use]
pub fn detect(bytes: &[u8]) -> Option<Kind> {
    let start = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    if start.starts_with(b"tree\n") || start.starts_with(b"tree\r\n") {
        return Some(Kind::Lightgbm);
    }
    if onnx::is_onnx(start) {
        return Some(Kind::Onnx);
    }
    if xgboost::is_ubjson(start) {
        return Some(Kind::Xgboost);
    }
    let text = start.trim_ascii_start();
    if !text.starts_with(b"{") {
        return None;
    }
    // The first member tells: XGBoost's writer begins with `learner` or `Config`, ours with a key of its own.
    match document::top_level_keys(bytes) {
        Some(keys) if keys.iter().any(|key| key == "learner") => Some(Kind::Xgboost),
        Some(keys) if keys.iter().any(|key| key == "scale_and_bias") => Some(Kind::Catboost),
        Some(keys) if keys.iter().any(|key| key == "trees") && keys.iter().any(|key| key == "format") => {
            Some(Kind::Trees)
        }
        _ => None,
    }
}

/// Reads a model file.
///
/// # Errors
/// [`ImportError`], which names what was not understood, is impossible, or is larger than its limit.
pub fn read(bytes: &[u8], kind: Kind) -> Result<Imported, ImportError> {
    ImportError::limit("bytes of the model file", bytes.len(), FILE_BYTES_MAX)?;
    let (ensemble, notes) = match kind {
        Kind::Trees => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| ImportError::refuse(format!("it is no UTF-8 text, which `{FORMAT}` is")))?;
            return Ok(Imported { model: TreeModel::parse(text)?, notes: Vec::new() });
        }
        Kind::Xgboost => xgboost::read(bytes)?,
        Kind::Lightgbm => lightgbm::read(bytes)?,
        Kind::Catboost => catboost::read(bytes)?,
        Kind::Onnx => onnx::read(bytes)?,
    };
    let model = compact(&ensemble, bytes)?;
    // The document is checked as if a stranger had written it.
    model.check()?;
    Ok(Imported { model, notes })
}
