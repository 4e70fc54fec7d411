//! The folder that a risk officer writes, and the checks that it passes before it becomes a bundle.
//!
//! ```text
//! bundle.toml     who lends, where and when, which tables and which model
//! form.toml       the steps and fields of the application
//! features.toml   what may be known of an applicant, from where, and what it may be used for
//! product.toml    amounts, conventions, plans, what being late costs, legal caps
//! reasons.toml    reasons in descending precedence
//! texts.toml      messages in the lender's own words (optional)
//! tables/*.csv    decision tables
//! ```
//!
//! Amounts are written in currency units (`"19.99"`); the bundle holds minor units. The same files give the same bytes.

mod analyse;
mod files;
mod imported;
mod locate;
mod model;
mod money;
mod problem;
mod product;
mod table;
mod wrapped;

use std::path::Path;

use prequal_core::{
    bundle::{
        Bundle, Part, Payload, SEMANTICS,
        payload::{FORMAT, Lender, Model, PublicModel},
        products::Representative,
        tables::TableDefinition,
    },
    calendar::Date,
    canonical,
    credit::caps::PlanCap,
    decimal::Decimal,
};

use files::{SourceFeature, Sources, TableRole};
pub use problem::{Problem, Problems};
use table::SourceTable;

/// A payload that passed every check.
#[derive(Debug)]
pub struct Built {
    /// The canonical payload.
    pub payload: Vec<u8>,
    /// The bundle, ready to decide.
    pub bundle: Bundle,
    /// What is probably not meant, and harmless.
    pub warnings: Vec<Problem>,
}

/// Builds the full payload from a folder. `model` stands in place of the model file that `bundle.toml` names.
///
/// # Errors
/// [`Problems`]: everything that is wrong, each with its file and line.
pub fn build(folder: &Path, model: Option<&Path>) -> Result<Built, Problems> {
    let sources = Sources::read(folder)?;
    let mut problems = Vec::new();
    let tables = read_tables(folder, &sources, &mut problems);
    let model = model::read(folder, &sources, model, &mut problems);
    let public_model = model::read_public(folder, &sources, &mut problems);
    Problems::none(problems)?;
    let payload = assemble(&sources, &tables, model, public_model)?;
    let text = canonical::to_string(&payload).map_err(|error| Problem::of("bundle.toml", error.to_string()))?;
    let bundle =
        Bundle::from_payload(text.as_bytes()).map_err(|error| locate::place(&sources, &tables, &error.to_string()))?;
    let mut warnings = Vec::new();
    let mut problems = caps_cover(&payload);
    for table in &tables {
        analyse::check(table, &mut problems);
    }
    unused(&payload, &sources, &mut warnings);
    spared(&payload, &mut warnings);
    Problems::none(problems)?;
    Ok(Built { payload: text.into_bytes(), bundle, warnings })
}

fn read_tables(folder: &Path, sources: &Sources, problems: &mut Vec<Problem>) -> Vec<SourceTable> {
    let mut tables = Vec::new();
    // The outcome table first: its bands are the categories of the others.
    let mut bands = Some(Vec::new());
    let mut order: Vec<_> = sources.head.table.iter().enumerate().collect();
    order.sort_by_key(|(_, entry)| entry.role != TableRole::Outcome);
    for (index, entry) in order {
        match table::read(folder, sources, entry, bands.as_deref()) {
            Ok(table) => {
                if entry.role == TableRole::Outcome {
                    bands = Some(table.bands());
                }
                tables.push((index, table));
            }
            Err(found) => {
                problems.extend(found);
                if entry.role == TableRole::Outcome {
                    bands = None;
                }
            }
        }
    }
    tables.sort_by_key(|(index, _)| *index);
    tables.into_iter().map(|(_, table)| table).collect()
}

fn assemble(
    sources: &Sources,
    tables: &[SourceTable],
    model: Option<Model>,
    public_model: Option<PublicModel>,
) -> Result<Payload, Problems> {
    let head = &sources.head;
    let one = |role: TableRole| -> Result<Option<TableDefinition>, Problems> {
        let mut found = tables.iter().filter(|table| table.role == role);
        let first = found.next().map(|table| table.definition.clone());
        match found.next() {
            Some(second) => {
                Err(Problem::of(&second.file, format!("there are two tables of role `{}`", role.name())).into())
            }
            None => Ok(first),
        }
    };
    let price = one(TableRole::Price)?;
    let dearest = price.iter().flat_map(|table| &table.rows).filter_map(|row| row.then.rate_percent).max();
    let eligibility = tables.iter().filter(|table| table.role == TableRole::Eligibility);
    Ok(Payload {
        caps: sources.product.caps.clone(),
        currency: head.currency,
        eligibility: eligibility.map(|table| table.definition.clone()).collect(),
        features: sources.features.iter().map(|feature: &SourceFeature| feature.definition.clone()).collect(),
        form: sources.form.clone(),
        format: FORMAT.to_owned(),
        id: head.id.clone(),
        label: head.label.clone(),
        lender: Lender { kind: head.lender_type.clone(), name: head.lender.clone() },
        limit: one(TableRole::Limit)?,
        locale: head.locale.clone(),
        model,
        outcome: one(TableRole::Outcome)?,
        part: Part::Full,
        price,
        product: sources.product.product.clone(),
        public_model,
        reasons: sources.reasons.clone(),
        representative: Representative { rate_percent: dearest.unwrap_or(Decimal::ZERO) },
        rules: head.rules.clone(),
        semantics: SEMANTICS,
        texts: sources.texts.clone(),
        time_zone: head.time_zone.clone(),
        valid_from: head.valid_from,
        valid_until: head.valid_until,
        validity_seconds: head.offer_validity_seconds,
        version: head.version.clone(),
    })
}

