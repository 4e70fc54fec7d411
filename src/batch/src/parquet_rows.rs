//! Rows of a Parquet file, batch after batch.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::SchemaRef;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    file::reader::ChunkReader,
};

use crate::error::BatchError;

/// What a Parquet file begins with.
pub const MAGIC: &[u8] = b"PAR1";

/// A reader of some columns from some row on.
#[derive(Debug)]
pub struct ParquetRows(ParquetRecordBatchReader);

/// An opened file whose columns are known.
#[derive(Debug)]
pub struct ParquetFile<R: ChunkReader + 'static>(ParquetRecordBatchReaderBuilder<R>);

impl<R: ChunkReader + 'static> ParquetFile<R> {
    /// Reads what stands at the end of the file: its columns, and where they lie.
    ///
    /// # Errors
    /// [`BatchError::Data`] for a file that is damaged, cut off, or no Parquet.
    pub fn open(file: R) -> Result<Self, BatchError> {
        guarded(|| ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| damaged(&error))).map(Self)
    }

    /// Names and types of the columns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.0.schema().clone()
    }

    /// Rows of the whole file.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::try_from(self.0.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Reads the columns at these positions, in batches, from a row on (0 being the first).
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(self, columns: &[usize], batch_rows: usize, first_row: u64) -> Result<ParquetRows, BatchError> {
        let mask = ProjectionMask::roots(self.0.parquet_schema(), columns.iter().copied());
        let skipped = usize::try_from(first_row).unwrap_or(usize::MAX);
        let reader = self.0.with_projection(mask).with_batch_size(batch_rows).with_offset(skipped);
        guarded(|| reader.build().map_err(|error| damaged(&error))).map(ParquetRows)
    }
}

impl ParquetRows {
    /// The columns that are read, in the order of the file.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// [`BatchError::Data`] for what cannot be decoded.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, BatchError> {
        guarded(|| self.0.next().transpose().map_err(|error| damaged(&error)))
    }
}

fn damaged(error: &dyn std::fmt::Display) -> BatchError {
    let text = error.to_string();
    // The library's words for a codec that is compiled out name its features.
    let why = match text.split_once("Disabled feature at compile time: ") {
        Some((_, codec)) => format!("its columns are compressed with {codec}; Snappy, LZ4 and gzip can be read"),
        None => format!("it is no Parquet file, or a damaged one: {}", plain_words(&text)),
    };
    BatchError::Data(why)
}

/// What a decoder says, without the dump of its own types that it may add.
pub(crate) fn plain_words(text: &str) -> &str {
    let end = [" {", "::", "\n"].iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end()
}

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is within a decoder, whose complaints become an error of ours: what a program's panic hook asks
/// before it prints anything.
#[must_use]
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// The decoder has asserts of its own, which damaged files reach; to whoever runs this they are damaged files.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, BatchError>) -> Result<T, BatchError> {
    DECODING.set(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(false);
    done.unwrap_or_else(|_| Err(BatchError::Data("it is damaged: it contradicts itself".to_owned())))
}
