//! Inputs that nobody should send, each answered by a named error and never by a guess or a panic.

use prequal_bundle::sources;
use prequal_core::{
    bundle::Bundle,
    decide::{decide_json, prequalify_json},
    wire::{INPUT_BYTES_MAX, parse},
};
use serde_json::{Value, json};

use crate::{
    demo_policy::{parts, root},
    german,
};

fn sound() -> Value {
    serde_json::from_str(&german::inputs()[0]).unwrap()
}

/// The code and the text of the error that an input is refused with.
fn refused(text: &str) -> (String, String) {
    let error = decide_json(&parts().full, text).unwrap_err();
    (error.code().to_owned(), error.to_string())
}

fn changed(change: impl FnOnce(&mut Value)) -> (String, String) {
    let mut input = sound();
    change(&mut input);
    refused(&input.to_string())
}

#[test]
fn unknown_fields_are_refused_everywhere() {
    for pointer in ["", "/application", "/application/order", "/evidence/credit_history"] {
        let (code, text) = changed(|input| input.pointer_mut(pointer).unwrap()["surprise"] = json!(1));
        assert_eq!(code, "invalid_input", "{pointer}");
        assert!(text.contains("`surprise`"), "{pointer}: {text}");
    }
    let (code, text) = changed(|input| input["application"]["fields"]["shoe_size"] = json!("42"));
    assert_eq!((code.as_str(), text.as_str()), ("unknown_field", "the form has no field `shoe_size`"));
    let (code, _) = changed(|input| input["evidence"]["horoscope"] = json!({"missing": "no_record"}));
    assert_eq!(code, "unknown_evidence");
}

#[test]
fn what_must_not_be_used_is_not_even_taken_in() {
    let item = json!({"value": 42, "assurance": "third_party"});
    let (code, _) = changed(|input| input["evidence"]["age_in_years"] = item);
    assert_eq!(code, "unknown_evidence");
}

#[test]
fn wrong_types_are_refused() {
    for (pointer, value) in [
        ("/application", json!([])),
        ("/application/order/amount", json!("100")),
        ("/application/order/amount", json!(100.5)),
        ("/application/order/amount", json!(-1)),
        ("/application/order/currency", json!("usd")),
        ("/application/fields/email", json!({"a": 1})),
        ("/application/fields/email", json!(["a"])),
        ("/application/fields/email", json!(0.5)),
        ("/application/fields/email", json!(null)),
        ("/evidence/credit_history", json!("good")),
        ("/evidence/credit_history", json!({"value": 1})),
        ("/evidence/credit_history", json!({"value": 1, "assurance": "third_party", "missing": "timed_out"})),
        ("/evidence/credit_history", json!({"missing": "lost"})),
        ("/evidence/credit_history", json!({"value": 1, "assurance": "total"})),
        ("/as_of", json!("2026-11-23T08:00:00+00:00")),
        ("/today", json!("23.11.2026")),
        ("/salt", json!("")),
        ("/salt", json!("0f0f")),
        ("/salt", json!("g".repeat(32))),
    ] {
        let (code, text) = changed(|input| *input.pointer_mut(pointer).unwrap() = value.clone());
        assert_eq!(code, "invalid_input", "{pointer} = {value}: {text}");
        assert!(!text.contains("Scalar") && !text.contains("struct "), "{text}");
    }
    for missing in ["application", "as_of", "salt", "today"] {
        let (code, text) = changed(|input| drop(input.as_object_mut().unwrap().remove(missing)));
        assert_eq!(code, "invalid_input");
        assert!(text.contains(&format!("`{missing}`")), "{text}");
    }
}

