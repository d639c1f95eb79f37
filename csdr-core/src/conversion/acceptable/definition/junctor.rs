//! `allOf`, `anyOf`, `oneOf` and `not`: they may restrict values, and say nothing about their form.
//!
//! Source: `validateNestedValueValidation` and `validateStructuralCompleteness`. What is taken out of a schema under a junctor makes
//! that schema accept more. Under `not` and `oneOf` that would refuse more values than before, so there a `not` goes as a whole, and
//! `oneOf` becomes `anyOf`.

mod demand;

use super::{
    keyword::{self, EMBEDDED, INT_OR_STRING, PRESERVE, has_properties, is_true, type_of},
    schema::Spot,
};
use crate::conversion::{
    draft::{Log, Node},
    outcome::{Edit, LossKind, Severity},
};
use crate::model::Tree;
use demand::Demand;

const JUNCTORS: [&str; 4] = ["allOf", "anyOf", "oneOf", "not"];

/// Makes the junctors of a node structural; its properties and items are already.
pub(super) fn mend(node: &mut Node<'_>, spot: Spot) {
    if !JUNCTORS.iter().any(|junctor| node.has(&[junctor])) {
        return;
    }
    let hints = spot.root.then(|| Demand::certain(node.tree()));
    let mut outside = node.tree().clone();
    for junctor in JUNCTORS {
        outside.remove(&[junctor]);
    }
    let exempt = Exempt {
        any: is_int_or_string(node.tree()),
        all: node
            .get(&["allOf"])
            .and_then(Tree::as_array)
            .and_then(|all| all.first())
            .is_some_and(is_int_or_string),
    };
    let outside = Outside {
        schema: Some(&outside),
        complete: spot.root,
        minor: spot.minor,
    };
    junctors(node, outside, exempt);
    if spot.root {
        Demand::of(node.tree()).meet(node, hints.as_ref(), true);
    }
}

/// The schema of the same value outside of all junctors.
#[derive(Clone, Copy)]
struct Outside<'a> {
    schema: Option<&'a Tree>,
    /// It must know whatever the junctors talk about. Source: `validateStructuralCompleteness`, which looks at the root's only.
    complete: bool,
    /// The target's minor.
    minor: u32,
}

impl<'a> Outside<'a> {
    fn below(self, path: &[&str]) -> Self {
        Self {
            schema: self.schema.and_then(|schema| schema.at(path)),
            ..self
        }
    }
}

/// The two places where a junctor may name types. Source: `isIntOrStringAnyOfPattern`, `isIntOrStringAllOfPattern`.
#[derive(Clone, Copy, Default)]
struct Exempt {
    any: bool,
    all: bool,
}

/// Whether `anyOf` is exactly an integer and a string, in this order.
fn is_int_or_string(schema: &Tree) -> bool {
    let only = |schema: &Tree, wanted: &str| {
        schema.as_object().is_some_and(|keywords| {
            keywords.iter().all(|(keyword, value)| match keyword {
                "type" => value.as_str() == Some(wanted),
                _ => value.is_null(),
            }) && type_of(schema).is_some()
        })
    };
    match schema.at(&["anyOf"]).and_then(Tree::as_array) {
        Some([first, second]) => only(first, "integer") && only(second, "string"),
        _ => false,
    }
}

/// Cleans the junctors of a schema. Answers whether it accepts more now.
fn junctors(node: &mut Node<'_>, outside: Outside<'_>, exempt: Exempt) -> bool {
    let mut wider = all_of(node, outside, exempt.all);
    if !exempt.any {
        wider |= any_of(node, outside);
    }
    wider |= one_of(node, outside);
    wider | not(node, outside)
}

fn all_of(node: &mut Node<'_>, outside: Outside<'_>, exempt: bool) -> bool {
    let mut wider = false;
    let mut any = exempt;
    node.each(&["allOf"], |schema| {
        wider |= clean(schema, outside, Exempt { any, all: false });
        any = false;
    });
    if wider && array(node, "allOf").iter().all(says_nothing) {
        node.remove(&["allOf"], "what is left of it says nothing");
    }
    wider
}

fn any_of(node: &mut Node<'_>, outside: Outside<'_>) -> bool {
    if only_types(node, "anyOf", outside) {
        return false;
    }
    let mut wider = false;
    node.each(&["anyOf"], |schema| {
        wider |= clean(schema, outside, Exempt::default())
    });
    if wider {
        drop_if_vacuous(node, "anyOf");
    }
    wider
}

