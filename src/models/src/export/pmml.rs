//! PMML 4.4: a `Scorecard` for points, else trees in a `MiningModel`.
//!
//! Fields are of type double with lowered thresholds; sums have the width that `x-mathContext` states. What the sum starts
//! from is a tree of one node, so that the order of the additions is the model's.

use std::fmt::Write as _;

use prequal_core::score::trees::{Float, Width};

use super::{
    ExportError, decimal,
    plain::{Node, Plain, Test, code_ranges},
};
use crate::{
    model_file::{ReasonAlgorithm, UnseenName},
    passport::Passport,
};

/// The name of the predicted field.
const TARGET: &str = "prequal_target";
/// The name of the sum that a logistic function follows.
const SUM: &str = "prequal_sum";
/// The deepest tree that is written, as the reader of PMML has it.
const DEPTH_MAX: usize = 500;

pub(super) fn write(
    plain: &Plain,
    passport: Option<&Passport>,
    notes: &mut Vec<String>,
) -> Result<String, ExportError> {
    if plain.features.iter().any(|feature| [TARGET, SUM].contains(&feature.name.as_str())) {
        return Err(ExportError::Refused(format!("a feature is named `{TARGET}` or `{SUM}`")));
    }
    if plain.features.iter().any(|feature| feature.required) {
        notes.push("that a row without a required feature has no score is not said in PMML".to_owned());
    }
    let mut xml = Xml { out: String::new(), open: Vec::new() };
    xml.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.open("PMML", &[("xmlns", "http://www.dmg.org/PMML-4_4"), ("version", "4.4")]);
    header(plain, passport, &mut xml);
    let classes = plain.is_probability || plain.slope.is_some();
    dictionary(plain, classes, &mut xml);
    if plain.points.is_some() {
        scorecard(plain, notes, &mut xml)?;
    } else {
        trees(plain, classes, notes, &mut xml)?;
    }
    xml.close();
    Ok(xml.out)
}

struct Xml {
    out: String,
    open: Vec<&'static str>,
}

impl Xml {
    fn tag(&mut self, name: &'static str, attributes: &[(&str, &str)], end: &str) {
        let indent = "  ".repeat(self.open.len().min(20));
        let _ = write!(self.out, "{indent}<{name}");
        for (key, value) in attributes {
            let _ = write!(self.out, " {key}=\"{}\"", escaped(value));
        }
        let _ = writeln!(self.out, "{end}>");
    }

    fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "");
        self.open.push(name);
    }

    fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/");
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            let indent = "  ".repeat(self.open.len().min(20));
            let _ = writeln!(self.out, "{indent}</{name}>");
        }
    }
}

/// Text within an attribute or an element; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c.is_control() || ['\u{fffe}', '\u{ffff}'].contains(&c) => {}
            c => out.push(c),
        }
    }
    out
}

fn header(plain: &Plain, passport: Option<&Passport>, xml: &mut Xml) {
    xml.open("Header", &[("description", plain.label.as_str())]);
    let mut extension = |name: &str, value: &str| {
        xml.empty("Extension", &[("extender", "prequal"), ("name", name), ("value", value)]);
    };
    extension("source", &plain.library);
    extension("document", &plain.hash);
    for (name, text) in passport.iter().flat_map(|passport| passport.entries()) {
        extension(name, text);
    }
    if let Some([double, base_score, base_odds]) = plain.points.flatten() {
        extension("points_to_double_odds", &decimal(double));
        extension("base_score", &decimal(base_score));
        extension("base_odds", &decimal(base_odds));
    }
    xml.empty("Application", &[("name", "prequal"), ("version", env!("CARGO_PKG_VERSION"))]);
    xml.close();
}

fn dictionary(plain: &Plain, classes: bool, xml: &mut Xml) {
    xml.open("DataDictionary", &[]);
    for feature in &plain.features {
        let name = ("name", feature.name.as_str());
        match &feature.categories {
            None => xml.empty("DataField", &[name, ("optype", "continuous"), ("dataType", "double")]),
            Some(categories) => {
                let kind = if categories.numeric { "double" } else { "string" };
                xml.open("DataField", &[name, ("optype", "categorical"), ("dataType", kind)]);
                for value in &categories.names {
                    xml.empty("Value", &[("value", value)]);
                }
                xml.close();
            }
        }
    }
    let target = ("name", TARGET);
    if classes {
        xml.open("DataField", &[target, ("optype", "categorical"), ("dataType", "integer")]);
        xml.empty("Value", &[("value", "0")]);
        xml.empty("Value", &[("value", "1")]);
        xml.close();
    } else {
        xml.empty("DataField", &[target, ("optype", "continuous"), ("dataType", "double")]);
    }
    xml.close();
}

