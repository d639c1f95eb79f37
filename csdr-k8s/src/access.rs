//! Asking for rights.

use crate::{
    ClusterClient,
    error::malformed,
    transport::{Call, Effect, JSON},
};
use csdr_core::{
    Result,
    port::{Access, AccessRequest},
};
use http::Method;
use serde::Deserialize;
use serde_json::json;

const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

#[derive(Deserialize)]
struct Review {
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    allowed: bool,
    #[serde(default)]
    reason: Option<String>,
}

/// Whether the client's identity may do this. A review is a POST that stores nothing, so it may be repeated.
pub(crate) async fn can_i(client: &ClusterClient, request: &AccessRequest) -> Result<Access> {
    let resource = &request.resource;
    // A resource may be named with its subresource, as `pods/exec`.
    let (plural, subresource) = resource
        .resource
        .split_once('/')
        .unwrap_or((&resource.resource, ""));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {
            "verb": request.verb,
            "group": resource.group,
            "version": resource.version,
            "resource": plural,
            "subresource": subresource,
            "namespace": request.namespace.as_deref().unwrap_or_default(),
            "name": request.name.as_deref().unwrap_or_default(),
        }},
    });
    let call = Call::with_body(Method::POST, PATH, JSON, review.to_string().into());
    let about = |error: csdr_core::Error| {
        error
            .with_operation("ask for a right")
            .with_context("verb", &request.verb)
            .with_context("resource", resource)
    };
    let body = client.bytes(&call, Effect::Read).await;
    let body = body.map_err(|failure| about(client.explain(failure)))?;
    let review: Review = serde_json::from_slice(&body)
        .map_err(|error| about(malformed("is not an access review").with_source(error)))?;
    Ok(Access {
        allowed: review.status.allowed,
        reason: review.status.reason.unwrap_or_default(),
    })
}
