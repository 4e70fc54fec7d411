//! JSON (RFC 8259), with the bare `NaN`, `Infinity` and `-Infinity` that XGBoost writes.

use std::borrow::Cow;

use super::{Count, NESTING_MAX, Value, refuse_twice};
use crate::error::{ImportError, shown};

pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, ImportError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return Err(ImportError::Syntax(format!("byte {} is not UTF-8", error.valid_up_to()))),
    };
    let mut reader = Reader { text, at: 0, count: Count::default() };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at != text.len() {
        return reader.fail("something follows the document");
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    count: Count,
}

impl<'a> Reader<'a> {
    fn fail<T>(&self, why: &str) -> Result<T, ImportError> {
        Err(ImportError::Syntax(format!("at byte {}: {why}", self.at)))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), ImportError> {
        self.skip_space();
        match self.peek() {
            Some(got) if got == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => self.fail(&format!("`{}` is expected", char::from(byte))),
            None => self.fail("the file ends too early"),
        }
    }

    fn value(&mut self, nesting: usize) -> Result<Value<'a>, ImportError> {
        ImportError::limit("nesting of the model file", nesting, NESTING_MAX)?;
        self.count.add(1)?;
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(nesting),
            Some(b'[') => self.array(nesting),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number(),
            Some(_) => {
                let words = [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)];
                match words.into_iter().find(|(word, _)| self.rest().starts_with(word)) {
                    Some((word, value)) => {
                        self.at += word.len();
                        Ok(value)
                    }
                    None => self.fail("a value is expected"),
                }
            }
            None => self.fail("the file ends too early"),
        }
    }

    fn number(&mut self) -> Result<Value<'a>, ImportError> {
        let rest = self.rest();
        let in_number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z');
        let length = rest.bytes().take_while(in_number).count();
        let text = rest.get(..length).unwrap_or_default();
        let special = ["NaN", "Infinity", "-Infinity"].contains(&text);
        if !special && !is_number(text) {
            return self.fail(&format!("`{}` is no number", shown(text)));
        }
        self.at += length;
        Ok(Value::Text(text))
    }

    fn array(&mut self, nesting: usize) -> Result<Value<'a>, ImportError> {
        self.expect(b'[')?;
        let mut values = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(nesting + 1)?);
            self.skip_space();
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(Value::Array(values));
            }
            self.expect(b',')?;
        }
    }

    fn object(&mut self, nesting: usize) -> Result<Value<'a>, ImportError> {
        self.expect(b'{')?;
        let mut entries = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(entries));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            self.expect(b':')?;
            entries.push((key, self.value(nesting + 1)?));
            self.skip_space();
            if self.peek() == Some(b'}') {
                self.at += 1;
                refuse_twice(&entries)?;
                return Ok(Value::Object(entries));
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ImportError> {
        self.expect(b'"')?;
        let start = self.at;
        let mut owned: Option<String> = None;
        loop {
            let plain_from = self.at;
            while matches!(self.peek(), Some(byte) if byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            let plain = self.text.get(plain_from..self.at).unwrap_or_default();
            if let Some(owned) = &mut owned {
                owned.push_str(plain);
            }
            match self.peek() {
                Some(b'"') => {
                    let whole = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(owned.map_or(Cow::Borrowed(whole), Cow::Owned));
                }
                Some(b'\\') => {
                    let escaped = self.escape()?;
                    owned.get_or_insert_with(|| plain.to_owned()).push(escaped);
                }
                Some(_) => return self.fail("a control character stands in a string"),
                None => return self.fail("the file ends within a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ImportError> {
        let code = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        let plain = match code {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.unit()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first).map_or_else(|| self.fail("a surrogate stands alone"), Ok);
                }
                if !self.rest().starts_with("\\u") {
                    return self.fail("a surrogate stands alone");
                }
                self.at += 2;
                let second = self.unit()?;
                if !(0xdc00..0xe000).contains(&second) {
                    return self.fail("a surrogate stands alone");
                }
                let scalar = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(scalar).map_or_else(|| self.fail("a surrogate stands alone"), Ok);
            }
            _ => return self.fail("an escape is not understood"),
        };
        Ok(plain)
    }

    fn unit(&mut self) -> Result<u32, ImportError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(unit) => {
                self.at += 4;
                Ok(unit)
            }
            None => self.fail("an escape is not understood"),
        }
    }
}

/// Whether a text is a number by JSON's grammar, a leading zero aside, which some writers leave.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let signless = |text: &str| digits(text.strip_prefix(['-', '+']).unwrap_or(text));
    digits(whole) && fraction.is_none_or(digits) && exponent.is_none_or(signless)
}

/// The keys of the outermost object, as far as the text goes; `None` where it is no object. Only strings and
/// brackets are looked at, so this is quick and works on damaged files too.
pub(crate) fn top_level_keys(bytes: &[u8]) -> Option<Vec<String>> {
    const KEYS_MAX: usize = 64;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let mut keys = Vec::new();
    let mut depth = 0_usize;
    let mut last: &[u8] = &[];
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                at = start;
                while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                last = bytes.get(start..at.min(bytes.len())).unwrap_or_default();
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 1 && keys.len() < KEYS_MAX => keys.push(String::from_utf8_lossy(last).into_owned()),
            _ => {}
        }
        at += 1;
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text_and_strings_lose_their_escapes() {
        let value = parse(br#"{"a":[1.6777217E7,-0,NaN,-Infinity],"b\u00e9":"x\n\ud83d\ude00"}"#).unwrap();
        let expected = Value::Object(vec![
            (
                "a".into(),
                Value::Array(["1.6777217E7", "-0", "NaN", "-Infinity"].into_iter().map(Value::Text).collect()),
            ),
            ("b\u{e9}".into(), Value::String("x\n\u{1f600}".into())),
        ]);
        assert_eq!(value, expected);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        for (text, why) in [
            ("", "at byte 0: the file ends too early"),
            ("[1,]", "at byte 3: a value is expected"),
            ("[1 2]", "at byte 3: `,` is expected"),
            ("[1.]", "`1.` is no number"),
            ("[1e]", "`1e` is no number"),
            ("\"\\ud800\"", "a surrogate stands alone"),
            ("\"a", "the file ends within a string"),
            ("{} x", "something follows the document"),
            ("{\"a\":1,\"a\":2}", "`a` stands twice"),
        ] {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).unwrap_err().to_string().contains("the limit is 64"));
    }

    #[test]
    fn top_level_keys_are_found_without_reading_the_rest() {
        let keys = top_level_keys(br#" {"a":{"x":[1,{"y":2}]},"b\"":"}{","c":tru"#).unwrap();
        assert_eq!(keys, ["a", "b\\\"", "c"]);
        assert_eq!(top_level_keys(b"[1]"), None);
    }
}
