//! Schedules and rates of plain terms and cash flows, without a bundle.

use prequal_core::credit::{self, CreditError};
use wasm_bindgen::prelude::*;

use crate::value::{Failure, answer, read};

/// The instalments that follow from terms, to the cent.
#[wasm_bindgen]
pub fn schedule(terms: JsValue) -> JsValue {
    answer(read(terms).and_then(|terms| credit::schedule(&terms).map_err(credit_failure)))
}

fn credit_failure(error: CreditError) -> Failure {
    Failure::new(error.code(), error)
}

/// x
#[wasm_bindgen]
pub fn apr(_flows: JsValue) -> JsValue {
    answer::<()>(Err(Failure::new("not_available", "this build cannot do that yet")))
}
