//! Why a row's score differs from a baseline's: interventional Shapley values, in whole points, by reason.
//!
//! The value of a set of features is the margin of a row that has those features from the applicant and all others from
//! the baseline that is pinned in the model; a feature's share is its mean effect over all orders in which features could
//! change from the one to the other (Shapley 1953; Janzing, Minorics, Blöbaum 2020). For one baseline each tree is walked
//! once: only splits that lead applicant and baseline apart matter (Lundberg et al. 2020, algorithm 3).

use std::{format, string::String, vec, vec::Vec};

use super::{
    Float, TreeError,
    check::{CheckedTree, Parts, Test, refuse},
    column::{CompiledColumn, Intake, MISSING},
    document::{TreeModel, Width},
    float,
    shape::Child,
};
use crate::{
    depth::{Checked, Depth},
    order::sort_short,
    score::limits::REASONS_MAX,
};

/// The largest number of points that one explanation parts, either way.
const POINTS_ABS_MAX: f64 = crate::score::POINTS_ABS_MAX as f64;

/// A model that can say why. Made by [`TreeModel::explainer`].
#[derive(Clone, Debug)]
pub struct Explainer {
    intake: Intake,
    columns: Vec<CompiledColumn>,
    trees: Vec<CheckedTree>,
    scale: f64,
    /// For each feature the number of its family.
    family_of: Vec<usize>,
    /// What a family is called, in the order of their first features.
    families: Vec<String>,
    baseline: Vec<f64>,
    baseline_states: Vec<u16>,
}

/// What one family of features did to a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyPoints<'m> {
    /// The reason that its features share.
    pub reason: &'m str,
    /// Points against the baseline; below zero where it cost some.
    pub points: i32,
}

/// Why a score is what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'m> {
    /// Points of the row less those of the baseline; more points are safer. The families' points sum to it exactly.
    pub points: i32,
    /// One for each family, in the order of their first features.
    pub families: Vec<FamilyPoints<'m>>,
}

impl<'m> Explanation<'m> {
    /// The families that cost points, the dearest first, ties in their order, at most [`REASONS_MAX`].
    #[must_use]
    pub fn reasons(&self) -> Vec<FamilyPoints<'m>> {
        let mut reasons: Vec<FamilyPoints<'m>> =
            self.families.iter().filter(|family| family.points < 0).copied().collect();
        // A stable sort keeps the families' order among equals.
        sort_short(&mut reasons, |a, b| a.points < b.points);
        reasons.truncate(REASONS_MAX);
        reasons
    }
}

impl TreeModel {
    /// Checks the document and makes it ready to explain.
    ///
    /// # Errors
    /// As [`TreeModel::check`]; [`TreeError::Model`] also for a model without a baseline or with linear leaves, whose
    /// effects are no steps.
    pub fn explainer(&self) -> Result<Explainer, TreeError> {
        self.explainer_of::<Checked>(self.parts::<Checked>()?)
    }

    pub(super) fn explainer_of<C: Depth>(&self, parts: Parts) -> Result<Explainer, TreeError> {
        let refuse = |why: &str| refuse::<C, _>(|| String::from(why));
        if !parts.linear.is_empty() {
            return refuse("it has linear leaves, which cannot be explained");
        }
        let Some(baseline) = parts.baseline else {
            return refuse("it has no `baseline`, and a reason is a difference from one");
        };
        let mut families: Vec<String> = Vec::new();
        let mut family_of = Vec::with_capacity(self.features.len());
        for feature in &self.features {
            let name = if feature.reason.is_empty() { &feature.name } else { &feature.reason };
            let known = families.iter().position(|family| family == name);
            family_of.push(known.unwrap_or(families.len()));
            if known.is_none() {
                families.push(name.clone());
            }
        }
        let mut explainer = Explainer {
            intake: parts.intake,
            columns: parts.columns,
            trees: parts.trees,
            scale: parts.scale_and_bias.map_or(1.0, |[scale, _]| scale.to_f64()),
            family_of,
            families,
            baseline_states: Vec::new(),
            baseline,
        };
        explainer.baseline_states = explainer.states(&explainer.baseline)?;
        Ok(explainer)
    }
}