/// The fields of a model; the outermost says how their values are treated.
fn schema(plain: &Plain, outermost: bool, target: bool, xml: &mut Xml) {
    xml.open("MiningSchema", &[]);
    if target {
        xml.empty("MiningField", &[("name", TARGET), ("usageType", "target")]);
    }
    for (at, feature) in plain.features.iter().enumerate() {
        let name = ("name", feature.name.as_str());
        let treatment = match plain.unseen(at) {
            Some(UnseenName::Refuse) => "returnInvalid",
            Some(UnseenName::Missing) => "asMissing",
            _ => "asIs",
        };
        if outermost {
            xml.empty("MiningField", &[name, ("invalidValueTreatment", treatment)]);
        } else {
            xml.empty("MiningField", &[name]);
        }
    }
    xml.close();
}

fn trees(plain: &Plain, classes: bool, notes: &mut Vec<String>, xml: &mut Xml) -> Result<(), ExportError> {
    let single = plain.width == Width::F32;
    let context = ("x-mathContext", if single { "float" } else { "double" });
    let count = plain.trees.len() as f64;
    let method = match plain.divisor {
        None => "sum",
        Some(1.0) if plain.trees.len() == 1 => "average",
        Some(divisor) if divisor == count && plain.base == 0.0 => "average",
        Some(_) => return Err(ExportError::Refused("a weighted mean".to_owned())),
    };
    let logit = plain.slope.is_some();
    if logit {
        xml.open("MiningModel", &[("functionName", "classification"), context]);
        schema(plain, true, true, xml);
        xml.open("Segmentation", &[("multipleModelMethod", "modelChain")]);
        xml.open("Segment", &[("id", "1")]);
        xml.empty("True", &[]);
    }
    let function = if classes && !logit { "classification" } else { "regression" };
    xml.open("MiningModel", &[("functionName", function), context]);
    schema(plain, !logit, !logit, xml);
    if logit {
        let kind = ("dataType", if single { "float" } else { "double" });
        xml.open("Output", &[]);
        xml.empty("OutputField", &[("name", SUM), ("optype", "continuous"), kind, ("isFinalResult", "false")]);
        xml.close();
    }
    if let Some([factor, constant]) = plain.rescale {
        let text = |value: f64| value_of(value, plain.width);
        xml.open("Targets", &[]);
        // The inner model of a chain has no target of its own.
        let field = (!logit).then_some(("field", TARGET));
        let (factor, constant) = (text(factor), text(constant));
        let numbers = [("rescaleFactor", factor.as_str()), ("rescaleConstant", constant.as_str())];
        let attributes: Vec<(&str, &str)> = field.into_iter().chain(numbers).collect();
        xml.empty("Target", &attributes);
        xml.close();
    }
    xml.open("Segmentation", &[("multipleModelMethod", method), ("missingPredictionTreatment", "returnMissing")]);
    let base = [Node::Leaf { value: plain.base, id: 0, linear: None }];
    let first = (plain.base != 0.0).then_some(base.as_slice());
    for (number, tree) in first.into_iter().chain(plain.trees.iter().map(Vec::as_slice)).enumerate() {
        xml.open("Segment", &[("id", &(number + 1).to_string())]);
        xml.empty("True", &[]);
        tree_model(plain, tree, function, context, xml)?;
        xml.close();
    }
    xml.close();
    xml.close();
    if let Some(slope) = plain.slope {
        xml.close();
        regression(slope, context, xml);
        xml.close();
        xml.close();
        notes.push("the probability is that of PMML's logistic function: it may differ in its last digits".to_owned());
    }
    Ok(())
}

