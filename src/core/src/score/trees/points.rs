//! Trees in points: what a bundle decides by.
//!
//! ```text
//! margin --link's slope--> log-odds --calibration--> log-odds of bad --scaling--> whole points, rounded once
//! ```
//!
//! More points mean less risk, as in a scorecard. Reasons are told against the baseline that is pinned in the model: the
//! points of the row less those of the baseline are parted among families of features, and sum to it exactly.

use std::{borrow::ToOwned, format, vec::Vec};

use super::{
    CompiledTrees, Explainer, TreeError,
    check::{Parts, refuse},
    compiled::Scratch,
    document::{TreeFeature, TreeModel, UnseenName},
};
use crate::{
    depth::{Checked, Depth},
    order::sort_short,
    score::{POINTS_ABS_MAX, REASONS_MAX, Value},
};

/// Trees that give points. Made by [`TreeModel::points`].
#[derive(Clone, Debug)]
pub struct TreePoints {
    trees: CompiledTrees,
    explainer: Explainer,
    features: Vec<TreeFeature>,
    /// Points at a margin of zero, before rounding.
    offset: f64,
    /// Points that one unit of the margin takes away.
    per_margin: f64,
    baseline_points: i32,
}

/// One row's points.
#[derive(Clone, Debug, PartialEq)]
pub struct TreeScored {
    /// The points.
    pub points: i32,
    /// How many features were taken for missing because their values may not raise the score.
    pub lowered: usize,
    /// The values that gave the points, one for each feature; NaN is missing.
    row: Vec<f64>,
}

/// What a family of features did to the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeReason {
    /// The first feature of the family, by its position in the model.
    pub feature: usize,
    /// Points against the baseline; below zero where it cost some.
    pub points: i32,
}

impl TreeModel {
    /// Checks the document and makes it ready to give points and reasons.
    ///
    /// # Errors
    /// As [`TreeModel::check`] and [`TreeModel::explainer`]; [`TreeError::Model`] also where the model has no `scaling`, its
    /// margin is no log-odds, or it could give more points than a score can have.
    pub fn points(&self) -> Result<TreePoints, TreeError> {
        self.points_as_deep_as::<Checked>()
    }

    pub(crate) fn points_as_deep_as<C: Depth>(&self) -> Result<TreePoints, TreeError> {
        let parts = self.parts::<C>()?;
        let (Some(scaling), Some(slope)) = (self.scaling, parts.slope) else {
            return refuse::<C, _>(|| {
                let what = if self.scaling.is_none() { "`scaling`" } else { "log-odds" };
                format!("it has no {what}, and so gives no points")
            });
        };
        let (intercept, factor) = self.calibration.map_or((0.0, 1.0), |put| (put.intercept.get(), put.slope.get()));
        if C::FULL && scaling.check().is_err() {
            return refuse::<C, _>(|| "its `scaling` has numbers that are no points or no odds".to_owned());
        }
        if factor == 0.0 {
            return refuse::<C, _>(|| "the `slope` of its `calibration` is zero".to_owned());
        }
        let share = if self.average { self.trees.len() as f64 } else { 1.0 };
        let per_margin = scaling.factor() * factor * slope / share;
        let offset = scaling.offset() - scaling.factor() * intercept;
        let farthest = offset.abs() + per_margin.abs() * parts.farthest_margin();
        if !farthest.is_finite() || farthest > f64::from(POINTS_ABS_MAX) {
            return refuse::<C, _>(|| format!("it can give more than {POINTS_ABS_MAX} points"));
        }
        let trees = CompiledTrees::new(self, &parts);
        let explainer = self.explainer_of::<C>(parts)?;
        let features = self.features.clone();
        let mut points = TreePoints { trees, explainer, features, offset, per_margin, baseline_points: 0 };
        points.baseline_points = points.points_of_row(points.explainer.baseline(), &mut points.scratch())?;
        Ok(points)
    }
}

impl Parts {
    /// No row's margin lies farther from zero, but for the rounding of sums.
    fn farthest_margin(&self) -> f64 {
        let farthest = |leaves: &[f64]| leaves.iter().fold(0.0, |most: f64, leaf| most.max(leaf.abs()));
        let sum = self.trees.iter().fold(self.base.to_f64().abs(), |sum, tree| sum + farthest(&tree.leaves));
        self.scale_and_bias.map_or(sum, |[scale, bias]| sum * scale.to_f64().abs() + bias.to_f64().abs())
    }
}

