//! A file as typed columns.

use std::collections::{BTreeMap, BTreeSet};

use prequal_core::canonical;

use crate::{
    binning::ranks::Ranks,
    error::TrainError,
    frame::{Frame, is_missing, parse_number},
    options::Options,
    time::Times,
};

/// The code of a missing category.
pub const MISSING: u32 = u32::MAX;

/// The values of one column.
#[derive(Clone, Debug)]
pub enum Values {
    /// Numbers; NaN is missing.
    Number(Vec<f64>),
    /// Names in byte order, and for each row a position among them or [`MISSING`].
    Category {
        /// The distinct names.
        names: Vec<String>,
        /// One for each row.
        codes: Vec<u32>,
    },
}

/// A candidate feature.
#[derive(Clone, Debug)]
pub struct Column {
    /// The header.
    pub name: String,
    /// The cells.
    pub values: Values,
}

/// The training data: candidates, the outcome, and the hash of the file. Its rows are those with an outcome that had
/// matured, in the file's order.
#[derive(Clone, Debug)]
pub struct Table {
    /// Candidate features in the file's order; neither the target nor excluded columns.
    pub columns: Vec<Column>,
    /// For each row whether it was bad.
    pub bad: Vec<bool>,
    /// The candidates' values of applicants who were turned away: the rows without an outcome, where reject inference
    /// is asked for. The same columns and the same codes.
    pub rejected: Vec<Column>,
    /// Columns that only tell how groups of people fare.
    pub protected: Vec<Column>,
    /// When each row was.
    pub times: Option<Times>,
    /// Position in the file of each row.
    pub file_rows: Vec<usize>,
    /// How many rows were left out because their performance window had not ended.
    pub immature: usize,
    /// Columns that were excluded by the caller or cannot be used, and why.
    pub excluded: Vec<(String, String)>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

impl Table {
    /// Reads a CSV file (RFC 4180, UTF-8, header in the first line) or a Parquet file.
    ///
    /// A column is of numbers where every cell that is not missing is one, else of categories.
    ///
    /// # Errors
    /// [`TrainError::Data`] for a file that is empty, ragged, has a header twice or is past a limit;
    /// [`TrainError::Option`] for a target or excluded column that is not there, a bad value that never
    /// occurs, or an outcome of one class.
    pub fn read(bytes: &[u8], options: &Options) -> Result<Self, TrainError> {
        let frame = Frame::read(bytes)?;
        let outcome = find_columns(&frame, options)?;
        let split = Split::new(&frame, outcome, options)?;
        let bad = read_outcome(outcome, &split.known, options)?;
        let mut table = Self {
            columns: Vec::new(),
            bad,
            rejected: Vec::new(),
            protected: Vec::new(),
            times: split.times,
            file_rows: split.known.clone(),
            immature: split.immature,
            excluded: Vec::new(),
            sha256: canonical::sha256_hex(bytes),
        };
        for (name, cells) in frame.headers.iter().cloned().zip(&frame.cells) {
            let is_time = options.time.as_ref().is_some_and(|time| time.column == name);
            let (protected, excluded) = (options.protected.contains(&name), options.exclude.contains(&name));
            if name == options.target {
                continue;
            }
            if protected {
                let values = read_values(cells, &name, options).pick(&split.known);
                table.protected.push(Column { name: name.clone(), values });
            }
            let why = match () {
                () if is_time => Some("tells the time and nothing of the person"),
                () if protected => Some("protected: never an input, only used to measure fairness"),
                () if excluded => Some("excluded by the caller"),
                () => None,
            };
            if let Some(why) = why {
                table.excluded.push((name, why.to_owned()));
                continue;
            }
            let values = read_values(cells, &name, options);
            let known = values.pick(&split.known);
            match unusable(&known, split.known.len()) {
                Some(why) => table.excluded.push((name, why)),
                None => {
                    table.columns.push(Column { name: name.clone(), values: known });
                    table.rejected.push(Column { name, values: values.pick(&split.rejected) });
                }
            }
        }
        if table.columns.is_empty() {
            return Err(TrainError::Data("has no column to learn from besides the target".to_owned()));
        }
        Ok(table)
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bad.len()
    }

    /// How many applicants were turned away.
    #[must_use]
    pub fn rejects(&self) -> usize {
        self.rejected.first().map_or(0, |column| column.values.len())
    }

