//! The backup hooks of one pod.

use super::{
    BackupHooks, HookPod,
    annotation::Annotated,
    command::{HookCommand, OnError},
    spec::PodSelector,
};
use crate::Result;

/// The hooks of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Before its block is read.
    pub(crate) pre: Vec<HookCommand>,
    /// After it.
    pub(crate) post: Vec<HookCommand>,
    /// Hooks that were asked for and cannot be run, in words.
    pub(crate) unreadable: Vec<String>,
    /// What a person should know.
    pub(crate) warnings: Vec<String>,
}

impl Chosen {
    pub(crate) fn is_empty(&self) -> bool {
        self.pre.is_empty() && self.post.is_empty() && self.unreadable.is_empty()
    }
}

/// The hooks of a backup's spec, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct BackupHookRules<'a> {
    rules: Vec<(PodSelector, &'a super::BackupHookRule)>,
}

/// The annotations' prefixes of a phase, the first one first.
fn prefixes(phase: &str) -> Vec<String> {
    let mut prefixes = vec![
        format!("{phase}.hook.backup.csdr.alibabacloud.com"),
        format!("{phase}.hook.backup.velero.io"),
    ];
    if phase == "pre" {
        prefixes.push("hook.backup.velero.io".to_owned());
    }
    prefixes
}

impl<'a> BackupHookRules<'a> {
    /// A text that the JSON of every pod has whose annotations ask for a hook.
    pub(crate) const MARK: &'static str = "hook.backup.";

    pub(crate) fn new(hooks: &'a BackupHooks) -> Result<Self> {
        let rules = hooks.resources.iter();
        let rules = rules.map(|rule| Ok((rule.pods()?, rule)));
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }

    /// Whether only annotations can ask for hooks.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The hooks of a pod: of each phase those of its annotations, else those of the spec. Source: velero.md section 2.8.
    pub(crate) fn of(&self, pod: &HookPod) -> Chosen {
        let mut chosen = Chosen::default();
        for phase in ["pre", "post"] {
            let found = match Annotated::first(pod, prefixes(phase), "command") {
                Some(annotated) => {
                    vec![annotated.hook("timeout", OnError::Fail, &mut chosen.warnings)]
                }
                None => self.of_spec(pod, phase),
            };
            for hook in found {
                match hook {
                    Ok(hook) if phase == "pre" => chosen.pre.push(hook),
                    Ok(hook) => chosen.post.push(hook),
                    Err(why) => chosen.unreadable.push(format!("{phase} hook, {why}")),
                }
            }
        }
        chosen
    }

