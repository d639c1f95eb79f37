//! Objects whose fields were masked when they were captured.

use super::planner::Planner;
use crate::{
    ErrorKind, Result,
    model::ObjectId,
    select::{LeftOut, LeftOutReason},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::collections::BTreeMap;

/// Most masked objects that a plan names; a line says how many there are beyond.
const MAX_MASKED: usize = 10_000;

impl Planner<'_> {
    /// The backup's records of masked fields of the objects that are restored. Read only if the backup's spec has masks.
    pub(super) async fn masked(&self, backup: &StoredBackup) -> Result<Vec<LeftOut>> {
        let has_list = backup
            .manifest()
            .is_some_and(|manifest| manifest.file("csdr/left-out-0.jsonl.gz").is_some());
        if !has_list {
            return Ok(Vec::new());
        }
        match backup.spec().await {
            Ok(spec) if spec.masked_fields.is_empty() => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
        let mut found: BTreeMap<ObjectId, LeftOut> = BTreeMap::new();
        let mut beyond = 0u64;
        let mut lines = backup.left_out();
        while let Some(left) = lines.try_next().await? {
            if left.reason != LeftOutReason::Masked {
                continue;
            }
            let Ok(id) = left.what.parse() else {
                continue;
            };
            if !self.would_take(&id) {
                continue;
            }
            if found.len() < MAX_MASKED {
                found.insert(id, left);
            } else {
                beyond += 1;
            }
        }
        let mut said: Vec<LeftOut> = found.into_values().collect();
        if beyond > 0 {
            let what = format!("{beyond} objects more");
            said.push(LeftOut::rule(what, LeftOutReason::Masked, ""));
        }
        Ok(said)
    }
}
