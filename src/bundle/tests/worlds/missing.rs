//! Missing is not one thing: the four kinds keep apart through a whole decision, and fall back to plain missing where a
//! model knows only that.

use prequal_core::{
    decide::decide,
    evidence::{Assurance, Item},
    money::Amount,
    score::MissingKind,
    wire::{Input, Scalar},
};
use serde_json::json;

use crate::small::{Dice, MONOTONE, World, input, policy, tree_world, world};

/// Income gives 20 points where it is known, −5 where it is missing, and three kinds have bins of their own; `invalid` has
/// none. Each other feature gives nothing. 600 points to begin with.
fn card() -> World {
    world(&card_text(), "", MONOTONE, &[], &[], &[])
}

fn card_text() -> String {
    let bin = |points: i32| json!({"woe": "0", "points": points});
    let flat = |name: &str, bins: serde_json::Value| {
        let kind = if name == "debts" { "number" } else { "category" };
        let mut feature = json!({"name": name, "kind": kind, "reason": "x", "bins": bins, "missing": bin(0)});
        if kind == "category" {
            feature["unseen"] = json!("missing");
        }
        feature
    };
    json!({"format": "prequal-scorecard/1", "label": "", "purpose": "",
        "target": {"column": "y", "bad": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "1"}, "base_points": 600,
        "features": [
            {"name": "income", "kind": "number", "reason": "x", "bins": [bin(20)], "missing": bin(-5),
             "missing_kinds": {"not_asked": bin(-1), "timed_out": bin(-7), "no_record": bin(-30)}},
            flat("debts", json!([bin(0)])),
            flat("home", json!([{"categories": ["own", "rent", "other"], "woe": "0", "points": 0}])),
            flat("salaried", json!([{"categories": ["no", "yes"], "woe": "0", "points": 0}]))],
        "data": {"sha256": "0".repeat(64), "rows": 2, "bads": 1}, "seed": 0})
    .to_string()
}

/// Three more reasons in the catalogue.
const REASONS: (&str, &str, &str) = (
    "reasons.toml",
    "[[reason]]\ncode = \"R30\"",
    "[[reason]]\ncode = \"R40\"\ntext = { zh = \"-\", en = \"Your income is not known.\" }\n\n\
     [[reason]]\ncode = \"R41\"\ntext = { zh = \"-\", en = \"No register knows an income of yours.\" }\n\n\
     [[reason]]\ncode = \"R42\"\ntext = { zh = \"-\", en = \"Your income could not be looked up in time.\" }\n\n\
     [[reason]]\ncode = \"R30\"",
);

/// Income with reasons of its own for some of the ways in which it is missing.
fn with_reasons(of_income: &str) -> (&str, &str, String) {
    let income = "change = { step = 3, safe = true }";
    ("features.toml", income, format!("{income}\nmissing_reasons = {{ {of_income} }}"))
}

#[test]
fn a_missing_value_is_told_by_why_it_is_missing_where_its_bin_has_a_reason_of_its_own() {
    let own = with_reasons("missing = \"R40\", timed_out = \"R42\", no_record = \"R41\"");
    let world = world(&card_text(), "", MONOTONE, &[REASONS, (own.0, own.1, &own.2)], &[], &[]);
    let row = without_debts(&mut Dice(21));
    for (kind, input) in ways(&row, "income") {
        let decision = decide(&world.bundle, &input).unwrap();
        let told: Vec<&str> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
        // R10 is the outcome table's, and the feature's own where a bin has none: then it is told once.
        let expected: &[&str] = match kind {
            MissingKind::NotAsked => &["R10"],
            MissingKind::TimedOut => &["R10", "R42"],
            MissingKind::NoRecord => &["R10", "R41"],
            // Without a bin of its own it is plain missing, and so is its reason.
            MissingKind::Invalid => &["R10", "R40"],
        };
        assert_eq!(told, expected, "{kind:?}");
    }
}

