//! Walks the tokens for serde. What is generic here is compiled again for every type, so it is kept to calls.

use serde::de::{self, DeserializeSeed, Expected, Unexpected, Visitor};

use super::{
    JsonError,
    tokens::{Token, Value},
};

/// Reads the document whose tokens these are.
pub(super) fn read<'t, T: de::Deserialize<'t>>(tokens: &'t [Token<'t>]) -> Result<T, JsonError> {
    let mut reader = Reader { tokens, at: 0 };
    let value = T::deserialize(&mut reader);
    value.map_err(|error| error.beginning(tokens.first().map_or(0, |token| token.offset)))
}

/// A place in the tokens.
pub(super) struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
}

impl<'t, 'a> Reader<'t, 'a> {
    fn next(&mut self) -> Result<&'t Value<'a>, JsonError> {
        let token = self.tokens.get(self.at).ok_or_else(|| JsonError::new("the document ends too early"))?;
        self.at += 1;
        Ok(&token.value)
    }

    fn is_null(&self) -> bool {
        matches!(self.tokens.get(self.at), Some(Token { value: Value::Null, .. }))
    }

    /// Past the next value, whatever it is.
    fn skip(&mut self) -> Result<(), JsonError> {
        if let Value::List { end } | Value::Object { end } = self.next()? {
            self.at = *end;
        }
        Ok(())
    }

    fn text(&mut self, expected: &dyn Expected) -> Result<&'t str, JsonError> {
        match self.next()? {
            Value::Text(text) => Ok(text),
            other => Err(unexpected(other, expected)),
        }
    }

    fn flag(&mut self, expected: &dyn Expected) -> Result<bool, JsonError> {
        match self.next()? {
            Value::Flag(flag) => Ok(*flag),
            other => Err(unexpected(other, expected)),
        }
    }

    fn number(&mut self, expected: &dyn Expected) -> Result<Number, JsonError> {
        match self.next()? {
            Value::Integer(number) => Ok(u64::try_from(*number).map_or(Number::Negative(*number), Number::Positive)),
            Value::Beyond { negative } => Ok(Number::Other(if *negative { f64::MIN } else { f64::MAX })),
            Value::Fraction { huge } => Ok(Number::Other(if *huge { f64::MAX } else { 0.5 })),
            other => Err(unexpected(other, expected)),
        }
    }

    fn object(&mut self, expected: &dyn Expected) -> Result<usize, JsonError> {
        match self.next()? {
            Value::Object { end } => Ok(*end),
            other => Err(unexpected(other, expected)),
        }
    }

    fn list(&mut self, expected: &dyn Expected) -> Result<usize, JsonError> {
        match self.next()? {
            Value::List { end } => Ok(*end),
            other => Err(unexpected(other, expected)),
        }
    }
}

/// A number as serde wants it. Of one beyond 64 bits or with a fraction only that is known; an integer's visitor
/// refuses it, and may say which of the two it was.
enum Number {
    Positive(u64),
    Negative(i64),
    Other(f64),
}

#[cold]
fn unexpected(found: &Value<'_>, expected: &dyn Expected) -> JsonError {
    let found = match found {
        Value::Null => Unexpected::Unit,
        Value::Flag(flag) => Unexpected::Bool(*flag),
        Value::Integer(number) => Unexpected::Signed(*number),
        Value::Beyond { .. } => Unexpected::Float(f64::MAX),
        Value::Fraction { .. } => Unexpected::Float(0.5),
        Value::Text(text) => Unexpected::Str(text),
        Value::List { .. } => Unexpected::Seq,
        Value::Object { .. } => Unexpected::Map,
    };
    de::Error::invalid_type(found, expected)
}

macro_rules! read_number {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            match self.number(&visitor)? {
                Number::Positive(number) => visitor.visit_u64(number),
                Number::Negative(number) => visitor.visit_i64(number),
                Number::Other(number) => visitor.visit_f64(number),
            }
        }
    )*};
}

macro_rules! read_text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
            let text = self.text(&visitor)?;
            visitor.visit_str(text)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Reader<'_, 'de> {
    type Error = JsonError;

    read_number! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    read_text! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.tokens.get(self.at).map(|token| &token.value) {
            Some(Value::Null) => self.deserialize_unit(visitor),
            Some(Value::Flag(_)) => self.deserialize_bool(visitor),
            Some(Value::Text(_)) => self.deserialize_str(visitor),
            Some(Value::List { .. }) => self.deserialize_seq(visitor),
            Some(Value::Object { .. }) => self.deserialize_map(visitor),
            _ => self.deserialize_i64(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let flag = self.flag(&visitor)?;
        visitor.visit_bool(flag)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        match self.next()? {
            Value::Null => visitor.visit_unit(),
            other => Err(unexpected(other, &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        if self.is_null() {
            self.at += 1;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, JsonError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let end = self.list(&visitor)?;
        let value = visitor.visit_seq(Inside { reader: &mut *self, end })?;
        if self.at == end { Ok(value) } else { Err(JsonError::new("the list is longer than expected")) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        let end = self.object(&visitor)?;
        visitor.visit_map(Inside { reader: self, end })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        let end = self.object(&visitor)?;
        visitor.visit_map(Inside { reader: self, end })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonError> {
        match self.tokens.get(self.at).map(|token| &token.value) {
            Some(Value::Object { end }) => {
                // One key, whose value takes the rest: `{"field": "housing"}`.
                self.at += 1;
                let end = *end;
                let value = visitor.visit_enum(Variant { reader: &mut *self, bare: false })?;
                if self.at == end { Ok(value) } else { Err(JsonError::new("one key is expected")) }
            }
            _ => visitor.visit_enum(Variant { reader: self, bare: true }),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonError> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// What stands inside a list or an object.
struct Inside<'r, 't, 'a> {
    reader: &'r mut Reader<'t, 'a>,
    end: usize,
}

impl<'de> de::SeqAccess<'de> for Inside<'_, '_, 'de> {
    type Error = JsonError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, JsonError> {
        if self.reader.at >= self.end {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> de::MapAccess<'de> for Inside<'_, '_, 'de> {
    type Error = JsonError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, JsonError> {
        if self.reader.at >= self.end {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, JsonError> {
        seed.deserialize(&mut *self.reader)
    }
}

/// One of several names, alone or with a value.
struct Variant<'r, 't, 'a> {
    reader: &'r mut Reader<'t, 'a>,
    /// Whether the name stands alone.
    bare: bool,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, '_, 'de> {
    type Error = JsonError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), JsonError> {
        let value = seed.deserialize(&mut *self.reader)?;
        Ok((value, self))
    }
}

impl Variant<'_, '_, '_> {
    fn with_value(&self) -> Result<(), JsonError> {
        if self.bare { Err(JsonError::new("the name needs a value, as `{\"name\": value}`")) } else { Ok(()) }
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, '_, 'de> {
    type Error = JsonError;

    fn unit_variant(self) -> Result<(), JsonError> {
        if self.bare { Ok(()) } else { Err(JsonError::new("the name stands alone, without a value")) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, JsonError> {
        self.with_value()?;
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, JsonError> {
        self.with_value()?;
        de::Deserializer::deserialize_seq(self.reader, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, JsonError> {
        self.with_value()?;
        de::Deserializer::deserialize_map(self.reader, visitor)
    }
}