fn regression(slope: f64, context: (&str, &str), xml: &mut Xml) {
    xml.open("Segment", &[("id", "2")]);
    xml.empty("True", &[]);
    xml.open("RegressionModel", &[("functionName", "classification"), ("normalizationMethod", "logit"), context]);
    xml.open("MiningSchema", &[]);
    xml.empty("MiningField", &[("name", TARGET), ("usageType", "target")]);
    xml.empty("MiningField", &[("name", SUM)]);
    xml.close();
    xml.open("Output", &[]);
    for class in ["0", "1"] {
        let name = format!("probability({class})");
        xml.empty(
            "OutputField",
            &[
                ("name", &name),
                ("optype", "continuous"),
                ("dataType", "double"),
                ("feature", "probability"),
                ("value", class),
            ],
        );
    }
    xml.close();
    xml.open("RegressionTable", &[("intercept", "0.0"), ("targetCategory", "1")]);
    xml.empty("NumericPredictor", &[("name", SUM), ("coefficient", &decimal(slope))]);
    xml.close();
    xml.empty("RegressionTable", &[("intercept", "0.0"), ("targetCategory", "0")]);
    xml.close();
    xml.close();
}

fn tree_model(
    plain: &Plain,
    nodes: &[Node],
    function: &str,
    context: (&str, &str),
    xml: &mut Xml,
) -> Result<(), ExportError> {
    xml.open(
        "TreeModel",
        &[
            ("functionName", function),
            ("missingValueStrategy", "defaultChild"),
            ("splitCharacteristic", "binarySplit"),
            context,
        ],
    );
    schema(plain, false, false, xml);
    // A node to write, under the predicate that leads to it; or the end of one.
    enum Task {
        Node(usize, Option<Side>, usize),
        Close,
    }
    let mut tasks = vec![Task::Node(0, None, 0)];
    while let Some(task) = tasks.pop() {
        let Task::Node(at, side, depth) = task else {
            xml.close();
            continue;
        };
        if depth > DEPTH_MAX {
            return Err(ExportError::Refused(format!("a tree is deeper than {DEPTH_MAX} splits")));
        }
        let id = at.to_string();
        match nodes.get(at) {
            Some(Node::Leaf { linear: Some(_), .. }) => return Err(ExportError::Refused("linear leaves".to_owned())),
            Some(Node::Leaf { value, .. }) => {
                let score = value_of(*value, plain.width);
                let score = if plain.is_probability { if *value > 0.5 { "1" } else { "0" } } else { &score };
                xml.open("Node", &[("id", &id), ("score", score)]);
                predicate(plain, side.as_ref(), xml);
                if plain.is_probability {
                    distribution(*value, xml);
                }
                xml.close();
            }
            Some(Node::Split { feature, test, missing_left, right }) => {
                let default = if *missing_left { at + 1 } else { *right }.to_string();
                xml.open("Node", &[("id", &id), ("defaultChild", &default)]);
                predicate(plain, side.as_ref(), xml);
                let side =
                    |left: bool| Side { feature: *feature, test: test.clone(), missing_left: *missing_left, left };
                tasks.push(Task::Close);
                tasks.push(Task::Node(*right, Some(side(false)), depth + 1));
                tasks.push(Task::Node(at + 1, Some(side(true)), depth + 1));
            }
            None => return Err(ExportError::Model("a tree lacks a node".to_owned())),
        }
    }
    xml.close();
    Ok(())
}

fn distribution(event: f64, xml: &mut Xml) {
    for (class, share) in [("0", 1.0 - event), ("1", event)] {
        let share = decimal(share);
        xml.empty("ScoreDistribution", &[("value", class), ("recordCount", &share), ("probability", &share)]);
    }
}

/// One side of a split.
struct Side {
    feature: usize,
    test: Test,
    missing_left: bool,
    left: bool,
}

fn value_of(value: f64, width: Width) -> String {
    match width {
        Width::F32 => Float::F32(value as f32).to_string(),
        Width::F64 => Float::F64(value).to_string(),
    }
}

fn simple(plain: &Plain, feature: usize, operator: &str, value: Option<f64>, xml: &mut Xml) {
    let name = plain.features.get(feature).map_or("", |feature| feature.name.as_str());
    match value.map(|value| Float::F64(value).to_string()) {
        Some(value) => xml.empty("SimplePredicate", &[("field", name), ("operator", operator), ("value", &value)]),
        None => xml.empty("SimplePredicate", &[("field", name), ("operator", operator)]),
    }
}

fn compound(operator: &str, xml: &mut Xml) {
    xml.open("CompoundPredicate", &[("booleanOperator", operator)]);
}

