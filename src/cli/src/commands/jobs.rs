//! `prequal jobs`: the day's jobs, listed, run for a date, and how they went.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use prequal_core::calendar::Date;
use prequal_server::{
    jobs::{JOBS, scheduler},
    operation, serve,
};

use crate::io::write_output;

/// How many runs of a job are shown.
const RUNS_MAX: i64 = 7;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Every job and what it does, in the order in which a day's are run
    List,
    /// Run a job for a business date, whether it was run before or not: each has its effect once
    Run {
        /// The job's name; see `list`
        name: String,
        /// The business date, YYYY-MM-DD; not after today's
        #[arg(long)]
        date: String,
        /// Run it on a copy of the database, and say what it would change; SQLite only
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        place: Place,
    },
    /// How the newest runs of every job went
    Status {
        #[command(flatten)]
        place: Place,
    },
}

/// Which server.
#[derive(clap::Args)]
struct Place {
    /// The server's configuration
    #[arg(long, value_name = "FILE", default_value = "prequal.toml")]
    config: PathBuf,
    /// The server is a sandbox, whose clock was set
    #[arg(long)]
    sandbox: bool,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let error = |message: String| anyhow!(message);
    match &args.command {
        Command::List => {
            let width = JOBS.iter().map(|job| job.name.len()).max().unwrap_or(0);
            let lines: Vec<String> = JOBS.iter().map(|job| format!("{:width$}  {}", job.name, job.about)).collect();
            write_output(&lines.join("\n"))
        }
        Command::Run { name, date, dry_run, place } => {
            let Ok(day) = Date::parse(date) else { bail!("`{date}` is not a date YYYY-MM-DD") };
            serve::log_to_stderr().map_err(error)?;
            let mut config = prequal_server::config::Config::read(&place.config).map_err(error)?;
            let changed = serve::block_on(operation::run_job(&mut config, place.sandbox, name, day, *dry_run));
            let changed = changed.map_err(error).context("jobs")?;
            let words = if *dry_run { "would change" } else { "changed" };
            write_output(&format!("{name} {day}: {words} {changed}"))
        }
        Command::Status { place } => {
            let config = prequal_server::config::Config::read(&place.config).map_err(error)?;
            let overview = serve::block_on(operation::job_status(&config, place.sandbox, RUNS_MAX)).map_err(error)?;
            write_output(&table(&overview))
        }
    }
}

fn table(overview: &[scheduler::Overview]) -> String {
    let mut lines = vec!["job                     date        status   attempts  changed  finished".to_owned()];
    for scheduler::Overview { job, runs } in overview {
        if runs.is_empty() {
            lines.push(format!("{:<22}  never run", job.name));
        }
        for run in runs {
            let finished = run.finished.as_deref().unwrap_or("-");
            let error = run.error.as_ref().map_or_else(String::new, |error| format!("  {error}"));
            lines.push(format!(
                "{:<22}  {}  {:<7}  {:>8}  {:>7}  {finished}{error}",
                job.name, run.date, run.status, run.attempts, run.changed
            ));
        }
    }
    lines.join("\n")
}
