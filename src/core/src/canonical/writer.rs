//! The serializer behind [`super::to_string`]: writes straight into the text and reorders an object's entries only
//! where they did not arrive in order, so values declared in key order cost nothing extra.

use crate::order::sort_short;
use core::cmp::Ordering;

use serde::{
    Serialize,
    ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct},
};

use super::{CanonicalError, INTEGER_MAX};

/// One `"key":value` entry of an object that is still open; positions are byte offsets into the text.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    key_end: usize,
    end: usize,
}

/// Whether a byte of a string stands for itself.
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// Writes an integer in decimal digits, without the formatting machinery.
pub(super) fn push_integer(text: &mut Vec<u8>, value: i64) {
    let mut digits = [b'0'; 20];
    let mut left = value.unsigned_abs();
    let mut first = digits.len();
    for slot in digits.iter_mut().rev() {
        // One digit, so nothing is cut off.
        *slot = b'0' + (left % 10) as u8;
        first -= 1;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if value < 0 {
        text.extend_from_slice(b"-");
    }
    text.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// Writes a text in quotes, escaped as the scheme says.
pub(super) fn push_string(text: &mut Vec<u8>, value: &str) {
    text.extend_from_slice(b"\"");
    if value.bytes().all(is_plain) {
        text.extend_from_slice(value.as_bytes());
    } else {
        push_escaped(text, value);
    }
    text.extend_from_slice(b"\"");
}

fn push_escaped(text: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0..0x20 => {
                text.extend_from_slice(b"\\u00");
                text.extend_from_slice(super::hex(&[byte]).as_bytes());
                continue;
            }
            plain => {
                text.extend_from_slice(&[plain]);
                continue;
            }
        };
        text.extend_from_slice(&[b'\\', short]);
    }
}

/// An error behind one pointer: it is handed on after every value that is written, and its size would be paid there.
#[derive(Debug)]
pub(super) struct Fault(Box<CanonicalError>);

impl Fault {
    pub(super) fn into_inner(self) -> CanonicalError {
        *self.0
    }
}

impl From<CanonicalError> for Fault {
    fn from(error: CanonicalError) -> Self {
        Self(Box::new(error))
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        core::fmt::Display::fmt(&self.0, f)
    }
}

impl core::error::Error for Fault {}

impl serde::ser::Error for Fault {
    fn custom<T: core::fmt::Display>(message: T) -> Self {
        CanonicalError::Unsupported(message.to_string()).into()
    }
}

pub(super) struct Writer {
    /// UTF-8: whole texts and ASCII go in.
    pub(super) text: Vec<u8>,
    /// Entries of all open objects; each object owns the tail from where it began.
    entries: Vec<Entry>,
}

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), entries: Vec::with_capacity(64) }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.text
    }

    pub(super) fn string(&mut self, value: &str) {
        push_string(&mut self.text, value);
    }

    pub(super) fn integer(&mut self, value: i64) -> Result<(), Fault> {
        if !(-INTEGER_MAX..=INTEGER_MAX).contains(&value) {
            return Err(CanonicalError::IntegerOutOfRange.into());
        }
        push_integer(&mut self.text, value);
        Ok(())
    }

    pub(super) fn open_object(&mut self) -> Object<'_> {
        self.text.push(b'{');
        Object { first: self.entries.len(), sorted: true, previous: "", closing: "}", writer: self }
    }

    pub(super) fn open_array(&mut self) -> Array<'_> {
        self.text.push(b'[');
        Array { empty: true, writer: self }
    }

    /// The key of an entry as written: escaped, without its quotes.
    fn key(&self, entry: Entry) -> &str {
        let key = self.text.get(entry.start + 1..entry.key_end - 1);
        key.and_then(|key| core::str::from_utf8(key).ok()).unwrap_or_default()
    }

    fn compare(&self, a: Entry, b: Entry) -> Ordering {
        let (a, b) = (self.key(a), self.key(b));
        let plain = |key: &str| key.is_ascii() && !key.contains('\\');
        if plain(a) && plain(b) {
            return a.cmp(b);
        }
        unescape(a).encode_utf16().cmp(unescape(b).encode_utf16())
    }
}

/// Undoes the escapes that [`Writer::string`] writes.
fn unescape(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    let mut chars = key.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            text.push(char);
            continue;
        }
        match chars.next() {
            Some('b') => text.push('\u{8}'),
            Some('t') => text.push('\t'),
            Some('n') => text.push('\n'),
            Some('f') => text.push('\u{c}'),
            Some('r') => text.push('\r'),
            Some('u') => {
                let hex: String = chars.by_ref().take(4).collect();
                text.extend(u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32));
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

pub(super) struct Object<'a> {
    writer: &'a mut Writer,
    first: usize,
    sorted: bool,
    /// The field before, where fields have names of the program: ASCII, compared without a look at the text.
    previous: &'static str,
    pub(super) closing: &'static str,
}

