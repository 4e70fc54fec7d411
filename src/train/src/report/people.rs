//! How groups of people fare, and the model card.

use std::fmt::Write as _;

use crate::{
    Training,
    fairness::{Fairness, GROUP_ROWS_MIN, IMPACT_MIN, PROXY_MAX},
    output::Metrics,
    report::html::{count, escape, fixed, percent, table},
    time,
};

/// One section for all protected columns; nothing where there are none.
pub fn fairness(out: &mut String, metrics: &Metrics) {
    if metrics.fairness.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<h2>How groups fare</h2><p class=\"soft\">These columns were never inputs. Measured on held-out rows, where the \
         score approves 70 % of all; metrics.json has other cut-offs. An adverse impact ratio below {IMPACT_MIN} or an \
         association above {PROXY_MAX} is marked. Groups of fewer than {GROUP_ROWS_MIN} rows are counted and not \
         measured.</p>"
    );
    for column in &metrics.fairness {
        let _ = write!(out, "<h3 class=\"apart\">{}</h3>{}", escape(&column.column), groups(column));
        if column.groups.iter().filter(|group| group.rows >= GROUP_ROWS_MIN).count() < 2 {
            out.push_str("<p class=\"soft\">There are not two groups large enough to compare.</p>");
            continue;
        }
        let rows: Vec<Vec<String>> = column
            .proxies
            .iter()
            .map(|proxy| vec![proxy.feature.clone(), marked(proxy.cramers_v, 3, proxy.cramers_v > PROXY_MAX)])
            .collect();
        let _ = write!(
            out,
            "<p class=\"soft\">Stand-ins: how well a feature's bins tell these groups apart (Cramér's V, 0 to 1).</p>{}",
            table(&["Feature", "Association"], &rows)
        );
    }
}

fn marked(value: f64, decimals: usize, mark: bool) -> String {
    format!("{}{}", fixed(value, decimals), if mark { " ⚠" } else { "" })
}

fn groups(column: &Fairness) -> String {
    let rows: Vec<Vec<String>> = column
        .groups
        .iter()
        .map(|group| {
            let mut row = vec![group.name.clone(), count(group.rows)];
            row.push(if group.rows == 0 { "–".to_owned() } else { percent(group.bads as f64 / group.rows as f64) });
            let none = || "–".to_owned();
            row.push(group.standardised_mean_difference.map_or_else(none, |difference| fixed(difference, 2)));
            match group.at.iter().find(|at| at.approved == 0.7) {
                Some(at) => row.extend([
                    percent(at.rate),
                    marked(at.impact_ratio, 2, at.impact_ratio < IMPACT_MIN),
                    format!("{} %", fixed(at.opportunity_difference * 100.0, 1)),
                ]),
                None => row.extend([none(), none(), none()]),
            }
            row
        })
        .collect();
    let headers = [
        "Group",
        "Rows",
        "Bad rate",
        "Standardised mean difference",
        "Approved",
        "Adverse impact ratio",
        "Equal opportunity difference",
    ];
    table(&headers, &rows)
}

/// What the model is, in the form of a model card (Mitchell et al. 2019).
pub fn card(out: &mut String, training: &Training, metrics: &Metrics) {
    let options = &training.options;
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let table = &training.table;
    let mut population = format!("{} rows with an outcome, {} of them bad", count(table.rows()), count(table.bads()));
    if table.immature > 0 {
        let _ = write!(population, "; {} left out as not yet matured", count(table.immature));
    }
    if table.rejects() > 0 {
        let _ = write!(population, "; {} rejected applicants without an outcome", count(table.rejects()));
    }
    let protected = match options.protected.as_slice() {
        [] => "none declared, so nothing is known of how groups fare".to_owned(),
        columns => format!("{}: never inputs", columns.join(", ")),
    };
    let validation = match &metrics.out_of_time {
        Some(later) => format!(
            "out of time from {} on: AUC {}; {} folds by row index: AUC {}",
            later.from,
            fixed(later.scorecard.auc, 3),
            training.folds.len(),
            fixed(metrics.scorecard.auc.mean, 3)
        ),
        None => format!("{} folds by row index: AUC {}", training.folds.len(), fixed(metrics.scorecard.auc.mean, 3)),
    };
    let facts = [
        ("Model", format!("points scorecard of {} features", training.scorecard.features.len())),
        ("Label", or(&training.scorecard.label, "none given")),
        ("Intended use", or(&options.purpose, "none stated: to be used for nothing until one is")),
        ("Card", options.card.map_or_else(|| "not stated".to_owned(), time::windows)),
        ("Outcome", format!("bad is {} = {}", options.target, options.bad)),
        ("Population", population),
        ("Rejected applicants", or(&metrics.reject_inference, "no inference: the model knows only who was accepted")),
        ("Protected columns", protected),
        ("Validation", validation),
        ("Data (SHA-256)", table.sha256.clone()),
        ("Seed", options.seed.to_string()),
    ];
    out.push_str("<h2>Model card</h2><dl class=\"facts\">");
    for (name, value) in facts {
        let _ = write!(out, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    out.push_str("</dl>");
}
