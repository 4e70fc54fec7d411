//! `prequal payoff`: terms, events and a date → the amount that settles, in parts.

use std::path::PathBuf;

use prequal_core::credit::{PayoffInput, payoff};

use crate::io::{parse_json, print_json, read_input};

#[derive(clap::Args)]
pub struct Args {
    /// Terms, events and date as JSON; standard input where left out or `-`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let question: PayoffInput = parse_json(&read_input(args.input.as_deref())?)?;
    print_json(&payoff(&question)?)
}
