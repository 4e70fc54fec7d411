//! The report: one self-contained page for the people who answer for the model.
//!
//! No script, no font and no picture from elsewhere: the file reads the same in ten years.

pub(crate) mod charts;
mod decisions;
pub mod features;
pub(crate) mod html;
mod people;
pub(crate) mod svg;

use std::fmt::Write as _;

use crate::{
    Training,
    held_out::HeldOut,
    metrics,
    options::TreeOptions,
    output::Metrics,
    report::html::{count, escape, fixed, percent, table},
};

/// The page.
#[must_use]
pub fn page(training: &Training, metrics: &Metrics) -> String {
    let all = HeldOut::new(training);
    let title = format!("Scorecard for {}", training.options.target);
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{}</title><style>{}</style>\
         </head><body><main>",
        escape(&title),
        include_str!("style.css")
    );
    head(&mut out, training, &title);
    for warning in &training.warnings {
        let _ = write!(out, "<p class=\"warning\">Warning: {}.</p>", escape(warning));
    }
    later(&mut out, metrics);
    figures(&mut out, training, metrics);
    let _ = write!(
        out,
        "<h2>How well it parts goods from bads</h2><p class=\"soft\">Every row here is scored by a model that never saw \
         it: bins, choice of features, coefficients and points were fitted again without its fold.</p>\
         <div class=\"charts\">{}{}{}{}{}</div>",
        charts::roc(training, &all),
        charts::ks(&all),
        decisions::gains(&all),
        charts::distribution(&all),
        charts::calibration(&all, metrics.calibration.as_ref())
    );
    decisions::cutoffs(&mut out, &all);
    decisions::swaps(&mut out, training, &all);
    folds(&mut out, training);
    stability(&mut out, training, &all);
    people::fairness(&mut out, metrics);
    let _ = write!(
        out,
        "<h2>Features</h2><p class=\"soft\">The model fitted to {}. It starts from {} points; each feature adds the \
         points of the bin its value falls into. More points are safer.</p>{}<div class=\"features\">{}</div>",
        if training.out_of_time.is_some() { "all rows but the later ones" } else { "all rows" },
        training.scorecard.base_points,
        features::overview(training),
        features::sections(training)
    );
    left_out(&mut out, training);
    people::card(&mut out, training, metrics);
    made(&mut out, training);
    out.push_str("</main></body></html>\n");
    out
}

fn head(out: &mut String, training: &Training, title: &str) {
    let options = &training.options;
    let _ = write!(out, "<h1>{}</h1>", escape(title));
    if !options.label.is_empty() {
        let _ = write!(out, "<p class=\"label\">{}</p>", escape(&options.label));
    }
    if !options.purpose.is_empty() {
        let _ = write!(out, "<p>Purpose: {}</p>", escape(&options.purpose));
    }
    let table = &training.table;
    let _ = write!(
        out,
        "<p>{} rows, {} of them bad ({}): “bad” is <code>{}</code> = <code>{}</code>. {} of {} columns went into the \
         model.</p>",
        count(table.rows()),
        count(table.bads()),
        percent(table.bads() as f64 / table.rows() as f64),
        escape(&options.target),
        escape(&options.bad),
        training.scorecard.features.len(),
        table.columns.len() + table.excluded.len()
    );
}

/// Rows later than any that were fitted to: what a report has to lead with where there are any.
fn later(out: &mut String, metrics: &Metrics) {
    let Some(later) = &metrics.out_of_time else { return };
    let _ = write!(
        out,
        "<h2>On later rows</h2><p class=\"soft\">{} rows from {} on by <code>{}</code>, {} of them bad. Nothing was fitted to \
         them: not bins, not the choice of features, not coefficients.</p><dl class=\"figures\">",
        count(later.rows),
        escape(&later.from),
        escape(&later.column),
        count(later.bads)
    );
    let (card, trees) = (&later.scorecard, later.trees.as_ref());
    for (name, value, other) in [
        ("AUC", card.auc, trees.map(|m| m.auc)),
        ("KS", card.ks, trees.map(|m| m.ks)),
        ("Gini", card.gini, trees.map(|m| m.gini)),
        ("Brier score", card.brier, trees.map(|m| m.brier)),
        ("Log loss", card.logloss, trees.map(|m| m.logloss)),
    ] {
        let small = other.map(|value| format!("<small>boosted trees {}</small>", fixed(value, 3))).unwrap_or_default();
        let _ = write!(out, "<div><dt>{name}</dt><dd>{}{small}</dd></div>", fixed(value, 3));
    }
    let _ = write!(
        out,
        "<div><dt>Stability index</dt><dd>{}<small>against the rows fitted to</small></dd></div></dl>\
         <h2>On held-out rows of the same time</h2>",
        fixed(later.psi, 3)
    );
}

