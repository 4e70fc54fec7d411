//! Models of the libraries: every margin must have the library's bits, every leaf the library's number.
//!
//! Origin of the expected values: `tests/vectors/score/README.md`. With `PREQUAL_MODELS=FOLDER` the models of that
//! folder are taken instead, as `tests/models/generate.py` writes them.

use std::path::{Path, PathBuf};

use prequal_core::score::trees::{Float, Width, parse_bits};
use prequal_models::{ModelFile, Scorer, detect, read, self_check};
use self_check::{Witness, first_difference};

fn folder() -> PathBuf {
    match std::env::var_os("PREQUAL_MODELS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/score"),
    }
}

/// Rows of a CSV file in the order of the model's features; an empty cell is missing.
fn rows(path: &Path, names: &[String]) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let at: Vec<usize> = names.iter().map(|name| header.iter().position(|column| column == name).unwrap()).collect();
    let cell = |text: &str| if text.is_empty() { f64::NAN } else { text.parse().unwrap() };
    reader.records().map(|record| record.unwrap()).map(|row| at.iter().map(|at| cell(&row[*at])).collect()).collect()
}

fn witnesses(base: &str, width: Width, names: &[String]) -> (Vec<Witness>, Vec<Option<f64>>) {
    let text = std::fs::read_to_string(folder().join(format!("{base}.expected.json"))).unwrap();
    let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
    let bits = |row: usize| parse_bits(expected["margin_bits"][row].as_str().unwrap(), width).unwrap();
    let leaves = |row: usize| {
        let list = expected["leaf"][row].as_array()?;
        Some(list.iter().map(|leaf| u32::try_from(leaf.as_u64().unwrap()).unwrap()).collect())
    };
    let rows = rows(&folder().join(format!("{base}.input.csv")), names);
    assert_eq!(rows.len(), expected["margin_bits"].as_array().unwrap().len());
    let probabilities = (0..rows.len()).map(|row| expected["probability"][row].as_f64()).collect();
    let witness = |(row, values)| Witness { values, margin: bits(row), leaves: leaves(row) };
    (rows.into_iter().enumerate().map(witness).collect(), probabilities)
}

/// Reads one model and compares it with all its rows; the first thing that differs, as text.
fn compare(path: &Path, base: &str) -> Result<(), String> {
    let bytes = std::fs::read(path).unwrap();
    let model = read(&bytes, detect(&bytes).ok_or("the kind of file is not seen")?).map_err(|e| e.to_string())?.model;
    let mut scorer = Scorer::new(&model).map_err(|error| error.to_string())?;
    let trees = scorer.trees().clone();
    let (rows, probabilities) = witnesses(base, trees.width(), trees.names());
    assert!(rows.len() > 100, "{base} has too few rows to prove anything");
    if let Some(difference) = first_difference(&mut scorer, &rows, 0.0).unwrap() {
        return Err(difference.to_string());
    }
    for (row, (witness, expected)) in rows.iter().zip(probabilities).enumerate() {
        let got = trees.probability(witness.margin);
        let (Some(got), Some(expected)) = (got, expected) else {
            assert_eq!(got.is_some(), expected.is_some(), "{base}: only one side has a probability");
            continue;
        };
        // C libraries' `exp` differ by up to 3 units in the last place.
        let unit = match got {
            Float::F32(value) => f64::from(value.next_up() - value),
            Float::F64(value) => value.next_up() - value,
        };
        if (got.to_f64() - expected).abs() > 3.0 * unit {
            return Err(format!("row {row}: the probability is {got}, not {expected}"));
        }
    }
    // Written and read again it is the same model.
    let text = model.to_file().unwrap();
    assert_eq!(ModelFile::parse(&text).unwrap(), model);
    Ok(())
}

#[test]
fn every_margin_has_the_librarys_bits_and_every_leaf_its_number() {
    let mut models = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(base) = [".json", ".ubj", ".txt", ".onnx"].iter().find_map(|end| name.strip_suffix(end)) else {
            continue;
        };
        if name.ends_with(".expected.json") {
            continue;
        }
        models += 1;
        if let Err(why) = compare(&path, base) {
            wrong.push(format!("{name}: {why}"));
        }
    }
    println!("{models} models");
    assert!(models >= 2, "only {models} models were found");
    assert!(wrong.is_empty(), "{} of {models} models:\n{}", wrong.len(), wrong.join("\n"));
}
