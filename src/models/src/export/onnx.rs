//! ONNX: one `TreeEnsembleRegressor` in single precision, and the logistic function after it where that is the link.
//!
//! A tensor of numbers has no names: a category is its code, and the file's metadata lists them. Splits that ask for more
//! than a threshold (sets of categories, zero as missing) are written as several, and so may need a branch twice.

use prequal_core::score::trees::Width;

use super::{
    ExportError, headline,
    plain::{Node, Plain, Test, code_ranges},
};
use crate::passport::Passport;

/// The most nodes that are written.
const NODES_MAX: usize = 1_000_000;
/// The deepest tree that is written.
const DEPTH_MAX: usize = 1_000;

/// One node of the file.
struct Written {
    tree: i64,
    id: i64,
    feature: i64,
    leaf: bool,
    /// Whether a value that is equal to the threshold passes.
    at_most: bool,
    value: f32,
    when_true: i64,
    when_false: i64,
    missing_is_true: bool,
}

#[derive(Default)]
struct Ensemble {
    nodes: Vec<Written>,
    /// What every leaf is multiplied by.
    factor: f64,
    narrowed: bool,
}

pub(super) fn write(
    plain: &Plain,
    passport: Option<&Passport>,
    notes: &mut Vec<String>,
) -> Result<Vec<u8>, ExportError> {
    let refuse = |why: &str| Err(ExportError::Refused(why.to_owned()));
    let mean = match plain.divisor {
        None | Some(1.0) => false,
        Some(divisor) if divisor == plain.trees.len() as f64 && plain.base == 0.0 && plain.rescale.is_none() => true,
        Some(_) => return refuse("a weighted mean of trees"),
    };
    let [factor, bias] = plain.rescale.unwrap_or([1.0, 0.0]);
    if factor != 1.0 && plain.width == Width::F32 {
        return refuse("a factor on a sum of single precision");
    }
    let mut ensemble = Ensemble { factor, ..Ensemble::default() };
    let mut trees = 0;
    // The runtime starts from zero: what the model starts from is a tree of one leaf, so that the order is the same.
    if plain.base != 0.0 {
        ensemble.leaf(trees, 0, plain.base)?;
        trees += 1;
    }
    for tree in &plain.trees {
        ensemble.tree(trees, tree)?;
        trees += 1;
    }
    if ensemble.narrowed || bias != f64::from(bias as f32) {
        notes.push(
            "values of the leaves are narrowed to single precision: margins differ in the last digits".to_owned(),
        );
    }
    notes.push("ONNX reads its inputs in single precision: a value is narrowed before it is compared".to_owned());
    if plain.features.iter().any(|feature| feature.categories.is_some()) {
        notes.push("a category is given as its code, the position of its name in the file's metadata".to_owned());
    }
    let sigmoid = plain.slope == Some(1.0);
    if plain.slope.is_some() && !sigmoid {
        notes.push("the file gives the margin and no probability: its logistic function has a factor".to_owned());
    }
    if plain.points.is_some() {
        notes.push("the file gives points, and neither a probability nor reason codes".to_owned());
    }
    Ok(model(plain, passport, &ensemble, bias as f32, (sigmoid, mean)))
}

impl Ensemble {
    fn push(&mut self, node: Written) -> Result<(), ExportError> {
        if self.nodes.len() >= NODES_MAX {
            return Err(ExportError::Refused(format!("it needs more than {NODES_MAX} nodes")));
        }
        self.nodes.push(node);
        Ok(())
    }

    fn leaf(&mut self, tree: i64, id: i64, value: f64) -> Result<(), ExportError> {
        let value = value * self.factor;
        let single = value as f32;
        if !single.is_finite() {
            return Err(ExportError::Refused(format!("the value {value} is beyond single precision")));
        }
        self.narrowed |= f64::from(single) != value;
        let (feature, when_true, when_false) = (0, 0, 0);
        let (at_most, missing_is_true) = (false, false);
        self.push(Written {
            tree,
            id,
            feature,
            leaf: true,
            at_most,
            value: single,
            when_true,
            when_false,
            missing_is_true,
        })
    }

