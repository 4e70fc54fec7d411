//! The stages that ask cargo.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::counts::Counts;
use super::{Context, Outcome};
use crate::process::{self, Options};
use crate::setup::{self, CARGO_DENY, WasmRoute};
use crate::verify::schemathesis;

/// How long the advisory database may take to answer.
const ADVISORIES_SECONDS_MAX: u64 = 60;

pub fn fmt(context: &Context) -> Result<Outcome> {
    let mut cargo = context.cargo();
    context.check(cargo.args(["fmt", "--all", "--", "--check", "--color", "never"]), "cargo fmt --all puts it right")
}

pub fn clippy(context: &Context) -> Result<Outcome> {
    let mut cargo = context.cargo();
    context
        .check(cargo.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]), "a warning or an error")
}

/// All targets at once, so that the tests and the program share every dependency they build.
pub fn build(context: &Context) -> Result<Outcome> {
    context.check(context.cargo().args(["build", "--workspace", "--all-targets"]), "it does not compile")
}

pub fn tests(context: &Context) -> Result<Outcome> {
    cargo_test(context, context.cargo().args(["test", "--workspace", "--no-fail-fast"]))
}

/// The same claims that `rust` proves on SQLite.
pub fn postgres(context: &Context) -> Result<Outcome> {
    if setup::postgres().is_none() {
        return Ok(Outcome::skipped("PostgreSQL is not here: apt-get install postgresql"));
    }
    let mut cargo = context.cargo();
    cargo.args(["test", "--package", "prequal-server", "--test", "server", "--no-fail-fast"]);
    cargo_test(context, cargo.env("PREQUAL_TEST_DATABASE", "postgres"))
}

/// How many examples of each operation the published fuzzer makes, and for how many seconds as each role;
/// `verify server` lets it go on.
const FUZZER_EXAMPLES: &str = "5";
const FUZZER_SECONDS_MAX: &str = "20";

/// A published fuzzer against the server's own description of its interface.
pub fn interface(context: &Context) -> Result<Outcome> {
    let program = match schemathesis(&context.root) {
        Ok(program) => program,
        Err(error) => {
            let why = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
            return Ok(Outcome::skipped(format!("schemathesis, from PyPI, cannot be installed: {why}")));
        }
    };
    let mut cargo = context.cargo();
    cargo.args(["test", "--package", "prequal-server", "--test", "fuzzed"]).env("PREQUAL_SCHEMATHESIS", program);
    cargo.env("PREQUAL_SCHEMATHESIS_EXAMPLES", FUZZER_EXAMPLES).env("PREQUAL_SCHEMATHESIS_SECONDS", FUZZER_SECONDS_MAX);
    cargo_test(context, &mut cargo)
}

fn cargo_test(context: &Context, cargo: &mut Command) -> Result<Outcome> {
    let finished = context.run(cargo)?;
    let mut counts = Counts::of_cargo(&finished.output);
    let mut note = String::new();
    if !finished.ok && counts.failed == 0 {
        counts.add(Counts::FAILED);
        note = finished.reason();
    }
    Ok(Outcome::new(counts, note))
}

fn deny_command(context: &Context, what: &[&str]) -> Option<Command> {
    CARGO_DENY.found(&context.root)?;
    let mut cargo = context.cargo();
    cargo.args(["deny", "--color", "never", "check"]).args(what);
    Some(cargo)
}

pub fn deny(context: &Context) -> Result<Outcome> {
    match deny_command(context, &["bans", "licenses", "sources"]) {
        Some(mut cargo) => context.check(&mut cargo, "a dependency is not allowed: .cargo/deny.toml"),
        None => Ok(Outcome::skipped("cargo-deny is not here")),
    }
}

/// The database of advisories lives on a git host: where that does not answer, the stage is skipped.
pub fn advisories(context: &Context) -> Result<Outcome> {
    let Some(mut cargo) = deny_command(context, &["advisories"]) else {
        return Ok(Outcome::skipped("cargo-deny is not here"));
    };
    let timeout = Some(Duration::from_secs(ADVISORIES_SECONDS_MAX));
    match process::run(&mut cargo, &Options { timeout, ..Options::default() }) {
        Ok(finished) if finished.ok => Ok(Outcome::passed()),
        Ok(finished) if finished.output.contains("advisories FAILED") => {
            println!("{}", finished.tail());
            Ok(Outcome::new(Counts::FAILED, "a dependency has a known defect"))
        }
        Ok(_) | Err(_) => Ok(Outcome::skipped("the advisory database did not answer")),
    }
}

pub fn clippy_wasm(context: &Context) -> Result<Outcome> {
    let root = &context.root;
    let route = match setup::wasm_route(root) {
        Ok(route) => route,
        Err(error) => return Ok(Outcome::skipped(format!("{error:#}"))),
    };
    if process::probe(setup::wasm_command(root, "cargo")?.args(["clippy", "--version"])).is_none() {
        let how = if route == WasmRoute::Ordinary {
            "rustup component add clippy"
        } else {
            "apt-get install rust-web-clippy"
        };
        return Ok(Outcome::skipped(format!("the toolchain for wasm has no clippy: {how}")));
    }
    let mut cargo = setup::wasm_command(root, "cargo")?;
    cargo.args(["clippy", "--package", "prequal-wasm", "--target", "wasm32-unknown-unknown"]);
    context.check(cargo.args(["--", "-D", "warnings"]), "a warning or an error")
}
