//! All rows that a fold held out, scored by the model that never saw them.

use crate::Training;

/// Outcomes and scores, fold after fold.
#[derive(Clone, Debug, Default)]
pub struct HeldOut {
    /// Position of each row in the table.
    pub rows: Vec<usize>,
    /// Whether it was bad.
    pub bad: Vec<bool>,
    /// Its points.
    pub points: Vec<f64>,
    /// Its probability of bad by the points.
    pub probability: Vec<f64>,
    /// Its probability of bad by the trees; empty where there are none.
    pub trees: Vec<f64>,
}

impl HeldOut {
    /// Collects them.
    #[must_use]
    pub fn new(training: &Training) -> Self {
        let mut all = Self::default();
        for fold in &training.folds {
            all.rows.extend(&fold.held_out);
            all.bad.extend(fold.held_out.iter().map(|row| training.table.bad[*row]));
            all.points.extend(fold.points.iter().map(|points| f64::from(*points)));
            all.probability.extend(&fold.probability);
            all.trees.extend(fold.trees.iter().flat_map(|trees| &trees.probability));
        }
        all
    }
}
