//! The `csdr` program on a bucket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::port::{PutMode, VaultBackend, VaultBackendExt, VaultKey};
use csdr_storage::{OpendalVault, S3Addressing, S3Config, S3Credentials};
use csdr_testkit::s3::{S3Options, S3Server};
use std::{
    path::Path,
    process::{Command, Output},
};

struct Bucket {
    server: S3Server,
    options: S3Options,
}

impl Bucket {
    async fn start() -> Self {
        let options = S3Options::default();
        Self {
            server: S3Server::start(options.clone()).await.unwrap(),
            options,
        }
    }

    /// The bucket as a store of csdr's.
    fn store(&self) -> OpendalVault {
        let keys = S3Credentials::keys(
            self.options.access_key_id.clone(),
            self.options.secret_access_key.clone(),
        );
        let config = S3Config::new(self.options.bucket.clone())
            .with_endpoint(self.server.endpoint())
            .with_addressing(S3Addressing::Path)
            .with_credentials(keys);
        OpendalVault::s3(config).unwrap()
    }

    async fn csdr(&self, bucket: &str, secret: &str, args: &[&str]) -> Output {
        let vault = format!(
            "s3://{bucket}/prefix?endpoint={}&path_style=true",
            self.server.endpoint()
        );
        let mut command = Command::new(env!("CARGO_BIN_EXE_csdr"));
        command
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", &self.options.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .args(args)
            .args(["--vault", &vault]);
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap()
    }

    async fn own(&self, args: &[&str]) -> Output {
        let secret = self.options.secret_access_key.clone();
        self.csdr(&self.options.bucket, &secret, args).await
    }
}

fn create() -> [&'static str; 5] {
    [
        "backup",
        "create",
        "b",
        "--from",
        concat!(env!("CARGO_MANIFEST_DIR"), "/data"),
    ]
}

#[track_caller]
fn refused(output: &Output, parts: &[&str]) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    let errors: Vec<&str> = err
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{err}");
    for part in parts {
        assert!(errors[0].contains(part), "{part:?} in {}", errors[0]);
    }
    assert!(!err.contains("csdr-test-only"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_backup_to_deletion() {
    let bucket = Bucket::start().await;
    for args in [
        &create()[..],
        &["backup", "verify", "b"],
        &["backup", "describe", "b"],
        &["vault", "check"],
        &["backup", "delete", "b"],
        &["vault", "gc"],
    ] {
        let output = bucket.own(args).await;
        assert_eq!(
            output.status.code(),
            Some(0),
            "{args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_velero_s() {
    let bucket = Bucket::start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../csdr-core/tests/data/velero/default/clusters/one");
    let store = OpendalVault::fs(folder);
    let target = bucket.store();
    for file in store.keys(&VaultKey::root(), 1_000).await.unwrap() {
        let body = store.read(&file.key, file.size).await.unwrap();
        // Where `Bucket::csdr` looks.
        let key = VaultKey::parse(format!("prefix/{}", file.key)).unwrap();
        target.put(&key, body, PutMode::CreateNew).await.unwrap();
    }
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("out").display().to_string();
    let restore = [
        "--backup",
        "rich",
        "--map-namespace",
        "rich:copy",
        "--to",
        &out,
    ];
    for args in [
        &["backup", "list"][..],
        &["backup", "describe", "rich"],
        &["backup", "verify", "rich"],
        &["vault", "create"],
        &[&["restore", "plan", "r"], &restore[..]].concat(),
        &[&["restore", "create", "r"], &restore[..]].concat(),
        &["vault", "gc"],
    ] {
        let output = bucket.own(args).await;
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {err}");
    }
    assert!(
        work.path()
            .join("out/copy/configmaps/settings.yaml")
            .exists()
    );
    let output = bucket.own(&["backup", "delete", "rich"]).await;
    refused(&output, &["Velero"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_bucket_and_a_wrong_key() {
    let bucket = Bucket::start().await;
    assert_eq!(bucket.own(&create()).await.status.code(), Some(0));
    let secret = bucket.options.secret_access_key.clone();
    refused(
        &bucket.csdr("elsewhere", &secret, &create()).await,
        &["VaultError", "bucket"],
    );
    refused(
        &bucket.csdr("elsewhere", &secret, &["backup", "list"]).await,
        &["bucket"],
    );
    refused(
        &bucket
            .csdr(&bucket.options.bucket, "wrong", &create())
            .await,
        &["VaultError"],
    );
    let list = bucket.own(&["backup", "list"]).await;
    let out = String::from_utf8_lossy(&list.stdout);
    assert_eq!(
        out.lines().count(),
        2,
        "the vault holds what it held: {out}"
    );
}
