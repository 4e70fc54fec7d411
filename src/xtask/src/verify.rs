//! `cargo xtask verify`: the proofs that take minutes. `cargo xtask test` runs slices of the same ones.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, Options};
use crate::verify_models::Environment;
use crate::{package, setup};

/// How long one part may take on a slow machine.
const PART_SECONDS_MAX: u64 = 7_200;
/// Random contracts, and random lives of contracts, of each method.
const CONTRACTS: &str = "100000";
/// Random statements of revolving lines, and random transfers over several loans.
const LINES: &str = "100000";
/// Random cash flows of each convention.
const FLOWS: &str = "100000";
/// Quotes compared between native Rust and WebAssembly.
const QUOTES: &str = "100000";

/// Random lives of loans, of at least forty events each.
const LIVES: &str = "1000";

/// One thing that is proved.
struct Part {
    name: &'static str,
    about: &'static str,
    /// The tests whose names start so.
    tests: &'static str,
    /// What makes them whole.
    whole: (&'static str, &'static str),
}

const MONEY: [Part; 5] = [
    Part {
        name: "world",
        about: "every principal of 1 to 10,000 minor units, term of 1 to 36, rounding and method",
        tests: "properties::every_small",
        whole: ("PREQUAL_EXHAUSTIVE", "1"),
    },
    Part {
        name: "contracts",
        about: "100,000 random contracts of each method against a second schedule in exact fractions",
        tests: "oracle::",
        whole: ("PREQUAL_CONTRACTS", CONTRACTS),
    },
    Part {
        name: "lives",
        about: "100,000 random lives of contracts of each method against a second account, day by day",
        tests: "lives::",
        whole: ("PREQUAL_LIVES", CONTRACTS),
    },
    Part {
        name: "lines",
        about: "100,000 random statements and 100,000 transfers over several loans against second ones, day by day",
        tests: "lines_naive::",
        whole: ("PREQUAL_LINES", LINES),
    },
    Part {
        name: "rates",
        about: "100,000 random cash flows of each convention against bisection with 256 binary digits",
        tests: "bisection::",
        whole: ("PREQUAL_FLOWS", FLOWS),
    },
];

/// Prove the whole of the credit mathematics; whether all of it holds.
pub fn money(root: &Path) -> Result<bool> {
    let started = Instant::now();
    let mut lines = Vec::new();
    let mut all = true;
    for part in &MONEY {
        let mut cargo = setup::command(root, "cargo");
        cargo.args(["test", "--quiet", "--release", "--package", "prequal-core", "--test", "credit", "--"]);
        cargo.args([part.tests, "--nocapture"]).env(part.whole.0, part.whole.1);
        all &= run(&mut cargo, part.name, part.about, &mut lines)?;
    }
    package::package(root)?;
    let node = setup::node(root).context("no Node.js: cargo xtask setup says how to get it")?;
    let mut quotes = setup::command(&root.join("tests"), node);
    quotes.args(["--test", "--test-reporter=spec", "quotes/same-quotes.test.mjs"]).env("PREQUAL_QUOTES", QUOTES);
    let about = "100,000 random quotes, native and in WebAssembly, byte for byte";
    all &= run(&mut quotes, "quotes", about, &mut lines)?;
    println!("\n{}\n{:.1} s in all", lines.join("\n"), started.elapsed().as_secs_f64());
    Ok(all)
}

/// Prove the ledger against a model that shares no code with it; whether all of it holds. It says how many events ran.
pub fn ledger(root: &Path) -> Result<bool> {
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["test", "--quiet", "--release", "--package", "prequal-ledger", "--test", "model", "--"]);
    cargo.arg("--nocapture").env("PREQUAL_LEDGER_LIVES", LIVES);
    let mut lines = Vec::new();
    let about = "1,000 random lives of loans, funders and lines against a second ledger, event by event";
    let all = run(&mut cargo, "ledger", about, &mut lines)?;
    println!("\n{}", lines.join("\n"));
    Ok(all)
}

