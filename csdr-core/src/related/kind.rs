//! References by kind, and what a whole kind needs.

use super::{
    Interest, Reach, Related, Target,
    workload::{captured_if, namespace_of},
};
use crate::{
    Result,
    model::{GroupResource, Object, builtin},
    port::ItemAction,
};

/// A HorizontalPodAutoscaler needs the workload that it scales.
#[derive(Clone, Copy, Debug, Default)]
pub struct Autoscalers;

/// A custom resource needs its definition. Source: Velero adds the CRD of each backed-up custom resource (velero.md section 2.7).
#[derive(Clone, Copy, Debug, Default)]
pub struct Definitions;

impl ItemAction for Autoscalers {
    fn name(&self) -> &str {
        "autoscalers"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(
            resource.group() == "autoscaling" && resource.resource() == "horizontalpodautoscalers",
            Reach::Namespace,
        )
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let Some(namespace) = namespace_of(object, "autoscaling", &["horizontalpodautoscalers"])
        else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let text = |field| tree.text_at(&["spec", "scaleTargetRef", field]);
        let (Some(kind), Some(name)) = (text("kind"), text("name")) else {
            return Ok(Vec::new());
        };
        let api_version = text("apiVersion").unwrap_or_default();
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        // Source: api-versions.md section 5: old targets name groups that are not served any more.
        let group = match (group, kind) {
            ("extensions", "Deployment" | "ReplicaSet") => "apps",
            (group, _) => group,
        };
        Ok(vec![Related::Needs(Target::Kind {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        })])
    }
}

impl ItemAction for Definitions {
    fn name(&self) -> &str {
        "definitions"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        if resource.group().is_empty() || builtin::resource(resource).is_some() {
            return Interest::None;
        }
        // Source: the name of a CustomResourceDefinition is `<plural>.<group>`.
        Related::needs(
            "customresourcedefinitions.apiextensions.k8s.io",
            None,
            &resource.to_string(),
        )
        .map_or(Interest::None, |definition| {
            Interest::Kind(vec![definition])
        })
    }

    fn related(&self, _: &Object) -> Result<Vec<Related>> {
        Ok(Vec::new())
    }
}
