//! Init containers that restored pods get.

use super::{
    HookPod, RestoreHook, RestoreHooks, annotation::Annotated, command::parse_command,
    spec::PodSelector,
};
use crate::{
    Error, Result,
    conversion::Severity,
    model::{Tree, TreeMap},
    port::Transform,
    transform::{TransformItem, Verdict},
};

/// The name that a container gets whose annotations name none.
const NAME: &str = "restore-init-hook";

/// Containers after which hooks are put: they bring the volumes' data. Source: velero.md section 3.9.
const WAITS: [&str; 2] = ["restore-wait", "restic-wait"];

/// Gives restored pods the init containers that their annotations, else the spec, ask for.
///
/// Source: velero.md section 3.9, `init-restore-hook`: `init.hook.restore.velero.io/{container-image,container-name,command}`; csdr's own
/// spelling `init.hook.restore.csdr.alibabacloud.com/…` goes first. The containers are put first, but behind one that waits for the
/// volumes' data. A container whose name the pod has already is not added again, so that a second run changes nothing.
///
/// ```
/// use csdr_core::{hook::InitHooks, port::Transform, spec::RestoreHooks};
/// let hooks = InitHooks::new(&RestoreHooks::default())?;
/// assert_eq!(hooks.name(), "init hooks");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InitHooks {
    rules: Vec<(PodSelector, String, Vec<Tree>)>,
}

impl InitHooks {
    /// From the hooks of a restore's spec.
    ///
    /// # Errors
    /// `InvalidInput` for hooks that cannot be meant.
    pub fn new(hooks: &RestoreHooks) -> Result<Self> {
        let mut rules = Vec::new();
        for rule in &hooks.resources {
            let mut containers = Vec::new();
            for hook in &rule.post_hooks {
                if let RestoreHook::Init(init) = hook {
                    containers.extend(init.containers()?);
                }
            }
            if !containers.is_empty() {
                rules.push((rule.pods()?, rule.name.clone(), containers));
            }
        }
        Ok(Self { rules })
    }
}

impl Transform for InitHooks {
    fn name(&self) -> &str {
        "init hooks"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        if item.kind() != ("", "pods") {
            return Ok(Verdict::Restore);
        }
        let pod = HookPod::from_tree(item.target().clone(), item.tree());
        let prefixes = ["csdr.alibabacloud.com", "velero.io"]
            .map(|domain| format!("init.hook.restore.{domain}"));
        let (wanted, reason) = match Annotated::first(&pod, prefixes, "container-image") {
            Some(annotated) => {
                let (container, remark) = of_annotations(&annotated)?;
                if let Some(remark) = remark {
                    item.warn(&["metadata", "annotations"], Severity::Info, remark);
                }
                (
                    vec![container],
                    "restore hook of the pod's annotations".to_owned(),
                )
            }
            None => {
                let rules = self.rules.iter().filter(|(pods, _, _)| pods.matches(&pod));
                let rules: Vec<_> = rules.collect();
                let names: Vec<&str> = rules.iter().map(|(_, name, _)| name.as_str()).collect();
                let reason = format!("restore hooks of the spec: {}", names.join(", "));
                (
                    rules.iter().flat_map(|(_, _, own)| own.clone()).collect(),
                    reason,
                )
            }
        };
        let path = ["spec", "initContainers"];
        let mut there = item
            .get(&path)
            .and_then(Tree::as_array)
            .unwrap_or_default()
            .to_vec();
        let name = |tree: &Tree| tree.text_at(&["name"]).unwrap_or_default().to_owned();
        let taken = |list: &[Tree], own: &Tree| list.iter().any(|tree| name(tree) == name(own));
        let at = there
            .first()
            .is_some_and(|first| WAITS.contains(&name(first).as_str()));
        let mut added = Vec::new();
        for container in wanted {
            if !taken(&there, &container) && !taken(&added, &container) {
                added.push(container);
            }
        }
        if !added.is_empty() {
            let at = usize::from(at);
            drop(there.splice(at..at, added));
            item.set(&path, there, reason);
        }
        Ok(Verdict::Restore)
    }
}

