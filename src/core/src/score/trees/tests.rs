//! What a model file means, and everything that it may not say.

use super::*;

/// One tree on an income (below 1000 or not) and a region (3 and everything unlisted go right), by hand.
fn model() -> TreeModel {
    let text = r#"{"format":"prequal-trees/1","label":"","average":false,
        "source":{"library":"hand","version":"1","objective":"","sha256":""},
        "inputs":"f64","sums":"f64","base":"3fe0000000000000","link":{"kind":"logistic","slope":"1"},
        "features":[{"name":"income"},{"name":"region"}],
        "columns":[{"feature":0,"missing":"own","cuts":["1000","2500.5"]},
                   {"feature":1,"missing":"own","categories":{"codes":[0,3],"sets":["100"]}}],
        "trees":[{"shape":"11000","columns":[0,1],"tests":[0,0],"missing_left":"10",
                  "leaves":"3ff000000000000040000000000000004008000000000000","leaf_ids":[3,4,2]}]}"#;
    let mut model: TreeModel = serde_json::from_str(text).unwrap();
    model.hash = model.content_hash().unwrap();
    model
}

fn margin(model: &TreeModel, row: [f64; 2]) -> f64 {
    let trees = model.check().unwrap();
    trees.margin(&row, &mut trees.scratch()).unwrap().to_f64()
}

/// Leaves are 1, 2 and 3, the base is 0.5.
#[test]
fn a_row_is_led_by_cuts_sets_and_the_sides_of_missing() {
    let model = model();
    assert_eq!(margin(&model, [999.0, 0.0]), 1.5);
    assert_eq!(margin(&model, [1000.0, 0.0]), 3.5, "the cut itself is not below the cut");
    assert_eq!(margin(&model, [1000.0_f64.next_down(), 3.0]), 2.5);
    assert_eq!(margin(&model, [f64::NAN, 0.9]), 1.5, "missing goes left, a code is cut to its integer part");
    assert_eq!(margin(&model, [0.0, -0.5]), 2.5, "a negative code is unlisted");
    assert_eq!(margin(&model, [0.0, f64::NAN]), 2.5, "missing goes right");
    assert_eq!(margin(&model, [f64::NEG_INFINITY, f64::INFINITY]), 2.5);
    let trees = model.check().unwrap();
    let mut leaves = [0];
    trees.leaves(&[5000.0, 0.0], &mut trees.scratch(), &mut leaves).unwrap();
    assert_eq!(leaves, [2], "the library's own number of the leaf");
}

#[test]
fn the_test_past_the_last_cut_sends_every_value_left_and_missing_to_its_side() {
    let mut model = model();
    model.trees[0].tests[0] = 2;
    model.trees[0].missing_left = "00".to_owned();
    assert_eq!(margin(&model, [f64::INFINITY, 0.0]), 1.5);
    assert_eq!(margin(&model, [f64::NAN, 0.0]), 3.5);
}

#[test]
fn the_rule_for_missing_says_what_zero_and_missing_are() {
    let mut model = model();
    model.columns[0].missing = MissingRule::Zero;
    model.trees[0].missing_left = "00".to_owned();
    assert_eq!(margin(&model, [f64::NAN, 0.0]), 1.5, "missing is zero, and zero is below 1000");
    assert_eq!(model.check().unwrap().missing_is_zero(), ["income"]);
    model.columns[0].missing = MissingRule::OwnWithZero;
    assert_eq!(margin(&model, [f64::NAN, 0.0]), 3.5);
    assert_eq!(margin(&model, [-0.0, 0.0]), 3.5, "zero is missing, whatever its sign");
    assert_eq!(margin(&model, [1e-40, 0.0]), 1.5);
    model.tiny_is_zero = true;
    assert_eq!(margin(&model, [1e-40, 0.0]), 3.5, "a tiny value is zero, and zero is missing");
}

