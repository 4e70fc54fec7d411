//! Boosted trees on the German credit data (`tests/data/SOURCES.md`).

use prequal_train::{Options, options::TreeOptions, output::Metrics, train};

/// LightGBM 4.7.0 has a mean AUC of .768 and XGBoost 3.2.0 one of .778 on the same five folds (200 rounds, defaults); ours
/// may lose 0.005 to the better.
#[test]
fn five_folds_are_as_good_as_the_best_known_trees() {
    let data = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/german_credit.csv")).unwrap();
    let mut options = Options::new("creditability", "bad");
    options.trees = Some(TreeOptions::default());
    let training = train(&data, options, &mut |_| ()).unwrap();
    let metrics = Metrics::of(&training);
    let trees = metrics.trees.unwrap();
    assert!(trees.auc.mean >= 0.773, "mean AUC {}", trees.auc.mean);
    assert_eq!(trees.auc.folds.len(), 5);
    assert_eq!(training.trees.unwrap().model.trees.len(), 300);
}
