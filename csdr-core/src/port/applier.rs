//! What a restore may write.

use crate::{
    Result,
    model::{Object, ObjectId},
};
use async_trait::async_trait;
use bytes::Bytes;
use std::{fmt, sync::Arc};

/// What a restore may *write*: into a cluster, or into a folder of manifests.
///
/// # Contract
/// * Each method is one request for one object, in the object's own version (or `version`), under `field_manager`.
/// * `create` never changes an existing object: it answers `AlreadyExists`. Where the answer to a create was lost (a 504, a
///   broken connection) the adapter may have repeated it: `AlreadyExists` then means either; the caller looks whose it is by
///   the object's field manager.
/// * `replace` and `replace_status` demand the object's `resourceVersion` where it carries one, and answer `Conflict` otherwise.
/// * `apply` is server-side apply; a conflict of ownership is `Conflict` unless `force`.
/// * With `dry_run` everything is checked and nothing is stored; an adapter that cannot promise that answers `Unsupported`.
/// * `delete` of a missing object is `NotFound`; a precondition that does not hold is `Conflict`.
/// * Every answer is the object as it stands after the call.
///
/// # Errors
/// | kind | when |
/// |---|---|
/// | `AlreadyExists` | `create` of a name that is taken |
/// | `NotFound` | the object, its namespace or its kind does not exist |
/// | `Conflict` | as above; also a namespace that is being deleted |
/// | `InvalidInput` | the server refuses the content; the message has the server's causes |
/// | `PermissionDenied`, `Unauthenticated` | rights |
/// | `RateLimited`, `Unavailable`, `Timeout` | not certain whether it happened |
///
/// # Cancellation
/// Dropping a future leaves open whether the request took effect.
#[async_trait]
pub trait ResourceApplier: fmt::Debug + Send + Sync + 'static {
    /// Creates an object.
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object>;

    /// Server-side apply of these fields.
    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object>;

    /// JSON merge patch (RFC 7386).
    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object>;

    /// Replaces the whole object.
    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object>;

    /// Replaces the status of an object that has a status subresource.
    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object>;

    /// Deletes an object; with finalizers it may stand on, being deleted.
    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()>;
}

/// How to write.
///
/// ```
/// use csdr_core::port::WriteOptions;
/// let options = WriteOptions { field_manager: "csdr-0190".into(), dry_run: false };
/// assert_eq!(options.field_manager, "csdr-0190");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// The name under which the server records the written fields; at most 128 bytes.
    pub field_manager: String,
    /// Check only.
    pub dry_run: bool,
}

/// How to apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// As for every write.
    pub write: WriteOptions,
    /// Take fields over from other managers.
    pub force: bool,
}

/// How to delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Only if the object has this uid.
    pub uid: Option<String>,
    /// Only if the object has this resourceVersion.
    pub resource_version: Option<String>,
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// Check only.
    pub dry_run: bool,
}

/// What becomes of an object's dependents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// The collector deletes them afterwards.
    #[default]
    Background,
    /// The object stays until they are gone.
    Foreground,
    /// They stay.
    Orphan,
}

#[async_trait]
impl<T: ResourceApplier + ?Sized> ResourceApplier for Arc<T> {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        (**self).create(object, options).await
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        (**self).apply(object, options).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        (**self).merge_patch(id, version, patch, options).await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        (**self).replace(object, options).await
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        (**self).replace_status(object, options).await
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        (**self).delete(id, version, options).await
    }
}
