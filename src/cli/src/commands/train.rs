//! `prequal train`: a CSV file to a points scorecard with its report.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context;
use prequal_core::canonical::INTEGER_MAX;
use prequal_train::{Options, options::FOLDS_MAX, output};

use crate::io::write_output;

/// How rows are dealt to folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FoldBy {
    /// Row i (from 0) is held out in fold i mod the count
    Index,
}

#[derive(clap::Args)]
pub struct Args {
    /// CSV file with a header in its first line; an empty cell is missing
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Column to predict
    #[arg(long, value_name = "COL")]
    target: String,
    /// Value of the target that counts as bad
    #[arg(long, value_name = "VALUE")]
    bad: String,
    /// Columns that the model must never see
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Columns of numbers that are really names of categories
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    categories: Vec<String>,
    /// Cells that mean missing, besides the empty one
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    missing: Vec<String>,
    /// Parts for cross-validation; everything is fitted again for each
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(2..=FOLDS_MAX as i64))]
    folds: u16,
    /// How rows are dealt to folds
    #[arg(long, value_enum, default_value = "index")]
    fold_by: FoldBy,
    /// Number written into the model; fitting itself draws nothing at random
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=INTEGER_MAX as u64))]
    seed: u64,
    /// Folder for model.json, scorecard.csv, metrics.json and report.html; other files in it stay
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What a person is told the model is
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// What the model may be used for
    #[arg(long, value_name = "TEXT", default_value = "")]
    purpose: String,
    /// Points by which the odds of good to bad double
    #[arg(long, value_name = "POINTS", default_value_t = 20.0)]
    pdo: f64,
    /// Score at which the odds are --base-odds
    #[arg(long, value_name = "POINTS", default_value_t = 600, allow_negative_numbers = true)]
    base_score: i32,
    /// Odds of good to one bad at --base-score
    #[arg(long, value_name = "ODDS", default_value_t = 50.0)]
    base_odds: f64,
    /// Least information value of a feature
    #[arg(long, value_name = "IV")]
    min_iv: Option<f64>,
    /// Largest correlation between the weights of evidence of two features
    #[arg(long, value_name = "R")]
    max_correlation: Option<f64>,
    /// Ridge penalty of the regression
    #[arg(long)]
    ridge: Option<f64>,
    /// Most bins of a feature, missing not counted
    #[arg(long, value_name = "COUNT")]
    max_bins: Option<usize>,
    /// Least share of all rows in a bin
    #[arg(long, value_name = "SHARE")]
    min_share: Option<f64>,
    /// Fewest bads, and fewest goods, in a bin
    #[arg(long, value_name = "COUNT")]
    min_bads: Option<u32>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let FoldBy::Index = args.fold_by;
    let bytes = fs::read(&args.data).with_context(|| format!("cannot read `{}`", args.data.display()))?;
    let mut progress = Progress::new();
    let trained = prequal_train::train(&bytes, options(args), &mut |stage| progress.stage(stage));
    progress.end();
    let training = trained.with_context(|| format!("cannot train on `{}`", args.data.display()))?;
    let metrics = output::write(&training, &args.out)?;
    let files: Vec<String> = output::FILES.iter().map(|name| args.out.join(name).display().to_string()).collect();
    let summary = serde_json::json!({
        "rows": metrics.rows,
        "bads": metrics.bads,
        "features": training.scorecard.features.len(),
        "auc": metrics.auc.mean,
        "ks": metrics.ks.mean,
        "files": files,
    });
    write_output(&summary.to_string())
}

fn options(args: &Args) -> Options {
    let mut options = Options::new(&args.target, &args.bad);
    options.exclude.clone_from(&args.exclude);
    options.categories.clone_from(&args.categories);
    options.missing.clone_from(&args.missing);
    options.folds = usize::from(args.folds);
    options.seed = args.seed;
    options.label.clone_from(&args.label);
    options.purpose.clone_from(&args.purpose);
    options.points_to_double_odds = args.pdo;
    options.base_score = args.base_score;
    options.base_odds = args.base_odds;
    let (binning, selection) = (&mut options.binning, &mut options.selection);
    selection.iv_min = args.min_iv.unwrap_or(selection.iv_min);
    selection.correlation_max = args.max_correlation.unwrap_or(selection.correlation_max);
    selection.ridge = args.ridge.unwrap_or(selection.ridge);
    binning.bins_max = args.max_bins.unwrap_or(binning.bins_max);
    binning.share_min = args.min_share.unwrap_or(binning.share_min);
    binning.bads_min = args.min_bads.unwrap_or(binning.bads_min);
    options
}

/// Tells the stages on standard error: on one line of a terminal, else one line each.
struct Progress {
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    fn stage(&mut self, stage: &str) {
        // Only for a person who waits: to a program, standard error says what went wrong and nothing else.
        if self.terminal {
            let mut out = std::io::stderr().lock();
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(out, "\r\x1b[K{stage} …");
            let _ = out.flush();
        }
    }

    fn end(&mut self) {
        if self.terminal {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
