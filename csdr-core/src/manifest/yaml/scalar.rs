//! What a plain scalar means.

use super::number;
use crate::model::Tree;

/// What go-yaml v2 (kubectl) takes a plain scalar for.
///
/// # Errors
/// What to say of `.inf` and `.nan`, which JSON has no word for.
pub(super) fn plain(text: &str) -> Result<Tree, &'static str> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Tree::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Tree::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Tree::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => {
            return Err("infinity and not-a-number have no JSON form");
        }
        _ => number::parse(text).unwrap_or_else(|| Tree::from(text)),
    })
}

/// Whether a string can be written without quotes and is read as itself by every YAML 1.1 and 1.2 reader.
pub(super) fn is_safe_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let starts = match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'/' | b'$' | b'(' => true,
        // Options of commands: `-c`, `--config`.
        b'-' => {
            text.trim_start_matches('-')
                .starts_with(|c: char| c.is_ascii_alphabetic())
                && bytes.len() > 1
        }
        b'0'..=b'9' => is_quantity(text),
        _ => false,
    };
    let inside = bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => true,
        b'_' | b'-' | b'.' | b'/' | b'(' | b')' | b'=' | b'+' | b'@' | b'$' | b'*' | b';' => true,
        // A colon before a space, or at the end, makes a key of what stands before it.
        b':' => bytes.get(at + 1).is_some_and(|next| *next != b' '),
        b' ' => at + 1 < bytes.len(),
        _ => false,
    });
    starts && inside && *last != b' ' && !is_word(text) && text.len() < 1000
}

/// Words that some reader takes for a boolean, null or a number.
fn is_word(text: &str) -> bool {
    matches!(
        text.to_ascii_lowercase().as_str(),
        "y" | "n"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "true"
            | "false"
            | "null"
            | "nil"
            | "none"
            | "inf"
            | "nan"
            | "infinity"
    )
}

/// Resource quantities with a suffix that makes them no number anywhere: `100m`, `1.5Gi`.
fn is_quantity(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    matches!(suffix, "m" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi")
        && !digits.starts_with('0')
        && digits.split('.').count() <= 2
        && digits
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}
