//! The input, in units that a thread takes one at a time.

use std::{
    collections::VecDeque,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use arrow_array::RecordBatch;
use arrow_schema::{Field, SchemaRef};

use crate::{
    arrow_rows::{self, ArrowRows},
    block::{Binding, Block},
    cell::MissingWords,
    csv_rows::{CsvBlock, CsvBlocks, CsvPlace},
    error::BatchError,
    model::Model,
    parquet_rows::{self, ParquetFile, ParquetRows},
};

/// The form of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputFormat {
    /// By its first bytes.
    Auto,
    /// CSV (RFC 4180, UTF-8, a header).
    Csv,
    /// A Parquet file.
    Parquet,
    /// A stream of Arrow (IPC).
    Arrow,
}

/// Where the input is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Standard,
    /// A file.
    File(PathBuf),
}

/// Values of a block of Parquet or Arrow, at most.
const BLOCK_VALUES: usize = 1 << 18;
/// Rows of such a block, at most.
const BLOCK_ROWS: usize = 1 << 14;

/// How far the input was worked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Rows.
    pub rows: u64,
    /// Of CSV: bytes.
    pub offset: u64,
    /// Of CSV: the line that comes next, from 1.
    pub line: u64,
}

/// Some rows as they came.
#[derive(Debug)]
pub struct Unit {
    rows: Rows,
    /// Where the input goes on after it; rows of CSV are not counted yet.
    pub after: CsvPlace,
}

#[derive(Debug)]
enum Rows {
    Csv(CsvBlock),
    /// With the number of the first row, from 1.
    Batch(RecordBatch, u64),
}

impl Unit {
    /// Reads the rows as numbers.
    ///
    /// # Errors
    /// As [`Binding::read_csv`] and [`Binding::read_batch`].
    pub fn read(&self, binding: &Binding) -> Result<Block, BatchError> {
        match &self.rows {
            Rows::Csv(block) => binding.read_csv(block),
            Rows::Batch(batch, first_row) => binding.read_batch(batch, *first_row),
        }
    }
}

/// An opened input whose columns are known.
#[derive(Debug)]
pub struct Source {
    form: Form,
    /// Of a file its bytes, else unknown.
    pub bytes: Option<u64>,
    /// Rows that the file says it has.
    pub rows: Option<u64>,
    /// The form that was found.
    pub format: InputFormat,
}

#[derive(Debug)]
enum Form {
    Csv(CsvBlocks),
    Parquet { rows: ParquetRows, next_row: u64 },
    Arrow { rows: ArrowRows, waiting: VecDeque<RecordBatch>, next_row: u64, block_rows: usize },
}

/// What a table is opened for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The model.
    pub model: &'a Model,
    /// Columns that go through.
    pub keep: &'a [String],
    /// Words for missing.
    pub missing: MissingWords,
    /// Where to go on.
    pub from: Place,
}

/// An opened input, what its columns are, the fields of those that go through, and a warning.
pub type Opened = (Source, Binding, Vec<Field>, Option<String>);

impl Source {
    /// Opens the input and finds the model's columns.
    ///
    /// # Errors
    /// [`BatchError`] where it cannot be read, is not what `format` says, or lacks a column.
    pub fn open(input: &Input, format: InputFormat, wanted: Wanted<'_>) -> Result<Opened, BatchError> {
        let (mut reader, file): (Box<dyn Read + Send>, Option<File>) = match input {
            Input::Standard => (Box::new(std::io::stdin()), None),
            Input::File(path) => {
                let file = open(path)?;
                (Box::new(file.try_clone().map_err(BatchError::Read)?), Some(file))
            }
        };
        let mut start = Vec::new();
        let longest = arrow_rows::FILE_MAGIC.len() as u64;
        reader.by_ref().take(longest).read_to_end(&mut start).map_err(BatchError::Read)?;
        let seen = match () {
            () if start.starts_with(parquet_rows::MAGIC) => InputFormat::Parquet,
            () if start.starts_with(arrow_rows::FILE_MAGIC) => {
                return Err(BatchError::Data("it is a file of Arrow, and its stream form is read".to_owned()));
            }
            () if start.starts_with(arrow_rows::MAGIC) => InputFormat::Arrow,
            () => InputFormat::Csv,
        };
        let bytes = file.as_ref().and_then(|file| file.metadata().ok()).filter(|data| data.is_file());
        let bytes = bytes.map(|data| data.len());
        match if format == InputFormat::Auto { seen } else { format } {
            InputFormat::Parquet => match file {
                Some(file) if bytes.is_some() => Self::parquet(file, bytes, wanted),
                _ => Err(BatchError::Option(
                    "Parquet is read from a file, since its end is read first; a stream of Arrow can be piped"
                        .to_owned(),
                )),
            },
            InputFormat::Arrow => Self::arrow(reader, start, bytes, wanted),
            InputFormat::Csv | InputFormat::Auto => Self::csv(reader, file, start, bytes, wanted),
        }
    }

