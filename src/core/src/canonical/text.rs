//! Canonical text without a serializer between: each type writes its keys in order, so nothing is sorted or refused.

use core::fmt::{self, Write as _};

use super::{CanonicalError, INTEGER_MAX, writer};

/// A type that writes itself as canonical JSON. Derived by `prequal_derive::Canonical` from serde's attributes, so that
/// [`super::to_string`] gives the same text.
pub trait Canonical {
    /// Writes the value.
    fn write_to(&self, text: &mut Text);
}

/// Canonical JSON as it grows.
#[derive(Debug, Default)]
pub struct Text {
    written: String,
    out_of_range: bool,
}

impl Text {
    #[inline(never)]
    fn push(&mut self, plain: &str) {
        self.written.push_str(plain);
    }

    /// The comma before an entry, unless it is the first.
    fn separate(&mut self) {
        if !matches!(self.written.as_bytes().last(), Some(b'{' | b'[')) {
            self.push(",");
        }
    }

    /// Opens an object.
    pub fn open(&mut self) {
        self.push("{");
    }

    /// A key of the open object, with its quotes and its colon. Keys come in order.
    #[inline(never)]
    pub fn key(&mut self, quoted: &str) {
        self.separate();
        self.push(quoted);
    }

    /// A key that may need escapes.
    #[inline(never)]
    pub fn free_key(&mut self, key: &str) {
        self.separate();
        self.string(key);
        self.push(":");
    }

    /// Closes the open object.
    pub fn close(&mut self) {
        self.push("}");
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
        self.push("\"");
        // Writing to a string cannot fail.
        let _ = self.written.write_fmt(value);
        self.push("\"");
    }

    /// A date of four-digit years.
    #[inline(never)]
    pub(crate) fn date(&mut self, (year, month, day): (i32, u8, u8)) {
        self.push("\"");
        writer::push_integer(&mut self.written, i64::from(year));
        for part in [month, day] {
            self.push(if part < 10 { "-0" } else { "-" });
            writer::push_integer(&mut self.written, i64::from(part));
        }
        self.push("\"");
    }

    /// A list.
    pub fn list<'v, T: Canonical + 'v>(&mut self, values: impl Iterator<Item = &'v T>) {
        self.push("[");
        for value in values {
            self.separate();
            value.write_to(self);
        }
        self.push("]");
    }

    pub(super) fn finish(self) -> Result<String, CanonicalError> {
        if self.out_of_range { Err(CanonicalError::IntegerOutOfRange) } else { Ok(self.written) }
    }
}

impl Canonical for () {
    fn write_to(&self, text: &mut Text) {
        text.push("null");
    }
}

impl Canonical for bool {
    fn write_to(&self, text: &mut Text) {
        text.push(if *self { "true" } else { "false" });
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
            None => text.push("null"),
        }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write_to(&self, text: &mut Text) {
        text.list(self.iter());
    }
}
