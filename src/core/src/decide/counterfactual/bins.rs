//! The values of a feature that something in the bundle tells apart, and for each bin the value nearest to the present
//! one.

use std::vec::Vec;

use super::{
    VALUES_MAX,
    levers::{Lever, Place, burdens, tables},
};
use crate::{
    bundle::{Bundle, CompiledSource, features::Engine},
    canonical::INTEGER_MAX,
    decide::features::longest_plan_months,
    money::Amount,
    policy::{Feature, FeatureValue, Test},
    score::trees::{MissingRule, TreeModel, Width},
    wire::Application,
};

/// A value that a lever may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// Bins between it and the present value, at least one.
    pub bins: u32,
    /// How far it is from it; 1 for a category.
    pub delta: u64,
    pub value: i64,
}

/// A run of values in one bin, from the nearest on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub bins: u32,
    first: i128,
    last: i128,
    step: i128,
    start: i128,
}

impl Run {
    /// Its values as candidates, the nearest first.
    pub(super) fn candidates(self) -> impl Iterator<Item = Candidate> {
        let count = (self.last - self.first) / self.step;
        (0..=count.max(-1)).filter_map(move |at| {
            let value = self.first + at * self.step;
            let delta = u64::try_from((value - self.start).unsigned_abs()).ok()?;
            Some(Candidate { bins: self.bins.max(1), delta, value: i64::try_from(value).ok()? })
        })
    }
}

/// The candidates of a lever other than the order, at a price, smallest change first.
pub(super) fn candidates(bundle: &Bundle, lever: &Lever, application: &Application) -> Vec<Candidate> {
    if !lever.is_number {
        let names = bundle.compiled.features.get(lever.feature).map_or(&[][..], |feature| &feature.categories);
        let other = (0_i64..)
            .zip(names)
            .filter(|(at, name)| *at != lever.start && (lever.change.to.is_empty() || lever.change.to.contains(name)));
        return other.map(|(value, _)| Candidate { bins: 1, delta: 1, value }).collect();
    }
    let mut borders = own(bundle, lever.feature);
    for (_, burden) in burdens(bundle).filter(|(of, _)| *of == lever.feature) {
        borders.push(1);
        let price = i128::from(application.order.amount.minor()) * 1000;
        let months = i128::from(longest_plan_months(&bundle.compiled, bundle, application));
        for border in of_burden(bundle, burden) {
            if let Some(most) = price.checked_div(border * months) {
                borders.extend(i64::try_from(most + 1));
            }
        }
    }
    let others = runs(lever, borders).into_iter().filter(|run| run.bins > 0);
    let mut list: Vec<Candidate> = others.filter_map(|run| run.candidates().next()).collect();
    list.sort_unstable();
    list
}

/// The runs of prices, those of fewer bins first. `incomes` are the features of the application with all that else
/// changed in it.
pub(super) fn price_runs(bundle: &Bundle, lever: &Lever, application: &Application, incomes: &[Feature]) -> Vec<Run> {
    let mut borders = Vec::new();
    let compiled = &bundle.compiled;
    for (index, feature) in compiled.features.iter().enumerate() {
        match feature.source {
            CompiledSource::Engine(Engine::OrderAmount) => borders.extend(own(bundle, index)),
            CompiledSource::Engine(Engine::OrderAmountUnits) => {
                let unit = 10_i64.checked_pow(application.order.currency.exponent().into()).unwrap_or(1);
                let ends = [feature.min, feature.max.saturating_add(1)];
                let units = own(bundle, index).into_iter().chain(ends);
                borders.extend(units.filter_map(|border| border.checked_mul(unit)));
            }
            _ => {}
        }
    }
    let product = &bundle.payload().product;
    let mut spans = vec![product.amount_min.minor(), product.amount_max.minor().saturating_add(1)];
    for plan in &product.plans {
        spans.extend(plan.amount_min.map(Amount::minor));
        spans.extend(plan.amount_max.map(|max| max.minor().saturating_add(1)));
    }
    borders.extend(&spans);
    borders
        .extend(compiled.limit.iter().flat_map(|table| &table.then).map(|then| then.limit.minor().saturating_add(1)));
    for (of, burden) in burdens(bundle) {
        let Some(FeatureValue::Integer(income)) = incomes.get(of).map(|feature| feature.value) else { continue };
        borders.extend(of_price(bundle, application, burden, income, &spans));
    }
    let mut runs = runs(lever, borders);
    runs.sort_by_key(|run| run.bins);
    runs
}

/// Every price on the lever's grid, the nearest first, with the bins that lie between; of each run at most [`VALUES_MAX`].
pub(super) fn every_price(runs: &[Run]) -> Vec<Candidate> {
    let mut list: Vec<Candidate> = Vec::new();
    for run in runs {
        list.extend(run.candidates().take(VALUES_MAX));
    }
    list.sort_unstable();
    list
}

