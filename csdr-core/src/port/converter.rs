//! Another API version of an object.

use crate::{
    Result,
    conversion::{Conversion, TargetApis},
    model::Object,
};
use std::{fmt, sync::Arc};

/// Makes an object into one that a target takes.
///
/// # Contract
/// * Pure: no I/O, no clock; the same object and target give the same answer.
/// * `Unchanged` if the target takes the object as it is; then not one byte is to be touched.
/// * Namespace and name stay, and so do labels (an old workload without any gets those of its template, as its server would have
///   done). Nothing is dropped silently: every leaf of the object is in the result, in its changes or in its
///   losses.
/// * What cannot be converted is an answer (`Skipped`, `NoRoute`), not an error: one object must not end a restore.
///
/// # Errors
/// Only what cannot be read: `Corrupt` for an object that holds a key twice or is nested too deeply. The content is never shown.
///
/// # Cancellation
/// Answers at once; there is nothing to cancel.
pub trait ApiVersionConverter: fmt::Debug + Send + Sync + 'static {
    /// What becomes of `object` on `target`.
    fn convert(&self, object: &Object, target: &TargetApis) -> Result<Conversion>;
}

impl<T: ApiVersionConverter + ?Sized> ApiVersionConverter for Arc<T> {
    fn convert(&self, object: &Object, target: &TargetApis) -> Result<Conversion> {
        (**self).convert(object, target)
    }
}