#[test]
fn a_reason_that_no_bin_can_give_or_no_catalogue_has_is_refused_by_name() {
    for (own, wrong) in [
        (
            "invalid = \"R40\"",
            "`missing_reasons.invalid` of feature `income`: the model has no bin of its own for that",
        ),
        ("no_record = \"R99\"", "R99"),
        ("unknown = \"R40\"", "unknown"),
    ] {
        let own = with_reasons(own);
        let folder = policy(&card_text(), "", MONOTONE, &[REASONS, (own.0, own.1, &own.2)]);
        let problems = prequal_bundle::sources::build(folder.path(), None).unwrap_err().to_string();
        assert!(problems.contains(wrong), "{problems}");
    }
}

/// Somebody who asks for 3,000.00 and has no debts, so that the score alone decides.
fn without_debts(dice: &mut Dice) -> Input {
    let mut row = input(dice);
    row.application.order.amount = Amount::new(300_000).unwrap();
    row.evidence.0.insert(
        "debts".to_owned(),
        Item::Present { value: Scalar::Integer(0), assurance: Assurance::Own, source: None },
    );
    row
}

/// One feature missing in each of the ways in which it can be.
fn ways(row: &Input, key: &str) -> Vec<(MissingKind, Input)> {
    let with = |item: Item| {
        let mut input = row.clone();
        input.evidence.0.insert(key.to_owned(), item);
        input
    };
    let kept = row.evidence.iter().filter(|(name, _)| *name != key);
    let absent = Input { evidence: kept.map(|(key, item)| (key.to_owned(), item.clone())).collect(), ..row.clone() };
    let mut ways = vec![(MissingKind::NotAsked, absent)];
    ways.extend(MissingKind::ALL.map(|missing| (missing, with(Item::Missing { missing, source: None }))));
    // Out of the schema's range, and of another type than the schema's: no value of this feature.
    for value in [Scalar::Integer(-1), Scalar::Text("much".to_owned())] {
        let item = Item::Present { value, assurance: Assurance::Own, source: None };
        ways.push((MissingKind::Invalid, with(item)));
    }
    ways
}

fn line(trace: &[String], start: &str) -> String {
    trace.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {trace:?}")).clone()
}

#[test]
fn each_kind_has_its_own_bin_in_a_scorecard_and_plain_missing_where_it_has_none() {
    let world = card();
    let row = without_debts(&mut Dice(21));
    for (kind, input) in ways(&row, "income") {
        let decision = decide(&world.bundle, &input).unwrap();
        let points = match kind {
            MissingKind::NotAsked => 599,
            MissingKind::TimedOut => 593,
            MissingKind::NoRecord => 570,
            MissingKind::Invalid => 595,
        };
        let score = line(&decision.trace, "score ");
        assert!(score.starts_with(&format!("score model=m points={points} ")), "{kind:?}: {score}");
        let counted = line(&decision.trace, "features ");
        assert!(counted.contains(&format!(" {}=1 ", kind.name())), "{kind:?}: {counted}");
        let known = if kind == MissingKind::NoRecord { "declined" } else { "referred" };
        assert_eq!(decision.outcome.name(), known, "{kind:?}: below 580 points is a decline, below 600 a referral");
    }
}

#[test]
fn trees_know_one_missing_and_take_every_kind_for_it() {
    let (mut dice, mut rows) = (Dice(22), Dice(23));
    let mut told_apart = 0;
    for _ in 0..4 {
        let world = tree_world(&mut dice, MONOTONE);
        let row = without_debts(&mut rows);
        let with = line(&decide(&world.bundle, &row).unwrap().trace, "score ");
        for key in ["income", "home", "salaried"] {
            let mut scores: Vec<String> = ways(&row, key)
                .iter()
                .map(|(_, input)| line(&decide(&world.bundle, input).unwrap().trace, "score "))
                .collect();
            told_apart += usize::from(scores[0] != with);
            scores.dedup();
            assert_eq!(scores.len(), 1, "{key}: {scores:?}");
        }
    }
    assert!(told_apart > 3, "{told_apart}");
}
