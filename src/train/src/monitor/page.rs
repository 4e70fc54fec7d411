//! `monitor.html`: one self-contained page.

use std::fmt::Write as _;

use super::{BinShare, Finding, Level, Monitoring, Performance};
use crate::report::{
    charts::{self, Share},
    html::{count, details, escape, fixed, percent, table},
    svg::{Axis, Plot},
};

/// The page.
pub fn page(found: &Monitoring) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Model monitoring</title>\
         <style>{}</style></head><body><main><h1>Model monitoring</h1>",
        include_str!("../report/style.css")
    );
    if !found.label.is_empty() {
        let _ = write!(out, "<p class=\"label\">{}</p>", escape(&found.label));
    }
    let _ = write!(
        out,
        "<p>{} current rows against {} reference rows, by {} of {} features.</p>",
        count(found.current.rows),
        count(found.reference.rows),
        if found.kind == "trees" { "boosted trees" } else { "a scorecard" },
        found.characteristics.len()
    );
    findings(&mut out, &found.findings);
    let _ = write!(
        out,
        "<dl class=\"figures\"><div><dt>Stability index of the score</dt><dd>{}</dd></div>\
         <div><dt>Mean score</dt><dd>{}<small>reference {}</small></dd></div>\
         <div><dt>Shift of the mean</dt><dd>{}<small>standard deviations</small></dd></div></dl>",
        fixed(found.score.psi, 3),
        fixed(found.score.current_mean, 1),
        fixed(found.score.reference_mean, 1),
        fixed(found.score.shift, 2)
    );
    let _ = write!(
        out,
        "<h2>The score</h2><div class=\"charts\">{}{}</div>",
        shares("Score by deciles of the reference", found.score.unit, &found.score.bins),
        over_time(found)
    );
    performance(&mut out, found);
    features(&mut out, found);
    made(&mut out, found);
    out.push_str("</main></body></html>\n");
    out
}

fn findings(out: &mut String, findings: &[Finding]) {
    if findings.is_empty() {
        out.push_str("<p>Nothing is past a limit.</p>");
        return;
    }
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let level = if finding.level == Level::Alert { "Alert" } else { "Warning" };
            vec![
                format!("{level}: {} of {}", measure(finding.measure), finding.of),
                fixed(finding.value, 3),
                fixed(finding.limit, 3),
            ]
        })
        .collect();
    let alerts = findings.iter().filter(|finding| finding.level == Level::Alert).count();
    let _ = write!(
        out,
        "<p class=\"warning\">{alerts} past the limit for an alert, {} for a warning.</p>{}<p class=\"soft\">A stability index \
         counts only where chance would give so much in fewer than one of a hundred samples of its size.</p>",
        findings.len() - alerts,
        table(&["Finding", "Value", "Limit"], &rows)
    );
}

fn measure(name: &str) -> &'static str {
    match name {
        "psi" => "stability index",
        "csi" => "characteristic stability index",
        "shift" => "shift of the mean",
        "auc_loss" => "AUC lost",
        _ => "observed against predicted bad rate",
    }
}

fn figure(title: &str, told: &str, picture: &str, numbers: &str) -> String {
    let numbers = details("The numbers as a table", numbers);
    format!(
        "<figure><figcaption><h3>{}</h3><p>{}</p></figcaption>{picture}{numbers}</figure>",
        escape(title),
        escape(told)
    )
}

fn shares(title: &str, told: &str, bins: &[BinShare]) -> String {
    let bins: Vec<Share> = bins
        .iter()
        .map(|bin| Share { name: bin.name.clone(), reference: bin.reference, current: bin.current, part: bin.part })
        .collect();
    charts::shares(title, told, ["reference", "current"], &bins)
}

fn over_time(found: &Monitoring) -> String {
    if found.options.time_column.is_none() {
        return String::new();
    }
    let last = found.periods.len().saturating_sub(1).max(1) as f64;
    let every = (found.periods.len() as f64 / 5.0).ceil().max(1.0);
    let name = |tick: f64| found.periods.get(tick as usize).map_or_else(String::new, |period| period.period.clone());
    let [warning, alert] = found.options.limits.psi;
    let largest = found.periods.iter().map(|period| period.psi).fold(alert * 1.1, f64::max);
    let step = Axis::step(largest, 5.0);
    let y = Axis::new("Stability index", 0.0, largest * 1.1, step, |tick| fixed(tick, if step < 0.1 { 2 } else { 1 }));
    let mut plot = Plot::new(Axis::new("Period", 0.0, last, every, name), y);
    for (limit, word) in [(warning, "warning"), (alert, "alert")] {
        plot.line("guide", [(0.0, limit), (last, limit)]);
        plot.label("word soft", (last, limit), (0.0, -5.0), "end", word);
    }
    plot.line("bold", found.periods.iter().enumerate().map(|(at, period)| (at as f64, period.psi)));
    found.periods.iter().enumerate().for_each(|(at, period)| plot.dot("point", at as f64, period.psi));
    let rows: Vec<Vec<String>> = found
        .periods
        .iter()
        .map(|period| vec![period.period.clone(), count(period.rows), fixed(period.psi, 3), fixed(period.mean, 1)])
        .collect();
    figure(
        "Stability of the score over time",
        "Each period against the whole reference.",
        &plot.finish("Population stability index by period"),
        &table(&["Period", "Rows", "Stability index", "Mean score"], &rows),
    )
}

