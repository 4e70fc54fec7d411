//! The lines of a text file, with a way back by one.

use std::str::FromStr;

use crate::error::{ImportError, shown};

/// Reads line after line; a line ends with `\n` or `\r\n`.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    before: usize,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, before: 0, number: 1 }
    }

    /// The number of the line that comes next, from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = rest.split('\n').next().unwrap_or_default();
        self.before = self.at;
        self.at = (self.at + line.len() + 1).min(self.text.len());
        self.number += 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    pub(super) fn next_non_empty(&mut self) -> Option<&'a str> {
        loop {
            match self.next() {
                Some("") => {}
                line => return line,
            }
        }
    }

    /// Goes back to before the line last read.
    pub(super) fn back(&mut self) {
        self.at = self.before;
        self.number -= 1;
    }

    /// Where the next line that is not empty begins, in bytes.
    pub(super) fn next_offset(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at + (rest.len() - rest.trim_start_matches(['\n', '\r']).len())
    }
}

/// One number.
pub(super) fn number<T: FromStr>(name: &str, text: &str) -> Result<T, ImportError> {
    text.parse().map_err(|_| ImportError::refuse(format!("`{name}` holds `{}`, which is no number", shown(text))))
}

/// Numbers with spaces between.
pub(super) fn numbers<T: FromStr>(name: &str, text: &str) -> Result<Vec<T>, ImportError> {
    text.split(' ').filter(|word| !word.is_empty()).map(|word| number(name, word)).collect()
}
