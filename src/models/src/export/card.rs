//! Our own scorecard as trees, one for each feature.

use prequal_core::score::{Feature, FeatureKind, MissingBin, Scorecard, Unseen};

use super::ExportError;
use crate::{
    ModelFile,
    additive::{CardParts, Inputs, bits},
    model_file::{Categories, Characteristic, PointsScaling, ReasonAlgorithm, Reasons, UnseenName},
    rules::{Ask, Known, Predicate, Program, Step},
};

/// The bins of one feature: the first that is true, else the last points.
struct Bins {
    rules: Vec<(Predicate, i32)>,
    rest: i32,
}

impl Program for Bins {
    fn step(&self, _: usize, known: &Known<'_>) -> Result<Step, Ask> {
        for (at, (rule, points)) in (0_u32..).zip(&self.rules) {
            if rule.evaluate(known)? == Some(true) {
                return Ok(Step::Leaf(at, f64::from(*points)));
            }
        }
        Ok(Step::Leaf(u32::try_from(self.rules.len()).unwrap_or(u32::MAX), f64::from(self.rest)))
    }
}

/// A scorecard as a card of trees; notes say what trees do not tell apart.
///
/// # Errors
/// [`ExportError::Model`] where the scorecard is refused.
pub fn as_trees(card: &Scorecard, notes: &mut Vec<String>) -> Result<ModelFile, ExportError> {
    let wrong = |error: &dyn std::fmt::Display| ExportError::Model(error.to_string());
    card.check().map_err(|error| wrong(&error))?;
    let mut inputs = Inputs::default();
    let mut programs = Vec::new();
    let mut characteristics = Vec::new();
    for feature in &card.features {
        let at = inputs.push(&feature.name, categories(feature)).map_err(|error| wrong(&error))?;
        let program = program(feature, at);
        let points = program.rules.iter().map(|(_, points)| *points).chain([program.rest]);
        // What only other kinds of missing give counts as well: the reasons of core are below the best of all.
        let kinds = feature.missing_kinds.all().into_iter().flatten().map(|bin| bin.points);
        let best = points.chain(kinds).max().unwrap_or(0);
        characteristics.push(Characteristic {
            name: feature.name.clone(),
            baseline: bits(f64::from(best)),
            codes: codes(feature),
        });
        if !feature.missing_kinds.is_empty() {
            notes.push(format!(
                "`{}` has bins for kinds of missing values; here a missing value is of no kind",
                feature.name
            ));
        }
        programs.push(program);
    }
    let list: Vec<&dyn Program> = programs.iter().map(|program| program as &dyn Program).collect();
    let trees = inputs.compile_all(&list).map_err(|error| wrong(&error))?;
    let parts = CardParts {
        library: "prequal",
        version: card.format.clone(),
        objective: card.purpose.clone(),
        inputs,
        base: f64::from(card.base_points),
        trees,
        scaling: Some(PointsScaling::from(&card.scaling)),
        reasons: Some(Reasons { algorithm: ReasonAlgorithm::PointsBelow, zero_is_reason: false, characteristics }),
        notes: Vec::new(),
    };
    let text = prequal_core::canonical::to_string(card).map_err(|error| wrong(&error))?;
    let mut imported = parts.finish(text.as_bytes()).map_err(|error| wrong(&error))?;
    if let crate::model_file::Body::Trees(model) = &mut imported.model.body {
        model.label.clone_from(&card.label);
        model.hash.clear();
        model.hash = model.content_hash().map_err(|error| wrong(&error))?;
    }
    Ok(imported.model)
}

fn categories(feature: &Feature) -> Option<Categories> {
    let unseen = match feature.unseen? {
        Unseen::Missing => UnseenName::Missing,
        Unseen::Other | Unseen::Invalid => UnseenName::Other,
    };
    let names = feature.bins.iter().flat_map(|bin| bin.categories.iter().cloned()).collect();
    Some(Categories { names, numeric: false, unseen })
}

/// The reason code of each rule of [`program`], and of what is left.
fn codes(feature: &Feature) -> Vec<String> {
    let own = |bin: &MissingBin| bin.reason.as_ref().unwrap_or(&feature.reason).clone();
    let values = feature.bins.iter().map(|_| feature.reason.clone());
    let rest = if feature.bins.iter().any(|bin| bin.other) {
        feature.reason.clone()
    } else {
        own(feature.missing_kinds.invalid.as_ref().unwrap_or(&feature.missing))
    };
    std::iter::once(own(&feature.missing)).chain(values).chain([rest]).collect()
}

fn program(feature: &Feature, at: usize) -> Bins {
    let mut rules = Vec::with_capacity(feature.bins.len() + 1);
    let mut rest = feature.missing_kinds.invalid.as_ref().unwrap_or(&feature.missing).points;
    let mut next = 0_u32;
    rules.push((Predicate::Missing(at), feature.missing.points));
    for bin in &feature.bins {
        let rule = match feature.kind {
            FeatureKind::Number => {
                Predicate::interval(at, bin.from.map(|end| end.get()), bin.below.map(|end| end.get()))
            }
            FeatureKind::Category => {
                let end = next + u32::try_from(bin.categories.len()).unwrap_or(u32::MAX);
                let codes = (next..end).collect();
                next = end;
                if bin.other {
                    rest = bin.points;
                }
                Predicate::In(at, codes)
            }
        };
        rules.push((rule, bin.points));
    }
    Bins { rules, rest }
}

#[cfg(test)]
mod tests {
    use prequal_core::score::Scorecard;
    use serde_json::json;

    use super::codes;

    /// Missing first, then the bins, then what no bin takes.
    #[test]
    fn what_is_missing_keeps_the_reason_of_its_own() {
        let card = json!({
            "format": "prequal-scorecard/1", "label": "", "purpose": "",
            "target": {"column": "y", "bad": "1"},
            "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "50"},
            "base_points": 500,
            "features": [
                {"name": "home", "kind": "category", "reason": "R", "unseen": "invalid",
                 "bins": [{"categories": ["own"], "woe": "0", "points": 6}],
                 "missing": {"woe": "0", "points": 0, "reason": "M"},
                 "missing_kinds": {"invalid": {"woe": "0", "points": -1, "reason": "I"}}},
                {"name": "months", "kind": "number", "reason": "R",
                 "bins": [{"below": "12", "woe": "0", "points": 1}, {"from": "12", "woe": "0", "points": 2}],
                 "missing": {"woe": "0", "points": 0}}],
            "data": {"sha256": "0".repeat(64), "rows": 2, "bads": 1}, "seed": 0
        });
        let card = Scorecard::parse(&card.to_string()).unwrap();
        assert_eq!(codes(&card.features[0]), ["M", "R", "I"]);
        assert_eq!(codes(&card.features[1]), ["R"; 4]);
        let model = super::as_trees(&card, &mut Vec::new()).unwrap();
        let crate::model_file::Body::Trees(_) = model.body else { panic!("trees") };
    }
}
