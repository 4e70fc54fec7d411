//! A scorecard by itself, fed with typed arrays: for a page or a worker that scores many rows.

use js_sys::{Float64Array, Int32Array};
use prequal_core::score::{CompiledScorecard, MODEL_BYTES_MAX, ScoreError, Scorecard};
use wasm_bindgen::prelude::*;

use crate::value::{Failure, answer, failure_or_undefined};

/// The most values that one call scores.
const ROW_VALUES_MAX: u32 = 1 << 22;

/// A checked scorecard, or why the model file was refused: ask [`WasmScorecard::failure`] first.
#[wasm_bindgen]
#[derive(Debug)]
pub struct WasmScorecard(Result<CompiledScorecard, Failure>);

#[wasm_bindgen]
impl WasmScorecard {
    /// Reads and checks a model file.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &str) -> Self {
        Self(open(model))
    }

    /// Why the model was refused, or `undefined`.
    pub fn failure(&self) -> JsValue {
        failure_or_undefined(self.0.as_ref().err())
    }

    /// The features' names in the order of a row's values.
    pub fn features(&self) -> JsValue {
        answer(self.card().map(|card| card.features().iter().map(|feature| feature.name()).collect::<Vec<_>>()))
    }

    /// Scores `rows`, whole rows one after another, into `points`, one number a row.
    ///
    /// NaN is missing; a category is its position among the feature's listed categories.
    pub fn score_rows(&self, rows: &Float64Array, points: &Int32Array) -> JsValue {
        answer(self.card().and_then(|card| score_rows(card, rows, points)))
    }
}

impl WasmScorecard {
    fn card(&self) -> Result<&CompiledScorecard, Failure> {
        self.0.as_ref().map_err(|_| Failure::new("model_refused", "the model file was refused"))
    }
}

fn open(model: &str) -> Result<CompiledScorecard, Failure> {
    if model.len() > MODEL_BYTES_MAX {
        return Err(Failure::new("model_limit", format!("the model file is longer than {MODEL_BYTES_MAX} bytes")));
    }
    Scorecard::parse(model).and_then(|card| card.check()).map_err(score_failure)
}

fn score_rows(card: &CompiledScorecard, rows: &Float64Array, points: &Int32Array) -> Result<(), Failure> {
    let width = card.features().len();
    let values = rows.length();
    if values > ROW_VALUES_MAX {
        return Err(Failure::new("row_length", format!("{values} values in one call; at most {ROW_VALUES_MAX}")));
    }
    let expected = points.length() as usize * width;
    if values as usize != expected {
        let message = format!("{values} values, and {} rows of {width} features need {expected}", points.length());
        return Err(Failure::new("row_length", message));
    }
    let rows = rows.to_vec();
    let mut scored = Vec::with_capacity(points.length() as usize);
    for row in rows.chunks_exact(width.max(1)) {
        scored.push(card.points_of_row(row).map_err(score_failure)?);
    }
    points.copy_from(&scored);
    Ok(())
}

fn score_failure(error: ScoreError) -> Failure {
    Failure::new(error.code(), error)
}
