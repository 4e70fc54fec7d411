//! Reading tokens into values, with as little code for each type as can be.
//!
//! Reading never stops in the middle: what is wrong is noted, once, and something harmless stands in its place until
//! the caller asks whether anything was noted. A type's reader is then one call for each field, without a way out
//! after every one, which was most of what a browser downloaded.

use core::{cell::RefCell, fmt};

use super::{
    JsonError,
    tokens::{self, Token, Value},
};

/// A type that can be read from a document. Derived by `prequal_derive::Read` from serde's attributes.
pub trait Read: Sized {
    /// Whether a member of this type may be left out.
    const OPTIONAL: bool = false;

    /// Reads one value. Of what cannot be read the node takes note, and the value does not matter.
    fn read(node: Node<'_>) -> Self;
}

/// The tokens of a document, and the first thing in it that was not expected.
pub(super) struct Parsed<'t> {
    tokens: Vec<Token<'t>>,
    problem: RefCell<Option<JsonError>>,
}

impl<'t> Parsed<'t> {
    pub(super) fn split(text: &'t str) -> Result<Self, JsonError> {
        Ok(Self { tokens: tokens::split(text)?, problem: RefCell::new(None) })
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node { document: self, at: 0 }
    }

    /// What was not expected, with its place in `text`.
    #[inline(never)]
    pub(super) fn end(self, text: &str) -> Result<(), JsonError> {
        match self.problem.into_inner() {
            None => Ok(()),
            Some(problem) => Err(problem.placed_in(text)),
        }
    }
}

/// Where a member would be that is not there.
const ABSENT: usize = usize::MAX;

/// One value of a document, or the place of one that is absent.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    document: &'t Parsed<'t>,
    at: usize,
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node at token {}", self.at)
    }
}

impl<'t> Node<'t> {
    fn value(self) -> Option<&'t Value<'t>> {
        self.document.tokens.get(self.at).map(|token| &token.value)
    }

    fn at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// The index past this value.
    fn after(self) -> usize {
        match self.value() {
            Some(Value::List { end } | Value::Object { end }) => *end,
            _ => self.at.saturating_add(1),
        }
    }

    /// The index past the last token inside a list or an object.
    fn end(self) -> usize {
        if let Some(Value::List { end } | Value::Object { end }) = self.value() { *end } else { 0 }
    }

    /// Takes note that something is wrong at this place, unless something was wrong before.
    #[cold]
    #[inline(never)]
    pub fn fail(self, message: fmt::Arguments<'_>) {
        if let Ok(mut problem) = self.document.problem.try_borrow_mut()
            && problem.is_none()
        {
            let offset = self.document.tokens.get(self.at).map_or(0, |token| token.offset);
            *problem = Some(JsonError::new(message).beginning(offset));
        }
    }

    /// Takes note of what was found in place of what was `expected`.
    #[cold]
    #[inline(never)]
    pub fn unexpected(self, expected: &str) {
        let found: &dyn fmt::Display = match self.value() {
            None | Some(Value::Null) => &"`null`",
            Some(Value::Flag(true)) => &"`true`",
            Some(Value::Flag(false)) => &"`false`",
            Some(Value::Integer(number)) => return self.fail(format_args!("expected {expected}, found `{number}`")),
            Some(Value::Beyond { .. } | Value::Fraction { huge: true }) => &"a number beyond 64 bits",
            Some(Value::Fraction { .. }) => &"a number with a fraction or an exponent",
            Some(Value::Text(text)) => return self.fail(format_args!("expected {expected}, found the text `{text}`")),
            Some(Value::List { .. }) => &"a list",
            Some(Value::Object { .. }) => &"an object",
        };
        self.fail(format_args!("expected {expected}, found {found}"));
    }

