//! Quantities: what the server's defaulting does to them, and how large they are.
//!
//! Source: core/v1 defaults of ResourceList, and the quantity grammar of apimachinery.

use super::Tree;

/// A quantity rounded up to thousandths, if it is finer than that.
pub(crate) fn rounded(quantity: &Tree) -> Option<Tree> {
    thousandths(text(quantity)?).map(|count| Tree::from(format!("{count}m")))
}

/// Whether a quantity is less than a whole number of bytes; not so for what is none.
pub(crate) fn is_below(quantity: &Tree, bytes: u128) -> bool {
    let size = text(quantity).and_then(|text| fraction(text, 0));
    size.is_some_and(|(numerator, denominator)| {
        bytes
            .checked_mul(denominator)
            .is_some_and(|limit| numerator < limit)
    })
}

fn text(quantity: &Tree) -> Option<&str> {
    match quantity {
        Tree::String(text) => Some(text),
        Tree::Number(number) => Some(number.as_str()),
        _ => None,
    }
}

/// How many thousandths a quantity is rounded up to; nothing if it needs no rounding, is negative, or is none.
fn thousandths(text: &str) -> Option<u128> {
    let (numerator, denominator) = fraction(text, 3)?;
    (numerator % denominator != 0).then(|| numerator.div_ceil(denominator))
}

/// A quantity times a power of ten as numerator and denominator; nothing if it is negative or none.
fn fraction(text: &str, shift: i32) -> Option<(u128, u128)> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let number_end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(number_end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let places = u32::try_from(fraction.len()).ok()?;
    let (power, base) = scale(suffix)?;
    let numerator = digits
        .checked_mul(base)?
        .checked_mul(10u128.checked_pow((power + shift).max(0).unsigned_abs())?)?;
    let below = (power + shift).min(0).unsigned_abs();
    let denominator = 10u128.checked_pow(places.checked_add(below)?)?;
    Some((numerator, denominator))
}

/// Power of ten and power of two that a suffix multiplies with.
fn scale(suffix: &str) -> Option<(i32, u128)> {
    let decimal = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "" => 0,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        _ => return binary_or_exponent(suffix),
    };
    Some((decimal, 1))
}

fn binary_or_exponent(suffix: &str) -> Option<(i32, u128)> {
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    if let Some(at) = binary.iter().position(|name| *name == suffix) {
        return Some((0, 1024u128.checked_pow(u32::try_from(at).ok()? + 1)?));
    }
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    (-30..=30).contains(&power).then_some((power, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_by_value() {
        let limit = 20 << 30;
        for (text, below) in [
            ("19Gi", true),
            ("20Gi", false),
            ("20480Mi", false),
            ("20G", true),
            ("21474836480", false),
            ("21474836479", true),
            ("1.5Gi", true),
            ("1Ti", false),
            ("2e1Gi", false),
            ("nonsense", false),
            ("", false),
        ] {
            assert_eq!(is_below(&Tree::from(text), limit), below, "{text}");
        }
        assert!(is_below(&Tree::from(5), limit));
        assert!(!is_below(&Tree::Null, limit));
    }

    #[test]
    fn only_what_is_finer_than_thousandths_is_rounded() {
        let cases = [
            ("100u", Some(1)),
            ("1500u", Some(2)),
            ("2000u", None),
            ("1n", Some(1)),
            ("0.0001", Some(1)),
            ("1.0005", Some(1001)),
            ("1.5m", Some(2)),
            ("0.5", None),
            ("0.250", None),
            ("100m", None),
            ("1Gi", None),
            ("0.0001Ki", Some(103)),
            ("1.5Gi", None),
            ("1e3", None),
            ("1e-3", None),
            ("1E-4", Some(1)),
            (".5", None),
            ("5.", None),
            ("0.00000", None),
            ("-100u", None),
            ("", None),
            ("m", None),
            ("1.2.3u", None),
            ("1x", None),
            ("1e999999999", None),
            ("340282366920938463463374607431768211455Ei", None),
        ];
        for (text, expected) in cases {
            assert_eq!(thousandths(text), expected, "{text}");
        }
        assert_eq!(rounded(&Tree::from("100u")), Some(Tree::from("1m")));
        assert_eq!(rounded(&Tree::from(1)), None);
        assert_eq!(rounded(&Tree::from(true)), None);
        let number = Tree::parse(b"0.0001").unwrap();
        assert_eq!(rounded(&number), Some(Tree::from("1m")));
    }
}
