//! The archive of a backup: reader, writer and index.
//!
//! An archive is a gzip-compressed tar in Velero's layout, so that either tool reads the other's; `tar xzf` opens it. csdr's own
//! are cut into gzip members at entry boundaries, with an index beside them, so that one object costs one ranged read.
//!
//! | to do | take |
//! |---|---|
//! | write | [`ArchiveWriter`] |
//! | read objects by the index | [`decode_member`], [`Member::object`], [`read_row`] |
//! | read a whole archive as it streams by, of whichever tool | [`ArchiveReader`] |
//! | make the index of csdr's own anew | [`Reindex`] |
//! | read Velero's by the object | [`ForeignArchive`] |
//! | prove it | [`verify_archive`] |
//!
//! Everything that reads takes its bytes for hostile: sizes are bounded by [`ArchiveLimits`] before memory is taken, only regular
//! files with harmless paths are let in, and every refusal names the entry and its place.

mod batch;
mod decoder;
mod digest;
mod foreign;
mod gunzip;
mod header;
mod index;
mod limits;
mod member;
mod members;
mod parse;
mod path;
mod reader;
mod reindex;
mod verify;
mod writer;

pub use decoder::ArchiveTotals;
pub use digest::Digest;
pub use foreign::{ForeignArchive, ForeignGap, ForeignPart, ForeignSummary};
pub(crate) use gunzip::whole as gunzip;
pub use index::{IndexPart, IndexRow, MemberSpan};
pub use limits::ArchiveLimits;
pub use member::{Entry, Member, decode_member, read_row};
pub use path::{EntryPath, ObjectPath, PathVersion};
pub use reader::{ArchiveItem, ArchiveReader, EntryPlace, Layout, StreamedEntry};
pub use reindex::Reindex;
pub use verify::verify_archive;
pub use writer::{ArchiveSummary, ArchiveWriter, FinishedArchive};
