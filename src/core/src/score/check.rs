//! From the file to the form that scores, refusing what makes no sense.

use core::fmt;

use crate::{
    depth::{Checked, Depth},
    order::sort_short,
    sorted::Names,
};

use super::{
    ScoreError,
    compiled::{CompiledFeature, CompiledScorecard},
    limits::{BINS_MAX, CATEGORIES_MAX, FEATURES_MAX, NAME_BYTES_MAX, POINTS_ABS_MAX, TEXT_BYTES_MAX},
    model::{FORMAT, Feature, FeatureKind, Scorecard, Unseen},
    value::MissingKind,
};

impl Scorecard {
    /// Checks the document and compiles it.
    ///
    /// # Errors
    /// [`ScoreError::Format`], [`ScoreError::Limit`], or [`ScoreError::Model`] with the feature and
    /// what is wrong with it: gaps or overlaps between bins, a category listed twice, an unlisted
    /// category without a policy, names that are empty or taken.
    pub fn check(&self) -> Result<CompiledScorecard, ScoreError> {
        self.compile::<Checked>()
    }

    /// Compiles the document, checking it as deep as `C` says.
    pub(crate) fn compile<C: Depth>(&self) -> Result<CompiledScorecard, ScoreError> {
        if C::FULL {
            self.check_head()?;
        }
        let mut names = Names::default();
        let mut features = Vec::with_capacity(self.features.len());
        for feature in &self.features {
            if C::FULL && !names.insert(feature.name.as_str()) {
                return Err(ScoreError::Model(format!("feature `{}` is there twice", feature.name)));
            }
            features.push(feature.compile::<C>()?);
        }
        Ok(CompiledScorecard {
            label: self.label.clone(),
            purpose: self.purpose.clone(),
            data: self.data.clone(),
            scaling: self.scaling,
            base_points: self.base_points,
            features,
        })
    }

    fn check_head(&self) -> Result<(), ScoreError> {
        if self.format != FORMAT {
            return Err(ScoreError::Format(self.format.clone()));
        }
        text_within("label", &self.label, TEXT_BYTES_MAX)?;
        text_within("purpose", &self.purpose, TEXT_BYTES_MAX)?;
        text_within("target column", &self.target.column, NAME_BYTES_MAX)?;
        text_within("target value", &self.target.bad, NAME_BYTES_MAX)?;
        self.scaling.check()?;
        points_within("base_points", self.base_points)?;
        self.check_origin()?;
        within("features", self.features.len(), FEATURES_MAX)?;
        if self.features.is_empty() {
            return Err(ScoreError::Model("there is no feature".to_string()));
        }
        Ok(())
    }

    fn check_origin(&self) -> Result<(), ScoreError> {
        let hash = &self.data.sha256;
        if hash.len() != 64 || !hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(ScoreError::Model("`data.sha256` is not 64 lower-case hexadecimal digits".to_string()));
        }
        if self.data.bads > self.data.rows {
            return Err(ScoreError::Model("`data.bads` is more than `data.rows`".to_string()));
        }
        for column in &self.excluded {
            text_within("excluded column", &column.column, NAME_BYTES_MAX)?;
            text_within("reason of an excluded column", &column.why, TEXT_BYTES_MAX)?;
        }
        Ok(())
    }
}

impl Feature {
    fn compile<C: Depth>(&self) -> Result<CompiledFeature, ScoreError> {
        if C::FULL {
            name_within("feature", &self.name)?;
            name_within("reason code", &self.reason)?;
            self.own_reasons().try_for_each(|reason| name_within("reason code", reason))?;
            points_within("baseline", self.baseline.unwrap_or(0))?;
        }
        // Slots are 16 bits, so this bound is needed in any case.
        if self.bins.len() > BINS_MAX {
            let what = format!("bins of feature `{}`", self.name);
            return Err(ScoreError::Limit { what, got: self.bins.len(), max: BINS_MAX });
        }
        if self.bins.is_empty() {
            return Err(self.refuse::<C>(format_args!("has no bin")));
        }
        let mut compiled = CompiledFeature {
            name: self.name.clone(),
            kind: self.kind,
            reason: self.reason.clone(),
            cuts: Vec::new(),
            categories: Vec::new(),
            by_name: Vec::new(),
            unseen_slot: 0,
            points: self.points::<C>()?,
            missing_reasons: self.missing_slots().iter().map(|bin| bin.reason.clone()).collect(),
            baseline: 0,
        };
        let best = compiled.points.iter().copied().max().unwrap_or(0);
        compiled.baseline = self.baseline.unwrap_or(best);
        match self.kind {
            FeatureKind::Number => compiled.cuts = self.cuts::<C>()?,
            FeatureKind::Category => {
                compiled.categories = self.categories::<C>()?;
                let mut by_name: Vec<(&str, u16)> = Vec::with_capacity(compiled.categories.len());
                by_name.extend((0u16..).zip(&compiled.categories).map(|(at, (name, _))| (name.as_str(), at)));
                sort_short(&mut by_name, |a, b| a.0 < b.0);
                compiled.by_name = by_name.into_iter().map(|(_, at)| at).collect();
                compiled.unseen_slot = self.unseen_slot::<C>(compiled.missing_slot())?;
            }
        }
        Ok(compiled)
    }

    fn refuse<C: Depth>(&self, what: fmt::Arguments<'_>) -> ScoreError {
        ScoreError::Model(if C::FULL { format!("feature `{}` {what}", self.name) } else { self.name.clone() })
    }

