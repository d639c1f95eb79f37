//! What a restore makes of one object, step by step, without a cluster.

use super::{Action, Restore, RestoreKind, RestorePlan, Wave, plan::target_of};
use crate::{
    Error, ErrorKind, Result,
    conversion::{BuiltinConverter, Change, Conversion, Loss, TargetApis},
    model::{Object, ObjectId, Tree},
    port::{ApiVersionConverter, Transform},
    spec::RestoreSpec,
    transform::{Surroundings, Verdict, chain},
};
use std::{fmt, sync::Arc};

/// Says of single objects what a restore would make of them: conversion, each transform, the bytes that would be written. Pure.
///
/// ```
/// use csdr_core::{conversion::TargetApis, model::Object, restore::Explainer, spec::RestoreSpec};
/// let json = br#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop","uid":"1"},
///     "spec":{"clusterIP":"10.0.0.7","ports":[{"port":80}]}}"#;
/// let object = Object::parse("services".parse()?, json.to_vec())?;
/// let spec = RestoreSpec::from_backup("shop-1").with_namespace_mapping("shop", "copy");
/// let explained = Explainer::new(&spec, &TargetApis::kubernetes(1, 30)?).explain(&object)?;
/// let text = explained.to_string();
/// assert!(text.contains("services: /spec/clusterIP removed"), "{text}");
/// assert!(text.contains(r#""namespace":"copy""#), "{text}");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Explainer {
    spec: RestoreSpec,
    apis: TargetApis,
    converter: Arc<dyn ApiVersionConverter>,
    transforms: Vec<Arc<dyn Transform>>,
    known: Surroundings,
}

impl Explainer {
    /// For a restore of this spec into a target that serves these APIs.
    pub fn new(spec: &RestoreSpec, apis: &TargetApis) -> Self {
        Self {
            spec: spec.clone(),
            apis: apis.clone(),
            converter: Arc::new(BuiltinConverter::new()),
            transforms: Vec::new(),
            known: Surroundings::default(),
        }
    }

    /// Another converter than [`BuiltinConverter`] with its defaults.
    #[must_use]
    pub fn with_converter(mut self, converter: impl ApiVersionConverter) -> Self {
        self.converter = Arc::new(converter);
        self
    }

    /// A transform of the caller's own, as [`Restore::with_transform`](super::Restore::with_transform) takes it.
    #[must_use]
    pub fn with_transform(mut self, transform: impl Transform) -> Self {
        self.transforms.push(Arc::new(transform));
        self
    }

    /// What a plan knows of volumes and classes; without it each object is looked at alone.
    #[must_use]
    pub fn with_known(mut self, known: Surroundings) -> Self {
        self.known = known;
        self
    }

    /// What becomes of one object of the backup.
    ///
    /// # Errors
    /// `InvalidInput` for a bad spec, `Corrupt` for an object that is no tree, a transform's own error.
    pub fn explain(&self, object: &Object) -> Result<Explanation> {
        self.spec.validate()?;
        let chain = chain(&self.spec, &self.known, &self.transforms)?;
        let about = |error: Error| error.with_context("object", object.id());
        let mut explanation = Explanation {
            id: object.id().clone(),
            steps: Vec::new(),
            result: Explained::LeftOut(String::new()),
        };
        let converted = match self.converter.convert(object, &self.apis).map_err(about)? {
            Conversion::Unchanged => object.clone(),
            Conversion::Converted {
                object,
                to,
                changes,
                losses,
            } => {
                explanation.steps.push(ExplainedStep {
                    name: format!("conversion to {to}"),
                    changes,
                    losses,
                });
                object
            }
            Conversion::Skipped { reason } => {
                explanation.result = Explained::LeftOut(reason.to_string());
                return Ok(explanation);
            }
            Conversion::NoRoute { reason } => {
                explanation.result = Explained::LeftOut(reason.to_string());
                return Ok(explanation);
            }
        };
        let to = converted.resource_version_path();
        let kind = RestoreKind {
            resource: object.resource_version_path(),
            wave: Wave::of(&to.group_resource()),
            target: to,
            kind: String::new(),
            defined_by_backup: false,
            blocked: None,
        };
        let (namespace, name) = (object.id().namespace(), object.id().name());
        let target = target_of(&self.spec, &self.known, &kind, namespace, name)?;
        let passage = chain.pass(object, &converted, target)?;
        let steps = passage.steps();
        let touched = steps.filter(|step| !(step.changes.is_empty() && step.losses.is_empty()));
        explanation.steps.extend(touched.map(|step| ExplainedStep {
            name: step.name.to_owned(),
            changes: step.changes.to_vec(),
            losses: step.losses.to_vec(),
        }));
        explanation.result = match passage.verdict() {
            Verdict::Skip { reason } => Explained::LeftOut(reason.to_string()),
            Verdict::Restore => Explained::Written(Box::new(passage.object()?)),
        };
        Ok(explanation)
    }
}

