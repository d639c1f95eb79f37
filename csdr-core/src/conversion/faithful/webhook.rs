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
