//! The report: one self-contained page for the people who answer for the model.
//!
//! No script, no font and no picture from elsewhere: the file reads the same in ten years.

mod charts;
pub mod features;
mod html;
mod svg;

use std::fmt::Write as _;

use crate::{
    Training,
    output::Metrics,
    report::{
        charts::HeldOut,
        html::{count, escape, fixed, percent, table},
    },
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
    figures(&mut out, training, metrics);
    let _ = write!(
        out,
        "<h2>How well it parts goods from bads</h2><p class=\"soft\">Every row here is scored by a model that never saw \
         it: bins, choice of features, coefficients and points were fitted again without its fold.</p>\
         <div class=\"charts\">{}{}{}{}</div>",
        charts::roc(training, &all),
        charts::ks(&all),
        charts::distribution(&all),
        charts::calibration(&all)
    );
    folds(&mut out, training);
    let _ = write!(
        out,
        "<h2>Features</h2><p class=\"soft\">The model fitted to all rows. It starts from {} points; each feature adds the \
         points of the bin its value falls into. More points are safer.</p>{}<div class=\"features\">{}</div>",
        training.scorecard.base_points,
        features::overview(training),
        features::sections(training)
    );
    left_out(&mut out, training);
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

fn figures(out: &mut String, training: &Training, metrics: &Metrics) {
    let spread = |folds: &[f64], decimals: usize| {
        let (min, max) = folds
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)));
        format!("folds {} to {}", fixed(min, decimals), fixed(max, decimals))
    };
    let _ = write!(out, "<dl class=\"figures\">");
    for (name, measure) in [
        ("AUC", &metrics.auc),
        ("KS", &metrics.ks),
        ("Gini", &metrics.gini),
        ("Brier score", &metrics.brier),
        ("Log loss", &metrics.logloss),
    ] {
        let _ = write!(
            out,
            "<div><dt>{name}</dt><dd>{}<small>{}</small></dd></div>",
            fixed(measure.mean, 3),
            spread(&measure.folds, 3)
        );
    }
    let _ = write!(
        out,
        "<div><dt>Stability index</dt><dd>{}<small>training against held-out rows</small></dd></div>\
         <div><dt>AUC lost to rounding</dt><dd>{}<small>mean over {} folds</small></dd></div></dl>",
        fixed(metrics.psi, 3),
        fixed(metrics.rounding.auc_loss, 4),
        training.folds.len()
    );
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
        "<h3 style=\"margin-top:32px\">Fold by fold</h3><p class=\"soft\">Row i is held out in fold i mod {}.</p>{}",
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
        ("Seed", format!("{} (nothing is drawn at random: folds go by row index)", options.seed)),
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
                 it; the partition with the most information value, less {} units of noise for each bin, {} for each cut \
                 moved off its cell and {} for a turn of the bad rate; {} rows of average risk added before the weight of \
                 evidence is taken",
                binning.bins_max,
                percent(binning.share_min),
                binning.bads_min,
                binning.bin_price,
                binning.move_price,
                binning.turn_price,
                binning.prior_rows
            ),
        ),
        (
            "Choice of features",
            format!(
                "information value of at least {}, correlation of at most {}, no coefficient of the wrong sign",
                selection.iv_min, selection.correlation_max
            ),
        ),
        ("Regression", format!("logistic on weights of evidence, Newton's method, ridge {}", selection.ridge)),
        ("Program", format!("prequal {}", env!("CARGO_PKG_VERSION"))),
    ];
    out.push_str("<h2>How it was made</h2><dl class=\"facts\">");
    for (name, value) in facts {
        let _ = write!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str(
        "</dl><p class=\"soft\">The same data file and the same options give the same model, to the byte. This report does \
         not show: performance over time or on another population, fairness measures, or the effect of applicants whom \
         the data never saw because they were turned away.</p>",
    );
}
