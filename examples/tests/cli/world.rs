//! A folder for one test, and the program started in it.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;

/// Where one test works: a vault, manifests, whatever it writes.
pub(crate) struct World {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.path("vault")
    }

    /// The program in this folder, with nothing of the caller's environment that it would read.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csdr"));
        self.prepare(&mut command);
        command.args(args);
        command
    }

    pub(crate) fn prepare(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["AWS_", "KUBE", "CSDR_"]
                .iter()
                .any(|lead| text.starts_with(lead))
            {
                command.env_remove(name);
            }
        }
        command
            .env("HOME", self.folder.path())
            .env("CSDR_VAULT", self.vault())
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
    }

    pub(crate) fn csdr(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Runs a command that must end well.
    pub(crate) fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.csdr(args);
        assert_eq!(ran.code, Some(0), "csdr {}: {ran:?}", args.join(" "));
        ran
    }

    /// Backs the example's manifests up as `name`.
    pub(crate) fn back_up(&self, name: &str) -> Ran {
        self.ok(&[
            "backup",
            "create",
            name,
            "--from",
            data(),
            "--default-namespace",
            "shop",
        ])
    }

    /// Every file of the vault with its bytes.
    pub(crate) fn vault_files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.vault())
    }

    /// The names that `backup list` shows.
    pub(crate) fn listed(&self) -> Vec<String> {
        let ran = self.ok(&["backup", "list", "-o", "json"]);
        let rows: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["name"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// Asserts the exit code and exactly one line of error that says each of `parts`.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, parts: &[&str]) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        let errors: Vec<&str> = self
            .err
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "one line of error: {self:?}");
        for part in parts {
            assert!(errors[0].contains(part), "{part:?} in {:?}", errors[0]);
        }
        errors[0]
    }
}

/// The manifests of the examples.
pub(crate) fn data() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/data")
}

pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries.map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry
                    .path()
                    .strip_prefix(folder)
                    .unwrap()
                    .display()
                    .to_string();
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

/// Whether a vault's files hold a commit record of a backup.
pub(crate) fn is_committed(files: &BTreeMap<String, Vec<u8>>, backup: &str) -> bool {
    files.contains_key(&format!("backups/{backup}/velero-backup.json"))
}

/// Config maps with these numbers, whose values of about `bytes` hardly compress.
pub(crate) fn config_maps(numbers: Range<usize>, bytes: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ numbers.start as u64;
    let mut text = String::new();
    for i in numbers {
        let mut value = String::with_capacity(bytes);
        while value.len() < bytes {
            // xorshift64: any bytes will do, the same each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            value.push_str(&format!("{state:016x}"));
        }
        text.push_str(&format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{i:06}, namespace: many}}\ndata: {{v: x{value}}}\n---\n"
        ));
    }
    text
}
