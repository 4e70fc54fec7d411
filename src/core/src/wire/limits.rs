//! Named limits of what may come in.

/// The largest JSON document that is read, in bytes.
pub const INPUT_BYTES_MAX: usize = 256 * 1024;
/// The most form fields in one application.
pub const FIELDS_MAX: usize = 64;
/// The most items of evidence in one application.
pub const EVIDENCE_ITEMS_MAX: usize = 256;
/// The longest text in a field or an item of evidence, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 1024;
/// The longest identifier of a field, an item of evidence or a source, in bytes.
pub const ID_BYTES_MAX: usize = 64;
/// The shortest salt: 16 random bytes, written as 32 hexadecimal digits.
pub const SALT_BYTES_MIN: usize = 16;
/// The longest salt, in bytes.
pub const SALT_BYTES_MAX: usize = 64;
