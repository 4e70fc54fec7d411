//! The sandbox bureau's files are the rows of the German credit data.

use prequal_server::sandbox::bureau::Bureau;

use crate::world::german_credit;

#[test]
fn a_row_is_a_person_s_file_without_what_must_not_be_used() {
    let bureau = Bureau::read(&german_credit()).unwrap();
    // Row 0 of the data set: 6 months, 1,169, in good standing.
    let file = bureau.evidence("row-0@example.com", None);
    assert_eq!(file["number_of_existing_credits_at_this_bank"]["value"], 2);
    // 1,169 over 6 months is 194.83 a month, which is 15 % (code 4) of 1,298.88.
    assert_eq!(file["monthly_income"]["value"], 129_888);
    let own = ["duration_in_month".to_owned(), "credit_amount".to_owned()];
    assert!(own.iter().all(|column| !file.contains_key(column)));
    let credit = bureau.evidence("row-0@example.com", Some(&own));
    assert_eq!((&credit["duration_in_month"]["value"], &credit["credit_amount"]["value"]), (&6.into(), &1169.into()));
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
