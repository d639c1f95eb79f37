//! Images of containers: another registry, another repository, another tag.

use super::{TransformItem, Verdict};
use crate::{
    Error, Result,
    conversion::{Severity, draft::Node, template_path},
    lifecycle::is_builtin_group,
    model::Tree,
    port::Transform,
};
use std::collections::BTreeMap;

/// Rewrites images in pods and in the pod templates of every workload, containers and init containers alike, and in image volumes.
///
/// Custom resources are not touched: where one names a mapped registry, that is told.
///
/// ```
/// use csdr_core::transform::Images;
/// let mapping = [("docker.io/library/".to_owned(), "registry.example.com/mine/".to_owned())].into();
/// let images = Images::by_registry(&mapping)?;
/// // R320; a short name means docker.io/library.
/// assert_eq!(images.rewritten("docker.io/library/app1:v1").unwrap(), "registry.example.com/mine/app1:v1");
/// assert_eq!(images.rewritten("app1:v1").unwrap(), "registry.example.com/mine/app1:v1");
/// assert_eq!(images.rewritten("quay.io/library/app1:v1"), None);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Images {
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    /// Old and new prefix, the longest first.
    Prefixes(Vec<(String, String)>),
    /// Old and new part, in the order in which they are tried.
    Parts(Vec<(String, String)>),
}

impl Images {
    /// From old to new prefix (R320). The longest that fits counts; one that ends within a component of the image's name does not fit.
    ///
    /// # Errors
    /// `InvalidInput` for an empty prefix.
    pub fn by_registry(mapping: &BTreeMap<String, String>) -> Result<Self> {
        if mapping
            .iter()
            .any(|(from, to)| from.is_empty() || to.is_empty())
        {
            return Err(Error::invalid("image registry mapping: a prefix is empty"));
        }
        let mut prefixes: Vec<_> = mapping.clone().into_iter().collect();
        prefixes.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        Ok(Self {
            rules: Rules::Prefixes(prefixes),
        })
    }

    /// From the data of a `change-image-name` ConfigMap: `caseN: "<old>,<new>"` (R321 to R323). Every occurrence of the old text in
    /// an image is replaced; the first row that fits counts, rows being tried by the length of their keys, then by their keys.
    ///
    /// Source: backup-center.md section 1.12, rows 4 and 5: both sides are trimmed.
    ///
    /// # Errors
    /// `InvalidInput` for a row without a comma or with an empty side: it would do nothing. A version is changed by `v1,v2`.
    pub fn by_cases(data: &BTreeMap<String, String>) -> Result<Self> {
        let mut rows: Vec<_> = data.iter().collect();
        // The map has sorted them by key.
        rows.sort_by_key(|(key, _)| key.len());
        let parts = rows.into_iter().map(|(key, row)| {
            let sides = row.split_once(',').map(|(old, new)| (old.trim(), new.trim()));
            match sides.filter(|(old, new)| !old.is_empty() && !new.is_empty()) {
                Some((old, new)) => Ok((old.to_owned(), new.to_owned())),
                None => Err(Error::invalid(
                    "change of images: a row must be `<old>,<new>`; without a comma it does nothing",
                )
                .with_context("row", key.escape_debug())),
            }
        });
        Ok(Self {
            rules: Rules::Parts(parts.collect::<Result<_>>()?),
        })
    }

    /// The image after the change; nothing if no rule fits it.
    pub fn rewritten(&self, image: &str) -> Option<String> {
        match &self.rules {
            Rules::Parts(parts) => parts
                .iter()
                .find(|(old, _)| image.contains(old.as_str()))
                .map(|(old, new)| image.replace(old, new))
                .filter(|new| new != image),
            Rules::Prefixes(prefixes) => {
                let full = full_name(image);
                let fits = |name: &str, (old, new): &(String, String)| {
                    let rest = name.strip_prefix(old.as_str())?;
                    let whole =
                        old.ends_with('/') || rest.is_empty() || rest.starts_with(['/', ':', '@']);
                    whole.then(|| format!("{new}{rest}"))
                };
                let found = prefixes
                    .iter()
                    .find_map(|rule| fits(image, rule).or_else(|| fits(full.as_deref()?, rule)));
                found.filter(|new| new != image)
            }
        }
    }

