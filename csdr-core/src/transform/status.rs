//! Whose status is restored.

use crate::{
    Result,
    model::{GroupResource, Tree},
    select::Patterns,
    spec::StatusRestore,
};

/// The annotation of an object that overrides the spec: `"true"` or `"false"`.
const ANNOTATION: &str = "velero.io/restore-status";

/// Decides whose status is written after the object was created. Source: velero.md section 3.10.
#[derive(Clone, Debug)]
pub struct StatusRule {
    resources: Option<Patterns>,
}

impl StatusRule {
    /// By a spec's `restoreStatus`; without one only by annotation.
    ///
    /// # Errors
    /// `InvalidInput` for a bad pattern.
    pub fn new(restore: Option<&StatusRestore>) -> Result<Self> {
        let patterns = restore.map(|restore| {
            Patterns::new(
                "restoreStatus: resources",
                &restore.included_resources,
                &restore.excluded_resources,
            )
        });
        Ok(Self {
            resources: patterns.transpose()?,
        })
    }

    /// Whether the status of an object is restored. The annotation counts in any case and with spaces around it; another value counts
    /// as none.
    pub fn wants(&self, resource: &GroupResource, object: &Tree) -> bool {
        let said = object
            .text_at(&["metadata", "annotations", ANNOTATION])
            .map(|text| text.trim().to_ascii_lowercase());
        match said.as_deref() {
            Some("true") => true,
            Some("false") => false,
            _ => self.resources.as_ref().is_some_and(|resources| {
                let plain = resource.to_string();
                let names = [resource.resource(), plain.as_str()];
                !names.iter().any(|name| resources.excludes(name))
                    && names.iter().any(|name| resources.includes(name))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_3_10_the_spec_decides_and_an_annotation_overrides_it() {
        let listed = StatusRestore {
            included_resources: vec!["widgets.shop.io".into(), "deployments".into()],
            excluded_resources: vec!["pods".into()],
        };
        let all = StatusRestore::default();
        for (spec, resource, annotation, wanted) in [
            (None, "widgets.shop.io", "", false),
            (None, "widgets.shop.io", " TRUE ", true),
            (Some(&listed), "widgets.shop.io", "", true),
            (Some(&listed), "deployments.apps", "", true),
            (Some(&listed), "pods", "", false),
            (Some(&listed), "services", "", false),
            (Some(&listed), "widgets.shop.io", "False", false),
            (Some(&listed), "widgets.shop.io", "yes", true),
            (Some(&all), "services", "", true),
        ] {
            let json =
                format!(r#"{{"metadata":{{"annotations":{{"{ANNOTATION}":"{annotation}"}}}}}}"#);
            let object = Tree::parse(json.as_bytes()).unwrap();
            let rule = StatusRule::new(spec).unwrap();
            let resource = resource.parse().unwrap();
            assert_eq!(
                rule.wants(&resource, &object),
                wanted,
                "{resource} {annotation}"
            );
        }
    }
}
