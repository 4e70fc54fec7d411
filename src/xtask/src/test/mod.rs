//! `cargo xtask test`: set the machine up, then prove everything. A stage that fails does not keep the later ones
//! from running; the last line sums what all runners counted.

mod counts;
mod node_suites;
mod rust;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{self, Options};
use crate::setup::{self, For, Mode, Tools};
use counts::Counts;

/// How long one stage may take on a slow machine.
const STAGE_SECONDS_MAX: u64 = 1_500;

/// One thing that is proved.
struct Stage {
    name: &'static str,
    about: &'static str,
    run: fn(&Context) -> Result<Outcome>,
}

/// In the order they run: the quick ones first, and what others need before them.
const STAGES: [Stage; 20] = [
    Stage { name: "fmt", about: "Rust sources are formatted", run: rust::fmt },
    Stage { name: "clippy", about: "no warning in any Rust target", run: rust::clippy },
    Stage { name: "build", about: "everything builds natively", run: rust::build },
    Stage { name: "rust", about: "unit, integration and acceptance tests in Rust", run: rust::tests },
    Stage { name: "postgres", about: "the lending server's suite on a private PostgreSQL", run: rust::postgres },
    Stage { name: "interface", about: "schemathesis over the OpenAPI document, a slice", run: rust::interface },
    Stage { name: "deny", about: "bans, licences and sources of dependencies", run: rust::deny },
    Stage { name: "advisories", about: "known defects of dependencies", run: rust::advisories },
    Stage { name: "clippy-wasm", about: "no warning when built for wasm", run: rust::clippy_wasm },
    Stage { name: "package", about: "the npm package is assembled", run: node_suites::package },
    Stage { name: "size", about: "the wasm is within its budget", run: node_suites::size },
    Stage { name: "lint", about: "pages and worker are tidy", run: node_suites::lint },
    Stage { name: "types", about: "pages and worker type-check", run: node_suites::types },
    Stage { name: "artefacts", about: "model trained, bundle built, signed and split", run: node_suites::artefacts },
    Stage { name: "packaging", about: "the package in its environments", run: node_suites::packaging },
    Stage { name: "edge", about: "the worker in real workerd", run: node_suites::edge },
    Stage { name: "verdict", about: "the same bytes in every runtime", run: node_suites::verdict },
    Stage { name: "quotes", about: "random quotes, native and in wasm, byte for byte", run: node_suites::quotes },
    Stage { name: "browser", about: "the pages in real Chromium", run: node_suites::browser },
    Stage { name: "demo", about: "a whole purchase, `demo --smoke`", run: node_suites::demo },
];

/// What a stage knows.
struct Context {
    root: PathBuf,
    /// The stage's name; its log is `target/test/NAME.log`.
    stage: &'static str,
    /// Print everything as it comes.
    verbose: bool,
}

/// What came of a stage.
struct Outcome {
    counts: Counts,
    note: String,
}

impl Outcome {
    fn new(counts: Counts, note: impl Into<String>) -> Self {
        Self { counts, note: note.into() }
    }

    fn passed() -> Self {
        Self::new(Counts::PASSED, "")
    }

    /// A part this machine does not have; counted and named, never silent.
    fn skipped(why: impl Into<String>) -> Self {
        Self::new(Counts::SKIPPED, why)
    }
}

impl Context {
    /// Run a program of this stage; what it prints goes to the stage's log.
    fn run(&self, command: &mut Command) -> Result<process::Finished> {
        let log = self.root.join(format!("target/test/{}.log", self.stage));
        let timeout = Some(Duration::from_secs(STAGE_SECONDS_MAX));
        let heartbeat = (!self.verbose).then_some(self.stage);
        let options = Options { log: Some(&log), timeout, echo: self.verbose, heartbeat };
        let finished = process::run(command.env("CARGO_TERM_COLOR", "never"), &options)?;
        if !finished.ok && !self.verbose {
            println!("{}\n  (all of it: {})", finished.tail(), log.strip_prefix(&self.root).unwrap_or(&log).display());
        }
        Ok(finished)
    }

