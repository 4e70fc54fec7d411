//! A bundle and everything that is decided by it.

use prequal_core::{
    application::{self, journey},
    bundle::{self, Bundle},
    calendar::Date,
    canonical::{Canonical, Text},
    decide::{self, DecideError},
    wire::ValidateInput,
};
use wasm_bindgen::prelude::*;
use web_sys::FormData;

use crate::{
    form,
    value::{Failure, answer, failure_or_undefined, json, read, text_answer},
};

/// An opened bundle, or why its payload was refused: ask [`WasmBundle::failure`] first.
///
/// The signature over the payload is the caller's matter: WebCrypto checks it before the bytes come here.
#[wasm_bindgen]
#[derive(Debug)]
pub struct WasmBundle(Result<Bundle, Failure>);

/// What a shell must know of a bundle.
struct Facts<'a> {
    evidence: Vec<&'a str>,
    hash: &'a str,
    id: &'a str,
    label: &'a str,
    part: bundle::Part,
    time_zone: &'a str,
    version: &'a str,
}

impl Canonical for Facts<'_> {
    fn write_to(&self, text: &mut Text) {
        text.open();
        text.key("\"evidence\":");
        self.evidence.write_to(text);
        for (key, value) in [("\"hash\":", self.hash), ("\"id\":", self.id), ("\"label\":", self.label)] {
            text.key(key);
            text.string(value);
        }
        text.key("\"part\":");
        self.part.write_to(text);
        for (key, value) in [("\"time_zone\":", self.time_zone), ("\"version\":", self.version)] {
            text.key(key);
            text.string(value);
        }
        text.close();
    }
}

#[wasm_bindgen]
impl WasmBundle {
    /// Reads, checks and compiles a payload.
    #[wasm_bindgen(constructor)]
    pub fn new(payload: &[u8]) -> Self {
        Self(Bundle::from_signed_payload(payload).map_err(|error| Failure::new(error.code(), error)))
    }

    /// Why the payload was refused, or `undefined`.
    pub fn failure(&self) -> JsValue {
        failure_or_undefined(self.0.as_ref().err())
    }

    /// What the bundle is called, where its business day ends, and which evidence it takes.
    pub fn facts(&self) -> JsValue {
        answer(self.opened().map(facts))
    }

    /// The application form in one language.
    pub fn form(&self, locale: Option<String>) -> JsValue {
        answer(self.opened().map(|bundle| application::form(bundle, locale.as_deref())))
    }

    /// What a purchase would cost.
    pub fn quote(&self, input: JsValue) -> JsValue {
        answer(self.with(|bundle| decide::quote(bundle, &read(&input)?).map_err(failure)))
    }

    /// Checks fields; all errors at once.
    pub fn validate(&self, input: JsValue) -> JsValue {
        answer(self.with(|bundle| application::validate(bundle, &read(&input)?).map_err(failure)))
    }

    /// The bundle's fields as a page's form holds them.
    pub fn read_form(&self, form: &FormData) -> JsValue {
        answer(self.with(|bundle| form::read(bundle, form)))
    }

    /// Checks a page's form as it stands; all errors at once.
    pub fn validate_form(&self, form: &FormData, today: &str, step: Option<String>) -> JsValue {
        answer(self.with(|bundle| {
            let today = Date::parse(today).map_err(|error| Failure::new("invalid_input", error).at(Some("today")))?;
            let input = ValidateInput { fields: form::read(bundle, form)?, locale: None, order: None, step, today };
            application::validate(bundle, &input).map_err(failure)
        }))
    }

    /// One step of an application's first half; `snapshot` may be null.
    pub fn journey(&self, snapshot: JsValue, event: JsValue) -> JsValue {
        answer(self.with(|bundle| {
            let restored = if snapshot.is_null() || snapshot.is_undefined() {
                None
            } else {
                Some(journey::read_snapshot(&json(&snapshot)?).map_err(failure)?)
            };
            journey::advance(bundle, restored.as_ref(), &read(&event)?).map_err(failure)
        }))
    }

    /// A decision: JSON text in, canonical JSON text out, or a tagged failure.
    pub fn decide(&self, input: &str) -> JsValue {
        text_answer(self.with(|bundle| decide::decide_json(bundle, input).map_err(failure)))
    }

    /// An estimate: JSON text in, canonical JSON text out, or a tagged failure.
    pub fn prequalify(&self, input: &str) -> JsValue {
        text_answer(self.with(|bundle| decide::prequalify_json(bundle, input).map_err(failure)))
    }
}

impl WasmBundle {
    fn opened(&self) -> Result<&Bundle, Failure> {
        self.0.as_ref().map_err(Clone::clone)
    }

    pub(crate) fn with<T>(&self, call: impl FnOnce(&Bundle) -> Result<T, Failure>) -> Result<T, Failure> {
        call(self.opened()?)
    }
}

fn facts(bundle: &Bundle) -> Facts<'_> {
    Facts {
        evidence: bundle.evidence_keys().collect(),
        hash: bundle.hash(),
        id: bundle.id(),
        label: bundle.label(),
        part: bundle.part(),
        time_zone: bundle.time_zone(),
        version: bundle.version(),
    }
}

fn failure(error: DecideError) -> Failure {
    Failure::new(error.code(), &error).at(error.field())
}