fn one_of(node: &mut Node<'_>, outside: Outside<'_>) -> bool {
    if only_types(node, "oneOf", outside) {
        return false;
    }
    let mut wider = false;
    node.each(&["oneOf"], |schema| {
        wider |= clean(schema, outside, Exempt::default())
    });
    if !wider || drop_if_vacuous(node, "oneOf") {
        return wider;
    }
    node.warn(
        &["oneOf"],
        LossKind::Meaning,
        Severity::Warning,
        "without what had to be dropped, a value may fit several of these schemas: one or more must fit now, not exactly one",
    );
    if node.has(&["anyOf"]) {
        let alternatives = node.tree_mut().remove(&["oneOf"]).unwrap_or_default();
        let from = node.pointer(&["oneOf"]);
        let mut all = array(node, "allOf").to_vec();
        let at = all.len().to_string();
        all.push(Tree::from_iter([("anyOf", alternatives)]));
        node.tree_mut().set(&["allOf"], all.into());
        node.record(
            &["allOf", &at, "anyOf"],
            Edit::Moved { from },
            None,
            None,
            Severity::Info,
            "renamed",
        );
    } else {
        node.rename(&["oneOf"], &["anyOf"]);
    }
    true
}

fn not(node: &mut Node<'_>, outside: Outside<'_>) -> bool {
    let Some(mut trial) = node.get(&["not"]).cloned() else {
        return false;
    };
    let mut log = Log::default();
    if clean(
        &mut Node::root(&mut trial, &mut log),
        outside,
        Exempt::default(),
    ) {
        node.lose(
            &["not"],
            LossKind::Refused,
            Severity::Warning,
            "a definition may not say this under not; such values are not refused any more",
        );
        return true;
    }
    node.at(&["not"], |schema| clean(schema, outside, Exempt::default()));
    false
}

fn array<'a>(node: &'a Node<'_>, junctor: &str) -> &'a [Tree] {
    node.get(&[junctor])
        .and_then(Tree::as_array)
        .unwrap_or_default()
}

/// Whether a schema takes every value.
fn says_nothing(schema: &Tree) -> bool {
    schema.is_null()
        || schema
            .as_object()
            .is_some_and(|keywords| keywords.values().all(Tree::is_null))
}

/// Takes alternatives away of which one takes every value.
fn drop_if_vacuous(node: &mut Node<'_>, junctor: &str) -> bool {
    let vacuous = array(node, junctor).iter().any(says_nothing);
    if vacuous {
        if array(node, junctor).iter().all(says_nothing) {
            node.remove(&[junctor], "what is left of it says nothing");
        } else {
            node.lose(
                &[junctor],
                LossKind::Refused,
                Severity::Warning,
                "one of the alternatives takes every value now, so that the others say nothing",
            );
        }
    }
    vacuous
}

/// Takes alternatives away that name types and nothing else, where the node says the same types itself.
fn only_types(node: &mut Node<'_>, junctor: &str, outside: Outside<'_>) -> bool {
    let alternatives = array(node, junctor);
    let bare = alternatives.iter().all(|schema| {
        type_of(schema).is_some()
            && schema.as_object().is_some_and(|keywords| {
                keywords
                    .keys()
                    .all(|keyword| matches!(keyword, "type" | "description" | "title"))
            })
    });
    let same = bare
        && keyword::union(alternatives)
            .is_some_and(|types| outside.schema.and_then(keyword::types) == Some(types));
    if same {
        node.remove(&[junctor], "the schema outside says the same");
    }
    same
}

/// Keywords that say something about the form of a value and restrict none under a junctor.
const FORM: [(&str, &str); 10] = [
    ("title", "descriptions are not allowed here"),
    ("description", "descriptions are not allowed here"),
    (
        "default",
        "defaults are not allowed here; the server never filled this one in",
    ),
    (
        "nullable",
        "not allowed here; only the schema outside says whether null is taken",
    ),
    (PRESERVE, "not allowed here; it said nothing"),
    (EMBEDDED, "not allowed here; it said nothing"),
    (
        "x-kubernetes-list-type",
        "not allowed here; it said nothing",
    ),
    (
        "x-kubernetes-list-map-keys",
        "not allowed here; it said nothing",
    ),
    ("x-kubernetes-map-type", "not allowed here; it said nothing"),
    (
        "x-kubernetes-validations",
        "not allowed here; the rules were never evaluated",
    ),
];

