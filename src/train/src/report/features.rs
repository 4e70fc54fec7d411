//! Each feature: its bins, what they say, and what they are worth.

use std::fmt::Write as _;

use prequal_core::score::{Bin, Feature, FeatureKind};

use crate::{
    Training,
    binning::counts::Counts,
    fit::Selected,
    report::html::{breakable, count, details, escape, fixed, percent, table},
};

/// What a bin holds, in words: `[9, 12)`, `own, rent`.
#[must_use]
pub fn bin_name(kind: FeatureKind, bin: &Bin) -> String {
    match (kind, bin.from, bin.below) {
        (FeatureKind::Category, ..) => bin.categories.join(" | "),
        (FeatureKind::Number, None, None) => "any".to_owned(),
        (FeatureKind::Number, None, Some(below)) => format!("< {below}"),
        (FeatureKind::Number, Some(from), None) => format!(">= {from}"),
        (FeatureKind::Number, Some(from), Some(below)) => format!("[{from}, {below})"),
    }
}

/// One line of a feature's table.
pub struct Line {
    pub name: String,
    pub counts: Counts,
    pub woe: f64,
    pub information: f64,
    pub points: i32,
}

/// The lines of a feature: value bins, then missing.
#[must_use]
pub fn lines(feature: &Feature, selected: &Selected, totals: Counts) -> Vec<Line> {
    let mut lines: Vec<Line> = feature
        .bins
        .iter()
        .zip(&selected.binning.groups)
        .map(|(bin, group)| Line {
            name: bin_name(feature.kind, bin),
            counts: group.counts,
            woe: group.woe,
            information: group.counts.information(totals),
            points: bin.points,
        })
        .collect();
    let missing = selected.binning.missing;
    lines.push(Line {
        name: "missing".to_owned(),
        counts: missing,
        woe: selected.binning.missing_woe,
        information: if missing.rows() == 0 { 0.0 } else { missing.information(totals) },
        points: feature.missing.points,
    });
    lines
}

/// The overview: one line for each feature.
pub fn overview(training: &Training) -> String {
    let p = |feature: &Selected| {
        let p = crate::logistic::p_value(feature.coefficient, feature.standard_error);
        if p < 0.0001 { "< 0.0001".to_owned() } else { fixed(p, 4) }
    };
    let rows: Vec<Vec<String>> = training
        .fitted
        .features
        .iter()
        .zip(&training.scorecard.features)
        .map(|(selected, feature)| {
            let points = || feature.bins.iter().map(|bin| bin.points).chain([feature.missing.points]);
            let (low, high) = (points().min().unwrap_or(0), points().max().unwrap_or(0));
            vec![
                feature.name.clone(),
                fixed(selected.binning.fine_value, 3),
                fixed(selected.binning.information_value, 3),
                fixed(selected.coefficient, 3),
                fixed(selected.standard_error, 3),
                p(selected),
                format!("{} to {}", signed(low), signed(high)),
                trend(feature, selected).to_owned(),
            ]
        })
        .collect();
    let headers = [
        "Feature",
        "Information value",
        "of the card's bins",
        "Coefficient",
        "Standard error",
        "p-value",
        "Points",
        "Bad rate",
    ];
    table(&headers, &rows)
}

/// One section for each feature.
pub fn sections(training: &Training) -> String {
    let totals = training.fitted.totals;
    let mut out = String::new();
    for (selected, feature) in training.fitted.features.iter().zip(&training.scorecard.features) {
        section(&mut out, feature, &lines(feature, selected, totals), selected, totals);
    }
    out
}

fn section(out: &mut String, feature: &Feature, lines: &[Line], selected: &Selected, totals: Counts) {
    let largest = lines.iter().map(|line| line.woe.abs()).fold(0.25, f64::max);
    let _ = write!(
        out,
        "<section class=\"feature\"><h3>{}</h3><p class=\"soft\">Information value {} · {}</p>\
         <div class=\"bins\" role=\"table\" aria-label=\"Bins of {}\"><div class=\"bin head\" role=\"row\">\
         <span role=\"columnheader\">Bin</span><span role=\"columnheader\">Weight of evidence: worse ◂ 0 ▸ better</span>\
         <span role=\"columnheader\">Points</span></div>",
        breakable(&feature.name),
        fixed(selected.binning.information_value, 3),
        match feature.kind {
            FeatureKind::Number => format!("bad rate {}", trend(feature, selected)),
            FeatureKind::Category => "grouped by bad rate".to_owned(),
        },
        escape(&feature.name),
    );
    for line in lines {
        let _ = write!(
            out,
            "<div class=\"bin\" role=\"row\"><span role=\"rowheader\">{}</span><span role=\"cell\">{}</span>\
             <span role=\"cell\" class=\"figure\">{}</span></div>",
            breakable(&line.name),
            bar(line.woe, largest),
            signed(line.points)
        );
    }
    out.push_str("</div>");
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let rows = line.counts.rows();
            let rate = if rows == 0 { "–".to_owned() } else { percent(line.counts.rate()) };
            vec![
                line.name.clone(),
                count(rows as usize),
                percent(f64::from(rows) / f64::from(totals.rows())),
                count(line.counts.bads as usize),
                rate,
                fixed(line.woe, 3),
                fixed(line.information, 4),
                signed(line.points),
            ]
        })
        .collect();
    let headers = ["Bin", "Rows", "Share", "Bads", "Bad rate", "Weight of evidence", "Information value", "Points"];
    out.push_str(&details("Rows, bads and rates as a table", &table(&headers, &rows)));
    out.push_str("</section>");
}

/// How the bad rate runs along the values; categories have no order of their own.
fn trend(feature: &Feature, selected: &Selected) -> &'static str {
    match feature.kind {
        FeatureKind::Number => selected.binning.trend.name(),
        FeatureKind::Category => "by group",
    }
}

/// A bar to the left (worse) or right (better) of a middle line, with its number beside it.
fn bar(woe: f64, largest: f64) -> String {
    let reach = 78.0 * woe / largest;
    let (x, width, class) = if reach < 0.0 { (120.0 + reach, -reach, "bad-bar") } else { (120.0, reach, "good-bar") };
    let (at, anchor) = if reach < 0.0 { (120.0 + reach - 5.0, "end") } else { (120.0 + reach + 5.0, "start") };
    format!(
        "<svg viewBox=\"0 0 240 22\" aria-hidden=\"true\"><line class=\"axis\" x1=\"120\" x2=\"120\" y1=\"0\" y2=\"22\"/>\
         <rect class=\"{class}\" x=\"{x:.1}\" y=\"4\" width=\"{width:.1}\" height=\"14\"/>\
         <text class=\"tick\" x=\"{at:.1}\" y=\"15.5\" text-anchor=\"{anchor}\">{0}</text></svg><span class=\"hidden\">{0}</span>",
        fixed(woe, 2)
    )
}

/// Points with their sign.
fn signed(points: i32) -> String {
    match points {
        0 => "0".to_owned(),
        points if points > 0 => format!("+{points}"),
        points => format!("−{}", points.unsigned_abs()),
    }
}
