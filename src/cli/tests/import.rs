//! `prequal import` and `prequal score` on other libraries' model files, as a user runs them.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
};

use common::run;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/score");

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
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    error
}

fn expected(base: &str) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(vector(&format!("{base}.expected.json"))).unwrap()).unwrap()
}

/// A place for one test's output, removed when the test ends.
struct Out(PathBuf);

impl Out {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("prequal-import-{name}-{}.json", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Margins and leaves of the library itself; see `tests/vectors/score/README.md`.
#[test]
fn a_librarys_file_scores_with_its_bits_raw_and_imported() {
    for (library, file) in [
        ("xgboost", "xgboost_taiwan_small.json"),
        ("xgboost", "xgboost_binary_ubjson.ubj"),
        ("lightgbm", "lightgbm_linear.txt"),
        ("catboost", "catboost_classes.json"),
        ("onnx", "onnx_regressor.onnx"),
    ] {
        let base = file.split('.').next().unwrap();
        let (input, expected) = (vector(&format!("{base}.input.csv")), expected(base));
        let out = Out::new(base);
        let margins = vector(&format!("{base}.expected.json"));
        let check = ["--check-rows", &input, "--check-margins", &margins];
        let arguments = ["import", "--from", library, &vector(file), "--out", out.path()];
        let summary: serde_json::Value = serde_json::from_str(&answer(&[&arguments[..], &check].concat())).unwrap();
        let rows = expected["margin_bits"].as_array().unwrap().len();
        assert_eq!(summary["rows_checked"], rows);
        for model in [&vector(file), out.path()] {
            for format in ["auto", if model == out.path() { "prequal" } else { library }] {
                let text = answer(&["score", "--model", model, "--format", format, "--leaves", "--input", &input]);
                let mut reader = csv::Reader::from_reader(text.as_bytes());
                let header = reader.headers().unwrap().clone();
                assert_eq!(
                    header.iter().take(4).collect::<Vec<_>>(),
                    ["margin", "margin_bits", "probability", "leaf_0"]
                );
                let mut count = 0;
                for (row, record) in reader.records().enumerate() {
                    let record = record.unwrap();
                    count += 1;
                    assert_eq!(record[1], expected["margin_bits"][row], "{file} row {row}");
                    // ONNX Runtime does not tell its leaves.
                    if expected["leaf"].is_null() {
                        continue;
                    }
                    let leaves: Vec<u64> = record.iter().skip(3).map(|leaf| leaf.parse().unwrap()).collect();
                    assert_eq!(serde_json::json!(leaves), expected["leaf"][row], "{file} row {row}");
                }
                assert_eq!(count, rows);
            }
        }
    }
}

#[test]
fn the_first_difference_from_the_library_is_reported_and_nothing_is_written() {
    let base = "xgboost_taiwan_small";
    let margins = Out::new("margins");
    let mut predictions = expected(base);
    predictions["margin_bits"][17] = "3f800000".into();
    fs::write(margins.path(), predictions.to_string()).unwrap();
    let out = Out::new("difference");
    let (model, input) = (vector(&format!("{base}.json")), vector(&format!("{base}.input.csv")));
    let error = complaint(&[
        "import",
        "--from",
        "xgboost",
        &model,
        "--out",
        out.path(),
        "--check-rows",
        &input,
        "--check-margins",
        margins.path(),
    ]);
    assert!(error.contains("row 17: the margin is") && error.contains("the library's is 1 (3f800000)"), "{error}");
    assert!(!Path::new(out.path()).exists());
}

/// This model was fitted without missing values: LightGBM itself would read a missing one as zero.
#[test]
fn a_model_blind_to_missing_values_is_refused_where_they_may_come() {
    let model = vector("lightgbm_taiwan_no_missing_in_training.txt");
    let out = Out::new("blind");
    let arguments = ["import", "--from", "lightgbm", &model, "--out", out.path(), "--may-be-missing", "AGE,LIMIT_BAL"];
    let error = complaint(&arguments);
    assert!(error.contains("takes a missing value for zero in `AGE`, `LIMIT_BAL`"), "{error}");
    let error = complaint(&[&arguments[..], &["--allow-missing-as-zero", "AGE"]].concat());
    assert!(error.contains("in `LIMIT_BAL`,"), "{error}");
    answer(&[&arguments[..], &["--allow-missing-as-zero", "AGE,LIMIT_BAL"]].concat());
    let error = complaint(&["import", "--from", "lightgbm", &model, "--out", out.path(), "--may-be-missing", "X"]);
    assert!(error.contains("no feature `X`"), "{error}");
}

#[test]
fn what_is_no_model_is_refused_in_one_line() {
    let input = vector("xgboost_taiwan_small.input.csv");
    for (format, why) in [("auto", "no model file"), ("xgboost", "cannot be read"), ("lightgbm", "not `tree`")] {
        let error = complaint(&["score", "--model", &input, "--format", format, "--input", &input]);
        assert!(error.contains(why), "{format}: {error}");
    }
    let model = vector("xgboost_taiwan_small.json");
    let error = complaint(&["score", "--model", &model, "--input", &vector("lightgbm_linear.input.csv")]);
    assert!(error.contains("the model needs columns that are not there: `LIMIT_BAL`"), "{error}");
}
