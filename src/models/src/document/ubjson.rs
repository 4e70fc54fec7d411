//! UBJSON (draft 12) as XGBoost writes it: big-endian numbers, typed lists, no typed objects.

use std::borrow::Cow;

use super::{Count, NESTING_MAX, Value, refuse_twice};
use crate::error::ImportError;

pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, ImportError> {
    let mut reader = Reader { bytes, at: 0, count: Count::default() };
    let marker = reader.byte()?;
    let value = reader.value(marker, 0)?;
    if reader.at != bytes.len() {
        return reader.fail("something follows the document");
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    count: Count,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, why: &str) -> Result<T, ImportError> {
        Err(ImportError::Syntax(format!("at byte {}: {why}", self.at)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ImportError> {
        let end = self.at.checked_add(length);
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => self.fail("the file ends too early"),
        }
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let bytes = self.take(N)?;
        // `take` gives exactly N bytes.
        Ok(<[u8; N]>::try_from(bytes).unwrap_or([0; N]))
    }

    fn byte(&mut self) -> Result<u8, ImportError> {
        self.array_of::<1>().map(|[byte]| byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn value(&mut self, marker: u8, nesting: usize) -> Result<Value<'a>, ImportError> {
        ImportError::limit("nesting of the model file", nesting, NESTING_MAX)?;
        self.count.add(1)?;
        Ok(match marker {
            b'Z' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'i' => Value::Int(i64::from(i8::from_be_bytes(self.array_of()?))),
            b'U' => Value::Int(i64::from(self.byte()?)),
            b'I' => Value::Int(i64::from(i16::from_be_bytes(self.array_of()?))),
            b'l' => Value::Int(i64::from(i32::from_be_bytes(self.array_of()?))),
            b'L' => Value::Int(i64::from_be_bytes(self.array_of()?)),
            b'd' => Value::F32(f32::from_be_bytes(self.array_of()?)),
            b'D' => Value::F64(f64::from_be_bytes(self.array_of()?)),
            b'S' => Value::String(self.string()?),
            b'[' => self.list(nesting)?,
            b'{' => self.object(nesting)?,
            _ => return self.fail("a type is not understood"),
        })
    }

    fn length(&mut self) -> Result<usize, ImportError> {
        let marker = self.byte()?;
        if !b"iUIlL".contains(&marker) {
            return self.fail("a length is expected");
        }
        match self.value(marker, 0)? {
            Value::Int(length) => usize::try_from(length).or_else(|_| self.fail("a length is negative")),
            _ => self.fail("a length is expected"),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ImportError> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(Cow::Borrowed).or_else(|_| self.fail("a string is not UTF-8"))
    }

    fn list(&mut self, nesting: usize) -> Result<Value<'a>, ImportError> {
        let mut values = Vec::new();
        let kind = if self.peek() == Some(b'$') {
            self.at += 1;
            Some(self.byte()?)
        } else {
            None
        };
        if self.peek() == Some(b'#') {
            self.at += 1;
            let length = self.length()?;
            // Every value takes a byte or more, save for the types without a body, which no list of XGBoost's has.
            if length > self.bytes.len() - self.at || kind.is_some_and(|kind| b"ZTFN".contains(&kind)) {
                return self.fail("a list is longer than the file");
            }
            values.reserve_exact(length.min(super::VALUES_MAX));
            for _ in 0..length {
                let marker = kind.map_or_else(|| self.byte(), Ok)?;
                values.push(self.value(marker, nesting + 1)?);
            }
            return Ok(Value::Array(values));
        }
        if kind.is_some() {
            return self.fail("a typed list lacks its length");
        }
        loop {
            match self.byte()? {
                b']' => return Ok(Value::Array(values)),
                marker => values.push(self.value(marker, nesting + 1)?),
            }
        }
    }

    fn object(&mut self, nesting: usize) -> Result<Value<'a>, ImportError> {
        let mut entries = Vec::new();
        if matches!(self.peek(), Some(b'$' | b'#')) {
            return self.fail("an object with a length is not understood");
        }
        while self.peek() != Some(b'}') {
            let key = self.string()?;
            let marker = self.byte()?;
            entries.push((key, self.value(marker, nesting + 1)?));
        }
        self.at += 1;
        refuse_twice(&entries)?;
        Ok(Value::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_lists_and_strings_are_read_in_big_endian_order() {
        let bytes = b"{i\x01a[$d#L\0\0\0\0\0\0\0\x02\x3f\x80\0\0\xc0\0\0\0i\x01bSU\x02hi}";
        let expected = Value::Object(vec![
            ("a".into(), Value::Array(vec![Value::F32(1.0), Value::F32(-2.0)])),
            ("b".into(), Value::String("hi".into())),
        ]);
        assert_eq!(parse(bytes).unwrap(), expected);
    }

    #[test]
    fn a_length_beyond_the_file_is_refused_before_room_is_made() {
        let error = parse(b"[$l#L\x7f\xff\xff\xff\xff\xff\xff\xff").unwrap_err();
        assert!(error.to_string().contains("a list is longer than the file"), "{error}");
        let error = parse(b"[$Z#L\0\0\0\0\x7f\xff\xff\xff").unwrap_err();
        assert!(error.to_string().contains("a list is longer than the file"), "{error}");
        assert!(parse(b"{L\xff\xff\xff\xff\xff\xff\xff\xff").unwrap_err().to_string().contains("negative"));
        assert!(parse(&b"[".repeat(100_000)).unwrap_err().to_string().contains("the limit is 64"));
    }
}
