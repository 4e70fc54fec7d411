//! Everything that a model file could say wrong, refused by name.

use std::{borrow::ToOwned, collections::BTreeSet, format, string::String, sync::Arc, vec::Vec};

use super::{
    CompiledTrees, Float, TreeError,
    column::{CompiledColumn, Intake, Reader},
    document::{CategoryColumn, Column, FORMAT, LinkKind, MissingRule, Tree, TreeModel, Width},
    float,
    limits::{
        CATEGORIES_MAX, CATEGORY_CODE_MAX, COLUMNS_MAX, CUTS_MAX, FEATURES_MAX, LEAVES_MAX, NAME_BYTES_MAX,
        SET_BYTES_MAX, TEXT_BYTES_MAX, TREES_MAX,
    },
    linear::Linear,
    shape::{self, Shape},
    shapley,
};
use crate::depth::{Checked, Depth, Signed};

/// For each state after missing, whether it goes left; shared by the splits that name it.
pub(super) type Set = Arc<[bool]>;

/// A split's test, with everything it needs at hand.
#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) column: u32,
    /// For numbers: how many cuts lie before this one, all of them where every value passes. For categories: the number of the set.
    pub(super) number: u32,
    /// For categories: the number of the set among those of all columns, and what goes left.
    pub(super) set: Option<(usize, Set)>,
    pub(super) missing_left: bool,
}

impl Test {
    /// The cut's number; at most `CUTS_MAX`, which with one more a u16 holds.
    pub(super) fn cut(&self) -> u16 {
        self.number as u16
    }
}

/// A tree that makes sense.
#[derive(Clone, Debug)]
pub(super) struct CheckedTree {
    pub(super) shape: Shape,
    pub(super) tests: Vec<Test>,
    pub(super) leaves: Vec<f64>,
}

/// A document's parts that make sense.
pub(super) struct Parts {
    pub(super) base: Float,
    pub(super) scale_and_bias: Option<[Float; 2]>,
    pub(super) slope: Option<f64>,
    pub(super) intake: Intake,
    pub(super) columns: Vec<CompiledColumn>,
    pub(super) trees: Vec<CheckedTree>,
    pub(super) linear: Linear,
    /// What reasons are told against; NaN where missing.
    pub(super) baseline: Option<Vec<f64>>,
}

/// What a column offers to the tests of the trees.
struct Offer {
    column: CompiledColumn,
    /// Sets of a category column.
    sets: Vec<Set>,
    /// The number of the first of them among the sets of all columns.
    first_set: usize,
}

/// What is said of an unsound model where it is only downloaded.
const UNSOUND: &str = "it contradicts itself; `prequal import` says where";

pub(super) fn refuse<C: Depth, T>(why: impl FnOnce() -> String) -> Result<T, TreeError> {
    Err(TreeError::Model(if C::FULL { why() } else { UNSOUND.to_owned() }))
}

impl TreeModel {
    /// Checks the whole document and makes it ready to score.
    ///
    /// # Errors
    /// [`TreeError::Format`], [`TreeError::Limit`] or [`TreeError::Model`], which name what is wrong and where.
    pub fn check(&self) -> Result<CompiledTrees, TreeError> {
        self.compile::<Checked>()
    }

    /// As [`Self::check`], for a model that is only downloaded: what passed the full check compiles in the same way, and
    /// what did not and would still compile scores as it stands.
    ///
    /// # Errors
    /// As [`Self::check`], without words for whoever wrote the model.
    pub fn check_downloaded(&self) -> Result<CompiledTrees, TreeError> {
        self.compile::<Signed>()
    }

    pub(super) fn compile<C: Depth>(&self) -> Result<CompiledTrees, TreeError> {
        Ok(CompiledTrees::new(self, &self.parts::<C>()?))
    }

    /// What the document says, checked.
    pub(super) fn parts<C: Depth>(&self) -> Result<Parts, TreeError> {
        if self.format != FORMAT {
            return Err(TreeError::Format(self.format.chars().take(64).collect()));
        }
        self.check_head::<C>()?;
        let Some(base) = float::parse_bits(&self.base, self.sums).filter(|base| base.to_f64().is_finite()) else {
            return refuse::<C, _>(|| "`base` is not the bits of a finite float of the width `sums`".to_owned());
        };
        let scale_and_bias = self.check_scale_and_bias::<C>()?;
        let offers = self.check_columns::<C>()?;
        let mut linear = Linear::default();
        let mut trees = Vec::with_capacity(self.trees.len());
        let mut leaves = 0_usize;
        for (number, tree) in self.trees.iter().enumerate() {
            let inside = |error| match error {
                TreeError::Model(why) if C::FULL => TreeError::Model(format!("tree {number}: {why}")),
                other => other,
            };
            let checked = check_tree::<C>(tree, self.sums, &offers).map_err(inside)?;
            leaves = leaves.saturating_add(checked.leaves.len());
            TreeError::limit("leaves of all trees", leaves, LEAVES_MAX)?;
            if tree.linear.is_some() && (self.sums, self.inputs) != (Width::F64, Width::F64) {
                return refuse::<C, _>(|| {
                    format!("tree {number} is linear, and that needs `inputs` and `sums` of width `f64`")
                });
            }
            linear.push(tree.linear.as_ref(), checked.leaves.len(), self.features.len()).map_err(inside)?;
            trees.push(checked);
        }
        let intake = Intake { inputs: self.inputs, tiny_is_zero: self.tiny_is_zero };
        let columns = offers.into_iter().map(|offer| offer.column).collect();
        let (slope, baseline) = (self.check_slope::<C>()?, shapley::parse_baseline::<C>(self)?);
        Ok(Parts { base, scale_and_bias, slope, intake, columns, trees, linear, baseline })
    }

