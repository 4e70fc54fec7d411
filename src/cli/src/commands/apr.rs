//! `prequal apr`: cash flows → annual percentage rate.

use std::path::PathBuf;

use prequal_core::credit::{AprInput, apr};

use crate::io::{parse_json, print_json, read_input};

#[derive(clap::Args)]
pub struct Args {
    /// Cash flows as JSON; standard input where left out or `-`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let flows: AprInput = parse_json(&read_input(args.input.as_deref())?)?;
    print_json(&apr(&flows)?)
}
