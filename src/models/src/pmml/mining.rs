//! `MiningModel`: sums and means of trees, and the regression that turns a sum into a probability.

use super::{
    schema::Schema,
    tree::{Prediction, TreeProgram},
    xml::Element,
};
use crate::error::{ImportError, shown};

/// How the predictions of trees become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Method {
    Sum,
    /// The sum over this number.
    Mean(f64),
}

/// An ensemble as it stands in the document.
pub(super) struct Forest {
    pub(super) trees: Vec<TreeProgram>,
    /// What each tree's predictions are multiplied by.
    pub(super) weights: Vec<f64>,
    pub(super) method: Method,
    /// Whether all is computed in single precision.
    pub(super) single: bool,
    /// × the first + the second.
    pub(super) rescale: Option<[f64; 2]>,
    /// Whether the result is the probability of the event.
    pub(super) probability: bool,
    /// The factor of the logistic function that follows.
    pub(super) logit: Option<f64>,
    pub(super) function: String,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

const MODEL_ATTRIBUTES: [&str; 6] =
    ["modelName", "functionName", "algorithmName", "isScorable", "mathContext", "x-mathContext"];

/// Reads a `TreeModel` or `MiningModel`; `event` is the class whose probability is wanted.
pub(super) fn read(model: Element<'_>, schema: &mut Schema, event: Option<&str>) -> Result<Forest, ImportError> {
    let event = pick(model, &schema.classes, event)?;
    let mut forest = match model.name() {
        "TreeModel" => {
            let prediction = prediction(model, event.as_deref())?;
            let trees = vec![TreeProgram::read(model, schema, prediction)?];
            Forest {
                trees,
                weights: vec![1.0],
                method: Method::Sum,
                single: is_single(model)?,
                rescale: None,
                probability: matches!(prediction, Prediction::Probability(_)),
                logit: None,
                function: String::new(),
                notes: Vec::new(),
            }
        }
        _ => ensemble(model, schema, event.as_deref())?,
    };
    if forest.rescale.is_none() {
        forest.rescale = targets(model)?;
    } else if targets(model)?.is_some() {
        return Err(model.refuse("it rescales what was rescaled already"));
    }
    forest.function = model.required("functionName")?.to_owned();
    Ok(forest)
}

/// The class whose probability is the result, of a classification.
fn pick(model: Element<'_>, classes: &[String], wanted: Option<&str>) -> Result<Option<String>, ImportError> {
    match model.required("functionName")? {
        "regression" => return Ok(None),
        "classification" => {}
        other => return Err(model.refuse(&format!("functionName=`{}` is not understood", shown(other)))),
    }
    if classes.len() != 2 {
        return Err(model.refuse(&format!("the target has {} classes, and two are understood", classes.len())));
    }
    let found = match wanted {
        Some(wanted) => classes.iter().find(|class| *class == wanted),
        None => classes.iter().find(|class| ["1", "true", "True", "1.0"].contains(&class.as_str())),
    };
    match (found, wanted) {
        (Some(class), _) => Ok(Some(class.clone())),
        (None, Some(wanted)) => Err(model.refuse(&format!("the target has no class `{}`", shown(wanted)))),
        (None, None) => {
            let list: Vec<String> = classes.iter().map(|class| shown(class)).collect();
            Err(model.refuse(&format!("which class is the event, `{}`? Name it", list.join("` or `"))))
        }
    }
}

fn is_single(model: Element<'_>) -> Result<bool, ImportError> {
    let of = |name| model.one_of(name, &["double", "float"]);
    Ok(of("mathContext")? == "float" || of("x-mathContext")? == "float")
}

fn prediction<'e>(model: Element<'_>, event: Option<&'e str>) -> Result<Prediction<'e>, ImportError> {
    match (model.required("functionName")?, event) {
        ("regression", _) => Ok(Prediction::Score { single: is_single(model)? }),
        ("classification", Some(event)) => Ok(Prediction::Probability(event)),
        (other, _) => Err(model.refuse(&format!("functionName=`{}` is not understood here", shown(other)))),
    }
}

/// `Targets`: rescaling of the result.
fn targets(model: Element<'_>) -> Result<Option<[f64; 2]>, ImportError> {
    let Some(targets) = model.child("Targets")? else { return Ok(None) };
    targets.only_children(&["Target"])?;
    let mut found = targets.children();
    let (Some(target), None) = (found.next(), found.next()) else {
        return Err(targets.refuse("it has not one Target"));
    };
    target.only(&["field", "optype", "rescaleConstant", "rescaleFactor"])?;
    // Prior probabilities are what is predicted of a missing result.
    target.only_children(&["TargetValue"])?;
    let (factor, constant) = (target.number("rescaleFactor")?, target.number("rescaleConstant")?);
    Ok((factor.is_some() || constant.is_some()).then_some([factor.unwrap_or(1.0), constant.unwrap_or(0.0)]))
}

fn segments(model: Element<'_>) -> Result<(Element<'_>, Vec<(f64, Element<'_>)>), ImportError> {
    model.only(&MODEL_ATTRIBUTES)?;
    model.only_children(&[
        "MiningSchema",
        "Segmentation",
        "Output",
        "Targets",
        "LocalTransformations",
        "ModelStats",
        "ModelVerification",
        "ModelExplanation",
    ])?;
    model.one_of("isScorable", &["true"])?;
    let segmentation = model.child("Segmentation")?.ok_or_else(|| model.refuse("it has no Segmentation"))?;
    segmentation.only(&[
        "multipleModelMethod",
        "missingPredictionTreatment",
        "missingThreshold",
        "x-missingPredictionTreatment",
    ])?;
    segmentation.only_children(&["Segment"])?;
    for name in ["missingPredictionTreatment", "x-missingPredictionTreatment"] {
        segmentation.one_of(name, &["continue", "returnMissing"])?;
    }
    let mut list = Vec::new();
    for segment in segmentation.children() {
        segment.only(&["id", "weight"])?;
        let weight = segment.number("weight")?.unwrap_or(1.0);
        let mut children = segment.children();
        match (children.next(), children.next(), children.next()) {
            (Some(predicate), Some(model), None) if predicate.name() == "True" => list.push((weight, model)),
            _ => return Err(segment.refuse("a segment is understood as `True` and one model")),
        }
    }
    if list.is_empty() {
        return Err(segmentation.refuse("it has no segments"));
    }
    Ok((segmentation, list))
}

fn ensemble(model: Element<'_>, schema: &mut Schema, event: Option<&str>) -> Result<Forest, ImportError> {
    let (segmentation, segments) = segments(model)?;
    let method = segmentation.required("multipleModelMethod")?;
    if method == "modelChain" {
        return chain(model, &segments, schema, event);
    }
    let single = is_single(model)?;
    let mut forest = Forest {
        trees: Vec::with_capacity(segments.len()),
        weights: Vec::with_capacity(segments.len()),
        method: Method::Sum,
        single,
        rescale: None,
        probability: false,
        logit: None,
        function: String::new(),
        notes: Vec::new(),
    };
    for (weight, tree) in &segments {
        if tree.name() != "TreeModel" {
            return Err(tree.refuse("an ensemble is understood of TreeModels"));
        }
        schema.check_inner(*tree, &[])?;
        if targets(*tree)?.is_some() {
            return Err(tree.refuse("rescaling within a segment is not understood"));
        }
        let prediction = prediction(*tree, event)?;
        if matches!(prediction, Prediction::Score { single: of_tree } if of_tree != single) {
            return Err(tree.refuse("its precision differs from that of the ensemble"));
        }
        forest.probability = matches!(prediction, Prediction::Probability(_));
        forest.trees.push(TreeProgram::read(*tree, schema, prediction)?);
        forest.weights.push(*weight);
    }
    let sum: f64 = forest.weights.iter().sum();
    forest.method = match method {
        "sum" => Method::Sum,
        "weightedSum" | "x-weightedSum" => Method::Sum,
        "average" => Method::Mean(segments.len() as f64),
        "weightedAverage" if sum > 0.0 => Method::Mean(sum),
        other => {
            return Err(segmentation.refuse(&format!("multipleModelMethod=`{}` is not understood", shown(other))));
        }
    };
    if !method.contains("eighted") {
        forest.weights.fill(1.0);
    } else if single {
        return Err(segmentation.refuse("weights in single precision are not understood"));
    }
    if forest.probability && forest.method == Method::Sum {
        return Err(segmentation.refuse("a sum of probabilities is none"));
    }
    Ok(forest)
}

/// A sum of trees, and a regression of one predictor after it.
fn chain(
    model: Element<'_>,
    segments: &[(f64, Element<'_>)],
    schema: &mut Schema,
    event: Option<&str>,
) -> Result<Forest, ImportError> {
    let [(_, first), (_, last)] = segments else {
        return Err(model.refuse("a chain of other than two models is not understood"));
    };
    if !["MiningModel", "TreeModel"].contains(&first.name()) || last.name() != "RegressionModel" {
        return Err(last.refuse("a chain is understood as trees and a RegressionModel"));
    }
    let output = first.child("Output")?.ok_or_else(|| first.refuse("it has no Output"))?;
    let mut fields = output.children();
    let (Some(field), None) = (fields.next(), fields.next()) else {
        return Err(output.refuse("it has not one OutputField"));
    };
    field.only(&["name", "displayName", "optype", "dataType", "feature", "isFinalResult"])?;
    field.one_of("feature", &["predictedValue"])?;
    field.only_children(&[])?;
    let name = field.required("name")?;
    schema.check_inner(*first, &[])?;
    schema.check_inner(*last, &[name])?;
    let mut forest = match first.name() {
        "MiningModel" => ensemble(*first, schema, None)?,
        _ => return Err(first.refuse("a chain is understood as a MiningModel and a RegressionModel")),
    };
    if field.required("dataType")? == "float" && !forest.single {
        forest.notes.push(
            "the document narrows the sum to single precision before the logistic function; here it is not narrowed, \
             so a probability may differ in its eighth digit"
                .to_owned(),
        );
    }
    forest.rescale = targets(*first)?;
    let (coefficient, intercept) = regression(*last, name, event)?;
    if intercept != 0.0 {
        if forest.rescale.is_some() || coefficient != 1.0 {
            return Err(last.refuse("an intercept beside a rescaled sum is not understood"));
        }
        forest.rescale = Some([1.0, intercept]);
    }
    forest.logit = Some(coefficient);
    Ok(forest)
}

/// The logistic regression of one predictor: its coefficient and intercept, both for the event.
fn regression(model: Element<'_>, predictor: &str, event: Option<&str>) -> Result<(f64, f64), ImportError> {
    model.only(&[
        "modelName",
        "functionName",
        "algorithmName",
        "normalizationMethod",
        "mathContext",
        "x-mathContext",
        "isScorable",
    ])?;
    model.only_children(&["MiningSchema", "Output", "RegressionTable", "ModelStats"])?;
    let (function, normalization) = (model.required("functionName")?, model.required("normalizationMethod")?);
    if (function, normalization) != ("classification", "logit") {
        let why = format!("normalizationMethod=`{}` of a {} is not understood", shown(normalization), shown(function));
        return Err(model.refuse(&why));
    }
    let mut found = None;
    for table in model.children().filter(|child| child.name() == "RegressionTable") {
        table.only(&["intercept", "targetCategory"])?;
        table.only_children(&["NumericPredictor"])?;
        let intercept = table.number("intercept")?.unwrap_or(0.0);
        let is_event = event.is_some_and(|event| table.attribute("targetCategory") == Some(event));
        let mut predictors = table.children();
        match (predictors.next(), predictors.next()) {
            (None, _) if intercept == 0.0 && !is_event => {}
            (Some(one), None) if is_event => {
                one.only(&["name", "field", "exponent", "coefficient"])?;
                one.one_of("exponent", &["1"])?;
                if one.attribute("name").or(one.attribute("field")) != Some(predictor) {
                    return Err(one.refuse("it is not what the trees predict"));
                }
                let coefficient = one.number("coefficient")?.filter(|c| *c > 0.0);
                let coefficient = coefficient.ok_or_else(|| one.refuse("its coefficient is not above zero"))?;
                if found.replace((coefficient, intercept)).is_some() {
                    return Err(table.refuse("the event has two tables"));
                }
            }
            _ => return Err(table.refuse("the regression is not that of one predictor for the event")),
        }
    }
    found.ok_or_else(|| model.refuse("the event has no RegressionTable"))
}
