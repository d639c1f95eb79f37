//! Label selectors whose values no label can have. Source: api-versions.md section 4; `unversionedvalidation.ValidateLabelSelector`.

use super::{Context, needle, refuse};
use crate::{
    conversion::{draft::Node, outcome::SkipReason},
    model::Tree,
};

/// The first minor that looks at the values of `matchExpressions`; those of `matchLabels` were always looked at.
pub(super) const EXPRESSIONS: u32 = 26;

/// Whether a text may stand as a label's value.
pub(super) fn is_value(text: &str) -> bool {
    text.is_empty() || is_name(text)
}

/// Up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends.
pub(super) fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether a text is a name with an optional DNS name before it: `example.com/name`.
pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        None => is_name(text),
        Some((domain, name)) => is_domain(domain) && is_name(name),
    }
}

/// Whether a text is a DNS name of lower-case labels (RFC 1123 subdomain).
pub(super) fn is_domain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|label| is_dns_part(label, usize::MAX))
}

/// Whether a text is one DNS label in lower case (RFC 1123 label).
pub(super) fn is_dns_label(text: &str) -> bool {
    is_dns_part(text, 63)
}

fn is_dns_part(text: &str, most: usize) -> bool {
    let bytes = text.as_bytes();
    let edge = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    bytes.len() <= most
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Refuses a selector with a value that no label can have.
pub(super) fn check(
    node: &mut Node<'_>,
    path: &[&str],
    context: &Context<'_>,
) -> Result<(), SkipReason> {
    let Some(refused) = node.at(path, |selector| refused(selector, context)) else {
        return Ok(());
    };
    refused.map_or(Ok(()), Err)
}

const ADVICE: &str = "no label can have this value, so the selector matches nothing; older servers took that, the target does not: \
     correct the value, or leave the object out";

fn refused(selector: &mut Node<'_>, context: &Context<'_>) -> Option<SkipReason> {
    let bad = |value: &Tree| value.as_str().is_some_and(|text| !is_value(text));
    let labels = selector.get(&["matchLabels"]).and_then(Tree::as_object);
    if let Some((key, _)) = labels.into_iter().flatten().find(|(_, value)| bad(value)) {
        return Some(refuse(selector, &["matchLabels", &key.clone()], ADVICE));
    }
    if context.minor < EXPRESSIONS {
        return None;
    }
    let mut reason = None;
    selector.each(&["matchExpressions"], |expression| {
        let values = expression.get(&["values"]).and_then(Tree::as_array);
        if values.unwrap_or_default().iter().any(bad) {
            reason.get_or_insert_with(|| refuse(expression, &["values"], ADVICE));
        }
    });
    reason
}

/// Whether a value is, or holds, a text that no label can have.
pub(super) fn is_no_value(json: &[u8]) -> bool {
    needle::any_text(json, |text| !std::str::from_utf8(text).is_ok_and(is_value))
}

/// Whether a selector picks labels, as `metav1.LabelSelectorAsSelector` reads it; an operator that is none picks nothing.
pub(super) fn matches(selector: &Tree, labels: &Tree) -> bool {
    let label = |key: &str| labels.at(&[key]).and_then(Tree::as_str);
    let wanted = selector.at(&["matchLabels"]).and_then(Tree::as_object);
    let expressions = selector.at(&["matchExpressions"]).and_then(Tree::as_array);
    wanted
        .into_iter()
        .flatten()
        .all(|(key, value)| label(key) == value.as_str())
        && expressions.unwrap_or_default().iter().all(|expression| {
            let found = label(expression.text_at(&["key"]).unwrap_or_default());
            let values = expression.at(&["values"]).and_then(Tree::as_array);
            let within = found.is_some_and(|found| {
                let mut values = values.unwrap_or_default().iter();
                values.any(|value| value.as_str() == Some(found))
            });
            match expression.text_at(&["operator"]) {
                Some("In") => within,
                Some("NotIn") => !within,
                Some("Exists") => found.is_some(),
                Some("DoesNotExist") => found.is_none(),
                _ => false,
            }
        })
}
