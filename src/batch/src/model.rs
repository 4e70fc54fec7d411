//! A model of any kind, scoring one row of numbers at a time.

use prequal_core::score::{
    CompiledFeature, CompiledScorecard, FeatureKind, REASONS_MAX, ScoreError, Scored, Value,
    trees::{Float, TreeError},
};
use prequal_models::{
    CellError, ImportError, RowScore, Scorer,
    model_file::{Body, ModelFile},
};

use crate::cell::{Cell, parse_number};

/// A model that is ready to score. A clone has its own room to work in, so each thread takes one.
#[derive(Clone, Debug)]
pub struct Model(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Scorecard(Box<Card>),
    Trees(Box<Scorer>),
}

#[derive(Clone, Debug)]
struct Card {
    card: CompiledScorecard,
    names: Vec<String>,
    /// For each feature of categories its names in order, with their positions in the model.
    categories: Vec<Vec<(String, u32)>>,
    /// A name that no feature lists, standing for every such name.
    unlisted: String,
    scored: Scored,
}

/// What is written besides the score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// The leaf of each tree.
    pub leaves: bool,
    /// Reason codes and their points.
    pub reasons: bool,
}

/// A number of a score, with how it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Whole points.
    Whole(i32),
    /// A number that is always written without an exponent.
    Plain(f64),
    /// A number of a model's own width.
    Float(Float),
}

impl Figure {
    /// The same number as `f64`, exactly.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Whole(number) => f64::from(number),
            Self::Plain(number) => number,
            Self::Float(number) => number.to_f64(),
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Plain(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
        }
    }
}

/// One row's score, in the room that the caller keeps.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The margin, or log-odds of bad.
    pub margin: Option<Figure>,
    /// The margin whose bits are the source library's; a scorecard has points instead.
    pub bits: Option<Float>,
    /// Points.
    pub points: Option<Figure>,
    /// Probability of the event.
    pub probability: Option<Figure>,
    /// The leaf of each tree, where wanted.
    pub leaves: Vec<u32>,
    /// At most [`REASONS_MAX`] reason codes with their points, where wanted.
    pub reasons: Vec<(String, Figure)>,
}

impl Model {
    /// Checks a model file and makes it ready.
    ///
    /// # Errors
    /// [`ImportError`] or, of a scorecard, [`ScoreError`], where the file is refused.
    pub fn new(file: &ModelFile) -> Result<Self, ModelError> {
        Ok(Self(match &file.body {
            Body::Scorecard(card) => Kind::Scorecard(Box::new(Card::new(card.check()?))),
            Body::Trees(_) => Kind::Trees(Box::new(Scorer::new(file)?)),
        }))
    }

    /// Features in the model's order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match &self.0 {
            Kind::Scorecard(card) => &card.names,
            Kind::Trees(scorer) => scorer.trees().names(),
        }
    }

    /// Whether it is a points scorecard of ours.
    #[must_use]
    pub fn is_scorecard(&self) -> bool {
        matches!(self.0, Kind::Scorecard(_))
    }

    /// Whether a score has points, and whether they are always whole.
    pub(crate) fn points(&self) -> Option<bool> {
        match &self.0 {
            Kind::Scorecard(_) => Some(true),
            Kind::Trees(scorer) => scorer.gives_points().then_some(false),
        }
    }

    /// How many trees have a leaf to tell.
    pub(crate) fn trees(&self) -> usize {
        match &self.0 {
            Kind::Scorecard(_) => 0,
            Kind::Trees(scorer) => scorer.trees().trees(),
        }
    }

    /// The value of a feature's cell as the model's row holds it: NaN is missing, a category is its position.
    ///
    /// # Errors
    /// [`CellError`].
    pub fn value(&self, feature: usize, cell: Cell<'_>) -> Result<f64, CellError> {
        match &self.0 {
            Kind::Scorecard(card) => card.value(feature, cell),
            Kind::Trees(scorer) => match (cell, cell.number()) {
                (_, Some(number)) => scorer.value_of_number(feature, number).unwrap_or_else(|| {
                    let text = cell.text();
                    scorer.value(feature, (!text.is_empty()).then_some(text.as_ref()))
                }),
                (Cell::Text(text), None) => scorer.value(feature, Some(text)),
                (_, None) => scorer.value(feature, None),
            },
        }
    }

    /// Scores a row of values, one for each feature.
    ///
    /// # Errors
    /// A sentence where the row has not one value for each feature, which the caller has made sure of.
    pub fn score(&mut self, values: &[f64], extras: Extras, row: &mut Row) -> Result<(), String> {
        row.leaves.clear();
        row.reasons.clear();
        match &mut self.0 {
            Kind::Scorecard(card) => card.score(values, extras, row).map_err(|error| error.to_string()),
            Kind::Trees(scorer) => score_trees(scorer, values, extras, row).map_err(|error| error.to_string()),
        }
    }
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A scorecard.
    #[error(transparent)]
    Scorecard(#[from] ScoreError),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] ImportError),
}

