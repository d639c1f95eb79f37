//! Stage three: API versions inside other objects. No server rewrites them; csdr does where it is safe, and reports where it is not.
//!
//! A version that the target serves stays as it is, unless it is deprecated there. Source: api-versions.md section 5.
//!
//! | room | what stands in it |
//! |---|---|
//! | `served` | where a version goes at the target |
//! | `target_ref` | owners, scale targets and other references of apiVersion and kind |
//! | `rules` | RBAC and flow control: rules of groups and resources |
//! | `admission` | webhooks and admission policies: rules of groups, versions and resources |
//! | `quota` | object counts of quotas, APIServices |
//! | `applied` | kubectl's last-applied annotation |
//! | `release` | Helm's releases |
//! | `written` | how the objects in both are converted |
//! | `custom` | custom resources, and objects embedded in others |

mod admission;
mod applied;
mod custom;
mod quota;
mod release;
mod rules;
mod served;
mod target_ref;
mod written;

pub use applied::LastApplied;

use super::{draft::Node, target::TargetApis};
use memchr::memmem::find;

/// What stage three may decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceOptions {
    /// What becomes of kubectl's annotation in a version that the target does not serve.
    pub last_applied: LastApplied,
    /// Whether the manifests that Helm's releases remember are converted.
    pub helm_releases: bool,
    /// Whether everything in a custom resource that has apiVersion and kind, and is no whole object, is rewritten like a reference;
    /// else only well-known places are, and others are reported.
    pub custom: bool,
}

impl Default for ReferenceOptions {
    /// The annotation and Helm's releases are converted, custom resources are rewritten in well-known places only.
    fn default() -> Self {
        Self {
            last_applied: LastApplied::default(),
            helm_releases: true,
            custom: false,
        }
    }
}

/// What a rule may look at beside the object.
struct Sight<'a> {
    target: &'a TargetApis,
    options: &'a ReferenceOptions,
}

/// The rules for some kinds of one group.
struct Rule {
    group: &'static str,
    kinds: &'static [&'static str],
    /// Texts of which at least one occurs in an object that the rule concerns; empty if that cannot be said.
    needles: &'static [&'static str],
    rewrite: fn(&mut Node<'_>, &Sight<'_>),
}

static RULES: &[&[Rule]] = &[
    admission::RULES,
    quota::RULES,
    release::RULES,
    rules::RULES,
    target_ref::RULES,
];

fn of<'a>(group: &'a str, kind: &'a str) -> impl Iterator<Item = &'static Rule> + 'a {
    RULES
        .iter()
        .flat_map(|rules| rules.iter())
        .filter(move |rule| rule.kinds.contains(&kind) && rule.group == group)
}

/// Whether a rule may concern an object of these bytes: what is not concerned is never parsed.
pub(super) fn concerns(group: &str, kind: &str, json: &[u8], target: &TargetApis) -> bool {
    let mut rules = of(group, kind);
    rules.any(|rule| {
        rule.needles.is_empty()
            || rule
                .needles
                .iter()
                .any(|needle| find(json, needle.as_bytes()).is_some())
    }) || served::names_a_version_to_look_at(group, kind, json, target)
}

/// Rewrites the references of an object.
pub(super) fn rewrite(node: &mut Node<'_>, target: &TargetApis, options: &ReferenceOptions) {
    let (Some(api_version), Some(kind)) = (node.text(&["apiVersion"]), node.text(&["kind"])) else {
        return;
    };
    let (group, _) = served::split(api_version);
    let (group, kind) = (group.to_owned(), kind.to_owned());
    let sight = Sight { target, options };
    target_ref::owners(node, &sight);
    for path in target_ref::paths(&group, &kind) {
        target_ref::visit(node, path, &mut |found| {
            target_ref::reference(found, &sight)
        });
    }
    for rule in of(&group, &kind) {
        (rule.rewrite)(node, &sight);
    }
    applied::rewrite(node, &sight);
    custom::look(node, &group, &kind, &sight);
}

#[cfg(test)]
mod tests;
