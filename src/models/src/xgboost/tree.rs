//! One tree of XGBoost's file: a list for each property, one entry for each node.

use std::collections::BTreeMap;

use crate::{
    document::{Fields, Value},
    ensemble::{Leaf, Missing, Node, Split, Test, Tree},
    error::ImportError,
};

/// The largest category that XGBoost takes: integers that an `f32` holds exactly.
const CATEGORY_MAX: i64 = 1 << 24;

/// The lists of a tree that a prediction reads.
struct Lists {
    left: Vec<i64>,
    right: Vec<i64>,
    default_left: Vec<i64>,
    features: Vec<i64>,
    /// Thresholds of splits, values of leaves.
    conditions: Vec<f32>,
    /// 1 where a split asks for categories.
    kinds: Vec<i64>,
    sets: BTreeMap<usize, Vec<u32>>,
}

/// Reads one entry of `trees`.
pub(super) fn read(value: Value<'_>, features: usize) -> Result<Tree, ImportError> {
    let mut fields = value.into_object("a tree")?;
    let mut parameters = fields.required("tree_param")?.into_object("tree_param")?;
    let nodes = parameters.required("num_nodes")?.to_integer("num_nodes")?;
    let unused = match parameters.optional("num_deleted") {
        Some(value) => usize::try_from(value.to_integer("num_deleted")?).unwrap_or(0),
        None => 0,
    };
    if let Some(size) = parameters.optional("size_leaf_vector")
        && size.to_integer("size_leaf_vector")? > 1
    {
        return Err(ImportError::refuse("its leaves are vectors"));
    }
    parameters.ignore(&["num_feature"]);
    parameters.finish()?;
    let lists = lists(&mut fields, nodes)?;
    // Statistics of the training, and links back to the parent.
    fields.ignore(&["id", "parents", "base_weights", "loss_changes", "sum_hessian"]);
    fields.finish()?;
    let count = lists.left.len();
    let nodes = (0..count).map(|at| node(&lists, at, features)).collect::<Result<_, _>>()?;
    Ok(Tree { nodes, unused })
}

fn lists(fields: &mut Fields<'_>, nodes: i64) -> Result<Lists, ImportError> {
    let mut integers = |name: &str| fields.required(name)?.to_integers(name);
    let (left, right) = (integers("left_children")?, integers("right_children")?);
    let (default_left, features) = (integers("default_left")?, integers("split_indices")?);
    let conditions = fields.required("split_conditions")?.to_f32s("split_conditions")?;
    let kinds = match fields.optional("split_type") {
        Some(value) => value.to_integers("split_type")?,
        None => vec![0; left.len()],
    };
    let lengths = [left.len(), right.len(), default_left.len(), features.len(), conditions.len(), kinds.len()];
    if lengths.iter().any(|length| i64::try_from(*length).ok() != Some(nodes)) || nodes == 0 {
        return Err(ImportError::refuse(format!("`num_nodes` is {nodes}, and its lists have {lengths:?} entries")));
    }
    let sets = sets(fields)?;
    Ok(Lists { left, right, default_left, features, conditions, kinds, sets })
}

/// The sets of categories: `categories_nodes` names the nodes, the other lists say which part of `categories` is theirs.
fn sets(fields: &mut Fields<'_>) -> Result<BTreeMap<usize, Vec<u32>>, ImportError> {
    let mut optional =
        |name: &str| fields.optional(name).map_or_else(|| Ok(Vec::new()), |value| value.to_integers(name));
    let (categories, nodes) = (optional("categories")?, optional("categories_nodes")?);
    let (segments, sizes) = (optional("categories_segments")?, optional("categories_sizes")?);
    if nodes.len() != segments.len() || nodes.len() != sizes.len() {
        return Err(ImportError::refuse("its lists of categories differ in length"));
    }
    // Each category belongs to one node, so the sets together are no longer than the list.
    let total = sizes.iter().fold(0_i64, |sum, size| sum.saturating_add((*size).max(0)));
    if usize::try_from(total).ok() != Some(categories.len()) {
        return Err(ImportError::refuse("`categories` has not as many entries as `categories_sizes` say"));
    }
    let mut sets = BTreeMap::new();
    for ((node, segment), size) in nodes.iter().zip(&segments).zip(&sizes) {
        let range = usize::try_from(*segment).ok().zip(usize::try_from(*size).ok());
        let part = range.and_then(|(start, size)| categories.get(start..start.checked_add(size)?));
        let (Some(part), Ok(node)) = (part, usize::try_from(*node)) else {
            return Err(ImportError::refuse("a segment of `categories` is out of range"));
        };
        let code = |code: &i64| u32::try_from(*code).ok().filter(|_| *code < CATEGORY_MAX);
        let Some(mut codes) = part.iter().map(code).collect::<Option<Vec<u32>>>() else {
            return Err(ImportError::refuse(format!("a category is not from 0 to {}", CATEGORY_MAX - 1)));
        };
        codes.sort_unstable();
        codes.dedup();
        if sets.insert(node, codes).is_some() {
            return Err(ImportError::refuse(format!("node {node} has two sets of categories")));
        }
    }
    Ok(sets)
}

fn node(lists: &Lists, at: usize, features: usize) -> Result<Node, ImportError> {
    let out_of_range = || ImportError::refuse(format!("node {at} is out of range"));
    let integer = |list: &[i64]| list.get(at).copied().ok_or_else(out_of_range);
    let (left, right) = (integer(&lists.left)?, integer(&lists.right)?);
    let condition = lists.conditions.get(at).copied().ok_or_else(out_of_range)?;
    if (left, right) == (-1, -1) {
        let id = u32::try_from(at).map_err(|_| out_of_range())?;
        return Ok(Node::Leaf(Leaf { id, value: f64::from(condition), linear: None }));
    }
    let child = |side: &str, child: i64| {
        let child_in_range = usize::try_from(child).ok().filter(|child| *child < lists.left.len());
        child_in_range
            .ok_or_else(|| ImportError::refuse(format!("node {at}: its {side} child {child} is out of range")))
    };
    let (left, right) = (child("left", left)?, child("right", right)?);
    let feature = integer(&lists.features)?;
    let Some(feature) = usize::try_from(feature).ok().filter(|feature| *feature < features) else {
        return Err(ImportError::refuse(format!("node {at} asks for feature {feature}, and there are {features}")));
    };
    let missing = match integer(&lists.default_left)? {
        0 => Missing::Right,
        1 => Missing::Left,
        other => return Err(ImportError::refuse(format!("node {at}: `default_left` is {other}"))),
    };
    let test = match integer(&lists.kinds)? {
        0 if !condition.is_nan() && condition != f32::NEG_INFINITY => Test::Below(f64::from(condition)),
        0 => return Err(ImportError::refuse(format!("node {at}: its threshold is `{condition}`"))),
        1 => match lists.sets.get(&at) {
            Some(codes) => Test::Categories { codes: codes.clone(), listed_go_left: false },
            None => return Err(ImportError::refuse(format!("node {at} asks for categories and has no set"))),
        },
        other => return Err(ImportError::refuse(format!("node {at}: `split_type` {other} is not understood"))),
    };
    Ok(Node::Split(Split { feature, test, missing, left, right }))
}
