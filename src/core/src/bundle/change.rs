//! What a counterfactual may change about a feature, and whether a person may be told so.
//!
//! ```text
//! down step=1000 min=5000 safe          a number: which way, on which grid, within which bounds
//! either to=none|stores                 a category: to which others; to any where `to` is left out
//! ```
//!
//! It stands in the payload as text, as a table's cells do, and is read only where a counterfactual is looked for: no
//! browser has the code for it.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{
    FeatureDefinition, FeatureKind, Payload,
    features::{Engine, Source},
};

/// Which way a number may go from where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To larger numbers only.
    Up,
    /// To smaller numbers only.
    Down,
    /// Both ways.
    #[default]
    Either,
}

/// What may change about a feature. Numbers are in the feature's own unit: money in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Which way a number may go.
    #[serde(default)]
    pub direction: Direction,
    /// Numbers change by whole multiples of this; 1 where it is left out.
    #[serde(default)]
    pub step: Option<i64>,
    /// The smallest number that it may become.
    #[serde(default)]
    pub min: Option<i64>,
    /// The largest.
    #[serde(default)]
    pub max: Option<i64>,
    /// The categories that it may become; any where there is none.
    #[serde(default)]
    pub to: Vec<String>,
    /// Whether a person may be told, where the value is verified.
    #[serde(default)]
    pub safe: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.direction {
            Direction::Up => "up",
            Direction::Down => "down",
            Direction::Either => "either",
        })?;
        for (name, number) in [("step", self.step), ("min", self.min), ("max", self.max)] {
            if let Some(number) = number {
                write!(f, " {name}={number}")?;
            }
        }
        if self.safe {
            f.write_str(" safe")?;
        }
        // Last, because names of categories may hold anything but a bar.
        if self.to.is_empty() { Ok(()) } else { write!(f, " to={}", self.to.join("|")) }
    }
}

impl Change {
    /// Reads what [`Self::fmt`] wrote.
    ///
    /// # Errors
    /// A sentence that quotes the word which was not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (words, to) = text.split_once(" to=").map_or((text, None), |(words, to)| (words, Some(to)));
        let mut words = words.split(' ');
        let direction = match words.next() {
            Some("up") => Direction::Up,
            Some("down") => Direction::Down,
            Some("either") => Direction::Either,
            other => return Err(format!("`{}` is not `up`, `down` or `either`", other.unwrap_or_default())),
        };
        let to = to.map_or_else(Vec::new, |names| names.split('|').map(str::to_owned).collect());
        let mut change = Self { direction, to, ..Self::default() };
        for word in words {
            let unknown = || format!("`{word}` is not `safe`, `step=…`, `min=…` or `max=…`");
            if word == "safe" {
                change.safe = true;
                continue;
            }
            let (name, number) = word.split_once('=').ok_or_else(unknown)?;
            let place = match name {
                "step" => &mut change.step,
                "min" => &mut change.min,
                "max" => &mut change.max,
                _ => return Err(unknown()),
            };
            if place.replace(number.parse().map_err(|_| unknown())?).is_some() {
                return Err(format!("`{name}` stands twice"));
            }
        }
        Ok(change)
    }
}

/// Refuses marks that mean nothing: on what follows from other features, out of the values' range, or promising a person
/// to be told of what is never verified.
///
/// # Errors
/// A sentence that names the feature.
pub(super) fn check(payload: &Payload) -> Result<(), String> {
    for (index, definition) in payload.features.iter().enumerate() {
        if definition.change.is_empty() {
            continue;
        }
        let id = &definition.id;
        let change = Change::parse(&definition.change)
            .map_err(|why| format!("feature `{id}`: what may change about it cannot be read: {why}"))?;
        if let Some(why) = contradiction(definition, &change) {
            return Err(format!("feature `{id}` is marked changeable {why}"));
        }
        let same = |other: &&FeatureDefinition| {
            let marked = !other.change.is_empty() || matches!(other.from, Source::Field(_));
            marked && other.from == definition.from
        };
        let others = payload.features.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, other)| other);
        if let Some(other) = others.clone().find(same) {
            return Err(format!(
                "feature `{id}` is marked changeable, and `{}` would change with it: both come from one value",
                other.id
            ));
        }
    }
    Ok(())
}

fn contradiction(definition: &FeatureDefinition, change: &Change) -> Option<&'static str> {
    if definition.uses.is_empty() {
        return Some("and may not be used for anything");
    }
    match &definition.from {
        Source::Evidence(_) | Source::Engine(Engine::OrderAmount) => {}
        Source::Field(_) if change.safe => {
            return Some("and safe to be shown, and what comes from the form is never verified");
        }
        Source::Field(_) => {}
        _ => return Some("and follows from other values; mark those"),
    }
    let bounded = change.step.is_some() || change.min.is_some() || change.max.is_some();
    if matches!(definition.kind, FeatureKind::Integer | FeatureKind::Money) {
        let empty = change.min.zip(change.max).is_some_and(|(min, max)| min > max);
        return match () {
            () if !change.to.is_empty() => Some("to categories, and is a number"),
            () if change.step.is_some_and(|step| step < 1) => Some("with a `step` below 1"),
            () if empty => Some("with a `min` above its `max`"),
            () => None,
        };
    }
    if bounded || change.direction != Direction::Either {
        return Some("as a number is, and has categories");
    }
    let known = |name: &String| match definition.kind {
        FeatureKind::Boolean => name == "no" || name == "yes",
        // Those of a form field or of the engine are not listed here; one that does not exist is never reached.
        _ => definition.categories.is_empty() || definition.categories.contains(name),
    };
    if change.to.iter().all(known) { None } else { Some("to a category that it does not have") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["up", "down step=1000 min=-5 max=20 safe", "either to=a b|no = yes", "either safe to=1 <= ... < 4"]
        {
            assert_eq!(Change::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_understood_is_quoted() {
        for (text, why) in [
            ("", "`` is not `up`, `down` or `either`"),
            ("Up", "`Up` is not `up`, `down` or `either`"),
            ("up  safe", "`` is not `safe`, `step=…`, `min=…` or `max=…`"),
            ("up step=1.5", "`step=1.5` is not `safe`, `step=…`, `min=…` or `max=…`"),
            ("up step=1 step=2", "`step` stands twice"),
            ("up safer", "`safer` is not `safe`, `step=…`, `min=…` or `max=…`"),
        ] {
            assert_eq!(Change::parse(text), Err(why.to_owned()), "{text}");
        }
    }
}