    fn of_spec(&self, pod: &HookPod, phase: &str) -> Vec<Result<HookCommand, String>> {
        let rules = self.rules.iter().filter(|(pods, _)| pods.matches(pod));
        let hooks = rules.flat_map(|(_, rule)| {
            let own = if phase == "pre" {
                &rule.pre
            } else {
                &rule.post
            };
            own.iter().map(move |hook| {
                let hook = hook.exec.for_pod(pod);
                hook.map_err(|why| format!("rule {}: {why}", rule.name.escape_debug()))
            })
        });
        hooks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{hook::ExecHook, model::Object};
    use serde_json::json;

    fn pod(annotations: serde_json::Value) -> HookPod {
        let json = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "db-0", "namespace": "shop", "uid": "u", "labels": {"app": "db"}, "annotations": annotations},
            "spec": {
                "containers": [{"name": "db"}, {"name": "log"}],
                "volumes": [
                    {"name": "d", "persistentVolumeClaim": {"claimName": "data-db-0"}},
                    {"name": "tmp", "ephemeral": {}}, {"name": "e", "emptyDir": {}}],
            },
            "status": {"phase": "Running"},
        });
        let object = Object::parse("pods".parse().unwrap(), json.to_string().into_bytes());
        HookPod::of(&object.unwrap()).unwrap()
    }

    fn told(chosen: &Chosen) -> String {
        let hooks = |name: &str, hooks: &[HookCommand]| {
            let hooks = hooks.iter().map(|hook| {
                format!(
                    "{name} {} {} {} {}",
                    hook.container,
                    hook.command.join("|"),
                    hook.on_error,
                    hook.timeout
                )
            });
            hooks.collect::<Vec<_>>()
        };
        let mut lines = hooks("pre", &chosen.pre);
        lines.extend(hooks("post", &chosen.post));
        lines.extend(
            chosen
                .unreadable
                .iter()
                .map(|why| format!("unreadable: {why}")),
        );
        lines.extend(chosen.warnings.iter().map(|why| format!("warning: {why}")));
        lines.join("\n")
    }

    #[test]
    fn velero_2_8_annotations() {
        let v = "pre.hook.backup.velero.io";
        let c = "pre.hook.backup.csdr.alibabacloud.com";
        for (annotations, expected) in [
            (json!({}), ""),
            (json!({"pre.hook.backup.velero.io/container": "db"}), ""),
            (
                json!({"other": "x", "pre.hook.backup.velero.io/command": ""}),
                "",
            ),
            // The first container, 30 seconds, Fail.
            (
                json!({format!("{v}/command"): "sync"}),
                "pre db sync Fail 30s",
            ),
            (
                json!({format!("{v}/command"): r#"["fsfreeze","-f","/d"]"#, format!("{v}/container"): "log",
                    format!("{v}/on-error"): "Continue", format!("{v}/timeout"): "2m"}),
                "pre log fsfreeze|-f|/d Continue 2m0s",
            ),
            (
                json!({"post.hook.backup.velero.io/command": "thaw"}),
                "post db thaw Fail 30s",
            ),
            // The old spelling is `pre`, and only that.
            (
                json!({"hook.backup.velero.io/command": "old"}),
                "pre db old Fail 30s",
            ),
            (
                json!({"hook.backup.velero.io/command": "old", format!("{v}/command"): "new"}),
                "pre db new Fail 30s",
            ),
            // csdr's own goes first, whole.
            (
                json!({format!("{v}/command"): "theirs", format!("{v}/timeout"): "1m", format!("{c}/command"): "ours"}),
                "pre db ours Fail 30s",
            ),
            (
                json!({format!("{v}/command"): "sync", format!("{v}/timeout"): "30", format!("{v}/on-error"): "fail"}),
                "pre db sync Fail 30s\n\
                 warning: annotation pre.hook.backup.velero.io/on-error: \"fail\" is neither Fail nor Continue; Fail is taken\n\
                 warning: annotation pre.hook.backup.velero.io/timeout: not a duration: a unit is missing; write it as `30s`, `1h30m` or `1.5s` (duration=30); 30s is taken",
            ),
            (
                json!({format!("{v}/command"): "sync", format!("{v}/container"): "web"}),
                "unreadable: pre hook, annotations pre.hook.backup.velero.io/…: the pod has no container web",
            ),
            (
                json!({format!("{v}/command"): "[sync"}),
                "unreadable: pre hook, annotations pre.hook.backup.velero.io/…: the command begins as a JSON array and is no array of strings (column 2)",
            ),
        ] {
            let hooks = BackupHooks::default();
            let rules = BackupHookRules::new(&hooks).unwrap();
            let pod = pod(annotations.clone());
            assert_eq!(told(&rules.of(&pod)), expected, "{annotations}");
        }
    }

    fn rule(yaml: &str) -> BackupHooks {
        let hooks: BackupHooks =
            serde_saphyr::from_str(&format!("{{resources: [{yaml}]}}")).unwrap();
        hooks.validate().unwrap();
        hooks
    }

    #[test]
    fn velero_2_8_rules_of_the_spec() {
        let both = "pre: [{exec: {command: [freeze]}}], post: [{exec: {command: [thaw], container: log, onError: Continue, timeout: 90s}}]";
        let all = "pre db freeze Fail 30s\npost log thaw Continue 1m30s";
        for (selector, expected) in [
            ("", all),
            ("includedNamespaces: ['sh*'],", all),
            ("includedNamespaces: [other],", ""),
            ("excludedNamespaces: [shop],", ""),
            ("includedResources: [pods],", all),
            ("includedResources: ['*'],", all),
            ("includedResources: [persistentvolumeclaims],", ""),
            ("excludedResources: [po],", ""),
            ("labelSelector: {matchLabels: {app: db}},", all),
            ("labelSelector: {matchLabels: {app: web}},", ""),
        ] {
            let hooks = rule(&format!("{{name: a, {selector} {both}}}"));
            let rules = BackupHookRules::new(&hooks).unwrap();
            assert_eq!(told(&rules.of(&pod(json!({})))), expected, "{selector}");
        }
    }

    #[test]
    fn velero_2_8_annotations_replace_the_rules_of_their_phase() {
        let hooks = rule(
            "{name: a, pre: [{exec: {command: [one]}}], post: [{exec: {command: [undo]}}]}, {name: b, pre: [{exec: {command: [two]}}]}",
        );
        let rules = BackupHookRules::new(&hooks).unwrap();
        assert_eq!(
            told(&rules.of(&pod(json!({})))),
            "pre db one Fail 30s\npre db two Fail 30s\npost db undo Fail 30s"
        );
        let own = pod(json!({"pre.hook.backup.velero.io/command": "mine"}));
        assert_eq!(
            told(&rules.of(&own)),
            "pre db mine Fail 30s\npost db undo Fail 30s"
        );
    }

    #[test]
    fn a_pods_claims_are_those_of_its_volumes() {
        let claims: Vec<String> = pod(json!({})).claims.into_iter().collect();
        assert_eq!(claims, ["data-db-0", "db-0-tmp"]);
    }

    #[test]
    fn specs_are_read_strictly() {
        for (yaml, part) in [
            ("{resources: [{name: a}]}", "neither pre nor post"),
            (
                "{resources: [{name: a, pre: [{exec: {command: []}}]}]}",
                "command is empty",
            ),
            (
                "{resources: [{name: '', pre: [{exec: {command: [x]}}]}]}",
                "name is empty",
            ),
            (
                "{resources: [{name: a, includedNamespaces: ['**'], pre: [{exec: {command: [x]}}]}]}",
                "pattern",
            ),
        ] {
            let hooks: BackupHooks = serde_saphyr::from_str(yaml).unwrap();
            let error = hooks.validate().unwrap_err();
            assert!(error.to_string().contains(part), "{yaml}: {error}");
        }
        for yaml in [
            "{resources: [{name: a, pre: [{exec: {command: [x], timeout: 30}}]}]}",
            "{resources: [{name: a, pre: [{exec: {command: [x], onError: fail}}]}]}",
            "{resources: [{name: a, hooks: []}]}",
        ] {
            assert!(
                serde_saphyr::from_str::<BackupHooks>(yaml).is_err(),
                "{yaml}"
            );
        }
        assert!(!format!("{:?}", ExecHook::new(["mysql", "-phunter2"])).contains("hunter2"));
    }
}
