//! What happens while a pipeline runs.

use crate::model::{GroupResource, ObjectId};
use std::{fmt, sync::Arc};

/// Is told what happens, for progress bars and logs.
///
/// # Contract
/// `observe` returns at once and never fails; events of one object come in order, those of different objects in any.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// One event.
    fn observe(&self, event: &Event<'_>);
}

/// What happens.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage of the pipeline begins: `discover`, `claim`, `objects`, `seal` …
    StageStarted {
        /// The stage's name.
        stage: &'static str,
        /// How many objects it will pass, where that is known.
        objects: Option<u64>,
    },
    /// A stage has ended.
    StageEnded {
        /// The stage's name.
        stage: &'static str,
    },
    /// An object went into the archive or onto the target.
    ObjectDone {
        /// Which.
        id: &'a ObjectId,
        /// Its outcome in a word, as the report spells it.
        outcome: &'static str,
        /// Bytes of its JSON.
        bytes: u64,
    },
    /// Many objects of one kind went the same way at once.
    ObjectsDone {
        /// Their resource.
        resource: &'a GroupResource,
        /// How many.
        objects: u64,
        /// Bytes of their JSON.
        bytes: u64,
    },
    /// Bytes went to the vault.
    BytesStored {
        /// How many.
        bytes: u64,
    },
    /// Something that the report will hold as warning or error.
    Noted {
        /// On one line.
        message: &'a str,
    },
}

/// Looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _: &Event<'_>) {}
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn observe(&self, event: &Event<'_>) {
        (**self).observe(event);
    }
}
