//! A model with nothing left to look up: what every exporter writes from.
//!
//! Thresholds are lowered to values as they come in, in double precision: a model that narrows its inputs, or takes tiny
//! ones for zero, compares here with the number at which that comparison turns. So no export needs to narrow anything.

use prequal_core::score::trees::{Float, LinkKind, MissingRule, Tree, TreeFeature, TreeModel, Width, parse_bits};

use super::ExportError;
use crate::{
    model_file::{Body, Categories, ModelFile, Reasons, ResultKind, UnseenName},
    number::first_that_rounds_to,
};

/// The magnitude up to which LightGBM takes a value for zero: the `f32` nearest to 1e-35.
const TINY: f32 = 1e-35;

/// One feature.
#[derive(Clone, Debug)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) categories: Option<Categories>,
    pub(super) required: bool,
}

/// What goes left, of a value that is there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// A value below the first; values in the interval, where there is one, are missing.
    Below(f64, Option<(f64, f64)>),
    /// Any value, but for those of the interval, which are missing.
    Any(Option<(f64, f64)>),
    /// The category codes, ascending; or all but those.
    Codes { listed: Vec<u32>, listed_go_left: bool, minus_fraction_is_zero: bool },
}

/// A node; the left child of a split stands right behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Split { feature: usize, test: Test, missing_left: bool, right: usize },
    Leaf { value: f64, id: u32, linear: Option<Linear> },
}

/// constant + Σ coefficient × value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Linear {
    pub(super) constant: f64,
    pub(super) terms: Vec<(usize, f64)>,
}

/// A model.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub(super) label: String,
    pub(super) library: String,
    pub(super) hash: String,
    pub(super) features: Vec<Feature>,
    pub(super) width: Width,
    pub(super) base: f64,
    pub(super) rescale: Option<[f64; 2]>,
    pub(super) trees: Vec<Vec<Node>>,
    /// What the sum is divided by.
    pub(super) divisor: Option<f64>,
    /// Whether the result is the probability itself.
    pub(super) is_probability: bool,
    /// The factor on the margin in the logistic function; a mean of trees is in it.
    pub(super) slope: Option<f64>,
    /// Whether tiny values are zero in linear leaves.
    pub(super) tiny_is_zero: bool,
    /// Whether the result is points, with their scaling where it is known.
    pub(super) points: Option<Option<[f64; 3]>>,
    pub(super) reasons: Option<(Reasons, Vec<f64>)>,
}

impl Plain {
    pub(super) fn new(file: &ModelFile) -> Result<Self, ExportError> {
        let Body::Trees(model) = &file.body else {
            return Err(ExportError::Model("a scorecard is exported by its trees".to_owned()));
        };
        model.check().map_err(|error| ExportError::Model(error.to_string()))?;
        let number = |text: &str, what: &str| {
            let value = parse_bits(text, model.sums).map(Float::to_f64);
            value.ok_or_else(|| ExportError::Model(format!("`{what}` cannot be read")))
        };
        let feature = |feature: &TreeFeature| Feature {
            name: feature.name.clone(),
            categories: Categories::of(feature),
            required: file.required.contains(&feature.name),
        };
        let (mut divisor, mut is_probability, mut points, mut reasons) = (None, false, None, None);
        match &file.result {
            ResultKind::Margin => {}
            ResultKind::Mean { divisor: bits, probability } => {
                divisor = Some(number(bits, "divisor")?);
                is_probability = *probability;
            }
            ResultKind::Points { scaling, reasons: codes } => {
                let refuse = |error: crate::ImportError| ExportError::Model(error.to_string());
                points =
                    Some(scaling.as_ref().map(crate::model_file::PointsScaling::numbers).transpose().map_err(refuse)?);
                if let Some(codes) = codes {
                    reasons = Some((codes.clone(), codes.baselines().map_err(refuse)?));
                }
            }
        }
        let rescale = match &model.scale_and_bias {
            Some([scale, bias]) => Some([number(scale, "scale")?, number(bias, "bias")?]),
            None => None,
        };
        let slope = match (model.link.kind, &model.link.slope) {
            (LinkKind::None, _) | (_, None) => None,
            (_, Some(text)) => text.parse::<f64>().ok(),
        };
        let share = if model.average { model.trees.len() as f64 } else { 1.0 };
        let trees = model.trees.iter().map(|tree| Reader::new(model, tree)?.read());
        Ok(Self {
            label: model.label.clone(),
            library: model.source.library.clone(),
            hash: model.hash.clone(),
            features: model.features.iter().map(feature).collect(),
            width: model.sums,
            base: number(&model.base, "base")?,
            rescale,
            trees: trees.collect::<Result<_, _>>()?,
            divisor,
            is_probability,
            slope: slope.map(|slope| slope / share),
            tiny_is_zero: model.tiny_is_zero,
            points,
            reasons,
        })
    }

