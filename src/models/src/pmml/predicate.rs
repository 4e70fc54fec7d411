//! Predicates as PMML writes them.

use super::{
    schema::{Comparison, Schema},
    xml::Element,
};
use crate::{
    error::{ImportError, shown},
    rules::Predicate,
};

/// The deepest nesting of compound predicates.
const NESTING_MAX: usize = 64;

/// Names of elements that are predicates.
pub(super) const PREDICATES: [&str; 5] =
    ["SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True", "False"];

/// The one predicate among an element's children.
pub(super) fn of(holder: Element<'_>, schema: &mut Schema) -> Result<Predicate, ImportError> {
    let mut found = holder.children().filter(|child| PREDICATES.contains(&child.name()));
    match (found.next(), found.next()) {
        (Some(one), None) => read(one, schema, 0),
        _ => Err(holder.refuse("it has not one predicate")),
    }
}

fn read(element: Element<'_>, schema: &mut Schema, nesting: usize) -> Result<Predicate, ImportError> {
    ImportError::limit("nesting of a predicate", nesting, NESTING_MAX)?;
    match element.name() {
        "True" => Ok(Predicate::Always(true)),
        "False" => Ok(Predicate::Always(false)),
        "SimplePredicate" => simple(element, schema),
        "SimpleSetPredicate" => set(element, schema),
        "CompoundPredicate" => {
            element.only(&["booleanOperator"])?;
            let operator = element.required("booleanOperator")?;
            let parts = element.children().map(|child| read(child, schema, nesting + 1));
            let parts = parts.collect::<Result<Vec<Predicate>, _>>()?;
            if parts.is_empty() {
                return Err(element.refuse("it has no parts"));
            }
            match operator {
                "and" => Ok(Predicate::And(parts)),
                "or" => Ok(Predicate::Or(parts)),
                "xor" => Ok(Predicate::Xor(parts)),
                "surrogate" => Ok(Predicate::Surrogate(parts)),
                other => Err(element.refuse(&format!("the operator `{}` is not understood", shown(other)))),
            }
        }
        _ => Err(element.refuse("it is no predicate that is understood")),
    }
}

fn simple(element: Element<'_>, schema: &mut Schema) -> Result<Predicate, ImportError> {
    element.only(&["field", "operator", "value"])?;
    let comparison = match element.required("operator")? {
        "isMissing" => return schema.missing(element),
        "isNotMissing" => return Ok(schema.missing(element)?.negate()),
        "equal" => Comparison::Equal,
        "notEqual" => Comparison::NotEqual,
        "lessThan" => Comparison::Less,
        "lessOrEqual" => Comparison::LessOrEqual,
        "greaterThan" => Comparison::Greater,
        "greaterOrEqual" => Comparison::GreaterOrEqual,
        other => return Err(element.refuse(&format!("the operator `{}` is not understood", shown(other)))),
    };
    schema.compare(element, comparison, element.required("value")?)
}

fn set(element: Element<'_>, schema: &mut Schema) -> Result<Predicate, ImportError> {
    element.only(&["field", "booleanOperator"])?;
    let array = element.child("Array")?.ok_or_else(|| element.refuse("it has no Array"))?;
    array.only(&["n", "type"])?;
    let Some(items) = items(array.text()) else { return Err(array.refuse("a quote is not closed")) };
    if array.attribute("n").is_some_and(|n| n.trim().parse() != Ok(items.len())) {
        return Err(array.refuse(&format!("it has {} values, and says otherwise", items.len())));
    }
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let inside = schema.is_in(element, &items)?;
    match element.required("booleanOperator")? {
        "isIn" => Ok(inside),
        "isNotIn" => Ok(inside.negate()),
        other => Err(element.refuse(&format!("the operator `{}` is not understood", shown(other)))),
    }
}

/// The values of an array: apart by blanks; one that holds blanks stands in double quotes, with `\"` for a quote.
fn items(text: &str) -> Option<Vec<String>> {
    let mut items = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut item = String::new();
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut chars = quoted.char_indices();
            loop {
                match chars.next()? {
                    (at, '"') => {
                        rest = quoted.get(at + 1..)?;
                        break;
                    }
                    (_, '\\') => match chars.next()?.1 {
                        '"' => item.push('"'),
                        other => item.extend(['\\', other]),
                    },
                    (_, other) => item.push(other),
                }
            }
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            item.push_str(rest.get(..end)?);
            rest = rest.get(end..)?;
        }
        items.push(item);
        rest = rest.trim_start();
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_read_with_its_quotes() {
        assert_eq!(items(" a \"b c\"\n\"say \\\"no\\\"\" ").unwrap(), ["a", "b c", "say \"no\""]);
        assert_eq!(items("\"a"), None);
        assert_eq!(items("").unwrap(), Vec::<String>::new());
    }
}
