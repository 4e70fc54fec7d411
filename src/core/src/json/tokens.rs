//! A document as a flat list of tokens (RFC 8259).

use std::borrow::Cow;

use super::{DEPTH_MAX, DOCUMENT_BYTES_MAX, JsonError};

/// One value, or one key of an object, in the order of the text.
pub(super) struct Token<'a> {
    /// Where it begins, in bytes.
    pub offset: usize,
    pub value: Value<'a>,
}

pub(super) enum Value<'a> {
    Null,
    Flag(bool),
    /// A whole number that fits.
    Integer(i64),
    /// A whole number beyond; whether it is negative.
    Beyond {
        negative: bool,
    },
    /// A number with a fraction or an exponent; whether it is beyond 64 bits, or may be by its exponent.
    Fraction {
        huge: bool,
    },
    Text(Cow<'a, str>),
    /// A list; the index just past its last element's tokens.
    List {
        end: usize,
    },
    /// An object: keys and values in turn; the index just past the last.
    Object {
        end: usize,
    },
}

/// Splits a document; the first token is the document itself.
pub(super) fn split(text: &str) -> Result<Vec<Token<'_>>, JsonError> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(JsonError::new(format_args!("the document is longer than {DOCUMENT_BYTES_MAX} bytes")));
    }
    let mut splitter = Splitter { text, at: 0, tokens: Vec::with_capacity(text.len() / 12 + 1) };
    let split = splitter.value(DEPTH_MAX).and_then(|()| {
        splitter.space();
        if splitter.at == text.len() { Ok(()) } else { Err(JsonError::new("the document goes on after its end")) }
    });
    match split {
        Ok(()) => Ok(splitter.tokens),
        Err(error) => Err(error.beginning(splitter.at.min(text.len())).placed_in(text)),
    }
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Splitter<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn push(&mut self, offset: usize, value: Value<'a>) {
        self.tokens.push(Token { offset, value });
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        self.space();
        let offset = self.at;
        match self.peek() {
            Some(b'{') => self.object(offset, depth),
            Some(b'[') => self.list(offset, depth),
            Some(b'"') => self.string(offset),
            Some(b'-' | b'0'..=b'9') => self.number(offset),
            Some(b't') => self.word("true", Value::Flag(true)),
            Some(b'f') => self.word("false", Value::Flag(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(JsonError::new("a value is expected")),
            None => Err(ends()),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<(), JsonError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(JsonError::new("a value is expected"));
        }
        self.push(self.at, value);
        self.at += word.len();
        Ok(())
    }

    fn list(&mut self, offset: usize, depth: usize) -> Result<(), JsonError> {
        let depth = deeper(depth)?;
        let index = self.tokens.len();
        self.push(offset, Value::Null);
        self.at += 1;
        self.space();
        if !self.take(b']') {
            loop {
                self.value(depth)?;
                self.space();
                if self.take(b']') {
                    break;
                }
                self.comma(']')?;
            }
        }
        self.close(index, |end| Value::List { end });
        Ok(())
    }

    fn object(&mut self, offset: usize, depth: usize) -> Result<(), JsonError> {
        let depth = deeper(depth)?;
        let index = self.tokens.len();
        self.push(offset, Value::Null);
        self.at += 1;
        self.space();
        if !self.take(b'}') {
            loop {
                self.space();
                if self.peek() != Some(b'"') {
                    return Err(JsonError::new("a key in quotation marks is expected"));
                }
                self.string(self.at)?;
                self.space();
                if !self.take(b':') {
                    return Err(JsonError::new("`:` is expected"));
                }
                self.value(depth)?;
                self.space();
                if self.take(b'}') {
                    break;
                }
                self.comma('}')?;
            }
        }
        self.close(index, |end| Value::Object { end });
        Ok(())
    }

    fn comma(&mut self, closing: char) -> Result<(), JsonError> {
        if self.take(b',') {
            return Ok(());
        }
        Err(if self.peek().is_none() { ends() } else { JsonError::new(format_args!("`,` or `{closing}` is expected")) })
    }

    fn close(&mut self, index: usize, value: impl FnOnce(usize) -> Value<'a>) {
        let end = self.tokens.len();
        if let Some(token) = self.tokens.get_mut(index) {
            token.value = value(end);
        }
    }

    /// A number: whole ones are taken exactly, of all others only what they are is kept.
    fn number(&mut self, offset: usize) -> Result<(), JsonError> {
        let negative = self.take(b'-');
        let (mut magnitude, mut fits) = (0_i64, true);
        let first = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.at += 1;
            let next = magnitude.checked_mul(10).and_then(|tens| tens.checked_add(i64::from(digit - b'0')));
            fits &= next.is_some();
            magnitude = next.unwrap_or(magnitude);
        }
        let digits = self.at - first;
        if digits == 0 || (digits > 1 && self.text.as_bytes().get(first) == Some(&b'0')) {
            return Err(JsonError::new("a number is written wrongly"));
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            self.digits()?;
        }
        let mut raised = false;
        if self.take(b'e') || self.take(b'E') {
            whole = false;
            raised = !self.take(b'-');
            if raised {
                self.take(b'+');
            }
            self.digits()?;
        }
        self.push(
            offset,
            match (whole, fits) {
                (true, true) => Value::Integer(if negative { -magnitude } else { magnitude }),
                (true, false) => Value::Beyond { negative },
                (false, _) => Value::Fraction { huge: raised || !fits },
            },
        );
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let first = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == first { Err(JsonError::new("a number is written wrongly")) } else { Ok(()) }
    }

    fn string(&mut self, offset: usize) -> Result<(), JsonError> {
        self.at += 1;
        let mut first = self.at;
        let mut unescaped: Option<String> = None;
        loop {
            match self.peek() {
                None => return Err(ends()),
                Some(b'"') => break,
                Some(0..=0x1f) => return Err(JsonError::new("a control character stands in a text")),
                Some(b'\\') => {
                    let plain = self.text.get(first..self.at).unwrap_or_default();
                    let mut text = unescaped.take().unwrap_or_default();
                    text.push_str(plain);
                    text.push(self.escape()?);
                    unescaped = Some(text);
                    first = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
        let plain = self.text.get(first..self.at).unwrap_or_default();
        let text = match unescaped {
            None => Cow::Borrowed(plain),
            Some(text) => Cow::Owned(text + plain),
        };
        self.at += 1;
        self.push(offset, Value::Text(text));
        Ok(())
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let escape = self.peek();
        self.at += 1;
        Ok(match escape {
            Some(character @ (b'"' | b'\\' | b'/')) => char::from(character),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(JsonError::new("an escape is written wrongly")),
        })
    }

    /// The four digits after `\u`, with those of the second half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let high = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&high) && self.take(b'\\') && self.take(b'u') {
            let low = self.hex4()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(lone());
            }
            0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        char::from_u32(code).ok_or_else(lone)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        code.ok_or_else(|| JsonError::new("an escape is written wrongly"))
    }
}

fn deeper(depth: usize) -> Result<usize, JsonError> {
    depth.checked_sub(1).ok_or_else(|| JsonError::new(format_args!("the document is deeper than {DEPTH_MAX} levels")))
}

fn ends() -> JsonError {
    JsonError::new("the document ends too early")
}

fn lone() -> JsonError {
    JsonError::new("an escape is half of a character")
}