fn performance(out: &mut String, found: &Monitoring) {
    let mut rows = Vec::new();
    let mut row = |name: &str, performance: &Option<Performance>| {
        let Some(p) = performance else { return };
        let measured = |of: fn(&crate::validate::Measures) -> f64| {
            p.measures.as_ref().map_or_else(|| "–".to_owned(), |measures| fixed(of(measures), 3))
        };
        rows.push(vec![
            name.to_owned(),
            count(p.rows),
            count(p.bads),
            percent(p.bad_rate),
            percent(p.predicted_rate),
            measured(|m| m.auc),
            measured(|m| m.ks),
            measured(|m| m.brier),
        ]);
    };
    row("Reference", &found.reference_performance);
    row("Current", &found.current_performance);
    if found.options.time_column.is_some() {
        found.periods.iter().for_each(|period| row(&period.period, &period.performance));
    }
    let headers = ["", "Matured rows", "Bads", "Bad rate", "Predicted", "AUC", "KS", "Brier score"];
    let told = if rows.is_empty() {
        "<p class=\"soft\">No outcome column was given, or no row had matured.</p>".to_owned()
    } else {
        table(&headers, &rows)
    };
    let _ = write!(out, "<h2>How matured rows did</h2>{told}");
}

fn features(out: &mut String, found: &Monitoring) {
    let rows: Vec<Vec<String>> = found
        .characteristics
        .iter()
        .map(|feature| {
            vec![
                feature.feature.clone(),
                fixed(feature.csi, 3),
                percent(feature.reference_missing),
                percent(feature.current_missing),
                feature.points_shift.map_or_else(|| "–".to_owned(), |shift| fixed(shift, 1)),
            ]
        })
        .collect();
    let headers = ["Feature", "Stability index", "Missing in the reference", "Missing now", "Shift of points"];
    let _ = write!(out, "<h2>The features</h2>{}<div class=\"features\">", table(&headers, &rows));
    for feature in &found.characteristics {
        let told = format!("Characteristic stability index {}", fixed(feature.csi, 3));
        out.push_str(&shares(&feature.feature, &told, &feature.bins));
    }
    out.push_str("</div>");
    if found.options.time_column.is_some() {
        let mut headers = vec!["Feature"];
        headers.extend(found.periods.iter().map(|period| period.period.as_str()));
        let row = |feature: &super::Characteristic| {
            let indices = feature.by_period.iter().map(|index| fixed(*index, 3));
            std::iter::once(feature.feature.clone()).chain(indices).collect()
        };
        let rows: Vec<Vec<String>> = found.characteristics.iter().map(row).collect();
        out.push_str(&details("Stability index of each feature by period", &table(&headers, &rows)));
    }
}

fn made(out: &mut String, found: &Monitoring) {
    let limits = found.options.limits;
    let pair = |[warning, alert]: [f64; 2]| format!("{warning} and {alert}");
    let facts = [
        ("Model (SHA-256)", found.model_sha256.clone()),
        ("Reference (SHA-256)", found.reference.sha256.clone()),
        ("Current (SHA-256)", found.current.sha256.clone()),
        ("Limits: stability index", pair(limits.psi)),
        ("Limits: stability index of a feature", pair(limits.csi)),
        ("Limits: shift of the mean", pair(limits.shift)),
        ("Limits: AUC lost", pair(limits.auc_loss)),
        ("Limits: observed against predicted", pair(limits.rate_ratio)),
        ("Program", format!("prequal {}", env!("CARGO_PKG_VERSION"))),
    ];
    out.push_str("<h2>How it was made</h2><dl class=\"facts\">");
    for (name, value) in facts {
        let _ = write!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str("</dl><p class=\"soft\">The same files and limits give the same page, to the byte.</p>");
}
