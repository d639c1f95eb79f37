//! Keywords of a schema that a definition may not use, and what the others say about the type of a value.

use super::pattern;
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use crate::model::Tree;
use std::collections::BTreeSet;

pub(super) const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
pub(super) const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
pub(super) const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// Whether a keyword is `true`.
pub(super) fn is_true(schema: &Tree, keyword: &str) -> bool {
    schema.at(&[keyword]).and_then(Tree::as_bool) == Some(true)
}

/// The type that a schema names; an empty one is none.
pub(super) fn type_of(schema: &Tree) -> Option<&str> {
    schema.text_at(&["type"]).filter(|text| !text.is_empty())
}

/// Whether the schema names at least one property.
pub(super) fn has_properties(schema: &Tree) -> bool {
    schema
        .at(&["properties"])
        .and_then(Tree::as_object)
        .is_some_and(|properties| !properties.is_empty())
}

/// Whether the server reads a value as absent: Go's zero value of a field that is no pointer.
fn is_zero(value: &Tree) -> bool {
    match value {
        Tree::Null | Tree::Bool(false) => true,
        Tree::String(text) => text.is_empty(),
        Tree::Array(items) => items.is_empty(),
        Tree::Object(members) => members.is_empty(),
        Tree::Bool(true) | Tree::Number(_) => false,
    }
}

/// Keywords that are forbidden everywhere: whether an empty value is forbidden as well, whether it restricts values, the loss.
const FORBIDDEN: [(&str, bool, bool, &str); 8] = [
    (
        "$schema",
        false,
        false,
        "a definition's schema is always OpenAPI v3",
    ),
    (
        "id",
        false,
        false,
        "only a reference could name it, and references are not supported",
    ),
    (
        "definitions",
        false,
        false,
        "only a reference could name them, and references are not supported",
    ),
    (
        "$ref",
        true,
        true,
        "references are not supported; what they say is not checked any more",
    ),
    (
        "dependencies",
        true,
        true,
        "not supported; the dependencies are not checked any more",
    ),
    (
        "additionalItems",
        true,
        true,
        "not supported; additional items are not checked any more",
    ),
    (
        "patternProperties",
        false,
        true,
        "not supported; these fields are not checked any more",
    ),
    (
        "uniqueItems",
        false,
        true,
        "not supported; items may occur twice now",
    ),
];

/// Takes away what is forbidden everywhere. Answers whether the schema takes more values now.
pub(super) fn forbidden(node: &mut Node<'_>) -> bool {
    let mut wider = false;
    for (keyword, even_empty, restricts, reason) in FORBIDDEN {
        let stands = node
            .get(&[keyword])
            .is_some_and(|value| even_empty || !is_zero(value));
        if stands {
            let severity = if restricts {
                Severity::Warning
            } else {
                Severity::Info
            };
            node.lose(&[keyword], LossKind::Refused, severity, reason);
            wider |= restricts;
        }
    }
    wider | self::regular_expression(node)
}

fn regular_expression(node: &mut Node<'_>) -> bool {
    let refused = node
        .text(&["pattern"])
        .is_some_and(|text| !pattern::is_valid(text));
    if refused {
        node.lose(
            &["pattern"],
            LossKind::Refused,
            Severity::Warning,
            "not a regular expression that the server knows (RE2: no lookaround, no back references)",
        );
    }
    refused
}

/// Takes a type away that does not exist: no value ever had it.
pub(super) fn unknown_type(node: &mut Node<'_>) {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    if type_of(node.tree()).is_some_and(|text| !TYPES.contains(&text)) {
        node.lose(
            &["type"],
            LossKind::Refused,
            Severity::Warning,
            "there is no such type; any value is taken now",
        );
    }
}

/// What a schema without a type is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    Type(&'static str),
    IntOrString,
    Anything,
}

/// A set of types.
pub(super) type Types = BTreeSet<&'static str>;

/// The types that a schema allows, if it says: its own, or those of the schemas that it joins.
pub(super) fn types(schema: &Tree) -> Option<Types> {
    if is_true(schema, INT_OR_STRING) {
        return Some(Types::from(["integer", "string"]));
    }
    if let Some(text) = type_of(schema) {
        return known(text).map(|known| Types::from([known]));
    }
    let list = |keyword: &str| {
        schema
            .at(&[keyword])
            .and_then(Tree::as_array)
            .unwrap_or_default()
    };
    if let Some(types) = list("allOf").iter().find_map(types) {
        return Some(types);
    }
    ["anyOf", "oneOf"]
        .into_iter()
        .find_map(|keyword| union(list(keyword)))
}

/// The types that alternatives allow, if every one says.
pub(super) fn union(alternatives: &[Tree]) -> Option<Types> {
    let (first, rest) = alternatives.split_first()?;
    rest.iter().try_fold(types(first)?, |mut all, schema| {
        all.extend(types(schema)?);
        Some(all)
    })
}

fn known(text: &str) -> Option<&'static str> {
    ["array", "boolean", "integer", "number", "object", "string"]
        .into_iter()
        .find(|known| *known == text)
}

/// One guess for a set of types.
pub(super) fn guess_of(types: &Types) -> Guess {
    let types: Vec<&'static str> = types.iter().copied().collect();
    match types.as_slice() {
        [one] => Guess::Type(one),
        ["integer", "number"] => Guess::Type("number"),
        ["integer", "string"] => Guess::IntOrString,
        _ => Guess::Anything,
    }
}

