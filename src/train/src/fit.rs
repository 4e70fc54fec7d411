//! One fit: bins, choice of features, regression. Looks at the given rows only.

use crate::{
    binning::{Binning, counts::Counts, ranks::Ranks},
    error::TrainError,
    logistic::{self, Logistic},
    options::{Options, RejectInference},
    parallel, reject,
    table::{Column, Table},
};

/// A feature that went into the model.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Position of its column in the table.
    pub column: usize,
    /// Its bins.
    pub binning: Binning,
    /// Coefficient on the weight of evidence; more than zero.
    pub coefficient: f64,
    /// Standard error of the coefficient.
    pub standard_error: f64,
}

/// A column that was looked at, chosen or not.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Position of its column in the table.
    pub column: usize,
    /// Information value of its fine classes ([`Binning::fine_value`]); 0 where no bins could be made.
    pub information_value: f64,
    /// Why it was left out; `None` where it went into the model.
    pub left_out: Option<String>,
}

/// A fitted model before points.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The features, by falling information value.
    pub features: Vec<Selected>,
    /// The constant term of `ln(good : bad)`.
    pub intercept: f64,
    /// Standard error of the constant term.
    pub intercept_error: f64,
    /// Every column, in the table's order.
    pub candidates: Vec<Candidate>,
    /// Goods and bads that bins were made of, inferred ones included.
    pub totals: Counts,
    /// What was assumed of applicants who were turned away, in a sentence; empty where nothing was.
    pub inference: String,
}

/// A table whose columns of numbers are sorted, once for all fits to some of its rows. A fit takes from it counts of its
/// own rows and nothing else.
#[derive(Clone, Debug)]
pub struct Sorted<'a> {
    /// The table.
    pub table: &'a Table,
    ranks: Vec<Option<Ranks>>,
}

impl<'a> Sorted<'a> {
    /// Sorts the columns.
    #[must_use]
    pub fn new(table: &'a Table) -> Self {
        Self { table, ranks: parallel::map(&table.columns, Column::ranks) }
    }

    /// Bins a column by the rows at the positions `rows`.
    #[must_use]
    pub fn bin(&self, column: usize, rows: &[usize], options: &Options) -> Option<Binning> {
        let ranks = self.ranks[column].as_ref();
        Binning::fit_sorted(&self.table.columns[column], ranks, &self.table.bad, rows, &options.binning)
    }

    /// For every row of the table the position of its bin, as [`Binning::assign`] gives it.
    #[must_use]
    pub fn assign(&self, column: usize, binning: &Binning) -> Vec<u16> {
        binning.assign_sorted(&self.table.columns[column], self.ranks[column].as_ref())
    }

    /// For every row of the table the log-odds of bad, before points are rounded.
    #[must_use]
    pub fn log_odds_of_bad(&self, fitted: &Fitted) -> Vec<f64> {
        fitted.sum(self.table.rows(), |feature| self.assign(feature.column, &feature.binning))
    }
}

/// A candidate on its way into the model.
struct Entrant {
    column: usize,
    binning: Binning,
    /// Weight of evidence of each fitted row.
    woe: Vec<f64>,
}

/// Fits a model to the rows at the positions `rows`, and to rejected applicants where the options say so.
///
/// # Errors
/// [`TrainError::Fit`] where the rows hold one class only, no feature says anything, or the regression
/// has no single answer.
pub fn fit(table: &Table, rows: &[usize], options: &Options) -> Result<Fitted, TrainError> {
    fit_sorted(&Sorted::new(table), rows, options)
}

/// The same for a table whose columns are sorted.
///
/// # Errors
/// As [`fit`].
pub fn fit_sorted(sorted: &Sorted<'_>, rows: &[usize], options: &Options) -> Result<Fitted, TrainError> {
    let known = fit_known(sorted, rows, None, options)?;
    let table = sorted.table;
    let Some(inference) = options.reject_inference.filter(|_| table.rejects() > 0) else { return Ok(known) };
    let bands = reject::Bands::new(table, rows, &known);
    Ok(match inference {
        RejectInference::Reweighting => {
            let stands_for = bands.stands_for();
            Fitted { inference: bands.told(inference, 0), ..fit_known(sorted, rows, Some(&stands_for), options)? }
        }
        RejectInference::Parcelling { factor } => {
            let (all, inferred) = bands.parcelled(table, factor);
            let bads = all.bads() - table.bads();
            let both: Vec<usize> = rows.iter().copied().chain(inferred).collect();
            Fitted { inference: bands.told(inference, bads), ..fit_known(&Sorted::new(&all), &both, None, options)? }
        }
    })
}

