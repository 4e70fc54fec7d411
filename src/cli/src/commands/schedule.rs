//! `prequal schedule`: terms → instalments.

use std::path::PathBuf;

use prequal_core::credit::{Terms, schedule};

use crate::io::{parse_json, print_json, read_input};

#[derive(clap::Args)]
pub struct Args {
    /// Terms as JSON; standard input where left out or `-`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let terms: Terms = parse_json(&read_input(args.input.as_deref())?)?;
    print_json(&schedule(&terms)?)
}
