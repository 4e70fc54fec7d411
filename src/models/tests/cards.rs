//! Cards, PMML and explainable boosting machines: every row must have what its own library says.
//!
//! Origin of the expected values: `tests/vectors/models/README.md`. With `PREQUAL_CARDS=FOLDER` the models of that folder
//! are taken instead, as `tests/models/generate_cards.py` and `generate_scorecardpy.py` write them.

use std::path::{Path, PathBuf};

use prequal_core::score::trees::Float;
use prequal_models::{
    Kind, ModelFile, ReadOptions, Reason, RowScore, Scorer, TableOptions,
    export::{Form, export},
    model_file::PointsScaling,
    read, read_with,
};
use serde_json::Value;

fn folder() -> PathBuf {
    match std::env::var_os("PREQUAL_CARDS") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/models"),
    }
}

/// One case: the model's file and what is said of it.
struct Case {
    name: String,
    bytes: Vec<u8>,
    expected: Value,
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in &paths {
        let file = path.file_name().unwrap().to_str().unwrap();
        let Some(name) = file.strip_suffix(".expected.json") else { continue };
        let text = std::fs::read_to_string(path).unwrap();
        let model = ["csv", "json", "pmml"].map(|ending| folder().join(format!("{name}.{ending}")));
        let model = model.iter().find(|path| path.exists()).unwrap();
        let (bytes, expected) = (std::fs::read(model).unwrap(), serde_json::from_str(&text).unwrap());
        cases.push(Case { name: name.to_owned(), bytes, expected });
    }
    assert!(cases.len() >= 10, "only {} cases", cases.len());
    cases
}

fn kind(case: &Case) -> Kind {
    match case.expected["kind"].as_str().unwrap() {
        "optbinning" => Kind::Optbinning,
        "scorecardpy" => Kind::Scorecardpy,
        "toad" => Kind::Toad,
        "pmml" => Kind::Pmml,
        "ebm" => Kind::Ebm,
        other => panic!("kind `{other}`"),
    }
}

fn model(case: &Case) -> ModelFile {
    let options = &case.expected["options"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let scaling = options["scaling"].as_array().map(|list| PointsScaling {
        points_to_double_odds: text(&list[0]),
        base_score: text(&list[1]),
        base_odds: text(&list[2]),
    });
    let special_codes = options["special_codes"].as_array().map(|list| list.iter().map(text).collect());
    let base_points = options["base_points"].as_f64().unwrap_or(0.0);
    let table = TableOptions { scaling, special_codes: special_codes.unwrap_or_default(), base_points };
    let read = read_with(&case.bytes, kind(case), &ReadOptions { table, event: None });
    read.unwrap_or_else(|error| panic!("{}: {error}", case.name)).model
}

/// The rows as text, in the order of the model's features.
fn rows(case: &Case, scorer: &Scorer) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(folder().join(format!("{}.input.csv", case.name))).unwrap();
    let header = reader.headers().unwrap().clone();
    let at = |name: &String| header.iter().position(|column| column == name).unwrap();
    let columns: Vec<usize> = scorer.trees().names().iter().map(at).collect();
    reader.records().map(|row| row.unwrap()).map(|row| columns.iter().map(|at| row[*at].to_owned()).collect()).collect()
}

/// The values of a row, or `None` where the model scores no such row.
fn values(scorer: &Scorer, row: &[String]) -> Option<Vec<f64>> {
    let value = |(at, cell): (usize, &String)| scorer.value(at, (!cell.is_empty()).then_some(cell)).ok();
    row.iter().enumerate().map(value).collect()
}

fn margin(score: RowScore) -> f64 {
    match score {
        RowScore::Margin { margin, .. } => margin.to_f64(),
        RowScore::Points { points, .. } => points,
    }
}

fn probability(score: RowScore) -> Option<f64> {
    match score {
        RowScore::Margin { probability, .. } => probability.map(Float::to_f64),
        RowScore::Points { odds, .. } => odds.map(|(_, probability)| probability),
    }
}

