//! A stream of Arrow (IPC), batch after batch.

use std::io::{ErrorKind, Read};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::SchemaRef;

use crate::{
    error::BatchError,
    parquet_rows::{guarded, plain_words},
};

/// What a stream begins with: the mark that a message follows.
pub const MAGIC: &[u8] = b"\xff\xff\xff\xff";
/// What a file of Arrow begins with, which is no stream.
pub const FILE_MAGIC: &[u8] = b"ARROW1";
/// Bytes read at a time. Messages grow by what really comes, so that a stated size alone takes no memory.
const READ_BYTES: usize = 1 << 16;

/// A stream that is being read.
pub struct ArrowRows {
    reader: Box<dyn Read + Send>,
    decoder: StreamDecoder,
    buffer: Buffer,
}

impl std::fmt::Debug for ArrowRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrowRows").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}

impl ArrowRows {
    /// Reads a stream, `start` having been read from it before, up to its columns and types.
    ///
    /// # Errors
    /// [`BatchError::Data`] for what is no stream of Arrow.
    pub fn open(
        reader: Box<dyn Read + Send>,
        start: Vec<u8>,
    ) -> Result<(Self, SchemaRef, Option<RecordBatch>), BatchError> {
        let mut rows = Self { reader, decoder: StreamDecoder::new(), buffer: Buffer::from_vec(start) };
        loop {
            let batch = rows.decode()?;
            match rows.decoder.schema() {
                Some(schema) => return Ok((rows, schema, batch)),
                None if rows.read()? => {}
                None => return Err(damaged("it ends before its columns are named")),
            }
        }
    }

    /// The next batch, or `None` after the last.
    ///
    /// # Errors
    /// [`BatchError::Data`] for a stream that is damaged or ends within a batch.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>, BatchError> {
        loop {
            if let Some(batch) = self.decode()? {
                return Ok(Some(batch));
            }
            if !self.read()? {
                return match self.decoder.finish() {
                    Ok(()) => Ok(None),
                    Err(_) => Err(damaged("it ends within a batch")),
                };
            }
        }
    }

    fn decode(&mut self) -> Result<Option<RecordBatch>, BatchError> {
        guarded(|| self.decoder.decode(&mut self.buffer).map_err(|error| damaged(&error.to_string())))
    }

    /// Whether there was more.
    fn read(&mut self) -> Result<bool, BatchError> {
        let mut bytes = vec![0; READ_BYTES];
        // What is there, not what fits: whoever sends one batch and waits for its scores must get them.
        let read = loop {
            match self.reader.read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read.map_err(BatchError::Read)?,
            }
        };
        bytes.truncate(read);
        self.buffer = Buffer::from_vec(bytes);
        Ok(read > 0)
    }
}

fn damaged(why: &str) -> BatchError {
    BatchError::Data(format!("it is no stream of Arrow, or a damaged one: {}", plain_words(why)))
}
