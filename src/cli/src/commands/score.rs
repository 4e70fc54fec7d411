//! `prequal score`: rows of a CSV file to points and probabilities.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read, Write},
    path::PathBuf,
};

use anyhow::{Context, bail};
use prequal_core::score::{
    CompiledScorecard, FeatureKind, ScoreError, Scorecard, Scored, Value,
    trees::{CompiledTrees, TreeFeature},
};
use prequal_models::Kind;
use prequal_train::frame::parse_number;

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
    /// Not read yet
    Pmml,
    /// Not read yet
    Ebm,
}

#[derive(clap::Args)]
pub struct Args {
    /// Model file
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Format of the model file
    #[arg(long, value_enum, default_value = "auto")]
    format: Format,
    /// CSV file with a column for each feature; standard input where absent or `-`
    #[arg(long, value_name = "ROWS.csv")]
    input: Option<PathBuf>,
    /// Cells that mean missing, besides the empty one
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    missing: Vec<String>,
    /// One column for each tree, with the leaf it ended in; a scorecard has none
    #[arg(long)]
    leaves: bool,
}

/// A model that is ready to score.
enum Model {
    Scorecard(CompiledScorecard),
    Trees(Vec<TreeFeature>, CompiledTrees),
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let model = read_model(args)?;
    if args.leaves && matches!(model, Model::Scorecard(_)) {
        bail!("`--leaves` asks for the leaves of trees, and `{}` is a scorecard", args.model.display());
    }
    let (reader, name): (Box<dyn Read>, String) = match &args.input {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
            (Box::new(BufReader::new(file)), path.display().to_string())
        }
        _ => (Box::new(std::io::stdin().lock()), "standard input".to_owned()),
    };
    // All or nothing: a pipeline must not take the rows before a bad one for the whole file.
    let mut rows = Vec::new();
    let scored = match &model {
        Model::Scorecard(card) => score_rows(card, reader, &args.missing, &mut rows),
        Model::Trees(features, trees) => {
            trees::score_rows(features, trees, reader, &args.missing, args.leaves, &mut rows)
        }
    };
    scored.with_context(|| format!("cannot score `{name}`"))?;
    let mut out = std::io::stdout().lock();
    match out.write_all(&rows).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

fn read_model(args: &Args) -> anyhow::Result<Model> {
    let bytes = trees::read_file(&args.model)?;
    let kind = match args.format {
        Format::Auto => prequal_models::detect(&bytes),
        Format::Prequal => prequal_models::detect(&bytes).filter(|kind| *kind == Kind::Trees),
        Format::Scorecard => None,
        Format::Xgboost => Some(Kind::Xgboost),
        Format::Lightgbm => Some(Kind::Lightgbm),
        Format::Catboost => Some(Kind::Catboost),
        Format::Onnx => Some(Kind::Onnx),
        Format::Pmml => return unread("pmml"),
        Format::Ebm => return unread("ebm"),
    };
    if let Some(kind) = kind {
        let (imported, trees) = trees::load(&args.model, &bytes, kind)?;
        return Ok(Model::Trees(imported.model.features, trees));
    }
    let text = String::from_utf8(bytes).with_context(|| format!("`{}` is not UTF-8 text", args.model.display()))?;
    let model = Scorecard::parse(&text).and_then(|scorecard| scorecard.check());
    model.map(Model::Scorecard).map_err(|error| match (&error, args.format) {
        (ScoreError::Syntax(_), Format::Auto) => anyhow::Error::new(error)
            .context(format!("`{}` is no model file that this version reads", args.model.display())),
        _ => anyhow::Error::new(error).context(format!("cannot use `{}`", args.model.display())),
    })
}

fn unread(format: &str) -> anyhow::Result<Model> {
    bail!(
        "models of format `{format}` are not read yet; `prequal`, `scorecard`, `xgboost`, `lightgbm`, `catboost` and `onnx` are"
    )
}

/// Scores row by row.
fn score_rows(
    model: &CompiledScorecard,
    reader: impl Read,
    missing: &[String],
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let headers = reader.headers().context("the header cannot be read")?.clone();
    let columns = find_columns(model, &headers)?;
    let mut writer = csv::Writer::from_writer(out);
    if closed(writer.write_record(["margin", "margin_bits", "points", "probability"]))? {
        return Ok(());
    }
    let mut record = csv::StringRecord::new();
    let mut scored = Scored::default();
    while reader.read_record(&mut record).context("a row cannot be read")? {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != headers.len() {
            bail!("line {line} has {} cells, and the header has {}", record.len(), headers.len());
        }
        let values = row_values(model, &columns, &record, missing).with_context(|| format!("line {line}"))?;
        model.score_into(&values, &[], &mut scored).with_context(|| format!("line {line}"))?;
        let (points, scaling) = (scored.points, model.scaling());
        let margin = scaling.log_odds_of_bad(points).to_string();
        let probability = scaling.probability(points).to_string();
        // A scorecard's score is its points: there are no bits of a margin to compare.
        if closed(writer.write_record([margin.as_str(), "", &points.to_string(), &probability]))? {
            return Ok(());
        }
    }
    writer.flush().or_else(|error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
    Ok(())
}

/// Whether whoever reads standard output has gone, which ends the work and is no error.
fn closed(written: Result<(), csv::Error>) -> anyhow::Result<bool> {
    match written {
        Ok(()) => Ok(false),
        Err(error) => match error.kind() {
            csv::ErrorKind::Io(io) if io.kind() == ErrorKind::BrokenPipe => Ok(true),
            _ => Err(error).context("cannot write to standard output"),
        },
    }
}

/// For each feature the position of its column. Warns of columns that the model does not know.
fn find_columns(model: &CompiledScorecard, headers: &csv::StringRecord) -> anyhow::Result<Vec<usize>> {
    if headers.is_empty() {
        bail!("it is empty");
    }
    let mut unknown = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        if headers.iter().take(index).any(|other| other == header) {
            bail!("the header `{header}` is there twice");
        }
        if model.feature_index(header).is_none() {
            unknown.push(format!("`{header}`"));
        }
    }
    let mut columns = Vec::with_capacity(model.features().len());
    let mut absent = Vec::new();
    for feature in model.features() {
        match headers.iter().position(|header| header == feature.name()) {
            Some(position) => columns.push(position),
            None => absent.push(format!("`{}`", feature.name())),
        }
    }
    if !absent.is_empty() {
        bail!("the model needs columns that are not there: {}", absent.join(", "));
    }
    if !unknown.is_empty() {
        eprintln!("prequal: warning: columns that the model does not use are ignored: {}", unknown.join(", "));
    }
    Ok(columns)
}

fn row_values<'a>(
    model: &CompiledScorecard,
    columns: &[usize],
    record: &'a csv::StringRecord,
    missing: &[String],
) -> anyhow::Result<Vec<Value<'a>>> {
    let mut values = Vec::with_capacity(columns.len());
    for (feature, column) in model.features().iter().zip(columns) {
        let cell = record.get(*column).unwrap_or_default();
        if cell.trim().is_empty() || missing.iter().any(|word| word == cell) {
            values.push(Value::Empty);
            continue;
        }
        values.push(match feature.kind() {
            FeatureKind::Category => Value::Category(cell),
            FeatureKind::Number => match parse_number(cell) {
                Some(number) => Value::Number(number),
                None => bail!("`{cell}` in column `{}` is not a number", feature.name()),
            },
        });
    }
    Ok(values)
}
