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
    stability_bins(reference, current).iter().map(|bin| bin.part).sum()
}

/// A bin of the stability index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StabilityBin {
    /// The lower end, included; `None` in the first bin.
    pub from: Option<f64>,
    /// The upper end, excluded; `None` in the last bin.
    pub below: Option<f64>,
    /// Share of the reference rows.
    pub reference: f64,
    /// Share of the current rows.
    pub current: f64,
    /// Its part of the index: `(current − reference) × ln(current / reference)`.
    pub part: f64,
}

/// The bins of [`stability`].
#[must_use]
pub fn stability_bins(reference: &[f64], current: &[f64]) -> Vec<StabilityBin> {
    let mut sorted = reference.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..10).filter_map(|decile| sorted.get(sorted.len() * decile / 10).copied()).collect();
    edges.dedup();
    let counts = |rows: &[f64]| -> Vec<f64> {
        let mut counts = vec![0.0; edges.len() + 1];
        rows.iter().for_each(|row| counts[edges.partition_point(|edge| edge <= row)] += 1.0);
        counts
    };
    let sides = counts(reference).into_iter().zip(counts(current)).enumerate();
    let share = |count: f64, rows: &[f64]| count.max(0.5) / rows.len() as f64;
    sides
        .map(|(at, (r, c))| {
            let (reference_share, current_share) = (share(r, reference), share(c, current));
            StabilityBin {
                from: at.checked_sub(1).and_then(|at| edges.get(at)).copied(),
                below: edges.get(at).copied(),
                reference: r / reference.len() as f64,
                current: c / current.len() as f64,
                part: (current_share - reference_share) * libm::log(current_share / reference_share),
            }
        })
        .collect()
}

/// Share of the pairs of rows of different risk whose points stand the other way round: the riskier with more points.
/// Pairs of equal points are no inversions; AUC counts them half. 0 where there is no pair.
#[must_use]
pub fn inversions(risk: &[f64], points: &[i32]) -> f64 {
    let mut order: Vec<usize> = (0..risk.len().min(points.len())).collect();
    // Falling points within one risk, so that such pairs are none.
    order.sort_by(|a, b| risk[*a].total_cmp(&risk[*b]).then(points[*b].cmp(&points[*a])));
    let mut sorted: Vec<i32> = order.iter().map(|row| -points[*row]).collect();
    let pairs = sorted.len() as f64 * (sorted.len() as f64 - 1.0) / 2.0;
    let inverted = sort_counting(&mut sorted) as f64;
    if pairs > 0.0 { inverted / pairs } else { 0.0 }
}

/// Sorts and counts the pairs that stood in falling order, by merging.
fn sort_counting(values: &mut [i32]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut count = sort_counting(left) + sort_counting(right);
    let (left, right) = (left.to_vec(), right.to_vec());
    let (mut a, mut b) = (left.iter().peekable(), right.iter().peekable());
    for to in values {
        let from_right = match (a.peek(), b.peek()) {
            (Some(first), Some(second)) => second < first,
            (first, _) => first.is_none(),
        };
        if from_right {
            count += a.len() as u64;
        }
        if let Some(value) = if from_right { b.next() } else { a.next() } {
            *to = *value;
        }
    }
    count
}

/// Whether probabilities are right in the large and in the small.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct CalibrationCheck {
    /// Constant term of the outcome's regression on the predicted log-odds of bad; 0 where right (Cox 1958).
    pub intercept: f64,
    /// Its slope; 1 where right, less where predictions are too extreme.
    pub slope: f64,
    /// Expected calibration error over ten bins of equal width.
    pub expected_error: f64,
    /// Hosmer and Lemeshow's chi-square over up to ten groups of about equal size (1980).
    pub hosmer_lemeshow: f64,
    /// The chance of so much or more if all predictions were right: as many degrees of freedom as groups, because the
    /// rows were held out.
    pub p: f64,
}

/// Checks the calibration of held-out rows; `None` where a class is absent or nothing can be fitted.
#[must_use]
pub fn calibration_check(bad: &[bool], probability: &[f64]) -> Option<CalibrationCheck> {
    let log_odds = |p: &f64| libm::log(p.clamp(1e-15, 1.0 - 1e-15) / (1.0 - p.clamp(1e-15, 1.0 - 1e-15)));
    let x: Vec<f64> = probability.iter().map(log_odds).collect();
    let fitted = crate::logistic::fit(&[&x], bad, None, 0.0).ok()?;
    let groups = groups_of_equal_size(bad, probability);
    let distance = |(rows, bads, expected): &(f64, f64, f64)| {
        let variance = expected * (1.0 - expected / rows);
        if variance > 0.0 { (bads - expected).powi(2) / variance } else { 0.0 }
    };
    let chi_square: f64 = groups.iter().map(distance).sum();
    Some(CalibrationCheck {
        intercept: fitted.intercept,
        slope: *fitted.coefficients.first()?,
        expected_error: calibration_error(bad, probability),
        hosmer_lemeshow: chi_square,
        p: chi_square_tail(chi_square, groups.len()),
    })
}

