//! From an ensemble to the one model file: thresholds sorted per feature, trees written from the root.

use std::collections::BTreeMap;

use prequal_core::{
    canonical,
    score::trees::{
        CATEGORIES_MAX, CUTS_MAX, CategoryColumn, Column, FORMAT, Float, LEAVES_MAX, LinearLeaves, Link, LinkKind,
        MissingRule, SET_BYTES_MAX, Source, TREES_MAX, Tree, TreeFeature, TreeModel, Width, decimal, leaf_hex,
    },
};

use crate::{
    ensemble::{Ensemble, Linear, Missing, Node, Split, Test, Tree as LooseTree},
    error::ImportError,
};

/// A column is one way of reading a feature.
type Key = (usize, MissingRule, bool);

/// What the splits of one column compare with.
#[derive(Default)]
struct Contents {
    cuts: Vec<f64>,
    codes: Vec<u32>,
    /// Distinct sets, by their listed codes and the side these take.
    sets: BTreeMap<(Vec<u32>, bool), u32>,
}

/// All columns, and their numbers once all are known.
#[derive(Default)]
struct Columns(BTreeMap<Key, (u32, Contents)>);

/// Writes an ensemble as the model file, hashed. `file` is what it was read from.
///
/// # Errors
/// [`ImportError`] where a tree is none (cycles, children out of range, nodes that nothing reaches), a number is not
/// finite, or something is larger than its limit.
pub fn compact(ensemble: &Ensemble, file: &[u8]) -> Result<TreeModel, ImportError> {
    ImportError::limit("trees", ensemble.trees.len(), TREES_MAX)?;
    let mut orders = Vec::with_capacity(ensemble.trees.len());
    let mut nodes = 0;
    for (number, tree) in ensemble.trees.iter().enumerate() {
        let order = order(tree).map_err(|error| error.in_tree(number))?;
        nodes += order.len();
        ImportError::limit("nodes of all trees", nodes, 2 * LEAVES_MAX)?;
        orders.push(order);
    }
    let mut columns = Columns::default();
    for (number, tree) in ensemble.trees.iter().enumerate() {
        tree.nodes.iter().try_for_each(|node| columns.take(ensemble, node)).map_err(|error| error.in_tree(number))?;
    }
    columns.settle()?;
    let mut trees = Vec::with_capacity(orders.len());
    for (number, (tree, order)) in ensemble.trees.iter().zip(&orders).enumerate() {
        trees.push(write_tree(ensemble, tree, order, &columns).map_err(|error| error.in_tree(number))?);
    }
    let mut model = TreeModel {
        format: FORMAT.to_owned(),
        hash: String::new(),
        label: String::new(),
        source: Source {
            library: ensemble.library.to_owned(),
            version: ensemble.version.clone(),
            objective: ensemble.objective.clone(),
            sha256: canonical::sha256_hex(file),
        },
        inputs: ensemble.inputs,
        sums: ensemble.sums,
        tiny_is_zero: ensemble.tiny_is_zero,
        base: ensemble.base.bits_hex(),
        scale_and_bias: ensemble.scale_and_bias.map(|pair| pair.map(|value| float(value, ensemble.sums).bits_hex())),
        average: ensemble.average,
        link: match ensemble.link {
            (LinkKind::None, _) => Link { kind: LinkKind::None, slope: None },
            (kind, slope) => Link { kind, slope: Some(decimal(slope, Width::F64)) },
        },
        calibration: None,
        scaling: None,
        features: ensemble.features.iter().map(|name| named(name)).collect(),
        baseline: None,
        columns: columns.write(ensemble),
        trees,
    };
    model.hash = model.content_hash()?;
    Ok(model)
}

fn named(name: &str) -> TreeFeature {
    TreeFeature { name: name.to_owned(), ..TreeFeature::default() }
}

