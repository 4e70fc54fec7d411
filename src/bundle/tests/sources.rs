//! What the compiler of sources finds, with its file and line; and that the same sources give the same bytes.

mod common;

use common::{fixture, with};
use prequal_bundle::sources::{self, Problems};
use prequal_core::bundle::{Bundle, Part, split};
use prequal_core::canonical;

fn problems(changes: &[(&str, &str, &str)]) -> Vec<String> {
    let folder = with(changes);
    let Problems(found) = sources::build(folder.path(), None).unwrap_err();
    found.iter().map(ToString::to_string).collect()
}

fn problem(file: &str, from: &str, to: &str) -> String {
    problems(&[(file, from, to)]).join("; ")
}

#[test]
fn the_same_sources_give_the_same_bytes_and_a_canonical_payload() {
    let one = sources::build(&fixture(), None).unwrap();
    let two = sources::build(with(&[]).path(), None).unwrap();
    assert_eq!(one.payload, two.payload);
    assert!(one.warnings.is_empty(), "{:?}", one.warnings);
    let text = String::from_utf8(one.payload).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(canonical::to_string(&value).unwrap(), text);
    assert_eq!(one.bundle.hash(), canonical::sha256_hex(text.as_bytes()));
}

#[test]
fn a_cell_that_cannot_be_read_is_named_by_file_and_line() {
    assert_eq!(
        problem("tables/limits.csv", "B|C|D,20000", "B|E,20000"),
        "tables/limits.csv:3: column `band`: `E` is not one of the categories `A`, `B`, `C`, `D`, `none`"
    );
    assert!(
        problem("tables/knockouts.csv", "<18", "<x").starts_with("tables/knockouts.csv:2: column `age_years`: `<x`")
    );
    assert!(
        problem("tables/knockouts.csv", "<500", "<500.001").contains(":3: column `order_amount`: `500.001` is not an")
    );
    assert!(problem("tables/prices.csv", "0.05", "0,05").starts_with("tables/prices.csv:4: cannot be read as a table"));
}

#[test]
fn unknown_names_are_found() {
    assert_eq!(
        problem("tables/grades.csv", "credit_grade", "credit_grad"),
        "tables/grades.csv:1: unknown feature `credit_grad`"
    );
    assert!(
        problem("tables/grades.csv", "R10", "R11")
            .contains("tables/grades.csv:6: column `=> reason`: unknown reason `R11`")
    );
    assert!(
        problem("tables/prices.csv", "=> rate_percent", "=> rate")
            .contains("tables/prices.csv:1: `=> rate` is not a result")
    );
    assert!(
        problem("features.toml", "age_years = \"resident_id\"", "age_years = \"birth\"")
            .starts_with("features.toml:2: feature `age_years`")
    );
    let line = problem("bundle.toml", "no_plan = \"R31\"", "no_plan = \"R99\"");
    assert!(line.contains("`R99`"), "{line}");
    let line = problem("product.toml", "rounding", "roundings");
    assert!(line.starts_with("product.toml:") && line.contains("unknown field `roundings`"), "{line}");
}

