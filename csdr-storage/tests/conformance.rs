//! Every vault and every decorator of this crate keeps the contract of `VaultBackend`.

use csdr_core::{memory::MemoryVault, port::VaultKey};
use csdr_storage::{OpendalVault, Prefixed, ReadOnly, Retry, RetryPolicy};
use csdr_testkit::{vault::conformance::Fixture, vault_conformance};

fn folder() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    // One level below, so that the vault also makes its own folder... by its first write: a listing before that finds none.
    Fixture::new(OpendalVault::fs(folder.path())).keeping(folder)
}

mod fs {
    use super::*;
    vault_conformance!(|| async { folder() });
}

mod memory {
    use super::*;
    vault_conformance!(|| async { Fixture::new(OpendalVault::memory().unwrap()) });
}

mod retry {
    use super::*;
    vault_conformance!(|| async {
        Fixture::new(Retry::new(MemoryVault::new(), RetryPolicy::default()))
    });
}

mod read_only {
    use super::*;
    vault_conformance!(|| async { Fixture::new(ReadOnly::new(MemoryVault::new())) });
}

mod prefixed {
    use super::*;
    vault_conformance!(|| async {
        let prefix = VaultKey::parse("clusters/one").unwrap();
        Fixture::new(Prefixed::new(MemoryVault::new(), prefix))
    });
}

mod prefixed_fs {
    use super::*;
    vault_conformance!(|| async {
        let folder = tempfile::tempdir().unwrap();
        let prefix = VaultKey::parse("clusters/one").unwrap();
        Fixture::new(Prefixed::new(OpendalVault::fs(folder.path()), prefix)).keeping(folder)
    });
}
