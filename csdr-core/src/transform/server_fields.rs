//! What the source's server owned.

use super::{TransformItem, Verdict};
use crate::{
    Result,
    conversion::{Edit, Severity},
    model::Tree,
    port::Transform,
};

/// Takes away what the source's server wrote about an object, and its status. `managedFields` are not even read into the tree.
///
/// Finalizers, labels and annotations stay. Source: velero.md section 3.4 `Reset metadata`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerFields;

/// Metadata that the server owns.
const METADATA: [&str; 9] = [
    "generateName",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
];

impl Transform for ServerFields {
    fn name(&self) -> &str {
        "server fields"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        for field in METADATA {
            remove(item, &["metadata", field]);
        }
        remove(item, &["status"]);
        if item.kind() == ("", "namespaces") {
            remove(item, &["metadata", "labels", "kubernetes.io/metadata.name"]);
            // The server adds its own.
            remove(item, &["spec", "finalizers"]);
        }
        Ok(Verdict::Restore)
    }
}

/// Every object has these: the value is moved into the record, not copied.
fn remove(item: &mut TransformItem<'_>, path: &[&str]) {
    let mut root = item.node();
    let before = root.tree_mut().remove(path);
    if let Some(before) = before.filter(|value| !Tree::is_null(value)) {
        let reason = "the source's server wrote it";
        root.record(
            path,
            Edit::Removed,
            Some(before),
            None,
            Severity::Info,
            reason,
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::transform::table::transformed;

    #[test]
    fn velero_3_4_reset_metadata_keeps_labels_annotations_and_finalizers() {
        let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","generateName":"a-","namespace":"shop","uid":"u","resourceVersion":"1","generation":2,"creationTimestamp":"2020-01-01T00:00:00Z","selfLink":"/x","ownerReferences":[{}],"finalizers":["f"],"labels":{"l":"1"},"managedFields":[{}]},"data":{"n":"1"},"big":18446744073709551617,"status":{}}"#;
        assert_eq!(
            transformed("configmaps", json, "configmaps/copy/a"),
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"copy","finalizers":["f"],"labels":{"l":"1"}},"data":{"n":"1"},"big":18446744073709551617}"#
        );
    }

    #[test]
    fn namespaces_lose_what_their_server_adds() {
        let json = r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","labels":{"kubernetes.io/metadata.name":"a","team":"x"}},"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}}"#;
        assert_eq!(
            transformed("namespaces", json, "namespaces/b"),
            r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"b","labels":{"team":"x"}},"spec":{}}"#
        );
    }
}
