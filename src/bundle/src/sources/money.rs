//! Amounts as people write them.

use prequal_core::{currency::Currency, money::Amount};
use serde::de::DeserializeOwned;
use toml::Value;

/// Fields of core's documents that hold amounts.
const AMOUNT_FIELDS: [&str; 5] = ["amount", "amount_each", "amount_max", "cap_amount", "free_in_12_months"];

/// One of core's documents as people write it: its amounts are texts in currency units.
pub(super) fn in_minor_units<T: DeserializeOwned>(
    mut value: Value,
    currency: Currency,
    what: &str,
) -> Result<T, String> {
    let name = value.get("id").and_then(Value::as_str).map(|id| format!("{what} `{id}`"));
    let name = name.unwrap_or_else(|| format!("`{what}`"));
    convert(&mut value, currency).map_err(|error| format!("{name}: {error}"))?;
    value.try_into().map_err(|error: toml::de::Error| format!("{name}: {}", error.message()))
}

fn convert(value: &mut Value, currency: Currency) -> Result<(), String> {
    match value {
        Value::Table(table) => {
            for (field, entry) in table.iter_mut() {
                if !AMOUNT_FIELDS.contains(&field.as_str()) {
                    convert(entry, currency)?;
                } else if let Value::String(text) = entry {
                    *entry = Value::Integer(minor(text, currency)?);
                } else {
                    return Err(format!("`{field}` is an amount and is written as text, `\"19.99\"`"));
                }
            }
            Ok(())
        }
        Value::Array(list) => list.iter_mut().try_for_each(|entry| convert(entry, currency)),
        _ => Ok(()),
    }
}

/// An amount in currency units, `1500`, `19.9` or `19.99`, as minor units.
pub(super) fn amount(text: &str, currency: Currency) -> Result<Amount, String> {
    let minor = minor(text, currency)?;
    Amount::new(minor).map_err(|error| format!("`{text}`: {error}"))
}

/// As [`amount`], where the text may be left out.
pub(super) fn optional(text: Option<&String>, currency: Currency) -> Result<Option<Amount>, String> {
    text.map(|text| amount(text, currency)).transpose()
}

fn minor(text: &str, currency: Currency) -> Result<i64, String> {
    let exponent = usize::from(currency.exponent());
    let wrong = || format!("`{text}` is not an amount of {} with at most {exponent} decimals", currency.code());
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > exponent {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<exponent$}").parse().map_err(|_| wrong())
}

/// A cell of a column of amounts: the same text with every number in minor units.
pub(super) fn cell(text: &str, currency: Currency) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 4);
    let mut rest = text;
    while let Some(start) = rest.find(|char: char| char.is_ascii_digit()) {
        let (before, number_on) = rest.split_at(start);
        out.push_str(before);
        let length = number_length(number_on);
        let (number, after) = number_on.split_at(length);
        out.push_str(&minor(number, currency)?.to_string());
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Digits, and one point with digits after it; two points are an interval's and end the number.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text.get(from..).unwrap_or("").bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(0);
    let fraction = if text.get(whole..).is_some_and(|rest| rest.starts_with('.')) { digits(whole + 1) } else { 0 };
    if fraction == 0 { whole } else { whole + 1 + fraction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_cells_become_minor_units() {
        let usd = Currency::parse("USD").unwrap();
        for (text, expected) in [
            ("<50", "<5000"),
            ("[50..20000]", "[5000..2000000]"),
            ("[0.5..1.25)", "[50..125)"),
            (">=19.99|missing", ">=1999|missing"),
            ("-", "-"),
        ] {
            assert_eq!(cell(text, usd).as_deref(), Ok(expected), "{text}");
        }
        assert!(cell("1.999", usd).is_err());
        assert_eq!(cell("1500", Currency::parse("JPY").unwrap()).as_deref(), Ok("1500"));
        assert_eq!(amount("19.9", usd).unwrap().minor(), 1990);
        assert!(amount("-1", usd).is_err());
        assert!(amount("90071992547409.92", usd).is_err());
    }
}
