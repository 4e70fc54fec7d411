//! Trains and validates points scorecards.
//!
//! ```text
//! CSV, Parquet -> Table -> bins -> choice of features -> regression -> points -> model.json
//!                          \________ again in every fold, on its training rows ________/
//! ```
//!
//! Everything is deterministic: sums in row order, `exp` and `ln` from `libm`; folds are fitted side by side, each by
//! itself. The same file and options give the same bytes on every machine.

pub mod binning;
pub mod cutoff;
pub mod error;
pub mod fairness;
pub mod fit;
pub mod frame;
pub mod held_out;
pub mod logistic;
pub mod metrics;
pub mod monitor;
pub mod options;
pub mod output;
mod parallel;
pub mod points;
pub mod reject;
mod report;
pub mod scorer;
pub mod table;
pub mod time;
pub mod trees;
pub mod validate;

use prequal_core::score::Scorecard;

pub use error::TrainError;
pub use options::Options;
pub use table::Table;

use crate::{
    fit::{Fitted, Sorted},
    trees::Trees,
    validate::{Fold, Measures},
};

/// AUC that whole points may lose without a warning.
pub const ROUNDING_LOSS_MAX: f64 = 0.001;

/// Everything a run found.
#[derive(Debug)]
pub struct Training {
    /// The data.
    pub table: Table,
    /// The choices.
    pub options: Options,
    /// Positions of the rows that are fitted to: all, or those before the out-of-time sample.
    pub development: Vec<usize>,
    /// The model, fitted to the development rows.
    pub scorecard: Scorecard,
    /// The fit behind it.
    pub fitted: Fitted,
    /// Points of every row by the model.
    pub points: Vec<i32>,
    /// Cross-validation.
    pub folds: Vec<Fold>,
    /// Boosted trees, fitted to the development rows.
    pub trees: Option<Trees>,
    /// How the models do on rows later than any they were fitted to.
    pub out_of_time: Option<OutOfTime>,
    /// Another model on the same rows.
    pub challenger: Option<Challenger>,
    /// What a person should look at before the model is used, in whole sentences.
    pub warnings: Vec<String>,
}

/// The latest rows, which nothing was fitted to.
#[derive(Clone, Debug)]
pub struct OutOfTime {
    /// The first moment, as the file writes it.
    pub from: String,
    /// Positions of the rows.
    pub rows: Vec<usize>,
    /// The scorecard on them.
    pub measures: Measures,
    /// Stability of the points against the development rows.
    pub stability: f64,
    /// The trees on them.
    pub trees: Option<Measures>,
}

/// Trains on the bytes of a CSV or Parquet file; `progress` hears of each stage before it begins.
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
    let (development, later) = part_by_time(&table, &options)?;
    let sorted = Sorted::new(&table);
    let parts: Vec<Part> = [Part::Whole].into_iter().chain((0..options.folds).map(Part::Without)).collect();
    let done = parallel::map_telling(
        &parts,
        |part| match part {
            Part::Whole => Whole::fit(&sorted, &development, &options).map(|whole| Done::Whole(Box::new(whole))),
            Part::Without(fold) => {
                validate::fold(&sorted, &development, &options, *fold).map(|fold| Done::Fold(Box::new(fold)))
            }
        },
        &mut |at| {
            progress(&match parts.get(at) {
                Some(Part::Without(fold)) => format!("fitting again without fold {} of {}", fold + 1, options.folds),
                _ => "fitting to all rows of the development sample".to_owned(),
            });
        },
    );
    let mut folds = Vec::with_capacity(options.folds);
    let mut whole = None;
    for part in done {
        match part? {
            Done::Whole(found) => whole = Some(*found),
            Done::Fold(fold) => folds.push(*fold),
        }
    }
    let nothing = || TrainError::Fit("the fit to all rows was not made".to_owned());
    let Whole { fitted, scorecard, points, trees } = whole.ok_or_else(nothing)?;
    let mut warnings = fitted.leaks(&table, options.selection.leak_iv);
    let loss = metrics::mean(folds.iter().map(|fold| fold.rounding_loss));
    if loss > ROUNDING_LOSS_MAX {
        warnings.push(format!(
            "rounding to whole points loses {loss:.4} of AUC, more than {ROUNDING_LOSS_MAX}: give more points to double the \
             odds"
        ));
    }
    let mut training = Training {
        table,
        options,
        development,
        scorecard,
        fitted,
        points,
        folds,
        trees,
        out_of_time: None,
        challenger: None,
        warnings,
    };
    if let Some((from, rows)) = later {
        training.out_of_time = Some(training.measure_later(from, rows)?);
    }
    Ok(training)
}

