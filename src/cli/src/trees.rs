//! Boosted trees at the command line: model files of whichever library, rows of a CSV file.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    path::Path,
};

use anyhow::{Context, bail};
use prequal_core::score::trees::{CompiledTrees, Float, TreeFeature};
use prequal_models::{FILE_BYTES_MAX, Imported, Kind};

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

/// Reads a model and makes it ready; notes go to standard error as warnings.
pub fn load(path: &Path, bytes: &[u8], kind: Kind) -> anyhow::Result<(Imported, CompiledTrees)> {
    let about = || format!("cannot use `{}`", path.display());
    let imported = prequal_models::read(bytes, kind).with_context(about)?;
    for note in &imported.notes {
        eprintln!("prequal: warning: {note}");
    }
    let trees = imported.model.check().with_context(about)?;
    Ok((imported, trees))
}

/// Scores row by row, in constant memory: `margin`, `margin_bits`, `probability`, and the leaf of each tree.
pub fn score_rows(
    features: &[TreeFeature],
    trees: &CompiledTrees,
    reader: impl Read,
    missing: &[String],
    leaves: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut rows = Rows::new(features, reader, missing)?;
    let mut writer = csv::Writer::from_writer(out);
    let mut header: Vec<String> = ["margin", "margin_bits", "probability"].map(str::to_owned).into();
    if leaves {
        header.extend((0..trees.trees()).map(|tree| format!("leaf_{tree}")));
    }
    if closed(writer.write_record(&header))? {
        return Ok(());
    }
    let mut scratch = trees.scratch();
    let mut reached = vec![0; trees.trees()];
    let mut cells: Vec<String> = Vec::with_capacity(header.len());
    while let Some(values) = rows.next()? {
        let margin = trees.margin(values, &mut scratch)?;
        cells.clear();
        let probability = trees.probability(margin).map_or_else(String::new, |p| p.to_string());
        cells.extend([margin.to_string(), margin.bits_hex(), probability]);
        if leaves {
            trees.leaves(values, &mut scratch, &mut reached)?;
            cells.extend(reached.iter().map(u32::to_string));
        }
        if closed(writer.write_record(&cells))? {
            return Ok(());
        }
    }
    match writer.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Whether whoever reads standard output has gone, which ends the work and is no error.
fn closed(written: Result<(), csv::Error>) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(false),
        Err(error) => match error.kind() {
            csv::ErrorKind::Io(io) if io.kind() == ErrorKind::BrokenPipe => Ok(true),
            _ => Err(error).context("cannot write to standard output"),
        },
    }
}

/// Rows of a CSV file as values in the order of the features; an empty cell is missing.
pub struct Rows<'a, R> {
    reader: csv::Reader<R>,
    record: csv::StringRecord,
    columns: Vec<usize>,
    features: &'a [TreeFeature],
    missing: &'a [String],
    cells: usize,
    values: Vec<f64>,
}

impl<'a, R: Read> Rows<'a, R> {
    /// Reads the header. A column that is no feature is a warning, a feature without a column an error.
    pub fn new(features: &'a [TreeFeature], reader: R, missing: &'a [String]) -> anyhow::Result<Self> {
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
        let names = || features.iter().map(|feature| feature.name.as_str());
        let found: Vec<Option<usize>> = names().map(|name| columns.remove(name)).collect();
        let absent: Vec<&str> = names().zip(&found).filter(|(_, at)| at.is_none()).map(|(name, _)| name).collect();
        if !absent.is_empty() {
            bail!("the model needs columns that are not there: `{}`", absent.join("`, `"));
        }
        if !columns.is_empty() {
            let unknown: Vec<&str> = columns.into_keys().collect();
            eprintln!("prequal: warning: columns that the model does not use are ignored: `{}`", unknown.join("`, `"));
        }
        let columns = found.into_iter().flatten().collect();
        let cells = header.len();
        let values = vec![f64::NAN; features.len()];
        Ok(Self { reader, record: csv::StringRecord::new(), columns, features, missing, cells, values })
    }

    /// The next row, or `None` after the last.
    pub fn next(&mut self) -> anyhow::Result<Option<&[f64]>> {
        if !self.reader.read_record(&mut self.record).context("a row cannot be read")? {
            return Ok(None);
        }
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.cells {
            bail!("line {line} has {} cells, and the header has {}", self.record.len(), self.cells);
        }
        for ((value, column), feature) in self.values.iter_mut().zip(&self.columns).zip(self.features) {
            let cell = self.record.get(*column).unwrap_or_default();
            if cell.trim().is_empty() || self.missing.iter().any(|word| word == cell) {
                *value = f64::NAN;
                continue;
            }
            if !feature.categories.is_empty() {
                // A name that the model was not fitted to is missing.
                let code = feature.categories.iter().position(|name| name == cell);
                *value = code.map_or(f64::NAN, |code| code as f64);
                continue;
            }
            // An infinity is a number to these libraries, and NaN is missing.
            *value = match cell.trim().parse() {
                Ok(number) => number,
                Err(_) => bail!("line {line}: `{cell}` in column `{}` is not a number", feature.name),
            };
        }
        Ok(Some(&self.values))
    }
}

/// Reads a margin that a library gave: its bits, or a decimal at the model's width.
pub fn parse_margin(trees: &CompiledTrees, bits: Option<&str>, decimal: Option<&str>) -> Option<Float> {
    use prequal_core::score::trees::{Width, parse_bits};
    match (bits, decimal, trees.width()) {
        (Some(bits), _, width) => parse_bits(bits, width),
        (None, Some(decimal), Width::F32) => decimal.parse().ok().map(Float::F32),
        (None, Some(decimal), Width::F64) => decimal.parse().ok().map(Float::F64),
        (None, None, _) => None,
    }
}
