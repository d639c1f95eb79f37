//! Of 16 writers that race for one backup's name, one wins: on every store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    ErrorKind,
    backup::Backup,
    memory::MemoryCluster,
    port::VaultBackend,
    report::RunOptions,
    spec::BackupSpec,
    vault::{Host, Vault, VerifyLevel},
};
use csdr_storage::{ConditionalCreate, OpendalVault, S3Addressing, S3Config, S3Credentials};
use csdr_testkit::s3::{Conditional, S3Options, S3Server};
use std::sync::Arc;

async fn sixteen_race(store: Arc<dyn VaultBackend>) {
    let source = MemoryCluster::new();
    source
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .unwrap();
    let vault = Vault::create_with(store, Host::default()).await.unwrap();
    let racers: Vec<_> = (0..16)
        .map(|n| {
            let backup = Backup::new(source.clone(), vault.clone());
            // Different specs: a loser may not take itself for a continuation.
            let spec = BackupSpec::named("one")
                .with_namespace("shop")
                .without_namespace(format!("other-{n}"));
            tokio::spawn(async move {
                let plan = backup.plan(&spec).await?;
                backup.run(plan, &RunOptions::default()).await
            })
        })
        .collect();
    let (mut won, mut lost) = (0, Vec::new());
    for racer in racers {
        match racer.await.unwrap() {
            Ok(report) => {
                report.require_complete().unwrap();
                won += 1;
            }
            Err(error) => lost.push(error),
        }
    }
    assert_eq!(won, 1, "{lost:?}");
    for error in lost {
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{}", error.chain());
    }
    let stored = vault.backup("one").await.unwrap();
    let proof = stored.verify(VerifyLevel::Objects).await.unwrap();
    assert!(proof.is_sound(), "{proof}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    sixteen_race(Arc::new(OpendalVault::fs(folder.path()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() {
    sixteen_race(Arc::new(OpendalVault::memory().unwrap())).await;
}

async fn on_s3(server: &S3Server, conditional: ConditionalCreate) {
    let options = server.options();
    let config = S3Config::new(&options.bucket)
        .with_endpoint(server.endpoint())
        .with_addressing(S3Addressing::Path)
        .with_conditional_create(conditional)
        .with_credentials(S3Credentials::keys(
            options.access_key_id.as_str(),
            options.secret_access_key.as_str(),
        ));
    sixteen_race(Arc::new(OpendalVault::s3(config).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_with_conditional_create() {
    let server = S3Server::start(S3Options::default()).await.unwrap();
    on_s3(&server, ConditionalCreate::Auto).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_s3_without_conditional_create() {
    let server = S3Server::start(S3Options {
        conditional: Conditional::NotImplemented,
        ..S3Options::default()
    })
    .await
    .unwrap();
    on_s3(&server, ConditionalCreate::Auto).await;
}
