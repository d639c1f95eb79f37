//! Fields of definitions and admission kinds that a target is too old for: its server drops them without a word.
//!
//! Source: api-versions.md section 6, last row. A field counts from the release that has it on by default: an alpha field that is
//! switched off is dropped as well.

use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use crate::model::Tree;

/// A field and the first minor of Kubernetes 1 whose server keeps it by default.
struct Newer {
    /// Path below the place that the table is about; `*` goes through the items of an array.
    path: &'static [&'static str],
    since: u32,
    /// What its absence means.
    means: &'static str,
}

const WEBHOOK: &[Newer] = &[
    Newer {
        path: &["webhooks", "*", "objectSelector"],
        since: 15,
        means: "the webhook is called for every object",
    },
    Newer {
        path: &["webhooks", "*", "matchConditions"],
        // 1.27 had it behind a feature gate.
        since: 28,
        means: "the webhook is called for more requests than its conditions say",
    },
];

const POLICY: &[Newer] = &[
    Newer {
        path: &["spec", "matchConditions"],
        since: 27,
        means: "the policy applies to more requests than its conditions say",
    },
    Newer {
        path: &["spec", "auditAnnotations"],
        since: 27,
        means: "nothing is written to the audit log",
    },
    Newer {
        path: &["spec", "variables"],
        since: 28,
        means: "expressions that name a variable are refused",
    },
    Newer {
        path: &["spec", "validations", "*", "messageExpression"],
        since: 27,
        means: "the message is the fixed one",
    },
    Newer {
        path: &["spec", "validationActions"],
        since: 27,
        means: "a failed validation always denies",
    },
    Newer {
        path: &["spec", "paramRef", "selector"],
        since: 28,
        means: "no parameters are found",
    },
    Newer {
        path: &["spec", "paramRef", "parameterNotFoundAction"],
        since: 28,
        means: "the failure policy decides where parameters are missing",
    },
];

const VERSION: &[Newer] = &[
    Newer {
        path: &["deprecated"],
        since: 19,
        means: "clients are not warned",
    },
    Newer {
        path: &["deprecationWarning"],
        since: 19,
        means: "clients are not warned",
    },
    Newer {
        path: &["selectableFields"],
        // 1.30 had it behind a feature gate.
        since: 31,
        means: "lists by these fields are refused",
    },
];

/// The release that evaluates rules by default; 1.23 and 1.24 had them behind a feature gate.
const RULES: u32 = 25;

const RULE: &[Newer] = &[
    Newer {
        path: &["messageExpression"],
        since: 27,
        means: "the message is the fixed one",
    },
    Newer {
        path: &["reason"],
        since: 28,
        means: "the reason is Invalid",
    },
    Newer {
        path: &["fieldPath"],
        since: 28,
        means: "the error names the object and not the field",
    },
    Newer {
        path: &["optionalOldSelf"],
        // 1.29 had it behind a feature gate.
        since: 30,
        means: "the rule is not evaluated when an object is created",
    },
];

pub(super) fn webhooks(node: &mut Node<'_>, minor: u32) {
    all(node, WEBHOOK, minor);
}

pub(super) fn policy(node: &mut Node<'_>, minor: u32) {
    all(node, POLICY, minor);
}

pub(super) fn definition(node: &mut Node<'_>, minor: u32) {
    if minor >= 31 {
        return;
    }
    node.at(&["spec"], |spec| {
        all(spec, VERSION, minor);
        spec.at(&["validation", "openAPIV3Schema"], |schema| {
            rules(schema, minor)
        });
        spec.each(&["versions"], |version| {
            all(version, VERSION, minor);
            version.at(&["schema", "openAPIV3Schema"], |schema| {
                rules(schema, minor)
            });
        });
    });
}

/// Rules of a schema and of everything below it that the server looks at.
fn rules(schema: &mut Node<'_>, minor: u32) {
    if minor >= 30 {
        return;
    }
    if schema.has(&["x-kubernetes-validations"]) {
        if minor < RULES {
            dropped(
                schema,
                &["x-kubernetes-validations"],
                RULES,
                "the rules are not evaluated",
            );
        } else {
            schema.each(&["x-kubernetes-validations"], |rule| all(rule, RULE, minor));
        }
    }
    schema.entries(&["properties"], |_, schema| rules(schema, minor));
    for below in ["items", "additionalProperties"] {
        schema.at(&[below], |schema| rules(schema, minor));
    }
}

