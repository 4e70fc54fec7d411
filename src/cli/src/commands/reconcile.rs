//! `prequal reconcile`: a funder's own file against the servicer's, to the breaks by loan and amount.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use prequal_server::funding::reconciliation::compare;

use crate::io::print_json;

#[derive(clap::Args)]
pub struct Args {
    /// The servicer's file, as `GET /v1/funders/{id}/reconciliation` gives it
    #[arg(long, value_name = "FILE")]
    ours: PathBuf,
    /// The funder's file, of the same columns
    #[arg(long, value_name = "FILE")]
    theirs: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()));
    print_json(&compare(&read(&args.ours)?, &read(&args.theirs)?).map_err(|error| anyhow!(error))?)
}
