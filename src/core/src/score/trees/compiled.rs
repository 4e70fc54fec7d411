//! The evaluator.

use std::{string::String, vec, vec::Vec};

use super::{
    Float, TreeError,
    check::Parts,
    column::{CompiledColumn, Intake, MISSING},
    document::{LinkKind, MissingRule, TreeModel, Width},
    linear::Linear,
    masks::MaskTable,
    walk::Forest,
};

/// Leaf values in the width of the sum.
#[derive(Clone, Debug)]
enum Leaves {
    F32 { base: f32, values: Vec<f32> },
    F64 { base: f64, values: Vec<f64> },
}

/// How leaves are found.
#[derive(Clone, Debug)]
enum Engine {
    Masks(MaskTable),
    Walk(Forest),
}

/// Trees that were checked and are ready to score.
#[derive(Clone, Debug)]
pub struct CompiledTrees {
    names: Vec<String>,
    intake: Intake,
    columns: Vec<CompiledColumn>,
    engine: Engine,
    leaves: Leaves,
    /// Where each tree's leaves begin.
    starts: Vec<u32>,
    leaf_ids: Vec<u32>,
    linear: Option<Linear>,
    scale_and_bias: Option<[Float; 2]>,
    average: bool,
    slope: Option<f64>,
    /// Whether a probability below one half is one minus its mirror image.
    mirrored: bool,
}

/// Room that scoring works in, so that a row allocates nothing. Made by [`CompiledTrees::scratch`] and of use only
/// with the model that made it.
#[derive(Clone, Debug)]
pub struct Scratch {
    values: Vec<f64>,
    states: Vec<u16>,
    open: Vec<u64>,
}

impl CompiledTrees {
    pub(super) fn new(model: &TreeModel, parts: &Parts) -> Self {
        let all = parts.trees.iter().flat_map(|tree| tree.leaves.iter().copied());
        let leaves = match parts.base {
            // Exact: these are f32 that were widened.
            Float::F32(base) => Leaves::F32 { base, values: all.map(|value| value as f32).collect() },
            Float::F64(base) => Leaves::F64 { base, values: all.collect() },
        };
        let starts = parts.trees.iter().scan(0_u32, |next, tree| {
            let start = *next;
            *next += tree.shape.leaves;
            Some(start)
        });
        let engine = MaskTable::build(&parts.columns, &parts.trees)
            .map_or_else(|| Engine::Walk(Forest::build(&parts.trees)), Engine::Masks);
        Self {
            names: model.features.iter().map(|feature| feature.name.clone()).collect(),
            intake: parts.intake,
            columns: parts.columns.clone(),
            engine,
            leaves,
            starts: starts.collect(),
            leaf_ids: model.trees.iter().flat_map(|tree| tree.leaf_ids.iter().copied()).collect(),
            linear: Some(&parts.linear).filter(|linear| !linear.is_empty()).cloned(),
            scale_and_bias: parts.scale_and_bias,
            average: model.average,
            slope: parts.slope,
            mirrored: model.link.kind == LinkKind::LogisticOfMagnitude,
        }
    }

