//! Whether a target is still as a plan was made for.

use super::RestorePlan;
use crate::{Error, ErrorKind, Result};

/// Differences that an error names.
const SHOWN: usize = 3;

impl RestorePlan {
    /// Refuses if `now`, the same plan made again, has other rows.
    ///
    /// # Errors
    /// `Conflict`, with the first objects that are not as they were.
    pub(in crate::restore) fn check_fresh(&self, now: &Self) -> Result<()> {
        let mut shown = Vec::new();
        let mut count = self.rows.len().abs_diff(now.rows.len());
        for (old, new) in self.rows.iter().zip(&now.rows) {
            let (was, is) = (self.kind(old)?, now.kind(new)?);
            let text = if self.source_id(old)? != now.source_id(new)? {
                "the target serves other kinds".to_owned()
            } else if old.action != new.action {
                format!("{}, now {}", old.action, new.action)
            } else if was.target != is.target {
                format!("as {}, now as {}", was.target, is.target)
            } else if old.state != new.state {
                "has changed".to_owned()
            } else {
                continue;
            };
            count += 1;
            if shown.len() < SHOWN {
                shown.push(format!("{}: {text}", self.target_id(old)?));
            }
        }
        if count == 0 && self.head.bare_namespaces == now.head.bare_namespaces {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Conflict,
            "the target is not as it was when this was planned; plan again",
        )
        .with_operation("restore")
        .with_context("objects", count)
        .with_context("first", shown.join("; ")))
    }
}
