//! Decision tables as CSV: one row a rule, for a person with a spreadsheet.
//!
//! The header names features; a column `=> outcome`, `=> reason`, `=> band`, `=> limit` or `=> rate_percent` says what
//! follows, and a column whose name begins with `#` is for readers alone. Cells are those of
//! [`prequal_core::policy::Cell`], with amounts in currency units.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use prequal_core::{
    bundle::{
        FeatureKind, FieldKind,
        features::{Engine, FeatureDefinition, Source},
        tables::{RowDefinition, TableDefinition, Then, Verdict},
    },
    decimal::Decimal,
    policy::{Cell, Domain},
};

use super::{
    Problem,
    files::{Sources, TableEntry, TableRole, read_source},
    money,
};

/// A table that was read, and where its rows stand.
#[derive(Debug)]
pub(super) struct SourceTable {
    pub role: TableRole,
    pub file: String,
    pub definition: TableDefinition,
    /// The line of each row.
    pub lines: Vec<usize>,
    pub columns: Vec<Column>,
    /// The compiled cells, row by row.
    pub cells: Vec<Vec<Cell>>,
}

impl SourceTable {
    /// The names of the bands that the rows give.
    pub fn bands(&self) -> Vec<String> {
        let mut bands: Vec<String> = Vec::new();
        for band in self.definition.rows.iter().filter_map(|row| row.then.band.as_ref()) {
            if !bands.contains(band) {
                bands.push(band.clone());
            }
        }
        bands
    }
}

/// A column of conditions.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub feature: FeatureDefinition,
    /// The categories, listed or known to the engine; empty for a number.
    pub categories: Vec<String>,
}

impl Column {
    pub fn is_number(&self) -> bool {
        matches!(self.feature.kind, FeatureKind::Integer | FeatureKind::Money)
    }

    fn domain(&self) -> Domain<'_> {
        if self.is_number() { Domain::Integer } else { Domain::Category(&self.categories) }
    }
}

enum Heading {
    Condition(Box<Column>),
    Result(&'static str),
    Comment,
}

const RESULTS: [&str; 5] = ["outcome", "reason", "band", "limit", "rate_percent"];

/// Reads one table; gives everything that is wrong with it. Where the bands are not known, because the outcome table is
/// wrong, a table that asks for the band is not judged at all.
pub(super) fn read(
    folder: &Path,
    sources: &Sources,
    entry: &TableEntry,
    bands: Option<&[String]>,
) -> Result<SourceTable, Vec<Problem>> {
    let file = entry.file.display().to_string();
    let text = read_source(&folder.join(&entry.file), &file).map_err(|problem| vec![problem])?;
    let mut reader = ReaderBuilder::new().trim(Trim::All).comment(Some(b'#')).from_reader(text.as_bytes());
    let broken = |error: csv::Error| {
        let line = error.position().map(|position| usize::try_from(position.line()).unwrap_or(0));
        vec![Problem::at(&file, line, format!("cannot be read as a table: {error}"))]
    };
    let header = reader.headers().map_err(broken)?.clone();
    let header_line = header.position().map_or(1, |position| usize::try_from(position.line()).unwrap_or(1));
    let mut problems = Vec::new();
    let mut headings = Vec::with_capacity(header.len());
    for name in &header {
        match heading(sources, entry, bands.unwrap_or_default(), name) {
            Ok(heading) => headings.push(heading),
            Err(why) => problems.push(Problem::at(&file, Some(header_line), why)),
        }
    }
    let asks_band = headings.iter().any(|heading| match heading {
        Heading::Condition(column) => matches!(column.feature.from, Source::Engine(Engine::ScoreBand)),
        _ => false,
    });
    if !problems.is_empty() || (asks_band && bands.is_none()) {
        return Err(problems);
    }
    let mut table = SourceTable {
        role: entry.role,
        definition: TableDefinition {
            columns: Vec::new(),
            hit: entry.hit,
            id: entry.id.clone(),
            public: entry.public,
            rows: Vec::new(),
        },
        lines: Vec::new(),
        columns: Vec::new(),
        cells: Vec::new(),
        file: file.clone(),
    };
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        match row(sources, &headings, &record) {
            Ok((definition, cells)) => {
                table.definition.rows.push(definition);
                table.cells.push(cells);
                table.lines.push(line);
            }
            Err(why) => problems.extend(why.into_iter().map(|why| Problem::at(&file, Some(line), why))),
        }
    }
    for heading in headings {
        if let Heading::Condition(column) = heading {
            table.definition.columns.push(column.feature.id.clone());
            table.columns.push(*column);
        }
    }
    if table.lines.is_empty() && problems.is_empty() {
        problems.push(Problem::of(&file, "has no row"));
    }
    if problems.is_empty() { Ok(table) } else { Err(problems) }
}

