//! JSON and UBJSON as a tree of values that still knows how each number was written.
//!
//! A general JSON reader turns numbers into `f64`; a threshold that a library wrote as `f32` must be read as `f32`, or
//! it is rounded twice. So numbers stay text here until somebody says which width they have.

mod fields;
mod json;
mod ubjson;

use std::borrow::Cow;

pub(crate) use fields::Fields;
pub(crate) use json::top_level_keys;

use crate::error::{ImportError, shown};

/// The most values in a file.
pub(crate) const VALUES_MAX: usize = 8_000_000;
/// The deepest nesting of a file.
pub(crate) const NESTING_MAX: usize = 64;

/// One value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// A number of a JSON text, as it stands there.
    Text(&'a str),
    Int(i64),
    F32(f32),
    F64(f64),
    String(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Vec<(Cow<'a, str>, Value<'a>)>),
}

/// Reads JSON, which may hold bare `NaN` and `Infinity` as XGBoost writes them.
pub(crate) fn parse_json(bytes: &[u8]) -> Result<Value<'_>, ImportError> {
    json::parse(bytes)
}

/// Reads UBJSON as XGBoost writes it.
pub(crate) fn parse_ubjson(bytes: &[u8]) -> Result<Value<'_>, ImportError> {
    ubjson::parse(bytes)
}

impl<'a> Value<'a> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Text(_) | Self::Int(_) | Self::F32(_) | Self::F64(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    fn unexpected<T>(&self, name: &str, wanted: &str) -> Result<T, ImportError> {
        Err(ImportError::refuse(format!("`{name}` is {}, and should be {wanted}", self.kind())))
    }

    pub(crate) fn into_object(self, name: &str) -> Result<Fields<'a>, ImportError> {
        match self {
            Self::Object(entries) => Ok(Fields::new(name, entries)),
            other => other.unexpected(name, "an object"),
        }
    }

    /// The members of an object whose names are data.
    pub(crate) fn into_entries(self, name: &str) -> Result<Vec<(String, Value<'a>)>, ImportError> {
        match self {
            Self::Object(entries) => Ok(entries.into_iter().map(|(key, value)| (key.into_owned(), value)).collect()),
            other => other.unexpected(name, "an object"),
        }
    }

    pub(crate) fn into_array(self, name: &str) -> Result<Vec<Value<'a>>, ImportError> {
        match self {
            Self::Array(values) => Ok(values),
            other => other.unexpected(name, "a list"),
        }
    }

    pub(crate) fn as_str(&self, name: &str) -> Result<&str, ImportError> {
        match self {
            Self::String(text) => Ok(text),
            other => other.unexpected(name, "a string"),
        }
    }

    /// An integer, also one written as a string, as XGBoost does with its parameters.
    pub(crate) fn to_integer(&self, name: &str) -> Result<i64, ImportError> {
        match self {
            Self::Int(value) => Ok(*value),
            Self::Bool(value) => Ok(i64::from(*value)),
            Self::Text(text) => text
                .parse()
                .map_err(|_| ImportError::refuse(format!("`{name}` is `{}`, and should be an integer", shown(text)))),
            Self::String(text) => text
                .parse()
                .map_err(|_| ImportError::refuse(format!("`{name}` is `{}`, and should be an integer", shown(text)))),
            other => other.unexpected(name, "an integer"),
        }
    }

    /// A number as the nearest `f32` to what is written.
    pub(crate) fn to_f32(&self, name: &str) -> Result<f32, ImportError> {
        match self {
            Self::F32(value) => Ok(*value),
            Self::Text(text) => parse_f32(text)
                .ok_or_else(|| ImportError::refuse(format!("`{name}` holds `{}`, which is no number", shown(text)))),
            // An integer of a file whose floats are single precision.
            Self::Int(value) => Ok(*value as f32),
            other => other.unexpected(name, "a single-precision number"),
        }
    }

    /// A number as the nearest `f64` to what is written.
    pub(crate) fn to_f64(&self, name: &str) -> Result<f64, ImportError> {
        match self {
            Self::F64(value) => Ok(*value),
            Self::Text(text) => text
                .parse()
                .map_err(|_| ImportError::refuse(format!("`{name}` holds `{}`, which is no number", shown(text)))),
            other => other.unexpected(name, "a double-precision number"),
        }
    }

    pub(crate) fn to_f64s(&self, name: &str) -> Result<Vec<f64>, ImportError> {
        match self {
            Self::Array(values) => values.iter().map(|value| value.to_f64(name)).collect(),
            other => other.unexpected(name, "a list"),
        }
    }

    pub(crate) fn to_integers(&self, name: &str) -> Result<Vec<i64>, ImportError> {
        match self {
            Self::Array(values) => values.iter().map(|value| value.to_integer(name)).collect(),
            other => other.unexpected(name, "a list"),
        }
    }

    pub(crate) fn to_f32s(&self, name: &str) -> Result<Vec<f32>, ImportError> {
        match self {
            Self::Array(values) => values.iter().map(|value| value.to_f32(name)).collect(),
            other => other.unexpected(name, "a list"),
        }
    }

    pub(crate) fn to_strings(&self, name: &str) -> Result<Vec<String>, ImportError> {
        match self {
            Self::Array(values) => values.iter().map(|value| value.as_str(name).map(str::to_owned)).collect(),
            other => other.unexpected(name, "a list"),
        }
    }
}

fn parse_f32(text: &str) -> Option<f32> {
    match text {
        "NaN" => Some(f32::NAN),
        "Infinity" => Some(f32::INFINITY),
        "-Infinity" => Some(f32::NEG_INFINITY),
        _ => text.parse().ok(),
    }
}

/// Counts values against [`VALUES_MAX`].
#[derive(Default)]
struct Count(usize);

impl Count {
    fn add(&mut self, values: usize) -> Result<(), ImportError> {
        self.0 = self.0.saturating_add(values);
        ImportError::limit("values in the model file", self.0, VALUES_MAX)
    }
}

/// Refuses a key that stands twice in one object.
fn refuse_twice(entries: &[(Cow<'_, str>, Value<'_>)]) -> Result<(), ImportError> {
    let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_ref()).collect();
    keys.sort_unstable();
    match keys.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[&str]>::first) {
        Some(key) => Err(ImportError::refuse(format!("`{}` stands twice in one object", shown(key)))),
        None => Ok(()),
    }
}
