//! What was left out, and why.

use crate::model::ObjectId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One object that was left out, or many that one rule left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// The object as `resource[.group]/[namespace/]name`; for a rule, what it covers (`events`, `namespace kube-system`).
    pub what: String,
    /// Why.
    pub reason: LeftOutReason,
    /// What the layer below said, or what the rule is about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Of a [gap](LeftOutReason::is_gap): it lies in what the spec names, or hides too much to be overlooked. Then the backup is
    /// `PartiallyFailed`; under a wildcard a gap is a warning.
    #[serde(default, skip_serializing_if = "is_false")]
    pub named: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl LeftOut {
    /// One object.
    pub fn object(id: &ObjectId, reason: LeftOutReason) -> Self {
        Self {
            what: id.to_string(),
            reason,
            detail: String::new(),
            named: false,
        }
    }

    /// What a rule covers.
    pub fn rule(what: impl Into<String>, reason: LeftOutReason, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            reason,
            detail: detail.into(),
            named: false,
        }
    }

    /// The same, as a gap in what the spec names.
    #[must_use]
    pub fn with_named(mut self, named: bool) -> Self {
        self.named = named;
        self
    }
}

/// Why something was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LeftOutReason {
    /// A namespace of the cluster itself (R180–R182, R286).
    SystemNamespace,
    /// `deletionTimestamp` is set (R169).
    BeingDeleted,
    /// The cluster makes such objects itself; a stored one would be wrong elsewhere.
    MadeByCluster,
    /// The same objects are stored under another group.
    SameObjectsElsewhere,
    /// The server does not offer the verbs that a backup and restore need.
    NotStorable,
    /// Excluded by the spec.
    Excluded,
    /// Cluster-scoped, and the spec does not take those.
    ClusterScoped,
    /// Labelled by its owner to be left out (velero.md sections 2.2 and 2.4).
    OptedOut,
    /// The object is stored, but fields of it are masked.
    Masked,
    /// A captured object names it, and the source does not have it.
    Missing,
    /// The server refused the list: a gap.
    Forbidden,
    /// The API's part could not be discovered: a gap.
    Undiscovered,
    /// The list failed or broke off: a gap.
    Unlisted,
    /// The item could not be read: a gap.
    Unreadable,
    /// A pod's pre hook failed, and says that this is an error: a gap. Source: velero.md section 2.8.
    HookFailed,
    /// Whoever wrote the backup could not back everything up: a gap.
    PartialBackup,
    /// The data of a volume that another tool keeps: its claim is restored without it.
    VolumeData,
}

impl LeftOutReason {
    /// Whether something is missing that the spec asked for, as against a rule that left it out on purpose.
    pub fn is_gap(self) -> bool {
        matches!(
            self,
            Self::Forbidden
                | Self::Undiscovered
                | Self::Unlisted
                | Self::Unreadable
                | Self::HookFailed
                | Self::PartialBackup
        )
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SystemNamespace => "system namespace",
            Self::BeingDeleted => "is being deleted",
            Self::MadeByCluster => "a cluster makes these itself",
            Self::SameObjectsElsewhere => "the same objects are stored under another group",
            Self::NotStorable => "cannot be listed and created again",
            Self::Excluded => "excluded by the spec",
            Self::ClusterScoped => "cluster-scoped, and the spec does not take those",
            Self::OptedOut => "labelled to be left out of backups",
            Self::Masked => "fields of it are masked",
            Self::Missing => "named by a captured object, but not there",
            Self::Forbidden => "reading was forbidden",
            Self::Undiscovered => "could not be discovered",
            Self::Unlisted => "could not be listed",
            Self::Unreadable => "could not be read",
            Self::HookFailed => "its pre hook failed",
            Self::PartialBackup => "the backup itself is not whole",
            Self::VolumeData => "not restored with its claim",
        })
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.reason)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}
