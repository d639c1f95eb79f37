//! The value of a JSON patch, which Velero's format has as text.

use crate::{
    Error, Result,
    model::{Number, Tree},
};

/// What the text stands for. Source: velero.md section 3.8.
///
/// `null`, `true`, `false` and numbers of JSON are those; what begins with `{` or `[` is JSON; what stands in double quotes is a string
/// of JSON, whatever is in it; everything else is the text itself.
pub(super) fn value(text: &str) -> Result<Tree> {
    if text.len() > 1 && text.starts_with('"') && text.ends_with('"') {
        return Tree::parse(text.as_bytes()).map_err(|_| {
            Error::invalid("a value in double quotes is a string of JSON: write `\\\"` and `\\\\` for a quote and a backslash inside")
        });
    }
    if text.starts_with(['{', '[']) {
        return Tree::parse(text.as_bytes()).map_err(|_| {
            Error::invalid("a value that begins with `{` or `[` is JSON, and this is none; put it into double quotes to have it as text")
        });
    }
    if let Ok(number) = Number::parse(text) {
        return Ok(Tree::Number(number));
    }
    Ok(match text.to_ascii_lowercase().as_str() {
        "true" => Tree::Bool(true),
        "false" => Tree::Bool(false),
        _ if text == "null" => Tree::Null,
        _ => Tree::from(text),
    })
}

/// The text that [`value`] reads as this.
pub(crate) fn text(value: &Tree) -> String {
    match value {
        Tree::String(plain) if self::value(plain).is_ok_and(|read| read == *value) => plain.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_3_8_values_are_text() {
        for (written, json) in [
            ("premium", r#""premium""#),
            ("", r#""""#),
            ("null", "null"),
            ("Null", r#""Null""#),
            ("true", "true"),
            ("FALSE", "false"),
            ("2", "2"),
            ("-1.50e3", "-1.50e3"),
            ("18446744073709551617", "18446744073709551617"),
            // Go's ParseFloat takes these, JSON does not.
            ("007", r#""007""#),
            ("+1", r#""+1""#),
            (".5", r#"".5""#),
            ("NaN", r#""NaN""#),
            ("0x10", r#""0x10""#),
            ("\"1\"", r#""1""#),
            ("\"true\"", r#""true""#),
            ("\"\"", r#""""#),
            ("\"a\\nb\"", r#""a\nb""#),
            ("\"", r#""\"""#),
            ("say \"hi\"", r#""say \"hi\"""#),
            ("C:\\new", r#""C:\\new""#),
            ("two\nlines", r#""two\nlines""#),
            (r#"{"a":1.0}"#, r#"{"a":1.0}"#),
            ("[1,2]", "[1,2]"),
        ] {
            let read = value(written).unwrap();
            assert_eq!(read.to_string(), json, "{written}");
            assert_eq!(value(&text(&read)).unwrap(), read, "{written}");
        }
        for bad in [
            "{{ template }}",
            "[a-z]",
            "\"a\" and \"b\"",
            "\"C:\\dir\"",
            "{\"a\":1",
        ] {
            let error = value(bad).unwrap_err();
            assert!(!error.chain().contains("template"), "{error}");
        }
    }
}
