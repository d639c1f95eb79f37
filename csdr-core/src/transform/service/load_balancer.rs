//! Load balancers of Alibaba Cloud's controller (CCM), and of any cloud.

use crate::{conversion::Severity, model::Tree, transform::TransformItem};

/// Annotations of the CCM in both of its spellings. Source: backup-center.md section 5.
const PREFIXES: [&str; 2] = [
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-",
    "service.beta.kubernetes.io/alicloud-loadbalancer-",
];
/// Labels by which the source's controller knows its instance.
const HASH_LABEL: &str = "service.beta.kubernetes.io/hash";
const OWN: &str = "service.k8s.alibaba/";
/// The finalizer of every cloud's service controller: it adds its own; without such a controller it would never go.
const CLEANUP: &str = "service.kubernetes.io/load-balancer-cleanup";

/// An instance that a person chose stays, with its listeners left alone (R271); one that the controller made is made anew (R272).
pub(super) fn apply(item: &mut TransformItem<'_>) {
    if item.text(&["spec", "type"]) != Some("LoadBalancer") {
        return;
    }
    let reason = "belongs to the load balancer in the source";
    let labels = item.get(&["metadata", "labels"]).and_then(Tree::as_object);
    let labels: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(label, _)| label.to_owned())
        .filter(|label| label == HASH_LABEL || label.starts_with(OWN))
        .collect();
    for label in labels {
        item.remove(&["metadata", "labels", &label], reason);
    }
    item.node().drop_items(
        &["metadata", "finalizers"],
        |finalizer| {
            finalizer
                .as_str()
                .is_some_and(|name| name == CLEANUP || name.starts_with(OWN))
        },
        reason,
    );
    for prefix in PREFIXES {
        let id = format!("{prefix}id");
        let path = ["metadata", "annotations", &id];
        if item.text(&path).is_none_or(str::is_empty) {
            continue;
        }
        let force = format!("{prefix}force-override-listeners");
        item.set(
            &["metadata", "annotations", &force],
            "false",
            "the listeners of an instance that exists are not taken over (R271)",
        );
        item.warn(
            &path,
            Severity::Warning,
            "keeps the existing load balancer; its listeners are not changed and no traffic is switched: configure them in the console (R271, R273)",
        );
        return;
    }
}

#[cfg(test)]
mod tests {
    use crate::transform::{Services, table::through};

    fn meta(kind: &str, meta: &str) -> String {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"a","namespace":"n",{meta}}},"spec":{{"type":"{kind}"}},"status":{{"loadBalancer":{{"ingress":[{{"ip":"1.2.3.4"}}]}}}}}}"#
        );
        let text = through(&[&Services::default()], "services", &json, "services/n/a");
        assert!(!text.contains("1.2.3.4"), "{text}");
        text
    }

    #[test]
    fn r271_an_existing_instance_is_kept_and_its_listeners_left_alone() {
        for prefix in super::PREFIXES {
            for forced in ["", "true", "false"] {
                let force = if forced.is_empty() {
                    String::new()
                } else {
                    format!(r#","{prefix}force-override-listeners":"{forced}""#)
                };
                let text = meta(
                    "LoadBalancer",
                    &format!(
                        r#""annotations":{{"{prefix}id":"lb-1"{force}}},"labels":{{"service.k8s.alibaba/loadbalancer-id":"lb-1","app":"web"}}"#
                    ),
                );
                let expected = format!(
                    r#""annotations":{{"{prefix}id":"lb-1","{prefix}force-override-listeners":"false"}},"labels":{{"app":"web"}}"#
                );
                assert!(text.contains(&expected), "{text}");
            }
        }
    }

    #[test]
    fn r272_a_managed_instance_is_made_anew() {
        let text = meta(
            "LoadBalancer",
            r#""labels":{"service.k8s.alibaba/loadbalancer-id":"lb-1","service.beta.kubernetes.io/hash":"h","app":"web"},"finalizers":["service.k8s.alibaba/resources","mine","service.kubernetes.io/load-balancer-cleanup","service.k8s.alibaba/nlb"],"annotations":{"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-spec":"slb.s1.small"}"#,
        );
        assert!(
            text.contains(r#""labels":{"app":"web"},"finalizers":["mine"]"#),
            "{text}"
        );
        assert!(
            text.contains("slb.s1.small") && !text.contains("force-override"),
            "{text}"
        );
    }

    #[test]
    fn other_services_keep_their_labels() {
        let text = meta(
            "ClusterIP",
            r#""labels":{"service.beta.kubernetes.io/hash":"h"}"#,
        );
        assert!(
            text.contains(r#""service.beta.kubernetes.io/hash":"h""#),
            "{text}"
        );
    }
}
