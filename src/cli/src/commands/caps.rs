//! `prequal caps`: terms and legal ceilings → what each ceiling says.

use std::path::PathBuf;

use prequal_core::credit::caps::{CapsInput, judge_caps};

use crate::io::{parse_json, print_json, read_input};

#[derive(clap::Args)]
pub struct Args {
    /// Terms, caps and what being late costs as JSON; standard input where left out or `-`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let question: CapsInput = parse_json(&read_input(args.input.as_deref())?)?;
    print_json(&judge_caps(&question)?)
}
