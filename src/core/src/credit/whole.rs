//! Whole numbers in JSON, whose errors speak of numbers and not of Rust's types.

use core::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::json::{Node, Read};

/// Any whole number from 0 up; what is too large gets its message, with its limit, from the field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Whole;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 up")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Whole, E> {
                u64::try_from(number).map(Whole).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }
        }
        deserializer.deserialize_u64(Visitor)
    }
}

impl Read for Whole {
    fn read(node: Node<'_>) -> Self {
        let number = node.as_integer().and_then(|number| u64::try_from(number).ok());
        Self(number.unwrap_or_else(|| {
            node.unexpected("a whole number from 0 up");
            0
        }))
    }
}
