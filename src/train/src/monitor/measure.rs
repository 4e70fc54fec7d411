//! The measures.

use prequal_core::score::{CompiledFeature, CompiledScorecard, Feature};

use super::{
    BinShare, CHANCE_MAX, Characteristic, FileFacts, Finding, Level, Limits, MonitorOptions, Monitoring, Performance,
    Period, ScoreDrift,
};
use crate::{
    error::TrainError,
    frame::{Frame, is_missing, parse_number},
    metrics::chi_square_tail,
    report::{features::bin_name, html::fixed},
    scorer::{Model, card_bin},
    time::Times,
    validate::Measures,
};

/// One of the two files, scored.
struct Side {
    frame: Frame,
    scores: Vec<f64>,
    /// For each row whether it was bad, where that is known.
    bad: Vec<Option<bool>>,
}

impl Side {
    fn new(model: &Model, frame: Frame, options: &MonitorOptions) -> Result<Self, TrainError> {
        let scores = model.scores(&frame, &options.missing)?;
        let bad = match &options.target {
            None => vec![None; frame.rows()],
            Some(outcome) => {
                let cells = frame.column("the target", &outcome.column)?;
                cells.iter().map(|cell| (!is_missing(cell, &options.missing)).then(|| *cell == outcome.bad)).collect()
            }
        };
        Ok(Self { frame, scores, bad })
    }

    /// How the matured of some rows did; `None` where none had.
    fn performance(&self, model: &Model, rows: &[usize]) -> Option<Performance> {
        let known: Vec<(bool, f64)> =
            rows.iter().filter_map(|row| Some((self.bad[*row]?, model.probability(self.scores[*row])))).collect();
        let (bad, probability): (Vec<bool>, Vec<f64>) = known.into_iter().unzip();
        let bads = bad.iter().filter(|bad| **bad).count();
        (!bad.is_empty()).then(|| Performance {
            rows: bad.len(),
            bads,
            bad_rate: bads as f64 / bad.len() as f64,
            predicted_rate: probability.iter().sum::<f64>() / bad.len() as f64,
            measures: (bads > 0 && bads < bad.len()).then(|| Measures::of(&bad, &probability)),
        })
    }
}

pub fn measure(
    model: &Model,
    model_sha256: String,
    [reference, current]: [Frame; 2],
    [reference_file, current_file]: [FileFacts; 2],
    options: MonitorOptions,
) -> Result<Monitoring, TrainError> {
    let reference = Side::new(model, reference, &options)?;
    let current = Side::new(model, current, &options)?;
    let periods = periods(&current.frame, options.time_column.as_deref())?;
    let score = score_drift(model, &reference.scores, &current.scores);
    let edges = deciles(&reference.scores);
    let bins = edges.len() + 1;
    let base = shares(reference.scores.iter().map(|score| bin_of(&edges, *score)), bins);
    let periods_measured = periods.iter().map(|(period, rows)| {
        let now = shares(rows.iter().map(|row| bin_of(&edges, current.scores[*row])), bins);
        Period {
            period: period.clone(),
            rows: rows.len(),
            psi: index(&base, reference.scores.len(), &now, rows.len()),
            mean: rows.iter().map(|row| current.scores[*row]).sum::<f64>() / rows.len() as f64,
            performance: current.performance(model, rows),
        }
    });
    let periods_measured: Vec<Period> = periods_measured.collect();
    let mut characteristics = characteristics(model, &reference, &current, &periods, &options)?;
    characteristics.sort_by(|a, b| b.csi.total_cmp(&a.csi).then(a.feature.cmp(&b.feature)));
    let all = |side: &Side| side.performance(model, &(0..side.scores.len()).collect::<Vec<usize>>());
    let mut monitoring = Monitoring {
        label: model.label().to_owned(),
        kind: model.kind(),
        model_sha256,
        reference: reference_file,
        current: current_file,
        findings: Vec::new(),
        score,
        characteristics,
        periods: periods_measured,
        reference_performance: all(&reference),
        current_performance: all(&current),
        options,
    };
    monitoring.findings = findings(&monitoring);
    Ok(monitoring)
}

