//! The resource list of a backup of Velero's, beside what its archive holds.

use super::{Problem, StoredBackup, VerifyReport};
use crate::{Result, model::Object, report::Note};
use std::collections::BTreeMap;

/// How many objects of one sort are named.
const MAX_NAMED: usize = 1_000;

/// What the list says that the archive has not shown yet. It is the only second record that Velero keeps of the objects.
#[derive(Debug)]
pub(super) struct Listed {
    /// Names by `apiVersion/Kind`, each with whether the archive has it; `None` without a list.
    kinds: Option<BTreeMap<String, BTreeMap<String, bool>>>,
    /// Entries of objects that the list does not have.
    beyond: u64,
}

impl Listed {
    pub(super) async fn read(backup: &StoredBackup) -> Result<Self> {
        let list = backup.resource_list().await?;
        let kinds = list.map(|list| {
            let kinds = list.into_iter().map(|(kind, names)| {
                let names = names.unwrap_or_default().into_iter();
                (kind, names.map(|name| (name, false)).collect())
            });
            kinds.collect()
        });
        Ok(Self { kinds, beyond: 0 })
    }

    /// The archive holds this one, under one path or both.
    pub(super) fn found(&mut self, object: &Object) {
        let Some(kinds) = &mut self.kinds else { return };
        let id = object.id();
        let name = match id.namespace() {
            Some(namespace) => format!("{namespace}/{}", id.name()),
            None => id.name().to_owned(),
        };
        let kind = kinds.get_mut(&object.meta().kind.to_string());
        match kind.and_then(|names| names.get_mut(&name)) {
            Some(found) => *found = true,
            None => self.beyond += 1,
        }
    }

    /// Tells what does not fit. In a backup that Velero calls `Completed`, a listed object without an entry is damage; else Velero lists
    /// objects whose actions failed (velero.md section 2.5).
    pub(super) fn end(self, archive: &str, phase: &str, report: &mut VerifyReport) {
        let Some(kinds) = self.kinds else {
            let said = "there is no list of the objects that can be read: whether the archive holds all of them cannot be told";
            report.notes.push(Note::new(archive, said));
            return;
        };
        let rows = kinds.iter().flat_map(|(kind, names)| {
            let missing = names.iter().filter(|(_, found)| !**found);
            missing.map(move |(name, _)| (kind, name))
        });
        let missing: Vec<String> = rows
            .map(|(kind, name)| format!("{} {}", kind.escape_debug(), name.escape_debug()))
            .collect();
        let more = missing.len().saturating_sub(MAX_NAMED);
        let mut lines: Vec<String> = missing
            .into_iter()
            .take(MAX_NAMED)
            .map(|name| format!("{name} is in the resource list, and not in the archive"))
            .collect();
        if more > 0 {
            lines.push(format!(
                "{more} more objects of the resource list are not in the archive"
            ));
        }
        for message in lines {
            if phase == "Completed" {
                report.problems.push(Problem {
                    file: archive.to_owned(),
                    message,
                });
            } else {
                report.notes.push(Note::new(archive, message));
            }
        }
        if self.beyond > 0 {
            let said = format!(
                "{} entries are of objects that the resource list does not have",
                self.beyond
            );
            report.notes.push(Note::new(archive, said));
        }
    }
}