/// Prices from which on a burden is at least one of its borders, at an income.
fn of_price(bundle: &Bundle, application: &Application, burden: usize, income: i64, spans: &[i64]) -> Vec<i64> {
    let months_at = |price: i64| {
        let amount = Amount::new(price.clamp(0, INTEGER_MAX)).unwrap_or(Amount::ZERO);
        let order = crate::wire::Order { amount, ..application.order };
        let at = Application { fields: crate::wire::Map::default(), order };
        longest_plan_months(&bundle.compiled, bundle, &at)
    };
    let mut months: Vec<i64> = spans.iter().map(|span| months_at(*span)).collect();
    months.sort_unstable();
    months.dedup();
    let mut borders = Vec::new();
    for border in of_burden(bundle, burden) {
        for months in &months {
            let least = border * i128::from(*months) * i128::from(income);
            // Rounded up: the first price whose burden, rounded down, is the border.
            let Ok(least) = i64::try_from((least + 999) / 1000) else { continue };
            if months_at(least) == *months || months_at(least.saturating_sub(1)) == *months {
                borders.push(least);
            }
        }
    }
    borders
}

/// Borders of a burden, above zero, and where it stops being valid.
fn of_burden(bundle: &Bundle, burden: usize) -> impl Iterator<Item = i128> {
    let feature = bundle.compiled.features.get(burden);
    let ends = feature.map(|feature| [feature.min, feature.max.saturating_add(1)]).into_iter().flatten();
    own(bundle, burden).into_iter().chain(ends).filter(|border| *border > 0).map(i128::from)
}

/// Where tables and the model cut a number.
fn own(bundle: &Bundle, feature: usize) -> Vec<i64> {
    let mut borders = Vec::new();
    for table in tables(bundle) {
        let columns = table.table.columns().iter().enumerate().filter(|(_, column)| usize::from(**column) == feature);
        for (at, _) in columns {
            let cells = (0..table.table.rows()).filter_map(|row| table.table.row(row).get(at));
            for cell in cells {
                if let Test::Ranges(ranges) = &cell.test {
                    borders.extend(ranges.iter().flat_map(|(from, to)| [*from, to.saturating_add(1)]));
                }
            }
        }
    }
    let (Some(compiled), Some(model)) = (&bundle.compiled.model, &bundle.payload().model) else { return borders };
    let Some(at) = compiled.slots.iter().position(|slot| *slot == feature) else { return borders };
    if let Some(card) = &model.scorecard {
        let cuts = card.features.get(at).into_iter().flat_map(|feature| &feature.bins).filter_map(|bin| bin.from);
        borders.extend(cuts.map(|cut| first_integer(|value| value as f64 >= cut.get())));
    }
    if let Some(trees) = &model.trees {
        borders.extend(of_trees(trees, at));
    }
    borders
}

fn of_trees(trees: &TreeModel, feature: usize) -> Vec<i64> {
    let mut borders = Vec::new();
    for column in trees.columns.iter().filter(|column| usize::try_from(column.feature) == Ok(feature)) {
        if column.missing == MissingRule::OwnWithZero {
            borders.extend([0, 1]);
        }
        let cuts = column.cuts.iter().flatten().filter_map(|cut| cut.parse::<f64>().ok());
        for cut in cuts {
            // As the evaluator reads a value: rounded to the width of the model's inputs first.
            borders.push(first_integer(|value| match trees.inputs {
                Width::F32 => f64::from(value as f64 as f32) >= f64::from(cut as f32),
                Width::F64 => value as f64 >= cut,
            }));
        }
        if let Some(categories) = &column.categories {
            // Numbers as codes: each by itself.
            let codes = categories.codes.iter().map(|code| i64::from(*code));
            borders.extend(codes.flat_map(|code| [code, code + 1]));
        }
    }
    borders
}

/// The first integer from which on something holds; one past the last where it never does.
fn first_integer(holds: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (-INTEGER_MAX, INTEGER_MAX + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) { high = middle } else { low = middle + 1 }
    }
    low
}

/// The values that a number may take, bin by bin.
fn runs(lever: &Lever, mut borders: Vec<i64>) -> Vec<Run> {
    borders.sort_unstable();
    borders.dedup();
    let start = i128::from(lever.start);
    let step = i128::from(lever.change.step.unwrap_or(1).max(1));
    let (low, high) = (i128::from(lever.low), i128::from(lever.high));
    let home = borders.partition_point(|border| *border <= lever.start);
    let ends = |bin: usize| {
        let from = bin.checked_sub(1).and_then(|at| borders.get(at)).map_or(low, |border| i128::from(*border));
        let to = borders.get(bin).map_or(high, |border| i128::from(*border) - 1);
        (from.max(low), to.min(high))
    };
    let mut runs = Vec::new();
    for bin in 0..=borders.len() {
        let (from, to) = ends(bin);
        let bins = u32::try_from(bin.abs_diff(home)).unwrap_or(u32::MAX);
        // On the grid that goes through the present value.
        let up = from.max(start + step);
        let first = start + (up - start + step - 1).div_euclid(step) * step;
        if first <= to {
            let last = start + (to - start).div_euclid(step) * step;
            runs.push(Run { bins, first, last, step, start });
        }
        let down = to.min(start - step);
        let first = start - (start - down + step - 1).div_euclid(step) * step;
        if first >= from {
            let last = start - (start - from).div_euclid(step) * step;
            runs.push(Run { bins, first, last, step: -step, start });
        }
    }
    runs
}

/// Whether the lever is the price.
pub(super) fn is_price(lever: &Lever) -> bool {
    matches!(lever.place, Place::Order)
}
