//! An error is one line, whatever the text is that it quotes.

use core::fmt;

/// Writes with a space in place of each control character and each separator of lines, so that what a file says can neither
/// break a log's line nor reach a terminal as a command.
pub(crate) struct OneLine<'a, 'f>(pub &'a mut fmt::Formatter<'f>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|one| {
            let breaks = one.is_control() || matches!(one, '\u{2028}' | '\u{2029}');
            fmt::Write::write_char(self.0, if breaks { ' ' } else { one })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        bundle::{Bundle, payload::FORMAT},
        score::{Scorecard, trees::TreeModel},
    };

    const HOSTILE: &str = "a\nb\r\u{1b}[2J\u{0}\u{7f}\u{85}\u{2028}c";

    fn is_one_line(error: &str) {
        let broken = |one: char| one.is_control() || matches!(one, '\u{2028}' | '\u{2029}');
        assert!(!error.contains(broken), "{error:?}");
    }

    /// The document once for each of its texts and names, with the hostile text in that one's place.
    fn spoilt(document: &Value) -> Vec<Value> {
        let mut all = Vec::new();
        match document {
            Value::String(_) => all.push(json!(HOSTILE)),
            Value::Array(list) => {
                for (at, one) in list.iter().enumerate() {
                    all.extend(spoilt(one).into_iter().map(|bad| {
                        let mut list = list.clone();
                        list[at] = bad;
                        Value::Array(list)
                    }));
                }
            }
            Value::Object(map) => {
                for (name, one) in map {
                    all.extend(spoilt(one).into_iter().map(|bad| {
                        let mut map = map.clone();
                        map.insert(name.clone(), bad);
                        Value::Object(map)
                    }));
                    let mut renamed = map.clone();
                    renamed.remove(name);
                    renamed.insert(HOSTILE.to_owned(), one.clone());
                    all.push(Value::Object(renamed));
                }
            }
            _ => {}
        }
        all
    }

    /// How many of the spoilt documents were refused, and how many of those quoted what they refused.
    fn refused(document: &Value, read: impl Fn(&str) -> Result<(), String>) -> (usize, usize) {
        let errors: Vec<String> = spoilt(document).iter().filter_map(|bad| read(&bad.to_string()).err()).collect();
        errors.iter().for_each(|error| is_one_line(error));
        (errors.len(), errors.iter().filter(|error| error.contains("a b  [2J    c")).count())
    }

    #[test]
    fn whatever_a_scorecard_says_its_error_is_one_line() {
        let card = json!({
            "format": "prequal-scorecard/1", "label": "", "purpose": "", "target": {"column": "y", "bad": "1"},
            "scaling": {"points_to_double_odds": "20", "base_score": 600, "base_odds": "50"}, "base_points": 500,
            "features": [{"name": "housing", "kind": "category", "reason": "R", "unseen": "invalid",
                "bins": [{"categories": ["own", "rent"], "woe": "0.2", "points": 6}],
                "missing": {"woe": "0", "points": 0}}],
            "data": {"sha256": "0".repeat(64), "rows": 10, "bads": 3}, "seed": 0
        });
        let read = |text: &str| match Scorecard::parse(text) {
            Ok(card) => card.check().map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        read(&card.to_string()).unwrap();
        let (errors, quoted) = refused(&card, read);
        assert!(errors >= 25 && quoted >= 20, "{errors} errors, {quoted} of them with the text");
        // A name that is told only where something else is wrong.
        let mut card = card;
        card["features"][0]["name"] = json!(HOSTILE);
        card["features"][0]["bins"][0]["categories"] = json!([HOSTILE, HOSTILE]);
        let error = read(&card.to_string()).unwrap_err();
        is_one_line(&error);
        assert_eq!(error.matches("a b  [2J    c").count(), 2, "{error}");
    }

    #[test]
    fn whatever_a_tree_model_says_its_error_is_one_line() {
        let trees = json!({
            "format": "prequal-trees/1", "hash": "0".repeat(64), "label": "", "average": false,
            "source": {"library": "hand", "version": "1", "objective": "", "sha256": ""},
            "inputs": "f64", "sums": "f64", "base": "3fe0000000000000", "link": {"kind": "logistic", "slope": "1"},
            "features": [{"name": "income"}, {"name": "income"}],
            "columns": [{"feature": 0, "missing": "own", "cuts": ["1000"]}],
            "trees": [{"shape": "100", "columns": [0], "tests": [0], "missing_left": "1",
                "leaves": "3ff00000000000004000000000000000", "leaf_ids": [1, 2]}]
        });
        let read = |text: &str| match TreeModel::parse(text) {
            Ok(trees) => trees.check().map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let (errors, quoted) = refused(&trees, read);
        assert!(errors >= 20 && quoted >= 10, "{errors} errors, {quoted} of them with the text");
        is_one_line(&TreeModel::open(&trees.to_string().replace("00000", "\\n0")).unwrap_err().to_string());
    }

    #[test]
    fn whatever_a_payload_says_its_error_is_one_line() {
        let read = |text: &str| Bundle::from_payload(text.as_bytes()).map(drop).map_err(|error| error.to_string());
        let (errors, quoted) = refused(&json!({"format": FORMAT, "semantics": 1}), read);
        assert!(errors >= 3 && quoted >= 1, "{errors} errors, {quoted} of them with the text");
    }
}
