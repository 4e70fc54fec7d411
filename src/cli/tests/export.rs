//! `prequal export` as a user runs it: a model in, a form out, the same scores.

mod common;

use std::{fs, path::PathBuf, process::Command};

use common::run;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors");

fn vector(name: &str) -> String {
    format!("{VECTORS}/{name}")
}

fn answer(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn complaint(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    let error = String::from_utf8(output.stderr).unwrap();
    error.trim_end().lines().last().unwrap().to_owned()
}

/// A folder for one test, removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("prequal-export-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PASSPORT: &str = r#"{"purpose":"tests only","population":"generated applications",
"data_sha256":"0000000000000000000000000000000000000000000000000000000000000000","validation":"none",
"author":"the tests","approver":"nobody","expires":"2027-12-31"}"#;

/// Rows whose margins have the model's bits, out of all; the forms' promises are those of `prequal_models::export`.
#[test]
fn every_form_gives_the_models_bits_where_it_can_hold_them() {
    let folder = Folder::new("bits");
    let python = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    let forms: &[&str] = if python { &["pmml", "onnx", "sql", "python"] } else { &["pmml", "onnx"] };
    if !python {
        println!("without python3 neither SQL nor Python can be run");
    }
    // Forms that hold a model's bits: PMML and Python all, ONNX those of single precision; SQL promises none.
    for (model, exact) in [
        ("score/xgboost_categories.json", &["pmml", "onnx", "python"][..]),
        ("score/lightgbm_zero_as_missing.txt", &["pmml", "python"][..]),
        ("score/catboost_classes.json", &["pmml", "python"][..]),
        ("models/ebm_interactions.json", &["pmml", "python"][..]),
    ] {
        let (path, out) = (vector(model), folder.path("out"));
        let rows = format!("{}.input.csv", path.rsplit_once('.').unwrap().0);
        for form in forms.iter().copied() {
            let said = answer(&["export", "--to", form, &path, "--out", &out, "--check", &rows]);
            let said: serde_json::Value = serde_json::from_str(&said).unwrap();
            let check = &said["check"];
            assert!(check["rows"].as_u64().unwrap() >= 100, "{model} as {form}: {check}");
            let same = check["rows"] == check["same_bits"];
            assert!(same || !exact.contains(&form), "{model} as {form}: {check}");
            assert_eq!(same, check["largest_difference"] == "0", "{model} as {form}: {check}");
        }
    }
}