    /// How many rows are bad.
    #[must_use]
    pub fn bads(&self) -> usize {
        self.bad.iter().filter(|bad| **bad).count()
    }
}

impl Column {
    /// Its numbers sorted; `None` for categories.
    #[must_use]
    pub fn ranks(&self) -> Option<Ranks> {
        if let Values::Number(numbers) = &self.values { Some(Ranks::new(numbers)) } else { None }
    }
}

impl Values {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Number(numbers) => numbers.len(),
            Self::Category { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of some rows; names and codes stay as they are.
    fn pick(&self, rows: &[usize]) -> Self {
        match self {
            Self::Number(numbers) => Self::Number(rows.iter().map(|row| numbers[*row]).collect()),
            Self::Category { names, codes } => {
                Self::Category { names: names.clone(), codes: rows.iter().map(|row| codes[*row]).collect() }
            }
        }
    }
}

/// The file's rows by what is known of them.
struct Split {
    /// With an outcome, and matured.
    known: Vec<usize>,
    /// Without an outcome, where that is allowed.
    rejected: Vec<usize>,
    /// When the known rows were.
    times: Option<Times>,
    immature: usize,
}

impl Split {
    fn new(frame: &Frame, outcome: &[String], options: &Options) -> Result<Self, TrainError> {
        let (rejected, mut known): (Vec<usize>, Vec<usize>) =
            (0..outcome.len()).partition(|row| is_missing(&outcome[*row], &options.missing));
        if let (Some(row), None) = (rejected.first(), options.reject_inference) {
            let target = &options.target;
            return Err(TrainError::Data(format!("has no outcome in row {}: `{target}` is empty", row + 1)));
        }
        let Some(time) = &options.time else { return Ok(Self { known, rejected, times: None, immature: 0 }) };
        let column: Vec<&str> = frame.column("the time column", &time.column)?.iter().map(String::as_str).collect();
        let with_outcome = known.len();
        if let (Some(as_of), Some(card)) = (&time.as_of, options.card) {
            let matured = Times::read(&time.column, &column)?.matured(card, as_of)?;
            known.retain(|row| matured[*row]);
            if known.is_empty() {
                return Err(TrainError::Option(format!("no row's performance window had ended on {as_of}")));
            }
        }
        let of_known: Vec<&str> = known.iter().map(|row| column[*row]).collect();
        let times = Times::read(&time.column, &of_known)?;
        Ok(Self { immature: with_outcome - known.len(), known, rejected, times: Some(times) })
    }
}

/// The target's cells; makes sure that every column that an option names is there.
fn find_columns<'a>(frame: &'a Frame, options: &Options) -> Result<&'a [String], TrainError> {
    for name in &options.exclude {
        frame.column("the excluded column", name)?;
    }
    for (what, name) in options.roles() {
        frame.column(what, name)?;
    }
    frame.column("the target", &options.target)
}

/// Whether each of the rows was bad.
fn read_outcome(cells: &[String], rows: &[usize], options: &Options) -> Result<Vec<bool>, TrainError> {
    let Options { target, bad: bad_value, .. } = options;
    let cells: Vec<&str> = rows.iter().map(|row| cells[*row].as_str()).collect();
    let bad: Vec<bool> = cells.iter().map(|cell| cell == bad_value).collect();
    let bads = bad.iter().filter(|bad| **bad).count();
    if bads == 0 {
        let distinct: BTreeSet<&str> = cells.iter().copied().collect();
        let few: Vec<String> = distinct.iter().take(10).map(|value| format!("`{value}`")).collect();
        let more = if distinct.len() > few.len() { ", …" } else { "" };
        return Err(TrainError::Option(format!(
            "the bad value `{bad_value}` never occurs in `{target}`, which holds {}{more}",
            few.join(", ")
        )));
    }
    if bads == cells.len() {
        return Err(TrainError::Option(format!("every row has the bad value `{bad_value}` in `{target}`")));
    }
    Ok(bad)
}

fn read_values(cells: &[String], name: &str, options: &Options) -> Values {
    if !options.categories.iter().any(|column| column == name) {
        let numbers: Option<Vec<f64>> = cells
            .iter()
            .map(|cell| if is_missing(cell, &options.missing) { Some(f64::NAN) } else { parse_number(cell) })
            .collect();
        if let Some(numbers) = numbers {
            return Values::Number(numbers);
        }
    }
    let present = || cells.iter().map(String::as_str).filter(|cell| !is_missing(cell, &options.missing));
    let names: BTreeSet<&str> = present().collect();
    let code_of: BTreeMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let codes = cells
        .iter()
        .map(|cell| {
            if is_missing(cell, &options.missing) {
                MISSING
            } else {
                code_of.get(cell.as_str()).copied().unwrap_or(MISSING)
            }
        })
        .collect();
    Values::Category { names: names.into_iter().map(str::to_owned).collect(), codes }
}

fn unusable(values: &Values, rows: usize) -> Option<String> {
    use prequal_core::score::{CATEGORIES_MAX, NAME_BYTES_MAX};
    match values {
        Values::Number(numbers) => {
            let mut present = numbers.iter().filter(|number| !number.is_nan());
            let first = present.next();
            let varies =
                present.any(|number| Some(number) != first) || (first.is_some() && numbers.iter().any(|n| n.is_nan()));
            (!varies).then(|| if first.is_some() { "has one value".to_owned() } else { "is empty".to_owned() })
        }
        Values::Category { names, .. } if names.is_empty() => Some("is empty".to_owned()),
        Values::Category { names, .. } if names.len() == rows && rows > 1 => {
            Some("holds another name in every row".to_owned())
        }
        Values::Category { names, .. } if names.len() > CATEGORIES_MAX => {
            Some(format!("has {} categories, and the limit is {CATEGORIES_MAX}", names.len()))
        }
        Values::Category { names, .. } if names.iter().any(|name| name.len() > NAME_BYTES_MAX) => {
            Some(format!("has a category longer than {NAME_BYTES_MAX} bytes"))
        }
        Values::Category { names, codes } => {
            let varies = names.len() > 1 || codes.contains(&MISSING);
            (!varies).then(|| "has one value".to_owned())
        }
    }
}