/// The current rows by period, in the order of time.
fn periods(frame: &Frame, column: Option<&str>) -> Result<Vec<(String, Vec<usize>)>, TrainError> {
    let Some(column) = column else { return Ok(vec![("all".to_owned(), (0..frame.rows()).collect())]) };
    let cells: Vec<&str> = frame.column("the time column", column)?.iter().map(String::as_str).collect();
    let times = Times::read(column, &cells)?;
    let mut order: Vec<usize> = (0..frame.rows()).collect();
    order.sort_by_key(|row| (times.ranks[*row], *row));
    let mut periods: Vec<(String, Vec<usize>)> = Vec::new();
    for row in order {
        let name = times.period(row);
        match periods.last_mut() {
            Some((last, rows)) if last == name => rows.push(row),
            _ => periods.push((name.to_owned(), vec![row])),
        }
    }
    Ok(periods)
}

/// Nine edges at the deciles, without doubles.
fn deciles(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..10).filter_map(|decile| sorted.get(sorted.len() * decile / 10).copied()).collect();
    edges.dedup();
    edges
}

fn bin_of(edges: &[f64], value: f64) -> usize {
    edges.partition_point(|edge| *edge <= value)
}

fn shares(bins: impl ExactSizeIterator<Item = usize>, count: usize) -> Vec<f64> {
    let rows = bins.len() as f64;
    let mut counts = vec![0.0; count];
    bins.for_each(|bin| counts[bin] += 1.0);
    counts.iter().map(|count| count / rows).collect()
}

/// Σ (current − reference) × ln(current / reference); a bin that is empty on one side counts as half a row there, one that
/// is empty on both says nothing.
fn index(reference: &[f64], reference_rows: usize, current: &[f64], current_rows: usize) -> f64 {
    parts(reference, reference_rows, current, current_rows).iter().sum()
}

fn parts(reference: &[f64], reference_rows: usize, current: &[f64], current_rows: usize) -> Vec<f64> {
    let floor = |share: f64, rows: usize| if share > 0.0 { share } else { 0.5 / rows as f64 };
    let part = |(r, c): (&f64, &f64)| {
        let (r, c) = (floor(*r, reference_rows), floor(*c, current_rows));
        (c - r) * libm::log(c / r)
    };
    let both_empty = |(r, c): &(&f64, &f64)| **r == 0.0 && **c == 0.0;
    reference.iter().zip(current).map(|pair| if both_empty(&pair) { 0.0 } else { part(pair) }).collect()
}

fn bin_shares(names: Vec<String>, reference: &[f64], r_rows: usize, current: &[f64], c_rows: usize) -> Vec<BinShare> {
    let parts = parts(reference, r_rows, current, c_rows);
    let sides = reference.iter().zip(current).zip(parts);
    names
        .into_iter()
        .zip(sides)
        .map(|(name, ((reference, current), part))| BinShare { name, reference: *reference, current: *current, part })
        .collect()
}

/// Names of intervals between edges.
fn interval_names(edges: &[f64], decimals: usize) -> Vec<String> {
    let text = |edge: &f64| fixed(*edge, decimals);
    (0..=edges.len())
        .map(|at| match (at.checked_sub(1).and_then(|at| edges.get(at)), edges.get(at)) {
            (None, None) => "any".to_owned(),
            (None, Some(below)) => format!("below {}", text(below)),
            (Some(from), None) => format!("{} and more", text(from)),
            (Some(from), Some(below)) => format!("{} to below {}", text(from), text(below)),
        })
        .collect()
}

