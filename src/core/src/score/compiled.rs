//! The evaluator: ranks, lookups and one integer sum.

use std::{
    string::{String, ToString},
    vec::Vec,
};

use super::{
    Scaling, ScoreError,
    model::{DataOrigin, FeatureKind},
    value::{MissingKind, Value},
};

/// A checked scorecard in the form that scores. Made by [`super::Scorecard::check`].
#[derive(Clone, Debug)]
pub struct CompiledScorecard {
    pub(super) label: String,
    pub(super) purpose: String,
    pub(super) data: DataOrigin,
    pub(super) scaling: Scaling,
    pub(super) base_points: i32,
    pub(super) features: Vec<CompiledFeature>,
}

/// One feature in the form that scores.
///
/// INVARIANT: `points` has one entry for each value bin, then one for plain missing, then one for each
/// of [`MissingKind::ALL`]; `unseen_slot` and every slot in `categories` lie inside it.
#[derive(Clone, Debug)]
pub struct CompiledFeature {
    pub(super) name: String,
    pub(super) kind: FeatureKind,
    pub(super) reason: String,
    /// Numbers: the ascending lower ends of all bins but the first.
    pub(super) cuts: Vec<f64>,
    /// Categories in the file's order, for values that come as an index.
    pub(super) categories: Vec<(String, u16)>,
    /// Positions in `categories`, sorted by name, for values that come by name.
    pub(super) by_name: Vec<u16>,
    pub(super) unseen_slot: u16,
    pub(super) points: Vec<i32>,
    /// Reason codes of the missing bins' own, in the order of their slots.
    pub(super) missing_reasons: Vec<Option<String>>,
    pub(super) baseline: i32,
}

/// What a slot of a feature stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinRef {
    /// The value bin with this position in the file.
    Value(u16),
    /// Missing, the reason unknown or without a bin of its own kind.
    Missing,
    /// Missing of a known kind.
    MissingKind(MissingKind),
}

/// What one feature gave to a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The bin that the value fell into.
    pub bin: BinRef,
    /// Points given.
    pub points: i32,
    /// True where the bin's points were lowered to the missing bin's, because the value may not raise
    /// the score.
    pub lowered: bool,
}

/// One row's score.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scored {
    /// Base points and all contributions, summed.
    pub points: i32,
    /// One for each feature, in the model's order.
    pub contributions: Vec<Contribution>,
}

impl CompiledScorecard {
    /// The model's label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What the model may be used for.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// The data that made the model.
    #[must_use]
    pub fn data(&self) -> &DataOrigin {
        &self.data
    }

    /// How points stand for odds; gives the probability of bad.
    #[must_use]
    pub fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// Points that every row starts with.
    #[must_use]
    pub fn base_points(&self) -> i32 {
        self.base_points
    }

    /// The features in the order of a row's values.
    #[must_use]
    pub fn features(&self) -> &[CompiledFeature] {
        &self.features
    }

    /// The position of a feature in a row.
    #[must_use]
    pub fn feature_index(&self, name: &str) -> Option<usize> {
        self.features.iter().position(|feature| feature.name == name)
    }