fn figures(out: &mut String, training: &Training, metrics: &Metrics) {
    let range = |folds: &[f64]| {
        let (min, max) = folds
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)));
        format!("folds {} to {}", fixed(min, 3), fixed(max, 3))
    };
    let _ = write!(out, "<dl class=\"figures\">");
    let (card, trees) = (&metrics.scorecard, metrics.trees.as_ref());
    for (name, measure, other) in [
        ("AUC", &card.auc, trees.map(|trees| &trees.auc)),
        ("KS", &card.ks, trees.map(|trees| &trees.ks)),
        ("Gini", &card.gini, trees.map(|trees| &trees.gini)),
        ("Brier score", &card.brier, trees.map(|trees| &trees.brier)),
        ("Log loss", &card.logloss, trees.map(|trees| &trees.logloss)),
    ] {
        let trees = other.map(|other| format!("<small>boosted trees {}</small>", fixed(other.mean, 3)));
        let _ = write!(
            out,
            "<div><dt>{name}</dt><dd>{}<small>{}</small>{}</dd></div>",
            fixed(measure.mean, 3),
            range(&measure.folds),
            trees.unwrap_or_default()
        );
    }
    let _ = write!(
        out,
        "<div><dt>Stability index</dt><dd>{}<small>training against held-out rows</small></dd></div>\
         <div><dt>AUC lost to rounding</dt><dd>{}<small>{} of pairs put the other way; {} neighbouring bins with equal \
         points</small></dd></div></dl>",
        fixed(card.psi, 3),
        fixed(metrics.rounding.auc_loss, 4),
        percent(metrics.rounding.inversions),
        metrics.rounding.bins_tied
    );
    debug_assert_eq!(card.auc.folds.len(), training.folds.len());
}

/// How the points of later or held-out rows spread over the deciles of the rows fitted to; and every period against them.
fn stability(out: &mut String, training: &Training, all: &HeldOut) {
    let numbers = |rows: &[usize]| -> Vec<f64> { rows.iter().map(|row| f64::from(training.points[*row])).collect() };
    let reference = numbers(&training.development);
    let (name, current) = match &training.out_of_time {
        Some(later) => ("later rows", numbers(&later.rows)),
        None => ("held-out rows", all.points.clone()),
    };
    let bins: Vec<charts::Share> = metrics::stability_bins(&reference, &current)
        .iter()
        .map(|bin| {
            let name = match (bin.from, bin.below) {
                (None, None) => "any".to_owned(),
                (None, Some(below)) => format!("below {}", fixed(below, 0)),
                (Some(from), None) => format!("{} and more", fixed(from, 0)),
                (Some(from), Some(below)) => format!("{} to below {}", fixed(from, 0), fixed(below, 0)),
            };
            charts::Share { name, reference: bin.reference, current: bin.current, part: bin.part }
        })
        .collect();
    let told = format!(
        "Points of {name} against those of the rows fitted to, by their deciles. Stability index {}; below 0.1 is taken for \
         stable, above 0.25 for another population.",
        fixed(metrics::stability(&reference, &current), 4)
    );
    let _ = write!(
        out,
        "<h2>Stability of the population</h2><div class=\"charts\">{}</div>",
        charts::shares("Points by deciles of the rows fitted to", &told, ["fitted to", name], &bins)
    );
    let Some(times) = &training.table.times else { return };
    let mut periods: std::collections::BTreeMap<(u32, &str), Vec<usize>> = std::collections::BTreeMap::new();
    let mut order: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    for row in 0..training.table.rows() {
        let first = order.entry(times.period(row)).or_insert(times.ranks[row]);
        *first = (*first).min(times.ranks[row]);
    }
    for row in 0..training.table.rows() {
        let period = times.period(row);
        periods.entry((order.get(period).copied().unwrap_or(0), period)).or_default().push(row);
    }
    let rows: Vec<Vec<String>> = periods
        .iter()
        .map(|((_, period), rows)| {
            let bads = rows.iter().filter(|row| training.table.bad[**row]).count();
            let points = numbers(rows);
            vec![
                (*period).to_owned(),
                count(rows.len()),
                percent(bads as f64 / rows.len() as f64),
                fixed(metrics::mean(points.iter().copied()), 1),
                fixed(metrics::stability(&reference, &points), 3),
            ]
        })
        .collect();
    let headers = ["Period", "Rows", "Bad rate", "Mean points", "Stability index"];
    let _ = write!(out, "<h3 class=\"apart\">Over time</h3>{}", table(&headers, &rows));
}

