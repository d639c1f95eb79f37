//! The reader: strict RFC 8259, bounded in bytes, depth and values.

use super::{Number, Tree, TreeMap};
use crate::{Error, Result};

/// How much a tree may hold; hostile input ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeLimits {
    /// Bytes of JSON.
    pub bytes: usize,
    /// Arrays and objects within each other. The reader recurses once a level.
    pub depth: usize,
    /// Values and keys altogether; each costs some tens of bytes of memory.
    pub values: usize,
}

impl Default for TreeLimits {
    /// 16 MiB, 128 levels, 2,000,000 values: five times what an API server takes (a request of 3 MiB).
    fn default() -> Self {
        Self {
            bytes: 16 << 20,
            depth: 128,
            values: 2_000_000,
        }
    }
}

pub(super) fn parse(json: &[u8], limits: &TreeLimits) -> Result<Tree> {
    if json.len() > limits.bytes {
        return Err(Error::corrupt("JSON is larger than allowed")
            .with_context("bytes", json.len())
            .with_context("limit", limits.bytes));
    }
    let text = std::str::from_utf8(json)
        .map_err(|error| Error::corrupt("JSON is not UTF-8").with_source(error))?;
    let mut reader = Reader {
        text,
        at: 0,
        values: limits.values,
    };
    let tree = reader.value(limits.depth)?;
    reader.space();
    if reader.at == text.len() {
        Ok(tree)
    } else {
        Err(reader.bad("something follows the JSON value"))
    }
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && number_length(text.as_bytes()) == text.len()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl Reader<'_> {
    fn bad(&self, message: &str) -> Error {
        Error::corrupt(format!("JSON: {message}")).with_context("byte", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        let there = self.text[self.at..].starts_with(expected);
        if there {
            self.at += expected.len();
        }
        there
    }

    /// One more value or key of the allowance.
    fn count(&mut self) -> Result<()> {
        self.values = self
            .values
            .checked_sub(1)
            .ok_or_else(|| self.bad("more values than allowed"))?;
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Tree> {
        self.count()?;
        self.space();
        match self.peek() {
            Some(b'{') => self.members(self.deeper(depth)?),
            Some(b'[') => self.items(self.deeper(depth)?),
            Some(b'"') => self.string().map(Tree::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') if self.take("true") => Ok(Tree::Bool(true)),
            Some(b'f') if self.take("false") => Ok(Tree::Bool(false)),
            Some(b'n') if self.take("null") => Ok(Tree::Null),
            Some(_) => Err(self.bad("a value is expected")),
            None => Err(self.bad("the text ends early")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize> {
        depth
            .checked_sub(1)
            .ok_or_else(|| self.bad("nested deeper than allowed"))
    }

    fn members(&mut self, depth: usize) -> Result<Tree> {
        self.at += 1;
        let mut map = TreeMap::new();
        self.space();
        if self.take("}") {
            return Ok(Tree::Object(map));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.bad("a key is expected"));
            }
            self.count()?;
            let place = self.at;
            let key = self.string()?;
            self.space();
            if !self.take(":") {
                return Err(self.bad("`:` is expected"));
            }
            let value = self.value(depth)?;
            // Which of two equal keys counts is up to each reader: such a text has no one meaning.
            if map.insert(key, value).is_some() {
                self.at = place;
                return Err(self.bad("a key comes twice"));
            }
            self.space();
            if self.take("}") {
                return Ok(Tree::Object(map));
            }
            if !self.take(",") {
                return Err(self.bad("`,` or `}` is expected"));
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<Tree> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take("]") {
            return Ok(Tree::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.space();
            if self.take("]") {
                return Ok(Tree::Array(items));
            }
            if !self.take(",") {
                return Err(self.bad("`,` or `]` is expected"));
            }
        }
    }

    fn number(&mut self) -> Result<Tree> {
        let length = number_length(&self.text.as_bytes()[self.at..]);
        if length == 0 {
            return Err(self.bad("not a number"));
        }
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        Ok(Tree::Number(Number(text.into())))
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
                .ok_or_else(|| self.bad("a string has no end"))?;
            // Invariant: the found byte is ASCII, so both ends lie between characters.
            out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(out);
                }
                b'\\' => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.push(c);
                }
                _ => return Err(self.bad("a control character in a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let byte = self.peek().ok_or_else(|| self.bad("a string has no end"))?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = match first {
                    0xd800..=0xdbff if self.take("\\u") => {
                        let second = self.hex4()?;
                        if !(0xdc00..=0xdfff).contains(&second) {
                            return Err(self.bad("half of a surrogate pair"));
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    code => code,
                };
                char::from_u32(code).ok_or_else(|| self.bad("half of a surrogate pair"))?
            }
            _ => return Err(self.bad("an unknown escape")),
        })
    }

    fn hex4(&mut self) -> Result<u32> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at..self.at + 4)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .ok_or_else(|| self.bad("four hexadecimal digits are expected"))?;
        let code = digits.iter().fold(0, |code, digit| {
            code * 16 + char::from(*digit).to_digit(16).unwrap_or_default()
        });
        self.at += 4;
        Ok(code)
    }
}

/// How many bytes of the beginning are a JSON number; 0 if none is.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| {
        bytes[from.min(bytes.len())..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match bytes.get(at) {
        Some(b'0') => 1,
        Some(b'1'..=b'9') => digits(at),
        _ => return 0,
    };
    if bytes.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return 0,
            count => at += 1 + count,
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return 0,
            count => at += 1 + sign + count,
        }
    }
    at
}
