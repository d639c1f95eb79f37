//! Pods.

use super::{Owners, TransformItem, Verdict};
use crate::{
    Result,
    hook::{HookPod, HookedPods},
    model::Tree,
    port::Transform,
    spec::RestoreHooks,
};

/// Pods that something else makes, and pods that have ended, are not restored. Others lose what the source's scheduler and admission
/// decided, and the volumes of tokens that the target does not have.
///
/// Source: velero.md sections 3.4 and 3.9. Velero restores the pods of a controller that is restored too, and leaves it to the
/// controller to adopt them; csdr leaves them to their controller, so that none is made twice. A pod with hooks of a restore is restored
/// as Velero does, and adopted: init containers belong to it alone, and its commands wait for it.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    owners: Owners,
    hooked: HookedPods,
}

impl Pods {
    /// `owners` are the controllers that are restored too.
    pub fn new(owners: Owners) -> Self {
        Self {
            owners,
            hooked: HookedPods::default(),
        }
    }

    /// Restores also pods of a controller that is restored too, if they have these hooks or those of their annotations.
    ///
    /// # Errors
    /// `InvalidInput` for hooks that cannot be meant.
    pub fn with_hooks(mut self, hooks: &RestoreHooks) -> Result<Self> {
        self.hooked = HookedPods::new(hooks)?;
        Ok(self)
    }

    fn left_out(&self, item: &TransformItem<'_>) -> Option<String> {
        if item
            .get(&["metadata", "annotations", "kubernetes.io/config.mirror"])
            .is_some()
        {
            return Some("mirror pod: its node's kubelet makes it".to_owned());
        }
        let phase = item
            .original(&["status"])
            .and_then(|status| status.text_at(&["phase"]));
        if matches!(phase, Some("Succeeded" | "Failed")) {
            return Some("pod has ended".to_owned());
        }
        let namespace = item.stored().id().namespace()?;
        let (group, kind, name) = controller(
            item.original(&["metadata", "ownerReferences"])?
                .as_array()?,
        )?;
        let hooked = || {
            let pod = HookPod::from_tree(item.target().clone(), item.tree());
            self.hooked.has(&pod)
        };
        let left = self.owners.has(group, kind, namespace, name) && !hooked();
        left.then(|| format!("its {kind} {name} is restored and makes it"))
    }
}

/// Group, kind and name of the owner that controls an object.
fn controller(owners: &[Tree]) -> Option<(&str, &str, &str)> {
    let owner = owners
        .iter()
        .find(|owner| owner.at(&["controller"]).and_then(Tree::as_bool) == Some(true))?;
    let version = owner.text_at(&["apiVersion"])?;
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some((group, owner.text_at(&["kind"])?, owner.text_at(&["name"])?))
}

impl Transform for Pods {
    fn name(&self) -> &str {
        "pods"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        if item.kind() != ("", "pods") {
            return Ok(Verdict::Restore);
        }
        if let Some(reason) = self.left_out(item) {
            return Ok(Verdict::skip(reason));
        }
        item.remove(&["spec", "nodeName"], "a node of the source");
        for field in ["priority", "preemptionPolicy"] {
            let reason = "the target's admission computes it from the priority class";
            item.remove(&["spec", field], reason);
        }
        remove_tokens(item);
        Ok(Verdict::Restore)
    }
}

