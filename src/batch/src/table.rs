//! A whole Parquet file as text, for programs that hold a table in memory.

use crate::{
    block::COLUMNS_MAX,
    columns::{each_cell, is_readable, unreadable},
    error::BatchError,
    parquet_rows::{MAGIC, ParquetFile},
};

/// Rows that are decoded at a time.
const BATCH_ROWS: usize = 1 << 13;

/// Headers, and the cells of each column.
pub type Table = (Vec<String>, Vec<Vec<String>>);

/// Whether these are the bytes of a Parquet file.
#[must_use]
pub fn is_parquet(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads a Parquet file as the CSV file with the same table: numbers as the shortest decimal that reads back as the same
/// number, truth values as 0 and 1, nothing where a cell is missing. At most `rows_max` rows and `text_bytes_max` bytes
/// of text.
///
/// # Errors
/// [`BatchError::Data`] for a damaged file, a column that is neither number nor text, and a table past a limit.
pub fn read_parquet(bytes: Vec<u8>, rows_max: usize, text_bytes_max: usize) -> Result<Table, BatchError> {
    let file = ParquetFile::open(bytes::Bytes::from(bytes))?;
    let schema = file.schema();
    let fields = schema.fields();
    if fields.len() > COLUMNS_MAX {
        return Err(BatchError::Data(format!("it has {} columns, and the limit is {COLUMNS_MAX}", fields.len())));
    }
    if file.rows() > rows_max as u64 {
        return Err(BatchError::Data(format!("it has {} rows, and the limit is {rows_max}", file.rows())));
    }
    if let Some(field) = fields.iter().find(|field| !is_readable(field.data_type())) {
        return Err(unreadable(field.name(), field.data_type()));
    }
    let headers: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    let mut cells = vec![Vec::new(); headers.len()];
    let mut text_bytes = 0;
    let all: Vec<usize> = (0..headers.len()).collect();
    let mut rows = file.read(&all, BATCH_ROWS, 0)?;
    while let Some(batch) = rows.next_batch()? {
        for ((column, array), name) in cells.iter_mut().zip(batch.columns()).zip(&headers) {
            each_cell(name, array.as_ref(), &mut |_, cell| {
                let text = cell.text().into_owned();
                text_bytes += text.len();
                column.push(text);
                if text_bytes > text_bytes_max {
                    return Err(BatchError::Data(format!("it has more than {text_bytes_max} bytes of text")));
                }
                Ok(())
            })?;
            if column.len() > rows_max {
                return Err(BatchError::Data(format!("it has more than {rows_max} rows")));
            }
        }
    }
    Ok((headers, cells))
}
