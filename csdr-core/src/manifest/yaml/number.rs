//! Numbers as kubectl's YAML library reads them.

use crate::model::{Number, Tree};

/// The number that a plain scalar is, if it is one.
///
/// Source: `resolve` of go-yaml v2: underscores are dropped, then Go's integer literals (`0x`, `0o`, `0b`, and a leading zero is octal),
/// then decimal floats.
pub(super) fn parse(text: &str) -> Option<Tree> {
    let first = text.bytes().next()?;
    let plain = match first {
        b'.' => text.to_owned(),
        b'+' | b'-' | b'0'..=b'9' => text.replace('_', ""),
        _ => return None,
    };
    if first != b'.'
        && let Some(value) = integer(&plain)
    {
        return number(&value.to_string());
    }
    if is_wide_integer(&plain) {
        // kubectl would round it; a reader that keeps its text loses nothing.
        return number(&plain);
    }
    if !is_float(&plain) {
        return None;
    }
    let value: f64 = plain.parse().ok()?;
    if !value.is_finite() {
        // Beyond f64: kubectl reads a string; as a number it can only stand where csdr wrote it.
        return number(&plain);
    }
    let short = go_format(value);
    if decimal(&short) == decimal(&plain) {
        number(&short)
    } else {
        number(&json_spelling(&plain)).or_else(|| number(&short))
    }
}

fn number(text: &str) -> Option<Tree> {
    Number::parse(text).ok().map(Tree::from)
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    // ParseUint takes no sign.
    let signed = text.starts_with(['+', '-']);
    let top = if signed {
        i128::from(i64::MAX)
    } else {
        i128::from(u64::MAX)
    };
    (i128::from(i64::MIN)..=top)
        .contains(&value)
        .then_some(value)
}

/// A decimal integer in JSON's spelling that 64 bits do not hold.
fn is_wide_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.len() > 1 && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Source: go-yaml's `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, part)) => {
            digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    exponent_ok && mantissa_ok
}

/// How Go's `encoding/json` writes a float: plain between 1e-6 and 1e21, else with an exponent of at least one digit.
fn go_format(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                format!("{mantissa}e+{exponent}")
            }
            _ => text,
        }
    } else if value == 0.0 && value.is_sign_negative() {
        "-0".to_owned()
    } else {
        format!("{value}")
    }
}

/// Sign, digits without zeros at both ends, and the power of ten of the last: equal for equal decimals.
pub(super) fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{part}");
    let digits = all.trim_end_matches('0');
    let power = exponent
        .checked_sub(i64::try_from(part.len()).ok()?)?
        .checked_add(i64::try_from(all.len() - digits.len()).ok()?)?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some((false, String::new(), 0));
    }
    Some((negative, digits.to_owned(), power))
}

/// The same decimal in JSON's grammar: no `+`, no bare point, no leading zeros.
fn json_spelling(text: &str) -> String {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if part.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{part}{exponent}")
}
