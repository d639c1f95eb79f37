//! MutatingWebhookConfiguration, ValidatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
//! MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding.
//!
//! Every version has the same fields; the defaults differ. Source: api-versions.md section 2.9; Kubernetes
//! pkg/apis/admissionregistration v1alpha1, v1beta1, v1, defaults.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::draft::{DEFAULT, Node},
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["ValidatingWebhookConfiguration"],
        defaults: validating_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["MutatingWebhookConfiguration"],
        defaults: mutating_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"],
        defaults: policy_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &[
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicyBinding",
        ],
        defaults: binding_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
];

fn validating_defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    node.each(&["webhooks"], |webhook| webhook_defaults(webhook, version));
    Ok(())
}

fn mutating_defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    node.each(&["webhooks"], |webhook| {
        webhook_defaults(webhook, version);
        webhook.default(&["reinvocationPolicy"], "Never");
    });
    Ok(())
}

fn webhook_defaults(webhook: &mut Node<'_>, version: &str) {
    let old = version != "v1";
    let (failure, matching, timeout) = if old {
        ("Ignore", "Exact", 30)
    } else {
        ("Fail", "Equivalent", 10)
    };
    webhook.default(&["failurePolicy"], failure);
    webhook.default(&["matchPolicy"], matching);
    webhook.default(&["timeoutSeconds"], timeout);
    selectors(webhook);
    // v1 demands these two.
    if old {
        webhook.default(&["sideEffects"], "Unknown");
        let versions = webhook.get(&["admissionReviewVersions"]);
        if versions.is_none_or(|versions| versions.as_array().is_some_and(<[Tree]>::is_empty)) {
            let versions = vec![Tree::from("v1beta1")];
            webhook.set(&["admissionReviewVersions"], versions, DEFAULT);
        }
    }
    scopes(webhook, "rules");
    webhook.at(&["clientConfig", "service"], |service| {
        service.default(&["port"], 443);
    });
}

/// `{}` selects everything.
fn selectors(node: &mut Node<'_>) {
    node.default(&["namespaceSelector"], Tree::object());
    node.default(&["objectSelector"], Tree::object());
}

fn scopes(node: &mut Node<'_>, rules: &str) {
    node.each(&[rules], |rule| rule.default(&["scope"], "*"));
}

fn policy_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    if node.has(&["spec"]) {
        node.default(&["spec", "failurePolicy"], "Fail");
    }
    node.at(&["spec", "matchConstraints"], resources_defaults);
    Ok(())
}

fn resources_defaults(resources: &mut Node<'_>) {
    resources.default(&["matchPolicy"], "Equivalent");
    selectors(resources);
    scopes(resources, "resourceRules");
    scopes(resources, "excludeResourceRules");
}

fn binding_defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha1" {
        node.at(&["spec", "paramRef"], |parameters| {
            parameters.default(&["parameterNotFoundAction"], "Deny");
        });
    }
    node.at(&["spec", "matchResources"], resources_defaults);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::check;

    /// Source: api-versions.md section 2.9.
    #[test]
    fn the_defaults_of_the_stored_version_are_made_explicit() {
        let webhook = |version: &str, kind: &str, fields: &str| {
            format!(
                r#"{{"apiVersion":"admissionregistration.k8s.io/{version}","kind":"{kind}WebhookConfiguration","webhooks":[{{"name":"w"{fields}}}]}}"#
            )
        };
        let said = r#","clientConfig":{"service":{"name":"s"}},"rules":[{"resources":["pods"]},{"scope":"Cluster"}],"admissionReviewVersions":[]"#;
        let same = r#","clientConfig":{"service":{"name":"s","port":443}},"rules":[{"resources":["pods"],"scope":"*"},{"scope":"Cluster"}],
            "namespaceSelector":{},"objectSelector":{}"#;
        let old = r#","failurePolicy":"Ignore","matchPolicy":"Exact","timeoutSeconds":30,"sideEffects":"Unknown","admissionReviewVersions":["v1beta1"]"#;
        let new = r#","failurePolicy":"Fail","matchPolicy":"Equivalent","timeoutSeconds":10,"admissionReviewVersions":[]"#;
        let never = r#","reinvocationPolicy":"Never""#;
        for (kind, only) in [("Validating", ""), ("Mutating", never)] {
            check(&[
                (
                    &webhook("v1beta1", kind, said),
                    "admissionregistration.k8s.io/v1",
                    &webhook("v1", kind, &format!("{same}{old}{only}")),
                ),
                (
                    &webhook("v1", kind, said),
                    "admissionregistration.k8s.io/v1beta1",
                    &webhook("v1beta1", kind, &format!("{same}{new}{only}")),
                ),
            ]);
        }
    }

    #[test]
    fn what_is_said_stays() {
        let said = |version: &str| {
            format!(
                r#"{{"apiVersion":"admissionregistration.k8s.io/{version}","kind":"ValidatingWebhookConfiguration","webhooks":[{{
                "name":"w","failurePolicy":"Fail","matchPolicy":"Equivalent","timeoutSeconds":5,"sideEffects":"None","admissionReviewVersions":["v1"],
                "namespaceSelector":{{"matchLabels":{{"a":"b"}}}},"objectSelector":{{}},"clientConfig":{{"service":{{"port":8443}}}}}}]}}"#
            )
        };
        check(&[(
            &said("v1beta1"),
            "admissionregistration.k8s.io/v1",
            &said("v1"),
        )]);
    }

    #[test]
    fn policies_and_bindings() {
        for kind in ["Validating", "Mutating"] {
            let policy = |version: &str, spec: &str| {
                format!(
                    r#"{{"apiVersion":"admissionregistration.k8s.io/{version}","kind":"{kind}AdmissionPolicy","spec":{{{spec}}}}}"#
                )
            };
            let binding = |version: &str, spec: &str| {
                format!(
                    r#"{{"apiVersion":"admissionregistration.k8s.io/{version}","kind":"{kind}AdmissionPolicyBinding","spec":{{{spec}}}}}"#
                )
            };
            let rules = r#""matchConstraints":{"resourceRules":[{"resources":["pods"]}],"excludeResourceRules":[{}]}"#;
            let filled = r#""matchConstraints":{"matchPolicy":"Equivalent","namespaceSelector":{},"objectSelector":{},
                "resourceRules":[{"resources":["pods"],"scope":"*"}],"excludeResourceRules":[{"scope":"*"}]},"failurePolicy":"Fail""#;
            for (from, to) in [("v1alpha1", "v1"), ("v1", "v1beta1")] {
                check(&[(
                    &policy(from, rules),
                    &format!("admissionregistration.k8s.io/{to}"),
                    &policy(to, filled),
                )]);
            }
            let parameters = r#""paramRef":{"name":"p"}"#;
            let denied = r#""paramRef":{"name":"p","parameterNotFoundAction":"Deny"}"#;
            for (from, expected) in [("v1alpha1", denied), ("v1beta1", parameters)] {
                check(&[(
                    &binding(from, parameters),
                    "admissionregistration.k8s.io/v1",
                    &binding("v1", expected),
                )]);
            }
        }
    }
}
