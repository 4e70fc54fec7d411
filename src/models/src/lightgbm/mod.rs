//! LightGBM's model file, text.
//!
//! Arithmetic, all in `f64`: a value of magnitude at most 1.0000000180025095e-35 is zero; at most the threshold goes
//! left. By a split's missing type, NaN is zero (*None*), NaN and zero go to the default side (*Zero*), or NaN does
//! (*NaN*). A category in the split's bit set goes left; NaN, anything at most −1 and anything not in the set goes
//! right. The raw score is the sum in the order of the trees; a random forest divides it before the link. A linear
//! leaf is its constant plus the sum of coefficient × value, or its plain value where one of them is NaN.

mod lines;
mod tree;

use std::collections::BTreeMap;

use prequal_core::score::trees::{FEATURES_MAX, Float, LinkKind, TREES_MAX, Width};

use crate::{
    ensemble::{Ensemble, Tree},
    error::{ImportError, shown},
};
use lines::Lines;

/// Reads a file.
pub(crate) fn read(bytes: &[u8]) -> Result<(Ensemble, Vec<String>), ImportError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(ImportError::Syntax(format!("byte {} is not UTF-8", error.valid_up_to()))),
    };
    let mut lines = Lines::new(text);
    let head = Head::read(&mut lines)?;
    let trees = trees(&mut lines, &head)?;
    tail(&mut lines)?;
    let link = link(&head.objective)?;
    let mut notes = Vec::new();
    if head.objective.is_empty() {
        notes.push("the file names no objective: there are margins and no probabilities".to_owned());
    }
    let ensemble = Ensemble {
        library: "lightgbm",
        version: head.version,
        objective: head.objective,
        inputs: Width::F64,
        sums: Width::F64,
        tiny_is_zero: true,
        minus_fraction_is_zero: true,
        base: Float::F64(0.0),
        scale_and_bias: None,
        average: head.average,
        link,
        features: head.features,
        trees,
    };
    Ok((ensemble, notes))
}

/// What stands before the trees.
struct Head {
    version: String,
    objective: String,
    average: bool,
    features: Vec<String>,
    /// Bytes of each tree's block.
    tree_sizes: Option<Vec<usize>>,
}

impl Head {
    fn read(lines: &mut Lines<'_>) -> Result<Self, ImportError> {
        if lines.next() != Some("tree") {
            return Err(ImportError::Syntax("the first line is not `tree`".to_owned()));
        }
        let mut average = false;
        let mut members: BTreeMap<&str, &str> = BTreeMap::new();
        loop {
            let at = lines.number();
            match lines.next_non_empty() {
                None => return Err(ImportError::Syntax("the file ends before its first tree".to_owned())),
                Some(line) if line.starts_with("Tree=") || line == "end of trees" => {
                    lines.back();
                    break;
                }
                Some("average_output") => average = true,
                Some(line) => {
                    let Some((key, value)) = line.split_once('=') else {
                        return Err(ImportError::Syntax(format!("line {at} is `{}`", shown(line))));
                    };
                    if members.insert(key, value).is_some() {
                        return Err(ImportError::Syntax(format!("`{}` stands twice", shown(key))));
                    }
                }
            }
        }
        let mut take = |key: &str| {
            members.remove(key).ok_or_else(|| ImportError::refuse(format!("the head of the file lacks `{key}`")))
        };
        let version = take("version")?.to_owned();
        if !["v2", "v3", "v4"].contains(&version.as_str()) {
            return Err(ImportError::refuse(format!("the file's version `{}` is not v2, v3 or v4", shown(&version))));
        }
        for key in ["num_class", "num_tree_per_iteration"] {
            let got = take(key)?;
            if got != "1" {
                return Err(ImportError::refuse(format!(
                    "`{key}` is `{}`: a model of several outputs is not understood",
                    shown(got)
                )));
            }
        }
        let last: usize = lines::number("max_feature_idx", take("max_feature_idx")?)?;
        let features: Vec<String> = take("feature_names")?.split(' ').map(str::to_owned).collect();
        ImportError::limit("features", features.len(), FEATURES_MAX)?;
        if features.len() != last.saturating_add(1) {
            return Err(ImportError::refuse(format!("{} feature names are given for {last} + 1", features.len())));
        }
        let objective = members.remove("objective").unwrap_or_default().to_owned();
        let tree_sizes = members.remove("tree_sizes").map(|sizes| lines::numbers("tree_sizes", sizes)).transpose()?;
        // What the training did or saw.
        for key in ["label_index", "feature_infos", "monotone_constraints"] {
            members.remove(key);
        }
        match members.keys().next() {
            Some(key) => Err(ImportError::refuse(format!("the head says `{}`, which is not understood", shown(key)))),
            None => Ok(Self { version, objective, average, features, tree_sizes }),
        }
    }
}

