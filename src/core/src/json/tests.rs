//! Claims about reading.

use prequal_derive::Read;
use serde::Deserialize;

use crate::sorted::Sorted;

use super::{DEPTH_MAX, Document, from_slice, from_str};

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(deny_unknown_fields)]
struct Order {
    amount: i64,
    currency: String,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize, Read)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Source {
    Plain,
    Field(String),
    Part(u8),
}

fn refused<T: super::Read + std::fmt::Debug>(text: &str) -> String {
    from_str::<T>(text).unwrap_err().to_string()
}

#[test]
fn a_document_is_read() {
    let order: Order =
        from_str(" {\"amount\" : -12 ,\n\"currency\":\"\\u20ac\\n\\ud83d\\ude00\",\"note\":null} ").unwrap();
    assert_eq!(order, Order { amount: -12, currency: "€\n😀".to_owned(), note: None });
    assert_eq!(from_slice::<Vec<bool>>(b"[true,false]").unwrap(), [true, false]);
    assert_eq!(from_str::<Sorted<u16>>("{\"a\":1,\"b\":65535}").unwrap().get("b"), Some(&65_535));
    assert_eq!(
        from_str::<Vec<Source>>(r#"["plain",{"field":"housing"},{"part":3}]"#).unwrap(),
        [Source::Plain, Source::Field("housing".to_owned()), Source::Part(3)]
    );
}

#[test]
fn what_nobody_asked_for_is_refused_with_its_place() {
    assert_eq!(
        refused::<Order>("{\"amount\":1,\n \"curency\":\"USD\"}"),
        "unknown field `curency`, expected one of `amount`, `currency`, `note` at line 2 column 2"
    );
    assert!(refused::<Order>(r#"{"amount":1}"#).starts_with("missing field `currency`"));
    assert!(refused::<Order>(r#"{"amount":1,"amount":2}"#).starts_with("duplicate field `amount`"));
    assert!(refused::<Vec<Source>>(r#"["other"]"#).starts_with("unknown variant `other`"));
    assert!(refused::<Vec<Source>>(r#"[{"plain":1}]"#).contains("without a value"));
    assert!(refused::<Vec<Source>>(r#"["field"]"#).contains("needs a value"));
    assert!(refused::<Vec<Source>>(r#"[{"field":"a","field":"b"}]"#).contains("one key"));
}

/// A struct given as a list would be read by position: which field was meant would be a guess.
#[test]
fn a_list_is_no_object() {
    assert_eq!(refused::<Order>(r#"[1,"USD"]"#), "expected an object, found a list at line 1 column 1");
}

#[test]
fn numbers_are_whole_and_in_range() {
    assert_eq!(from_str::<i64>("9223372036854775807").unwrap(), i64::MAX);
    assert_eq!(from_str::<u8>("255").unwrap(), 255);
    assert!(refused::<u8>("256").contains("a whole number in range"));
    for fraction in ["1.5", "1E-7", "-0.0"] {
        assert!(refused::<i64>(fraction).contains("with a fraction or an exponent"), "{fraction}");
    }
    for beyond in ["9223372036854775808", "-9223372036854775809", "123456789012345678901234567890", "1e300"] {
        assert!(refused::<i64>(beyond).contains("beyond 64 bits"), "{beyond}");
    }
    // RFC 8259, section 6: no leading zero, no plus, no bare point.
    for wrong in ["01", "+1", ".5", "1.", "1e", "-", "0x1", "NaN", "Infinity"] {
        assert!(from_str::<i64>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_broken_document_is_refused_and_nothing_panics() {
    for wrong in [
        "",
        " ",
        "{",
        "[",
        "\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "[1",
        "[1,",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "1 1",
        "tru",
        "nul",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "\u{feff}1",
        "'a'",
        "\"\\u+123\"",
        "\"\\",
    ] {
        assert!(Document::parse(wrong).is_err(), "{wrong:?}");
    }
    assert!(from_slice::<String>(b"\"\xff\"").is_err());
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Document::parse(&nested(DEPTH_MAX)).is_ok());
    assert!(Document::parse(&nested(DEPTH_MAX + 1)).unwrap_err().to_string().contains("deeper than 64 levels"));
    assert!(Document::parse(&nested(100_000)).is_err());
}

/// Whatever this reader takes, the general reader takes too, and gives the same.
#[test]
fn it_agrees_with_the_general_reader() {
    use proptest::prelude::*;
    proptest!(|(amount in any::<i64>(), currency in ".*", note in proptest::option::of(".*"))| {
        let text = serde_json::json!({"amount": amount, "currency": currency, "note": note}).to_string();
        prop_assert_eq!(from_str::<Order>(&text).unwrap(), serde_json::from_str::<Order>(&text).unwrap());
    });
}

#[test]
fn a_document_hands_on_what_it_says() {
    let text = r#"{"a":[1,-2,"x",true,null,[],{}],"b":{"c":{"d":"\u00e9"}}}"#;
    let value: serde_json::Value = serde_json::to_value(Document::parse(text).unwrap()).unwrap();
    assert_eq!(value, serde_json::from_str::<serde_json::Value>(text).unwrap());
    assert!(serde_json::to_value(Document::parse("[1.5]").unwrap()).is_err());
}
