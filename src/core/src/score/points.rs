//! What gives points, of whatever kind: a points scorecard, or trees with a scale.

use std::{string::ToString, vec::Vec};

use super::{
    CompiledScorecard, FeatureKind, ScoreError, Scored, Value,
    trees::{TreeError, TreePoints, TreeReason, TreeScored, UnseenName},
};

/// A model that gives points.
#[derive(Clone, Debug)]
pub enum PointsModel {
    /// A points scorecard.
    Card(CompiledScorecard),
    /// Boosted trees.
    Trees(Box<TreePoints>),
}

/// One row's points, and what is needed to say why.
#[derive(Clone, Debug)]
pub enum ScoredRow {
    /// By a scorecard.
    Card(Scored),
    /// By trees.
    Trees(TreeScored),
}

/// What a model takes as one of its features.
#[derive(Clone, Copy, Debug)]
pub struct PointsFeature<'m> {
    /// The feature's name.
    pub name: &'m str,
    /// The reason that it gives: its own name where the model has no code.
    pub reason: &'m str,
    /// Numbers or categories; `None` where it takes a number that may stand for yes and no.
    pub kind: Option<FeatureKind>,
    /// Whether a row that lacks it would be read as if the value were zero.
    pub missing_is_zero: bool,
}

impl ScoredRow {
    /// The points.
    #[must_use]
    pub fn points(&self) -> i32 {
        match self {
            Self::Card(scored) => scored.points,
            Self::Trees(scored) => scored.points,
        }
    }

    /// How many values gave less than they say, because they may not raise the score.
    #[must_use]
    pub fn lowered(&self) -> usize {
        match self {
            Self::Card(scored) => scored.contributions.iter().filter(|contribution| contribution.lowered).count(),
            Self::Trees(scored) => scored.lowered,
        }
    }
}

impl PointsModel {
    /// How many features a row has values for.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Card(card) => card.features().len(),
            Self::Trees(trees) => trees.features().len(),
        }
    }

    /// The feature at a position of a row.
    #[must_use]
    pub fn feature(&self, at: usize) -> Option<PointsFeature<'_>> {
        match self {
            Self::Card(card) => card.features().get(at).map(|feature| PointsFeature {
                name: feature.name(),
                reason: feature.reason(),
                kind: Some(feature.kind()),
                missing_is_zero: false,
            }),
            Self::Trees(trees) => trees.features().get(at).map(|feature| PointsFeature {
                name: &feature.name,
                reason: if feature.reason.is_empty() { &feature.name } else { &feature.reason },
                kind: feature.is_named().then_some(FeatureKind::Category),
                missing_is_zero: trees.trees().takes_missing_for_zero(at),
            }),
        }
    }

    /// All features, in the order of a row's values.
    pub fn features(&self) -> impl Iterator<Item = PointsFeature<'_>> {
        (0..self.width()).filter_map(|at| self.feature(at))
    }

    /// Whether a feature's category has a place in the model; `false` where a row with it has no score.
    #[must_use]
    pub fn takes_category(&self, at: usize, name: &str) -> bool {
        match self {
            Self::Card(_) => true,
            Self::Trees(trees) => trees.features().get(at).is_some_and(|feature| {
                feature.unseen != UnseenName::Refuse || feature.categories.iter().any(|known| known == name)
            }),
        }
    }

    /// Scores one row, with values of weak features not raising it: [`CompiledScorecard::score_guarded`],
    /// [`TreePoints::score`].
    ///
    /// # Errors
    /// [`ScoreError::RowLength`], [`ScoreError::ValueKind`].
    pub fn score(&self, values: &[Value<'_>], do_not_raise: &[bool]) -> Result<ScoredRow, ScoreError> {
        Ok(match self {
            Self::Card(card) => ScoredRow::Card(card.score_guarded(values, do_not_raise)?),
            Self::Trees(trees) => ScoredRow::Trees(trees.score(values, do_not_raise)?),
        })
    }

    /// The reason codes of a row that this model scored, most points first: [`CompiledScorecard::reasons`],
    /// [`TreePoints::reasons`].
    ///
    /// # Errors
    /// [`ScoreError::RowLength`] for a row of another model.
    pub fn reasons<'m>(&'m self, scored: &ScoredRow) -> Result<Vec<&'m str>, ScoreError> {
        Ok(match (self, scored) {
            (Self::Card(card), ScoredRow::Card(scored)) => {
                card.reasons(scored).iter().map(|reason| reason.code).collect()
            }
            (Self::Trees(trees), ScoredRow::Trees(scored)) => {
                let named = |reason: &TreeReason| self.feature(reason.feature).map(|feature| feature.reason);
                trees.reasons(scored)?.iter().filter_map(named).collect()
            }
            _ => return Err(ScoreError::RowLength { got: 0, expected: self.width() }),
        })
    }

    /// Scores rows of bare numbers, one after the other, into `points`, one number a row. NaN is missing, a category is
    /// its position among those that the model lists.
    ///
    /// # Errors
    /// [`ScoreError::RowLength`] where there are not as many whole rows as places; [`ScoreError::ValueKind`].
    pub fn points_of_rows(&self, rows: &[f64], points: &mut [i32]) -> Result<(), ScoreError> {
        let width = self.width();
        if points.len().checked_mul(width) != Some(rows.len()) {
            return Err(ScoreError::RowLength { got: rows.len(), expected: points.len().saturating_mul(width) });
        }
        let places = rows.chunks_exact(width.max(1)).zip(points);
        match self {
            Self::Card(card) => {
                for (row, place) in places {
                    *place = card.points_of_row(row)?;
                }
            }
            Self::Trees(trees) => {
                let mut scratch = trees.scratch();
                for (row, place) in places {
                    *place = trees.points_of_row(row, &mut scratch)?;
                }
            }
        }
        Ok(())
    }
}

impl From<TreeError> for ScoreError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::RowLength { got, expected } => Self::RowLength { got, expected },
            TreeError::Model(why) => Self::Model(why),
            other => Self::Model(other.to_string()),
        }
    }
}
