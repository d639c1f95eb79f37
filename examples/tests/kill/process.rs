//! A real csdr process that is killed at a given call, many of them at a time.

use csdr_core::port::VaultBackend;
use csdr_storage::{OpendalVault, S3Addressing, S3Config, S3Credentials};
use csdr_testkit::s3::{S3Options, S3Server};
use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Read,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long a name stays claimed in these tests: longer than any of the processes runs, so that no claim is renewed meanwhile.
pub(crate) const CLAIM: Duration = Duration::from_secs(15);
/// No process runs longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the vaults of a test lie, each under its own name.
pub(crate) enum Store {
    Folder(TempDir),
    Bucket(Box<S3Server>),
}

impl Store {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn bucket() -> Self {
        Self::Bucket(Box::new(
            S3Server::start_thread(S3Options::default()).unwrap(),
        ))
    }

    fn url(&self, vault: &str) -> String {
        match self {
            Self::Folder(root) => format!("file://{}/{vault}", root.path().display()),
            Self::Bucket(server) => format!(
                "s3://{}/{vault}?path_style=true&endpoint={}",
                server.options().bucket,
                server.endpoint()
            ),
        }
    }

    /// A vault as this process sees it.
    pub(crate) fn backend(&self, vault: &str) -> Arc<dyn VaultBackend> {
        match self {
            Self::Folder(root) => Arc::new(OpendalVault::fs(root.path().join(vault))),
            Self::Bucket(server) => {
                let options = server.options();
                let credentials = S3Credentials::keys(
                    options.access_key_id.clone(),
                    options.secret_access_key.clone(),
                );
                let config = S3Config::new(options.bucket.clone())
                    .with_prefix(vault)
                    .with_endpoint(server.endpoint())
                    .with_addressing(S3Addressing::Path)
                    .with_credentials(credentials);
                Arc::new(OpendalVault::s3(config).unwrap())
            }
        }
    }

    /// Every file that is really there, also what no list of the vault shows.
    pub(crate) fn files(&self, vault: &str) -> BTreeMap<String, Vec<u8>> {
        match self {
            Self::Folder(root) => {
                let (mut found, root) = (BTreeMap::new(), root.path().join(vault));
                collect(&root, &root, &mut found);
                found
            }
            Self::Bucket(server) => {
                let prefix = format!("{vault}/");
                let keys = server.keys().into_iter();
                keys.filter_map(|key| {
                    let name = key.strip_prefix(&prefix)?.to_owned();
                    Some((name, server.object(&key)?))
                })
                .collect()
            }
        }
    }

    /// The same files as a vault of another name.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        for (name, body) in self.files(from) {
            match self {
                Self::Folder(root) => {
                    let path = root.path().join(to).join(name);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, body).unwrap();
                }
                Self::Bucket(server) => server.set_object(&format!("{to}/{name}"), Some(&body)),
            }
        }
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(name, fs::read(path).unwrap());
        }
    }
}

/// Where a process dies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) side: &'static str,
    pub(crate) moment: &'static str,
    pub(crate) call: usize,
}

impl Point {
    /// A name for this point's vault.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.side, self.moment, self.call)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.side, self.moment, self.call)
    }
}

/// How many calls a run made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) vault: usize,
    pub(crate) cluster: usize,
}

impl Counts {
    /// Before and after each of them.
    pub(crate) fn points(self) -> Vec<Point> {
        let mut points = Vec::new();
        for (side, last) in [("vault", self.vault), ("cluster", self.cluster)] {
            for call in 1..=last {
                for moment in ["before", "after"] {
                    points.push(Point { side, moment, call });
                }
            }
        }
        points
    }
}

/// How a process ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn was_killed(&self) -> bool {
        self.status.signal() == Some(9)
    }
}

/// One command line of csdr on one vault.
pub(crate) struct Csdr<'a> {
    pub(crate) store: &'a Store,
    pub(crate) arguments: Vec<String>,
}

impl Csdr<'_> {
    /// Runs it to its end.
    pub(crate) fn run(&self, vault: &str) -> Ended {
        self.start(vault, &[])
    }

    /// Runs it until it dies.
    pub(crate) fn killed(&self, vault: &str, point: &Point) {
        let ended = self.start(vault, &[("CSDR_FAULT", &point.to_string())]);
        assert!(
            ended.was_killed(),
            "{point}: {:?} {}",
            ended.status,
            ended.stderr
        );
    }

    /// Runs it to its end and counts its calls.
    pub(crate) fn counted(&self, vault: &str) -> Counts {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("counts");
        let ended = self.start(vault, &[("CSDR_FAULT_COUNT", file.to_str().unwrap())]);
        assert!(
            ended.status.success(),
            "{:?} {}",
            ended.status,
            ended.stderr
        );
        let text = fs::read_to_string(file).unwrap();
        let words: Vec<&str> = text.split(' ').collect();
        Counts {
            vault: words[1].parse().unwrap(),
            cluster: words[3].parse().unwrap(),
        }
    }

    fn start(&self, vault: &str, environment: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_csdr-fault"));
        command
            .args(&self.arguments)
            .args(["--vault", &self.store.url(vault)])
            .env_remove("KUBECONFIG")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if let Store::Bucket(server) = self.store {
            let options = server.options();
            command
                .env("AWS_ACCESS_KEY_ID", &options.access_key_id)
                .env("AWS_SECRET_ACCESS_KEY", &options.secret_access_key)
                .env("NO_PROXY", "127.0.0.1");
        }
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stderr.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        });
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("{:?} hangs: {}", self.arguments, reader.join().unwrap());
            }
            thread::sleep(Duration::from_millis(5));
        };
        let stderr = reader.join().unwrap();
        Ended { status, stderr }
    }
}

/// Works on all items, some at a time; the answers are in the order of the items.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from) + 1;
    let mut answers: Vec<(usize, R)> = thread::scope(|scope| {
        let worker = || {
            let mut own = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::SeqCst);
                match items.get(at) {
                    Some(item) => own.push((at, work(item))),
                    None => return own,
                }
            }
        };
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        handles
            .into_iter()
            .flat_map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Waits for a future from a thread of [`each`].
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

/// Writes manifests into a folder.
pub(crate) fn written(manifests: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.yaml");
    fs::write(&path, manifests).unwrap();
    (folder, path)
}
