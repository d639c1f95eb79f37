//! The forms of names that the API server knows. Source: `k8s.io/apimachinery/pkg/util/validation`.

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

/// RFC 1123 subdomain: labels that may begin with a digit, joined by dots; at most 253.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(|first| is_lower_alnum(*first))
                && bytes.last().is_some_and(|last| is_lower_alnum(*last))
                && bytes
                    .iter()
                    .all(|byte| is_lower_alnum(*byte) || *byte == b'-')
        })
}

/// Label value: empty, or letters and digits at both ends, with `-`, `_` and `.` between; at most 63.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_qualified_part(text)
}

/// Qualified name: an optional subdomain and `/`, then a name.
pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_qualified_part(name),
        None => is_qualified_part(text),
    }
}

fn is_qualified_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_lower_alnum(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, label, subdomain, value, qualified) in [
            ("foos", true, true, true, true),
            ("1foo", false, true, true, true),
            ("a.b-c.d", false, true, true, true),
            ("a..b", false, false, true, true),
            ("Foo_x", false, false, true, true),
            ("x.io/foo", false, false, false, true),
            ("x.io/", false, false, false, false),
            ("-a", false, false, false, false),
            ("", false, false, true, false),
        ] {
            assert_eq!(is_label(text), label, "{text}");
            assert_eq!(is_subdomain(text), subdomain, "{text}");
            assert_eq!(is_label_value(text), value, "{text}");
            assert_eq!(is_qualified(text), qualified, "{text}");
        }
    }
}
