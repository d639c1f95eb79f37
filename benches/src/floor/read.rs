//! Backup: lists in parallel, consumed in the archive's order.

use super::{
    connection::Connections,
    member::{self, Member},
    page, tar,
};
use crate::{Result, process::peak_rss_mib, sample::Sample, workload::PREFIX};
use bytes::Bytes;
use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    sync::Arc,
    time::Instant,
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::{self, JoinHandle},
};

/// Lists under way at once.
const STREAMS: usize = 8;

/// Pages of one list that wait for the lists before it.
const PAGES_AHEAD: usize = 4;

/// Members on their way to the file.
const MEMBERS_AHEAD: usize = 8;

/// Resource as the archive spells it, collection's base, plural, apiVersion, kind; sorted as the archive is.
const KINDS: [Kind; 6] = [
    Kind::new("configmaps", "/api/v1", "configmaps", "v1", "ConfigMap"),
    Kind::new(
        "deployments.apps",
        "/apis/apps/v1",
        "deployments",
        "apps/v1",
        "Deployment",
    ),
    Kind::new(
        "rolebindings.rbac.authorization.k8s.io",
        "/apis/rbac.authorization.k8s.io/v1",
        "rolebindings",
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
    ),
    Kind::new(
        "roles.rbac.authorization.k8s.io",
        "/apis/rbac.authorization.k8s.io/v1",
        "roles",
        "rbac.authorization.k8s.io/v1",
        "Role",
    ),
    Kind::new("secrets", "/api/v1", "secrets", "v1", "Secret"),
    Kind::new("services", "/api/v1", "services", "v1", "Service"),
];

const NAMESPACES: Kind = Kind::new("namespaces", "/api/v1", "namespaces", "v1", "Namespace");

#[derive(Clone, Copy)]
struct Kind {
    resource: &'static str,
    base: &'static str,
    plural: &'static str,
    api_version: &'static str,
    kind: &'static str,
}

impl Kind {
    const fn new(
        resource: &'static str,
        base: &'static str,
        plural: &'static str,
        api_version: &'static str,
        kind: &'static str,
    ) -> Self {
        Self {
            resource,
            base,
            plural,
            api_version,
            kind,
        }
    }
}

/// One list: a kind in one namespace, or the namespaces themselves.
#[derive(Clone)]
struct Unit {
    kind: Kind,
    namespace: Option<String>,
}

/// Backs the workload's namespaces up into `<vault>/<name>.tar.gz`.
pub(crate) async fn backup(kubeconfig: &Path, vault: &Path, name: &str) -> Result<Sample> {
    let started = Instant::now();
    let connections = Arc::new(Connections::open(kubeconfig)?);
    let namespaces = namespaces(&connections).await?;
    let units = units(&namespaces);

    let (members, sealed) = mpsc::channel(MEMBERS_AHEAD);
    let path = vault.join(format!("{name}.tar.gz"));
    let writer = task::spawn_blocking(move || store(sealed, &path));
    let objects = collect(connections, units, members).await?;
    let archive_bytes = writer.await??;
    Ok(Sample {
        seconds: started.elapsed().as_secs_f64(),
        objects,
        archive_bytes,
        peak_rss_mib: peak_rss_mib()?,
        ..Sample::default()
    })
}

/// The namespaces of the workload.
async fn namespaces(connections: &Connections) -> Result<Vec<String>> {
    let (tell, _) = oneshot::channel();
    let body = page::fetch(connections, "/api/v1/namespaces", None, tell).await?;
    let mut names = Vec::new();
    page::items(&body, "v1", "Namespace", |name, _| {
        if is_filled(name) {
            names.push(name.to_owned());
        }
        Ok(())
    })?;
    Ok(names)
}

fn is_filled(namespace: &str) -> bool {
    namespace
        .strip_prefix(PREFIX)
        .is_some_and(|rest| rest.starts_with('-'))
}

fn units(namespaces: &[String]) -> Vec<Unit> {
    let mut units = vec![Unit {
        kind: NAMESPACES,
        namespace: None,
    }];
    for kind in KINDS {
        units.extend(namespaces.iter().map(|namespace| Unit {
            kind,
            namespace: Some(namespace.clone()),
        }));
    }
    units.sort_by_key(|unit| unit.kind.resource);
    units
}