    fn tree(&mut self, tree: i64, nodes: &[Node]) -> Result<(), ExportError> {
        let mut next = 1_i64;
        // What is to be written: a node, or what is left of a split's thresholds; its number and depth.
        let mut tasks = vec![(Part::Node(0), 0_i64, 0_usize)];
        while let Some((part, id, depth)) = tasks.pop() {
            if depth > DEPTH_MAX {
                return Err(ExportError::Refused(format!("a tree is deeper than {DEPTH_MAX} splits")));
            }
            let pieces = match part {
                Part::Node(at) => match nodes.get(at) {
                    Some(Node::Leaf { linear: Some(_), .. }) => {
                        return Err(ExportError::Refused("linear leaves".to_owned()));
                    }
                    Some(Node::Leaf { value, .. }) => {
                        self.leaf(tree, id, *value)?;
                        continue;
                    }
                    Some(Node::Split { feature, test, missing_left, right }) => {
                        Pieces::new(*feature, test, *missing_left, at + 1, *right)
                    }
                    None => return Err(ExportError::Model("a tree lacks a node".to_owned())),
                },
                Part::Pieces(pieces) => pieces,
            };
            let Some((threshold, below, rest)) = pieces.first() else {
                // No threshold: all values go one way, and missing ones perhaps the other.
                let (values, missing) = (pieces.all, pieces.missing);
                if values == missing {
                    tasks.push((Part::Node(values), id, depth + 1));
                    continue;
                }
                // Every number is at most infinite; a missing value is not.
                let (yes, no) = (next, next + 1);
                next += 2;
                self.split(tree, id, pieces.feature, None, (yes, no), false)?;
                tasks.push((Part::Node(missing), no, depth + 1));
                tasks.push((Part::Node(values), yes, depth + 1));
                continue;
            };
            let (yes, no) = (next, next + 1);
            next += 2;
            // A missing value follows whichever side ends where it should; the other side never sees one.
            let missing_is_true = below == pieces.missing;
            self.split(tree, id, pieces.feature, Some(threshold), (yes, no), missing_is_true)?;
            let rest = if missing_is_true { Pieces { missing: rest.all, ..rest } } else { rest };
            tasks.push((Part::Pieces(rest), no, depth + 1));
            tasks.push((Part::Node(below), yes, depth + 1));
        }
        Ok(())
    }

    /// A split on values below the threshold; without one on values at most infinite, which only missing ones fail.
    fn split(
        &mut self,
        tree: i64,
        id: i64,
        feature: usize,
        threshold: Option<f32>,
        (when_true, when_false): (i64, i64),
        missing_is_true: bool,
    ) -> Result<(), ExportError> {
        let feature = i64::try_from(feature).unwrap_or(i64::MAX);
        let (at_most, value) = (threshold.is_none(), threshold.unwrap_or(f32::INFINITY));
        self.push(Written { tree, id, feature, leaf: false, at_most, value, when_true, when_false, missing_is_true })
    }
}

enum Part {
    Node(usize),
    Pieces(Pieces),
}

/// A split as pieces of the real line: values below each threshold go to its node, all others to the last.
struct Pieces {
    feature: usize,
    /// Ascending thresholds, and the node below each; the first is taken first.
    list: Vec<(f32, usize)>,
    /// The node of values beyond all thresholds.
    all: usize,
    missing: usize,
}

impl Pieces {
    fn new(feature: usize, test: &Test, missing_left: bool, left: usize, right: usize) -> Self {
        let missing = if missing_left { left } else { right };
        let mut list: Vec<(f64, usize)> = Vec::new();
        let mut all = match test {
            Test::Below(threshold, _) => {
                list.push((*threshold, left));
                right
            }
            Test::Any(_) => left,
            Test::Codes { listed, listed_go_left, minus_fraction_is_zero } => {
                let (inside, outside) = if *listed_go_left { (left, right) } else { (right, left) };
                for (from, below) in code_ranges(listed, *minus_fraction_is_zero) {
                    list.push((from, outside));
                    list.push((below, inside));
                }
                outside
            }
        };
        if let Test::Below(_, Some(zero)) | Test::Any(Some(zero)) = test {
            (list, all) = with_missing_zero(&list, all, *zero, missing);
        }
        let single = list.into_iter().map(|(threshold, node)| (reach(threshold), node));
        Self { feature, list: merged(single.collect(), &mut all), all, missing }
    }

