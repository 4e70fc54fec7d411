//! The charts of the whole score, all on rows that the scoring model never saw.

use std::fmt::Write as _;

use crate::{
    Training,
    held_out::HeldOut,
    metrics,
    report::{
        html::{details, escape, fixed, percent, table},
        svg::{Axis, Plot},
    },
};

pub fn figure(title: &str, told: &str, picture: &str, numbers: &str) -> String {
    format!(
        "<figure><figcaption><h3>{}</h3><p>{told}</p></figcaption>{picture}{}</figure>",
        escape(title),
        details("The numbers as a table", numbers)
    )
}

/// Rates of the ROC curve: (false positives, true positives), thinned to what a picture shows.
fn roc_points(bad: &[bool], score: &[f64]) -> Vec<(f64, f64)> {
    let cuts = metrics::cuts(bad, score);
    let Some(last) = cuts.last().copied() else { return Vec::new() };
    let every = cuts.len().div_ceil(200).max(1);
    let rates = |cut: &metrics::Cut| (cut.goods as f64 / last.goods as f64, cut.bads as f64 / last.bads as f64);
    let mut points = vec![(0.0, 0.0)];
    points.extend(cuts.iter().step_by(every).map(rates));
    points.push((1.0, 1.0));
    points
}

pub fn roc(training: &Training, all: &HeldOut) -> String {
    let mut plot =
        Plot::new(Axis::share("Goods taken for bad (share of goods)"), Axis::share("Bads found (share of bads)"));
    plot.line("guide", [(0.0, 0.0), (1.0, 1.0)]);
    for fold in &training.folds {
        let bad: Vec<bool> = fold.held_out.iter().map(|row| training.table.bad[*row]).collect();
        plot.line("thin", roc_points(&bad, &fold.probability));
    }
    let pooled = roc_points(&all.bad, &all.probability);
    plot.line("bold", pooled.iter().copied());
    plot.label("word", (0.97, 0.10), (0.0, 0.0), "end", "thick: all held-out rows; thin: each fold");
    plot.label("word soft", (0.60, 0.56), (6.0, 12.0), "start", "chance");
    let rows: Vec<Vec<String>> = (0..=10)
        .map(|tenth| {
            let at = f64::from(tenth) / 10.0;
            let found =
                pooled.iter().filter(|(goods, _)| *goods <= at + 1e-12).map(|(_, bads)| *bads).fold(0.0, f64::max);
            vec![percent(at), percent(found)]
        })
        .collect();
    figure(
        "ROC curve",
        "Going from the riskiest score down: how many bads are found, and how many goods are taken for bad on the way.",
        &plot.finish("ROC curve of the held-out rows"),
        &table(&["Goods taken for bad, up to", "Bads found"], &rows),
    )
}

pub fn ks(all: &HeldOut) -> String {
    // From the lowest points up, so that the axis reads like the score.
    let risk: Vec<f64> = all.points.iter().map(|points| -points).collect();
    let cuts = metrics::cuts(&all.bad, &risk);
    let Some(last) = cuts.last().copied() else { return String::new() };
    let shares: Vec<(f64, f64, f64)> = cuts
        .iter()
        .map(|cut| (-cut.score, cut.bads as f64 / last.bads as f64, cut.goods as f64 / last.goods as f64))
        .collect();
    let widest =
        shares.iter().copied().fold(
            (0.0, 0.0, 0.0),
            |best: (f64, f64, f64), next| {
                if next.1 - next.2 > best.1 - best.2 { next } else { best }
            },
        );
    let mut plot = Plot::new(points_axis(&all.points), Axis::share("Rows with so many points or fewer"));
    plot.line("bad", shares.iter().map(|(points, bads, _)| (*points, *bads)));
    plot.line("good", shares.iter().map(|(points, _, goods)| (*points, *goods)));
    plot.line("gap", [(widest.0, widest.1), (widest.0, widest.2)]);
    let gap = format!("widest gap {} at {} points", fixed(widest.1 - widest.2, 3), fixed(widest.0, 0));
    plot.label("word", (range(&all.points).1, 0.0), (0.0, -10.0), "end", &gap);
    plot.label("word bad-word", (widest.0, widest.1), (-8.0, -6.0), "end", "bads");
    plot.label("word good-word", (widest.0, widest.2), (10.0, 16.0), "start", "goods");
    let every = shares.len().div_ceil(20).max(1);
    let rows: Vec<Vec<String>> = shares
        .iter()
        .step_by(every)
        .map(|(points, bads, goods)| vec![fixed(*points, 0), percent(*bads), percent(*goods), fixed(bads - goods, 3)])
        .collect();
    figure(
        "Kolmogorov–Smirnov",
        "Share of bads and of goods at or below each score, all folds together. Where the gap is widest the score parts them \
         best.",
        &plot.finish("Cumulated shares of goods and bads by points"),
        &table(&["Points, up to", "Bads", "Goods", "Gap"], &rows),
    )
}

