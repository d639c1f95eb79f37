//! The schema of a version, made structural.
//!
//! Source: `ValidateStructural` and `ValidateCustomResourceDefinitionOpenAPISchema`. A node that the server would take is not
//! touched, except that a definition which kept unknown fields says so at every object now (api-versions.md fact 0.11).

use super::{
    junctor,
    keyword::{self, EMBEDDED, Guess, INT_OR_STRING, PRESERVE, has_properties, is_true, type_of},
    list, resource,
};
use crate::conversion::{
    draft::{Node, map},
    outcome::{LossKind, Severity},
};
use crate::model::Tree;

/// Where a node of a schema stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// It is the root.
    pub(super) root: bool,
    /// It is about `metadata`, `apiVersion` or `kind` of a resource.
    pub(super) in_metadata: bool,
    /// Fields that no schema knows were kept, and are to be.
    pub(super) keeps_unknown: bool,
    /// The target's minor of Kubernetes 1.
    pub(super) minor: u32,
}

impl Spot {
    fn below(self) -> Self {
        Self {
            root: false,
            ..self
        }
    }
}

/// Makes a schema structural; `status` says that the status is a subresource.
pub(super) fn mend(root: &mut Node<'_>, keeps_unknown: bool, status: bool, minor: u32) {
    patterns_of_fields(root);
    keyword::forbidden(root);
    if status {
        resource::with_status(root);
    }
    let spot = Spot {
        root: true,
        in_metadata: false,
        keeps_unknown,
        minor,
    };
    let mut guessed = 0;
    structural(root, spot, &mut guessed);
    if guessed > 0 {
        root.loses(
            &[],
            LossKind::Meaning,
            None,
            Severity::Warning,
            format!(
                "a type had to be written at {guessed} places; an object that holds something else there would be refused: \
                 check the custom resources against the new schema"
            ),
        );
    }
}

fn structural(node: &mut Node<'_>, spot: Spot, guessed: &mut usize) {
    if node.tree().as_object().is_none() {
        return;
    }
    patterns_of_fields(node);
    keyword::forbidden(node);
    keyword::unknown_type(node);
    absent_members(node);
    flags(node, spot);
    additional(node, spot);
    tuple(node);
    kind(node, spot, guessed);
    if spot.root || is_true(node.tree(), EMBEDDED) {
        resource::mend(node, spot.root);
    }
    items(node);
    below(node, spot, guessed);
    junctor::mend(node, spot);
    list::mend(node);
    keyword::rules(node);
    keep_unknown(node, spot);
}

/// Fields that only a pattern of their names knew would be pruned.
fn patterns_of_fields(node: &mut Node<'_>) {
    let stands = node
        .get(&["patternProperties"])
        .and_then(Tree::as_object)
        .is_some_and(|patterns| !patterns.is_empty());
    if stands {
        keep(node, "fields that only a pattern knew are kept");
    }
}

/// Source: Go reads `null` as a property's schema as an empty schema.
fn absent_members(node: &mut Node<'_>) {
    let Some(properties) = node.get(&["properties"]).and_then(Tree::as_object) else {
        return;
    };
    let absent: Vec<String> = properties
        .iter()
        .filter(|(_, schema)| schema.is_null())
        .map(|(key, _)| key.to_owned())
        .collect();
    for key in absent {
        node.set(
            &["properties", &key],
            Tree::object(),
            "a property needs a schema",
        );
    }
}

/// Says that unknown fields are kept. An integer or a string has none.
fn keep(node: &mut Node<'_>, reason: &'static str) {
    if !is_true(node.tree(), INT_OR_STRING) {
        node.set(&[PRESERVE], true, reason);
    }
}

fn flags(node: &mut Node<'_>, spot: Spot) {
    if spot.root
        && is_true(node.tree(), INT_OR_STRING)
        && (spot.keeps_unknown || is_true(node.tree(), PRESERVE))
    {
        node.lose(
            &[INT_OR_STRING],
            LossKind::Refused,
            Severity::Warning,
            "a resource is always an object",
        );
    }
    if node.get(&[PRESERVE]) == Some(&Tree::Bool(false)) {
        node.remove(&[PRESERVE], "must be true or absent");
    }
    if spot.root && is_true(node.tree(), "nullable") {
        node.lose(
            &["nullable"],
            LossKind::Refused,
            Severity::Info,
            "an object is never null",
        );
    }
    if is_true(node.tree(), INT_OR_STRING) {
        if is_true(node.tree(), PRESERVE) {
            node.remove(&[PRESERVE], "an integer or a string has no fields");
        }
        if is_true(node.tree(), EMBEDDED) {
            node.lose(
                &[EMBEDDED],
                LossKind::Refused,
                Severity::Warning,
                "an integer or a string is no resource",
            );
        }
    }
    if spot.in_metadata && is_true(node.tree(), EMBEDDED) {
        node.lose(
            &[EMBEDDED],
            LossKind::Refused,
            Severity::Warning,
            "the metadata of a resource holds no resources",
        );
    }
}

