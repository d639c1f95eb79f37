//! When a proxy from the environment is not meant for a host.

use std::net::IpAddr;

/// Whether `host` is to be reached directly, though `HTTPS_PROXY` is set: the own host always is, and whatever `no_proxy` lists.
///
/// Source: Go's `golang.org/x/net/http/httpproxy`, and so kubectl: entries are separated by commas; `*` is everything, an address
/// or a network in CIDR form is itself, a name is itself and its subdomains, with a leading dot only these. A port is not compared.
pub(super) fn is_excepted(host: &str, no_proxy: &str) -> bool {
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    let entries = no_proxy
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase());
    entries.filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        match (address, entry.split_once('/')) {
            (Some(address), Some((network, bits))) => is_in(address, network, bits),
            (Some(address), None) => entry.trim_matches(['[', ']']).parse() == Ok(address),
            (None, _) => {
                let name = entry.split_once(':').map_or(&*entry, |(name, _)| name);
                let name = name.strip_prefix('*').unwrap_or(name);
                match name.strip_prefix('.') {
                    Some(parent) => host
                        .strip_suffix(parent)
                        .is_some_and(|sub| sub.ends_with('.')),
                    None => {
                        let sub = host.strip_suffix(name);
                        sub.is_some_and(|sub| sub.is_empty() || sub.ends_with('.'))
                    }
                }
            }
        }
    })
}

fn is_in(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let shift = 32 - bits;
            address.to_bits().checked_shr(shift) == network.to_bits().checked_shr(shift)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let shift = 128 - bits;
            address.to_bits().checked_shr(shift) == network.to_bits().checked_shr(shift)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_excepted;

    #[test]
    fn entries_are_read_as_kubectl_reads_them() {
        for (host, no_proxy, expected) in [
            ("127.0.0.1", "", true),
            ("[::1]", "", true),
            ("localhost", "", true),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("11.1.2.3", "x, 0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.30", false),
            ("fd00::5", "fd00::/16", true),
            ("api.example.com", "example.com", true),
            ("example.com", "example.com", true),
            ("badexample.com", "example.com", false),
            ("api.example.com", ".example.com:443", true),
            ("example.com", ".example.com", false),
            ("api.example.com", "*.example.com", true),
            ("api.example.com", "*", true),
            ("api.example.com", "", false),
        ] {
            assert_eq!(is_excepted(host, no_proxy), expected, "{host} {no_proxy}");
        }
    }
}
