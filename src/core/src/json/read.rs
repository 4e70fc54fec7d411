//! Reading tokens into values, with as little code for each type as can be.

use core::fmt;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    JsonError,
    reader::Reader,
    tokens::{Token, Value},
};

/// A type that can be read from a document. Derived by `prequal_derive::Read` from serde's attributes.
pub trait Read: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// [`JsonError`] with the place of what was not expected.
    fn read(node: Node<'_>) -> Result<Self, JsonError>;

    /// What stands for a member that is not there; nothing for most types.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// One value of a document.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node at {}", self.offset())
    }
}

impl<'t> Node<'t> {
    pub(super) fn new(tokens: &'t [Token<'t>]) -> Self {
        Self { tokens, at: 0 }
    }

    fn value(self) -> Option<&'t Value<'t>> {
        self.tokens.get(self.at).map(|token| &token.value)
    }

    fn offset(self) -> usize {
        self.tokens.get(self.at).map_or(0, |token| token.offset)
    }

    fn move_to(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Past this value.
    fn after(self) -> Self {
        match self.value() {
            Some(Value::List { end } | Value::Object { end }) => self.move_to(*end),
            _ => self.move_to(self.at + 1),
        }
    }

    /// An error at this place.
    pub fn error(self, message: impl fmt::Display) -> JsonError {
        JsonError::new(message).beginning(self.offset())
    }

    #[cold]
    fn unexpected(self, expected: &str) -> JsonError {
        let found: &dyn fmt::Display = match self.value() {
            None | Some(Value::Null) => &"`null`",
            Some(Value::Flag(true)) => &"`true`",
            Some(Value::Flag(false)) => &"`false`",
            Some(Value::Integer(number)) => return self.error(format_args!("expected {expected}, found `{number}`")),
            Some(Value::Beyond { .. } | Value::Fraction { huge: true }) => &"a number beyond 64 bits",
            Some(Value::Fraction { .. }) => &"a number with a fraction or an exponent",
            Some(Value::Text(text)) => return self.error(format_args!("expected {expected}, found the text `{text}`")),
            Some(Value::List { .. }) => &"a list",
            Some(Value::Object { .. }) => &"an object",
        };
        self.error(format_args!("expected {expected}, found {found}"))
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.value(), Some(Value::Null))
    }

    /// A text.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn text(self) -> Result<&'t str, JsonError> {
        match self.value() {
            Some(Value::Text(text)) => Ok(text),
            _ => Err(self.unexpected("a text")),
        }
    }

    /// A truth value.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn flag(self) -> Result<bool, JsonError> {
        match self.value() {
            Some(Value::Flag(flag)) => Ok(*flag),
            _ => Err(self.unexpected("`true` or `false`")),
        }
    }

    /// A whole number from `min` to `max`.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn integer(self, min: i64, max: i64) -> Result<i64, JsonError> {
        match self.value() {
            Some(Value::Integer(number)) if (min..=max).contains(number) => Ok(*number),
            _ => Err(self.unexpected("a whole number in range")),
        }
    }

    /// A list's elements.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn list(self) -> Result<Nodes<'t>, JsonError> {
        match self.value() {
            Some(Value::List { end }) => Ok(Nodes { next: self.move_to(self.at + 1), end: *end }),
            _ => Err(self.unexpected("a list")),
        }
    }

    /// An object's keys and values in turn.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn entries(self) -> Result<Nodes<'t>, JsonError> {
        match self.value() {
            Some(Value::Object { end }) => Ok(Nodes { next: self.move_to(self.at + 1), end: *end }),
            _ => Err(self.unexpected("an object")),
        }
    }

    /// An object that may have members of these names, each once, and no others.
    ///
    /// # Errors
    /// Where it is something else, or has another member or one twice.
    pub fn object(self, names: &[&str]) -> Result<Object<'t>, JsonError> {
        let mut nodes = self.entries()?;
        let mut seen = 0_u64;
        while let Some(key) = nodes.next() {
            nodes.next();
            let name = key.text()?;
            let Some(index) = names.iter().position(|known| *known == name) else {
                return Err(key.unknown("field", name, names));
            };
            let bit = 1_u64.checked_shl(u32::try_from(index).unwrap_or(u32::MAX)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(key.error(format_args!("duplicate field `{name}`")));
            }
            seen |= bit;
        }
        Ok(Object(self))
    }

    /// An object whatever members it has.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn open_object(self) -> Result<Object<'t>, JsonError> {
        self.entries().map(|_| Object(self))
    }

    /// One of these names, alone or as the one key of an object.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn variant(self, names: &[&str]) -> Result<(usize, VariantValue<'t>), JsonError> {
        let (key, value) = match self.value() {
            Some(Value::Object { end }) => {
                let key = self.move_to(self.at + 1);
                let value = key.after();
                if value.at >= *end || value.after().at != *end {
                    return Err(self.error("one key is expected"));
                }
                (key, Some(value))
            }
            _ => (self, None),
        };
        let name = key.text()?;
        let index = names.iter().position(|known| *known == name).ok_or_else(|| key.unknown("variant", name, names))?;
        Ok((index, VariantValue { key, value }))
    }

    #[cold]
    fn unknown(self, what: &str, name: &str, names: &[&str]) -> JsonError {
        let mut expected = String::new();
        for name in names {
            expected.push_str(if expected.is_empty() { "`" } else { ", `" });
            expected.push_str(name);
            expected.push('`');
        }
        let several = if names.len() == 1 { "" } else { "one of " };
        self.error(format_args!("unknown {what} `{name}`, expected {several}{expected}"))
    }

    /// Reads by serde: for types whose reader is written by hand.
    ///
    /// # Errors
    /// What the type's reader says.
    pub fn by_serde<T: Deserialize<'t>>(self) -> Result<T, JsonError> {
        let mut reader = Reader::starting(self.tokens, self.at);
        T::deserialize(&mut reader).map_err(|error| error.beginning(self.offset()))
    }
}

