//! Scores rows with a model file: trees with names of categories, means, points and their reasons.

use std::collections::BTreeMap;

use prequal_core::score::{
    REASONS_MAX,
    trees::{CompiledTrees, Float, Scratch, Tree, TreeError, TreeFeature, Width, parse_bits},
};

use crate::{
    error::ImportError,
    model_file::{Body, Categories, ModelFile, PointsScaling, ReasonAlgorithm, Reasons, ResultKind, UnseenName},
};

/// A model that is ready to score, with the room that it works in.
#[derive(Clone, Debug)]
pub struct Scorer {
    trees: CompiledTrees,
    scratch: Scratch,
    leaves: Vec<u32>,
    inputs: Vec<Input>,
    finish: Finish,
    /// Of a card with reasons: for each tree the points of each attribute.
    points: Vec<BTreeMap<u32, f64>>,
}

/// How the text of a cell becomes a value.
#[derive(Clone, Debug)]
struct Input {
    /// Names in order with their codes; empty for numbers.
    by_name: Vec<(String, u32)>,
    named: Option<(bool, UnseenName)>,
    required: bool,
}

#[derive(Clone, Debug)]
enum Finish {
    Margin,
    Mean { divisor: f64, probability: bool },
    Points { scaling: Option<[f64; 3]>, reasons: Option<(Reasons, Vec<f64>)> },
}

/// One row's score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RowScore {
    /// A margin, or a mean, with the probability of the event where the model gives one.
    Margin {
        /// The margin, with the source library's bits.
        margin: Float,
        /// The probability.
        probability: Option<Float>,
    },
    /// Points.
    Points {
        /// The sum.
        points: f64,
        /// Log-odds of bad and its probability, where it is known how points stand for odds.
        odds: Option<(f64, f64)>,
    },
}

/// A reason code and the points that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// The code.
    pub code: String,
    /// Points above or below the baseline, summed over the characteristics that share the code.
    pub points: f64,
}

/// Why a cell is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellError {
    /// It is no number.
    NotANumber,
    /// It is a category that the model does not list, and the model gives no score to such a row.
    Unlisted,
    /// It is missing, and the model gives no score to such a row.
    Missing,
}

impl std::fmt::Display for CellError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotANumber => "is not a number",
            Self::Unlisted => "is a category that the model does not list, and it scores no such row",
            Self::Missing => "is missing, and the model scores no such row",
        })
    }
}

impl Scorer {
    /// Checks a model and makes it ready.
    ///
    /// # Errors
    /// [`ImportError`] where it is refused, or is a scorecard, which core scores itself.
    pub fn new(file: &ModelFile) -> Result<Self, ImportError> {
        file.check()?;
        let Body::Trees(model) = &file.body else {
            return Err(ImportError::refuse("a scorecard is scored by its own rules"));
        };
        let trees = model.check()?;
        let input =
            |feature: &TreeFeature| Input::new(Categories::of(feature).as_ref(), file.required.contains(&feature.name));
        let inputs = model.features.iter().map(input).collect();
        let finish = match &file.result {
            ResultKind::Margin => Finish::Margin,
            ResultKind::Mean { divisor, probability } => {
                let divisor = parse_bits(divisor, model.sums).map_or(1.0, Float::to_f64);
                Finish::Mean { divisor, probability: *probability }
            }
            ResultKind::Points { scaling, reasons } => Finish::Points {
                scaling: scaling.as_ref().map(PointsScaling::numbers).transpose()?,
                reasons: match reasons {
                    Some(reasons) => Some((reasons.clone(), reasons.baselines()?)),
                    None => None,
                },
            },
        };
        let points = match &finish {
            Finish::Points { reasons: Some(_), .. } => model.trees.iter().map(points_by_leaf).collect(),
            _ => Vec::new(),
        };
        let (scratch, leaves) = (trees.scratch(), vec![0; trees.trees()]);
        Ok(Self { trees, scratch, leaves, inputs, finish, points })
    }

    /// The trees alone.
    #[must_use]
    pub fn trees(&self) -> &CompiledTrees {
        &self.trees
    }

    /// Whether the result is points.
    #[must_use]
    pub fn gives_points(&self) -> bool {
        matches!(self.finish, Finish::Points { .. })
    }

    /// The value of a feature's cell; `None` is a missing one.
    ///
    /// # Errors
    /// [`CellError`].
    pub fn value(&self, feature: usize, cell: Option<&str>) -> Result<f64, CellError> {
        let input = self.inputs.get(feature).ok_or(CellError::NotANumber)?;
        let value = match (cell, &input.named) {
            (None, _) => f64::NAN,
            // An infinity is a number to these libraries, and NaN is missing.
            (Some(cell), None) => cell.trim().parse().map_err(|_| CellError::NotANumber)?,
            (Some(cell), Some((numeric, unseen))) => input.code(cell, *numeric, *unseen)?,
        };
        if input.required && value.is_nan() { Err(CellError::Missing) } else { Ok(value) }
    }

    /// The value of a feature whose cell is a number already; `None` where the model goes by the text of its cells.
    #[must_use]
    pub fn value_of_number(&self, feature: usize, number: f64) -> Option<Result<f64, CellError>> {
        let input = self.inputs.get(feature).filter(|input| input.named.is_none())?;
        Some(if input.required && number.is_nan() { Err(CellError::Missing) } else { Ok(number) })
    }

