//! Writing an object so that it appears whole or not at all.

use super::{
    blocking,
    place::{Place, flush_folder},
    temporary::Temporary,
};
use crate::error;
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{PutMode, VaultKey, VaultMeta, VaultWriter},
};
use std::{
    fmt, fs,
    io::{self, IoSlice, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Small writes are gathered up to this size: each visit to a blocking thread costs some microseconds.
const GATHER: usize = 1 << 20;

/// Writes one object.
pub(super) fn put(place: &Place, key: &VaultKey, body: &Bytes, mode: PutMode) -> Result<VaultMeta> {
    let path = target(place, key, mode)?;
    let mut temporary = Temporary::create(place)?;
    temporary
        .file()
        .write_all(body)
        .map_err(|source| place.error(source, key))?;
    publish(place, temporary, &path, key, mode)
}

/// The path of a key that is about to be written. A taken key is told before anything is streamed; `publish` decides.
fn target(place: &Place, key: &VaultKey, mode: PutMode) -> Result<PathBuf> {
    let path = place.path(key)?;
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_dir() => Err(error::is_folder(key)),
        Ok(_) if mode == PutMode::CreateNew => Err(error::exists(key)),
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(place.error(source, key)),
        _ => Ok(path),
    }
}

/// Gives a flushed file its key.
fn publish(
    place: &Place,
    mut temporary: Temporary,
    path: &Path,
    key: &VaultKey,
    mode: PutMode,
) -> Result<VaultMeta> {
    let translate = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => error::exists(key),
        io::ErrorKind::IsADirectory => error::is_folder(key),
        _ => place.error(source, key),
    };
    // Content before name: after a power cut a name without its bytes would be a torn object.
    temporary.file().sync_all().map_err(translate)?;
    let meta = temporary.file().metadata().map_err(translate)?;
    let from = temporary.path().to_path_buf();
    if let Err(source) = place.with_parent(path, || match mode {
        PutMode::CreateNew => link_new(&from, path),
        PutMode::Overwrite => fs::rename(&from, path),
    }) {
        // Folders that were made for this object alone do not stay.
        let _ = place.prune(path);
        return Err(if from.exists() {
            translate(source)
        } else {
            Error::new(
                ErrorKind::Unavailable,
                "the file was removed while it was being written; is another program cleaning the vault's folder?",
            )
            .with_context("key", key)
        });
    }
    // The second name goes before the flush, so that no leftover is seen once the answer is out.
    drop(temporary);
    flush_folder(path.parent().unwrap_or(place.root())).map_err(translate)?;
    Ok(VaultMeta {
        key: key.clone(),
        size: meta.len(),
        modified: error::time(&meta),
    })
}

/// Gives a file a second name, unless that name is taken.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        // FAT, some SMB and FUSE file systems have no links, but may have a rename that does not replace.
        Err(source)
            if matches!(
                source.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
            ) =>
        {
            rename_new(from, to).map_err(|second| match second.kind() {
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound => second,
                _ => source,
            })
        }
        result => result,
    }
}

#[cfg(target_os = "linux")]
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(target_os = "linux"))]
fn rename_new(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Streams into a temporary file; `finish` gives it its key.
pub(super) struct FolderWriter {
    place: Arc<Place>,
    key: VaultKey,
    path: PathBuf,
    mode: PutMode,
    /// Absent while a blocking thread has it, and after an error there: what the file then holds is unknown.
    temporary: Option<Temporary>,
    gathered: Vec<Bytes>,
    gathered_len: usize,
}

impl FolderWriter {
    pub(super) fn open(place: Arc<Place>, key: VaultKey, mode: PutMode) -> Result<Self> {
        let path = target(&place, &key, mode)?;
        let temporary = Temporary::create(&place)?;
        Ok(Self {
            place,
            key,
            path,
            mode,
            temporary: Some(temporary),
            gathered: Vec::new(),
            gathered_len: 0,
        })
    }

    /// Writes what was gathered. When this is dropped or fails, the blocking thread drops the file, which removes it.
    async fn flush(&mut self) -> Result<()> {
        let mut temporary = self.temporary.take().ok_or_else(|| {
            Error::new(
                ErrorKind::Incomplete,
                "an earlier write to this object failed; write it again from the start",
            )
            .with_context("key", &self.key)
        })?;
        let chunks = std::mem::take(&mut self.gathered);
        self.gathered_len = 0;
        let (place, key) = (self.place.clone(), self.key.clone());
        let temporary = blocking("write", move || {
            write_all(temporary.file(), &chunks).map_err(|source| place.error(source, &key))?;
            Ok(temporary)
        })
        .await?;
        self.temporary = Some(temporary);
        Ok(())
    }
}

/// Writes many chunks with few system calls.
fn write_all(file: &mut fs::File, chunks: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
    let mut rest = slices.as_mut_slice();
    // Leading empty slices would make a write of 0 bytes look like a full disk.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(source),
        }
    }
    Ok(())
}

impl fmt::Debug for FolderWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FolderWriter")
            .field("key", &self.key)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl VaultWriter for FolderWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.gathered_len += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_len >= GATHER {
            self.flush().await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<VaultMeta> {
        self.flush()
            .await
            .map_err(|error| error.with_operation("finish"))?;
        let Self {
            place,
            key,
            path,
            mode,
            temporary,
            ..
        } = *self;
        blocking("finish", move || match temporary {
            Some(temporary) => publish(&place, temporary, &path, &key, mode),
            // Not reached: `flush` put it back or failed.
            None => Err(Error::new(ErrorKind::Unexpected, "the writer has no file")),
        })
        .await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        // Dropping the file removes it; on a blocking thread, because a network file system may take its time.
        blocking("abort", move || {
            drop(self.temporary);
            Ok(())
        })
        .await
    }
}
