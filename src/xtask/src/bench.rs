//! `cargo xtask bench`: how long one whole decision takes, and one quote; native, in WebAssembly, and in other
//! libraries that do the same work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, Options};
use crate::{demo, package, paths, setup};

const BENCH_SECONDS_MAX: u64 = 1_800;
/// How long another library may take to arrive.
const PEER_SECONDS_MAX: u64 = 300;
/// The libraries beside which quotes are measured, at the versions that were.
const NODE_PEER: &str = "financial@0.2.4";
const PYTHON_PEER: &str = "pyxirr==0.10.8";

fn options() -> Options<'static> {
    Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), echo: true, ..Options::default() }
}

/// Print p50, p99 and decisions per second of one whole decision, and how each figure was got.
pub fn decide(root: &Path) -> Result<()> {
    process::must(setup::command(root, "cargo").args(["build", "--package", "prequal"]), &options())?;
    let artefacts = demo::artefacts::make(root, &paths::cargo_target(root).join("debug/prequal"))?;
    package::package(root)?;
    println!("\nnative, release profile");
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["bench", "--quiet", "--package", "prequal-acceptance", "--bench", "decide"]);
    cargo.env("PREQUAL_BUNDLE", &artefacts.full).env("PREQUAL_BUNDLE_KEY", artefacts.public_key("bundle"));
    let inputs = artefacts.folder.join("applications.jsonl");
    process::must(cargo.env("PREQUAL_INPUTS", &inputs), &options())?;
    println!("\nNode.js, through the npm package");
    let mut script = node(root, "decide.mjs")?;
    script.env("PREQUAL_BUNDLE", &artefacts.full);
    script.env("PREQUAL_BUNDLE_KEY", artefacts.public_key("bundle")).env("PREQUAL_INPUTS", &inputs);
    process::must(&mut script, &options()).map(drop)
}

/// A measurement in `tests/bench` that Node.js runs.
fn node(root: &Path, script: &str) -> Result<Command> {
    let node = setup::node(root).context("no Node.js: cargo xtask setup says how to get it")?;
    let mut command = setup::command(&root.join("tests"), node);
    command.arg(format!("bench/{script}"));
    Ok(command)
}

/// Print the time of one quote by method and length, native and in Node.js, and of the same work in other libraries.
pub fn money(root: &Path) -> Result<()> {
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let native = folder.join("money.native.json");
    println!("\nnative, release profile: each figure is a loop over one call, divided");
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["bench", "--quiet", "--package", "prequal-core", "--bench", "money"]);
    process::must(cargo.env("PREQUAL_BENCH_OUT", &native), &options())?;

    package::package(root)?;
    let wasm = wasm_of_money(root, &folder)?;
    let mut script = node(root, "money.mjs")?;
    script.env("PREQUAL_MONEY", &wasm).env("PREQUAL_NATIVE", &native);
    if let Some(peer) = node_peer(root, &folder)? {
        script.env("PREQUAL_PEER", peer);
    }
    println!("\nNode.js: the core in WebAssembly, and `financial` of npm");
    process::must(&mut script, &options())?;

    println!("\nPython: `pyxirr` of PyPI, whose rates are computed in Rust");
    if let Some(python) = python_peer(root, &folder)? {
        let mut script = setup::command(&root.join("tests"), python);
        process::must(script.arg("bench/money.py").env("PREQUAL_NATIVE", &native), &options())?;
    }
    Ok(())
}

/// The same core, compiled and optimised as the package's, with calls that repeat the work inside.
fn wasm_of_money(root: &Path, folder: &Path) -> Result<PathBuf> {
    println!("  bench: compiling the measurement to wasm");
    let target = paths::cargo_target(root).join("npm/cargo");
    let mut cargo = setup::wasm_command(root, "cargo")?;
    cargo.args(["build", "--quiet", "--profile", "wasm", "--package", "prequal-wasm", "--example", "money"]);
    cargo.args(["--target", "wasm32-unknown-unknown"]).env("CARGO_TARGET_DIR", &target);
    process::must(&mut cargo, &options())?;
    let raw = target.join("wasm32-unknown-unknown/wasm/examples/money.wasm");
    let out = folder.join("wasm");
    let mut bindgen = setup::command(root, "wasm-bindgen");
    process::must(bindgen.args(["--target", "nodejs", "--out-dir"]).arg(&out).arg(raw), &options())?;
    let module = out.join("money_bg.wasm");
    package::optimise(root, &module, &module)?;
    Ok(out.join("money.js"))
}

/// The npm package, where the registry answers; else one line says that it is left out.
fn node_peer(root: &Path, folder: &Path) -> Result<Option<PathBuf>> {
    let place = folder.join("node");
    fs::create_dir_all(&place)?;
    let mut npm = setup::command(root, "npm");
    npm.args(["install", "--no-fund", "--no-audit", "--no-save", "--loglevel=error", "--prefix"]);
    let there = installed(npm.arg(&place).arg(NODE_PEER), NODE_PEER);
    Ok(there.then(|| place.join("node_modules/financial")))
}

/// A Python with the package, where there is one and the registry answers.
fn python_peer(root: &Path, folder: &Path) -> Result<Option<PathBuf>> {
    let place = folder.join("venv");
    let python = place.join("bin/python3");
    if !python.is_file() && !installed(setup::command(root, "python3").args(["-m", "venv"]).arg(&place), "python3") {
        return Ok(None);
    }
    let mut pip = setup::command(root, &python);
    let there = installed(pip.args(["-m", "pip", "install", "--quiet", PYTHON_PEER]), PYTHON_PEER);
    Ok(there.then_some(python))
}

fn installed(command: &mut Command, what: &str) -> bool {
    let timeout = Some(Duration::from_secs(PEER_SECONDS_MAX));
    let why = match process::run(command, &Options { timeout, ..Options::default() }) {
        Ok(finished) if finished.ok => return true,
        Ok(finished) => finished.reason(),
        Err(error) => format!("{error:#}"),
    };
    println!("  left out: `{what}` cannot be installed here: {why}");
    false
}
