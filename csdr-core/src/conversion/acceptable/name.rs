//! The form of names that the API server reads as identifiers. Source: `IsDNS1035Label`.

/// RFC 1035 label: a lower-case letter first, then letters, digits and hyphens; at most 63.
pub(super) fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.last().is_some_and(|last| is_lower_alnum(*last))
        && bytes
            .iter()
            .all(|byte| is_lower_alnum(*byte) || *byte == b'-')
}

fn is_lower_alnum(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        for (text, label) in [
            ("foos", true),
            ("a-1", true),
            ("1foo", false),
            ("a.b", false),
            ("Foo", false),
            ("a-", false),
            ("", false),
        ] {
            assert_eq!(is_label(text), label, "{text}");
        }
    }
}
