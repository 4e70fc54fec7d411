//! `prequal train` and `prequal score` as a user runs them, on the German credit data.

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use common::run;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/german_credit.csv");

/// A folder of one test, removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("prequal-cli-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The demo's model: no unlawful column.
fn train(out: &Path) -> Output {
    let label = "demonstration data of 1994, not for lending";
    let exclude = "age_in_years,foreign_worker";
    let mut arguments = vec!["train", "--data", DATA, "--target", "creditability", "--bad", "bad"];
    arguments.extend(["--exclude", exclude, "--label", label, "--trees", "10", "--out", out.to_str().unwrap()]);
    let output = run(&arguments, "");
    assert!(output.status.success(), "{}", error(&output));
    output
}

#[test]
fn training_writes_its_files_and_leaves_others_alone() {
    let folder = Folder::new("four-files");
    folder.write("notes.txt", "mine");
    folder.write("model.json", "an older one");
    let output = train(&folder.0);
    let summary: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((summary["rows"].as_u64(), summary["bads"].as_u64()), (Some(1000), Some(300)));
    assert_eq!(fs::read_to_string(folder.path("notes.txt")).unwrap(), "mine");
    let model = json(&folder.path("model.json"));
    assert_eq!(model["format"], "prequal-scorecard/1");
    assert_eq!(model["label"], "demonstration data of 1994, not for lending");
    let metrics = json(&folder.path("metrics.json"));
    assert_eq!(metrics["auc"]["folds"].as_array().unwrap().len(), 5);
    assert_eq!(metrics["auc"]["mean"], summary["auc"]);
    // Ten trees are no model to use; that they are measured in the scorecard's shape is what counts here.
    for (name, shape) in metrics["trees"].as_object().unwrap() {
        assert_eq!(shape.as_object().map(|o| o.len()), metrics[name].as_object().map(|o| o.len()), "{name}");
    }
    assert_eq!(metrics["trees"]["auc"]["folds"].as_array().unwrap().len(), 5);
    assert!(metrics["trees"]["auc"]["mean"].as_f64().unwrap() > 0.7);
    assert_eq!(json(&folder.path("trees.json"))["format"], "prequal-trees/1");
    let card = fs::read_to_string(folder.path("scorecard.csv")).unwrap();
    assert!(card.starts_with("feature,bin,rows,share,bads,bad_rate,woe,iv,points\n(base),"));
    assert!(fs::read_to_string(folder.path("report.html")).unwrap().starts_with("<!doctype html>"));
    assert_eq!(error(&output), "", "progress is for a person at a terminal");
}

/// The score of the file is the trainer's own: the mean predicted probability of its own data is the bad
/// rate, 300 of 1,000; and a margin is the log-odds of its probability.
#[test]
fn scoring_gives_points_and_probabilities_for_every_row() {
    let folder = Folder::new("score");
    train(&folder.0);
    let model = folder.path("model.json");
    let output = run(&["score", "--model", model.to_str().unwrap(), "--input", DATA], "");
    assert!(output.status.success(), "{}", error(&output));
    assert!(error(&output).contains("warning: columns that the model does not use are ignored"));
    let text = out(&output);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("margin,margin_bits,points,probability"));
    let mut sum = 0.0;
    let mut rows = 0;
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let [margin, bits, points, probability] = cells[..] else { panic!("{line}") };
        let (margin, probability): (f64, f64) = (margin.parse().unwrap(), probability.parse().unwrap());
        assert_eq!(bits, "");
        assert!(points.parse::<i32>().is_ok());
        assert!((probability - 1.0 / (1.0 + (-margin).exp())).abs() < 1e-12);
        sum += probability;
        rows += 1;
    }
    assert_eq!(rows, 1000);
    assert!((sum - 300.0).abs() < 6.0, "{sum}");
}