fn trees(lines: &mut Lines<'_>, head: &Head) -> Result<Vec<Tree>, ImportError> {
    let mut trees = Vec::new();
    let mut starts = Vec::new();
    loop {
        let start = lines.next_offset();
        match lines.next_non_empty() {
            Some("end of trees") => {
                starts.push(start);
                break;
            }
            Some(line) if line.starts_with("Tree=") => {
                let number = trees.len();
                ImportError::limit("trees", number + 1, TREES_MAX)?;
                if line.strip_prefix("Tree=") != Some(number.to_string().as_str()) {
                    return Err(ImportError::refuse(format!("`{}` stands where tree {number} should", shown(line))));
                }
                starts.push(start);
                trees.push(tree::read(lines, head.features.len()).map_err(|error| error.in_tree(number))?);
            }
            Some(line) => return Err(ImportError::Syntax(format!("`{}` stands between trees", shown(line)))),
            None => return Err(ImportError::Syntax("the file ends within its trees".to_owned())),
        }
    }
    if let Some(sizes) = &head.tree_sizes {
        // LightGBM finds its trees by these sizes, so a file in which they are wrong means other trees to it.
        let found = starts.iter().zip(starts.iter().skip(1)).map(|(start, end)| end - start);
        if !found.eq(sizes.iter().copied()) {
            return Err(ImportError::refuse("`tree_sizes` are not the sizes of the trees"));
        }
    }
    Ok(trees)
}

/// What stands after the trees says nothing about predictions; but where it is cut off, the file is damaged.
fn tail(lines: &mut Lines<'_>) -> Result<(), ImportError> {
    let mut open: Option<&str> = None;
    let mut closed = false;
    while let Some(line) = lines.next_non_empty() {
        match line {
            "parameters:" => open = Some("end of parameters"),
            "end of parameters" => {
                open = None;
                closed = true;
            }
            _ if open.is_some() => {}
            line if line.starts_with("pandas_categorical:") => {
                let list = line.strip_prefix("pandas_categorical:").unwrap_or_default();
                crate::document::parse_json(list.as_bytes())?;
            }
            "feature_importances:" if !closed => {}
            line if !closed && line.contains('=') => {}
            line => return Err(ImportError::Syntax(format!("`{}` stands after the trees", shown(line)))),
        }
    }
    if open.is_some() || !closed {
        return Err(ImportError::Syntax("the file ends before the end of its parameters".to_owned()));
    }
    Ok(())
}

fn link(objective: &str) -> Result<(LinkKind, f64), ImportError> {
    let mut words = objective.split(' ').filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    let mut slope = 1.0;
    let refuse =
        |what: &str| Err(ImportError::refuse(format!("the objective `{}` is not understood{what}", shown(objective))));
    match name {
        "binary" => {
            for word in words {
                match word.strip_prefix("sigmoid:").map(str::parse::<f64>) {
                    Some(Ok(value)) if value.is_finite() && value > 0.0 => slope = value,
                    _ => return refuse(": only `sigmoid` may follow `binary`"),
                }
            }
            Ok((LinkKind::Logistic, slope))
        }
        "cross_entropy" | "xentropy" if words.next().is_none() => Ok((LinkKind::Logistic, 1.0)),
        "" | "custom" => Ok((LinkKind::None, 1.0)),
        "regression" | "regression_l2" | "regression_l1" | "huber" | "fair" | "mape" if words.next().is_none() => {
            Ok((LinkKind::None, 1.0))
        }
        _ => refuse(""),
    }
}
