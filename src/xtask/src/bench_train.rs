//! `cargo xtask bench train`: the trainer against optbinning with scikit-learn, LightGBM and XGBoost, in one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::process::{self, Options};
use crate::{paths, setup};

const BENCH_SECONDS_MAX: u64 = 3_600;

/// A public data set (`tests/data/SOURCES.md`).
struct Case {
    name: &'static str,
    file: &'static str,
    target: &'static str,
    bad: &'static str,
    drop: &'static str,
    missing: &'static str,
    /// Only rows with at least so much in a column.
    least: Option<(&'static str, f64)>,
}

const TAIWAN: Case = Case {
    name: "Taiwan",
    file: "taiwan_credit_default.csv",
    target: "default payment",
    bad: "1",
    drop: "",
    missing: "",
    least: None,
};

const CASES: [Case; 4] = [
    Case {
        name: "German",
        file: "german_credit.csv",
        target: "creditability",
        bad: "bad",
        drop: "",
        missing: "",
        least: None,
    },
    Case {
        name: "credit_data",
        file: "credit_data.csv",
        target: "Status",
        bad: "bad",
        drop: "rownames",
        missing: "NA",
        least: None,
    },
    TAIWAN,
    // Accounts in arrears stand in for a collection card.
    Case { name: "Taiwan, late", least: Some(("PAY_0", 1.0)), ..TAIWAN },
];

/// Print seconds, AUC and information value of both sides for each data set that is found in `data` or the repository, and
/// whether the aims are met. A set that is not there and a peer that cannot be installed are named and left out.
pub fn train(root: &Path, data: Option<&Path>) -> Result<()> {
    let options = Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), echo: true, ..Options::default() };
    let python = peers(root);
    let mut cases = Vec::new();
    for case in CASES {
        let places = [data.map(|folder| folder.join(case.file)), Some(root.join("tests/data").join(case.file))];
        let found = places.into_iter().flatten().find_map(|file| fs::canonicalize(file).ok());
        let Some(file) = found else {
            println!("skipped: {} ({}) is not here; --data FOLDER says where it is", case.name, case.file);
            continue;
        };
        let file = match case.least {
            Some((column, least)) => keep(&file, column, least, &paths::cargo_target(root).join("bench-train.csv"))?,
            None => file,
        };
        let peer = match &python {
            Some(python) => measure_peer(root, python, &case, &file)?,
            None => Value::Null,
        };
        let list = |text: &str| text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        cases.push(json!({
            "name": case.name, "file": file, "target": case.target, "bad": case.bad,
            "drop": list(case.drop), "missing": list(case.missing), "peer": peer,
        }));
    }
    let place = paths::cargo_target(root).join("bench-train.json");
    fs::write(&place, serde_json::to_string(&cases)?).with_context(|| format!("cannot write {}", place.display()))?;
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["bench", "--quiet", "--package", "prequal-acceptance", "--bench", "train"]);
    process::must(cargo.env("PREQUAL_TRAIN_CASES", &place), &options).map(drop)
}

/// Writes the rows of a file with at least `least` in a column. No cell of these files is quoted.
fn keep(file: &Path, column: &str, least: f64, to: &Path) -> Result<PathBuf> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let at = text.lines().next().and_then(|header| header.split(',').position(|name| name == column));
    let at = at.with_context(|| format!("{} has no column {column}", file.display()))?;
    let enough =
        |line: &str| line.split(',').nth(at).and_then(|cell| cell.parse::<f64>().ok()).is_some_and(|n| n >= least);
    let kept = text.lines().enumerate().filter(|(number, line)| *number == 0 || enough(line));
    let kept: String = kept.flat_map(|(_, line)| [line, "\n"]).collect();
    fs::write(to, kept).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(to.to_path_buf())
}

/// Python with the other libraries, in `target/`; made once.
fn peers(root: &Path) -> Option<PathBuf> {
    let venv = root.join("target/venv-train");
    let python = venv.join("bin/python");
    let options = || Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), ..Options::default() };
    let requirements = root.join("tests/bench/train-requirements.txt");
    let made = || -> Result<()> {
        if !python.is_file() {
            let found = paths::find_program(&["python3", "python"]).context("no Python")?;
            process::must(setup::command(root, &found).args(["-m", "venv"]).arg(&venv), &options())?;
        }
        let mut pip = setup::command(root, &python);
        pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements);
        process::must(&mut pip, &options()).map(drop)
    };
    match made() {
        Ok(()) => Some(python),
        Err(error) => {
            println!("skipped: the other libraries cannot be installed, so nothing is compared: {error:#}");
            None
        }
    }
}

fn measure_peer(root: &Path, python: &Path, case: &Case, file: &Path) -> Result<Value> {
    println!("{}: optbinning, scikit-learn, LightGBM, XGBoost …", case.name);
    let options = Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), ..Options::default() };
    let mut script = setup::command(root, python);
    script.arg(root.join("tests/bench/train_peer.py")).arg(case.name).arg(file).args([case.target, case.bad]);
    script.args(["--drop", case.drop, "--missing", case.missing]);
    let said = process::must(&mut script, &options)?;
    let line = said.lines().rfind(|line| line.starts_with('{')).context("train_peer.py printed no result")?;
    serde_json::from_str(line).context("train_peer.py printed something else than JSON")
}
