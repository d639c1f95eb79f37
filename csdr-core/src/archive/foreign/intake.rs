//! From foreign entries to batches of objects: the CPU part.

use super::ForeignGap;
use crate::{
    Error, Result,
    archive::{
        ArchiveLimits, Digest, EntryPath, ObjectPath,
        batch::{Batch, Copies, Item},
        reader::{ArchiveItem, StreamedEntry},
    },
    model::{Object, ObjectId},
};

/// Groups objects into batches in the order in which they come.
pub(super) struct Intake {
    limits: ArchiveLimits,
    batch: Batch,
    last: Option<Last>,
    format_version: Option<String>,
}

/// The object before, to see its second copy.
struct Last {
    id: ObjectId,
    version: String,
    preferred: bool,
    sha256: Digest,
}

/// What some entries became.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) batches: Vec<Batch>,
    pub(super) gaps: Vec<ForeignGap>,
}

impl Intake {
    pub(super) fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            batch: Batch::default(),
            last: None,
            format_version: None,
        }
    }

    pub(super) fn take(&mut self, items: Vec<ArchiveItem>) -> Taken {
        let mut taken = Taken::default();
        for item in items {
            let ArchiveItem::Entry(entry) = item else {
                continue;
            };
            if let Err(error) = self.entry(&entry, &mut taken.batches) {
                taken.gaps.push(ForeignGap {
                    entry: entry.path.to_string().escape_debug().to_string(),
                    reason: error.chain(),
                });
            }
        }
        taken
    }

    /// The last batch, and what `metadata/version` said.
    pub(super) fn finish(self) -> (Option<Batch>, Option<String>) {
        let rest = (!self.batch.items.is_empty()).then_some(self.batch);
        (rest, self.format_version)
    }

    fn entry(&mut self, entry: &StreamedEntry, batches: &mut Vec<Batch>) -> Result<()> {
        match &entry.path {
            EntryPath::Version => {
                self.format_version = Some(format_version(&entry.data)?);
                Ok(())
            }
            EntryPath::Other(_) => Err(Error::corrupt("not the path of an object")),
            EntryPath::Object(path) => self.object(path, entry, batches),
        }
    }

    fn object(
        &mut self,
        path: &ObjectPath,
        entry: &StreamedEntry,
        batches: &mut Vec<Batch>,
    ) -> Result<()> {
        let object = Object::parse(path.id.resource().clone(), entry.data.clone())?;
        if *object.id() != path.id {
            return Err(Error::corrupt("JSON names another object than the path"));
        }
        let item = Item {
            object,
            preferred: path.version.is_preferred(),
            copies: Copies::One,
        };
        item.check(&self.limits)?;
        if self.is_second_copy(&item, entry.sha256) {
            return Ok(());
        }
        self.last = Some(Last {
            id: item.id().clone(),
            version: item.version().to_owned(),
            preferred: item.preferred,
            sha256: entry.sha256,
        });
        if !self.batch.items.is_empty() && self.batch.raw + item.raw() > self.limits.member_target {
            batches.push(std::mem::take(&mut self.batch));
        }
        self.batch.raw += item.raw();
        self.batch.items.push(item);
        Ok(())
    }

    /// Velero writes the preferred version twice, one right after the other. Copies further apart are found when rows are merged.
    fn is_second_copy(&self, item: &Item, sha256: Digest) -> bool {
        self.last.as_ref().is_some_and(|last| {
            (&last.id, last.version.as_str()) == item.key()
                && last.sha256 == sha256
                && last.preferred >= item.preferred
        })
    }
}

/// `1.1.0` and the like; older Velero wrote `1`.
fn format_version(data: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(data).unwrap_or_default().trim();
    let good = !text.is_empty() && text.len() <= 32 && text.bytes().all(|b| b.is_ascii_graphic());
    match good {
        true => Ok(text.to_owned()),
        false => Err(Error::corrupt("not a format version")),
    }
}
