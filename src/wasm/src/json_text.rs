//! A JavaScript value as JSON text, within limits.

use core::{cell::RefCell, fmt, fmt::Write};

use prequal_core::wire;
use serde::de::{self, DeserializeSeed};
use wasm_bindgen::JsValue;

use crate::value::Failure;

/// How deep a value from JavaScript may be nested. A cycle ends here.
const DEPTH_MAX: u8 = 32;
/// The longest text written, as long as core reads.
const TEXT_BYTES_MAX: usize = wire::INPUT_BYTES_MAX;

/// Writes plain data as JSON; functions, symbols, cycles and whatever is too much are refused.
pub fn write(value: JsValue) -> Result<String, Failure> {
    let text = RefCell::new(String::new());
    Writer { text: &text, depth: DEPTH_MAX }
        .deserialize(serde_wasm_bindgen::Deserializer::from(value))
        .map_err(|error| Failure::new("invalid_input", error.to_string().trim_start_matches("Error: ")))?;
    Ok(text.into_inner())
}

#[derive(Clone, Copy)]
struct Writer<'a> {
    text: &'a RefCell<String>,
    depth: u8,
}

impl Writer<'_> {
    fn push<E: de::Error>(self, piece: &str) -> Result<(), E> {
        let mut text = self.text.borrow_mut();
        if text.len() + piece.len() > TEXT_BYTES_MAX {
            return Err(E::custom(format_args!("the input is longer than {TEXT_BYTES_MAX} bytes")));
        }
        text.push_str(piece);
        Ok(())
    }

    fn string<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.push("\"")?;
        let mut rest = value;
        // Control characters, the quote and the backslash are all that JSON wants escaped.
        while let Some(at) = rest.find(|character: char| character < ' ' || character == '"' || character == '\\') {
            let (plain, special) = rest.split_at(at);
            self.push(plain)?;
            let mut characters = special.chars();
            if let Some(character) = characters.next() {
                let mut escape = String::new();
                // Writing to a string cannot fail.
                let _ = write!(escape, "\\u{:04x}", u32::from(character));
                self.push(&escape)?;
            }
            rest = characters.as_str();
        }
        self.push(rest)?;
        self.push("\"")
    }

    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| {
            E::custom(format_args!("the input is nested deeper than {DEPTH_MAX} levels or contains itself"))
        })?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Writer<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Writer<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("plain data: objects, arrays, strings, numbers, true, false or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.push("null")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<(), E> {
        self.push(if flag { "true" } else { "false" })
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<(), E> {
        self.push(&integer.to_string())
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<(), E> {
        self.push(&integer.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<(), E> {
        if !number.is_finite() {
            return Err(E::custom("a number is infinite or not a number"));
        }
        // JavaScript's own spelling is JSON, and costs no code here.
        let text =
            js_sys::Number::from(number).to_string_with_radix(10).map_err(|_| E::custom("a number has no spelling"))?;
        self.push(&String::from(text))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.string(value)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut separator = "[";
        while items.next_element_seed(Item { writer: inner, separator })?.is_some() {
            separator = ",";
        }
        self.push(if separator == "[" { "[]" } else { "]" })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut separator = "{";
        while let Some(key) = entries.next_key::<String>()? {
            self.push(separator)?;
            separator = ",";
            self.string(&key)?;
            self.push(":")?;
            entries.next_value_seed(inner)?;
        }
        self.push(if separator == "{" { "{}" } else { "}" })
    }
}

/// An array's element: the separator is written only where one follows.
struct Item<'a> {
    writer: Writer<'a>,
    separator: &'static str,
}

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.writer.push(self.separator)?;
        deserializer.deserialize_any(self.writer)
    }
}