    fn check_head<C: Depth>(&self) -> Result<(), TreeError> {
        TreeError::limit("trees", self.trees.len(), TREES_MAX)?;
        TreeError::limit("features", self.features.len(), FEATURES_MAX)?;
        TreeError::limit("columns", self.columns.len(), COLUMNS_MAX)?;
        if self.trees.is_empty() {
            return refuse::<C, _>(|| "it has no trees".to_owned());
        }
        if !C::FULL {
            return Ok(());
        }
        let texts = [&self.label, &self.source.library, &self.source.version, &self.source.objective];
        for text in texts {
            TreeError::limit("bytes of a text", text.len(), TEXT_BYTES_MAX)?;
        }
        let mut names = BTreeSet::new();
        for feature in &self.features {
            TreeError::limit("bytes of a feature's name", feature.name.len(), NAME_BYTES_MAX)?;
            if feature.name.is_empty() {
                return refuse::<C, _>(|| "a feature has no name".to_owned());
            }
            if !names.insert(&feature.name) {
                return refuse::<C, _>(|| format!("the feature `{}` is there twice", feature.name));
            }
            TreeError::limit("bytes of a feature's reason", feature.reason.len(), NAME_BYTES_MAX)?;
            TreeError::limit("categories of a feature", feature.categories.len(), CATEGORIES_MAX)?;
            if feature.numeric && !feature.is_named() {
                return refuse::<C, _>(|| {
                    format!("the feature `{}` has `numeric` names of categories, and none at all", feature.name)
                });
            }
            let mut categories = BTreeSet::new();
            for category in &feature.categories {
                TreeError::limit("bytes of a category's name", category.len(), NAME_BYTES_MAX)?;
                if !categories.insert(category) {
                    return refuse::<C, _>(|| {
                        format!("the category `{category}` of `{}` is there twice", feature.name)
                    });
                }
            }
        }
        Ok(())
    }

    fn check_slope<C: Depth>(&self) -> Result<Option<f64>, TreeError> {
        match (self.link.kind, &self.link.slope) {
            (LinkKind::None, None) => Ok(None),
            (LinkKind::None, Some(_)) => refuse::<C, _>(|| "`link` has a `slope`, and its kind has none".to_owned()),
            (_, None) => refuse::<C, _>(|| "`link` lacks its `slope`".to_owned()),
            (_, Some(text)) => match float::parse_decimal(text, Width::F64) {
                Some(slope) if slope > 0.0 => Ok(Some(slope)),
                _ => refuse::<C, _>(|| format!("the slope `{text}` is not a positive decimal")),
            },
        }
    }

    fn check_scale_and_bias<C: Depth>(&self) -> Result<Option<[Float; 2]>, TreeError> {
        let Some([scale, bias]) = &self.scale_and_bias else { return Ok(None) };
        let read = |text: &str| float::parse_bits(text, self.sums).filter(|value| value.to_f64().is_finite());
        match (read(scale), read(bias)) {
            (Some(scale), Some(bias)) => Ok(Some([scale, bias])),
            _ => refuse::<C, _>(|| "`scale_and_bias` are not the bits of finite floats of the width `sums`".to_owned()),
        }
    }

    fn check_columns<C: Depth>(&self) -> Result<Vec<Offer>, TreeError> {
        let mut set_bytes = 0_usize;
        let mut offers = Vec::with_capacity(self.columns.len());
        for (number, column) in self.columns.iter().enumerate() {
            if column.feature as usize >= self.features.len() {
                return refuse::<C, _>(|| {
                    format!("column {number} reads feature {}, which is not there", column.feature)
                });
            }
            let (reader, sets) = match (&column.cuts, &column.categories) {
                (Some(cuts), None) => (check_cuts::<C>(number, cuts, self.inputs)?, Vec::new()),
                (None, Some(categories)) => check_categories::<C>(number, column, categories, &mut set_bytes)?,
                _ => return refuse::<C, _>(|| format!("column {number} has not one of `cuts` and `categories`")),
            };
            let column = CompiledColumn { feature: column.feature as usize, missing: column.missing, reader };
            let first_set = offers.last().map_or(0, |last: &Offer| last.first_set + last.sets.len());
            offers.push(Offer { column, sets, first_set });
        }
        Ok(offers)
    }
}

