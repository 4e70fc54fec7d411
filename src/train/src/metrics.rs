//! How well a score tells goods from bads.
//!
//! Scores rise with risk: a larger one means more likely bad. Equal scores are one group: no
//! measure depends on the order of rows.

/// A point of the curves: rows at or above a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// The score.
    pub score: f64,
    /// Bads at or above it.
    pub bads: u64,
    /// Goods at or above it.
    pub goods: u64,
}

/// Cumulated goods and bads from the riskiest score down, one entry for each distinct score.
#[must_use]
pub fn cuts(bad: &[bool], score: &[f64]) -> Vec<Cut> {
    let mut rows: Vec<(f64, bool)> = score.iter().copied().zip(bad.iter().copied()).collect();
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let mut cuts: Vec<Cut> = Vec::new();
    let (mut bads, mut goods) = (0, 0);
    for (score, bad) in rows {
        if bad {
            bads += 1
        } else {
            goods += 1
        }
        match cuts.last_mut() {
            Some(last) if last.score == score => *last = Cut { score, bads, goods },
            _ => cuts.push(Cut { score, bads, goods }),
        }
    }
    cuts
}

fn totals(cuts: &[Cut]) -> (f64, f64) {
    cuts.last().map_or((0.0, 0.0), |last| (last.bads as f64, last.goods as f64))
}

/// Area under the ROC curve: the chance that a bad scores above a good, a tie counting half. NaN where
/// a class is absent.
#[must_use]
pub fn auc(bad: &[bool], score: &[f64]) -> f64 {
    let cuts = cuts(bad, score);
    let (bads, goods) = totals(&cuts);
    let mut twice: u128 = 0;
    let mut last = (0, 0);
    for cut in &cuts {
        // Trapezoid, in whole numbers: (goods here) × (bads before + bads after).
        twice += u128::from(cut.goods - last.1) * u128::from(last.0 + cut.bads);
        last = (cut.bads, cut.goods);
    }
    twice as f64 / (2.0 * bads * goods)
}

/// Kolmogorov–Smirnov: the largest distance between the shares of bads and of goods above a score.
#[must_use]
pub fn ks(bad: &[bool], score: &[f64]) -> f64 {
    let cuts = cuts(bad, score);
    let (bads, goods) = totals(&cuts);
    cuts.iter().map(|cut| (cut.bads as f64 / bads - cut.goods as f64 / goods).abs()).fold(0.0, f64::max)
}

/// Gini coefficient: `2 × AUC − 1`.
#[must_use]
pub fn gini(bad: &[bool], score: &[f64]) -> f64 {
    2.0 * auc(bad, score) - 1.0
}

/// Mean squared distance of the probability of bad from the outcome (Brier 1950).
#[must_use]
pub fn brier(bad: &[bool], probability: &[f64]) -> f64 {
    mean(bad.iter().zip(probability).map(|(bad, p)| {
        let distance = p - if *bad { 1.0 } else { 0.0 };
        distance * distance
    }))
}

/// Mean negative log-likelihood; probabilities are kept 1e-15 away from 0 and 1.
#[must_use]
pub fn log_loss(bad: &[bool], probability: &[f64]) -> f64 {
    mean(bad.iter().zip(probability).map(|(bad, p)| {
        let p = p.clamp(1e-15, 1.0 - 1e-15);
        -libm::log(if *bad { p } else { 1.0 - p })
    }))
}

/// Average precision: precision at each distinct score, weighted by the bads found there.
#[must_use]
pub fn average_precision(bad: &[bool], score: &[f64]) -> f64 {
    let cuts = cuts(bad, score);
    let (bads, _) = totals(&cuts);
    let mut sum = 0.0;
    let mut last = 0;
    for cut in &cuts {
        sum += (cut.bads - last) as f64 / bads * (cut.bads as f64 / (cut.bads + cut.goods) as f64);
        last = cut.bads;
    }
    sum
}

/// One bin of a calibration table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrationBin {
    /// Rows.
    pub rows: usize,
    /// Bad rows.
    pub bads: usize,
    /// Sum of the predicted probabilities.
    pub predicted: f64,
}

/// Rows by predicted probability, in ten bins of equal width; the last includes 1.
#[must_use]
pub fn calibration(bad: &[bool], probability: &[f64]) -> [CalibrationBin; 10] {
    let mut bins = [CalibrationBin::default(); 10];
    for (bad, p) in bad.iter().zip(probability) {
        let bin = &mut bins[((p * 10.0) as usize).min(9)];
        bin.rows += 1;
        bin.bads += usize::from(*bad);
        bin.predicted += p;
    }
    bins
}

/// Expected calibration error over ten bins of equal width.
#[must_use]
pub fn calibration_error(bad: &[bool], probability: &[f64]) -> f64 {
    let bins = calibration(bad, probability);
    bins.iter().map(|bin| (bin.bads as f64 - bin.predicted).abs()).sum::<f64>() / bad.len() as f64
}

/// Population stability index of `current` against `reference`, over ten bins at the reference's
/// deciles. A bin empty on one side counts as half a row.
#[must_use]
pub fn stability(reference: &[f64], current: &[f64]) -> f64 {
    let mut sorted = reference.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..10).filter_map(|decile| sorted.get(sorted.len() * decile / 10).copied()).collect();
    edges.dedup();
    let shares = |rows: &[f64]| -> Vec<f64> {
        let mut counts = vec![0.0; edges.len() + 1];
        rows.iter().for_each(|row| counts[edges.partition_point(|edge| edge <= row)] += 1.0);
        counts.iter().map(|count: &f64| count.max(0.5) / rows.len() as f64).collect()
    };
    shares(reference).iter().zip(shares(current)).map(|(r, c)| (c - r) * libm::log(c / r)).sum()
}

/// The mean, summed in order; NaN of nothing.
#[must_use]
pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