fn score_drift(model: &Model, reference: &[f64], current: &[f64]) -> ScoreDrift {
    let edges = deciles(reference);
    let bins = edges.len() + 1;
    let side = |scores: &[f64]| shares(scores.iter().map(|score| bin_of(&edges, *score)), bins);
    let (r, c) = (side(reference), side(current));
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    let (reference_mean, current_mean) = (mean(reference), mean(current));
    let variance = reference.iter().map(|score| (score - reference_mean).powi(2)).sum::<f64>() / reference.len() as f64;
    let decimals = if matches!(model, Model::Scorecard(..)) { 0 } else { 2 };
    ScoreDrift {
        unit: model.unit(),
        psi: index(&r, reference.len(), &c, current.len()),
        reference_mean,
        current_mean,
        shift: if variance > 0.0 { (current_mean - reference_mean) / variance.sqrt() } else { 0.0 },
        bins: bin_shares(interval_names(&edges, decimals), &r, reference.len(), &c, current.len()),
    }
}

/// How a feature's cells fall into bins; the last bin is missing.
enum Binner<'a> {
    Card(&'a Feature, &'a CompiledFeature),
    Deciles(Vec<f64>),
    Names(&'a [String]),
}

impl Binner<'_> {
    fn bins(&self) -> usize {
        1 + match self {
            Self::Card(_, feature) => feature.bins_count(),
            Self::Deciles(edges) => edges.len() + 1,
            Self::Names(names) => names.len(),
        }
    }

    fn bin(&self, cell: &str, missing: &[String]) -> Result<usize, TrainError> {
        let none = self.bins() - 1;
        Ok(match self {
            Self::Card(_, feature) => card_bin(feature, cell, missing)?,
            _ if is_missing(cell, missing) => none,
            Self::Deciles(edges) => parse_number(cell).map_or(none, |number| bin_of(edges, number)),
            Self::Names(names) => names.iter().position(|name| name == cell).unwrap_or(none),
        })
    }

    fn names(&self) -> Vec<String> {
        let mut names = match self {
            Self::Card(document, _) => document.bins.iter().map(|bin| bin_name(document.kind, bin)).collect(),
            Self::Deciles(edges) => interval_names(edges, 2),
            Self::Names(names) => names.to_vec(),
        };
        names.push("missing".to_owned());
        names
    }
}

fn characteristics(
    model: &Model,
    reference: &Side,
    current: &Side,
    periods: &[(String, Vec<usize>)],
    options: &MonitorOptions,
) -> Result<Vec<Characteristic>, TrainError> {
    let missing = &options.missing;
    let mut found = Vec::new();
    for (at, name) in model.features().into_iter().enumerate() {
        let cells = |side: &'_ Side| -> Result<Vec<String>, TrainError> {
            Ok(side.frame.column("the model's feature", name)?.to_vec())
        };
        let (before, now) = (cells(reference)?, cells(current)?);
        let binner = match model {
            Model::Scorecard(document, card) => Binner::Card(&document.features[at], &card.features()[at]),
            Model::Trees(_, features, _) if !features[at].categories.is_empty() => {
                Binner::Names(&features[at].categories)
            }
            Model::Trees(..) => {
                let numbers = before.iter().map(|cell| parse_number(cell).unwrap_or(f64::NAN));
                Binner::Deciles(deciles(&numbers.collect::<Vec<f64>>()))
            }
        };
        let bin = |cells: &[String]| -> Result<Vec<usize>, TrainError> {
            cells.iter().map(|cell| binner.bin(cell, missing)).collect()
        };
        let (r_bins, c_bins) = (bin(&before)?, bin(&now)?);
        let count = binner.bins();
        let (r, c) = (shares(r_bins.iter().copied(), count), shares(c_bins.iter().copied(), count));
        let by_period = periods
            .iter()
            .map(|(_, rows)| index(&r, r_bins.len(), &shares(rows.iter().map(|row| c_bins[*row]), count), rows.len()));
        let shift = |card: &CompiledScorecard| -> Result<f64, TrainError> {
            let mean = |cells: &[String]| mean_points(card, at, cells, missing);
            Ok(mean(&now)? - mean(&before)?)
        };
        found.push(Characteristic {
            feature: name.to_owned(),
            csi: index(&r, r_bins.len(), &c, c_bins.len()),
            reference_missing: r.last().copied().unwrap_or(0.0),
            current_missing: c.last().copied().unwrap_or(0.0),
            points_shift: if let Model::Scorecard(_, card) = model { Some(shift(card)?) } else { None },
            by_period: by_period.collect(),
            bins: bin_shares(binner.names(), &r, r_bins.len(), &c, c_bins.len()),
        });
    }
    Ok(found)
}

