//! Transforms: what happens to an object between its conversion and its creation in the target.
//!
//! A [`Transform`](crate::port::Transform) sees one [`TransformItem`] at a time and edits it. Every edit is recorded as a
//! [`Change`](crate::conversion::Change) with its JSON pointer and reason, in the same way as a conversion's. A restore builds its
//! transforms with [`chain`]; plan and run take every object through the same [`Chain`].
//!
//! The order is that of the list in [`chain`]: what the source's server owned goes first, so that no later transform sees it; the
//! caller's own transforms see the built-ins' work; name and namespace of the target come last.

mod account;
mod chain;
mod difference;
mod image;
mod item;
mod job;
mod metadata;
mod namespace;
mod pod;
mod server_fields;
mod service;
mod status;
mod storage_class;
mod surroundings;
mod target;
mod volume;

pub use account::Accounts;
pub use chain::{Chain, Passage, Step, chain};
pub use image::Images;
pub use item::{TransformItem, Verdict};
pub use job::Jobs;
pub use metadata::{Overwrites, VeleroLabels};
pub use namespace::{Mention, NamespaceMapping};
pub use pod::Pods;
pub use server_fields::ServerFields;
pub use service::Services;
pub use status::StatusRule;
pub use storage_class::StorageClasses;
pub use surroundings::{ClassFacts, Owners, Surroundings};
pub use target::TargetName;
pub use volume::{VolumeFacts, VolumeFate, Volumes};

#[cfg(test)]
mod table {
    //! One line a case: an object in, the object out.

    use super::*;
    use crate::{model::Object, port::Transform, spec::RestoreSpec};
    use std::sync::Arc;

    /// What the whole chain of a spec that asks for nothing makes of an object; `skip: <reason>` if it is left out.
    pub(super) fn transformed(resource: &str, json: &str, target: &str) -> String {
        with_spec(&RestoreSpec::from_backup("b"), resource, json, target)
    }

    /// What the whole chain of a spec makes of an object.
    pub(super) fn with_spec(
        spec: &RestoreSpec,
        resource: &str,
        json: &str,
        target: &str,
    ) -> String {
        let chain = chain(spec, &Surroundings::default(), &[]).unwrap();
        pass(&chain, resource, json, target)
    }

    pub(super) fn pass(chain: &Chain, resource: &str, json: &str, target: &str) -> String {
        let object = Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap();
        let passage = chain.pass(&object, &object, target.parse().unwrap());
        let passage = passage.unwrap();
        match passage.verdict() {
            Verdict::Restore => passage.object().unwrap().text().to_owned(),
            Verdict::Skip { reason } => format!("skip: {reason}"),
        }
    }

    /// What single transforms make of an object, after the server's fields are gone; name and namespace are the target's.
    pub(super) fn through(
        transforms: &[&dyn Transform],
        resource: &str,
        json: &str,
        target: &str,
    ) -> String {
        let object = Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap();
        let tree = object.tree().unwrap();
        let mut item = TransformItem::new(&object, target.parse().unwrap(), tree);
        let all: Vec<&dyn Transform> = std::iter::once(&ServerFields as &dyn Transform)
            .chain(transforms.iter().copied())
            .collect();
        for transform in all {
            if let Verdict::Skip { reason } = transform.transform(&mut item).unwrap() {
                return format!("skip: {reason}");
            }
        }
        item.tree().to_string()
    }

    #[test]
    fn a_transform_of_the_caller_comes_after_the_built_in_ones_and_before_the_target_name() {
        #[derive(Debug)]
        struct Own;
        impl Transform for Own {
            fn name(&self) -> &str {
                "own"
            }
            fn transform(&self, item: &mut TransformItem<'_>) -> crate::Result<Verdict> {
                let seen = item.get(&["spec", "clusterIP"]).is_some();
                item.set(
                    &["metadata", "labels", "saw-address"],
                    seen.to_string(),
                    "own",
                );
                item.set(&["metadata", "namespace"], "elsewhere", "own");
                Ok(Verdict::Restore)
            }
        }
        let spec = RestoreSpec::from_backup("b");
        let chain = chain(&spec, &Surroundings::default(), &[Arc::new(Own)]).unwrap();
        let json = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"n"},"spec":{"clusterIP":"10.0.0.7"}}"#;
        assert_eq!(
            pass(&chain, "services", json, "services/m/a"),
            r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a","namespace":"m","labels":{"saw-address":"false"}},"spec":{}}"#
        );
    }

    #[test]
    fn a_transform_cannot_make_another_kind_of_an_object() {
        #[derive(Debug)]
        struct Own;
        impl Transform for Own {
            fn name(&self) -> &str {
                "own"
            }
            fn transform(&self, item: &mut TransformItem<'_>) -> crate::Result<Verdict> {
                item.set(&["kind"], "Secret", "own");
                Ok(Verdict::Restore)
            }
        }
        let spec = RestoreSpec::from_backup("b");
        let chain = chain(&spec, &Surroundings::default(), &[Arc::new(Own)]).unwrap();
        let json =
            br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n"}}"#;
        let object = Object::parse("configmaps".parse().unwrap(), json.to_vec()).unwrap();
        let error = chain
            .pass(&object, &object, object.id().clone())
            .unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
    }
}
