//! Applicants who were turned away: what a model fitted to the accepted alone may assume of them.
//!
//! Off unless asked for. The outcome of a rejected applicant is not in the data, so each method rests on an assumption,
//! which is told in the model and its report. Measures are always of accepted rows.

use crate::{
    fit::Fitted,
    options::RejectInference,
    table::{Column, Table, Values},
};

/// Bands of equal size by the score of the accepted.
const BANDS: usize = 10;

/// Accepted and rejected rows by band of a first score.
#[derive(Debug)]
pub struct Bands {
    /// For each accepted row that was fitted to, its band.
    accepted: Vec<usize>,
    /// For each rejected row, its band.
    rejected: Vec<usize>,
    /// Accepted rows and bads among them, and rejected rows, by band.
    counts: Vec<[f64; 3]>,
}

impl Bands {
    /// Scores the accepted rows at the positions `rows` and all rejected ones by a model of the accepted.
    #[must_use]
    pub fn new(table: &Table, rows: &[usize], fitted: &Fitted) -> Self {
        let all = fitted.log_odds(&table.columns, table.rows());
        let scores: Vec<f64> = rows.iter().map(|row| all[*row]).collect();
        let mut sorted = scores.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut edges: Vec<f64> =
            (1..BANDS).filter_map(|band| sorted.get(sorted.len() * band / BANDS).copied()).collect();
        edges.dedup();
        let band = |score: &f64| edges.partition_point(|edge| edge <= score);
        let accepted: Vec<usize> = scores.iter().map(band).collect();
        let rejected: Vec<usize> = fitted.log_odds(&table.rejected, table.rejects()).iter().map(band).collect();
        let mut counts = vec![[0.0; 3]; edges.len() + 1];
        for (band, row) in accepted.iter().zip(rows) {
            counts[*band][0] += 1.0;
            counts[*band][1] += f64::from(u8::from(table.bad[*row]));
        }
        rejected.iter().for_each(|band| counts[*band][2] += 1.0);
        Self { accepted, rejected, counts }
    }

    /// How many applicants each accepted row stands for: all of its band over the accepted of its band (augmentation,
    /// Hsia 1978).
    #[must_use]
    pub fn stands_for(&self) -> Vec<f64> {
        let weight = |band: &usize| {
            let [accepted, _, rejected] = self.counts[*band];
            (accepted + rejected) / accepted
        };
        self.accepted.iter().map(weight).collect()
    }

    /// The table with the rejected rows after its own, and their positions. In each band the share of bads is that of
    /// the accepted at `factor` times their odds; every so-manieth row is bad, in the file's order, so that nothing is
    /// drawn at random.
    #[must_use]
    pub fn parcelled(&self, table: &Table, factor: f64) -> (Table, std::ops::Range<usize>) {
        let rate = |band: usize| {
            let [accepted, bads, _] = self.counts[band];
            let odds = factor * (bads + 0.5) / (accepted - bads + 0.5);
            odds / (1.0 + odds)
        };
        let mut seen = vec![0.0_f64; self.counts.len()];
        let inferred = self.rejected.iter().map(|band| {
            let before = (seen[*band] * rate(*band)).floor();
            seen[*band] += 1.0;
            (seen[*band] * rate(*band)).floor() > before
        });
        let bad = table.bad.iter().copied().chain(inferred).collect();
        let columns = table.columns.iter().zip(&table.rejected).map(|(known, rejected)| joined(known, rejected));
        let all = Table { columns: columns.collect(), bad, ..table.clone() };
        (all, table.rows()..table.rows() + self.rejected.len())
    }

    /// What was assumed, for people.
    #[must_use]
    pub fn told(&self, inference: RejectInference, bads: usize) -> String {
        let rejects = self.rejected.len();
        match inference {
            RejectInference::Reweighting => format!(
                "reject inference by reweighting: accepted rows stand for {rejects} rejected applicants of their score, \
                 who are assumed to be as bad as they are"
            ),
            RejectInference::Parcelling { factor } => format!(
                "reject inference by parcelling: {rejects} rejected applicants are taken for {bads} bads and {} goods, at \
                 {factor} times the odds of bad of the accepted of their score",
                rejects - bads
            ),
        }
    }
}

fn joined(known: &Column, rejected: &Column) -> Column {
    let values = match (&known.values, &rejected.values) {
        (Values::Number(a), Values::Number(b)) => Values::Number(a.iter().chain(b).copied().collect()),
        (Values::Category { names, codes: a }, Values::Category { codes: b, .. }) => {
            Values::Category { names: names.clone(), codes: a.iter().chain(b).copied().collect() }
        }
        // Both are read from one column of the file.
        _ => known.values.clone(),
    };
    Column { name: known.name.clone(), values }
}