fn points_axis(points: &[f64]) -> Axis {
    let (min, max) = range(points);
    let step = Axis::step(max - min, 6.0).max(1.0);
    Axis::new("Points (more is safer)", min, max.max(min + 1.0), step, |tick| fixed(tick, 0))
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(*value), max.max(*value)))
}

pub fn distribution(all: &HeldOut) -> String {
    let (min, max) = range(&all.points);
    let width = Axis::step(max - min, 20.0).max(1.0);
    let first = (min / width).floor();
    let bins = ((max / width).floor() - first) as usize + 1;
    let mut counts: Vec<(f64, f64)> = vec![(0.0, 0.0); bins];
    let (mut bads, mut goods) = (0.0_f64, 0.0_f64);
    for (bad, points) in all.bad.iter().zip(&all.points) {
        let bin = &mut counts[((points / width).floor() - first) as usize];
        if *bad {
            bin.0 += 1.0;
            bads += 1.0;
        } else {
            bin.1 += 1.0;
            goods += 1.0;
        }
    }
    let tallest = counts.iter().map(|(b, g)| (b / bads).max(g / goods)).fold(0.0, f64::max);
    let x_step = width * (bins as f64 / 6.0).ceil();
    let axis_end = (first + bins as f64) * width;
    let x = Axis::new("Points (more is safer)", first * width, axis_end, x_step, |tick| fixed(tick, 0));
    let y_step = Axis::step(tallest, 4.0);
    let y = Axis::new("Share of the bads, of the goods", 0.0, tallest * 1.12, y_step, |tick| {
        format!("{} %", fixed(tick * 100.0, if y_step < 0.01 { 1 } else { 0 }))
    });
    let mut plot = Plot::new(x, y);
    for (index, (b, g)) in counts.iter().enumerate() {
        let from = (first + index as f64) * width;
        plot.bar("bad-bar", from + width * 0.06, from + width * 0.5, b / bads);
        plot.bar("good-bar", from + width * 0.5, from + width * 0.94, g / goods);
    }
    let top = |side: fn(&(f64, f64)) -> f64| {
        let best =
            (0..bins).fold(0, |best, index| if side(&counts[index]) > side(&counts[best]) { index } else { best });
        ((first + best as f64 + 0.5) * width, side(&counts[best]))
    };
    let (bad_top, good_top) = (top(|c| c.0), top(|c| c.1));
    plot.label("word bad-word", (bad_top.0, bad_top.1 / bads), (-4.0, -6.0), "end", "bads");
    plot.label("word good-word", (good_top.0, good_top.1 / goods), (10.0, -6.0), "start", "goods");
    let rows: Vec<Vec<String>> = counts
        .iter()
        .enumerate()
        .map(|(index, (b, g))| {
            let from = (first + index as f64) * width;
            let rate = if b + g > 0.0 { percent(b / (b + g)) } else { "–".to_owned() };
            vec![format!("{} to {}", fixed(from, 0), fixed(from + width - 1.0, 0)), fixed(*b, 0), fixed(*g, 0), rate]
        })
        .collect();
    figure(
        "Score by outcome",
        "How goods and bads spread over the points. The less they overlap, the more the score knows.",
        &plot.finish("Distribution of points among goods and among bads"),
        &table(&["Points", "Bads", "Goods", "Bad rate"], &rows),
    )
}

/// Ten groups of equal size by predicted probability: predicted mean, observed rate, rows.
fn deciles(all: &HeldOut) -> Vec<(f64, f64, usize)> {
    let mut rows: Vec<(f64, bool)> = all.probability.iter().copied().zip(all.bad.iter().copied()).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    (0..10)
        .filter_map(|decile| {
            let group = &rows[rows.len() * decile / 10..rows.len() * (decile + 1) / 10];
            let size = group.len() as f64;
            let predicted = group.iter().map(|row| row.0).sum::<f64>() / size;
            let observed = group.iter().filter(|row| row.1).count() as f64 / size;
            (!group.is_empty()).then_some((predicted, observed, group.len()))
        })
        .collect()
}

