//! Trains and validates points scorecards.
//!
//! ```text
//! CSV -> Table -> bins -> choice of features -> regression -> points -> model.json
//!                 \________ again in every fold, on its training rows ________/
//! ```
//!
//! Everything is deterministic: one thread, sums in row order, `exp` and `ln` from `libm`. The same file
//! and options give the same bytes on every machine.

pub mod binning;
pub mod error;
pub mod fit;
pub mod logistic;
pub mod metrics;
pub mod options;
pub mod output;
pub mod points;
mod report;
pub mod table;
pub mod validate;

use prequal_core::score::Scorecard;

pub use error::TrainError;
pub use options::Options;
pub use table::Table;

use crate::{fit::Fitted, validate::Fold};

/// Everything a run found.
#[derive(Debug)]
pub struct Training {
    /// The data.
    pub table: Table,
    /// The choices.
    pub options: Options,
    /// The model, fitted to all rows.
    pub scorecard: Scorecard,
    /// The fit behind it.
    pub fitted: Fitted,
    /// Points of every row by the model.
    pub points: Vec<i32>,
    /// Cross-validation.
    pub folds: Vec<Fold>,
    /// What a person should look at before the model is used, in whole sentences.
    pub warnings: Vec<String>,
}

/// Trains on the bytes of a CSV file; `progress` hears of each stage before it begins.
///
/// # Errors
/// [`TrainError`], each in the words of the options and the file.
pub fn train(bytes: &[u8], options: Options, progress: &mut dyn FnMut(&str)) -> Result<Training, TrainError> {
    options.check()?;
    progress("reading the data");
    let table = Table::read(bytes, &options)?;
    if options.folds > table.rows() {
        return Err(TrainError::Option(format!(
            "`folds` is {}, and the data has only {} rows",
            options.folds,
            table.rows()
        )));
    }
    progress(&format!(
        "fitting {} columns to {} rows, {} of them bad",
        table.columns.len(),
        table.rows(),
        table.bads()
    ));
    let rows: Vec<usize> = (0..table.rows()).collect();
    let fitted = fit::fit(&table, &rows, &options)?;
    let scorecard = points::scorecard(&table, &fitted, &options)?;
    let points = points::score_table(&scorecard.check()?, &table)?;
    let mut folds = Vec::with_capacity(options.folds);
    for number in 0..options.folds {
        progress(&format!("fitting again without fold {} of {}", number + 1, options.folds));
        folds.push(validate::fold(&table, &options, number)?);
    }
    let warnings = fitted.leaks(&table, options.selection.leak_iv);
    Ok(Training { table, options, scorecard, fitted, points, folds, warnings })
}
