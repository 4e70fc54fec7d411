//! `prequal`: the one command-line program. JSON in on standard input or `--input FILE`, JSON out on
//! standard output; an error is one readable line on standard error and exit code 1 (2 for wrong usage).

mod commands;
mod io;
mod trees;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "prequal", version, about = "Credit decisions at the moment of buying")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Terms to instalments
    Schedule(commands::schedule::Args),
    /// Cash flows to the annual percentage rate
    Apr(commands::apr::Args),
    /// Terms, events and a date to the amount that settles, in parts
    Payoff(commands::payoff::Args),
    /// Terms and legal ceilings to what each ceiling says, and the highest price that would pass
    Caps(commands::caps::Args),
    /// Terms to the amounts that a law wants disclosed: the box of the United States, the European standard
    /// information, the Chinese cost table
    Disclose(commands::disclose::Args),
    /// Score the rows of a table with a model: CSV, Parquet or a stream of Arrow, of any length
    Score(commands::score::Args),
    /// Fit a points scorecard, and boosted trees beside it, to a CSV or Parquet file
    Train(Box<commands::train::Args>),
    /// Watch a model in use: population, score, performance
    Monitor(commands::monitor::Args),
    /// Read another library's model file, and prove that it scores as the library does
    Import(commands::import::Args),
    /// Write a model as PMML, ONNX, SQL or Python, and compare it with the model over rows
    Export(commands::export::Args),
    /// Build, sign, verify, inspect and split bundles of policy
    Bundle(commands::bundle::Args),
    /// Decide one application
    Decide(commands::decide::Args),
    /// Make an Ed25519 key pair for one use
    Keygen(commands::keygen::Args),
    /// An exported ledger to what it proves: chains, folds, sums, days
    Replay(commands::replay::Args),
    /// A funder's own reconciliation file against the servicer's, to the breaks by loan and amount
    Reconcile(commands::reconcile::Args),
    /// See, correct or erase a person's data, and withdraw consents
    Persons(commands::persons::Args),
    /// The server's ledger: written out for replay, and its projections compared with the events
    Ledger(commands::ledger::Args),
    /// Run the lending server
    Serve(commands::serve::Args),
    /// The day's jobs: list them, run one for a date, see how they went
    Jobs(commands::jobs::Args),
    /// Write a verified backup of the lending database while the server runs
    Backup(commands::backup::Args),
    /// Bring a backup into the lending database
    Restore(commands::backup::RestoreArgs),
    /// Run the sandbox payment provider and bureau
    Sandbox(commands::sandbox::Args),
    /// Print a completion script for a shell
    Completions(commands::completions::Args),
    /// Write the manual pages of every command
    Man(commands::man::Args),
}

fn main() -> std::process::ExitCode {
    let result = match Cli::parse().command {
        Command::Schedule(args) => commands::schedule::run(&args),
        Command::Apr(args) => commands::apr::run(&args),
        Command::Payoff(args) => commands::payoff::run(&args),
        Command::Caps(args) => commands::caps::run(&args),
        Command::Disclose(args) => commands::disclose::run(&args),
        Command::Score(args) => commands::score::run(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Monitor(args) => commands::monitor::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Export(args) => commands::export::run(&args),
        Command::Bundle(args) => commands::bundle::run(&args),
        Command::Decide(args) => commands::decide::run(&args),
        Command::Keygen(args) => commands::keygen::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Reconcile(args) => commands::reconcile::run(&args),
        Command::Persons(args) => commands::persons::run(args),
        Command::Ledger(args) => commands::ledger::run(args),
        Command::Serve(args) => commands::serve::run(args),
        Command::Jobs(args) => commands::jobs::run(&args),
        Command::Backup(args) => commands::backup::run(&args),
        Command::Restore(args) => commands::backup::restore(&args),
        Command::Sandbox(args) => commands::sandbox::run(args),
        Command::Completions(args) => commands::completions::run::<Cli>(&args),
        Command::Man(args) => commands::man::run::<Cli>(&args),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prequal: {}", io::error_line(&error));
            std::process::ExitCode::FAILURE
        }
    }
}
