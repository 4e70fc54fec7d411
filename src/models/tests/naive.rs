//! Any tree on any row: the compact model's integers must lead where comparing floats leads.
//!
//! The walk here is written from the libraries' rules and shares nothing with the evaluator.

use proptest::{prelude::*, test_runner::Config};

use prequal_core::score::trees::{Float, LinkKind, MASK_TABLE_BYTES_MAX, Width};
use prequal_models::{
    compact,
    ensemble::{Ensemble, Leaf, Linear, Missing, Node, Split, Test, Tree},
};

const FEATURES: usize = 4;

/// Thresholds come from few values, so that they meet the rows, and each other.
const POINTS: [f64; 12] =
    [0.0, -0.0, 1.0, -1.0, 1.5, 3e38, -3e38, 1.401_298_464_324_817e-45, 1e-35, 1.175_494_350_822_287_5e-38, 2.0, 1e-30];

/// A value at a point, one unit in the last place (of either width) beside it, missing, or anything at all.
fn value() -> impl Strategy<Value = f64> {
    let point = prop::sample::select(&POINTS[..]);
    prop_oneof![
        4 => point.clone(),
        2 => point.clone().prop_map(f64::next_up),
        2 => point.clone().prop_map(f64::next_down),
        1 => point.clone().prop_map(|x| f64::from((x as f32).next_up())),
        1 => point.prop_map(|x| f64::from((x as f32).next_down())),
        2 => Just(f64::NAN),
        1 => any::<f64>(),
        1 => (0..40_u32).prop_map(f64::from),
        1 => prop::sample::select(&[f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.5, 1e300, 4e9][..]),
    ]
}

fn missing() -> impl Strategy<Value = Missing> {
    use Missing::{Left, LeftWithZero, Right, RightWithZero, Zero};
    prop::sample::select(&[Left, Right, LeftWithZero, RightWithZero, Zero][..])
}

/// What a split asks, before it is known where it stands.
#[derive(Clone, Debug)]
struct Question {
    feature: usize,
    test: Test,
    missing: Missing,
    /// Which leaf it is put in place of.
    place: usize,
}

fn question(inputs: Width) -> impl Strategy<Value = Question> {
    let always = missing().prop_map(|missing| (Test::Any, missing));
    let below = (prop_oneof![prop::sample::select(&POINTS[..]), -50.0..50.0_f64, Just(f64::MAX)], missing()).prop_map(
        move |(t, m)| {
            let threshold = if inputs == Width::F32 { f64::from(t as f32) } else { t.next_up() };
            (Test::Below(threshold), m)
        },
    );
    let categories = (prop::collection::btree_set(0..40_u32, 1..9), any::<bool>(), any::<bool>()).prop_map(
        |(codes, listed_go_left, left)| {
            let codes = codes.into_iter().collect();
            let side = if left { Missing::Left } else { Missing::Right };
            (Test::Categories { codes, listed_go_left }, side)
        },
    );
    (0..FEATURES, prop_oneof![8 => below, 2 => categories, 1 => always], any::<prop::sample::Index>())
        .prop_map(|(feature, (test, missing), place)| Question { feature, test, missing, place: place.index(1 << 16) })
}

fn tree(inputs: Width, splits: std::ops::Range<usize>) -> impl Strategy<Value = Tree> {
    (prop::collection::vec(question(inputs), splits), prop::collection::vec(-1.0..1.0_f32, 200)).prop_map(
        move |(questions, values)| {
            let mut nodes = vec![leaf(0, &values)];
            for question in questions {
                let leaves: Vec<usize> = (0..nodes.len()).filter(|at| matches!(nodes[*at], Node::Leaf(_))).collect();
                let place = leaves[question.place % leaves.len()];
                let (left, right) = (nodes.len(), nodes.len() + 1);
                nodes.push(leaf(left, &values));
                nodes.push(leaf(right, &values));
                let Question { feature, test, missing, .. } = question;
                nodes[place] = Node::Split(Split { feature, test, missing, left, right });
            }
            Tree { nodes, unused: 0 }
        },
    )
}

fn leaf(at: usize, values: &[f32]) -> Node {
    Node::Leaf(Leaf { id: at as u32, value: f64::from(values[at % values.len()]), linear: None })
}

