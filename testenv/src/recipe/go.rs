use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

/// The Go tool, in one module's folder.
#[derive(Debug)]
pub(super) struct Go<'a> {
    folder: &'a Path,
}

/// Whether there is a Go tool.
pub(crate) fn go_is_here() -> bool {
    program().is_some()
}

impl<'a> Go<'a> {
    pub(super) fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    pub(super) fn check() -> Result<(), Error> {
        if go_is_here() {
            return Ok(());
        }
        crate::Binaries::check()?;
        Err(Error::new(
            "there is no Go here to build the missing binaries with: install Go 1.26 or newer (https://go.dev/dl)",
        ))
    }

    /// Builds commands into the folder `output`.
    ///
    /// Paths are trimmed, so that Go's own build cache serves every folder.
    pub(super) fn build(
        &self,
        output: &Path,
        linker_flags: &str,
        commands: &[&str],
    ) -> Result<(), Error> {
        let mut target = output.as_os_str().to_owned();
        // With the trailing slash it is a folder for Go, however many commands there are.
        target.push("/");
        let flags = format!("-ldflags={linker_flags}");
        let mut arguments: Vec<&OsStr> = ["build", "-trimpath", "-buildvcs=false", "-mod=readonly"]
            .map(OsStr::new)
            .to_vec();
        arguments.extend([OsStr::new(&flags), OsStr::new("-o"), &target]);
        arguments.extend(commands.iter().map(OsStr::new));
        self.run(&arguments).map(drop)
    }

    /// Runs `go` and gives what it printed on standard output.
    pub(super) fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Result<String, Error> {
        let mut command = Command::new(program().unwrap_or_else(|| "go".into()));
        command.args(arguments);
        run(&mut command, self.folder)
    }
}

/// Runs a command in a module's folder; its output is the error's text if it fails.
pub(super) fn run(command: &mut Command, folder: &Path) -> Result<String, Error> {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .display()
        .to_string();
    let first = command
        .get_args()
        .next()
        .unwrap_or_default()
        .display()
        .to_string();
    let output = command
        .current_dir(folder)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        // The programs are for this machine, whatever else is being built here.
        .env_remove("GOOS")
        .env_remove("GOARCH")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::caused_by(format!("cannot run {name}"), error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("go: downloading "))
        .collect();
    let tail = lines[lines.len().saturating_sub(15)..].join("\n  ");
    Err(Error::new(format!(
        "`{name} {first}` failed ({}):\n  {tail}",
        output.status
    )))
}

/// `go` on the PATH.
fn program() -> Option<PathBuf> {
    let name = format!("go{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|candidate| candidate.is_file())
}