    /// The features' names, in the order of a row's values.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many trees there are.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.starts.len()
    }

    /// The width of the margin.
    #[must_use]
    pub fn width(&self) -> Width {
        match self.leaves {
            Leaves::F32 { .. } => Width::F32,
            Leaves::F64 { .. } => Width::F64,
        }
    }

    /// Features for which a missing value is read as the number zero, without a word: the model was fitted without
    /// missing values in them. A bundle that may lack such a feature should refuse the model.
    #[must_use]
    pub fn missing_is_zero(&self) -> Vec<&str> {
        let blind = self.columns.iter().filter(|column| column.missing == MissingRule::Zero);
        let mut features: Vec<usize> = blind.map(|column| column.feature).collect();
        features.sort_unstable();
        features.dedup();
        features.into_iter().filter_map(|feature| self.names.get(feature)).map(String::as_str).collect()
    }

    /// Whether a missing value of the feature at this position is read as the number zero.
    #[must_use]
    pub fn takes_missing_for_zero(&self, feature: usize) -> bool {
        self.columns.iter().any(|column| column.feature == feature && column.missing == MissingRule::Zero)
    }

    /// Room for scoring rows one after the other.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        let words = match &self.engine {
            Engine::Masks(table) => table.words(),
            Engine::Walk(_) => 0,
        };
        Scratch {
            values: vec![f64::NAN; self.names.len()],
            states: vec![MISSING; self.columns.len()],
            open: vec![u64::MAX; words],
        }
    }

    /// The margin of one row: a value for each feature, NaN where it is missing (of whatever kind: trees of other
    /// libraries know only one). Categories are the library's integer codes.
    ///
    /// # Errors
    /// [`TreeError::RowLength`] where the row has not one value for each feature.
    pub fn margin(&self, row: &[f64], scratch: &mut Scratch) -> Result<Float, TreeError> {
        self.read(row, scratch)?;
        let sum = self.sum(scratch);
        Ok(match (sum, self.scale_and_bias) {
            (Float::F32(sum), Some([Float::F32(scale), Float::F32(bias)])) => Float::F32(sum * scale + bias),
            (Float::F64(sum), Some([Float::F64(scale), Float::F64(bias)])) => Float::F64(sum * scale + bias),
            (sum, _) => sum,
        })
    }

    /// The margins of whole rows one after the other, as [`Self::margin`] gives them, into `margins`.
    ///
    /// # Errors
    /// [`TreeError::RowLength`] where there are not as many whole rows as places.
    pub fn margins(&self, rows: &[f64], scratch: &mut Scratch, margins: &mut [f64]) -> Result<(), TreeError> {
        let width = self.names.len();
        if margins.len().checked_mul(width) != Some(rows.len()) {
            return Err(TreeError::RowLength { got: rows.len(), expected: margins.len().saturating_mul(width) });
        }
        for (row, place) in rows.chunks_exact(width.max(1)).zip(margins) {
            *place = self.margin(row, scratch)?.to_f64();
        }
        Ok(())
    }

    /// A number in the width of the margin.
    #[must_use]
    pub fn float(&self, value: f64) -> Float {
        match self.width() {
            Width::F32 => Float::F32(value as f32),
            Width::F64 => Float::F64(value),
        }
    }

    /// The sum of the leaves that the row last read reaches.
    #[inline]
    fn sum(&self, scratch: &Scratch) -> Float {
        let mut starts = self.starts.iter();
        match (&self.leaves, &self.linear) {
            (Leaves::F32 { base, values }, _) => {
                let mut sum = *base;
                self.each(scratch, |leaf| {
                    if let Some(value) = starts.next().and_then(|start| values.get((start + leaf) as usize)) {
                        sum += value;
                    }
                });
                Float::F32(sum)
            }
            (Leaves::F64 { base, values }, None) => {
                let mut sum = *base;
                self.each(scratch, |leaf| {
                    if let Some(value) = starts.next().and_then(|start| values.get((start + leaf) as usize)) {
                        sum += value;
                    }
                });
                Float::F64(sum)
            }
            (Leaves::F64 { base, values }, Some(linear)) => {
                let mut sum = *base;
                self.each(scratch, |leaf| {
                    if let Some(at) = starts.next().map(|start| (start + leaf) as usize) {
                        sum += linear.value(at, values.get(at).copied().unwrap_or(0.0), &scratch.values);
                    }
                });
                Float::F64(sum)
            }
        }
    }

    /// The source library's number of the leaf that the row reaches in each tree.
    ///
    /// # Errors
    /// [`TreeError::RowLength`] where the row has not one value for each feature, or `out` not one place for each
    /// tree.
    pub fn leaves(&self, row: &[f64], scratch: &mut Scratch, out: &mut [u32]) -> Result<(), TreeError> {
        if out.len() != self.starts.len() {
            return Err(TreeError::RowLength { got: out.len(), expected: self.starts.len() });
        }
        self.read(row, scratch)?;
        let mut places = out.iter_mut().zip(&self.starts);
        self.each(scratch, |leaf| {
            if let Some((place, start)) = places.next() {
                *place = self.leaf_ids.get((start + leaf) as usize).copied().unwrap_or(leaf);
            }
        });
        Ok(())
    }

    /// The probability of the event that the model was fitted to; `None` where its margin is no log-odds.
    ///
    /// The same bits on every platform: one `exp`, from `libm`. The steps are those of the source library: in `f32`
    /// with the exponent held below 88.7 for `f32` sums, in `f64` otherwise.
    #[must_use]
    pub fn probability(&self, margin: Float) -> Option<Float> {
        let slope = self.slope?;
        let share = if self.average { self.starts.len() as f64 } else { 1.0 };
        let logistic = |margin: Float| match margin {
            Float::F32(margin) => {
                let exponent = (-(margin / share as f32) * slope as f32).min(88.7);
                Float::F32(1.0 / (libm::exp(f64::from(exponent)) as f32 + 1.0))
            }
            Float::F64(margin) => Float::F64(1.0 / (1.0 + libm::exp(-slope * (margin / share)))),
        };
        Some(match margin {
            Float::F32(below) if self.mirrored && below < 0.0 => match logistic(Float::F32(-below)) {
                Float::F32(mirror) => Float::F32(1.0 - mirror),
                other => other,
            },
            Float::F64(below) if self.mirrored && below < 0.0 => match logistic(Float::F64(-below)) {
                Float::F64(mirror) => Float::F64(1.0 - mirror),
                other => other,
            },
            other => logistic(other),
        })
    }

    /// Values and states of a row, into the scratch.
    fn read(&self, row: &[f64], scratch: &mut Scratch) -> Result<(), TreeError> {
        if row.len() != self.names.len() {
            return Err(TreeError::RowLength { got: row.len(), expected: self.names.len() });
        }
        for (place, value) in scratch.values.iter_mut().zip(row) {
            *place = self.intake.value(*value);
        }
        for (place, column) in scratch.states.iter_mut().zip(&self.columns) {
            *place = column.state(scratch.values.get(column.feature).copied().unwrap_or(f64::NAN));
        }
        if let Engine::Masks(table) = &self.engine {
            table.open(&scratch.states, &mut scratch.open);
        }
        Ok(())
    }

    /// Gives the leaf of each tree, in order, of the row last read.
    #[inline]
    fn each(&self, scratch: &Scratch, take: impl FnMut(u32)) {
        match &self.engine {
            Engine::Masks(table) => table.each(&scratch.open, take),
            Engine::Walk(forest) => forest.each(&scratch.states, take),
        }
    }
}
