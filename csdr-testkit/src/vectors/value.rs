//! When two leaves say the same: numbers and quantities by value, times to the second.

use csdr_core::model::Tree;
use jiff::Timestamp;

/// Whether two leaves at a path say the same.
pub(super) fn same(expected: &Tree, actual: &Tree, path: &[String]) -> bool {
    match (expected, actual) {
        _ if expected == actual => true,
        (Tree::Number(expected), Tree::Number(actual)) => {
            decimal(expected.as_str()).is_some_and(|value| decimal(actual.as_str()) == Some(value))
        }
        (Tree::String(_), Tree::String(_) | Tree::Number(_))
        | (Tree::Number(_), Tree::String(_))
            if is_quantity(path) =>
        {
            quantity(expected).is_some_and(|value| quantity(actual) == Some(value))
        }
        (Tree::String(expected), Tree::String(actual)) if !is_text(path) => {
            second(expected).is_some_and(|value| second(actual) == Some(value))
        }
        _ => false,
    }
}

/// Keys of quantities, and of the maps that hold some.
const QUANTITIES: [&str; 27] = [
    "allocatable",
    "allocatedResources",
    "averageValue",
    "capacity",
    "currentAverageValue",
    "currentValue",
    "default",
    "defaultRequest",
    "divisor",
    "hard",
    "limits",
    "max",
    "maxLimitRequestRatio",
    "maximumVolumeSize",
    "min",
    "podFixed",
    "requests",
    "scopeSelector",
    "sizeLimit",
    "step",
    "storage",
    "targetAverageValue",
    "targetValue",
    "tolerance",
    "used",
    "validValues",
    "value",
];

fn is_quantity(path: &[String]) -> bool {
    let near = path.iter().rev().take(2);
    !is_text(path)
        && near
            .into_iter()
            .any(|key| QUANTITIES.contains(&key.as_str()))
}

/// Whether a path leads into annotations or labels, whose values are compared letter by letter.
fn is_text(path: &[String]) -> bool {
    path.iter()
        .any(|key| ["annotations", "labels", "matchLabels", "data"].contains(&key.as_str()))
}

fn second(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_second())
}

/// A number as digits and a power of ten, without zeros at the end; equal values are equal pairs.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction_length = i64::try_from(fraction.len()).ok()?;
    let kept = digits.trim_end_matches('0');
    let cut = i64::try_from(digits.len() - kept.len()).ok()?;
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return Some((false, String::new(), 0));
    }
    let power = exponent.checked_sub(fraction_length)?.checked_add(cut)?;
    Some((negative, kept.to_owned(), power))
}

/// A quantity's value, as [`decimal`].
fn quantity(tree: &Tree) -> Option<(bool, String, i64)> {
    const DECIMAL: [(&str, i64); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
        ("", 0),
    ];
    const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let text = match tree {
        Tree::String(text) => text.as_str(),
        Tree::Number(number) => number.as_str(),
        _ => return None,
    };
    for (step, suffix) in (1..).zip(BINARY) {
        if let Some(number) = text.strip_suffix(suffix) {
            return times_1024(number, step);
        }
    }
    for (suffix, power) in DECIMAL {
        let Some(number) = text.strip_suffix(suffix) else {
            continue;
        };
        if let Some((negative, digits, exponent)) = decimal(number) {
            let zero = digits.is_empty();
            let power = if zero {
                0
            } else {
                exponent.checked_add(power)?
            };
            return Some((negative, digits, power));
        }
    }
    None
}

/// A number times a power of 1024.
fn times_1024(number: &str, step: u32) -> Option<(bool, String, i64)> {
    let (negative, digits, power) = decimal(number)?;
    if digits.is_empty() {
        return Some((false, digits, 0));
    }
    let value: i128 = digits.parse().ok()?;
    let value = value.checked_mul(1024_i128.checked_pow(step)?)?;
    decimal(&format!(
        "{}{value}e{power}",
        if negative { "-" } else { "" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(json: &str) -> Tree {
        Tree::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn leaves_by_value() {
        let table = [
            ("1.0", "1", "spec/replicas", true),
            ("10e1", "100", "spec/replicas", true),
            ("1", "2", "spec/replicas", false),
            (r#""200m""#, r#""0.2""#, "limits/cpu", true),
            (r#""1""#, "1", "limits/cpu", true),
            (r#""1Gi""#, r#""1073741824""#, "limits/memory", true),
            (r#""1Gi""#, r#""1G""#, "limits/memory", false),
            (r#""1536Mi""#, r#""1.5Gi""#, "limits/memory", true),
            (r#""1E""#, r#""1000P""#, "limits/memory", true),
            (r#""0""#, r#""0m""#, "limits/memory", true),
            (r#""1""#, "1", "ports/name", false),
            (r#""1.0""#, r#""1""#, "annotations/capacity", false),
            (
                r#""2021-01-01T00:00:00Z""#,
                r#""2021-01-01T01:00:00.25+01:00""#,
                "renewTime",
                true,
            ),
            (
                r#""2021-01-01T00:00:00Z""#,
                r#""2021-01-01T00:00:01Z""#,
                "renewTime",
                false,
            ),
        ];
        for (expected, actual, path, equal) in table {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            let found = same(&leaf(expected), &leaf(actual), &path);
            assert_eq!(found, equal, "{expected} and {actual} at {path:?}");
        }
    }
}
