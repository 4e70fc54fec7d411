//! The measures against independently computed values (`tests/vectors/metrics.json`, ties included).

use prequal_train::metrics;
use serde_json::Value;

#[test]
fn measures_equal_the_golden_values() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/metrics.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let bad: Vec<bool> = case["y"].as_array().unwrap().iter().map(|y| y == 1).collect();
        let p: Vec<f64> = case["p"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        for (name, got) in [
            ("auc", metrics::auc(&bad, &p)),
            ("gini", metrics::gini(&bad, &p)),
            ("ks", metrics::ks(&bad, &p)),
            ("brier", metrics::brier(&bad, &p)),
            ("logloss", metrics::log_loss(&bad, &p)),
            ("avg_precision", metrics::average_precision(&bad, &p)),
            ("ece_10_equal_width", metrics::calibration_error(&bad, &p)),
        ] {
            let expected = case[name].as_f64().unwrap();
            assert!((got - expected).abs() < 1e-12, "{} {name}: {got} is not {expected}", case["name"]);
        }
    }
}

/// A score that says nothing: every pair is a tie, which counts half.
#[test]
fn a_constant_score_has_an_auc_of_one_half() {
    let bad = [true, false, false, true, false];
    assert_eq!(metrics::auc(&bad, &[0.3; 5]), 0.5);
    assert_eq!(metrics::ks(&bad, &[0.3; 5]), 0.0);
}

/// Ten reference rows in ten deciles; the current rows all lie in the last: worked by the definition,
/// Σ (c − r) ln(c / r) with an empty bin as half a row of ten.
#[test]
fn stability_is_zero_for_the_same_rows_and_follows_its_definition() {
    let reference: Vec<f64> = (0..10).map(f64::from).collect();
    assert!(metrics::stability(&reference, &reference).abs() < 1e-15);
    let expected = 9.0 * (0.05_f64 - 0.1) * (0.05_f64 / 0.1).ln() + (1.0_f64 - 0.1) * (1.0_f64 / 0.1).ln();
    assert!((metrics::stability(&reference, &[9.0; 10]) - expected).abs() < 1e-12);
}
