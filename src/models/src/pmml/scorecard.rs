//! `Scorecard`: characteristics, their attributes, and reason codes.

use prequal_core::score::trees::FEATURES_MAX;

use super::{predicate, schema::Schema, xml::Element};
use crate::{
    Imported,
    additive::{CardParts, bits},
    error::{ImportError, shown},
    model_file::{Characteristic, PointsScaling, ReasonAlgorithm, Reasons},
    rules::{Ask, Known, Predicate, Program, Step},
};

/// The most attributes of one characteristic.
const ATTRIBUTES_MAX: usize = 10_000;

struct Attribute {
    predicate: Predicate,
    points: f64,
    reason: Option<String>,
}

struct OneCharacteristic {
    name: String,
    baseline: Option<f64>,
    attributes: Vec<Attribute>,
}

/// The first attribute that is true; none is no score.
impl Program for OneCharacteristic {
    fn step(&self, _: usize, known: &Known<'_>) -> Result<Step, Ask> {
        for (at, attribute) in (0_u32..).zip(&self.attributes) {
            if attribute.predicate.evaluate(known)? == Some(true) {
                return Ok(Step::Leaf(at, attribute.points));
            }
        }
        Ok(Step::Nothing)
    }
}

pub(super) fn read(
    model: Element<'_>,
    mut schema: Schema,
    version: &str,
    scaling: Option<PointsScaling>,
    file: &[u8],
) -> Result<Imported, ImportError> {
    model.only(&[
        "modelName",
        "functionName",
        "algorithmName",
        "initialScore",
        "useReasonCodes",
        "reasonCodeAlgorithm",
        "baselineScore",
        "baselineMethod",
        "isScorable",
    ])?;
    model.only_children(&[
        "MiningSchema",
        "Output",
        "Characteristics",
        "LocalTransformations",
        "ModelStats",
        "ModelVerification",
        "ModelExplanation",
    ])?;
    model.one_of("isScorable", &["true"])?;
    model.one_of("functionName", &["regression"])?;
    let method = model.one_of("baselineMethod", &["other", "max", "min", "mean", "neutral"])?;
    let holder = model.child("Characteristics")?.ok_or_else(|| model.refuse("it has no Characteristics"))?;
    holder.only_children(&["Characteristic"])?;
    let with_reasons = match model.attribute("useReasonCodes") {
        None => true,
        Some(_) => model.is_true("useReasonCodes")?,
    };
    let common = model.number("baselineScore")?;
    let mut list = Vec::new();
    for element in holder.children() {
        ImportError::limit("characteristics", list.len() + 1, FEATURES_MAX)?;
        let one = characteristic(element, &mut schema)?;
        list.push((element, one));
    }
    let programs: Vec<&dyn Program> = list.iter().map(|(_, one)| one as &dyn Program).collect();
    let trees = schema.inputs.compile_all(&programs)?;
    let reasons = if with_reasons {
        let algorithm = match model.one_of("reasonCodeAlgorithm", &["pointsBelow", "pointsAbove"])? {
            "pointsAbove" => ReasonAlgorithm::PointsAbove,
            _ => ReasonAlgorithm::PointsBelow,
        };
        let one = |(element, one): &(Element<'_>, OneCharacteristic)| one.reasons(*element, common, method);
        let characteristics = list.iter().map(one).collect::<Result<_, _>>()?;
        Some(Reasons { algorithm, zero_is_reason: true, characteristics })
    } else {
        None
    };
    let parts = CardParts {
        library: "pmml",
        version: version.to_owned(),
        objective: "scorecard".to_owned(),
        inputs: schema.inputs,
        base: model.number("initialScore")?.unwrap_or(0.0),
        trees,
        scaling,
        reasons,
        notes: Vec::new(),
    };
    parts.finish(file)
}

fn characteristic(element: Element<'_>, schema: &mut Schema) -> Result<OneCharacteristic, ImportError> {
    element.only(&["name", "reasonCode", "baselineScore"])?;
    element.only_children(&["Attribute"])?;
    let mut attributes = Vec::new();
    for attribute in element.children() {
        ImportError::limit("attributes of a characteristic", attributes.len() + 1, ATTRIBUTES_MAX)?;
        attribute.only(&["reasonCode", "partialScore"])?;
        if let Some(complex) = attribute.child("ComplexPartialScore")? {
            return Err(complex.refuse("points that are computed are not understood"));
        }
        attribute.only_children(&predicate::PREDICATES)?;
        let points = attribute.number("partialScore")?;
        attributes.push(Attribute {
            predicate: predicate::of(attribute, schema)?,
            points: points.ok_or_else(|| attribute.refuse("it lacks the attribute `partialScore`"))?,
            reason: attribute.attribute("reasonCode").or(element.attribute("reasonCode")).map(str::to_owned),
        });
    }
    if attributes.is_empty() {
        return Err(element.refuse("it has no attributes"));
    }
    let name = element.attribute("name").unwrap_or("characteristic").to_owned();
    Ok(OneCharacteristic { name, baseline: element.number("baselineScore")?, attributes })
}

impl OneCharacteristic {
    /// Codes and baseline. A baseline that is not stated follows from the points where the method says how.
    fn reasons(&self, element: Element<'_>, common: Option<f64>, method: &str) -> Result<Characteristic, ImportError> {
        let points = self.attributes.iter().map(|attribute| attribute.points);
        let computed = match method {
            "max" => points.max_by(f64::total_cmp),
            "min" => points.min_by(f64::total_cmp),
            _ => None,
        };
        let Some(baseline) = self.baseline.or(common).or(computed) else {
            return Err(
                element.refuse(&format!("it has no baselineScore, and the method `{method}` does not give one"))
            );
        };
        let code = |attribute: &Attribute| attribute.reason.clone();
        let codes = self.attributes.iter().map(code).collect::<Option<Vec<String>>>();
        let Some(codes) = codes else { return Err(element.refuse("an attribute has no reason code")) };
        if let Some(empty) = codes.iter().find(|code| code.is_empty()) {
            return Err(element.refuse(&format!("the reason code `{}` is empty", shown(empty))));
        }
        Ok(Characteristic { name: self.name.clone(), baseline: bits(baseline), codes })
    }
}
