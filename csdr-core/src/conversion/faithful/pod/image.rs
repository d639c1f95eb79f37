//! Image references, as far as the default of `imagePullPolicy` needs them.
//!
//! Source: the grammar of image references at the Docker registry (distribution/reference), which the server parses them with. A
//! reference that it cannot parse counts as one with another tag than `latest`.

/// Whether an image's tag is `latest`, written or meant (neither tag nor digest).
pub(super) fn means_latest(image: &str) -> bool {
    matches!(parse(image), Some((None, None) | (Some("latest"), _)))
}

/// Tag and digest of a reference, if it is one.
fn parse(image: &str) -> Option<(Option<&str>, Option<&str>)> {
    // 64 hexadecimal digits are an image's identifier, not its name.
    if image.len() == 64 && image.bytes().all(is_lower_hex) {
        return None;
    }
    let (named, digest) = match image.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (image, None),
    };
    if !digest.is_none_or(is_digest) {
        return None;
    }
    let last = named.rfind('/').map_or(0, |slash| slash + 1);
    let tag_at = named.get(last..)?.find(':').map(|colon| last + colon);
    let (name, tag) = match tag_at {
        Some(colon) => (named.get(..colon)?, Some(named.get(colon + 1..)?)),
        None => (named, None),
    };
    (tag.is_none_or(is_tag) && is_name(name)).then_some((tag, digest))
}

/// Longest path of a name behind the registry.
const PATH_LIMIT: usize = 255;

fn is_name(name: &str) -> bool {
    let (registry, path) = match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => (Some(first), rest),
        _ => (None, name),
    };
    // What the registry of Docker itself holds without a namespace is in the namespace `library`.
    let library =
        matches!(registry, None | Some("docker.io" | "index.docker.io")) && !path.contains('/');
    let length = path.len() + if library { "library/".len() } else { 0 };
    registry.is_none_or(is_host_and_port)
        && path.split('/').all(is_path_component)
        && length <= PATH_LIMIT
}

/// Whether the part before the first `/` is a registry rather than a namespace.
fn is_registry(first: &str) -> bool {
    first == "localhost"
        || first.contains(['.', ':'])
        || first.chars().any(|letter| letter.is_ascii_uppercase())
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|ip| !ip.is_empty() && ip.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let domain = || host.split('.').all(label);
    // A registry may also be written like a path component (`a__b.c`): the grammar then takes it for one.
    (port.is_none_or(digits) && (address || domain())) || is_path_component(text)
}

/// Runs of lower-case letters and digits between single separators: `.`, `_`, `__`, or any number of `-`.
fn is_path_component(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let mut rest = text.trim_start_matches(plain);
    if rest.len() == text.len() {
        return false;
    }
    while !rest.is_empty() {
        let next = rest.trim_start_matches(|letter| !plain(letter));
        let separator = rest.strip_suffix(next).unwrap_or_default();
        let valid = matches!(separator, "." | "_" | "__")
            || !separator.is_empty() && separator.bytes().all(|b| b == b'-');
        if !valid || next.is_empty() {
            return false;
        }
        rest = next.trim_start_matches(plain);
    }
    true
}

fn is_tag(tag: &str) -> bool {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    tag.starts_with(word)
        && tag.len() <= 128
        && tag
            .chars()
            .all(|letter| word(letter) || matches!(letter, '.' | '-'))
}

/// Only digests of known algorithms parse.
fn is_digest(digest: &str) -> bool {
    let digits = match digest.split_once(':') {
        Some(("sha256", digits)) if digits.len() == 64 => digits,
        Some(("sha384", digits)) if digits.len() == 96 => digits,
        Some(("sha512", digits)) if digits.len() == 128 => digits,
        _ => return false,
    };
    digits.bytes().all(is_lower_hex)
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_latest_written_or_meant_is_latest() {
        let sha = "0123456789abcdef".repeat(4);
        let cases = [
            ("nginx", true),
            ("nginx:latest", true),
            ("nginx:1", false),
            ("nginx:LATEST", false),
            ("library/nginx", true),
            ("localhost/nginx", true),
            ("localhost:5000/nginx", true),
            ("localhost:5000/nginx:latest", true),
            ("localhost:5000/nginx:v1", false),
            ("registry.example:5000/a/b-c__d.e", true),
            ("[::1]:5000/nginx", true),
            ("[::1]/nginx", true),
            ("Registry/nginx", true),
            ("a.b:port/nginx", false),
            ("", false),
            (":latest", false),
            ("nginx:", false),
            ("Nginx", false),
            ("library/Nginx:latest", false),
            ("a..b", false),
            ("a-", false),
            ("a___b", false),
            ("a---b", true),
            ("/nginx", false),
            ("nginx/", false),
            ("a//b", false),
            ("{{ .Values.image }}", false),
        ];
        for (image, latest) in cases {
            assert_eq!(means_latest(image), latest, "{image}");
        }
        assert!(!means_latest(&sha));
        assert!(!means_latest(&format!("nginx@sha256:{sha}")));
        assert!(means_latest(&format!("nginx:latest@sha256:{sha}")));
        assert!(!means_latest(&format!("nginx:latest@sha256:{}", &sha[1..])));
        assert!(!means_latest(&format!("nginx:latest@md5:{sha}")));
        assert!(!means_latest(&format!(
            "nginx:latest@sha256:{}",
            sha.to_uppercase()
        )));
        assert!(means_latest(&"a".repeat(247)) && !means_latest(&"a".repeat(248)));
        assert!(means_latest(&format!("x.y/{}", "a".repeat(255))));
        assert!(!means_latest(&format!("x.y/{}", "a".repeat(256))));
    }
}
