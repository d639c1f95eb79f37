//! How much an archive may hold.

/// Bounds of reading and writing an archive: every size is checked against them before memory is taken for it.
///
/// Writer and readers take the same limits, so that what csdr wrote under some limits can be read under them.
///
/// ```
/// use csdr_core::archive::ArchiveLimits;
/// let limits = ArchiveLimits { entry: 4 << 20, ..ArchiveLimits::default() };
/// assert_eq!(limits.path, 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes of one entry's data. Source: the API server takes requests of at most 3 MiB, etcd 1.5 MiB.
    pub entry: u64,
    /// Bytes of one entry's path.
    pub path: usize,
    /// Raw (tar) bytes after which the writer closes a member, unless one object alone is larger.
    pub member_target: u64,
    /// Raw bytes that one member of an indexed archive may hold.
    pub member: u64,
    /// Raw bytes that a gzip stream may give per compressed byte, above a first MiB. Deflate itself cannot exceed 1,032, which
    /// a legitimate object of one repeated letter comes near to; lower it only for archives that csdr did not write.
    pub ratio: u64,
    /// Entries of one archive.
    pub entries: u64,
    /// Rows of one index part that the writer makes; at most [`IndexPart::MAX_ROWS`](super::IndexPart::MAX_ROWS).
    pub part_rows: usize,
    /// Decompressed bytes of one index part.
    pub part: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            entry: 16 << 20,
            path: 1024,
            member_target: 1 << 20,
            member: 64 << 20,
            ratio: 1100,
            entries: 50_000_000,
            part_rows: 10_000,
            part: 64 << 20,
        }
    }
}
