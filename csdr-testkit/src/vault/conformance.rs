//! The contract of [`VaultBackend`] as tests: one rule, one function, one name.
//!
//! An implementation runs them all with one line in its tests; each rule becomes a test of its own, so that a failure names
//! the rule that is broken (the tests' crate needs tokio with `macros` and `rt-multi-thread`):
//!
//! ```
//! # // In a real crate this stands in a test module.
//! use csdr_core::memory::MemoryVault;
//! use csdr_testkit::vault::conformance::Fixture;
//!
//! csdr_testkit::vault_conformance!(|| async { Fixture::new(MemoryVault::new()) });
//! ```
//!
//! What an implementation does not promise in its [capabilities](VaultBackend::capabilities) is not demanded, but it must
//! answer `Unsupported`: [`unpromised_options_are_refused`] checks that.

mod create;
mod list;
mod read;
mod refuse;
mod write;

pub use create::{
    create_new_has_one_winner, create_new_keeps_the_existing, streamed_create_new_has_one_winner,
};
pub use list::{
    keys_keep_their_text, list_is_complete, list_is_in_key_order, list_keeps_to_the_prefix,
};
pub use read::{missing_keys_are_not_found, ranges_are_exact, readers_see_one_whole_version};
pub use refuse::{the_root_is_not_an_object, unpromised_options_are_refused};
pub use write::{
    aborted_writers_leave_nothing, answers_are_seen_at_once, cancelled_puts_are_never_torn,
    delete_is_idempotent, dropped_writers_leave_nothing, long_streams_keep_their_bytes,
    nothing_is_visible_before_finish, overwrite_replaces, put_is_read_back,
};

use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use std::{any::Any, fmt, sync::Arc};

/// A fresh, empty vault for one rule, with what must live as long as it (a folder, a server).
pub struct Fixture {
    vault: Arc<dyn VaultBackend>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Fixture {
    /// A vault that nobody else uses.
    pub fn new(vault: impl VaultBackend) -> Self {
        Self {
            vault: Arc::new(vault),
            kept: Vec::new(),
        }
    }

    /// Keeps `guard` until the rule has run.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    /// The vault.
    pub fn vault(&self) -> Arc<dyn VaultBackend> {
        self.vault.clone()
    }
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture")
            .field("vault", &self.vault)
            .field("kept", &self.kept.len())
            .finish()
    }
}

/// What a rule found: how an implementation breaks it.
#[derive(Clone, PartialEq, Eq)]
pub struct Violation(String);

impl Violation {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl From<Error> for Violation {
    fn from(error: Error) -> Self {
        Self(format!("a call failed that must work: {}", error.chain()))
    }
}

/// Answer of a rule.
pub type Verdict = Result<(), Violation>;

/// Runs a macro with the name of every rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __vault_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            put_is_read_back
            overwrite_replaces
            nothing_is_visible_before_finish
            long_streams_keep_their_bytes
            answers_are_seen_at_once
            delete_is_idempotent
            aborted_writers_leave_nothing
            dropped_writers_leave_nothing
            cancelled_puts_are_never_torn
            create_new_keeps_the_existing
            create_new_has_one_winner
            streamed_create_new_has_one_winner
            missing_keys_are_not_found
            ranges_are_exact
            readers_see_one_whole_version
            list_is_complete
            list_is_in_key_order
            list_keeps_to_the_prefix
            keys_keep_their_text
            the_root_is_not_an_object
            unpromised_options_are_refused
        }
    };
}

/// One `#[tokio::test]` for each rule of the contract. The argument is called once a rule and answers a future of a [`Fixture`].
#[macro_export]
macro_rules! vault_conformance {
    ($factory:expr) => {
        $crate::__vault_rules!($crate::__vault_tests, $factory);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __vault_tests {
    ($factory:expr; $($rule:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let fixture = ($factory)().await;
                if let Err(violation) = $crate::vault::conformance::$rule(&fixture).await {
                    panic!("{}: {}", stringify!($rule), violation);
                }
            }
        )*
    };
}

macro_rules! run_all {
    (; $($rule:ident)*) => {
        /// Runs every rule on a fresh fixture each; answers the rules in order with their verdicts.
        pub async fn run_all<F: Future<Output = Fixture>>(
            mut factory: impl FnMut() -> F,
        ) -> Vec<(&'static str, Verdict)> {
            let mut verdicts = Vec::new();
            $(
                let fixture = factory().await;
                verdicts.push((stringify!($rule), $rule(&fixture).await));
            )*
            verdicts
        }
    };
}
__vault_rules!(run_all,);

/// Fails the rule with a text.
macro_rules! demand {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::vault::conformance::Violation::new(format!($($text)+)));
        }
    };
}
use demand;

/// Rules never need larger objects than this.
const LIMIT: u64 = 64 << 20;

fn key(text: &str) -> Result<VaultKey, Violation> {
    Ok(VaultKey::parse(text)?)
}

/// Bytes that differ at every place, so that a swap or a gap shows.
fn pattern(len: usize, seed: u8) -> Bytes {
    let mut state = 0x9e37_79b9_7f4a_7c15u64 ^ u64::from(seed);
    let mut body = Vec::with_capacity(len + 8);
    while body.len() < len {
        // xorshift64: quick, and without period in any object of a rule.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        body.extend_from_slice(&state.to_le_bytes());
    }
    body.truncate(len);
    body.into()
}

/// How rules write where the mode is not their subject.
fn any_mode(vault: &dyn VaultBackend) -> PutMode {
    if vault.capabilities().conditional_create {
        PutMode::CreateNew
    } else {
        PutMode::Overwrite
    }
}

/// Writes objects that are not the rule's subject.
async fn fill(vault: &dyn VaultBackend, keys: &[&str]) -> Verdict {
    for text in keys {
        vault
            .put(&key(text)?, Bytes::from_static(b"filled"), any_mode(vault))
            .await?;
    }
    Ok(())
}

/// The keys below a prefix as texts, in the order in which they came.
async fn listed(vault: &dyn VaultBackend, prefix: &VaultKey) -> Result<Vec<String>, Violation> {
    let rows = vault.keys(prefix, 10_000).await?;
    Ok(rows.into_iter().map(|row| row.key.into()).collect())
}

/// Demands an error of one kind.
fn demand_kind<T>(answer: csdr_core::Result<T>, kind: ErrorKind, call: &str) -> Verdict {
    match answer {
        Ok(_) => Err(Violation::new(format!(
            "{call} must answer `{kind}`, and worked"
        ))),
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{call} must answer `{kind}`, and answered `{}`: {}",
            error.kind(),
            error.chain()
        ))),
    }
}
