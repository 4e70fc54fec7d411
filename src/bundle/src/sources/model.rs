//! The model file, and what `bundle.toml` says of it.

use std::{collections::BTreeMap, io::Read as _, path::Path};

use prequal_core::{
    bundle::{
        features::Use,
        payload::{Model, PublicModel},
    },
    canonical,
    score::{
        Scorecard,
        trees::{MODEL_BYTES_MAX, TreeFeature, TreeModel},
    },
};
use serde::Deserialize;

use super::{
    Problem,
    files::{ModelEntry, Sources},
    imported::ImportedCard,
    wrapped::{self, ResultKind, Wrapped},
};

/// A model file of either kind.
enum Read {
    Card(Box<Scorecard>),
    Trees(Box<TreeModel>),
    /// A card of another library: one tree for each characteristic, whose sum is points.
    Imported(Box<ImportedCard>),
}

/// The model of the full part: `given`, or the file that `bundle.toml` names, with the reasons of `features.toml`.
pub(super) fn read(
    folder: &Path,
    sources: &Sources,
    given: Option<&Path>,
    problems: &mut Vec<Problem>,
) -> Option<Model> {
    let Some(entry) = &sources.head.model else {
        if given.is_some() {
            problems.push(Problem::of("bundle.toml", "a model is given and `[model]` is missing"));
        }
        return None;
    };
    let place = Place { sources, table: "model" };
    let named = entry.file.as_ref().map(|file| folder.join(file));
    let Some(path) = given.map(Path::to_path_buf).or(named) else {
        problems.push(place.refuse("", "`[model]` names no `file`; give one with `--model FILE`"));
        return None;
    };
    let file = path.display().to_string();
    match read_file(&path, &place).and_then(|read| assemble(entry, read, &file, &place)) {
        Ok(mut model) => {
            take_reasons(&mut model, sources, &file, problems);
            Some(model)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// The coarse model, which is a scorecard.
pub(super) fn read_public(folder: &Path, sources: &Sources, problems: &mut Vec<Problem>) -> Option<PublicModel> {
    let entry = sources.head.public_model.as_ref()?;
    let path = folder.join(&entry.file);
    let problem = match read_file(&path, &Place { sources, table: "public_model" }) {
        Ok(Read::Card(scorecard)) => {
            let likely_from_points = entry.likely_from_points;
            return Some(PublicModel { id: entry.id.clone(), scorecard: *scorecard, likely_from_points });
        }
        Ok(_) => Problem::of(path.display().to_string(), "a public model is a scorecard, and this is not"),
        Err(problem) => problem,
    };
    problems.push(problem);
    None
}

/// A table of `bundle.toml`, to say where in it something is wrong.
struct Place<'a> {
    sources: &'a Sources,
    table: &'a str,
}

impl Place<'_> {
    /// The categories that the schema lets a feature have.
    fn categories(&self, name: &str) -> Vec<String> {
        let found = self.sources.features.iter().find(|feature| feature.definition.id == name);
        found.map_or_else(Vec::new, |feature| feature.definition.categories.clone())
    }

    /// A problem of a key, or where it is empty or stands nowhere, of the table.
    fn refuse(&self, key: &str, why: impl Into<String>) -> Problem {
        Problem::at("bundle.toml", self.sources.key_line("bundle.toml", self.table, key), why)
    }
}

fn read_file(path: &Path, place: &Place<'_>) -> Result<Read, Problem> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let file = path.display().to_string();
    let text = read_text(path)
        .map_err(|error| place.refuse("file", format!("cannot read `{file}`: {error}")))?
        .ok_or_else(|| Problem::of(&file, format!("is larger than {MODEL_BYTES_MAX} bytes")))?;
    let format = serde_json::from_str(&text).map_or_else(|_| String::new(), |head: Head| head.format);
    let refused = |why: String| Problem::of(&file, why);
    match format.as_str() {
        prequal_core::score::trees::FORMAT => trees(&text).map_err(refused),
        wrapped::FORMAT => unwrap(&text).map_err(refused),
        // What is no model file at all is named by the reader of scorecards.
        _ => card(&text).map_err(refused),
    }
}

fn card(text: &str) -> Result<Read, String> {
    Scorecard::parse(text).map(|card| Read::Card(card.into())).map_err(|error| error.to_string())
}

fn trees(text: &str) -> Result<Read, String> {
    TreeModel::parse(text).map(|trees| Read::Trees(trees.into())).map_err(|error| error.to_string())
}

/// The text of a model file; `None` where it is longer than any model.
fn read_text(path: &Path) -> std::io::Result<Option<String>> {
    let mut text = String::new();
    // Not by the file's stated length: a device or a pipe states none.
    std::fs::File::open(path)?.take(MODEL_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(Some(text).filter(|text| text.len() <= MODEL_BYTES_MAX))
}

/// The model of a file that holds more than it.
fn unwrap(text: &str) -> Result<Read, String> {
    let Wrapped { passport, required, result, trees: given, scorecard } = wrapped::read(text)?;
    if let Some(names) = required {
        return Err(format!(
            "the model gives no score where `{names}` is missing, and what a bundle asks for may be missing"
        ));
    }
    let text = |model: &serde_json::Value| canonical::to_string(model).map_err(|error| error.to_string());
    match (scorecard, given, result) {
        (Some(model), None, ResultKind::Margin) => card(&text(&model)?),
        (None, Some(model), ResultKind::Margin) => trees(&text(&model)?),
        (None, Some(model), ResultKind::Points { scaling, reasons }) => {
            let Read::Trees(trees) = trees(&text(&model)?)? else { return Err(wrapped::NEITHER.into()) };
            Ok(Read::Imported(Box::new(ImportedCard { trees: *trees, scaling, reasons, passport })))
        }
        (_, _, ResultKind::Mean { .. }) => {
            Err("its result is a mean of trees, which a bundle has no points for".into())
        }
        _ => Err(wrapped::NEITHER.into()),
    }
}

fn assemble(entry: &ModelEntry, read: Read, file: &str, place: &Place<'_>) -> Result<Model, Problem> {
    let ModelEntry { scaling, calibration, baseline, missing_is_zero, .. } = entry;
    let mut model =
        Model { id: entry.id.clone(), missing_is_zero: missing_is_zero.clone(), scorecard: None, trees: None };
    match read {
        Read::Card(card) => {
            if scaling.is_some() || calibration.is_some() || baseline.is_some() {
                let why = "`[model]` has a scaling, a calibration or a baseline, and a scorecard has its own points";
                let keys = [("scaling", scaling.is_some()), ("calibration", calibration.is_some()), ("baseline", true)];
                let key = keys.into_iter().find(|(_, given)| *given).map_or("", |(key, _)| key);
                return Err(place.refuse(key, why));
            }
            model.scorecard = Some(*card);
        }
        Read::Imported(imported) => {
            if calibration.is_some() {
                return Err(place.refuse("calibration", "`[model]` has a calibration, and a card of points needs none"));
            }
            let refused = |why: String| Problem::of(file, why);
            let scaling = imported.scaling(*scaling).map_err(refused)?;
            let Some(values) = baseline else {
                model.scorecard = Some(imported.scorecard(scaling, &|name| place.categories(name)).map_err(refused)?);
                return Ok(model);
            };
            let mut trees = imported.trees(scaling).map_err(refused)?;
            trees.baseline = Some(pin(&trees.features, values, place)?);
            model.trees = Some(trees);
        }
        Read::Trees(mut trees) => {
            trees.scaling = scaling.or(trees.scaling);
            trees.calibration = calibration.or(trees.calibration);
            if let Some(values) = baseline {
                trees.baseline = Some(pin(&trees.features, values, place)?);
            }
            if trees.scaling.is_none() {
                let why = format!("`{file}` has no scale of points, and `[model.scaling]` gives none");
                return Err(place.refuse("", why));
            }
            if trees.baseline.is_none() {
                let why =
                    format!("`{file}` has no baseline to tell reasons against, and `[model.baseline]` gives none");
                return Err(place.refuse("", why));
            }
            // The hash of the payload holds for all of it.
            trees.hash.clear();
            model.trees = Some(*trees);
        }
    }
    Ok(model)
}

/// The baseline in the order of the features.
fn pin(
    features: &[TreeFeature],
    values: &BTreeMap<String, String>,
    place: &Place<'_>,
) -> Result<Vec<Option<String>>, Problem> {
    let refuse = |why: String| place.refuse("baseline", why);
    if let Some(name) = values.keys().find(|name| !features.iter().any(|feature| feature.name == **name)) {
        return Err(refuse(format!("`[model.baseline]` names `{name}`, which is no feature of the model")));
    }
    let one = |feature: &TreeFeature| {
        let name = &feature.name;
        let Some(value) = values.get(name) else {
            return Err(refuse(format!("`[model.baseline]` does not say what `{name}` is; \"\" is missing")));
        };
        if value.is_empty() {
            return Ok(None);
        }
        if !feature.is_named() {
            // As a row's yes and no are read where the model has no names for them.
            let number = match value.as_str() {
                "no" => "0",
                "yes" => "1",
                number => number,
            };
            let finite = number.parse().is_ok_and(f64::is_finite);
            let why = || refuse(format!("`[model.baseline]` has `{value}`, and `{name}` is a number"));
            return finite.then(|| Some(number.to_owned())).ok_or_else(why);
        }
        match feature.categories.iter().position(|category| category == value) {
            Some(code) => Ok(Some(code.to_string())),
            None => Err(refuse(format!("`[model.baseline]` has `{value}`, which is no category of `{name}`"))),
        }
    };
    features.iter().map(one).collect()
}

/// Puts the reasons of `features.toml` into the model.
fn take_reasons(model: &mut Model, sources: &Sources, file: &str, problems: &mut Vec<Problem>) {
    for feature in model.scorecard.iter_mut().flat_map(|card| &mut card.features) {
        let Some(schema) = take_reason(&feature.name, &mut feature.reason, sources, file, problems) else { continue };
        let kinds = &mut feature.missing_kinds;
        let bins = [
            Some(&mut feature.missing),
            kinds.not_asked.as_mut(),
            kinds.timed_out.as_mut(),
            kinds.no_record.as_mut(),
            kinds.invalid.as_mut(),
        ];
        for (bin, (kind, code)) in bins.into_iter().zip(schema.missing_reasons.all()) {
            match (bin, code) {
                (Some(bin), Some(code)) => bin.reason = Some(code.clone()),
                (None, Some(_)) => problems.push(no_such_bin(&feature.name, kind, sources)),
                (_, None) => {}
            }
        }
    }
    for feature in model.trees.iter_mut().flat_map(|trees| &mut trees.features) {
        let schema = take_reason(&feature.name, &mut feature.reason, sources, file, problems);
        let own = schema.into_iter().flat_map(|schema| schema.missing_reasons.all());
        for (kind, _) in own.filter(|(_, code)| code.is_some()) {
            problems.push(no_such_bin(&feature.name, kind, sources));
        }
    }
}

fn no_such_bin(name: &str, kind: &str, sources: &Sources) -> Problem {
    Problem::at(
        "features.toml",
        sources.line("features.toml", name),
        format!("`missing_reasons.{kind}` of feature `{name}`: the model has no bin of its own for that"),
    )
}

/// Puts a feature's reason into the model; gives the feature of the schema.
fn take_reason<'s>(
    name: &str,
    reason: &mut String,
    sources: &'s Sources,
    file: &str,
    problems: &mut Vec<Problem>,
) -> Option<&'s super::files::SourceFeature> {
    let Some(schema) = sources.features.iter().find(|schema| schema.definition.id == name) else {
        problems.push(Problem::of(file, format!("the model uses feature `{name}`, and features.toml has none")));
        return None;
    };
    if !schema.definition.uses.contains(&Use::Score) {
        let message = format!("the model uses feature `{name}`, whose `uses` do not allow `score`");
        problems.push(Problem::of(file, message));
    }
    match &schema.reason {
        Some(code) => reason.clone_from(code),
        None => problems.push(Problem::at(
            "features.toml",
            sources.line("features.toml", name),
            format!("feature `{name}` is in the model and has no `reason`"),
        )),
    }
    Some(schema)
}
