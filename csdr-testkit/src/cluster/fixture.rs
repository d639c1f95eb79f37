//! What the suites run on.

use async_trait::async_trait;
use csdr_core::{
    ErrorKind, Result,
    manifest::ManifestDir,
    memory::{Deny, MemoryCluster, MemoryVault},
    model::Object,
    port::{ResourceApplier, ResourceCollector, ResourceTarget, VaultKey, WriteOptions},
};
use std::{fmt, sync::Arc, time::Duration};

/// The three ports of one stack, as one identity uses them.
#[derive(Clone, Debug)]
pub struct Adapters {
    /// Reads a source.
    pub collector: Arc<dyn ResourceCollector>,
    /// Reads a target.
    pub target: Arc<dyn ResourceTarget>,
    /// Writes.
    pub applier: Arc<dyn ResourceApplier>,
}

/// What one rule runs on: a stack of adapters and a namespace of its own.
///
/// A rule needs no other isolation: it names everything after its namespace, so that a hundred rules may run on one real server at
/// the same time, and nothing must be cleaned up afterwards.
///
/// An adapter that has no source, target or applier of its own kind stands beside that of another kind on the same cluster.
#[async_trait]
pub trait ClusterFixture: fmt::Debug + Send + Sync + 'static {
    /// The ports, as an identity that may do everything.
    fn adapters(&self) -> Adapters;

    /// The same ports as an identity that may discover, and neither read nor write anything in the namespace; `None` where there are
    /// no identities.
    fn restricted(&self) -> Option<Adapters>;

    /// A namespace that exists and that no other rule uses: a DNS label of at most 40 characters.
    fn namespace(&self) -> &str;

    /// Puts objects there as an earlier user would have: they stand when this answers. Objects that exist are left.
    async fn seed(&self, objects: &[Object]) -> Result<()>;

    /// Makes every continue token given so far expire; `false` if the fixture cannot.
    async fn expire_tokens(&self) -> Result<bool>;

    /// Makes every watch begun so far expire; `false` if the fixture cannot.
    async fn expire_watches(&self) -> Result<bool>;

    /// What the stack promises; the rest must answer `Unsupported`.
    fn promises(&self) -> Promises;

    /// How long a rule waits for what happens in time (a definition is established, an object's end); a look is taken in any case.
    fn patience(&self) -> Duration;
}

/// What a stack promises beyond reading and creating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promises {
    /// `apply` works.
    pub apply: bool,
    /// `replace_status` works.
    pub replace_status: bool,
    /// Other versions of a kind are served than that in which an object was written.
    pub converts: bool,
    /// A server stands behind it: uids and resource versions, field managers, finalizers, checks of content, namespaces that must exist.
    pub server: bool,
    /// A watch goes on after the present objects.
    pub live: bool,
}

impl Promises {
    /// Everything: a real API server.
    pub const ALL: Self = Self {
        apply: true,
        replace_status: true,
        converts: true,
        server: true,
        live: true,
    };
    /// A folder of files.
    pub const FOLDER: Self = Self {
        apply: false,
        replace_status: false,
        converts: false,
        server: false,
        live: false,
    };
}

/// Writes objects that are not a rule's subject; those that exist are left.
async fn create_all(applier: &dyn ResourceApplier, objects: &[Object]) -> Result<()> {
    let options = WriteOptions {
        field_manager: "csdr-testkit".to_owned(),
        dry_run: false,
    };
    for object in objects {
        match applier.create(object, &options).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn namespace(name: &str) -> Result<Object> {
    let json =
        format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}"#);
    Object::parse("namespaces".parse()?, json)
}

/// A [`MemoryCluster`] of its own.
///
/// ```
/// use csdr_testkit::cluster::{ClusterFixture, MemoryFixture, conformance::collector};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let fixture = MemoryFixture::new().await.unwrap();
/// collector::list_is_complete(&fixture).await.unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryFixture {
    cluster: MemoryCluster,
}

impl MemoryFixture {
    const NAMESPACE: &str = "conformance";

    /// A fresh cluster with the rule's namespace.
    ///
    /// # Errors
    /// None of a sound cluster.
    pub async fn new() -> Result<Self> {
        let cluster = MemoryCluster::new();
        create_all(&cluster, &[namespace(Self::NAMESPACE)?]).await?;
        Ok(Self { cluster })
    }

    /// The cluster.
    pub fn cluster(&self) -> &MemoryCluster {
        &self.cluster
    }
}

fn adapters<T>(all: T) -> Adapters
where
    T: ResourceCollector + ResourceTarget + ResourceApplier + Clone,
{
    Adapters {
        collector: Arc::new(all.clone()),
        target: Arc::new(all.clone()),
        applier: Arc::new(all),
    }
}

#[async_trait]
impl ClusterFixture for MemoryFixture {
    fn adapters(&self) -> Adapters {
        adapters(self.cluster.clone())
    }

    fn restricted(&self) -> Option<Adapters> {
        Some(adapters(self.cluster.restricted([Deny::default()])))
    }

    fn namespace(&self) -> &str {
        Self::NAMESPACE
    }

    async fn seed(&self, objects: &[Object]) -> Result<()> {
        create_all(&self.cluster, objects).await
    }

    async fn expire_tokens(&self) -> Result<bool> {
        self.cluster.expire_tokens();
        Ok(true)
    }

    async fn expire_watches(&self) -> Result<bool> {
        self.cluster.expire_watches();
        Ok(true)
    }

    fn promises(&self) -> Promises {
        Promises::ALL
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }
}

/// A [`ManifestDir`] over a vault in memory.
///
/// ```
/// use csdr_testkit::cluster::{FolderFixture, conformance::applier};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let fixture = FolderFixture::new().await.unwrap();
/// applier::create_keeps_the_existing(&fixture).await.unwrap();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FolderFixture {
    folder: ManifestDir,
}

impl FolderFixture {
    const NAMESPACE: &str = "conformance";

    /// An empty folder but for the rule's namespace.
    ///
    /// # Errors
    /// None of a sound folder.
    pub async fn new() -> Result<Self> {
        let folder = ManifestDir::new(Arc::new(MemoryVault::new()), VaultKey::parse("out")?);
        create_all(&folder, &[namespace(Self::NAMESPACE)?]).await?;
        Ok(Self { folder })
    }
}

#[async_trait]
impl ClusterFixture for FolderFixture {
    fn adapters(&self) -> Adapters {
        adapters(self.folder.clone())
    }

    fn restricted(&self) -> Option<Adapters> {
        None
    }

    fn namespace(&self) -> &str {
        Self::NAMESPACE
    }

    async fn seed(&self, objects: &[Object]) -> Result<()> {
        create_all(&self.folder, objects).await
    }

    async fn expire_tokens(&self) -> Result<bool> {
        Ok(false)
    }

    async fn expire_watches(&self) -> Result<bool> {
        Ok(false)
    }

    fn promises(&self) -> Promises {
        Promises::FOLDER
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }
}
