//! NetworkPolicy, IPAddress, ServiceCIDR.
//!
//! Source: api-versions.md sections 2.2 and 2.10; Kubernetes pkg/apis/extensions/v1beta1 and pkg/apis/networking/v1, conversion and
//! defaults.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::{DEFAULT, Node},
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["NetworkPolicy"],
        defaults: policy_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["IPAddress"],
        defaults: nothing,
        to_hub: address_up,
        from_hub: nothing,
    },
    Family {
        kinds: &["ServiceCIDR"],
        defaults: nothing,
        to_hub: nothing,
        from_hub: nothing,
    },
];

fn policy_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    // The defaulting of extensions/v1beta1 sets the protocol in a copy of each port, so that it stays unset; both versions read
    // that as TCP.
    if gv != ("extensions", "v1beta1") {
        for (rules, _) in RULES {
            node.each(&["spec", rules], |rule| {
                rule.each(&["ports"], |port| port.default(&["protocol"], "TCP"));
            });
        }
    }
    let spec_is_object = node
        .get(&["spec"])
        .is_none_or(|spec| spec.as_object().is_some());
    let types = node.get(&["spec", "policyTypes"]);
    if spec_is_object && types.is_none_or(empty_list) {
        // A policy that only has `ingress` keeps everybody's traffic out as soon as `Egress` is named: only a rule names it.
        let types = RULES
            .into_iter()
            .filter(|(rules, _)| {
                *rules == "ingress"
                    || node
                        .get(&["spec", rules])
                        .and_then(Tree::as_array)
                        .is_some_and(|rules| !rules.is_empty())
            })
            .map(|(_, name)| Tree::from(name))
            .collect::<Vec<_>>();
        node.set(&["spec", "policyTypes"], types, DEFAULT);
    }
    Ok(())
}

const RULES: [(&str, &str); 2] = [("ingress", "Ingress"), ("egress", "Egress")];

fn empty_list(tree: &Tree) -> bool {
    tree.as_array().is_some_and(<[Tree]>::is_empty)
}

/// Only v1alpha1 knew the UID of the Service that holds an address, and no server of today reads it.
fn address_up(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if gv == ("networking.k8s.io", "v1alpha1") {
        node.lose(
            &["spec", "parentRef", "uid"],
            LossKind::NoCounterpart,
            Severity::Info,
            "later versions name the parent without its UID",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::check;

    fn policy(version: &str, spec: &str) -> String {
        format!(r#"{{"apiVersion":"{version}","kind":"NetworkPolicy","spec":{{{spec}}}}}"#)
    }

    /// Source: api-versions.md section 2.2.
    #[test]
    fn types_follow_from_the_rules_that_are_there() {
        let table = [
            (
                r#""podSelector":{}"#,
                r#""podSelector":{},"policyTypes":["Ingress"]"#,
            ),
            (
                r#""ingress":[{}],"egress":[],"policyTypes":[]"#,
                r#""ingress":[{}],"egress":[],"policyTypes":["Ingress"]"#,
            ),
            (
                r#""egress":[{}]"#,
                r#""egress":[{}],"policyTypes":["Ingress","Egress"]"#,
            ),
            (
                r#""egress":[{}],"policyTypes":["Egress"]"#,
                r#""egress":[{}],"policyTypes":["Egress"]"#,
            ),
            // The old defaulting leaves the protocol unset.
            (
                r#""ingress":[{"ports":[{"port":80}]}],"policyTypes":["Ingress"]"#,
                r#""ingress":[{"ports":[{"port":80}]}],"policyTypes":["Ingress"]"#,
            ),
        ];
        for (spec, expected) in table {
            check(&[(
                &policy("extensions/v1beta1", spec),
                "networking.k8s.io/v1",
                &policy("networking.k8s.io/v1", expected),
            )]);
        }
        check(&[(
            &policy(
                "networking.k8s.io/v1",
                r#""egress":[{"ports":[{"port":53},{"port":53,"protocol":"UDP"}]}]"#,
            ),
            "extensions/v1beta1",
            &policy(
                "extensions/v1beta1",
                r#""egress":[{"ports":[{"port":53,"protocol":"TCP"},{"port":53,"protocol":"UDP"}]}],
                "policyTypes":["Ingress","Egress"]"#,
            ),
        )]);
    }

    #[test]
    fn an_address_loses_only_the_uid_of_the_alpha() {
        let address = |version: &str, uid: &str| {
            format!(
                r#"{{"apiVersion":"networking.k8s.io/{version}","kind":"IPAddress","spec":{{"parentRef":{{"name":"s"{uid}}}}}}}"#
            )
        };
        check(&[
            (
                &address("v1alpha1", r#","uid":"u""#),
                "networking.k8s.io/v1",
                &address("v1", ""),
            ),
            (
                &address("v1beta1", ""),
                "networking.k8s.io/v1",
                &address("v1", ""),
            ),
            (
                r#"{"apiVersion":"networking.k8s.io/v1alpha1","kind":"ServiceCIDR","spec":{"cidrs":["10.0.0.0/8"]}}"#,
                "networking.k8s.io/v1",
                r#"{"apiVersion":"networking.k8s.io/v1","kind":"ServiceCIDR","spec":{"cidrs":["10.0.0.0/8"]}}"#,
            ),
        ]);
    }
}
