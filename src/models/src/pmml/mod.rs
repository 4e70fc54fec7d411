//! PMML 4.0 to 4.4: scorecards, trees, and ensembles of trees.
//!
//! Sums are of the width that the document states (`x-mathContext`, double where it does not) and in the order of its
//! segments. Numbers of a field of type float are narrowed before they are compared, as the standard's data types say.

mod mining;
mod predicate;
mod schema;
mod scorecard;
mod tree;
mod xml;

use prequal_core::score::trees::{Float, LinkKind, Width};

use crate::{
    Imported, ReadOptions,
    ensemble::{Ensemble, Node, Tree},
    error::{ImportError, shown},
    model_file::{Body, ModelFile, PointsScaling, ResultKind},
    passport::Passport,
    rules::Program,
};
use mining::{Forest, Method};
use schema::Schema;
use xml::Element;

const MODELS: [&str; 3] = ["Scorecard", "TreeModel", "MiningModel"];

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Imported, ImportError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}'),
        Err(error) => return Err(ImportError::Syntax(format!("byte {} is not UTF-8", error.valid_up_to()))),
    };
    let document = xml::parse(text)?;
    let root = Element::root(&document);
    if root.name() != "PMML" {
        return Err(root.refuse("the document is not PMML"));
    }
    let version = root.required("version")?;
    if !["4.0", "4.1", "4.2", "4.3", "4.4"].iter().any(|known| version.starts_with(known)) {
        return Err(root.refuse(&format!("the version `{}` is not understood", shown(version))));
    }
    root.only_children(&[
        "Header",
        "MiningBuildTask",
        "DataDictionary",
        "TransformationDictionary",
        "Scorecard",
        "TreeModel",
        "MiningModel",
    ])?;
    let mut models = root.children().filter(|child| MODELS.contains(&child.name()));
    let (Some(model), None) = (models.next(), models.next()) else {
        return Err(root.refuse("it has not one Scorecard, TreeModel or MiningModel"));
    };
    let mut schema = Schema::read(root, model)?;
    // What our own export keeps in the header.
    let header = root.child("Header")?;
    let kept = |name: &str| header.and_then(|header| header.extension(name));
    let mut imported = if model.name() == "Scorecard" {
        let scaling = options.table.scaling.clone().or_else(|| scaling(kept));
        scorecard::read(model, schema, version, scaling, bytes)?
    } else {
        let forest = mining::read(model, &mut schema, options.event.as_deref())?;
        finish(&forest, schema, version, bytes)?
    };
    imported.model.passport = Passport::among(kept);
    Ok(imported)
}

fn scaling<'t>(kept: impl Fn(&str) -> Option<&'t str>) -> Option<PointsScaling> {
    Some(PointsScaling {
        points_to_double_odds: kept("points_to_double_odds")?.to_owned(),
        base_score: kept("base_score")?.to_owned(),
        base_odds: kept("base_odds")?.to_owned(),
    })
}

fn finish(forest: &Forest, schema: Schema, version: &str, file: &[u8]) -> Result<Imported, ImportError> {
    let mut inputs = schema.inputs;
    let programs: Vec<&dyn Program> = forest.trees.iter().map(|tree| tree as &dyn Program).collect();
    let mut trees = inputs.compile_all(&programs)?;
    for (tree, weight) in trees.iter_mut().zip(&forest.weights) {
        weigh(tree, *weight);
    }
    let (sums, base) = if forest.single { (Width::F32, Float::F32(0.0)) } else { (Width::F64, Float::F64(0.0)) };
    let rescale = forest.rescale.map(|pair| pair.map(|one| if forest.single { f64::from(one as f32) } else { one }));
    let result = match (forest.method, forest.probability) {
        (Method::Sum, false) => ResultKind::Margin,
        (Method::Sum, true) => ResultKind::Mean { divisor: bits(1.0, forest.single), probability: true },
        (Method::Mean(divisor), probability) => ResultKind::Mean { divisor: bits(divisor, forest.single), probability },
    };
    if result != ResultKind::Margin && (rescale.is_some() || forest.logit.is_some()) {
        return Err(ImportError::refuse("a mean that is rescaled or followed by a regression is not understood"));
    }
    let ensemble = Ensemble {
        library: "pmml",
        version: version.to_owned(),
        objective: forest.function.clone(),
        inputs: Width::F64,
        sums,
        tiny_is_zero: false,
        minus_fraction_is_zero: false,
        base,
        scale_and_bias: rescale,
        average: false,
        link: forest.logit.map_or((LinkKind::None, 1.0), |slope| (LinkKind::Logistic, slope)),
        features: inputs.names(),
        trees,
    };
    let mut notes = forest.notes.clone();
    inputs.note_required(&mut notes);
    let model = ModelFile {
        required: inputs.required(),
        result,
        ..ModelFile::bare(Body::Trees(inputs.compact(&ensemble, file)?))
    };
    Ok(Imported { model, notes })
}

fn weigh(tree: &mut Tree, weight: f64) {
    for node in &mut tree.nodes {
        if let Node::Leaf(leaf) = node
            && weight != 1.0
        {
            leaf.value *= weight;
        }
    }
}

fn bits(value: f64, single: bool) -> String {
    if single { Float::F32(value as f32).bits_hex() } else { Float::F64(value).bits_hex() }
}