    /// What a text that names an old image holds.
    fn names_old(&self, text: &str) -> bool {
        let (Rules::Prefixes(rules) | Rules::Parts(rules)) = &self.rules;
        rules.iter().any(|(old, _)| text.contains(old.as_str()))
    }

    fn rewrite(&self, node: &mut Node<'_>, field: &str) {
        let Some(old) = node.text(&[field]) else {
            return;
        };
        if let Some(new) = self.rewritten(old) {
            let reason = format!("{old} → {new}");
            node.set(&[field], new, reason);
        }
    }
}

/// A short name with the registry and repository that it means: `nginx` is `docker.io/library/nginx`.
fn full_name(image: &str) -> Option<String> {
    match image.split_once('/') {
        None => Some(format!("docker.io/library/{image}")),
        // Source: the reference grammar of distribution: the first component is a host if it has a dot or a port, or is localhost.
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => None,
        Some(_) => Some(format!("docker.io/{image}")),
    }
}

impl Transform for Images {
    fn name(&self) -> &str {
        "images"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        let kind = item.text(&["kind"]).unwrap_or_default();
        let group = item.kind().0;
        if let Some(path) = template_path(group, kind) {
            item.node().at(path, |template| {
                for containers in ["initContainers", "containers"] {
                    template.each(&["spec", containers], |container| {
                        self.rewrite(container, "image");
                    });
                }
                template.each(&["spec", "volumes"], |volume| {
                    volume.at(&["image"], |image| self.rewrite(image, "reference"));
                });
            });
        } else if group.contains('.') && !is_builtin_group(group) {
            let mut path = Vec::new();
            if find(item.tree(), &mut path, &|text: &str| self.names_old(text)) {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                item.warn(
                    &path,
                    Severity::Info,
                    "names an image that the mapping changes elsewhere; a custom resource is not rewritten, a resource modifier can do it",
                );
            }
        }
        Ok(Verdict::Restore)
    }
}