impl Restore {
    /// What a plan makes of one of its objects, step by step. Reads the object and what the target serves; writes nothing.
    ///
    /// # Errors
    /// `NotFound` if the plan has no such object; the store's and the target's; as [`Explainer::explain`].
    pub async fn explain(&self, plan: &RestorePlan, id: &ObjectId) -> Result<Explanation> {
        let mut rows = plan.rows.iter().enumerate();
        let found = rows.find(|(_, row)| plan.source_id(row).is_ok_and(|own| own == *id));
        let Some((at, row)) = found else {
            return Err(
                Error::new(ErrorKind::NotFound, "the plan has no such object")
                    .with_operation("explain restore")
                    .with_context("object", id),
            );
        };
        let backup = self.open(&plan.head.spec.backup_name).await?;
        let discovery = self.target.discover().await?;
        let planned = plan.definitions();
        let (apis, _) = self
            .target_apis(&backup, &discovery, |id| planned.contains(id.name()))
            .await?;
        let index = row.index_row(id.clone(), plan.kind(row)?.resource.version.clone());
        let object = backup.member(index.member).await?.object(&index)?;
        let explainer = Explainer {
            spec: plan.head.spec.clone(),
            apis,
            converter: self.converter.clone(),
            transforms: self.transforms.clone(),
            known: plan.head.known.clone(),
        };
        let mut explanation = explainer.explain(&object)?;
        if matches!(row.action, Action::Skip | Action::Blocked)
            && let Some(note) = plan.reason(at)
        {
            explanation.result = Explained::LeftOut(note.text.clone());
        }
        Ok(explanation)
    }
}

/// What a restore makes of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The object in the backup.
    pub id: ObjectId,
    /// The conversion, if there is one, and the transforms that did or said something, in their order.
    pub steps: Vec<ExplainedStep>,
    /// What comes out.
    pub result: Explained,
}

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedStep {
    /// What it is: `conversion to apps/v1`, `services`.
    pub name: String,
    /// What it changed, with what stood there before and what stands there after. Values of a Secret's data are absent.
    pub changes: Vec<Change>,
    /// What it lost, or says.
    pub losses: Vec<Loss>,
}

/// What comes out of all steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explained {
    /// This is written.
    Written(Box<Object>),
    /// Nothing is written, for this reason.
    LeftOut(String),
}

/// Values that are longer are cut in `Display`.
const SHOWN_BYTES: usize = 200;

impl fmt::Display for Explanation {
    /// A line a change; a Secret's content is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.id)?;
        let value = |f: &mut fmt::Formatter<'_>, word: &str, value: &Option<Tree>| match value {
            None => Ok(()),
            Some(value) => writeln!(f, "    {word} {}", cut(&value.to_string())),
        };
        for step in &self.steps {
            for change in &step.changes {
                writeln!(f, "  {}: {change}", step.name)?;
                value(f, "-", &change.before)?;
                value(f, "+", &change.after)?;
            }
            for loss in &step.losses {
                writeln!(f, "  {}: {loss}", step.name)?;
            }
        }
        match &self.result {
            Explained::LeftOut(reason) => writeln!(f, "  not restored: {reason}"),
            Explained::Written(object) if object.id().resource().to_string() == "secrets" => {
                let bytes = object.json().len();
                writeln!(f, "  written as {} ({bytes} bytes, not shown)", object.id())
            }
            Explained::Written(object) => {
                writeln!(f, "  written as {}", object.id())?;
                writeln!(f, "{}", object.text())
            }
        }
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_BYTES) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(resource: &str, json: &str) -> Explanation {
        let object = Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap();
        let spec = RestoreSpec::from_backup("b").with_namespace_mapping("shop", "copy");
        let apis = TargetApis::kubernetes(1, 30).unwrap();
        Explainer::new(&spec, &apis).explain(&object).unwrap()
    }

    #[test]
    fn conversion_and_each_transform_are_told_with_before_and_after() {
        let explained = explained(
            "deployments.extensions",
            r#"{"apiVersion":"extensions/v1beta1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","uid":"u-1"},"spec":{"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}"#,
        );
        let names: Vec<&str> = explained.steps.iter().map(|step| &*step.name).collect();
        assert_eq!(
            names,
            [
                "conversion to apps/v1",
                "server fields",
                "name and namespace"
            ]
        );
        let text = explained.to_string();
        for line in [
            "  server fields: /metadata/uid removed: the source's server wrote it\n    - \"u-1\"\n",
            "  name and namespace: /metadata/namespace replaced: its namespace in the target\n    - \"shop\"\n    + \"copy\"\n",
            "  written as deployments.apps/copy/web\n{\"apiVersion\":\"apps/v1\"",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn what_is_left_out_says_why_and_a_secret_is_not_shown() {
        let job = explained(
            "jobs.batch",
            r#"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","namespace":"n"},"status":{"completionTime":"2020-01-01T00:00:00Z"}}"#,
        );
        assert!(
            job.to_string().ends_with("  not restored: job has ended\n"),
            "{job}"
        );
        let gone = explained(
            "podsecuritypolicies.policy",
            r#"{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","metadata":{"name":"a"}}"#,
        );
        assert!(
            gone.to_string()
                .contains("not restored: removed in Kubernetes 1.25"),
            "{gone}"
        );
        let secret = explained(
            "secrets",
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"robot","namespace":"n","annotations":{"kubernetes.io/service-account.name":"web"}},"type":"kubernetes.io/service-account-token","data":{"token":"hunter2"}}"#,
        );
        let text = secret.to_string();
        assert!(
            text.contains("service accounts: /data/token removed"),
            "{text}"
        );
        assert!(
            !text.contains("hunter2") && text.contains("not shown"),
            "{text}"
        );
    }
}
