//! One SQL query over a table of rows, in the common part of SQLite, PostgreSQL and the rest.
//!
//! Databases compute in double precision, so a model whose sums are of single precision gives margins that differ in
//! the last digits; comparisons do not. A sum is taken in steps, because SQLite limits the depth of an expression and
//! the number of columns.

use std::fmt::Write as _;

use prequal_core::score::trees::Width;

use super::{
    ExportError, decimal, headline,
    plain::{Linear, Node, Plain, Test},
};
use crate::{model_file::UnseenName, passport::Passport};

/// The table that the query reads.
const TABLE: &str = "applications";
/// How many trees one step adds.
const TREES_A_STEP: usize = 50;
/// The deepest tree: SQLite allows expressions of depth 1000.
const DEPTH_MAX: usize = 400;

pub(super) fn write(
    plain: &Plain,
    passport: Option<&Passport>,
    notes: &mut Vec<String>,
) -> Result<String, ExportError> {
    let mut out =
        String::from("-- Scores every row of the table. Written by prequal; change the model and not this file.\n--\n");
    for line in headline(plain, passport) {
        let _ = writeln!(out, "-- {line}");
    }
    let _ = writeln!(out, "--\n-- Reads the table \"{TABLE}\"; a missing value is NULL. Gives its columns and:");
    out.push_str("--   prequal_margin       the margin or the points; NULL where the model scores no such row\n");
    out.push_str("--   prequal_probability  the probability of the event, NULL where the model has none\n");
    if plain.width == Width::F32 {
        notes
            .push("the model sums in single precision and SQL in double: margins differ in the last digits".to_owned());
    }
    notes.push(
        "a database may read a decimal as the double beside it, and then a margin differs in its last digit".to_owned(),
    );
    if plain.reasons.is_some() {
        notes.push("the query gives points and no reason codes".to_owned());
    }
    let writer = Writer { plain };
    out.push_str("WITH prequal_0 AS (\n  SELECT i.*");
    for at in 0..plain.features.len() {
        let _ = write!(out, ",\n    {} AS prequal_f{at}", writer.intake(at));
    }
    let _ = write!(out, ",\n    {} AS prequal_s0", decimal(plain.base));
    let _ = writeln!(out, "\n  FROM \"{TABLE}\" AS i\n)");
    let steps = plain.trees.chunks(TREES_A_STEP);
    let count = steps.len();
    for (step, trees) in steps.enumerate() {
        let _ = write!(out, ", prequal_{} AS (\n  SELECT i.*, i.prequal_s{step}", step + 1);
        for tree in trees {
            out.push_str("\n    + ");
            writer.tree(tree, &mut out)?;
        }
        let _ = writeln!(out, " AS prequal_s{}\n  FROM prequal_{step} AS i\n)", step + 1);
    }
    let mut margin = format!("i.prequal_s{count}");
    if let Some([scale, bias]) = plain.rescale {
        margin = format!("({margin} * {} + {})", decimal(scale), decimal(bias));
    }
    if let Some(divisor) = plain.divisor {
        margin = format!("({margin} / {})", decimal(divisor));
    }
    let refused = writer.refused();
    if !refused.is_empty() {
        margin = format!("CASE WHEN {} THEN NULL ELSE {margin} END", refused.join(" OR "));
    }
    let _ =
        writeln!(out, ", prequal_last AS (\n  SELECT i.*, {margin} AS prequal_margin\n  FROM prequal_{count} AS i\n)");
    let own: Vec<String> = plain.features.iter().map(|feature| format!("i.{}", name(&feature.name))).collect();
    let _ = writeln!(out, "SELECT {}, i.prequal_margin,", own.join(", "));
    let _ = writeln!(out, "  {} AS prequal_probability\nFROM prequal_last AS i;", probability(plain));
    Ok(out)
}

fn probability(plain: &Plain) -> String {
    let logistic = |margin: &str| format!("1.0 / (1.0 + EXP(-({margin})))");
    match (plain.is_probability, plain.slope, plain.points) {
        (true, _, _) => "i.prequal_margin".to_owned(),
        (_, Some(slope), _) => logistic(&format!("{} * i.prequal_margin", decimal(slope))),
        (_, None, Some(Some([double, base_score, base_odds]))) => {
            let factor = double / std::f64::consts::LN_2;
            let offset = base_score - factor * libm::log(base_odds);
            logistic(&format!("({} - i.prequal_margin) / {}", decimal(offset), decimal(factor)))
        }
        _ => "NULL".to_owned(),
    }
}

struct Writer<'p> {
    plain: &'p Plain,
}