impl TreePoints {
    /// The features, in the order of a row's values.
    #[must_use]
    pub fn features(&self) -> &[TreeFeature] {
        &self.features
    }

    /// The trees alone.
    #[must_use]
    pub fn trees(&self) -> &CompiledTrees {
        &self.trees
    }

    /// The points that reasons are told against.
    #[must_use]
    pub fn baseline_points(&self) -> i32 {
        self.baseline_points
    }

    /// Room for scoring rows one after the other.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        self.trees.scratch()
    }

    /// The points of one row of bare numbers: NaN is missing, a category is its position among the feature's own.
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn points_of_row(&self, row: &[f64], scratch: &mut Scratch) -> Result<i32, TreeError> {
        let margin = self.trees.margin(row, scratch)?.to_f64();
        // The check bounds it far inside 32 bits.
        Ok(libm::round(self.offset - self.per_margin * margin) as i32)
    }

    /// Scores one row of named or numeric values.
    ///
    /// Features whose `do_not_raise` is true may cost points, and never earn more than silence would have: the row is
    /// also scored with all of them missing, and the fewer points count. An empty slice means false for all. Of kinds of
    /// missing trees know only one.
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn score(&self, values: &[Value<'_>], do_not_raise: &[bool]) -> Result<TreeScored, TreeError> {
        let mut row: Vec<f64> = Vec::with_capacity(values.len());
        row.extend(self.features.iter().zip(values).map(|(feature, value)| number(feature, *value)));
        let expected = self.features.len();
        let guarded = if do_not_raise.is_empty() { expected } else { do_not_raise.len() };
        if let Some(got) = [values.len(), guarded].into_iter().find(|got| *got != expected) {
            return Err(TreeError::RowLength { got, expected });
        }
        let mut scratch = self.scratch();
        let mut scored = TreeScored { points: self.points_of_row(&row, &mut scratch)?, lowered: 0, row };
        let mut silent = scored.row.clone();
        let mut lowered = 0;
        for (value, weak) in silent.iter_mut().zip(do_not_raise) {
            if *weak && !value.is_nan() {
                *value = f64::NAN;
                lowered += 1;
            }
        }
        if lowered > 0 {
            let points = self.points_of_row(&silent, &mut scratch)?;
            if points < scored.points {
                scored = TreeScored { points, lowered, row: silent };
            }
        }
        Ok(scored)
    }

    /// The points of each family of features against the baseline, in the order of their first features. They sum to the
    /// row's points less [`Self::baseline_points`], exactly.
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn contributions(&self, scored: &TreeScored) -> Result<Vec<TreeReason>, TreeError> {
        let total = scored.points.saturating_sub(self.baseline_points);
        let points = self.explainer.part(&scored.row, total, self.per_margin)?;
        let families = self.explainer.families();
        let first = |family: usize| families.iter().position(|of| *of == family);
        let named = points.into_iter().enumerate();
        Ok(named.filter_map(|(family, points)| Some(TreeReason { feature: first(family)?, points })).collect())
    }

    /// The families that cost points, the dearest first, ties in the order of their first features, at most
    /// [`REASONS_MAX`].
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn reasons(&self, scored: &TreeScored) -> Result<Vec<TreeReason>, TreeError> {
        let mut reasons = self.contributions(scored)?;
        reasons.retain(|reason| reason.points < 0);
        // A stable sort keeps the families' order among equals.
        sort_short(&mut reasons, |a, b| a.points < b.points);
        reasons.truncate(REASONS_MAX);
        Ok(reasons)
    }
}

/// A value as the trees read it. Yes and no are 1 and 0 to a model that has no names for them.
fn number(feature: &TreeFeature, value: Value<'_>) -> f64 {
    match value {
        Value::Number(number) if number.is_finite() && !feature.is_named() => number,
        Value::Category(name) if !feature.is_named() => match name {
            "no" => 0.0,
            "yes" => 1.0,
            _ => f64::NAN,
        },
        Value::Category(name) => match feature.categories.iter().position(|known| known == name) {
            Some(code) => code as f64,
            // One past the last code, which no set lists.
            None if feature.unseen == UnseenName::Other => feature.categories.len() as f64,
            None => f64::NAN,
        },
        Value::Number(_) | Value::Missing(_) | Value::Empty => f64::NAN,
    }
}

#[cfg(test)]
mod tests;
