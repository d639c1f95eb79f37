//! Transforms that break one rule each: they prove that the suite sees it.

use csdr_core::{
    Error, Result,
    conversion::Severity,
    port::Transform,
    transform::{TransformItem, Verdict},
};
use std::sync::atomic::{AtomicU64, Ordering};

/// A way to break the contract of [`Transform`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// Writes something else at each call.
    Fickle,
    /// Makes another kind of an object.
    ChangesKind,
    /// Leaves an object out without a reason.
    SaysNothing,
    /// Has a name that no line of a plan holds.
    Talkative,
    /// Shows a Secret in an error.
    Leaks,
    /// Takes for granted that annotations are a map.
    Trusting,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Fickle,
        Self::ChangesKind,
        Self::SaysNothing,
        Self::Talkative,
        Self::Leaks,
        Self::Trusting,
    ];

    /// The rule that it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Fickle => "the_same_item_has_one_answer",
            Self::ChangesKind => "an_object_stays_what_it_is",
            Self::SaysNothing => "a_reason_is_a_few_words",
            Self::Talkative => "the_name_is_short",
            Self::Leaks => "content_of_secrets_is_not_shown",
            Self::Trusting => "odd_types_do_not_panic",
        }
    }
}

/// A transform with one defect.
#[derive(Debug)]
pub struct Broken {
    defect: Defect,
    calls: AtomicU64,
}

impl Broken {
    /// With this defect.
    pub fn new(defect: Defect) -> Self {
        Self {
            defect,
            calls: AtomicU64::new(0),
        }
    }
}

impl Transform for Broken {
    fn name(&self) -> &str {
        match self.defect {
            Defect::Talkative => {
                "a transform whose name says in one breath all that it does to objects"
            }
            _ => "broken",
        }
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        match self.defect {
            Defect::Fickle => {
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                item.set(&["metadata", "labels", "call"], call.to_string(), "counted");
            }
            Defect::ChangesKind => item.set(&["kind"], "Other", "a better kind"),
            Defect::SaysNothing => {
                item.warn(&["metadata"], Severity::Info, "");
                return Ok(Verdict::skip(" "));
            }
            Defect::Leaks => {
                if let Some(token) = item.text(&["data", "token"]) {
                    return Err(Error::invalid(format!("what is {token}?")));
                }
            }
            Defect::Trusting => {
                if let Some(annotations) = item.get(&["metadata", "annotations"]) {
                    assert!(
                        annotations.as_object().is_some(),
                        "annotations are always a map"
                    );
                }
            }
            Defect::Talkative => {}
        }
        Ok(Verdict::Restore)
    }
}
