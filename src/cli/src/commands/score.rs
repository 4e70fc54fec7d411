//! `prequal score`: rows of a table to points and probabilities.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, bail};
use prequal_batch::{
    BatchError, Extras, Input, InputFormat, Model, Output, OutputFormat, Progress, Run, Task, is_decoding,
    run::THREADS_MAX,
};
use prequal_core::canonical;
use prequal_models::{Kind, ReadOptions, model_file::Body};

use crate::trees;

/// Formats of model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// By the file itself
    Auto,
    /// Prequal's own model file: a scorecard, or trees that were imported
    Prequal,
    /// Prequal's own model file, which must be a scorecard
    Scorecard,
    /// XGBoost's own model file, JSON or UBJSON
    Xgboost,
    /// LightGBM's own model file, text
    Lightgbm,
    /// CatBoost's own model file, JSON
    Catboost,
    /// ONNX with one ensemble of trees
    Onnx,
    /// PMML with a scorecard, a tree or an ensemble of trees
    Pmml,
    /// InterpretML's explainable boosting machine, JSON
    Ebm,
}

/// Forms of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// By the first bytes
    Auto,
    /// CSV with a header
    Csv,
    /// A Parquet file
    Parquet,
    /// A stream of Arrow (IPC), as engines pipe their partitions
    Arrow,
}

/// Forms of the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// CSV with a header
    Csv,
    /// A stream of Arrow (IPC)
    Arrow,
    /// A Parquet file
    Parquet,
}

#[derive(clap::Args)]
pub struct Args {
    /// Model file
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Format of the model file
    #[arg(long, value_enum, default_value = "auto")]
    format: Format,
    /// Table with a column for each feature; standard input where absent or `-`
    #[arg(long, value_name = "ROWS")]
    input: Option<PathBuf>,
    /// Form of the table
    #[arg(long, value_enum, default_value = "auto")]
    input_format: From,
    /// File for the scores, which gets its name when it is whole; standard output where absent or `-`
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Form of the scores; by the ending of the output's name where absent, else CSV
    #[arg(long, value_enum)]
    output_format: Option<To>,
    /// Columns of the table that the output begins with, such as an identifier
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    keep: Vec<String>,
    /// Go on where a run with the same model, input and options was stopped
    #[arg(long)]
    resume: bool,
    /// Least seconds between two points from which --resume can go on
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u16))]
    checkpoint: u16,
    /// Threads that score; as many as there are processors where absent
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX as i64))]
    threads: Option<u16>,
    /// Tell the progress on standard error also where that is no terminal
    #[arg(long)]
    progress: bool,
    /// Cells that mean missing, besides the empty one
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    missing: Vec<String>,
    /// One column for each tree, with the leaf it ended in; a scorecard has none
    #[arg(long)]
    leaves: bool,
    /// Up to four reason codes of a scorecard and the points that each stands for
    #[arg(long)]
    reasons: bool,
    /// The class whose probability a classifier gives, where that is not `1` or `true`
    #[arg(long, value_name = "CLASS")]
    event: Option<String>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let (model, model_hash) = read_model(args)?;
    if args.leaves && model.is_scorecard() {
        bail!("`--leaves` asks for the leaves of trees, and `{}` is a scorecard", args.model.display());
    }
    let file = |path: &Option<PathBuf>| path.clone().filter(|path| path.as_os_str() != "-");
    let input = file(&args.input).map_or(Input::Standard, Input::File);
    let output = file(&args.output).map_or(Output::Standard, Output::File);
    let name = match &input {
        Input::Standard => "standard input".to_owned(),
        Input::File(path) => path.display().to_string(),
    };
    let task = Task {
        model,
        model_hash,
        extras: Extras { leaves: args.leaves, reasons: args.reasons },
        keep: args.keep.clone(),
        missing: args.missing.clone(),
        input,
        input_format: match args.input_format {
            From::Auto => InputFormat::Auto,
            From::Csv => InputFormat::Csv,
            From::Parquet => InputFormat::Parquet,
            From::Arrow => InputFormat::Arrow,
        },
        output_format: output_format(args, &output),
        output,
        threads: args.threads.map(usize::from),
        resume: args.resume,
        checkpoint_every: Duration::from_secs(args.checkpoint.into()),
    };
    keep_decoders_quiet();
    match score(args, task) {
        // Whoever reads the output has gone, which ends the work and is no error.
        Err(BatchError::Closed) => Ok(()),
        other => other.with_context(|| format!("cannot score `{name}`")),
    }
}

