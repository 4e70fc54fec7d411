//! `prequal monitor`: has the population moved, has the score, does the model still part goods from bads?

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use prequal_train::monitor::{self, Level, Limits, MonitorOptions, Outcome};

use crate::io::write_output;

/// What makes the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Anything past a limit
    Warning,
    /// What is past the limit of an alert
    Alert,
}

#[derive(clap::Args)]
pub struct Args {
    /// CSV file to compare with: as a rule the rows that the model was fitted to
    #[arg(long, value_name = "FILE")]
    reference: PathBuf,
    /// CSV file of the rows to watch
    #[arg(long, value_name = "FILE")]
    current: PathBuf,
    /// Model file: a scorecard, or trees of whichever library
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Folder for monitor.json and monitor.html; other files in it stay
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Column of the outcome; a row whose cell is empty has not matured
    #[arg(long, value_name = "COL", requires = "bad")]
    target: Option<String>,
    /// Value of the outcome that counts as bad
    #[arg(long, value_name = "VALUE", requires = "target")]
    bad: Option<String>,
    /// Column that tells when a current row was: dates are taken by month
    #[arg(long, value_name = "COL")]
    time_col: Option<String>,
    /// Cells that mean missing, besides the empty one
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    missing: Vec<String>,
    /// Limits of the score's stability index: for a warning, for an alert
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    psi: Vec<f64>,
    /// Limits of a feature's stability index
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    csi: Vec<f64>,
    /// Limits of the shift of the mean score, in standard deviations
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    shift: Vec<f64>,
    /// Limits of the AUC lost
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    auc_loss: Vec<f64>,
    /// Limits of the observed over the predicted bad rate, either way
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    rate_ratio: Vec<f64>,
    /// End with exit code 1 when something is found; the files are written all the same
    #[arg(long, value_enum)]
    fail_on: Option<FailOn>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read `{}`", path.display()));
    let (reference, current) = (read(&args.reference)?, read(&args.current)?);
    let model = crate::trees::read_file(&args.model)?;
    let found = monitor::monitor(&reference, &current, &model, options(args)?).context("cannot monitor")?;
    monitor::write(&found, &args.out)?;
    let count = |level: Level| found.findings.iter().filter(|finding| finding.level == level).count();
    let files: Vec<String> = monitor::FILES.iter().map(|name| args.out.join(name).display().to_string()).collect();
    let summary = serde_json::json!({
        "psi": found.score.psi,
        "alerts": count(Level::Alert),
        "warnings": count(Level::Warning),
        "findings": found.findings,
        "files": files,
    });
    write_output(&summary.to_string())?;
    match args.fail_on {
        Some(FailOn::Warning) if !found.findings.is_empty() => bail!("{} findings", found.findings.len()),
        Some(FailOn::Alert) if count(Level::Alert) > 0 => bail!("{} alerts", count(Level::Alert)),
        _ => Ok(()),
    }
}

fn options(args: &Args) -> anyhow::Result<MonitorOptions> {
    let defaults = Limits::default();
    let pair = |name: &str, given: &[f64], default: [f64; 2]| match given {
        [] => Ok(default),
        [warning, alert] if *warning >= 0.0 && warning <= alert => Ok([*warning, *alert]),
        _ => bail!("`--{name}` takes two limits, the one for a warning first: `0.1,0.25`"),
    };
    Ok(MonitorOptions {
        target: args.target.clone().zip(args.bad.clone()).map(|(column, bad)| Outcome { column, bad }),
        time_column: args.time_col.clone(),
        missing: args.missing.clone(),
        limits: Limits {
            psi: pair("psi", &args.psi, defaults.psi)?,
            csi: pair("csi", &args.csi, defaults.csi)?,
            shift: pair("shift", &args.shift, defaults.shift)?,
            auc_loss: pair("auc-loss", &args.auc_loss, defaults.auc_loss)?,
            rate_ratio: pair("rate-ratio", &args.rate_ratio, defaults.rate_ratio)?,
        },
    })
}
