//! What must be there before other objects come: definitions that are served, namespaces.

use super::Run;
use crate::{
    Result,
    model::{Object, ObjectId},
    report::Note,
    restore::{Action, ObjectOutcome, Wave, meet::Guest, ready::is_served},
};
use std::collections::BTreeSet;

impl Run<'_> {
    /// Kinds that the backup defines itself must be established and served before their objects come.
    pub(super) async fn wait_for_definitions(&self) -> Result<()> {
        let made = self
            .plan
            .rows
            .iter()
            .filter(|row| row.action == Action::Create);
        let made: BTreeSet<u16> = made.map(|row| row.kind).collect();
        let wanted: Vec<_> = made
            .iter()
            .filter_map(|kind| self.plan.head.kinds.get(usize::from(*kind)))
            .filter(|kind| kind.defined_by_backup)
            .map(|kind| kind.target.clone())
            .collect();
        // A folder takes whatever is written: nothing is established there.
        if wanted.is_empty() || self.discovery.server_version.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = wanted
            .iter()
            .map(|gvr| gvr.group_resource().to_string())
            .collect();
        let mut definitions = Vec::new();
        for row in &self.plan.rows {
            let kind = self.plan.kind(row)?;
            if kind.wave == Wave::Definitions && names.iter().any(|name| **name == *row.name) {
                definitions.push((self.plan.target_id(row)?, kind.target.version.clone()));
            }
        }
        for (id, reason) in self.ready().definitions(definitions).await? {
            self.outcomes().errors.push(Note::new(id, reason));
        }
        let discovery = self.ready().served(&wanted).await?;
        let missing: Vec<_> = wanted
            .into_iter()
            .filter(|gvr| !is_served(&discovery, gvr))
            .collect();
        for (at, row) in self.plan.rows.iter().enumerate() {
            let kind = self.plan.kind(row)?;
            if row.action == Action::Create && missing.contains(&kind.target) {
                let message = format!(
                    "the target does not serve {} after its definition was restored",
                    kind.target
                );
                self.settle(
                    at,
                    &self.plan.source_id(row)?,
                    ObjectOutcome::Failed,
                    Some(message),
                    0,
                );
            }
        }
        Ok(())
    }

    /// Namespaces that objects need and nothing in the backup describes.
    pub(super) async fn bare_namespaces(&self) -> Result<()> {
        for name in &self.plan.head.bare_namespaces {
            let id = ObjectId::new("namespaces".parse()?, None, name.as_str())?;
            let json = serde_json::json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            let object = Object::parse(id.resource().clone(), json.to_string().into_bytes())?;
            let guest = Guest {
                action: Action::Create,
                state: 0,
                from: id.resource(),
                stored: None,
                wanted: &object,
                first: None,
            };
            let ended = self.meeting.bring(&guest).await?;
            if let (ObjectOutcome::Failed, Some(message)) = (ended.outcome, ended.message) {
                self.outcomes().errors.push(Note::new(id, message));
            }
        }
        Ok(())
    }
}
