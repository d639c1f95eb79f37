//! Files that are being written, before they have a key.

use super::place::Place;
use crate::error;
use csdr_core::{
    Result,
    port::{Entropy, SystemEntropy},
};
use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How the name of every temporary file starts. No key may have a segment that starts so.
pub(super) const PREFIX: &str = ".csdr-tmp-";

/// How long a temporary file is left alone where a lock proves nothing.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// A file without a key. It is locked while its writer lives and removed when dropped.
///
/// All temporary files lie in the vault's own folder, not beside their keys: so that one look at one folder finds what killed
/// writers left, and so that no folder is kept alive by them. (Not in a sub-folder: Velero refuses a location with unknown ones.)
#[derive(Debug)]
pub(super) struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    /// A new, empty, locked file.
    pub(super) fn create(place: &Place) -> Result<Self> {
        // A sweep may take the file between its creation and its lock: then it is gone, and another one is made.
        for _ in 0..16 {
            let path = place.root().join(name()?);
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            {
                use std::os::unix::fs::OpenOptionsExt;
                options.mode(0o600);
            }
            let file = place
                .with_parent(&path, || options.open(&path))
                .map_err(|source| error::io(source, place.root()))?;
            let temporary = Self { file, path };
            match temporary.file.try_lock() {
                Err(TryLockError::WouldBlock) => continue,
                // A file system without locks: sweeps go by age there.
                Ok(()) | Err(TryLockError::Error(_)) => {}
            }
            if temporary.path.exists() {
                return Ok(temporary);
            }
        }
        Err(csdr_core::Error::new(
            csdr_core::ErrorKind::Unavailable,
            "temporary files vanish as they are made; is another program cleaning the vault's folder?",
        ))
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Also after it was linked: the key is then a second name of the same file. After a rename there is nothing left here.
        let _ = fs::remove_file(&self.path);
    }
}

/// A name that no other writer has.
fn name() -> Result<String> {
    let mut random = [0u8; 16];
    SystemEntropy.fill(&mut random)?;
    let mut name = String::from(PREFIX);
    for byte in random {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

/// Removes the temporary files whose writer is gone; answers how many.
pub(super) fn sweep(place: &Place) -> Result<u64> {
    let root = place.root();
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(source) => return Err(error::io(source, root)),
    };
    let by_lock = locks_reach_every_writer(root);
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|source| error::io(source, root))?;
        let ours = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX));
        if !ours {
            continue;
        }
        // Held until the file is removed: a writer that has just made it finds it locked, and makes another one.
        if let Some(_lock) = abandoned(&entry.path(), by_lock)
            && fs::remove_file(entry.path()).is_ok()
        {
            removed += 1;
        }
    }
    Ok(removed)
}

/// The file, locked, if nobody writes it any more. In doubt, somebody does.
fn abandoned(path: &Path, by_lock: bool) -> Option<File> {
    let file = OpenOptions::new().write(true).open(path).ok()?;
    let old = || {
        let modified = file.metadata().and_then(|meta| meta.modified()).ok()?;
        SystemTime::now().duration_since(modified).ok()
    };
    let gone = match file.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        Ok(()) if by_lock => true,
        Ok(()) | Err(TryLockError::Error(_)) => old().is_some_and(|age| age > STALE),
    };
    gone.then_some(file)
}

/// Whether a free lock proves that the writer is dead: on network file systems another host's lock may be invisible.
#[cfg(target_os = "linux")]
fn locks_reach_every_writer(root: &Path) -> bool {
    /// `f_type` of the file systems that live on this host alone (statfs(2)).
    const LOCAL: [u64; 7] = [
        0xef53,      // ext2, ext3, ext4
        0x5846_5342, // xfs
        0x9123_683e, // btrfs
        0x0102_1994, // tmpfs
        0x794c_7630, // overlayfs
        0x2fc1_2fc1, // zfs
        0xf2f5_2010, // f2fs
    ];
    rustix::fs::statfs(root).is_ok_and(|stat| {
        u64::try_from(stat.f_type).is_ok_and(|kind| LOCAL.contains(&(kind & 0xffff_ffff)))
    })
}

/// Elsewhere nothing is known: sweeps go by age.
#[cfg(not(target_os = "linux"))]
fn locks_reach_every_writer(_: &Path) -> bool {
    false
}
