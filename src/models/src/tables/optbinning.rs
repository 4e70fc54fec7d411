//! optbinning: `ScoreCard.table()`, summary or detailed, as CSV or as JSON records.
//!
//! A bin is `(-inf, b)`, `[a, b)`, the printed form of an array of categories, `Special` or `Missing`. A category that
//! no bin names gets the points of `Missing`: optbinning takes the last row of the feature for it.

use super::{
    Bin, Part, TableFeature, TableOptions, build, exact_values, interval,
    sheet::{Sheet, number},
};
use crate::{
    Imported,
    error::{ImportError, shown},
};

pub(crate) fn read(bytes: &[u8], options: &TableOptions) -> Result<Imported, ImportError> {
    let sheet = Sheet::read(bytes, &["Variable", "Bin", "Points", "Count"], 3)?;
    let mut features: Vec<TableFeature> = Vec::new();
    let mut special_unknown = Vec::new();
    for row in sheet.rows {
        let [variable, bin, points, count] = row.as_slice() else { continue };
        let points = number(points, &format!("the points of `{}`", shown(variable)))?;
        if features.last().is_none_or(|last| last.name != *variable) {
            let (name, bins) = (variable.clone(), Vec::new());
            features.push(TableFeature { name, bins, unmatched: f64::NAN, missing_as: None, numeric_names: false });
        }
        let Some(feature) = features.last_mut() else { continue };
        let parts = match bin.as_str() {
            "Missing" => {
                feature.unmatched = points;
                vec![Part::Missing]
            }
            "Special" => {
                if options.special_codes.is_empty() && count.trim().parse().is_ok_and(|count: f64| count > 0.0) {
                    special_unknown.push(variable.clone());
                }
                options.special_codes.iter().map(|code| Part::Name(code.clone())).collect()
            }
            bin => match interval(bin, ", ") {
                Some(interval) => vec![interval],
                None => names(feature, bin)?,
            },
        };
        if !parts.is_empty() {
            feature.bins.push(Bin { parts, points });
        }
    }
    if !special_unknown.is_empty() {
        return Err(ImportError::refuse(format!(
            "`{}` has rows in its bin `Special`, and the table does not say which codes these are: give them",
            special_unknown.join("`, `")
        )));
    }
    for feature in &mut features {
        settle(feature)?;
    }
    let notes = vec![
        "optbinning prints cuts with as many digits as `show_digits` says (two by default): a value between the \
         printed cut and the fitted one may get its neighbour's points"
            .to_owned(),
        "a category that no bin names gets the points of `Missing`, as optbinning gives it".to_owned(),
    ];
    build("optbinning", features, options.base_points, options, notes, bytes)
}

/// Special codes are asked first. They are numbers where the feature has intervals, and names where it has names.
fn settle(feature: &mut TableFeature) -> Result<(), ImportError> {
    if feature.unmatched.is_nan() {
        return Err(feature.refuse("has no bin `Missing`, which every table of optbinning has"));
    }
    if feature.parts().any(|part| matches!(part, Part::Interval(..))) {
        exact_values(feature);
        if feature.parts().any(|part| matches!(part, Part::Name(_))) {
            return Err(feature.refuse("is a number, and a special code is not"));
        }
    }
    Ok(())
}

/// The categories of a printed array: `['a' 'b']` of NumPy, `<StringArray>\n['a', 'b']\nLength: 2, …` of pandas,
/// `[1 2]` of numbers.
fn names(feature: &mut TableFeature, text: &str) -> Result<Vec<Part>, ImportError> {
    let unclear = |why: &str| Err(feature.refuse(&format!("has the bin `{}`, {why}", shown(text))));
    let (Some(open), Some(close)) = (text.find('['), text.rfind(']')) else {
        return unclear("which is neither an interval nor a list of categories");
    };
    let length = text.get(close..).and_then(|rest| rest.split_once("Length: "));
    let length = length.and_then(|(_, rest)| rest.split([',', '\n']).next()).and_then(|n| n.trim().parse().ok());
    let inside = text.get(open + 1..close).unwrap_or_default();
    let Some(list) = split_names(inside) else { return unclear("whose names cannot be told apart") };
    if list.iter().any(|(name, quoted)| !quoted && name == "...") {
        return unclear("which is printed in part only");
    }
    if list.is_empty() || length.is_some_and(|length: usize| length != list.len()) {
        return unclear("which does not have as many names as it says");
    }
    let numbers = list.iter().all(|(name, quoted)| !quoted && name.parse::<f64>().is_ok());
    if !numbers && list.iter().any(|(_, quoted)| !quoted) {
        return unclear("which holds something that is neither a name nor a number");
    }
    feature.numeric_names |= numbers;
    Ok(list.into_iter().map(|(name, _)| Part::Name(name)).collect())
}

/// Names in either quotes, or bare words, apart by blanks or commas; and whether each was quoted. A quote ends a name
/// where a blank, a comma or the end follows it. `None` where a quote is not closed.
fn split_names(text: &str) -> Option<Vec<(String, bool)>> {
    let mut names = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' || first == '"' {
            let inside = rest.get(1..)?;
            let ends = |at: usize| {
                inside.get(at + 1..).is_some_and(|after| {
                    let after_separator = after.trim_start_matches([' ', ',', '\n']);
                    after.is_empty()
                        || (after_separator.len() < after.len() && after_separator.starts_with(['\'', '"']))
                        || after_separator.is_empty()
                })
            };
            let end = inside.match_indices(first).map(|(at, _)| at).find(|at| ends(*at))?;
            names.push((inside.get(..end)?.replace("\\'", "'").replace("\\\\", "\\"), true));
            rest = inside.get(end + 1..)?;
        } else {
            let end = rest.find([' ', ',', '\n']).unwrap_or(rest.len());
            names.push((rest.get(..end)?.to_owned(), false));
            rest = rest.get(end..)?;
        }
        rest = rest.trim_start_matches([' ', ',', '\n']);
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        split_names(text).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_are_told_apart_as_numpy_and_pandas_print_them() {
        assert_eq!(list("'east' 'west, far'"), ["east", "west, far"]);
        assert_eq!(list("'east', 'west, far'"), ["east", "west, far"]);
        assert_eq!(list("\"o'brien\" 'north'"), ["o'brien", "north"]);
        // pandas does not escape a quote within a name.
        assert_eq!(list("'o'brien', 'north'"), ["o'brien", "north"]);
        assert_eq!(list("'a'\n 'b'"), ["a", "b"]);
        assert_eq!(list("1. 2."), ["1.", "2."]);
        assert_eq!(split_names("'a"), None);
    }
}
