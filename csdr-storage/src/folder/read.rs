//! Reading objects.

use super::{
    blocking,
    place::{Place, absent},
};
use crate::error;
use bytes::Bytes;
use csdr_core::{
    Error, Result,
    port::{ReadRange, VaultKey, VaultMeta},
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    sync::Arc,
};

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// Size and time of an object.
pub(super) fn stat(place: &Place, key: &VaultKey) -> Result<VaultMeta> {
    match fs::symlink_metadata(place.path(key)?) {
        Ok(meta) => {
            require_file(&meta, key)?;
            Ok(VaultMeta {
                key: key.clone(),
                size: meta.len(),
                modified: error::time(&meta),
            })
        }
        Err(source) => Err(not_found_or(place, source, key)),
    }
}

/// An open object, with its first bytes: small objects cost one visit to a blocking thread.
pub(super) struct Opened {
    place: Arc<Place>,
    key: VaultKey,
    file: File,
    left: u64,
    first: Option<Bytes>,
}

/// Opens an object and reads its first chunk. The open file is one version, whatever happens to its name meanwhile.
pub(super) fn open(place: &Arc<Place>, key: &VaultKey, range: ReadRange) -> Result<Opened> {
    let path = place.path(key)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A link could lead out of the vault; a pipe would block the open for ever.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let mut file = options
        .open(&path)
        .map_err(|source| not_found_or(place, source, key))?;
    let meta = file.metadata().map_err(|source| place.error(source, key))?;
    require_file(&meta, key)?;
    let (offset, len) =
        window(range, meta.len()).map_err(|error| error.with_context("key", key))?;
    if offset > 0 {
        file.seek(SeekFrom::Start(offset))
            .map_err(|source| place.error(source, key))?;
    }
    let mut opened = Opened {
        place: place.clone(),
        key: key.clone(),
        file,
        left: len,
        first: None,
    };
    opened.first = opened.chunk()?;
    Ok(opened)
}

impl Opened {
    /// The next bytes; `None` at the end.
    fn chunk(&mut self) -> Result<Option<Bytes>> {
        let len = self.left.min(CHUNK);
        if len == 0 {
            return Ok(None);
        }
        let mut buffer = Vec::with_capacity(len as usize);
        (&mut self.file)
            .take(len)
            .read_to_end(&mut buffer)
            .map_err(|source| self.place.error(source, &self.key))?;
        if buffer.len() as u64 != len {
            return Err(Error::corrupt("the file became shorter while it was read")
                .with_context("key", &self.key));
        }
        self.left -= len;
        Ok(Some(buffer.into()))
    }

    pub(super) fn into_stream(mut self) -> BoxStream<'static, Result<Bytes>> {
        let first = self.first.take().map(Ok);
        let rest = stream::try_unfold(self, |mut opened| async move {
            if opened.left == 0 {
                return Ok(None);
            }
            blocking("get", move || {
                Ok(opened.chunk()?.map(|bytes| (bytes, opened)))
            })
            .await
        });
        stream::iter(first).chain(rest).boxed()
    }
}

/// Offset and length of a range, checked against the size.
fn window(range: ReadRange, size: u64) -> Result<(u64, u64)> {
    match range {
        ReadRange::Full => Ok((0, size)),
        ReadRange::Part { offset, len } => match offset.checked_add(len) {
            Some(end) if len > 0 && end <= size => Ok((offset, len)),
            _ => Err(error::beyond_end(offset, len).with_context("size", size)),
        },
    }
}

/// Folders are no objects; links and devices have no place in a vault.
fn require_file(meta: &fs::Metadata, key: &VaultKey) -> Result<()> {
    if meta.is_file() {
        Ok(())
    } else if meta.is_dir() {
        Err(error::missing(key))
    } else {
        Err(error::not_a_file(key))
    }
}

fn not_found_or(place: &Place, source: std::io::Error, key: &VaultKey) -> Error {
    if absent(&source) && place.root().is_dir() {
        error::missing(key)
    } else {
        place.error(source, key)
    }
}