/// The server's tests that are repeated at length, on each engine.
const SERVER: [Part; 2] = [
    Part {
        name: "storm",
        about: "100,000 requests of 64 clients, a third of them repeated: one effect and one answer each",
        tests: "storm::",
        whole: ("PREQUAL_STORM_REQUESTS", "100000"),
    },
    Part {
        name: "kills",
        about: "killed 200 times under load: what was acknowledged is there exactly once",
        tests: "killed::",
        whole: ("PREQUAL_KILLS", "200"),
    },
];

/// Prove at length that the server neither loses nor doubles, on SQLite and on PostgreSQL; whether all of it holds.
pub fn server(root: &Path) -> Result<bool> {
    let mut lines = Vec::new();
    let mut all = true;
    for engine in ["sqlite", "postgres"] {
        println!("on {engine}");
        for part in &SERVER {
            let mut cargo = setup::command(root, "cargo");
            cargo.args(["test", "--quiet", "--release", "--package", "prequal-server", "--test", "server", "--"]);
            cargo.args([part.tests, "--nocapture"]).env(part.whole.0, part.whole.1);
            all &= run(cargo.env("PREQUAL_TEST_DATABASE", engine), part.name, part.about, &mut lines)?;
        }
    }
    all &= rest(root, &mut lines)?;
    println!("\n{}", lines.join("\n"));
    Ok(all)
}

/// Seeds of the simulation.
const SEEDS: &str = "2000";

/// Prove by simulation that the server's core neither loses nor doubles what it acknowledged, whatever fails; whether
/// all of it holds. It says what went wrong in how many runs, and the seed of one that fails.
pub fn simulation(root: &Path) -> Result<bool> {
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["test", "--quiet", "--release", "--package", "prequal-server", "--test", "simulation", "--"]);
    cargo.arg("--nocapture").env("PREQUAL_SIMULATION_SEEDS", SEEDS);
    let mut lines = Vec::new();
    let about = "2,000 seeds: clock, network, database and process fail, and no acknowledged money is lost or doubled";
    let all = run(&mut cargo, "simulation", about, &mut lines)?;
    println!("\n{}", lines.join("\n"));
    Ok(all)
}

/// How many examples the fuzzer makes for each operation and role.
const FUZZ_EXAMPLES: &str = "250";
/// How long the fuzzer's run as one role may take, in seconds.
const FUZZ_SECONDS_MAX: &str = "600";

/// A published fuzzer over the described interface, as each role, on SQLite.
fn rest(root: &Path, lines: &mut Vec<String>) -> Result<bool> {
    let program = schemathesis(root)?;
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["test", "--quiet", "--release", "--package", "prequal-server", "--test", "fuzzed", "--"]);
    cargo.arg("--nocapture").env("PREQUAL_SCHEMATHESIS", program);
    cargo.env("PREQUAL_SCHEMATHESIS_EXAMPLES", FUZZ_EXAMPLES).env("PREQUAL_SCHEMATHESIS_SECONDS", FUZZ_SECONDS_MAX);
    let about = "schemathesis over the OpenAPI document as each role: no 5xx, and no answer outside the document";
    run(&mut cargo, "fuzz", about, lines)
}

/// Installs schemathesis; where its program is.
pub fn schemathesis(root: &Path) -> Result<PathBuf> {
    let fuzzer =
        Environment { folder: root.join("target/schemathesis/venv"), requirements: &["tests/rest/requirements.txt"] };
    fuzzer.install(root)?;
    Ok(fuzzer.folder.join("bin/st"))
}

/// Run one part, saying all that it says; the line about it is kept for the end.
fn run(command: &mut Command, name: &str, about: &str, lines: &mut Vec<String>) -> Result<bool> {
    println!("verify {name}: {about}");
    let started = Instant::now();
    let timeout = Some(Duration::from_secs(PART_SECONDS_MAX));
    let options = Options { timeout, echo: true, heartbeat: Some(name), ..Options::default() };
    let finished = process::run(command.env("CARGO_TERM_COLOR", "never"), &options)?;
    if process::interrupted() {
        bail!("stopped by a signal");
    }
    let word = if finished.ok { "ok" } else { "FAILED" };
    lines.push(format!("  {name:<10} {word:<7} {:>8.1} s  {about}", started.elapsed().as_secs_f64()));
    Ok(finished.ok)
}
