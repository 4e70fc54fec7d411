//! The output: standard output, or a file that bears its name only when it is whole.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use arrow_schema::SchemaRef;
use parquet::{arrow::ArrowWriter, basic::Compression, file::properties::WriterProperties};

use crate::{
    error::BatchError,
    resume::{checkpoint_path, part_path},
    scores::{Encoded, OutputFormat},
};

/// Where the output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Standard,
    /// A file.
    File(PathBuf),
}

/// Standard output as CSV is held back up to so many bytes: of a short table a pipeline gets all rows or none. What is
/// longer streams, and the exit code says whether it is whole.
pub const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Rows of a Parquet row group, which is held in memory until it is full.
const ROW_GROUP_ROWS: usize = 1 << 18;

/// Where bytes are written.
#[derive(Debug)]
pub struct Sink {
    to: To,
    /// How a person calls it.
    what: String,
    /// Bytes so far.
    written: u64,
    /// The name that the file gets when it is whole.
    becomes: Option<PathBuf>,
}

#[derive(Debug)]
enum To {
    /// With what is held back, while it is.
    Standard(Option<Vec<u8>>),
    File(File),
    Parquet(Box<ArrowWriter<File>>),
}

impl Sink {
    /// Opens the output, `kept` bytes of which are there already.
    ///
    /// # Errors
    /// [`BatchError::Write`]; [`BatchError::Option`] where another run writes it, or less is there.
    pub fn open(output: &Output, format: OutputFormat, schema: SchemaRef, kept: u64) -> Result<Self, BatchError> {
        let Output::File(path) = output else {
            if format == OutputFormat::Parquet {
                return Err(BatchError::Option("Parquet is written to a file, which --output names".to_owned()));
            }
            let held = (format == OutputFormat::Csv).then(Vec::new);
            return Ok(Self {
                to: To::Standard(held),
                what: "to standard output".to_owned(),
                written: 0,
                becomes: None,
            });
        };
        // A device or a pipe is written as it is: there is no name to give in the end.
        let special = fs::metadata(path).is_ok_and(|data| !data.is_file());
        let place = if special { path.clone() } else { part_path(path) };
        let what = format!("`{}`", path.display());
        let failed = |error| BatchError::write(&what, error);
        let mut file = OpenOptions::new().write(true).create(!special).truncate(false).open(&place).map_err(failed)?;
        if !special {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(BatchError::Option(format!("another run is writing `{}`", place.display())));
                }
                // Not every file system knows locks.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            let there = file.metadata().map_err(failed)?.len();
            if there < kept {
                return Err(BatchError::Option(format!(
                    "`{}` has {there} bytes, and {kept} were written; without --resume the work begins anew",
                    place.display()
                )));
            }
            file.set_len(kept).map_err(failed)?;
            file.seek(SeekFrom::Start(kept)).map_err(failed)?;
        }
        let becomes = (!special).then(|| path.clone());
        let to = if format == OutputFormat::Parquet {
            let properties = WriterProperties::builder()
                .set_compression(Compression::SNAPPY)
                .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                .build();
            let writer = ArrowWriter::try_new(file, schema, Some(properties))
                .map_err(|error| BatchError::Data(format!("the output has no such form: {error}")))?;
            To::Parquet(Box::new(writer))
        } else {
            To::File(file)
        };
        Ok(Self { to, what, written: kept, becomes })
    }

    /// Bytes written and given to the system.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Whether what is written so far can be kept for another run.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        matches!(self.to, To::File(_)) && self.becomes.is_some()
    }

    /// Appends.
    ///
    /// # Errors
    /// [`BatchError::Write`], or [`BatchError::Closed`] where nobody reads any more.
    pub fn append(&mut self, block: &Encoded) -> Result<(), BatchError> {
        let failed = |what: &str, error: std::io::Error| BatchError::write(what, error);
        match (&mut self.to, block) {
            (To::Standard(held), Encoded::Bytes(bytes)) => {
                if let Some(waiting) = held {
                    waiting.extend_from_slice(bytes);
                    if waiting.len() <= HELD_BYTES_MAX {
                        return Ok(());
                    }
                }
                let waiting = held.take();
                to_stdout(waiting.as_deref().unwrap_or(bytes))
            }
            (To::File(file), Encoded::Bytes(bytes)) => {
                file.write_all(bytes).map_err(|error| failed(&self.what, error))?;
                self.written += bytes.len() as u64;
                Ok(())
            }
            (To::Parquet(writer), Encoded::Batch(batch)) => {
                writer.write(batch).map_err(|error| failed(&self.what, error.into()))
            }
            // Nothing stands around the rows of a Parquet file.
            (To::Parquet(_), Encoded::Bytes(_)) | (_, Encoded::Batch(_)) => Ok(()),
        }
    }

    /// Makes sure that what is written outlives a power cut.
    ///
    /// # Errors
    /// [`BatchError::Write`].
    pub fn sync(&self) -> Result<(), BatchError> {
        match &self.to {
            To::File(file) if self.becomes.is_some() => {
                file.sync_data().map_err(|error| BatchError::write(&self.what, error))
            }
            _ => Ok(()),
        }
    }

    /// Ends the output; a file gets its name.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn finish(self) -> Result<(), BatchError> {
        let failed = |error: std::io::Error| BatchError::write(&self.what, error);
        match self.to {
            To::Standard(held) => to_stdout(held.as_deref().unwrap_or_default())?,
            To::File(file) if self.becomes.is_some() => file.sync_all().map_err(failed)?,
            To::File(_) => {}
            To::Parquet(writer) => {
                let file = writer.into_inner().map_err(|error| failed(error.into()))?;
                if self.becomes.is_some() {
                    file.sync_all().map_err(failed)?;
                }
            }
        }
        if let Some(path) = &self.becomes {
            fs::rename(part_path(path), path).map_err(failed)?;
            remove(&checkpoint_path(path)).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes what was begun: its input is wrong, so nobody will go on with it.
    pub fn discard(self) {
        if let Some(path) = &self.becomes {
            // What cannot be removed does no harm: it does not bear the output's name.
            let _ = remove(&part_path(path));
            let _ = remove(&checkpoint_path(path));
        }
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn to_stdout(bytes: &[u8]) -> Result<(), BatchError> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| BatchError::write("to standard output", error))
}