/// Takes out of a schema under a junctor what may not be there. Answers whether it accepts more now.
fn clean(node: &mut Node<'_>, outside: Outside<'_>, exempt: Exempt) -> bool {
    if node.tree().as_object().is_none() {
        return false;
    }
    let mut wider = keyword::forbidden(node);
    for (form, reason) in FORM {
        let said = node.get(&[form]).is_some_and(|value| match value {
            // Source: a pointer in Go: `false` is refused as well.
            Tree::Bool(false) => form == PRESERVE,
            Tree::String(text) => !text.is_empty() || form.starts_with("x-"),
            Tree::Array(items) => !items.is_empty() || form == "default",
            _ => true,
        });
        if said || (form == "default" && node.has(&[form])) {
            node.lose(&[form], LossKind::Refused, Severity::Info, reason);
        }
    }
    wider |= named_type(node, outside);
    wider |= additional(node, outside.minor);
    wider |= items(node, outside);
    wider |= properties(node, outside);
    wider | junctors(node, outside, exempt)
}

fn named_type(node: &mut Node<'_>, outside: Outside<'_>) -> bool {
    let mut wider = false;
    if is_true(node.tree(), INT_OR_STRING) {
        wider = !outside
            .schema
            .is_some_and(|outside| is_true(outside, INT_OR_STRING));
        node.lose(
            &[INT_OR_STRING],
            LossKind::Refused,
            severity(wider),
            "not allowed here",
        );
    }
    let Some(named) = type_of(node.tree()) else {
        return wider;
    };
    let same = outside
        .schema
        .and_then(type_of)
        .is_some_and(|outside| outside == named || (outside == "integer" && named == "number"));
    if same {
        node.remove(&["type"], "the schema outside says it");
        return wider;
    }
    node.lose(
        &["type"],
        LossKind::Refused,
        Severity::Warning,
        "only the schema outside may name a type; values of other types are not refused here any more",
    );
    true
}

fn severity(wider: bool) -> Severity {
    if wider {
        Severity::Warning
    } else {
        Severity::Info
    }
}

/// Newer servers take `false` here, if no properties stand beside it: 1.36 does, 1.21 does not.
fn additional(node: &mut Node<'_>, minor: u32) -> bool {
    let shared = has_properties(node.tree());
    let wider = match node.get(&["additionalProperties"]) {
        Some(Tree::Bool(true)) => false,
        Some(Tree::Bool(false)) if shared || minor < 32 => true,
        Some(Tree::Object(schema)) => !schema.is_empty(),
        _ => return false,
    };
    node.lose(
        &["additionalProperties"],
        LossKind::Refused,
        severity(wider),
        "not allowed here; other fields are not checked any more",
    );
    wider
}

fn items(node: &mut Node<'_>, outside: Outside<'_>) -> bool {
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
        return true;
    }
    let outside = outside.below(&["items"]);
    node.at(&["items"], |items| clean(items, outside, Exempt::default()))
        .unwrap_or(false)
}

fn properties(node: &mut Node<'_>, outside: Outside<'_>) -> bool {
    // Properties cannot be added outside beside `additionalProperties`.
    let closed = outside.complete
        && outside
            .below(&["additionalProperties"])
            .schema
            .is_some_and(|more| more.as_object().is_some() || *more == Tree::Bool(false));
    let Some(properties) = node.get(&["properties"]).and_then(Tree::as_object) else {
        return false;
    };
    let gone: Vec<String> = properties
        .keys()
        .filter(|key| {
            *key == "metadata" || (closed && outside.below(&["properties", key]).schema.is_none())
        })
        .map(str::to_owned)
        .collect();
    let mut wider = !gone.is_empty();
    for key in gone {
        node.lose(
            &["properties", &key],
            LossKind::Refused,
            Severity::Warning,
            "this property may not be restricted here",
        );
    }
    node.entries(&["properties"], |key, property| {
        wider |= clean(
            property,
            outside.below(&["properties", key]),
            Exempt::default(),
        );
    });
    wider
}
