//! Proof that a model was read rightly: the library's own predictions of some rows, to the bit.

use prequal_core::score::trees::{CompiledTrees, Float, TreeError};

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
    /// The library's raw margin, in the model's own width.
    pub margin: Float,
    /// The library's leaf of each tree, where it is known.
    pub leaves: Option<Vec<u32>>,
}

/// Scores every row and gives the first difference.
///
/// # Errors
/// [`TreeError::RowLength`] where a row has not one value for each feature.
pub fn first_difference(model: &CompiledTrees, rows: &[Witness]) -> Result<Option<Difference>, TreeError> {
    let mut scratch = model.scratch();
    let mut leaves = vec![0; model.trees()];
    for (row, witness) in rows.iter().enumerate() {
        let got = model.margin(&witness.values, &mut scratch)?;
        let mut tree = None;
        if let Some(expected) = &witness.leaves {
            model.leaves(&witness.values, &mut scratch, &mut leaves)?;
            tree = leaves.iter().zip(expected).position(|(got, expected)| got != expected);
        }
        if got.bits_hex() != witness.margin.bits_hex() || tree.is_some() {
            return Ok(Some(Difference { row, got, expected: witness.margin, tree }));
        }
    }
    Ok(None)
}
