//! A running backup or restore of 20,000 objects is cancelled: it answers, no call starts after the token fell, and what it leaves is
//! what a kill would leave.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    ErrorKind, Result,
    backup::{Backup, BackupReport},
    memory::{MemoryCluster, MemoryVault},
    model::{Discovery, Object, ObjectId},
    port::{
        Access, AccessRequest, ApplyOptions, Clock, DeleteOptions, ListRequest, Page, PutMode,
        ReadRange, ResourceApplier, ResourceCollector, ResourceTarget, Retention, VaultBackend,
        VaultCapabilities, VaultKey, VaultMeta, VaultWriter, WatchEvent, WatchRequest,
        WriteOptions,
    },
    report::{Outcome, RunOptions},
    restore::{ObjectOutcome, Restore, RestoreReport},
    spec::{BackupSpec, RestoreSpec},
    vault::{GcOptions, Host, Vault, VerifyLevel},
};
use futures::{StreamExt, TryStreamExt, future::pending, stream, stream::BoxStream};
use jiff::Timestamp;
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

const NAMESPACES: usize = 4;
/// A long operation, cancelled at some calls.
const MANY: usize = 20_000;
/// A short one, cancelled at each of its calls.
const FEW: usize = 120;

/// Which calls make the token fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Vault,
    Cluster,
}

/// Counts calls, lets the token fall while the n-th one runs, and notes every call that starts later.
#[derive(Debug, Default)]
struct Watch {
    cancel: CancellationToken,
    /// Whether the operation has begun: opening the vault does not count.
    begun: AtomicBool,
    vault: AtomicU64,
    cluster: AtomicU64,
    fall: Option<(Side, u64)>,
    late: Mutex<Vec<String>>,
}

impl Watch {
    fn falling(fall: Option<(Side, u64)>) -> Arc<Self> {
        Arc::new(Self {
            fall,
            ..Self::default()
        })
    }

    fn call(&self, side: Side, what: impl fmt::Display) {
        if !self.begun.load(Ordering::SeqCst) {
            return;
        }
        if self.cancel.is_cancelled() {
            self.late.lock().unwrap().push(format!("{side:?} {what}"));
        }
        let count = match side {
            Side::Vault => &self.vault,
            Side::Cluster => &self.cluster,
        };
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        if self.fall == Some((side, number)) {
            self.cancel.cancel();
        }
    }

    /// Every step of a stream may be a request.
    fn steps<T: Send + 'static>(
        self: &Arc<Self>,
        side: Side,
        what: &'static str,
        rows: BoxStream<'static, T>,
    ) -> BoxStream<'static, T> {
        let state = (rows, self.clone());
        stream::unfold(state, move |(mut rows, watch)| async move {
            watch.call(side, what);
            Some((rows.next().await?, (rows, watch)))
        })
        .boxed()
    }
}

#[derive(Clone, Debug)]
struct Watched<T> {
    inner: T,
    watch: Arc<Watch>,
}

impl fmt::Display for Watched<MemoryVault> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl VaultBackend for Watched<MemoryVault> {
    fn capabilities(&self) -> VaultCapabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        self.watch.call(Side::Vault, format!("put {key}"));
        self.inner.put(key, body, mode).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        self.watch.call(Side::Vault, format!("writer {key}"));
        let writer = self.inner.writer(key, mode).await?;
        let watch = self.watch.clone();
        Ok(Box::new(WatchedWriter { writer, watch }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.watch.call(Side::Vault, format!("get {key}"));
        let chunks = self.inner.get(key, range).await?;
        Ok(self.watch.steps(Side::Vault, "chunk", chunks))
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.watch.call(Side::Vault, format!("stat {key}"));
        self.inner.stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let rows = self.inner.list(prefix);
        self.watch.steps(Side::Vault, "list", rows)
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.watch.call(Side::Vault, format!("delete {key}"));
        self.inner.delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.inner.retention()
    }
}

#[derive(Debug)]
struct WatchedWriter {
    writer: Box<dyn VaultWriter>,
    watch: Arc<Watch>,
}

#[async_trait]
impl VaultWriter for WatchedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.watch.call(Side::Vault, "write");
        self.writer.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        self.watch.call(Side::Vault, "finish");
        self.writer.finish().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.watch.call(Side::Vault, "abort");
        self.writer.abort().await
    }
}

