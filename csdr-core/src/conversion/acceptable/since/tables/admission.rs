//! Fields of definitions, webhooks and admission policies.

use super::{FALSE, Field, field};
use crate::conversion::outcome::Severity::Warning;

const EMPTY: &[&str] = &["[]"];
const NO_TEXT: &[&str] = &["\"\""];

pub(super) static WEBHOOKS: &[Field] = &[field(
    "webhooks[].matchConditions",
    27,
    Warning,
    "the webhook is called for more requests than its conditions say",
)
.on(28)
.same(EMPTY)];

pub(super) static POLICY: &[Field] = &[
    field(
        "spec.matchConditions",
        27,
        Warning,
        "the policy applies to more requests than its conditions say",
    )
    .same(EMPTY),
    field(
        "spec.auditAnnotations",
        27,
        Warning,
        "nothing is written to the audit log",
    )
    .same(EMPTY),
    field(
        "spec.variables",
        28,
        Warning,
        "expressions that name a variable are refused",
    )
    .same(EMPTY),
    field(
        "spec.validations[].messageExpression",
        27,
        Warning,
        "the message is the fixed one",
    )
    .same(NO_TEXT),
];

pub(super) static BINDING: &[Field] = &[
    field(
        "spec.validationActions",
        27,
        Warning,
        "a failed validation always denies",
    )
    .same(&["[\"Deny\"]"]),
    field(
        "spec.paramRef.selector",
        28,
        Warning,
        "no parameters are found",
    ),
    field(
        "spec.paramRef.parameterNotFoundAction",
        28,
        Warning,
        "the failure policy decides where parameters are missing",
    ),
];

pub(super) static DEFINITION: &[Field] = &[
    field(
        "spec.versions[].deprecated",
        19,
        Warning,
        "clients are not warned",
    )
    .same(FALSE),
    field(
        "spec.versions[].deprecationWarning",
        19,
        Warning,
        "clients are not warned",
    ),
    field(
        "spec.versions[].selectableFields",
        30,
        Warning,
        "lists by these fields are refused",
    )
    .on(31)
    .same(EMPTY),
    field(
        "spec.selectableFields",
        30,
        Warning,
        "lists by these fields are refused",
    )
    .on(31)
    .same(EMPTY),
];

/// At every place of a schema.
pub(super) static SCHEMA: &[Field] = &[
    field(
        "x-kubernetes-validations",
        23,
        Warning,
        "the rules are not evaluated",
    )
    .on(25)
    .same(EMPTY),
    field(
        "x-kubernetes-validations[].messageExpression",
        27,
        Warning,
        "the message is the fixed one",
    )
    .same(NO_TEXT),
    field(
        "x-kubernetes-validations[].reason",
        28,
        Warning,
        "the reason is Invalid",
    )
    .same(&["\"FieldValueInvalid\"", "\"\""]),
    field(
        "x-kubernetes-validations[].fieldPath",
        28,
        Warning,
        "the error names the object and not the field",
    )
    .same(NO_TEXT),
    field(
        "x-kubernetes-validations[].optionalOldSelf",
        29,
        Warning,
        "the rule is not evaluated when an object is created",
    )
    .on(30)
    .same(FALSE),
];
