//! Stage two: what the target's validation would refuse is mended, each time with a stated change.
//!
//! Also without a change of version: objects read as `v1` from an old cluster may be unacceptable to a new one.
//! Source: api-versions.md sections 2.12 to 2.15, 3 and 4.

mod aggregation;
mod client;
mod definition;
mod name;
mod older;
mod webhook;

#[cfg(test)]
mod judged;

use super::{draft::Node, outcome::SkipReason};
use crate::model::ApiVersion;
use std::borrow::Cow;

/// What a mend may look at beside the object.
pub(super) struct Context<'a> {
    /// The object's API version, which the target serves.
    pub(super) api_version: &'a ApiVersion,
    /// The object's kind.
    pub(super) kind: &'a str,
    /// The target's minor of Kubernetes 1.
    pub(super) minor: u32,
    /// Choices of the caller.
    pub(super) options: &'a super::builtin::MendOptions,
}

/// The rules for some kinds of one group.
pub(super) struct Mend {
    pub(super) group: &'static str,
    pub(super) kinds: &'static [&'static str],
    /// Texts of which at least one occurs in an object that the rule concerns; empty if that cannot be said.
    pub(super) needles: &'static [&'static str],
    /// Mends the object, or says why no form of it would be accepted.
    pub(super) mend: fn(&mut Node<'_>, &Context<'_>) -> Result<(), SkipReason>,
}

static MENDS: &[&[Mend]] = &[aggregation::MENDS, definition::MENDS, webhook::MENDS];

fn of<'a>(group: &'a str, kind: &'a str) -> impl Iterator<Item = &'static Mend> + 'a {
    MENDS
        .iter()
        .flat_map(|mends| mends.iter())
        .filter(move |mend| mend.group == group && mend.kinds.contains(&kind))
}

/// Whether a rule may concern an object of these bytes: what is not concerned is never parsed.
pub(super) fn concerns(group: &str, kind: &str, json: &[u8]) -> bool {
    of(group, kind).any(|mend| {
        mend.needles.is_empty()
            || mend
                .needles
                .iter()
                .any(|needle| memchr::memmem::find(json, needle.as_bytes()).is_some())
    })
}

/// Mends an object for the target.
pub(super) fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    for mend in of(context.api_version.group(), context.kind) {
        (mend.mend)(node, context)?;
    }
    Ok(())
}

/// That no form of an object would be accepted.
fn refused(path: String, advice: impl Into<Cow<'static, str>>) -> SkipReason {
    SkipReason::Unacceptable {
        path,
        advice: advice.into(),
    }
}
