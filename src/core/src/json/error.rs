//! What was not expected, and where.

use core::fmt::{self, Write as _};

use serde::de::{self, Expected, Unexpected};

use crate::one_line::OneLine;

/// Why a document was not read: one clause, with line and column where they are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(Box<Problem>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    message: String,
    /// Where in the text, in bytes.
    offset: Option<usize>,
    /// Line and column, from 1; the column counts characters.
    place: Option<(usize, usize)>,
}

impl JsonError {
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self(Box::new(Problem { message: message.to_string(), offset: None, place: None }))
    }

    /// Adds where it was, unless that is known.
    pub(super) fn beginning(mut self, offset: usize) -> Self {
        self.0.offset = self.0.offset.or(Some(offset));
        self
    }

    /// Turns the place in bytes into line and column of `text`.
    pub(super) fn placed_in(mut self, text: &str) -> Self {
        if let Some(before) = self.0.offset.and_then(|offset| text.get(..offset)) {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            self.0.place = Some((line, column));
        }
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut OneLine(f);
        f.write_str(&self.0.message)?;
        match self.0.place {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for JsonError {}

impl de::Error for JsonError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format_args!("expected {}, found {}", Wanted(expected), Found(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format_args!("expected {}, found {}", Wanted(expected), Found(found)))
    }
}

/// What was expected, without the name of a Rust type.
struct Wanted<'a>(&'a dyn Expected);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.0.to_string();
        let named = |kind: &str| wanted.starts_with(kind);
        f.write_str(if named("struct ") || named("internally tagged enum ") {
            "an object"
        } else if named("enum ") || named("variant ") {
            "one of the names it may have"
        } else if ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "usize"].contains(&wanted.as_str()) {
            "a whole number in range"
        } else {
            &wanted
        })
    }
}

/// What was found. Numbers that are not whole or too long are not repeated: their exact value was never taken.
struct Found<'a>(Unexpected<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(flag) => write!(f, "`{flag}`"),
            Unexpected::Unsigned(number) => write!(f, "the number `{number}`"),
            Unexpected::Signed(number) => write!(f, "the number `{number}`"),
            Unexpected::Float(number) if number.abs() == f64::MAX => f.write_str("a number beyond 64 bits"),
            Unexpected::Float(_) => f.write_str("a number with a fraction or an exponent"),
            Unexpected::Str(text) => write!(f, "the text `{text}`"),
            Unexpected::Unit | Unexpected::Option => f.write_str("`null`"),
            Unexpected::Seq => f.write_str("a list"),
            Unexpected::Map => f.write_str("an object"),
            _ => f.write_str("something else"),
        }
    }
}