/// The predicate of a child. Of the right child, which is asked after the left one, it need not say more than that.
fn predicate(plain: &Plain, side: Option<&Side>, xml: &mut Xml) {
    let Some(Side { feature, test, missing_left, left }) = side else {
        xml.empty("True", &[]);
        return;
    };
    let feature = *feature;
    match test {
        Test::Below(threshold, None) => {
            simple(plain, feature, if *left { "lessThan" } else { "greaterOrEqual" }, Some(*threshold), xml);
        }
        Test::Any(None) => {
            let operator = if *left == *missing_left { "isMissing" } else { "isNotMissing" };
            match (*left, *missing_left) {
                // All values and missing ones go left.
                (true, true) => xml.empty("True", &[]),
                (false, true) => xml.empty("False", &[]),
                (true, false) => simple(plain, feature, "isNotMissing", None, xml),
                (false, false) => simple(plain, feature, operator, None, xml),
            }
        }
        Test::Codes { listed, listed_go_left, minus_fraction_is_zero } => {
            let inside = *listed_go_left == *left;
            codes(plain, feature, listed, (inside, *minus_fraction_is_zero), xml);
        }
        Test::Below(_, Some(zero)) | Test::Any(Some(zero)) => {
            if !*left {
                xml.empty("True", &[]);
                return;
            }
            with_zero(plain, feature, test, *zero, *missing_left, xml);
        }
    }
}

/// What goes left where zero is missing.
fn with_zero(plain: &Plain, feature: usize, test: &Test, zero: (f64, f64), missing_left: bool, xml: &mut Xml) {
    let below = |xml: &mut Xml| match test {
        Test::Below(threshold, _) => simple(plain, feature, "lessThan", Some(*threshold), xml),
        _ => simple(plain, feature, "isNotMissing", None, xml),
    };
    if missing_left {
        compound("or", xml);
        simple(plain, feature, "isMissing", None, xml);
        compound("and", xml);
        simple(plain, feature, "greaterOrEqual", Some(zero.0), xml);
        simple(plain, feature, "lessThan", Some(zero.1), xml);
        xml.close();
        below(xml);
        xml.close();
    } else {
        // Not unknown where the value is missing: the first part is false then.
        compound("and", xml);
        simple(plain, feature, "isNotMissing", None, xml);
        below(xml);
        compound("or", xml);
        simple(plain, feature, "lessThan", Some(zero.0), xml);
        simple(plain, feature, "greaterOrEqual", Some(zero.1), xml);
        xml.close();
        xml.close();
    }
}

/// Whether a category is among codes: names in a set, or intervals of numbers.
fn codes(plain: &Plain, feature: usize, listed: &[u32], (inside, minus_fraction_is_zero): (bool, bool), xml: &mut Xml) {
    let one = plain.features.get(feature);
    if let Some((name, categories)) = one.and_then(|one| Some((one.name.as_str(), one.categories.as_ref()?))) {
        let names: Vec<&str> = listed.iter().filter_map(|code| plain.name_of(feature, *code)).collect();
        let quoted: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.replace('"', "\\\""))).collect();
        let operator = if inside { "isIn" } else { "isNotIn" };
        xml.open("SimpleSetPredicate", &[("field", name), ("booleanOperator", operator)]);
        let kind = if categories.numeric { "real" } else { "string" };
        let indent = "  ".repeat(xml.open.len().min(20));
        let array = escaped(&quoted.join(" "));
        let _ = writeln!(xml.out, "{indent}<Array n=\"{}\" type=\"{kind}\">{array}</Array>", names.len());
        xml.close();
        return;
    }
    let ranges = code_ranges(listed, minus_fraction_is_zero);
    compound(if inside { "or" } else { "and" }, xml);
    for (from, below) in &ranges {
        compound(if inside { "and" } else { "or" }, xml);
        let (first, second) = if inside { ("greaterOrEqual", "lessThan") } else { ("lessThan", "greaterOrEqual") };
        simple(plain, feature, first, Some(*from), xml);
        simple(plain, feature, second, Some(*below), xml);
        xml.close();
    }
    // A compound has two parts at least.
    xml.empty(if inside { "False" } else { "True" }, &[]);
    xml.empty(if inside { "False" } else { "True" }, &[]);
    xml.close();
}