    /// Whether it is `null`, or not there at all.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.value(), None | Some(Value::Null))
    }

    /// The text, where it is one.
    #[must_use]
    pub fn as_text(self) -> Option<&'t str> {
        if let Some(Value::Text(text)) = self.value() { Some(text) } else { None }
    }

    /// The truth value, where it is one.
    #[must_use]
    pub fn as_flag(self) -> Option<bool> {
        if let Some(Value::Flag(flag)) = self.value() { Some(*flag) } else { None }
    }

    /// The whole number, where it is one that fits.
    #[must_use]
    pub fn as_integer(self) -> Option<i64> {
        if let Some(Value::Integer(number)) = self.value() { Some(*number) } else { None }
    }

    /// Whether it is a number beyond 64 bits, and then whether it is below zero.
    #[must_use]
    pub fn is_number_beyond(self) -> Option<bool> {
        match self.value() {
            Some(Value::Beyond { negative }) => Some(*negative),
            Some(Value::Fraction { huge: true }) => Some(false),
            _ => None,
        }
    }

    /// Whether it is a number with a fraction or an exponent, within 64 bits.
    #[must_use]
    pub fn is_fraction(self) -> bool {
        matches!(self.value(), Some(Value::Fraction { huge: false }))
    }

    /// A text.
    #[inline(never)]
    pub fn text(self) -> &'t str {
        self.text_or("a text")
    }

    fn text_or(self, expected: &str) -> &'t str {
        self.as_text().unwrap_or_else(|| {
            self.unexpected(expected);
            ""
        })
    }

    /// A whole number from `min` to `max`.
    #[inline(never)]
    pub fn integer(self, min: i64, max: i64) -> i64 {
        match self.as_integer() {
            Some(number) if min <= number && number <= max => number,
            _ => {
                self.unexpected("a whole number in range");
                0
            }
        }
    }

    /// A text that `parse` turns into something, or nothing, of which note is taken.
    pub fn parsed<T, E: fmt::Display>(self, expected: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let Some(text) = self.as_text() else {
            self.unexpected(expected);
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(format_args!("{error}"));
                None
            }
        }
    }

    /// A list's elements; none where it is something else.
    #[inline(never)]
    pub fn list(self) -> Nodes<'t> {
        if !matches!(self.value(), Some(Value::List { .. })) {
            self.unexpected("a list");
            return Nodes { next: self, end: 0 };
        }
        Nodes { next: self.at(self.at + 1), end: self.end() }
    }

    /// An object's keys and values in turn; none where it is something else.
    #[inline(never)]
    pub fn entries(self) -> Nodes<'t> {
        if !matches!(self.value(), Some(Value::Object { .. })) {
            self.unexpected("an object");
            return Nodes { next: self, end: 0 };
        }
        Nodes { next: self.at(self.at + 1), end: self.end() }
    }

    /// The members of an object, by the index of their names; each may stand there once, and no others. Bits of
    /// `optional` are the names that may be left out; with `open`, members of other names are left alone.
    pub fn object<const N: usize>(self, names: &[&str; N], optional: u64, open: bool) -> Members<'t, N> {
        let mut slots = [ABSENT; N];
        self.members(names, optional, open, &mut slots);
        Members { document: self.document, slots }
    }

    #[inline(never)]
    fn members(self, names: &[&str], optional: u64, open: bool, slots: &mut [usize]) {
        let mut nodes = self.entries();
        let end = nodes.end;
        while let Some(key) = nodes.next() {
            let Some(value) = nodes.next() else { break };
            let name = key.text();
            let Some(slot) = names.iter().position(|known| *known == name).and_then(|index| slots.get_mut(index))
            else {
                if !open {
                    key.unknown("field", name, names);
                }
                continue;
            };
            if *slot != ABSENT {
                key.fail(format_args!("duplicate field `{name}`"));
            }
            *slot = value.at;
        }
        if end == 0 {
            return;
        }
        for (index, (slot, name)) in slots.iter().zip(names).enumerate() {
            if *slot == ABSENT && optional >> (index & 63) & 1 == 0 {
                self.fail(format_args!("missing field `{name}`"));
            }
        }
    }

    /// The index of one of these names, alone or as the one key of an object. Bits of `units` are the names that
    /// stand alone; the others have a value, [`Self::variant_value`].
    #[inline(never)]
    pub fn variant(self, names: &[&str], units: u64) -> usize {
        let mut key = self;
        let mut bare = true;
        if let Some(Value::Object { end }) = self.value() {
            key = self.at(self.at + 1);
            bare = false;
            let value = self.at(key.after());
            if value.at >= *end || value.after() != *end {
                self.fail(format_args!("one key is expected"));
                return 0;
            }
        }
        let name = key.text_or("one of the names it may have");
        let Some(index) = names.iter().position(|known| *known == name) else {
            key.unknown("variant", name, names);
            return 0;
        };
        match (bare, units >> (index & 63) & 1 == 1) {
            (true, false) => key.fail(format_args!("the name needs a value, as `{{\"name\": value}}`")),
            (false, true) => key.fail(format_args!("the name stands alone, without a value")),
            _ => {}
        }
        index
    }

    /// What follows a variant's name.
    #[must_use]
    pub fn variant_value(self) -> Self {
        match self.value() {
            Some(Value::Object { .. }) => self.at(self.at(self.at + 1).after()),
            _ => self.at(ABSENT),
        }
    }

    #[cold]
    #[inline(never)]
    fn unknown(self, what: &str, name: &str, names: &[&str]) {
        let mut expected = String::new();
        for name in names {
            expected.push_str(if expected.is_empty() { "`" } else { ", `" });
            expected.push_str(name);
            expected.push('`');
        }
        let several = if names.len() == 1 { "" } else { "one of " };
        self.fail(format_args!("unknown {what} `{name}`, expected {several}{expected}"));
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
        self.next = node.at(node.after());
        Some(node)
    }
}