#[test]
fn everything_wrong_is_said_at_once() {
    let found = problems(&[
        ("tables/knockouts.csv", "R01", "R98"),
        ("tables/knockouts.csv", "R02", "R99"),
        ("tables/limits.csv", "A,40000", "A,x"),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_row_that_is_never_reached_is_found() {
    let line = problem(
        "tables/knockouts.csv",
        "-,<500|>40000,decline,R02",
        "-,<500|>40000,decline,R02\n-,[500..400]|missing,decline,R02",
    );
    assert!(line.starts_with("tables/knockouts.csv:4: "), "{line}");
    let line = problems(&[
        (
            "bundle.toml",
            "file = \"tables/limits.csv\"\nrole = \"limit\"\nhit = \"unique\"",
            "file = \"tables/limits.csv\"\nrole = \"limit\"\nhit = \"first\"",
        ),
        ("tables/limits.csv", "none,0", "none,0\nB,5"),
    ])
    .join("; ");
    assert!(line.starts_with("tables/limits.csv:5: this row is never reached"), "{line}");
}

#[test]
fn a_case_that_no_row_takes_is_found() {
    assert_eq!(problem("tables/limits.csv", "none,0\n", ""), "tables/limits.csv: no row takes the case band = none");
    assert!(
        problem("tables/grades.csv", "missing,none,refer,R10", "timed_out|not_asked|invalid,none,refer,R10")
            .contains("no row takes the case credit_grade = no_record")
    );
}

#[test]
fn two_rows_for_one_case_are_found_where_one_may_match() {
    let line = problem("tables/limits.csv", "none,0", "none|B,0");
    assert!(line.contains("tables/limits.csv:4: overlaps with line 3 in the case band = B"), "{line}");
}

#[test]
fn a_feature_is_used_only_for_what_the_law_allows() {
    let line = problem("tables/limits.csv", "band,=> limit\nA,", "age_years,=> limit\n18,");
    assert!(line.contains("tables/limits.csv:1: feature `age_years` may not be used for `limit`"), "{line}");
    // Kept in the schema with no lawful use, a feature may stand in no table at all.
    let line = problem("features.toml", "uses = [\"eligibility\"]", "uses = []");
    assert!(line.contains("tables/knockouts.csv:1: feature `age_years` may not be used"), "{line}");
}

/// The fixture's other caps do not close it: one binds other lenders, one is of another measure.
#[test]
fn a_gap_between_caps_is_found() {
    let line = problem("product.toml", "from = \"2025-10-01\"", "from = \"2025-10-01\"\nuntil = \"2026-06-30\"");
    assert_eq!(line, "product.toml: no cap holds on 2026-07-01, and the bundle decides on that day");
}

#[test]
fn a_type_of_lender_that_no_cap_names_is_pointed_out() {
    let folder = with(&[("bundle.toml", "lender_type = \"micro_lender\"", "lender_type = \"micro-lender\"")]);
    let warnings = sources::build(folder.path(), None).unwrap().warnings;
    let lines: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["product.toml: no cap on `annual_rate` binds a lender of type `micro-lender`"]);
}

#[test]
fn amounts_of_late_fees_and_caps_are_written_in_currency_units() {
    let folder = with(&[
        (
            "product.toml",
            "grace_days = 3",
            "grace_days = 3\n\n[product.late_fee]\ntiers = [{ amount = \"7.50\", after_days = 10 }]\ncap_percent = \"25\"",
        ),
        (
            "product.toml",
            "[[cap]]\nid = \"cn-24\"",
            "[[cap]]\nid = \"late-fees\"\nmeasure = \"late_fees\"\nceiling_percent = \"25\"\namount = \"68\"\nfrom = \"2020-01-01\"\n\n[[cap]]\nid = \"cn-24\"",
        ),
    ]);
    let built = sources::build(folder.path(), None).unwrap().bundle;
    let payload = built.payload();
    let late_fee = payload.product.late_fee.as_ref().unwrap();
    assert_eq!(late_fee.tiers[0].amount.unwrap().minor(), 750);
    assert_eq!(payload.caps[0].amount.unwrap().minor(), 6_800);
    let line =
        problem("product.toml", "grace_days = 3", "grace_days = 3\n\n[product.late_fee]\ntiers = [{ amount = 750 }]");
    assert_eq!(line, "product.toml: `late_fee`: `amount` is an amount and is written as text, `\"19.99\"`");
}

#[test]
fn caps_and_penalties_that_say_too_little_or_too_much_are_named() {
    let cap = |from: &str, to: &str| problem("product.toml", from, to);
    let line = cap("reference = [{ from = \"2025-05-20\"", "reference = [{ from = \"2026-05-20\"");
    assert!(line.contains("cap `cn-lpr` has no reference rate for 2026-01-01"), "{line}");
    let line = cap("multiple = \"4\"", "multiple = \"4\"\nceiling_percent = \"15.4\"");
    assert!(line.contains("cap `cn-lpr`: `ceiling_percent` and `multiple` exclude each other"), "{line}");
    let line = cap("measure = \"default_rate\"", "measure = \"happiness\"");
    assert!(line.starts_with("product.toml: cap `cn-default`: unknown variant `happiness`"), "{line}");
    let line = cap("grace_days = 3", "grace_days = 3\ncompounding = true");
    assert!(line.contains("no charge compounds unless contract and law both allow it"), "{line}");
    let line = problem("bundle.toml", "lender_type = \"micro_lender\"\n", "");
    assert!(line.contains("cap `cn-24` names types of lender, and the bundle does not say of which it is"), "{line}");
}

#[test]
fn a_public_table_looks_at_form_and_order_alone() {
    let line = problems(&[
        ("features.toml", "uses = [\"score\"]", "uses = [\"score\", \"eligibility\"]"),
        (
            "tables/knockouts.csv",
            "age_years,order_amount,=> outcome,=> reason\n<18,-",
            "credit_grade,order_amount,=> outcome,=> reason\nD,-",
        ),
    ])
    .join("; ");
    assert!(
        line.starts_with("tables/knockouts.csv:1: table `knockouts` is public, and feature `credit_grade`"),
        "{line}"
    );
}

#[test]
fn a_public_table_does_not_refer() {
    let line = problem("tables/knockouts.csv", "<18,-,decline,R01", "<18,-,refer,R01");
    assert!(line.starts_with("tables/knockouts.csv:2: "), "{line}");
    assert!(line.contains("public and refers"), "{line}");
}

#[test]
fn the_public_part_holds_no_private_table_reason_or_feature() {
    let full = sources::build(&fixture(), None).unwrap().bundle;
    let text = canonical::to_string(&split(full.payload())).unwrap();
    let public = Bundle::from_payload(text.as_bytes()).unwrap();
    assert_eq!(public.part(), Part::Public);
    for secret in ["credit_grade", "limits", "grades", "prices", "R10", "R30", "0.035", "0.02"] {
        assert!(!text.contains(secret), "`{secret}` stands in the public part");
    }
    // The dearest rate is what quotes are made at, and stays.
    assert!(text.contains("\"representative\":{\"rate_percent\":\"0.07\"}"));
    assert_eq!(public.evidence_keys().count(), 0);
}
