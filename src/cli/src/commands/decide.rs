//! `prequal decide`: one application through a bundle.

use std::path::PathBuf;

use anyhow::bail;
use prequal_core::{
    bundle::{Bundle, Part},
    decide::{decide_json, prequalify_json},
};

use super::bundle::{open, read, verified};
use crate::io::{read_input, write_output};

#[derive(clap::Args)]
pub struct Args {
    /// Bundle to decide by
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    /// Public key that must have signed the bundle; without it the signature is not judged
    #[arg(long, value_name = "PUBLIC.jwk")]
    key: Vec<PathBuf>,
    /// Input as JSON; standard input where absent
    #[arg(long, value_name = "INPUT.json")]
    input: Option<PathBuf>,
    /// Estimate only, as a browser does; the one thing that a public part can do
    #[arg(long)]
    prequalify: bool,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let bundle = bundle(args)?;
    if bundle.part() == Part::Public && !args.prequalify {
        bail!("`{}` is a public part, which can only prequalify; use `--prequalify`", args.bundle.display());
    }
    let input = read_input(args.input.as_deref())?;
    let answer = if args.prequalify { prequalify_json(&bundle, &input) } else { decide_json(&bundle, &input) };
    match answer {
        Ok(text) => write_output(&text),
        Err(error) => bail!("{}: {error}", error.code()),
    }
}

fn bundle(args: &Args) -> anyhow::Result<Bundle> {
    if !args.key.is_empty() {
        return Ok(verified(&args.bundle, &args.key)?.0);
    }
    let file = read(&args.bundle)?;
    let why =
        if file.kid.is_some() { "its signature was not verified: no `--key` was given" } else { "it is not signed" };
    eprintln!("prequal: warning: bundle `{}`: {why}", args.bundle.display());
    open(&args.bundle, &file.payload)
}
