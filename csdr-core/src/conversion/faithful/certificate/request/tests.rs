//! Real requests, made with openssl: `-subj /O=…/CN=…`, `-addext subjectAltName=…`.

use super::*;

/// O=system:nodes, CN=system:node:n1.
const CLIENT: &str = "MIHrMIGSAgEAMDAxFTATBgNVBAoMDHN5c3RlbTpub2RlczEXMBUGA1UEAwwOc3lzdGVtOm5vZGU6bjEwWTATBgcqhkjOPQIBBggq\
    hkjOPQMBBwNCAAREmQUbtPOqtRN1/OCgW3t9oOPGmxJ21GhVVqKAYHigpRymMoGDOPifUX7APGuIAR8Wgwgcr8Jb4UNKX8P3gLd/\
    oAAwCgYIKoZIzj0EAwIDSAAwRQIhAPco/PjA5vL+YgL/F86wD4A7vsgJfwVTjLKBAjxew3FnAiA1/hhwjUruJ2i30VyH+57HPV4h\
    Pjo8S3ipHjJi73ONEg==";
/// The same with DNS:n1, IP:10.0.0.1.
const SERVING: &str = "MIIBETCBuAIBADAwMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxFzAVBgNVBAMMDnN5c3RlbTpub2RlOm4xMFkwEwYHKoZIzj0CAQYI\
    KoZIzj0DAQcDQgAEn5booA+CVmzXkN6bvk+IxuBZ7Hs2Y7meyt4101xE2PMUT9kMAvsbGlyJYJOo67euOXfYayc3uyAthrRwrH4Y\
    76AmMCQGCSqGSIb3DQEJDjEXMBUwEwYDVR0RBAwwCoICbjGHBAoAAAEwCgYIKoZIzj0EAwIDSAAwRQIgOeXs8dIUK9Q3y3Z3vU/l\
    jS68ZTxr96hCJ40cipfDdecCIQDJft2kby49kLtFupzzpCApwHpEcfUDQMkYwUVCQGh8bg==";
/// O=other.
const OTHER: &str = "MIHkMIGLAgEAMCkxDjAMBgNVBAoMBW90aGVyMRcwFQYDVQQDDA5zeXN0ZW06bm9kZTpuMTBZMBMGByqGSM49AgEGCCqGSM49AwEH\
    A0IABJ+W6KAPglZs15Dem75PiMbgWex7NmO5nsreNdNcRNjzFE/ZDAL7GxpciWCTqOu3rjl32GsnN7sgLYa0cKx+GO+gADAKBggq\
    hkjOPQQDAgNIADBFAiB4hoL/Aas+GS2L/hZwOZQHqqiC+NrBag6emwaD14A+KgIhANztqSEF2psh7NinDjSrRnuczZjWziPk22Wi\
    ZHJZ6E/W";
/// As the first with critical, DNS:n1, email:a@b.example.
const MAIL: &str = "MIIBHDCBwgIBADAwMRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxFzAVBgNVBAMMDnN5c3RlbTpub2RlOm4xMFkwEwYHKoZIzj0CAQYI\
    KoZIzj0DAQcDQgAEn5booA+CVmzXkN6bvk+IxuBZ7Hs2Y7meyt4101xE2PMUT9kMAvsbGlyJYJOo67euOXfYayc3uyAthrRwrH4Y\
    76AwMC4GCSqGSIb3DQEJDjEhMB8wHQYDVR0RAQH/BBMwEYICbjGBC2FAYi5leGFtcGxlMAoGCCqGSM49BAMCA0kAMEYCIQCigjMX\
    m/ws16jcQ5ganvyr48YWeZ/i/7hlU0VhXMxS9QIhAIl2306jv4VeBB0cjInYjorgzwNCJncfi77A0BHIOhMh";

/// As a CertificateSigningRequest holds it.
fn encoded(kind: &str, der: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let pem = format!("-----BEGIN {kind}-----\n{der}\n-----END {kind}-----\n");
    let mut text = String::new();
    for three in pem.as_bytes().chunks(3) {
        let bits = three.iter().enumerate().fold(0_u32, |bits, (at, byte)| {
            bits | (u32::from(*byte) << (16 - 8 * at))
        });
        for digit in 0..=three.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

/// Source: pkg/apis/certificates/helpers.go.
#[test]
fn signers() {
    const CLIENT_USAGES: &[&str] = &["key encipherment", "digital signature", "client auth"];
    const SERVER_USAGES: &[&str] = &["digital signature", "server auth"];
    let table = [
        (CLIENT, CLIENT_USAGES, KUBELET_CLIENT),
        (
            CLIENT,
            &["digital signature", "client auth"],
            KUBELET_CLIENT,
        ),
        (CLIENT, &["client auth"], UNKNOWN),
        (CLIENT, SERVER_USAGES, UNKNOWN),
        (SERVING, SERVER_USAGES, KUBELET_SERVING),
        (SERVING, CLIENT_USAGES, UNKNOWN),
        (OTHER, CLIENT_USAGES, UNKNOWN),
        (MAIL, SERVER_USAGES, UNKNOWN),
        ("", CLIENT_USAGES, UNKNOWN),
    ];
    for (der, usages, expected) in table {
        let usages = usages.iter().copied().collect();
        let found = signer(&encoded("CERTIFICATE REQUEST", der), &usages);
        assert_eq!(found, expected, "{der} {usages:?}");
        assert_eq!(signer(&encoded("CERTIFICATE", der), &usages), UNKNOWN);
    }
}

#[test]
fn broken_requests_are_nobodys() {
    let usages = ["digital signature", "client auth"].into();
    assert_eq!(signer("not base64!", &usages), UNKNOWN);
    assert_eq!(signer("aGVsbG8=", &usages), UNKNOWN);
    let der = base64(CLIENT.bytes()).unwrap();
    for length in 0..der.len() {
        assert!(subject(&der[..length]).is_none(), "cut at {length}");
    }
    for at in 0..der.len() {
        let mut broken = der.clone();
        broken[at] ^= 0xff;
        // Whatever it says: it ends.
        let _ = subject(&broken);
    }
}
