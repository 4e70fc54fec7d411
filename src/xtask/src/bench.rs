//! `cargo xtask bench`: how long one whole decision takes, native and through the npm package.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, Options};
use crate::{demo, package, paths, setup};

const BENCH_SECONDS_MAX: u64 = 1_800;

/// Print p50, p99 and decisions per second of one whole decision, and how each figure was got.
pub fn decide(root: &Path) -> Result<()> {
    let options = Options { timeout: Some(Duration::from_secs(BENCH_SECONDS_MAX)), echo: true, ..Options::default() };
    process::must(setup::command(root, "cargo").args(["build", "--package", "prequal"]), &options)?;
    let artefacts = demo::artefacts::make(root, &paths::cargo_target(root).join("debug/prequal"))?;
    package::package(root)?;
    println!("\nnative, release profile");
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["bench", "--quiet", "--package", "prequal-acceptance", "--bench", "decide"]);
    cargo.env("PREQUAL_BUNDLE", &artefacts.full).env("PREQUAL_BUNDLE_KEY", artefacts.public_key("bundle"));
    let inputs = artefacts.folder.join("applications.jsonl");
    process::must(cargo.env("PREQUAL_INPUTS", &inputs), &options)?;
    println!("\nNode.js, through the npm package");
    let node = setup::node(root).context("no Node.js: cargo xtask setup says how to get it")?;
    let mut script = setup::command(&root.join("tests"), node);
    script.arg("bench/decide.mjs").env("PREQUAL_BUNDLE", &artefacts.full);
    script.env("PREQUAL_BUNDLE_KEY", artefacts.public_key("bundle")).env("PREQUAL_INPUTS", &inputs);
    process::must(&mut script, &options).map(drop)
}