    /// The first threshold, the node below it, and what is left.
    fn first(&self) -> Option<(f32, usize, Self)> {
        let ((threshold, node), rest) = self.list.split_first()?;
        let rest = Self { feature: self.feature, list: rest.to_vec(), all: self.all, missing: self.missing };
        Some((*threshold, *node, rest))
    }
}

/// Values of the interval go where missing ones go.
fn with_missing_zero(
    list: &[(f64, usize)],
    all: usize,
    (from, below): (f64, f64),
    missing: usize,
) -> (Vec<(f64, usize)>, usize) {
    let at = |value: f64| list.iter().find(|(threshold, _)| value < *threshold).map_or(all, |(_, node)| *node);
    let mut ends: Vec<f64> = list.iter().map(|(threshold, _)| *threshold).chain([from, below]).collect();
    ends.sort_unstable_by(f64::total_cmp);
    ends.dedup();
    let node = |end: f64| {
        // The values right below this end.
        let value = end.next_down();
        if value >= from && value < below { missing } else { at(value) }
    };
    (ends.iter().map(|end| (*end, node(*end))).collect(), all)
}

/// Neighbours that go to the same node are one piece.
fn merged(list: Vec<(f32, usize)>, all: &mut usize) -> Vec<(f32, usize)> {
    let mut out: Vec<(f32, usize)> = Vec::new();
    for (threshold, node) in list {
        match out.last_mut() {
            Some((end, last)) if *last == node => *end = threshold,
            // An empty piece: no single lies between the two.
            Some((end, _)) if *end == threshold => {}
            _ => out.push((threshold, node)),
        }
    }
    while out.last().is_some_and(|(_, node)| node == all) {
        out.pop();
    }
    out
}

/// The smallest single that is at least this double: a single is below the one exactly where it is below the other.
fn reach(threshold: f64) -> f32 {
    let single = threshold as f32;
    if f64::from(single) < threshold { single.next_up() } else { single }
}

