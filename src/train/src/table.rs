//! A CSV file as typed columns.

use std::collections::{BTreeMap, BTreeSet};

use prequal_core::canonical;

use crate::{error::TrainError, options::Options};

/// The largest data file in bytes: it is held in memory.
pub const DATA_BYTES_MAX: usize = 1 << 30;
/// The most columns.
pub const COLUMNS_MAX: usize = 2_000;
/// The most rows.
pub const ROWS_MAX: usize = 20_000_000;

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

/// The training data: candidates, the outcome, and the hash of the file.
#[derive(Clone, Debug)]
pub struct Table {
    /// Candidate features in the file's order; neither the target nor excluded columns.
    pub columns: Vec<Column>,
    /// For each row whether it was bad.
    pub bad: Vec<bool>,
    /// Columns that were excluded by the caller or cannot be used, and why.
    pub excluded: Vec<(String, String)>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
}

impl Table {
    /// Reads a CSV file (RFC 4180, UTF-8, header in the first line).
    ///
    /// A column is of numbers where every cell that is not missing is one, else of categories.
    ///
    /// # Errors
    /// [`TrainError::Data`] for a file that is empty, ragged, has a header twice or is past a limit;
    /// [`TrainError::Option`] for a target or excluded column that is not there, a bad value that never
    /// occurs, or an outcome of one class.
    pub fn read(bytes: &[u8], options: &Options) -> Result<Self, TrainError> {
        if bytes.len() > DATA_BYTES_MAX {
            return Err(TrainError::Data(format!("has {} bytes, and the limit is {DATA_BYTES_MAX}", bytes.len())));
        }
        let (headers, cells) = read_cells(bytes)?;
        let target = find_columns(&headers, options)?;
        let rows = cells.first().map_or(0, Vec::len);
        let outcome = cells.get(target).map(Vec::as_slice).unwrap_or_default();
        let bad = read_outcome(outcome, options)?;

        let mut table = Self { columns: Vec::new(), bad, excluded: Vec::new(), sha256: canonical::sha256_hex(bytes) };
        for (index, (name, cells)) in headers.into_iter().zip(&cells).enumerate() {
            if index == target {
                continue;
            }
            if options.exclude.contains(&name) {
                table.excluded.push((name, "excluded by the caller".to_owned()));
                continue;
            }
            let values = read_values(cells, &name, options);
            match unusable(&values, rows) {
                Some(why) => table.excluded.push((name, why)),
                None => table.columns.push(Column { name, values }),
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

    /// How many rows are bad.
    #[must_use]
    pub fn bads(&self) -> usize {
        self.bad.iter().filter(|bad| **bad).count()
    }
}

/// The number that a cell holds, if it is one: digits with a sign, point and exponent, and finite.
#[must_use]
pub fn parse_number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    // `inf` and `nan` are words and not numbers of a table.
    let plain = cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

type Cells<'a> = (Vec<String>, Vec<Vec<String>>);

fn read_cells(bytes: &[u8]) -> Result<Cells<'_>, TrainError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let wrong = |error: csv::Error| match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            TrainError::Data(format!("is not UTF-8 text in line {line}"))
        }
        _ => TrainError::Data(format!("is not CSV: {error}")),
    };
    let headers: Vec<String> = reader.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    if headers.iter().all(|header| header.trim().is_empty()) {
        return Err(TrainError::Data("is empty".to_owned()));
    }
    if headers.len() > COLUMNS_MAX {
        return Err(TrainError::Data(format!("has {} columns, and the limit is {COLUMNS_MAX}", headers.len())));
    }
    let mut seen = BTreeSet::new();
    for (index, header) in headers.iter().enumerate() {
        if header.trim().is_empty() {
            return Err(TrainError::Data(format!("has no header for column {}", index + 1)));
        }
        if !seen.insert(header.as_str()) {
            return Err(TrainError::Data(format!("has the header `{header}` twice")));
        }
    }
    let mut cells = vec![Vec::new(); headers.len()];
    let mut record = csv::StringRecord::new();
    let mut rows = 0;
    while reader.read_record(&mut record).map_err(wrong)? {
        if record.len() != headers.len() {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(TrainError::Data(format!(
                "has {} cells in line {line}, and the header has {}",
                record.len(),
                headers.len()
            )));
        }
        rows += 1;
        if rows > ROWS_MAX {
            return Err(TrainError::Data(format!("has more than {ROWS_MAX} rows")));
        }
        cells.iter_mut().zip(&record).for_each(|(column, cell)| column.push(cell.to_owned()));
    }
    if rows == 0 {
        return Err(TrainError::Data("has a header and no row".to_owned()));
    }
    Ok((headers, cells))
}

/// Finds the target, and makes sure that every column that an option names is there.
fn find_columns(headers: &[String], options: &Options) -> Result<usize, TrainError> {
    let list = || headers.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
    let absent = |what: &str, name: &str| {
        TrainError::Option(format!("{what} `{name}` is not a column of the data; its columns are {}", list()))
    };
    for name in &options.exclude {
        if !headers.contains(name) {
            return Err(absent("the excluded column", name));
        }
    }
    for name in &options.categories {
        if !headers.contains(name) {
            return Err(absent("the category column", name));
        }
    }
    headers.iter().position(|header| *header == options.target).ok_or_else(|| absent("the target", &options.target))
}

fn read_outcome(cells: &[String], options: &Options) -> Result<Vec<bool>, TrainError> {
    let Options { target, bad: bad_value, .. } = options;
    if let Some(row) = cells.iter().position(|cell| is_missing(cell, options)) {
        return Err(TrainError::Data(format!("has no outcome in row {}: `{target}` is empty", row + 1)));
    }
    let bad: Vec<bool> = cells.iter().map(|cell| cell == bad_value).collect();
    let bads = bad.iter().filter(|bad| **bad).count();
    if bads == 0 {
        let distinct: BTreeSet<&str> = cells.iter().map(String::as_str).collect();
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

fn is_missing(cell: &str, options: &Options) -> bool {
    cell.trim().is_empty() || options.missing.iter().any(|word| word == cell)
}

fn read_values(cells: &[String], name: &str, options: &Options) -> Values {
    if !options.categories.iter().any(|column| column == name) {
        let numbers: Option<Vec<f64>> = cells
            .iter()
            .map(|cell| if is_missing(cell, options) { Some(f64::NAN) } else { parse_number(cell) })
            .collect();
        if let Some(numbers) = numbers {
            return Values::Number(numbers);
        }
    }
    let present = || cells.iter().map(String::as_str).filter(|cell| !is_missing(cell, options));
    let names: BTreeSet<&str> = present().collect();
    let code_of: BTreeMap<&str, u32> = names.iter().copied().zip(0..).collect();
    let codes =
        cells
            .iter()
            .map(|cell| {
                if is_missing(cell, options) { MISSING } else { code_of.get(cell.as_str()).copied().unwrap_or(MISSING) }
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
