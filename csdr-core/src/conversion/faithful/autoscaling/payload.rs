//! What stands inside the annotations: JSON as Go's encoder writes the server's own types, letter by letter.
//!
//! Go writes fields in the order of the type, leaves the optional ones out, writes zeros for the others, escapes `<`, `>` and `&`;
//! it reads keys in any case of letters, and refuses a value of another type. Fields that a type does not have are kept, last.

mod types;

use super::quantity;
use crate::model::{Tree, TreeMap};
use std::fmt::Write as _;

pub(super) use types::{BEHAVIOR, CONDITION, CURRENT_METRIC, METRIC};

/// A type of Go.
pub(super) enum Shape {
    Text,
    Integer,
    Quantity,
    Time,
    Struct(&'static [Field]),
    List(&'static Shape),
    /// A map of strings, written in the order of its keys.
    Texts,
}

/// A field of a struct.
pub(super) struct Field {
    /// In the annotation.
    name: &'static str,
    /// In the object.
    key: &'static str,
    shape: Shape,
    absent: Absent,
}

/// What Go writes where nothing stands.
enum Absent {
    Nothing,
    Null,
    Zero,
}

/// Reads an annotation, or `None` where Go would answer an error.
pub(super) fn read(text: &str, shape: &Shape) -> Option<Tree> {
    decode(Tree::parse(text.as_bytes()).ok()?, shape)
}

/// Reads a list.
pub(super) fn read_list(text: &str, items: &Shape) -> Option<Vec<Tree>> {
    decode_list(Tree::parse(text.as_bytes()).ok()?, items)
}

fn decode_list(tree: Tree, items: &Shape) -> Option<Vec<Tree>> {
    match tree {
        Tree::Null => Some(Vec::new()),
        Tree::Array(list) => list.into_iter().map(|item| decode(item, items)).collect(),
        _ => None,
    }
}

fn decode(tree: Tree, shape: &Shape) -> Option<Tree> {
    let fits = match (shape, &tree) {
        (Shape::Struct(fields), Tree::Object(_) | Tree::Null) => {
            return decode_struct(tree, fields);
        }
        (Shape::List(items), _) => return Some(decode_list(tree, items)?.into()),
        (_, Tree::Null) => true,
        (Shape::Text, Tree::String(_)) => true,
        (Shape::Integer, Tree::Number(number)) => number
            .as_i64()
            .is_some_and(|value| i32::try_from(value).is_ok()),
        (Shape::Quantity, Tree::String(_) | Tree::Number(_)) => quantity_text(&tree).is_some(),
        (Shape::Time, Tree::String(text)) => is_time(text),
        (Shape::Texts, Tree::Object(members)) => members
            .values()
            .all(|value| value.is_null() || value.as_str().is_some()),
        _ => false,
    };
    fits.then_some(tree)
}

fn decode_struct(tree: Tree, fields: &[Field]) -> Option<Tree> {
    let Tree::Object(members) = tree else {
        return Some(Tree::object());
    };
    let mut decoded = TreeMap::default();
    for (key, value) in members {
        let exact = fields.iter().find(|field| field.name == key);
        let known = exact.or_else(|| {
            fields
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(&key))
        });
        match known {
            Some(_) if value.is_null() => {}
            Some(field) => {
                decoded.insert(field.key.to_owned(), decode(value, &field.shape)?);
            }
            None => {
                decoded.insert(key, value);
            }
        }
    }
    Some(Tree::Object(decoded))
}

/// RFC 3339, as far as digits and marks go.
fn is_time(text: &str) -> bool {
    let form = b"0000-00-00T00:00:00";
    let Some((start, rest)) = text.as_bytes().split_at_checked(form.len()) else {
        return false;
    };
    let like = start.iter().zip(form).all(|(is, form)| match form {
        b'0' => is.is_ascii_digit(),
        mark => is == mark,
    });
    let rest = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|is| is.is_ascii_digit()).count();
            fraction
                .get(digits..)
                .filter(|_| digits > 0)
                .unwrap_or_default()
        }
        rest => rest,
    };
    like && match rest {
        b"Z" => true,
        [b'+' | b'-', a, b, b':', c, d] => [a, b, c, d].iter().all(|is| is.is_ascii_digit()),
        _ => false,
    }
}