    /// Points of the value bins, of plain missing, and of each kind of missing.
    fn points<C: Depth>(&self) -> Result<Vec<i32>, ScoreError> {
        let missing = self.missing_slots();
        let missing = missing.iter().map(|bin| bin.points);
        let points: Vec<i32> = self.bins.iter().map(|bin| bin.points).chain(missing).collect();
        if !C::FULL {
            return Ok(points);
        }
        points
            .iter()
            .try_for_each(|points| points_within("points", *points).map_err(|_| self.refuse_points::<C>(*points)))?;
        for bin in &self.bins {
            if bin.bads.unwrap_or(0) > bin.rows.unwrap_or(u32::MAX) {
                return Err(self.refuse::<C>(format_args!("has a bin with more bads than rows")));
            }
        }
        Ok(points)
    }

    fn refuse_points<C: Depth>(&self, points: i32) -> ScoreError {
        self.refuse::<C>(format_args!("has {points} points in a bin, and the limit is {POINTS_ABS_MAX}"))
    }

    /// The bins' lower ends, after making sure that each bin begins where the last one ended.
    fn cuts<C: Depth>(&self) -> Result<Vec<f64>, ScoreError> {
        if C::FULL && self.unseen.is_some() {
            return Err(self.refuse::<C>(format_args!("is a number and says what an unseen category is")));
        }
        let mut cuts = Vec::with_capacity(self.bins.len());
        let mut end = None;
        for (index, bin) in self.bins.iter().enumerate() {
            if C::FULL && (!bin.categories.is_empty() || bin.other) {
                return Err(self.refuse::<C>(format_args!("is a number and has a bin of categories")));
            }
            if C::FULL && bin.from != end {
                return Err(self.refuse::<C>(format_args!("has bins that leave a gap, overlap or are out of order")));
            }
            let last = index + 1 == self.bins.len();
            match (bin.below, last) {
                (None, true) => {}
                (Some(below), false) if end.is_none_or(|end| end < below) => cuts.push(below.get()),
                (Some(_), false) => return Err(self.refuse::<C>(format_args!("has a bin that ends before it begins"))),
                _ => {
                    return Err(self.refuse::<C>(format_args!("must have an open end in its last bin and in no other")));
                }
            }
            end = bin.below;
        }
        Ok(cuts)
    }

    fn categories<C: Depth>(&self) -> Result<Vec<(String, u16)>, ScoreError> {
        let mut seen = Names::default();
        let mut categories = Vec::new();
        for (slot, bin) in (0u16..).zip(&self.bins) {
            if C::FULL && (bin.from.is_some() || bin.below.is_some()) {
                return Err(self.refuse::<C>(format_args!("is a category and has a bin with an interval")));
            }
            if C::FULL && bin.categories.is_empty() && !bin.other {
                return Err(self.refuse::<C>(format_args!("has a bin without a category")));
            }
            for category in &bin.categories {
                if C::FULL {
                    name_within("category", category)?;
                }
                if C::FULL && !seen.insert(category.as_str()) {
                    return Err(self.refuse::<C>(format_args!("lists category `{category}` twice")));
                }
                categories.push((category.clone(), slot));
            }
        }
        if C::FULL {
            within(&format!("categories of feature `{}`", self.name), categories.len(), CATEGORIES_MAX)?;
        }
        Ok(categories)
    }

    fn unseen_slot<C: Depth>(&self, missing_slot: usize) -> Result<u16, ScoreError> {
        let mut others = (0u16..).zip(&self.bins).filter(|(_, bin)| bin.other).map(|(slot, _)| slot);
        let other = others.next();
        if C::FULL && others.next().is_some() {
            return Err(self.refuse::<C>(format_args!("has more than one bin for other categories")));
        }
        // INVARIANT: bins are at most BINS_MAX, so slots fit 16 bits.
        let missing_slot = missing_slot as u16;
        match (self.unseen, other) {
            (Some(Unseen::Other), Some(slot)) => Ok(slot),
            (Some(Unseen::Missing), None) => Ok(missing_slot),
            (Some(Unseen::Invalid), None) => Ok(missing_slot + 1 + MissingKind::Invalid.slot() as u16),
            _ if !C::FULL => Ok(missing_slot),
            (None, _) => Err(self.refuse::<C>(format_args!("does not say what an unseen category is"))),
            (Some(Unseen::Other), None) => Err(self.refuse::<C>(format_args!("has no bin for other categories"))),
            (Some(_), Some(_)) => {
                Err(self.refuse::<C>(format_args!("has a bin for other categories and does not use it")))
            }
        }
    }
}

fn within(what: &str, got: usize, max: usize) -> Result<(), ScoreError> {
    if got <= max {
        return Ok(());
    }
    Err(ScoreError::Limit { what: what.to_string(), got, max })
}

fn text_within(what: &str, text: &str, max: usize) -> Result<(), ScoreError> {
    within(&format!("bytes of the {what}"), text.len(), max)
}

fn name_within(what: &str, name: &str) -> Result<(), ScoreError> {
    text_within(what, name, NAME_BYTES_MAX)?;
    if name.is_empty() {
        return Err(ScoreError::Model(format!("a {what} is empty")));
    }
    Ok(())
}

fn points_within(what: &str, points: i32) -> Result<(), ScoreError> {
    if points.unsigned_abs() <= POINTS_ABS_MAX.unsigned_abs() {
        return Ok(());
    }
    Err(ScoreError::Model(format!("`{what}` is `{points}`, and the limit is {POINTS_ABS_MAX}")))
}