    fn csv(
        reader: Box<dyn Read + Send>,
        file: Option<File>,
        start: Vec<u8>,
        bytes: Option<u64>,
        wanted: Wanted<'_>,
    ) -> Result<Opened, BatchError> {
        let mut blocks = CsvBlocks::new(reader, start, CsvPlace { offset: 0, line: 1 });
        let header = blocks.header()?;
        let (binding, warning) = Binding::new(wanted.model, &header, wanted.keep, wanted.missing)?;
        if let (Some(mut file), true) = (file, wanted.from.offset > 0) {
            let Place { offset, line, .. } = wanted.from;
            file.seek(SeekFrom::Start(offset)).map_err(BatchError::Read)?;
            blocks = CsvBlocks::new(Box::new(file), Vec::new(), CsvPlace { offset, line });
        }
        let kept = wanted.keep.iter().map(|name| Field::new(name, arrow_schema::DataType::Utf8, true)).collect();
        let source = Self { form: Form::Csv(blocks), bytes, rows: None, format: InputFormat::Csv };
        Ok((source, binding, kept, warning))
    }

    fn parquet(file: File, bytes: Option<u64>, wanted: Wanted<'_>) -> Result<Opened, BatchError> {
        let file = ParquetFile::open(file)?;
        let (total, schema) = (file.rows(), file.schema());
        let (binding, kept, warning) = bind(&wanted, &schema)?;
        let columns = binding.columns();
        let rows = file.read(&columns, block_rows(columns.len()), wanted.from.rows)?;
        let form = Form::Parquet { rows, next_row: wanted.from.rows + 1 };
        let source = Self { form, bytes, rows: Some(total), format: InputFormat::Parquet };
        Ok((source, binding.narrowed(), kept, warning))
    }

    fn arrow(
        reader: Box<dyn Read + Send>,
        start: Vec<u8>,
        bytes: Option<u64>,
        wanted: Wanted<'_>,
    ) -> Result<Opened, BatchError> {
        let (rows, schema, first) = ArrowRows::open(reader, start)?;
        let (binding, kept, warning) = bind(&wanted, &schema)?;
        let waiting = first.into_iter().collect();
        let form = Form::Arrow { rows, waiting, next_row: 1, block_rows: block_rows(binding.columns().len()) };
        let mut source = Self { form, bytes, rows: None, format: InputFormat::Arrow };
        source.skip(wanted.from.rows)?;
        Ok((source, binding, kept, warning))
    }

    /// Reads past rows of a stream that were worked through before.
    fn skip(&mut self, rows: u64) -> Result<(), BatchError> {
        let mut passed = 0;
        while passed < rows {
            let Some(Unit { rows: Rows::Batch(batch, _), .. }) = self.next_unit()? else { break };
            passed += batch.num_rows() as u64;
        }
        if passed == rows { Ok(()) } else { Err(BatchError::Data("it has other batches than before".to_owned())) }
    }

    /// The next rows, or `None` after the last.
    ///
    /// # Errors
    /// [`BatchError`] where the input cannot be read on.
    pub fn next_unit(&mut self) -> Result<Option<Unit>, BatchError> {
        let (batch, next_row) = match &mut self.form {
            Form::Csv(blocks) => {
                let block = blocks.next_block()?;
                let after = blocks.place();
                return Ok(block.map(|block| Unit { rows: Rows::Csv(block), after }));
            }
            Form::Parquet { rows, next_row } => (rows.next_batch()?, next_row),
            Form::Arrow { rows, waiting, next_row, block_rows } => {
                let batch = match waiting.pop_front() {
                    Some(batch) => Some(batch),
                    None => rows.next_batch()?,
                };
                let head = batch.map(|batch| {
                    let end = batch.num_rows().min(*block_rows);
                    if end < batch.num_rows() {
                        waiting.push_front(batch.slice(end, batch.num_rows() - end));
                    }
                    batch.slice(0, end)
                });
                (head, next_row)
            }
        };
        Ok(batch.map(|batch| {
            let first_row = *next_row;
            *next_row += batch.num_rows() as u64;
            Unit { rows: Rows::Batch(batch, first_row), after: CsvPlace { offset: 0, line: 0 } }
        }))
    }
}

fn open(path: &Path) -> Result<File, BatchError> {
    let file = File::open(path).map_err(BatchError::Read)?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(BatchError::Data("it is a folder".to_owned()));
    }
    Ok(file)
}

fn bind(wanted: &Wanted<'_>, schema: &SchemaRef) -> Result<(Binding, Vec<Field>, Option<String>), BatchError> {
    let header: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let (binding, warning) = Binding::new(wanted.model, &header, wanted.keep, wanted.missing.clone())?;
    binding.check_types(schema)?;
    let kept = binding.kept().iter().filter_map(|at| schema.fields().get(*at)).map(|field| field.as_ref().clone());
    let kept = kept.collect();
    Ok((binding, kept, warning))
}

fn block_rows(columns: usize) -> usize {
    (BLOCK_VALUES / columns.max(1)).clamp(1, BLOCK_ROWS)
}
