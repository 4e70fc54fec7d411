//! `cargo xtask bench score`: one row through boosted trees, native, in Node.js, and in the libraries beside which it
//! should stand, with the same model on the same rows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, Options};
use crate::{package, paths, setup};

const BENCH_SECONDS_MAX: u64 = 1_800;
const NODE_PEER: &str = "onnxruntime-web@1.22.0";
/// Installed by themselves, so that the others are measured where these do not build.
const COMPILER_PEERS: [&str; 2] = ["treelite==4.4.1", "tl2cgen==1.0.0"];

fn options() -> Options<'static> {
    Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), echo: true, ..Options::default() }
}

/// Print nanoseconds and ratios. Python with its libraries is needed, because they make the model; other peers that
/// cannot be installed are named and left out.
pub fn score(root: &Path) -> Result<()> {
    let folder = root.join("target/bench/score");
    fs::create_dir_all(&folder)?;
    println!("  bench: LightGBM and XGBoost make the models and score them");
    let mut script = setup::command(root, python(root)?);
    process::must(script.arg(root.join("tests/bench/score_peer.py")).arg(&folder), &options())?;
    process::must(setup::command(root, "cargo").args(["build", "--quiet", "--package", "prequal"]), &options())?;
    let program = paths::cargo_target(root).join("debug/prequal");
    let (made, model, onnx) = (folder.join("lightgbm.txt"), folder.join("model.json"), folder.join("model.onnx"));
    let mut import = setup::command(root, &program);
    process::must(import.args(["import", "--from", "lightgbm"]).arg(&made).arg("--out").arg(&model), &quiet())?;
    let mut export = setup::command(root, &program);
    let exported = process::must(export.args(["export", "--to", "onnx"]).arg(&model).arg("--out").arg(&onnx), &quiet());

    println!("\nnative, release profile");
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["bench", "--quiet", "--package", "prequal-acceptance", "--bench", "score"]);
    process::must(cargo.env("PREQUAL_SCORE", &folder), &options())?;

    package::package(root)?;
    println!("\nNode.js, through the npm package");
    let node = setup::node(root).context("no Node.js: cargo xtask setup says how to get it")?;
    let mut script = setup::command(&root.join("tests"), node);
    script.arg("bench/score.mjs").env("PREQUAL_SCORE", &folder);
    match exported.and_then(|_| node_peer(root)) {
        Ok(peer) => drop(script.env("PREQUAL_PEER", peer)),
        Err(error) => println!("  left out: {NODE_PEER}: {error:#}"),
    }
    process::must(&mut script, &options()).map(drop)
}

fn quiet() -> Options<'static> {
    Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), ..Options::default() }
}

/// Python with the libraries, in `target/`; made once.
fn python(root: &Path) -> Result<PathBuf> {
    let venv = root.join("target/venv-score");
    let python = venv.join("bin/python");
    if !python.is_file() {
        let found = paths::find_program(&["python3", "python"]).context("no Python")?;
        process::must(setup::command(root, &found).args(["-m", "venv"]).arg(&venv), &quiet())?;
    }
    let pip = |arguments: &[&str]| {
        let mut pip = setup::command(root, &python);
        pip.args(["-m", "pip", "install", "--quiet"]).args(arguments);
        process::must(&mut pip, &quiet())
    };
    pip(&["--requirement", "tests/bench/score-requirements.txt"])?;
    if let Err(error) = pip(&COMPILER_PEERS) {
        println!("  left out: tl2cgen cannot be installed here: {error:#}");
    }
    Ok(python)
}

fn node_peer(root: &Path) -> Result<PathBuf> {
    let place = root.join("target/bench/node");
    fs::create_dir_all(&place)?;
    let mut npm = setup::command(root, "npm");
    npm.args(["install", "--no-fund", "--no-audit", "--no-save", "--loglevel=error", "--prefix"]);
    process::must(npm.arg(&place).arg(NODE_PEER), &quiet())?;
    Ok(place.join("node_modules/onnxruntime-web"))
}
