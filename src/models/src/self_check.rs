//! Proof that a model was read rightly: the library's own predictions of some rows.

use prequal_core::score::trees::{Float, TreeError};

use crate::scorer::{RowScore, Scorer};

/// The first row on which a model and its library differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The row, from 0.
    pub row: usize,
    /// What the model says.
    pub got: Float,
    /// What the library says.
    pub expected: Float,
    /// The first tree whose leaf differs, where the library's leaves were given.
    pub tree: Option<usize>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { row, got, expected, .. } = self;
        let (got_bits, expected_bits) = (got.bits_hex(), expected.bits_hex());
        write!(f, "row {row}: the margin is {got} ({got_bits}), and the library's is {expected} ({expected_bits})")?;
        match self.tree {
            Some(tree) => write!(f, "; the first tree that differs is {tree}"),
            None => Ok(()),
        }
    }
}

/// One row and what the library predicts for it.
#[derive(Clone, Debug)]
pub struct Witness {
    /// A value for each feature, NaN where missing.
    pub values: Vec<f64>,
    /// The library's raw margin, or its points, in the model's own width.
    pub margin: Float,
    /// The library's leaf of each tree, where it is known.
    pub leaves: Option<Vec<u32>>,
}

/// The number that a library's prediction is compared with: the margin, or the points.
#[must_use]
pub fn compared(score: RowScore) -> Float {
    match score {
        RowScore::Margin { margin, .. } => margin,
        RowScore::Points { points, .. } => Float::F64(points),
    }
}

/// Scores every row and gives the first difference: other bits, or more than `tolerance` apart where that is above
/// zero.
///
/// # Errors
/// [`TreeError::RowLength`] where a row has not one value for each feature.
pub fn first_difference(model: &mut Scorer, rows: &[Witness], tolerance: f64) -> Result<Option<Difference>, TreeError> {
    for (row, witness) in rows.iter().enumerate() {
        let got = compared(model.score(&witness.values)?);
        let mut tree = None;
        if let Some(expected) = &witness.leaves {
            let leaves = model.leaves(&witness.values)?;
            tree = leaves.iter().zip(expected).position(|(got, expected)| got != expected);
        }
        let same = got.bits_hex() == witness.margin.bits_hex()
            || (tolerance > 0.0 && (got.to_f64() - witness.margin.to_f64()).abs() <= tolerance);
        if !same || tree.is_some() {
            return Ok(Some(Difference { row, got, expected: witness.margin, tree }));
        }
    }
    Ok(None)
}
