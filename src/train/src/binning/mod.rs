//! Values into bins: few, large enough, and each with its weight of evidence.
//!
//! Numbers are cut into fine cells, categories are sorted by their bad rate; then neighbours are merged in the best way
//! (see [`optimal`]). Missing values always have a bin of their own. Only the rows given are looked at.

pub mod counts;
mod numbers;
pub mod optimal;
pub mod ranks;

use counts::Counts;
use optimal::{Constraints, Partition, Program, Trend};
use ranks::Ranks;

use crate::{
    options::BinningOptions,
    table::{Column, MISSING, Values},
};

/// Which values a bin holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Members {
    /// Numbers from the end of the bin before it up to this one, excluded; `None` in the last bin.
    Below(Option<f64>),
    /// Categories, as codes of the column.
    Codes(Vec<u32>),
}

/// One bin of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Which values it holds.
    pub members: Members,
    /// Training rows in it.
    pub counts: Counts,
    /// Weight of evidence.
    pub woe: f64,
}

/// A column's bins.
#[derive(Clone, Debug, PartialEq)]
pub struct Binning {
    /// Bins of values, in order.
    pub groups: Vec<Group>,
    /// Training rows without a value.
    pub missing: Counts,
    /// Weight of evidence of missing values; 0 (neutral) where the training rows had none.
    pub missing_woe: f64,
    /// How the bad rate runs.
    pub trend: Trend,
    /// Information value over all bins.
    pub information_value: f64,
    /// Information value of fine classes: of the best partition into at most [`FINE_BINS_MAX`] bins under the same
    /// constraints, whichever way the bad rate runs with at most one turn. What the column could say about these rows;
    /// fewer bins say less about them and, as a rule, more about others.
    pub fine_value: f64,
}

/// The most fine classes.
pub const FINE_BINS_MAX: usize = 20;

/// How the bad rate of fine classes may run; a peak or valley may also have nothing on one side.
const FINE_TRENDS: [Trend; 2] = [Trend::Peak, Trend::Valley];

/// Rows of average risk that the bin of missing values starts with: it is often tiny, and what is
/// missing tomorrow need not be missing for the same cause.
const MISSING_PRIOR_ROWS: f64 = 20.0;

impl Binning {
    /// Bins a column by the rows at the positions `rows`.
    ///
    /// `None` where no bin can be made at all: fewer rows with a value than a bin needs, or one outcome only.
    #[must_use]
    pub fn fit(column: &Column, bad: &[bool], rows: &[usize], options: &BinningOptions) -> Option<Self> {
        Self::fit_sorted(column, column.ranks().as_ref(), bad, rows, options)
    }

    /// The same for a column that was sorted before: `ranks` are those of its numbers, and stand only for a column of
    /// numbers.
    #[must_use]
    pub fn fit_sorted(
        column: &Column,
        ranks: Option<&Ranks>,
        bad: &[bool],
        rows: &[usize],
        options: &BinningOptions,
    ) -> Option<Self> {
        let mut totals = Counts::default();
        rows.iter().for_each(|row| totals.add_row(bad[*row]));
        if totals.goods == 0 || totals.bads == 0 {
            return None;
        }
        // What a split of pure noise is expected to gain.
        let noise = f64::from(totals.rows()) / (f64::from(totals.goods) * f64::from(totals.bads));
        let constraints = Constraints {
            rows_min: rows_min(totals, options),
            bins_max: options.bins_max,
            price: options.bin_price * noise,
        };
        match (&column.values, ranks) {
            (Values::Number(_), None) => None,
            (Values::Number(_), Some(ranks)) => {
                let cells = numbers::Cells::new(ranks, bad, rows, constraints.rows_min);
                let program = Program::new(&cells.counts, totals, &constraints);
                let fine = FINE_TRENDS.into_iter().filter_map(|trend| program.solve(trend, FINE_BINS_MAX));
                let fine = fine.map(|found| found.information(&cells.counts, totals)).reduce(f64::max)?;
                let (trend, found) = best_trend(&program, options.bins_max, options.turn_price * noise)?;
                let bins = cells.bins(&found.ends);
                let bins = bins.into_iter().map(|(below, counts)| (Members::Below(below), counts)).collect();
                Some(Self::new(bins, (cells.missing, fine), trend, totals, options))
            }
            (Values::Category { names, codes }, _) => {
                let (order, counts, missing) = sort_categories(names.len(), codes, bad, rows, totals);
                let program = Program::new(&counts, totals, &constraints);
                let fine = program.solve(Trend::Ascending, FINE_BINS_MAX)?.information(&counts, totals);
                let found = program.solve(Trend::Ascending, options.bins_max)?;
                let starts = [0].into_iter().chain(found.ends.iter().copied());
                let bin = |(from, to): (usize, usize)| {
                    let mut codes = order[from..to].to_vec();
                    codes.sort_unstable();
                    let counts = counts[from..to].iter().fold(Counts::default(), |sum, cell| sum + *cell);
                    (Members::Codes(codes), counts)
                };
                let bins = starts.zip(found.ends.iter().copied()).map(bin).collect();
                Some(Self::new(bins, (missing, fine), Trend::Ascending, totals, options))
            }
        }
    }

