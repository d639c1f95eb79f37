//! Hooks in a spec, in Velero's shape.

use super::HookPod;
use super::command::{DEFAULT_TIMEOUT, HookCommand, OnError, check_command};
use crate::{
    Error, Result,
    model::{GoDuration, LabelSelector, Tree},
    select::Patterns,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Most rules of a spec.
const MAX_RULES: usize = 1_000;

/// Hooks of a backup. Source: Velero's `BackupHooks`.
///
/// ```
/// use csdr_core::{hook::{BackupHookRule, BackupHooks, ExecHook}, spec::BackupSpec};
/// let freeze = ExecHook::new(["fsfreeze", "--freeze", "/data"]).with_container("db");
/// let thaw = ExecHook::new(["fsfreeze", "--unfreeze", "/data"]).with_container("db").with_timeout(std::time::Duration::from_secs(60));
/// let rule = BackupHookRule::named("data").with_namespace("shop").with_selector("app=db".parse()?).with_pre(freeze).with_post(thaw);
/// let spec = BackupSpec::named("shop-1").with_hooks(BackupHooks { resources: vec![rule] });
/// spec.validate()?;
/// let same = BackupSpec::from_yaml("{name: shop-1, hooks: {resources: [{name: data, includedNamespaces: [shop],
///   labelSelector: {matchLabels: {app: db}}, pre: [{exec: {container: db, command: [fsfreeze, --freeze, /data]}}],
///   post: [{exec: {container: db, command: [fsfreeze, --unfreeze, /data], timeout: 1m}}]}]}}")?;
/// assert_eq!(spec, same);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupHooks {
    /// The rules; all that match a pod are run, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<BackupHookRule>,
}

/// Hooks for the pods that a rule matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupHookRule {
    /// Its name, for people.
    pub name: String,
    /// Namespaces or patterns; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces or patterns to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Resources; hooks are there for pods only, so that `pods` and nothing mean the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Resources to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Labels that a pod must have.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Before the pod's block is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre: Vec<BackupHook>,
    /// After it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<BackupHook>,
}

/// One hook: a command in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupHook {
    /// The command.
    pub exec: ExecHook,
}

/// A command in a container. `Debug` shows the program, not its arguments.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecHook {
    /// The container; the first one if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// Program and arguments; there is no shell.
    pub command: Vec<String>,
    /// What its failure means; `Fail` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    /// How long it may take; 30 seconds unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

impl std::fmt::Debug for ExecHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecHook")
            .field("container", &self.container)
            .field("program", &self.command.first())
            .finish_non_exhaustive()
    }
}

impl ExecHook {
    /// A command in the first container, at most 30 seconds, whose failure fails.
    pub fn new(command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            command: command.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// In this container.
    #[must_use]
    pub fn with_container(mut self, container: impl Into<String>) -> Self {
        self.container = container.into();
        self
    }

    /// What its failure means.
    #[must_use]
    pub fn with_on_error(mut self, on_error: OnError) -> Self {
        self.on_error = Some(on_error);
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.timeout = Some(timeout.into());
        self
    }

    /// For one pod; `Err` says why it cannot be run there.
    pub(super) fn for_pod(&self, pod: &HookPod) -> std::result::Result<HookCommand, String> {
        Ok(HookCommand {
            container: pod.container(Some(&self.container))?,
            command: self.command.clone(),
            on_error: self.on_error.unwrap_or(OnError::Fail),
            timeout: self.timeout.unwrap_or(DEFAULT_TIMEOUT),
        })
    }
}

impl BackupHookRule {
    /// A rule for all pods, without hooks.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds a namespace or pattern.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.included_namespaces.push(namespace.into());
        self
    }

    /// Demands labels.
    #[must_use]
    pub fn with_selector(mut self, selector: LabelSelector) -> Self {
        self.label_selector = selector;
        self
    }

    /// Adds a hook before the read.
    #[must_use]
    pub fn with_pre(mut self, exec: ExecHook) -> Self {
        self.pre.push(BackupHook { exec });
        self
    }

    /// Adds a hook after the read.
    #[must_use]
    pub fn with_post(mut self, exec: ExecHook) -> Self {
        self.post.push(BackupHook { exec });
        self
    }

    pub(super) fn pods(&self) -> Result<PodSelector> {
        PodSelector::new(
            [&self.included_namespaces, &self.excluded_namespaces],
            [&self.included_resources, &self.excluded_resources],
            &self.label_selector,
        )
    }
}

impl BackupHooks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// `InvalidInput`, naming the rule.
    pub fn validate(&self) -> Result<()> {
        check_names(self.resources.iter().map(|rule| rule.name.as_str()))?;
        for rule in &self.resources {
            let about = |error: Error| error.with_context("hook", rule.name.escape_debug());
            rule.pods().map_err(about)?;
            for hook in rule.pre.iter().chain(&rule.post) {
                check_command(&hook.exec.command).map_err(about)?;
            }
            if rule.pre.is_empty() && rule.post.is_empty() {
                return Err(about(Error::invalid(
                    "the rule has neither pre nor post hooks",
                )));
            }
        }
        Ok(())
    }
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.len() > 253 || !seen.insert(name) {
            return Err(
                Error::invalid("hooks: a rule's name is empty, too long or there twice")
                    .with_context("hook", name.escape_debug()),
            );
        }
        if seen.len() > MAX_RULES {
            return Err(
                Error::invalid("hooks: more rules than allowed").with_context("limit", MAX_RULES)
            );
        }
    }
    Ok(())
}

