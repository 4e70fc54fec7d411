//! A Python module without dependencies.
//!
//! Trees are tables of nodes and one loop walks them, because Python has a limit on nesting. Sums of single precision
//! are narrowed after each addition, so the margin has the model's bits.

use std::fmt::Write as _;

use prequal_core::score::trees::Width;

use super::{
    ExportError, decimal, headline,
    plain::{Node, Plain, Test},
};
use crate::{
    model_file::{ReasonAlgorithm, UnseenName},
    passport::Passport,
};

pub(super) fn write(plain: &Plain, passport: Option<&Passport>) -> Result<String, ExportError> {
    let mut out = String::from("# Scores one row. Written by prequal; change the model and not this file.\n#\n");
    for line in headline(plain, passport) {
        let _ = writeln!(out, "# {line}");
    }
    out.push_str("\nimport math\nimport struct\n\n");
    match passport {
        None => out.push_str("PASSPORT = None\n"),
        Some(passport) => {
            out.push_str("PASSPORT = {\n");
            for (name, text) in passport.entries() {
                let _ = writeln!(out, "    {}: {},", quoted(name), quoted(text));
            }
            out.push_str("}\n");
        }
    }
    out.push_str("# Name, categories in the order of their codes, whether these are numbers, what another category is, whether a\n");
    out.push_str("# missing value is an error.\nFEATURES = [\n");
    for feature in &plain.features {
        let (names, numeric, unseen) = match &feature.categories {
            None => ("None".to_owned(), false, "other"),
            Some(one) => {
                let names: Vec<String> = one.names.iter().map(|name| quoted(name)).collect();
                let unseen = match one.unseen {
                    UnseenName::Other => "other",
                    UnseenName::Missing => "missing",
                    UnseenName::Refuse => "refuse",
                };
                (format!("[{}]", names.join(", ")), one.numeric, unseen)
            }
        };
        let (name, numeric, required) = (quoted(&feature.name), python_bool(numeric), python_bool(feature.required));
        let _ = writeln!(out, "    ({name}, {names}, {numeric}, \"{unseen}\", {required}),");
    }
    out.push_str("]\n");
    let _ = writeln!(out, "BASE = {}", decimal(plain.base));
    let _ = writeln!(out, "SINGLE = {}", python_bool(plain.width == Width::F32));
    let _ = writeln!(out, "RESCALE = {}", pair(plain.rescale));
    let _ = writeln!(out, "DIVISOR = {}", plain.divisor.map_or("None".to_owned(), decimal));
    let _ = writeln!(out, "IS_PROBABILITY = {}", python_bool(plain.is_probability));
    let _ = writeln!(out, "SLOPE = {}", plain.slope.map_or("None".to_owned(), decimal));
    let _ = writeln!(out, "TINY_IS_ZERO = {}", python_bool(plain.tiny_is_zero));
    let _ = writeln!(out, "POINTS = {}", python_bool(plain.points.is_some()));
    let scaling = plain.points.flatten().map(|numbers| numbers.map(decimal).join(", "));
    let _ = writeln!(out, "SCALING = {}", scaling.map_or("None".to_owned(), |numbers| format!("({numbers})")));
    write_reasons(plain, &mut out);
    out.push_str("# A leaf: value, number, linear formula. A split: what is asked, feature, its numbers, whether missing goes left,\n");
    out.push_str("# the right child; the left one is the next node.\nTREES = [\n");
    for tree in &plain.trees {
        out.push_str("    [\n");
        for node in tree {
            let _ = writeln!(out, "        {},", write_node(node));
        }
        out.push_str("    ],\n");
    }
    out.push_str("]\n");
    out.push_str(RUNTIME);
    Ok(out)
}

fn write_reasons(plain: &Plain, out: &mut String) {
    let Some((reasons, baselines)) = &plain.reasons else {
        out.push_str("REASONS = None\n");
        return;
    };
    let sign = if reasons.algorithm == ReasonAlgorithm::PointsAbove { "1.0" } else { "-1.0" };
    out.push_str("# 1 for points above the baseline, -1 for points below; whether zero is a reason; for each tree its baseline and the\n# code of each leaf.\n");
    let zero = python_bool(reasons.zero_is_reason);
    let _ = writeln!(out, "REASONS = ({sign}, {zero}, [");
    for (one, baseline) in reasons.characteristics.iter().zip(baselines) {
        let codes: Vec<String> = one.codes.iter().map(|code| quoted(code)).collect();
        let _ = writeln!(out, "    ({}, [{}]),", decimal(*baseline), codes.join(", "));
    }
    out.push_str("])\n");
}