/// Reads a baseline: a number or a category's code for each feature, nothing where missing.
pub(super) fn parse_baseline<C: Depth>(model: &TreeModel) -> Result<Option<Vec<f64>>, TreeError> {
    let Some(texts) = &model.baseline else { return Ok(None) };
    if texts.len() != model.features.len() {
        return refuse::<C, _>(|| {
            format!("`baseline` has {} values, and there are {} features", texts.len(), model.features.len())
        });
    }
    let read = |text: &Option<String>| match text {
        None => Ok(f64::NAN),
        Some(text) => match float::parse_decimal(text, Width::F64) {
            Some(value) => Ok(value),
            None => refuse::<C, _>(|| {
                let shown: String = text.chars().take(40).collect();
                format!("`baseline` holds `{shown}`, which is not a finite decimal")
            }),
        },
    };
    texts.iter().map(read).collect::<Result<Vec<f64>, TreeError>>().map(Some)
}

/// On whose side the features of a path stand.
struct Path<'a> {
    row: &'a [u16],
    baseline: &'a [u16],
    columns: &'a [CompiledColumn],
    /// Features that the path takes from the row (true) or from the baseline, in the order met.
    taken: Vec<(usize, bool)>,
    shares: Vec<f64>,
}

impl Explainer {
    /// The values of the baseline, in the order of the features; NaN where missing.
    #[must_use]
    pub fn baseline(&self) -> &[f64] {
        &self.baseline
    }

    /// Each feature's share of the row's margin less the baseline's.
    ///
    /// # Errors
    /// [`TreeError::RowLength`] where the row has not one value for each feature.
    pub fn shares(&self, row: &[f64]) -> Result<Vec<f64>, TreeError> {
        let states = self.states(row)?;
        let mut path = Path {
            row: &states,
            baseline: &self.baseline_states,
            columns: &self.columns,
            taken: Vec::new(),
            shares: vec![0.0; self.family_of.len()],
        };
        for tree in &self.trees {
            let root = if tree.shape.splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) };
            path.walk(tree, root);
        }
        path.shares.iter_mut().for_each(|share| *share *= self.scale);
        Ok(path.shares)
    }

    /// Explains a row whose margin and whose baseline's margin the evaluator gave. `points_per_log_odds` turns margins,
    /// which are log-odds of bad, into points: [`crate::score::Scaling::factor`].
    ///
    /// The difference of the margins is rounded to whole points once; families are rounded down and the points left go to
    /// the largest remainders, ties to the family that comes first.
    ///
    /// # Errors
    /// [`TreeError::RowLength`] where the row has not one value for each feature; [`TreeError::Model`] where the difference
    /// is no number of points that a score can have.
    pub fn explain(
        &self,
        row: &[f64],
        (margin, baseline): (Float, Float),
        points_per_log_odds: f64,
    ) -> Result<Explanation<'_>, TreeError> {
        let exact = self.exact(row, points_per_log_odds)?;
        let total = libm::round(points_per_log_odds * (baseline.to_f64() - margin.to_f64()));
        if !is_points(&total) || !exact.iter().all(is_points) {
            return Err(TreeError::Model(format!("the difference from the baseline is {total} points")));
        }
        let points = part(total as i32, &exact);
        let families = self.families.iter().zip(&points);
        Ok(Explanation {
            points: total as i32,
            families: families.map(|(reason, points)| FamilyPoints { reason, points: *points }).collect(),
        })
    }

    /// Parts `total` points, those of the row less those of the baseline, among the families, in their order: rounded
    /// down, with what is left to the largest remainders. `points_per_margin` are the points that one unit of the margin
    /// takes away.
    ///
    /// # Errors
    /// As [`Self::explain`].
    pub(super) fn part(&self, row: &[f64], total: i32, points_per_margin: f64) -> Result<Vec<i32>, TreeError> {
        Ok(part(total, &self.exact(row, points_per_margin)?))
    }

    /// For each feature the number of its family.
    pub(super) fn families(&self) -> &[usize] {
        &self.family_of
    }

    fn exact(&self, row: &[f64], points_per_margin: f64) -> Result<Vec<f64>, TreeError> {
        let shares = self.shares(row)?;
        let mut exact = vec![0.0; self.families.len()];
        for (share, family) in shares.iter().zip(&self.family_of) {
            if let Some(sum) = exact.get_mut(*family) {
                *sum -= points_per_margin * share;
            }
        }
        Ok(exact)
    }

    fn states(&self, row: &[f64]) -> Result<Vec<u16>, TreeError> {
        if row.len() != self.family_of.len() {
            return Err(TreeError::RowLength { got: row.len(), expected: self.family_of.len() });
        }
        let value = |column: &CompiledColumn| row.get(column.feature).copied().unwrap_or(f64::NAN);
        Ok(self.columns.iter().map(|column| column.state(self.intake.value(value(column)))).collect())
    }
}