/// Which pods a rule matches.
#[derive(Clone, Debug)]
pub(super) struct PodSelector {
    namespaces: Patterns,
    pods: bool,
    labels: LabelSelector,
}

impl PodSelector {
    fn new(
        namespaces: [&[String]; 2],
        resources: [&[String]; 2],
        labels: &LabelSelector,
    ) -> Result<Self> {
        labels.validate()?;
        Ok(Self {
            namespaces: Patterns::new("namespaces", namespaces[0], namespaces[1])?,
            pods: Patterns::new("resources", resources[0], resources[1])?
                .matches_any(&["pods", "pod", "po"]),
            labels: labels.clone(),
        })
    }

    pub(super) fn matches(&self, pod: &HookPod) -> bool {
        self.pods
            && pod
                .id
                .namespace()
                .is_some_and(|name| self.namespaces.matches(name))
            && self.labels.matches(&pod.labels)
    }
}

/// Hooks of a restore. Source: Velero's `RestoreHooks`. Namespaces are those of the target.
///
/// ```
/// use csdr_core::spec::RestoreSpec;
/// let spec = RestoreSpec::from_yaml("{name: a, backupName: b, hooks: {resources: [{name: warm, includedNamespaces: [shop],
///   postHooks: [{exec: {command: [psql, -c, select 1], waitForReady: true, waitTimeout: 5m, onError: Fail}},
///               {init: {initContainers: [{name: seed, image: 'example.com/seed:1'}]}}]}]}}")?;
/// assert_eq!(spec.hooks.resources[0].post_hooks.len(), 2);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreHooks {
    /// The rules; all that match a pod are run, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<RestoreHookRule>,
}

/// Hooks for the restored pods that a rule matches.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreHookRule {
    /// Its name, for people.
    pub name: String,
    /// Namespaces of the target, or patterns; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces or patterns to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Resources; hooks are there for pods only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Resources to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Labels that a pod must have.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// The hooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_hooks: Vec<RestoreHook>,
}

/// One hook of a restore: a command once the container runs, or init containers before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum RestoreHook {
    /// A command.
    Exec(RestoreExecHook),
    /// Init containers.
    Init(InitHook),
}

/// A command in a container of a restored pod. `Debug` shows the program, not its arguments.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreExecHook {
    /// The container; the first one if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// Program and arguments; there is no shell.
    pub command: Vec<String>,
    /// What its failure means; `Continue` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<OnError>,
    /// How long the command may take; 30 seconds unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec_timeout: Option<GoDuration>,
    /// How long its container may take to run or to be ready; 10 minutes unless said, never for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_timeout: Option<GoDuration>,
    /// Wait until the container is ready, not only until it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for_ready: Option<bool>,
}

impl std::fmt::Debug for RestoreExecHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestoreExecHook")
            .field("container", &self.container)
            .field("program", &self.command.first())
            .finish_non_exhaustive()
    }
}

/// Init containers that a restored pod gets. `Debug` shows how many.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InitHook {
    /// The containers, as they stand in a pod's `initContainers`.
    pub init_containers: Vec<serde_json::Value>,
    /// Velero's `timeout`: how long it waits; the kubelet runs init containers, so that nothing here waits for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<GoDuration>,
}

impl std::fmt::Debug for InitHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InitHook({} containers)", self.init_containers.len())
    }
}

impl InitHook {
    /// The containers as trees.
    pub(super) fn containers(&self) -> Result<Vec<Tree>> {
        self.init_containers
            .iter()
            .map(|container| {
                let tree = Tree::parse(container.to_string().as_bytes())?;
                if tree.text_at(&["name"]).is_none_or(str::is_empty) {
                    return Err(Error::invalid("an init container has no name"));
                }
                Ok(tree)
            })
            .collect()
    }
}

impl RestoreHooks {
    /// Whether some are commands, which need an executor.
    pub(crate) fn has_commands(&self) -> bool {
        let hooks = self.resources.iter().flat_map(|rule| &rule.post_hooks);
        hooks
            .into_iter()
            .any(|hook| matches!(hook, RestoreHook::Exec(_)))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// `InvalidInput`, naming the rule.
    pub fn validate(&self) -> Result<()> {
        check_names(self.resources.iter().map(|rule| rule.name.as_str()))?;
        for rule in &self.resources {
            let about = |error: Error| error.with_context("hook", rule.name.escape_debug());
            rule.pods().map_err(about)?;
            if rule.post_hooks.is_empty() {
                return Err(about(Error::invalid("the rule has no postHooks")));
            }
            for hook in &rule.post_hooks {
                match hook {
                    RestoreHook::Exec(exec) => check_command(&exec.command).map_err(about)?,
                    RestoreHook::Init(init) if init.init_containers.is_empty() => {
                        return Err(about(Error::invalid("init has no initContainers")));
                    }
                    RestoreHook::Init(init) => init.containers().map(drop).map_err(about)?,
                }
            }
        }
        Ok(())
    }
}

impl RestoreHookRule {
    pub(super) fn pods(&self) -> Result<PodSelector> {
        PodSelector::new(
            [&self.included_namespaces, &self.excluded_namespaces],
            [&self.included_resources, &self.excluded_resources],
            &self.label_selector,
        )
    }
}