fn check_cuts<C: Depth>(number: usize, texts: &[String], width: Width) -> Result<Reader, TreeError> {
    TreeError::limit("thresholds of a column", texts.len(), CUTS_MAX)?;
    let mut cuts: Vec<f64> = Vec::with_capacity(texts.len());
    for text in texts {
        let unbounded = (text == "inf").then_some(f64::INFINITY);
        let Some(cut) = unbounded.or_else(|| float::parse_decimal(text, width)) else {
            let shown: String = text.chars().take(40).collect();
            return refuse::<C, _>(|| format!("column {number}: the threshold `{shown}` is not a finite decimal"));
        };
        if cuts.last().is_some_and(|last| *last >= cut) {
            return refuse::<C, _>(|| format!("column {number}: the threshold `{text}` is not above the one before"));
        }
        cuts.push(cut);
    }
    Ok(Reader::Cuts(cuts))
}

fn check_categories<C: Depth>(
    number: usize,
    column: &Column,
    categories: &CategoryColumn,
    set_bytes: &mut usize,
) -> Result<(Reader, Vec<Set>), TreeError> {
    let codes = &categories.codes;
    TreeError::limit("categories of a column", codes.len(), CATEGORIES_MAX)?;
    if column.missing != MissingRule::Own {
        return refuse::<C, _>(|| format!("column {number}: missing categories have a state of their own"));
    }
    if !codes.is_sorted_by(|a, b| a < b) || codes.last().is_some_and(|code| *code > CATEGORY_CODE_MAX) {
        return refuse::<C, _>(|| {
            format!("column {number}: category codes are not ascending, or beyond {CATEGORY_CODE_MAX}")
        });
    }
    let mut sets = Vec::with_capacity(categories.sets.len());
    for set in &categories.sets {
        *set_bytes = set_bytes.saturating_add(set.len());
        TreeError::limit("bytes of all sets of categories", *set_bytes, SET_BYTES_MAX)?;
        if set.len() != codes.len() + 1 || set.bytes().any(|byte| byte != b'0' && byte != b'1') {
            return refuse::<C, _>(|| {
                format!("column {number}: a set has not one `0` or `1` for each code and one for the rest")
            });
        }
        sets.push(set.bytes().map(|byte| byte == b'1').collect());
    }
    Ok((Reader::Codes { codes: codes.clone(), minus_fraction_is_zero: categories.minus_fraction_is_zero }, sets))
}

fn check_tree<C: Depth>(tree: &Tree, sums: Width, offers: &[Offer]) -> Result<CheckedTree, TreeError> {
    let shape = shape::parse(&tree.shape)?;
    let splits = shape.splits.len();
    if [tree.columns.len(), tree.tests.len(), tree.missing_left.len()] != [splits; 3] {
        return refuse::<C, _>(|| {
            format!("`columns`, `tests` and `missing_left` have not one entry for each of {splits} splits")
        });
    }
    let Some(leaves) = float::parse_run(&tree.leaves, sums) else {
        return refuse::<C, _>(|| "`leaves` holds something other than the bits of finite floats".to_owned());
    };
    if leaves.len() != shape.leaves as usize || tree.leaf_ids.len() != leaves.len() {
        return refuse::<C, _>(|| {
            format!("`leaves` and `leaf_ids` have not one entry for each of {} leaves", shape.leaves)
        });
    }
    let mut tests = Vec::with_capacity(splits);
    for ((column, number), side) in tree.columns.iter().zip(&tree.tests).zip(tree.missing_left.bytes()) {
        let Some(offer) = offers.get(*column as usize) else {
            return refuse::<C, _>(|| format!("it reads column {column}, which is not there"));
        };
        let missing_left = match side {
            b'1' => true,
            b'0' => false,
            _ => return refuse::<C, _>(|| "`missing_left` holds something other than `0` and `1`".to_owned()),
        };
        let at = *number as usize;
        let set = match (&offer.column.reader, offer.sets.get(at)) {
            // One past the last cut is the test that every value passes.
            (Reader::Cuts(cuts), _) if at <= cuts.len() => None,
            (Reader::Codes { .. }, Some(set)) => Some((offer.first_set + at, set.clone())),
            _ => return refuse::<C, _>(|| format!("it names test {number} of column {column}, which is not there")),
        };
        tests.push(Test { column: *column, number: *number, set, missing_left });
    }
    Ok(CheckedTree { shape, tests, leaves })
}
