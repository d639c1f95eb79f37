//! The writer: block style, two spaces, lists at the column of their key, as kubectl writes.

use super::scalar;
use crate::model::{Tree, TreeMap};
use std::fmt::Write as _;

/// Keys beyond this are written in the explicit form (`? key`): readers look for the colon of a simple key within 1,024 characters.
const SIMPLE_KEY: usize = 500;

/// A tree as one YAML document without marker, ending with a line feed. The same tree gives the same text.
///
/// ```
/// use csdr_core::{manifest::yaml, model::Tree};
/// let tree = Tree::parse(br#"{"data":{"a":"yes","b":"1e3","c":"x\ny\n","d":"plain text"},"big":18446744073709551617,"list":["-c",{"k":[]}]}"#)?;
/// assert_eq!(yaml::to_yaml(&tree), r#"data:
///   a: "yes"
///   b: "1e3"
///   c: |
///     x
///     y
///   d: plain text
/// big: 18446744073709551617
/// list:
/// - -c
/// - k: []
/// "#);
/// # Ok::<(), csdr_core::Error>(())
/// ```
pub fn to_yaml(tree: &Tree) -> String {
    let mut out = String::new();
    match tree {
        Tree::String(text) => {
            quoted(text, &mut out);
            out.push('\n');
        }
        tree => node(tree, 0, &mut out),
    }
    out
}

/// Writes a node whose first line begins at the cursor, in column `indent`; ends with a line feed.
fn node(tree: &Tree, indent: usize, out: &mut String) {
    match tree {
        Tree::Object(map) if !map.is_empty() => mapping(map, indent, out),
        Tree::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    spaces(indent, out);
                }
                out.push_str("- ");
                match item {
                    Tree::String(text) => string(text, indent, out),
                    item => node(item, indent + 2, out),
                }
            }
        }
        leaf => {
            match leaf {
                Tree::Null => out.push_str("null"),
                Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
                Tree::Number(number) => out.push_str(number.as_str()),
                Tree::Array(_) => out.push_str("[]"),
                Tree::Object(_) => out.push_str("{}"),
                Tree::String(text) => quoted(text, out),
            }
            out.push('\n');
        }
    }
}

fn mapping(map: &TreeMap, indent: usize, out: &mut String) {
    for (i, (key, value)) in map.iter().enumerate() {
        if i > 0 {
            spaces(indent, out);
        }
        let long = key.len() > SIMPLE_KEY;
        if long {
            out.push_str("? ");
        }
        if scalar::is_safe_plain(key) {
            out.push_str(key);
        } else {
            quoted(key, out);
        }
        if long {
            out.push('\n');
            spaces(indent, out);
        }
        out.push(':');
        match value {
            Tree::Object(map) if !map.is_empty() => {
                out.push('\n');
                spaces(indent + 2, out);
                node(value, indent + 2, out);
            }
            Tree::Array(items) if !items.is_empty() => {
                out.push('\n');
                spaces(indent, out);
                node(value, indent, out);
            }
            Tree::String(text) => {
                out.push(' ');
                string(text, indent, out);
            }
            leaf => {
                out.push(' ');
                node(leaf, indent, out);
            }
        }
    }
}

/// A string as value of a key, or item of a list, in column `parent`.
fn string(text: &str, parent: usize, out: &mut String) {
    if scalar::is_safe_plain(text) {
        out.push_str(text);
        out.push('\n');
    } else if is_block(text) {
        block(text, parent + 2, out);
    } else {
        quoted(text, out);
        out.push('\n');
    }
}

/// Whether a literal block holds the string without an indentation indicator and without blanks that a reader or editor may drop.
fn is_block(text: &str) -> bool {
    let body = text.trim_end_matches('\n');
    text.contains('\n')
        && !body.starts_with(['\n', ' ', '\t'])
        && !body.is_empty()
        && text.chars().all(|c| c == '\n' || is_printable(c))
        && body.lines().all(|line| !line.ends_with([' ', '\t']))
}

fn block(text: &str, indent: usize, out: &mut String) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            spaces(indent, out);
            out.push_str(line);
        }
        out.push('\n');
    }
    for _ in 1..text.len() - body.len() {
        out.push('\n');
    }
}

/// Printable in YAML and shown as itself: no controls, no other line breaks, no byte order mark, no private or unassigned use.
fn is_printable(c: char) -> bool {
    match c {
        '\t' => true,
        '\u{20}'..='\u{7e}' => true,
        '\u{a0}'..='\u{d7ff}' => !matches!(c, '\u{2028}' | '\u{2029}'),
        '\u{e000}'..='\u{fffd}' => c != '\u{feff}',
        '\u{10000}'..='\u{10ffff}' => true,
        _ => false,
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            c if is_printable(c) => out.push(c),
            // Writing into a String cannot fail.
            c if (c as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if (c as u32) < 0x10000 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => {
                let _ = write!(out, "\\U{:08x}", c as u32);
            }
        }
    }
    out.push('"');
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}
