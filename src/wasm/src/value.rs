//! Values across the boundary, and the tag around every answer.
//!
//! Both ways go through JSON text, which core reads and writes itself: a struct read straight from a JavaScript
//! object would let unknown fields pass, and every type would be compiled a second time.

use core::fmt;

use js_sys::JSON;
use prequal_core::{
    canonical,
    json::{Document, Read},
    wire,
};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// What was wrong with an input, for a program and for a person.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    message: String,
}

impl Failure {
    pub fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), field: None }
    }

    pub fn at(self, field: Option<&str>) -> Self {
        Self { field: field.map(str::to_owned), ..self }
    }
}

impl From<wire::WireError> for Failure {
    fn from(error: wire::WireError) -> Self {
        Self::new(error.code(), error)
    }
}

/// A tagged answer, `{"ok": …}` or `{"error": …}`. Objects are plain and absent options are left out, as in JSON.
pub fn answer<T: Serialize>(result: Result<T, Failure>) -> JsValue {
    let unwritable = |error| Failure::new("unwritable_answer", error);
    match result.and_then(|value| canonical::to_string(&value).map_err(unwritable)) {
        Ok(text) => to_js(&format!("{{\"ok\":{text}}}")),
        Err(failure) => refusal(&failure),
    }
}

/// Text as it is, or a tagged failure.
pub fn text_answer(result: Result<String, Failure>) -> JsValue {
    match result {
        Ok(text) => JsValue::from_str(&text),
        Err(failure) => refusal(&failure),
    }
}

/// A failure without its tag, or `undefined`.
pub fn failure_or_undefined(failure: Option<&Failure>) -> JsValue {
    failure.map_or(JsValue::UNDEFINED, |failure| to_js(&text(failure)))
}

/// Reads a value from JavaScript as core reads a document: within limits, unknown fields refused. What JSON has no
/// form for, such as a cycle, is refused; members that are `undefined` or functions are left out.
pub fn read<T: Read>(value: &JsValue) -> Result<T, Failure> {
    Ok(wire::parse(&json(value)?)?)
}

/// A value as JSON text.
pub fn json(value: &JsValue) -> Result<String, Failure> {
    let text = JSON::stringify(value).ok().and_then(|text| JsValue::from(text).as_string());
    text.ok_or_else(|| Failure::new("invalid_input", "the input cannot be written as JSON"))
}

fn refusal(failure: &Failure) -> JsValue {
    to_js(&format!("{{\"error\":{}}}", text(failure)))
}

fn text(failure: &Failure) -> String {
    // Strings always have a canonical form.
    canonical::to_string(failure).unwrap_or_default()
}

/// JSON text of our own as a JavaScript value; `null`, which the caller takes for no answer at all, cannot happen.
fn to_js(text: &str) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let value = Document::parse(text).ok().and_then(|document| document.serialize(&serializer).ok());
    value.unwrap_or(JsValue::NULL)
}