#[async_trait]
impl ResourceCollector for Watched<MemoryCluster> {
    async fn discover(&self) -> Result<Discovery> {
        self.watch.call(Side::Cluster, "discover");
        ResourceCollector::discover(&self.inner).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        let pages = ResourceCollector::list(&self.inner, request);
        self.watch.steps(Side::Cluster, "page", pages)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.watch.call(Side::Cluster, format!("get {id}"));
        ResourceCollector::get(&self.inner, id, version).await
    }
}

#[async_trait]
impl ResourceTarget for Watched<MemoryCluster> {
    async fn discover(&self) -> Result<Discovery> {
        ResourceCollector::discover(self).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        ResourceCollector::list(self, request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        ResourceCollector::get(self, id, version).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        self.watch.call(Side::Cluster, "can i");
        self.inner.can_i(request).await
    }

    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        let events = self.inner.watch(request);
        self.watch.steps(Side::Cluster, "event", events)
    }
}

#[async_trait]
impl ResourceApplier for Watched<MemoryCluster> {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.watch
            .call(Side::Cluster, format!("create {}", object.id()));
        self.inner.create(object, options).await
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        self.watch.call(Side::Cluster, "apply");
        self.inner.apply(object, options).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        self.watch.call(Side::Cluster, "patch");
        self.inner.merge_patch(id, version, patch, options).await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.watch.call(Side::Cluster, "replace");
        self.inner.replace(object, options).await
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.watch.call(Side::Cluster, "replace status");
        self.inner.replace_status(object, options).await
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        self.watch.call(Side::Cluster, "delete");
        ResourceApplier::delete(&self.inner, id, version, options).await
    }
}

/// Seconds since a day of 2023, moved by hand: claims expire without waiting. Nothing here sleeps.
#[derive(Clone, Debug, Default)]
struct HandClock(Arc<AtomicU64>);

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let seconds = i64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    async fn sleep(&self, _: Duration) {
        pending::<()>().await;
    }
}

fn host(clock: &HandClock) -> Host {
    Host::default().with_clock(Arc::new(clock.clone()))
}

fn expire_claims(clock: &HandClock) {
    clock.0.fetch_add(3600, Ordering::SeqCst);
}

/// A cluster with so many objects.
fn source(objects: usize) -> MemoryCluster {
    let cluster = MemoryCluster::new();
    for at in 0..NAMESPACES {
        // Beside it comes the ServiceAccount that a cluster makes itself.
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"team-{at}"}}}}"#
        );
        cluster.add(&json).unwrap();
    }
    for at in 0..objects - 2 * NAMESPACES {
        let namespace = at % NAMESPACES;
        let kind = if at % 3 == 0 { "Secret" } else { "ConfigMap" };
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"{kind}","metadata":{{"name":"o-{at:05}","namespace":"team-{namespace}"}},"data":{{"n":"bj0x"}}}}"#
        );
        cluster.add(&json).unwrap();
    }
    cluster
}

async fn back_up(
    source: &MemoryCluster,
    store: &MemoryVault,
    clock: &HandClock,
    watch: &Arc<Watch>,
) -> Result<BackupReport> {
    let vault = Vault::open_with(Arc::new(store.clone()), host(clock)).await?;
    let spec = BackupSpec::named("all").with_namespace("team-*");
    let plan = Backup::new(source.clone(), vault).plan(&spec).await?;
    let watched = Watched {
        inner: store.clone(),
        watch: watch.clone(),
    };
    let vault = Vault::open_with(Arc::new(watched), host(clock)).await?;
    watch.begun.store(true, Ordering::SeqCst);
    let backup = Backup::new(
        Watched {
            inner: source.clone(),
            watch: watch.clone(),
        },
        vault,
    );
    backup
        .run(
            plan,
            &RunOptions::default().with_cancel(watch.cancel.clone()),
        )
        .await
}

async fn new_store(clock: &HandClock) -> MemoryVault {
    let store = MemoryVault::new();
    Vault::create_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap();
    store
}

async fn open(store: &MemoryVault, clock: &HandClock) -> Vault {
    Vault::open_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap()
}

async fn archive_hash(vault: &Vault) -> String {
    let backup = vault.backup("all").await.unwrap();
    backup.manifest().unwrap().archive.sha256.to_string()
}

/// The points of an operation that makes so many calls.
fn points(watch: &Watch, objects: usize) -> (Vec<(Side, u64)>, u64) {
    let of = |side, last| {
        let points: Vec<u64> = match objects {
            MANY => vec![last / 2],
            _ => (1..=last).collect(),
        };
        points.into_iter().map(move |n| (side, n))
    };
    let [vault, cluster] = [&watch.vault, &watch.cluster].map(|calls| calls.load(Ordering::SeqCst));
    let points = of(Side::Vault, vault).chain(of(Side::Cluster, cluster));
    (points.collect(), vault)
}

