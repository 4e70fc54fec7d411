//! How groups of people fare by a score that never saw what makes them a group.
//!
//! Measured on held-out rows, at cut-offs that approve a share of all rows. What counts as unlawful is for a lawyer:
//! these are the figures that one asks for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    Training,
    cutoff::{self, APPROVED},
    held_out::HeldOut,
    table::{Column, MISSING, Values},
};

/// Groups with fewer rows are shown without measures: chance would speak louder.
pub const GROUP_ROWS_MIN: usize = 30;
/// Numbers with more distinct values are taken by quarters of the rows.
const DISTINCT_MAX: usize = 8;
/// Below this adverse impact ratio a group is flagged (the four-fifths rule, 29 CFR 1607.4 D).
pub const IMPACT_MIN: f64 = 0.8;
/// Above this association a feature is flagged as a possible proxy. By Cohen (1988) 0.3 is a medium effect.
pub const PROXY_MAX: f64 = 0.3;

/// One protected column.
#[derive(Clone, Debug, Serialize)]
pub struct Fairness {
    /// The column.
    pub column: String,
    /// Its groups: of numbers in their order, of categories the largest first.
    pub groups: Vec<Group>,
    /// For each feature of the model how well its bins tell the groups apart: Cramér's V, 0 to 1, strongest first.
    pub proxies: Vec<Proxy>,
}

/// A group of people.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The value that they share.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Bad rows.
    pub bads: usize,
    /// Mean points less the mean of the group approved most often at 70 %, in standard deviations of all points; below
    /// zero where they score worse. `None` for a group of fewer than [`GROUP_ROWS_MIN`] rows.
    pub standardised_mean_difference: Option<f64>,
    /// At each cut-off.
    pub at: Vec<AtCutoff>,
}

/// A group at a cut-off.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AtCutoff {
    /// Share of all rows that are approved.
    pub approved: f64,
    /// Share of the group that is.
    pub rate: f64,
    /// Adverse impact ratio: that share over the share of the group that is approved most often.
    pub impact_ratio: f64,
    /// Share of the group's goods that are approved less the largest such share of a group: equal opportunity is 0
    /// (Hardt, Price, Srebro 2016).
    pub opportunity_difference: f64,
}

/// A feature as a stand-in for a protected column.
#[derive(Clone, Debug, Serialize)]
pub struct Proxy {
    /// The feature.
    pub feature: String,
    /// Cramér's V between its bins and the groups.
    pub cramers_v: f64,
}

/// Measures every protected column.
#[must_use]
pub fn measure(training: &Training, held: &HeldOut) -> Vec<Fairness> {
    training.table.protected.iter().map(|column| measure_column(training, held, column)).collect()
}

fn measure_column(training: &Training, held: &HeldOut, column: &Column) -> Fairness {
    let (names, group_of) = groups_of(column);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    for (at, row) in held.rows.iter().enumerate() {
        members[group_of[*row]].push(at);
    }
    let mut order: Vec<usize> = (0..names.len()).filter(|group| !members[*group].is_empty()).collect();
    if matches!(column.values, Values::Category { .. }) {
        order.sort_by_key(|group| (std::cmp::Reverse(members[*group].len()), *group));
    }
    let large: Vec<usize> = order.iter().copied().filter(|group| members[*group].len() >= GROUP_ROWS_MIN).collect();
    let risk: Vec<f64> = held.points.iter().map(|points| -points).collect();
    let share = |rows: &[usize], of: &dyn Fn(usize) -> bool| {
        if rows.is_empty() { 0.0 } else { rows.iter().filter(|row| of(**row)).count() as f64 / rows.len() as f64 }
    };
    let goods = |group: usize| -> Vec<usize> { members[group].iter().copied().filter(|row| !held.bad[*row]).collect() };
    let best = |of: &dyn Fn(usize) -> f64| large.iter().map(|group| of(*group)).fold(0.0, f64::max);
    let mut at: BTreeMap<usize, Vec<AtCutoff>> = BTreeMap::new();
    for approved in APPROVED {
        let risk_max = cutoff::risk_max(&risk, approved);
        let passes = |row: usize| risk[row] <= risk_max;
        let (rate, opportunity) =
            (|group: usize| share(&members[group], &passes), |group: usize| share(&goods(group), &passes));
        let (rate_max, opportunity_max) = (best(&rate), best(&opportunity));
        for group in &large {
            at.entry(*group).or_default().push(AtCutoff {
                approved,
                rate: rate(*group),
                impact_ratio: if rate_max > 0.0 { rate(*group) / rate_max } else { 1.0 },
                opportunity_difference: opportunity(*group) - opportunity_max,
            });
        }
    }
    let seventy = |group: &usize| at.get(group).and_then(|at| at.get(2)).map_or(0.0, |at| at.rate);
    let reference = large.iter().copied().max_by(|a, b| seventy(a).total_cmp(&seventy(b)).then(b.cmp(a)));
    let mean = |rows: &[usize]| rows.iter().map(|row| held.points[*row]).sum::<f64>() / rows.len() as f64;
    let everyone: Vec<usize> = (0..held.points.len()).collect();
    let middle = mean(&everyone);
    let spread = (everyone.iter().map(|row| (held.points[*row] - middle).powi(2)).sum::<f64>()
        / (everyone.len() as f64 - 1.0).max(1.0))
    .sqrt();
    let groups = order.iter().map(|group| Group {
        name: names[*group].clone(),
        rows: members[*group].len(),
        bads: members[*group].iter().filter(|row| held.bad[**row]).count(),
        standardised_mean_difference: reference
            .filter(|_| large.contains(group) && spread > 0.0)
            .map(|reference| (mean(&members[*group]) - mean(&members[reference])) / spread),
        at: at.get(group).cloned().unwrap_or_default(),
    });
    Fairness { column: column.name.clone(), groups: groups.collect(), proxies: proxies(training, &group_of, &large) }
}

