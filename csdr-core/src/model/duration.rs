//! Durations as Go writes them.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// A duration in Go's form, as Kubernetes' and Velero's specs have it: `30s`, `1h30m`, `720h0m0s`, `1.5s`, `250ms`.
///
/// Read as `time.ParseDuration` reads it, but for negative ones, which nothing here can mean. Written as Go's `Duration.String`, to the
/// nanosecond.
///
/// ```
/// use csdr_core::model::GoDuration;
/// let duration: GoDuration = "1h30m".parse()?;
/// assert_eq!(duration.get().as_secs(), 5400);
/// assert_eq!(duration.to_string(), "1h30m0s");
/// assert!("30".parse::<GoDuration>().is_err(), "a unit is missing");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct GoDuration(Duration);

impl GoDuration {
    /// So many whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

/// Nanoseconds of each unit that Go knows. Longer names first, so that `ms` is not read as `m`.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl FromStr for GoDuration {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = |why: &str| {
            Error::invalid(format!(
                "not a duration: {why}; write it as `30s`, `1h30m` or `1.5s`"
            ))
            .with_context("duration", text.escape_debug())
        };
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() || text.len() > 64 {
            return Err(bad("it is empty or too long"));
        }
        if rest.starts_with('-') {
            return Err(bad("it is negative"));
        }
        let mut nanos: u64 = 0;
        while !rest.is_empty() {
            let end = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(|| bad("a unit is missing"))?;
            let (number, tail) = rest.split_at(end);
            let (name, unit) = UNITS
                .iter()
                .filter(|(name, _)| tail.starts_with(name))
                .max_by_key(|(name, _)| name.len())
                .ok_or_else(|| bad("a number or unit is not one"))?;
            let part = part(number, *unit).ok_or_else(|| bad("a number is not one"))?;
            nanos = nanos
                .checked_add(part)
                .filter(|nanos| i64::try_from(*nanos).is_ok())
                .ok_or_else(|| bad("it is longer than 292 years"))?;
            rest = tail.strip_prefix(name).unwrap_or_default();
        }
        Ok(Self(Duration::from_nanos(nanos)))
    }
}

/// A number of a unit as nanoseconds; what is finer is cut off.
fn part(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole = match whole {
        "" => 0,
        digits => digits.parse::<u64>().ok()?.checked_mul(unit)?,
    };
    let mut scale = unit;
    let mut sum = whole;
    for digit in fraction.bytes() {
        scale /= 10;
        sum = sum.checked_add(u64::from(digit - b'0') * scale)?;
    }
    Some(sum)
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let decimal = |nanos: u128, unit: u128| {
            let text = format!(
                "{}.{:0>9}",
                nanos / unit,
                nanos % unit * (1_000_000_000 / unit)
            );
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => return write!(f, "{nanos}ns"),
            1_000..1_000_000 => return write!(f, "{}µs", decimal(nanos, 1_000)),
            1_000_000..1_000_000_000 => return write!(f, "{}ms", decimal(nanos, 1_000_000)),
            _ => {}
        }
        let (minutes, rest) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
        if minutes >= 60 {
            write!(f, "{}h", minutes / 60)?;
        }
        if minutes > 0 {
            write!(f, "{}m", minutes % 60)?;
        }
        write!(f, "{}s", decimal(rest, 1_000_000_000))
    }
}

impl TryFrom<String> for GoDuration {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<GoDuration> for String {
    fn from(duration: GoDuration) -> Self {
        duration.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_and_writes_them() {
        for (text, nanos, written) in [
            ("0", 0, "0s"),
            ("30s", 30_000_000_000, "30s"),
            ("+5s", 5_000_000_000, "5s"),
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("720h0m0s", 2_592_000_000_000_000, "720h0m0s"),
            ("1.5s", 1_500_000_000, "1.5s"),
            (".5m", 30_000_000_000, "30s"),
            ("1.h", 3_600_000_000_000, "1h0m0s"),
            ("250ms", 250_000_000, "250ms"),
            ("1m0.05s", 60_050_000_000, "1m0.05s"),
            ("1500us", 1_500_000, "1.5ms"),
            ("3µs7ns", 3_007, "3.007µs"),
            ("12ns", 12, "12ns"),
        ] {
            let duration: GoDuration = text.parse().unwrap();
            assert_eq!(duration.get().as_nanos(), nanos, "{text}");
            assert_eq!(duration.to_string(), written, "{text}");
            assert_eq!(written.parse::<GoDuration>().unwrap(), duration, "{text}");
        }
        for bad in [
            "",
            "+",
            "30",
            "s",
            "-1s",
            "1 s",
            "1x",
            "1.2.3s",
            ".s",
            "1d",
            "1e3s",
            "9999999999h",
            "1s2",
        ] {
            let error = bad.parse::<GoDuration>().unwrap_err();
            assert!(
                error.to_string().contains("not a duration"),
                "{bad}: {error}"
            );
        }
    }
}