/// Hands the pages of all lists on in their order, as tar members.
async fn collect(
    connections: Arc<Connections>,
    units: Vec<Unit>,
    members: mpsc::Sender<JoinHandle<Result<Member>>>,
) -> Result<u64> {
    let width = Arc::new(Semaphore::new(STREAMS));
    let mut lists = Vec::new();
    for unit in units {
        let (pages, received) = mpsc::channel(PAGES_AHEAD);
        let (connections, width) = (connections.clone(), width.clone());
        let kept = unit.clone();
        lists.push((
            unit,
            received,
            task::spawn(async move {
                // The semaphore is fair: lists start in the order of the archive.
                let _place = width.acquire().await?;
                list(&connections, &kept, &pages).await
            }),
        ));
    }
    let mut raw = Vec::with_capacity(2 * member::RAW);
    tar::begin(&mut raw)?;
    let mut objects = 0;
    for (unit, mut pages, listing) in lists {
        while let Some(body) = pages.recv().await {
            let (unit, begun) = (unit.clone(), std::mem::take(&mut raw));
            let (full, rest, count) =
                task::spawn_blocking(move || unpack(&unit, &body, begun)).await??;
            raw = rest;
            objects += count;
            for raw in full {
                let job = task::spawn_blocking(move || member::seal(&raw));
                members
                    .send(job)
                    .await
                    .map_err(|_| "the archive could not be written")?;
            }
        }
        listing.await??;
    }
    tar::end(&mut raw);
    let job = task::spawn_blocking(move || member::seal(&raw));
    members
        .send(job)
        .await
        .map_err(|_| "the archive could not be written")?;
    Ok(objects)
}

/// Asks for page after page, each as soon as the token of the one before it is known.
async fn list(
    connections: &Arc<Connections>,
    unit: &Unit,
    pages: &mpsc::Sender<Bytes>,
) -> Result<()> {
    let Kind { base, plural, .. } = unit.kind;
    let path = match &unit.namespace {
        Some(namespace) => format!("{base}/namespaces/{namespace}/{plural}"),
        None => format!("{base}/{plural}"),
    };
    let fetch = |token: Option<String>| {
        let (tell, early) = oneshot::channel();
        let (connections, path) = (connections.clone(), path.clone());
        let page =
            task::spawn(
                async move { page::fetch(&connections, &path, token.as_deref(), tell).await },
            );
        (page, early)
    };
    let mut next = Some(fetch(None));
    while let Some((page, early)) = next {
        // The sender is dropped when the page has no successor.
        next = early.await.ok().map(|token| fetch(Some(token)));
        let body = page.await??;
        pages
            .send(body)
            .await
            .map_err(|_| "the archive could not be written")?;
    }
    Ok(())
}

/// Tar bytes of a page behind those of `raw`: full members, and what is left.
fn unpack(unit: &Unit, body: &[u8], mut raw: Vec<u8>) -> Result<(Vec<Vec<u8>>, Vec<u8>, u64)> {
    let Unit { kind, namespace } = unit;
    let version = kind.api_version.rsplit('/').next().unwrap_or_default();
    let (mut full, mut count) = (Vec::new(), 0);
    page::items(body, kind.api_version, kind.kind, |name, json| {
        let scope = match namespace {
            Some(namespace) => format!("namespaces/{namespace}/{name}"),
            None if is_filled(name) => format!("cluster/{name}"),
            None => return Ok(()),
        };
        if raw.len() >= member::RAW {
            full.push(std::mem::replace(
                &mut raw,
                Vec::with_capacity(member::RAW + (16 << 10)),
            ));
        }
        count += 1;
        tar::object(&mut raw, kind.resource, version, &scope, json)
    })?;
    Ok((full, raw, count))
}

/// Writes the members in their order; the file appears whole, flushed with its folder.
fn store(mut members: mpsc::Receiver<JoinHandle<Result<Member>>>, path: &Path) -> Result<u64> {
    let runtime = tokio::runtime::Handle::current();
    let unfinished = path.with_extension("tmp");
    let mut file = File::create_new(&unfinished)?;
    let (mut size, mut sums) = (0, Vec::new());
    while let Some(job) = members.blocking_recv() {
        let member = runtime.block_on(job)??;
        file.write_all(&member.gzip)?;
        size += member.gzip.len() as u64;
        sums.push(member.sha256);
    }
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(path.parent().ok_or("the vault has no folder")?)?.sync_all()?;
    // Read, so that no compiler leaves the hashing out.
    if sums.contains(&[0; 32]) {
        return Err("a hash of zeros".into());
    }
    Ok(size)
}
