//! `prequal train` on public data: how long it takes and how good it is, beside what other libraries did.
//!
//! Reads `PREQUAL_TRAIN_CASES`, a JSON file of `[{"name","file","target","bad","drop":[],"missing":[],"peer":{…}|null}]`, the
//! peer being what `train_peer.py` printed. `cargo xtask bench train` makes that file.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use prequal_train::{
    Options, Training,
    options::TreeOptions,
    output::{self, Metrics},
    train,
};
use serde_json::Value;

/// Mean AUC that the scorecard may lose to optbinning's.
const SCORECARD_LOSS_MAX: f64 = 0.003;
/// Mean AUC that the trees may lose to the better of LightGBM and XGBoost.
const TREES_LOSS_MAX: f64 = 0.005;
/// Share of optbinning's information value that may be missed, in each column.
const IV_LOSS_MAX: f64 = 0.01;
/// The scorecard's seconds on the largest set.
const SECONDS_MAX: f64 = 5.0;

fn main() -> ExitCode {
    let Some(path) = std::env::var_os("PREQUAL_TRAIN_CASES").map(PathBuf::from) else {
        println!("skipped: PREQUAL_TRAIN_CASES names no file; cargo xtask bench train makes it");
        return ExitCode::SUCCESS;
    };
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).expect("the cases")).expect("JSON");
    let mut met = true;
    for case in &cases {
        met &= run(case);
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn texts(case: &Value, key: &str) -> Vec<String> {
    case[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// One data set; whether it meets its aims.
fn run(case: &Value) -> bool {
    let text = |key: &str| case[key].as_str().expect("a text");
    let mut options = Options::new(text("target"), text("bad"));
    options.exclude = texts(case, "drop");
    options.missing = texts(case, "missing");
    let place = std::env::temp_dir().join(format!("prequal-bench-train-{}", std::process::id()));
    let started = Instant::now();
    let metrics = once(text("file"), options.clone(), &place).1;
    let seconds = started.elapsed().as_secs_f64();
    options.trees = Some(TreeOptions::default());
    let started = Instant::now();
    let (training, both) = once(text("file"), options, &place);
    let seconds_both = started.elapsed().as_secs_f64();
    std::fs::remove_dir_all(place).expect("the folder made before");
    let trees = both.trees.expect("trees were asked for");
    println!("\n{}: {} rows, {} bad", text("name"), metrics.rows, metrics.bads);
    println!(
        "  scorecard   AUC {:.4}  KS {:.4}  {seconds:.2} s with five folds and report",
        metrics.scorecard.auc.mean, metrics.scorecard.ks.mean
    );
    println!("  trees       AUC {:.4}  KS {:.4}  {:.2} s more", trees.auc.mean, trees.ks.mean, seconds_both - seconds);
    println!(
        "  rounding    AUC lost {:.5}, pairs inverted {:.2} %",
        metrics.rounding.auc_loss,
        metrics.rounding.inversions * 100.0
    );
    println!(
        "  trees' file {} bytes",
        training.trees.map_or(0, |trees| trees.model.to_file().map_or(0, |file| file.len()))
    );
    let mut met = aim("scorecard under 5 s", seconds < SECONDS_MAX);
    met &= aim("rounding loses less than 0.001 of AUC", metrics.rounding.auc_loss < prequal_train::ROUNDING_LOSS_MAX);
    let peer = &case["peer"];
    let Some(theirs) = peer["auc"].as_f64() else {
        println!("  no peer was measured");
        return met;
    };
    let number = |key: &str| peer[key].as_f64().unwrap_or(f64::NAN);
    println!(
        "  optbinning  AUC {theirs:.4}  KS {:.4}  {:.2} s ({:.2} s on one processor): {:.1} times as long",
        number("ks"),
        number("seconds"),
        number("seconds_one"),
        number("seconds") / seconds
    );
    println!("  LightGBM    AUC {:.4}\n  XGBoost     AUC {:.4}", number("lightgbm"), number("xgboost"));
    let short = columns(peer, &metrics);
    met &= aim("AUC at most 0.003 below optbinning's", metrics.scorecard.auc.mean >= theirs - SCORECARD_LOSS_MAX);
    met &= aim(
        "trees' AUC at most 0.005 below the better library's",
        trees.auc.mean >= number("lightgbm").max(number("xgboost")) - TREES_LOSS_MAX,
    );
    met & aim("every column's information value at most 1 % below optbinning's", short == 0)
}

/// Prints each column's information value beside optbinning's; how many are too low.
fn columns(peer: &Value, metrics: &Metrics) -> usize {
    let mut short = 0;
    println!("  information value by column   ours  optbinning");
    for (column, theirs) in peer["iv"].as_object().into_iter().flatten() {
        let theirs = theirs.as_f64().unwrap_or(f64::NAN);
        let ours = metrics.scorecard.iv.get(column).copied().unwrap_or(0.0);
        let enough = ours >= theirs * (1.0 - IV_LOSS_MAX);
        short += usize::from(!enough);
        let name: String = column.chars().take(24).collect();
        let more = (ours / theirs - 1.0) * 100.0;
        println!("    {name:24} {ours:8.4} {theirs:11.4} {more:+7.2} %{}", if enough { "" } else { "  too low" });
    }
    short
}

/// Everything from the file's bytes to the report on disk.
fn once(file: &str, options: Options, place: &std::path::Path) -> (Training, Metrics) {
    let bytes = std::fs::read(file).expect("the data");
    let training = train(&bytes, options, &mut |_| ()).expect("the data can be trained on");
    let metrics = output::write(&training, place).expect("a temporary folder");
    (training, metrics)
}

fn aim(what: &str, met: bool) -> bool {
    println!("  {} {what}", if met { "met:   " } else { "MISSED:" });
    met
}
