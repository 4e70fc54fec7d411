//! Values across the boundary, and the tag around every answer.
//!
//! Both ways go through JSON text, which core reads and writes itself: a struct read straight from a JavaScript
//! object would let unknown fields pass, and every type would be compiled a second time.

use core::fmt;

use js_sys::JSON;
use prequal_core::{
    canonical::{self, Canonical, Text},
    json::{Document, Read},
    wire,
};
use serde::Serialize as _;
use wasm_bindgen::JsValue;

/// What was wrong with an input, for a program and for a person.
#[derive(Debug, Clone)]
pub struct Failure {
    code: String,
    field: Option<String>,
    message: String,
}

impl Canonical for Failure {
    fn write_to(&self, text: &mut Text) {
        text.open();
        text.key("\"code\":");
        text.string(&self.code);
        if let Some(field) = &self.field {
            text.key("\"field\":");
            text.string(field);
        }
        text.key("\"message\":");
        text.string(&self.message);
        text.close();
    }
}

impl Failure {
    pub fn new(code: &str, message: impl fmt::Display) -> Self {
        Self::of(code, &message)
    }

    #[inline(never)]
    fn of(code: &str, message: &dyn fmt::Display) -> Self {
        Self { code: code.to_owned(), message: format!("{message}"), field: None }
    }

    pub fn at(self, field: Option<&str>) -> Self {
        Self { field: field.map(str::to_owned), ..self }
    }
}

impl From<wire::WireError> for Failure {
    #[inline(never)]
    fn from(error: wire::WireError) -> Self {
        Self::new(error.code(), error)
    }
}

/// A tagged answer, `{"ok": …}` or `{"error": …}`. Objects are plain and absent options are left out, as in JSON.
pub fn answer<T: Canonical>(result: Result<T, Failure>) -> JsValue {
    let unwritable = |error| Failure::new("unwritable_answer", error);
    tagged(result.and_then(|value| canonical::text_of(&value).map_err(unwritable)))
}

#[inline(never)]
fn tagged(written: Result<String, Failure>) -> JsValue {
    match written {
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

#[inline(never)]
fn refusal(failure: &Failure) -> JsValue {
    to_js(&format!("{{\"error\":{}}}", text(failure)))
}

fn text(failure: &Failure) -> String {
    // Strings always have a canonical form.
    canonical::text_of(failure).unwrap_or_default()
}

/// JSON text of our own as a JavaScript value; `null`, which the caller takes for no answer at all, cannot happen.
fn to_js(text: &str) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    let value = Document::parse(text).ok().and_then(|document| document.serialize(&serializer).ok());
    value.unwrap_or(JsValue::NULL)
}