fn score(args: &Args, task: Task) -> Result<(), BatchError> {
    let run = Run::open(task)?;
    for warning in &run.warnings {
        eprintln!("prequal: warning: {warning}");
    }
    let mut told = Told { terminal: std::io::stderr().is_terminal(), wanted: args.progress, shown: false };
    if run.rows_before() > 0 {
        told.line(&format!("going on after {} rows", run.rows_before()));
    }
    let finished = run.finish(&mut |progress| told.progress(&progress));
    told.end();
    finished.map(drop)
}

/// By what is asked for, else by the ending of the file's name.
fn output_format(args: &Args, output: &Output) -> OutputFormat {
    match (args.output_format, output) {
        (Some(To::Csv), _) => OutputFormat::Csv,
        (Some(To::Arrow), _) => OutputFormat::Arrow,
        (Some(To::Parquet), _) => OutputFormat::Parquet,
        (None, Output::File(path)) => match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => OutputFormat::Parquet,
            Some("arrow" | "arrows") => OutputFormat::Arrow,
            _ => OutputFormat::Csv,
        },
        (None, Output::Standard) => OutputFormat::Csv,
    }
}

/// A decoder that trips over a damaged file has an error of ours to show for it, and needs no lines of its own.
fn keep_decoders_quiet() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_decoding() {
            before(panic);
        }
    }));
}

/// Tells on standard error how far the work is: on one line of a terminal, else, if wanted, on one line each.
struct Told {
    terminal: bool,
    wanted: bool,
    shown: bool,
}

impl Told {
    fn progress(&mut self, progress: &Progress) {
        let seconds = progress.elapsed.as_secs_f64();
        let rate = progress.rows_now as f64 / seconds.max(1e-9);
        let share = progress.share.map_or_else(String::new, |share| format!(", {:.0} %", share * 100.0));
        self.line(&format!("{} rows{share}, {rate:.0} rows/s, {seconds:.0} s", progress.rows));
    }

    fn line(&mut self, text: &str) {
        // To a program, standard error says what went wrong and nothing else, unless it asks.
        let mut out = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        let _ = match (self.terminal, self.wanted) {
            (true, _) => write!(out, "\r\x1b[K{text}").and_then(|()| out.flush()),
            (false, true) => writeln!(out, "{text}"),
            (false, false) => Ok(()),
        };
        self.shown = self.terminal;
    }

    fn end(&self) {
        if self.shown {
            let _ = writeln!(std::io::stderr().lock());
        }
    }
}

/// The model and the hash of its file.
fn read_model(args: &Args) -> anyhow::Result<(Model, String)> {
    let bytes = trees::read_file(&args.model)?;
    let kind = match args.format {
        Format::Auto => prequal_models::detect(&bytes).unwrap_or(Kind::Prequal),
        Format::Prequal | Format::Scorecard => Kind::Prequal,
        Format::Xgboost => Kind::Xgboost,
        Format::Lightgbm => Kind::Lightgbm,
        Format::Catboost => Kind::Catboost,
        Format::Onnx => Kind::Onnx,
        Format::Pmml => Kind::Pmml,
        Format::Ebm => Kind::Ebm,
    };
    let options = ReadOptions { event: args.event.clone(), ..ReadOptions::default() };
    let imported = trees::load(&args.model, &bytes, kind, &options).map_err(|error| {
        // Nothing told what the file is.
        if args.format == Format::Auto && prequal_models::detect(&bytes).is_none() {
            error.context(format!("`{}` is no model file that this version reads", args.model.display()))
        } else {
            error
        }
    })?;
    if args.format == Format::Scorecard && !matches!(imported.model.body, Body::Scorecard(_)) {
        bail!("`{}` is no scorecard of ours", args.model.display());
    }
    let model = Model::new(&imported.model).with_context(|| format!("cannot use `{}`", args.model.display()))?;
    Ok((model, canonical::sha256_hex(&bytes)))
}
