//! Randomness from the runtime's own generator: ids, keys and salts. The core itself has none.

use core::fmt::Write;

use wasm_bindgen::prelude::*;

use crate::value::{Failure, answer};

const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 32;

/// An id for a draft: `draft_` and 128 random bits in hex.
#[wasm_bindgen]
pub fn draft_id() -> JsValue {
    answer(random_hex::<ID_BYTES>().map(|hex| format!("draft_{hex}")))
}

/// A key for one money-moving request and its repetitions: 128 random bits in hex.
#[wasm_bindgen]
pub fn idempotency_key() -> JsValue {
    answer(random_hex::<ID_BYTES>())
}

/// The salt of one application: 256 random bits in hex.
#[wasm_bindgen]
pub fn salt() -> JsValue {
    answer(random_hex::<SALT_BYTES>())
}

fn random_hex<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new("no_randomness", error))?;
    let mut hex = String::with_capacity(BYTES * 2);
    for byte in bytes {
        write!(hex, "{byte:02x}").map_err(|error| Failure::new("no_randomness", error))?;
    }
    Ok(hex)
}