fn heading(sources: &Sources, entry: &TableEntry, bands: &[String], name: &str) -> Result<Heading, String> {
    if name.starts_with('#') {
        return Ok(Heading::Comment);
    }
    if let Some(result) = name.strip_prefix("=>") {
        let found = RESULTS.into_iter().find(|known| *known == result.trim());
        return match found {
            Some(result) => Ok(Heading::Result(result)),
            None => Err(format!(
                "`{name}` is not a result; results are `=> outcome`, `=> reason`, `=> band`, `=> limit` and `=> rate_percent`"
            )),
        };
    }
    let Some(feature) = sources.features.iter().find(|feature| feature.definition.id == name) else {
        return Err(format!("unknown feature `{name}`"));
    };
    let feature = feature.definition.clone();
    let lawful = match entry.role {
        TableRole::Eligibility => prequal_core::bundle::features::Use::Eligibility,
        TableRole::Outcome => prequal_core::bundle::features::Use::Score,
        TableRole::Limit => prequal_core::bundle::features::Use::Limit,
        TableRole::Price => prequal_core::bundle::features::Use::Price,
    };
    if !feature.uses.contains(&lawful) {
        return Err(format!("feature `{name}` may not be used for `{}`; its `uses` do not allow it", lawful.name()));
    }
    let categories = categories(sources, bands, &feature);
    Ok(Heading::Condition(Box::new(Column { categories, feature })))
}

fn categories(sources: &Sources, bands: &[String], feature: &FeatureDefinition) -> Vec<String> {
    match (&feature.from, feature.kind) {
        (_, FeatureKind::Boolean) => vec!["no".to_owned(), "yes".to_owned()],
        (Source::Engine(Engine::ScoreBand), _) => bands.to_vec(),
        (Source::Engine(Engine::Plan), _) => sources.product.product.plans.iter().map(|plan| plan.id.clone()).collect(),
        (Source::Field(name), FeatureKind::Category) => {
            let fields = sources.form.steps.iter().flat_map(|step| &step.fields);
            let choice = fields.into_iter().find(|field| field.id == *name && field.kind == FieldKind::Choice);
            choice.map_or_else(Vec::new, |field| field.choices.iter().map(|choice| choice.value.clone()).collect())
        }
        _ => feature.categories.clone(),
    }
}

fn row(
    sources: &Sources,
    headings: &[Heading],
    record: &StringRecord,
) -> Result<(RowDefinition, Vec<Cell>), Vec<String>> {
    let currency = sources.head.currency;
    let mut problems = Vec::new();
    let mut when = Vec::new();
    let mut cells = Vec::new();
    let mut then = Then::default();
    for (heading, text) in headings.iter().zip(record) {
        match heading {
            Heading::Comment => {}
            Heading::Condition(column) => {
                let money = column.feature.kind == FeatureKind::Money;
                let text = if money { money::cell(text, currency) } else { Ok(text.to_owned()) };
                let cell = text.and_then(|text| Cell::parse(&text, column.domain()).map(|cell| (text, cell)));
                match cell {
                    Ok((text, cell)) => {
                        when.push(text);
                        cells.push(cell);
                    }
                    Err(why) => problems.push(format!("column `{}`: {why}", column.feature.id)),
                }
            }
            Heading::Result(_) if text.is_empty() || text == "-" => {}
            Heading::Result(name) => {
                if let Err(why) = result(sources, name, text, &mut then) {
                    problems.push(format!("column `=> {name}`: {why}"));
                }
            }
        }
    }
    if problems.is_empty() { Ok((RowDefinition { then, when }, cells)) } else { Err(problems) }
}

fn result(sources: &Sources, name: &str, text: &str, then: &mut Then) -> Result<(), String> {
    match name {
        "outcome" => {
            then.outcome = Some(match text {
                "pass" | "eligible" => Verdict::Pass,
                "refer" => Verdict::Refer,
                "decline" => Verdict::Decline,
                other => return Err(format!("`{other}` is not `pass`, `refer` or `decline`")),
            });
        }
        "reason" => {
            if !sources.reasons.iter().any(|reason| reason.code == text) {
                return Err(format!("unknown reason `{text}`"));
            }
            then.reason = Some(text.to_owned());
        }
        "band" => then.band = Some(text.to_owned()),
        "limit" => then.limit = Some(money::amount(text, sources.head.currency)?),
        _ => then.rate_percent = Some(Decimal::parse(text).map_err(|error| format!("`{text}`: {error}"))?),
    }
    Ok(())
}