/// exp is correctly rounded at these points: 1/(1 + e^-0.5) = 0.6224593312018546, and 1/(1 + e^-1.5/3) likewise.
#[test]
fn the_link_gives_the_probability() {
    let mut model = model();
    let trees = model.check().unwrap();
    let close = |got: Option<Float>, expected: f64| (got.unwrap().to_f64() - expected).abs() < 1e-15;
    assert!(close(trees.probability(Float::F64(0.5)), 0.622_459_331_201_854_6));
    model.trees = std::iter::repeat_n(model.trees[0].clone(), 3).collect();
    model.average = true;
    assert!(close(model.check().unwrap().probability(Float::F64(1.5)), 0.622_459_331_201_854_6));
    model.average = false;
    model.link.kind = LinkKind::LogisticOfMagnitude;
    assert!(close(model.check().unwrap().probability(Float::F64(-0.5)), 1.0 - 0.622_459_331_201_854_6));
    model.link = Link { kind: LinkKind::None, slope: None };
    assert_eq!(model.check().unwrap().probability(Float::F64(0.5)), None);
}

#[test]
fn scale_and_bias_come_after_the_sum() {
    let mut model = model();
    let (two, minus_one) = ("4000000000000000", "bff0000000000000");
    model.scale_and_bias = Some([two.to_owned(), minus_one.to_owned()]);
    assert_eq!(margin(&model, [0.0, 0.0]), (0.5 + 1.0) * 2.0 - 1.0);
}

#[test]
fn a_cut_at_infinity_parts_it_from_all_other_values() {
    let mut model = model();
    model.columns[0].cuts = Some(vec!["1000".to_owned(), "inf".to_owned()]);
    model.trees[0].tests[0] = 1;
    assert_eq!(margin(&model, [f64::MAX, 0.0]), 1.5);
    assert_eq!(margin(&model, [f64::INFINITY, 0.0]), 3.5);
}

#[test]
fn linear_leaves_fall_back_to_their_plain_value_where_a_value_is_missing() {
    let mut model = model();
    let one_two_three = "3ff000000000000040000000000000004008000000000000";
    model.trees[0].linear = Some(LinearLeaves {
        constants: one_two_three.to_owned(),
        counts: vec![0, 1, 2],
        features: vec![0, 1, 0],
        coefficients: one_two_three.to_owned(),
    });
    assert_eq!(margin(&model, [10.0, 0.0]), 0.5 + 1.0);
    assert_eq!(margin(&model, [10.0, 3.0]), 0.5 + 2.0 + 10.0);
    assert_eq!(margin(&model, [2000.0, 3.0]), 0.5 + 3.0 + 2.0 * 3.0 + 3.0 * 2000.0);
    assert_eq!(margin(&model, [2000.0, f64::NAN]), 0.5 + 3.0);
}

#[test]
fn a_file_is_canonical_and_states_its_hash() {
    let model = model();
    let text = model.to_file().unwrap();
    assert_eq!(TreeModel::parse(&text).unwrap(), model);
    assert_eq!(text, crate::canonical::to_string(&model).unwrap());
    let changed = text.replace("\"1000\"", "\"1001\"");
    assert_eq!(TreeModel::parse(&changed).unwrap_err().code(), "model_hash");
    let spaced = text.replacen("\"hash\"", " \"hash\"", 1);
    assert!(TreeModel::parse(&spaced).unwrap_err().to_string().contains("not in canonical form"));
    assert_eq!(TreeModel::parse(&format!("{text}\n")).unwrap(), model);
    let unknown = text.replacen('{', "{\"author\":\"x\",", 1);
    let error = TreeModel::parse(&unknown).unwrap_err();
    assert!(error.to_string().contains("unknown field `author`"), "{error}");
    assert_eq!(TreeModel::parse(&text.replace("trees/1", "trees/9")).unwrap_err().code(), "model_format");
    assert_eq!(TreeModel::parse(&text[..text.len() / 2]).unwrap_err().code(), "model_syntax");
}

