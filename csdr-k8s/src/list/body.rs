//! A list's body, cut into its items without parsing them.
//!
//! The frame is read by a scanner that only balances brackets and quotes, so that it works on the part of a body that has
//! arrived; every item is then parsed whole by `Object::from_list_item`, which refuses what is not JSON.

use crate::error::malformed;
use csdr_core::{Error, Result};
use memchr::memchr2;
use serde::Deserialize;

/// `meta/v1 ListMeta`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMeta {
    #[serde(rename = "continue")]
    pub(super) next: Option<String>,
    pub(super) remaining_item_count: Option<u64>,
    pub(super) resource_version: Option<String>,
}

impl ListMeta {
    /// The token of the next page.
    pub(super) fn token(&self) -> Option<&str> {
        self.next.as_deref().filter(|token| !token.is_empty())
    }
}

/// A whole body.
#[derive(Debug, Default)]
pub(super) struct ListBody<'a> {
    /// `apiVersion`, empty if there is none.
    pub(super) api_version: String,
    /// `kind`, empty if there is none.
    pub(super) kind: String,
    pub(super) meta: ListMeta,
    pub(super) items: Vec<&'a [u8]>,
}

/// What the beginning of a body tells of the next page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Too little has arrived.
    More,
    /// The metadata.
    Meta(ListMeta),
    /// The items come first, as in lists of custom resources: only the whole body tells.
    Items,
}

/// Looks for the metadata in the part of a body that has arrived.
pub(super) fn head(part: &[u8]) -> Head {
    let mut at = match open(part, 0, b'{') {
        Some(at) => at,
        None if part.len() < 1024 => return Head::More,
        None => return Head::Items,
    };
    loop {
        let Some((key, value)) = key(part, at) else {
            return Head::More;
        };
        if key == br#""items""# {
            return Head::Items;
        }
        let Some(end) = value_end(part, value) else {
            return Head::More;
        };
        if key == br#""metadata""# {
            return match serde_json::from_slice(&part[value..end]) {
                Ok(meta) => Head::Meta(meta),
                Err(_) => Head::Items,
            };
        }
        at = match separator(part, end) {
            Some((b',', at)) => at,
            Some(_) => return Head::Items,
            None => return Head::More,
        };
    }
}

/// Cuts a whole body.
///
/// # Errors
/// `Corrupt` if it is cut off or is not a list.
pub(super) fn split(body: &[u8]) -> Result<ListBody<'_>> {
    let mut list = ListBody::default();
    let mut seen_items = false;
    let mut at = open(body, 0, b'{').ok_or_else(unlike)?;
    if let Some(end) = open(body, at, b'}') {
        return closed(body, end).and(Err(unlike()));
    }
    loop {
        let (key, value) = key(body, at).ok_or_else(cut)?;
        let end = if key == br#""items""# {
            seen_items = true;
            split_items(body, value, &mut list.items)?
        } else {
            value_end(body, value).ok_or_else(cut)?
        };
        let text = &body[value..end];
        let parsed = match key {
            br#""metadata""# => serde_json::from_slice(text).map(|meta| list.meta = meta),
            br#""apiVersion""# => serde_json::from_slice(text).map(|text| list.api_version = text),
            br#""kind""# => serde_json::from_slice(text).map(|text| list.kind = text),
            _ => Ok(()),
        };
        parsed.map_err(|error| unlike().with_source(error))?;
        at = match separator(body, end).ok_or_else(cut)? {
            (b',', at) => at,
            (b'}', at) => {
                closed(body, at)?;
                break;
            }
            _ => return Err(unlike()),
        };
    }
    // Every list has them, if only as null; what has none is some other document.
    if !seen_items {
        return Err(unlike());
    }
    Ok(list)
}

/// Cuts the array at `at` and answers its end.
fn split_items<'a>(body: &'a [u8], at: usize, items: &mut Vec<&'a [u8]>) -> Result<usize> {
    items.clear();
    if body[at..].starts_with(b"null") {
        return Ok(at + 4);
    }
    let mut at = open(body, at, b'[').ok_or_else(unlike)?;
    if let Some(end) = open(body, at, b']') {
        return Ok(end);
    }
    loop {
        let start = blank(body, at);
        let end = value_end(body, start).ok_or_else(cut)?;
        items.push(&body[start..end]);
        match separator(body, end).ok_or_else(cut)? {
            (b',', next) => at = next,
            (b']', end) => return Ok(end),
            _ => return Err(unlike()),
        }
    }
}

