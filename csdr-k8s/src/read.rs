//! Reading one object.

use crate::{
    ClusterClient,
    error::{Failure, malformed},
    path,
    transport::{Call, Effect},
};
use bytes::Bytes;
use csdr_core::{
    Result,
    model::{Object, ObjectId},
};
use http::StatusCode;

/// The object, or `None` if it does not exist; a kind that is not served is an error.
pub(crate) async fn get(
    client: &ClusterClient,
    id: &ObjectId,
    version: &str,
) -> Result<Option<Object>> {
    let about = |error: csdr_core::Error| {
        error
            .with_operation("get object")
            .with_context("object", id)
    };
    let call = Call::get(path::object(id, version).map_err(about)?);
    match client.bytes(&call, Effect::Read).await {
        Ok(body) => answered(id, body).map(Some).map_err(about),
        Err(Failure::Refused(refusal))
            if refusal.code == StatusCode::NOT_FOUND && names_an_object(&refusal) =>
        {
            Ok(None)
        }
        Err(failure) => Err(about(client.explain(failure))),
    }
}

/// A missing object is named in the answer; a path that is not served is answered as plain text or without a name.
fn names_an_object(refusal: &crate::error::Refusal) -> bool {
    let details = refusal.status.details.as_ref();
    refusal.spoken
        && details.is_some_and(|details| details.name.as_ref().is_some_and(|name| !name.is_empty()))
}

/// The object of an answer, which must be the one that was asked for.
///
/// The line feed that the server ends a single object with is cut off: lists have none, and the bytes shall be the same.
pub(crate) fn answered(id: &ObjectId, mut body: Bytes) -> Result<Object> {
    body.truncate(body.trim_ascii_end().len());
    let object = Object::parse(id.resource().clone(), body)?;
    if object.id() == id {
        Ok(object)
    } else {
        Err(malformed("is another object").with_context("answered", object.id()))
    }
}
