//! Reading JSON documents: strict, and small once compiled.
//!
//! Every document that the core reads is plain data of its own making: no fractions, no positional arrays in the
//! place of objects, no key twice. The general reader would accept all of that, and its code, repeated for every
//! type, would be more than half of what a browser downloads. This one splits the text into tokens once and then
//! walks them; what is repeated for each type is little more than the list of its fields.
//!
//! What does not belong here: writing (see [`crate::canonical`]), and what a document means.

mod document;
mod error;
mod read;
mod reader;
mod tokens;

pub use document::Document;
pub use error::JsonError;
pub use read::{Members, Node, Nodes, Read};
pub(crate) use read::{Wrong, json_form, read_text};

/// How deep a document may be nested.
pub const DEPTH_MAX: usize = 64;
/// The longest document that is read, in bytes. Callers set lower limits of their own.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads one document.
///
/// # Errors
/// [`JsonError`] with line and column of the first thing that was not expected.
pub fn from_str<T: Read>(text: &str) -> Result<T, JsonError> {
    let parsed = read::Parsed::split(text)?;
    let value = T::read(parsed.root());
    parsed.end(text)?;
    Ok(value)
}

/// Reads one document of UTF-8 bytes.
///
/// # Errors
/// As [`from_str`], and where the bytes are not UTF-8.
pub fn from_slice<T: Read>(bytes: &[u8]) -> Result<T, JsonError> {
    let text = core::str::from_utf8(bytes).map_err(|_| JsonError::new("the document is not UTF-8"))?;
    from_str(text)
}

/// Reads one document into a type that knows only serde, by the same strict rules.
///
/// # Errors
/// As [`from_str`].
pub fn from_str_by_serde<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    let tokens = tokens::split(text)?;
    reader::read(&tokens).map_err(|error| error.placed_in(text))
}

#[cfg(test)]
mod tests;
