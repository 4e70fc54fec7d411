//! A bundle and everything that is decided by it.

use prequal_core::{
    bundle::{
        features::{FeatureDefinition, Source},
        payload::{Part, Payload},
    },
    canonical::sha256_hex,
};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::value::{Failure, answer, failure_or_undefined, text_answer};

/// An opened bundle, or why its payload was refused: ask [`WasmBundle::failure`] first.
///
/// The signature over the payload is the caller's matter: WebCrypto checks it before the bytes come here.
#[wasm_bindgen]
#[derive(Debug)]
pub struct WasmBundle(Result<Opened, Failure>);

#[derive(Debug)]
struct Opened {
    payload: Payload,
    hash: String,
}

#[derive(Serialize)]
struct Facts<'a> {
    evidence: Vec<&'a str>,
    hash: &'a str,
    id: &'a str,
    label: &'a str,
    part: Part,
    time_zone: &'a str,
    version: &'a str,
}

#[wasm_bindgen]
impl WasmBundle {
    /// Opens a payload.
    #[wasm_bindgen(constructor)]
    pub fn new(payload: &[u8]) -> Self {
        Self(open(payload))
    }

    /// Why the payload was refused, or `undefined`.
    pub fn failure(&self) -> JsValue {
        failure_or_undefined(self.0.as_ref().err())
    }

    /// What the bundle is called and where its business day ends.
    pub fn facts(&self) -> JsValue {
        answer(self.opened().map(|opened| Facts {
            evidence: opened.payload.features.iter().filter_map(evidence_key).collect(),
            hash: &opened.hash,
            id: &opened.payload.id,
            label: &opened.payload.label,
            part: opened.payload.part,
            time_zone: &opened.payload.time_zone,
            version: &opened.payload.version,
        }))
    }

    pub fn form(&self, _locale: Option<String>) -> JsValue {
        answer::<()>(Err(pending()))
    }
    pub fn quote(&self, _input: JsValue) -> JsValue {
        answer::<()>(Err(pending()))
    }
    pub fn validate(&self, _input: JsValue) -> JsValue {
        answer::<()>(Err(pending()))
    }
    pub fn validate_form(&self, _form: &web_sys::FormData, _today: &str, _step: Option<String>) -> JsValue {
        answer::<()>(Err(pending()))
    }
    pub fn read_form(&self, _form: &web_sys::FormData) -> JsValue {
        answer::<()>(Err(pending()))
    }
    pub fn journey(&self, _snapshot: JsValue, _event: JsValue) -> JsValue {
        answer::<()>(Err(pending()))
    }
    pub fn decide(&self, _input: &str) -> JsValue {
        text_answer(Err(pending()))
    }
    pub fn prequalify(&self, _input: &str) -> JsValue {
        text_answer(Err(pending()))
    }
}

fn pending() -> Failure {
    Failure::new("not_available", "this build cannot do that yet")
}

impl WasmBundle {
    fn opened(&self) -> Result<&Opened, Failure> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

fn open(payload: &[u8]) -> Result<Opened, Failure> {
    let hash = sha256_hex(payload);
    let payload = serde_json::from_slice(payload).map_err(|error| Failure::new("bundle_invalid", error))?;
    Ok(Opened { payload, hash })
}

fn evidence_key(feature: &FeatureDefinition) -> Option<&str> {
    match &feature.from {
        Source::Evidence(key) => Some(key),
        _ => None,
    }
}
