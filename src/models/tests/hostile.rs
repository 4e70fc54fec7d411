//! Damaged and hostile files: refused with a clear error, in bounded time, never with a panic.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use prequal_models::{Kind, Scorer, detect, read};

/// One reading of any file here takes milliseconds; this is what a slow machine may need, and no loop without end.
const LONGEST: Duration = Duration::from_secs(20);

fn models() -> Vec<(String, Vec<u8>, Kind)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/score");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut models = Vec::new();
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_model = [".json", ".ubj", ".txt", ".onnx"].iter().any(|end| name.ends_with(end));
        if !is_model || name.ends_with(".expected.json") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let kind = detect(&bytes).unwrap();
        // Our own file, made of each.
        let ours = read(&bytes, kind).unwrap().model.to_file().unwrap().into_bytes();
        assert_eq!(detect(&ours), Some(Kind::Prequal), "{name} as ours");
        models.push((format!("{name} as ours"), ours, Kind::Prequal));
        models.push((name, bytes, kind));
    }
    assert!(models.len() >= 20, "{} models", models.len());
    models
}

/// Reads a file that may be anything; what is accepted must also score.
fn try_read(name: &str, bytes: &[u8], kind: Kind) -> Result<(), String> {
    let start = Instant::now();
    let result = read(bytes, kind).map_err(|error| error.to_string()).and_then(|imported| {
        let mut scorer = Scorer::new(&imported.model).map_err(|error| error.to_string())?;
        let row = vec![0.5; scorer.trees().names().len()];
        scorer.score(&row).map(|_| ()).map_err(|error| error.to_string())
    });
    assert!(start.elapsed() < LONGEST, "{name} took {:?}", start.elapsed());
    if let Err(why) = &result {
        assert!(why.starts_with(char::is_lowercase) || why.starts_with('`'), "{name}: {why}");
        assert!(why.len() < 400 && !why.contains("::") && !why.contains('\n'), "{name}: {why}");
    }
    result
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    for (name, bytes, kind) in models() {
        for percent in 0..100 {
            let cut = &bytes[..bytes.len() * percent / 100];
            assert!(try_read(&name, cut, kind).is_err(), "{name}: {percent} % of it was accepted");
        }
    }
}

/// A changed digit is another model, so some of these are read; none may panic, hang, or be misunderstood as text.
#[test]
fn a_file_with_changed_bytes_is_refused_or_scores() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut refused, mut read) = (0, 0);
    for (name, bytes, kind) in models() {
        for round in 0..60 {
            let mut changed = bytes.clone();
            for _ in 0..=round % 4 {
                let at = random(changed.len());
                match random(5) {
                    0 => changed[at] = random(256) as u8,
                    1 => changed[at] ^= 1 << random(8),
                    2 => drop(changed.remove(at)),
                    3 => changed.insert(at, b"0919-{}[],\"\n = e"[random(16)]),
                    _ => {
                        let end = (at + random(200)).min(changed.len());
                        changed.drain(at..end);
                    }
                }
            }
            match try_read(&name, &changed, kind) {
                Ok(()) if kind == Kind::Prequal => panic!("{name}: a changed file has the hash that it states"),
                Ok(()) => read += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 500 && read > 5, "{refused} refused, {read} read");
}

#[test]
fn every_kind_of_file_is_refused_as_every_other_kind() {
    for (name, bytes, kind) in models() {
        for other in [Kind::Prequal, Kind::Xgboost, Kind::Lightgbm, Kind::Catboost, Kind::Onnx] {
            assert_eq!(try_read(&name, &bytes, other).is_ok(), other == kind, "{name} as {other:?}");
        }
    }
    for bytes in [&b""[..], b"tree", b"{", b"[]", b"\0\0", b"<html>", b"{\"a\":1}"] {
        assert_eq!(detect(bytes), None, "{bytes:?}");
    }
}

/// Replaces the first occurrence, which must be there, and gives the refusal.
fn refusal(text: &str, from: &str, to: &str, kind: Kind) -> String {
    assert!(text.contains(from), "`{from}` is not in the file");
    try_read(from, text.replacen(from, to, 1).as_bytes(), kind).expect_err(from)
}

#[test]
fn what_onnx_could_say_and_we_do_not_understand_is_refused_by_name() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/score/onnx_regressor.onnx");
    let bytes = std::fs::read(path).unwrap();
    // Same lengths, so that the file around stays whole.
    for (from, to, why) in [
        ("TreeEnsembleRegressor", "TreeEnsembleRegresser", "the operator `TreeEnsembleRegresser`"),
        ("BRANCH_LEQ", "BRANCH_NEQ", "the mode `BRANCH_NEQ`"),
        ("nodes_nodeids", "nodes_nodeidz", "its lists of nodes"),
        ("target_weights", "target_weightz", "its lists of leaves"),
        ("n_targets", "n_targetz", "the attribute `n_targetz`"),
    ] {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
        let at = at.expect("it is in the file");
        let mut changed = bytes.clone();
        changed[at..at + to.len()].copy_from_slice(to.as_bytes());
        let error = try_read(from, &changed, Kind::Onnx).expect_err(from);
        assert!(error.contains(why), "{from} → {to}: {error}");
    }
}