/// A quantity as the server writes it, whether it stands as a text or as a number.
pub(super) fn quantity_text(tree: &Tree) -> Option<String> {
    match tree {
        Tree::String(text) => quantity::canonical(text.trim()),
        Tree::Number(number) => quantity::canonical(number.as_str()),
        _ => None,
    }
}

/// Writes a value for an annotation.
pub(super) fn write(tree: &Tree, shape: &Shape) -> String {
    let mut text = String::new();
    encode(tree, Some(shape), &mut text);
    text
}

/// Writes a list for an annotation.
pub(super) fn write_list(items: &[Tree], shape: &Shape) -> String {
    let mut text = String::new();
    encode_list(items, Some(shape), &mut text);
    text
}

fn encode_list(items: &[Tree], shape: Option<&Shape>, text: &mut String) {
    text.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        match shape {
            // Go has no `null` among structs and texts.
            Some(shape) if item.is_null() => encode_zero(shape, text),
            shape => encode(item, shape, text),
        }
    }
    text.push(']');
}

/// Without a shape, or of another one, a value is written as it stands.
fn encode(tree: &Tree, shape: Option<&Shape>, text: &mut String) {
    match (shape, tree) {
        (Some(Shape::Struct(fields)), Tree::Object(members)) => {
            encode_struct(members, fields, text);
        }
        (Some(Shape::Quantity), Tree::String(_) | Tree::Number(_)) => match quantity_text(tree) {
            Some(canonical) => encode_text(&canonical, text),
            None => encode(tree, None, text),
        },
        (Some(Shape::Texts), Tree::Object(members)) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| *key);
            encode_members(sorted.into_iter(), text);
        }
        (Some(Shape::List(items)), Tree::Array(list)) => encode_list(list, Some(items), text),
        (_, Tree::Null) => text.push_str("null"),
        (_, Tree::Bool(value)) => text.push_str(if *value { "true" } else { "false" }),
        (_, Tree::Number(number)) => text.push_str(number.as_str()),
        (_, Tree::String(value)) => encode_text(value, text),
        (_, Tree::Array(items)) => encode_list(items, None, text),
        (_, Tree::Object(members)) => encode_members(members.iter(), text),
    }
}

fn encode_members<'a>(members: impl Iterator<Item = (&'a str, &'a Tree)>, text: &mut String) {
    text.push('{');
    for (at, (key, value)) in members.enumerate() {
        if at > 0 {
            text.push(',');
        }
        encode_text(key, text);
        text.push(':');
        encode(value, None, text);
    }
    text.push('}');
}

fn encode_struct(members: &TreeMap, fields: &[Field], text: &mut String) {
    text.push('{');
    let mut first = true;
    let mut name = |name: &str, text: &mut String| {
        if !first {
            text.push(',');
        }
        first = false;
        encode_text(name, text);
        text.push(':');
    };
    for field in fields {
        let value = members.get(field.key).filter(|value| !value.is_null());
        match (value, &field.absent) {
            (Some(value), absent) => {
                if !(matches!(absent, Absent::Nothing) && left_out(value, &field.shape)) {
                    name(field.name, text);
                    encode(value, Some(&field.shape), text);
                }
            }
            (None, Absent::Nothing) => {}
            (None, Absent::Null) => {
                name(field.name, text);
                text.push_str("null");
            }
            (None, Absent::Zero) => {
                name(field.name, text);
                encode_zero(&field.shape, text);
            }
        }
    }
    for (key, value) in members {
        if !fields.iter().any(|field| field.key == key) && !value.is_null() {
            name(key, text);
            encode(value, None, text);
        }
    }
    text.push('}');
}

/// Go leaves an optional text, list or map that holds nothing out, and writes an empty struct.
fn left_out(value: &Tree, shape: &Shape) -> bool {
    match value {
        Tree::String(text) => text.is_empty(),
        Tree::Array(items) => items.is_empty(),
        Tree::Object(members) => matches!(shape, Shape::Texts) && members.is_empty(),
        _ => false,
    }
}

fn encode_zero(shape: &Shape, text: &mut String) {
    match shape {
        Shape::Text => text.push_str("\"\""),
        Shape::Integer => text.push('0'),
        Shape::Quantity => text.push_str("\"0\""),
        Shape::Struct(fields) => encode_struct(&TreeMap::default(), fields, text),
        Shape::Time | Shape::List(_) | Shape::Texts => text.push_str("null"),
    }
}

