//! What must be captured or restored together with an object.

use crate::{
    Result,
    model::{GroupResource, Object},
    related::{Interest, Related},
};
use std::{fmt, sync::Arc};

/// Says which objects belong to an object: what it needs, or whom it serves.
///
/// A backup asks it about captured objects, and takes what they need although the filters do not select it (unless they exclude it). A
/// restore of single objects asks it about the backup's.
///
/// # Contract
/// * Pure: no I/O, no clock, no randomness; the same object gives the same answer, in the same order.
/// * It looks at one object at a time, in any version that a server may serve it in; a field that is not there or has another type
///   names nothing.
/// * It never names the object itself.
/// * It is only asked about objects of kinds in which it said an [interest](ItemAction::interest), and answers nothing for others.
/// * What it names need not exist: whether it does is for the caller to find out and to record.
///
/// # Errors
/// An object that it must read and cannot (a key twice, nested too deeply): what belongs to that object is not known, which the caller
/// records as a gap. The content is never shown.
///
/// # Cancellation
/// Answers at once; there is nothing to cancel.
pub trait ItemAction: fmt::Debug + Send + Sync + 'static {
    /// A short name, shown in plans and reports: `pods`, `service accounts`.
    fn name(&self) -> &str;

    /// What it wants to see of a kind.
    fn interest(&self, resource: &GroupResource) -> Interest;

    /// What belongs to one object.
    ///
    /// # Errors
    /// See the trait.
    fn related(&self, object: &Object) -> Result<Vec<Related>>;
}

impl<T: ItemAction + ?Sized> ItemAction for Arc<T> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        (**self).interest(resource)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        (**self).related(object)
    }
}