/// Names of the groups, and the group of each row.
fn groups_of(column: &Column) -> (Vec<String>, Vec<usize>) {
    match &column.values {
        Values::Category { names, codes } => {
            let missing = names.len();
            let groups = codes.iter().map(|code| if *code == MISSING { missing } else { *code as usize }).collect();
            (names.iter().cloned().chain(["(missing)".to_owned()]).collect(), groups)
        }
        Values::Number(numbers) => {
            let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            let mut edges = sorted.clone();
            edges.dedup();
            let by_value = edges.len() <= DISTINCT_MAX;
            if !by_value {
                edges = (0..4).filter_map(|quarter| sorted.get(sorted.len() * quarter / 4).copied()).collect();
                edges.dedup();
            }
            let name = |at: usize| match (by_value, edges.get(at + 1)) {
                (true, _) => edges[at].to_string(),
                (false, Some(below)) if at == 0 => format!("below {below}"),
                (false, Some(below)) => format!("{} to below {below}", edges[at]),
                (false, None) => format!("{} and more", edges[at]),
            };
            let names: Vec<String> = (0..edges.len()).map(name).chain(["(missing)".to_owned()]).collect();
            let group = |number: &f64| match edges.partition_point(|edge| edge <= number) {
                _ if number.is_nan() => edges.len(),
                above => above.saturating_sub(1),
            };
            (names, numbers.iter().map(group).collect())
        }
    }
}

fn proxies(training: &Training, group_of: &[usize], large: &[usize]) -> Vec<Proxy> {
    let mut proxies: Vec<Proxy> = training
        .fitted
        .features
        .iter()
        .map(|feature| {
            let column = &training.table.columns[feature.column];
            let bins = feature.binning.assign(column);
            let rows = training.development.iter().filter(|row| large.contains(&group_of[**row]));
            let pairs = rows.map(|row| (usize::from(bins[*row]), group_of[*row]));
            Proxy { feature: column.name.clone(), cramers_v: cramers_v(pairs) }
        })
        .collect();
    proxies.sort_by(|a, b| b.cramers_v.total_cmp(&a.cramers_v).then(a.feature.cmp(&b.feature)));
    proxies
}

/// Cramér's V of pairs of categories: √(χ² / (n × (min(rows, columns) − 1))) (Cramér 1946); 0 where one side does not vary.
fn cramers_v(pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let mut cells: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    pairs.for_each(|pair| *cells.entry(pair).or_insert(0.0) += 1.0);
    let (mut lefts, mut rights, mut total) = (BTreeMap::new(), BTreeMap::new(), 0.0);
    for ((left, right), count) in &cells {
        *lefts.entry(*left).or_insert(0.0) += count;
        *rights.entry(*right).or_insert(0.0) += count;
        total += count;
    }
    let smaller = lefts.len().min(rights.len());
    if smaller < 2 {
        return 0.0;
    }
    // χ² = n (Σ observed² / (row total × column total) − 1); empty cells add nothing.
    let sum: f64 = cells.iter().map(|((left, right), count)| count * count / (lefts[left] * rights[right])).sum();
    ((sum - 1.0).max(0.0) / (smaller as f64 - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 2 × 2 table of 30, 10, 10, 30: φ = (30 × 30 − 10 × 10) / (40 × 40) = 0.5, and V is φ there.
    #[test]
    fn cramers_v_is_phi_of_a_two_by_two_table() {
        let table = [((0, 0), 30), ((0, 1), 10), ((1, 0), 10), ((1, 1), 30)];
        let pairs = table.into_iter().flat_map(|(pair, times)| std::iter::repeat_n(pair, times));
        assert!((cramers_v(pairs) - 0.5).abs() < 1e-12);
        assert_eq!(cramers_v([(0, 0), (0, 1)].into_iter()), 0.0);
    }

    #[test]
    fn numbers_are_grouped_by_value_or_by_quarters() {
        let few = Column { name: "n".into(), values: Values::Number(vec![1.0, 2.0, f64::NAN, 1.0]) };
        assert_eq!(groups_of(&few), (vec!["1".into(), "2".into(), "(missing)".into()], vec![0, 1, 2, 0]));
        let many = Column { name: "age".into(), values: Values::Number((20..60).map(f64::from).collect()) };
        let (names, groups) = groups_of(&many);
        assert_eq!(names[..2], ["below 30", "30 to below 40"]);
        assert_eq!((groups[0], groups[10], groups[39]), (0, 1, 3));
    }
}