/// As Go's encoder escapes, which has HTML in mind.
fn encode_text(value: &str, text: &mut String) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing into a String cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::{BEHAVIOR, CONDITION, METRIC, Shape, read, read_list, write, write_list};
    use crate::model::Tree;

    fn tree(text: &str) -> Tree {
        Tree::parse(text.as_bytes()).unwrap()
    }

    /// Source: encoding/json, for the types of pkg/apis/autoscaling and api/autoscaling/v1.
    #[test]
    fn payloads_are_written_as_go_does() {
        let metrics = tree(
            r#"[{"resource":{"targetAverageValue":"0.5","name":"<cpu>"},"type":"Resource"},
            {"type":"Object","object":{"selector":{"matchLabels":{"b":"2","a":"1"},"matchExpressions":[{"operator":"Exists","key":"k","values":[]}]}}},
            {"type":"Pods","pods":{"selector":{},"extra":[1e3,true,null]}}]"#,
        );
        assert_eq!(
            write_list(metrics.as_array().unwrap(), &Shape::Struct(&METRIC)),
            concat!(
                r#"[{"type":"Resource","resource":{"name":"\u003ccpu\u003e","targetAverageValue":"500m"}},"#,
                r#"{"type":"Object","object":{"target":{"kind":"","name":""},"metricName":"","targetValue":"0","selector":{"matchLabels":{"a":"1","b":"2"},"matchExpressions":[{"key":"k","operator":"Exists"}]}}},"#,
                r#"{"type":"Pods","pods":{"metricName":"","targetAverageValue":"0","selector":{},"extra":[1e3,true,null]}}]"#
            )
        );
        let behavior =
            tree(r#"{"scaleUp":{"policies":[{"type":"Pods"}]},"scaleDown":{"policies":[]}}"#);
        assert_eq!(
            write(&behavior, &Shape::Struct(&BEHAVIOR)),
            concat!(
                r#"{"ScaleUp":{"StabilizationWindowSeconds":null,"SelectPolicy":null,"Policies":[{"Type":"Pods","Value":0,"PeriodSeconds":0}],"Tolerance":null},"#,
                r#""ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":null,"Policies":[],"Tolerance":null}}"#
            )
        );
        let conditions =
            tree("[{\"type\":\"A\",\"status\":\"True\",\"message\":\"a&b\\n\\u0001\\b\\\"\"}]");
        assert_eq!(
            write_list(conditions.as_array().unwrap(), &Shape::Struct(&CONDITION)),
            "[{\"type\":\"A\",\"status\":\"True\",\"lastTransitionTime\":null,\"message\":\"a\\u0026b\\n\\u0001\\b\\\"\"}]"
        );
    }

    #[test]
    fn payloads_are_read_as_go_does() {
        let behavior = r#"{"scaleup":{"SELECTPOLICY":"Max","Policies":[{"Value":4}],"Tolerance":null},"ScaleDown":null,"own":1}"#;
        assert_eq!(
            read(behavior, &Shape::Struct(&BEHAVIOR)).unwrap(),
            tree(r#"{"scaleUp":{"selectPolicy":"Max","policies":[{"value":4}]},"own":1}"#)
        );
        for wrong in [
            "",
            "[]",
            "{",
            r#"{"ScaleUp":7}"#,
            r#"{"ScaleUp":{"StabilizationWindowSeconds":1.5}}"#,
            r#"{"ScaleUp":{"StabilizationWindowSeconds":2147483648}}"#,
            r#"{"ScaleUp":{"Tolerance":"x"}}"#,
            r#"{"ScaleUp":{"Policies":{}}}"#,
        ] {
            assert_eq!(read(wrong, &Shape::Struct(&BEHAVIOR)), None, "{wrong}");
        }
        let condition = |time: &str| {
            let text = format!(r#"[{{"type":"A","lastTransitionTime":"{time}"}}]"#);
            read_list(&text, &Shape::Struct(&CONDITION)).is_some()
        };
        for time in [
            "2021-01-01T00:00:00Z",
            "2021-01-01T00:00:00.5Z",
            "2021-01-01T00:00:00+02:00",
        ] {
            assert!(condition(time), "{time}");
        }
        for time in [
            "",
            "2021-01-01",
            "2021-01-01T00:00:00",
            "2021-01-01T00:00:00.Z",
            "2021-01-01 00:00:00Z",
        ] {
            assert!(!condition(time), "{time}");
        }
    }
}