fn ensemble(trees: std::ops::Range<usize>, splits: std::ops::Range<usize>) -> impl Strategy<Value = Ensemble> {
    let width = prop::sample::select(&[Width::F32, Width::F64][..]);
    (width.clone(), width, any::<bool>(), any::<bool>()).prop_flat_map(move |(inputs, sums, tiny, minus)| {
        prop::collection::vec(tree(inputs, splits.clone()), trees.clone()).prop_map(move |trees| Ensemble {
            library: "generated",
            version: "1".into(),
            objective: String::new(),
            inputs,
            sums,
            tiny_is_zero: tiny,
            minus_fraction_is_zero: minus,
            base: if sums == Width::F32 { Float::F32(0.1) } else { Float::F64(0.1) },
            scale_and_bias: None,
            average: false,
            link: (LinkKind::None, 1.0),
            features: (0..FEATURES).map(|n| format!("f{n}")).collect(),
            trees,
        })
    })
}

/// The leaf that a row reaches, by comparing floats from the root on.
fn naive_leaf<'a>(model: &Ensemble, tree: &'a Tree, row: &[f64]) -> &'a Leaf {
    let mut at = 0;
    loop {
        let split = match &tree.nodes[at] {
            Node::Leaf(leaf) => return leaf,
            Node::Split(split) => split,
        };
        let mut x = row[split.feature];
        if model.inputs == Width::F32 {
            x = f64::from(x as f32);
        }
        if model.tiny_is_zero && x.abs() <= f64::from(1e-35_f32) {
            x = 0.0;
        }
        if split.missing == Missing::Zero && x.is_nan() {
            x = 0.0;
        }
        let zero_is_missing = matches!(split.missing, Missing::LeftWithZero | Missing::RightWithZero);
        let left = if x.is_nan() || (zero_is_missing && x == 0.0) {
            matches!(split.missing, Missing::Left | Missing::LeftWithZero)
        } else {
            match &split.test {
                Test::Below(threshold) => x < *threshold,
                Test::Any => true,
                Test::Categories { codes, listed_go_left } => {
                    let is_code = if model.minus_fraction_is_zero { x > -1.0 } else { x >= 0.0 };
                    let listed = is_code && codes.iter().any(|code| f64::from(*code) == x.trunc());
                    listed == *listed_go_left
                }
            }
        };
        at = if left { split.left } else { split.right };
    }
}

fn naive(model: &Ensemble, row: &[f64]) -> (Float, Vec<u32>) {
    let mut sum = model.base;
    let mut leaves = Vec::new();
    for tree in &model.trees {
        let leaf = naive_leaf(model, tree, row);
        sum = match sum {
            Float::F32(sum) => Float::F32(sum + leaf.value as f32),
            Float::F64(sum) => {
                let formula = leaf.linear.as_ref().filter(|l| l.terms.iter().all(|(f, _)| !row[*f].is_nan()));
                let value = formula.map_or(leaf.value, |l| {
                    l.terms.iter().fold(l.constant, |sum, (feature, coefficient)| sum + coefficient * row[*feature])
                });
                Float::F64(sum + value)
            }
        };
        leaves.push(leaf.id);
    }
    (sum, leaves)
}

fn agree(model: &Ensemble, rows: &[[f64; FEATURES]]) {
    let trees = compact(model, b"").unwrap().check().unwrap();
    let mut scratch = trees.scratch();
    let mut leaves = vec![0; trees.trees()];
    for row in rows {
        let (margin, ids) = naive(model, row);
        assert_eq!(trees.margin(row, &mut scratch).unwrap().bits_hex(), margin.bits_hex(), "{row:?}");
        trees.leaves(row, &mut scratch, &mut leaves).unwrap();
        assert_eq!(leaves, ids, "{row:?}");
    }
}

fn row() -> impl Strategy<Value = [f64; FEATURES]> {
    [value(), value(), value(), value()]
}

/// Values that coefficients can multiply without end, one of them perhaps missing.
fn plain_row() -> impl Strategy<Value = [f64; FEATURES]> {
    let last = prop_oneof![3 => -9.0..9.0_f64, 1 => Just(f64::NAN)];
    (-9.0..9.0_f64, -9.0..9.0_f64, -9.0..9.0_f64, last).prop_map(|(a, b, c, d)| [a, b, c, d])
}

