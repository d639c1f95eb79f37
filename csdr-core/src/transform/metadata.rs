//! Labels and annotations that a restore writes.

use super::{TransformItem, Verdict};
use crate::{Result, archive::Digest, port::Transform, select::Patterns, spec::MetadataOverwrite};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Writes labels and annotations over those of objects, or takes them away, as a spec says.
#[derive(Clone, Debug)]
pub struct Overwrites {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    resources: Patterns,
    namespaces: Patterns,
    names: Patterns,
    rule: MetadataOverwrite,
}

impl Overwrites {
    /// By rules, each of which sees what those before it wrote; resource, namespace, name and labels are those of the backup.
    ///
    /// # Errors
    /// `InvalidInput` for a bad pattern or selector.
    pub fn new(rules: &[MetadataOverwrite]) -> Result<Self> {
        let rules = rules.iter().map(|rule| {
            rule.label_selector.validate()?;
            Ok(Rule {
                resources: Patterns::new("overwrites: resources", &rule.resources, &[])?,
                namespaces: Patterns::new("overwrites: namespaces", &rule.namespaces, &[])?,
                names: Patterns::new("overwrites: names", &rule.names, &[])?,
                rule: rule.clone(),
            })
        });
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }
}

impl Rule {
    fn takes(&self, item: &TransformItem<'_>) -> bool {
        let stored = item.stored();
        let id = stored.id();
        let spellings = [
            id.resource().resource().to_owned(),
            id.resource().to_string(),
        ];
        let namespace = match id.namespace() {
            Some(namespace) => self.namespaces.matches(namespace),
            None => self.namespaces.is_all(),
        };
        namespace
            && spellings.iter().any(|name| self.resources.matches(name))
            && self.names.matches(id.name())
            && self.rule.label_selector.matches(&stored.meta().labels)
    }
}

impl Transform for Overwrites {
    fn name(&self) -> &str {
        "overwrites"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        for rule in &self.rules {
            if !rule.takes(item) {
                continue;
            }
            write(item, "labels", &rule.rule.labels);
            write(item, "annotations", &rule.rule.annotations);
        }
        Ok(Verdict::Restore)
    }
}

fn write(item: &mut TransformItem<'_>, field: &str, members: &BTreeMap<String, Option<String>>) {
    for (key, value) in members {
        let path = ["metadata", field, key];
        match value {
            Some(value) => item.set(&path, value.as_str(), "overwritten by the restore"),
            None => drop(item.remove(&path, "taken away by the restore")),
        }
    }
}

/// Writes the labels by which Velero marks what a restore has made: `velero.io/restore-name` and `velero.io/backup-name`.
///
/// No requirement asks for them and csdr knows its objects by their field manager, so a spec must switch them on.
#[derive(Clone, Debug)]
pub struct VeleroLabels {
    restore: String,
    backup: String,
}

impl VeleroLabels {
    /// For a restore and its backup. A name beyond 63 bytes is cut and ends in six digits of its hash, as Velero does it.
    pub fn new(restore: &str, backup: &str) -> Self {
        Self {
            restore: label_value(restore),
            backup: label_value(backup),
        }
    }
}

/// Source: Velero's `label.GetValidName`.
fn label_value(name: &str) -> String {
    if name.len() <= 63 {
        return name.to_owned();
    }
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    let hash = Digest::from(hash).to_string();
    let (start, end) = (name.get(..57), hash.get(..6));
    format!("{}{}", start.unwrap_or_default(), end.unwrap_or_default())
}

impl Transform for VeleroLabels {
    fn name(&self) -> &str {
        "velero labels"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        for (label, value) in [
            ("velero.io/restore-name", &self.restore),
            ("velero.io/backup-name", &self.backup),
        ] {
            let path = ["metadata", "labels", label];
            item.set(&path, value.as_str(), "marks the restore");
        }
        Ok(Verdict::Restore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{spec::RestoreSpec, transform::table::with_spec};

    fn meta(spec: &RestoreSpec, resource: &str, name: &str) -> String {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"{name}","namespace":"n","labels":{{"app":"web"}},"annotations":{{"a":"1","b":"2"}}}}}}"#
        );
        let text = with_spec(spec, resource, &json, &format!("{resource}/n/{name}"));
        text.split_once(r#""namespace":"n","#).unwrap().1.to_owned()
    }

    fn some(members: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        let members = members.iter();
        members
            .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
            .collect()
    }

    #[test]
    fn backup_center_1_4_annotations_of_services_and_ingresses_are_overwritten() {
        let rule = MetadataOverwrite {
            resources: vec!["services".into(), "ingresses.*".into()],
            names: vec!["web*".into()],
            annotations: some(&[("a", Some("9")), ("b", None), ("c", Some("3"))]),
            labels: some(&[("app", None), ("tier", Some("x"))]),
            ..MetadataOverwrite::default()
        };
        let spec = RestoreSpec::from_backup("b").with_overwrite(rule);
        let written = r#""labels":{"tier":"x"},"annotations":{"a":"9","c":"3"}}}"#;
        let untouched = r#""labels":{"app":"web"},"annotations":{"a":"1","b":"2"}}}"#;
        for (resource, name, expected) in [
            ("services", "web", written),
            ("ingresses.networking.k8s.io", "web-2", written),
            ("services", "db", untouched),
            ("configmaps", "web", untouched),
        ] {
            assert_eq!(meta(&spec, resource, name), expected, "{resource} {name}");
        }
    }

    #[test]
    fn velero_3_4_labels_are_written_if_they_are_asked_for() {
        let long = "r".repeat(70);
        let spec = RestoreSpec::from_backup("b")
            .with_name(&long)
            .with_velero_labels(true);
        let text = meta(&spec, "services", "a");
        let label = text.split_once(r#""velero.io/restore-name":""#).unwrap().1;
        let label = label.split_once('"').unwrap().0;
        assert!(
            label.len() == 63 && label.starts_with(&long[..57]),
            "{label}"
        );
        assert!(text.contains(r#""velero.io/backup-name":"b""#), "{text}");
        let without = meta(&RestoreSpec::from_backup("b"), "services", "a");
        assert!(!without.contains("velero.io"), "{without}");
    }
}
