//! The sandbox bureau's files are the rows of the German credit data.

use prequal_server::sandbox::bureau::Bureau;

use crate::world::german_credit;

#[test]
fn a_row_is_a_person_s_file_without_what_must_not_be_used() {
    let bureau = Bureau::read(&german_credit()).unwrap();
    // Row 0 of the data set: 6 months, 1,169, in good standing.
    let file = bureau.evidence("row-0@example.com", None);
    assert_eq!(file["duration_in_month"]["value"], 6);
    assert_eq!(file["credit_amount"]["value"], 1169);
    assert_eq!(file["housing"]["value"], "own");
    assert_eq!(file["housing"]["assurance"], "third_party");
    assert_eq!(file["housing"]["source"], "sandbox-bureau");
    for withheld in ["creditability", "age_in_years", "foreign_worker"] {
        assert!(!file.contains_key(withheld));
    }
    assert_eq!(bureau.evidence("ROW-999@example.com ", None)["housing"]["assurance"], "third_party");
    for unknown in ["row-1000@example.com", "row-@example.com", "row-0@example.org", "ada@example.com", ""] {
        let file = bureau.evidence(unknown, None);
        assert!(file.values().all(|item| item["missing"] == "no_record"), "{unknown}");
        assert!(!file.is_empty());
    }
    let asked = ["housing".to_owned(), "age_in_years".to_owned()];
    let file = bureau.evidence("row-0@example.com", Some(&asked));
    assert_eq!((file.len(), file["age_in_years"]["missing"].as_str()), (2, Some("no_record")));
}