/// 600 points for nothing known against; 600 are odds of 50 to 1, and each 20 points double them.
fn scorecard() -> String {
    let bin = |points: i32| serde_json::json!({"woe": "0", "points": points});
    let (mut short, mut long, mut own) = (bin(20), bin(0), bin(0));
    short["below"] = "12".into();
    long["from"] = "12".into();
    own["categories"] = serde_json::json!(["own"]);
    serde_json::json!({
        "format": "prequal-scorecard/1", "label": "", "purpose": "", "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "50"}, "base_points": 600,
        "features": [
            {"name": "months", "kind": "number", "reason": "R1", "bins": [short, long], "missing": bin(-20)},
            {"name": "home", "kind": "category", "reason": "R2", "unseen": "missing", "bins": [own], "missing": bin(-40)}],
        "data": {"sha256": "0".repeat(64), "rows": 0, "bads": 0}, "seed": 0
    })
    .to_string()
}

/// Worked by hand from [`scorecard`]: odds of 50 give bad a probability of 1/51, odds of 100 one of 1/101.
#[test]
fn an_empty_cell_is_missing_and_columns_go_by_name() {
    let folder = Folder::new("missing");
    let model = folder.write("model.json", &scorecard());
    let rows = "home,months\nown,11.5\nown,12\n,12\nboat,\n";
    let output = run(&["score", "--model", model.to_str().unwrap()], rows);
    assert_eq!(error(&output), "");
    let text = out(&output);
    let cells: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let points: Vec<&str> = cells.iter().map(|row| row[2]).collect();
    assert_eq!(points, ["620", "600", "560", "540"]);
    for (row, expected) in [(0, 1.0 / 101.0), (1, 1.0 / 51.0)] {
        assert!((cells[row][3].parse::<f64>().unwrap() - expected).abs() < 1e-15);
    }
}