/// The way to the first string for which `is_it` holds, annotations and labels aside.
fn find(tree: &Tree, path: &mut Vec<String>, is_it: &impl Fn(&str) -> bool) -> bool {
    match tree {
        Tree::String(text) => is_it(text),
        Tree::Array(items) => items.iter().enumerate().any(|(at, item)| {
            path.push(at.to_string());
            find(item, path, is_it) || path.pop().is_none()
        }),
        Tree::Object(map) => map.iter().any(|(key, value)| {
            if path.is_empty() && key == "metadata" {
                return false;
            }
            path.push(key.to_owned());
            find(value, path, is_it) || path.pop().is_none()
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Object, transform::table::through};

    fn registry(rules: &[(&str, &str)]) -> Images {
        Images::by_registry(&map(rules)).unwrap()
    }

    fn map(rules: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = rules
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()));
        own.collect()
    }

    #[test]
    fn r320_prefixes_are_mapped_at_the_borders_of_components() {
        let images = registry(&[
            ("docker.io/library/", "r.cn/my/"),
            ("docker.io/", "r.cn/hub/"),
            ("quay.io/team", "r.cn/team"),
            ("r.cn/my/", "never.again/"),
        ]);
        for (image, expected) in [
            ("docker.io/library/app1:v1", Some("r.cn/my/app1:v1")),
            ("nginx", Some("r.cn/my/nginx")),
            ("nginx@sha256:0", Some("r.cn/my/nginx@sha256:0")),
            ("bitnami/redis:7", Some("r.cn/hub/bitnami/redis:7")),
            (
                "docker.io/bitnami/redis:7",
                Some("r.cn/hub/bitnami/redis:7"),
            ),
            ("quay.io/team/a", Some("r.cn/team/a")),
            ("quay.io/team2/a", None),
            ("localhost/library/a", None),
            ("registry:5000/nginx", None),
        ] {
            assert_eq!(images.rewritten(image).as_deref(), expected, "{image}");
        }
    }

    #[test]
    fn r322_r323_cases_replace_every_occurrence_and_the_first_that_fits_counts() {
        let images = Images::by_cases(&map(&[
            ("case1", "app1:v1,app2:v2"),
            ("case2", " docker.io/library/app3:v1 , registry.cn/app3:v2 "),
            ("case10", "app3,never"),
            ("case3", ":v1,:v2"),
        ]))
        .unwrap();
        for (image, expected) in [
            ("r.cn/app1:v1", Some("r.cn/app2:v2")),
            ("docker.io/library/app3:v1", Some("registry.cn/app3:v2")),
            ("r.cn/app4:v1", Some("r.cn/app4:v2")),
            ("app5:v3", None),
        ] {
            assert_eq!(images.rewritten(image).as_deref(), expected, "{image}");
        }
        // R322 as written: a row without a comma changes nothing, so it is refused.
        for row in ["v1:v2", ",v2", "v1,", ""] {
            let error = Images::by_cases(&map(&[("case1", row)])).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{row}");
        }
    }

    #[test]
    fn images_of_every_workload_are_rewritten() {
        let images = registry(&[("docker.io/library/", "r.cn/my/")]);
        let pod = r#"{"initContainers":[{"image":"a"}],"containers":[{"image":"b:1"},{"image":"q.io/c"}],"ephemeralContainers":[{"image":"e"}],"volumes":[{"name":"v","image":{"reference":"d"}}]}"#;
        let expected = r#"{"initContainers":[{"image":"r.cn/my/a"}],"containers":[{"image":"r.cn/my/b:1"},{"image":"q.io/c"}],"ephemeralContainers":[{"image":"e"}],"volumes":[{"name":"v","image":{"reference":"r.cn/my/d"}}]}"#;
        for (resource, version, kind, before, after) in [
            ("pods", "v1", "Pod", r#""spec":"#, ""),
            (
                "podtemplates",
                "v1",
                "PodTemplate",
                r#""template":{"spec":"#,
                "}",
            ),
            (
                "replicationcontrollers",
                "v1",
                "ReplicationController",
                r#""spec":{"template":{"spec":"#,
                "}}",
            ),
            (
                "deployments.apps",
                "apps/v1",
                "Deployment",
                r#""spec":{"template":{"spec":"#,
                "}}",
            ),
            (
                "statefulsets.apps",
                "apps/v1",
                "StatefulSet",
                r#""spec":{"template":{"spec":"#,
                "}}",
            ),
            (
                "daemonsets.apps",
                "apps/v1",
                "DaemonSet",
                r#""spec":{"template":{"spec":"#,
                "}}",
            ),
            (
                "replicasets.apps",
                "apps/v1",
                "ReplicaSet",
                r#""spec":{"template":{"spec":"#,
                "}}",
            ),
            (
                "jobs.batch",
                "batch/v1",
                "Job",
                r#""spec":{"template":{"spec":"#,
                "}}",
            ),
            (
                "cronjobs.batch",
                "batch/v1",
                "CronJob",
                r#""spec":{"jobTemplate":{"spec":{"template":{"spec":"#,
                "}}}}",
            ),
        ] {
            let object = |pod: &str| {
                format!(
                    r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{{"name":"a","namespace":"n"}},{before}{pod}{after}}}"#
                )
            };
            let target = format!("{resource}/n/a");
            let text = through(&[&images], resource, &object(pod), &target);
            assert_eq!(text, object(expected));
        }
    }

    #[test]
    fn a_custom_resource_that_names_an_old_registry_is_told_of_and_left_alone() {
        let images = registry(&[("docker.io/library/", "r.cn/my/")]);
        let told = |resource: &str, version: &str, spec: &str| {
            let json = format!(
                r#"{{"apiVersion":"{version}","kind":"Widget","metadata":{{"name":"a","namespace":"n","annotations":{{"x":"docker.io/library/z"}}}},"spec":{spec}}}"#
            );
            let object = Object::parse(resource.parse().unwrap(), json.into_bytes()).unwrap();
            let mut item = TransformItem::new(&object, object.id().clone(), object.tree().unwrap());
            images.transform(&mut item).unwrap();
            assert!(item.changes().is_empty());
            let losses = item.losses().iter();
            losses
                .map(|loss| format!("{} {}", loss.severity, loss.path))
                .collect::<Vec<_>>()
        };
        let spec =
            r#"{"size":1,"parts":[{"image":"quay.io/x"},{"image":"docker.io/library/y:1"}]}"#;
        assert_eq!(
            told("widgets.shop.io", "shop.io/v1", spec),
            ["info /spec/parts/1/image"]
        );
        assert!(told("widgets.shop.io", "shop.io/v1", "{}").is_empty());
        assert!(told("ingresses.networking.k8s.io", "networking.k8s.io/v1", spec).is_empty());
    }
}
