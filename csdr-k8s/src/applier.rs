//! [`ResourceApplier`] on a live cluster.

use crate::{
    ClusterClient,
    path::{self, collection, push_query},
    read::answered,
    transport::{Call, Effect, JSON},
};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, Result,
    model::{Object, ObjectId},
    port::{ApplyOptions, DeleteOptions, Propagation, ResourceApplier, WriteOptions},
};
use http::Method;
use serde_json::{Map, Value, json};

/// Server-side apply; JSON is YAML.
const APPLY_PATCH: &str = "application/apply-patch+yaml";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// What the server does with fields that it does not know (`fieldValidation`, since 1.25; older servers drop them silently).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Refuses the object, `InvalidInput`. The default: what cannot be kept is said, never lost.
    #[default]
    Strict,
    /// Drops them, with a warning in the answer's headers that nobody reads. The answered object shows what was kept.
    Warn,
    /// Drops them.
    Ignore,
}

impl FieldValidation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Warn => "Warn",
            Self::Ignore => "Ignore",
        }
    }
}

/// Writes into a live cluster: each call is one request for one object, its bytes as they are.
///
/// * A write is repeated only after 429, where the server certainly did not begin; every other failure is the caller's to judge.
/// * Unknown fields are refused unless [`with_field_validation`](KubeApplier::with_field_validation) says otherwise.
/// * Errors carry the server's reason and causes, without values of the object. A namespace that is being deleted is `Conflict`;
///   an exceeded quota is `Exhausted`.
/// * Calls may run in parallel; [`parallel`](crate::ClusterLimits::parallel) bounds them.
///
/// ```no_run
/// use csdr_core::{model::Object, port::{ResourceApplier, WriteOptions}};
/// use csdr_k8s::{ClusterClient, ConnectOptions, KubeApplier};
/// # async fn doc() -> csdr_core::Result<()> {
/// let client = ClusterClient::from_kubeconfig(None, &ConnectOptions::default()).await?;
/// let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}"#;
/// let object = Object::parse("configmaps".parse()?, json.as_bytes().to_vec())?;
/// let options = WriteOptions { field_manager: "csdr-0190".into(), dry_run: true };
/// let created = KubeApplier::new(client).create(&object, &options).await?;
/// println!("{}", created.meta().resource_version);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct KubeApplier {
    client: ClusterClient,
    field_validation: FieldValidation,
}

impl KubeApplier {
    /// Writes as the client's identity.
    pub fn new(client: ClusterClient) -> Self {
        Self {
            client,
            field_validation: FieldValidation::default(),
        }
    }

    /// What becomes of fields that the server does not know.
    #[must_use]
    pub fn with_field_validation(mut self, field_validation: FieldValidation) -> Self {
        self.field_validation = field_validation;
        self
    }

    /// Adds what every write but a delete says.
    fn push_options(&self, path: &mut String, options: &WriteOptions) {
        if !options.field_manager.is_empty() {
            push_query(path, "fieldManager", &options.field_manager);
        }
        push_query(path, "fieldValidation", self.field_validation.as_str());
        if options.dry_run {
            push_query(path, "dryRun", "All");
        }
    }

    async fn write(
        &self,
        operation: &'static str,
        id: &ObjectId,
        call: Result<Call>,
    ) -> Result<Object> {
        let about = |error: Error| error.with_operation(operation).with_context("object", id);
        let answer = self
            .client
            .bytes(&call.map_err(about)?, Effect::Write)
            .await;
        let body = answer.map_err(|failure| about(self.client.explain(failure)))?;
        answered(id, body).map_err(about)
    }

    /// A PUT of the whole object to its own path or a subresource of it.
    fn put(&self, object: &Object, subresource: &str, options: &WriteOptions) -> Result<Call> {
        let mut path = own_path(object)?;
        path.push_str(subresource);
        self.push_options(&mut path, options);
        Ok(Call::with_body(
            Method::PUT,
            path,
            JSON,
            object.json().clone(),
        ))
    }
}

/// The object's path in its own version.
fn own_path(object: &Object) -> Result<String> {
    path::object(object.id(), object.meta().kind.api_version.version())
}

#[async_trait]
impl ResourceApplier for KubeApplier {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let path = collection(&object.resource_version_path(), object.id().namespace());
        let call = path.map(|mut path| {
            self.push_options(&mut path, options);
            Call::with_body(Method::POST, path, JSON, object.json().clone())
        });
        self.write("create object", object.id(), call).await
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        let call = own_path(object).map(|mut path| {
            self.push_options(&mut path, &options.write);
            push_query(
                &mut path,
                "force",
                if options.force { "true" } else { "false" },
            );
            Call::with_body(Method::PATCH, path, APPLY_PATCH, object.json().clone())
        });
        self.write("apply object", object.id(), call).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        let call = path::object(id, version).map(|mut path| {
            self.push_options(&mut path, options);
            Call::with_body(Method::PATCH, path, MERGE_PATCH, patch)
        });
        self.write("patch object", id, call).await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let call = self.put(object, "", options);
        self.write("replace object", object.id(), call).await
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let call = self.put(object, "/status", options);
        self.write("replace status", object.id(), call).await
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        let about = |error: Error| {
            error
                .with_operation("delete object")
                .with_context("object", id)
        };
        let path = path::object(id, version).map_err(about)?;
        let body = delete_body(options).to_string();
        let call = Call::with_body(Method::DELETE, path, JSON, body.into());
        // The answer is the object or a Status, as the kind likes; both mean that it is done.
        match self.client.bytes(&call, Effect::Write).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(about(self.client.explain(failure))),
        }
    }
}

/// `meta/v1 DeleteOptions`.
fn delete_body(options: &DeleteOptions) -> Value {
    let mut preconditions = Map::new();
    if let Some(uid) = &options.uid {
        preconditions.insert("uid".into(), json!(uid));
    }
    if let Some(version) = &options.resource_version {
        preconditions.insert("resourceVersion".into(), json!(version));
    }
    let propagation = match options.propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    };
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": propagation,
    });
    if !preconditions.is_empty() {
        body["preconditions"] = Value::Object(preconditions);
    }
    if options.dry_run {
        body["dryRun"] = json!(["All"]);
    }
    body
}
