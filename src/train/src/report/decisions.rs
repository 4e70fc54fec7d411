//! What the score would decide: gains, cut-offs, and who would be swapped by another model.

use std::fmt::Write as _;

use crate::{
    Training,
    cutoff::{self, APPROVED, Confusion, Swap},
    held_out::HeldOut,
    metrics,
    report::{
        charts::figure,
        html::{count, escape, fixed, percent, table},
        svg::{Axis, Plot},
    },
};

/// Rows from the riskiest on against the bads among them.
pub fn gains(all: &HeldOut) -> String {
    let cuts = metrics::cuts(&all.bad, &all.probability);
    let Some(last) = cuts.last().copied() else { return String::new() };
    let (rows, bads) = ((last.goods + last.bads) as f64, last.bads as f64);
    let every = cuts.len().div_ceil(200).max(1);
    let point = |cut: &metrics::Cut| ((cut.goods + cut.bads) as f64 / rows, cut.bads as f64 / bads);
    let mut curve = vec![(0.0, 0.0)];
    curve.extend(cuts.iter().step_by(every).map(point));
    curve.push((1.0, 1.0));
    let mut plot = Plot::new(Axis::share("Rows, the riskiest first"), Axis::share("Bads among them"));
    plot.line("guide", [(0.0, 0.0), (1.0, 1.0)]);
    plot.line("guide", [(0.0, 0.0), (bads / rows, 1.0), (1.0, 1.0)]);
    plot.line("bold", curve.iter().copied());
    plot.label("word soft", (0.60, 0.56), (6.0, 12.0), "start", "chance");
    plot.label("word soft", (bads / rows, 0.97), (6.0, 10.0), "start", "no better is possible");
    let rate = bads / rows;
    let lines: Vec<Vec<String>> = (1..=10)
        .map(|tenth| {
            let at = f64::from(tenth) / 10.0;
            let inside = |cut: &&metrics::Cut| (cut.goods + cut.bads) as f64 <= at * rows + 1e-9;
            let found = cuts.iter().rfind(inside).map_or((0.0, 0.0), point);
            let lift = if found.0 > 0.0 { fixed(found.1 / found.0, 2) } else { "–".to_owned() };
            vec![percent(at), percent(found.0), percent(found.1), lift]
        })
        .collect();
    figure(
        "Gains",
        &format!(
            "Taking the riskiest rows first: the share of all bads among them. Lift is how many times the mean bad rate \
             ({}) that is.",
            percent(rate)
        ),
        &plot.finish("Cumulated share of bads by share of rows, riskiest first"),
        &table(&["Rows, up to", "Rows", "Bads among them", "Lift"], &lines),
    )
}

/// A pair of bars for each share of [`APPROVED`]: what the left and the right ones are, and how high.
fn pairs(title: &str, what: &str, [left, right]: [&str; 2], bars: &[(f64, f64)]) -> String {
    let tallest = bars.iter().map(|(left, right)| left.max(*right)).fold(0.01, f64::max);
    let count = bars.len() as f64;
    let approved =
        |tick: f64| APPROVED.get((tick as usize).wrapping_sub(1)).map_or_else(String::new, |at| percent(*at));
    let x = Axis::new("Approved, of all rows", 0.5, count + 0.5, 1.0, approved);
    let step = Axis::step(tallest, 4.0);
    let y = Axis::new(what, 0.0, tallest * 1.2, step, |tick| {
        format!("{} %", fixed(tick * 100.0, usize::from(step < 0.01)))
    });
    let mut plot = Plot::new(x, y);
    for (at, (left, right)) in (1_u8..).zip(bars) {
        let at = f64::from(at);
        plot.bar("good-bar", at - 0.42, at, *left);
        plot.bar("bad-bar", at, at + 0.42, *right);
    }
    plot.label("word good-word", (0.6, tallest * 1.11), (0.0, 0.0), "start", &format!("left: {left}"));
    plot.label("word bad-word", (count + 0.4, tallest * 1.11), (0.0, 0.0), "end", &format!("right: {right}"));
    format!("<div class=\"charts\"><figure>{}</figure></div>", plot.finish(title))
}

