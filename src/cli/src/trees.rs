//! Imported models at the command line: model files of whichever library, rows of a CSV file.

use std::{
    fs::File,
    io::{ErrorKind, Read, Write},
    path::Path,
};

use anyhow::{Context, bail};
use prequal_core::score::{REASONS_MAX, trees::Float};
use prequal_models::{FILE_BYTES_MAX, Imported, Kind, ReadOptions, RowScore, Scorer};

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

/// What is written besides the score.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    /// The leaf of each tree.
    pub leaves: bool,
    /// Reason codes and their points.
    pub reasons: bool,
}

/// Scores row by row, in constant memory: `margin`, `margin_bits`, `probability`, and the leaf of each tree; `points`
/// and reasons for a card.
pub fn score_rows(
    scorer: &mut Scorer,
    reader: impl Read,
    missing: &[String],
    columns: Columns,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut rows = Rows::new(scorer.trees().names(), reader, missing)?;
    let mut writer = csv::Writer::from_writer(out);
    let mut header: Vec<String> = ["margin", "margin_bits"].map(str::to_owned).into();
    if scorer.gives_points() {
        header.push("points".to_owned());
    }
    header.push("probability".to_owned());
    if columns.leaves {
        header.extend((0..scorer.trees().trees()).map(|tree| format!("leaf_{tree}")));
    }
    if columns.reasons {
        header.extend(reason_header());
    }
    if closed(writer.write_record(&header))? {
        return Ok(());
    }
    let mut cells: Vec<String> = Vec::with_capacity(header.len());
    while let Some(values) = rows.next(scorer)? {
        cells.clear();
        match scorer.score(values)? {
            RowScore::Margin { margin, probability } => {
                let probability = probability.map_or_else(String::new, |p| p.to_string());
                cells.extend([margin.to_string(), margin.bits_hex(), probability]);
            }
            RowScore::Points { points, odds } => {
                let text = |value: f64| Float::F64(value).to_string();
                let (margin, probability) = odds.map_or_else(Default::default, |(m, p)| (text(m), text(p)));
                // A card's score is its points: there are no bits of a margin to compare.
                cells.extend([margin, String::new(), text(points), probability]);
            }
        }
        if columns.leaves {
            cells.extend(scorer.leaves(values)?.iter().map(u32::to_string));
        }
        if columns.reasons {
            let reasons = scorer.reasons(values)?;
            push_reasons(
                &mut cells,
                reasons.into_iter().map(|reason| (reason.code, Float::F64(reason.points).to_string())),
            );
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

/// Names of the columns of reasons.
pub fn reason_header() -> impl Iterator<Item = String> {
    (1..=REASONS_MAX).flat_map(|rank| [format!("reason_{rank}"), format!("reason_{rank}_points")])
}

/// The cells of reasons, empty where there are fewer than the most.
pub fn push_reasons(cells: &mut Vec<String>, reasons: impl Iterator<Item = (String, String)>) {
    let end = cells.len() + 2 * REASONS_MAX;
    cells.extend(reasons.take(REASONS_MAX).flat_map(|(code, points)| [code, points]));
    cells.resize(end, String::new());
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