/// Volumes of the account's generated token Secret, and their mounts.
fn remove_tokens(item: &mut TransformItem<'_>) {
    let account = item
        .text(&["spec", "serviceAccountName"])
        .or_else(|| item.text(&["spec", "serviceAccount"]))
        .filter(|name| !name.is_empty())
        .unwrap_or("default");
    let prefix = format!("{account}-token-");
    let is_token = |entry: &Tree| {
        entry
            .text_at(&["name"])
            .is_some_and(|name| name.starts_with(&prefix))
    };
    let reason = "the token of an account of the source; the target's admission mounts its own";
    let mut root = item.node();
    root.drop_items(&["spec", "volumes"], is_token, reason);
    for list in ["containers", "initContainers"] {
        root.each(&["spec", list], |container| {
            container.drop_items(&["volumeMounts"], is_token, reason);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::table::{through, transformed};

    fn pod(meta: &str, rest: &str) -> String {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"a","namespace":"n"{meta}}}{rest}}}"#
        )
    }

    #[test]
    fn velero_3_4_mirror_and_ended_pods_are_not_restored() {
        for (meta, rest, expected) in [
            (
                r#","annotations":{"kubernetes.io/config.mirror":"x"}"#,
                "",
                "skip: mirror pod: its node's kubelet makes it",
            ),
            (
                "",
                r#","status":{"phase":"Succeeded"}"#,
                "skip: pod has ended",
            ),
            ("", r#","status":{"phase":"Failed"}"#, "skip: pod has ended"),
        ] {
            assert_eq!(transformed("pods", &pod(meta, rest), "pods/n/a"), expected);
        }
        for phase in ["Running", "Pending", "Unknown"] {
            let json = pod("", &format!(r#","status":{{"phase":"{phase}"}}"#));
            let text = transformed("pods", &json, "pods/n/a");
            assert!(text.starts_with('{'), "{phase}: {text}");
        }
    }

    #[test]
    fn velero_3_10_pods_with_hooks_are_restored_though_their_controller_is() {
        let owner = r#","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1","uid":"u","controller":true}]"#;
        let rule = "{resources: [{name: a, includedNamespaces: [m], postHooks: [{exec: {command: [x]}}]}]}";
        for (meta, hooks, restored) in [
            ("", "{}", false),
            (
                r#","annotations":{"pre.hook.backup.velero.io/command":"x"}"#,
                "{}",
                false,
            ),
            (
                r#","annotations":{"post.hook.restore.velero.io/command":"x"}"#,
                "{}",
                true,
            ),
            (
                r#","annotations":{"init.hook.restore.velero.io/container-image":"x"}"#,
                "{}",
                true,
            ),
            ("", rule, true),
        ] {
            let hooks: RestoreHooks = serde_saphyr::from_str(hooks).unwrap();
            let owners = Owners::of([("apps", "replicasets", "n", "web-1")]);
            let pods = Pods::new(owners).with_hooks(&hooks).unwrap();
            let json = pod(&format!("{owner}{meta}"), "");
            let text = through(&[&pods], "pods", &json, "pods/m/a");
            assert_eq!(text.starts_with('{'), restored, "{meta} {hooks:?}: {text}");
        }
    }

    #[test]
    fn pods_of_a_controller_that_is_restored_too_are_left_to_it() {
        let owned = |version: &str, kind: &str, name: &str, controller: bool| {
            let owner = format!(
                r#","ownerReferences":[{{"apiVersion":"{version}","kind":"{kind}","name":"{name}","uid":"u","controller":{controller}}}]"#
            );
            let owners = Owners::of([
                ("apps", "replicasets", "n", "web-1"),
                ("apps", "deployments", "n", "web"),
                ("extensions", "daemonsets", "n", "log"),
                ("batch", "jobs", "other", "load"),
            ]);
            through(&[&Pods::new(owners)], "pods", &pod(&owner, ""), "pods/m/a")
        };
        for (version, kind, name, controller, left) in [
            ("apps/v1", "ReplicaSet", "web-1", true, true),
            ("extensions/v1beta1", "ReplicaSet", "web-1", true, true),
            ("apps/v1", "DaemonSet", "log", true, true),
            // An owner that is no controller, one that is not restored, one of another namespace, and a kind that makes no pods itself.
            ("apps/v1", "ReplicaSet", "web-1", false, false),
            ("apps/v1", "ReplicaSet", "web-2", true, false),
            ("batch/v1", "Job", "load", true, false),
            ("apps/v1", "Deployment", "web", true, false),
            ("shop.io/v1", "ReplicaSet", "web-1", true, false),
        ] {
            let text = owned(version, kind, name, controller);
            let expected = format!("skip: its {kind} {name} is restored and makes it");
            assert_eq!(text == expected, left, "{version} {kind} {name}: {text}");
        }
    }

    #[test]
    fn velero_3_9_pods_lose_node_priority_and_token_volumes() {
        let json = pod(
            "",
            r#","spec":{"nodeName":"x","priority":0,"preemptionPolicy":"Never","priorityClassName":"p","serviceAccountName":"web","volumes":[{"name":"web-token-abcde","secret":{}},{"name":"data","emptyDir":{}},{"name":"kube-api-access-1","projected":{}},{"name":"default-token-x","secret":{}}],"containers":[{"name":"c","volumeMounts":[{"name":"web-token-abcde","mountPath":"/v"},{"name":"data","mountPath":"/d"}]}],"initContainers":[{"name":"i","volumeMounts":[{"name":"web-token-abcde","mountPath":"/v"}]}]}"#,
        );
        let text = transformed("pods", &json, "pods/n/a");
        assert_eq!(
            text,
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"},"spec":{"priorityClassName":"p","serviceAccountName":"web","volumes":[{"name":"data","emptyDir":{}},{"name":"kube-api-access-1","projected":{}},{"name":"default-token-x","secret":{}}],"containers":[{"name":"c","volumeMounts":[{"name":"data","mountPath":"/d"}]}],"initContainers":[{"name":"i","volumeMounts":[]}]}}"#
        );
    }
}
