//! Converters that break one rule each: they prove that the suite sees it.

use csdr_core::{
    Error, ErrorKind, Result,
    conversion::{
        BuiltinConverter, Change, Conversion, Edit, Loss, LossKind, Severity, Stage, TargetApis,
    },
    model::{Object, Tree},
    port::ApiVersionConverter,
};
use std::sync::atomic::{AtomicU64, Ordering};

/// A way to break the contract of [`ApiVersionConverter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// Tells something else at each call.
    Fickle,
    /// Writes anew what the target takes as it is.
    WritesAnew,
    /// Names the version that was stored.
    SaysTheOldVersion,
    /// Gives another name, and tells.
    Renames,
    /// Takes labels away, and tells.
    DropsLabels,
    /// Takes annotations away, and does not tell.
    DropsSilently,
    /// A kind without successor is an error.
    Strict,
    /// Takes for granted that `metadata.annotations` is a map.
    Trusting,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Fickle,
        Self::WritesAnew,
        Self::SaysTheOldVersion,
        Self::Renames,
        Self::DropsLabels,
        Self::DropsSilently,
        Self::Strict,
        Self::Trusting,
    ];

    /// The rule that it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Fickle => "the_same_question_has_one_answer",
            Self::WritesAnew => "what_is_served_is_not_touched",
            Self::SaysTheOldVersion => "the_answer_is_of_the_version_that_it_says",
            Self::Renames => "name_and_namespace_stay",
            Self::DropsLabels => "labels_stay",
            Self::DropsSilently => "nothing_is_dropped_silently",
            Self::Strict => "what_cannot_be_converted_is_an_answer",
            Self::Trusting => "odd_types_do_not_panic",
        }
    }
}

/// The built-in converter with one defect.
#[derive(Debug)]
pub struct Broken {
    inner: BuiltinConverter,
    defect: Defect,
    calls: AtomicU64,
}

impl Broken {
    /// With this defect.
    pub fn new(defect: Defect) -> Self {
        Self {
            inner: BuiltinConverter::new(),
            defect,
            calls: AtomicU64::new(0),
        }
    }
}

impl ApiVersionConverter for Broken {
    fn convert(&self, object: &Object, target: &TargetApis) -> Result<Conversion> {
        let tree = object.tree()?;
        if self.defect == Defect::Trusting
            && let Some(annotations) = tree.at(&["metadata", "annotations"])
        {
            assert!(
                annotations.as_object().is_some(),
                "annotations are always a map"
            );
        }
        let mut answer = self.inner.convert(object, target)?;
        match (self.defect, &mut answer) {
            (Defect::WritesAnew, Conversion::Unchanged) => Ok(Conversion::Converted {
                object: object.clone(),
                to: object.meta().kind.api_version.clone(),
                changes: Vec::new(),
                losses: Vec::new(),
            }),
            (Defect::Strict, Conversion::Skipped { reason }) => {
                Err(Error::new(ErrorKind::Unsupported, reason.to_string()))
            }
            (Defect::SaysTheOldVersion, Conversion::Converted { to, .. }) => {
                *to = object.meta().kind.api_version.clone();
                Ok(answer)
            }
            (
                _,
                Conversion::Converted {
                    object: made,
                    changes,
                    losses,
                    ..
                },
            ) => {
                let mut tree = made.tree()?;
                self.spoil(&mut tree, changes, losses);
                *made = Object::from_tree(made.id().resource().clone(), &tree)?;
                Ok(answer)
            }
            _ => Ok(answer),
        }
    }
}

impl Broken {
    fn spoil(&self, tree: &mut Tree, changes: &mut Vec<Change>, losses: &mut Vec<Loss>) {
        match self.defect {
            Defect::Fickle => {
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                changes.push(change("/metadata", Edit::Replaced, &format!("call {call}")));
            }
            Defect::Renames => {
                tree.set(&["metadata", "name"], "renamed".into());
                changes.push(change("/metadata/name", Edit::Replaced, "a better name"));
            }
            Defect::DropsLabels => {
                tree.remove(&["metadata", "labels"]);
                losses.push(Loss {
                    stage: Stage::Faithful,
                    path: "/metadata/labels".to_owned(),
                    kind: LossKind::NoCounterpart,
                    value: None,
                    severity: Severity::Info,
                    reason: "labels are not kept".into(),
                });
            }
            Defect::DropsSilently => {
                tree.remove(&["metadata", "annotations"]);
            }
            _ => {}
        }
    }
}

fn change(path: &str, edit: Edit, reason: &str) -> Change {
    Change {
        stage: Stage::Faithful,
        path: path.to_owned(),
        edit,
        before: None,
        after: None,
        severity: Severity::Info,
        reason: reason.to_owned().into(),
    }
}
