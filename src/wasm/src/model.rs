//! Models fed with typed arrays: for a page or a worker that scores many rows.

use js_sys::{Float64Array, Int32Array};
use prequal_core::{
    canonical::{Canonical, Text},
    score::trees::{CompiledTrees, Scratch, TreeError, TreeModel, Width},
};
use wasm_bindgen::prelude::*;

use crate::{
    WasmBundle,
    value::{Failure, answer, failure_or_undefined},
};

/// The most values that one call scores.
const ROW_VALUES_MAX: usize = 1 << 22;

#[wasm_bindgen]
impl WasmBundle {
    /// The names of the model's features, in the order of a row's values; none without a model.
    pub fn model_features(&self) -> JsValue {
        answer(self.with(|bundle| {
            let features = bundle.model().into_iter().flat_map(|model| model.features());
            Ok(features.map(|feature| feature.name.to_owned()).collect::<Vec<_>>())
        }))
    }

    /// Scores `rows`, whole rows one after another, into `points`, one number a row.
    ///
    /// NaN is missing; a category is its position among the feature's listed categories.
    pub fn score_rows(&self, rows: &Float64Array, points: &Int32Array) -> JsValue {
        answer(self.with(|bundle| {
            let Some(model) = bundle.model() else { return Err(Failure::new("no_model", "the bundle has no model")) };
            let mut scored = vec![0; points.length() as usize];
            let rows = taken(rows)?;
            model.points_of_rows(&rows, &mut scored).map_err(|error| Failure::new(error.code(), error))?;
            points.copy_from(&scored);
            Ok(())
        }))
    }
}

fn taken(rows: &Float64Array) -> Result<Vec<f64>, Failure> {
    let values = rows.length() as usize;
    if values > ROW_VALUES_MAX {
        let message = format!("{values} values; at most {ROW_VALUES_MAX} are taken");
        return Err(Failure::new("row_length", message));
    }
    Ok(rows.to_vec())
}

/// Trees from a model file, or why it was refused: ask [`WasmModel::failure`] first.
#[wasm_bindgen]
#[derive(Debug)]
pub struct WasmModel(Result<Trees, Failure>);

#[derive(Debug)]
struct Trees {
    trees: CompiledTrees,
    scratch: Scratch,
    hash: String,
    label: String,
}

/// What a shell must know of a model.
struct Facts<'a>(&'a Trees);

impl Canonical for Facts<'_> {
    fn write_to(&self, text: &mut Text) {
        let Self(Trees { trees, hash, label, .. }) = self;
        text.open();
        text.key("\"features\":");
        text.list(trees.names().iter());
        for (key, value) in [("\"hash\":", hash), ("\"label\":", label)] {
            text.key(key);
            text.string(value);
        }
        text.key("\"width\":");
        text.integer(if trees.width() == Width::F32 { 32 } else { 64 });
        text.close();
    }
}

#[wasm_bindgen]
impl WasmModel {
    /// Reads and compiles a model file.
    #[wasm_bindgen(constructor)]
    pub fn new(file: &str) -> Self {
        Self(open(file).map_err(|error| Failure::new(error.code(), error)))
    }

    /// Why the file was refused, or `undefined`.
    pub fn failure(&self) -> JsValue {
        failure_or_undefined(self.0.as_ref().err())
    }

    /// Features, hash, label and the width of the margin in bits.
    pub fn facts(&self) -> JsValue {
        answer(self.0.as_ref().map(Facts).map_err(Clone::clone))
    }

    /// The margin of one row, exactly; NaN where the row has not one value for each feature.
    pub fn margin(&mut self, row: &[f64]) -> f64 {
        let Ok(Trees { trees, scratch, .. }) = &mut self.0 else { return f64::NAN };
        trees.margin(row, scratch).map_or(f64::NAN, |margin| margin.to_f64())
    }

    /// The margins of whole rows one after another, into `margins`.
    pub fn margins(&mut self, rows: &Float64Array, margins: &Float64Array) -> JsValue {
        let scored = self.0.as_mut().map_err(|failure| failure.clone()).and_then(|Trees { trees, scratch, .. }| {
            let mut scored = vec![0.0; margins.length() as usize];
            let rows = taken(rows)?;
            let refused = |error: TreeError| Failure::new(error.code(), error);
            trees.margins(&rows, scratch, &mut scored).map_err(refused)?;
            margins.copy_from(&scored);
            Ok(())
        });
        answer(scored)
    }

    /// The probability of a margin; NaN where the model's margin is no log-odds.
    pub fn probability(&self, margin: f64) -> f64 {
        let found = self.0.as_ref().ok().and_then(|model| model.trees.probability(model.trees.float(margin)));
        found.map_or(f64::NAN, |probability| probability.to_f64())
    }
}

fn open(file: &str) -> Result<Trees, TreeError> {
    let model = TreeModel::open(file)?;
    let trees = model.check_downloaded()?;
    Ok(Trees { scratch: trees.scratch(), trees, hash: model.hash, label: model.label })
}
