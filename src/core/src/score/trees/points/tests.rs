//! Points by trees: the scale by hand, weak and missing values, and parts that sum to the whole.

use std::{format, string::String, vec, vec::Vec};

use super::*;
use crate::score::{
    FeatureKind, MissingKind, PointsModel, Scorecard,
    trees::{Calibration, Float, LinkKind, leaf_hex},
    value::Real,
};

/// A doubling of the odds of bad.
const DOUBLING: f64 = std::f64::consts::LN_2;

fn real(value: f64) -> Real {
    Real::new(value).unwrap()
}

fn leaves(values: &[f64]) -> String {
    let mut text = String::new();
    values.iter().for_each(|value| leaf_hex(&mut text, Float::F64(*value)));
    text
}

/// One stump a feature, in doublings of the odds of bad: `debt` from 100 on adds 3, a `home` that is rented 1 and one that
/// nobody knows 2, `guarantor` takes 2 away. Missing debt counts as much; a missing guarantor is none.
fn model() -> TreeModel {
    let stump = |column: u32, left: bool, values: [f64; 2]| {
        serde_json::json!({"shape": "100", "columns": [column], "tests": [0], "missing_left": if left { "1" } else { "0" },
            "leaves": leaves(&values.map(|value| value * DOUBLING)), "leaf_ids": [0, 1]})
    };
    let cut = |feature: u32, cut: &str| serde_json::json!({"feature": feature, "missing": "own", "cuts": [cut]});
    let homes = |sets: &[&str]| serde_json::json!({"feature": 1, "missing": "own", "categories": {"codes": [0, 1], "sets": sets}});
    serde_json::from_value(serde_json::json!({
        "format": "prequal-trees/1", "label": "",
        "source": {"library": "hand", "version": "1", "objective": "", "sha256": ""},
        "inputs": "f64", "sums": "f64", "base": leaves(&[0.0]), "link": {"kind": "logistic", "slope": "1"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "1"},
        "features": [{"name": "debt", "reason": "R1"}, {"name": "home", "categories": ["own", "rent"], "unseen": "other"},
            {"name": "guarantor", "reason": "R1"}, {"name": "unused"}],
        "baseline": ["0", "0", "0", null],
        "columns": [cut(0, "100"), homes(&["010", "001"]), cut(2, "0.5")],
        "trees": [
            stump(0, false, [0.0, 3.0]),
            stump(1, false, [1.0, 0.0]),
            {"shape": "100", "columns": [1], "tests": [1], "missing_left": "1", "leaves": leaves(&[2.0 * DOUBLING, 0.0]),
                "leaf_ids": [0, 1]},
            stump(2, true, [0.0, -2.0])],
    }))
    .unwrap()
}

const OWN: Value<'_> = Value::Category("own");
const YES: Value<'_> = Value::Category("yes");
const NO: Value<'_> = Value::Category("no");