    /// Run a program whose success is one test; the hint says what to do when it fails.
    fn check(&self, command: &mut Command, hint: &str) -> Result<Outcome> {
        Ok(if self.run(command)?.ok { Outcome::passed() } else { Outcome::new(Counts::FAILED, hint) })
    }

    fn cargo(&self) -> Command {
        setup::command(&self.root, "cargo")
    }
}

/// What the command line asked for.
pub struct Wanted {
    /// Only this stage, or all.
    pub stage: Option<String>,
    pub verbose: bool,
}

pub fn list() {
    for stage in &STAGES {
        println!("  {:<12} {}", stage.name, stage.about);
    }
}

/// Run the stages; the answer is whether all that ran passed.
pub fn test(root: &Path, wanted: &Wanted) -> Result<bool> {
    let chosen: Vec<&Stage> =
        STAGES.iter().filter(|stage| wanted.stage.as_deref().is_none_or(|name| name == stage.name)).collect();
    if chosen.is_empty() {
        bail!("no stage `{}`: cargo xtask test --list", wanted.stage.as_deref().unwrap_or_default());
    }
    let (mut missing, tools) = setup::setup_in_background(root, For::Everything, Mode::Install);
    let mut tools = Some(tools);
    let mut context = Context { root: root.to_path_buf(), stage: "", verbose: wanted.verbose };
    let mut rows = Vec::new();
    let mut sum = Counts::default();
    for stage in chosen {
        if !WITHOUT_TOOLS.contains(&stage.name) {
            missing.extend(wait_for(&mut tools)?);
        }
        context.stage = stage.name;
        println!("test {}: {}", stage.name, stage.about);
        let started = Instant::now();
        let outcome = (stage.run)(&context).unwrap_or_else(|error| {
            println!("{error:#}");
            let first = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
            Outcome::new(Counts::FAILED, first)
        });
        if process::interrupted() {
            bail!("stopped by a signal");
        }
        sum.add(outcome.counts);
        let row = Row { name: stage.name, outcome, seconds: started.elapsed().as_secs_f64() };
        println!("{}\n", row.line());
        rows.push(row);
    }
    missing.extend(wait_for(&mut tools)?);
    close(&rows, &missing, sum);
    Ok(sum.failed == 0)
}

/// Stages that need no program the set-up may still be compiling.
const WITHOUT_TOOLS: [&str; 6] = ["fmt", "clippy", "build", "rust", "postgres", "interface"];

fn wait_for(tools: &mut Option<Tools>) -> Result<Vec<&'static str>> {
    tools.take().map_or_else(|| Ok(Vec::new()), setup::join)
}

struct Row {
    name: &'static str,
    outcome: Outcome,
    seconds: f64,
}

impl Row {
    fn line(&self) -> String {
        let Counts { passed, failed, skipped } = self.outcome.counts;
        let word = if failed > 0 {
            "FAILED"
        } else if passed > 0 {
            "ok"
        } else {
            "skipped"
        };
        let (seconds, note) = (self.seconds, &self.outcome.note);
        format!("  {:<12} {word:<8} {passed:>5} {failed:>5} {skipped:>5} {seconds:>8.1} s  {note}", self.name)
            .trim_end()
            .to_owned()
    }
}

fn close(rows: &[Row], missing: &[&str], sum: Counts) {
    println!("  {:<12} {:<8} {:>5} {:>5} {:>5} {:>8}", "stage", "", "pass", "fail", "skip", "time");
    let mut seconds = 0.0;
    for row in rows {
        seconds += row.seconds;
        println!("{}", row.line());
    }
    println!("  {:<12} {:>35.1} s", "all", seconds);
    if !missing.is_empty() {
        println!("  this machine is without {}", missing.join(", "));
    }
    let failed: Vec<&str> = rows.iter().filter(|row| row.outcome.counts.failed > 0).map(|row| row.name).collect();
    if !failed.is_empty() {
        println!("  failed: {}", failed.join(", "));
    }
    println!("\n{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.skipped);
}