fn vector(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/score").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn what_xgboost_could_say_and_we_do_not_understand_is_refused_by_name() {
    let text = vector("xgboost_taiwan_small.json");
    for (from, to, why) in [
        ("\"name\":\"binary:logistic\"", "\"name\":\"multi:softprob\"", "the objective `multi:softprob`"),
        ("\"num_class\":\"0\"", "\"num_class\":\"3\"", "`num_class` is 3"),
        ("\"num_target\":\"1\"", "\"num_target\":\"2\"", "`num_target` is 2"),
        ("\"name\":\"gbtree\"", "\"name\":\"gblinear\"", "the booster `gblinear`"),
        ("\"left_children\":[1,3", "\"left_children\":[1,0", "node 0 is reached twice"),
        ("\"left_children\":[1,3", "\"left_children\":[1,1", "node 1 is reached twice"),
        ("\"left_children\":[1,3", "\"left_children\":[1,99", "its left child 99 is out of range"),
        ("\"left_children\":[1,3", "\"left_children\":[1,-7", "its left child -7 is out of range"),
        ("\"split_conditions\":[2E0", "\"split_conditions\":[NaN", "its threshold is `NaN`"),
        ("\"split_conditions\":[2E0", "\"split_conditions\":[-1E99", "its threshold is `-inf`"),
        ("\"split_conditions\":[2E0", "\"split_conditions\":[\"2\"", "`split_conditions` is a string"),
        ("\"split_indices\":[5", "\"split_indices\":[23", "asks for feature 23"),
        ("\"split_type\":[0", "\"split_type\":[7", "`split_type` 7"),
        ("\"split_type\":[0", "\"split_type\":[1", "asks for categories and has no set"),
        ("\"default_left\":[0", "\"default_left\":[2", "`default_left` is 2"),
        ("\"tree_info\":[0", "\"tree_info\":[1", "`tree_info` names several outputs"),
        ("\"num_trees\":\"10\"", "\"num_trees\":\"11\"", "`num_trees` is 11, and there are 10"),
        ("\"sum_hessian\":[", "\"hidden\":1,\"sum_hessian\":[", "a member `hidden`, which is not understood"),
        ("{\"learner\":{", "{\"learner\":{\"hidden\":1,", "a member `hidden`, which is not understood"),
        ("\"feature_names\":[\"LIMIT_BAL\",", "\"feature_names\":[", "22 feature names are given for 23"),
        ("\"feature_names\":[\"LIMIT_BAL\",\"SEX\"", "\"feature_names\":[\"SEX\",\"SEX\"", "`SEX` is there twice"),
    ] {
        let error = refusal(&text, from, to, Kind::Xgboost);
        assert!(error.contains(why), "{from} → {to}: {error}");
    }
}

