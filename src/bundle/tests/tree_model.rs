//! What the compiler of sources makes of boosted trees: their scale, their baseline, what they read as zero; and which
//! file and line it names where something is wrong.

mod common;

use std::{fs, path::Path};

use common::with;
use prequal_bundle::sources::{self, Built, Problems};
use prequal_core::{
    bundle::Bundle,
    canonical,
    score::{
        PointsModel, Value,
        trees::{MODEL_BYTES_MAX, TreeModel},
    },
};
use serde_json::{Value as Json, json};

/// What the trees ask for, put into the fixture's schema.
const FEATURES: &str = r#"
[[feature]]
id = "income"
type = "integer"
from = { evidence = "income" }
reason = "R10"
uses = ["score"]

[[feature]]
id = "home"
type = "category"
categories = ["own", "rent"]
from = { evidence = "home" }
reason = "R10"
uses = ["score"]

[[feature]]
id = "salaried"
type = "boolean"
from = { evidence = "salaried" }
reason = "R30"
uses = ["score"]

[[feature]]
id = "band"
"#;
const SCALING: &str = r#"scaling = { points_to_double_odds = "20", base_score = 600, base_odds = "1" }"#;
const BASELINE: &str = r#"baseline = { income = "3000", home = "own", salaried = "yes" }"#;

/// Three stumps, which add one doubling of the odds of bad each: income below 1000, a rented home, no salary.
fn trees(missing: &str) -> Json {
    let doubling = std::f64::consts::LN_2.to_bits();
    let cut = |feature: u32, cut: &str| json!({"feature": feature, "missing": missing, "cuts": [cut]});
    let stump = |column: u32| {
        json!({"shape": "100", "columns": [column], "tests": [0], "missing_left": "1",
            "leaves": format!("{doubling:016x}{:016x}", 0), "leaf_ids": [0, 1]})
    };
    let model = json!({
        "format": "prequal-trees/1", "label": "by hand",
        "source": {"library": "hand", "version": "1", "objective": "", "sha256": ""},
        "inputs": "f64", "sums": "f64", "base": "0000000000000000", "link": {"kind": "logistic", "slope": "1"},
        "features": [{"name": "income"}, {"name": "home", "categories": ["rent", "own"]}, {"name": "salaried"}],
        "columns": [cut(0, "1000"), {"feature": 1, "missing": "own", "categories": {"codes": [0], "sets": ["10"]}},
            cut(2, "0.5")],
        "trees": [stump(0), stump(1), stump(2)],
    });
    let hashed: TreeModel = serde_json::from_value(model).unwrap();
    serde_json::from_str(&hashed.to_file().unwrap()).unwrap()
}

/// Builds the fixture with `[model]` and these lines in it, and this file as the model.
fn build(lines: &str, model: &str) -> Result<Built, Problems> {
    build_with(lines, model, &[])
}

fn build_with(lines: &str, model: &str, more: &[(&str, &str, &str)]) -> Result<Built, Problems> {
    sources::build(folder_with(lines, model, more).path(), None)
}

fn folder(lines: &str, model: &str) -> tempfile::TempDir {
    folder_with(lines, model, &[])
}

fn folder_with(lines: &str, model: &str, more: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let head = format!("[model]\nid = \"trees\"\nfile = \"model.json\"\n{lines}\n\n[[table]]\nid = \"knockouts\"");
    let mut changes = vec![
        ("features.toml", "\n[[feature]]\nid = \"band\"\n", FEATURES),
        ("bundle.toml", "[[table]]\nid = \"knockouts\"", head.as_str()),
    ];
    changes.extend(more);
    let folder = with(&changes);
    fs::write(folder.path().join("model.json"), model).unwrap();
    folder
}

fn refused(lines: &str, model: &str) -> String {
    let Problems(found) = build(lines, model).unwrap_err();
    let place = |text: String| text.split_once("model.json: ").map_or(text.clone(), |(_, why)| format!("model: {why}"));
    found.iter().map(|problem| place(problem.to_string())).collect::<Vec<_>>().join("; ")
}

fn sound() -> String {
    trees("own").to_string()
}

fn model(bundle: &Bundle) -> &PointsModel {
    bundle.model().unwrap()
}

