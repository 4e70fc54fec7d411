//! From a fit to the model file: coefficients become whole points.

use prequal_core::score::{
    Bin, CompiledScorecard, DataOrigin, ExcludedColumn, FORMAT, Feature, FeatureKind, MissingBin, MissingKindBins,
    Real, Scaling, ScoreError, Scorecard, Target, Unseen,
};

use crate::{
    binning::{Binning, counts::Counts},
    error::TrainError,
    fit::{Fitted, Selected},
    options::Options,
    table::{Column, Table, Values},
};

/// The scaling that the options ask for.
///
/// # Errors
/// [`TrainError::Option`] for a number that no decimal string holds.
pub fn scaling(options: &Options) -> Result<Scaling, TrainError> {
    let real = |name: &str, value: f64| {
        Real::new(value).ok_or_else(|| TrainError::Option(format!("`{name}` is `{value}`, and must be a number")))
    };
    Ok(Scaling {
        points_to_double_odds: real("pdo", options.points_to_double_odds)?,
        base_score: options.base_score,
        base_odds: real("base-odds", options.base_odds)?,
    })
}

/// Decimals of a weight of evidence or coefficient in the model file: for readers, as points alone score.
const DECIMALS: f64 = 1e6;

/// Turns a fit to the rows at the positions `rows` into the document of a model file.
///
/// # Errors
/// [`TrainError::Model`] where the document breaks a limit of the model file.
pub fn scorecard(table: &Table, rows: &[usize], fitted: &Fitted, options: &Options) -> Result<Scorecard, TrainError> {
    let scaling = scaling(options)?;
    let features: Result<Vec<Feature>, TrainError> =
        fitted.features.iter().map(|feature| feature_of(feature, table, &scaling)).collect();
    let left_out = fitted.candidates.iter().filter_map(|candidate| {
        let why = candidate.left_out.clone()?;
        Some((table.columns[candidate.column].name.clone(), why))
    });
    let excluded = table.excluded.iter().cloned().chain(left_out);
    let bads = rows.iter().filter(|row| table.bad[**row]).count();
    let document = Scorecard {
        format: FORMAT.to_owned(),
        label: label(options, fitted),
        purpose: options.purpose.clone(),
        target: Target { column: options.target.clone(), bad: options.bad.clone() },
        scaling,
        base_points: whole(scaling.offset() + scaling.factor() * fitted.intercept)?,
        features: features?,
        data: DataOrigin { sha256: table.sha256.clone(), rows: rows.len() as u32, bads: bads as u32 },
        seed: options.seed,
        excluded: excluded.map(|(column, why)| ExcludedColumn { column, why }).collect(),
    };
    document.check()?;
    Ok(document)
}

/// The caller's label, and what was assumed of applicants whom the data never saw.
fn label(options: &Options, fitted: &Fitted) -> String {
    let both = [options.label.as_str(), fitted.inference.as_str()];
    both.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn feature_of(feature: &Selected, table: &Table, scaling: &Scaling) -> Result<Feature, TrainError> {
    let column = &table.columns[feature.column];
    let points = |woe: f64| whole(scaling.factor() * feature.coefficient * woe);
    let Binning { groups, missing, missing_woe, .. } = &feature.binning;
    let mut bins = Vec::with_capacity(groups.len());
    let mut from = None;
    for group in groups {
        let below = group.below().map(real).transpose()?;
        bins.push(Bin {
            from,
            below,
            categories: names_of(column, group.codes()),
            other: false,
            woe: real(rounded(group.woe))?,
            points: points(group.woe)?,
            rows: Some(group.counts.rows()),
            bads: Some(group.counts.bads),
        });
        from = below;
    }
    let (kind, unseen) = match column.values {
        Values::Number(_) => (FeatureKind::Number, None),
        // A name that training never met is not a value of the feature.
        Values::Category { .. } => (FeatureKind::Category, Some(Unseen::Invalid)),
    };
    let Counts { bads, .. } = *missing;
    Ok(Feature {
        name: column.name.clone(),
        kind,
        reason: column.name.clone(),
        unseen,
        baseline: None,
        coefficient: Some(real(rounded(feature.coefficient))?),
        bins,
        missing: MissingBin {
            woe: real(rounded(*missing_woe))?,
            points: points(*missing_woe)?,
            rows: Some(missing.rows()),
            bads: Some(bads),
            reason: None,
        },
        missing_kinds: MissingKindBins::default(),
    })
}

fn names_of(column: &Column, codes: &[u32]) -> Vec<String> {
    match &column.values {
        Values::Number(_) => Vec::new(),
        Values::Category { names, .. } => codes.iter().map(|code| names[*code as usize].clone()).collect(),
    }
}

/// The nearest whole number of points, halves away from zero.
fn whole(points: f64) -> Result<i32, TrainError> {
    let rounded = points.round();
    if rounded.abs() <= f64::from(prequal_core::score::POINTS_ABS_MAX) {
        return Ok(rounded as i32);
    }
    Err(TrainError::Option(format!(
        "a bin would have {rounded} points, and the limit is {}; ask for fewer points to double the odds",
        prequal_core::score::POINTS_ABS_MAX
    )))
}

fn rounded(value: f64) -> f64 {
    (value * DECIMALS).round() / DECIMALS
}

fn real(value: f64) -> Result<Real, TrainError> {
    Real::new(value).ok_or_else(|| TrainError::Fit(format!("the number `{value}` is too long for a model file")))
}

/// For every row of the table its points, by the evaluator that decisions use.
///
/// # Errors
/// [`TrainError::Model`] where the evaluator refuses a row, which would be a defect of the trainer.
pub fn score_table(model: &CompiledScorecard, table: &Table) -> Result<Vec<i32>, TrainError> {
    let mut columns = Vec::with_capacity(model.features().len());
    for feature in model.features() {
        let column = table.columns.iter().find(|column| column.name == feature.name());
        let column = column.ok_or_else(|| ScoreError::Model(format!("`{}` is not a column", feature.name())))?;
        columns.push(match &column.values {
            Values::Number(numbers) => numbers.clone(),
            Values::Category { names, codes } => {
                let listed: Vec<&str> = feature.categories().collect();
                // A position past the list is an unseen category to the evaluator.
                let position = |name: &String| listed.iter().position(|other| other == name).unwrap_or(listed.len());
                let positions: Vec<f64> = names.iter().map(|name| position(name) as f64).collect();
                codes.iter().map(|code| positions.get(*code as usize).copied().unwrap_or(f64::NAN)).collect()
            }
        });
    }
    let mut row = vec![0.0; columns.len()];
    let mut points = Vec::with_capacity(table.rows());
    for index in 0..table.rows() {
        row.iter_mut().zip(&columns).for_each(|(to, column)| *to = column[index]);
        points.push(model.points_of_row(&row)?);
    }
    Ok(points)
}