/// Owns, has no debt and no guarantor: the baseline itself.
const PLAIN: [Value<'_>; 4] = [Value::Number(0.0), OWN, NO, Value::Empty];

fn with(at: usize, value: Value<'static>) -> [Value<'static>; 4] {
    let mut row = PLAIN;
    row[at] = value;
    row
}

fn points(model: &TreeModel, row: &[Value<'_>]) -> i32 {
    model.points().unwrap().score(row, &[]).unwrap().points
}

#[test]
fn a_doubling_of_the_odds_of_bad_costs_the_points_that_double_odds() {
    let model = model();
    assert_eq!(points(&model, &PLAIN), 600);
    assert_eq!(points(&model, &with(0, Value::Number(99.0))), 600);
    assert_eq!(points(&model, &with(0, Value::Number(100.0))), 540);
    assert_eq!(points(&model, &with(1, Value::Category("rent"))), 580);
    assert_eq!(points(&model, &with(2, YES)), 640);
    assert_eq!(model.points().unwrap().baseline_points(), 600);
}

#[test]
fn the_scale_takes_base_odds_slope_calibration_and_mean_into_account() {
    let mut model = model();
    let debtor = with(0, Value::Number(100.0));
    model.scaling.as_mut().unwrap().base_odds = real(4.0);
    assert_eq!(points(&model, &debtor), 500, "four to one are 600 points, so even odds are 560");
    model.scaling.as_mut().unwrap().base_odds = real(1.0);
    model.link.slope = Some("0.5".to_owned());
    assert_eq!(points(&model, &debtor), 570, "half of three doublings");
    model.link.slope = Some("1".to_owned());
    model.calibration = Some(Calibration { intercept: real(DOUBLING), slope: real(1.0) });
    assert_eq!(points(&model, &debtor), 520, "one doubling more for everybody");
    model.calibration = Some(Calibration { intercept: real(0.0), slope: real(-1.0) });
    assert_eq!(points(&model, &debtor), 660, "fitted to the good: the leaves are log-odds of good");
    model.calibration = None;
    model.average = true;
    assert_eq!(points(&model, &debtor), 585, "the mean of four trees");
    model.average = false;
    model.scale_and_bias = Some([leaves(&[2.0]), leaves(&[DOUBLING])]);
    assert_eq!(points(&model, &debtor), 460, "twice three doublings and one");
}

/// Halves go away from zero, as the scorecard's do, and there is one rounding.
#[test]
fn points_are_rounded_once() {
    let mut model = model();
    for (doublings, expected) in [(0.024, 600), (0.026, 599), (0.074, 599), (0.076, 598), (-0.026, 601)] {
        model.base = leaves(&[doublings * DOUBLING]);
        assert_eq!(points(&model, &PLAIN), expected, "{doublings} of 20 points");
    }
}

#[test]
fn trees_that_give_no_points_say_why() {
    let refused = |change: &dyn Fn(&mut TreeModel)| {
        let mut model = model();
        change(&mut model);
        model.points().unwrap_err().to_string()
    };
    assert!(refused(&|model| model.scaling = None).contains("it has no `scaling`"));
    let no_link = |model: &mut TreeModel| {
        model.link.kind = LinkKind::None;
        model.link.slope = None;
    };
    assert!(refused(&no_link).contains("it has no log-odds"));
    assert!(refused(&|model| model.baseline = None).contains("`baseline`"));
    let flat = |model: &mut TreeModel| model.calibration = Some(Calibration { intercept: real(0.0), slope: real(0.0) });
    assert!(refused(&flat).contains("`slope` of its `calibration` is zero"));
    let nothing = |model: &mut TreeModel| model.scaling.as_mut().unwrap().points_to_double_odds = real(0.0);
    assert!(refused(&nothing).contains("`scaling`"));
    // 3 + 1 + 2 + 2 doublings are the farthest, of 125,000 points each, at 0 points for even odds.
    let scaled = |points: f64| {
        let mut model = model();
        let scaling = model.scaling.as_mut().unwrap();
        (scaling.points_to_double_odds, scaling.base_score) = (real(points), 0);
        model.points()
    };
    assert!(scaled(100_000.0).is_ok());
    let mut far = model();
    far.scaling.as_mut().unwrap().base_score = POINTS_ABS_MAX;
    assert!(far.points().unwrap_err().to_string().contains("more than 1000000 points"));
    let endless = |model: &mut TreeModel| {
        model.calibration = Some(Calibration { intercept: real(0.0), slope: real(1e37) });
    };
    assert!(refused(&endless).contains("more than 1000000 points"));
}

/// Trees know one kind of missing; whichever the evidence says, it is that one.
#[test]
fn every_kind_of_missing_and_what_is_no_value_are_missing() {
    let model = model();
    let missing = points(&model, &with(0, Value::Empty));
    assert_eq!(missing, 540);
    for kind in MissingKind::ALL {
        assert_eq!(points(&model, &with(0, Value::Missing(kind))), missing, "{kind:?}");
    }
    for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(points(&model, &with(0, Value::Number(odd))), missing, "{odd}");
    }
    assert_eq!(points(&model, &with(0, Value::Category("much"))), missing, "a name where a number is due");
    assert_eq!(points(&model, &with(0, YES)), 600, "but yes is 1 to a feature without names");
    let unknown = points(&model, &with(1, Value::Empty));
    assert_eq!(unknown, 560, "a home that nobody knows");
    assert_eq!(points(&model, &with(1, Value::Number(0.0))), unknown, "a number where a name is due is no code");
    assert_eq!(points(&model, &with(1, Value::Category("boat"))), 560, "listed by no set but the one of the rest");
}

#[test]
fn a_row_of_another_length_is_refused() {
    let trees = model().points().unwrap();
    for row in [&PLAIN[..3], &[], &[OWN; 5]] {
        assert_eq!(trees.score(row, &[]).unwrap_err(), TreeError::RowLength { got: row.len(), expected: 4 });
        let numbers = vec![0.0; row.len()];
        assert!(trees.points_of_row(&numbers, &mut trees.scratch()).is_err());
        // A guard that is too short would leave the last values unguarded.
        if !row.is_empty() {
            let guard = vec![true; row.len()];
            assert_eq!(trees.score(&PLAIN, &guard).unwrap_err(), TreeError::RowLength { got: row.len(), expected: 4 });
        }
    }
}

/// What only the applicant says may cost points and never earns more than silence.
#[test]
fn a_weak_value_never_raises_the_points_above_silence() {
    let trees = model().points().unwrap();
    let score = |row: &[Value<'_>], weak: [bool; 4]| {
        let scored = trees.score(row, &weak).unwrap();
        (scored.points, scored.lowered)
    };
    let guarantor = [false, false, true, false];
    assert_eq!(score(&with(2, YES), [false; 4]), (640, 0), "somebody vouches for the guarantor");
    assert_eq!(score(&with(2, YES), guarantor), (600, 1), "nobody does: as if not asked");
    assert_eq!(score(&with(2, NO), guarantor), (600, 0), "no guarantor is no better than silence");
    let debt = [true, false, false, false];
    assert_eq!(score(&with(0, Value::Number(0.0)), debt), (540, 1), "silence about debt is as bad as debt");
    assert_eq!(score(&with(0, Value::Number(500.0)), debt), (540, 0), "owned up to, it costs what silence does");
    // Two weak values stand or fall together: the debt's 60 points for silence outweigh the guarantor's 40.
    assert_eq!(score(&with(2, YES), [true, false, true, false]), (540, 2));
    assert_eq!(score(&[Value::Empty; 4], [true; 4]), (500, 0), "what is missing already is not lowered");
}

/// The reasons of a lowered row are those of the row that gave the points.
#[test]
fn a_lowered_row_is_explained_as_it_was_scored() {
    let trees = model().points().unwrap();
    let scored = trees.score(&with(0, Value::Number(0.0)), &[true, false, false, false]).unwrap();
    assert_eq!(trees.reasons(&scored).unwrap(), [TreeReason { feature: 0, points: -60 }]);
}

#[test]
fn features_that_share_a_reason_are_summed_and_what_costs_nothing_is_no_reason() {
    let trees = model().points().unwrap();
    let told = |row: &[Value<'_>]| {
        let scored = trees.score(row, &[]).unwrap();
        let all = trees.contributions(&scored).unwrap();
        assert_eq!(all.iter().map(|one| one.points).sum::<i32>(), scored.points - trees.baseline_points());
        (all, trees.reasons(&scored).unwrap())
    };
    let parts = |points: [i32; 3]| {
        [0, 1, 3].into_iter().zip(points).map(|(feature, points)| TreeReason { feature, points }).collect::<Vec<_>>()
    };
    // Debt and guarantor are one family: 60 points down, 40 up.
    let (all, reasons) = told(&[Value::Number(100.0), Value::Category("rent"), YES, Value::Number(1.0)]);
    assert_eq!(all, parts([-20, -20, 0]));
    assert_eq!(reasons, parts([-20, -20, 0])[..2], "equal points: in the order of the features");
    assert_eq!(told(&with(2, YES)), (parts([40, 0, 0]), Vec::new()));
    assert_eq!(told(&PLAIN).1, []);
}

/// Small numbers from a fixed sequence (Knuth's MMIX generator), so that a failure comes again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as u32) % end
    }
}

