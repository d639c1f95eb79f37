//! Fields that are younger than the target: its server would drop them without a word.
//!
//! Source: api-versions.md section 6 (down-level), and the types and feature gates (`kube_features.go`) of Kubernetes 1.16 to 1.36.
//! Between the release whose API first has a field and the one whose gate is on by default, nobody can tell from outside whether a
//! server keeps it: there it stays, and what its loss would mean is told.

mod tables;

use super::{
    Context,
    needle::{self, Needle},
    pod,
};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
};

/// A field and when it came.
pub(super) struct Field {
    /// Keys with a point between them; `[]` after one goes through its items.
    path: &'static str,
    /// The first minor whose API has it.
    since: u32,
    /// The first minor whose servers keep it by default.
    on: u32,
    /// Values, as JSON, that say what a server without the field does: they are left, as nothing is lost.
    same: &'static [&'static str],
    severity: Severity,
    /// What the loss means.
    reason: &'static str,
}

/// The fields of some kinds of one group.
struct Table {
    group: &'static str,
    kinds: &'static [&'static str],
    below: Below,
    fields: &'static [Field],
}

/// Where the paths of a table begin.
#[derive(Clone, Copy)]
enum Below {
    /// At the object.
    Object,
    /// At the template of a CronJob, which is a Job.
    JobTemplate,
    /// At the Pod, or the pod template.
    Pod,
    /// At every place of a definition's schemas at which the server evaluates rules.
    Schema,
}

impl Below {
    fn visit(self, node: &mut Node<'_>, kind: &str, rule: &mut dyn FnMut(&mut Node<'_>)) {
        match self {
            Self::Object => rule(node),
            Self::JobTemplate => {
                node.at(&["spec", "jobTemplate"], rule);
            }
            Self::Pod => {
                pod::at_template(node, kind, rule);
            }
            Self::Schema => {
                node.at(&["spec", "validation", "openAPIV3Schema"], |schema| {
                    every_schema(schema, rule);
                });
                node.each(&["spec", "versions"], |version| {
                    version.at(&["schema", "openAPIV3Schema"], |schema| {
                        every_schema(schema, rule);
                    });
                });
            }
        }
    }
}

fn every_schema(schema: &mut Node<'_>, rule: &mut dyn FnMut(&mut Node<'_>)) {
    rule(schema);
    schema.entries(&["properties"], |_, schema| every_schema(schema, rule));
    for below in ["items", "additionalProperties"] {
        schema.at(&[below], |schema| every_schema(schema, rule));
    }
}

fn of<'a>(group: &'a str, kind: &'a str) -> impl Iterator<Item = &'static Table> + 'a {
    tables::TABLES
        .iter()
        .filter(move |table| table.group == group && table.kinds.contains(&kind))
}

/// The kinds that have such fields.
pub(super) fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    tables::TABLES
        .iter()
        .flat_map(|table| table.kinds.iter().map(|kind| (table.group, *kind)))
}

fn last_key(path: &'static str) -> &'static str {
    path.rsplit('.')
        .next()
        .unwrap_or(path)
        .trim_end_matches("[]")
}

/// The keys of the fields that a target does not have.
pub(super) fn needles(group: &str, kind: &str, minor: u32) -> Vec<Needle> {
    of(group, kind)
        .flat_map(|table| table.fields)
        .filter(|field| field.since.max(field.on) > minor)
        .map(|field| needle::value(last_key(field.path), |_| true))
        .collect()
}

/// Takes away what the target does not have, and tells what it may not keep.
pub(super) fn mend(node: &mut Node<'_>, context: &Context<'_>) {
    for table in of(context.api_version.group(), context.kind) {
        for field in table
            .fields
            .iter()
            .filter(|field| field.since.max(field.on) > context.minor)
        {
            let keys: Vec<&str> = field.path.split('.').collect();
            table.below.visit(node, context.kind, &mut |place| {
                drop_at(place, &keys, field, context.minor);
            });
        }
    }
}

fn drop_at(node: &mut Node<'_>, keys: &[&str], field: &Field, minor: u32) {
    let Some((first, rest)) = keys.split_first() else {
        return;
    };
    if rest.is_empty() {
        let says_something = node
            .get(&[first])
            .is_some_and(|value| !field.same.contains(&value.to_string().as_str()));
        if says_something && field.since <= minor {
            node.warn(
                &[first],
                LossKind::Inert,
                field.severity,
                format!(
                    "before Kubernetes 1.{} servers drop the field unless a feature gate is on: {}",
                    field.on, field.reason
                ),
            );
        } else if says_something {
            node.lose(
                &[first],
                LossKind::NoCounterpart,
                field.severity,
                format!(
                    "the field came with Kubernetes 1.{}: {}",
                    field.since, field.reason
                ),
            );
        }
    } else if let Some(array) = first.strip_suffix("[]") {
        node.each(&[array], |item| drop_at(item, rest, field, minor));
    } else {
        node.at(&[first], |child| drop_at(child, rest, field, minor));
    }
}