/// What one case comes to: rows that agree, and rows that the model refuses although its library scores them.
fn compare(case: &Case) -> Result<(usize, usize), String> {
    let file = model(case);
    let mut scorer = Scorer::new(&file).unwrap();
    let tolerance = case.expected["tolerance"].as_f64().unwrap();
    let number = |value: &Value| value.as_str().map(|text| text.parse::<f64>().unwrap());
    let probability_only = case.expected["options"]["probability_only"] == true;
    let (mut agreed, mut refused) = (0, 0);
    for (at, row) in rows(case, &scorer).iter().enumerate() {
        let expected = number(&case.expected["margin"][at]);
        let expected_probability = number(&case.expected["probability"][at]);
        let Some(values) = values(&scorer, row) else {
            // A model that can end without a prediction is not asked of such a row at all.
            match expected.or(expected_probability) {
                None => agreed += 1,
                Some(_) => refused += 1,
            }
            continue;
        };
        let score = scorer.score(&values).unwrap();
        if !probability_only {
            let Some(expected) = expected else { return Err(format!("row {at}: only the model gives a score")) };
            let got = margin(score);
            if got.to_bits() != expected.to_bits()
                && (got - expected).abs() > tolerance
                && !(got == 0.0 && expected == 0.0)
            {
                return Err(format!("row {at}: {got}, and the library says {expected}"));
            }
        }
        if let Some(expected) = expected_probability {
            let got = probability(score).ok_or("no probability")?;
            // C and Java libraries' `exp` differ by up to 3 units in the last place.
            if (got - expected).abs() > tolerance.max(4e-16) {
                return Err(format!("row {at}: probability {got}, and the library says {expected}"));
            }
        } else if probability_only {
            return Err(format!("row {at}: only the model gives a probability"));
        }
        if let Some(expected) = case.expected["reasons"][at].as_array() {
            let got: Vec<String> = scorer.reasons(&values).unwrap().into_iter().map(|reason| reason.code).collect();
            let expected: Vec<&str> = expected.iter().map(|code| code.as_str().unwrap()).collect();
            if got != expected {
                return Err(format!("row {at}: reasons {got:?}, and the standard's are {expected:?}"));
            }
        }
        agreed += 1;
    }
    // Written and read again it is the same model.
    let text = file.to_file().unwrap();
    assert_eq!(ModelFile::parse(&text).unwrap(), file, "{}", case.name);
    Ok((agreed, refused))
}

#[test]
fn every_row_has_what_its_library_says() {
    let (mut wrong, mut rows, mut refused) = (Vec::new(), 0, 0);
    let cases = cases();
    for case in &cases {
        match compare(case) {
            Ok((agreed, not_scored)) => {
                assert!(agreed >= 50, "{}: only {agreed} rows agree", case.name);
                rows += agreed;
                refused += not_scored;
            }
            Err(why) => wrong.push(format!("{}: {why}", case.name)),
        }
    }
    println!("{} models, {rows} rows agree, {refused} rows are refused that the library scores", cases.len());
    assert!(wrong.is_empty(), "{} of {} models:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What is exported as PMML and read again gives every row the same bits and the same reasons.
#[test]
fn a_model_written_as_pmml_and_read_again_is_the_same() {
    let mut written = 0;
    for case in cases() {
        let file = model(&case);
        // A mean with other weights than one is refused, by name.
        let exported = match export(&file, Form::Pmml) {
            Ok(exported) => exported,
            Err(error) => {
                assert!(error.to_string().contains("a weighted mean"), "{}: {error}", case.name);
                continue;
            }
        };
        let again = read(&exported.bytes, Kind::Pmml).unwrap_or_else(|error| panic!("{}: {error}", case.name)).model;
        let (mut before, mut after) = (Scorer::new(&file).unwrap(), Scorer::new(&again).unwrap());
        for row in rows(&case, &before) {
            let (Some(a), Some(b)) = (values(&before, &row), values(&after, &row)) else { continue };
            let (x, y) = (margin(before.score(&a).unwrap()), margin(after.score(&b).unwrap()));
            assert_eq!(x.to_bits(), y.to_bits(), "{}: {row:?}", case.name);
            // PMML has reasons of zero points as well.
            let above_zero =
                |list: Vec<Reason>| list.into_iter().filter(|one| one.points > 0.0).collect::<Vec<Reason>>();
            let (x, y) = (before.reasons(&a).unwrap(), after.reasons(&b).unwrap());
            assert_eq!(above_zero(x), above_zero(y), "{}", case.name);
        }
        written += 1;
    }
    assert!(written >= 10, "{written} written");
}