#[test]
fn rows_that_cannot_be_scored_are_refused_with_their_place() {
    let folder = Folder::new("rows");
    let model = folder.write("model.json", &scorecard());
    let refused = |rows: &str| {
        let output = run(&["score", "--model", model.to_str().unwrap()], rows);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(error(&output).lines().count(), 1);
        error(&output)
    };
    assert!(refused("months\n1\n").contains("the model needs columns that are not there: `home`"));
    assert!(refused("months,home\n1,own\nabc,own\n").contains("line 3: `abc` in column `months` is not a number"));
    assert!(refused("months,home\ninf,own\n").contains("`inf` in column `months` is not a number"));
    assert!(refused("months,home\n1\n").contains("line 2 has 1 cells, and the header has 2"));
    assert!(refused("months,home,home\n").contains("the header `home` is there twice"));
    assert!(refused("").contains("it is empty"));
    // All or nothing: not even the good rows before a bad one are written.
    let output = run(&["score", "--model", model.to_str().unwrap()], "months,home\n1,own\nabc,own\n");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn models_that_cannot_be_read_are_refused_by_name() {
    let folder = Folder::new("models");
    let model = folder.write("model.json", &scorecard());
    let refused = |arguments: &[&str]| {
        let output = run(&[&["score"], arguments].concat(), "months,home\n");
        assert_eq!(output.status.code(), Some(1));
        error(&output)
    };
    let path = model.to_str().unwrap();
    for format in ["xgboost", "lightgbm", "catboost", "onnx", "pmml", "ebm"] {
        let line = refused(&["--model", path, "--format", format]);
        assert!(line.contains(&format!("cannot use `{path}`")), "a scorecard is none of these: {line}");
    }
    assert!(refused(&["--model", path, "--leaves"]).contains("is a scorecard"));
    let tree = folder.write("tree.json", r#"{"learner":{"attributes":{}}}"#);
    let line = refused(&["--model", tree.to_str().unwrap()]);
    assert!(line.contains("tree.json`: the model is refused"), "{line}");
    let changed = folder.write("changed.json", &scorecard().replace("\"points\":20", "\"points\":20,\"bonus\":1"));
    let line = refused(&["--model", changed.to_str().unwrap()]);
    assert!(line.contains("`bonus`"), "{line}");
    assert!(refused(&["--model", "/nowhere/model.json"]).contains("cannot open `/nowhere/model.json`"));
}

#[test]
fn training_that_cannot_be_done_is_refused_in_one_line() {
    let folder = Folder::new("refused");
    let place = folder.path("out");
    let refused = |target: &str, bad: &str| {
        let out = place.to_str().unwrap();
        let output = run(&["train", "--data", DATA, "--target", target, "--bad", bad, "--out", out], "");
        assert_eq!(output.status.code(), Some(1));
        assert!(!place.exists());
        error(&output)
    };
    let absent = "the target `credit` is not a column of the data; its columns are `status_of_existing";
    assert!(refused("credit", "bad").contains(absent));
    assert!(refused("creditability", "BAD").contains("the bad value `BAD` never occurs in `creditability`"));
    let usage = run(&["train", "--data", DATA, "--target", "creditability"], "");
    assert_eq!(usage.status.code(), Some(2));
}

/// Trees that `train` wrote are scored by the names of categories, as they stand in the file that they were fitted to; a
/// name that they do not know is missing. The mean predicted probability of the training data is near the bad rate.
#[test]
fn trees_that_were_trained_here_read_the_same_file() {
    let folder = Folder::new("own-trees");
    train(&folder.0);
    let model = folder.path("trees.json");
    let score = |input: &str| {
        let output = run(&["score", "--model", model.to_str().unwrap()], input);
        assert!(output.status.success(), "{}", error(&output));
        let text = out(&output);
        assert!(text.starts_with("margin,margin_bits,probability\n"));
        text.lines().skip(1).map(|line| line.rsplit_once(',').unwrap().1.parse().unwrap()).collect::<Vec<f64>>()
    };
    let data = fs::read_to_string(DATA).unwrap();
    let probabilities = score(&data);
    assert_eq!(probabilities.len(), 1000);
    let mean = probabilities.iter().sum::<f64>() / 1000.0;
    assert!((mean - 0.3).abs() < 0.02, "{mean}");
    let (unknown, missing) = (data.replace(",own,", ",boat,"), data.replace(",own,", ",,"));
    assert_ne!(unknown, data);
    assert_eq!(score(&unknown), score(&missing));
}

/// The same file on both sides has moved nowhere; one in which everybody wants sixty months has, and that can fail a job.
#[test]
fn monitoring_writes_two_files_and_fails_a_job_only_where_asked() {
    let folder = Folder::new("monitor");
    train(&folder.0);
    let (model, place) = (folder.path("model.json"), folder.path("watch"));
    let watch = |current: &Path, more: &[&str]| {
        let (model, current, place) = (model.to_str().unwrap(), current.to_str().unwrap(), place.to_str().unwrap());
        let mut arguments =
            vec!["monitor", "--reference", DATA, "--current", current, "--model", model, "--out", place];
        arguments.extend(["--target", "creditability", "--bad", "bad"]);
        arguments.extend(more);
        run(&arguments, "")
    };
    let output = watch(Path::new(DATA), &["--fail-on", "warning"]);
    assert!(output.status.success(), "{}", error(&output));
    let summary: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!((summary["psi"].as_f64(), summary["alerts"].as_u64()), (Some(0.0), Some(0)));
    let mut reader = csv::Reader::from_path(DATA).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = header.iter().position(|name| name == "duration_in_month").unwrap();
    let mut writer = csv::Writer::from_path(folder.path("longer.csv")).unwrap();
    writer.write_record(&header).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let cells = record.iter().enumerate().map(|(column, cell)| if column == at { "60" } else { cell });
        writer.write_record(cells).unwrap();
    }
    writer.flush().unwrap();
    let output = watch(&folder.path("longer.csv"), &["--fail-on", "alert"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&output).ends_with("alerts\n"), "{}", error(&output));
    let found = json(&place.join("monitor.json"));
    assert_eq!(found["characteristics"][0]["feature"], "duration_in_month");
    let page = fs::read_to_string(place.join("monitor.html")).unwrap();
    assert!(page.contains("Alert: characteristic stability index of duration_<wbr>in_<wbr>month"));
    assert!(!page.contains("<script") && !page.contains("http"), "the page is self-contained");
    assert!(error(&watch(Path::new(DATA), &["--psi", "0.5,0.1"])).contains("`--psi` takes two limits"));
}