/// The nodes from the root, each before its left part and that before its right part. Refuses what is no tree.
fn order(tree: &LooseTree) -> Result<Vec<usize>, ImportError> {
    let mut order = Vec::with_capacity(tree.nodes.len());
    let mut seen = vec![false; tree.nodes.len()];
    let mut next = vec![0_usize];
    while let Some(at) = next.pop() {
        let Some(node) = tree.nodes.get(at) else {
            return Err(ImportError::refuse(format!("node {at} is named, and there are {}", tree.nodes.len())));
        };
        match seen.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => return Err(ImportError::refuse(format!("node {at} is reached twice: a cycle or a shared branch"))),
        }
        order.push(at);
        if let Node::Split(split) = node {
            next.push(split.right);
            next.push(split.left);
        }
    }
    let unreached = tree.nodes.len() - order.len();
    if unreached > tree.unused {
        return Err(ImportError::refuse(format!("{unreached} nodes are not reached from the root")));
    }
    Ok(order)
}

fn key(split: &Split) -> Key {
    let rule = match split.missing {
        Missing::Left | Missing::Right => MissingRule::Own,
        Missing::LeftWithZero | Missing::RightWithZero => MissingRule::OwnWithZero,
        Missing::Zero => MissingRule::Zero,
    };
    (split.feature, rule, matches!(split.test, Test::Categories { .. }))
}

impl Columns {
    /// Notes what a split compares with.
    fn take(&mut self, ensemble: &Ensemble, node: &Node) -> Result<(), ImportError> {
        let Node::Split(split) = node else { return Ok(()) };
        if split.feature >= ensemble.features.len() {
            let features = ensemble.features.len();
            return Err(ImportError::refuse(format!(
                "it asks for feature {}, and there are {features}",
                split.feature
            )));
        }
        let (_, contents) = self.0.entry(key(split)).or_default();
        match &split.test {
            Test::Below(threshold) => {
                let exact = ensemble.inputs == Width::F64 || f64::from(*threshold as f32) == *threshold;
                if threshold.is_nan() || *threshold == f64::NEG_INFINITY || !exact {
                    return Err(ImportError::refuse(format!(
                        "the threshold `{threshold}` is not a number of the inputs' width"
                    )));
                }
                // Below −0 is below 0.
                contents.cuts.push(threshold + 0.0);
            }
            Test::Any => {}
            Test::Categories { codes, listed_go_left } => {
                contents.codes.extend(codes);
                contents.sets.insert((codes.clone(), *listed_go_left), 0);
            }
        }
        Ok(())
    }

    /// Sorts everything and gives it its number.
    fn settle(&mut self) -> Result<(), ImportError> {
        let mut set_bytes = 0_usize;
        for (number, (column, contents)) in self.0.values_mut().enumerate() {
            *column = u32::try_from(number).unwrap_or(u32::MAX);
            contents.cuts.sort_unstable_by(f64::total_cmp);
            contents.cuts.dedup();
            contents.codes.sort_unstable();
            contents.codes.dedup();
            ImportError::limit("thresholds of a feature", contents.cuts.len(), CUTS_MAX)?;
            ImportError::limit("categories of a feature", contents.codes.len(), CATEGORIES_MAX)?;
            set_bytes = set_bytes.saturating_add(contents.sets.len().saturating_mul(contents.codes.len() + 1));
            ImportError::limit("bytes of all sets of categories", set_bytes, SET_BYTES_MAX)?;
            for (number, set) in contents.sets.values_mut().enumerate() {
                *set = u32::try_from(number).unwrap_or(u32::MAX);
            }
        }
        Ok(())
    }

    /// The column and the test of a split.
    fn find(&self, split: &Split) -> Option<(u32, u32)> {
        let (column, contents) = self.0.get(&key(split))?;
        let test = match &split.test {
            Test::Below(threshold) => {
                let at = contents.cuts.binary_search_by(|cut| cut.total_cmp(&(threshold + 0.0))).ok()?;
                u32::try_from(at).ok()?
            }
            Test::Any => u32::try_from(contents.cuts.len()).ok()?,
            Test::Categories { codes, listed_go_left } => *contents.sets.get(&(codes.clone(), *listed_go_left))?,
        };
        Some((*column, test))
    }