/// A card of points, whose cuts are doubles: toad's `930.77` is no single, and the double right below it is narrowed to
/// 930.77001953125, which lies above. The card gives 93.79 below the cut and 99.36 from it, so the narrowing is worth 5.57.
#[test]
fn what_single_precision_does_to_a_models_inputs_is_counted_apart_from_what_the_form_does() {
    let folder = Folder::new("narrowed");
    let (model, rows, out) = (folder.path("model.json"), folder.path("rows.csv"), folder.path("out.onnx"));
    answer(&["import", "--from", "toad", &vector("models/toad_missing_bin.json"), "--out", &model]);
    fs::write(
        &rows,
        "income,age,ratio,region,job\n930.7699999999999,40,0.5,mars,d\n930.5,40,0.5,mars,d\n931,40,0.5,mars,d\n",
    )
    .unwrap();
    let said = answer(&["export", "--to", "onnx", &model, "--out", &out, "--check", &rows]);
    let check = serde_json::from_str::<serde_json::Value>(&said).unwrap()["check"].clone();
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!(check["rows"], 3, "{check}");
    assert_eq!(check["narrowed_inputs"]["rows"], 1, "{check}");
    assert!((number(&check["narrowed_inputs"]["largest_difference"]) - 5.57).abs() < 1e-9, "{check}");
    // Five leaves near 100 in single precision: half a unit in the last place of each is 4e-6.
    assert!(number(&check["largest_difference"]) < 1e-4, "{check}");
    let said = answer(&["export", "--to", "pmml", &model, "--out", &out, "--check", &rows]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(said["check"]["narrowed_inputs"].is_null(), "PMML reads doubles: {said}");
}

/// toad #110: exported scorecards lose their state.
#[test]
fn a_passport_goes_with_the_model_into_every_form_and_back() {
    let folder = Folder::new("passport");
    let (passport, model) = (folder.path("passport.json"), folder.path("model.json"));
    fs::write(&passport, PASSPORT).unwrap();
    let table = vector("models/toad_missing_bin.json");
    let scaling = ["--points-to-double-odds", "20", "--base-score", "600", "--base-odds", "20"];
    let import = ["import", "--from", "toad", &table, "--out", &model, "--passport", &passport];
    answer(&[&import[..], &scaling[..]].concat());
    assert!(fs::read_to_string(&model).unwrap().contains("\"approver\":\"nobody\""));
    for form in ["pmml", "onnx", "sql", "python"] {
        let out = folder.path(form);
        answer(&["export", "--to", form, &model, "--out", &out]);
        let bytes = fs::read(&out).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for word in ["generated applications", "nobody", "2027-12-31"] {
            assert!(text.contains(word), "{form} does not say `{word}`");
        }
        if ["pmml", "onnx"].contains(&form) {
            let again = folder.path("again.json");
            answer(&["import", "--from", form, &out, "--out", &again]);
            assert!(fs::read_to_string(&again).unwrap().contains("\"approver\":\"nobody\""), "{form}");
        }
    }
    let bad = PASSPORT.replace("2027-12-31", "soon");
    fs::write(&passport, bad).unwrap();
    let why = complaint(&["export", "--to", "sql", &model, "--out", &folder.path("x"), "--passport", &passport]);
    assert!(why.contains("`expires`"), "{why}");
}

/// The reasons of the standard's example are checked in `prequal-models`; here that they are asked for and written.
#[test]
fn a_card_gives_points_a_probability_and_reasons() {
    let folder = Folder::new("card");
    let (model, out) = (folder.path("model.json"), folder.path("card.pmml"));
    let (table, rows) = (vector("models/toad_missing_bin.json"), vector("models/toad_missing_bin.input.csv"));
    let scaling = ["--points-to-double-odds", "20", "--base-score", "600", "--base-odds", "20"];
    answer(&[&["import", "--from", "toad", &table, "--out", &model][..], &scaling[..]].concat());
    let ours = answer(&["score", "--model", &model, "--input", &rows, "--reasons"]);
    let header = ours.lines().next().unwrap();
    assert!(header.starts_with("margin,margin_bits,points,probability,reason_1,reason_1_points,"), "{header}");
    answer(&["export", "--to", "pmml", &model, "--out", &out, "--check", &rows]);
    // What PMML kept says the same of every row, with its probability and its reasons; PMML has those of no points too.
    let kept = answer(&["score", "--model", &out, "--input", &rows, "--reasons"]);
    let without_zero = |text: &str| -> Vec<String> {
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<String>>();
        let rows = text.lines().map(cells).map(|mut cells| {
            for at in (5..cells.len()).step_by(2) {
                if cells[at] == "0" {
                    cells[at].clear();
                    cells[at - 1].clear();
                }
            }
            cells.join(",")
        });
        rows.collect()
    };
    assert_eq!(without_zero(&kept), without_zero(&ours));
}

#[test]
fn what_a_form_cannot_say_is_refused_by_name_and_leaves_no_file() {
    let folder = Folder::new("refused");
    let linear = vector("score/lightgbm_linear.txt");
    for form in ["pmml", "onnx"] {
        let out = folder.path(form);
        let why = complaint(&["export", "--to", form, &linear, "--out", &out]);
        assert!(why.contains("linear leaves"), "{why}");
        assert!(!PathBuf::from(&out).exists());
    }
    let rows = folder.path("rows.csv");
    fs::write(&rows, "income\n1\n").unwrap();
    let (model, out) = (vector("score/xgboost_dart.json"), folder.path("out"));
    let why = complaint(&["export", "--to", "sql", &model, "--out", &out, "--check", &rows]);
    assert!(why.contains("columns that are not there"), "{why}");
    assert!(!PathBuf::from(&out).exists());
}

/// A table says points and not what they mean; a special code that it keeps to itself is asked for.
#[test]
fn what_a_table_does_not_say_is_asked_for() {
    let folder = Folder::new("table");
    let (table, out) = (vector("models/optbinning_detailed.csv"), folder.path("model.json"));
    let why = complaint(&["import", "--from", "optbinning", &table, "--out", &out]);
    assert!(why.contains("`income` has rows in its bin `Special`"), "{why}");
    let import = ["import", "--from", "optbinning", &table, "--out", &out, "--special-codes=-9"];
    answer(&import);
    let usage = run(&[&import[..], &["--base-score", "600"]].concat(), "");
    assert_eq!(usage.status.code(), Some(2), "one number of three");
    let why = complaint(
        &[&import[..], &["--points-to-double-odds", "0", "--base-score", "600", "--base-odds", "50"]].concat(),
    );
    assert!(why.contains("`points_to_double_odds` is `0`"), "{why}");
}
