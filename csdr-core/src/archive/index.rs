//! Where each object lies in the archive.

use super::{ArchiveLimits, Digest, gunzip, path};
use crate::{
    Error, ErrorKind, Result,
    model::{Object, ObjectId},
};
use flate2::{Compression, GzBuilder};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{cmp::Ordering, fmt, io::Write as _};

/// Version of the document; a reader refuses a greater one.
const FORMAT: u32 = 1;

/// A member of the archive: one gzip stream, decodable by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemberSpan {
    /// Its first byte in the compressed file.
    pub offset: u64,
    /// Its compressed bytes.
    pub len: u64,
}

/// One object in one version: where its bytes lie, and their hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRow {
    /// Which object.
    pub id: ObjectId,
    /// Its version without the group, as its own `apiVersion` says.
    pub version: String,
    /// Whether this is the version that the server preferred; then the archive holds it under two paths.
    #[serde(default)]
    pub preferred: bool,
    /// The member that holds it.
    pub member: MemberSpan,
    /// Offset of its (first) entry's data in the decoded member.
    pub entry: u64,
    /// Bytes of its JSON.
    pub size: u64,
    /// SHA-256 of its JSON.
    pub sha256: Digest,
}

impl IndexRow {
    /// The order of rows: (resource, namespace, name), then the version's letters.
    pub fn compare(&self, other: &Self) -> Ordering {
        compare((&self.id, &self.version), (&other.id, &other.version))
    }

    /// Refuses what would make a reader fetch or hold more than any archive has.
    fn check_sizes(&self, limits: &ArchiveLimits) -> Result<()> {
        // Bytes that do not compress grow by less than a thousandth and a header.
        let member = limits.member + limits.member / 1000 + 1024;
        let good = self.size <= limits.entry
            && self.member.len <= member
            && self.entry <= limits.member
            && self.member.offset.checked_add(self.member.len).is_some();
        if good {
            return Ok(());
        }
        Err(
            Error::corrupt("index row has a place or size beyond the limits")
                .with_context("object", self)
                .with_context("size", self.size)
                .with_context("member", self.member.offset)
                .with_context("member_len", self.member.len)
                .with_context("entry", self.entry),
        )
    }

    /// Whether `object` is what this row names; its bytes are not looked at.
    pub fn names(&self, object: &Object) -> bool {
        *object.id() == self.id && object.meta().kind.api_version.version() == self.version
    }
}

/// The order of objects in archive and index.
pub(super) fn compare(left: (&ObjectId, &str), right: (&ObjectId, &str)) -> Ordering {
    left.cmp(&right)
}

impl fmt::Display for IndexRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.version)
    }
}

/// At most [`IndexPart::MAX_ROWS`] rows, strictly rising: one file `csdr/index-<n>.json.gz`.
///
/// ```
/// use csdr_core::archive::{ArchiveLimits, Digest, IndexPart, IndexRow, MemberSpan};
/// let row = IndexRow {
///     id: "configmaps/shop/a".parse()?,
///     version: "v1".into(),
///     preferred: true,
///     member: MemberSpan { offset: 0, len: 300 },
///     entry: 1536,
///     size: 2,
///     sha256: Digest::of(b"{}"),
/// };
/// let part = IndexPart::new(vec![row])?;
/// let bytes = part.encode()?;
/// assert_eq!(IndexPart::decode(&bytes, &ArchiveLimits::default())?, part);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPart {
    // Invariant: 1 to MAX_ROWS rows, strictly rising.
    rows: Vec<IndexRow>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    first: &'a ObjectId,
    last: &'a ObjectId,
    rows: &'a [IndexRow],
}

#[derive(Deserialize)]
struct Read {
    format: u32,
    first: ObjectId,
    last: ObjectId,
    #[serde(deserialize_with = "bounded_rows")]
    rows: Vec<IndexRow>,
}

impl IndexPart {
    /// Rows of one part. Source: the vault's format, `csdr/index-<n>.json.gz`.
    pub const MAX_ROWS: usize = 10_000;