/// The container, and what a person should know.
fn of_annotations(annotated: &Annotated<'_>) -> Result<(Tree, Option<&'static str>)> {
    let mut container = TreeMap::default();
    let name = annotated.get("container-name").unwrap_or(NAME);
    let image = annotated.get("container-image").unwrap_or_default();
    container.insert("name".to_owned(), name.into());
    container.insert("image".to_owned(), image.into());
    if let Some(text) = annotated.get("command") {
        let words = parse_command(text).map_err(|error| {
            Error::invalid(format!("init hook of the annotations: {}", error.message()))
        })?;
        let words: Vec<Tree> = words.into_iter().map(Tree::from).collect();
        container.insert("command".to_owned(), words.into());
    }
    let remark = annotated.get("timeout").map(|_| {
        "init.hook.restore…/timeout has no effect: the kubelet runs init containers, and nothing waits for them"
    });
    Ok((Tree::Object(container), remark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Object;
    use serde_json::{Value, json};

    fn restored(hooks: &str, annotations: Value, there: Value) -> String {
        let hooks: RestoreHooks = serde_saphyr::from_str(hooks).unwrap();
        hooks.validate().unwrap();
        let json = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "namespace": "shop", "annotations": annotations},
            "spec": {"containers": [{"name": "c"}], "initContainers": there}});
        let stored = Object::parse("pods".parse().unwrap(), json.to_string().into_bytes()).unwrap();
        let tree = stored.tree().unwrap();
        let hooks = InitHooks::new(&hooks).unwrap();
        let mut item = TransformItem::new(&stored, "pods/copy/a".parse().unwrap(), tree);
        hooks.transform(&mut item).unwrap();
        let changes = item.changes().len();
        let once = item.tree().clone();
        hooks.transform(&mut item).unwrap();
        assert_eq!(
            (item.changes().len(), item.tree()),
            (changes, &once),
            "a second time"
        );
        let containers = once.at(&["spec", "initContainers"]).unwrap().to_string();
        format!("{changes} {containers}")
    }

    #[test]
    fn velero_3_9_init_hooks() {
        let key = |name: &str| format!("init.hook.restore.velero.io/{name}");
        let image = || json!({key("container-image"): "a:1"});
        let rules = "{resources: [{name: r, includedNamespaces: [copy], postHooks: [{init: {initContainers: [{name: x, image: 'x:1'}, {name: 'y'}]}}]}]}";
        for (hooks, annotations, there, expected) in [
            ("{}", json!({}), json!([]), "0 []"),
            (
                "{}",
                image(),
                json!([]),
                r#"1 [{"name":"restore-init-hook","image":"a:1"}]"#,
            ),
            (
                "{}",
                json!({key("container-image"): "a:1", key("container-name"): "seed", key("command"): "[\"sh\",\"-c\",\"x\"]"}),
                json!([{"name": "b"}]),
                r#"1 [{"name":"seed","image":"a:1","command":["sh","-c","x"]},{"name":"b"}]"#,
            ),
            (
                "{}",
                image(),
                json!([{"name": "restore-wait"}, {"name": "b"}]),
                r#"1 [{"name":"restore-wait"},{"name":"restore-init-hook","image":"a:1"},{"name":"b"}]"#,
            ),
            // An image makes a hook; a command alone does not.
            ("{}", json!({key("command"): "x"}), json!([]), "0 []"),
            (
                rules,
                json!({}),
                json!([{"name": "b"}]),
                r#"1 [{"image":"x:1","name":"x"},{"name":"y"},{"name":"b"}]"#,
            ),
            (
                rules,
                image(),
                json!([]),
                r#"1 [{"name":"restore-init-hook","image":"a:1"}]"#,
            ),
            (
                rules,
                json!({}),
                json!([{"name": "y"}, {"name": "x"}]),
                r#"0 [{"name":"y"},{"name":"x"}]"#,
            ),
        ] {
            assert_eq!(
                restored(hooks, annotations.clone(), there),
                expected,
                "{hooks} {annotations}"
            );
        }
        let elsewhere = rules.replace("copy", "shop");
        assert_eq!(restored(&elsewhere, json!({}), json!([])), "0 []");
    }
}
