//! ONNX: one `TreeEnsembleRegressor` or `TreeEnsembleClassifier` of domain `ai.onnx.ml`, with one output.
//!
//! Arithmetic, as ONNX Runtime has it: values, thresholds and leaves are `f32`; a comparison with NaN fails, unless the
//! node says that missing follows its true branch; the sum in the order of the trees starts from zero, and the base
//! value is added to it at the end.

mod graph;
mod wire;

use std::collections::BTreeMap;

use prequal_core::score::trees::{FEATURES_MAX, Float, LEAVES_MAX, LinkKind, TREES_MAX, Width};

use crate::{
    ensemble::{Ensemble, Leaf, Missing, Node, Split, Test, Tree},
    error::{ImportError, shown},
    passport::Passport,
};
use graph::{Attributes, Operator};

/// Whether these bytes begin as an ONNX file does: field 1, the version of the format, from 3 on.
pub(crate) fn is_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 3..=32, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42 | 0x72, ..])
}

/// Reads a file.
/// Besides the trees, whether their sum is to be divided by their number, and the passport of our own export.
pub(crate) fn read(bytes: &[u8]) -> Result<(Ensemble, bool, Option<Passport>), ImportError> {
    let Operator { name, mut attributes, columns, version, sigmoid, names, passport } = graph::read(bytes)?;
    let classifier = name == "TreeEnsembleClassifier";
    let mut mean = false;
    let votes = if classifier { "class" } else { "target" };
    if classifier {
        let labels =
            attributes.strings("classlabels_strings")?.len() + attributes.integers("classlabels_int64s")?.len();
        if labels != 2 {
            return Err(ImportError::refuse(format!("it has {labels} classes, and two are understood")));
        }
    } else {
        match attributes.integer("n_targets")? {
            None | Some(1) => {}
            Some(got) => {
                return Err(ImportError::refuse(format!("it has {got} targets: several outputs are not understood")));
            }
        }
        match attributes.string("aggregate_function")?.as_deref() {
            None | Some("SUM") => {}
            Some("AVERAGE") => mean = true,
            Some(other) => {
                return Err(ImportError::refuse(format!("the aggregate `{}` is not understood", shown(other))));
            }
        }
    }
    let link = match attributes.string("post_transform")?.as_deref() {
        // A regressor's `LOGISTIC` the runtime leaves out, against the standard: refused below.
        Some("LOGISTIC") if classifier && !sigmoid => LinkKind::LogisticOfMagnitude,
        None | Some("NONE") if !classifier && sigmoid => LinkKind::Logistic,
        None | Some("NONE") if !classifier => LinkKind::None,
        other => {
            let other = shown(other.unwrap_or("NONE"));
            return Err(ImportError::refuse(format!("the transform `{other}` of a {votes} is not understood")));
        }
    };
    let bases = attributes.floats("base_values")?;
    let scale_and_bias = match bases.as_slice() {
        [] => None,
        [base] if base.is_finite() => Some([1.0, f64::from(*base)]),
        _ => return Err(ImportError::refuse("`base_values` is not one finite number")),
    };
    if mean && (scale_and_bias.is_some() || sigmoid) {
        return Err(ImportError::refuse("a mean with a base value or a logistic function is not understood"));
    }
    let trees = trees(&mut attributes, votes)?;
    attributes.finish()?;
    let used = trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
        Node::Split(split) => Some(split.feature + 1),
        Node::Leaf(_) => None,
    });
    let needed = used.max().unwrap_or(0);
    let count = columns.unwrap_or(needed);
    ImportError::limit("features", count.max(needed), FEATURES_MAX)?;
    if needed > count {
        return Err(ImportError::refuse(format!("it asks for feature {}, and there are {count}", needed - 1)));
    }
    let ensemble = Ensemble {
        library: "onnx",
        version,
        objective: name,
        inputs: Width::F32,
        sums: Width::F32,
        tiny_is_zero: false,
        minus_fraction_is_zero: false,
        base: Float::F32(0.0),
        scale_and_bias,
        average: false,
        link: (link, 1.0),
        features: if names.len() == count { names } else { (0..count).map(|number| format!("f{number}")).collect() },
        trees,
    };
    Ok((ensemble, mean, passport))
}

/// The lists that describe nodes, one entry for each node of all trees.
struct Lists {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<String>,
    values: Vec<f32>,
    when_true: Vec<i64>,
    when_false: Vec<i64>,
    missing_is_true: Vec<i64>,
}

