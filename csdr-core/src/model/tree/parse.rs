//! The reader: strict RFC 8259, bounded in bytes, depth and values.

use super::{Number, Tree, TreeMap, key::Key, scratch, text};
use crate::{Error, Result};
use std::cell::Cell;

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
    read(json, limits, None).map(|(tree, _)| tree)
}

pub(super) fn without_managed_fields(json: &[u8], limits: &TreeLimits) -> Result<(Tree, bool)> {
    read(json, limits, limits.depth.checked_sub(METADATA))
}

thread_local! {
    /// Room for open members: most objects need as much as the one before.
    static OPEN: Cell<Vec<Open>> = const { Cell::new(Vec::new()) };
}

/// Open members for which the room is kept.
const KEPT: usize = 1024;

/// The level of the members of `metadata`.
const METADATA: usize = 2;

/// `managed` is the depth at which `managedFields` are passed over.
fn read(json: &[u8], limits: &TreeLimits, managed: Option<usize>) -> Result<(Tree, bool)> {
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
        open: OPEN.try_with(Cell::take).unwrap_or_default(),
        managed,
        in_metadata: false,
        passed_over: false,
    };
    let tree = reader.whole(limits.depth);
    let mut open = reader.open;
    open.clear();
    if open.capacity() <= KEPT {
        // While a thread ends there is nothing to keep it for.
        let _ = OPEN.try_with(|kept| kept.set(open));
    }
    Ok((tree?, reader.passed_over))
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && number_length(text.as_bytes()) == text.len()
}

/// A member of an object that is not read to its end yet, and the place of its key.
type Open = (usize, Key, Tree);

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: usize,
    /// A map is made in its size when all its members are known.
    open: Vec<Open>,
    /// The depth at which `managedFields` are passed over.
    managed: Option<usize>,
    in_metadata: bool,
    passed_over: bool,
}

impl<'a> Reader<'a> {
    #[cold]
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

    fn eat(&mut self, expected: u8) -> bool {
        let there = self.peek() == Some(expected);
        self.at += usize::from(there);
        there
    }

    fn take(&mut self, expected: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let there = rest.starts_with(expected.as_bytes());
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

    fn whole(&mut self, depth: usize) -> Result<Tree> {
        let tree = self.value(depth)?;
        self.space();
        if self.at == self.text.len() {
            Ok(tree)
        } else {
            Err(self.bad("something follows the JSON value"))
        }
    }

    fn value(&mut self, depth: usize) -> Result<Tree> {
        self.count()?;
        self.space();
        match self.peek() {
            Some(b'{') => self.members(self.deeper(depth)?),
            Some(b'[') => self.items(self.deeper(depth)?),
            Some(b'"') => self.string::<String>().map(Tree::String),
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
        self.space();
        if self.eat(b'}') {
            return Ok(Tree::Object(TreeMap::default()));
        }
        let first = self.open.len();
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.bad("a key is expected"));
            }
            self.count()?;
            let place = self.at;
            let key: Key = self.string()?;
            self.space();
            if !self.eat(b':') {
                return Err(self.bad("`:` is expected"));
            }
            if !self.passes_over(key.as_str(), depth)? {
                let value = self.value(depth)?;
                self.open.push((place, key, value));
            }
            self.space();
            if self.eat(b'}') {
                return self.close(first);
            }
            if !self.eat(b',') {
                return Err(self.bad("`,` or `}` is expected"));
            }
        }
    }

    /// The object whose members are open from `first` on.
    fn close(&mut self, first: usize) -> Result<Tree> {
        let mut last = self.at;
        let members = self.open.drain(first..).map(|(place, key, value)| {
            last = place;
            (key, value)
        });
        if let Some(map) = TreeMap::of_members(members) {
            return Ok(Tree::Object(map));
        }
        // Which of two equal keys counts is up to each reader: such a text has no one meaning.
        self.at = last;
        Err(self.bad("a key comes twice"))
    }

    /// Passes over the value of `metadata.managedFields`, where that is asked for.
    fn passes_over(&mut self, key: &str, depth: usize) -> Result<bool> {
        let Some(managed) = self.managed else {
            return Ok(false);
        };
        if depth == managed + 1 {
            self.in_metadata = key == "metadata";
        }
        self.space();
        if !(depth == managed
            && self.in_metadata
            && key == "managedFields"
            && self.peek() == Some(b'['))
        {
            return Ok(false);
        }
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        // Invariant: whoever asks for it has had the bytes read as JSON before.
        let Some(behind) = text::behind_brackets(rest) else {
            return Err(self.bad("managedFields cannot be read"));
        };
        self.at = self.text.len() - behind.len();
        self.passed_over = true;
        Ok(true)
    }

    fn items(&mut self, depth: usize) -> Result<Tree> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.eat(b']') {
            return Ok(Tree::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.space();
            if self.eat(b']') {
                return Ok(Tree::Array(items));
            }
            if !self.eat(b',') {
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

    /// A string, made into what is kept of it.
    fn string<T: From<&'a str> + From<String>>(&mut self) -> Result<T> {
        self.at += 1;
        let rest = &self.text.as_bytes()[self.at..];
        // Nearly every text ends before its first escape: it is taken in one piece, in its size.
        let plain = text::plain(rest);
        if rest.get(plain) != Some(&b'"') {
            return self.string_with_escapes().map(T::from);
        }
        // Invariant: the found byte is ASCII, so both ends lie between characters.
        let text: &'a str = self.text;
        let piece = &text[self.at..self.at + plain];
        self.at += plain + 1;
        Ok(piece.into())
    }

    /// The bytes are copied eight at a time, of which as many count as come before the next escape: a text that holds JSON has one in
    /// every other word.
    fn string_with_escapes(&mut self) -> Result<String> {
        scratch::with(|out| {
            self.unescape(out)?;
            let text = std::str::from_utf8(out).map_err(|_| self.bad("not UTF-8"))?;
            Ok(text.to_owned())
        })
    }

    fn unescape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let (word, length) = match rest.first_chunk::<8>() {
                Some(word) => (*word, 8),
                None => {
                    let mut word = [0; 8];
                    word[..rest.len()].copy_from_slice(rest);
                    (word, rest.len())
                }
            };
            let plain = text::special(word).min(length);
            out.extend_from_slice(&word);
            out.truncate(out.len() - 8 + plain);
            self.at += plain;
            if plain == 8 {
                continue;
            }
            match bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match bytes.get(self.at) {
                        Some(byte @ (b'"' | b'\\' | b'/')) => {
                            self.at += 1;
                            out.push(*byte);
                        }
                        _ => {
                            let c = self.escape()?;
                            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                    }
                }
                Some(_) => return Err(self.bad("a control character in a string")),
                None => return Err(self.bad("a string has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let byte = self.peek().ok_or_else(|| self.bad("a string has no end"))?;
        self.at += 1;
        Ok(match byte {
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