impl Writer<'_> {
    /// A feature as the trees read it.
    fn intake(&self, at: usize) -> String {
        let Some(feature) = self.plain.features.get(at) else { return "NULL".to_owned() };
        let column = format!("i.{}", name(&feature.name));
        match &feature.categories {
            Some(categories) => {
                let names = categories.names.iter().enumerate();
                let whens: Vec<String> =
                    names.map(|(code, one)| format!("WHEN {} THEN {code}", text(one, categories.numeric))).collect();
                let rest = match categories.unseen {
                    UnseenName::Missing => "NULL".to_owned(),
                    UnseenName::Other | UnseenName::Refuse => categories.names.len().to_string(),
                };
                // A category that is NULL is none of the names.
                if whens.is_empty() {
                    return format!("CASE WHEN {column} IS NULL THEN NULL ELSE {rest} END");
                }
                format!(
                    "CASE WHEN {column} IS NULL THEN NULL ELSE CASE {column} {} ELSE {rest} END END",
                    whens.join(" ")
                )
            }
            None => column,
        }
    }

    /// Conditions under which the model scores no row.
    fn refused(&self) -> Vec<String> {
        let mut list = Vec::new();
        for (at, feature) in self.plain.features.iter().enumerate() {
            if feature.required {
                list.push(format!("i.prequal_f{at} IS NULL"));
            }
            if let Some(categories) = &feature.categories
                && self.plain.unseen(at) == Some(UnseenName::Refuse)
            {
                list.push(format!("i.prequal_f{at} = {}", categories.names.len()));
            }
        }
        list
    }

    /// A tree as one flat `CASE`, because SQLite's parser has little room for nested ones. Leaves stand from left to
    /// right, so a row that comes to a leaf has failed all before it: of the way to a leaf only the turns to the left
    /// need saying.
    fn tree(&self, nodes: &[Node], out: &mut String) -> Result<(), ExportError> {
        let mut tasks: Vec<(usize, Vec<String>, usize)> = vec![(0, Vec::new(), 0)];
        let mut whens = String::new();
        while let Some((at, lefts, depth)) = tasks.pop() {
            if depth > DEPTH_MAX {
                return Err(ExportError::Refused(format!("a tree is deeper than {DEPTH_MAX} splits")));
            }
            let value = match nodes.get(at) {
                Some(Node::Leaf { value, linear: None, .. }) => signed(*value),
                Some(Node::Leaf { value, linear: Some(linear), .. }) => self.linear(*value, linear),
                Some(Node::Split { feature, test, missing_left, right }) => {
                    let mut left = lefts.clone();
                    left.push(condition(*feature, test, *missing_left));
                    tasks.push((*right, lefts, depth + 1));
                    tasks.push((at + 1, left, depth + 1));
                    continue;
                }
                None => return Err(ExportError::Model("a tree lacks a node".to_owned())),
            };
            if lefts.is_empty() {
                // The last leaf, which all others reach.
                if whens.is_empty() {
                    out.push_str(&value);
                } else {
                    let _ = write!(out, "CASE{whens} ELSE {value} END");
                }
                return Ok(());
            }
            let _ = write!(whens, " WHEN ({}) THEN {value}", lefts.join(") AND ("));
        }
        Err(ExportError::Model("a tree has no last leaf".to_owned()))
    }

    fn linear(&self, plain: f64, linear: &Linear) -> String {
        let value = |feature: usize| {
            let column = format!("i.prequal_f{feature}");
            if self.plain.tiny_is_zero {
                format!("(CASE WHEN ABS({column}) <= 1.0000000180025095e-35 THEN 0.0 ELSE {column} END)")
            } else {
                column
            }
        };
        let sum = linear.terms.iter().fold(signed(linear.constant), |sum, (feature, by)| {
            format!("{sum} + {} * {}", signed(*by), value(*feature))
        });
        let missing: Vec<String> =
            linear.terms.iter().map(|(feature, _)| format!("i.prequal_f{feature} IS NULL")).collect();
        if missing.is_empty() {
            return format!("({sum})");
        }
        format!("(CASE WHEN {} THEN {} ELSE {sum} END)", missing.join(" OR "), signed(plain))
    }
}

/// What goes left. A comparison with NULL is neither true nor false, and `CASE` takes that for not true.
fn condition(feature: usize, test: &Test, missing_left: bool) -> String {
    let column = format!("i.prequal_f{feature}");
    let zero = |(from, below): (f64, f64)| format!("({column} >= {} AND {column} < {})", signed(from), signed(below));
    let with = |plain: String, missing: &Option<(f64, f64)>| match (missing, missing_left) {
        (None, true) => format!("{column} IS NULL OR {plain}"),
        (None, false) => plain,
        (Some(missing), true) => format!("{column} IS NULL OR {} OR {plain}", zero(*missing)),
        (Some(missing), false) => format!("{plain} AND NOT {}", zero(*missing)),
    };
    match test {
        Test::Below(threshold, missing) => with(format!("{column} < {}", signed(*threshold)), missing),
        Test::Any(missing) => with(format!("{column} IS NOT NULL"), missing),
        Test::Codes { listed, listed_go_left, minus_fraction_is_zero } => {
            let ranges = super::plain::code_ranges(listed, *minus_fraction_is_zero);
            let inside: Vec<String> = ranges
                .iter()
                .map(|(from, below)| format!("({column} >= {} AND {column} < {})", signed(*from), signed(*below)))
                .collect();
            let inside = if inside.is_empty() { "1 = 0".to_owned() } else { inside.join(" OR ") };
            match (listed_go_left, missing_left) {
                (true, true) => format!("{column} IS NULL OR {inside}"),
                (true, false) => inside,
                (false, true) => format!("{column} IS NULL OR NOT ({inside})"),
                (false, false) => format!("{column} IS NOT NULL AND NOT ({inside})"),
            }
        }
    }
}

/// A number that may follow an operator.
fn signed(value: f64) -> String {
    if value.is_sign_negative() { format!("({})", decimal(value)) } else { decimal(value) }
}

/// A quoted name.
fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A category as a literal.
fn text(value: &str, numeric: bool) -> String {
    match value.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => signed(number),
        _ => format!("'{}'", value.replace('\'', "''")),
    }
}