fn trees(attributes: &mut Attributes, votes: &str) -> Result<Vec<Tree>, ImportError> {
    let lists = Lists {
        trees: attributes.integers("nodes_treeids")?,
        nodes: attributes.integers("nodes_nodeids")?,
        features: attributes.integers("nodes_featureids")?,
        modes: attributes.strings("nodes_modes")?,
        values: attributes.floats("nodes_values")?,
        when_true: attributes.integers("nodes_truenodeids")?,
        when_false: attributes.integers("nodes_falsenodeids")?,
        missing_is_true: attributes.integers("nodes_missing_value_tracks_true")?,
    };
    // How often a node was visited in training.
    attributes.floats("nodes_hitrates")?;
    let count = lists.trees.len();
    ImportError::limit("nodes of all trees", count, 2 * LEAVES_MAX)?;
    let lengths = [
        lists.nodes.len(),
        lists.features.len(),
        lists.modes.len(),
        lists.values.len(),
        lists.when_true.len(),
        lists.when_false.len(),
    ];
    if lengths.iter().any(|length| *length != count) || ![0, count].contains(&lists.missing_is_true.len()) {
        return Err(ImportError::refuse(format!("its lists of nodes have {count} and {lengths:?} entries")));
    }
    let mut leaves = leaves(attributes, votes)?;
    // A tree is the nodes of one number; trees are summed in the order in which they begin.
    let mut order: Vec<i64> = Vec::new();
    let mut places: BTreeMap<(i64, i64), usize> = BTreeMap::new();
    let mut sizes: BTreeMap<i64, usize> = BTreeMap::new();
    for (tree, node) in lists.trees.iter().zip(&lists.nodes) {
        let size = sizes.entry(*tree).or_insert(0);
        if *size == 0 {
            order.push(*tree);
        }
        if places.insert((*tree, *node), *size).is_some() {
            return Err(ImportError::refuse(format!("tree {tree} has node {node} twice")));
        }
        *size += 1;
    }
    ImportError::limit("trees", order.len(), TREES_MAX)?;
    let mut built: BTreeMap<i64, Tree> = BTreeMap::new();
    for at in 0..count {
        let (id, node) = node(&lists, at, &places, &mut leaves)?;
        built.entry(id).or_default().nodes.push(node);
    }
    if let Some(((tree, node), _)) = leaves.into_iter().next() {
        return Err(ImportError::refuse(format!("a weight is given to node {node} of tree {tree}, which is no leaf")));
    }
    Ok(order.into_iter().filter_map(|id| built.remove(&id)).collect())
}

/// The weight of each leaf.
fn leaves(attributes: &mut Attributes, votes: &str) -> Result<BTreeMap<(i64, i64), f32>, ImportError> {
    let outputs = attributes.integers(&format!("{votes}_ids"))?;
    let trees = attributes.integers(&format!("{votes}_treeids"))?;
    let nodes = attributes.integers(&format!("{votes}_nodeids"))?;
    let weights = attributes.floats(&format!("{votes}_weights"))?;
    if [outputs.len(), trees.len(), nodes.len()] != [weights.len(); 3] {
        return Err(ImportError::refuse("its lists of leaves differ in length"));
    }
    if outputs.iter().any(|output| *output != 0) {
        return Err(ImportError::refuse(format!("`{votes}_ids` name several outputs, which are not understood")));
    }
    let mut leaves = BTreeMap::new();
    for ((tree, node), weight) in trees.into_iter().zip(nodes).zip(weights) {
        if leaves.insert((tree, node), weight).is_some() {
            return Err(ImportError::refuse(format!("node {node} of tree {tree} has two weights")));
        }
    }
    Ok(leaves)
}

fn node(
    lists: &Lists,
    at: usize,
    places: &BTreeMap<(i64, i64), usize>,
    leaves: &mut BTreeMap<(i64, i64), f32>,
) -> Result<(i64, Node), ImportError> {
    let integer = |list: &[i64]| list.get(at).copied().unwrap_or(-1);
    let (tree, id) = (integer(&lists.trees), integer(&lists.nodes));
    let about = |why: String| ImportError::refuse(format!("node {id} of tree {tree}: {why}"));
    let threshold = lists.values.get(at).copied().unwrap_or(f32::NAN);
    let mode = lists.modes.get(at).map_or("", String::as_str);
    if mode == "LEAF" {
        let value = leaves.remove(&(tree, id)).ok_or_else(|| about("it is a leaf without a weight".to_owned()))?;
        let id = u32::try_from(id).map_err(|_| about("its number is out of range".to_owned()))?;
        return Ok((tree, Node::Leaf(Leaf { id, value: f64::from(value), linear: None })));
    }
    let (at_most, below_is_true) = match mode {
        "BRANCH_LEQ" => (true, true),
        "BRANCH_LT" => (false, true),
        "BRANCH_GTE" => (false, false),
        "BRANCH_GT" => (true, false),
        other => return Err(about(format!("the mode `{}` is not understood", shown(other)))),
    };
    let test = match threshold {
        value if value.is_nan() => return Err(about("its threshold is `NaN`".to_owned())),
        f32::INFINITY if at_most => Test::Any,
        value if at_most => Test::Below(f64::from(value.next_up())),
        value => Test::Below(f64::from(value)),
    };
    let child = |list: &[i64]| {
        let child = integer(list);
        places.get(&(tree, child)).copied().ok_or_else(|| about(format!("its child {child} is not there")))
    };
    let (when_true, when_false) = (child(&lists.when_true)?, child(&lists.when_false)?);
    let (left, right) = if below_is_true { (when_true, when_false) } else { (when_false, when_true) };
    let missing_is_true = match lists.missing_is_true.get(at) {
        None | Some(0) => false,
        Some(1) => true,
        Some(other) => return Err(about(format!("`nodes_missing_value_tracks_true` is {other}"))),
    };
    let missing = if missing_is_true == below_is_true { Missing::Left } else { Missing::Right };
    let feature = usize::try_from(integer(&lists.features)).ok().filter(|feature| *feature < FEATURES_MAX);
    let feature = feature.ok_or_else(|| about("its feature is out of range".to_owned()))?;
    Ok((tree, Node::Split(Split { feature, test, missing, left, right })))
}
