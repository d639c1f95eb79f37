//! Secrets of a type that says what they hold. Source: `ValidateSecret`: what no server ever took. Their content is never shown.

use super::{
    Context, Mend,
    needle::{Needle, text},
    refuse,
};
use crate::{
    conversion::{draft::Node, outcome::SkipReason},
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "",
    kinds: &["Secret"],
    needles: &[NEVER],
    mend,
}];

/// Nothing is changed, and what is refused no server ever stored.
static NEVER: &[Needle] = &[text("type\"").below(0)];

fn mend(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    let has = |key: &str| node.has(&["data", key]) || node.has(&["stringData", key]);
    let needs: &[&str] = match node.text(&["type"]).unwrap_or_default() {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/basic-auth" if has("username") => &[],
        "kubernetes.io/basic-auth" => &["password"],
        "kubernetes.io/service-account-token" => {
            let path = [
                "metadata",
                "annotations",
                "kubernetes.io/service-account.name",
            ];
            if node.text(&path).is_none_or(str::is_empty) {
                return Err(refuse(
                    node,
                    &path,
                    "a token must name its ServiceAccount; write the annotation",
                ));
            }
            &[]
        }
        _ => &[],
    };
    for key in needs {
        if !has(key) {
            return Err(refuse(
                node,
                &["data", key],
                "a Secret of this type must have the key; add it, or give the Secret the type Opaque",
            ));
        }
        if key.starts_with(".docker") && !is_configuration(node, key) {
            return Err(refuse(
                node,
                &["data", key],
                "a Secret of this type holds JSON there, and this is none; correct it, or give the Secret the type Opaque",
            ));
        }
    }
    Ok(())
}

/// Whether what stands there is a JSON object; where that cannot be told, yes.
fn is_configuration(node: &Node<'_>, key: &str) -> bool {
    let is_object = |json: &[u8]| Tree::parse(json).is_ok_and(|tree| tree.as_object().is_some());
    match node.text(&["stringData", key]) {
        Some(text) => is_object(text.as_bytes()),
        None => node
            .text(&["data", key])
            .and_then(decode)
            .is_none_or(|bytes| is_object(&bytes)),
    }
}

/// Base64 (RFC 4648, section 4).
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}
