//! One tree of LightGBM's file: a line for each property, one entry for each split or leaf.

use std::collections::BTreeMap;

use super::lines::{self, Lines};
use crate::{
    ensemble::{Leaf, Linear, Missing, Node, Split, Test, Tree},
    error::{ImportError, shown},
};

/// Properties of the training, which no prediction reads.
const TRAINING: [&str; 7] = [
    "split_gain",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    // Already multiplied into the leaves.
    "shrinkage",
];

/// The properties of one tree.
struct Properties<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Properties<'a> {
    fn read(lines: &mut Lines<'a>) -> Result<Self, ImportError> {
        let mut all = BTreeMap::new();
        // A tree ends with an empty line, after which comes another tree or the end of trees.
        while let Some(line) = lines.next_non_empty() {
            if line.starts_with("Tree=") || line == "end of trees" {
                lines.back();
                return Ok(Self(all));
            }
            let Some((key, value)) = line.split_once('=') else {
                return Err(ImportError::Syntax(format!("a line is `{}`", shown(line))));
            };
            if all.insert(key, value).is_some() {
                return Err(ImportError::Syntax(format!("`{}` stands twice", shown(key))));
            }
        }
        Err(ImportError::Syntax("the file ends within it".to_owned()))
    }

    fn one<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, ImportError> {
        match self.0.remove(name) {
            Some(text) => lines::number(name, text),
            None => Err(ImportError::refuse(format!("it lacks `{name}`"))),
        }
    }

    /// A list of a given length; an absent line is an empty list.
    fn list<T: std::str::FromStr>(&mut self, name: &str, length: usize) -> Result<Vec<T>, ImportError> {
        let list = lines::numbers(name, self.0.remove(name).unwrap_or_default())?;
        if list.len() != length {
            return Err(ImportError::refuse(format!("`{name}` has {} entries, and {length} are wanted", list.len())));
        }
        Ok(list)
    }
}

/// The lists that describe splits.
struct Splits {
    features: Vec<usize>,
    thresholds: Vec<f64>,
    kinds: Vec<u8>,
    left: Vec<i64>,
    right: Vec<i64>,
    sets: Vec<Vec<u32>>,
}

/// Reads the lines after `Tree=n`.
pub(super) fn read(lines: &mut Lines<'_>, features: usize) -> Result<Tree, ImportError> {
    let mut properties = Properties::read(lines)?;
    let leaves: usize = properties.one("num_leaves")?;
    ImportError::limit("leaves of a tree", leaves, prequal_core::score::trees::LEAVES_MAX)?;
    let Some(count) = leaves.checked_sub(1) else { return Err(ImportError::refuse("it has no leaves")) };
    let categorical: usize = properties.one("num_cat")?;
    let splits = Splits {
        features: properties.list("split_feature", count)?,
        thresholds: properties.list("threshold", count)?,
        kinds: properties.list("decision_type", count)?,
        left: properties.list("left_child", count)?,
        right: properties.list("right_child", count)?,
        sets: sets(&mut properties, categorical)?,
    };
    let values: Vec<f64> = properties.list("leaf_value", leaves)?;
    let mut linear = linear(&mut properties, leaves, features)?;
    for key in TRAINING {
        properties.0.remove(key);
    }
    if let Some(key) = properties.0.keys().next() {
        return Err(ImportError::refuse(format!("it says `{}`, which is not understood", shown(key))));
    }
    // Splits come first, so that a split's number in the file is its node's; leaf k is node count + k.
    let mut nodes = (0..count).map(|at| split(&splits, at, count, leaves, features)).collect::<Result<Vec<_>, _>>()?;
    for (number, value) in values.into_iter().enumerate() {
        let id = u32::try_from(number).unwrap_or(u32::MAX);
        let linear = linear.get_mut(number).and_then(Option::take);
        nodes.push(Node::Leaf(Leaf { id, value, linear }));
    }
    Ok(Tree { nodes, unused: 0 })
}

