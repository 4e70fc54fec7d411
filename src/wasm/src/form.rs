//! A page's own form, read by the types that the bundle gives its fields.

use prequal_core::{
    bundle::{Bundle, form::FieldKind},
    currency::Currency,
    wire::{Map, Scalar, TEXT_BYTES_MAX},
};
use web_sys::FormData;

use crate::value::Failure;

/// What a checkbox sends when its page gives it no value.
const CHECKED: &str = "on";

/// The bundle's fields that the form holds and that are filled in. Other entries are the page's own matter.
pub fn read(bundle: &Bundle, form: &FormData) -> Result<Map<Scalar>, Failure> {
    let fields = bundle.payload().form.steps.iter().flat_map(|step| &step.fields);
    let mut values = Vec::new();
    for field in fields {
        let Some(text) = form.get(&field.id).as_string() else { continue };
        let text = text.trim();
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("a field holds {} bytes; at most {TEXT_BYTES_MAX} are taken", text.len());
            return Err(Failure::new("invalid_input", message).at(Some(&field.id)));
        }
        if !text.is_empty() {
            values.push((field.id.clone(), scalar(field.kind, bundle.currency(), text)));
        }
    }
    Ok(values.into_iter().collect())
}

/// The text of a field as a value. What is no amount and no consent stays text, which the validation then refuses.
fn scalar(kind: FieldKind, currency: Currency, text: &str) -> Scalar {
    let read = match kind {
        FieldKind::Money => minor_units(text, currency.exponent()).map(Scalar::Integer),
        FieldKind::Consent if text == CHECKED || text == "true" => Some(Scalar::Flag(true)),
        _ => None,
    };
    read.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// An amount in whole units with a decimal point, as `<input type="number">` gives it whatever the page's language,
/// in minor units: `4200.5` with two decimals is 420050.
fn minor_units(text: &str, exponent: u8) -> Option<i64> {
    let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
    let places = usize::from(exponent);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if units.is_empty() || !digits(units) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    format!("{units}{fraction:0<places$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ISO 4217: the dollar has two decimals, the yen none, the Bahraini dinar three.
    #[test]
    fn an_amount_is_read_by_its_currency() {
        assert_eq!(minor_units("4200", 2), Some(420_000));
        assert_eq!(minor_units("4200.5", 2), Some(420_050));
        assert_eq!(minor_units("0.05", 2), Some(5));
        assert_eq!(minor_units("4200", 0), Some(4200));
        assert_eq!(minor_units("1.234", 3), Some(1234));
    }

    #[test]
    fn what_is_no_amount_stays_text() {
        for text in ["4,200", "4200.505", "-1", "1e3", ".5", "", "12.5.1", "99999999999999999999", "1.0 "] {
            assert_eq!(minor_units(text, 2), None, "{text}");
        }
        assert_eq!(minor_units("1.0", 0), None);
        let usd = Currency::parse("USD").unwrap();
        assert_eq!(scalar(FieldKind::Money, usd, "abc"), Scalar::Text("abc".to_owned()));
    }

    #[test]
    fn a_consent_is_given_by_its_checkbox_only() {
        let usd = Currency::parse("USD").unwrap();
        assert_eq!(scalar(FieldKind::Consent, usd, "on"), Scalar::Flag(true));
        assert_eq!(scalar(FieldKind::Consent, usd, "yes"), Scalar::Text("yes".to_owned()));
        assert_eq!(scalar(FieldKind::Text, usd, "on"), Scalar::Text("on".to_owned()));
    }
}