fn fit_known(
    sorted: &Sorted<'_>,
    rows: &[usize],
    stands_for: Option<&[f64]>,
    options: &Options,
) -> Result<Fitted, TrainError> {
    let table = sorted.table;
    let good: Vec<bool> = rows.iter().map(|row| !table.bad[*row]).collect();
    if good.iter().all(|good| *good) || !good.contains(&true) {
        return Err(TrainError::Fit("the rows to fit to hold only one class of the target".to_owned()));
    }
    let mut totals = Counts::default();
    rows.iter().for_each(|row| totals.add_row(table.bad[*row]));
    let (mut candidates, entrants) = bin_all(sorted, rows, options);
    let mut entrants = drop_correlated(entrants, &mut candidates, table, options);
    let mut start: Option<Vec<f64>> = None;
    loop {
        if entrants.is_empty() {
            return Err(TrainError::Fit(format!(
                "no column tells goods from bads: none has an information value of {} or more",
                options.selection.iv_min
            )));
        }
        let columns: Vec<&[f64]> = entrants.iter().map(|entrant| entrant.woe.as_slice()).collect();
        let ridge = options.selection.ridge * stands_for.map_or(rows.len() as f64, |rows| rows.iter().sum());
        let fitted = match start.take() {
            None => logistic::fit(&columns, &good, stands_for, ridge),
            Some(start) => logistic::fit_from(start, &columns, &good, stands_for, ridge),
        };
        let fitted = fitted.map_err(TrainError::Fit)?;
        // More evidence for good must mean more points; one wrong sign at a time, the worst first.
        let worst = (0..entrants.len()).min_by(|a, b| fitted.coefficients[*a].total_cmp(&fitted.coefficients[*b]));
        match worst {
            Some(worst) if fitted.coefficients[worst] <= 0.0 => {
                let entrant = entrants.remove(worst);
                candidates[entrant.column].left_out =
                    Some("its coefficient has the wrong sign beside the other features".to_owned());
                start = Some(fitted.without(worst));
            }
            _ => return Ok(finish(entrants, &fitted, candidates, totals)),
        }
    }
}

/// Bins every column; those with enough information value enter, the strongest first.
fn bin_all(sorted: &Sorted<'_>, rows: &[usize], options: &Options) -> (Vec<Candidate>, Vec<Entrant>) {
    let mut candidates = Vec::with_capacity(sorted.table.columns.len());
    let mut entrants = Vec::new();
    for index in 0..sorted.table.columns.len() {
        let binning = sorted.bin(index, rows, options);
        let information_value = binning.as_ref().map_or(0.0, |binning| binning.fine_value);
        let left_out = match binning {
            None => Some("too few rows have a value".to_owned()),
            Some(_) if information_value < options.selection.iv_min => {
                Some(format!("information value {information_value:.4} is below {}", options.selection.iv_min))
            }
            Some(binning) => {
                let woes = binning.woes();
                let bins = sorted.assign(index, &binning);
                let woe = rows.iter().map(|row| woes[usize::from(bins[*row])]).collect();
                entrants.push(Entrant { column: index, binning, woe });
                None
            }
        };
        candidates.push(Candidate { column: index, information_value, left_out });
    }
    entrants.sort_by(|a, b| {
        b.binning.information_value.total_cmp(&a.binning.information_value).then(a.column.cmp(&b.column))
    });
    (candidates, entrants)
}

fn drop_correlated(
    entrants: Vec<Entrant>,
    candidates: &mut [Candidate],
    table: &Table,
    options: &Options,
) -> Vec<Entrant> {
    let mut kept: Vec<Entrant> = Vec::with_capacity(entrants.len());
    for entrant in entrants {
        let twin = kept.iter().find_map(|other| {
            let r = correlation(&entrant.woe, &other.woe);
            (r.abs() > options.selection.correlation_max).then_some((other.column, r))
        });
        match twin {
            Some((other, r)) => {
                candidates[entrant.column].left_out =
                    Some(format!("its weight of evidence correlates {r:.2} with `{}`", table.columns[other].name));
            }
            None if kept.len() == prequal_core::score::FEATURES_MAX => {
                candidates[entrant.column].left_out = Some(format!("the model already has {} features", kept.len()));
            }
            None => kept.push(entrant),
        }
    }
    kept
}

fn finish(entrants: Vec<Entrant>, fitted: &Logistic, candidates: Vec<Candidate>, totals: Counts) -> Fitted {
    let features = entrants
        .into_iter()
        .enumerate()
        .map(|(index, entrant)| Selected {
            column: entrant.column,
            binning: entrant.binning,
            coefficient: fitted.coefficients[index],
            standard_error: fitted.standard_errors[index + 1],
        })
        .collect();
    Fitted {
        features,
        intercept: fitted.intercept,
        intercept_error: fitted.standard_errors[0],
        candidates,
        totals,
        inference: String::new(),
    }
}

/// Pearson's correlation; 0 where one side does not vary.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (da, db) = (a - mean_a, b - mean_b);
        ab += da * db;
        aa += da * da;
        bb += db * db;
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa.sqrt() * bb.sqrt()) } else { 0.0 }
}

impl Fitted {
    /// A sentence for each column with more information value than `bound`.
    #[must_use]
    pub fn leaks(&self, table: &Table, bound: f64) -> Vec<String> {
        let suspects = self.candidates.iter().filter(|candidate| candidate.information_value > bound);
        let tell = |candidate: &Candidate| {
            format!(
                "`{}` has an information value of {:.2}, more than {bound}: it may tell what was only known after the \
                 outcome",
                table.columns[candidate.column].name, candidate.information_value
            )
        };
        suspects.map(tell).collect()
    }

    /// For rows with the table's columns the log-odds of bad, before points are rounded.
    #[must_use]
    pub fn log_odds(&self, columns: &[Column], rows: usize) -> Vec<f64> {
        self.sum(rows, |feature| feature.binning.assign(&columns[feature.column]))
    }

    fn sum(&self, rows: usize, bins_of: impl Fn(&Selected) -> Vec<u16>) -> Vec<f64> {
        let mut odds = vec![-self.intercept; rows];
        for feature in &self.features {
            let adds: Vec<f64> = feature.binning.woes().iter().map(|woe| feature.coefficient * woe).collect();
            odds.iter_mut().zip(bins_of(feature)).for_each(|(odds, bin)| *odds -= adds[usize::from(bin)]);
        }
        odds
    }
}
