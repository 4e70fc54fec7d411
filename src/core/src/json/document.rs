//! A document without a type: for handing on what it says in another form.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{
    JsonError,
    tokens::{self, Token, Value},
};

/// A document split into its tokens.
pub struct Document<'a>(Vec<Token<'a>>);

impl core::fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Document of {} tokens", self.0.len())
    }
}

impl<'a> Document<'a> {
    /// Splits `text`.
    ///
    /// # Errors
    /// [`JsonError`] where it is not JSON, or nested deeper than [`super::DEPTH_MAX`].
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        tokens::split(text).map(Self)
    }
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Part { tokens: &self.0, at: 0 }.serialize(serializer)
    }
}

/// One value of a document, by the index of its first token.
struct Part<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl Part<'_, '_> {
    /// The index just past this value.
    fn end(&self) -> usize {
        match self.tokens.get(self.at).map(|token| &token.value) {
            Some(Value::List { end } | Value::Object { end }) => *end,
            _ => self.at + 1,
        }
    }

    fn other(&self, at: usize) -> Self {
        Self { tokens: self.tokens, at }
    }
}

impl Serialize for Part<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(token) = self.tokens.get(self.at) else { return serializer.serialize_unit() };
        match &token.value {
            Value::Null => serializer.serialize_unit(),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Beyond { .. } | Value::Fraction { .. } => {
                Err(serde::ser::Error::custom("a number is not whole or beyond 64 bits"))
            }
            Value::List { end } => {
                let mut list = serializer.serialize_seq(None)?;
                let mut item = self.other(self.at + 1);
                while item.at < *end {
                    list.serialize_element(&item)?;
                    item.at = item.end();
                }
                list.end()
            }
            Value::Object { end } => {
                let mut object = serializer.serialize_map(None)?;
                let mut key = self.other(self.at + 1);
                while key.at < *end {
                    let value = self.other(key.at + 1);
                    object.serialize_entry(&key, &value)?;
                    key.at = value.end();
                }
                object.end()
            }
        }
    }
}