    /// From rows in their order.
    ///
    /// # Errors
    /// `Corrupt` if there is no row, more than [`MAX_ROWS`](Self::MAX_ROWS), if they do not rise strictly, or if a version could not
    /// stand in a path.
    pub fn new(rows: Vec<IndexRow>) -> Result<Self> {
        if rows.is_empty() || rows.len() > Self::MAX_ROWS {
            return Err(
                Error::corrupt("index part has no rows, or more than 10,000")
                    .with_context("rows", rows.len()),
            );
        }
        for row in &rows {
            path::check_version(&row.version).map_err(|error| {
                Error::corrupt("index row has no usable version")
                    .with_context("object", &row.id)
                    .with_source(error)
            })?;
        }
        for pair in rows.windows(2) {
            if pair[0].compare(&pair[1]) != Ordering::Less {
                return Err(Error::corrupt("index rows do not rise")
                    .with_context("row", &pair[0])
                    .with_context("next", &pair[1]));
            }
        }
        Ok(Self { rows })
    }

    /// The rows, strictly rising; never empty.
    pub fn rows(&self) -> &[IndexRow] {
        &self.rows
    }

    /// The rows, without their part.
    pub fn into_rows(self) -> Vec<IndexRow> {
        self.rows
    }

    /// The first row.
    pub fn first(&self) -> &IndexRow {
        // Invariant: never empty.
        &self.rows[0]
    }

    /// The last row.
    pub fn last(&self) -> &IndexRow {
        // Invariant: never empty.
        &self.rows[self.rows.len() - 1]
    }

    /// Every version of `id` in this part.
    pub fn versions(&self, id: &ObjectId) -> &[IndexRow] {
        let start = self.rows.partition_point(|row| row.id < *id);
        let len = self.rows[start..].partition_point(|row| row.id == *id);
        &self.rows[start..start + len]
    }

    /// As gzip-compressed JSON; the same rows give the same bytes. About 20 ms of CPU for a full part: worth a
    /// [`Compute`](crate::port::Compute) job.
    ///
    /// # Errors
    /// `Unexpected` if a row cannot be written, which no valid row does.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let failed = |error: &dyn fmt::Display| {
            Error::new(ErrorKind::Unexpected, "index part cannot be written")
                .with_source(error.to_string())
        };
        let document = Written {
            format: FORMAT,
            first: &self.first().id,
            last: &self.last().id,
            rows: &self.rows,
        };
        let json = serde_json::to_vec(&document).map_err(|error| failed(&error))?;
        let out = Vec::with_capacity(json.len() / 4);
        let mut gzip = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(out, Compression::new(6));
        gzip.write_all(&json).map_err(|error| failed(&error))?;
        gzip.finish().map_err(|error| failed(&error))
    }

    /// From what [`encode`](Self::encode) gave, or from hostile bytes.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not one gzip stream of such a document within `limits`, or the rows do not rise strictly;
    /// `Incompatible` if a newer csdr wrote it.
    pub fn decode(bytes: &[u8], limits: &ArchiveLimits) -> Result<Self> {
        let decode = || -> Result<Self> {
            let json = gunzip::whole(bytes, limits.part, limits.ratio)?;
            let read: Read = serde_json::from_slice(&json).map_err(|error| {
                // The document holds no content of objects; its text may still come from a stranger.
                let reason = error.to_string();
                Error::corrupt("index part is not what csdr writes")
                    .with_context("reason", reason.escape_debug())
            })?;
            if read.format > FORMAT {
                return Err(Error::new(
                    ErrorKind::Incompatible,
                    "index part was written by a newer csdr; use that version",
                )
                .with_context("format", read.format));
            }
            let part = Self::new(read.rows)?;
            part.rows
                .iter()
                .try_for_each(|row| row.check_sizes(limits))?;
            if part.first().id != read.first || part.last().id != read.last {
                return Err(Error::corrupt(
                    "index part's first or last id is not that of its rows",
                ));
            }
            Ok(part)
        };
        decode().map_err(|error| error.with_operation("read index part"))
    }
}

