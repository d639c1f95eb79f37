//! What a conversion did, and what it cost.

use crate::model::{ApiVersion, Object, Tree};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "one answer at a time, taken apart at once"
)]
pub enum Conversion {
    /// The target takes it as it is: not one byte is touched.
    Unchanged,
    /// Another version, or the same version with something mended or a reference rewritten.
    Converted {
        /// The object for the target.
        object: Object,
        /// Its API version.
        to: ApiVersion,
        /// What was changed; nothing of it is lost.
        changes: Vec<Change>,
        /// What is lost, or means something else now.
        losses: Vec<Loss>,
    },
    /// It should not be restored; the reason has advice.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// The target serves no version that it could be made into.
    NoRoute {
        /// Why.
        reason: NoRouteReason,
    },
}

/// What will become of the objects of one kind in one version; no object is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "route")]
#[non_exhaustive]
pub enum Route {
    /// The target takes the version.
    Unchanged,
    /// They are made into another version.
    Converts {
        /// That version.
        to: ApiVersion,
    },
    /// They should not be restored.
    Skipped {
        /// Why.
        reason: SkipReason,
    },
    /// The target serves no version that they could be made into.
    NoRoute {
        /// Why.
        reason: NoRouteReason,
    },
}

/// The stage that made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The server's own defaulting and conversion.
    Faithful,
    /// What the target's validation would have refused.
    Acceptable,
    /// API versions inside the object.
    References,
    /// Not a conversion: a transform of the restore.
    Transforms,
}

/// How much a person should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing to do.
    Info,
    /// Look at it.
    Warning,
    /// The object will not work as it did.
    Error,
}

/// What was done at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "edit")]
pub enum Edit {
    /// Something absent was written: a default, or what the target demands.
    Added,
    /// The same value stands elsewhere now.
    Moved {
        /// JSON pointer in the stored object.
        from: String,
    },
    /// Another value stands there now.
    Replaced,
    /// Taken away because it says nothing any more; the reason tells why that loses nothing.
    Removed,
}

/// One change; nothing is lost by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The stage that made it.
    pub stage: Stage,
    /// JSON pointer: where the value stands at the time of the change.
    pub path: String,
    /// What was done.
    #[serde(flatten)]
    pub edit: Edit,
    /// What stood there. Absent for an addition, and where it may be secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Tree>,
    /// What stands there. Absent for a removal, and where it may be secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Tree>,
    /// How much a person should care.
    pub severity: Severity,
    /// Why, in one sentence without a full stop.
    pub reason: Cow<'static, str>,
}

/// In which way something is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LossKind {
    /// The schema does not know the field; it is kept, and the target's server drops it.
    UnknownField,
    /// The target's version has no such field.
    NoCounterpart,
    /// Kept, but nobody reads it any more.
    Inert,
    /// Kept, but it means something else.
    Meaning,
    /// Only the author knows the right value; a safe one was written.
    Assumed,
    /// The target refuses it and there is no form that it takes.
    Refused,
    /// It names something that no longer exists: a version, a volume driver, a label.
    Dangling,
}

/// Something that the result does not say any more, or not in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// The stage in which it was lost.
    pub stage: Stage,
    /// JSON pointer: where it stood.
    pub path: String,
    /// In which way.
    pub kind: LossKind,
    /// What it was. Absent where it may be secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Tree>,
    /// How much a person should care.
    pub severity: Severity,
    /// What that means and what to do, in one sentence without a full stop.
    pub reason: Cow<'static, str>,
}

/// Why an object should not be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "skip")]
#[non_exhaustive]
pub enum SkipReason {
    /// Its kind was removed from Kubernetes and nothing took its place.
    RemovedWithoutReplacement {
        /// The minor of Kubernetes 1 that serves it no more.
        removed: u32,
        /// What to do instead.
        advice: Cow<'static, str>,
    },
    /// It is never stored by a server: a request, a review, a computed view.
    NeverStored,
    /// The cluster makes such objects itself.
    MadeByCluster {
        /// What makes it.
        advice: Cow<'static, str>,
    },
    /// No form of it would be accepted.
    Unacceptable {
        /// JSON pointer to what is refused.
        path: String,
        /// Why, and what to do.
        advice: Cow<'static, str>,
    },
}

/// Why there is no way into a version that the target serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "noRoute")]
#[non_exhaustive]
pub enum NoRouteReason {
    /// The target knows a version of it, and has it switched off.
    NotEnabled {
        /// What to switch on: `--runtime-config=…`.
        flag: String,
    },
    /// The target is older than the kind.
    NotYetServed {
        /// The first minor of Kubernetes 1 that serves it by default.
        since: u32,
    },
    /// The target has no definition of this custom kind.
    DefinitionMissing {
        /// `<plural>.<group>`.
        definition: String,
    },
    /// The target's definition does not serve the stored version, and only its webhook can convert.
    NeedsWebhook {
        /// Versions that the target serves.
        served: Vec<String>,
    },
    /// An aggregated API that the target does not have.
    AggregatedApiMissing {
        /// The group.
        group: String,
    },
    /// No rule makes the stored version into one that the target serves.
    NoRule {
        /// Versions that the target serves.
        served: Vec<String>,
    },
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchanged => f.write_str("unchanged"),
            Self::Converts { to } => write!(f, "converts to {to}"),
            Self::Skipped { reason } => write!(f, "skipped: {reason}"),
            Self::NoRoute { reason } => write!(f, "no route: {reason}"),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.edit {
            Edit::Added => write!(f, "{} added", self.path)?,
            Edit::Moved { from } => write!(f, "{from} → {}", self.path)?,
            Edit::Replaced => write!(f, "{} replaced", self.path)?,
            Edit::Removed => write!(f, "{} removed", self.path)?,
        }
        write!(f, ": {}", self.reason)
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity, self.path, self.reason)
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemovedWithoutReplacement { removed, advice } => {
                write!(
                    f,
                    "removed in Kubernetes 1.{removed} without a successor; {advice}"
                )
            }
            Self::NeverStored => f.write_str("never stored by a server"),
            Self::MadeByCluster { advice } => write!(f, "made by the cluster itself; {advice}"),
            Self::Unacceptable { path, advice } => {
                write!(f, "the target would refuse it at {path}; {advice}")
            }
        }
    }
}

impl fmt::Display for NoRouteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEnabled { flag } => {
                write!(
                    f,
                    "the target has it switched off; start its API server with {flag}"
                )
            }
            Self::NotYetServed { since } => {
                write!(
                    f,
                    "the target is older than the kind, which came with Kubernetes 1.{since}"
                )
            }
            Self::DefinitionMissing { definition } => {
                write!(
                    f,
                    "the target has no CustomResourceDefinition {definition}; restore it first"
                )
            }
            Self::NeedsWebhook { served } => write!(
                f,
                "the target serves it only as {}, and only the definition's webhook can convert",
                served.join(", ")
            ),
            Self::AggregatedApiMissing { group } => {
                write!(f, "the target has no aggregated API {group}")
            }
            Self::NoRule { served } => write!(
                f,
                "no rule makes it into what the target serves ({})",
                served.join(", ")
            ),
        }
    }
}