    /// Scores a row of values, one for each feature, NaN where missing.
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn score(&mut self, row: &[f64]) -> Result<RowScore, TreeError> {
        let margin = self.trees.margin(row, &mut self.scratch)?;
        Ok(match &self.finish {
            Finish::Margin => RowScore::Margin { margin, probability: self.trees.probability(margin) },
            Finish::Mean { divisor, probability } => {
                let margin = match margin {
                    // The divisor has this width, so narrowing is exact.
                    Float::F32(sum) => Float::F32(sum / *divisor as f32),
                    Float::F64(sum) => Float::F64(sum / divisor),
                };
                RowScore::Margin { margin, probability: probability.then_some(margin) }
            }
            Finish::Points { scaling, .. } => {
                let points = margin.to_f64();
                RowScore::Points { points, odds: scaling.map(|scaling| odds(points, scaling)) }
            }
        })
    }

    /// The leaf of each tree.
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn leaves(&mut self, row: &[f64]) -> Result<&[u32], TreeError> {
        self.trees.leaves(row, &mut self.scratch, &mut self.leaves)?;
        Ok(&self.leaves)
    }

    /// The reason codes of a points card: differences to the baseline, summed over characteristics that share a code,
    /// negative sums dropped (and zeros, unless the card is of PMML), largest first, ties in the order of the document, at most [`REASONS_MAX`]. Empty where
    /// the model has none. (PMML 4.4, Scorecard, as JPMML-Evaluator reads it.)
    ///
    /// # Errors
    /// [`TreeError::RowLength`].
    pub fn reasons(&mut self, row: &[f64]) -> Result<Vec<Reason>, TreeError> {
        self.trees.leaves(row, &mut self.scratch, &mut self.leaves)?;
        let Finish::Points { reasons: Some((reasons, baselines)), .. } = &self.finish else { return Ok(Vec::new()) };
        let mut list: Vec<Reason> = Vec::new();
        for (at, (characteristic, leaf)) in reasons.characteristics.iter().zip(&self.leaves).enumerate() {
            let points = self.points.get(at).and_then(|points| points.get(leaf));
            let (Some(code), Some(baseline), Some(points)) =
                (characteristic.codes.get(*leaf as usize), baselines.get(at), points)
            else {
                continue;
            };
            let difference = match reasons.algorithm {
                ReasonAlgorithm::PointsAbove => points - baseline,
                ReasonAlgorithm::PointsBelow => baseline - points,
            };
            match list.iter_mut().find(|reason| reason.code == *code) {
                Some(reason) => reason.points += difference,
                None => list.push(Reason { code: code.clone(), points: difference }),
            }
        }
        list.retain(|reason| reason.points > 0.0 || (reasons.zero_is_reason && reason.points == 0.0));
        // A stable sort keeps the order of the document among equals.
        list.sort_by(|a, b| b.points.total_cmp(&a.points));
        list.truncate(REASONS_MAX);
        Ok(list)
    }
}

/// The value of each leaf of a tree of width `f64`, by its number.
fn points_by_leaf(tree: &Tree) -> BTreeMap<u32, f64> {
    let value = |at: usize| {
        let bits = tree.leaves.get(at * 16..at * 16 + 16)?;
        parse_bits(bits, Width::F64).map(Float::to_f64)
    };
    tree.leaf_ids.iter().enumerate().filter_map(|(at, id)| Some((*id, value(at)?))).collect()
}

/// Log-odds of bad and its probability: points = base score + (points to double / ln 2) × ln(odds / base odds).
fn odds(points: f64, [double, base_score, base_odds]: [f64; 3]) -> (f64, f64) {
    let factor = double / std::f64::consts::LN_2;
    let offset = base_score - factor * libm::log(base_odds);
    let margin = (offset - points) / factor;
    (margin, 1.0 / (1.0 + libm::exp(-margin)))
}

impl Input {
    fn new(categories: Option<&Categories>, required: bool) -> Self {
        let mut input = Self { by_name: Vec::new(), named: None, required };
        if let Some(categories) = categories {
            input.named = Some((categories.numeric, categories.unseen));
            let name = |name: &String| if categories.numeric { normal(name) } else { name.clone() };
            input.by_name = categories.names.iter().map(name).zip(0..).collect();
            input.by_name.sort();
        }
        input
    }

    fn code(&self, cell: &str, numeric: bool, unseen: UnseenName) -> Result<f64, CellError> {
        let normal = if numeric { normal(cell) } else { cell.to_owned() };
        let found = self.by_name.binary_search_by(|(name, _)| name.as_str().cmp(&normal)).ok();
        match (found.and_then(|at| self.by_name.get(at)), unseen) {
            (Some((_, code)), _) => Ok(f64::from(*code)),
            // One past the last code, which no set lists.
            (None, UnseenName::Other) => Ok(self.by_name.len() as f64),
            (None, UnseenName::Missing) => Ok(f64::NAN),
            (None, UnseenName::Refuse) => Err(CellError::Unlisted),
        }
    }
}

/// A number as its shortest decimal; other text as it is.
fn normal(text: &str) -> String {
    match text.trim().parse::<f64>() {
        Ok(number) => (number + 0.0).to_string(),
        Err(_) => text.to_owned(),
    }
}
