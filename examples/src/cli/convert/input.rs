//! Files, folders and standard input, each bounded.

use csdr_core::{Error, ErrorKind, Result};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Bytes of one file, and of standard input.
pub(super) const FILE: u64 = 64 << 20;
/// Bytes of everything: the objects are held in memory.
const TOTAL: u64 = 512 << 20;
/// Manifest files.
const FILES: usize = 50_000;
/// Folders within each other.
const DEPTH: usize = 32;

/// One text and how it is called.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
    /// Else it is YAML.
    pub(super) is_json: bool,
}

/// Everything that the paths name, in their order; a folder's files in the order of their names.
pub(super) fn sources(paths: &[PathBuf]) -> Result<Vec<Source>> {
    let stdin = [PathBuf::from("-")];
    let paths = if paths.is_empty() { &stdin[..] } else { paths };
    let mut found = Vec::new();
    let mut left = TOTAL;
    for path in paths {
        for file in expand(path)? {
            let text = file_or_stdin(&file, FILE)?;
            left = left.checked_sub(text.len() as u64).ok_or_else(|| {
                too_large(
                    &file,
                    TOTAL,
                    "the manifests are larger than allowed; take fewer",
                )
            })?;
            let text = text
                .strip_prefix('\u{feff}')
                .map_or(text.clone(), str::to_owned);
            found.push(Source {
                is_json: is_json(&file, &text),
                name: name(&file),
                text,
            });
        }
    }
    if found.iter().all(|source| source.text.trim().is_empty()) {
        return Err(Error::invalid(
            "there are no manifests; name files or folders of .yaml, .yml or .json, or pipe them in",
        )
        .with_operation("read manifests"));
    }
    Ok(found)
}

fn is_json(path: &Path, text: &str) -> bool {
    match extension(path).as_deref() {
        Some("json") => true,
        Some("yaml" | "yml") => false,
        // A YAML document may begin with a brace as well; then it is read as what it mostly is.
        _ => text.trim_start().starts_with(['{', '[']),
    }
}

fn extension(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-") || path == Path::new("/dev/stdin")
}

/// How a person calls a file.
fn name(path: &Path) -> String {
    if is_stdin(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The file itself, or the manifests of a folder.
fn expand(path: &Path) -> Result<Vec<PathBuf>> {
    if is_stdin(path) {
        return Ok(vec![path.to_owned()]);
    }
    let meta = fs::metadata(path).map_err(|error| unreadable(path, error))?;
    if !meta.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    walk(path, DEPTH, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(too_large(
            folder,
            DEPTH as u64,
            "folders are nested deeper than allowed; name the inner one",
        ));
    };
    let failed = |error| unreadable(folder, error);
    let mut entries = fs::read_dir(folder)
        .map_err(failed)?
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A link to a folder is not followed: it may lead in a circle.
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, depth, found)?;
        } else if matches!(extension(&path).as_deref(), Some("json" | "yaml" | "yml")) {
            if found.len() == FILES {
                return Err(too_large(
                    folder,
                    FILES as u64,
                    "more manifests than allowed; take a smaller folder",
                ));
            }
            found.push(path);
        }
    }
    Ok(())
}

fn file_or_stdin(path: &Path, limit: u64) -> Result<String> {
    if is_stdin(path) {
        bounded(io::stdin().lock(), path, limit)
    } else {
        file(path, limit)
    }
}

/// The text of a file.
pub(super) fn file(path: &Path, limit: u64) -> Result<String> {
    let open = File::open(path).map_err(|error| unreadable(path, error))?;
    bounded(open, path, limit)
}

/// A reader of a file or of standard input.
pub(super) fn reader(path: &Path) -> Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin()));
    }
    let open = File::open(path).map_err(|error| unreadable(path, error))?;
    Ok(Box::new(open))
}

fn bounded(reader: impl Read, path: &Path, limit: u64) -> Result<String> {
    let mut bytes = Vec::new();
    reader
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(
            path,
            limit,
            "larger than allowed; cut it into parts",
        ));
    }
    String::from_utf8(bytes).map_err(|_| {
        Error::invalid("is not UTF-8; save it as UTF-8")
            .with_operation("read manifests")
            .with_context("file", name(path))
    })
}

fn too_large(path: &Path, limit: u64, message: &str) -> Error {
    Error::invalid(message)
        .with_operation("read manifests")
        .with_context("file", name(path))
        .with_context("limit", limit)
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, format!("cannot be read ({error}); check the path"))
        .with_operation("read manifests")
        .with_context("file", name(path))
        .with_source(error)
}