pub fn calibration(all: &HeldOut, check: Option<&metrics::CalibrationCheck>) -> String {
    let groups = deciles(all);
    let largest = groups.iter().map(|(p, o, _)| p.max(*o)).fold(0.1, f64::max);
    let end = ((largest + 0.04) * 10.0).ceil() / 10.0;
    let axis = |name: &str| {
        Axis::new(name, 0.0, end, if end > 0.5 { 0.2 } else { 0.1 }, |tick| format!("{} %", fixed(tick * 100.0, 0)))
    };
    let mut plot = Plot::new(axis("Predicted probability of bad"), axis("Observed bad rate"));
    plot.line("guide", [(0.0, 0.0), (end, end)]);
    for (predicted, observed, rows) in &groups {
        let (low, high) = wilson(*observed, *rows as f64);
        plot.line("whisker", [(*predicted, low.max(0.0)), (*predicted, high.min(end))]);
        plot.dot("point", *predicted, *observed);
    }
    plot.label("word soft", (end * 0.72, end * 0.72), (10.0, 14.0), "start", "as predicted");
    let mut numbers = Vec::new();
    for (predicted, observed, rows) in &groups {
        let (low, high) = wilson(*observed, *rows as f64);
        numbers.push(vec![
            percent(*predicted),
            percent(*observed),
            format!("{} to {}", percent(low), percent(high)),
            rows.to_string(),
        ]);
    }
    let mut told = String::new();
    let _ = write!(
        told,
        "Ten groups of equal size by predicted probability, each with what really happened and its 95 % interval. \
         Expected calibration error over ten equal widths: {}.",
        fixed(metrics::calibration_error(&all.bad, &all.probability), 3)
    );
    if let Some(check) = check {
        let _ = write!(
            told,
            " Intercept {} (0 where right), slope {} (1 where right, less where too extreme); Hosmer–Lemeshow p {}.",
            fixed(check.intercept, 3),
            fixed(check.slope, 3),
            if check.p < 0.0001 { "&lt; 0.0001".to_owned() } else { fixed(check.p, 4) }
        );
    }
    figure(
        "Calibration",
        &told,
        &plot.finish("Predicted probability of bad against the observed bad rate"),
        &table(&["Predicted", "Observed", "95 % interval", "Rows"], &numbers),
    )
}

/// Wilson's 95 % interval for a share (Wilson 1927).
fn wilson(share: f64, rows: f64) -> (f64, f64) {
    let z2 = 1.959_964_f64 * 1.959_964;
    let middle = (share + z2 / (2.0 * rows)) / (1.0 + z2 / rows);
    let half = (share * (1.0 - share) / rows + z2 / (4.0 * rows * rows)).sqrt() * 1.959_964 / (1.0 + z2 / rows);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// Rows of one bin in two samples.
pub struct Share {
    /// What a person calls the bin.
    pub name: String,
    /// Share of the rows of the first sample.
    pub reference: f64,
    /// Share of the rows of the second.
    pub current: f64,
    /// Its part of the stability index.
    pub part: f64,
}

/// Two samples side by side over bins; `names` says what each is.
pub fn shares(title: &str, told: &str, names: [&str; 2], bins: &[Share]) -> String {
    let tallest = bins.iter().map(|bin| bin.reference.max(bin.current)).fold(0.01, f64::max);
    let count = bins.len() as f64;
    let x = Axis::new("Bin, from the lowest", 0.5, count + 0.5, (count / 10.0).ceil(), |tick| fixed(tick, 0));
    let step = Axis::step(tallest, 4.0);
    let y = Axis::new("Share of the rows", 0.0, tallest * 1.15, step, |tick| {
        format!("{} %", fixed(tick * 100.0, if step < 0.01 { 1 } else { 0 }))
    });
    let mut plot = Plot::new(x, y);
    for (at, bin) in bins.iter().enumerate() {
        let at = at as f64 + 1.0;
        plot.bar("good-bar", at - 0.42, at, bin.reference);
        plot.bar("bad-bar", at, at + 0.42, bin.current);
    }
    let [left, right] = names;
    plot.label("word good-word", (0.6, tallest * 1.08), (0.0, 0.0), "start", &format!("left: {left}"));
    plot.label("word bad-word", (count + 0.4, tallest * 1.08), (0.0, 0.0), "end", &format!("right: {right}"));
    let rows: Vec<Vec<String>> = bins
        .iter()
        .map(|bin| vec![bin.name.clone(), percent(bin.reference), percent(bin.current), fixed(bin.part, 4)])
        .collect();
    let headers = ["Bin".to_owned(), capital(left), capital(right), "Part of the index".to_owned()];
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    figure(title, &escape(told), &plot.finish(title), &table(&headers, &rows))
}

/// With a capital first letter.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
