//! Metrics as autoscaling/v2beta1 writes them, and as v2 does.
//!
//! The payload of autoscaling/v1's annotations has the form of v2beta1. Source: pkg/apis/autoscaling/v2beta1/conversion.go.

use crate::{
    conversion::{
        draft::{Node, map},
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

/// One source of a metric.
struct Source {
    /// The field that holds it.
    field: &'static str,
    /// Names in v2beta1, and paths in v2 of which the first key may be the holder of the values.
    moves: &'static [(&'static str, [&'static str; 2])],
    /// The quantity that v2beta1 always writes.
    always: Option<&'static str>,
}

/// The form of metrics in one place.
pub(super) struct Form {
    /// What holds the values in v2: `target` in the spec, `current` in the status.
    holder: &'static str,
    /// Whether v2 says there which of the values counts.
    typed: bool,
    sources: [Source; 5],
}

/// `spec.metrics`.
pub(super) static TARGET: Form = Form {
    holder: "target",
    typed: true,
    sources: [
        Source {
            field: "resource",
            moves: &TARGET_RESOURCE,
            always: None,
        },
        Source {
            field: "containerResource",
            moves: &TARGET_RESOURCE,
            always: None,
        },
        Source {
            field: "pods",
            moves: &[
                ("metricName", ["metric", "name"]),
                ("selector", ["metric", "selector"]),
                ("targetAverageValue", ["target", "averageValue"]),
            ],
            always: Some("targetAverageValue"),
        },
        Source {
            field: "object",
            moves: &[
                ("metricName", ["metric", "name"]),
                ("selector", ["metric", "selector"]),
                ("targetValue", ["target", "value"]),
                ("averageValue", ["target", "averageValue"]),
            ],
            always: Some("targetValue"),
        },
        Source {
            field: "external",
            moves: &[
                ("metricName", ["metric", "name"]),
                ("metricSelector", ["metric", "selector"]),
                ("targetValue", ["target", "value"]),
                ("targetAverageValue", ["target", "averageValue"]),
            ],
            always: None,
        },
    ],
};

const TARGET_RESOURCE: [(&str, [&str; 2]); 2] = [
    ("targetAverageUtilization", ["target", "averageUtilization"]),
    ("targetAverageValue", ["target", "averageValue"]),
];

/// `status.currentMetrics`.
pub(super) static CURRENT: Form = Form {
    holder: "current",
    typed: false,
    sources: [
        Source {
            field: "resource",
            moves: &CURRENT_RESOURCE,
            always: Some("currentAverageValue"),
        },
        Source {
            field: "containerResource",
            moves: &CURRENT_RESOURCE,
            always: Some("currentAverageValue"),
        },
        Source {
            field: "pods",
            moves: &[
                ("metricName", ["metric", "name"]),
                ("selector", ["metric", "selector"]),
                ("currentAverageValue", ["current", "averageValue"]),
            ],
            always: Some("currentAverageValue"),
        },
        Source {
            field: "object",
            moves: &[
                ("metricName", ["metric", "name"]),
                ("selector", ["metric", "selector"]),
                ("currentValue", ["current", "value"]),
                ("averageValue", ["current", "averageValue"]),
            ],
            always: Some("currentValue"),
        },
        Source {
            field: "external",
            moves: &[
                ("metricName", ["metric", "name"]),
                ("metricSelector", ["metric", "selector"]),
                ("currentValue", ["current", "value"]),
                ("currentAverageValue", ["current", "averageValue"]),
            ],
            always: Some("currentValue"),
        },
    ],
};

const CURRENT_RESOURCE: [(&str, [&str; 2]); 2] = [
    (
        "currentAverageUtilization",
        ["current", "averageUtilization"],
    ),
    ("currentAverageValue", ["current", "averageValue"]),
];

/// `{type: Utilization, averageUtilization}`.
pub(super) fn utilization(percent: Tree) -> Tree {
    map([
        ("type", "Utilization".into()),
        ("averageUtilization", percent),
    ])
}

/// From the form of v2beta1 to that of v2.
pub(super) fn up(metric: &mut Node<'_>, form: &Form) {
    for source in &form.sources {
        metric.at(&[source.field], |at| {
            if at.tree().as_object().is_none() {
                return;
            }
            if let Some(field) = source.always
                && !source
                    .moves
                    .iter()
                    .any(|(old, new)| *old == field && at.has(new))
            {
                at.default(&[field], "0");
            }
            // The described object stands where the values will.
            if source.field == "object" {
                at.rename(&["target"], &["describedObject"]);
            }
            for (old, new) in source.moves {
                at.rename(&[old], new);
            }
            if form.typed {
                let kind = implied(at, source.field);
                at.add(&["target", "type"], kind, "follows from which value is set");
            } else {
                at.add(&["current"], Tree::object(), "always written");
            }
        });
    }
}

/// Which value counts; v2beta1 does not say it. A target that is typed in v2 has the type that v2beta1 implies, or it is a loss.
fn implied(at: &Node<'_>, field: &str) -> &'static str {
    let has = |value: &str| at.has(&["target", value]);
    match field {
        "resource" | "containerResource" if has("averageUtilization") => "Utilization",
        "object" if !has("averageValue") => "Value",
        "external" if has("value") => "Value",
        _ => "AverageValue",
    }
}

/// From the form of v2 to that of v2beta1.
pub(super) fn down(metric: &mut Node<'_>, form: &Form) {
    for source in &form.sources {
        metric.at(&[source.field], |at| {
            if at.tree().as_object().is_none() {
                return;
            }
            if form.typed {
                drop_type(at, source.field);
            }
            for (old, new) in source.moves {
                at.rename(new, &[old]);
            }
            drop_rest(at, form.holder);
            let emptied = |tree: &Tree| tree.as_object().is_some_and(|left| left.is_empty());
            if at.get(&["metric"]).is_some_and(emptied) {
                at.tree_mut().remove(&["metric"]);
            }
            if source.field == "object" {
                at.rename(&["describedObject"], &["target"]);
            }
            if let Some(field) = source.always {
                at.add(&[field], "0", "always written");
            }
        });
    }
}

fn drop_type(at: &mut Node<'_>, field: &str) {
    let path: &[&str] = &["target", "type"];
    let kind = implied(at, field);
    if at.text(path) == Some(kind) {
        at.remove(path, "follows from which value is set");
    } else {
        at.lose(
            path,
            LossKind::Meaning,
            Severity::Warning,
            format!(
                "the wanted version takes it for {kind}, which follows from which value is set"
            ),
        );
    }
}

/// Values that the source has no field for in v2beta1.
fn drop_rest(at: &mut Node<'_>, holder: &str) {
    let left: Vec<String> = match at.get(&[holder]).map(Tree::as_object) {
        None => return,
        // Not an object: no server could read it.
        Some(None) => Vec::new(),
        Some(Some(left)) => left.keys().map(str::to_owned).collect(),
    };
    for field in left {
        at.lose(
            &[holder, &field],
            LossKind::NoCounterpart,
            Severity::Warning,
            "a metric of this type has no such value in the wanted version",
        );
    }
    if at
        .get(&[holder])
        .is_some_and(|tree| tree.as_object().is_some())
    {
        at.tree_mut().remove(&[holder]);
    }
}
