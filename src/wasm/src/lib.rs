//! The browser and edge boundary: JavaScript values in, JavaScript values out.
//!
//! Thin on purpose. The shapes and their checks are core's `wire` module, tested natively; what stands here only
//! converts. Answers are tagged, `{"ok": …}` or `{"error": {code, message, field?}}`, so that JavaScript never sees
//! WebAssembly throw. A decision alone travels as text: its bytes are hashed and compared, and text is the fastest.
//!
//! What does not belong here: rules, arithmetic, and anything that a native caller would need too.

mod bundle;
mod credit;
mod drafts;
mod form;
mod model;
mod random;
mod value;

pub use bundle::WasmBundle;
pub use model::WasmModel;

/// Half the code of the standard library's own allocator, and faster.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
