//! Custom resources against the schemas of their definitions: what the target's server will refuse or drop is known before anything is
//! written. Source: api-versions.md section 3.2, last sentence.

use super::PlanNote;
use crate::{
    Error, ErrorKind, Result,
    archive::IndexRow,
    conversion::{
        LossKind, SchemaFailure, SchemaVerdict, Severity, TargetApis, check_custom_resource,
    },
    lifecycle,
    model::{Discovery, GroupResource, GroupVersionResource, Object, ObjectId, Tree},
    restore::{Restore, convert::Fitted},
    vault::StoredBackup,
};
use std::collections::BTreeMap;

/// Most places of one object that are told one by one.
const PLACES: usize = 16;

/// The definition of the kind that is looked at: rows come kind by kind, so no more than one is held.
#[derive(Debug, Default)]
pub(super) struct CustomCheck {
    of: Option<GroupResource>,
    definition: Option<Tree>,
}

impl CustomCheck {
    /// Reads the definition of a kind: the target's own, which stays as it is there (R256), else the backup's as it will be written.
    /// Of a kind without one that can be read nothing is said.
    pub(super) async fn load(
        &mut self,
        kind: &GroupVersionResource,
        from: &Definitions<'_>,
    ) -> Result<()> {
        if self.of.as_ref().is_some_and(|of| {
            of.group() == kind.group.as_str() && of.resource() == kind.resource.as_str()
        }) {
            return Ok(());
        }
        self.definition = None;
        let resource = kind.group_resource();
        if !kind.group.is_empty() && !lifecycle::is_builtin_group(&kind.group) {
            self.definition = from.read(&resource).await?;
        }
        self.of = Some(resource);
        Ok(())
    }

    /// What the server will say of an object, as it will be created: without a status.
    pub(super) fn notes(&self, object: &Tree) -> Vec<PlanNote> {
        let Some(definition) = &self.definition else {
            return Vec::new();
        };
        let mut tree = object.clone();
        tree.remove(&["status"]);
        let failures = check_custom_resource(definition, &tree).unwrap_or_default();
        let more = failures.len().saturating_sub(PLACES);
        let mut notes: Vec<PlanNote> = failures.iter().take(PLACES).map(note).collect();
        if more > 0 {
            let text = format!("{more} places more that the definition does not take as they are");
            notes.push(PlanNote::whole(Severity::Warning, text));
        }
        notes
    }
}

fn note(failure: &SchemaFailure) -> PlanNote {
    let (severity, loss, text) = match failure.verdict {
        SchemaVerdict::Refused => (
            Severity::Error,
            LossKind::Refused,
            format!("its definition refuses the object: {}", failure.reason),
        ),
        SchemaVerdict::Pruned => (
            Severity::Warning,
            LossKind::UnknownField,
            "its definition does not know the field: a server refuses the object for it, or drops it where the writer does not ask for strict validation".to_owned(),
        ),
    };
    PlanNote {
        severity,
        loss: Some(loss),
        path: failure.path.clone(),
        text,
    }
}

/// Where definitions lie.
pub(super) struct Definitions<'a> {
    pub(super) restore: &'a Restore,
    pub(super) backup: &'a StoredBackup,
    pub(super) discovery: &'a Discovery,
    pub(super) apis: &'a TargetApis,
    /// Those of the backup that are restored.
    pub(super) stored: &'a BTreeMap<GroupResource, IndexRow>,
}

impl Definitions<'_> {
    async fn read(&self, resource: &GroupResource) -> Result<Option<Tree>> {
        let object = if self.discovery.resource(resource).is_some() {
            self.of_target(resource).await?
        } else if let Some(row) = self.stored.get(resource) {
            self.of_backup(row).await?
        } else {
            None
        };
        let tree = object.and_then(|object| object.tree().ok());
        // An older form says elsewhere what it takes.
        let is_v1 = |tree: &Tree| tree.text_at(&["apiVersion"]) == Some("apiextensions.k8s.io/v1");
        Ok(tree.filter(is_v1))
    }

    async fn of_target(&self, resource: &GroupResource) -> Result<Option<Object>> {
        let kind = "CustomResourceDefinition";
        let Some(row) = self.discovery.kind("apiextensions.k8s.io", kind) else {
            return Ok(None);
        };
        let id = ObjectId::new(row.resource.clone(), None, resource.to_string())?;
        let version = row.preferred().version;
        match self.restore.target.get(&id, &version).await {
            Err(error) if is_withheld(&error) => Ok(None),
            read => read,
        }
    }

    async fn of_backup(&self, row: &IndexRow) -> Result<Option<Object>> {
        let member = match self.backup.member(row.member).await {
            Ok(member) => member,
            // What is damaged is told of with its own row.
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(None),
            Err(error) => return Err(error),
        };
        let fitted = member
            .object(row)
            .and_then(|object| self.restore.fit(object, self.apis));
        Ok(match fitted {
            Ok(Fitted::Object(fit)) => Some(fit.object),
            _ => None,
        })
    }
}

fn is_withheld(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied | ErrorKind::NotFound
    )
}
