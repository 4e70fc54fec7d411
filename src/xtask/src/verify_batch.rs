//! `cargo xtask verify batch`: the streaming scorer on Spark, partition by partition, against one run over the file.

use std::path::Path;

use anyhow::Result;

use crate::paths;
use crate::setup;
use crate::verify_models::{Environment, judged, step};

/// Partitions of each run: a few, and more than there are rows in some of them.
const PARTITIONS: [&str; 2] = ["5", "40"];
/// Models of `tests/vectors/score`, in double and in single precision, of numbers alone.
const MODELS: [(&str, &str); 2] = [("lightgbm_taiwan_no_missing_in_training", "txt"), ("xgboost_taiwan_small", "json")];

/// Score each model's rows on Spark; whether every bit agrees.
pub fn batch(root: &Path) -> Result<bool> {
    let work = root.join("target/verify-batch");
    std::fs::create_dir_all(&work)?;
    let spark = Environment { folder: work.join("venv"), requirements: &["tests/batch/requirements.txt"] };
    println!("installing PySpark; Java 17 must be there");
    spark.install(root)?;
    step("cargo build", setup::command(root, "cargo").args(["build", "--release", "--package", "prequal"]))?;
    let program = paths::cargo_target(root).join("release/prequal");
    let mut good = true;
    for (model, ending) in MODELS {
        let place = root.join("tests/vectors/score").join(model);
        for partitions in PARTITIONS {
            println!("{model} in {partitions} partitions");
            let mut python = setup::command(root, spark.python());
            python.arg("tests/batch/spark_score.py").arg(&program).arg(place.with_extension(ending));
            python.arg(place.with_extension("input.csv")).arg(partitions).env("PYSPARK_PYTHON", spark.python());
            good &= judged(&mut python, |line| {
                line.contains(" rows of ") || line.starts_with("a missing column") || line.starts_with("WRONG")
            })?;
        }
    }
    println!("{}", if good { "all agree" } else { "not all agree" });
    Ok(good)
}
