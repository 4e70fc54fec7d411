//! `cargo xtask`: the project's own tasks. `cargo xtask` alone lists them.

mod bench;
mod bench_score;
mod bench_server;
mod bench_train;
mod demo;
mod package;
mod paths;
mod process;
mod setup;
mod size;
mod test;
mod verify;
mod verify_batch;
mod verify_models;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{CommandFactory, Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own tasks")]
struct Cli {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Find, install or explain everything the other tasks need
    Setup {
        /// Say what is missing and install nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Set up, build, and open a shop in which a person buys on credit
    Demo {
        /// Without a person: drive a purchase through the pages in headless Chromium and check the books
        #[arg(long)]
        smoke: bool,
        /// Go on with the loans of the last demo instead of empty books
        #[arg(long, conflicts_with = "smoke")]
        keep: bool,
        /// Where the shop should listen; another free port is taken where this one is not
        #[arg(long, default_value_t = 3000)]
        port: u16,
    },
    /// Set up, then prove everything; the last line counts what passed, failed and was skipped
    Test {
        /// Run this stage only
        #[arg(long)]
        stage: Option<String>,
        /// List the stages
        #[arg(long)]
        list: bool,
        /// Print everything the stages print
        #[arg(long)]
        verbose: bool,
    },
    /// Build the npm package
    Package,
    /// Print the size of the wasm, and fail when it passes its budget
    Size,
    /// Measure
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Prove at length what `test` proves in slices
    Verify {
        #[command(subcommand)]
        what: Verify,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// One whole decision: validate, tables, score, limit, four quotes with their rates
    Decide,
    /// One quote by method and length, native and in Node.js, beside other libraries
    Money,
    /// One row through boosted trees, native and in Node.js, beside LightGBM, XGBoost, tl2cgen and onnxruntime-web
    Score,
    /// Acknowledged repayments a second on SQLite and PostgreSQL, beside pgbench on the same cluster
    Server,
    /// Training on public data, against optbinning with scikit-learn, LightGBM and XGBoost
    Train {
        /// Folder with credit_data.csv and taiwan_credit_default.csv, which the repository does not hold
        #[arg(long)]
        data: Option<std::path::PathBuf>,
    },
}

#[derive(Subcommand)]
enum Verify {
    /// The credit mathematics: schedules, accounts, rates, and native and wasm byte for byte
    Money,
    /// Model files in and out, against the libraries that make and read them
    Models,
    /// The ledger: random lives of loans against a model of their own, event by event
    Ledger,
    /// Scoring on Spark, partition by partition, against one run
    Batch,
    /// The server under a storm of repeated requests, and killed under load, on SQLite and PostgreSQL
    Server,
    /// The server's core in a simulation in which everything fails by a seed
    Simulation,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        // What failed has been said.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well; an error is something still to be said.
fn run(cli: Cli) -> Result<bool> {
    process::catch_signals()?;
    let root = &paths::root();
    match cli.task {
        None => Cli::command().print_help()?,
        Some(Task::Setup { dry_run }) => set_up(root, dry_run)?,
        Some(Task::Demo { smoke, keep, port }) => demo::demo(root, &demo::Wanted { smoke, keep, port })?,
        Some(Task::Test { list: true, .. }) => test::list(),
        Some(Task::Test { stage, verbose, .. }) => return test::test(root, &test::Wanted { stage, verbose }),
        Some(Task::Package) => {
            set_up_for_building(root)?;
            println!("{}", package::package(root)?.display());
        }
        Some(Task::Size) => {
            set_up_for_building(root)?;
            size::size(root)?;
        }
        Some(Task::Bench { what: Bench::Decide }) => {
            set_up_for_building(root)?;
            bench::decide(root)?;
        }
        Some(Task::Verify { what: Verify::Models }) => return verify_models::models(root),
        Some(Task::Verify { what: Verify::Ledger }) => return verify::ledger(root),
        Some(Task::Verify { what: Verify::Batch }) => return verify_batch::batch(root),
        Some(Task::Verify { what: Verify::Server }) => return verify::server(root),
        Some(Task::Verify { what: Verify::Simulation }) => return verify::simulation(root),
        Some(Task::Bench { what: Bench::Money }) => {
            set_up_for_building(root)?;
            bench::money(root)?;
        }
        Some(Task::Verify { what: Verify::Money }) => {
            set_up_for_building(root)?;
            return verify::money(root);
        }
        Some(Task::Bench { what: Bench::Score }) => {
            set_up_for_building(root)?;
            bench_score::score(root)?;
        }
        Some(Task::Bench { what: Bench::Server }) => bench_server::server(root)?,
        Some(Task::Bench { what: Bench::Train { data } }) => bench_train::train(root, data.as_deref())?,
    }
    Ok(true)
}

fn set_up(root: &Path, dry_run: bool) -> Result<()> {
    let mode = if dry_run { setup::Mode::DryRun } else { setup::Mode::Install };
    let missing = setup::setup(root, setup::For::Everything, mode)?;
    if !missing.is_empty() && !dry_run {
        bail!("not everything could be set up: {}", missing.join(", "));
    }
    Ok(())
}

/// What is missing is named; the task itself says whether it can go on without.
fn set_up_for_building(root: &Path) -> Result<()> {
    setup::setup(root, setup::For::Demo, setup::Mode::Install).map(drop)
}
