//! Which features cost points, as reason codes.

use crate::order::sort_short;
use std::vec::Vec;

use super::{CompiledScorecard, Scored, limits::REASONS_MAX};

/// One reason for a score that is not higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreReason<'m> {
    /// The reason code of the model.
    pub code: &'m str,
    /// Points below the best of the features that share the code, summed; more than zero.
    pub points_below_best: i32,
    /// The first feature with this code that costs points, by its position in the model.
    pub feature: usize,
}

impl CompiledScorecard {
    /// The reasons of a score: for each feature its points below its best bin, summed over features
    /// that share a code, largest first, ties in feature order, zero differences dropped, at most
    /// [`REASONS_MAX`]. ("Points below max" of PMML scorecards, DMG PMML 4.4.)
    ///
    /// Only what the model used can be a reason: the codes come from its features alone.
    #[must_use]
    pub fn reasons(&self, scored: &Scored) -> Vec<ScoreReason<'_>> {
        let mut reasons: Vec<ScoreReason<'_>> = Vec::new();
        for (index, (feature, contribution)) in self.features().iter().zip(&scored.contributions).enumerate() {
            let below = feature.best_points().saturating_sub(contribution.points);
            if below <= 0 {
                continue;
            }
            match reasons.iter_mut().find(|reason| reason.code == feature.reason()) {
                Some(reason) => reason.points_below_best = reason.points_below_best.saturating_add(below),
                None => {
                    reasons.push(ScoreReason { code: feature.reason(), points_below_best: below, feature: index });
                }
            }
        }
        // A stable sort keeps feature order among equals.
        sort_short(&mut reasons, |a, b| a.points_below_best > b.points_below_best);
        reasons.truncate(REASONS_MAX);
        reasons
    }
}
