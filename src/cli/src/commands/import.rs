//! `prequal import`: another library's model file to ours, checked against the library's own predictions.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use prequal_core::score::trees::{CompiledTrees, Float, TreeFeature, Width};
use prequal_models::{Imported, Kind, self_check};
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
    /// column `margin_bits` or `margin`
    #[arg(long, value_name = "FILE", requires = "check_rows")]
    check_margins: Option<PathBuf>,
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
    };
    let bytes = trees::read_file(&args.file)?;
    let (mut imported, trees) = trees::load(&args.file, &bytes, kind)?;
    refuse_blind_features(args, &trees)?;
    let checked = match (&args.check_rows, &args.check_margins) {
        (Some(rows), Some(margins)) => Some(check(&imported.model.features, &trees, rows, margins)?),
        _ => None,
    };
    imported.model.label.clone_from(&args.label);
    imported.model.hash.clear();
    imported.model.hash = imported.model.content_hash()?;
    imported.model.check()?;
    let text = imported.model.to_file()?;
    std::fs::write(&args.out, &text).with_context(|| format!("cannot write `{}`", args.out.display()))?;
    write_output(&summary(&imported, &trees, text.len(), checked).to_string())
}

/// A feature that may be missing must not be read as zero where it is, unless somebody says so by name.
fn refuse_blind_features(args: &Args, trees: &CompiledTrees) -> anyhow::Result<()> {
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

fn summary(imported: &Imported, trees: &CompiledTrees, bytes: usize, checked: Option<usize>) -> serde_json::Value {
    let model = &imported.model;
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
        "missing_is_zero": trees.missing_is_zero(),
        "notes": imported.notes,
        "rows_checked": checked,
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
    fn read(trees: &CompiledTrees, path: &Path) -> anyhow::Result<(Vec<Float>, Option<Leaves>)> {
        let text = read_input(Some(path))?;
        let about = || format!("cannot read the margins in `{}`", path.display());
        let (texts, bits, leaf) = if text.trim_start().starts_with('{') {
            let predictions: Self = serde_json::from_str(&text).with_context(about)?;
            (predictions.margin_bits, true, predictions.leaf)
        } else {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let header = reader.headers().with_context(about)?.clone();
            let find = |name: &str| header.iter().position(|column| column == name);
            let Some((at, bits)) = find("margin_bits").map(|at| (at, true)).or(find("margin").map(|at| (at, false)))
            else {
                bail!("`{}` has no column `margin_bits` or `margin`", path.display());
            };
            let cell = |row: csv::StringRecord| row.get(at).unwrap_or_default().to_owned();
            let texts = reader.records().map(|row| row.map(cell)).collect::<Result<_, _>>().with_context(about)?;
            (texts, bits, None)
        };
        let margin = |text: &String| {
            let (of_bits, of_decimal) = if bits { (Some(text.as_str()), None) } else { (None, Some(text.as_str())) };
            trees::parse_margin(trees, of_bits, of_decimal).with_context(|| {
                let width = if trees.width() == Width::F32 { 8 } else { 16 };
                if bits {
                    format!("`{text}` is not the bits of a margin, which are {width} hexadecimal digits here")
                } else {
                    format!("`{text}` is no margin")
                }
            })
        };
        Ok((texts.iter().map(margin).collect::<Result<_, _>>().with_context(about)?, leaf))
    }
}

/// Scores the rows and compares; the count of rows, or the first difference as an error.
fn check(features: &[TreeFeature], trees: &CompiledTrees, rows: &Path, margins: &Path) -> anyhow::Result<usize> {
    let (margins, leaves) = Predictions::read(trees, margins)?;
    let file = File::open(rows).with_context(|| format!("cannot open `{}`", rows.display()))?;
    let about = || format!("cannot score `{}`", rows.display());
    let mut reader = Rows::new(features, BufReader::new(file), &[]).with_context(about)?;
    let mut witnesses = Vec::with_capacity(margins.len());
    let mut expected = margins.into_iter();
    while let Some(values) = reader.next().with_context(about)? {
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
    match self_check::first_difference(trees, &witnesses)? {
        Some(difference) => bail!("the model does not score as its library does: {difference}"),
        None => Ok(witnesses.len()),
    }
}
