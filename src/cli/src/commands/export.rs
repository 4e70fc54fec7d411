//! `prequal export`: a model in a form that others read, checked against the model over rows.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use prequal_core::score::trees::{Float, Width};
use prequal_models::{
    Kind, ModelFile, ReadOptions, RowScore, Scorer,
    export::{self, Form},
    model_file::Body,
};
use serde_json::json;

use super::import::read_passport;
use crate::{
    io::write_output,
    trees::{self, Rows},
};

/// The form that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// PMML 4.4: a scorecard, or trees
    Pmml,
    /// ONNX: one ensemble of trees
    Onnx,
    /// One SQL query over the table `applications`
    Sql,
    /// A Python module without dependencies
    Python,
}

#[derive(clap::Args)]
pub struct Args {
    /// The form
    #[arg(long, value_enum)]
    to: To,
    /// Model file: ours, or a library's own
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where the form goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// CSV file with rows over which what was written is compared with the model; the file is not kept where it scores
    /// otherwise than it says. SQL and Python are run by `python3`
    #[arg(long, value_name = "ROWS.csv")]
    check: Option<PathBuf>,
    /// A passport in place of the one in the model file
    #[arg(long, value_name = "FILE")]
    passport: Option<PathBuf>,
}

/// What a form says of one row: the margin and the probability, each where it gives one.
type Said = (Option<f64>, Option<f64>);

pub fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = trees::read_file(&args.model)?;
    let kind = prequal_models::detect(&bytes).unwrap_or(Kind::Prequal);
    let mut model = trees::load(&args.model, &bytes, kind, &ReadOptions::default())?.model;
    if let Some(path) = &args.passport {
        model.passport = Some(read_passport(path)?);
    }
    let form = match args.to {
        To::Pmml => Form::Pmml,
        To::Onnx => Form::Onnx,
        To::Sql => Form::Sql,
        To::Python => Form::Python,
    };
    let exported = export::export(&model, form).with_context(|| format!("cannot export `{}`", args.model.display()))?;
    for note in &exported.notes {
        eprintln!("prequal: warning: {note}");
    }
    let checked = args.check.as_deref().map(|rows| check(&model, form, &exported.bytes, rows)).transpose()?;
    if let Some(checked) = &checked {
        checked.refuse_unless_as_promised(form)?;
    }
    std::fs::write(&args.out, &exported.bytes).with_context(|| format!("cannot write `{}`", args.out.display()))?;
    let summary = json!({
        "form": format!("{form:?}").to_lowercase(),
        "bytes": exported.bytes.len(),
        "passport": model.passport.is_some(),
        "notes": exported.notes,
        "check": checked.as_ref().map(Comparison::summary),
    });
    write_output(&summary.to_string())
}

/// How the rows of a form compare with the model's.
#[derive(Debug, Default)]
struct Comparison {
    rows: usize,
    /// Rows whose margin has the model's bits.
    same_bits: usize,
    largest_difference: f64,
    largest_probability_difference: f64,
    /// Whether the model sums in single precision.
    single: bool,
    /// The first row that differs by more than rounding explains.
    wrong: Option<(usize, f64, f64)>,
    /// Where the form reads its inputs in single precision.
    narrowing: Option<Narrowing>,
}

/// What becomes of the model's own scores where its inputs are narrowed to single precision before it sees them, because a
/// value then lies on the other side of a threshold. No fault of what was written, and nothing a reader may miss.
#[derive(Debug, Default)]
struct Narrowing {
    /// Rows that score otherwise.
    rows: usize,
    largest_difference: f64,
    /// The first of them, with both scores.
    first: Option<(usize, f64, f64)>,
}

impl Narrowing {
    fn add(&mut self, row: usize, as_given: Said, narrowed: Said) {
        let (Some(as_given), Some(narrowed)) = (as_given.0, narrowed.0) else { return };
        if as_given != narrowed {
            self.rows += 1;
            self.largest_difference = self.largest_difference.max((as_given - narrowed).abs());
            self.first = self.first.or(Some((row, as_given, narrowed)));
        }
    }

    fn summary(&self) -> serde_json::Value {
        json!({
            "rows": self.rows,
            "largest_difference": Float::F64(self.largest_difference).to_string(),
        })
    }
}

impl Comparison {
    fn add(&mut self, model: Said, form: Said) -> anyhow::Result<()> {
        let (Some(expected), Some(got)) = (model.0, form.0) else {
            bail!("row {}: only one of the model and the form gives a score", self.rows);
        };
        let difference = (expected - got).abs();
        if expected.to_bits() == got.to_bits() || expected == got {
            self.same_bits += 1;
        }
        // Single precision has 24 bits; a sum of many loses a few more.
        if (difference.is_nan() || difference > 1e-4 * expected.abs().max(1.0)) && self.wrong.is_none() {
            self.wrong = Some((self.rows, expected, got));
        }
        self.largest_difference = self.largest_difference.max(difference);
        if let (Some(expected), Some(got)) = (model.1, form.1) {
            self.largest_probability_difference = self.largest_probability_difference.max((expected - got).abs());
        }
        self.rows += 1;
        Ok(())
    }

