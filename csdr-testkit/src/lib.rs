//! What shows that an adapter of csdr keeps its promises: for csdr's own tests, and for whoever writes an adapter.
//!
//! * Conformance suites, one named test a rule: [`vault`] for `VaultBackend` ([`vault_conformance!`]), [`cluster`] for the ports of
//!   a cluster, [`converter`] for `ApiVersionConverter` ([`converter_conformance!`]), [`item_action`] for `ItemAction`
//!   ([`item_action_conformance!`]), [`hook`] for `HookExecutor` ([`hook_conformance!`]), [`transform`] for `Transform`
//!   ([`transform_conformance!`]). Each rule has a deliberately broken adapter that fails exactly that rule.
//! * [`fault`]: wrappers whose n-th call fails, tears, hangs, or ends the process.
//! * [`mod@s3`]: an S3 server in this process, with signatures checked and failures on demand.
//! * [`compare`]: whether a restored object is the one that was backed up, and what may differ.
//! * [`secret`]: canaries that must not show in logs, errors and files.
//! * [`vectors`]: what the API server's own code makes of an object, against what csdr makes of it.

pub mod cluster;
pub mod compare;
pub mod converter;
pub mod fault;
pub mod hook;
pub mod item_action;
pub mod s3;
pub mod secret;
pub mod transform;
pub mod vault;
pub mod vectors;
