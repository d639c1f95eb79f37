//! What stands inside custom resources and ControllerRevisions: references that a person may let csdr rewrite, and whole objects, which
//! are reported only: nobody but the resource's author knows what becomes of them.

use super::{
    super::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    Sight,
    served::{Way, way},
    target_ref,
};
use crate::model::{Tree, builtin};

/// Findings of one object that are told; a resource may embed a whole repository.
const TOLD: usize = 20;

pub(super) fn look(node: &mut Node<'_>, group: &str, kind: &str, sight: &Sight<'_>) {
    let is_custom = builtin::kind(group, kind).is_none() && !is_builtin_group(group);
    let is_revision = group == "apps" && kind == "ControllerRevision";
    if !is_custom && !is_revision {
        return;
    }
    let roots: Vec<String> = match node.tree().as_object() {
        Some(members) => members
            .keys()
            .filter(|key| !["apiVersion", "kind", "metadata", "status"].contains(key))
            .map(str::to_owned)
            .collect(),
        None => return,
    };
    let mut left = TOLD;
    for root in roots {
        node.at(&[root.as_str()], |below| {
            walk(below, sight, is_custom && sight.options.custom, &mut left);
        });
    }
}

fn is_builtin_group(group: &str) -> bool {
    builtin::kinds().iter().any(|row| row.group == group)
}

fn walk(node: &mut Node<'_>, sight: &Sight<'_>, rewrite: bool, left: &mut usize) {
    match node.tree() {
        Tree::Object(members) => {
            if members.contains_key("apiVersion") && members.contains_key("kind") {
                named(node, sight, rewrite, left);
            }
            node.entries(&[], |_, member| walk(member, sight, rewrite, left));
        }
        Tree::Array(_) => node.each(&[], |item| walk(item, sight, rewrite, left)),
        _ => {}
    }
}

/// Something with apiVersion and kind: a whole object, if it has what an object has, else a reference.
fn named(node: &mut Node<'_>, sight: &Sight<'_>, rewrite: bool, left: &mut usize) {
    let whole = ["metadata", "spec", "data"]
        .iter()
        .any(|key| node.has(&[key]));
    if !whole && rewrite {
        target_ref::reference(node, sight);
        return;
    }
    let (Some(old), Some(kind)) = (node.text(&["apiVersion"]), node.text(&["kind"])) else {
        return;
    };
    let Ok(parsed) = old.parse() else { return };
    let way = way(sight.target, &parsed, kind);
    if way == Way::Stays || *left == 0 {
        return;
    }
    *left -= 1;
    let what = if whole { "a whole object" } else { "an object" };
    let verb = if whole { "is embedded" } else { "is named" };
    let then = match way {
        Way::To(to) => format!("the target serves {to} instead"),
        _ => "the target serves no version of it".to_owned(),
    };
    let reason = format!(
        "{what} in {old} {verb} here and left as it is; {then}, so change it at its source"
    );
    node.warn(
        &["apiVersion"],
        LossKind::Dangling,
        Severity::Warning,
        reason,
    );
}
