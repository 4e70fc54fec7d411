//! A CSV or Parquet file as text, column by column.

use std::collections::BTreeSet;

pub use prequal_batch::cell::parse_number;
use prequal_batch::table;

use crate::error::TrainError;

/// The largest data file in bytes: it is held in memory.
pub const DATA_BYTES_MAX: usize = 1 << 30;
/// The most columns.
pub const COLUMNS_MAX: usize = 2_000;
/// The most rows.
pub const ROWS_MAX: usize = 20_000_000;

/// Headers and cells.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The header of each column, all different and none empty.
    pub headers: Vec<String>,
    /// The cells of each column, as many as there are rows.
    pub cells: Vec<Vec<String>>,
}

impl Frame {
    /// Reads a CSV file (RFC 4180, UTF-8, header in the first line), or a Parquet file as the CSV file with the same
    /// table.
    ///
    /// # Errors
    /// [`TrainError::Data`] for a file that is empty, ragged, damaged, has a header twice or is past a limit.
    pub fn read(bytes: &[u8]) -> Result<Self, TrainError> {
        if bytes.len() > DATA_BYTES_MAX {
            return Err(TrainError::Data(format!("has {} bytes, and the limit is {DATA_BYTES_MAX}", bytes.len())));
        }
        if table::is_parquet(bytes) {
            let read = table::read_parquet(bytes.to_vec(), ROWS_MAX, DATA_BYTES_MAX);
            let (headers, cells) = read.map_err(|error| TrainError::Data(format!("cannot be read: {error}")))?;
            check_headers(&headers)?;
            let frame = Self { headers, cells };
            return if frame.rows() == 0 { Err(no_row()) } else { Ok(frame) };
        }
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
        check_headers(&headers)?;
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
            return Err(no_row());
        }
        Ok(Self { headers, cells })
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.cells.first().map_or(0, Vec::len)
    }

    /// The cells of a column.
    ///
    /// # Errors
    /// [`TrainError::Option`] where it is not there; `what` says what it is wanted for.
    pub fn column(&self, what: &str, name: &str) -> Result<&[String], TrainError> {
        let at = self.headers.iter().position(|header| header == name);
        at.and_then(|at| self.cells.get(at)).map(Vec::as_slice).ok_or_else(|| self.absent(what, name))
    }

    /// Says that a column is not there, and which are.
    #[must_use]
    pub fn absent(&self, what: &str, name: &str) -> TrainError {
        let list: Vec<String> = self.headers.iter().map(|header| format!("`{header}`")).collect();
        TrainError::Option(format!("{what} `{name}` is not a column of the data; its columns are {}", list.join(", ")))
    }
}

fn no_row() -> TrainError {
    TrainError::Data("has a header and no row".to_owned())
}

fn check_headers(headers: &[String]) -> Result<(), TrainError> {
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
    Ok(())
}

/// Whether a cell means "missing": it is empty, or one of the words that the caller says do.
#[must_use]
pub fn is_missing(cell: &str, words: &[String]) -> bool {
    cell.trim().is_empty() || words.iter().any(|word| word == cell)
}