/// A forest of trees of depth two over six numbers with leaves of odd sizes.
fn forest(numbers: &mut Numbers) -> TreeModel {
    let mut forest = model();
    let features: Vec<serde_json::Value> = (0..6)
        .map(|at| serde_json::json!({"name": format!("f{at}"), "reason": if at % 4 == 3 { "R" } else { "" }}))
        .collect();
    let columns: Vec<serde_json::Value> =
        (0..6).map(|at| serde_json::json!({"feature": at, "missing": "own", "cuts": ["1", "2", "3"]})).collect();
    let trees: Vec<serde_json::Value> = (0..8)
        .map(|_| {
            let values: Vec<f64> = (0..4).map(|_| f64::from(numbers.below(2000)) / 1500.0 - 0.6).collect();
            let mut three = |end: u32| [numbers.below(end), numbers.below(end), numbers.below(end)];
            serde_json::json!({"shape": "1100100", "columns": three(6), "tests": three(3), "leaves": leaves(&values),
                "missing_left": three(2).map(|side| format!("{side}")).concat(), "leaf_ids": [0, 1, 2, 3]})
        })
        .collect();
    forest.features = serde_json::from_value(features.into()).unwrap();
    forest.columns = serde_json::from_value(columns.into()).unwrap();
    forest.trees = serde_json::from_value(trees.into()).unwrap();
    forest.baseline = Some(vec![Some("2".to_owned()); 6]);
    forest
}