impl Object<'_> {
    /// Writes one key by `write` and remembers where its entry began.
    fn key(&mut self, write: impl FnOnce(&mut Writer) -> Result<(), Fault>) -> Result<(), Fault> {
        let follows = self.writer.entries.len() > self.first;
        if follows {
            self.writer.text.push(b',');
        }
        let start = self.writer.text.len();
        write(&mut *self.writer)?;
        if self.writer.text.get(start) != Some(&b'"') {
            return Err(CanonicalError::KeyNotString.into());
        }
        let entry = Entry { start, key_end: self.writer.text.len(), end: start };
        if self.sorted && follows {
            self.sorted =
                self.writer.entries.last().is_none_or(|last| self.writer.compare(*last, entry) == Ordering::Less);
        }
        self.writer.entries.push(entry);
        self.writer.text.push(b':');
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
        self.field_key(key);
        self.value(value)
    }

    // Not repeated for every field of every type.
    #[inline(never)]
    fn field_key(&mut self, key: &'static str) {
        let follows = self.writer.entries.len() > self.first;
        if follows {
            self.writer.text.push(b',');
            self.sorted &= self.previous < key;
        }
        self.previous = key;
        let start = self.writer.text.len();
        // INVARIANT: names of fields are written in the program and need no escapes.
        debug_assert!(key.bytes().all(is_plain));
        self.writer.text.push(b'"');
        self.writer.text.extend_from_slice(key.as_bytes());
        self.writer.text.push(b'"');
        self.writer.entries.push(Entry { start, key_end: self.writer.text.len(), end: start });
        self.writer.text.push(b':');
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        value.serialize(&mut *self.writer)?;
        self.value_ended();
        Ok(())
    }

    #[inline(never)]
    fn value_ended(&mut self) {
        let end = self.writer.text.len();
        if let Some(entry) = self.writer.entries.last_mut() {
            entry.end = end;
        }
    }

    pub(super) fn close(self) -> Result<(), Fault> {
        if !self.sorted {
            let mut order: Vec<Entry> = self.writer.entries.get(self.first..).unwrap_or_default().to_vec();
            sort_short(&mut order, |a, b| self.writer.compare(*a, *b) == Ordering::Less);
            for pair in order.windows(2) {
                if let [a, b] = pair
                    && self.writer.compare(*a, *b) == Ordering::Equal
                {
                    return Err(CanonicalError::DuplicateKey(unescape(self.writer.key(*a))).into());
                }
            }
            let start = self.writer.entries.get(self.first).map_or(0, |entry| entry.start);
            let mut sorted = Vec::with_capacity(self.writer.text.len() - start);
            for entry in &order {
                if !sorted.is_empty() {
                    sorted.push(b',');
                }
                sorted.extend_from_slice(self.writer.text.get(entry.start..entry.end).unwrap_or_default());
            }
            self.writer.text.truncate(start);
            self.writer.text.extend_from_slice(&sorted);
        }
        self.writer.entries.truncate(self.first);
        self.writer.text.extend_from_slice(self.closing.as_bytes());
        Ok(())
    }
}

impl SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
        self.field(key, value)
    }
    fn end(self) -> Result<(), Fault> {
        self.close()
    }
}

impl SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
        self.field(key, value)
    }
    fn end(self) -> Result<(), Fault> {
        self.close()
    }
}

impl SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.key(|writer| key.serialize(writer))
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.value(value)
    }
    fn end(self) -> Result<(), Fault> {
        self.close()
    }
}

pub(super) struct Array<'a> {
    writer: &'a mut Writer,
    empty: bool,
}

impl Array<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        if !self.empty {
            self.writer.text.push(b',');
        }
        self.empty = false;
        value.serialize(&mut *self.writer)
    }
}

impl SerializeSeq for Array<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }
    fn end(self) -> Result<(), Fault> {
        self.writer.text.push(b']');
        Ok(())
    }
}

impl SerializeTuple for Array<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }
    fn end(self) -> Result<(), Fault> {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for Array<'_> {
    type Ok = ();
    type Error = Fault;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.item(value)
    }
    fn end(self) -> Result<(), Fault> {
        SerializeSeq::end(self)
    }
}
