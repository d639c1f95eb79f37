//! The objects that rules work with.

use super::{Violation, wait_for};
use crate::cluster::ClusterFixture;
use csdr_core::{
    Result,
    model::{ApiVersion, GroupResource, GroupVersionKind, LabelSelector, Object, ObjectId, Tree},
    port::{ListRequest, WriteOptions},
};

pub(super) fn config_map(namespace: &str, name: &str, data: &str) -> Result<Object> {
    labelled(namespace, name, "{}", data)
}

pub(super) fn labelled(namespace: &str, name: &str, labels: &str, data: &str) -> Result<Object> {
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}","labels":{labels}}},"data":{data}}}"#
    );
    Object::parse("configmaps".parse()?, json)
}

pub(super) fn namespace(name: &str) -> Result<Object> {
    let json =
        format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}"#);
    Object::parse("namespaces".parse()?, json)
}

/// The object with another value at a path; `None` takes it away.
pub(super) fn with(object: &Object, path: &[&str], json: Option<&str>) -> Result<Object> {
    let mut tree = object.tree()?;
    match json {
        Some(json) => tree.set(path, Tree::parse(json.as_bytes())?),
        None => {
            tree.remove(path);
        }
    }
    Object::from_tree(object.id().resource().clone(), &tree)
}

/// A text at a path, empty if there is none.
pub(super) fn text(object: &Object, path: &[&str]) -> Result<String> {
    Ok(object.tree()?.text_at(path).unwrap_or_default().to_owned())
}

pub(super) fn by(manager: &str) -> WriteOptions {
    WriteOptions {
        field_manager: manager.to_owned(),
        dry_run: false,
    }
}

/// A list of ConfigMaps in one large page.
pub(super) fn config_maps(namespace: Option<&str>) -> Result<ListRequest> {
    request("configmaps", "v1", "ConfigMap", namespace)
}

pub(super) fn request(
    resource: &str,
    version: &str,
    kind: &str,
    namespace: Option<&str>,
) -> Result<ListRequest> {
    let resource: GroupResource = resource.parse()?;
    Ok(ListRequest {
        kind: GroupVersionKind {
            api_version: ApiVersion::new(resource.group(), version)?,
            kind: kind.to_owned(),
        },
        resource: resource.with_version(version),
        namespace: namespace.map(str::to_owned),
        selector: LabelSelector::default(),
        page_bytes: 1 << 20,
        from: None,
    })
}

/// The stored object, which must be there.
pub(super) async fn stored(
    fixture: &dyn ClusterFixture,
    id: &ObjectId,
    version: &str,
) -> Result<Object, Violation> {
    let found = fixture.adapters().target.get(id, version).await?;
    found.ok_or_else(|| Violation::new(format!("{id} has gone")))
}

/// Defines a kind of the fixture's own, with a status subresource and no controller, and waits until it is served.
pub(super) async fn widgets(fixture: &dyn ClusterFixture) -> Result<GroupResource, Violation> {
    let group = format!("{}.conformance.csdr.io", fixture.namespace());
    let definition = format!(
        r#"{{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{{"name":"widgets.{group}"}},"spec":{{"group":"{group}","scope":"Namespaced","names":{{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"}},"versions":[{{"name":"v1","served":true,"storage":true,"subresources":{{"status":{{}}}},"schema":{{"openAPIV3Schema":{{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}}]}}}}"#
    );
    let definition = Object::parse(
        "customresourcedefinitions.apiextensions.k8s.io".parse()?,
        definition,
    )?;
    fixture.seed(&[definition]).await?;
    let resource = GroupResource::new(group, "widgets")?;
    let target = fixture.adapters().target;
    wait_for(fixture, "the definition's kind is served", async || {
        Ok(target.discover().await?.resource(&resource).is_some())
    })
    .await?;
    Ok(resource)
}

pub(super) fn widget(resource: &GroupResource, namespace: &str, spec: &str) -> Result<Object> {
    let json = format!(
        r#"{{"apiVersion":"{}/v1","kind":"Widget","metadata":{{"name":"w","namespace":"{namespace}"}},"spec":{spec}}}"#,
        resource.group()
    );
    Object::parse(resource.clone(), json)
}