    fn new(
        bins: Vec<(Members, Counts)>,
        (missing, fine): (Counts, f64),
        trend: Trend,
        totals: Counts,
        options: &BinningOptions,
    ) -> Self {
        let group = |(members, counts): (Members, Counts)| {
            let woe = counts.weight_of_evidence(totals, options.prior_rows);
            Group { members, counts, woe }
        };
        let groups: Vec<Group> = bins.into_iter().map(group).collect();
        let of_missing = if missing.rows() > 0 { missing.information(totals) } else { 0.0 };
        let information_value = groups.iter().map(|group| group.counts.information(totals)).sum::<f64>() + of_missing;
        let missing_woe = missing.weight_of_evidence(totals, MISSING_PRIOR_ROWS);
        Self { groups, missing, missing_woe, trend, information_value, fine_value: fine + of_missing }
    }

    /// For every row of the column (not only those fitted to) the position of its bin; the number of
    /// groups stands for missing, and for a category that the fitted rows did not have.
    #[must_use]
    pub fn assign(&self, column: &Column) -> Vec<u16> {
        self.assign_sorted(column, None)
    }

    /// The same for a column that was sorted before.
    #[must_use]
    pub fn assign_sorted(&self, column: &Column, ranks: Option<&Ranks>) -> Vec<u16> {
        let missing = self.groups.len() as u16;
        match &column.values {
            Values::Number(numbers) => {
                let cuts: Vec<f64> = self.groups.iter().filter_map(Group::below).collect();
                if let Some(ranks) = ranks {
                    return ranks.places(&cuts, missing);
                }
                let bin = |number: &f64| {
                    if number.is_nan() { missing } else { cuts.partition_point(|cut| cut <= number) as u16 }
                };
                numbers.iter().map(bin).collect()
            }
            Values::Category { names, codes } => {
                let mut bin_of = vec![missing; names.len()];
                for (bin, group) in (0u16..).zip(&self.groups) {
                    group.codes().iter().for_each(|code| bin_of[*code as usize] = bin);
                }
                codes.iter().map(|code| if *code == MISSING { missing } else { bin_of[*code as usize] }).collect()
            }
        }
    }

    /// Weight of evidence by the positions that [`Self::assign`] gives.
    #[must_use]
    pub fn woes(&self) -> Vec<f64> {
        self.groups.iter().map(|group| group.woe).chain([self.missing_woe]).collect()
    }
}

impl Group {
    /// The upper end, where the bin is an interval that has one.
    #[must_use]
    pub fn below(&self) -> Option<f64> {
        if let Members::Below(below) = self.members { below } else { None }
    }

    /// The categories, where the bin is a group of them.
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        if let Members::Codes(codes) = &self.members { codes } else { &[] }
    }
}

/// The fewest rows of a bin: the share that is asked for, and enough to expect `bads_min` bads and as many goods at
/// the average risk. Real bads are not counted: where a bin has none, that is what it says.
fn rows_min(totals: Counts, options: &BinningOptions) -> u32 {
    let by_share = options.share_min * f64::from(totals.rows());
    let rarer = f64::from(totals.goods.min(totals.bads));
    let by_expectation = f64::from(options.bads_min) * f64::from(totals.rows()) / rarer;
    by_share.max(by_expectation).ceil() as u32
}

/// The best rising or falling partition, or one that turns where it is clearly better: a turn that no one can
/// explain is more often noise than knowledge.
fn best_trend(program: &Program, bins_max: usize, turn_price: f64) -> Option<(Trend, Partition)> {
    let better = |a: (Trend, Partition), b: (Trend, Partition)| if b.1.worth > a.1.worth { b } else { a };
    let solved = |trend: Trend| program.solve(trend, bins_max).map(|found| (trend, found));
    let believed = |simple: &Partition, other: &Partition| other.worth > simple.worth.max(0.0) + turn_price;
    let straight = [Trend::Ascending, Trend::Descending].into_iter().filter_map(solved).reduce(better)?;
    // No trend is worth more than none: where that is not enough, a turn need not be looked for.
    let free = solved(Trend::Free)?;
    if !believed(&straight.1, &free.1) {
        return Some(straight);
    }
    let turned = [Trend::Peak, Trend::Valley].into_iter().filter_map(solved).reduce(better)?;
    let simple = if believed(&straight.1, &turned.1) { turned } else { straight };
    Some(if believed(&simple.1, &free.1) { free } else { simple })
}

/// Rows of average risk added before categories are sorted, so that one lucky row does not lead.
const SORT_PRIOR_ROWS: f64 = 10.0;

/// The categories that occur, by rising bad rate (ties by name), with their counts.
fn sort_categories(
    names: usize,
    codes: &[u32],
    bad: &[bool],
    rows: &[usize],
    totals: Counts,
) -> (Vec<u32>, Vec<Counts>, Counts) {
    let mut missing = Counts::default();
    let mut counts = vec![Counts::default(); names];
    for row in rows {
        match codes[*row] {
            MISSING => missing.add_row(bad[*row]),
            code => counts[code as usize].add_row(bad[*row]),
        }
    }
    let rate = |code: &u32| {
        let counts = counts[*code as usize];
        (f64::from(counts.bads) + SORT_PRIOR_ROWS * totals.rate()) / (f64::from(counts.rows()) + SORT_PRIOR_ROWS)
    };
    let mut order: Vec<u32> = (0..names as u32).filter(|code| counts[*code as usize].rows() > 0).collect();
    order.sort_by(|a, b| rate(a).total_cmp(&rate(b)).then(a.cmp(b)));
    let sorted = order.iter().map(|code| counts[*code as usize]).collect();
    (order, sorted, missing)
}