fn write_node(node: &Node) -> String {
    let zero = |zero: &Option<(f64, f64)>| {
        zero.map_or("None".to_owned(), |(from, below)| format!("({}, {})", decimal(from), decimal(below)))
    };
    match node {
        Node::Leaf { value, id, linear } => {
            let linear = linear.as_ref().map_or("None".to_owned(), |linear| {
                let terms: Vec<String> =
                    linear.terms.iter().map(|(feature, by)| format!("({feature}, {})", decimal(*by))).collect();
                format!("({}, [{}])", decimal(linear.constant), terms.join(", "))
            });
            format!("(\"leaf\", {}, {id}, {linear})", decimal(*value))
        }
        Node::Split { feature, test, missing_left, right } => {
            let (kind, numbers) = match test {
                Test::Below(threshold, missing) => ("<", format!("({}, {})", decimal(*threshold), zero(missing))),
                Test::Any(missing) => ("any", format!("(None, {})", zero(missing))),
                Test::Codes { listed, listed_go_left, minus_fraction_is_zero } => {
                    let codes: Vec<String> = listed.iter().map(u32::to_string).collect();
                    let set =
                        if codes.is_empty() { "frozenset()".to_owned() } else { format!("{{{}}}", codes.join(", ")) };
                    let (left, zero) = (python_bool(*listed_go_left), python_bool(*minus_fraction_is_zero));
                    ("in", format!("({set}, {left}, {zero})"))
                }
            };
            format!("(\"{kind}\", {feature}, {numbers}, {}, {right})", python_bool(*missing_left))
        }
    }
}

fn python_bool(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

fn pair(pair: Option<[f64; 2]>) -> String {
    pair.map_or("None".to_owned(), |pair| format!("({})", pair.map(decimal).join(", ")))
}

/// A Python string literal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || !c.is_ascii() => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What reads the tables.
const RUNTIME: &str = r#"

def _single(value):
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _normal(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


def _values(row):
    values = []
    for name, categories, numeric, unseen, required in FEATURES:
        value = row.get(name)
        if value is not None and categories is None:
            value = float(value)
        elif value is not None and value == value:
            names = [_normal(one) for one in categories] if numeric else categories
            value = _normal(value) if numeric else str(value)
            if value in names:
                value = float(names.index(value))
            elif unseen == "refuse":
                raise ValueError("`%s` is a category of `%s` that the model does not list" % (value, name))
            else:
                value = float(len(names)) if unseen == "other" else None
        missing = value is None or value != value
        if missing and required:
            raise ValueError("`%s` is missing, and the model scores no such row" % name)
        values.append(None if missing else value)
    return values


def _goes_left(node, value):
    kind, _, numbers, missing_left, _ = node
    if value is None:
        return missing_left
    if kind == "in":
        codes, listed_go_left, minus_fraction_is_zero = numbers
        listed = (value > -1.0 if minus_fraction_is_zero else value >= 0.0) and value < 4294967295.0
        return (listed and int(value) in codes) == listed_go_left
    threshold, missing = numbers
    if missing is not None and missing[0] <= value < missing[1]:
        return missing_left
    return kind == "any" or value < threshold


def _leaf(tree, values):
    at = 0
    while tree[at][0] != "leaf":
        at = at + 1 if _goes_left(tree[at], values[tree[at][1]]) else tree[at][4]
    _, value, number, linear = tree[at]
    if linear is not None and all(values[feature] is not None for feature, _ in linear[1]):
        value = linear[0]
        for feature, by in linear[1]:
            one = values[feature]
            value += by * (0.0 if TINY_IS_ZERO and abs(one) <= 1.0000000180025095e-35 else one)
    return value, number


def _logistic(margin):
    try:
        return 1.0 / (1.0 + math.exp(-margin))
    except OverflowError:
        return 0.0


def _reasons(leaves):
    sign, with_zero, characteristics = REASONS
    found = {}
    for (baseline, codes), (points, number) in zip(characteristics, leaves):
        found[codes[number]] = found.get(codes[number], 0.0) + sign * (points - baseline)
    ranked = sorted((item for item in found.items() if item[1] > 0.0 or (with_zero and item[1] == 0.0)), key=lambda item: -item[1])
    return ranked[:4]


def score(row):
    """Score a mapping of feature names to values; None is missing. Gives the margin or points, the probability of the
    event where the model has one, and reason codes with their points where it has those."""
    values = _values(row)
    leaves = [_leaf(tree, values) for tree in TREES]
    narrow = _single if SINGLE else lambda value: value
    margin = BASE
    for value, _ in leaves:
        margin = narrow(margin + value)
    if RESCALE is not None:
        margin = narrow(narrow(margin * RESCALE[0]) + RESCALE[1])
    if DIVISOR is not None:
        margin = narrow(margin / DIVISOR)
    result = {"margin": margin, "probability": None, "reasons": []}
    if IS_PROBABILITY:
        result["probability"] = margin
    elif SLOPE is not None:
        result["probability"] = _logistic(SLOPE * margin)
    if POINTS:
        result["points"] = margin
        if SCALING is not None:
            double, base_score, base_odds = SCALING
            factor = double / math.log(2.0)
            result["probability"] = _logistic((base_score - factor * math.log(base_odds) - margin) / factor)
    if REASONS is not None:
        result["reasons"] = _reasons(leaves)
    return result
"#;