/// Goods and bads on either side of some cut-offs.
pub fn cutoffs(out: &mut String, all: &HeldOut) {
    let risk: Vec<f64> = all.points.iter().map(|points| -points).collect();
    let rate = |part: usize, whole: usize| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    let mut bars = Vec::new();
    let rows: Vec<Vec<String>> = APPROVED
        .iter()
        .map(|share| {
            let risk_max = cutoff::risk_max(&risk, *share);
            let counts = Confusion::count(&all.bad, &risk, risk_max);
            let bads = counts.bads_approved + counts.bads_declined;
            let goods = counts.goods_approved + counts.goods_declined;
            bars.push((rate(counts.goods_approved, goods), rate(counts.bads_approved, bads)));
            vec![
                format!("{} points", fixed(-risk_max, 0)),
                percent(rate(counts.approved(), counts.rows())),
                count(counts.goods_approved),
                count(counts.bads_approved),
                count(counts.goods_declined),
                count(counts.bads_declined),
                percent(rate(counts.bads_approved, counts.approved())),
                percent(rate(counts.bads_declined, bads)),
            ]
        })
        .collect();
    let headers = [
        "Approve from",
        "Approved",
        "Goods approved",
        "Bads approved",
        "Goods declined",
        "Bads declined",
        "Bad rate of the approved",
        "Bads caught",
    ];
    let _ = write!(
        out,
        "<h3 class=\"apart\">At cut-offs</h3><p class=\"soft\">What the score would have done with the held-out rows. Rows \
         of equal points are treated alike.</p>{}{}",
        pairs("Goods and bads approved at cut-offs", "Share approved", ["of the goods", "of the bads"], &bars),
        table(&headers, &rows)
    );
}

/// Who would be approved by another model and not by this one, and the reverse.
pub fn swaps(out: &mut String, training: &Training, all: &HeldOut) {
    let (name, challenger) = match &training.challenger {
        Some(challenger) => {
            let risk: Vec<f64> = all.rows.iter().map(|row| challenger.risk[*row]).collect();
            (format!("“{}”, which may have been fitted to these rows", challenger.name), risk)
        }
        None if !all.trees.is_empty() => ("the boosted trees of the same folds".to_owned(), all.trees.clone()),
        None => return,
    };
    let risk: Vec<f64> = all.points.iter().map(|points| -points).collect();
    let cell = |[rows, bads]: [usize; 2]| {
        if rows == 0 { "0".to_owned() } else { format!("{} ({} bad)", count(rows), percent(bads as f64 / rows as f64)) }
    };
    let rate = |[rows, bads]: [usize; 2]| if rows == 0 { 0.0 } else { bads as f64 / rows as f64 };
    let mut bars = Vec::new();
    let rows: Vec<Vec<String>> = APPROVED
        .iter()
        .map(|share| {
            let swap = Swap::count(&all.bad, &risk, &challenger, *share);
            bars.push((rate(swap.swapped_in), rate(swap.swapped_out)));
            vec![
                percent(*share),
                cell(swap.both),
                cell(swap.swapped_in),
                cell(swap.swapped_out),
                cell(swap.neither),
                fixed(swap.swapped_out[1] as f64 - swap.swapped_in[1] as f64, 0),
            ]
        })
        .collect();
    let headers = ["Approved by each", "Both", "Swapped in", "Swapped out", "Neither", "Bads saved by swapping"];
    let _ = write!(
        out,
        "<h3 class=\"apart\">Swap set</h3><p class=\"soft\">Against {}: AUC {}, the scorecard's {} on the same rows. Swapped \
         in are rows that only the other model approves, swapped out those that only the scorecard does.</p>{}{}",
        escape(&name),
        fixed(metrics::auc(&all.bad, &challenger), 4),
        fixed(metrics::auc(&all.bad, &all.probability), 4),
        pairs("Bad rates of the rows swapped in and out", "Bad rate", ["swapped in", "swapped out"], &bars),
        table(&headers, &rows)
    );
}
