//! `cargo xtask`: the project's own tasks. `cargo xtask` alone lists them.

mod paths;
mod process;
mod setup;

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
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    process::catch_signals()?;
    let root = paths::root();
    match cli.task {
        None => Ok(Cli::command().print_help()?),
        Some(Task::Setup { dry_run }) => {
            let mode = if dry_run { setup::Mode::DryRun } else { setup::Mode::Install };
            let missing = setup::setup(&root, setup::For::Everything, mode)?;
            if !missing.is_empty() && !dry_run {
                bail!("not everything could be set up: {}", missing.join(", "));
            }
            Ok(())
        }
    }
}
