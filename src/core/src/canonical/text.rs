//! Canonical text without a serializer between: each type writes its keys in order, so nothing is sorted or refused.

use core::fmt::{self, Write as _};

use super::{CanonicalError, INTEGER_MAX, writer};

/// Room for an offer of a year, so that most documents are written without growing.
const CAPACITY: usize = 2048;

/// A type that writes itself as canonical JSON. Derived by `prequal_derive::Canonical` from serde's attributes, so that
/// [`super::to_string`] gives the same text.
pub trait Canonical {
    /// Writes the value.
    fn write_to(&self, text: &mut Text);
}

/// Canonical JSON as it grows.
///
/// What a page downloads has each of these functions once; elsewhere they are put where they are called, and texts that
/// are known while compiling are copied without a question about their length.
#[derive(Debug)]
pub struct Text {
    /// UTF-8: whole texts and ASCII go in.
    written: Vec<u8>,
    out_of_range: bool,
}

impl Default for Text {
    #[inline(never)]
    fn default() -> Self {
        Self { written: Vec::with_capacity(CAPACITY), out_of_range: false }
    }
}

impl Text {
    /// Text as it stands in the document, punctuation and keys among it.
    #[cfg_attr(target_family = "wasm", inline(never))]
    #[cfg_attr(not(target_family = "wasm"), inline)]
    pub fn plain(&mut self, plain: &str) {
        self.written.extend_from_slice(plain.as_bytes());
    }

    /// The comma before an entry, unless it is the first.
    fn separate(&mut self) {
        if !matches!(self.written.last(), Some(b'{' | b'[')) {
            self.plain(",");
        }
    }

    /// Opens an object.
    pub fn open(&mut self) {
        self.plain("{");
    }

    /// A key of the open object, with its quotes and its colon. Keys come in order.
    #[inline(never)]
    pub fn key(&mut self, quoted: &str) {
        self.separate();
        self.plain(quoted);
    }

    /// A key that may need escapes.
    #[inline(never)]
    pub fn free_key(&mut self, key: &str) {
        self.separate();
        self.string(key);
        self.plain(":");
    }

    /// Closes the open object.
    pub fn close(&mut self) {
        self.plain("}");
    }

    /// A text.
    #[inline(never)]
    pub fn string(&mut self, value: &str) {
        writer::push_string(&mut self.written, value);
    }

    /// A whole number; one beyond ±(2⁵³ − 1) makes the document an error.
    #[inline(never)]
    pub fn integer(&mut self, value: i64) {
        self.out_of_range |= value.unsigned_abs() > INTEGER_MAX.unsigned_abs();
        writer::push_integer(&mut self.written, value);
    }

    /// A text of plain ASCII that the value displays.
    #[inline(never)]
    pub fn shown(&mut self, value: fmt::Arguments<'_>) {
        self.plain("\"");
        // Writing to bytes in memory cannot fail.
        let _ = self.write_fmt(value);
        self.plain("\"");
    }

    /// A date of four-digit years.
    #[inline(never)]
    pub(crate) fn date(&mut self, (year, month, day): (i32, u8, u8)) {
        // One digit each, so nothing is cut off.
        let digit = |number: i32| b'0' + (number % 10) as u8;
        let [month, day] = [i32::from(month), i32::from(day)];
        self.written.extend_from_slice(&[
            b'"',
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
            b'"',
        ]);
    }

    /// A list.
    pub fn list<'v, T: Canonical + 'v>(&mut self, values: impl Iterator<Item = &'v T>) {
        self.plain("[");
        for value in values {
            self.separate();
            value.write_to(self);
        }
        self.plain("]");
    }

    #[inline(never)]
    pub(super) fn into_text(self) -> Result<String, CanonicalError> {
        super::text(self.finish()?)
    }

    #[inline(never)]
    pub(super) fn finish(self) -> Result<Vec<u8>, CanonicalError> {
        if self.out_of_range { Err(CanonicalError::IntegerOutOfRange) } else { Ok(self.written) }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, shown: &str) -> fmt::Result {
        self.plain(shown);
        Ok(())
    }
}

impl Canonical for () {
    fn write_to(&self, text: &mut Text) {
        text.plain("null");
    }
}

impl Canonical for bool {
    fn write_to(&self, text: &mut Text) {
        text.plain(if *self { "true" } else { "false" });
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Canonical for $type {
            fn write_to(&self, text: &mut Text) {
                text.integer(i64::from(*self));
            }
        }
    )*};
}

integers! { u8 u16 u32 i32 i64 }

impl Canonical for str {
    fn write_to(&self, text: &mut Text) {
        text.string(self);
    }
}

impl Canonical for String {
    fn write_to(&self, text: &mut Text) {
        text.string(self);
    }
}

impl<T: Canonical + ?Sized> Canonical for &T {
    fn write_to(&self, text: &mut Text) {
        (**self).write_to(text);
    }
}

impl<T: Canonical> Canonical for Option<T> {
    fn write_to(&self, text: &mut Text) {
        match self {
            Some(value) => value.write_to(text),
            None => text.plain("null"),
        }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write_to(&self, text: &mut Text) {
        text.list(self.iter());
    }
}
