//! `prequal score`: rows of a CSV file to points and probabilities.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read, Write},
    path::PathBuf,
};

use anyhow::{Context, bail};
use prequal_core::score::{CompiledScorecard, FeatureKind, Scored, Value};
use prequal_models::{Kind, ReadOptions, Scorer, model_file::Body};
use prequal_train::frame::parse_number;

use crate::trees::{self, Columns};

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
    /// Up to four reason codes of a scorecard and the points that each stands for
    #[arg(long)]
    reasons: bool,
    /// The class whose probability a classifier gives, where that is not `1` or `true`
    #[arg(long, value_name = "CLASS")]
    event: Option<String>,
}

/// A model that is ready to score.
enum Model {
    Scorecard(CompiledScorecard),
    Trees(Box<Scorer>),
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let mut model = read_model(args)?;
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
    let columns = Columns { leaves: args.leaves, reasons: args.reasons };
    let scored = match &mut model {
        Model::Scorecard(card) => score_rows(card, reader, &args.missing, args.reasons, &mut rows),
        Model::Trees(scorer) => trees::score_rows(scorer, reader, &args.missing, columns, &mut rows),
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
    match &imported.model.body {
        Body::Scorecard(card) => {
            let card = card.check().with_context(|| format!("cannot use `{}`", args.model.display()))?;
            Ok(Model::Scorecard(card))
        }
        Body::Trees(_) if args.format == Format::Scorecard => {
            bail!("`{}` is no scorecard of ours", args.model.display())
        }
        Body::Trees(_) => Ok(Model::Trees(Box::new(Scorer::new(&imported.model)?))),
    }
}

/// Scores row by row.
fn score_rows(
    model: &CompiledScorecard,
    reader: impl Read,
    missing: &[String],
    reasons: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let headers = reader.headers().context("the header cannot be read")?.clone();
    let columns = find_columns(model, &headers)?;
    let mut writer = csv::Writer::from_writer(out);
    let mut header: Vec<String> = ["margin", "margin_bits", "points", "probability"].map(str::to_owned).into();
    if reasons {
        header.extend(trees::reason_header());
    }
    if closed(writer.write_record(&header))? {
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
        let mut cells = vec![margin, String::new(), points.to_string(), probability];
        if reasons {
            let list = model.reasons(&scored).into_iter();
            trees::push_reasons(
                &mut cells,
                list.map(|reason| (reason.code.to_owned(), reason.points_below_best.to_string())),
            );
        }
        if closed(writer.write_record(&cells))? {
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
