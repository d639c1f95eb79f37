//! Hooks: commands in containers that freeze an application for a backup and thaw it, or finish it after a restore.
//!
//! Pure rules: which hooks a pod has, from its annotations and from the spec, and which pods are frozen together. Source: velero.md
//! sections 2.8, 3.9 and 3.10. The commands are run by [`HookExecutor`](crate::port::HookExecutor).

mod annotation;
mod block;
mod choose;
mod command;
mod init;
mod outcome;
mod pod;
mod restore;
mod spec;

pub(crate) use block::blocks;
pub(crate) use choose::BackupHookRules;
pub use command::{HookCommand, OnError};
pub use init::InitHooks;
pub use outcome::{FrozenBlock, HookOutcome, HookPhase, HookReport, HookResult};
pub(crate) use outcome::{HookTarget, millis_since, run_hook};
pub use pod::HookPod;
pub(crate) use restore::{HookedPods, RestoreHookRules, WaitingHook};
pub use spec::{
    BackupHook, BackupHookRule, BackupHooks, ExecHook, InitHook, RestoreExecHook, RestoreHook,
    RestoreHookRule, RestoreHooks,
};