#[test]
fn what_lightgbm_could_say_and_we_do_not_understand_is_refused_by_name() {
    // Sizes are checked too; without them a change of length shows its own error.
    let text = vector("lightgbm_taiwan_no_missing_in_training.txt");
    let sizes = text.lines().find(|line| line.starts_with("tree_sizes=")).unwrap();
    assert!(refusal(&text, "shrinkage=1\n", "shrinkage=0.10\n", Kind::Lightgbm).contains("`tree_sizes`"));
    let text = text.replacen(sizes, "", 1);
    for (from, to, why) in [
        ("objective=binary sigmoid:1", "objective=lambdarank", "the objective `lambdarank`"),
        ("objective=binary sigmoid:1", "objective=binary sigmoid:-1", "only `sigmoid` may follow"),
        ("num_class=1", "num_class=3", "`num_class` is `3`"),
        ("version=v4", "version=v9", "version `v9`"),
        ("label_index=0", "hidden=0", "`hidden`, which is not understood"),
        ("num_cat=0", "num_cat=1", "`cat_boundaries`"),
        ("num_cat=0", "num_cat=18446744073709551615", "`cat_boundaries`"),
        ("num_leaves=15", "num_leaves=1000000000000", "leaves of a tree: 1000000000000"),
        ("num_leaves=15", "num_leaves=16", "has 14 entries, and 15 are wanted"),
        ("left_child=1 2", "left_child=0 2", "node 0 is reached twice"),
        ("left_child=1 2", "left_child=99 2", "its left child 99 is out of range"),
        ("left_child=1 2", "left_child=-99 2", "its left child -99 is out of range"),
        ("threshold=1.5000000000000002", "threshold=nan", "its threshold is `NaN`"),
        ("split_feature=5", "split_feature=23", "asks for feature 23"),
        ("decision_type=2", "decision_type=12", "`decision_type` 12"),
        ("decision_type=2", "decision_type=1", "its set of categories"),
        ("leaf_value=-1.2335594641635832", "leaf_value=inf", "the leaf 0 is `inf`"),
        ("is_linear=0", "is_linear=2", "`is_linear` is `2`"),
        ("is_linear=0", "is_linear=1", "`leaf_const` has 0 entries"),
        ("shrinkage=1", "hidden=1", "`hidden`, which is not understood"),
        ("Tree=1\n", "Tree=2\n", "`Tree=2` stands where tree 1 should"),
        ("end of trees", "end of", "`end of`"),
    ] {
        let error = refusal(&text, from, to, Kind::Lightgbm);
        assert!(error.contains(why), "{from} → {to}: {error}");
    }
}

#[test]
fn what_catboost_could_say_and_we_do_not_understand_is_refused_by_name() {
    let text = vector("catboost_classes.json");
    let text: String = text.split_whitespace().collect();
    for (from, to, why) in [
        ("\"oblivious_trees\"", "\"trees\"", "its trees are not symmetric"),
        ("\"type\":\"Logloss\"},\"metadata", "\"type\":\"MultiClass\"},\"metadata", "the loss function `MultiClass`"),
        ("\"FloatFeature\"", "\"OnlineCtr\"", "a split of type `OnlineCtr`"),
        ("\"float_features\"", "\"categorical_features\":[],\"float_features\"", "`categorical_features`"),
        ("\"AsFalse\"", "\"AsYouLike\"", "the treatment `AsYouLike`"),
        ("\"float_feature_index\":0", "\"float_feature_index\":9", "it asks for feature 9"),
        ("\"leaf_values\":[", "\"leaf_values\":[0,", "17 leaf values, and 16 leaves"),
        ("\"features_info\"", "\"ctr_data\":{},\"features_info\"", "`ctr_data`"),
        ("\"features_info\"", "\"hidden\":{},\"features_info\"", "a member `hidden`"),
    ] {
        let error = refusal(&text, from, to, Kind::Catboost);
        assert!(error.contains(why), "{from} → {to}: {error}");
    }
}