    fn write(&self, ensemble: &Ensemble) -> Vec<Column> {
        let column = |((feature, missing, categories), (_, contents)): (&Key, &(u32, Contents))| Column {
            // Features are at most as many as a u32 holds: the core's limit is checked on the document.
            feature: u32::try_from(*feature).unwrap_or(u32::MAX),
            missing: *missing,
            cuts: (!categories).then(|| contents.cuts.iter().map(|cut| decimal(*cut, ensemble.inputs)).collect()),
            categories: categories.then(|| CategoryColumn {
                codes: contents.codes.clone(),
                minus_fraction_is_zero: ensemble.minus_fraction_is_zero,
                sets: contents.sets.keys().map(|(listed, left)| write_set(&contents.codes, listed, *left)).collect(),
            }),
        };
        self.0.iter().map(column).collect()
    }
}

/// `1` for each state that goes left: the codes in order, then everything else.
fn write_set(codes: &[u32], listed: &[u32], listed_go_left: bool) -> String {
    let bit = |left: bool| if left { '1' } else { '0' };
    let known = codes.iter().map(|code| bit(listed.binary_search(code).is_ok() == listed_go_left));
    known.chain([bit(!listed_go_left)]).collect()
}

fn write_tree(ensemble: &Ensemble, tree: &LooseTree, order: &[usize], columns: &Columns) -> Result<Tree, ImportError> {
    let mut out = Tree {
        shape: String::with_capacity(order.len()),
        columns: Vec::new(),
        tests: Vec::new(),
        missing_left: String::new(),
        leaves: String::new(),
        leaf_ids: Vec::new(),
        linear: None,
    };
    let mut linear = Vec::new();
    for node in order.iter().filter_map(|at| tree.nodes.get(*at)) {
        match node {
            Node::Split(split) => {
                let Some((column, test)) = columns.find(split) else {
                    return Err(ImportError::refuse("a split's test was lost"));
                };
                out.shape.push('1');
                out.columns.push(column);
                out.tests.push(test);
                out.missing_left.push(match split.missing {
                    Missing::Left | Missing::LeftWithZero => '1',
                    Missing::Right | Missing::RightWithZero | Missing::Zero => '0',
                });
            }
            Node::Leaf(leaf) => {
                if !leaf.value.is_finite() {
                    return Err(ImportError::refuse(format!("the leaf {} is `{}`", leaf.id, leaf.value)));
                }
                out.shape.push('0');
                leaf_hex(&mut out.leaves, float(leaf.value, ensemble.sums));
                out.leaf_ids.push(leaf.id);
                linear.push(leaf.linear.as_ref());
            }
        }
    }
    if linear.iter().any(Option::is_some) {
        out.linear = Some(write_linear(&linear)?);
    }
    Ok(out)
}

fn float(value: f64, width: Width) -> Float {
    match width {
        // Leaves of this width are f32 that were widened, so narrowing is exact.
        Width::F32 => Float::F32(value as f32),
        Width::F64 => Float::F64(value),
    }
}

fn write_linear(leaves: &[Option<&Linear>]) -> Result<LinearLeaves, ImportError> {
    let mut out = LinearLeaves {
        constants: String::new(),
        counts: Vec::new(),
        features: Vec::new(),
        coefficients: String::new(),
    };
    for leaf in leaves {
        let Some(leaf) = leaf else { return Err(ImportError::refuse("some leaves are linear and others are not")) };
        leaf_hex(&mut out.constants, Float::F64(leaf.constant));
        out.counts.push(u32::try_from(leaf.terms.len()).unwrap_or(u32::MAX));
        for (feature, coefficient) in &leaf.terms {
            out.features.push(u32::try_from(*feature).unwrap_or(u32::MAX));
            leaf_hex(&mut out.coefficients, Float::F64(*coefficient));
        }
    }
    Ok(out)
}
