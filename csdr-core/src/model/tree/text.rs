//! Texts as JSON writes them, looked at eight bytes at a time.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// The place in eight bytes of the first one that JSON does not write as it is: a quote, a backslash or a control character; 8 if
/// there is none. (A byte above the first one may be found in error; the first one is right.)
pub(super) fn special(word: [u8; 8]) -> usize {
    let word = u64::from_le_bytes(word);
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let quote = zero(word ^ (ONES * u64::from(b'"')));
    let backslash = zero(word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    ((quote | backslash | control) & HIGH).trailing_zeros() as usize / 8
}

/// Whether JSON does not write this byte as it is.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..=0x1f)
}

/// How many bytes come before the first one that JSON does not write as it is; all of them if there is none.
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        let at = special(*word);
        if at < 8 {
            return number * 8 + at;
        }
    }
    let at = rest.iter().position(|byte| is_special(*byte));
    words.len() * 8 + at.unwrap_or(rest.len())
}

/// What follows the quote of a string, up to its end quote: answered behind it; none if it has no end.
pub(super) fn behind_string(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        rest = rest.get(plain(rest)..)?;
        let (first, behind) = rest.split_first()?;
        rest = match first {
            b'"' => return Some(behind),
            b'\\' => behind.get(1..)?,
            _ => behind,
        };
    }
}

/// What follows an array or object whose bracket these bytes begin with. They are JSON: nothing but brackets and strings is looked at.
pub(super) fn behind_brackets(json: &[u8]) -> Option<&[u8]> {
    let mut rest = json;
    let mut depth = 0usize;
    loop {
        let (first, behind) = rest.split_first()?;
        rest = behind;
        match first {
            b'"' => rest = behind_string(behind)?,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(rest);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_in_every_place() {
        for byte in 0..=u8::MAX {
            for length in 0..20 {
                for at in 0..length {
                    for filler in [b'a', 0x7f, 0x80, 0xff, b'#', b'[', b' '] {
                        let mut bytes = vec![filler; length];
                        bytes[at] = byte;
                        let expected = if is_special(byte) { at } else { length };
                        assert_eq!(plain(&bytes), expected, "{bytes:?}");
                        // What follows it does not hide it.
                        bytes[at + 1..].fill(0);
                        let first = if is_special(byte) { at } else { at + 1 };
                        assert_eq!(plain(&bytes), first, "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn strings_and_brackets_end_where_they_end() {
        for (json, rest) in [
            (r#"[],1"#, Some(",1")),
            (r#"[{"a]":["}\"]",2]}]}"#, Some("}")),
            (r#"[["\\"]]"#, Some("")),
            (r#"["#, None),
            (r#"["a]"#, None),
            (r#"["a\"#, None),
            (r#"]"#, None),
            ("", None),
        ] {
            let found = behind_brackets(json.as_bytes());
            assert_eq!(found, rest.map(str::as_bytes), "{json}");
        }
    }
}
