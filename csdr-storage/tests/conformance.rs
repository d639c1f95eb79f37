//! Every vault and every decorator of this crate keeps the contract of `VaultBackend`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    memory::MemoryVault,
    port::{VaultBackend, VaultKey},
};
use csdr_storage::{
    ConditionalCreate, OpendalVault, Prefixed, ReadOnly, Retry, RetryPolicy, S3Addressing,
    S3Checksum, S3Config, S3Credentials,
};
use csdr_testkit::{
    s3::{Conditional, S3Options, S3Server},
    vault::conformance::Fixture,
    vault_conformance,
};

mod fs {
    use super::*;
    vault_conformance!(|| async {
        let folder = tempfile::tempdir().unwrap();
        Fixture::new(OpendalVault::fs(folder.path())).keeping(folder)
    });
}

mod memory {
    use super::*;
    vault_conformance!(|| async { Fixture::new(OpendalVault::memory().unwrap()) });
}

mod operators {
    use super::*;
    use opendal::{Operator, layers::RetryLayer, services::Memory};

    vault_conformance!(|| async {
        let plain = Operator::new(Memory::default()).unwrap();
        let repeating = plain.clone().layer(RetryLayer::new());
        Fixture::new(OpendalVault::from_operators(repeating, plain))
    });
}

/// A vault on a server of its own, configured alike.
async fn s3(
    options: S3Options,
    configure: impl FnOnce(&S3Server, S3Config) -> S3Config,
) -> Fixture {
    let server = S3Server::start(options).await.unwrap();
    let options = server.options();
    let (id, secret) = (
        options.access_key_id.as_str(),
        options.secret_access_key.as_str(),
    );
    let credentials = match options.session_token.as_deref() {
        Some(token) => S3Credentials::session(id, secret, token),
        None => S3Credentials::keys(id, secret),
    };
    let config = S3Config::new(&options.bucket)
        .with_endpoint(server.endpoint())
        .with_addressing(S3Addressing::Path)
        .with_credentials(credentials);
    let vault = OpendalVault::s3(configure(&server, config)).unwrap();
    Fixture::new(vault).keeping(server)
}

mod s3_path_style {
    use super::*;
    // Short pages, so that lists of the suite have many of them.
    vault_conformance!(|| s3(
        S3Options {
            page_keys: 7,
            ..S3Options::default()
        },
        |_, config| config
    ));
}

mod s3_virtual_host_with_session_token_and_prefix {
    use super::*;
    vault_conformance!(|| s3(
        S3Options {
            domain: Some("s3.test".to_owned()),
            session_token: Some("a session token".to_owned()),
            ..S3Options::default()
        },
        |server, config| config
            .with_addressing(S3Addressing::VirtualHost)
            .with_endpoint(server.virtual_endpoint().unwrap())
            .with_resolved("bucket.s3.test", server.address())
            .with_region("eu-central-1")
            .with_prefix("clusters/one + two")
    ));
}

mod s3_checksum {
    use super::*;
    vault_conformance!(|| s3(S3Options::default(), |_, config| config
        .with_checksum(S3Checksum::Crc32c)));
}

mod s3_without_conditional_create {
    use super::*;
    vault_conformance!(|| s3(
        S3Options {
            conditional: Conditional::NotImplemented,
            ..S3Options::default()
        },
        |_, config| config.with_conditional_create(ConditionalCreate::Never)
    ));
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

mod all_decorators_on_a_folder {
    use super::*;
    vault_conformance!(|| async {
        let folder = tempfile::tempdir().unwrap();
        let prefix = VaultKey::parse("clusters/one").unwrap();
        let vault = Prefixed::new(OpendalVault::fs(folder.path()), prefix);
        Fixture::new(Retry::new(vault, RetryPolicy::default())).keeping(folder)
    });
}

#[test]
fn a_vault_is_object_safe_and_shared() {
    fn shared<T: VaultBackend + Clone>() {}
    shared::<OpendalVault>();
}
