//! Annotations that hold what an older version has no field for.
//!
//! The server drops all of them from an object whose version has the fields. Source: pkg/apis/autoscaling/annotations.go and helpers.go.

use super::{
    payload::{self, BEHAVIOR, Shape},
    quantity,
};
use crate::{
    Error, Result,
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    model::Tree,
};

/// A list and the annotation that carries it.
pub(super) struct Carried {
    annotation: &'static str,
    list: [&'static str; 2],
    items: Shape,
    /// Whether its absence changes how the autoscaler acts.
    acts: bool,
}

pub(super) const METRICS: Carried = Carried {
    annotation: "autoscaling.alpha.kubernetes.io/metrics",
    list: super::METRICS,
    items: Shape::Struct(&payload::METRIC),
    acts: true,
};

pub(super) const CURRENT_METRICS: Carried = Carried {
    annotation: "autoscaling.alpha.kubernetes.io/current-metrics",
    list: super::CURRENT_METRICS,
    items: Shape::Struct(&payload::CURRENT_METRIC),
    acts: false,
};

pub(super) const CONDITIONS: Carried = Carried {
    annotation: "autoscaling.alpha.kubernetes.io/conditions",
    list: ["status", "conditions"],
    items: Shape::Struct(&payload::CONDITION),
    acts: false,
};

const BEHAVIOR_ANNOTATION: &str = "autoscaling.alpha.kubernetes.io/behavior";

const TOLERANCES: [(&str, &str); 2] = [
    (
        "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
        "scaleDown",
    ),
    (
        "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
        "scaleUp",
    ),
];

fn place(annotation: &str) -> [&str; 3] {
    ["metadata", "annotations", annotation]
}

/// Whether the object has annotations.
pub(super) fn has_some(node: &Node<'_>) -> bool {
    node.get(&["metadata", "annotations"])
        .is_some_and(|map| map.as_object().is_none_or(|map| !map.is_empty()))
}

/// An annotation's text; `null` in a map of strings is the empty text.
fn text<'a>(node: &'a Node<'_>, annotation: &str) -> Option<&'a str> {
    match node.tree().at(&place(annotation))? {
        Tree::Null => Some(""),
        value => value.as_str(),
    }
}

/// Moves the list out of its annotation, with the names that v2beta1 gives its fields; whether there was one that could be read.
pub(super) fn take_list(node: &mut Node<'_>, carried: &Carried) -> bool {
    let Some(text) = text(node, carried.annotation) else {
        return false;
    };
    let Some(items) = payload::read_list(text, &carried.items) else {
        unreadable(node, carried.annotation);
        return false;
    };
    let place = place(carried.annotation);
    if items.is_empty() {
        node.remove(&place, "an empty list says nothing");
        return true;
    }
    move_out(node, &place, &carried.list, items.into())
}

/// Moves a value that was read from an annotation to its field.
fn move_out(node: &mut Node<'_>, annotation: &[&str], field: &[&str], value: Tree) -> bool {
    if !node.reaches(field) {
        return false;
    }
    node.lose(
        field,
        LossKind::UnknownField,
        Severity::Warning,
        "not a field of the stored version; what its annotation says stands here now",
    );
    let edit = Edit::Moved {
        from: node.pointer(annotation),
    };
    let text = node.tree_mut().remove(annotation);
    node.record(
        field,
        edit,
        text,
        None,
        Severity::Info,
        "the wanted version has a field for it",
    );
    node.tree_mut().set(field, value);
    true
}

fn unreadable(node: &mut Node<'_>, annotation: &str) {
    node.lose(
        &place(annotation),
        LossKind::Refused,
        Severity::Warning,
        "the annotation's text does not have the form that a server writes; a server ignores it and takes it away",
    );
}

/// Writes a list into its annotation, as the server of today does.
pub(super) fn put_list(node: &mut Node<'_>, carried: &Carried) {
    let Some(items) = node.get(&carried.list).and_then(Tree::as_array) else {
        return;
    };
    if items.is_empty() {
        node.remove(&carried.list, "an empty list says nothing");
        return;
    }
    let text = payload::write_list(items, &carried.items);
    let severity = if carried.acts {
        Severity::Warning
    } else {
        Severity::Info
    };
    put(node, carried.annotation, &carried.list, text, severity);
}

fn put(node: &mut Node<'_>, annotation: &str, field: &[&str], text: String, severity: Severity) {
    let place = place(annotation);
    if !node.reaches(&place) {
        return;
    }
    let edit = Edit::Moved {
        from: node.pointer(field),
    };
    node.record(
        &place,
        edit,
        None,
        None,
        Severity::Info,
        "the wanted version has no field for it",
    );
    let value = node.tree_mut().remove(field);
    node.loses(
        field,
        LossKind::NoCounterpart,
        value,
        severity,
        format!("the wanted version has no such field; it stands in the annotation {annotation}, which only a server that knows it reads"),
    );
    node.tree_mut().set(&place, text.into());
}

const BEHAVIOR_FIELD: [&str; 2] = ["spec", "behavior"];

/// Moves the behavior out of its annotation. It is Go's own form with capital letters, which Go reads in any case.
pub(super) fn take_behavior(node: &mut Node<'_>) {
    let Some(text) = text(node, BEHAVIOR_ANNOTATION) else {
        node.at(&BEHAVIOR_FIELD, |behavior| {
            behavior.warn(
                &[],
                LossKind::UnknownField,
                Severity::Warning,
                "not a field of the stored version; it is kept and takes effect now",
            );
        });
        return;
    };
    let place = place(BEHAVIOR_ANNOTATION);
    match payload::read(text, &Shape::Struct(&BEHAVIOR)) {
        None => unreadable(node, BEHAVIOR_ANNOTATION),
        Some(behavior) if behavior.as_object().is_some_and(|halves| halves.is_empty()) => {
            node.remove(&place, "it names neither direction, which is no behavior");
        }
        Some(behavior) => {
            move_out(node, &place, &BEHAVIOR_FIELD, behavior);
        }
    }
}

/// Writes the behavior into its annotation.
pub(super) fn put_behavior(node: &mut Node<'_>) {
    let Some(behavior) = node
        .get(&BEHAVIOR_FIELD)
        .filter(|behavior| behavior.as_object().is_some())
    else {
        return;
    };
    let text = payload::write(behavior, &Shape::Struct(&BEHAVIOR));
    put(
        node,
        BEHAVIOR_ANNOTATION,
        &BEHAVIOR_FIELD,
        text,
        Severity::Warning,
    );
}

/// Moves the tolerances of autoscaling/v2beta2 out of their annotations.
///
/// # Errors
/// `InvalidInput` for one that is no quantity: the server refuses to convert the object.
pub(super) fn take_tolerances(node: &mut Node<'_>) -> Result<()> {
    for (annotation, half) in TOLERANCES {
        let Some(text) = text(node, annotation) else {
            continue;
        };
        if quantity::canonical(text).is_none() {
            return Err(Error::invalid(
                "annotation is no quantity: the server cannot convert the object; remove the annotation",
            )
            .with_context("annotation", annotation));
        }
        let tolerance = Tree::from(text);
        move_out(
            node,
            &place(annotation),
            &["spec", "behavior", half, "tolerance"],
            tolerance,
        );
    }
    Ok(())
}

/// Writes the tolerances into annotations.
pub(super) fn put_tolerances(node: &mut Node<'_>) {
    for (annotation, half) in TOLERANCES {
        let field = ["spec", "behavior", half, "tolerance"];
        let Some(text) = node.get(&field).and_then(payload::quantity_text) else {
            continue;
        };
        put(node, annotation, &field, text, Severity::Warning);
    }
}

/// Takes away what is left of all of them: the stored version has the fields, or never had the annotation.
///
/// `annotated` is whether the object had annotations: a map that lost its last one goes, too.
pub(super) fn drop_all(node: &mut Node<'_>, annotated: bool) {
    let lists = [METRICS, CURRENT_METRICS, CONDITIONS].map(|carried| carried.annotation);
    let tolerances = TOLERANCES.map(|(annotation, _)| annotation);
    for annotation in lists
        .into_iter()
        .chain([BEHAVIOR_ANNOTATION])
        .chain(tolerances)
    {
        node.remove(
            &place(annotation),
            "an annotation of the server's own conversion, which nothing reads in the stored version",
        );
    }
    if annotated && !has_some(node) {
        node.tree_mut().remove(&["metadata", "annotations"]);
    }
}
