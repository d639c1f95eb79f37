//! Members of the archive for readers that come back to them.

use crate::{
    Result,
    archive::{Member, MemberSpan},
    vault::StoredBackup,
};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::OnceCell;

/// How many members are held: about 1 MiB each.
const HELD: usize = 8;

/// The members that were read last: whoever asks for one that somebody reads right now waits for that reading.
pub(super) struct Members<'a> {
    backup: &'a StoredBackup,
    held: Mutex<VecDeque<(MemberSpan, Arc<OnceCell<Member>>)>>,
}

impl<'a> Members<'a> {
    pub(super) fn new(backup: &'a StoredBackup) -> Self {
        Self {
            backup,
            held: Mutex::default(),
        }
    }

    pub(super) async fn get(&self, span: MemberSpan) -> Result<Member> {
        let cell = self.cell(span);
        let member = cell.get_or_try_init(|| self.backup.member(span)).await?;
        Ok(member.clone())
    }

    fn cell(&self, span: MemberSpan) -> Arc<OnceCell<Member>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = held.iter().find(|(own, _)| *own == span) {
            return cell.clone();
        }
        let cell = Arc::default();
        held.push_back((span, Arc::clone(&cell)));
        if held.len() > HELD {
            held.pop_front();
        }
        cell
    }
}

impl fmt::Debug for Members<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members")
            .field("backup", &self.backup)
            .finish_non_exhaustive()
    }
}
