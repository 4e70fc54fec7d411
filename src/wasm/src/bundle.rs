//! A bundle and everything that is decided by it.
use wasm_bindgen::prelude::*;

/// x
#[wasm_bindgen]
#[derive(Debug)]
pub struct WasmBundle(());