#[test]
fn trees_give_points_by_the_scale_and_reasons_against_the_baseline_of_the_sources() {
    let built = build(&format!("{SCALING}\n{BASELINE}"), &sound()).unwrap();
    let points = |values: &[Value<'_>]| model(&built.bundle).score(values, &[]).unwrap().points();
    let (own, rent, yes, no) =
        (Value::Category("own"), Value::Category("rent"), Value::Category("yes"), Value::Category("no"));
    // Even odds are 600 points, and each doubling of the odds of bad takes 20.
    assert_eq!(points(&[Value::Number(1000.0), own, yes]), 600);
    assert_eq!(points(&[Value::Number(999.0), own, yes]), 580);
    assert_eq!(points(&[Value::Number(999.0), rent, no]), 540);
    assert_eq!(points(&[Value::Empty, Value::Empty, Value::Empty]), 540, "missing goes left in all of them");
    let PointsModel::Trees(compiled) = model(&built.bundle) else { panic!("it scores by trees") };
    assert_eq!(compiled.baseline_points(), 600);
    let scored = compiled.score(&[Value::Number(0.0), rent, no], &[]).unwrap();
    let told: Vec<_> =
        compiled.reasons(&scored).unwrap().iter().map(|reason| (reason.feature, reason.points)).collect();
    assert_eq!(told, [(0, -40), (2, -20)], "income and home share a reason");
    let reasons: Vec<&str> = compiled.features().iter().map(|feature| feature.reason.as_str()).collect();
    assert_eq!(reasons, ["R10", "R10", "R30"], "the reasons are those of features.toml");
}

/// The same trees fitted to the other event, whose leaves then are log-odds of good.
#[test]
fn a_calibration_turns_trees_that_were_fitted_to_the_good() {
    let lines = format!("{SCALING}\ncalibration = {{ intercept = \"0\", slope = \"-1\" }}\n{BASELINE}");
    let built = build(&lines, &sound()).unwrap();
    let rent = [Value::Number(5000.0), Value::Category("rent"), Value::Category("yes")];
    assert_eq!(model(&built.bundle).score(&rent, &[]).unwrap().points(), 620);
}

#[test]
fn a_baseline_is_written_by_name_number_yes_and_nothing() {
    for (written, points) in [
        (r#"{ income = "999.5", home = "own", salaried = "yes" }"#, 580),
        (r#"{ income = "", home = "rent", salaried = "no" }"#, 540),
        (r#"{ income = "-1", home = "", salaried = "1" }"#, 560),
        (r#"{ income = "1000", home = "own", salaried = "0" }"#, 580),
    ] {
        let built = build(&format!("{SCALING}\nbaseline = {written}"), &sound()).unwrap();
        let PointsModel::Trees(trees) = model(&built.bundle) else { panic!("it scores by trees") };
        assert_eq!(trees.baseline_points(), points, "{written}");
    }
    // As a table of its own it says the same.
    let table = "[model.baseline]\nincome = \"3000\"\nhome = \"own\"\nsalaried = \"yes\"";
    let (inline, table) = (format!("{SCALING}\n{BASELINE}"), format!("{SCALING}\n{table}"));
    assert_eq!(build(&inline, &sound()).unwrap().payload, build(&table, &sound()).unwrap().payload);
}

/// `[model]` stands where the first table did, on line 20; its keys follow.
#[test]
fn what_is_wrong_with_the_scale_or_the_baseline_is_named_by_line() {
    let sound = sound();
    let both = |baseline: &str| refused(&format!("{SCALING}\nbaseline = {baseline}"), &sound);
    assert!(refused(BASELINE, &sound).starts_with("bundle.toml:20: `"), "{}", refused(BASELINE, &sound));
    assert!(refused(BASELINE, &sound).ends_with("has no scale of points, and `[model.scaling]` gives none"));
    assert!(
        refused(SCALING, &sound)
            .ends_with("has no baseline to tell reasons against, and `[model.baseline]` gives none")
    );
    assert_eq!(
        both(r#"{ income = "1", home = "own" }"#),
        "bundle.toml:24: `[model.baseline]` does not say what `salaried` is; \"\" is missing"
    );
    assert_eq!(
        both(r#"{ income = "1", home = "own", salaried = "yes", age = "40" }"#),
        "bundle.toml:24: `[model.baseline]` names `age`, which is no feature of the model"
    );
    assert_eq!(
        both(r#"{ income = "1", home = "Own", salaried = "yes" }"#),
        "bundle.toml:24: `[model.baseline]` has `Own`, which is no category of `home`"
    );
    for number in ["much", "NaN", "inf", "1e999", "1,000"] {
        assert_eq!(
            both(&format!(r#"{{ income = "{number}", home = "own", salaried = "yes" }}"#)),
            format!("bundle.toml:24: `[model.baseline]` has `{number}`, and `income` is a number")
        );
    }
    let table = refused(&format!("{SCALING}\n[model.baseline]\nincome = \"x\"\nhome = \"\"\nsalaried = \"\""), &sound);
    assert!(table.starts_with("bundle.toml:24: "), "{table}");
}

#[test]
fn a_scale_or_calibration_without_meaning_is_refused() {
    for (lines, why) in [
        (SCALING.replace("\"20\"", "\"0\""), "`scaling` has numbers that are no points or no odds"),
        (SCALING.replace("base_odds = \"1\"", "base_odds = \"0\""), "`scaling` has numbers that are no points"),
        (SCALING.replace("\"20\"", "\"100000\"").replace("600", "900000"), "it can give more than 1000000 points"),
        (format!("{SCALING}\ncalibration = {{ intercept = \"0\", slope = \"0\" }}"), "its `calibration` is zero"),
        (format!("{SCALING}\ncalibration = {{ intercept = \"0\", slope = \"1\", x = \"1\" }}"), "unknown field `x`"),
        (SCALING.replace("600", "600.5"), "expected i32"),
    ] {
        let message = refused(&format!("{lines}\n{BASELINE}"), &sound());
        assert!(message.contains(why) && message.starts_with("bundle.toml:"), "{lines}: {message}");
    }
}

#[test]
fn a_scorecard_has_its_own_points_and_takes_none_of_it() {
    let card = json!({"format": "prequal-scorecard/1", "label": "", "purpose": "",
        "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "1"}, "base_points": 600,
        "features": [{"name": "income", "kind": "number", "reason": "R10",
            "bins": [{"below": "1000", "woe": "-1", "points": -20}, {"from": "1000", "woe": "1", "points": 20}],
            "missing": {"woe": "0", "points": 0}}],
        "data": {"sha256": "0".repeat(64), "rows": 2, "bads": 1}, "seed": 0});
    let bare = canonical::to_string(&card).unwrap();
    let wrapped = wrapped(json!({"scorecard": card}));
    for text in [&bare, &wrapped] {
        let built = build("", text).unwrap();
        assert!(matches!(model(&built.bundle), PointsModel::Card(_)));
        let why = "`[model]` has a scaling, a calibration or a baseline, and a scorecard has its own points";
        for lines in [SCALING, BASELINE, "calibration = { intercept = \"0\", slope = \"1\" }"] {
            assert_eq!(refused(lines, text), format!("bundle.toml:23: {why}"));
        }
    }
    let waived = refused("missing_is_zero = [\"income\"]", &bare);
    assert!(waived.contains("`missing_is_zero` names feature `income`, which model `trees` does not read"), "{waived}");
}

/// LightGBM #6139: a missing value silently becomes zero.
///
/// A model that was fitted without missing values reads them as zero; nobody puts that into a bundle unawares.
#[test]
fn what_is_read_as_zero_where_it_is_missing_must_be_waived_by_name() {
    let (zero, lines) = (trees("zero").to_string(), format!("{SCALING}\n{BASELINE}"));
    let waive = |names: &str| format!("missing_is_zero = [{names}]\n{lines}");
    let message = refused(&lines, &zero);
    assert!(
        message.starts_with("features.toml:") && message.contains("`income` as zero where it is missing"),
        "{message}"
    );
    let message = refused(&waive("\"income\""), &zero);
    assert!(message.contains("`salaried` as zero where it is missing"), "{message}");
    let built = build(&waive("\"income\", \"salaried\""), &zero).unwrap();
    let rich = [Value::Number(5000.0), Value::Category("own"), Value::Category("yes")];
    let (mut silent, mut nothing) = (rich, rich);
    silent[0] = Value::Empty;
    nothing[0] = Value::Number(0.0);
    let points = |values: &[Value<'_>]| model(&built.bundle).score(values, &[]).unwrap().points();
    assert_eq!((points(&rich), points(&silent), points(&nothing)), (600, 580, 580));
    for unneeded in ["\"income\", \"salaried\", \"home\"", "\"income\", \"salaried\", \"nobody\""] {
        let message = refused(&waive(unneeded), &zero);
        assert!(message.contains("which model `trees` does not read in that way"), "{message}");
    }
    let message = refused(&waive("\"income\""), &sound());
    assert!(
        message.contains("`missing_is_zero` names feature `income`, which model `trees` does not read"),
        "{message}"
    );
}

#[test]
fn a_file_that_is_no_model_or_a_model_of_another_kind_is_named() {
    let lines = format!("{SCALING}\n{BASELINE}");
    let all = sound();
    assert!(refused(&lines, "").starts_with("model: the model file cannot be read: "));
    assert!(refused(&lines, "{\"format\":\"prequal-trees/2\"}").contains("format `prequal-trees/2`"));
    for end in [1, all.len() / 2, all.len() - 1] {
        let message = refused(&lines, &all[..end]);
        assert!(message.starts_with("model: ") && !message.contains('\n') && message.len() < 300, "{message}");
    }
    let message = refused(&lines, &all.replace("\"1000\"", "\"1001\""));
    assert!(message.contains("the file says") || message.contains("hash"), "{message}");
    let with = |member: &str, value: Json| {
        let mut file = json!({"trees": trees("own")});
        file[member] = value;
        wrapped(file)
    };
    assert!(build(&lines, &with("result", json!({"kind": "margin"}))).is_ok());
    let message = refused(&lines, &with("result", json!({"kind": "mean", "divisor": "0000", "probability": true})));
    assert_eq!(message, "model: its result is a mean of trees, which a bundle has no points for");
    let message = refused(&lines, &with("required", json!(["income"])));
    assert!(message.starts_with("model: the model gives no score where `income` is missing, and"), "{message}");
    let message = refused(&lines, &with("scorecard", json!({})));
    assert_eq!(message, "model: it has not one of `trees` and `scorecard`", "one of two models would be a guess");
    let message = refused(&lines, &with("more", json!(1)));
    assert!(message.contains("unknown field `more`"), "{message}");
}

/// A file that `prequal import` wrapped: hashed over all that is in it.
fn wrapped(mut file: Json) -> String {
    file["format"] = json!("prequal-model/1");
    file["hash"] = json!(canonical::sha256_hex(canonical::to_string(&file).unwrap().as_bytes()));
    canonical::to_string(&file).unwrap()
}

/// What stands around a model is held to its own hash, not only the model within.
#[test]
fn a_wrapped_file_that_was_changed_anywhere_is_refused() {
    let lines = format!("{SCALING}\n{BASELINE}");
    let passport = json!({"purpose": "tests", "data_sha256": "0".repeat(64)});
    let whole = wrapped(json!({"passport": passport, "result": {"kind": "margin"}, "trees": trees("own")}));
    assert!(build(&lines, &whole).is_ok());
    let message = refused(&lines, &whole.replace("\"purpose\":\"tests\"", "\"purpose\":\"loans\""));
    assert!(message.starts_with("model: the model file states the hash `"), "{message}");
    let message = refused(&lines, &whole.replace("\"result\":{\"kind\":\"margin\"},", ""));
    assert!(message.starts_with("model: the model file states the hash `"), "{message}");
    assert!(refused(&lines, &whole.replacen(':', ": ", 1)).contains("is not in canonical form"));
}

/// Every prefix, and at places all over the file every other bit of a byte: refused in one line, and soon. A file without a
/// hash, which a scorecard is, may hold other words or points instead and then must say so in its bundle.
#[test]
fn every_truncated_or_corrupted_model_file_is_refused_in_one_line() {
    let lines = format!("{SCALING}\n{BASELINE}");
    let card = json!({"format": "prequal-scorecard/1", "label": "", "purpose": "",
        "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "1"}, "base_points": 600,
        "features": [{"name": "income", "kind": "number", "reason": "R10",
            "bins": [{"below": "1000", "woe": "-1", "points": -20}, {"from": "1000", "woe": "1", "points": 20}],
            "missing": {"woe": "0", "points": 0}}],
        "data": {"sha256": "0".repeat(64), "rows": 2, "bads": 1}, "seed": 0});
    let points = json!({"result": {"kind": "points", "scaling": {"base_odds": "1", "base_score": "600",
        "points_to_double_odds": "20"}}, "trees": trees("own")});
    let files = [
        ("trees", lines.as_str(), sound(), true),
        ("scorecard", "", canonical::to_string(&card).unwrap(), false),
        ("wrapped trees", lines.as_str(), wrapped(json!({"trees": trees("own")})), true),
        ("wrapped scorecard", "", wrapped(json!({"scorecard": card})), true),
        ("wrapped points", BASELINE, wrapped(points), true),
    ];
    for (name, lines, whole, hashed) in files {
        let folder = folder(lines, &whole);
        let build = || sources::build(folder.path(), None);
        let unharmed = build().unwrap().payload;
        let write = |bytes: &[u8]| fs::write(folder.path().join("model.json"), bytes).unwrap();
        let one_line = |message: String, at: usize| {
            assert!(!message.is_empty() && !message.contains('\n') && message.len() < 600, "{name} at {at}: {message}");
        };
        let begun = std::time::Instant::now();
        // Of the file that holds the most every prefix.
        for end in (0..whole.len()).filter(|end| name == "wrapped points" || end % 7 == 0) {
            write(&whole.as_bytes()[..end]);
            one_line(build().unwrap_err().to_string(), end);
        }
        let mut taken = 0;
        for at in (0..whole.len()).step_by(23) {
            for bit in [0, 3, 7] {
                let mut bytes = whole.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                write(&bytes);
                match build() {
                    Err(problems) => one_line(problems.to_string(), at),
                    Ok(built) => {
                        assert!(!hashed, "{name}: bit {bit} of byte {at} makes no difference");
                        // What decides differs from what was meant, and the bundle's hash with it.
                        let reason = unharmed == built.payload && whole[..at].ends_with("\"reason\":\"R");
                        assert!(
                            unharmed != built.payload || reason || whole[at..].starts_with("10\""),
                            "{name} at {at}"
                        );
                        taken += 1;
                    }
                }
            }
        }
        println!("{name}: {} bytes, {taken} taken, {:?}", whole.len(), begun.elapsed());
        assert!(begun.elapsed().as_secs() < 120, "{name}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_model_whose_features_the_schema_does_not_have_for_a_score_is_refused() {
    let lines = format!("{SCALING}\n{BASELINE}");
    let wrong = |from: &str, to: &str| {
        let Problems(found) = build_with(&lines, &sound(), &[("features.toml", from, to)]).unwrap_err();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let income = "from = { evidence = \"income\" }\nreason = \"R10\"\nuses = [\"score\"]";
    let message = wrong(income, &income.replace("\"score\"", "\"limit\""));
    assert!(message.contains("`income`, whose `uses` do not allow `score`"), "{message}");
    let message = wrong(income, &income.replace("reason = \"R10\"\n", ""));
    assert!(
        message.starts_with("features.toml:") && message.ends_with("`income` is in the model and has no `reason`"),
        "{message}"
    );
    let message = wrong("id = \"income\"", "id = \"wages\"");
    assert!(message.contains("the model uses feature `income`, and features.toml has none"), "{message}");
    let message = wrong(
        "id = \"home\"\ntype = \"category\"\ncategories = [\"own\", \"rent\"]",
        "id = \"home\"\ntype = \"integer\"",
    );
    assert!(message.contains("takes feature `home` for another type than the schema's"), "{message}");
}

#[test]
fn a_model_file_that_is_not_there_or_never_ends_is_refused_at_once() {
    let folder = with(&[(
        "bundle.toml",
        "[[table]]\nid = \"knockouts\"",
        "[model]\nid = \"trees\"\nfile = \"none.json\"\n\n[[table]]\nid = \"knockouts\"",
    )]);
    let refused = |given: Option<&Path>| sources::build(folder.path(), given).unwrap_err().to_string();
    let message = refused(None);
    assert!(message.starts_with("bundle.toml:22: cannot read `") && message.contains("none.json"), "{message}");
    let long = folder.path().join("long.json");
    fs::File::create(&long).unwrap().set_len(MODEL_BYTES_MAX as u64 + 1).unwrap();
    assert!(refused(Some(&long)).ends_with(&format!("is larger than {MODEL_BYTES_MAX} bytes")));
    #[cfg(unix)]
    assert!(refused(Some(Path::new("/dev/zero"))).ends_with(&format!("is larger than {MODEL_BYTES_MAX} bytes")));
}