/// Values side by side.
#[derive(Debug)]
pub struct Nodes<'t> {
    next: Node<'t>,
    end: usize,
}

impl<'t> Iterator for Nodes<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.next.at >= self.end {
            return None;
        }
        let node = self.next;
        self.next = node.after();
        Some(node)
    }
}

/// An object whose members are asked for by name.
#[derive(Clone, Copy, Debug)]
pub struct Object<'t>(Node<'t>);

impl<'t> Object<'t> {
    /// A member, if it is there.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Node<'t>> {
        let mut nodes = self.0.entries().ok()?;
        while let Some(key) = nodes.next() {
            let value = nodes.next();
            if matches!(key.value(), Some(Value::Text(text)) if text.as_ref() == name) {
                return value;
            }
        }
        None
    }

    /// A member that must be there, unless its type can be absent.
    ///
    /// # Errors
    /// Where it is missing or something else.
    #[inline(never)]
    pub fn member<T: Read>(self, name: &str) -> Result<T, JsonError> {
        match self.get(name) {
            Some(node) => T::read(node),
            None => T::absent().ok_or_else(|| self.missing(name)),
        }
    }

    /// A member, or its type's default.
    ///
    /// # Errors
    /// Where it is something else.
    #[inline(never)]
    pub fn member_or_default<T: Read + Default>(self, name: &str) -> Result<T, JsonError> {
        self.get(name).map_or_else(|| Ok(T::default()), T::read)
    }

    /// A member, or what `default` gives.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn member_or<T: Read>(self, name: &str, default: fn() -> T) -> Result<T, JsonError> {
        self.get(name).map_or_else(|| Ok(default()), T::read)
    }

    #[cold]
    fn missing(self, name: &str) -> JsonError {
        self.0.error(format_args!("missing field `{name}`"))
    }
}

/// What follows a variant's name.
#[derive(Clone, Copy, Debug)]
pub struct VariantValue<'t> {
    key: Node<'t>,
    value: Option<Node<'t>>,
}

impl<'t> VariantValue<'t> {
    /// Nothing may follow.
    ///
    /// # Errors
    /// Where something does.
    pub fn none(self) -> Result<(), JsonError> {
        match self.value {
            None => Ok(()),
            Some(value) => Err(value.error("the name stands alone, without a value")),
        }
    }

    /// A value must follow.
    ///
    /// # Errors
    /// Where none does.
    pub fn some(self) -> Result<Node<'t>, JsonError> {
        self.value.ok_or_else(|| self.key.error("the name needs a value, as `{\"name\": value}`"))
    }

    /// For a name that the list of names has and the type does not: it cannot happen, and says so.
    #[must_use]
    pub fn unknown(self) -> JsonError {
        self.key.error("this name is not known")
    }
}

impl Read for String {
    fn read(node: Node<'_>) -> Result<Self, JsonError> {
        node.text().map(str::to_owned)
    }
}

impl Read for bool {
    fn read(node: Node<'_>) -> Result<Self, JsonError> {
        node.flag()
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Read for $type {
            fn read(node: Node<'_>) -> Result<Self, JsonError> {
                let number = node.integer(i64::from(<$type>::MIN), i64::from(<$type>::MAX))?;
                // The range was just checked.
                Ok(number as $type)
            }
        }
    )*};
}

integers! { u8 u16 u32 i32 i64 }

impl Read for u64 {
    fn read(node: Node<'_>) -> Result<Self, JsonError> {
        Ok(node.integer(0, i64::MAX)?.unsigned_abs())
    }
}

impl<T: Read> Read for Option<T> {
    fn read(node: Node<'_>) -> Result<Self, JsonError> {
        if node.is_null() { Ok(None) } else { T::read(node).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(node: Node<'_>) -> Result<Self, JsonError> {
        let mut list = Self::new();
        for element in node.list()? {
            list.push(T::read(element)?);
        }
        Ok(list)
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(node: Node<'_>) -> Result<Self, JsonError> {
        let mut map = Self::new();
        let mut nodes = node.entries()?;
        while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
            let name = key.text()?;
            if map.insert(name.to_owned(), T::read(value)?).is_some() {
                return Err(key.error(format_args!("`{name}` stands twice in one object")));
            }
        }
        Ok(map)
    }
}

/// Types read by a visitor of their own: a text or a number with checks.
macro_rules! read_by_serde {
    ($($type:ty),* $(,)?) => {$(
        impl crate::json::Read for $type {
            fn read(node: crate::json::Node<'_>) -> Result<Self, crate::json::JsonError> {
                node.by_serde()
            }
        }
    )*};
}

/// A type read as a form of its own and then converted, by serde and by [`Read`] alike.
macro_rules! json_form {
    ($type:ty, $form:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let form = <$form as serde::Deserialize>::deserialize(deserializer)?;
                Self::try_from(form).map_err(serde::de::Error::custom)
            }
        }

        impl crate::json::Read for $type {
            fn read(node: crate::json::Node<'_>) -> Result<Self, crate::json::JsonError> {
                let form = <$form as crate::json::Read>::read(node)?;
                Self::try_from(form).map_err(|error| node.error(error))
            }
        }
    };
}

pub(crate) use {json_form, read_by_serde};