    /// Whether the form can hold the model's bits.
    fn refuse_unless_as_promised(&self, form: Form) -> anyhow::Result<()> {
        if self.rows == 0 {
            bail!("there are no rows to check the form with");
        }
        if let Some((row, expected, got)) = self.wrong {
            bail!("row {row}: the form gives {got}, and the model {expected}; nothing was written");
        }
        if let Some((row, as_given, narrowed)) = self.narrowing.as_ref().and_then(|narrowing| narrowing.first) {
            eprintln!(
                "prequal: warning: row {row}: the model gives {as_given}, and {narrowed} where its values are narrowed to \
                 single precision, as this form reads them"
            );
        }
        let exact = match form {
            Form::Python | Form::Pmml => true,
            // How a database reads a decimal is its own affair.
            Form::Sql => false,
            Form::Onnx => self.single,
        };
        if exact && self.same_bits != self.rows {
            bail!(
                "{} of {} rows have other bits than the model's, the largest difference being {}; nothing was written",
                self.rows - self.same_bits,
                self.rows,
                self.largest_difference
            );
        }
        Ok(())
    }

    fn summary(&self) -> serde_json::Value {
        json!({
            "rows": self.rows,
            "same_bits": self.same_bits,
            "largest_difference": Float::F64(self.largest_difference).to_string(),
            "largest_probability_difference": Float::F64(self.largest_probability_difference).to_string(),
            "narrowed_inputs": self.narrowing.as_ref().map(Narrowing::summary),
        })
    }
}

/// Scores the rows with the model and with the form.
fn check(model: &ModelFile, form: Form, exported: &[u8], rows: &Path) -> anyhow::Result<Comparison> {
    let trees = match &model.body {
        Body::Trees(_) => model.clone(),
        Body::Scorecard(card) => export::as_trees(card, &mut Vec::new())?,
    };
    let mut scorer = Scorer::new(&trees)?;
    let single = scorer.trees().width() == Width::F32;
    let mut comparison = Comparison { single, ..Comparison::default() };
    let about = || format!("cannot score `{}`", rows.display());
    let open = || File::open(rows).map(BufReader::new).with_context(|| format!("cannot open `{}`", rows.display()));
    let mut reader = Rows::new(scorer.trees().names(), open()?, &[]).with_context(about)?;
    match form {
        Form::Pmml | Form::Onnx => {
            let kind = if form == Form::Pmml { Kind::Pmml } else { Kind::Onnx };
            let back = prequal_models::read(exported, kind).context("what was written cannot be read back")?;
            let mut other = Scorer::new(&back.model)?;
            let mut other_rows = match form {
                Form::Pmml => Some(Rows::new(other.trees().names(), open()?, &[]).with_context(about)?),
                _ => None,
            };
            while let Some(values) = reader.next(&scorer).with_context(about)? {
                let mut expected = said(scorer.score(values)?);
                let got = match &mut other_rows {
                    // Names of categories are read anew, because their codes may be others.
                    Some(rows) => match rows.next(&other).with_context(about)? {
                        Some(values) => other.score(values)?,
                        None => bail!("the rows ended before their end"),
                    },
                    // Held to the model over what the form reads, so that a fault of the form is no matter of rounding;
                    // what the narrowing itself does to the model is counted apart.
                    None => {
                        let narrowed: Vec<f64> = values.iter().map(|value| f64::from(*value as f32)).collect();
                        let as_given = std::mem::replace(&mut expected, said(scorer.score(&narrowed)?));
                        let narrowing = comparison.narrowing.get_or_insert_default();
                        narrowing.add(comparison.rows, as_given, expected);
                        other.score(values)?
                    }
                };
                comparison.add(expected, said(got))?;
            }
        }
        Form::Sql | Form::Python => {
            let mut got = run_by_python(form, exported, rows)?.into_iter();
            while let Some(values) = reader.next(&scorer).with_context(about)? {
                let expected = said(scorer.score(values)?);
                comparison.add(expected, got.next().context("the form gave fewer rows than there are")?)?;
            }
        }
    }
    Ok(comparison)
}

fn said(score: RowScore) -> Said {
    match score {
        RowScore::Margin { margin, probability } => (Some(margin.to_f64()), probability.map(Float::to_f64)),
        RowScore::Points { points, odds } => (Some(points), odds.map(|(_, probability)| probability)),
    }
}

