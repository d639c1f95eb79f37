//! What the server does to a custom resource before it validates it.

use super::{SchemaFailure, SchemaVerdict, Trail};
use crate::model::Tree;

/// Fields that every resource has; no schema has to know them.
const OF_EVERY_RESOURCE: [&str; 3] = ["apiVersion", "kind", "metadata"];

fn is_true(schema: &Tree, keyword: &str) -> bool {
    schema.at(&[keyword]).and_then(Tree::as_bool) == Some(true)
}

/// The schema of a member of an object.
fn of_member<'a>(schema: &'a Tree, key: &str) -> Option<&'a Tree> {
    schema.at(&["properties", key]).or_else(|| {
        schema
            .at(&["additionalProperties"])
            .filter(|more| more.as_object().is_some())
    })
}

fn default_of(schema: &Tree) -> Option<&Tree> {
    schema.at(&["default"]).filter(|value| !value.is_null())
}

/// Takes nulls away that may not be null, and fills in defaults.
pub(super) fn nulls_and_defaults(schema: &Tree, value: &mut Tree) {
    match value {
        Tree::Object(members) => {
            members.retain(|key, value| {
                !value.is_null()
                    || of_member(schema, key).is_none_or(|schema| {
                        is_true(schema, "nullable") || default_of(schema).is_some()
                    })
            });
            for (key, schema) in schema
                .at(&["properties"])
                .and_then(Tree::as_object)
                .into_iter()
                .flatten()
            {
                let Some(default) = default_of(schema) else {
                    continue;
                };
                let stands = members
                    .get(key)
                    .is_some_and(|value| !value.is_null() || is_true(schema, "nullable"));
                if !stands {
                    members.insert(key.to_owned(), default.clone());
                }
            }
            for (key, value) in members.iter_mut() {
                if let Some(schema) = of_member(schema, key) {
                    if value.is_null() && !is_true(schema, "nullable") {
                        *value = default_of(schema).cloned().unwrap_or_default();
                    }
                    nulls_and_defaults(schema, value);
                }
            }
        }
        Tree::Array(items) => {
            let Some(schema) = schema.at(&["items"]) else {
                return;
            };
            for item in items {
                if item.is_null() && !is_true(schema, "nullable") {
                    *item = default_of(schema).cloned().unwrap_or_default();
                }
                nulls_and_defaults(schema, item);
            }
        }
        _ => {}
    }
}

/// Takes fields away that the schema does not know, and says so for each.
pub(in crate::conversion) fn prune(
    schema: &Tree,
    value: &mut Tree,
    resource: bool,
    trail: &mut Trail,
    failures: &mut Vec<SchemaFailure>,
) {
    walk(
        Some(schema),
        value,
        Keep {
            resource,
            unknown: false,
        },
        trail,
        failures,
    );
}

#[derive(Clone, Copy)]
struct Keep {
    /// The value is a whole resource.
    resource: bool,
    /// An array around it keeps what it does not know.
    unknown: bool,
}

fn walk(
    schema: Option<&Tree>,
    value: &mut Tree,
    keep: Keep,
    trail: &mut Trail,
    failures: &mut Vec<SchemaFailure>,
) {
    let unknown = keep.unknown
        || schema.is_some_and(|schema| is_true(schema, "x-kubernetes-preserve-unknown-fields"));
    let resource = keep.resource
        || schema.is_some_and(|schema| is_true(schema, "x-kubernetes-embedded-resource"));
    match value {
        Tree::Object(members) => members.retain(|key, value| {
            if resource && OF_EVERY_RESOURCE.contains(&key) {
                return true;
            }
            let member = schema.and_then(|schema| schema.at(&["properties", key]));
            let more = schema
                .and_then(|schema| schema.at(&["additionalProperties"]))
                .filter(|more| !more.is_null());
            match (member, more) {
                (None, None) if !unknown => {
                    failures.push(trail.within(key, |trail| {
                        trail.says(SchemaVerdict::Pruned, "the schema does not know the field")
                    }));
                    false
                }
                (None, None) => true,
                (member, more) => {
                    let schema = member.or_else(|| more.filter(|more| more.as_object().is_some()));
                    let keep = Keep {
                        resource: false,
                        unknown: false,
                    };
                    trail.within(key, |trail| walk(schema, value, keep, trail, failures));
                    true
                }
            }
        }),
        Tree::Array(items) => {
            let schema = schema.and_then(|schema| schema.at(&["items"]));
            for (at, item) in items.iter_mut().enumerate() {
                trail.within(&at.to_string(), |trail| {
                    walk(
                        schema,
                        item,
                        Keep {
                            resource: false,
                            unknown,
                        },
                        trail,
                        failures,
                    );
                });
            }
        }
        _ => {}
    }
}