    /// Whether a category that no list names is an error, or missing.
    pub(super) fn unseen(&self, feature: usize) -> Option<UnseenName> {
        self.features.get(feature).and_then(|feature| feature.categories.as_ref()).map(|one| one.unseen)
    }

    /// The name of a category's code.
    pub(super) fn name_of(&self, feature: usize, code: u32) -> Option<&str> {
        let categories = self.features.get(feature)?.categories.as_ref()?;
        categories.names.get(code as usize).map(String::as_str)
    }
}

/// Reads one tree of the document.
struct Reader<'m> {
    model: &'m TreeModel,
    tree: &'m Tree,
    split: usize,
    leaf: usize,
    term: usize,
}

impl<'m> Reader<'m> {
    fn new(model: &'m TreeModel, tree: &'m Tree) -> Result<Self, ExportError> {
        Ok(Self { model, tree, split: 0, leaf: 0, term: 0 })
    }

    fn read(mut self) -> Result<Vec<Node>, ExportError> {
        let mut nodes: Vec<Node> = Vec::with_capacity(self.tree.shape.len());
        // Splits whose right part has not begun.
        let mut open: Vec<usize> = Vec::new();
        for byte in self.tree.shape.bytes() {
            if byte == b'1' {
                open.push(nodes.len());
                nodes.push(self.split()?);
                continue;
            }
            nodes.push(self.leaf()?);
            if let Some(parent) = open.pop() {
                let next = nodes.len();
                if let Some(Node::Split { right, .. }) = nodes.get_mut(parent) {
                    *right = next;
                }
            }
        }
        Ok(nodes)
    }

    fn split(&mut self) -> Result<Node, ExportError> {
        let broken = || ExportError::Model("a split cannot be read".to_owned());
        let at = self.split;
        self.split += 1;
        let tree = self.tree;
        let (column, number) = match (tree.columns.get(at), tree.tests.get(at)) {
            (Some(column), Some(number)) => (*column as usize, *number as usize),
            _ => return Err(broken()),
        };
        let stated_left = tree.missing_left.as_bytes().get(at) == Some(&b'1');
        let column = self.model.columns.get(column).ok_or_else(broken)?;
        let feature = column.feature as usize;
        let zero = (column.missing == MissingRule::OwnWithZero).then(|| self.zero());
        let (test, zero_left) = match (&column.cuts, &column.categories) {
            (Some(cuts), _) => match cuts.get(number) {
                None => (Test::Any(zero), true),
                Some(text) => {
                    let cut = match self.model.inputs {
                        Width::F32 => text.parse::<f32>().ok().map(f64::from),
                        Width::F64 => text.parse::<f64>().ok(),
                    };
                    let cut = cut.filter(|cut| cut.is_finite()).ok_or_else(|| {
                        ExportError::Refused(format!("the threshold `{text}` is not finite, which no export holds"))
                    })?;
                    (Test::Below(self.lowered(cut), zero), 0.0 < cut)
                }
            },
            (None, Some(categories)) => {
                let set = categories.sets.get(number).ok_or_else(broken)?.as_bytes();
                let rest_left = set.last() == Some(&b'1');
                let marked = if rest_left { b'0' } else { b'1' };
                let codes = categories.codes.iter().zip(set).filter(|(_, bit)| **bit == marked);
                let listed = codes.map(|(code, _)| *code).collect();
                let minus_fraction_is_zero = categories.minus_fraction_is_zero;
                (Test::Codes { listed, listed_go_left: !rest_left, minus_fraction_is_zero }, false)
            }
            _ => return Err(broken()),
        };
        let missing_left = if column.missing == MissingRule::Zero { zero_left } else { stated_left };
        Ok(Node::Split { feature, test, missing_left, right: 0 })
    }