/// `additionalProperties` where they are forbidden, or where they say less than they seem to.
fn additional(node: &mut Node<'_>, spot: Spot) {
    const MORE: [&str; 1] = ["additionalProperties"];
    let resource = spot.root || is_true(node.tree(), EMBEDDED);
    let shared = has_properties(node.tree());
    match node.get(&MORE) {
        Some(Tree::Bool(true)) if resource || (spot.keeps_unknown && !spot.in_metadata) => {
            node.remove(
                &MORE,
                "x-kubernetes-preserve-unknown-fields says it, also of what is nested",
            );
            keep(node, "any field is taken");
        }
        Some(Tree::Bool(false)) if resource || shared => {
            node.lose(
                &MORE,
                LossKind::Refused,
                Severity::Warning,
                "not allowed beside properties; unknown fields are not refused any more",
            );
        }
        Some(Tree::Object(_)) if resource || shared => {
            node.lose(
                &MORE,
                LossKind::Refused,
                Severity::Warning,
                "not allowed beside properties; other fields are kept and not checked any more",
            );
            keep(node, "other fields are taken");
        }
        _ => {}
    }
}

fn tuple(node: &mut Node<'_>) {
    let stands = node
        .get(&["items"])
        .and_then(Tree::as_array)
        .is_some_and(|items| !items.is_empty());
    if stands {
        node.lose(
            &["items"],
            LossKind::Refused,
            Severity::Warning,
            "one schema for each item is not supported; items are not checked any more",
        );
        node.set(
            &["items"],
            anything(),
            "an array must say what its items are",
        );
    }
}

/// A schema that takes everything.
pub(super) fn anything() -> Tree {
    map([(PRESERVE, true.into())])
}

/// Gives a node the type that it must have.
fn kind(node: &mut Node<'_>, spot: Spot, guessed: &mut usize) {
    let stored = type_of(node.tree()).map(ToOwned::to_owned);
    if is_true(node.tree(), EMBEDDED) {
        match stored.as_deref() {
            Some("object") => {}
            None => node.set(&["type"], "object", "an embedded resource is an object"),
            Some(_) => {
                node.lose(
                    &[EMBEDDED],
                    LossKind::Refused,
                    Severity::Warning,
                    "only an object is a resource",
                );
            }
        }
    }
    if spot.root && stored.as_deref().is_some_and(|stored| stored != "object") {
        node.warn(
            &["type"],
            LossKind::Meaning,
            Severity::Warning,
            "a resource is always an object",
        );
        node.set(&["type"], "object", "a resource is always an object");
    }
    let free = [INT_OR_STRING, PRESERVE]
        .into_iter()
        .any(|flag| is_true(node.tree(), flag));
    if free || type_of(node.tree()).is_some() {
        return;
    }
    if spot.root {
        node.set(&["type"], "object", "a resource is always an object");
        if node
            .tree()
            .as_object()
            .is_some_and(|schema| schema.len() == 1)
        {
            node.set(
                &[PRESERVE],
                true,
                "the schema knew no fields and refused none",
            );
        }
        return;
    }
    match keyword::guess(node.tree()) {
        Guess::Type(guess) => {
            *guessed += 1;
            node.set(
                &["type"],
                guess,
                "a structural schema needs a type; the rest of the schema is about this one",
            );
        }
        Guess::IntOrString => node.set(&[INT_OR_STRING], true, "an integer or a string is taken"),
        Guess::Anything => node.set(
            &[PRESERVE],
            true,
            "no type is said, so that any value is taken",
        ),
    }
}

fn items(node: &mut Node<'_>) {
    if type_of(node.tree()) == Some("array")
        && node.get(&["items"]).and_then(Tree::as_object).is_none()
    {
        node.set(
            &["items"],
            anything(),
            "an array must say what its items are",
        );
    }
}

fn below(node: &mut Node<'_>, spot: Spot, guessed: &mut usize) {
    let resource = spot.root || is_true(node.tree(), EMBEDDED);
    for schema in ["items", "additionalProperties"] {
        node.at(&[schema], |schema| {
            structural(schema, spot.below(), guessed)
        });
    }
    node.entries(&["properties"], |key, schema| {
        let in_metadata = spot.in_metadata || (resource && resource::is_metadata(key));
        let spot = Spot {
            in_metadata,
            ..spot.below()
        };
        structural(schema, spot, guessed);
    });
}

/// Source: api-versions.md fact 0.11 and section 3.2, point 1.
fn keep_unknown(node: &mut Node<'_>, spot: Spot) {
    let schema = node.tree();
    let more = schema
        .at(&["additionalProperties"])
        .is_some_and(|more| !more.is_null());
    let object = type_of(schema) == Some("object") && (has_properties(schema) || !more);
    if spot.keeps_unknown && !spot.in_metadata && object {
        keep(
            node,
            "unknown fields were kept, and properties below would have them pruned again",
        );
    } else if is_true(schema, EMBEDDED) && !has_properties(schema) {
        keep(
            node,
            "an embedded resource without properties must keep its fields",
        );
    }
}