/// Stops at the first row too many, so that a small file cannot become a large list.
fn bounded_rows<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IndexRow>, D::Error> {
    struct Rows;
    impl<'de> de::Visitor<'de> for Rows {
        type Value = Vec<IndexRow>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {} rows", IndexPart::MAX_ROWS)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut input: A) -> Result<Self::Value, A::Error> {
            let mut rows = Vec::new();
            while let Some(row) = input.next_element()? {
                if rows.len() == IndexPart::MAX_ROWS {
                    return Err(de::Error::invalid_length(rows.len() + 1, &self));
                }
                rows.push(row);
            }
            Ok(rows)
        }
    }
    input.deserialize_seq(Rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, version: &str) -> IndexRow {
        IndexRow {
            id: id.parse().unwrap(),
            version: version.into(),
            preferred: false,
            member: MemberSpan { offset: 5, len: 7 },
            entry: 512,
            size: 3,
            sha256: Digest::of(id.as_bytes()),
        }
    }

    fn pack(json: &str) -> Vec<u8> {
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
        gzip.write_all(json.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn rows_rise() {
        for (left, right, good) in [
            (row("a/x", "v1"), row("a/x", "v1"), false),
            (row("a/x", "v1"), row("a/x", "v2"), true),
            (row("a/x", "v2"), row("a/x", "v1"), false),
            (row("a/z", "v1"), row("a/n/x", "v1"), true),
            (row("a.z/x", "v1"), row("b.a/x", "v1"), true),
            (row("a.z/x", "v1"), row("a.b/x", "v1"), false),
        ] {
            assert_eq!(IndexPart::new(vec![left, right]).is_ok(), good);
        }
    }

    #[test]
    fn bombs_and_strangers_are_refused() {
        let limits = ArchiveLimits {
            part: 1 << 20,
            ..ArchiveLimits::default()
        };
        let bomb = pack(&" ".repeat(2 << 20));
        let good = IndexPart::new(vec![row("a/x", "v1")])
            .unwrap()
            .encode()
            .unwrap();
        let many = format!(
            r#"{{"format":1,"first":"a/x","last":"a/x","rows":[{}]}}"#,
            vec![serde_json::to_string(&row("a/x", "v1")).unwrap(); 10_001].join(",")
        );
        for (bytes, what) in [
            (bomb, "bomb"),
            (Vec::new(), "empty"),
            ([good.clone(), good.clone()].concat(), "twice"),
            ([good.clone(), vec![0]].concat(), "trailing"),
            (pack("{}"), "no fields"),
            (
                pack(r#"{"format":1,"first":"a/x","last":"a/x","rows":[]}"#),
                "no rows",
            ),
            (pack(&many), "many"),
        ] {
            let limits = if what == "many" {
                ArchiveLimits::default()
            } else {
                limits
            };
            assert_eq!(
                IndexPart::decode(&bytes, &limits).unwrap_err().kind(),
                ErrorKind::Corrupt,
                "{what}"
            );
        }
    }

    #[test]
    fn rows_beyond_the_limits_are_refused() {
        let limits = ArchiveLimits::default();
        for change in [
            (|row: &mut IndexRow| row.version = "v1\u{1b}".into()) as fn(&mut IndexRow),
            |row| row.version = "cluster".into(),
            |row| row.size = u64::MAX,
            |row| row.member.len = 1 << 30,
            |row| row.member.offset = u64::MAX,
            |row| row.entry = 1 << 40,
        ] {
            let mut bad = row("a/x", "v1");
            change(&mut bad);
            let json = serde_json::to_string(&bad).unwrap();
            let part = pack(&format!(
                r#"{{"format":1,"first":"a/x","last":"a/x","rows":[{json}]}}"#
            ));
            let error = IndexPart::decode(&part, &limits).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            assert!(!error.to_string().contains('\u{1b}'), "{error}");
        }
    }

    #[test]
    fn later_formats() {
        let json = serde_json::to_string(&row("a/x", "v1")).unwrap();
        let with = |format: u32| {
            let row = json.replacen('{', r#"{"new":[1],"#, 1);
            pack(&format!(
                r#"{{"format":{format},"hint":{{}},"first":"a/x","last":"a/x","rows":[{row}]}}"#
            ))
        };
        let limits = ArchiveLimits::default();
        assert_eq!(
            IndexPart::decode(&with(1), &limits).unwrap().rows(),
            [row("a/x", "v1")]
        );
        assert_eq!(
            IndexPart::decode(&with(2), &limits).unwrap_err().kind(),
            ErrorKind::Incompatible
        );
    }

    #[test]
    fn versions_of_an_object() {
        let part =
            IndexPart::new(vec![row("a/x", "v1"), row("a/x", "v2"), row("a/y", "v1")]).unwrap();
        let count = |id: &str| part.versions(&id.parse().unwrap()).len();
        assert_eq!(
            (count("a/x"), count("a/y"), count("a/xx"), count("b/x")),
            (2, 1, 0, 0)
        );
    }
}
