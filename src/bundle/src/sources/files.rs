//! The TOML files: read, and turned into what the payload holds.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use prequal_core::{
    bundle::{
        FeatureDefinition, FieldDefinition, FieldKind, StepDefinition,
        form::{ChoiceDefinition, FormDefinition, Reaches},
        payload::{ReasonDefinition, Rules, Texts},
    },
    calendar::Date,
    currency::Currency,
    policy::HitPolicy,
    score::{Scaling, trees::Calibration},
    sorted::Sorted,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Problem, Problems,
    money::optional,
    product::{ProductFile, SourceProduct},
};

/// The largest source file, in bytes.
const SOURCE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Everything but the tables and the model.
#[derive(Debug)]
pub(super) struct Sources {
    pub head: Head,
    pub form: FormDefinition,
    pub features: Vec<SourceFeature>,
    pub product: SourceProduct,
    pub reasons: Vec<ReasonDefinition>,
    pub texts: Sorted<Texts>,
    /// File name and text, to find lines in.
    files: Vec<(&'static str, String)>,
}

/// `bundle.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub id: String,
    pub version: String,
    pub label: String,
    pub lender: String,
    #[serde(default)]
    pub lender_type: String,
    pub locale: String,
    pub currency: Currency,
    pub time_zone: String,
    pub valid_from: Date,
    pub valid_until: Date,
    pub offer_validity_seconds: u32,
    pub rules: Rules,
    #[serde(default)]
    pub model: Option<ModelEntry>,
    #[serde(default)]
    pub public_model: Option<PublicModelEntry>,
    pub table: Vec<TableEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelEntry {
    pub id: String,
    #[serde(default)]
    pub file: Option<PathBuf>,
    // Of trees. A value here stands in place of the model file's own.
    #[serde(default)]
    pub scaling: Option<Scaling>,
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// For each feature a number, a category's name, or nothing where it is missing.
    #[serde(default)]
    pub baseline: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub missing_is_zero: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublicModelEntry {
    pub id: String,
    pub file: PathBuf,
    pub likely_from_points: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableEntry {
    pub id: String,
    pub file: PathBuf,
    pub role: TableRole,
    pub hit: HitPolicy,
    #[serde(default)]
    pub public: bool,
}

/// What a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TableRole {
    Eligibility,
    Outcome,
    Limit,
    Price,
}

impl TableRole {
    pub fn name(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Outcome => "outcome",
            Self::Limit => "limit",
            Self::Price => "price",
        }
    }
}

/// Reasons of their own for a feature that is missing, by why it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingReasons {
    /// Missing, the reason unknown or of a kind for which the model has no bin.
    missing: Option<String>,
    not_asked: Option<String>,
    timed_out: Option<String>,
    no_record: Option<String>,
    invalid: Option<String>,
}

impl MissingReasons {
    /// Each with its name: that of plain missing, and of the kinds in the order of
    /// [`prequal_core::score::MissingKind::ALL`].
    pub fn all(&self) -> [(&'static str, Option<&String>); 5] {
        [
            ("missing", self.missing.as_ref()),
            ("not_asked", self.not_asked.as_ref()),
            ("timed_out", self.timed_out.as_ref()),
            ("no_record", self.no_record.as_ref()),
            ("invalid", self.invalid.as_ref()),
        ]
    }
}

/// A feature, and the reason given where it costs points.
#[derive(Debug)]
pub(super) struct SourceFeature {
    pub definition: FeatureDefinition,
    pub reason: Option<String>,
    pub missing_reasons: MissingReasons,
}

impl Sources {
    pub fn read(folder: &Path) -> Result<Self, Problems> {
        let mut reader = Reader { folder, files: Vec::new(), problems: Vec::new() };
        let head: Option<Head> = reader.read("bundle.toml");
        let form: Option<FormFile> = reader.read("form.toml");
        let features: Option<FeaturesFile> = reader.read("features.toml");
        let product: Option<ProductFile> = reader.read("product.toml");
        let reasons: Option<ReasonsFile> = reader.read("reasons.toml");
        let texts: Option<Sorted<Texts>> =
            if folder.join("texts.toml").exists() { reader.read("texts.toml") } else { Some(Sorted::new()) };
        let Reader { files, problems, .. } = reader;
        let (Some(head), Some(form), Some(features), Some(product), Some(reasons), Some(texts)) =
            (head, form, features, product, reasons, texts)
        else {
            return Err(Problems(problems));
        };
        let currency = head.currency;
        let mut sources = Self {
            form: FormDefinition { steps: Vec::new() },
            features: features.feature.into_iter().map(SourceFeature::from).collect(),
            product: product.into_payload(currency).map_err(|why| Problem::of("product.toml", why))?,
            reasons: reasons.reason,
            texts,
            head,
            files,
        };
        for step in form.step {
            let id = step.id.clone();
            let place = |why| Problem::at("form.toml", sources.line("form.toml", &id), why);
            let step = step.into_payload(currency).map_err(place)?;
            sources.form.steps.push(step);
        }
        Ok(sources)
    }