fn split(splits: &Splits, at: usize, count: usize, leaves: usize, features: usize) -> Result<Node, ImportError> {
    let lists = (splits.features.get(at), splits.thresholds.get(at), splits.kinds.get(at));
    let (Some(&feature), Some(&threshold), Some(&kind)) = lists else {
        return Err(ImportError::refuse(format!("split {at} is out of range")));
    };
    if feature >= features {
        return Err(ImportError::refuse(format!("split {at} asks for feature {feature}, and there are {features}")));
    }
    let child = |side: &str, list: &[i64]| {
        let number = list.get(at).copied().unwrap_or(i64::MIN);
        // A leaf k is written as −k − 1.
        let node = if number < 0 {
            usize::try_from(!number).ok().filter(|leaf| *leaf < leaves).map(|leaf| count + leaf)
        } else {
            usize::try_from(number).ok().filter(|split| *split < count)
        };
        node.ok_or_else(|| ImportError::refuse(format!("split {at}: its {side} child {number} is out of range")))
    };
    let (left, right) = (child("left", &splits.left)?, child("right", &splits.right)?);
    let default_left = kind & 2 != 0;
    let missing = match (kind >> 2, default_left) {
        (0, _) => Missing::Zero,
        (1, true) => Missing::LeftWithZero,
        (1, false) => Missing::RightWithZero,
        (2, true) => Missing::Left,
        (2, false) => Missing::Right,
        _ => return Err(ImportError::refuse(format!("split {at}: `decision_type` {kind} is not understood"))),
    };
    if kind & 1 == 1 {
        let number = if threshold.fract() == 0.0 && threshold >= 0.0 { threshold as usize } else { usize::MAX };
        let Some(codes) = splits.sets.get(number) else {
            return Err(ImportError::refuse(format!("split {at}: its set of categories `{threshold}` is not there")));
        };
        // Whatever the missing type, NaN goes right.
        let test = Test::Categories { codes: codes.clone(), listed_go_left: true };
        return Ok(Node::Split(Split { feature, test, missing: Missing::Right, left, right }));
    }
    // At most the threshold is below the next number.
    let test = if threshold == f64::INFINITY { Test::Any } else { Test::Below(threshold.next_up()) };
    if threshold.is_nan() {
        return Err(ImportError::refuse(format!("split {at}: its threshold is `{threshold}`")));
    }
    Ok(Node::Split(Split { feature, test, missing, left, right }))
}

/// The sets of categories, as codes: set k is the words `cat_boundaries[k]..cat_boundaries[k + 1]` of a bit set.
fn sets(properties: &mut Properties<'_>, count: usize) -> Result<Vec<Vec<u32>>, ImportError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let boundaries: Vec<usize> = lines::numbers("cat_boundaries", properties.0.remove("cat_boundaries").unwrap_or(""))?;
    let words: Vec<u32> = lines::numbers("cat_threshold", properties.0.remove("cat_threshold").unwrap_or(""))?;
    let ends = (boundaries.first().copied(), boundaries.last().copied());
    if boundaries.len() != count.saturating_add(1) || ends != (Some(0), Some(words.len())) {
        return Err(ImportError::refuse("`cat_boundaries` do not fit `num_cat` and `cat_threshold`"));
    }
    let mut sets = Vec::with_capacity(count);
    for (start, end) in boundaries.iter().zip(boundaries.iter().skip(1)) {
        let Some(words) = words.get(*start..*end) else {
            return Err(ImportError::refuse("`cat_boundaries` are not ascending"));
        };
        let word = |(number, word): (usize, &u32)| {
            let (number, word) = (u32::try_from(number).unwrap_or(u32::MAX), *word);
            (0..32)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| number.saturating_mul(32).saturating_add(bit))
        };
        sets.push(words.iter().enumerate().flat_map(word).collect());
    }
    Ok(sets)
}

/// The formulas of linear leaves; an empty list where the tree is not linear.
fn linear(properties: &mut Properties<'_>, leaves: usize, features: usize) -> Result<Vec<Option<Linear>>, ImportError> {
    match properties.0.remove("is_linear") {
        None | Some("0") => return Ok(Vec::new()),
        Some("1") => {}
        Some(other) => return Err(ImportError::refuse(format!("`is_linear` is `{}`", shown(other)))),
    }
    let constants: Vec<f64> = properties.list("leaf_const", leaves)?;
    let counts: Vec<usize> = properties.list("num_features", leaves)?;
    let total = counts.iter().fold(0_usize, |sum, count| sum.saturating_add(*count));
    let used: Vec<usize> = properties.list("leaf_features", total)?;
    let coefficients: Vec<f64> = properties.list("leaf_coeff", total)?;
    if constants.iter().chain(&coefficients).any(|number| !number.is_finite()) {
        return Err(ImportError::refuse("a linear leaf holds a number that is not finite"));
    }
    if let Some(feature) = used.iter().find(|feature| **feature >= features) {
        return Err(ImportError::refuse(format!("a linear leaf uses feature {feature}, and there are {features}")));
    }
    let mut terms = used.into_iter().zip(coefficients);
    let formula = |(constant, count)| Some(Linear { constant, terms: terms.by_ref().take(count).collect() });
    Ok(constants.into_iter().zip(counts).map(formula).collect())
}
