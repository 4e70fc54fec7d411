//! `prequal decide`: one application through a bundle.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use prequal_core::{
    bundle::{Bundle, Part},
    canonical,
    decide::{
        counterfactual::{Goal, counterfactual},
        decide_json, prequalify_json,
    },
    wire::parse,
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
    /// Also write the smallest changes that would alter the outcome, to a file of their own; the decision stays as it is
    #[arg(long, value_name = "OUT.json", conflicts_with = "prequalify")]
    counterfactual: Option<PathBuf>,
    /// Outcome that the counterfactual looks for
    #[arg(long, value_name = "GOAL", default_value = "better", requires = "counterfactual")]
    goal: GoalName,
}

/// As [`Goal`].
#[derive(Clone, Copy, clap::ValueEnum)]
enum GoalName {
    /// One better than the decision's
    Better,
    /// Eligible
    Eligible,
    /// Any other than the decision's, worse ones too
    Other,
}

impl From<GoalName> for Goal {
    fn from(name: GoalName) -> Self {
        match name {
            GoalName::Better => Self::Better,
            GoalName::Eligible => Self::Eligible,
            GoalName::Other => Self::Other,
        }
    }
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let bundle = bundle(args)?;
    if bundle.part() == Part::Public && !args.prequalify {
        bail!("`{}` is a public part, which can only prequalify; use `--prequalify`", args.bundle.display());
    }
    let input = read_input(args.input.as_deref())?;
    let answer = if args.prequalify { prequalify_json(&bundle, &input) } else { decide_json(&bundle, &input) };
    let text = match answer {
        Ok(text) => text,
        Err(error) => bail!("{}: {error}", error.code()),
    };
    if let Some(path) = &args.counterfactual {
        write_counterfactual(&bundle, &input, args.goal.into(), path)?;
    }
    write_output(&text)
}

fn write_counterfactual(bundle: &Bundle, input: &str, goal: Goal, path: &Path) -> anyhow::Result<()> {
    let found = match counterfactual(bundle, &parse(input)?, goal) {
        Ok(found) => found,
        Err(error) => bail!("{}: {error}", error.code()),
    };
    let mut text = canonical::to_string(&found)?;
    text.push('\n');
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
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