    /// The line on which `id = "name"` or `code = "name"` stands.
    pub fn line(&self, file: &str, name: &str) -> Option<usize> {
        let (_, text) = self.files.iter().find(|(known, _)| *known == file)?;
        let names = |line: &str| {
            let (key, value) = line.split_once('=')?;
            let key = key.trim().trim_start_matches("{ ").trim();
            let value = value.trim().strip_prefix('"')?.split('"').next()?;
            Some(matches!(key, "id" | "code") && value == name)
        };
        text.lines().position(|line| names(line) == Some(true)).map(|index| index + 1)
    }

    /// The line of a key in a table, written as `key = …`, `key.… = …` or `[table.key]`; else that of the table.
    pub fn key_line(&self, file: &str, table: &str, key: &str) -> Option<usize> {
        let (_, text) = self.files.iter().find(|(known, _)| *known == file)?;
        let (header, within) = (format!("[{table}]"), format!("[{table}.{key}]"));
        let (mut inside, mut of_table) = (false, None);
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('[') {
                inside = line.starts_with(&header);
                of_table = of_table.or(inside.then_some(index + 1));
            }
            let names = |rest: &str| rest.trim_start().starts_with(['=', '.']);
            if line.starts_with(&within) || inside && !key.is_empty() && line.strip_prefix(key).is_some_and(names) {
                return Some(index + 1);
            }
        }
        of_table
    }
}

struct Reader<'a> {
    folder: &'a Path,
    files: Vec<(&'static str, String)>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let text = match read_source(&self.folder.join(name), name) {
            Ok(text) => text,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        let read = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text.get(..span.start).unwrap_or("").matches('\n').count() + 1);
            Problem::at(name, line, error.message().replace('\n', " "))
        });
        self.files.push((name, text));
        read.map_err(|problem| self.problems.push(problem)).ok()
    }
}

/// The text of one source file.
pub(super) fn read_source(path: &Path, name: &str) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| Problem::of(name, format!("cannot be read: {error}"));
    if std::fs::metadata(path).map_err(unreadable)?.len() > SOURCE_BYTES_MAX {
        return Err(Problem::of(name, format!("is larger than {SOURCE_BYTES_MAX} bytes")));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeaturesFile {
    feature: Vec<FeatureEntry>,
}

/// As [`FeatureDefinition`], and `reason`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureEntry {
    id: String,
    #[serde(rename = "type")]
    kind: prequal_core::bundle::FeatureKind,
    from: prequal_core::bundle::features::Source,
    uses: Vec<prequal_core::bundle::features::Use>,
    #[serde(default)]
    assurance: Option<prequal_core::evidence::Assurance>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    change: Option<prequal_core::bundle::change::Change>,
    #[serde(default)]
    label: Texts,
    #[serde(default)]
    max: Option<i64>,
    #[serde(default)]
    min: Option<i64>,
    #[serde(default)]
    needed: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    missing_reasons: MissingReasons,
    #[serde(default)]
    unit: String,
}

impl From<FeatureEntry> for SourceFeature {
    fn from(entry: FeatureEntry) -> Self {
        Self {
            definition: FeatureDefinition {
                assurance: entry.assurance.unwrap_or(prequal_core::evidence::Assurance::TRUSTED),
                categories: entry.categories,
                change: entry.change.map_or_else(String::new, |change| change.to_string()),
                from: entry.from,
                id: entry.id,
                label: entry.label,
                max: entry.max,
                min: entry.min,
                needed: entry.needed,
                kind: entry.kind,
                unit: entry.unit,
                uses: entry.uses,
            },
            reason: entry.reason,
            missing_reasons: entry.missing_reasons,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonsFile {
    reason: Vec<ReasonDefinition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormFile {
    step: Vec<StepEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepEntry {
    id: String,
    title: Texts,
    reaches: Reaches,
    field: Vec<FieldEntry>,
}

/// As [`FieldDefinition`], with amounts in currency units.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    id: String,
    #[serde(rename = "type")]
    kind: FieldKind,
    label: Texts,
    required: bool,
    #[serde(default)]
    help: Texts,
    #[serde(default)]
    choices: Vec<ChoiceDefinition>,
    #[serde(default)]
    date_min: Option<Date>,
    #[serde(default)]
    date_max: Option<Date>,
    #[serde(default)]
    money_min: Option<String>,
    #[serde(default)]
    money_max: Option<String>,
    #[serde(default)]
    purpose: Option<String>,
    #[serde(default)]
    text_chars_max: Option<u16>,
}

impl StepEntry {
    fn into_payload(self, currency: Currency) -> Result<StepDefinition, String> {
        let mut fields = Vec::with_capacity(self.field.len());
        for entry in self.field {
            fields.push(FieldDefinition {
                money_max: optional(entry.money_max.as_ref(), currency)?,
                money_min: optional(entry.money_min.as_ref(), currency)?,
                choices: entry.choices,
                date_max: entry.date_max,
                date_min: entry.date_min,
                help: entry.help,
                id: entry.id,
                label: entry.label,
                purpose: entry.purpose,
                required: entry.required,
                text_chars_max: entry.text_chars_max,
                kind: entry.kind,
            });
        }
        Ok(StepDefinition { fields, id: self.id, reaches: self.reaches, title: self.title })
    }
}
