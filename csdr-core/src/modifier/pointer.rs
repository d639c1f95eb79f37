//! JSON pointers (RFC 6901).

use crate::{Error, Result, model::Tree};

/// Longest pointer that is taken, in bytes.
const LENGTH: usize = 4096;

/// A place in a tree, read from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    text: String,
    tokens: Vec<String>,
}

impl Pointer {
    /// Reads `/spec/ports/0`: tokens behind slashes, `~1` for a slash in one, `~0` for a tilde.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let bad = |message: &str| Err(Error::invalid(message));
        if text.is_empty() {
            return bad("a path must not be empty");
        }
        if text.len() > LENGTH {
            return bad("a path is longer than 4096 bytes");
        }
        let Some(rest) = text.strip_prefix('/') else {
            return bad("a path begins with a slash");
        };
        let mut tokens = Vec::new();
        for token in rest.split('/') {
            let mut read = String::with_capacity(token.len());
            let mut chars = token.chars();
            while let Some(c) = chars.next() {
                match c {
                    '~' => match chars.next() {
                        Some('0') => read.push('~'),
                        Some('1') => read.push('/'),
                        _ => return bad("in a path, `~` is written `~0`, and `/` in a key `~1`"),
                    },
                    c => read.push(c),
                }
            }
            tokens.push(read);
        }
        Ok(Self {
            text: text.to_owned(),
            tokens,
        })
    }

    /// The pointer to a path of keys.
    pub(crate) fn of<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Self {
        let tokens: Vec<String> = tokens.into_iter().map(str::to_owned).collect();
        let mut text = String::new();
        for token in &tokens {
            text.push('/');
            text.push_str(&token.replace('~', "~0").replace('/', "~1"));
        }
        Self { text, tokens }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The value there; items of arrays are found by their number. `null` is a value.
    pub(crate) fn get<'a>(&self, tree: &'a Tree) -> Option<&'a Tree> {
        self.tokens.iter().try_fold(tree, |tree, token| match tree {
            Tree::Object(map) => map.get(token.as_str()),
            Tree::Array(items) => items.get(index(token)?),
            _ => None,
        })
    }

    /// Whether something other than `null` stands there.
    pub(crate) fn is_in(&self, tree: &Tree) -> bool {
        self.get(tree).is_some_and(|value| !value.is_null())
    }
}

/// The number that a token is: digits without a leading zero. Source: RFC 6901 section 4.
pub(super) fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || token.len() > 1 && token.starts_with('0') {
        return None;
    }
    token.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6901_section_5() {
        let tree = Tree::parse(br#"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#).unwrap();
        for (pointer, value) in [
            ("/foo", r#"["bar","baz"]"#),
            ("/foo/0", r#""bar""#),
            ("/", "0"),
            ("/a~1b", "1"),
            ("/c%d", "2"),
            ("/e^f", "3"),
            ("/g|h", "4"),
            ("/i\\j", "5"),
            ("/k\"l", "6"),
            ("/ ", "7"),
            ("/m~0n", "8"),
        ] {
            let parsed = Pointer::parse(pointer).unwrap();
            assert_eq!(parsed.get(&tree).unwrap().to_string(), value, "{pointer}");
            let again = Pointer::of(parsed.tokens().iter().map(String::as_str));
            assert_eq!(again, parsed);
        }
        for absent in ["/foo/2", "/foo/01", "/foo/-", "/foo/-1", "/foo/0/x", "/x"] {
            assert_eq!(Pointer::parse(absent).unwrap().get(&tree), None, "{absent}");
        }
        for bad in ["", "foo", "/a~", "/a~2b", &"/x".repeat(3000)] {
            assert!(Pointer::parse(bad).is_err(), "{bad}");
        }
    }
}