    /// Scores one row of named or numeric values, one for each feature in the model's order.
    ///
    /// # Errors
    /// [`ScoreError::RowLength`]; [`ScoreError::ValueKind`] where a number meets a category feature or
    /// the other way round.
    pub fn score(&self, values: &[Value<'_>]) -> Result<Scored, ScoreError> {
        let mut scored = Scored::default();
        self.score_into(values, &[], &mut scored)?;
        Ok(scored)
    }

    /// As [`Self::score`], but a feature whose `do_not_raise` is true gives at most the points of its
    /// missing bin.
    ///
    /// This is how a value that only the applicant vouches for (declared, or computed in the browser)
    /// goes into a score: it may cost points, never earn more than silence would have. So no statement
    /// of an applicant can raise a limit or lower a price. An empty slice means false for all.
    ///
    /// # Errors
    /// As [`Self::score`]; [`ScoreError::RowLength`] also where `do_not_raise` is neither empty nor of
    /// the row's length.
    pub fn score_guarded(&self, values: &[Value<'_>], do_not_raise: &[bool]) -> Result<Scored, ScoreError> {
        let mut scored = Scored::default();
        self.score_into(values, do_not_raise, &mut scored)?;
        Ok(scored)
    }

    /// As [`Self::score_guarded`], into a result that is used again: no allocation after the first row.
    ///
    /// # Errors
    /// As [`Self::score_guarded`]; `scored` is then not to be read.
    pub fn score_into(
        &self,
        values: &[Value<'_>],
        do_not_raise: &[bool],
        scored: &mut Scored,
    ) -> Result<(), ScoreError> {
        self.check_length(values.len())?;
        if !do_not_raise.is_empty() {
            self.check_length(do_not_raise.len())?;
        }
        scored.points = self.base_points;
        scored.contributions.clear();
        for (index, (feature, value)) in self.features.iter().zip(values).enumerate() {
            let slot = feature.slot(*value)?;
            let guarded = do_not_raise.get(index).copied().unwrap_or(false);
            let contribution = feature.contribution(slot, guarded);
            // The check bounds features and points, so the sum of a checked model stays far inside 32 bits.
            scored.points = scored.points.saturating_add(contribution.points);
            scored.contributions.push(contribution);
        }
        Ok(())
    }

    /// Scores one row of bare numbers, as they come in a typed array: NaN is missing, a category is its
    /// position in [`CompiledFeature::categories`]. Gives the points alone and does not allocate.
    ///
    /// # Errors
    /// [`ScoreError::RowLength`]; [`ScoreError::ValueKind`] where a category is not a whole number.
    pub fn points_of_row(&self, row: &[f64]) -> Result<i32, ScoreError> {
        self.check_length(row.len())?;
        let mut points = self.base_points;
        for (feature, value) in self.features.iter().zip(row) {
            let slot = feature.slot_of_number(*value)?;
            points = points.saturating_add(feature.points.get(slot).copied().unwrap_or(0));
        }
        Ok(points)
    }

    fn check_length(&self, got: usize) -> Result<(), ScoreError> {
        if got == self.features.len() {
            return Ok(());
        }
        Err(ScoreError::RowLength { got, expected: self.features.len() })
    }
}

impl CompiledFeature {
    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Numbers or categories.
    #[must_use]
    pub fn kind(&self) -> FeatureKind {
        self.kind
    }

    /// The reason code given where the feature costs points.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The reason code given where a contribution costs points: that of the missing bin which gave it, where that has
    /// one. A value that was held to the points of the missing bin is a value still.
    #[must_use]
    pub fn reason_of(&self, contribution: &Contribution) -> &str {
        let slot = match contribution.bin {
            BinRef::Value(_) => return &self.reason,
            BinRef::Missing => 0,
            BinRef::MissingKind(kind) => 1 + kind.slot(),
        };
        self.missing_reasons.get(slot).and_then(Option::as_deref).unwrap_or(&self.reason)
    }

    /// The points that reasons are told against: the model's own, or the most that any bin gives, missing bins included.
    #[must_use]
    pub fn baseline_points(&self) -> i32 {
        self.baseline
    }

    /// The points of the plain missing bin.
    #[must_use]
    pub fn missing_points(&self) -> i32 {
        self.points.get(self.missing_slot()).copied().unwrap_or(0)
    }

    /// The listed categories; a category's position here is its number in a bare row.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.categories.iter().map(|(name, _)| name.as_str())
    }

    /// How many value bins there are.
    #[must_use]
    pub fn bins_count(&self) -> usize {
        self.missing_slot()
    }

    /// The bin that a value falls into.
    ///
    /// # Errors
    /// [`ScoreError::ValueKind`].
    pub fn bin(&self, value: Value<'_>) -> Result<BinRef, ScoreError> {
        Ok(self.bin_ref(self.slot(value)?))
    }

    pub(super) fn missing_slot(&self) -> usize {
        self.points.len().saturating_sub(1 + MissingKind::ALL.len())
    }

    fn slot(&self, value: Value<'_>) -> Result<usize, ScoreError> {
        match value {
            Value::Missing(kind) => Ok(self.kind_slot(kind)),
            Value::Empty => Ok(self.missing_slot()),
            Value::Number(number) if self.kind == FeatureKind::Number => Ok(self.rank(number)),
            Value::Category(name) if self.kind == FeatureKind::Category => Ok(self.named(name)),
            Value::Number(number) if number.is_nan() => Ok(self.missing_slot()),
            Value::Number(_) | Value::Category(_) => Err(self.wrong_kind()),
        }
    }

    fn slot_of_number(&self, number: f64) -> Result<usize, ScoreError> {
        if self.kind == FeatureKind::Number {
            return Ok(self.rank(number));
        }
        if number.is_nan() {
            return Ok(self.missing_slot());
        }
        if libm::trunc(number) != number {
            return Err(self.wrong_kind());
        }
        // A negative or huge number saturates in the cast and is then no position in the list.
        let listed = if number < 0.0 { None } else { self.categories.get(number as usize) };
        Ok(usize::from(listed.map_or(self.unseen_slot, |(_, slot)| *slot)))
    }

    fn wrong_kind(&self) -> ScoreError {
        let expected = match self.kind {
            FeatureKind::Number => "number",
            FeatureKind::Category => "category",
        };
        ScoreError::ValueKind { feature: self.name.to_string(), expected }
    }

    /// The number of cuts at or below a value is its bin: bins are `[from, below)`.
    fn rank(&self, number: f64) -> usize {
        if number.is_nan() {
            self.missing_slot()
        } else if number.is_infinite() {
            self.kind_slot(MissingKind::Invalid)
        } else {
            self.cuts.partition_point(|cut| *cut <= number)
        }
    }

    fn named(&self, name: &str) -> usize {
        let name_at = |position: &u16| self.categories.get(usize::from(*position));
        let found = self
            .by_name
            .binary_search_by(|position| name_at(position).map_or("", |(listed, _)| listed.as_str()).cmp(name));
        let slot = found.ok().and_then(|at| self.by_name.get(at)).and_then(name_at).map(|(_, slot)| *slot);
        usize::from(slot.unwrap_or(self.unseen_slot))
    }

    fn kind_slot(&self, kind: MissingKind) -> usize {
        self.missing_slot() + 1 + kind.slot()
    }

    fn bin_ref(&self, slot: usize) -> BinRef {
        let missing = self.missing_slot();
        if slot < missing {
            // Bins are at most BINS_MAX.
            return BinRef::Value(slot as u16);
        }
        match MissingKind::ALL.get(slot.wrapping_sub(missing + 1)) {
            Some(kind) => BinRef::MissingKind(*kind),
            None => BinRef::Missing,
        }
    }

    fn contribution(&self, slot: usize, do_not_raise: bool) -> Contribution {
        let full = self.points.get(slot).copied().unwrap_or(0);
        let points = if do_not_raise { full.min(self.missing_points()) } else { full };
        Contribution { bin: self.bin_ref(slot), points, lowered: points < full }
    }
}