/// Keywords that mean something for values of one type only.
const HINTS: [(&str, &str); 18] = [
    ("properties", "object"),
    ("additionalProperties", "object"),
    ("required", "object"),
    ("minProperties", "object"),
    ("maxProperties", "object"),
    ("x-kubernetes-map-type", "object"),
    ("items", "array"),
    ("minItems", "array"),
    ("maxItems", "array"),
    ("x-kubernetes-list-type", "array"),
    ("pattern", "string"),
    ("minLength", "string"),
    ("maxLength", "string"),
    ("minimum", "number"),
    ("maximum", "number"),
    ("multipleOf", "number"),
    ("exclusiveMinimum", "number"),
    ("exclusiveMaximum", "number"),
];

/// Guesses what a schema without a type is about. Source: api-versions.md section 3.2, point 3.
pub(super) fn guess(schema: &Tree) -> Guess {
    if let Some(types) = types(schema) {
        return guess_of(&types);
    }
    let mut hints: Types = HINTS
        .into_iter()
        .filter(|(keyword, _)| {
            schema.at(&[keyword]).is_some_and(|value| {
                !is_zero(value)
                    || value.as_object().is_some()
                    || *value == Tree::Bool(false) && *keyword == "additionalProperties"
            })
        })
        .map(|(_, hint)| hint)
        .collect();
    match schema.text_at(&["format"]).unwrap_or_default() {
        "int32" | "int64" => {
            hints.remove("number");
            hints.insert("integer");
        }
        "float" | "double" => {
            hints.insert("number");
        }
        "int-or-string" => return Guess::IntOrString,
        "date-time" | "date" | "byte" | "binary" | "password" | "uri" | "email" | "hostname"
        | "ipv4" | "ipv6" | "cidr" | "mac" | "uuid" | "duration" => {
            hints.insert("string");
        }
        _ => {}
    }
    let listed = schema
        .at(&["enum"])
        .and_then(Tree::as_array)
        .unwrap_or_default();
    let default = schema.at(&["default"]);
    for value in listed.iter().chain(default) {
        hints.extend(type_of_value(value));
    }
    guess_of(&hints)
}

fn type_of_value(value: &Tree) -> Option<&'static str> {
    match value {
        Tree::Null => None,
        Tree::Bool(_) => Some("boolean"),
        Tree::Number(number) if number.as_i64().is_some() => Some("integer"),
        Tree::Number(_) => Some("number"),
        Tree::String(_) => Some("string"),
        Tree::Array(_) => Some("array"),
        Tree::Object(_) => Some("object"),
    }
}

/// Whether CEL has a type for values of a schema. Source: `SchemaDeclType`.
fn has_cel_type(schema: &Tree) -> bool {
    let schema_at = |keyword| {
        schema
            .at(&[keyword])
            .filter(|schema| schema.as_object().is_some())
    };
    match type_of(schema) {
        _ if is_true(schema, INT_OR_STRING) => true,
        Some("array") => schema_at("items").is_some_and(has_cel_type),
        Some("object") => schema_at("additionalProperties").is_none_or(has_cel_type),
        Some(_) => true,
        None => false,
    }
}

/// CEL rules: what can be seen without compiling them. They are in definitions of Kubernetes 1.23 and later, which checked them.
pub(super) fn rules(node: &mut Node<'_>) {
    let stands = node
        .get(&["x-kubernetes-validations"])
        .is_some_and(|rules| !is_zero(rules));
    if stands && !has_cel_type(node.tree()) {
        node.lose(
            &["x-kubernetes-validations"],
            LossKind::Refused,
            Severity::Warning,
            "rules need a schema that says the types of what they look at; they are not evaluated any more",
        );
    }
    const REASONS: [&str; 4] = [
        "FieldValueRequired",
        "FieldValueForbidden",
        "FieldValueInvalid",
        "FieldValueDuplicate",
    ];
    node.retain(&["x-kubernetes-validations"], |rule| {
        let empty = rule
            .text_at(&["rule"])
            .unwrap_or_default()
            .trim()
            .is_empty();
        empty.then(|| {
            (
                LossKind::Refused,
                Severity::Warning,
                "a rule without an expression".into(),
            )
        })
    });
    node.each(&["x-kubernetes-validations"], |rule| {
        for field in ["message", "messageExpression", "fieldPath"] {
            if rule
                .text(&[field])
                .is_some_and(|text| !text.is_empty() && text.trim().is_empty())
            {
                rule.remove(&[field], "blank");
            }
        }
        if rule
            .text(&["reason"])
            .is_some_and(|reason| !REASONS.contains(&reason))
        {
            rule.lose(
                &["reason"],
                LossKind::Refused,
                Severity::Info,
                "there is no such reason; the server says FieldValueInvalid",
            );
        }
        let broken = |text: &str| text.trim().contains(['\n', '\r']);
        if let Some(message) = rule.text(&["message"]).filter(|text| broken(text)) {
            let message = message.trim().replace(['\n', '\r'], " ");
            rule.set(&["message"], message, "a message must be one line");
        }
        if rule.text(&["rule"]).is_some_and(broken)
            && rule.text(&["message"]).is_none_or(str::is_empty)
        {
            rule.set(
                &["message"],
                "failed a rule of the definition",
                "a rule of several lines needs a message",
            );
        }
    });
}
