//! When a client certificate ends: enough of DER to say why a server answers 401.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// `notAfter` of the first certificate in `pem`; `None` if there is none that can be read.
pub(super) fn not_after(pem: &str) -> Option<Timestamp> {
    let (_, rest) = pem.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let text: String = body.split_whitespace().collect();
    let der = STANDARD.decode(text).ok()?;

    // Source: RFC 5280 section 4.1: Certificate { tbsCertificate { [0] version, serial, signature, issuer, validity { .. } } }.
    let certificate = element(&der)?.content;
    let mut fields = element(certificate)?.content;
    let first = element(fields)?;
    if first.tag == 0xa0 {
        fields = first.rest;
    }
    for _ in ["serial", "signature", "issuer"] {
        fields = element(fields)?.rest;
    }
    let validity = element(fields)?.content;
    let end = element(element(validity)?.rest)?;
    time(end.tag, std::str::from_utf8(end.content).ok()?)
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
}

/// The first tag, length and value.
fn element(der: &[u8]) -> Option<Element<'_>> {
    let (&tag, der) = der.split_first()?;
    let (&first, der) = der.split_first()?;
    let (length, der) = if first < 0x80 {
        (usize::from(first), der)
    } else {
        let (digits, der) = der.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        let length = digits
            .iter()
            .fold(0usize, |length, digit| length << 8 | usize::from(*digit));
        (length, der)
    };
    let (content, rest) = der.split_at_checked(length)?;
    Some(Element { tag, content, rest })
}

/// UTCTime (tag 0x17, two digits of the year: 50 and above are 19xx) or GeneralizedTime (0x18).
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let long = match tag {
        0x17 if digits.len() == 12 => {
            let century = if digits.get(..2)? >= "50" { "19" } else { "20" };
            format!("{century}{digits}")
        }
        0x18 if digits.len() == 14 => digits.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", long).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate's skeleton with the given validity.
    fn pem(version: bool, tag: u8, end: &str) -> String {
        let wrap = |tag: u8, content: &[u8]| {
            let mut der = vec![tag, 0x82];
            der.extend_from_slice(&(content.len() as u16).to_be_bytes());
            der.extend_from_slice(content);
            der
        };
        let mut tbs = Vec::new();
        if version {
            tbs.extend(wrap(0xa0, &[2, 1, 2]));
        }
        tbs.extend(wrap(2, &[1]));
        tbs.extend(wrap(0x30, &[]));
        tbs.extend(wrap(0x30, &[0; 200]));
        let start = wrap(0x17, b"200101000000Z");
        tbs.extend(wrap(0x30, &[start, wrap(tag, end.as_bytes())].concat()));
        let der = wrap(0x30, &wrap(0x30, &tbs));
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(der)
        )
    }

    #[test]
    fn reads_both_spellings_of_time() {
        for (version, tag, end, expected) in [
            (true, 0x17, "261121121000Z", "2026-11-21T12:10:00Z"),
            (false, 0x18, "20510203040506Z", "2051-02-03T04:05:06Z"),
            (true, 0x17, "991231235959Z", "1999-12-31T23:59:59Z"),
        ] {
            let end = not_after(&pem(version, tag, end)).unwrap();
            assert_eq!(end.to_string(), expected);
        }
    }

    #[test]
    fn rubbish_is_none() {
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        ] {
            assert_eq!(not_after(pem), None);
        }
    }
}