/// Mean points that one feature gives.
fn mean_points(card: &CompiledScorecard, at: usize, cells: &[String], missing: &[String]) -> Result<f64, TrainError> {
    use prequal_core::score::{Scored, Value};
    let mut values = vec![Value::Empty; card.features().len()];
    let mut scored = Scored::default();
    let mut sum = 0.0;
    for cell in cells {
        values[at] = crate::scorer::card_value(&card.features()[at], cell, missing)?;
        card.score_into(&values, &[], &mut scored)?;
        sum += scored.contributions.get(at).map_or(0.0, |contribution| f64::from(contribution.points));
    }
    Ok(sum / cells.len() as f64)
}

/// Whether two samples of one population would differ so much in fewer than [`CHANCE_MAX`] of all cases: an index times
/// n m / (n + m) goes by chi-square with one degree less than bins (Yurdakul 2018).
fn beyond_chance(index: f64, bins: usize, before: usize, now: usize) -> bool {
    let (n, m) = (before as f64, now as f64);
    bins > 1 && chi_square_tail(index * n * m / (n + m), bins - 1) < CHANCE_MAX
}

fn findings(found: &Monitoring) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut check = |measure: &'static str, of: &str, value: f64, [warning, alert]: [f64; 2]| {
        let past = [(Level::Alert, alert), (Level::Warning, warning)].into_iter().find(|(_, limit)| value > *limit);
        if let Some((level, limit)) = past {
            findings.push(Finding { level, measure, of: of.to_owned(), value, limit });
        }
    };
    let Limits { psi, csi, shift, auc_loss, rate_ratio } = found.options.limits;
    let (before, now) = (found.reference.rows, found.current.rows);
    if beyond_chance(found.score.psi, found.score.bins.len(), before, now) {
        check("psi", "the score", found.score.psi, psi);
    }
    check("shift", "the score", found.score.shift.abs(), shift);
    for period in found.periods.iter().filter(|_| found.options.time_column.is_some()) {
        if beyond_chance(period.psi, found.score.bins.len(), before, period.rows) {
            check("psi", &format!("the score in {}", period.period), period.psi, psi);
        }
    }
    for feature in &found.characteristics {
        let used = feature.bins.iter().filter(|bin| bin.reference > 0.0 || bin.current > 0.0).count();
        if beyond_chance(feature.csi, used, before, now) {
            check("csi", &feature.feature, feature.csi, csi);
        }
    }
    let auc = |performance: &Option<Performance>| performance.and_then(|p| p.measures).map(|measures| measures.auc);
    if let (Some(before), Some(now)) = (auc(&found.reference_performance), auc(&found.current_performance)) {
        check("auc_loss", "the matured rows", before - now, auc_loss);
    }
    if let Some(now) = found.current_performance.filter(|now| now.bads > 0 && now.predicted_rate > 0.0) {
        let ratio = now.bad_rate / now.predicted_rate;
        check("rate_ratio", "the matured rows", ratio.max(1.0 / ratio), rate_ratio);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 1 % point of chi-square with nine degrees of freedom is 21.666. A hundred rows against a thousand make that an
    /// index of 21.666 × 1,100 / 100,000 = 0.238; a thousand against a thousand 0.043.
    #[test]
    fn a_small_sample_needs_a_larger_index_to_be_believed() {
        assert!(!beyond_chance(0.23, 10, 1000, 100) && beyond_chance(0.24, 10, 1000, 100));
        assert!(!beyond_chance(0.042, 10, 1000, 1000) && beyond_chance(0.045, 10, 1000, 1000));
        assert!(!beyond_chance(1.0, 1, 1000, 1000), "one bin cannot move");
    }
}
