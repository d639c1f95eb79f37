//! One compact row an object.

use super::Wave;
use crate::{
    Result,
    archive::{Digest, IndexRow, MemberSpan},
    model::{GroupVersionResource, Object, ObjectId, Tree},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Create it.
    Create,
    /// The target has one that differs: leave it as it is (R256). A note says where it differs.
    SkipExisting,
    /// The target has all of it already: nothing is to be done.
    Equal,
    /// Write the backup's fields into the target's ([`Existing::Update`](crate::spec::Existing::Update)). A note says which.
    Update,
    /// Add what the target's lacks: to a ServiceAccount (velero.md section 3.5), or the owners of an object that an earlier restore has
    /// created and could not name.
    Merge,
    /// Apply it on the server ([`Existing::Apply`](crate::spec::Existing::Apply)).
    Apply,
    /// Delete the target's, and create it ([`Existing::Recreate`](crate::spec::Existing::Recreate)).
    Recreate,
    /// The target has one that differs, and that is an error ([`Existing::Fail`](crate::spec::Existing::Fail)).
    Fail,
    /// An earlier, dead run of this restore has created or changed it.
    CreatedBefore,
    /// It cannot be restored; its kind or a note says why.
    Blocked,
    /// It is not restored; a note says why.
    Skip,
}

impl Action {
    /// Every action, in the order in which a plan counts them.
    pub const ALL: [Self; 11] = [
        Self::Create,
        Self::SkipExisting,
        Self::Equal,
        Self::Update,
        Self::Merge,
        Self::Apply,
        Self::Recreate,
        Self::Fail,
        Self::CreatedBefore,
        Self::Blocked,
        Self::Skip,
    ];

    /// Whether a run writes to the target for it.
    pub fn writes(self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Merge | Self::Apply | Self::Recreate => true,
            Self::SkipExisting
            | Self::Equal
            | Self::Fail
            | Self::CreatedBefore
            | Self::Blocked
            | Self::Skip => false,
        }
    }
}

/// As a person reads it in a plan.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::SkipExisting => "skip: exists, differs",
            Self::Equal => "skip: exists, equal",
            Self::Update => "update",
            Self::Merge => "merge",
            Self::Apply => "apply",
            Self::Recreate => "recreate",
            Self::Fail => "fail: exists",
            Self::CreatedBefore => "created before",
            Self::Blocked => "blocked",
            Self::Skip => "skip",
        })
    }
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
    /// What the target's object was when it was planned for ([`state_of`]); 0 where there was none.
    pub(super) state: u16,
}

/// A number for what an object is: its identity and content, without its status and what moves by itself. Not 0. Two states of an object
/// have the same number once in 65,535 times: enough to tell a person, never what a write relies on.
pub(super) fn state_of(object: &Object) -> Result<u16> {
    let (mut tree, _) = Tree::parse_without_managed_fields(object.json())?;
    tree.remove(&["status"]);
    tree.remove(&["metadata", "resourceVersion"]);
    let hash = Sha256::digest(tree.to_json());
    let bytes = hash.first_chunk().copied().unwrap_or_default();
    Ok(u16::from_be_bytes(bytes).max(1))
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
            row.state,
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
            state,
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
            state,
        }
    }
}

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        StoredRow::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
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
    use std::collections::BTreeSet;

    #[test]
    fn a_row_with_its_name_takes_at_most_160_bytes() {
        // The longest name of a label, and what an allocator adds.
        assert!(size_of::<Row>() + 63 + 16 <= 160, "{}", size_of::<Row>());
    }

    #[test]
    fn actions_are_listed_in_their_order_and_read_apart() {
        assert!(Action::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        let words: BTreeSet<String> = Action::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(words.len(), Action::ALL.len());
    }

    #[test]
    fn the_state_of_an_object_is_its_content_without_what_moves_by_itself() {
        let state = |json: &str| {
            let object = Object::parse("configmaps".parse().unwrap(), json.as_bytes().to_vec());
            state_of(&object.unwrap()).unwrap()
        };
        let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"u","resourceVersion":"1","managedFields":[]},"data":{"n":"1"},"status":{}}"#;
        let moved = json.replace(r#""resourceVersion":"1""#, r#""resourceVersion":"2""#);
        assert_eq!(state(json), state(&moved.replace(r#","status":{}"#, "")));
        for (from, to) in [
            (r#""n":"1""#, r#""n":"2""#),
            (r#""uid":"u""#, r#""uid":"v""#),
        ] {
            assert_ne!(state(json), state(&json.replace(from, to)), "{to}");
        }
    }
}