/// A model that the scorecard is compared with.
#[derive(Clone, Debug)]
pub struct Challenger {
    /// What a person calls it: its file, or its label.
    pub name: String,
    /// Its risk for every row of the table, more being worse.
    pub risk: Vec<f64>,
}

/// One of the fits of a run, which share nothing but the table.
enum Part {
    /// To all rows of the development sample.
    Whole,
    /// Without the rows of a fold.
    Without(usize),
}

/// What a part comes to.
enum Done {
    Whole(Box<Whole>),
    Fold(Box<Fold>),
}

/// The models that are kept.
struct Whole {
    fitted: Fitted,
    scorecard: Scorecard,
    points: Vec<i32>,
    trees: Option<Trees>,
}

impl Whole {
    fn fit(sorted: &Sorted<'_>, rows: &[usize], options: &Options) -> Result<Self, TrainError> {
        let table = sorted.table;
        let fitted = fit::fit_sorted(sorted, rows, options)?;
        let scorecard = points::scorecard(table, rows, &fitted, options)?;
        let points = points::score_table(&scorecard.check()?, table)?;
        let trees = options.trees.as_ref().map(|wanted| Trees::fit(table, rows, options, wanted)).transpose()?;
        Ok(Self { fitted, scorecard, points, trees })
    }
}

/// The rows to fit to, and those that are later, with their first moment.
type Parts = (Vec<usize>, Option<(String, Vec<usize>)>);

fn part_by_time(table: &Table, options: &Options) -> Result<Parts, TrainError> {
    let all = 0..table.rows();
    let (Some(times), Some(time)) = (&table.times, &options.time) else { return Ok((all.collect(), None)) };
    let Some(from) = times.out_of_time_from(time.share)? else { return Ok((all.collect(), None)) };
    let (earlier, later): (Vec<usize>, Vec<usize>) = all.partition(|row| times.ranks[*row] < from);
    let both_classes =
        |rows: &[usize]| rows.iter().any(|row| table.bad[*row]) && rows.iter().any(|row| !table.bad[*row]);
    if !both_classes(&later) {
        return Err(TrainError::Option(format!(
            "the rows from `{}` on hold only one class of the target; keep a larger share out of time",
            times.label(from)
        )));
    }
    Ok((earlier, Some((times.label(from).to_owned(), later))))
}

impl Training {
    /// Compares with another model on the same file, whose `bytes` were trained on.
    ///
    /// # Errors
    /// [`TrainError::Option`] where the model needs columns that are not there or meets a value that it cannot read.
    pub fn challenge(&mut self, name: String, model: &scorer::Model, bytes: &[u8]) -> Result<(), TrainError> {
        let all = model.risk(&frame::Frame::read(bytes)?, &self.options.missing)?;
        let risk = self.table.file_rows.iter().map(|row| all[*row]).collect();
        self.challenger = Some(Challenger { name, risk });
        Ok(())
    }

    fn measure_later(&self, from: String, rows: Vec<usize>) -> Result<OutOfTime, TrainError> {
        let bad: Vec<bool> = rows.iter().map(|row| self.table.bad[*row]).collect();
        let scaling = self.scorecard.scaling;
        let probability: Vec<f64> = rows.iter().map(|row| scaling.probability(self.points[*row])).collect();
        let pick = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|row| f64::from(self.points[*row])).collect() };
        let trees = self.trees.as_ref().map(|trees| -> Result<Measures, TrainError> {
            let margins = trees.margins(&self.table)?;
            let probability: Vec<f64> = rows.iter().map(|row| validate::logistic(margins[*row])).collect();
            Ok(Measures::of(&bad, &probability))
        });
        Ok(OutOfTime {
            from,
            measures: Measures::of(&bad, &probability),
            stability: metrics::stability(&pick(&self.development), &pick(&rows)),
            trees: trees.transpose()?,
            rows,
        })
    }
}
