//! `prequal sandbox`

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use prequal_server::{
    sandbox::{self, config::Config},
    serve,
};

/// The sandbox payment provider and credit bureau, for demos and tests. Prints `listening on http://ADDRESS`
/// when it is ready.
#[derive(clap::Args)]
pub struct Args {
    /// The configuration, a TOML file
    #[arg(long, value_name = "FILE", default_value = "sandbox.toml")]
    config: PathBuf,
    /// Where to listen, port 0 for any free one [default: the configuration's, 127.0.0.1:8090]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// sqlite://FILE [default: the configuration's, sqlite://sandbox.db]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The German credit data as CSV, one person a row [default: the configuration's]
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

pub fn run(args: Args) -> anyhow::Result<()> {
    let error = |message: String| anyhow!(message);
    let mut config = Config::read(&args.config).map_err(error)?;
    config.listen = args.listen.unwrap_or(config.listen);
    config.database = args.database.unwrap_or(config.database);
    config.bureau.data = args.data.unwrap_or(config.bureau.data);
    serve::log_to_stderr().map_err(error)?;
    serve::block_on(sandbox::run(config)).map_err(error).context("sandbox")
}
