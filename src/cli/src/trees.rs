//! Imported models at the command line: model files of whichever library, rows of a CSV file.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, bail};
use prequal_models::{FILE_BYTES_MAX, Imported, Kind, ReadOptions, Scorer};

/// Reads a file of at most [`FILE_BYTES_MAX`] bytes.
pub fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    if bytes.len() > FILE_BYTES_MAX {
        bail!("`{}` is larger than {FILE_BYTES_MAX} bytes", path.display());
    }
    Ok(bytes)
}

/// Reads a model; notes go to standard error as warnings.
pub fn load(path: &Path, bytes: &[u8], kind: Kind, options: &ReadOptions) -> anyhow::Result<Imported> {
    let about = || format!("cannot use `{}`", path.display());
    let imported = prequal_models::read_with(bytes, kind, options).with_context(about)?;
    for note in &imported.notes {
        eprintln!("prequal: warning: {note}");
    }
    Ok(imported)
}

/// Rows of a CSV file as values in the order of the features; an empty cell is missing.
pub struct Rows<'a, R> {
    reader: csv::Reader<R>,
    record: csv::StringRecord,
    columns: Vec<usize>,
    names: Vec<String>,
    missing: &'a [String],
    cells: usize,
    values: Vec<f64>,
}

impl<'a, R: Read> Rows<'a, R> {
    /// Reads the header. A column that is no feature is a warning, a feature without a column an error.
    pub fn new(names: &[String], reader: R, missing: &'a [String]) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        let header = reader.headers().context("the header cannot be read")?.clone();
        let header: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}')).collect();
        if header.is_empty() {
            bail!("it is empty");
        }
        let mut columns = std::collections::BTreeMap::new();
        for (at, name) in header.iter().enumerate() {
            if columns.insert(*name, at).is_some() {
                bail!("the header `{name}` is there twice");
            }
        }
        let found: Vec<Option<usize>> = names.iter().map(|name| columns.remove(name.as_str())).collect();
        let absent: Vec<&str> =
            names.iter().zip(&found).filter(|(_, at)| at.is_none()).map(|(name, _)| name.as_str()).collect();
        if !absent.is_empty() {
            bail!("the model needs columns that are not there: `{}`", absent.join("`, `"));
        }
        if !columns.is_empty() {
            let unknown: Vec<&str> = columns.into_keys().collect();
            eprintln!("prequal: warning: columns that the model does not use are ignored: `{}`", unknown.join("`, `"));
        }
        let columns = found.into_iter().flatten().collect();
        let cells = header.len();
        let values = vec![f64::NAN; names.len()];
        Ok(Self { reader, record: csv::StringRecord::new(), columns, names: names.to_vec(), missing, cells, values })
    }

    /// The next row as the model reads it, or `None` after the last.
    pub fn next(&mut self, scorer: &Scorer) -> anyhow::Result<Option<&[f64]>> {
        if !self.reader.read_record(&mut self.record).context("a row cannot be read")? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.cells {
            bail!("line {line} has {} cells, and the header has {}", self.record.len(), self.cells);
        }
        for (at, ((value, column), name)) in self.values.iter_mut().zip(&self.columns).zip(&self.names).enumerate() {
            let cell = self.record.get(*column).unwrap_or_default();
            let is_missing = cell.trim().is_empty() || self.missing.iter().any(|word| word == cell);
            *value = match scorer.value(at, (!is_missing).then_some(cell)) {
                Ok(value) => value,
                Err(why) => bail!("line {line}: `{cell}` in column `{name}` {why}"),
            };
        }
        Ok(Some(&self.values))
    }
}
