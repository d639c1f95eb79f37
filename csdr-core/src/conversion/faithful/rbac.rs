//! ClusterRole, ClusterRoleBinding, Role, RoleBinding.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["ClusterRole", "Role"],
        defaults: nothing,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["ClusterRoleBinding", "RoleBinding"],
        defaults,
        to_hub,
        from_hub,
    },
];

const GROUP: &str = "rbac.authorization.k8s.io";
/// As a subject of v1alpha1 says it.
const ALPHA: &str = "rbac.authorization.k8s.io/v1alpha1";

/// Source: api-versions.md section 2.10. What v1alpha1 writes into a subject's `apiVersion` is not needed: no other version has it.
fn defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    node.default_zero(&["roleRef", "apiGroup"], GROUP);
    if version != "v1alpha1" {
        node.each(&["subjects"], |subject| match subject.text(&["kind"]) {
            Some("User" | "Group") => subject.default_zero(&["apiGroup"], GROUP),
            Some("ServiceAccount") if subject.text(&["apiGroup"]) == Some("") => {
                subject.remove(
                    &["apiGroup"],
                    "absent means the same, and the server writes nothing here",
                );
            }
            _ => {}
        });
    }
    Ok(())
}

fn to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha1" {
        node.each(&["subjects"], subject_to_hub);
    }
    Ok(())
}

/// v1alpha1 says a subject's API version where newer versions say its group.
fn subject_to_hub(subject: &mut Node<'_>) {
    match subject.text(&["kind"]) {
        Some("ServiceAccount") => {
            subject.remove(&["apiVersion"], "a service account is in the core group");
        }
        Some("User" | "Group") => {
            subject.remove(&["apiVersion"], "the API group takes its place");
            subject.set(&["apiGroup"], GROUP, "the API group of users and groups");
            if subject.text(&["kind"]) == Some("User") && subject.text(&["name"]) == Some("*") {
                let reason = "in v1alpha1 the user * was everybody who is authenticated";
                subject.set(&["kind"], "Group", reason);
                subject.set(&["name"], "system:authenticated", reason);
            }
        }
        _ => {
            let Some(version) = subject.text(&["apiVersion"]) else {
                return;
            };
            // As Go reads an API version; one that it cannot read has no group.
            let group = match version.split_once('/') {
                Some((group, version)) if !version.contains('/') => group.to_owned(),
                _ => String::new(),
            };
            let reason = "only the group of a subject's API version is kept";
            subject.lose(
                &["apiVersion"],
                LossKind::NoCounterpart,
                Severity::Info,
                reason,
            );
            if !group.is_empty() {
                subject.set(
                    &["apiGroup"],
                    group,
                    "the group of the subject's API version",
                );
            }
        }
    }
}

fn from_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha1" {
        node.each(&["subjects"], |subject| {
            let group = subject.text(&["apiGroup"]).unwrap_or_default();
            let version = match (subject.text(&["kind"]), group) {
                (Some("ServiceAccount"), "") => "v1".to_owned(),
                (Some("User" | "Group"), GROUP) => ALPHA.to_owned(),
                (_, "") => String::new(),
                // A group without a version, as Go writes it.
                (_, group) => format!("{group}/"),
            };
            subject.remove(
                &["apiGroup"],
                "v1alpha1 says a subject's API version instead",
            );
            if !version.is_empty() {
                subject.set(
                    &["apiVersion"],
                    version,
                    "v1alpha1 says a subject's API version",
                );
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    fn of(version: &str, subject: &str) -> String {
        format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/{version}","kind":"RoleBinding",
                "roleRef":{{"apiGroup":"rbac.authorization.k8s.io","name":"r"}},"subjects":[{subject}]}}"#
        )
    }

    /// Source: pkg/apis/rbac/v1alpha1/conversion.go.
    #[test]
    fn subjects() {
        const USER: &str = r#"{"kind":"User","name":"u","apiGroup":"rbac.authorization.k8s.io"}"#;
        const USER_ALPHA: &str =
            r#"{"kind":"User","name":"u","apiVersion":"rbac.authorization.k8s.io/v1alpha1"}"#;
        const ACCOUNT: &str = r#"{"kind":"ServiceAccount","name":"s"}"#;
        let table = [
            (
                "v1alpha1",
                r#"{"kind":"ServiceAccount","name":"s","apiVersion":"v1"}"#,
                "v1",
                ACCOUNT,
            ),
            ("v1alpha1", USER_ALPHA, "v1", USER),
            ("v1alpha1", r#"{"kind":"User","name":"u"}"#, "v1beta1", USER),
            (
                "v1alpha1",
                r#"{"kind":"User","name":"*"}"#,
                "v1",
                r#"{"kind":"Group","name":"system:authenticated","apiGroup":"rbac.authorization.k8s.io"}"#,
            ),
            (
                "v1alpha1",
                r#"{"kind":"X","apiVersion":"g/v9"}"#,
                "v1",
                r#"{"kind":"X","apiGroup":"g"}"#,
            ),
            (
                "v1alpha1",
                r#"{"kind":"X","apiVersion":"v9"}"#,
                "v1",
                r#"{"kind":"X"}"#,
            ),
            (
                "v1alpha1",
                r#"{"kind":"X","apiVersion":"a/b/c"}"#,
                "v1",
                r#"{"kind":"X"}"#,
            ),
            ("v1alpha1", "7", "v1", "7"),
            (
                "v1beta1",
                r#"{"kind":"User","name":"u","apiGroup":""}"#,
                "v1",
                USER,
            ),
            (
                "v1beta1",
                r#"{"kind":"User","name":"*","apiGroup":"rbac.authorization.k8s.io"}"#,
                "v1",
                r#"{"kind":"User","name":"*","apiGroup":"rbac.authorization.k8s.io"}"#,
            ),
            (
                "v1beta1",
                r#"{"kind":"ServiceAccount","name":"s","apiGroup":""}"#,
                "v1",
                ACCOUNT,
            ),
            ("v1", USER, "v1alpha1", USER_ALPHA),
            (
                "v1",
                ACCOUNT,
                "v1alpha1",
                r#"{"kind":"ServiceAccount","name":"s","apiVersion":"v1"}"#,
            ),
            (
                "v1",
                r#"{"kind":"X","apiGroup":"g"}"#,
                "v1alpha1",
                r#"{"kind":"X","apiVersion":"g/"}"#,
            ),
            ("v1", USER, "v1beta1", USER),
        ];
        for (from, subject, to, expected) in table {
            let to_version = format!("rbac.authorization.k8s.io/{to}");
            check(&[(&of(from, subject), &to_version, &of(to, expected))]);
        }
    }

    #[test]
    fn role_references_and_roles() {
        check(&[
            (
                r#"{"apiVersion":"rbac.authorization.k8s.io/v1beta1","kind":"ClusterRoleBinding","roleRef":{"name":"r","apiGroup":""}}"#,
                "rbac.authorization.k8s.io/v1",
                r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","roleRef":{"name":"r","apiGroup":"rbac.authorization.k8s.io"}}"#,
            ),
            (
                r#"{"apiVersion":"rbac.authorization.k8s.io/v1alpha1","kind":"ClusterRole","rules":[{"verbs":["*"]}]}"#,
                "rbac.authorization.k8s.io/v1",
                r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","rules":[{"verbs":["*"]}]}"#,
            ),
        ]);
    }
}
