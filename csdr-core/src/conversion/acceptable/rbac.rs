//! Roles and their bindings. Source: api-versions.md section 3.5; `ValidateRole`, `ValidateRoleBinding`.

use super::{
    Context, Mend,
    needle::{self, Needle, text, value},
    refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity, SkipReason},
    },
    model::Tree,
};

const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: GROUP,
        kinds: &["Role", "ClusterRole"],
        needles: &[&[text("nonResourceURLs\"")]],
        mend: mend_role,
    },
    Mend {
        group: GROUP,
        kinds: &["RoleBinding", "ClusterRoleBinding"],
        needles: &[BINDING_NEEDLES],
        mend: mend_binding,
    },
];

static BINDING_NEEDLES: &[Needle] = &[
    value("kind", |value| {
        value.starts_with(b"null")
            || needle::is_text(value, |kind| {
                !matches!(
                    kind,
                    b"ServiceAccount"
                        | b"User"
                        | b"Group"
                        | b"Role"
                        | b"ClusterRole"
                        | b"RoleBinding"
                        | b"ClusterRoleBinding"
                )
            })
    }),
    value("apiGroup", |value| {
        needle::is_text(value, |group| {
            !group.is_empty() && group != GROUP.as_bytes()
        })
    }),
    value("roleRef", needle::is_empty),
    needle::probe(lacks_kind),
];

/// The object, the role and each subject have a kind and a name.
fn lacks_kind(json: &[u8]) -> bool {
    let count = |text: &[u8]| memchr::memmem::find_iter(json, text).count();
    count(b"\"kind\"") < count(b"\"name\"") || has_empty_item(json)
}

/// An empty subject. The many `{}` in `managedFields` stand behind a colon.
fn has_empty_item(json: &[u8]) -> bool {
    memchr::memmem::find_iter(json, b"{}").any(|at| {
        let before = json.get(..at).unwrap_or_default();
        !before.trim_ascii_end().ends_with(b":")
    })
}

/// Names of roles and bindings may hold anything that a path may. Source: `IsValidPathSegmentName`.
fn check_name(node: &Node<'_>, path: &[&str]) -> Result<(), SkipReason> {
    let name = node.text(path).unwrap_or_default();
    if matches!(name, "." | "..") || name.contains(['/', '%']) {
        return Err(refuse(
            node,
            path,
            "no server takes a name with / or %, as it could not be asked for; write another one",
        ));
    }
    Ok(())
}

fn mend_role(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    check_name(node, &["metadata", "name"])?;
    let namespaced = context.kind == "Role";
    let filled = |rule: &Tree, key: &str| {
        let items = rule.at(&[key]).and_then(Tree::as_array);
        items.is_some_and(|items| !items.is_empty())
    };
    if namespaced {
        node.retain(&["rules"], |rule| {
            (filled(rule, "nonResourceURLs") && !filled(rule, "resources")).then(|| {
                (
                    LossKind::Refused,
                    Severity::Warning,
                    "a Role has no say in URLs that are no resources; only a ClusterRole has"
                        .into(),
                )
            })
        });
    }
    node.try_each(&["rules"], |rule| {
        let both = filled(rule.tree(), "nonResourceURLs") && filled(rule.tree(), "resources");
        if both && namespaced {
            rule.lose(
                &["nonResourceURLs"],
                LossKind::Refused,
                Severity::Warning,
                "a Role has no say in URLs that are no resources; only a ClusterRole has",
            );
        } else if both {
            return Err(refuse(
                rule,
                &["nonResourceURLs"],
                "a rule is about resources or about URLs, not both; make two rules of it",
            ));
        }
        if !filled(rule.tree(), "verbs") {
            return Err(refuse(
                rule,
                &["verbs"],
                "a rule needs at least one verb; write what it allows, or take the rule away",
            ));
        }
        if filled(rule.tree(), "nonResourceURLs") {
            return Ok(());
        }
        for key in ["apiGroups", "resources"] {
            if !filled(rule.tree(), key) {
                return Err(refuse(
                    rule,
                    &[key],
                    "a rule names at least one API group (\"\" is the core group) and one resource; write them",
                ));
            }
        }
        Ok(())
    })
}

fn mend_binding(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    check_name(node, &["metadata", "name"])?;
    check_name(node, &["roleRef", "name"])?;
    if node.text(&["roleRef", "name"]).is_none_or(str::is_empty) {
        return Err(refuse(
            node,
            &["roleRef", "name"],
            "a binding must name the role that it gives",
        ));
    }
    if !matches!(
        node.text(&["roleRef", "kind"]),
        Some("Role" | "ClusterRole")
    ) || (context.kind == "ClusterRoleBinding"
        && node.text(&["roleRef", "kind"]) != Some("ClusterRole"))
    {
        return Err(refuse(
            node,
            &["roleRef", "kind"],
            "a RoleBinding gives a Role or a ClusterRole, a ClusterRoleBinding a ClusterRole; name one",
        ));
    }
    node.retain(&["subjects"], |subject| {
        subject.as_object()?;
        let kind = subject.text_at(&["kind"]).unwrap_or_default();
        (!matches!(kind, "ServiceAccount" | "User" | "Group")).then(|| {
            (
                LossKind::Refused,
                Severity::Warning,
                "subjects are ServiceAccounts, Users and Groups; no one ever was this one".into(),
            )
        })
    });
    let cluster = context.kind == "ClusterRoleBinding";
    node.try_each(&["subjects"], |subject| mend_subject(subject, cluster))
}

fn mend_subject(subject: &mut Node<'_>, cluster: bool) -> Result<(), SkipReason> {
    if subject.text(&["name"]).is_none_or(str::is_empty) {
        return Err(refuse(
            subject,
            &["name"],
            "a subject must have a name; write it, or take the subject away",
        ));
    }
    let account = subject.text(&["kind"]) == Some("ServiceAccount");
    if account && cluster && subject.text(&["namespace"]).is_none_or(str::is_empty) {
        return Err(refuse(
            subject,
            &["namespace"],
            "a ServiceAccount is found only in its namespace; write it",
        ));
    }
    let right = if account { "" } else { GROUP };
    let group = subject.text(&["apiGroup"]);
    if group.is_some_and(|group| group != right && (account || !group.is_empty())) {
        subject.set(
            &["apiGroup"],
            right,
            "the group of this kind of subject; the target takes no other",
        );
    }
    Ok(())
}
