//! A custom resource against the schema of its definition, offline: what a create would refuse, and what it would silently drop.
//!
//! A schema that was made structural may refuse objects that the old definition took (api-versions.md section 3.2, last sentence):
//! this lists them before anything is restored. It follows the server: nulls that may not be null are taken away first, then defaults
//! are filled in, then unknown fields are pruned, then the rest is validated.
//!
//! Not looked at: `pattern`, string formats, CEL rules and the object's `metadata`. A failure that is listed is one; that none is
//! listed proves nothing about those.

mod prepare;
mod validate;

#[cfg(test)]
mod tests;

use crate::{
    Error, ErrorKind, Result,
    model::{ApiVersion, Tree},
};
use serde::Serialize;
use std::{borrow::Cow, fmt};

pub(super) use prepare::prune;
pub(super) use validate::validate;

/// What would happen at a place of a custom resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SchemaVerdict {
    /// The server refuses the object because of it.
    Refused,
    /// The server takes the object and drops the field.
    Pruned,
}

/// A place of a custom resource that its definition's schema does not take as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaFailure {
    /// JSON pointer in the resource.
    pub path: String,
    /// What would happen.
    pub verdict: SchemaVerdict,
    /// Why, in one sentence without a full stop.
    pub reason: Cow<'static, str>,
}

impl fmt::Display for SchemaFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            SchemaVerdict::Refused => "refused",
            SchemaVerdict::Pruned => "pruned",
        };
        write!(f, "{verdict}: {}: {}", self.path, self.reason)
    }
}

/// Checks a custom resource against its definition (`apiextensions.k8s.io/v1`), in the version that the resource is written in.
///
/// ```
/// use csdr_core::{conversion::check_custom_resource, model::Tree};
/// let definition = Tree::parse(br#"{"spec":{"group":"x.io","versions":[{"name":"v1","schema":{"openAPIV3Schema":{
///     "type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"}}}}}}}]}}"#)?;
/// let resource = Tree::parse(br#"{"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"a"},"spec":{"size":"3","more":1}}"#)?;
/// let said: Vec<String> = check_custom_resource(&definition, &resource)?.iter().map(ToString::to_string).collect();
/// assert_eq!(said, ["pruned: /spec/more: the schema does not know the field", "refused: /spec/size: must be an integer, is a string"]);
/// # Ok::<(), csdr_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidInput` if the resource has no readable `apiVersion`; `NotFound` if the definition has no such version.
pub fn check_custom_resource(definition: &Tree, resource: &Tree) -> Result<Vec<SchemaFailure>> {
    let Some(api_version) = resource.text_at(&["apiVersion"]) else {
        return Err(Error::invalid("resource has no apiVersion"));
    };
    let api_version: ApiVersion = api_version.parse()?;
    let versions = definition
        .at(&["spec", "versions"])
        .and_then(Tree::as_array);
    let version = versions
        .unwrap_or_default()
        .iter()
        .filter(|_| definition.text_at(&["spec", "group"]) == Some(api_version.group()))
        .find(|version| version.text_at(&["name"]) == Some(api_version.version()))
        .ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "the definition has no such version")
                .with_context("version", &api_version)
        })?;
    let everything = definition
        .at(&["spec", "preserveUnknownFields"])
        .and_then(Tree::as_bool)
        .unwrap_or(false);
    Ok(version
        .at(&["schema", "openAPIV3Schema"])
        .map(|schema| check(schema, resource, everything))
        .unwrap_or_default())
}

fn check(schema: &Tree, resource: &Tree, everything: bool) -> Vec<SchemaFailure> {
    let mut resource = resource.clone();
    let mut failures = Vec::new();
    prepare::nulls_and_defaults(schema, &mut resource);
    if !everything {
        prune(
            schema,
            &mut resource,
            true,
            &mut Trail::default(),
            &mut failures,
        );
    }
    validate(schema, &resource, &mut Trail::default(), &mut failures);
    failures.sort_by(|left, right| left.path.cmp(&right.path));
    failures
}

/// The way from the root to the value that is looked at.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<String>);

impl Trail {
    fn within<R>(&mut self, step: &str, look: impl FnOnce(&mut Self) -> R) -> R {
        self.0.push(step.replace('~', "~0").replace('/', "~1"));
        let seen = look(self);
        self.0.pop();
        seen
    }

    fn pointer(&self) -> String {
        self.0
            .iter()
            .fold(String::new(), |text, step| text + "/" + step)
    }

    fn says(&self, verdict: SchemaVerdict, reason: impl Into<Cow<'static, str>>) -> SchemaFailure {
        SchemaFailure {
            path: self.pointer(),
            verdict,
            reason: reason.into(),
        }
    }
}