/// Reads the form from standard input and the rows from a file; writes a margin and a probability for each row.
const RUN_PYTHON: &str = r#"
import csv, json, sys
space = {}
exec(compile(sys.stdin.read(), "model", "exec"), space)
with open(sys.argv[1], newline="", encoding="utf-8-sig") as file:
    for row in csv.DictReader(file):
        row = {key: (value if value.strip() else None) for key, value in row.items()}
        said = space["score"](row)
        print(json.dumps([repr(said["margin"]), None if said["probability"] is None else repr(said["probability"])]))
"#;

/// The same for SQL, in a database in memory. Columns have no type, so that a category stays as it stands; numbers
/// become numbers.
const RUN_SQL: &str = r#"
import csv, json, math, sqlite3, sys
query = sys.stdin.read()
base = sqlite3.connect(":memory:")
try:
    base.execute("SELECT EXP(1.0)")
except sqlite3.OperationalError:
    base.create_function("EXP", 1, math.exp)
def cell(text, name):
    if not text.strip():
        return None
    if name in named:
        return text
    return float(text)
named = set(json.loads(sys.argv[2]))
with open(sys.argv[1], newline="", encoding="utf-8-sig") as file:
    rows = csv.reader(file)
    names = next(rows)
    quoted = ['"%s"' % name.replace('"', '""') for name in names]
    base.execute("CREATE TABLE applications (%s)" % ", ".join(quoted))
    place = ", ".join("?" for _ in names)
    read = sorted(json.loads(sys.argv[3]))
    for row in rows:
        values = [cell(text, name) if name in read else None for text, name in zip(row, names)]
        base.execute("INSERT INTO applications VALUES (%s)" % place, values)
for row in base.execute(query):
    print(json.dumps([None if value is None else repr(value) for value in row[-2:]]))
"#;

/// Runs a form with `python3`.
fn run_by_python(form: Form, exported: &[u8], rows: &Path) -> anyhow::Result<Vec<Said>> {
    let mut command = Command::new("python3");
    command.arg("-c");
    let text = std::str::from_utf8(exported).context("what was written is no text")?;
    match form {
        Form::Sql => {
            // The query says which columns it reads, and which of them hold names.
            let (named, read) = columns_of(text);
            command.arg(RUN_SQL).arg(rows).arg(json!(named).to_string()).arg(json!(read).to_string());
        }
        _ => {
            command.arg(RUN_PYTHON).arg(rows);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("`--check` of this form needs `python3` on the search path")?;
    let mut input = child.stdin.take().context("python3 takes no input")?;
    let bytes = exported.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().context("python3 did not end")?;
    let _ = writer.join();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("what was written fails: {}", said.lines().last().unwrap_or("it does not say why"));
    }
    let number = |text: &Option<String>| -> anyhow::Result<Option<f64>> {
        text.as_deref().map(|text| text.parse().with_context(|| format!("`{text}` is no number"))).transpose()
    };
    let line = |line: &str| -> anyhow::Result<Said> {
        let (margin, probability): (Option<String>, Option<String>) = serde_json::from_str(line)?;
        Ok((number(&margin)?, number(&probability)?))
    };
    String::from_utf8_lossy(&output.stdout).lines().map(line).collect()
}

/// The columns that a query of ours reads: those that hold names, and all.
fn columns_of(query: &str) -> (Vec<String>, Vec<String>) {
    let (mut named, mut all) = (Vec::new(), Vec::new());
    let intake = query.lines().skip_while(|line| !line.starts_with("WITH ")).take_while(|line| *line != ")");
    for line in intake.filter(|line| line.contains(" AS prequal_f")) {
        let Some((_, rest)) = line.split_once("i.\"") else { continue };
        let mut name = String::new();
        let mut chars = rest.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '"' && chars.next_if_eq(&'"').is_none() {
                break;
            }
            name.push(c);
        }
        if line.contains(" WHEN '") {
            named.push(name.clone());
        }
        all.push(name);
    }
    (named, all)
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Form};

    /// Rounding explains one part in ten thousand; no form may differ by more, whatever its precision.
    #[test]
    fn a_form_that_scores_otherwise_than_rounding_explains_is_refused() {
        for form in [Form::Onnx, Form::Sql, Form::Pmml, Form::Python] {
            let mut comparison = Comparison::default();
            comparison.add((Some(500.0), None), (Some(500.0), None)).unwrap();
            comparison.refuse_unless_as_promised(form).unwrap();
            comparison.add((Some(500.0), None), (Some(588.0), None)).unwrap();
            let why = comparison.refuse_unless_as_promised(form).unwrap_err().to_string();
            assert_eq!(why, "row 1: the form gives 588, and the model 500; nothing was written");
        }
    }
}
