//! A value of a form field or an item of evidence.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::limits::TEXT_BYTES_MAX;
use crate::{
    canonical::{Canonical, INTEGER_MAX, Text},
    json::{Node, Read},
};

/// A string, an integer within ±(2⁵³ − 1), or a truth value. There are no fractions: amounts are in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Text of at most [`TEXT_BYTES_MAX`] bytes.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Yes or no.
    Flag(bool),
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(integer) => serializer.serialize_i64(*integer),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl de::Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a whole number, true or false")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
        if (-INTEGER_MAX..=INTEGER_MAX).contains(&value) {
            return Ok(Scalar::Integer(value));
        }
        Err(E::custom(format_args!("the number `{value}` is beyond {INTEGER_MAX}")))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(E::custom(format_args!("the number `{value}` is beyond {INTEGER_MAX}"))),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
        self.visit_string(value.to_owned())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Scalar, E> {
        if value.len() > TEXT_BYTES_MAX {
            return Err(E::custom(format_args!(
                "a text has {} bytes; at most {TEXT_BYTES_MAX} are taken",
                value.len()
            )));
        }
        Ok(Scalar::Text(value))
    }
}

impl Canonical for Scalar {
    fn write_to(&self, text: &mut Text) {
        match self {
            Self::Text(value) => text.string(value),
            Self::Integer(value) => text.integer(*value),
            Self::Flag(flag) => flag.write_to(text),
        }
    }
}

impl Read for Scalar {
    fn read(node: Node<'_>) -> Self {
        if let Some(text) = node.as_text() {
            if text.len() > TEXT_BYTES_MAX {
                let bytes = text.len();
                node.fail(format_args!("a text has {bytes} bytes; at most {TEXT_BYTES_MAX} are taken"));
            }
            return Self::Text(text.to_owned());
        }
        match (node.as_integer(), node.as_flag()) {
            (Some(value), _) => {
                if !(-INTEGER_MAX..=INTEGER_MAX).contains(&value) {
                    node.fail(format_args!("the number `{value}` is beyond {INTEGER_MAX}"));
                }
                Self::Integer(value)
            }
            (None, Some(flag)) => Self::Flag(flag),
            (None, None) => {
                node.unexpected("a string, a whole number, true or false");
                Self::Flag(false)
            }
        }
    }
}