fn score_trees(scorer: &mut Scorer, values: &[f64], extras: Extras, row: &mut Row) -> Result<(), TreeError> {
    match scorer.score(values)? {
        RowScore::Margin { margin, probability } => {
            (row.margin, row.bits, row.points) = (Some(Figure::Float(margin)), Some(margin), None);
            row.probability = probability.map(Figure::Float);
        }
        RowScore::Points { points, odds } => {
            let figure = |number: f64| Figure::Float(Float::F64(number));
            // A card's score is its points: there are no bits of a margin to compare.
            (row.margin, row.bits, row.points) = (odds.map(|odds| figure(odds.0)), None, Some(figure(points)));
            row.probability = odds.map(|odds| figure(odds.1));
        }
    }
    if extras.leaves {
        row.leaves.extend_from_slice(scorer.leaves(values)?);
    }
    if extras.reasons {
        let reasons = scorer.reasons(values)?.into_iter().take(REASONS_MAX);
        row.reasons.extend(reasons.map(|reason| (reason.code, Figure::Float(Float::F64(reason.points)))));
    }
    Ok(())
}

impl Card {
    fn new(card: CompiledScorecard) -> Self {
        let names = card.features().iter().map(|feature| feature.name().to_owned()).collect();
        let listed = |feature: &CompiledFeature| {
            let mut listed: Vec<(String, u32)> = feature.categories().map(str::to_owned).zip(0..).collect();
            listed.sort();
            listed
        };
        let categories: Vec<Vec<(String, u32)>> = card.features().iter().map(listed).collect();
        let longest = categories.iter().flatten().map(|(name, _)| name.len()).max().unwrap_or(0);
        Self { names, categories, unlisted: "?".repeat(longest + 1), scored: Scored::default(), card }
    }

    fn value(&self, feature: usize, cell: Cell<'_>) -> Result<f64, CellError> {
        let of_category =
            self.card.features().get(feature).is_some_and(|feature| feature.kind() == FeatureKind::Category);
        match cell {
            Cell::Missing => Ok(f64::NAN),
            _ if of_category => {
                let listed = self.categories.get(feature).map_or(&[][..], Vec::as_slice);
                let text = cell.text();
                let found = listed.binary_search_by(|(name, _)| name.as_str().cmp(&text)).ok();
                // One past the last position is a category that the card does not list.
                Ok(found
                    .and_then(|at| listed.get(at))
                    .map_or(listed.len() as f64, |(_, position)| f64::from(*position)))
            }
            Cell::Text(text) => parse_number(text).ok_or(CellError::NotANumber),
            _ => match cell.number() {
                Some(number) if number.is_infinite() => Err(CellError::NotANumber),
                number => Ok(number.unwrap_or(f64::NAN)),
            },
        }
    }

    fn score(&mut self, values: &[f64], extras: Extras, row: &mut Row) -> Result<(), ScoreError> {
        let points =
            if extras.reasons { self.score_with_reasons(values, row)? } else { self.card.points_of_row(values)? };
        let scaling = self.card.scaling();
        row.margin = Some(Figure::Plain(scaling.log_odds_of_bad(points)));
        row.bits = None;
        row.points = Some(Figure::Whole(points));
        row.probability = Some(Figure::Plain(scaling.probability(points)));
        Ok(())
    }

    fn score_with_reasons(&mut self, values: &[f64], row: &mut Row) -> Result<i32, ScoreError> {
        fn named<'a>(feature: &'a CompiledFeature, value: f64, unlisted: &'a str) -> Value<'a> {
            match feature.kind() {
                _ if value.is_nan() => Value::Empty,
                FeatureKind::Number => Value::Number(value),
                FeatureKind::Category => Value::Category(feature.categories().nth(value as usize).unwrap_or(unlisted)),
            }
        }
        let features = self.card.features().iter();
        let values: Vec<Value<'_>> =
            features.zip(values).map(|(feature, value)| named(feature, *value, &self.unlisted)).collect();
        self.card.score_into(&values, &[], &mut self.scored)?;
        let reasons = self.card.reasons(&self.scored).into_iter().take(REASONS_MAX);
        row.reasons.extend(reasons.map(|reason| (reason.code.to_owned(), Figure::Whole(reason.points_below))));
        Ok(self.scored.points)
    }
}