    /// The number below which a value as it comes in lies exactly where the model's own reading of it is below `cut`.
    fn lowered(&self, cut: f64) -> f64 {
        let tiny = f64::from(TINY);
        let next = match self.model.inputs {
            Width::F32 => f64::from(TINY.next_up()),
            Width::F64 => tiny.next_up(),
        };
        let cut = match cut {
            cut if !self.model.tiny_is_zero => cut,
            // Zero and all that is taken for it are not below.
            cut if cut > -tiny && cut <= 0.0 => -tiny,
            cut if cut > 0.0 && cut <= tiny => next,
            cut => cut,
        };
        match self.model.inputs {
            Width::F32 => first_that_rounds_to(cut as f32),
            Width::F64 => cut,
        }
    }

    /// The values that are zero to the model: from the first and below the second.
    fn zero(&self) -> (f64, f64) {
        match (self.model.inputs, self.model.tiny_is_zero) {
            (Width::F64, false) => (0.0, 0.0_f64.next_up()),
            (Width::F64, true) => (-f64::from(TINY), f64::from(TINY).next_up()),
            (Width::F32, false) => (first_that_rounds_to(-0.0), first_that_rounds_to(0.0_f32.next_up())),
            (Width::F32, true) => (first_that_rounds_to(-TINY), first_that_rounds_to(TINY.next_up())),
        }
    }

    fn leaf(&mut self) -> Result<Node, ExportError> {
        let broken = || ExportError::Model("a leaf cannot be read".to_owned());
        let at = self.leaf;
        self.leaf += 1;
        let digits = if self.model.sums == Width::F32 { 8 } else { 16 };
        let run = |text: &str, at: usize, digits: usize, width: Width| {
            let bits = text.get(at * digits..(at + 1) * digits)?;
            parse_bits(bits, width).map(Float::to_f64)
        };
        let value = run(&self.tree.leaves, at, digits, self.model.sums).ok_or_else(broken)?;
        let id = self.tree.leaf_ids.get(at).copied().ok_or_else(broken)?;
        let mut linear = None;
        if let Some(leaves) = &self.tree.linear {
            let count = leaves.counts.get(at).copied().ok_or_else(broken)? as usize;
            let mut terms = Vec::with_capacity(count);
            for term in self.term..self.term + count {
                let feature = leaves.features.get(term).copied().ok_or_else(broken)? as usize;
                terms.push((feature, run(&leaves.coefficients, term, 16, Width::F64).ok_or_else(broken)?));
            }
            self.term += count;
            let constant = run(&leaves.constants, at, 16, Width::F64).ok_or_else(broken)?;
            linear = Some(Linear { constant, terms });
        }
        Ok(Node::Leaf { value, id, linear })
    }
}

/// The values that are among these codes: intervals from the first and below the second, ascending and apart. A value is
/// cut to its integer part first.
pub(super) fn code_ranges(codes: &[u32], minus_fraction_is_zero: bool) -> Vec<(f64, f64)> {
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    for code in codes {
        let from = match code {
            // What lies between −1 and 0 is cut to zero.
            0 if minus_fraction_is_zero => (-1.0_f64).next_up(),
            code => f64::from(*code),
        };
        let below = f64::from(*code) + 1.0;
        match ranges.last_mut() {
            Some((_, end)) if *end == from => *end = below,
            _ => ranges.push((from, below)),
        }
    }
    ranges
}
