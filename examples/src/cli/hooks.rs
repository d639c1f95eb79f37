//! What a test puts between the program and the world.

use csdr_core::port::{ResourceApplier, ResourceCollector, ResourceTarget, VaultBackend};
use std::{
    fmt,
    io::Write,
    sync::{Arc, Mutex},
};

/// Puts something around an adapter.
pub type Wrap<T> = Arc<dyn Fn(Arc<T>) -> Arc<T> + Send + Sync>;

/// Where lines go.
pub type Sink = Arc<Mutex<dyn Write + Send>>;

/// Wrappers around the adapters, and other places for output; by default none.
///
/// ```
/// use csdr_examples::cli::Hooks;
/// use std::sync::Arc;
/// // The vault as it is; a test would wrap it into `csdr_testkit::fault::Faulty`.
/// let hooks = Hooks::default().with_vault(Arc::new(|vault| vault));
/// assert!(hooks.wrap_vault.is_some());
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    /// Around the vault.
    pub wrap_vault: Option<Wrap<dyn VaultBackend>>,
    /// Around the source of a backup.
    pub wrap_collector: Option<Wrap<dyn ResourceCollector>>,
    /// Around what a restore looks at.
    pub wrap_target: Option<Wrap<dyn ResourceTarget>>,
    /// Around what a restore writes to.
    pub wrap_applier: Option<Wrap<dyn ResourceApplier>>,
    /// Instead of standard output.
    pub stdout: Option<Sink>,
    /// Instead of standard error; progress is then plain lines.
    pub stderr: Option<Sink>,
}

impl Hooks {
    /// Wraps the vault.
    #[must_use]
    pub fn with_vault(mut self, wrap: Wrap<dyn VaultBackend>) -> Self {
        self.wrap_vault = Some(wrap);
        self
    }

    /// Wraps the source of a backup.
    #[must_use]
    pub fn with_collector(mut self, wrap: Wrap<dyn ResourceCollector>) -> Self {
        self.wrap_collector = Some(wrap);
        self
    }

    /// Wraps what a restore looks at.
    #[must_use]
    pub fn with_target(mut self, wrap: Wrap<dyn ResourceTarget>) -> Self {
        self.wrap_target = Some(wrap);
        self
    }

    /// Wraps what a restore writes to.
    #[must_use]
    pub fn with_applier(mut self, wrap: Wrap<dyn ResourceApplier>) -> Self {
        self.wrap_applier = Some(wrap);
        self
    }

    /// Writes results here.
    #[must_use]
    pub fn with_stdout(mut self, sink: Sink) -> Self {
        self.stdout = Some(sink);
        self
    }

    /// Writes progress and errors here.
    #[must_use]
    pub fn with_stderr(mut self, sink: Sink) -> Self {
        self.stderr = Some(sink);
        self
    }
}

/// Applies a wrapper where there is one.
pub(super) fn wrapped<T: ?Sized>(wrap: Option<&Wrap<T>>, inner: Arc<T>) -> Arc<T> {
    match wrap {
        Some(wrap) => wrap(inner),
        None => inner,
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("wrap_vault", &self.wrap_vault.is_some())
            .field("wrap_collector", &self.wrap_collector.is_some())
            .field("wrap_target", &self.wrap_target.is_some())
            .field("wrap_applier", &self.wrap_applier.is_some())
            .field("stdout", &self.stdout.is_some())
            .field("stderr", &self.stderr.is_some())
            .finish()
    }
}