#[test]
fn a_field_of_the_wrong_type_is_a_need_and_not_a_crash() {
    let mut input = sound();
    input["application"]["fields"]["email"] = json!(42);
    input["application"]["fields"]["income_monthly"] = json!("much");
    let decision: Value = serde_json::from_str(&decide_json(&parts().full, &input.to_string()).unwrap()).unwrap();
    let codes: Vec<&str> =
        decision["needs"].as_array().unwrap().iter().map(|need| need["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["wrong_type", "invalid_amount"], "all errors at once, in the form's order");
}

#[test]
fn huge_numbers_are_refused_by_name() {
    let text = sound().to_string();
    let amount = sound()["application"]["order"]["amount"].to_string();
    for number in ["1e999", "-1e999", "9223372036854775808", "9007199254740992", "1e3", "99999999999999999999999999"] {
        let huge = text.replace(&format!("\"amount\":{amount}"), &format!("\"amount\":{number}"));
        assert_ne!(huge, text);
        let (code, said) = refused(&huge);
        assert_eq!(code, "invalid_input", "{number}: {said}");
        let income = text.replacen("\"income_monthly\":", &format!("\"income_monthly\":{number},\"x\":"), 1);
        assert!(matches!(refused(&income).0.as_str(), "invalid_input"), "{number}");
    }
    // The largest amount there is is no error of reading: it is above what the lender finances.
    let most = text.replace(&format!("\"amount\":{amount}"), "\"amount\":9007199254740991");
    let decision = decide_json(&parts().full, &most).unwrap();
    assert!(decision.contains("\"outcome\":\"declined\"") && decision.contains("\"R03\""), "{decision}");
}

#[test]
fn deep_nesting_and_length_have_limits() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(refused(&deep).0, "invalid_input");
    let (_, text) = refused(&format!("{{\"application\":{deep}}}"));
    assert!(text.len() < 1000, "an error repeats no document");
    let long = sound().to_string() + &" ".repeat(INPUT_BYTES_MAX);
    let (code, text) = refused(&long);
    assert_eq!(code, "input_too_long");
    assert!(text.contains("262144"), "{text}");
    let (code, text) = changed(|input| input["application"]["fields"]["full_name"] = json!("a".repeat(1025)));
    assert_eq!(code, "invalid_input");
    assert!(text.contains("1025") && text.contains("1024"), "{text}");
    let (code, _) = changed(|input| {
        for number in 0..300 {
            input["evidence"][format!("k{number}")] = json!({"missing": "no_record"});
        }
    });
    assert_eq!(code, "invalid_input");
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let text = sound().to_string();
    let twice = text.replacen("\"fields\":{", "\"fields\":{\"email\":\"other@example.com\",", 1);
    let (code, said) = refused(&twice);
    assert_eq!(code, "invalid_input");
    assert!(said.contains("email"), "{said}");
    assert_eq!(refused(&text.replacen('{', "{\"today\":\"2026-11-23\",", 1)).0, "invalid_input");
}

#[test]
fn a_bundle_outside_its_time_and_another_currency_are_refused() {
    let (code, text) = changed(|input| {
        input["today"] = json!("2029-01-01");
        input["as_of"] = json!("2029-01-01T08:00:00Z");
    });
    assert_eq!(code, "bundle_expired");
    assert_eq!(text, "the bundle `demo-us` was valid until 2028-12-31 and today is 2029-01-01");
    let (code, _) = changed(|input| {
        input["today"] = json!("2025-12-31");
        input["as_of"] = json!("2025-12-31T08:00:00Z");
    });
    assert_eq!(code, "bundle_not_yet_valid");
    let (code, text) = changed(|input| input["application"]["order"]["currency"] = json!("EUR"));
    assert_eq!(
        (code.as_str(), text.as_str()),
        ("currency_mismatch", "the order is in `EUR` and the bundle lends in `USD`")
    );
    let (code, _) = changed(|input| input["today"] = json!("2026-11-25"));
    assert_eq!(code, "today_inconsistent");
}

#[test]
fn a_public_part_does_not_decide() {
    let text = sound().to_string();
    let error = decide_json(&parts().public, &text).unwrap_err();
    assert_eq!(error.code(), "public_bundle");
    assert!(prequalify_json(&parts().public, &text).is_ok());
}

#[test]
fn text_that_is_no_json_is_refused_without_repeating_it() {
    for text in ["", "null", "[]", "{", "\u{0}", "{\"application\":", "NaN", "{'a':1}", "\u{feff}{}"] {
        assert_eq!(refused(text).0, "invalid_input", "{text:?}");
    }
    assert!(parse::<prequal_core::wire::Input>("\"\\ud800\"").is_err());
}

/// A payload cut off anywhere, or with a piece of another kind put in, is refused and never panics.
#[test]
fn a_broken_payload_is_no_bundle() {
    let built = sources::build(&root().join("tests/bundles/cn"), None).unwrap();
    let payload = String::from_utf8(built.payload).unwrap();
    for cut in (0..payload.len()).step_by(97) {
        let Some(part) = payload.get(..cut) else { continue };
        assert!(Bundle::from_payload(part.as_bytes()).is_err());
    }
    for (from, to, code) in [
        ("\"semantics\":1", "\"semantics\":2", "bundle_semantics"),
        ("prequal-policy/1", "prequal-policy/9", "bundle_format"),
        ("\"part\":\"full\"", "\"part\":\"public\"", "bundle_policy"),
        ("\"hit\":\"unique\"", "\"hit\":\"some\"", "bundle_shape"),
        ("\"valid_until\":\"2027-12-31\"", "\"valid_until\":\"2025-12-31\"", "bundle_policy"),
        (
            "\"representative\":{\"rate_percent\":\"0.07\"}",
            "\"representative\":{\"rate_percent\":\"0.01\"}",
            "bundle_policy",
        ),
        ("{\"caps\"", "{\"backdoor\":1,\"caps\"", "bundle_shape"),
    ] {
        assert!(payload.contains(from), "{from}");
        let error = Bundle::from_payload(payload.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{from} → {to}: {error}");
    }
    assert_eq!(Bundle::from_payload(&vec![b' '; 9_000_000]).unwrap_err().code(), "bundle_too_long");
}
