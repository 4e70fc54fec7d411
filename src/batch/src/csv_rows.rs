//! A CSV file in blocks of whole records, which any thread can read by itself.

use std::io::Read;

use crate::error::BatchError;

/// Bytes of a block, about.
pub const BLOCK_BYTES: usize = 1 << 20;
/// The longest record in bytes: one quotation mark that is never closed must not fill the memory.
pub const RECORD_BYTES_MAX: usize = 16 * BLOCK_BYTES;

/// Whole records.
#[derive(Clone, Debug, Default)]
pub struct CsvBlock {
    /// The records as they stand in the file.
    pub bytes: Vec<u8>,
    /// The line on which the first record begins, from 1.
    pub first_line: u64,
}

impl CsvBlock {
    /// The line of the record that a reader finds from this byte on, past blank lines.
    #[must_use]
    pub fn line_of(&self, start: u64) -> u64 {
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.bytes.len());
        let (before, after) = self.bytes.split_at(start);
        let blank = after.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        self.first_line + before.iter().chain(blank).filter(|byte| **byte == b'\n').count() as u64
    }
}

/// Where a file goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvPlace {
    /// Bytes before it.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
}

/// Cuts what a reader gives into blocks.
pub struct CsvBlocks {
    reader: Box<dyn Read + Send>,
    /// What was read and not yet given out; it begins with a record.
    rest: Vec<u8>,
    place: CsvPlace,
    ended: bool,
}

impl std::fmt::Debug for CsvBlocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvBlocks").field("place", &self.place).field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl CsvBlocks {
    /// Goes on at a place that the reader already stands at, `rest` having been read from it before.
    #[must_use]
    pub fn new(reader: Box<dyn Read + Send>, rest: Vec<u8>, place: CsvPlace) -> Self {
        Self { reader, rest, place, ended: false }
    }

    /// Where the next block begins.
    #[must_use]
    pub fn place(&self) -> CsvPlace {
        self.place
    }

    /// Reads the header, which is the first record.
    ///
    /// # Errors
    /// [`BatchError`] where there is none.
    pub fn header(&mut self) -> Result<Vec<String>, BatchError> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        self.fill(MARK.len())?;
        if self.rest.starts_with(MARK) {
            self.take(MARK.len());
        }
        let mut wanted = BLOCK_BYTES;
        let end = loop {
            self.fill(wanted)?;
            match first_record_end(&self.rest, self.ended) {
                Some(end) => break end,
                None if self.ended => return Err(BatchError::Data("it is empty".to_owned())),
                None => wanted = self.more(wanted)?,
            }
        };
        let bytes = self.take(end);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes.as_slice());
        let mut header = csv::StringRecord::new();
        match reader.read_record(&mut header) {
            Ok(true) => Ok(header.iter().map(str::to_owned).collect()),
            Ok(false) => Err(BatchError::Data("it is empty".to_owned())),
            Err(_) => Err(BatchError::Data("the header cannot be read: it is not UTF-8 text".to_owned())),
        }
    }

    /// The next block, or `None` after the last.
    ///
    /// # Errors
    /// [`BatchError::Read`], and [`BatchError::Row`] for a record that is longer than [`RECORD_BYTES_MAX`].
    pub fn next_block(&mut self) -> Result<Option<CsvBlock>, BatchError> {
        let mut wanted = BLOCK_BYTES;
        loop {
            self.fill(wanted)?;
            if self.rest.is_empty() {
                return Ok(None);
            }
            let end = if self.ended { Some(self.rest.len()) } else { last_record_end(&self.rest) };
            if let Some(end) = end {
                let first_line = self.place.line;
                return Ok(Some(CsvBlock { bytes: self.take(end), first_line }));
            }
            wanted = self.more(wanted)?;
        }
    }

    fn more(&self, wanted: usize) -> Result<usize, BatchError> {
        if wanted < RECORD_BYTES_MAX {
            return Ok(wanted + BLOCK_BYTES);
        }
        let why = format!(" is longer than {RECORD_BYTES_MAX} bytes; a quotation mark may not be closed");
        Err(BatchError::Row { place: "line", number: self.place.line, why })
    }

    /// Reads until there are so many bytes, or no more.
    fn fill(&mut self, wanted: usize) -> Result<(), BatchError> {
        let lacking = wanted.saturating_sub(self.rest.len());
        if lacking == 0 || self.ended {
            return Ok(());
        }
        let read = self.reader.by_ref().take(lacking as u64).read_to_end(&mut self.rest).map_err(BatchError::Read)?;
        self.ended = read < lacking;
        Ok(())
    }

    fn take(&mut self, end: usize) -> Vec<u8> {
        let rest = self.rest.split_off(end);
        let bytes = std::mem::replace(&mut self.rest, rest);
        self.place.offset += bytes.len() as u64;
        self.place.line += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        bytes
    }
}