fn scorecard(plain: &Plain, notes: &mut Vec<String>, xml: &mut Xml) -> Result<(), ExportError> {
    if plain.points.flatten().is_some() {
        notes.push("how points stand for odds is kept in the header: a PMML scorecard gives points only".to_owned());
    }
    let base = Float::F64(plain.base).to_string();
    let with_reasons = if plain.reasons.is_some() { "true" } else { "false" };
    let mut attributes =
        vec![("functionName", "regression"), ("initialScore", &base), ("useReasonCodes", with_reasons)];
    if let Some((reasons, _)) = &plain.reasons {
        let algorithm = match reasons.algorithm {
            ReasonAlgorithm::PointsAbove => "pointsAbove",
            ReasonAlgorithm::PointsBelow => "pointsBelow",
        };
        attributes.extend([("reasonCodeAlgorithm", algorithm), ("baselineMethod", "other")]);
    }
    xml.open("Scorecard", &attributes);
    schema(plain, true, true, xml);
    xml.open("Output", &[]);
    xml.empty(
        "OutputField",
        &[("name", "points"), ("feature", "predictedValue"), ("dataType", "double"), ("optype", "continuous")],
    );
    for rank in plain.reasons.iter().flat_map(|_| 1..=4) {
        let (name, rank) = (format!("reason_{rank}"), rank.to_string());
        xml.empty(
            "OutputField",
            &[
                ("name", &name),
                ("feature", "reasonCode"),
                ("rank", &rank),
                ("dataType", "string"),
                ("optype", "categorical"),
            ],
        );
    }
    xml.close();
    xml.open("Characteristics", &[]);
    for (number, tree) in plain.trees.iter().enumerate() {
        let reasons = plain
            .reasons
            .as_ref()
            .and_then(|(reasons, baselines)| Some((reasons.characteristics.get(number)?, baselines.get(number)?)));
        let baseline = reasons.map(|(_, baseline)| Float::F64(*baseline).to_string());
        let name = reasons.map_or_else(|| format!("characteristic_{}", number + 1), |(one, _)| one.name.clone());
        let mut attributes = vec![("name", name.as_str())];
        attributes.extend(baseline.iter().map(|baseline| ("baselineScore", baseline.as_str())));
        xml.open("Characteristic", &attributes);
        let codes = reasons.map(|(one, _)| one.codes.as_slice());
        characteristic(plain, tree, codes, xml)?;
        xml.close();
    }
    xml.close();
    xml.close();
    Ok(())
}

/// Every leaf is an attribute; what leads to it is its predicate.
fn characteristic(plain: &Plain, nodes: &[Node], codes: Option<&[String]>, xml: &mut Xml) -> Result<(), ExportError> {
    let mut paths: Vec<(usize, Vec<(usize, bool)>)> = vec![(0, Vec::new())];
    while let Some((at, path)) = paths.pop() {
        if path.len() > DEPTH_MAX {
            return Err(ExportError::Refused(format!("a tree is deeper than {DEPTH_MAX} splits")));
        }
        match nodes.get(at) {
            Some(Node::Split { right, .. }) => {
                let with = |left: bool| path.iter().copied().chain([(at, left)]).collect();
                paths.push((*right, with(false)));
                paths.push((at + 1, with(true)));
            }
            Some(Node::Leaf { value, id, linear: None }) => {
                let points = Float::F64(*value).to_string();
                let mut attributes = vec![("partialScore", points.as_str())];
                let code = codes.and_then(|codes| codes.get(*id as usize));
                attributes.extend(code.map(|code| ("reasonCode", code.as_str())));
                xml.open("Attribute", &attributes);
                if path.is_empty() {
                    xml.empty("True", &[]);
                } else {
                    compound("and", xml);
                    for (split, left) in &path {
                        condition(plain, nodes.get(*split), *left, xml);
                    }
                    // A compound has two parts at least.
                    xml.empty("True", &[]);
                    xml.close();
                }
                xml.close();
            }
            _ => return Err(ExportError::Refused("linear leaves".to_owned())),
        }
    }
    Ok(())
}

/// One side of a split as a predicate of its own, also for missing values.
fn condition(plain: &Plain, split: Option<&Node>, left: bool, xml: &mut Xml) {
    let Some(Node::Split { feature, test, missing_left, .. }) = split else { return };
    let side = Side { feature: *feature, test: test.clone(), missing_left: *missing_left, left };
    let takes_missing = left == *missing_left;
    if let Test::Any(None) = test {
        predicate(plain, Some(&side), xml);
    } else if takes_missing {
        compound("or", xml);
        simple(plain, *feature, "isMissing", None, xml);
        predicate(plain, Some(&side), xml);
        xml.close();
    } else {
        predicate(plain, Some(&side), xml);
    }
}
