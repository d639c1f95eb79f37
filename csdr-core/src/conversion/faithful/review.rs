//! Kinds that no server stores: reviews, evictions, rollbacks. They occur in files, not in backups.

use super::{Family, Gv};
use crate::{Result, conversion::draft::Node, model::Tree};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &[
        "APIGroupDiscovery",
        "AdmissionReview",
        "DeploymentRollback",
        "Eviction",
        "ImageReview",
        "JobTemplate",
        "LocalSubjectAccessReview",
        "SelfSubjectAccessReview",
        "SelfSubjectReview",
        "SelfSubjectRulesReview",
        "SubjectAccessReview",
        "TokenRequest",
        "TokenReview",
    ],
    defaults,
    to_hub,
    from_hub,
}];

/// Such objects have no name; the server writes their metadata all the same.
fn defaults(node: &mut Node<'_>, (group, _): Gv<'_>) -> Result<()> {
    if ["authentication.k8s.io", "authorization.k8s.io"].contains(&group) {
        node.default(&["metadata"], Tree::object());
    }
    Ok(())
}

/// Whether the groups of a subject are called `group` there.
fn is_beta((group, version): Gv<'_>) -> bool {
    group == "authorization.k8s.io" && version == "v1beta1"
}

fn to_hub(node: &mut Node<'_>, from: Gv<'_>) -> Result<()> {
    if is_beta(from) {
        node.rename(&["spec", "group"], &["spec", "groups"]);
    }
    Ok(())
}

fn from_hub(node: &mut Node<'_>, to: Gv<'_>) -> Result<()> {
    if is_beta(to) {
        node.rename(&["spec", "groups"], &["spec", "group"]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    #[test]
    fn reviews() {
        let beta = r#"{"apiVersion":"authorization.k8s.io/v1beta1","kind":"SubjectAccessReview","metadata":{},"spec":{"user":"u","group":["g"]}}"#;
        let stable = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","metadata":{},"spec":{"user":"u","groups":["g"]}}"#;
        check(&[
            (beta, "authorization.k8s.io/v1", stable),
            (stable, "authorization.k8s.io/v1beta1", beta),
            (
                r#"{"apiVersion":"authentication.k8s.io/v1beta1","kind":"TokenReview","metadata":null,"spec":{"token":"t"}}"#,
                "authentication.k8s.io/v1",
                r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","metadata":{},"spec":{"token":"t"}}"#,
            ),
            (
                r#"{"apiVersion":"policy/v1beta1","kind":"Eviction"}"#,
                "policy/v1",
                r#"{"apiVersion":"policy/v1","kind":"Eviction"}"#,
            ),
        ]);
    }
}