fn cut() -> Error {
    malformed("to a list request is cut off")
}

fn unlike() -> Error {
    malformed("to a list request is not a list")
}

/// Nothing but blanks may follow.
fn closed(body: &[u8], at: usize) -> Result<()> {
    if blank(body, at) == body.len() {
        Ok(())
    } else {
        Err(malformed("to a list request goes on behind its end"))
    }
}

fn blank(text: &[u8], at: usize) -> usize {
    let rest = &text[at..];
    let length = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    at + length.unwrap_or(rest.len())
}

/// The place behind `byte`, if that comes next.
fn open(text: &[u8], at: usize, byte: u8) -> Option<usize> {
    let at = blank(text, at);
    (text.get(at) == Some(&byte)).then_some(at + 1)
}

/// The next byte that is not blank, and the place behind it.
fn separator(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let at = blank(text, at);
    Some((*text.get(at)?, at + 1))
}

/// A key with its quotes, and the place where its value begins; `None` if they are not all there.
fn key(text: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let start = blank(text, at);
    if text.get(start) != Some(&b'"') {
        return None;
    }
    let end = string_end(text, start + 1)?;
    let value = blank(text, open(text, end, b':')?);
    (value < text.len()).then_some((&text[start..end], value))
}

/// The place behind the closing quote of a string whose content begins at `at`.
fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[found] == b'"' {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// The place behind the value that begins at `at`; `None` if it is not all there.
fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string_end(text, at + 1),
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut at = at;
            loop {
                match text.get(at)? {
                    b'"' => {
                        at = string_end(text, at + 1)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        // A number or word: it is whole only when something follows.
        _ => {
            let length = text[at..].iter().position(|byte| {
                matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')
            })?;
            (length > 0).then_some(at + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"t\"]k","remainingItemCount":3},"items":[{"a":"}]\\"},{"b":[1,{}]}]}"#;
    const AFTER: &str = r#" { "apiVersion" : "x/v1" , "items" : [ {"a":1} , 18446744073709551617 ] , "kind":"XList", "metadata":{"continue":"","resourceVersion":"7"} } "#;

    #[test]
    fn items_keep_their_bytes() {
        let list = split(BEFORE.as_bytes()).unwrap();
        assert_eq!(
            list.items,
            [br#"{"a":"}]\\"}"#.as_slice(), br#"{"b":[1,{}]}"#]
        );
        assert_eq!((&*list.kind, &*list.api_version), ("ConfigMapList", "v1"));
        assert_eq!(list.meta.token(), Some("t\"]k"));
        assert_eq!(list.meta.remaining_item_count, Some(3));

        let list = split(AFTER.as_bytes()).unwrap();
        assert_eq!(
            list.items,
            [br#"{"a":1}"#.as_slice(), b"18446744073709551617"]
        );
        assert_eq!(list.meta.token(), None);
        assert_eq!(list.meta.resource_version.as_deref(), Some("7"));
    }

    #[test]
    fn no_items_and_null_items_are_none() {
        for items in ["[]", "[ ]", "null"] {
            let body = format!(r#"{{"items":{items},"metadata":{{}}}}"#);
            assert!(split(body.as_bytes()).unwrap().items.is_empty(), "{items}");
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        for body in [BEFORE, AFTER.trim_end()] {
            for end in 0..body.len() {
                assert!(split(&body.as_bytes()[..end]).is_err(), "{}", &body[..end]);
            }
        }
    }

    #[test]
    fn other_documents_are_refused() {
        for body in [
            "",
            "[]",
            "{}",
            "null",
            r#"{"kind":"Status"}"#,
            r#"{"items":{}}"#,
            r#"{"items":[]}x"#,
            r#"{"items":[],"metadata":3}"#,
        ] {
            assert!(split(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_head_is_found_as_soon_as_it_is_there_and_never_wrongly() {
        let whole = split(BEFORE.as_bytes()).unwrap().meta;
        let ready = BEFORE.find(r#","items""#).unwrap();
        for end in 0..BEFORE.len() {
            let expected = if end < ready {
                Head::More
            } else {
                Head::Meta(whole.clone())
            };
            assert_eq!(
                head(&BEFORE.as_bytes()[..end]),
                expected,
                "{}",
                &BEFORE[..end]
            );
        }
        assert_eq!(head(AFTER.as_bytes()), Head::Items);
    }
}
