//! `prequal backup` and `prequal restore`

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use prequal_server::{backup, config::Config, serve};

use crate::io::write_output;

/// A backup of the lending database, made while the server runs, and verified. The data key is not in it.
#[derive(clap::Args)]
pub struct Args {
    /// The server's configuration
    #[arg(long, value_name = "FILE", default_value = "prequal.toml")]
    config: PathBuf,
    /// The new file to write: an SQLite database, or what `pg_dump --format=custom` makes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Bring a backup into the database that the configuration names. Stop every server on it first: one that still runs
/// is found, and nothing is changed then.
#[derive(clap::Args)]
pub struct RestoreArgs {
    /// The server's configuration
    #[arg(long, value_name = "FILE", default_value = "prequal.toml")]
    config: PathBuf,
    /// The backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Also where the database is not empty: SQLite's file is put aside, PostgreSQL's tables are dropped
    #[arg(long)]
    replace: bool,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let error = |message: String| anyhow!(message);
    let config = Config::read(&args.config).map_err(error)?;
    let verified = serve::block_on(backup::backup(&config.database, &args.out)).map_err(error).context("backup")?;
    write_output(&format!("`{}` is written; {verified}", args.out.display()))
}

pub fn restore(args: &RestoreArgs) -> anyhow::Result<()> {
    let error = |message: String| anyhow!(message);
    let config = Config::read(&args.config).map_err(error)?;
    let restored = backup::restore(&config.database, &args.from, args.replace);
    let verified = serve::block_on(restored).map_err(error).context("restore")?;
    write_output(&format!("`{}` is restored; {verified}", args.from.display()))
}