/// The file.
fn model(
    plain: &Plain,
    passport: Option<&Passport>,
    ensemble: &Ensemble,
    bias: f32,
    (sigmoid, mean): (bool, bool),
) -> Vec<u8> {
    let nodes = &ensemble.nodes;
    let integers = |of: fn(&Written) -> i64| nodes.iter().map(of).collect::<Vec<i64>>();
    let leaves: Vec<&Written> = nodes.iter().filter(|node| node.leaf).collect();
    let of_leaves = |of: fn(&Written) -> i64| leaves.iter().map(|leaf| of(leaf)).collect::<Vec<i64>>();
    let mode = |node: &Written| match (node.leaf, node.at_most) {
        (true, _) => "LEAF",
        (false, true) => "BRANCH_LEQ",
        (false, false) => "BRANCH_LT",
    };
    let value = |node: &Written| if node.leaf { 0.0 } else { node.value };
    let mut attributes = vec![
        list_of_integers("nodes_treeids", &integers(|node| node.tree)),
        list_of_integers("nodes_nodeids", &integers(|node| node.id)),
        list_of_integers("nodes_featureids", &integers(|node| node.feature)),
        list_of_strings("nodes_modes", &nodes.iter().map(mode).collect::<Vec<&str>>()),
        list_of_floats("nodes_values", &nodes.iter().map(value).collect::<Vec<f32>>()),
        list_of_integers("nodes_truenodeids", &integers(|node| node.when_true)),
        list_of_integers("nodes_falsenodeids", &integers(|node| node.when_false)),
        list_of_integers("nodes_missing_value_tracks_true", &integers(|node| i64::from(node.missing_is_true))),
        list_of_integers("target_ids", &of_leaves(|_| 0)),
        list_of_integers("target_treeids", &of_leaves(|leaf| leaf.tree)),
        list_of_integers("target_nodeids", &of_leaves(|leaf| leaf.id)),
        list_of_floats("target_weights", &leaves.iter().map(|leaf| leaf.value).collect::<Vec<f32>>()),
        [bytes(1, b"n_targets"), integer(3, 1), integer(20, 2)].concat(),
    ];
    if mean {
        attributes.push([bytes(1, b"aggregate_function"), bytes(4, b"AVERAGE"), integer(20, 3)].concat());
    }
    if bias != 0.0 {
        attributes.push(list_of_floats("base_values", &[bias]));
    }
    let mut node = [bytes(1, b"input"), bytes(2, b"margin"), bytes(4, b"TreeEnsembleRegressor")].concat();
    node.extend(attributes.iter().flat_map(|attribute| bytes(5, attribute)));
    node.extend(bytes(7, b"ai.onnx.ml"));
    let mut graph = bytes(1, &node);
    if sigmoid {
        let node = [bytes(1, b"margin"), bytes(2, b"probability"), bytes(4, b"Sigmoid")].concat();
        graph.extend(bytes(1, &node));
    }
    graph.extend(bytes(2, b"prequal"));
    graph.extend(bytes(11, &tensor("input", plain.features.len())));
    graph.extend(bytes(12, &tensor("margin", 1)));
    if sigmoid {
        graph.extend(bytes(12, &tensor("probability", 1)));
    }
    let mut file =
        [integer(1, 8), bytes(2, b"prequal"), bytes(6, headline(plain, None).join("\n").as_bytes())].concat();
    file.extend(bytes(7, &graph));
    file.extend(bytes(8, &[bytes(1, b""), integer(2, 15)].concat()));
    file.extend(bytes(8, &[bytes(1, b"ai.onnx.ml"), integer(2, 3)].concat()));
    let mut property = |name: &str, text: &str| {
        file.extend(bytes(14, &[bytes(1, name.as_bytes()), bytes(2, text.as_bytes())].concat()));
    };
    let names: Vec<&str> = plain.features.iter().map(|feature| feature.name.as_str()).collect();
    property("prequal.features", &serde_json::Value::from(names).to_string());
    for feature in &plain.features {
        if let Some(categories) = &feature.categories {
            let list = serde_json::Value::from(categories.names.clone()).to_string();
            property(&format!("prequal.categories.{}", feature.name), &list);
        }
    }
    for (name, text) in passport.iter().flat_map(|passport| passport.entries()) {
        property(&format!("prequal.passport.{name}"), text);
    }
    file
}

/// `ValueInfoProto` of a tensor of singles with rows of this width.
fn tensor(name: &str, columns: usize) -> Vec<u8> {
    let rows = bytes(1, &bytes(2, b"rows"));
    let columns = bytes(1, &integer(1, columns as u64));
    let shape = [rows, columns].concat();
    let kind = bytes(1, &[integer(1, 1), bytes(2, &shape)].concat());
    [bytes(1, name.as_bytes()), bytes(2, &kind)].concat()
}

fn list_of_integers(name: &str, list: &[i64]) -> Vec<u8> {
    let packed: Vec<u8> = list.iter().flat_map(|one| varint(one.cast_unsigned())).collect();
    [bytes(1, name.as_bytes()), bytes(8, &packed), integer(20, 7)].concat()
}

fn list_of_floats(name: &str, list: &[f32]) -> Vec<u8> {
    let packed: Vec<u8> = list.iter().flat_map(|one| one.to_le_bytes()).collect();
    [bytes(1, name.as_bytes()), bytes(7, &packed), integer(20, 6)].concat()
}

fn list_of_strings(name: &str, list: &[&str]) -> Vec<u8> {
    let mut out = bytes(1, name.as_bytes());
    out.extend(list.iter().flat_map(|one| bytes(9, one.as_bytes())));
    out.extend(integer(20, 8));
    out
}

/// A field of bytes, text or a message.
fn bytes(number: u64, contents: &[u8]) -> Vec<u8> {
    let mut out = varint(number << 3 | 2);
    out.extend(varint(contents.len() as u64));
    out.extend_from_slice(contents);
    out
}

fn integer(number: u64, value: u64) -> Vec<u8> {
    let mut out = varint(number << 3);
    out.extend(varint(value));
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}