fn all(node: &mut Node<'_>, fields: &[Newer], minor: u32) {
    for field in fields.iter().filter(|field| minor < field.since) {
        find(node, field.path, field);
    }
}

fn find(node: &mut Node<'_>, path: &[&str], field: &Newer) {
    match path.iter().position(|step| *step == "*") {
        Some(at) => {
            let (array, rest) = path.split_at(at);
            let rest = rest.get(1..).unwrap_or_default();
            node.each(array, |item| find(item, rest, field));
        }
        None if node.get(path).is_some_and(says_something) => {
            dropped(node, path, field.since, field.means);
        }
        None => {}
    }
}

fn says_something(value: &Tree) -> bool {
    match value {
        Tree::Null | Tree::Bool(false) => false,
        Tree::String(text) => !text.is_empty(),
        Tree::Array(items) => !items.is_empty(),
        Tree::Object(members) => !members.is_empty(),
        _ => true,
    }
}

fn dropped(node: &mut Node<'_>, path: &[&str], since: u32, means: &str) {
    node.warn(
        path,
        LossKind::UnknownField,
        Severity::Warning,
        format!("Kubernetes before 1.{since} drops it: {means}"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversion::draft::Log;

    type Rule = fn(&mut Node<'_>, u32);
    /// A minor, and the places of which something is said there.
    type Said = (u32, &'static [&'static str]);

    #[test]
    fn what_an_older_server_drops_is_said() {
        let cases: &[(&str, Rule, &str, &[Said])] = &[
            (
                "webhook",
                webhooks,
                r#"{"webhooks":[{"objectSelector":{},"matchConditions":[{"name":"a"}]},{"matchConditions":[]}]}"#,
                &[(27, &["/webhooks/0/matchConditions"]), (28, &[])],
            ),
            (
                "policy",
                policy,
                r#"{"spec":{"variables":[{"name":"a"}],"validations":[{"messageExpression":"a"},{"message":"b"}],"paramRef":{"parameterNotFoundAction":"Deny"}}}"#,
                &[
                    (
                        26,
                        &[
                            "/spec/variables",
                            "/spec/validations/0/messageExpression",
                            "/spec/paramRef/parameterNotFoundAction",
                        ],
                    ),
                    (
                        27,
                        &["/spec/variables", "/spec/paramRef/parameterNotFoundAction"],
                    ),
                    (28, &[]),
                ],
            ),
            (
                "definition",
                definition,
                r#"{"spec":{"versions":[{"name":"v1","deprecated":true,"selectableFields":[{"jsonPath":".spec.a"}],"schema":{"openAPIV3Schema":{
                    "properties":{"a":{"items":{"x-kubernetes-validations":[{"rule":"true","reason":"FieldValueInvalid","optionalOldSelf":true}]}}}}}}]}}"#,
                &[
                    (
                        18,
                        &[
                            "/spec/versions/0/deprecated",
                            "/spec/versions/0/selectableFields",
                            "/spec/versions/0/schema/openAPIV3Schema/properties/a/items/x-kubernetes-validations",
                        ],
                    ),
                    (
                        25,
                        &[
                            "/spec/versions/0/selectableFields",
                            "/spec/versions/0/schema/openAPIV3Schema/properties/a/items/x-kubernetes-validations/0/reason",
                            "/spec/versions/0/schema/openAPIV3Schema/properties/a/items/x-kubernetes-validations/0/optionalOldSelf",
                        ],
                    ),
                    (30, &["/spec/versions/0/selectableFields"]),
                    (31, &[]),
                ],
            ),
        ];
        for (what, rule, json, expected) in cases {
            for (minor, paths) in *expected {
                let mut tree = Tree::parse(json.as_bytes()).unwrap();
                let before = tree.clone();
                let mut log = Log::default();
                rule(&mut Node::root(&mut tree, &mut log), *minor);
                let said: Vec<&str> = log.losses.iter().map(|loss| loss.path.as_str()).collect();
                assert_eq!(said, *paths, "{what} at 1.{minor}");
                assert_eq!(tree, before, "{what} at 1.{minor}: nothing is taken away");
            }
        }
    }
}
