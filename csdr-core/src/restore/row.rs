//! One compact row an object.

use super::Wave;
use crate::{
    archive::{Digest, IndexRow, MemberSpan},
    model::{GroupVersionResource, ObjectId},
};
use serde::{Deserialize, Serialize};

/// One kind of a restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreKind {
    /// Resource and version, as stored.
    pub resource: GroupVersionResource,
    /// Resource and version, as it will be written: another one where the target does not take the stored one.
    pub target: GroupVersionResource,
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// When it is restored.
    pub wave: Wave,
    /// Whether its definition is restored first: the target does not serve it yet.
    pub defined_by_backup: bool,
    /// Why none of its objects can be restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
}

impl RestoreKind {
    /// Whether its objects are written in another version than they are stored in.
    pub fn is_converted(&self) -> bool {
        self.resource != self.target
    }
}

/// What a run will do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Create it.
    Create,
    /// Leave the target's as it is (R256).
    SkipExisting,
    /// An earlier, dead run of this restore has created it.
    CreatedBefore,
    /// It cannot be restored; its kind or a note says why.
    Blocked,
    /// It is not restored; a note says why.
    Skip,
}

/// One object: where its bytes lie and what becomes of it. About 80 bytes and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: Box<str>,
    pub(super) sha256: Digest,
    pub(super) member: u64,
    pub(super) member_len: u32,
    pub(super) entry: u32,
    pub(super) size: u32,
    /// Into the plan's namespaces, plus one; 0 is cluster-scoped.
    pub(super) namespace: u32,
    /// Into the plan's kinds.
    pub(super) kind: u16,
    /// Whether the stored version is the one that its server preferred.
    pub(super) preferred: bool,
    pub(super) action: Action,
    /// Which transforms change it: into the plan's sets of them.
    pub(super) transforms: u16,
}

/// A row as it stands in a stored plan.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRow(
    Box<str>,
    Digest,
    u64,
    u32,
    u32,
    u32,
    u32,
    u16,
    bool,
    Action,
    u16,
);

impl From<Row> for StoredRow {
    fn from(row: Row) -> Self {
        Self(
            row.name,
            row.sha256,
            row.member,
            row.member_len,
            row.entry,
            row.size,
            row.namespace,
            row.kind,
            row.preferred,
            row.action,
            row.transforms,
        )
    }
}

impl From<StoredRow> for Row {
    fn from(row: StoredRow) -> Self {
        let StoredRow(
            name,
            sha256,
            member,
            member_len,
            entry,
            size,
            namespace,
            kind,
            preferred,
            action,
            transforms,
        ) = row;
        Self {
            name,
            sha256,
            member,
            member_len,
            entry,
            size,
            namespace,
            kind,
            preferred,
            action,
            transforms,
        }
    }
}

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StoredRow::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StoredRow::deserialize(deserializer).map(Self::from)
    }
}

impl Row {
    /// The member of the archive that holds it.
    pub(super) fn member_span(&self) -> MemberSpan {
        MemberSpan {
            offset: self.member,
            len: u64::from(self.member_len),
        }
    }

    /// The row of the index again: what reading the object needs.
    pub(super) fn index_row(&self, id: ObjectId, version: String) -> IndexRow {
        IndexRow {
            id,
            version,
            preferred: self.preferred,
            member: self.member_span(),
            entry: u64::from(self.entry),
            size: u64::from(self.size),
            sha256: self.sha256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_its_name_takes_at_most_160_bytes() {
        // The longest name of a label, and what an allocator adds.
        assert!(size_of::<Row>() + 63 + 16 <= 160, "{}", size_of::<Row>());
    }
}
