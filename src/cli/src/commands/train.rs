//! `prequal train`: a CSV or Parquet file to a points scorecard with its report.

use std::{
    fs,
    io::{IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context;
use prequal_core::canonical::INTEGER_MAX;
use prequal_train::{
    Options,
    options::{self, FOLDS_MAX, RejectInference, TimeOptions, TreeOptions},
    output, scorer,
};

use crate::io::write_output;

/// How rows are dealt to folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FoldBy {
    /// Row i (from 0) is held out in fold i mod the count
    Index,
}

/// Kinds of cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Card {
    /// A: at the application; good or bad within 12 months
    Application,
    /// B: by the 6 months before; good or bad within 12 months
    Behaviour,
    /// C: by the 3 months before; good or bad within 3 months
    Collection,
}

/// Where monotone constraints of the trees come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Monotone {
    /// From the bins: a rising or falling bad rate is kept to
    ByTrend,
    /// Only --rising and --falling
    None,
}

/// What is made of rows without an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Rejects {
    /// They are an error
    None,
    /// Accepted rows stand for the rejected of their score
    Reweighting,
    /// Rejected rows become good or bad like the accepted of their score, with higher odds of bad
    Parcelling,
}

#[derive(clap::Args)]
pub struct Args {
    /// CSV file with a header in its first line, or Parquet file; an empty cell is missing
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
    /// Seed of the rows and columns that each tree sees; written into the model. The scorecard draws nothing at random
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=INTEGER_MAX as u64))]
    seed: u64,
    /// Folder for model.json, trees.json, scorecard.csv, metrics.json and report.html; other files in it stay
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
    /// Ridge penalty of the regression for each row; 0 for none
    #[arg(long)]
    ridge: Option<f64>,
    /// Most bins of a feature in the scorecard, missing not counted
    #[arg(long, value_name = "COUNT")]
    max_bins: Option<usize>,
    /// Least share of all rows in a bin
    #[arg(long, value_name = "SHARE")]
    min_share: Option<f64>,
    /// Bads, and goods, that a bin must be large enough to expect at the average risk
    #[arg(long, value_name = "COUNT")]
    min_bads: Option<u32>,
    /// Information value above which a feature is reported as a possible leak
    #[arg(long, value_name = "IV")]
    leak_iv: Option<f64>,
    /// Column that tells when a row was (dates in ISO 8601, or numbers): the latest rows are kept out of the fit
    #[arg(long, value_name = "COL")]
    time_col: Option<String>,
    /// Share of the rows that are kept out of the fit, the latest ones
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, requires = "time_col")]
    out_of_time: f64,
    /// Kind of card, with its observation and performance windows
    #[arg(long, value_enum)]
    card: Option<Card>,
    /// Last day that the data know of: rows whose performance window ends later are left out
    #[arg(long, value_name = "YYYY-MM-DD", requires_all = ["time_col", "card"])]
    as_of: Option<String>,
    /// Columns that are never inputs and only measure how groups of people fare
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    protected: Vec<String>,
    /// What is made of rows without an outcome, taken for rejected applicants
    #[arg(long, value_enum, default_value = "none")]
    reject_inference: Rejects,
    /// Odds of bad of the rejected over those of the accepted of their score, for parcelling
    #[arg(long, value_name = "FACTOR", default_value_t = 1.5)]
    reject_factor: f64,
    /// Model file that the scorecard is compared with on the same rows
    #[arg(long, value_name = "MODEL")]
    challenger: Option<PathBuf>,
    /// How many boosted trees are fitted beside the scorecard; 0 for none
    #[arg(long, value_name = "COUNT", default_value_t = TreeOptions::default().rounds)]
    trees: usize,
    /// Where monotone constraints of the trees come from
    #[arg(long, value_enum, default_value = "by-trend")]
    monotone: Monotone,
    /// Columns with whose values the trees' risk may only rise
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    rising: Vec<String>,
    /// Columns with whose values the trees' risk may only fall
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    falling: Vec<String>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let FoldBy::Index = args.fold_by;
    let bytes = fs::read(&args.data).with_context(|| format!("cannot read `{}`", args.data.display()))?;
    let mut progress = Progress::new();
    let trained = prequal_train::train(&bytes, options(args), &mut |stage| progress.stage(stage));
    progress.end();
    let about = || format!("cannot train on `{}`", args.data.display());
    let mut training = trained.with_context(about)?;
    if let Some(path) = &args.challenger {
        let about = || format!("cannot compare with `{}`", path.display());
        let model = scorer::Model::read(&crate::trees::read_file(path)?).with_context(about)?;
        let name = if model.label().is_empty() { path.display().to_string() } else { model.label().to_owned() };
        training.challenge(name, &model, &bytes).with_context(about)?;
    }
    for warning in &training.warnings {
        eprintln!("prequal: warning: {warning}");
    }
    let metrics = output::write(&training, &args.out)?;
    let trees = metrics.trees.is_some().then_some(output::TREES_FILE);
    let names = output::FILES.into_iter().chain(trees);
    let files: Vec<String> = names.map(|name| args.out.join(name).display().to_string()).collect();
    let mut summary = serde_json::json!({
        "rows": metrics.rows,
        "bads": metrics.bads,
        "features": training.scorecard.features.len(),
        "auc": metrics.scorecard.auc.mean,
        "ks": metrics.scorecard.ks.mean,
        "files": files,
    });
    if let Some(trees) = &metrics.trees {
        summary["trees"] = serde_json::json!({ "auc": trees.auc.mean, "ks": trees.ks.mean });
    }
    if let Some(later) = &metrics.out_of_time {
        summary["out_of_time"] = serde_json::json!({
            "from": later.from, "rows": later.rows, "auc": later.scorecard.auc, "ks": later.scorecard.ks,
        });
    }
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
    selection.leak_iv = args.leak_iv.unwrap_or(selection.leak_iv);
    later_options(args, &mut options);
    options
}

/// What goes beyond one scorecard on one moment's rows.
fn later_options(args: &Args, options: &mut Options) {
    options.card = args.card.map(|card| match card {
        Card::Application => options::Card::Application,
        Card::Behaviour => options::Card::Behaviour,
        Card::Collection => options::Card::Collection,
    });
    options.time = args.time_col.as_ref().map(|column| TimeOptions {
        column: column.clone(),
        share: args.out_of_time,
        as_of: args.as_of.clone(),
    });
    options.protected.clone_from(&args.protected);
    options.reject_inference = match args.reject_inference {
        Rejects::None => None,
        Rejects::Reweighting => Some(RejectInference::Reweighting),
        Rejects::Parcelling => Some(RejectInference::Parcelling { factor: args.reject_factor }),
    };
    options.trees = (args.trees > 0).then(|| TreeOptions {
        rounds: args.trees,
        monotone: match args.monotone {
            Monotone::ByTrend => options::Monotone::ByTrend,
            Monotone::None => options::Monotone::None,
        },
        rising: args.rising.clone(),
        falling: args.falling.clone(),
        ..TreeOptions::default()
    });
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