proptest! {
    #![proptest_config(Config::with_cases(256))]

    /// Up to 16, 32 and 64 leaves: the three widths of the table of masks.
    #[test]
    fn small_trees_lead_where_floats_lead(
        model in prop_oneof![ensemble(1..12, 0..16), ensemble(1..6, 10..32), ensemble(1..4, 30..64)],
        rows in prop::collection::vec(row(), 40),
    ) {
        agree(&model, &rows);
    }

    /// More than 64 leaves: the walk.
    #[test]
    fn large_trees_lead_where_floats_lead(
        model in ensemble(1..4, 64..120),
        rows in prop::collection::vec(row(), 40),
    ) {
        agree(&model, &rows);
    }

    /// A tree of many leaves that are all zero makes the model walk and changes no sum.
    #[test]
    fn the_walk_and_the_masks_lead_to_the_same_leaves(
        model in ensemble(1..12, 0..16),
        rows in prop::collection::vec(row(), 20),
    ) {
        let zero = |id| Node::Leaf(Leaf { id, value: 0.0, linear: None });
        // Node 0 splits to 1, a leaf, and 2, the next split, and so on.
        let mut nodes = Vec::new();
        for at in (0..140).step_by(2) {
            let (test, missing) = (Test::Below(0.0), Missing::Left);
            nodes.push(Node::Split(Split { feature: 0, test, missing, left: at + 1, right: at + 2 }));
            nodes.push(zero(0));
        }
        nodes.push(zero(1));
        let mut walked = model.clone();
        walked.trees.push(Tree { nodes, unused: 0 });
        agree(&walked, &rows);
        let (masks, walk) = (compact(&model, b"").unwrap().check().unwrap(), compact(&walked, b"").unwrap().check().unwrap());
        let (mut of_masks, mut of_walk) = (masks.scratch(), walk.scratch());
        for row in &rows {
            let (a, b) = (masks.margin(row, &mut of_masks).unwrap(), walk.margin(row, &mut of_walk).unwrap());
            prop_assert_eq!(a.bits_hex(), b.bits_hex());
        }
    }

    #[test]
    fn linear_leaves_add_up_in_the_order_of_their_terms(
        model in ensemble(1..4, 0..12).prop_filter("linear leaves are double", |m| (m.inputs, m.sums) == (Width::F64, Width::F64)),
        terms in prop::collection::vec((0..FEATURES, -2.0..2.0_f64), 40),
        rows in prop::collection::vec(plain_row(), 20),
    ) {
        let mut model = Ensemble { tiny_is_zero: false, ..model };
        for tree in &mut model.trees {
            for (at, node) in tree.nodes.iter_mut().enumerate() {
                if let Node::Leaf(leaf) = node {
                    let terms = terms.iter().skip(at).take(at % 4).copied().collect();
                    leaf.linear = Some(Linear { constant: leaf.value / 3.0, terms });
                }
            }
        }
        agree(&model, &rows);
    }
}

/// Many trees and thresholds exceed the table's limit, and are walked.
#[test]
fn a_model_past_the_limit_of_the_table_is_walked_and_agrees() {
    let stump = |n: u32| Tree {
        nodes: vec![
            Node::Split(Split {
                feature: 0,
                test: Test::Below(f64::from(n)),
                missing: Missing::Left,
                left: 1,
                right: 2,
            }),
            Node::Leaf(Leaf { id: 1, value: 1.0, linear: None }),
            Node::Leaf(Leaf { id: 2, value: -0.5, linear: None }),
        ],
        unused: 0,
    };
    let count: u32 = 2000;
    assert!(count as usize * count as usize * 2 > MASK_TABLE_BYTES_MAX);
    let model = Ensemble {
        library: "generated",
        version: "1".into(),
        objective: String::new(),
        inputs: Width::F64,
        sums: Width::F64,
        tiny_is_zero: false,
        minus_fraction_is_zero: false,
        base: Float::F64(0.0),
        scale_and_bias: None,
        average: false,
        link: (LinkKind::None, 1.0),
        features: (0..FEATURES).map(|n| format!("f{n}")).collect(),
        trees: (0..count).map(stump).collect(),
    };
    agree(&model, &[[-1.0, 0.0, 0.0, 0.0], [777.0, 0.0, 0.0, 0.0], [1e9, 0.0, 0.0, 0.0], [f64::NAN, 0.0, 0.0, 0.0]]);
}
