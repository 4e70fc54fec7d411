//! The model file, and what `bundle.toml` says of it.

use std::{collections::BTreeMap, path::Path};

use prequal_core::{
    bundle::{
        features::Use,
        payload::{Model, PublicModel},
    },
    score::{
        Scorecard,
        trees::{TreeFeature, TreeModel},
    },
};
use serde::Deserialize;

use super::{
    Problem,
    files::{ModelEntry, Sources},
};

/// The format that a model imported with a passport has; its trees are one member of it.
const WRAPPED: &str = "prequal-model/1";

/// A model file of either kind.
enum Read {
    Card(Box<Scorecard>),
    Trees(Box<TreeModel>),
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
    let named = entry.file.as_ref().map(|file| folder.join(file));
    let Some(path) = given.map(Path::to_path_buf).or(named) else {
        problems.push(Problem::of("bundle.toml", "`[model]` names no `file`; give one with `--model FILE`"));
        return None;
    };
    let file = path.display().to_string();
    match read_file(&path).and_then(|read| assemble(entry, read, &file)) {
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
    let problem = match read_file(&path) {
        Ok(Read::Card(scorecard)) => {
            let likely_from_points = entry.likely_from_points;
            return Some(PublicModel { id: entry.id.clone(), scorecard: *scorecard, likely_from_points });
        }
        Ok(Read::Trees(_)) => Problem::of(path.display().to_string(), "a public model is a scorecard, and this is not"),
        Err(problem) => problem,
    };
    problems.push(problem);
    None
}

fn read_file(path: &Path) -> Result<Read, Problem> {
    #[derive(Deserialize)]
    struct Head {
        format: String,
    }
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Problem::of("bundle.toml", format!("cannot read `{file}`: {error}")))?;
    let format = serde_json::from_str(&text).map_or_else(|_| String::new(), |head: Head| head.format);
    let trees = |text: &str| match TreeModel::parse(text) {
        Ok(trees) => Ok(Read::Trees(Box::new(trees))),
        Err(error) => Err(Problem::of(&file, error.to_string())),
    };
    match format.as_str() {
        prequal_core::score::trees::FORMAT => trees(&text),
        WRAPPED => trees(&unwrap(&text).map_err(|why| Problem::of(&file, why))?),
        // What is no model file at all is named by the reader of scorecards.
        _ => Scorecard::parse(&text)
            .map(|card| Read::Card(card.into()))
            .map_err(|error| Problem::of(&file, error.to_string())),
    }
}

/// The trees of a file that holds more than them.
fn unwrap(text: &str) -> Result<String, String> {
    let mut whole: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let margin = whole.pointer("/result/kind").is_none_or(|kind| kind == "margin");
    let required = whole.get("required").and_then(|names| names.as_array()).is_some_and(|names| !names.is_empty());
    match whole.get_mut("trees").map(serde_json::Value::take) {
        Some(trees) if margin && !required => {
            prequal_core::canonical::to_string(&trees).map_err(|error| error.to_string())
        }
        _ => {
            Err("a bundle takes a scorecard, or trees whose sum is a margin and that need no feature to be there"
                .into())
        }
    }
}

fn assemble(entry: &ModelEntry, read: Read, file: &str) -> Result<Model, Problem> {
    let ModelEntry { scaling, calibration, baseline, missing_is_zero, .. } = entry;
    let mut model =
        Model { id: entry.id.clone(), missing_is_zero: missing_is_zero.clone(), scorecard: None, trees: None };
    match read {
        Read::Card(card) => {
            if scaling.is_some() || calibration.is_some() || baseline.is_some() {
                let why = "`[model]` has a scaling, a calibration or a baseline, and a scorecard has its own points";
                return Err(Problem::of("bundle.toml", why));
            }
            model.scorecard = Some(*card);
        }
        Read::Trees(mut trees) => {
            trees.scaling = scaling.or(trees.scaling);
            trees.calibration = calibration.or(trees.calibration);
            if let Some(values) = baseline {
                trees.baseline = Some(pin(&trees.features, values)?);
            }
            if trees.scaling.is_none() {
                let why = format!("`{file}` has no scale of points, and `[model.scaling]` gives none");
                return Err(Problem::of("bundle.toml", why));
            }
            if trees.baseline.is_none() {
                let why =
                    format!("`{file}` has no baseline to tell reasons against, and `[model.baseline]` gives none");
                return Err(Problem::of("bundle.toml", why));
            }
            // The hash of the payload holds for all of it.
            trees.hash.clear();
            model.trees = Some(*trees);
        }
    }
    Ok(model)
}

/// The baseline in the order of the features.
fn pin(features: &[TreeFeature], values: &BTreeMap<String, String>) -> Result<Vec<Option<String>>, Problem> {
    let refuse = |why: String| Problem::of("bundle.toml", why);
    if let Some(name) = values.keys().find(|name| !features.iter().any(|feature| feature.name == **name)) {
        return Err(refuse(format!("`[model.baseline]` names `{name}`, which is no feature of the model")));
    }
    let one = |feature: &TreeFeature| {
        let name = &feature.name;
        let Some(value) = values.get(name) else {
            return Err(refuse(format!("`[model.baseline]` does not say what `{name}` is; \"\" is missing")));
        };
        if value.is_empty() || feature.categories.is_empty() {
            return Ok(Some(value.clone()).filter(|value| !value.is_empty()));
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
    let card = model.scorecard.iter_mut().flat_map(|card| &mut card.features);
    let trees = model.trees.iter_mut().flat_map(|trees| &mut trees.features);
    let all = card.map(|feature| (&feature.name, &mut feature.reason));
    for (name, reason) in all.chain(trees.map(|feature| (&feature.name, &mut feature.reason))) {
        let Some(schema) = sources.features.iter().find(|schema| schema.definition.id == *name) else {
            problems.push(Problem::of(file, format!("the model uses feature `{name}`, and features.toml has none")));
            continue;
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
    }
}
