//! Who signs a request that names no signer: as much of PKCS #10 as it takes to tell a kubelet's.
//!
//! Source: pkg/apis/certificates/helpers.go and v1beta1/defaults.go; RFC 2986 (requests), RFC 5280 4.2.1.6 (alternative names).

use std::collections::BTreeSet;

const UNKNOWN: &str = "kubernetes.io/legacy-unknown";
const KUBELET_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const KUBELET_SERVING: &str = "kubernetes.io/kubelet-serving";

/// The signer that a server writes into a request without one.
pub(super) fn signer(request: &str, usages: &BTreeSet<&str>) -> &'static str {
    let Some(subject) = base64(request.bytes())
        .and_then(|pem| String::from_utf8(pem).ok())
        .and_then(|pem| certificate_request(&pem))
        .and_then(|der| subject(&der))
    else {
        return UNKNOWN;
    };
    if subject.organizations != ["system:nodes"]
        || !subject.name.starts_with("system:node:")
        || subject.has_mail_or_uri
    {
        return UNKNOWN;
    }
    let are = |auth: &str| {
        let needed = BTreeSet::from(["digital signature", auth]);
        let mut with_encipherment = needed.clone();
        with_encipherment.insert("key encipherment");
        *usages == needed || *usages == with_encipherment
    };
    match subject.has_host {
        false if are("client auth") => KUBELET_CLIENT,
        true if are("server auth") => KUBELET_SERVING,
        _ => UNKNOWN,
    }
}

/// What is asked of a subject and its alternative names.
#[derive(Debug, Default)]
struct Subject {
    organizations: Vec<String>,
    name: String,
    has_host: bool,
    has_mail_or_uri: bool,
}

fn base64(text: impl Iterator<Item = u8>) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// The first block, if it is a request.
fn certificate_request(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let body = rest.strip_prefix("CERTIFICATE REQUEST-----")?;
    base64(
        body.split_once("-----END CERTIFICATE REQUEST-----")?
            .0
            .bytes(),
    )
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTETS: u8 = 0x04;
const ATTRIBUTES: u8 = 0xa0;
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// The elements of a DER value: tag and content.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next element; `None` at the end, or where it is broken.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, mut rest) = rest.split_first()?;
        let mut length = usize::from(*first);
        if length >= 0x80 {
            let digits;
            (digits, rest) = rest.split_at_checked(length & 0x7f)?;
            length = digits.iter().try_fold(0_usize, |length, digit| {
                length.checked_mul(256)?.checked_add(usize::from(*digit))
            })?;
        }
        let content;
        (content, self.0) = rest.split_at_checked(length)?;
        Some((*tag, content))
    }

    /// The content of the next element, which must have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, _)| *found == tag)
            .map(|(_, content)| content)
    }
}

fn subject(der: &[u8]) -> Option<Subject> {
    let mut found = Subject::default();
    let mut whole = Elements(der);
    let mut signed = Elements(whole.expect(SEQUENCE)?);
    if !whole.0.is_empty() {
        return None;
    }
    let mut request = Elements(signed.expect(SEQUENCE)?);
    // The algorithm and the signature.
    signed.expect(SEQUENCE)?;
    signed.next()?;
    // The version, before the subject; the key, after it.
    request.next()?;
    let mut names = Elements(request.expect(SEQUENCE)?);
    request.expect(SEQUENCE)?;
    while let Some((SET, parts)) = names.next() {
        let mut parts = Elements(parts);
        while let Some(part) = parts.expect(SEQUENCE) {
            let mut part = Elements(part);
            let (_, kind) = part.next()?;
            let (_, value) = part.next()?;
            let value = String::from_utf8_lossy(value).into_owned();
            match kind {
                ORGANIZATION => found.organizations.push(value),
                COMMON_NAME => found.name = value,
                _ => {}
            }
        }
    }
    let mut attributes = Elements(request.expect(ATTRIBUTES).unwrap_or_default());
    while let Some(attribute) = attributes.expect(SEQUENCE) {
        let mut attribute = Elements(attribute);
        if attribute.next()?.1 == EXTENSION_REQUEST {
            let mut values = Elements(attribute.expect(SET)?);
            alternative_names(values.expect(SEQUENCE)?, &mut found)?;
        }
    }
    Some(found)
}

fn alternative_names(extensions: &[u8], found: &mut Subject) -> Option<()> {
    let mut extensions = Elements(extensions);
    while let Some(extension) = extensions.expect(SEQUENCE) {
        let mut extension = Elements(extension);
        if extension.next()?.1 != ALTERNATIVE_NAMES {
            continue;
        }
        // Whether it is critical may stand before the value.
        let value = match extension.next()? {
            (OCTETS, value) => value,
            _ => extension.expect(OCTETS)?,
        };
        let mut names = Elements(Elements(value).expect(SEQUENCE)?);
        while let Some((tag, _)) = names.next() {
            match tag {
                0x82 | 0x87 => found.has_host = true,
                0x81 | 0x86 => found.has_mail_or_uri = true,
                _ => {}
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests;