fn folds(out: &mut String, training: &Training) {
    let rows: Vec<Vec<String>> = training
        .folds
        .iter()
        .enumerate()
        .map(|(number, fold)| {
            let m = &fold.measures;
            let mut row =
                vec![format!("{number}"), count(fold.held_out.len()), fold.model.features().len().to_string()];
            row.extend([m.auc, m.ks, m.gini, m.brier, m.logloss, fold.stability].map(|value| fixed(value, 4)));
            row
        })
        .collect();
    let headers = ["Fold", "Held-out rows", "Features", "AUC", "KS", "Gini", "Brier", "Log loss", "Stability index"];
    let _ = write!(
        out,
        "<h3 class=\"apart\">Fold by fold</h3><p class=\"soft\">Row i is held out in fold i mod {}.</p>{}",
        training.options.folds,
        table(&headers, &rows)
    );
}

fn left_out(out: &mut String, training: &Training) {
    let excluded = &training.scorecard.excluded;
    if excluded.is_empty() {
        return;
    }
    let rows: Vec<Vec<&str>> =
        excluded.iter().map(|column| vec![column.column.as_str(), column.why.as_str()]).collect();
    let _ = write!(out, "<h2>Columns left out</h2><div class=\"words\">{}</div>", table(&["Column", "Why"], &rows));
}

fn made(out: &mut String, training: &Training) {
    let options = &training.options;
    let (binning, selection) = (&options.binning, &options.selection);
    let facts = [
        ("Data (SHA-256)", training.table.sha256.clone()),
        (
            "Seed",
            format!(
                "{} (of the rows and columns that each tree sees; the scorecard and the folds draw nothing)",
                options.seed
            ),
        ),
        (
            "Scaling",
            format!(
                "{} points at odds of {} good to 1 bad; {} points double the odds",
                options.base_score, options.base_odds, options.points_to_double_odds
            ),
        ),
        (
            "Bins",
            format!(
                "at most {}, each with at least {} of the rows and so many that {} bads and as many goods are expected in \
                 it; the partition with the most information value, less {} units of noise for each bin and {} for a turn of the bad rate; {} rows of average risk added before the weight of \
                 evidence is taken",
                binning.bins_max,
                percent(binning.share_min),
                binning.bads_min,
                binning.bin_price,
                binning.turn_price,
                binning.prior_rows
            ),
        ),
        (
            "Choice of features",
            format!(
                "information value of at least {} by at most {} fine classes, correlation of at most {}, no coefficient of \
                 the wrong sign",
                selection.iv_min,
                crate::binning::FINE_BINS_MAX,
                selection.correlation_max
            ),
        ),
        (
            "Regression",
            format!("logistic on weights of evidence, Newton's method, ridge {} for each row", selection.ridge),
        ),
        ("Boosted trees", options.trees.as_ref().map_or_else(|| "none".to_owned(), trees_told)),
        ("Program", format!("prequal {}", env!("CARGO_PKG_VERSION"))),
    ];
    out.push_str("<h2>How it was made</h2><dl class=\"facts\">");
    for (name, value) in facts {
        let _ = write!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str(
        "</dl><p class=\"soft\">The same data file and the same options give the same model, to the byte. This report does \
         not show how the model would do on another population than that of the data.</p>",
    );
}

fn trees_told(trees: &TreeOptions) -> String {
    format!(
        "{} trees of depth {} at most, learning rate {}, {} of the rows and {} of the columns each, ridge {}, monotone {}",
        trees.rounds,
        trees.depth,
        trees.learning_rate,
        percent(trees.row_share),
        percent(trees.column_share),
        trees.ridge,
        match trees.monotone {
            crate::options::Monotone::ByTrend => "where the bins' bad rate rises or falls throughout",
            crate::options::Monotone::None => "only where named",
        }
    )
}