fn is_points(points: &f64) -> bool {
    points.is_finite() && points.abs() <= POINTS_ABS_MAX
}

/// Whole numbers near `exact` that sum to `total`: by largest remainder, ties in order. What is exactly nothing gets
/// nothing, unless all are.
fn part(total: i32, exact: &[f64]) -> Vec<i32> {
    let mut points: Vec<i32> = exact.iter().map(|part| libm::floor(*part) as i32).collect();
    let used = exact.iter().any(|part| *part != 0.0);
    let mut order: Vec<(f64, usize)> = Vec::with_capacity(exact.len());
    order.extend(exact.iter().enumerate().map(|(at, part)| (part - libm::floor(*part), at)));
    order.retain(|(_, at)| !used || exact.get(*at).is_some_and(|part| *part != 0.0));
    sort_short(&mut order, |a, b| a.0 > b.0);
    let mut left = i64::from(total) - points.iter().map(|part| i64::from(*part)).sum::<i64>();
    // Once around is enough but for the last bits of floats, which can ask for one more.
    while left != 0 && !order.is_empty() {
        let step = left.signum();
        for turn in 0..order.len().min(left.unsigned_abs() as usize) {
            let turn = if step > 0 { turn } else { order.len() - 1 - turn };
            if let Some(points) = order.get(turn).and_then(|(_, at)| points.get_mut(*at)) {
                *points += step as i32;
                left -= step;
            }
        }
    }
    points
}

impl Path<'_> {
    /// Follows a part of a tree. The depth is limited by the check of the shape.
    fn walk(&mut self, tree: &CheckedTree, child: Child) {
        let at = match child {
            Child::Leaf(leaf) => return self.leaf(tree.leaves.get(leaf as usize).copied().unwrap_or(0.0)),
            Child::Split(at) => at as usize,
        };
        let (Some(split), Some(test)) = (tree.shape.splits.get(at), tree.tests.get(at)) else { return };
        let side = |left: bool| if left { split.left } else { split.right };
        let state = |states: &[u16]| states.get(test.column as usize).copied().unwrap_or(MISSING);
        let (row, baseline) = (goes_left(test, state(self.row)), goes_left(test, state(self.baseline)));
        if row == baseline {
            return self.walk(tree, side(row));
        }
        let Some(feature) = self.columns.get(test.column as usize).map(|column| column.feature) else { return };
        match self.taken.iter().find(|(taken, _)| *taken == feature) {
            Some((_, from_row)) => {
                let next = side(if *from_row { row } else { baseline });
                self.walk(tree, next);
            }
            None => {
                for (from_row, next) in [(true, side(row)), (false, side(baseline))] {
                    self.taken.push((feature, from_row));
                    self.walk(tree, next);
                    self.taken.pop();
                }
            }
        }
    }

    /// A leaf is reached by exactly those mixtures that take the path's features from where it says: of all orders, a share
    /// of (p − 1)! q! / (p + q)! has a feature of the row complete it, and p! (q − 1)! / (p + q)! one of the baseline lost.
    fn leaf(&mut self, value: f64) {
        let p = self.taken.iter().filter(|(_, from_row)| *from_row).count();
        let q = self.taken.len() - p;
        // p! q! / (p + q)!
        let weight = (1..=q).fold(1.0, |weight, i| weight * i as f64 / (p + i) as f64);
        for (feature, from_row) in &self.taken {
            let share = if *from_row { weight / p as f64 } else { -weight / q as f64 };
            if let Some(sum) = self.shares.get_mut(*feature) {
                *sum += value * share;
            }
        }
    }
}