/// Where a reader of CSV stands within a record (RFC 4180, as the crate `csv` reads it).
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the start of a field.
    Start,
    /// In a field without quotation marks; one in the middle is text.
    Plain,
    /// Between quotation marks.
    Quoted,
    /// After a quotation mark that ends the field, unless another follows.
    Closing,
}

impl State {
    /// The state after a byte; `None` where the byte ends the record.
    fn after(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Quoted, b'"') => Self::Closing,
            (Self::Quoted, _) | (Self::Start | Self::Closing, b'"') => Self::Quoted,
            (_, b'\n' | b'\r') => return None,
            (_, b',') => Self::Start,
            _ => Self::Plain,
        })
    }
}

/// The end of the last whole record of bytes that begin with one.
fn last_record_end(bytes: &[u8]) -> Option<usize> {
    if !bytes.contains(&b'"') {
        let last = bytes.iter().rposition(|byte| *byte == b'\n');
        return last.or_else(|| bytes.iter().rposition(|byte| *byte == b'\r')).map(|at| at + 1);
    }
    let (mut state, mut end) = (State::Start, None);
    for (at, byte) in bytes.iter().enumerate() {
        state = state.after(*byte).unwrap_or_else(|| {
            end = Some(at + 1);
            State::Start
        });
    }
    end
}

/// The end of the first record, blank lines before it included.
fn first_record_end(bytes: &[u8], ended: bool) -> Option<usize> {
    let (mut state, mut begun) = (State::Start, false);
    for (at, byte) in bytes.iter().enumerate() {
        match state.after(*byte) {
            Some(next) => (state, begun) = (next, true),
            None if begun => return Some(at + 1),
            None => state = State::Start,
        }
    }
    (ended && begun).then_some(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records, read in blocks of `size`.
    fn in_blocks(bytes: &[u8], size: usize) -> Vec<Vec<String>> {
        let (mut found, mut rest) = (Vec::new(), bytes.to_vec());
        while !rest.is_empty() {
            let end = (1..)
                .map(|times| (size * times).min(rest.len()))
                .find_map(|seen| if seen == rest.len() { Some(seen) } else { last_record_end(&rest[..seen]) })
                .unwrap();
            let block: Vec<u8> = rest.drain(..end).collect();
            found.extend(records(&block));
        }
        found
    }

    fn records(bytes: &[u8]) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut found = Vec::new();
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).unwrap() {
            found.push(record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
        }
        found
    }

    /// Every text of up to five bytes over the bytes that matter to CSV, cut at every place, gives the records that it
    /// gives when read whole by the crate `csv`.
    #[test]
    fn blocks_hold_the_records_of_the_whole() {
        const BYTES: [u8; 5] = *b"a,\"\n\r";
        let mut texts = 0;
        for length in 1..=5_u32 {
            for number in 0..5_usize.pow(length) {
                let text: Vec<u8> = (0..length).map(|at| BYTES[number / 5_usize.pow(at) % 5]).collect();
                let whole = records(&text);
                for size in 1..=text.len() {
                    assert_eq!(
                        in_blocks(&text, size),
                        whole,
                        "{:?} in blocks of {size}",
                        String::from_utf8_lossy(&text)
                    );
                }
                texts += 1;
            }
        }
        assert_eq!(texts, 3_905);
    }

    /// Counted by hand; a reader of CSV itself counts blank lines and carriage returns in another way.
    #[test]
    fn a_record_goes_by_the_line_on_which_it_begins() {
        let bytes = b"1\n\"a\nb\"\n\n3\r\n4\n".to_vec();
        let block = CsvBlock { bytes, first_line: 11 };
        let lines: Vec<u64> = [0, 2, 8, 11].into_iter().map(|start| block.line_of(start)).collect();
        assert_eq!(lines, [11, 12, 15, 16]);
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_refused_in_bounded_memory() {
        let endless = std::io::repeat(b'x');
        let mut blocks = CsvBlocks::new(
            Box::new(std::io::Cursor::new(b"a\n\"".to_vec()).chain(endless)),
            Vec::new(),
            CsvPlace { offset: 0, line: 1 },
        );
        assert_eq!(blocks.header().unwrap(), ["a"]);
        let error = blocks.next_block().unwrap_err().to_string();
        assert_eq!(error, "line 2 is longer than 16777216 bytes; a quotation mark may not be closed");
        assert!(blocks.rest.len() <= RECORD_BYTES_MAX + BLOCK_BYTES);
    }
}
