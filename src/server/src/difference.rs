//! Where two JSON documents first differ.

use serde_json::Value;

/// The first place, in the order of the keys, at which two documents differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// RFC 6901, empty for the whole document.
    pub pointer: String,
    /// The value there in the first document; null where it is absent.
    pub theirs: Value,
    /// The value there in the second document; null where it is absent.
    pub ours: Value,
}

/// Finds it; where the documents are the same, the whole of them.
#[must_use]
pub fn first_difference(theirs: &Value, ours: &Value) -> Difference {
    find("", theirs, ours).unwrap_or_else(|| Difference {
        pointer: String::new(),
        theirs: theirs.clone(),
        ours: ours.clone(),
    })
}

fn find(pointer: &str, theirs: &Value, ours: &Value) -> Option<Difference> {
    if theirs == ours {
        return None;
    }
    let inside = match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            keys.into_iter().find_map(|key| {
                let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                find(&place, a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null))
            })
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len())).find_map(|index| {
            let place = format!("{pointer}/{index}");
            find(&place, a.get(index).unwrap_or(&Value::Null), b.get(index).unwrap_or(&Value::Null))
        }),
        _ => None,
    };
    inside.or_else(|| Some(Difference { pointer: pointer.to_owned(), theirs: theirs.clone(), ours: ours.clone() }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_differing_place_is_named() {
        let difference =
            first_difference(&json!({"a": [1, {"b/c": 2}], "z": 0}), &json!({"a": [1, {"b/c": 3}], "z": 1}));
        assert_eq!(
            (difference.pointer.as_str(), difference.theirs, difference.ours),
            ("/a/1/b~1c", json!(2), json!(3))
        );
        assert_eq!(first_difference(&json!([1]), &json!([1, 2])).pointer, "/1");
        assert_eq!(first_difference(&json!({}), &json!({"x": 1})).pointer, "/x");
        assert_eq!(first_difference(&json!("a"), &json!(1)).pointer, "");
    }
}
