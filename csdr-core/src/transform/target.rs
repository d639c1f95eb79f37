//! Name and namespace in the target.

use super::{TransformItem, Verdict};
use crate::{Result, port::Transform};

/// Writes name and namespace of the target into an object.
#[derive(Clone, Copy, Debug, Default)]
pub struct TargetName;

impl Transform for TargetName {
    fn name(&self) -> &str {
        "name and namespace"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        let target = item.target().clone();
        item.set(
            &["metadata", "name"],
            target.name(),
            "its name in the target",
        );
        if let Some(namespace) = target.namespace() {
            let reason = "its namespace in the target";
            item.set(&["metadata", "namespace"], namespace, reason);
        }
        Ok(Verdict::Restore)
    }
}