/// An object's members by the index of their names.
pub struct Members<'t, const N: usize> {
    document: &'t Parsed<'t>,
    slots: [usize; N],
}

impl<const N: usize> fmt::Debug for Members<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.slots).finish()
    }
}

impl<'t, const N: usize> Members<'t, N> {
    /// Whether the member is there.
    #[must_use]
    pub fn has(&self, index: usize) -> bool {
        self.node(index).at != ABSENT
    }

    /// The member, or the place of one that is absent.
    #[must_use]
    #[inline(always)]
    pub fn node(&self, index: usize) -> Node<'t> {
        Node { document: self.document, at: self.slots.get(index).copied().unwrap_or(ABSENT) }
    }

    /// The member.
    #[inline(always)]
    pub fn member<T: Read>(&self, index: usize) -> T {
        T::read(self.node(index))
    }

    /// The member, or what `default` gives where it is absent.
    #[inline(always)]
    pub fn member_or<T: Read>(&self, index: usize, default: impl FnOnce() -> T) -> T {
        if self.has(index) { self.member(index) } else { default() }
    }
}

impl Read for String {
    #[inline(never)]
    fn read(node: Node<'_>) -> Self {
        node.text().to_owned()
    }
}

impl Read for bool {
    #[inline(never)]
    fn read(node: Node<'_>) -> Self {
        node.as_flag().unwrap_or_else(|| {
            node.unexpected("`true` or `false`");
            false
        })
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Read for $type {
            fn read(node: Node<'_>) -> Self {
                // The range is checked there.
                node.integer(i64::from(<$type>::MIN), i64::from(<$type>::MAX)) as $type
            }
        }
    )*};
}

integers! { u8 u16 u32 i32 i64 }

impl Read for u64 {
    fn read(node: Node<'_>) -> Self {
        node.integer(0, i64::MAX).unsigned_abs()
    }
}

impl<T: Read> Read for Option<T> {
    const OPTIONAL: bool = true;

    #[inline(never)]
    fn read(node: Node<'_>) -> Self {
        if node.is_null() { None } else { Some(T::read(node)) }
    }
}

impl<T: Read> Read for Vec<T> {
    #[inline(never)]
    fn read(node: Node<'_>) -> Self {
        let mut list = Self::new();
        for element in node.list() {
            list.push(T::read(element));
        }
        list
    }
}

/// A type that is a text with a meaning: what it is called, how it is read, and what stands in for one that is wrong.
macro_rules! read_text {
    ($type:ty, $expected:expr, $parse:expr, $blank:expr) => {
        impl crate::json::Read for $type {
            #[inline(never)]
            fn read(node: crate::json::Node<'_>) -> Self {
                node.parsed($expected, $parse).unwrap_or($blank)
            }
        }
    };
}

/// What was wrong with a form, at most one thing.
#[derive(Debug, Default)]
pub(crate) struct Wrong(Option<String>);

impl Wrong {
    /// Takes note, unless something was wrong before.
    #[cold]
    #[inline(never)]
    pub(crate) fn note(&mut self, message: fmt::Arguments<'_>) {
        if self.0.is_none() {
            self.0 = Some(message.to_string());
        }
    }

    /// That a field is missing.
    pub(crate) fn missing(&mut self, field: &str) {
        self.note(format_args!("missing field `{field}`"));
    }

    pub(crate) fn into_result<T>(self, value: T) -> Result<T, String> {
        match self.0 {
            None => Ok(value),
            Some(message) => Err(message),
        }
    }

    /// Hands on to the document what was wrong.
    pub(crate) fn tell(self, node: Node<'_>) {
        if let Some(message) = self.0 {
            node.fail(format_args!("{message}"));
        }
    }
}

/// A type read as a form of its own and then converted by `from_form`, by serde and by [`Read`] alike.
macro_rules! json_form {
    ($type:ty, $form:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let form = <$form as serde::Deserialize>::deserialize(deserializer)?;
                let mut wrong = crate::json::Wrong::default();
                let value = Self::from_form(form, &mut wrong);
                wrong.into_result(value).map_err(serde::de::Error::custom)
            }
        }

        impl crate::json::Read for $type {
            fn read(node: crate::json::Node<'_>) -> Self {
                let mut wrong = crate::json::Wrong::default();
                let value = Self::from_form(<$form as crate::json::Read>::read(node), &mut wrong);
                wrong.tell(node);
                value
            }
        }
    };
}

pub(crate) use {json_form, read_text};
