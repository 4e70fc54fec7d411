//! Which features cost points, as reason codes.

use crate::order::sort_short;
use std::vec::Vec;

use super::{CompiledScorecard, Scored, limits::REASONS_MAX};

/// One reason for a score that is not higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreReason<'m> {
    /// The reason code of the model.
    pub code: &'m str,
    /// Points below the baseline of the features that share the code, summed; more than zero.
    pub points_below: i32,
    /// The first feature with this code that costs points, by its position in the model.
    pub feature: usize,
}

impl CompiledScorecard {
    /// The reasons of a score: for each feature its points below its baseline, which is its best bin unless the
    /// model says otherwise, summed over features that share a code, largest first, ties in feature order, differences
    /// of zero and points above the baseline dropped, at most [`REASONS_MAX`]. ("Points below" of PMML scorecards, whose
    /// baseline is the maximum, the mean, neutral or another; DMG PMML 4.4.)
    ///
    /// Only what the model used can be a reason: the codes come from its features alone, and from those of their missing
    /// bins that have one of their own.
    #[must_use]
    pub fn reasons(&self, scored: &Scored) -> Vec<ScoreReason<'_>> {
        let mut reasons: Vec<ScoreReason<'_>> = Vec::new();
        for (index, (feature, contribution)) in self.features().iter().zip(&scored.contributions).enumerate() {
            let below = feature.baseline_points().saturating_sub(contribution.points);
            if below <= 0 {
                continue;
            }
            let code = feature.reason_of(contribution);
            match reasons.iter_mut().find(|reason| reason.code == code) {
                Some(reason) => reason.points_below = reason.points_below.saturating_add(below),
                None => reasons.push(ScoreReason { code, points_below: below, feature: index }),
            }
        }
        // A stable sort keeps feature order among equals.
        sort_short(&mut reasons, |a, b| a.points_below > b.points_below);
        reasons.truncate(REASONS_MAX);
        reasons
    }
}
