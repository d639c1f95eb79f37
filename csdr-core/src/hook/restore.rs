//! The exec hooks of one restored pod.

use super::{
    HookCommand, HookPod, OnError, RestoreHook, RestoreHooks,
    annotation::Annotated,
    command::DEFAULT_TIMEOUT,
    spec::{PodSelector, RestoreExecHook},
};
use crate::{Result, model::GoDuration};

/// How long a container may take to run or to be ready where nothing is said. Velero waits for ever; nothing here does.
const DEFAULT_WAIT: GoDuration = GoDuration::seconds(600);

/// A hook that waits for its container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingHook {
    pub(crate) command: HookCommand,
    /// How long the container may take.
    pub(crate) wait: GoDuration,
    /// Whether it must be ready, not only running.
    pub(crate) ready: bool,
}

/// The exec hooks of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodHooks {
    pub(crate) hooks: Vec<WaitingHook>,
    /// Hooks that were asked for and cannot be run, in words.
    pub(crate) unreadable: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// The exec hooks of a restore's spec, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct RestoreHookRules<'a> {
    rules: Vec<(PodSelector, &'a super::RestoreHookRule)>,
}

impl<'a> RestoreHookRules<'a> {
    pub(crate) fn new(hooks: &'a RestoreHooks) -> Result<Self> {
        let rules = hooks.resources.iter();
        let rules = rules.map(|rule| Ok((rule.pods()?, rule)));
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }

    /// The exec hooks of a pod as it stands in the target: those of its annotations, else those of the spec. Source: velero.md section
    /// 3.10.
    pub(crate) fn of(&self, pod: &HookPod) -> PodHooks {
        let mut found = PodHooks::default();
        let prefixes = ["csdr.alibabacloud.com", "velero.io"]
            .map(|domain| format!("post.hook.restore.{domain}"));
        let hooks = match Annotated::first(pod, prefixes, "command") {
            Some(annotated) => vec![of_annotations(&annotated, &mut found.warnings)],
            None => self.of_spec(pod),
        };
        for hook in hooks {
            match hook {
                Ok(hook) => found.hooks.push(hook),
                Err(why) => found.unreadable.push(format!("post hook, {why}")),
            }
        }
        found
    }

    fn of_spec(&self, pod: &HookPod) -> Vec<Result<WaitingHook, String>> {
        let mut hooks = Vec::new();
        for (_, rule) in self.rules.iter().filter(|(pods, _)| pods.matches(pod)) {
            for hook in &rule.post_hooks {
                if let RestoreHook::Exec(exec) = hook {
                    let about = |why| format!("rule {}: {why}", rule.name.escape_debug());
                    hooks.push(exec.for_pod(pod).map_err(about));
                }
            }
        }
        hooks
    }
}

/// Whether pods have hooks of a restore, of any sort.
#[derive(Clone, Debug, Default)]
pub(crate) struct HookedPods {
    rules: Vec<PodSelector>,
}

impl HookedPods {
    pub(crate) fn new(hooks: &RestoreHooks) -> Result<Self> {
        let rules = hooks.resources.iter().map(super::RestoreHookRule::pods);
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }

    pub(crate) fn has(&self, pod: &HookPod) -> bool {
        pod.asks_of_restore() || self.rules.iter().any(|pods| pods.matches(pod))
    }
}

fn of_annotations(
    annotated: &Annotated<'_>,
    warnings: &mut Vec<String>,
) -> Result<WaitingHook, String> {
    let command = annotated.hook("exec-timeout", OnError::Continue, warnings)?;
    let wait = annotated.duration("wait-timeout", DEFAULT_WAIT, warnings);
    // Source: Velero reads it with Go's `strconv.ParseBool`.
    let ready = match annotated.get("wait-for-ready") {
        None | Some("0" | "f" | "F" | "false" | "FALSE" | "False") => false,
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => true,
        Some(other) => {
            warnings.push(format!(
                "annotation wait-for-ready: {other:?} is neither true nor false; false is taken"
            ));
            false
        }
    };
    Ok(WaitingHook {
        command,
        wait,
        ready,
    })
}