#[test]
fn a_row_of_another_length_is_refused() {
    let trees = model().check().unwrap();
    let mut scratch = trees.scratch();
    assert_eq!(trees.margin(&[1.0], &mut scratch), Err(TreeError::RowLength { got: 1, expected: 2 }));
    assert_eq!(trees.leaves(&[1.0, 2.0], &mut scratch, &mut []), Err(TreeError::RowLength { got: 0, expected: 1 }));
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    type Change = fn(&mut TreeModel);
    let cases: &[(Change, &str)] = &[
        (|m| m.format = "x".into(), "format `x`"),
        (|m| m.base = "7ff0000000000000".into(), "`base`"),
        (|m| m.base = "00000000".into(), "`base`"),
        (|m| m.link.slope = None, "lacks its `slope`"),
        (|m| m.link.slope = Some("-1".into()), "slope `-1`"),
        (|m| m.link.kind = LinkKind::None, "has a `slope`"),
        (|m| m.features[1].name = "income".into(), "`income` is there twice"),
        (|m| m.features[1].name = String::new(), "has no name"),
        (|m| m.features[1].name = "x".repeat(201), "the limit is 200"),
        (|m| m.columns[0].feature = 2, "feature 2, which is not there"),
        (|m| m.columns[0].cuts = None, "not one of `cuts` and `categories`"),
        (|m| m.columns[0].cuts = Some(vec!["1000".into(), "1000".into()]), "not above the one before"),
        (|m| m.columns[0].cuts = Some(vec!["NaN".into()]), "threshold `NaN`"),
        (|m| m.columns[0].cuts = Some(vec!["-inf".into()]), "threshold `-inf`"),
        (|m| m.scale_and_bias = Some(["3ff0000000000000".into(), "7ff0000000000000".into()]), "`scale_and_bias`"),
        (|m| m.columns[0].cuts = Some(vec!["1e999".into()]), "threshold `1e999`"),
        (|m| m.columns[0].cuts = Some(vec!["-0".into(), "0".into()]), "not above the one before"),
        (|m| m.columns[1].missing = MissingRule::Zero, "state of their own"),
        (|m| m.columns[1].categories.as_mut().unwrap().codes = vec![3, 0], "not ascending"),
        (|m| m.columns[1].categories.as_mut().unwrap().sets[0] = "10".into(), "a set has not one"),
        (|m| m.trees.clear(), "no trees"),
        (|m| m.trees[0].shape = "1100".into(), "tree 0: a tree's `shape` ends"),
        (|m| m.trees[0].shape = "1111".into(), "tree 0: a tree's `shape` ends"),
        (|m| m.trees[0].columns.push(0), "one entry for each of 2 splits"),
        (|m| m.trees[0].columns[0] = 9, "column 9, which is not there"),
        (|m| m.trees[0].tests[0] = 3, "test 3 of column 0"),
        (|m| m.trees[0].tests[1] = 1, "test 1 of column 1"),
        (|m| m.trees[0].missing_left = "1x".into(), "`missing_left`"),
        (|m| m.trees[0].leaves.truncate(32), "one entry for each of 3 leaves"),
        (|m| m.trees[0].leaves.replace_range(..16, "7ff8000000000000"), "finite floats"),
        (|m| m.trees[0].leaves.replace_range(..1, "F"), "finite floats"),
        (|m| m.trees[0].leaf_ids.clear(), "one entry for each of 3 leaves"),
    ];
    for (change, why) in cases {
        let mut changed = model();
        change(&mut changed);
        let error = changed.check().unwrap_err();
        assert!(error.to_string().contains(why), "`{error}` should say `{why}`");
    }
}

/// Every limit refuses before anything of that size is built.
#[test]
fn what_is_too_large_is_refused_by_its_limit() {
    let mut many = model();
    many.trees = vec![many.trees[0].clone(); TREES_MAX + 1];
    assert!(many.check().unwrap_err().to_string().contains("trees: 10001, and the limit is 10000"));
    let mut deep = model();
    deep.trees[0].shape = "1".repeat(600);
    assert!(deep.check().unwrap_err().to_string().contains("depth of a tree: 513, and the limit is 512"));
    let mut wide = model();
    wide.features = (0..=FEATURES_MAX).map(|n| TreeFeature { name: n.to_string(), ..TreeFeature::default() }).collect();
    assert!(wide.check().unwrap_err().to_string().contains("features: 4097, and the limit is 4096"));
}
