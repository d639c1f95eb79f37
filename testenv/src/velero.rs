use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;
use crate::recipe::{Cache, Part, go_is_here};

/// A program that opens a folder as a Velero server opens a backup storage location: with Velero's own persistence, extractor and
/// parser, and every file decoded into Velero's own types with unknown fields refused.
///
/// It is built once from Go modules, into the cache folder of [`Binaries`](crate::Binaries).
#[derive(Debug, Clone)]
pub struct VeleroJudge {
    program: PathBuf,
}

/// What the judge says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedFile {
    /// `accepted`, `refused`, `absent` (Velero of today writes it), or `foreign` (csdr's own, which Velero does not look at).
    pub verdict: String,
    /// The file's key in the vault.
    pub file: String,
    /// What it holds, or why it is refused.
    pub detail: String,
}

impl fmt::Display for JudgedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.verdict, self.file, self.detail)
    }
}

impl VeleroJudge {
    /// Finds the program; builds it if it is missing (minutes, once).
    ///
    /// # Errors
    /// No Go here, and no program built earlier; a build that fails.
    pub fn locate() -> Result<Self, Error> {
        let folder = Cache::open()?.built(Part::Velero)?;
        let program = folder.join(format!("csdr-judge{}", env::consts::EXE_SUFFIX));
        Ok(Self { program })
    }

    /// The reason why there can be no judge on this machine, or `None` if there can.
    #[must_use]
    pub fn left_out() -> Option<String> {
        let built = || Cache::open().is_ok_and(|cache| cache.finished(Part::Velero).is_some());
        if go_is_here() || built() {
            return None;
        }
        Some("the judge with Velero's code is built from source, and there is no Go here (https://go.dev/dl)".to_owned())
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Judges every file of the vault in a folder, below a prefix of it (empty for none).
    ///
    /// # Errors
    /// The program cannot be run, or cannot look at the folder.
    pub fn judge(&self, folder: &Path, prefix: &str) -> Result<Vec<JudgedFile>, Error> {
        let output = Command::new(&self.program)
            .args(["-prefix", prefix])
            .arg(folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| {
                Error::caused_by(format!("cannot run {}", self.program.display()), error)
            })?;
        let refused = match output.status.code() {
            Some(0) => false,
            Some(1) => true,
            _ => {
                return Err(Error::new(format!(
                    "the judge ended with {}: {}",
                    output.status,
                    String::from_utf8_lossy(&output.stderr).trim()
                )));
            }
        };
        let files: Vec<JudgedFile> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(judged)
            .collect::<Result<_, _>>()?;
        if files.iter().any(|file| file.verdict == "refused") == refused {
            return Ok(files);
        }
        Err(Error::new("the judge's exit code and its lines do not fit"))
    }
}

fn judged(line: &str) -> Result<JudgedFile, Error> {
    let mut parts = line.splitn(3, '\t').map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(verdict), Some(file), Some(detail)) => Ok(JudgedFile {
            verdict,
            file,
            detail,
        }),
        _ => Err(Error::new(format!("the judge said {line:?}"))),
    }
}