/// For any model and row: whole points that sum to score less baseline, each within a point of its exact share, with the
/// points left over where the remainders are largest and, of equals, first.
#[test]
fn parts_are_exact_shares_rounded_by_largest_remainder() {
    let mut numbers = Numbers(23);
    let (mut told, mut rounded_up) = (0, 0);
    for _ in 0..60 {
        let model = forest(&mut numbers);
        let (trees, explainer) = (model.points().unwrap(), model.explainer().unwrap());
        for _ in 0..30 {
            let row: Vec<f64> =
                (0..6).map(|_| if numbers.below(7) == 0 { f64::NAN } else { f64::from(numbers.below(4)) }).collect();
            let values: Vec<Value<'_>> = row.iter().map(|value| Value::Number(*value)).collect();
            let scored = trees.score(&values, &[]).unwrap();
            let parts = trees.contributions(&scored).unwrap();
            assert_eq!(parts.iter().map(|part| part.points).sum::<i32>(), scored.points - trees.baseline_points());
            // Features 0, 1, 2, 4 and 5 stand for themselves; 3 is the only one of its reason.
            assert_eq!(parts.iter().map(|part| part.feature).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
            let factor = 20.0 / DOUBLING;
            let exact: Vec<f64> = explainer.shares(&row).unwrap().iter().map(|share| -factor * share).collect();
            let rest = |at: usize| exact[at] - libm::floor(exact[at]);
            for (at, part) in parts.iter().enumerate() {
                if exact[at] == 0.0 {
                    assert_eq!(part.points, 0, "what did nothing has no points");
                    continue;
                }
                let up = f64::from(part.points) - libm::floor(exact[at]);
                // The score and the baseline are rounded each by itself, so that their difference may ask for one more.
                assert!((-1.0..=2.0).contains(&up), "{part:?} of {}", exact[at]);
                for other in 0..6 {
                    let theirs = f64::from(parts[other].points) - libm::floor(exact[other]);
                    if exact[other] != 0.0 && up > theirs {
                        assert!(rest(at) >= rest(other), "{at} before {other} of {exact:?}");
                        assert!(rest(at) > rest(other) || at < other, "ties go to the first");
                    }
                }
                rounded_up += usize::from(up > 0.0);
            }
            let reasons = trees.reasons(&scored).unwrap();
            assert!(reasons.len() <= REASONS_MAX && reasons.iter().all(|reason| reason.points < 0));
            assert!(reasons.is_sorted_by_key(|reason| (reason.points, reason.feature)));
            told += reasons.len();
        }
    }
    assert!(told > 1000 && rounded_up > 1000, "{told}, {rounded_up}");
}

/// The two kinds of model answer to one set of calls.
#[test]
fn a_model_of_points_is_a_card_or_trees() {
    let card = Scorecard::parse(
        r#"{"base_points":600,"data":{"bads":1,"rows":2,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"features":[{"bins":[{"below":"100","points":0,"woe":"1"},{"from":"100","points":-60,"woe":"-1"}],"kind":"number","missing":{"points":-60,"woe":"-1"},"name":"debt","reason":"R1"},{"bins":[{"categories":["own"],"points":0,"woe":"1"},{"categories":["rent"],"points":-20,"woe":"-1"}],"kind":"category","missing":{"points":-40,"woe":"0"},"name":"home","reason":"home","unseen":"missing"}],"format":"prequal-scorecard/1","label":"","purpose":"","scaling":{"base_odds":"1","base_score":600,"points_to_double_odds":"20"},"seed":0,"target":{"bad":"1","column":"y"}}"#,
    )
    .unwrap();
    let card = PointsModel::Card(card.check().unwrap());
    let trees = PointsModel::Trees(model().points().unwrap().into());
    let names = |model: &PointsModel| model.features().map(|feature| feature.name.to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&card), ["debt", "home"]);
    assert_eq!(names(&trees), ["debt", "home", "guarantor", "unused"]);
    let kinds = |model: &PointsModel| model.features().map(|feature| feature.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&card), [Some(FeatureKind::Number), Some(FeatureKind::Category)]);
    assert_eq!(kinds(&trees), [None, Some(FeatureKind::Category), None, None]);
    assert_eq!(trees.feature(3).unwrap().reason, "unused", "its own name where the model has no code");
    assert!(trees.feature(4).is_none());

    let debtor = [Value::Number(100.0), Value::Category("rent")];
    let by_card = card.score(&debtor, &[]).unwrap();
    let by_trees = trees.score(&[debtor[0], debtor[1], NO, Value::Empty], &[]).unwrap();
    assert_eq!((by_card.points(), by_trees.points()), (520, 520));
    assert_eq!((by_card.lowered(), by_trees.lowered()), (0, 0));
    assert_eq!(card.reasons(&by_card).unwrap(), ["R1", "home"]);
    assert_eq!(trees.reasons(&by_trees).unwrap(), ["R1", "home"]);
    assert!(card.reasons(&by_trees).is_err() && trees.reasons(&by_card).is_err(), "a row of another model");

    let mut points = [0; 2];
    card.points_of_rows(&[0.0, 0.0, 100.0, 1.0], &mut points).unwrap();
    assert_eq!(points, [600, 520]);
    trees.points_of_rows(&[0.0, 0.0, 0.0, 0.0, 100.0, 1.0, 1.0, f64::NAN], &mut points).unwrap();
    assert_eq!(points, [600, 560]);
    for rows in [7, 9, 0] {
        assert!(trees.points_of_rows(&vec![0.0; rows], &mut points).is_err(), "{rows} values for two rows of four");
    }
}

#[test]
fn a_category_is_taken_unless_the_model_refuses_it() {
    let mut model = model();
    for (unseen, stranger) in [(UnseenName::Missing, true), (UnseenName::Other, true), (UnseenName::Refuse, false)] {
        model.features[1].unseen = unseen;
        let trees = PointsModel::Trees(model.points().unwrap().into());
        assert!(trees.takes_category(1, "rent"));
        assert_eq!(trees.takes_category(1, "boat"), stranger, "{unseen:?}");
        assert!(!trees.takes_category(9, "rent"), "no such feature");
    }
}