/// Measures on which there are caps and none of them binds this lender: perhaps its type is misspelt.
fn spared(payload: &Payload, warnings: &mut Vec<Problem>) {
    let kind = &payload.lender.kind;
    for (index, cap) in payload.caps.iter().enumerate() {
        let same = |other: &&PlanCap| other.measure == cap.measure;
        let first = payload.caps.iter().take(index).all(|earlier| earlier.measure != cap.measure);
        let bound = |other: &PlanCap| other.lenders.is_empty() || other.lenders.contains(kind);
        if first && !payload.caps.iter().filter(same).any(bound) {
            let message = format!("no cap on `{}` binds a lender of type `{kind}`", cap.measure.name());
            warnings.push(Problem::of("product.toml", message));
        }
    }
}

/// Where there are caps of a measure, one that binds this lender must hold on every day of the bundle.
fn caps_cover(payload: &Payload) -> Vec<Problem> {
    let kind = &payload.lender.kind;
    let binding = || payload.caps.iter().filter(|cap| cap.lenders.is_empty() || cap.lenders.contains(kind));
    let mut problems = Vec::new();
    let mut seen = Vec::new();
    for measure in binding().map(|cap| cap.measure) {
        if seen.contains(&measure) {
            continue;
        }
        seen.push(measure);
        if let Some(day) = uncovered(payload, &|| binding().filter(move |cap| cap.measure == measure)) {
            let message = format!("no cap holds on {day}, and the bundle decides on that day");
            problems.push(Problem::of("product.toml", message));
        }
    }
    problems
}

/// The first day of the bundle on which none of the caps holds.
fn uncovered<'a, I: Iterator<Item = &'a PlanCap>>(payload: &Payload, caps: &dyn Fn() -> I) -> Option<Date> {
    let mut day = payload.valid_from;
    loop {
        let until = caps().filter(|cap| cap.from <= day).map(|cap| cap.until.unwrap_or(payload.valid_until)).max();
        match until {
            Some(until) if until >= payload.valid_until => return None,
            Some(until) if until >= day => day = until.add_days(1).ok()?,
            _ => return Some(day),
        }
    }
}

/// Features and reasons that nothing uses.
fn unused(payload: &Payload, sources: &Sources, warnings: &mut Vec<Problem>) {
    let tables = || payload.eligibility.iter().chain(&payload.outcome).chain(&payload.limit).chain(&payload.price);
    let models = || {
        let public = payload.public_model.iter().flat_map(|model| &model.scorecard.features);
        let public = public.map(|feature| (feature.name.as_str(), feature.reason.as_str()));
        payload.model.iter().flat_map(Model::features).chain(public)
    };
    for feature in &payload.features {
        let id = &feature.id;
        let used = tables().any(|table| table.columns.contains(id))
            || models().any(|(used, _)| used == id)
            || payload.features.iter().any(|other| {
                matches!(&other.from, prequal_core::bundle::features::Source::InstalmentToIncomePermille(of) if of == id)
            });
        // A feature that is kept out by law stands in the schema so that nobody puts it into a table.
        // One that a model may use waits for a model that does.
        let waits = feature.uses.contains(&prequal_core::bundle::features::Use::Score);
        if !used && !waits && !feature.uses.is_empty() {
            let line = sources.line("features.toml", id);
            warnings.push(Problem::at(
                "features.toml",
                line,
                format!("feature `{id}` is used by no table and no model"),
            ));
        }
    }
    for reason in &payload.reasons {
        let code = &reason.code;
        let used = tables().flat_map(|table| &table.rows).any(|row| row.then.reason.as_ref() == Some(code))
            || models().any(|(_, reason)| reason == code)
            || sources.features.iter().any(|feature| {
                let own = feature.missing_reasons.all().map(|(_, reason)| reason);
                feature.reason.as_ref() == Some(code) || own.contains(&Some(code))
            })
            || payload.rules.over_limit.as_ref() == Some(code)
            || payload.rules.no_plan == *code;
        if !used {
            let line = sources.line("reasons.toml", code);
            warnings.push(Problem::at(
                "reasons.toml",
                line,
                format!("reason `{code}` is given by no table and no model"),
            ));
        }
    }
}
