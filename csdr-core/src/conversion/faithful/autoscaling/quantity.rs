//! Quantities inside texts, where the server's spelling counts letter by letter.
//!
//! Everywhere else a quantity keeps the text of the stored object. Source: apimachinery pkg/api/resource, quantity.go, amount.go and
//! suffix.go.

/// How a quantity is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Exponent,
    Binary,
}

/// The spelling that the server gives a quantity, or `None` for what is none.
///
/// A quantity beyond what the server's exact arithmetic is needed for (more digits than 128 bits hold) keeps its text.
pub(super) fn canonical(text: &str) -> Option<String> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = unsigned.split_at_checked(digits(unsigned))?;
    let (fraction, suffix) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(digits(rest))?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() && !rest.starts_with('.') {
        return None;
    }
    let (format, exponent) = scale(suffix)?;
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let shifted = format!("{whole}{fraction}");
    let scale = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let (Ok(value), true) = (shifted.parse::<u128>(), (-60..=60).contains(&exponent)) else {
        return Some(text.to_owned());
    };
    if value == 0 {
        return Some("0".to_owned());
    }
    if keeps_its_text(format, exponent, &shifted, value, scale) {
        return Some(text.to_owned());
    }
    let written = match format {
        Format::Binary => binary(value, exponent, fraction.len()),
        _ => decimal(value, scale, format),
    };
    let sign = if negative { "-" } else { "" };
    Some(written.map_or_else(|| text.to_owned(), |written| format!("{sign}{written}")))
}

/// The server keeps the text where a glance says that it is canonical, and the glance is generous: `1.500` passes.
fn keeps_its_text(format: Format, exponent: i64, shifted: &str, value: u128, scale: i64) -> bool {
    let length = i64::try_from(shifted.len()).unwrap_or(i64::MAX);
    if format == Format::Binary {
        let precise = length + exponent * 3 / 10 < 15;
        return precise && scale == exponent && value & 0x07 != 0;
    }
    let fast = length <= 18 && scale >= -9;
    fast && scale % 3 == 0 && !shifted.ends_with("000") && !shifted.starts_with('0')
}

/// The form and the exponent that a suffix means: of 10, or of 2 for the binary ones.
fn scale(suffix: &str) -> Option<(Format, i64)> {
    const DECIMAL: [(&str, i64); 10] = [
        ("n", -9),
        ("u", -6),
        ("m", -3),
        ("", 0),
        ("k", 3),
        ("M", 6),
        ("G", 9),
        ("T", 12),
        ("P", 15),
        ("E", 18),
    ];
    const BINARY: [(&str, i64); 6] = [
        ("Ki", 10),
        ("Mi", 20),
        ("Gi", 30),
        ("Ti", 40),
        ("Pi", 50),
        ("Ei", 60),
    ];
    let of = |table: &[(&str, i64)]| {
        table
            .iter()
            .find(|(name, _)| *name == suffix)
            .map(|(_, exponent)| *exponent)
    };
    if let Some(exponent) = of(&DECIMAL) {
        return Some((Format::Decimal, exponent));
    }
    if let Some(exponent) = of(&BINARY) {
        return Some((Format::Binary, exponent));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((Format::Exponent, exponent.parse().ok()?))
}

/// Three digits at a time in the exponent, as few as possible in front of it.
fn decimal(mut value: u128, mut scale: i64, format: Format) -> Option<String> {
    // What is smaller than a billionth is rounded away from zero.
    while scale < -9 {
        value = value.div_ceil(10);
        scale += 1;
    }
    while value.is_multiple_of(10) {
        value /= 10;
        scale += 1;
    }
    while scale % 3 != 0 {
        value = value.checked_mul(10)?;
        scale -= 1;
    }
    if format == Format::Exponent {
        let exponent = if scale == 0 {
            String::new()
        } else {
            format!("e{scale}")
        };
        return Some(format!("{value}{exponent}"));
    }
    let suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
    let at = usize::try_from(scale / 3 + 3).ok()?;
    Some(format!("{value}{}", suffixes.get(at)?))
}

/// A whole number of at least 1024 keeps a binary suffix; anything else is written as a decimal.
fn binary(value: u128, exponent: i64, places: usize) -> Option<String> {
    let bytes = value.checked_mul(1_u128.checked_shl(u32::try_from(exponent).ok()?)?)?;
    let unit = 10_u128.checked_pow(u32::try_from(places).ok()?)?;
    if !bytes.is_multiple_of(unit) || bytes / unit < 1024 {
        return decimal(bytes, -i64::try_from(places).ok()?, Format::Decimal);
    }
    // The server caps binary quantities, and no others.
    let mut whole = (bytes / unit).min(i64::MAX.unsigned_abs().into());
    let mut suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].iter();
    let mut suffix = suffixes.next()?;
    while whole.is_multiple_of(1024) {
        whole /= 1024;
        suffix = suffixes.next()?;
    }
    Some(format!("{whole}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    /// Source: apimachinery pkg/api/resource/quantity.go.
    #[test]
    fn quantities_are_spelt_as_the_server_does() {
        let table = [
            ("0", "0"),
            ("0.0", "0"),
            ("0m", "0"),
            ("-0", "0"),
            ("0.2", "200m"),
            ("0.20", "200m"),
            (".5", "500m"),
            ("-0.5", "-500m"),
            ("100m", "100m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("2k", "2k"),
            ("2000", "2k"),
            ("1200", "1200"),
            ("12000k", "12M"),
            ("1e3", "1e3"),
            ("1000e3", "1e6"),
            ("10e3", "10e3"),
            ("1E", "1E"),
            ("200Mi", "200Mi"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("1.5Ki", "1536"),
            ("0.1Ki", "102400m"),
            ("1.0001Ki", "1024102400u"),
            // The server's glance passes these as they stand.
            ("1.500", "1.500"),
            ("+5", "+5"),
            ("0100", "0100"),
            ("0.0000000001", "1n"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(canonical(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "", "x", "1x", "1 ", "K", "1K", "--1", "1.2.3", "1e", "Ki", "1mi", "é",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
