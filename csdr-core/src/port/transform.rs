//! A change of objects on their way into a target.

use crate::{
    Result,
    transform::{TransformItem, Verdict},
};
use std::{fmt, sync::Arc};

/// Changes an object on its way from a backup into a target.
///
/// # Contract
/// * Pure: no I/O, no clock, no randomness; the same item gives the same answer, so that a plan can say what a run will do.
/// * It sees the object as the target will get it, after conversion and the transforms before it, and the stored one beside it.
/// * Every edit goes through the [`TransformItem`], which records it: nothing is changed in silence.
/// * What should not be restored is an answer ([`Verdict::Skip`], with a reason that a person understands), not an error.
///
/// # Errors
/// An object that it must handle and cannot: that object fails, with this error as its outcome; the restore goes on. The content is
/// never shown.
///
/// # Cancellation
/// Answers at once; there is nothing to cancel.
pub trait Transform: fmt::Debug + Send + Sync + 'static {
    /// A short name, shown in plans and reports: `services`, `image registry`.
    fn name(&self) -> &str;

    /// Changes one object, or says that it should not be restored.
    ///
    /// # Errors
    /// See the trait.
    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict>;
}

impl<T: Transform + ?Sized> Transform for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        (**self).transform(item)
    }
}
