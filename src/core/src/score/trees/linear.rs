//! Linear leaves: constant + Σ coefficient × value, in `f64` and in the order of the file.

use std::{format, vec::Vec};

use super::{
    TreeError,
    document::{LinearLeaves, Width},
    float,
};

/// One term of a leaf.
#[derive(Clone, Copy, Debug)]
struct Term {
    feature: u32,
    coefficient: f64,
}

/// A leaf's constant and where its terms stand.
#[derive(Clone, Copy, Debug)]
struct Formula {
    constant: f64,
    first: usize,
    end: usize,
}

/// The linear leaves of a model; a tree without them has none here.
#[derive(Clone, Debug, Default)]
pub(super) struct Linear {
    /// One entry for each leaf of the model, `None` for leaves of plain trees.
    formulas: Vec<Option<Formula>>,
    terms: Vec<Term>,
}

impl Linear {
    /// Whether any tree is linear.
    pub(super) fn is_empty(&self) -> bool {
        self.formulas.iter().all(Option::is_none)
    }

    /// Takes the leaves of the next tree.
    pub(super) fn push(
        &mut self,
        linear: Option<&LinearLeaves>,
        leaves: usize,
        features: usize,
    ) -> Result<(), TreeError> {
        let Some(linear) = linear else {
            self.formulas.resize(self.formulas.len() + leaves, None);
            return Ok(());
        };
        let refuse = |why: &str| Err(TreeError::Model(format!("a tree's `linear` {why}")));
        let numbers = |text: &str| float::parse_run(text, Width::F64);
        let (Some(constants), Some(coefficients)) = (numbers(&linear.constants), numbers(&linear.coefficients)) else {
            return refuse("holds something other than the bits of finite floats");
        };
        let terms = linear.counts.iter().fold(0_usize, |sum, count| sum.saturating_add(*count as usize));
        if constants.len() != leaves || linear.counts.len() != leaves {
            return refuse("has not one constant and one count for each leaf");
        }
        if linear.features.len() != terms || coefficients.len() != terms {
            return refuse("has not as many features and coefficients as its counts say");
        }
        if linear.features.iter().any(|feature| *feature as usize >= features) {
            return refuse("names a feature that the model does not have");
        }
        let mut first = self.terms.len();
        for (constant, count) in constants.into_iter().zip(&linear.counts) {
            let end = first + *count as usize;
            self.formulas.push(Some(Formula { constant, first, end }));
            first = end;
        }
        let terms = linear.features.iter().zip(coefficients);
        self.terms.extend(terms.map(|(feature, coefficient)| Term { feature: *feature, coefficient }));
        Ok(())
    }

    /// The value of a leaf: its formula, or `plain` where it has none or one of its values is missing.
    pub(super) fn value(&self, leaf: usize, plain: f64, values: &[f64]) -> f64 {
        let Some(Some(formula)) = self.formulas.get(leaf) else { return plain };
        let terms = self.terms.get(formula.first..formula.end).unwrap_or_default();
        let mut sum = formula.constant;
        for term in terms {
            let value = values.get(term.feature as usize).copied().unwrap_or(f64::NAN);
            if value.is_nan() {
                return plain;
            }
            sum += term.coefficient * value;
        }
        sum
    }
}