impl RestoreExecHook {
    fn for_pod(&self, pod: &HookPod) -> Result<WaitingHook, String> {
        Ok(WaitingHook {
            command: HookCommand {
                container: pod.container(Some(&self.container))?,
                command: self.command.clone(),
                on_error: self.on_error.unwrap_or(OnError::Continue),
                timeout: self.exec_timeout.unwrap_or(DEFAULT_TIMEOUT),
            },
            wait: self.wait_timeout.unwrap_or(DEFAULT_WAIT),
            ready: self.wait_for_ready.unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectId, Tree};
    use serde_json::json;

    fn told(hooks: &str, annotations: serde_json::Value) -> String {
        let hooks: RestoreHooks = serde_saphyr::from_str(hooks).unwrap();
        hooks.validate().unwrap();
        let pod = json!({"metadata": {"annotations": annotations, "labels": {"app": "db"}},
            "spec": {"containers": [{"name": "db"}, {"name": "log"}]}});
        let id: ObjectId = "pods/copy/db-0".parse().unwrap();
        let pod = HookPod::from_tree(id, &Tree::parse(pod.to_string().as_bytes()).unwrap());
        let found = RestoreHookRules::new(&hooks).unwrap().of(&pod);
        let hooks = found.hooks.iter().map(|hook| {
            let (words, ready) = (hook.command.command.join("|"), hook.ready);
            format!(
                "{} {words} {} {} wait {} ready {ready}",
                hook.command.container, hook.command.on_error, hook.command.timeout, hook.wait
            )
        });
        let mut lines: Vec<String> = hooks.collect();
        lines.extend(found.unreadable);
        lines.extend(found.warnings);
        lines.join("\n")
    }

    #[test]
    fn velero_3_10_annotations() {
        let key = |name: &str| format!("post.hook.restore.velero.io/{name}");
        for (annotations, expected) in [
            (json!({}), ""),
            (
                json!({key("command"): "warm"}),
                "db warm Continue 30s wait 10m0s ready false",
            ),
            (
                json!({key("command"): r#"["sh","-c","warm"]"#, key("container"): "log", key("on-error"): "Fail",
                    key("exec-timeout"): "5s", key("wait-timeout"): "1m", key("wait-for-ready"): "true"}),
                "log sh|-c|warm Fail 5s wait 1m0s ready true",
            ),
            (
                json!({key("command"): "warm", key("wait-for-ready"): "yes"}),
                "db warm Continue 30s wait 10m0s ready false\n\
                 annotation wait-for-ready: \"yes\" is neither true nor false; false is taken",
            ),
            (
                json!({key("command"): "warm", "post.hook.restore.csdr.alibabacloud.com/command": "own"}),
                "db own Continue 30s wait 10m0s ready false",
            ),
            (
                json!({key("command"): "warm", key("container"): "x"}),
                "post hook, annotations post.hook.restore.velero.io/…: the pod has no container x",
            ),
        ] {
            assert_eq!(told("{}", annotations.clone()), expected, "{annotations}");
        }
    }

    #[test]
    fn velero_3_10_rules_of_the_spec() {
        let rules = "{resources: [{name: a, includedNamespaces: [copy], postHooks: [\
            {exec: {command: [one]}}, {init: {initContainers: [{name: i}]}},\
            {exec: {command: [two], container: log, onError: Fail, execTimeout: 1s, waitTimeout: 2s, waitForReady: true}}]},\
            {name: b, includedNamespaces: [shop], postHooks: [{exec: {command: [three]}}]}]}";
        assert_eq!(
            told(rules, json!({})),
            "db one Continue 30s wait 10m0s ready false\nlog two Fail 1s wait 2s ready true"
        );
        let own = json!({"post.hook.restore.velero.io/command": "mine"});
        assert_eq!(
            told(rules, own),
            "db mine Continue 30s wait 10m0s ready false"
        );
    }
}