/// Rows, bads and expected bads of up to ten groups of about equal size by probability; rows of one probability stay
/// together, so that nothing depends on the order of rows.
fn groups_of_equal_size(bad: &[bool], probability: &[f64]) -> Vec<(f64, f64, f64)> {
    let mut rows: Vec<(f64, bool)> = probability.iter().copied().zip(bad.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = rows.len() as f64 / 10.0;
    let mut groups: Vec<(f64, f64, f64)> = Vec::new();
    let mut last = f64::NAN;
    for (at, (p, bad)) in rows.into_iter().enumerate() {
        if groups.is_empty() || (p != last && at as f64 >= size * groups.len() as f64) {
            groups.push((0.0, 0.0, 0.0));
        }
        if let Some(group) = groups.last_mut() {
            *group = (group.0 + 1.0, group.1 + f64::from(u8::from(bad)), group.2 + p);
        }
        last = p;
    }
    groups
}

/// Chance of a chi-square above `x`: a finite sum for every whole number of degrees (Abramowitz and Stegun 26.4.4 and
/// 26.4.5).
pub(crate) fn chi_square_tail(x: f64, degrees: usize) -> f64 {
    let half = x / 2.0;
    let (mut sum, mut term, first) = match degrees % 2 {
        0 => (0.0, libm::exp(-half), 1.0),
        _ => (libm::erfc(half.sqrt()), libm::exp(-half) * (half / std::f64::consts::PI).sqrt() * 2.0, 1.5),
    };
    for k in 0..degrees / 2 {
        sum += term;
        term *= half / (first + k as f64);
    }
    sum
}

/// The mean, summed in order; NaN of nothing.
#[must_use]
pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against counting pair by pair.
    #[test]
    fn inversions_are_counted_as_pair_by_pair() {
        let risk: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 91)).collect();
        let points: Vec<i32> = (0..200).map(|i| i * 53 % 47).collect();
        let mut slow = 0;
        for a in 0..200 {
            for b in 0..a {
                let (more, less) = if risk[a] > risk[b] { (a, b) } else { (b, a) };
                slow += u32::from(risk[more] > risk[less] && points[more] > points[less]);
            }
        }
        assert!((inversions(&risk, &points) - f64::from(slow) / 19_900.0).abs() < 1e-15);
        let sound: Vec<i32> = risk.iter().map(|risk| -*risk as i32).collect();
        assert_eq!(inversions(&risk, &sound), 0.0);
    }

    /// Quantiles of chi-square from any statistical table: 18.307 at 5 % and 23.209 at 1 % with ten degrees of freedom,
    /// 3.841 at 5 % with one, 14.067 with seven.
    #[test]
    fn the_tail_of_chi_square_is_that_of_the_tables() {
        for (x, degrees, tail) in
            [(18.307_038, 10, 0.05), (23.209_251, 10, 0.01), (3.841_459, 1, 0.05), (14.067_140, 7, 0.05)]
        {
            assert!((chi_square_tail(x, degrees) - tail).abs() < 1e-7, "{x} with {degrees}");
        }
        assert_eq!(chi_square_tail(0.0, 10), 1.0);
    }

    /// Each probability is exactly the share of bads among its rows; then predictions twice as extreme.
    #[test]
    fn right_probabilities_have_slope_one_and_extreme_ones_less() {
        let (mut bad, mut right) = (Vec::new(), Vec::new());
        for tenth in 1..=9 {
            for row in 0..100 {
                bad.push(row < tenth * 10);
                right.push(f64::from(tenth) / 10.0);
            }
        }
        let check = calibration_check(&bad, &right).unwrap();
        assert!(check.intercept.abs() < 1e-9 && (check.slope - 1.0).abs() < 1e-9, "{check:?}");
        assert!(check.expected_error < 1e-12 && check.p > 0.99, "{check:?}");
        let extreme: Vec<f64> = right.iter().map(|p| p * p / (p * p + (1.0 - p) * (1.0 - p))).collect();
        let check = calibration_check(&bad, &extreme).unwrap();
        assert!((check.slope - 0.5).abs() < 1e-9 && check.p < 0.001, "{check:?}");
    }
}
