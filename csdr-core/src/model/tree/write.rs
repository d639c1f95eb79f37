//! The writer: compact JSON, only the escapes that JSON demands.

use super::{Tree, text};

/// What is written is UTF-8: all texts are, and all between them is ASCII.
pub(super) fn compact(tree: &Tree, out: &mut Vec<u8>) {
    match tree {
        Tree::Null => out.extend_from_slice(b"null"),
        Tree::Bool(true) => out.extend_from_slice(b"true"),
        Tree::Bool(false) => out.extend_from_slice(b"false"),
        Tree::Number(number) => out.extend_from_slice(number.as_str().as_bytes()),
        Tree::String(text) => string(text, out),
        Tree::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                compact(item, out);
            }
            out.push(b']');
        }
        Tree::Object(map) => {
            out.push(b'{');
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                string(key, out);
                out.push(b':');
                compact(value, out);
            }
            out.push(b'}');
        }
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    // Most texts need no escape.
    if text::plain(bytes) == bytes.len() {
        out.extend_from_slice(bytes);
    } else {
        escaped(bytes, out);
    }
    out.push(b'"');
}

/// Bytes are copied eight at a time, of which as many count as come before the next escape.
fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    // What holds JSON needs an escape in every sixth byte or so.
    out.reserve(bytes.len() + bytes.len() / 4);
    let mut rest = bytes;
    loop {
        let plain = match rest.first_chunk::<8>() {
            Some(word) => {
                let plain = text::special(*word);
                out.extend_from_slice(word);
                out.truncate(out.len() - 8 + plain);
                plain
            }
            None => {
                let plain = text::plain(rest);
                out.extend_from_slice(&rest[..plain]);
                plain
            }
        };
        rest = &rest[plain..];
        if plain == 8 {
            continue;
        }
        let Some((byte, behind)) = rest.split_first() else {
            return;
        };
        rest = behind;
        let escape = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => {
                let digit = |half: u8| b"0123456789abcdef"[usize::from(half & 15)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(*byte)]);
                continue;
            }
        };
        out.extend_from_slice(escape);
    }
}
