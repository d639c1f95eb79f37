//! As much of quantities (`500m`, `1Gi`, `2e3`) as rules need: their sign, and which of two is larger.

use crate::model::Tree;

/// The text of a quantity, which may be written as a string or as a number.
fn text(value: &Tree) -> Option<&str> {
    match value {
        Tree::String(text) => Some(text),
        Tree::Number(number) => Some(number.as_str()),
        _ => None,
    }
}

/// Whether a value is a quantity of zero or less.
pub(super) fn is_not_positive(value: &Tree) -> bool {
    text(value).is_some_and(|text| is_not_positive_text(text.as_bytes()))
}

/// Whether a text is a quantity of zero or less: it has a minus, or no digit but zeros before its suffix.
pub(super) fn is_not_positive_text(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    let mantissa: Vec<u8> = digits
        .iter()
        .copied()
        .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
        .collect();
    text.starts_with(b"-")
        || (mantissa.iter().any(u8::is_ascii_digit)
            && mantissa.iter().all(|byte| matches!(byte, b'0' | b'.')))
}

/// About how much it is; good enough to say that one is clearly larger than another.
pub(super) fn roughly(value: &Tree) -> Option<f64> {
    let text = text(value)?;
    let end = text
        .find(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | '-' | '+')))
        .unwrap_or(text.len());
    let (mantissa, suffix) = text.split_at(end);
    let mantissa: f64 = mantissa.parse().ok()?;
    let factor = match suffix {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(mantissa * factor)
}

/// Whether the first is clearly larger than the second.
pub(super) fn is_larger(one: &Tree, other: &Tree) -> bool {
    match (roughly(one), roughly(other)) {
        (Some(one), Some(other)) => one - other > other.abs() * 1e-9,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_sizes() {
        for text in ["0", "-1", "0m", "0.0", "0e5", "-0", "00Gi"] {
            assert!(is_not_positive(&text.into()), "{text}");
        }
        for text in ["1", "1m", "0.1", "10Gi", "", "x", "+2"] {
            assert!(!is_not_positive(&text.into()), "{text}");
        }
        assert!(is_not_positive(&Tree::from(0)) && !is_not_positive(&Tree::from(true)));
        for (one, other, larger) in [
            ("3", "2", true),
            ("2000m", "2", false),
            ("2001m", "2", true),
            ("1Gi", "1G", true),
            ("1e3", "1k", false),
            ("x", "1", false),
        ] {
            assert_eq!(
                is_larger(&one.into(), &other.into()),
                larger,
                "{one} {other}"
            );
        }
    }
}
