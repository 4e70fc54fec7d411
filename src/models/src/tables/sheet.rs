//! A table as CSV with a header, or as JSON: a list of objects, one for each row.

use super::TABLE_ROWS_MAX;
use crate::{
    document::{self, Value},
    error::{ImportError, shown},
};

/// The wanted columns of each row, in order; an absent optional column and an empty cell are empty.
pub(super) struct Sheet {
    pub(super) rows: Vec<Vec<String>>,
}

impl Sheet {
    /// Reads the columns of these names; those after `needed` may be absent.
    pub(super) fn read(bytes: &[u8], columns: &[&str], needed: usize) -> Result<Self, ImportError> {
        let rows = match bytes.trim_ascii_start().first() {
            Some(b'[') => json(bytes, columns, needed)?,
            _ => csv(bytes, columns, needed)?,
        };
        Ok(Self { rows })
    }
}

fn lacks(column: &str) -> ImportError {
    ImportError::refuse(format!("the table has no column `{column}`"))
}

fn csv(bytes: &[u8], columns: &[&str], needed: usize) -> Result<Vec<Vec<String>>, ImportError> {
    let syntax = |error: csv::Error| ImportError::Syntax(error.to_string().replace('\n', " "));
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(syntax)?.clone();
    let find = |name: &str| header.iter().position(|one| one.trim_start_matches('\u{feff}') == name);
    let places: Vec<Option<usize>> = columns.iter().map(|name| find(name)).collect();
    if let Some((name, _)) = columns.iter().zip(&places).take(needed).find(|(_, at)| at.is_none()) {
        return Err(lacks(name));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(syntax)?;
        ImportError::limit("rows of the table", rows.len() + 1, TABLE_ROWS_MAX)?;
        let cell = |at: &Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned();
        rows.push(places.iter().map(cell).collect());
    }
    Ok(rows)
}

fn json(bytes: &[u8], columns: &[&str], needed: usize) -> Result<Vec<Vec<String>>, ImportError> {
    let list = document::parse_json(bytes)?.into_array("the table")?;
    ImportError::limit("rows of the table", list.len(), TABLE_ROWS_MAX)?;
    let mut rows = Vec::with_capacity(list.len());
    for row in list {
        let mut fields = row.into_object("a row")?;
        let mut cells = Vec::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            cells.push(match fields.optional(column) {
                Some(Value::String(text)) => text.into_owned(),
                Some(Value::Text(number)) => number.to_owned(),
                Some(Value::Null) => String::new(),
                None if at >= needed => String::new(),
                None => return Err(lacks(column)),
                Some(_) => return Err(ImportError::refuse(format!("a cell of `{column}` is no text and no number"))),
            });
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// A cell that must hold a finite number.
pub(super) fn number(text: &str, what: &str) -> Result<f64, ImportError> {
    let value = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| ImportError::refuse(format!("{what} is `{}`, which is no finite number", shown(text))))
}
