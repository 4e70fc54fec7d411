//! Drafts of an application in the page's own storage, so that a reload loses nothing.
//!
//! Only keys with our prefix are touched: the rest of the storage is the merchant's.

use wasm_bindgen::prelude::*;
use web_sys::Storage;

use crate::value::{Failure, answer};

const PREFIX: &str = "prequal:draft:";
const ID_BYTES_MAX: usize = 64;
/// The longest draft that is kept, in bytes.
const DRAFT_BYTES_MAX: usize = 64 * 1024;

/// Keeps `text` under `id`, in place of what was there.
#[wasm_bindgen]
pub fn save_draft(storage: &Storage, id: &str, text: &str) -> JsValue {
    answer(save(storage, id, text))
}

/// What is kept under `id`, or `null`.
#[wasm_bindgen]
pub fn load_draft(storage: &Storage, id: &str) -> JsValue {
    answer(key(id).and_then(|key| storage.get_item(&key).map_err(refused)))
}

/// Forgets what is kept under `id`.
#[wasm_bindgen]
pub fn remove_draft(storage: &Storage, id: &str) -> JsValue {
    answer(key(id).and_then(|key| storage.remove_item(&key).map_err(refused)))
}

fn save(storage: &Storage, id: &str, text: &str) -> Result<(), Failure> {
    if text.len() > DRAFT_BYTES_MAX {
        let message = format!("the draft has {} bytes; at most {DRAFT_BYTES_MAX} are kept", text.len());
        return Err(Failure::new("draft_too_long", message));
    }
    storage.set_item(&key(id)?, text).map_err(refused)
}

fn key(id: &str) -> Result<String, Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
        let message = format!("a draft's id is 1 to {ID_BYTES_MAX} letters, digits, `_` or `-`");
        return Err(Failure::new("invalid_draft_id", message));
    }
    Ok(format!("{PREFIX}{id}"))
}

fn refused(_: JsValue) -> Failure {
    Failure::new("storage_refused", "the page's storage is full or not allowed")
}
