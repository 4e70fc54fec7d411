//! toad: `ScoreCard.export()` as JSON (feature → bin → points) or as CSV (`name`, `value`, `score`).
//!
//! A bin is `[a ~ b)`, names joined by commas, `nan` for missing, or `else`. What is not named gets what toad itself
//! gives it: an unknown category the lowest points of its feature, a missing number without a bin of its own those of
//! the number −1, which toad puts in its place. toad's export rounds points to two decimals.

use super::{
    Bin, Part, TableFeature, TableOptions, build, interval,
    sheet::{Sheet, number},
};
use crate::{
    Imported, document,
    error::{ImportError, shown},
};

pub(crate) fn read(bytes: &[u8], options: &TableOptions) -> Result<Imported, ImportError> {
    let mut features = Vec::new();
    if bytes.trim_ascii_start().first() == Some(&b'{') {
        for (name, bins) in document::parse_json(bytes)?.into_entries("the card")? {
            let mut feature = empty(name);
            for (bin, points) in bins.into_entries(&feature.name)? {
                let points = points.to_f64("points of a bin")?;
                push(&mut feature, &bin, points)?;
            }
            features.push(feature);
        }
    } else {
        for row in Sheet::read(bytes, &["name", "value", "score"], 3)?.rows {
            let [name, bin, points] = row.as_slice() else { continue };
            let points = number(points, &format!("the points of `{}`", shown(name)))?;
            if features.last().is_none_or(|last: &TableFeature| last.name != *name) {
                features.push(empty(name.clone()));
            }
            if let Some(feature) = features.last_mut() {
                push(feature, bin, points)?;
            }
        }
    }
    let mut notes = Vec::new();
    for feature in &mut features {
        settle(feature, &mut notes);
    }
    build("toad", features, options.base_points, options, notes, bytes)
}

fn empty(name: String) -> TableFeature {
    TableFeature { name, bins: Vec::new(), unmatched: 0.0, missing_as: None, numeric_names: false }
}

fn push(feature: &mut TableFeature, bin: &str, points: f64) -> Result<(), ImportError> {
    if !points.is_finite() {
        return Err(feature.refuse("has points that are no finite number"));
    }
    let parts = match interval(bin, " ~ ") {
        Some(interval) => vec![interval],
        None if bin == "else" => vec![Part::Else],
        None => {
            bin.split(',').map(|name| if name == "nan" { Part::Missing } else { Part::Name(name.to_owned()) }).collect()
        }
    };
    feature.bins.push(Bin { parts, points });
    Ok(())
}

fn settle(feature: &mut TableFeature, notes: &mut Vec<String>) {
    let lowest = feature.bins.iter().map(|bin| bin.points).fold(f64::INFINITY, f64::min);
    feature.unmatched = lowest;
    let has = |wanted: fn(&Part) -> bool| feature.parts().any(wanted);
    let (numbers, missing) = (has(|part| matches!(part, Part::Interval(..))), has(|part| *part == Part::Missing));
    let rest = has(|part| *part == Part::Else);
    let name = shown(&feature.name);
    if numbers && !missing {
        feature.missing_as = Some(-1.0);
        notes.push(format!("a missing `{name}` gets the points of the number -1, which toad puts in its place"));
    }
    if !numbers && !rest {
        notes.push(format!("a category of `{name}` that no bin names gets its lowest points, as toad gives it"));
    }
}
