//! `prequal disclose`: terms → the amounts that a law wants disclosed.

use std::path::PathBuf;

use prequal_core::credit::disclosure::{DisclosureInput, cn_cost_table, eu_information, us_box};

use crate::io::{parse_json, print_json, read_input};

#[derive(clap::Args)]
pub struct Args {
    /// Whose law
    #[arg(long)]
    law: Law,
    /// Terms, and what being late and paying early cost, as JSON; standard input where left out or `-`
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Law {
    /// The closed-end box of Regulation Z (12 CFR 1026.18)
    Us,
    /// The standard information of Directive (EU) 2023/2225
    Eu,
    /// The cost table of Chinese lending (综合融资成本)
    Cn,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let contract: DisclosureInput = parse_json(&read_input(args.input.as_deref())?)?;
    match args.law {
        Law::Us => print_json(&us_box(&contract)?),
        Law::Eu => print_json(&eu_information(&contract)?),
        Law::Cn => print_json(&cn_cost_table(&contract)?),
    }
}
