//! The bundle's scorecard fed with typed arrays: for a page or a worker that scores many rows.

use js_sys::{Float64Array, Int32Array};
use prequal_core::score::CompiledScorecard;
use wasm_bindgen::prelude::*;

use crate::{
    WasmBundle,
    value::{Failure, answer},
};

/// The most values that one call scores.
const ROW_VALUES_MAX: u32 = 1 << 22;

#[wasm_bindgen]
impl WasmBundle {
    /// The names of the model's features, in the order of a row's values; none without a model.
    pub fn model_features(&self) -> JsValue {
        let names = |card: &CompiledScorecard| {
            card.features().iter().map(|feature| feature.name().to_owned()).collect::<Vec<_>>()
        };
        answer(self.with(|bundle| Ok(bundle.scorecard().map(names).unwrap_or_default())))
    }

    /// Scores `rows`, whole rows one after another, into `points`, one number a row.
    ///
    /// NaN is missing; a category is its position among the feature's listed categories.
    pub fn score_rows(&self, rows: &Float64Array, points: &Int32Array) -> JsValue {
        answer(self.with(|bundle| match bundle.scorecard() {
            Some(card) => score_rows(card, rows, points),
            None => Err(Failure::new("no_model", "the bundle has no model")),
        }))
    }
}

fn score_rows(card: &CompiledScorecard, rows: &Float64Array, points: &Int32Array) -> Result<(), Failure> {
    let width = card.features().len();
    let expected = (points.length() as usize).checked_mul(width);
    if rows.length() > ROW_VALUES_MAX || expected != Some(rows.length() as usize) {
        let message = format!(
            "{} values for {} rows of {width} features; at most {ROW_VALUES_MAX} values",
            rows.length(),
            points.length()
        );
        return Err(Failure::new("row_length", message));
    }
    let rows = rows.to_vec();
    let mut scored = Vec::with_capacity(points.length() as usize);
    for row in rows.chunks_exact(width.max(1)) {
        scored.push(card.points_of_row(row).map_err(|error| Failure::new(error.code(), error))?);
    }
    points.copy_from(&scored);
    Ok(())
}
