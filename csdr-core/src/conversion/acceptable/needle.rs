//! Which objects a mend may concern, told from their bytes: what is not concerned is never parsed.
//!
//! A needle is a text that occurs in every object that its rule concerns. Every needle begins with a quote, and most are whole keys:
//! one pass goes from quote to quote, and looks closer where the next three letters begin a needle of the kind. A needle may look at the value that follows a key, so that `"nameservers":["10.0.0.10"]` costs nothing and `"nameservers":["010.0.0.10"]`
//! has its Pod parsed. Keys whose letters are written as `\u…` are not found; no encoder writes them so.

use std::collections::BTreeMap;

/// What a rule looks for, and for which targets.
#[derive(Clone, Copy, Debug)]
pub(in crate::conversion) struct Needle {
    find: Find,
    /// The first minor of Kubernetes 1 that the rule is for.
    since: u32,
    /// The first minor that it is not for any more.
    until: u32,
}

#[derive(Clone, Copy, Debug)]
enum Find {
    /// A string, key or value, that begins so.
    Text(&'static str),
    /// A key whose value passes a test. The test sees the bytes from the value on, to the end of the object.
    Value(&'static str, fn(&[u8]) -> bool),
    /// Both keys or strings occur.
    Both(&'static str, &'static str),
    /// The first key occurs and the second one does not.
    Without(&'static str, &'static str),
    /// Anything but a text.
    Probe(fn(&[u8]) -> bool),
}

/// A string that begins with `text`, anywhere.
pub(super) const fn text(text: &'static str) -> Needle {
    Needle::new(Find::Text(text))
}

/// A key whose value passes `test`.
pub(super) const fn value(key: &'static str, test: fn(&[u8]) -> bool) -> Needle {
    Needle::new(Find::Value(key, test))
}

/// Two strings that must both occur.
pub(super) const fn both(one: &'static str, other: &'static str) -> Needle {
    Needle::new(Find::Both(one, other))
}

/// A string that occurs without another one.
pub(super) const fn without(one: &'static str, other: &'static str) -> Needle {
    Needle::new(Find::Without(one, other))
}

/// A test of the whole object.
pub(super) const fn probe(test: fn(&[u8]) -> bool) -> Needle {
    Needle::new(Find::Probe(test))
}

impl Needle {
    const fn new(find: Find) -> Self {
        Self {
            find,
            since: 0,
            until: u32::MAX,
        }
    }

    /// Only for targets from this minor on.
    pub(super) const fn since(mut self, minor: u32) -> Self {
        self.since = minor;
        self
    }

    /// Only for targets below this minor.
    pub(super) const fn below(mut self, minor: u32) -> Self {
        self.until = minor;
        self
    }

    fn is_for(&self, minor: u32) -> bool {
        (self.since..self.until).contains(&minor)
    }
}

/// Who wrote which field, as servers write it behind the quote of the key.
const MANAGED: &[u8] = b"managedFields\":[";

/// All needles of one kind for one target.
#[derive(Debug)]
pub(super) struct Finder {
    /// One bit for each hash of three letters with which a needle begins.
    beginnings: [u64; 64],
    /// The needles that begin with three letters, without their quote, and what each means.
    needles: BTreeMap<[u8; 3], Vec<(Box<str>, Meaning)>>,
    /// `(one, other, must the other occur)`, as bits of `Meaning::Seen`.
    pairs: Vec<(u64, u64, bool)>,
    probes: Vec<fn(&[u8]) -> bool>,
    /// A rule that cannot say what it looks for.
    always: bool,
}

#[derive(Clone, Copy, Debug)]
enum Meaning {
    Concerned,
    Test(fn(&[u8]) -> bool),
    Seen(u64),
}

/// Word and bit of three letters.
fn place(letters: [u8; 3]) -> (usize, u64) {
    let [one, two, three] = letters;
    let hash = u32::from_le_bytes([one, two, three, 0]).wrapping_mul(0x9E37_79B1) >> 20;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Finder {
    /// Of the needles that are for this minor.
    pub(super) fn new<'a>(
        needles: impl Iterator<Item = &'a Needle>,
        always: bool,
        minor: u32,
    ) -> Self {
        let mut finder = Self {
            beginnings: [0; 64],
            needles: BTreeMap::new(),
            pairs: Vec::new(),
            probes: Vec::new(),
            always,
        };
        let (word, bit) = place(*b"man");
        if let Some(word) = finder.beginnings.get_mut(word) {
            *word |= bit;
        }
        let mut bits = 0u32;
        for needle in needles.filter(|needle| needle.is_for(minor)) {
            match needle.find {
                Find::Text(text) => finder.add(text.to_owned(), Meaning::Concerned),
                Find::Value(key, test) => finder.add(format!("{key}\""), Meaning::Test(test)),
                Find::Both(one, other) | Find::Without(one, other) => {
                    // More than 32 pairs of one kind would need more bits: then every object is concerned.
                    let (Some(first), Some(second)) =
                        (1u64.checked_shl(bits), 1u64.checked_shl(bits + 1))
                    else {
                        finder.always = true;
                        continue;
                    };
                    bits += 2;
                    finder.add(format!("{one}\""), Meaning::Seen(first));
                    finder.add(format!("{other}\""), Meaning::Seen(second));
                    let with = matches!(needle.find, Find::Both(..));
                    finder.pairs.push((first, second, with));
                }
                Find::Probe(test) => finder.probes.push(test),
            }
        }
        finder
    }

    fn add(&mut self, text: String, meaning: Meaning) {
        let Some(letters) = text.as_bytes().first_chunk::<3>().copied() else {
            // Too short to be told by its beginning.
            self.always = true;
            return;
        };
        let (word, bit) = place(letters);
        if let Some(word) = self.beginnings.get_mut(word) {
            *word |= bit;
        }
        let needles = self.needles.entry(letters).or_default();
        needles.push((text.into(), meaning));
    }

    /// Whether a rule may concern the object.
    pub(super) fn concerns(&self, json: &[u8]) -> bool {
        if self.always || self.probes.iter().any(|probe| probe(json)) {
            return true;
        }
        if self.needles.is_empty() {
            return false;
        }
        let mut seen = 0;
        let mut json = json;
        while let Some(quote) = memchr::memchr(b'"', json) {
            let rest = json.get(quote + 1..).unwrap_or_default();
            json = rest;
            let Some(letters) = rest.first_chunk::<3>() else {
                continue;
            };
            let (word, bit) = place(*letters);
            let begins = self
                .beginnings
                .get(word)
                .is_some_and(|word| word & bit != 0);
            if !begins {
                continue;
            }
            if let Some(entries) = rest.strip_prefix(MANAGED) {
                // No rule looks into it, and half of the quotes of many an object stand in it. Its end may come later, behind a
                // bracket in a text, but not earlier.
                let end = memchr::memchr(b']', entries).unwrap_or_default();
                json = entries.get(end..).unwrap_or_default();
            } else if self.looks_closer(*letters, rest, &mut seen) {
                return true;
            }
        }
        self.pairs
            .iter()
            .any(|(one, other, with)| seen & one != 0 && (seen & other != 0) == *with)
    }

    /// Whether a needle stands at the beginning of `rest` and says so.
    fn looks_closer(&self, letters: [u8; 3], rest: &[u8], seen: &mut u64) -> bool {
        let needles = self.needles.get(&letters).map(Vec::as_slice);
        needles.unwrap_or_default().iter().any(|(text, meaning)| {
            let Some(after) = rest.strip_prefix(text.as_bytes()) else {
                return false;
            };
            match meaning {
                Meaning::Concerned => true,
                Meaning::Seen(bit) => {
                    *seen |= bit;
                    false
                }
                Meaning::Test(test) => value_of(after).is_some_and(test),
            }
        })
    }
}

/// What follows a key: the bytes after its colon. Nothing for a string that is no key.
fn value_of(rest: &[u8]) -> Option<&[u8]> {
    Some(
        rest.trim_ascii_start()
            .strip_prefix(b":")?
            .trim_ascii_start(),
    )
}

/// The bytes of a string up to its end quote, and what follows. A string with an escape is answered as `None`.
fn string(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let value = value.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', value)?;
    if value.get(end) == Some(&b'\\') {
        return None;
    }
    Some((value.get(..end)?, value.get(end + 1..)?))
}

/// Whether a value is a string that passes a test; a string with an escape passes.
pub(super) fn is_text(value: &[u8], test: fn(&[u8]) -> bool) -> bool {
    value.starts_with(b"\"") && string(value).is_none_or(|(text, _)| test(text))
}

/// Whether a value is a string that passes a test, or an array or an object of which one does. Keys are not looked at.
pub(super) fn any_text(value: &[u8], test: fn(&[u8]) -> bool) -> bool {
    let mut rest = value;
    let mut depth = 0usize;
    loop {
        let Some(next) = rest.first() else {
            return false;
        };
        match next {
            b'"' => {
                let Some((text, after)) = string(rest) else {
                    return true;
                };
                let is_key = after.trim_ascii_start().starts_with(b":");
                if !is_key && test(text) {
                    return true;
                }
                rest = after;
            }
            b'[' | b'{' => {
                depth += 1;
                rest = rest.get(1..).unwrap_or_default();
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => rest = rest.get(1..).unwrap_or_default(),
        }
        if depth == 0 {
            return false;
        }
    }
}

/// The bytes of an object or array up to its end; of anything else up to the next comma or bracket.
pub(super) fn extent(value: &[u8]) -> &[u8] {
    let mut at = 0;
    let mut depth = 0usize;
    while let Some(byte) = value.get(at) {
        match byte {
            b'"' => {
                at += 1;
                while let Some(byte) = value.get(at) {
                    match byte {
                        b'"' => break,
                        b'\\' => at += 2,
                        _ => at += 1,
                    }
                }
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return value.get(..=at).unwrap_or(value);
                }
            }
            b']' | b'}' | b',' if depth == 0 => return value.get(..at).unwrap_or(value),
            _ => {}
        }
        at += 1;
    }
    value
}

/// Whether a value is an array or an object without anything in it.
pub(super) fn is_empty(value: &[u8]) -> bool {
    let inside = extent(value);
    inside
        .strip_prefix(b"[")
        .or_else(|| inside.strip_prefix(b"{"))
        .is_some_and(|inside| inside.trim_ascii_start().len() <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needles_find_what_they_say() {
        const NEEDLES: &[Needle] = &[
            text("prefix/"),
            value("ip", |value| any_text(value, |text| text.starts_with(b"0"))),
            both("one", "two"),
            without("old", "new"),
            text("late").since(30),
            text("early").below(20),
        ];
        let finder = Finder::new(NEEDLES.iter(), false, 25);
        for (json, concerned) in [
            (r#"{"a":"b"}"#, false),
            (r#"{"prefix/x":""}"#, true),
            (r#"{"a":"prefix/x"}"#, true),
            (r#"{"a":"not prefix/x"}"#, false),
            (r#"{"ip":"10.0.0.1"}"#, false),
            (r#"{"ip":"010.0.0.1"}"#, true),
            (r#"{"ip" : [ "10.0.0.1", "010.0.0.1" ]}"#, true),
            (r#"{"ip":["10.0.0.1"],"other":"0"}"#, false),
            (r#"{"ip":{"0":{"x":"1"}},"other":"0"}"#, false),
            (r#"{"ip":{"0":{"x":"01"}}}"#, true),
            (r#"{"a":"ip"}"#, false),
            (r#"{"one":1}"#, false),
            (r#"{"one":1,"two":2}"#, true),
            (r#"{"old":1,"new":2}"#, false),
            (r#"{"old":1}"#, true),
            (r#"{"late":1,"early":2}"#, false),
            // Nothing is looked for in managedFields; behind them it is.
            (r#"{"managedFields":[{"ip":"010.0.0.1"}]}"#, false),
            (r#"{"managedFields":[{}],"ip":"010.0.0.1"}"#, true),
            (r#"{"managedFields":["]"],"ip":"010.0.0.1"}"#, true),
            (r#"{"managedFields":{"ip":"010.0.0.1"}}"#, true),
            // An applied configuration in an annotation is a string: its keys are escaped.
            (r#"{"a":"{\"ip\":\"010.0.0.1\"}"}"#, false),
        ] {
            assert_eq!(finder.concerns(json.as_bytes()), concerned, "{json}");
        }
        assert!(Finder::new(NEEDLES.iter(), false, 30).concerns(br#"{"late":1}"#));
        assert!(Finder::new(NEEDLES.iter(), false, 19).concerns(br#"{"early":1}"#));
        assert!(Finder::new([].iter(), true, 19).concerns(b"{}"));
    }

    #[test]
    fn values_end_where_they_end() {
        for (value, end) in [
            (r#"{"a":"}"},1"#, r#"{"a":"}"}"#),
            (r#"["\"]",[]],1"#, r#"["\"]",[]]"#),
            ("12,3", "12"),
            ("12}", "12"),
            (r#""a,b",1"#, r#""a,b""#),
            (r#"{"a"#, r#"{"a"#),
            (r#""a\"#, r#""a\"#),
            ("", ""),
        ] {
            assert_eq!(extent(value.as_bytes()), end.as_bytes(), "{value}");
        }
        assert!(is_empty(b"{ }") && is_empty(b"[],") && !is_empty(b"{\"a\":1}") && !is_empty(b"1"));
    }
}
