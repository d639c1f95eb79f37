//! Defaults: where they may not stand, and what they must be.
//!
//! Source: `ValidateDefaults`: a default must be valid and pruned, and stand neither in the metadata of a resource at the root nor in
//! `additionalProperties` there.

use super::{
    keyword::{EMBEDDED, INT_OR_STRING, is_true, type_of},
    resource,
};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
    schema_check::{self, Trail},
};

#[derive(Clone, Copy)]
struct Spot {
    root: bool,
    /// It is about the metadata of a resource.
    in_metadata: bool,
    /// It is the API version or the kind of a resource: plain strings.
    named: bool,
    /// No default may stand here.
    forbidden: bool,
}

/// Takes defaults away that the server would refuse.
pub(super) fn mend(root: &mut Node<'_>) {
    walk(
        root,
        Spot {
            root: true,
            in_metadata: false,
            named: false,
            forbidden: false,
        },
    );
}

fn walk(node: &mut Node<'_>, spot: Spot) {
    if node.has(&["default"]) {
        check(node, spot);
    }
    let inner = Spot {
        root: false,
        ..spot
    };
    node.at(&["items"], |items| walk(items, inner));
    node.at(&["additionalProperties"], |more| {
        walk(
            more,
            Spot {
                forbidden: spot.forbidden || spot.in_metadata,
                ..inner
            },
        );
    });
    let resource = spot.root || is_true(node.tree(), EMBEDDED);
    node.entries(&["properties"], |key, property| {
        let metadata = resource && resource::is_metadata(key);
        walk(
            property,
            Spot {
                in_metadata: spot.in_metadata || metadata,
                named: spot.named || (resource && matches!(key, "apiVersion" | "kind")),
                forbidden: spot.forbidden || spot.named || (spot.root && metadata),
                ..inner
            },
        );
    });
}

fn check(node: &mut Node<'_>, spot: Spot) {
    let Some(default) = node.get(&["default"]).cloned() else {
        return;
    };
    if spot.forbidden {
        lose(
            node,
            "no default may stand in the metadata of a resource".to_owned(),
        );
        return;
    }
    let resource = spot.root || is_true(node.tree(), EMBEDDED);
    let mut pruned = default.clone();
    let mut unknown = Vec::new();
    if !spot.in_metadata {
        schema_check::prune(
            node.tree(),
            &mut pruned,
            resource,
            &mut Trail::default(),
            &mut unknown,
        );
    }
    let mut failures = Vec::new();
    // Source: for defaults the server looks at the type alone, and takes a format for one where there is none.
    let mut schema = node.tree().clone();
    schema.remove(&[INT_OR_STRING]);
    schema_check::validate(&schema, &pruned, &mut Trail::default(), &mut failures);
    let format = schema
        .text_at(&["format"])
        .is_some_and(|format| !format.is_empty());
    if type_of(&schema).is_none()
        && format
        && pruned.as_str().is_none()
        && pruned.as_array().is_none()
    {
        lose(
            node,
            "the default is not what the format is about".to_owned(),
        );
        return;
    }
    let anonymous = resource
        && ["apiVersion", "kind"]
            .into_iter()
            .any(|field| pruned.text_at(&[field]).is_none_or(str::is_empty));
    if let Some(failure) = failures.first() {
        lose(
            node,
            format!(
                "the default does not fit its own schema ({}: {})",
                failure.path, failure.reason
            ),
        );
    } else if anonymous {
        lose(
            node,
            "the default of a resource needs apiVersion and kind".to_owned(),
        );
    } else if pruned != default {
        for field in unknown {
            node.loses(
                &["default"],
                LossKind::Refused,
                Some(default.clone()),
                Severity::Warning,
                format!(
                    "the schema does not know the default's field {}",
                    field.path
                ),
            );
        }
        node.set(
            &["default"],
            pruned,
            "a default may only hold fields that the schema knows",
        );
    }
}

fn lose(node: &mut Node<'_>, reason: String) {
    node.lose(
        &["default"],
        LossKind::Refused,
        Severity::Warning,
        format!("{reason}; the server fills in nothing now"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversion::draft::Log;
    use crate::model::Tree;

    #[test]
    fn defaults_that_the_server_takes_stay() {
        for (schema, after) in [
            (r#"{"type":"integer","default":1.0}"#, Some("1.0")),
            (r#"{"type":"integer","default":"a"}"#, None),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"default":{"a":"b","c":1}}"#,
                Some(r#"{"a":"b"}"#),
            ),
            (
                r#"{"type":"object","x-kubernetes-preserve-unknown-fields":true,"default":{"c":1}}"#,
                Some(r#"{"c":1}"#),
            ),
            (r#"{"type":"string","enum":["a"],"default":"b"}"#, None),
            (
                r#"{"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true,"default":{"kind":"A"}}"#,
                None,
            ),
            (
                r#"{"x-kubernetes-int-or-string":true,"default":"25%"}"#,
                Some(r#""25%""#),
            ),
        ] {
            let root = format!(r#"{{"type":"object","properties":{{"spec":{schema}}}}}"#);
            let mut tree = Tree::parse(root.as_bytes()).unwrap();
            mend(&mut Node::root(&mut tree, &mut Log::default()));
            let default = tree
                .at(&["properties", "spec", "default"])
                .map(ToString::to_string);
            assert_eq!(default.as_deref(), after, "{schema}");
        }
    }
}