fn assert_nothing_late(watch: &Watch, at: &str) {
    let late = watch.late.lock().unwrap();
    assert!(
        late.is_empty(),
        "{at}: calls started after the token fell: {late:?}"
    );
}

#[tokio::test]
async fn a_backup_cancelled_at_any_call_leaves_what_a_kill_leaves() {
    cancel_backups(FEW).await;
}

#[tokio::test]
async fn a_backup_of_20_000_objects_is_cancelled() {
    cancel_backups(MANY).await;
}

async fn cancel_backups(objects: usize) {
    let (source, clock) = (source(objects), HandClock::default());
    let store = new_store(&clock).await;
    let watch = Watch::falling(None);
    let report = back_up(&source, &store, &clock, &watch).await.unwrap();
    let ended = (report.outcome, report.objects);
    assert_eq!(ended, (Outcome::Completed, objects as u64));
    let undisturbed = archive_hash(&open(&store, &clock).await).await;
    let (falls, calls) = points(&watch, objects);
    for fall in falls {
        let at = format!("{fall:?}");
        let clock = HandClock::default();
        let store = new_store(&clock).await;
        let watch = Watch::falling(Some(fall));
        let ended = back_up(&source, &store, &clock, &watch).await;
        assert!(watch.cancel.is_cancelled(), "{at}: the token fell");
        assert_nothing_late(&watch, &at);
        let last = fall == (Side::Vault, calls);
        match ended {
            // Before the claim there is no report.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{at}"),
            // The last call is the one that makes it a backup: whether it counts is a race that either side may win.
            Ok(report) => assert!(
                report.outcome == Outcome::Cancelled || last,
                "{at}: {report}"
            ),
        }
        let there = open(&store, &clock).await.backups().await.unwrap();
        if last && !there.is_empty() {
            let backup = open(&store, &clock).await.backup("all").await.unwrap();
            assert!(
                backup
                    .verify(VerifyLevel::Objects)
                    .await
                    .unwrap()
                    .is_sound()
            );
            continue;
        }
        assert!(there.is_empty(), "{at}: half a backup is listed");
        expire_claims(&clock);

        let copy = store.snapshot();
        open(&copy, &clock)
            .await
            .gc(&GcOptions::default())
            .await
            .unwrap();
        let left: Vec<_> = copy.list(&VaultKey::root()).try_collect().await.unwrap();
        assert_eq!(
            left.len(),
            1,
            "{at}: gc leaves the vault's own document: {left:?}"
        );

        let report = back_up(&source, &store, &clock, &Watch::falling(None))
            .await
            .unwrap();
        assert_eq!(report.outcome, Outcome::Completed, "{at}: {report}");
        let vault = open(&store, &clock).await;
        assert_eq!(archive_hash(&vault).await, undisturbed, "{at}");
        let proof = vault
            .backup("all")
            .await
            .unwrap()
            .verify(VerifyLevel::Manifest)
            .await
            .unwrap();
        assert!(proof.is_sound(), "{at}: {proof}");
    }
}

/// A continuation is cancelled, too, at each of its calls: the third run ends it.
#[tokio::test]
async fn a_backup_cancelled_twice_is_ended_by_the_third_run() {
    let (source, clock) = (source(24), HandClock::default());
    let store = new_store(&clock).await;
    let watch = Watch::falling(None);
    back_up(&source, &store, &clock, &watch).await.unwrap();
    let undisturbed = archive_hash(&open(&store, &clock).await).await;
    let calls = watch.vault.load(Ordering::SeqCst);
    for first in 1..calls {
        let clock = HandClock::default();
        let begun = new_store(&clock).await;
        let watch = Watch::falling(Some((Side::Vault, first)));
        let _ = back_up(&source, &begun, &clock, &watch).await;
        expire_claims(&clock);
        // Every fifth call, another fifth for each first one.
        for second in (1 + first % 5..).step_by(5) {
            let at = format!("{first}, {second}");
            let store = begun.snapshot();
            let watch = Watch::falling(Some((Side::Vault, second)));
            let _ = back_up(&source, &store, &clock, &watch).await;
            assert_nothing_late(&watch, &at);
            let vault = open(&store, &clock).await;
            if !watch.cancel.is_cancelled() {
                assert_eq!(archive_hash(&vault).await, undisturbed, "{at}");
                break;
            }
            expire_claims(&clock);
            if vault.backups().await.unwrap().is_empty() {
                let report = back_up(&source, &store, &clock, &Watch::falling(None)).await;
                let report = report.unwrap();
                assert_eq!(report.outcome, Outcome::Completed, "{at}: {report}");
            }
            assert_eq!(archive_hash(&vault).await, undisturbed, "{at}");
            let backup = vault.backup("all").await.unwrap();
            let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
            assert!(proof.is_sound(), "{at}: {proof}");
        }
    }
}

