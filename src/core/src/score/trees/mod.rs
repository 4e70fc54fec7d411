//! Boosted trees: the model file, its check, and the evaluator.
//!
//! ```text
//! model.json --parse--> TreeModel --check--> CompiledTrees --margin--> Float --probability--> Float
//! ```
//!
//! A [`TreeModel`] is the document: thresholds per feature, the shape of each tree, leaf values with the source
//! library's bits. A [`CompiledTrees`] is what scores. Each value of a row is turned once into its *state*, the
//! number of thresholds at or below it, with states of their own for missing and for categories. From there on trees
//! are integers: small models look up, for each state, which leaves it rules out in every tree at once
//! ([`masks`]); large ones walk ([`walk`]). No float is compared in a tree, nothing branches on missing, nothing is
//! allocated. The margin is the sum of leaves in the source library's order and width, so it has the source's bits.
//!
//! What does not belong here: reading a library's own file (`prequal-models`), points scorecards (`score`), and what
//! a score leads to (`policy`, `decide`).

mod check;
mod column;
mod compiled;
mod document;
mod error;
mod float;
mod limits;
mod linear;
mod masks;
mod points;
mod shape;
mod shapley;
mod walk;

#[cfg(test)]
mod tests;

pub use compiled::{CompiledTrees, Scratch};
pub use document::{
    Calibration, CategoryColumn, Column, FORMAT, LinearLeaves, Link, LinkKind, MissingRule, Source, Tree, TreeFeature,
    TreeModel, UnseenName, Width,
};
pub use error::TreeError;
pub use float::{Float, decimal, leaf_hex, parse_bits};
pub use limits::{
    CATEGORIES_MAX, CATEGORY_CODE_MAX, COLUMNS_MAX, CUTS_MAX, DEPTH_MAX, FEATURES_MAX, LEAVES_MAX,
    MASK_TABLE_BYTES_MAX, MODEL_BYTES_MAX, NAME_BYTES_MAX, SET_BYTES_MAX, TEXT_BYTES_MAX, TREES_MAX,
};
pub use points::{TreePoints, TreeReason, TreeScored};
pub use shapley::{Explainer, Explanation, FamilyPoints};
