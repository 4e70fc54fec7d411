//! Schedules and rates of plain terms and cash flows, without a bundle.

use prequal_core::credit::{self, CreditError};
use wasm_bindgen::prelude::*;

use crate::value::{Failure, answer, read};

/// The instalments that follow from terms, to the cent.
#[wasm_bindgen]
pub fn schedule(terms: JsValue) -> JsValue {
    answer(read(&terms).and_then(|terms| credit::schedule(&terms).map_err(failure)))
}

/// The annual percentage rate of dated cash flows.
#[wasm_bindgen]
pub fn apr(flows: JsValue) -> JsValue {
    answer(read(&flows).and_then(|flows| credit::apr(&flows).map_err(failure)))
}

/// What legal ceilings say of terms before they are signed.
#[wasm_bindgen]
pub fn caps(question: JsValue) -> JsValue {
    answer(read(&question).and_then(|question| credit::caps::judge_caps(&question).map_err(failure)))
}

fn failure(error: CreditError) -> Failure {
    Failure::new(error.code(), error)
}
