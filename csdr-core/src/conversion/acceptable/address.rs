//! IP addresses and ranges as Kubernetes 1.36 demands them: no leading zeros, no IPv4 dressed as IPv6, no bits beyond the prefix.
//!
//! Source: the gate `StrictIPCIDRValidation` (on since 1.36) and `netutils.ParseIPSloppy`, which older servers read with: it takes
//! a part with leading zeros as a *decimal* number.

use super::{Context, needle, refuse};
use crate::conversion::{draft::Node, outcome::SkipReason};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The first minor that is strict.
pub(super) const STRICT: u32 = 36;

/// What a text is as an address or a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As it is demanded.
    Strict,
    /// An older server read it as this.
    Sloppy(String),
    /// No server reads it.
    None,
}

fn sloppy_v4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = [0u8; 4];
    let mut given = text.split('.');
    for part in &mut parts {
        let digits = given.next()?;
        let significant = digits.trim_start_matches('0');
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *part = match significant {
            "" => 0,
            digits => digits.parse().ok()?,
        };
    }
    given.next().is_none().then(|| parts.into())
}

fn sloppy_v6(text: &str) -> Option<Ipv6Addr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (front, last) = text.rsplit_once(':')?;
    let last = sloppy_v4(last)?;
    format!("{front}:{last}").parse().ok()
}

/// An address.
pub(super) fn address(text: &str) -> Reading {
    if text.parse::<Ipv4Addr>().is_ok() {
        return Reading::Strict;
    }
    if let Some(address) = sloppy_v4(text) {
        return Reading::Sloppy(address.to_string());
    }
    match sloppy_v6(text) {
        None => Reading::None,
        Some(address) => match address.to_ipv4_mapped() {
            Some(address) => Reading::Sloppy(address.to_string()),
            None if text.parse::<Ipv6Addr>().is_ok() => Reading::Strict,
            None => Reading::Sloppy(address.to_string()),
        },
    }
}

/// A range: an address and how many of its bits count.
pub(super) fn range(text: &str) -> Reading {
    let Some((front, digits)) = text.split_once('/') else {
        return Reading::None;
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Reading::None;
    }
    let significant = digits.trim_start_matches('0');
    let Ok(bits) = (if significant.is_empty() {
        "0"
    } else {
        significant
    })
    .parse::<u32>() else {
        return Reading::None;
    };
    let written = if let Some(address) = sloppy_v4(front) {
        masked_v4(address, bits)
    } else {
        sloppy_v6(front).and_then(|address| match address.to_ipv4_mapped() {
            Some(address) if bits >= 96 => masked_v4(address, bits - 96),
            Some(_) => None,
            None => masked_v6(address, bits),
        })
    };
    match written {
        None => Reading::None,
        Some((masked, bits)) => {
            // The text of the address may be long-hand (`2001:0db8::`): only what is refused is written anew.
            let kept = digits == bits.to_string()
                && address(front) == Reading::Strict
                && front.parse::<std::net::IpAddr>().ok() == Some(masked);
            if kept {
                Reading::Strict
            } else {
                Reading::Sloppy(format!("{masked}/{bits}"))
            }
        }
    }
}

fn masked_v4(address: Ipv4Addr, bits: u32) -> Option<(std::net::IpAddr, u32)> {
    let mask = u32::MAX.checked_shl(32u32.checked_sub(bits)?).unwrap_or(0);
    Some((Ipv4Addr::from_bits(address.to_bits() & mask).into(), bits))
}

fn masked_v6(address: Ipv6Addr, bits: u32) -> Option<(std::net::IpAddr, u32)> {
    let mask = u128::MAX
        .checked_shl(128u32.checked_sub(bits)?)
        .unwrap_or(0);
    Some((Ipv6Addr::from_bits(address.to_bits() & mask).into(), bits))
}

/// Why an address was written anew.
const STRICT_ADDRESS: &str = "the target refuses leading zeros and IPv4-mapped IPv6 addresses; older servers read it as this";
const STRICT_RANGE: &str = "the target refuses leading zeros and bits beyond the prefix length; older servers read it as this";

/// Writes the address at a path as the target demands it.
pub(super) fn mend_address(
    node: &mut Node<'_>,
    path: &[&str],
    context: &Context<'_>,
) -> Result<(), SkipReason> {
    mend(node, path, context, address, STRICT_ADDRESS)
}

/// Writes the range at a path as the target demands it.
pub(super) fn mend_range(
    node: &mut Node<'_>,
    path: &[&str],
    context: &Context<'_>,
) -> Result<(), SkipReason> {
    mend(node, path, context, range, STRICT_RANGE)
}

fn mend(
    node: &mut Node<'_>,
    path: &[&str],
    context: &Context<'_>,
    read: fn(&str) -> Reading,
    reason: &'static str,
) -> Result<(), SkipReason> {
    if context.minor < STRICT {
        return Ok(());
    }
    // The server trims ranges of load balancers, and refuses blanks elsewhere: an older one did as well.
    match node.text(path).map(|text| read(text.trim())) {
        Some(Reading::Sloppy(written)) => node.set(path, written, reason),
        Some(Reading::None) if node.text(path) != Some("") => {
            return Err(refuse(
                node,
                path,
                "this is no IP address or range; write one",
            ));
        }
        _ => {}
    }
    Ok(())
}

/// Whether a value is, or holds, a text that is no strict address or range.
pub(super) fn is_sloppy(value: &[u8]) -> bool {
    needle::any_text(value, |text| {
        std::str::from_utf8(text).is_ok_and(|text| {
            let text = text.trim();
            !matches!(address(text), Reading::Strict) && !matches!(range(text), Reading::Strict)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_of_1_36() {
        let sloppy = |text: &str| Reading::Sloppy(text.to_owned());
        for (text, reading) in [
            ("10.0.0.1", Reading::Strict),
            ("010.1.1.1", sloppy("10.1.1.1")),
            ("010.010.000.009", sloppy("10.10.0.9")),
            ("::1", Reading::Strict),
            ("2001:0db8::ffff", Reading::Strict),
            ("::ffff:1.2.3.4", sloppy("1.2.3.4")),
            ("::ffff:0102:0304", sloppy("1.2.3.4")),
            ("64:ff9b::01.2.3.4", sloppy("64:ff9b::102:304")),
            ("1.2.3", Reading::None),
            ("256.1.1.1", Reading::None),
            ("example.com", Reading::None),
            ("", Reading::None),
        ] {
            assert_eq!(address(text), reading, "{text}");
        }
        for (text, reading) in [
            ("10.0.0.0/8", Reading::Strict),
            ("0.0.0.0/0", Reading::Strict),
            ("::/0", Reading::Strict),
            ("2001:0db8::/32", Reading::Strict),
            ("010.0.0.0/8", sloppy("10.0.0.0/8")),
            ("10.0.0.0/08", sloppy("10.0.0.0/8")),
            ("10.1.2.3/8", sloppy("10.0.0.0/8")),
            ("10.1.2.3/0", sloppy("0.0.0.0/0")),
            ("2001:db8::1/64", sloppy("2001:db8::/64")),
            ("::ffff:10.0.0.0/104", sloppy("10.0.0.0/8")),
            ("::ffff:10.0.0.0/64", Reading::None),
            ("10.0.0.0/33", Reading::None),
            ("10.0.0.0", Reading::None),
            ("10.0.0.0/x", Reading::None),
        ] {
            assert_eq!(range(text), reading, "{text}");
        }
    }
}
