//! Stage three: API versions inside other objects. No server rewrites them; csdr does where it is safe, and reports where it is not.
//!
//! Source: api-versions.md section 5.

use super::{builtin::ReferenceOptions, draft::Node, target::TargetApis};

/// Whether a rule may concern an object of these bytes.
pub(super) fn concerns(_group: &str, _kind: &str, _json: &[u8]) -> bool {
    false
}

/// Rewrites the references of an object.
pub(super) fn rewrite(_node: &mut Node<'_>, _target: &TargetApis, _options: &ReferenceOptions) {}
