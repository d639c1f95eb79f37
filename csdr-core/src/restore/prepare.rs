//! An object on its way: what the source's server owned is removed, the namespace is mapped.

use crate::{
    Error, Result,
    model::{Object, ObjectId, Tree},
};

/// What becomes of a stored object.
#[derive(Debug)]
pub(super) enum Prepared {
    /// Create this.
    Create(Box<Object>),
    /// Leave it, for this reason.
    Skip(&'static str),
}

/// Metadata that the server owns. Source: velero.md section 3.4 `Reset metadata`, and `managedFields`, which the new server writes.
const SERVER_METADATA: [&str; 10] = [
    "generateName",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "managedFields",
];

/// Labels by which the Job controller ties pods to one Job's uid.
const JOB_LABELS: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

/// Removes what the source's server owned, and puts the object into the target's namespace.
pub(super) fn prepare(object: &Object, id: &ObjectId) -> Result<Prepared> {
    let mut tree = object.tree()?;
    if let Some(reason) = not_restorable(object.id(), &tree) {
        return Ok(Prepared::Skip(reason));
    }
    for field in SERVER_METADATA {
        tree.remove(&["metadata", field]);
    }
    tree.remove(&["status"]);
    match (id.resource().group(), id.resource().resource()) {
        ("", "services") => reset_service(&mut tree),
        ("", "pods") => reset_pod(&mut tree),
        ("batch", "jobs") => reset_job(&mut tree),
        ("", "namespaces") => {
            tree.remove(&["metadata", "labels", "kubernetes.io/metadata.name"]);
            // The server adds its own finalizer and phase.
            tree.remove(&["spec", "finalizers"]);
        }
        _ => {}
    }
    tree.set(&["metadata", "name"], Tree::String(id.name().to_owned()));
    if let Some(namespace) = id.namespace() {
        tree.set(
            &["metadata", "namespace"],
            Tree::String(namespace.to_owned()),
        );
    }
    let prepared = Object::from_tree(id.resource().clone(), &tree)?;
    if prepared.id() != id {
        return Err(
            Error::corrupt("object does not carry the name that the index says")
                .with_context("object", id),
        );
    }
    Ok(Prepared::Create(Box::new(prepared)))
}

/// Objects that would be wrong, or run again, in another cluster. Source: velero.md section 3.4.
fn not_restorable(id: &ObjectId, tree: &Tree) -> Option<&'static str> {
    match (id.resource().group(), id.resource().resource()) {
        ("", "pods")
            if tree
                .at(&["metadata", "annotations", "kubernetes.io/config.mirror"])
                .is_some() =>
        {
            Some("mirror pod: its node's kubelet makes it")
        }
        ("", "pods")
            if matches!(
                tree.text_at(&["status", "phase"]),
                Some("Succeeded" | "Failed")
            ) =>
        {
            Some("pod has ended")
        }
        ("batch", "jobs")
            if tree
                .at(&["status", "completionTime"])
                .is_some_and(|time| !time.is_null()) =>
        {
            Some("job has ended")
        }
        ("", "secrets")
            if tree.text_at(&["type"]) == Some("kubernetes.io/service-account-token") =>
        {
            Some("token of a ServiceAccount: the target makes its own")
        }
        _ => None,
    }
}

/// The addresses that the source's server allocated; node ports are kept (R269), the health check's is random (R270).
fn reset_service(tree: &mut Tree) {
    if tree.text_at(&["spec", "clusterIP"]) != Some("None") {
        tree.remove(&["spec", "clusterIP"]);
        tree.remove(&["spec", "clusterIPs"]);
    }
    tree.remove(&["spec", "healthCheckNodePort"]);
}

/// What the source's scheduler and admission decided.
fn reset_pod(tree: &mut Tree) {
    tree.remove(&["spec", "nodeName"]);
    tree.remove(&["spec", "priority"]);
}

/// A Job's selector and labels name its uid; the new server makes them again unless the user chose the selector.
fn reset_job(tree: &mut Tree) {
    if tree.at(&["spec", "manualSelector"]).and_then(Tree::as_bool) == Some(true) {
        return;
    }
    tree.remove(&["spec", "selector"]);
    for label in JOB_LABELS {
        tree.remove(&["metadata", "labels", label]);
        tree.remove(&["spec", "template", "metadata", "labels", label]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(resource: &str, json: &str, target: &str) -> String {
        let object = Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap();
        match prepare(&object, &target.parse().unwrap()).unwrap() {
            Prepared::Create(object) => object.text().to_owned(),
            Prepared::Skip(reason) => format!("skip: {reason}"),
        }
    }

    #[test]
    fn velero_3_4_reset_metadata_and_mapping() {
        let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","generateName":"a-","namespace":"shop","uid":"u","resourceVersion":"1","generation":2,"creationTimestamp":"2020-01-01T00:00:00Z","selfLink":"/x","ownerReferences":[{}],"finalizers":["f"],"labels":{"l":"1"},"managedFields":[{}]},"data":{"n":"1"},"big":18446744073709551617,"status":{}}"#;
        assert_eq!(
            prepared("configmaps", json, "configmaps/copy/a"),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"copy","finalizers":["f"],"labels":{"l":"1"}},"data":{"n":"1"},"big":18446744073709551617}"#
        );
    }

    #[test]
    fn r269_r270_services_keep_node_ports_and_lose_allocated_addresses() {
        let json = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"n"},"spec":{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"healthCheckNodePort":31000,"ports":[{"port":80,"nodePort":30080}]}}"#;
        assert!(
            prepared("services", json, "services/n/a")
                .ends_with(r#""spec":{"ports":[{"port":80,"nodePort":30080}]}}"#)
        );
        let headless = json.replace("10.0.0.7", "None");
        assert!(prepared("services", &headless, "services/n/a").contains(r#""clusterIP":"None""#));
    }

    #[test]
    fn velero_3_4_what_is_not_restored() {
        for (resource, json) in [
            (
                "pods",
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","annotations":{"kubernetes.io/config.mirror":"x"}}}"#,
            ),
            (
                "pods",
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"},"status":{"phase":"Succeeded"}}"#,
            ),
            (
                "jobs.batch",
                r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","namespace":"n"},"status":{"completionTime":"2020-01-01T00:00:00Z"}}"#,
            ),
            (
                "secrets",
                r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","namespace":"n"},"type":"kubernetes.io/service-account-token"}"#,
            ),
        ] {
            assert!(
                prepared(resource, json, &format!("{resource}/n/a")).starts_with("skip: "),
                "{resource}"
            );
        }
    }

    #[test]
    fn jobs_lose_the_selector_that_names_their_uid() {
        let json = r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","namespace":"n","labels":{"controller-uid":"u"}},"spec":{"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"u","job-name":"a"}}}}}"#;
        let text = prepared("jobs.batch", json, "jobs.batch/n/a");
        assert!(
            !text.contains("controller-uid")
                && !text.contains("selector")
                && text.contains("job-name"),
            "{text}"
        );
        let manual = json.replace(r#""spec":{"#, r#""spec":{"manualSelector":true,"#);
        assert!(prepared("jobs.batch", &manual, "jobs.batch/n/a").contains("selector\":{"));
    }
}