/// Whether a state goes left: missing where the test says, a category by its set, a number where no more cuts lie at or
/// below it than before the test's own.
fn goes_left(test: &Test, state: u16) -> bool {
    let Some(known) = state.checked_sub(1) else { return test.missing_left };
    match &test.set {
        Some((_, set)) => set.get(usize::from(known)).copied().unwrap_or(false),
        None => u32::from(known) <= test.number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    const FEATURES: usize = 4;

    /// Small numbers from a fixed sequence (Knuth's MMIX generator), so that a failure comes again.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u32) -> u32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) as u32) % end
        }
    }

    /// Splits and leaves in the order of the file: shape, columns, tests, sides of missing, leaves.
    fn grow(numbers: &mut Numbers, depth: u32, tree: &mut (String, Vec<u32>, Vec<u32>, String, String)) {
        if depth == 0 || numbers.below(5) == 0 {
            tree.0.push('0');
            let value = f64::from(numbers.below(4000)) / 1000.0 - 2.0;
            float::leaf_hex(&mut tree.4, Float::F64(value));
            return;
        }
        tree.0.push('1');
        let column = numbers.below(FEATURES as u32);
        tree.1.push(column);
        // The last column is of categories, with two sets; the others have three cuts.
        tree.2.push(numbers.below(if column == 3 { 2 } else { 3 }));
        tree.3.push(if numbers.below(2) == 0 { '0' } else { '1' });
        grow(numbers, depth - 1, tree);
        grow(numbers, depth - 1, tree);
    }

    fn model(numbers: &mut Numbers) -> TreeModel {
        let trees: Vec<serde_json::Value> = (0..5)
            .map(|_| {
                let mut tree = Default::default();
                grow(numbers, 5, &mut tree);
                let leaf_ids: Vec<u32> = (0..tree.0.matches('0').count() as u32).collect();
                serde_json::json!({"shape": tree.0, "columns": tree.1, "tests": tree.2, "missing_left": tree.3,
                    "leaves": tree.4, "leaf_ids": leaf_ids})
            })
            .collect();
        let cuts = |feature: u32| serde_json::json!({"feature": feature, "missing": "own", "cuts": ["1", "2", "3"]});
        serde_json::from_value(serde_json::json!({
            "format": "prequal-trees/1", "label": "",
            "source": {"library": "hand", "version": "1", "objective": "", "sha256": ""},
            "inputs": "f64", "sums": "f64", "base": "0000000000000000", "link": {"kind": "logistic", "slope": "1"},
            "features": [{"name": "a", "reason": "R1"}, {"name": "b"}, {"name": "c", "reason": "R1"}, {"name": "d"}],
            "baseline": ["0.5", "2.5", null, "1"],
            "columns": [cuts(0), cuts(1), cuts(2),
                {"feature": 3, "missing": "own", "categories": {"codes": [0, 1, 2], "sets": ["1010", "0110"]}}],
            "trees": trees}))
        .unwrap()
    }

    fn row(numbers: &mut Numbers) -> [f64; FEATURES] {
        let mut value = || if numbers.below(6) == 0 { f64::NAN } else { f64::from(numbers.below(4)) };
        [value(), value(), value(), value()]
    }

    /// The definition: for each feature the weighted mean over all sets of the others of what it adds.
    fn by_definition(model: &TreeModel, row: &[f64], baseline: &[f64]) -> Vec<f64> {
        let compiled = model.check().unwrap();
        let worth = |set: usize| {
            let mixed: Vec<f64> =
                (0..FEATURES).map(|at| if set >> at & 1 == 1 { row[at] } else { baseline[at] }).collect();
            compiled.margin(&mixed, &mut compiled.scratch()).unwrap().to_f64()
        };
        let factorial = |n: u32| (1..=n).product::<u32>() as f64;
        let share = |at: usize| {
            let without = (0..1_usize << FEATURES).filter(|set| set >> at & 1 == 0);
            let parts = without.map(|set| {
                let size = set.count_ones();
                let weight = factorial(size) * factorial(FEATURES as u32 - size - 1) / factorial(FEATURES as u32);
                weight * (worth(set | 1 << at) - worth(set))
            });
            parts.sum()
        };
        (0..FEATURES).map(share).collect()
    }

    #[test]
    fn shares_are_shapley_values_by_their_definition() {
        let mut numbers = Numbers(7);
        for _ in 0..20 {
            let model = model(&mut numbers);
            let explainer = model.explainer().unwrap();
            for _ in 0..20 {
                let row = row(&mut numbers);
                let shares = explainer.shares(&row).unwrap();
                let expected = by_definition(&model, &row, explainer.baseline());
                let near = shares.iter().zip(&expected).all(|(share, expected)| (share - expected).abs() < 1e-12);
                assert!(near, "{row:?}: {shares:?} is not {expected:?}");
            }
        }
    }

    /// Points of families sum to the whole difference, to the point; reasons are families that cost points, the dearest
    /// first.
    #[test]
    fn points_sum_exactly_and_reasons_are_what_cost_some() {
        let mut numbers = Numbers(11);
        let mut told = 0;
        for _ in 0..40 {
            let model = model(&mut numbers);
            let (compiled, explainer) = (model.check().unwrap(), model.explainer().unwrap());
            let margin = |row: &[f64]| compiled.margin(row, &mut compiled.scratch()).unwrap();
            for _ in 0..20 {
                let row = row(&mut numbers);
                let both = (margin(&row), margin(explainer.baseline()));
                let explanation = explainer.explain(&row, both, 28.85).unwrap();
                assert_eq!(explanation.families.iter().map(|family| family.points).sum::<i32>(), explanation.points);
                let names: Vec<&str> = explanation.families.iter().map(|family| family.reason).collect();
                assert_eq!(names, ["R1", "b", "d"]);
                let reasons = explanation.reasons();
                assert!(reasons.iter().all(|reason| reason.points < 0));
                assert!(reasons.is_sorted_by_key(|reason| reason.points));
                told += reasons.len();
            }
        }
        assert!(told > 100, "{told}");
    }

    /// The baseline itself has nothing to explain, and a feature that no tree asks for never has a share.
    #[test]
    fn no_reason_names_what_the_model_does_not_use() {
        let mut numbers = Numbers(13);
        let mut model = model(&mut numbers);
        let explainer = model.explainer().unwrap();
        assert!(explainer.shares(explainer.baseline()).unwrap().iter().all(|share| *share == 0.0));
        for tree in &mut model.trees {
            // Column 1 gives its place to column 0, which has the same cuts.
            tree.columns.iter_mut().filter(|column| **column == 1).for_each(|column| *column = 0);
        }
        let explainer = model.explainer().unwrap();
        for _ in 0..50 {
            assert_eq!(explainer.shares(&row(&mut numbers)).unwrap()[1], 0.0);
        }
    }

    #[test]
    fn the_points_left_over_go_to_the_largest_remainders_and_ties_to_the_first() {
        assert_eq!(part(3, &[0.5, 0.5, 1.5]), [1, 1, 1], "all remainders are equal: the first two take what is left");
        assert_eq!(part(-3, &[-1.25, -1.5, -0.25]), [-1, -2, 0]);
        assert_eq!(part(1, &[0.4, 0.6]), [0, 1]);
        assert_eq!(part(0, &[0.3, -0.3]), [0, 0]);
        assert_eq!(part(4, &[0.3, 0.3]), [2, 2], "more than the parts ask for is spread all the same");
        assert_eq!(part(5, &[]), Vec::<i32>::new());
    }

    #[test]
    fn a_model_that_cannot_explain_says_why() {
        let mut numbers = Numbers(17);
        let mut model = model(&mut numbers);
        model.baseline = Some(vec![None; 3]);
        assert!(model.check().unwrap_err().to_string().contains("`baseline` has 3 values, and there are 4 features"));
        model.baseline = Some(vec![Some("much".into()); 4]);
        assert!(model.check().unwrap_err().to_string().contains("`baseline` holds `much`"));
        model.baseline = None;
        assert!(model.check().is_ok());
        assert!(model.explainer().unwrap_err().to_string().contains("has no `baseline`"));
    }
}
