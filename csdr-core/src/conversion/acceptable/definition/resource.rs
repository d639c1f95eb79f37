//! What a schema may say of a whole resource: of the root, and of resources that are embedded in others.

use super::keyword::type_of;
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use crate::model::Tree;

/// Whether a field of a resource is the server's.
pub(super) fn is_metadata(key: &str) -> bool {
    matches!(key, "apiVersion" | "kind" | "metadata")
}

/// Gives `apiVersion`, `kind` and `metadata` the types that they have, and takes away what a root may not say of `metadata`.
pub(super) fn mend(node: &mut Node<'_>, root: bool) {
    for (key, is) in [
        ("apiVersion", "string"),
        ("kind", "string"),
        ("metadata", "object"),
    ] {
        node.at(&["properties", key], |schema| {
            if schema.tree().as_object().is_none() || type_of(schema.tree()) == Some(is) {
                return;
            }
            if schema.has(&["type"]) {
                schema.warn(
                    &["type"],
                    LossKind::Meaning,
                    Severity::Warning,
                    "the server knows the type of this field",
                );
            }
            schema.set(&["type"], is, "the server knows the type of this field");
        });
    }
    if root {
        node.at(&["properties", "metadata"], restrict);
    }
}

/// Keywords of a schema and whether an empty or false value counts as said. Source: the fields of `JSONSchemaProps`.
const KEYWORDS: [(&str, bool); 42] = [
    ("id", false),
    ("$schema", false),
    ("$ref", true),
    ("description", false),
    ("format", false),
    ("title", false),
    ("default", true),
    ("maximum", true),
    ("exclusiveMaximum", false),
    ("minimum", true),
    ("exclusiveMinimum", false),
    ("maxLength", true),
    ("minLength", true),
    ("pattern", false),
    ("maxItems", true),
    ("minItems", true),
    ("uniqueItems", false),
    ("multipleOf", true),
    ("enum", false),
    ("maxProperties", true),
    ("minProperties", true),
    ("required", true),
    ("items", true),
    ("allOf", false),
    ("oneOf", false),
    ("anyOf", false),
    ("not", true),
    ("additionalProperties", true),
    ("patternProperties", false),
    ("dependencies", true),
    ("additionalItems", true),
    ("definitions", false),
    ("externalDocs", true),
    ("example", true),
    ("nullable", false),
    ("x-kubernetes-preserve-unknown-fields", true),
    ("x-kubernetes-embedded-resource", false),
    ("x-kubernetes-int-or-string", false),
    ("x-kubernetes-list-map-keys", true),
    ("x-kubernetes-list-type", true),
    ("x-kubernetes-map-type", true),
    ("x-kubernetes-validations", true),
];

fn restrict(metadata: &mut Node<'_>) {
    for (keyword, even_empty) in KEYWORDS {
        let stands = metadata
            .get(&[keyword])
            .is_some_and(|value| even_empty || !is_empty(value));
        if !stands {
            continue;
        }
        let harmless = matches!(
            keyword,
            "description"
                | "title"
                | "externalDocs"
                | "example"
                | "x-kubernetes-preserve-unknown-fields"
        );
        let severity = if harmless {
            Severity::Info
        } else {
            Severity::Warning
        };
        metadata.lose(
            &[keyword],
            LossKind::Refused,
            severity,
            "a schema may restrict the name and generateName of metadata and nothing else",
        );
    }
    let Some(properties) = metadata.get(&["properties"]).and_then(Tree::as_object) else {
        return;
    };
    let others: Vec<String> = properties
        .keys()
        .filter(|key| !matches!(*key, "name" | "generateName"))
        .map(str::to_owned)
        .collect();
    for key in others {
        metadata.lose(
            &["properties", &key],
            LossKind::Refused,
            Severity::Warning,
            "a schema may restrict the name and generateName of metadata and nothing else",
        );
    }
}

/// What the root may not say where the status is a subresource. Source: `allowedFieldsAtRootSchema`.
pub(super) fn with_status(root: &mut Node<'_>) {
    const NOT_ALLOWED: [&str; 19] = [
        "$ref",
        "additionalItems",
        "allOf",
        "anyOf",
        "default",
        "definitions",
        "dependencies",
        "enum",
        "maxProperties",
        "minProperties",
        "not",
        "oneOf",
        "patternProperties",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "id",
    ];
    for keyword in NOT_ALLOWED {
        let stands = root
            .get(&[keyword])
            .is_some_and(|value| *value != Tree::Bool(false) && value.as_str() != Some(""));
        if stands {
            root.lose(
                &[keyword],
                LossKind::Refused,
                Severity::Warning,
                "not allowed at the root of a schema whose status is a subresource",
            );
        }
    }
}

fn is_empty(value: &Tree) -> bool {
    match value {
        Tree::Bool(false) => true,
        Tree::String(text) => text.is_empty(),
        Tree::Array(items) => items.is_empty(),
        Tree::Object(members) => members.is_empty(),
        _ => false,
    }
}
