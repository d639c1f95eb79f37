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
    // What stands before the first letter is like what stands between two labels.
    let mut before = b'.';
    text.len() <= 253
        && text.bytes().all(|byte| {
            let fits = match byte {
                b'a'..=b'z' | b'0'..=b'9' => true,
                b'-' => before != b'.',
                b'.' => !matches!(before, b'.' | b'-'),
                _ => false,
            };
            before = byte;
            fits
        })
        && !matches!(before, b'.' | b'-')
}

/// Whether a text is one DNS label in lower case (RFC 1123 label).
pub(super) fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    let edge = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// Refuses a selector that the target does not take.
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
        return Some(refuse(selector, &["matchLabels", key], ADVICE));
    }
    let mut reason = None;
    selector.each(&["matchExpressions"], |expression| {
        let values = expression.get(&["values"]).and_then(Tree::as_array);
        let values = values.unwrap_or_default();
        let advice = match expression.text(&["operator"]) {
            Some("In" | "NotIn") if values.is_empty() => "In and NotIn need a value; write one",
            Some("Exists" | "DoesNotExist") if !values.is_empty() => {
                "Exists and DoesNotExist take no values; take them away"
            }
            Some("In" | "NotIn" | "Exists" | "DoesNotExist") => {
                if context.minor < EXPRESSIONS || !values.iter().any(bad) {
                    return;
                }
                ADVICE
            }
            _ => {
                let advice =
                    "the operator must be In, NotIn, Exists or DoesNotExist; write one of them";
                reason.get_or_insert_with(|| refuse(expression, &["operator"], advice));
                return;
            }
        };
        reason.get_or_insert_with(|| refuse(expression, &["values"], advice));
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
