//! Values across the boundary, and the tag around every answer.

use core::{cell::Cell, fmt};

use serde::{
    Deserialize, Serialize,
    de::{self, DeserializeOwned, DeserializeSeed},
};
use serde_json::{Map, Number, Value};
use wasm_bindgen::JsValue;

/// How deep a value from JavaScript may be nested. A cycle ends here.
const DEPTH_MAX: u8 = 32;
/// How many values, nested ones counted, may come in one call.
const VALUES_MAX: u32 = 65_536;
/// How many bytes of text may come in one call.
const TEXT_BYTES_MAX: usize = prequal_core::wire::INPUT_BYTES_MAX;

/// What was wrong with an input, for a program and for a person.
#[derive(Debug, Serialize)]
pub struct Failure {
    code: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Failure {
    pub fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), field: None }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Tagged<T> {
    Ok(T),
    Error(Failure),
}

/// A tagged answer. Maps become plain objects and absent options are left out, as in JSON.
pub fn answer<T: Serialize>(result: Result<T, Failure>) -> JsValue {
    let tagged = match result {
        Ok(value) => Tagged::Ok(value),
        Err(failure) => Tagged::Error(failure),
    };
    to_js(&tagged)
}

/// Text as it is, or a tagged failure.
pub fn text_answer(result: Result<String, Failure>) -> JsValue {
    match result {
        Ok(text) => JsValue::from_str(&text),
        Err(failure) => to_js(&Tagged::<()>::Error(failure)),
    }
}

/// A failure without its tag, or `undefined`.
pub fn failure_or_undefined(failure: Option<&Failure>) -> JsValue {
    failure.map_or(JsValue::UNDEFINED, to_js)
}

fn to_js<T: Serialize + ?Sized>(value: &T) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    // Our own types always have a JavaScript form; a missing answer would be refused by the caller as malformed.
    value.serialize(&serializer).unwrap_or(JsValue::NULL)
}

/// Reads a value from JavaScript within the limits, unknown fields refused.
///
/// It goes through a JSON tree, because a struct read straight from an object looks only for the fields it knows and
/// would let unknown ones pass.
pub fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, Failure> {
    let budget = Budget { values: Cell::new(VALUES_MAX), text_bytes: Cell::new(TEXT_BYTES_MAX) };
    let tree = Tree { budget: &budget, depth: DEPTH_MAX }
        .deserialize(serde_wasm_bindgen::Deserializer::from(value))
        .map_err(|error| Failure::new("invalid_input", error))?;
    T::deserialize(tree).map_err(|error| Failure::new("invalid_input", error))
}

struct Budget {
    values: Cell<u32>,
    text_bytes: Cell<usize>,
}

/// Builds a JSON tree while the budget lasts.
#[derive(Clone, Copy)]
struct Tree<'a> {
    budget: &'a Budget,
    depth: u8,
}

impl Tree<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| {
            E::custom(format_args!("the input is nested deeper than {DEPTH_MAX} levels or contains itself"))
        })?;
        Ok(Self { depth, ..self })
    }

    fn count<E: de::Error>(self) -> Result<(), E> {
        let left = self.budget.values.get().checked_sub(1);
        let left = left.ok_or_else(|| E::custom(format_args!("the input has more than {VALUES_MAX} values")))?;
        self.budget.values.set(left);
        Ok(())
    }

    fn count_text<E: de::Error>(self, text: &str) -> Result<(), E> {
        let left = self.budget.text_bytes.get().checked_sub(text.len());
        let left = left.ok_or_else(|| E::custom(format_args!("the input has more than {TEXT_BYTES_MAX} bytes")))?;
        self.budget.text_bytes.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("plain data: objects, arrays, strings, numbers, true, false or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Value, E> {
        Ok(Value::from(integer))
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Value, E> {
        Ok(Value::from(integer))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number);
        number.map(Value::Number).ok_or_else(|| E::custom("a number is infinite or not a number"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        self.count_text(&text)?;
        Ok(Value::String(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.count_text(&key)?;
            let value = entries.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
