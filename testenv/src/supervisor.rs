use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

const SCRIPT: &str = include_str!("supervisor.sh");

/// How long anything here may take before it is an error: all of it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The shell process that runs the components of one control plane and cleans up after them.
///
/// Invariant: whatever it started, and its folder, are gone soon after this value, or the
/// process that owns it, is gone. The pipe to its standard input is what it watches: the
/// kernel closes it however this process ends, and no child of this process inherits it.
#[derive(Debug)]
pub(crate) struct Supervisor {
    folder: PathBuf,
    process: Child,
    commands: Option<ChildStdin>,
}

impl Supervisor {
    /// Starts the supervisor, which makes `folder`.
    pub(crate) fn start(folder: PathBuf) -> Result<Self, Error> {
        let mut command = Command::new("sh");
        command
            .args(["-c", SCRIPT, "csdr-testenv-supervisor"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        own_process_group(&mut command);
        let mut process = command.spawn().map_err(|error| {
            Error::caused_by(
                "cannot start `sh`: control planes need a POSIX shell",
                error,
            )
        })?;
        let commands = process.stdin.take();
        let mut supervisor = Self {
            folder,
            process,
            commands,
        };
        let up = supervisor.folder.join("supervisor.up");
        let deadline = Instant::now() + PATIENCE;
        while !up.exists() {
            if matches!(supervisor.process.try_wait(), Ok(Some(_))) || Instant::now() > deadline {
                return Err(Error::new(format!(
                    "cannot make the folder {}: is there space, and may this user write there? (TMPDIR moves it)",
                    supervisor.folder.display()
                )));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(supervisor)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs `program` in the folder under the name `name`; its output goes to `NAME.log` there.
    /// A name serves once.
    pub(crate) fn run(
        &mut self,
        name: &str,
        program: &Path,
        arguments: &[String],
    ) -> Result<(), Error> {
        let failed = |error| Error::caused_by(format!("cannot start {name}"), error);
        let folder = quoted(&self.folder.display().to_string());
        let mut line = format!(
            "cd {folder} || exit 1\nexec {}",
            quoted(&program.display().to_string())
        );
        for argument in arguments {
            line.push_str(" \\\n    ");
            line.push_str(&quoted(argument));
        }
        line.push('\n');
        fs::write(self.folder.join(format!("{name}.run")), line).map_err(failed)?;
        let pid = self.folder.join(format!("{name}.pid"));
        if let Some(commands) = &mut self.commands {
            writeln!(commands, "start {name}").map_err(failed)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while !pid.exists() {
            if Instant::now() > deadline {
                return Err(Error::new(format!(
                    "cannot start {name}: its supervisor does not answer"
                )));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// The process id of a component that was started and has not ended.
    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        if self.exit_status(name).is_some() {
            return None;
        }
        let text = fs::read_to_string(self.folder.join(format!("{name}.pid"))).ok()?;
        text.trim().parse().ok()
    }

    /// The shell's status of a component that has ended by itself.
    pub(crate) fn exit_status(&self, name: &str) -> Option<String> {
        let text = fs::read_to_string(self.folder.join(format!("{name}.exit"))).ok()?;
        Some(text.trim().to_owned())
    }

    /// Sends a signal (`KILL`, `STOP`, `CONT`) to a component.
    pub(crate) fn signal(&self, name: &str, signal: &str) -> Result<(), Error> {
        let pid = self.pid(name).ok_or_else(|| {
            Error::new(format!(
                "cannot send SIG{signal} to {name}: it is not running"
            ))
        })?;
        // The shell's own `kill`: the program of that name is a package of its own.
        let status = Command::new("sh")
            .args([
                "-c",
                "kill -\"$1\" \"$2\"",
                "kill",
                signal,
                &pid.to_string(),
            ])
            .stdin(Stdio::null())
            .status()
            .map_err(|error| {
                Error::caused_by(format!("cannot send SIG{signal} to {name}"), error)
            })?;
        if status.success() {
            Ok(())
        } else {
            Err(Error::new(format!(
                "cannot send SIG{signal} to {name} (process {pid})"
            )))
        }
    }

    /// The last lines a component wrote.
    pub(crate) fn log_tail(&self, name: &str, lines: usize) -> String {
        let bytes = fs::read(self.folder.join(format!("{name}.log"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Closing the pipe is the order to clean up.
        self.commands = None;
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Ctrl-C in a terminal goes to the whole foreground group: the supervisor must not be in it.
#[cfg(unix)]
fn own_process_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_process_group(_: &mut Command) {}

/// A word that the shell takes literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> (tempfile::TempDir, Supervisor) {
        let parent = tempfile::tempdir().unwrap();
        let supervisor = Supervisor::start(parent.path().join("plane")).unwrap();
        (parent, supervisor)
    }

    fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done() {
            assert!(Instant::now() < deadline, "waited too long: {what}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether a process still runs: a zombie does not.
    fn runs(pid: u32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or("Z").starts_with('Z'))
    }

    #[test]
    fn drop_ends_the_processes_and_removes_the_folder() {
        let (_parent, mut supervisor) = start();
        supervisor
            .run("a", Path::new("sleep"), &["1000".into()])
            .unwrap();
        supervisor
            .run("b", Path::new("sleep"), &["1000".into()])
            .unwrap();
        let folder = supervisor.folder().to_owned();
        let pids = [supervisor.pid("a").unwrap(), supervisor.pid("b").unwrap()];
        assert!(pids.into_iter().all(runs));
        drop(supervisor);
        assert!(!pids.into_iter().any(runs));
        assert!(!folder.exists());
    }

    #[test]
    fn drop_ends_what_a_component_started_itself() {
        let (_parent, mut supervisor) = start();
        let child = supervisor.folder().join("child");
        let script = format!("sleep 1000 & echo $! > {}; wait", child.display());
        supervisor
            .run("a", Path::new("sh"), &["-c".into(), script])
            .unwrap();
        let read = || fs::read_to_string(&child).ok()?.trim().parse::<u32>().ok();
        wait_for("child", || read().is_some());
        let pid = read().unwrap();
        assert!(runs(pid));
        drop(supervisor);
        wait_for("end of the child", || !runs(pid));
    }

    #[test]
    fn a_component_that_ends_leaves_its_status_and_its_words() {
        let (_parent, mut supervisor) = start();
        let script = "echo it\\'s over; exit 7";
        supervisor
            .run("a", Path::new("sh"), &["-c".into(), script.into()])
            .unwrap();
        wait_for("exit", || supervisor.exit_status("a").is_some());
        assert_eq!(supervisor.exit_status("a").unwrap(), "7");
        assert_eq!(supervisor.pid("a"), None);
        assert_eq!(supervisor.log_tail("a", 5), "it's over");
        assert!(
            supervisor
                .signal("a", "STOP")
                .unwrap_err()
                .to_string()
                .contains("not running")
        );
    }

    #[test]
    fn a_process_that_is_stopped_is_killed_too() {
        let (_parent, mut supervisor) = start();
        supervisor
            .run("a", Path::new("sleep"), &["1000".into()])
            .unwrap();
        let pid = supervisor.pid("a").unwrap();
        supervisor.signal("a", "STOP").unwrap();
        drop(supervisor);
        assert!(!runs(pid));
    }

    #[test]
    fn an_impossible_folder_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let error = Supervisor::start(parent.path().join("missing/plane")).unwrap_err();
        assert!(
            error.to_string().starts_with("cannot make the folder"),
            "{error}"
        );
    }
}