async fn restore(
    store: &MemoryVault,
    target: &MemoryCluster,
    clock: &HandClock,
    watch: &Arc<Watch>,
) -> Result<RestoreReport> {
    let vault = open(store, clock).await;
    let mut spec = RestoreSpec::from_backup("all");
    for at in 0..NAMESPACES {
        spec = spec.with_namespace_mapping(format!("team-{at}"), format!("copy-{at}"));
    }
    let plan = Restore::new(vault, target.clone(), target.clone())
        .plan(&spec)
        .await?;
    let watched = Watched {
        inner: store.clone(),
        watch: watch.clone(),
    };
    let vault = Vault::open_with(Arc::new(watched), host(clock)).await?;
    watch.begun.store(true, Ordering::SeqCst);
    let cluster = Watched {
        inner: target.clone(),
        watch: watch.clone(),
    };
    let restore = Restore::new(vault, cluster.clone(), cluster);
    restore
        .run(
            plan,
            &RunOptions::default().with_cancel(watch.cancel.clone()),
        )
        .await
}

fn restored(target: &MemoryCluster) -> usize {
    let of = |resource: &str| {
        let objects = target.objects(&resource.parse().unwrap());
        let ours = |object: &&Object| {
            let id = object.id();
            id.namespace().unwrap_or(id.name()).starts_with("copy-")
                && id.name() != "kube-root-ca.crt"
        };
        objects.iter().filter(ours).count()
    };
    of("namespaces") + of("configmaps") + of("secrets")
}

#[tokio::test]
async fn a_restore_cancelled_at_any_call_is_ended_by_the_same_command() {
    cancel_restores(FEW).await;
}

#[tokio::test]
async fn a_restore_of_20_000_objects_is_cancelled() {
    cancel_restores(MANY).await;
}

async fn cancel_restores(objects: usize) {
    let (source, clock) = (source(objects), HandClock::default());
    let stored = new_store(&clock).await;
    back_up(&source, &stored, &clock, &Watch::falling(None))
        .await
        .unwrap();
    let watch = Watch::falling(None);
    let target = MemoryCluster::new();
    let report = restore(&stored.snapshot(), &target, &clock, &watch)
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    // The target makes its own ServiceAccounts.
    let made = objects - NAMESPACES;
    let (created, there) = (report.count(ObjectOutcome::Created), restored(&target));
    assert_eq!((created, there), (made as u64, made));
    let (falls, calls) = points(&watch, objects);
    for fall in falls {
        let at = format!("{fall:?}");
        let clock = HandClock::default();
        let (store, target) = (stored.snapshot(), MemoryCluster::new());
        let watch = Watch::falling(Some(fall));
        let ended = restore(&store, &target, &clock, &watch).await;
        assert!(watch.cancel.is_cancelled(), "{at}: the token fell");
        assert_nothing_late(&watch, &at);
        let last = fall == (Side::Vault, calls);
        match ended {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled, "{at}"),
            Ok(report) => assert!(
                report.outcome == Outcome::Cancelled || last,
                "{at}: {report}"
            ),
        }
        let vault = open(&store, &clock).await;
        assert_eq!(
            vault.backups().await.unwrap().len(),
            1,
            "{at}: the backup stands"
        );
        if last && vault.restore_report("all").await.is_ok() {
            continue;
        }
        expire_claims(&clock);
        let report = restore(&store, &target, &clock, &Watch::falling(None))
            .await
            .unwrap();
        assert_eq!(report.outcome, Outcome::Completed, "{at}: {report}");
        assert_eq!(
            report.count(ObjectOutcome::Created),
            created,
            "{at}: all are ours"
        );
        assert_eq!(restored(&target), made, "{at}");
        assert_eq!(vault.restore_report("all").await.unwrap(), report, "{at}");
    }
}
