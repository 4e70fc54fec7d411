//! One cell of a table, whatever the table is written in.

use std::borrow::Cow;

/// A cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A whole number; a truth value is 0 or 1.
    Integer(i64),
    /// A whole number of a column without sign.
    Natural(u64),
    /// A number. A single-precision one is widened, which changes no number.
    Number(f64),
    /// Text, as every cell of a CSV file is.
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// The cell as a CSV file would hold it: numbers as the shortest decimal that reads back as the same number, empty
    /// where missing.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Missing => Cow::Borrowed(""),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Natural(number) => Cow::Owned(number.to_string()),
            Self::Number(number) if number.is_nan() => Cow::Borrowed(""),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The number of a cell that is typed as one; whole numbers beyond 2⁵³ become the nearest float, as they would in
    /// a text that is read.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(number as f64),
            Self::Natural(number) => Some(number as f64),
            Self::Number(number) => Some(number),
            Self::Missing | Self::Text(_) => None,
        }
    }
}

/// Which cells mean "missing", besides the empty one.
#[derive(Clone, Debug, Default)]
pub struct MissingWords {
    words: Vec<String>,
    numbers: Vec<f64>,
}

impl MissingWords {
    /// Text is compared as it is written, typed numbers by their value.
    #[must_use]
    pub fn new(words: &[String]) -> Self {
        let numbers = words.iter().filter_map(|word| parse_number(word)).collect();
        Self { words: words.to_vec(), numbers }
    }

    /// Whether a cell is missing.
    #[must_use]
    pub fn cover(&self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Missing => true,
            Cell::Text(text) => text.trim().is_empty() || self.words.iter().any(|word| word == text),
            _ => cell.number().is_none_or(|number| number.is_nan() || self.numbers.contains(&number)),
        }
    }
}

/// The number that a cell holds, if it is one: digits with a sign, point and exponent, and finite.
#[must_use]
pub fn parse_number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    // `inf` and `nan` are words and not numbers of a table.
    let plain = cell.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_number_and_its_text_are_missing_alike() {
        let words = MissingWords::new(&["-999".to_owned(), "NA".to_owned()]);
        for cell in [Cell::Missing, Cell::Text(" "), Cell::Text("NA"), Cell::Text("-999"), Cell::Number(f64::NAN)] {
            assert!(words.cover(cell), "{cell:?}");
        }
        assert!(words.cover(Cell::Integer(-999)) && words.cover(Cell::Number(-999.0)));
        for cell in [Cell::Text("na"), Cell::Text("-999.0"), Cell::Integer(999), Cell::Natural(0), Cell::Number(0.0)] {
            assert!(!words.cover(cell), "{cell:?}");
        }
    }

    #[test]
    fn words_and_infinities_are_no_numbers() {
        assert_eq!(parse_number(" 1e3 "), Some(1000.0));
        for text in ["inf", "nan", "1e999", "0x10", "1_000", "", "."] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
