//! Values across the boundary, and the tag around every answer.
//!
//! Both ways go through JSON text, which core reads and writes itself: a struct read straight from a JavaScript
//! object would let unknown fields pass, and every type would be compiled a second time.

use core::fmt;

use prequal_core::{canonical, wire};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

use crate::json_text;

/// What was wrong with an input, for a program and for a person.
#[derive(Debug, Clone)]
pub struct Failure {
    code: String,
    message: String,
    field: Option<String>,
}

impl Failure {
    pub fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), field: None }
    }

    pub fn at(self, field: Option<&str>) -> Self {
        Self { field: field.map(str::to_owned), ..self }
    }

    fn value(&self) -> Value {
        let mut object = Map::new();
        object.insert("code".to_owned(), Value::from(self.code.as_str()));
        object.insert("message".to_owned(), Value::from(self.message.as_str()));
        if let Some(field) = &self.field {
            object.insert("field".to_owned(), Value::from(field.as_str()));
        }
        Value::Object(object)
    }
}

impl From<wire::WireError> for Failure {
    fn from(error: wire::WireError) -> Self {
        Self::new(error.code(), error)
    }
}

/// A tagged answer, `{"ok": …}` or `{"error": …}`. Objects are plain and absent options are left out, as in JSON.
pub fn answer<T: Serialize>(result: Result<T, Failure>) -> JsValue {
    match result.and_then(|value| tree(&value)) {
        Ok(value) => tagged("ok", value),
        Err(failure) => tagged("error", failure.value()),
    }
}

/// Text as it is, or a tagged failure.
pub fn text_answer(result: Result<String, Failure>) -> JsValue {
    match result {
        Ok(text) => JsValue::from_str(&text),
        Err(failure) => tagged("error", failure.value()),
    }
}

/// A failure without its tag, or `undefined`.
pub fn failure_or_undefined(failure: Option<&Failure>) -> JsValue {
    failure.map_or(JsValue::UNDEFINED, |failure| to_js(&failure.value()))
}

/// Reads a value from JavaScript as core reads a document: within limits, unknown fields refused.
pub fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, Failure> {
    let text = json_text::write(value)?;
    Ok(wire::parse(&text)?)
}

fn tree<T: Serialize>(value: &T) -> Result<Value, Failure> {
    let unwritable = |error: &dyn fmt::Display| Failure::new("unwritable_answer", error);
    let text = canonical::to_string(value).map_err(|error| unwritable(&error))?;
    serde_json::from_str(&text).map_err(|error| unwritable(&error))
}

fn tagged(tag: &str, value: Value) -> JsValue {
    let mut object = Map::new();
    object.insert(tag.to_owned(), value);
    to_js(&Value::Object(object))
}

fn to_js(value: &Value) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    // A JSON tree always has a JavaScript form; `null` would be refused by the caller as no answer at all.
    value.serialize(&serializer).unwrap_or(JsValue::NULL)
}
